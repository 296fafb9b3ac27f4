/* notify.h - tells systemd how the sensor is: sd_notify(3), one datagram for each word.
 *
 * READY=1 with the first word of the capture process, which is confined by then and reads. WATCHDOG=1
 * with those that follow, so that it is missing when either process stands still. Nothing here
 * waits: a word that is not taken is lost, but for READY=1, which is tried again.
 */
#ifndef MAILSEAL_NOTIFY_H
#define MAILSEAL_NOTIFY_H

#include "reports/health.h"

struct notify;

/* Takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID out of the environment. NULL when nobody wants
 * to be told, which every function here allows. */
struct notify *notify_new(void);
void notify_free(struct notify *n);

/* A word of the capture process was taken, with its counters so far. */
void notify_moved(struct notify *n, const struct health *so_far);

void notify_reloading(struct notify *n);
void notify_reloaded(struct notify *n); /* whatever came of it */
void notify_stopping(struct notify *n);

#endif
