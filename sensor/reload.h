/* reload.h - the configuration file is read anew while the sensor runs.
 *
 * All of it or nothing: a file that cannot be read, or is wrong, leaves everything as it was. One
 * line in the log says what came of it, another which keys wait for the next start.
 */
#ifndef MAILSEAL_RELOAD_H
#define MAILSEAL_RELOAD_H

#include "sensor/couriers.h"
#include "sensor/recorder.h"

/* Called between two messages. first: the configuration of the start. co may be NULL. */
void reload(const char *path, const struct conf *first, struct recorder *r, struct couriers *co);

#endif
