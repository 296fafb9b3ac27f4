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

/* Appends a line to sessions/YYYY-MM-DD.jsonl (mode 0640) of the day that holds the step. Lines
 * are buffered. False with err. */
bool statedir_log(struct statedir *d, int64_t step, const char *line, size_t len, char *err,
		  size_t errlen);
bool statedir_flush(struct statedir *d, char *err, size_t errlen);

#endif
