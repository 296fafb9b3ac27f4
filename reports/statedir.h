/* statedir.h - the state directory: made, locked, and its session log.
 *
 * One sensor at a time writes to a state directory; the kernel gives the lock back when the
 * process ends, however it ends.
 */
#ifndef MAILSEAL_STATEDIR_H
#define MAILSEAL_STATEDIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct statedir;

/* Makes the directory (mode 0750; its parent must be there) and locks it. NULL with a sentence
 * in err. */
struct statedir *statedir_open(const char *path, char *err, size_t errlen);
void statedir_close(struct statedir *d);

/* True when a sensor runs on it, or something else holds the lock; false also when there is none
 * or it cannot be opened. Takes the lock for a moment when it is free. */
bool statedir_in_use(const char *path);

/* Its session log, as daylog.h has it: a line of the day that holds the step. statedir_close() flushes;
 * who wants to know what is lost at the end flushes and gives up before. */
bool statedir_log(struct statedir *d, int64_t step, const char *line, size_t len, char *err,
		  size_t errlen);
/* The next line opens the log anew: somebody may have renamed it. */
bool statedir_reopen(struct statedir *d, char *err, size_t errlen);
bool statedir_flush(struct statedir *d, char *err, size_t errlen);
void statedir_give_up_log(struct statedir *d);
uint64_t statedir_log_lost(const struct statedir *d);

/* Deletes session logs of days that were over at that time (seconds, UTC), most of them at most, and
 * calls with the name of each. Only regular files named as above in sessions/ itself; whatever else is
 * there, links too, is left alone. False with err: one could not be deleted; others were. */
typedef void statedir_gone_cb(void *ctx, const char *name);
bool statedir_expire(struct statedir *d, int64_t before, unsigned most, statedir_gone_cb *cb,
		     void *ctx, char *err, size_t errlen);

#endif
