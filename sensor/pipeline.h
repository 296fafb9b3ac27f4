/* pipeline.h - the capture process: wire -> capture -> decode -> flow -> session -> channel.
 *
 * The wiring diagram. It knows every stage and does nothing itself but count. Several pipelines, each
 * in its thread, share the packets by their addresses (steer.h). Files each of them reads all of, and
 * leaves to the others what is theirs; of an interface each gets some packets, and hands over what
 * it finds to be another's.
 */
#ifndef MAILSEAL_PIPELINE_H
#define MAILSEAL_PIPELINE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sensor/capture.h"
#include "sensor/channel.h"
#include "sensor/conf.h"
#include "sensor/ring.h"

struct pipeline;

/* What one of several pipelines needs to know of the others. */
struct share {
	unsigned index, of;
	_Atomic uint64_t passed;  /* everything up to here is sent; pipeline_at() */
	struct ring *const *from; /* live: packets that others hand over, by index; NULL: our own */
	struct ring *const *to;   /* and that we hand over */
	pthread_barrier_t *finish; /* live: nobody hands over any more */
};

struct pipeline_options {
	const struct conf *conf;
	struct capture *capture; /* stays the caller's, as channel and share */
	struct channel *channel;
	struct share *share; /* NULL: all packets are ours */
	bool live;
	bool any;      /* look for mail on every port */
	bool progress; /* somebody wants to know how far the files are read */
};

/* Allocates everything that will be needed. NULL when memory cannot be had. */
struct pipeline *pipeline_new(const struct pipeline_options *o);
void pipeline_free(struct pipeline *p);
size_t pipeline_bytes(const struct conf *c); /* the memory that it takes at most */

/* Where it is, to put what several send in order: the number of the packet, the same for all who read
 * the same files; live the time. */
uint64_t pipeline_at(const struct pipeline *p);

/* Runs until the files end, stop_fd becomes readable, or something fails; then ends every session
 * and sends the last counters. False when the capture failed or the recorder is gone. */
bool pipeline_run(struct pipeline *p, int stop_fd);

#endif
