/* daylog.h - the session log: sessions/YYYY-MM-DD.jsonl, a line for each session, whole lines only.
 *
 * Lines are buffered. What the disk does not take waits, up to DAYLOG_MAX bytes, and goes on where it
 * stopped, so that a full disk tears no line; what finds no room, or still waits when its day is over,
 * is lost and counted. The half line that a kill leaves at the end of a file is cut off when the file
 * is opened again.
 */
#ifndef MAILSEAL_DAYLOG_H
#define MAILSEAL_DAYLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DAYLOG_MAX (1u << 20)

struct daylog;

/* Of the state directory that is open as dir_fd; path names it in errors. Both stay the caller's. */
struct daylog *daylog_new(int dir_fd, const char *path);
void daylog_free(struct daylog *l); /* what waits is lost; NULL is allowed */

/* Appends a line, which ends in LF, to the file (mode 0640) of the day that holds the step. False with
 * err: something could not be written; it was lost only if daylog_lost() says so. */
bool daylog_add(struct daylog *l, int64_t step, const char *line, size_t len, char *err,
		size_t errlen);

/* Writes what waits. False with err: some of it waits on. */
bool daylog_flush(struct daylog *l, char *err, size_t errlen);

/* Writes what waits; then the next line opens its file anew, which somebody may have renamed. False
 * with err: some of it waits on, for the file that is open. */
bool daylog_reopen(struct daylog *l, char *err, size_t errlen);

/* Gives up what waits, and leaves whole lines in the file. */
void daylog_give_up(struct daylog *l);

/* The file of a day, counted from 1970, in sessions/. */
void daylog_name(int64_t day, char name[32]);

/* Lines that were lost. */
uint64_t daylog_lost(const struct daylog *l);

#endif
