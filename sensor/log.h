/* log.h - what the program says to its operator: one line per event, on standard error.
 *
 * A line is "mailseald: LEVEL event=... key=value ...". Control characters are escaped, so that
 * no file name or configuration value can forge a line. Each level has a budget per second;
 * what is over it is counted and said with the next line. So is what nobody reads, where the log
 * does not wait. Never given bytes from the wire.
 */
#ifndef MAILSEAL_LOG_H
#define MAILSEAL_LOG_H

#include <stddef.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVELS };

#define LOG_LINE_MAX   1024
#define LOG_PER_SECOND 20

/* Safe in several threads. */
void log_event(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* From now on a line that would have to wait for its reader is dropped, in this process and in those
 * that it starts. Standard error may be opened anew for that, which wants the rights of who opened it. */
void log_never_waits(void);

/* Lines erase this first when it is shown, which happens in one thread. NULL: nothing any more. */
struct progress;
void log_over(struct progress *p);

/* The line that log_event() would write, without its LF; returns its length. */
size_t log_line(enum log_level level, const char *text, char *out, size_t outlen);

#endif
