/* couriers.h - one process for each target of alerts (reports/courier.h), and one that keeps them.
 *
 * The keeper starts a courier for each target, and anew when one dies, at most once a minute. It is
 * forked before the recorder opens a database or starts a thread, because neither survives a fork;
 * so are the couriers, for the keeper has none; what is configured later it is told. All of them end
 * when the recorder does, however it ends: they hold the reading end of a pipe.
 */
#ifndef MAILSEAL_COURIERS_H
#define MAILSEAL_COURIERS_H

#include <stdbool.h>

#include "sensor/conf.h"

struct couriers;

/* Forks the keeper, which waits for the order to go. dir: the state directory. Called after
 * privileges were dropped. NULL with a line in the log. */
struct couriers *couriers_new(const struct conf *c, const char *dir);

/* incidents.db is there. NULL is allowed. */
void couriers_go(struct couriers *co);

/* Other targets and maintenance from now on. A courier whose target is the same goes on, unless
 * maintenance has changed; the others end within a few seconds, and then those that are new start.
 * What waits in the store waits on. Waits for nobody. NULL is allowed. */
void couriers_reload(struct couriers *co, const struct conf *c);

/* Tells the keeper what it could not be told at once; cheap. NULL is allowed. */
void couriers_remind(struct couriers *co);

/* Once in a while: says so in the log when there is no keeper any more. Then what is to be told waits in
 * incidents.db until the sensor is started again. False from then on. NULL is allowed. */
bool couriers_watch(struct couriers *co);

/* Tells them to end, and waits for that, three seconds at most. NULL is allowed. */
void couriers_end(struct couriers *co);

#endif
