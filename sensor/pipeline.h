/* pipeline.h - the capture process: wire -> capture -> decode -> flow -> session -> channel.
 *
 * The wiring diagram. It knows every stage and does nothing itself but count.
 */
#ifndef MAILSEAL_PIPELINE_H
#define MAILSEAL_PIPELINE_H

#include <stdbool.h>
#include <stddef.h>

#include "sensor/capture.h"
#include "sensor/channel.h"
#include "sensor/conf.h"

struct pipeline;

/* Allocates everything that will be needed; capture and channel stay the caller's. progress: somebody
 * wants to know how far the files are read. NULL when memory cannot be had. */
struct pipeline *pipeline_new(const struct conf *c, struct capture *capture,
			      struct channel *channel, bool live, bool any, bool progress);
void pipeline_free(struct pipeline *p);

/* Runs until the files end, stop_fd becomes readable, or something fails; then ends every session
 * and sends the last counters. False when the capture failed or the recorder is gone. */
bool pipeline_run(struct pipeline *p, int stop_fd);

#endif
