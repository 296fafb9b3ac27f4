/* tally.h - sessions into counts by step, service and pair, until a step closes.
 *
 * Decides in which step a session counts, and keeps the steps that are open: there are two at
 * most. A step closes when the time passes its end by TALLY_GRACE_S. A session decided in a step
 * that is closed counts in the open one, and so does one with a time in the future; that never
 * moves the time on. The number of series (service and pair) is bounded; sessions of pairs
 * beyond it count under "other".
 *
 * Times come with the messages; the wall clock is handed in to judge them. Knows no file.
 */
#ifndef MAILSEAL_TALLY_H
#define MAILSEAL_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reports/ledger.h"

#define TALLY_GRACE_S  5
#define TALLY_FUTURE_S 60 /* further ahead of the wall clock than this is the future */

struct tally;

/* max_series: at least SERVICE_N, which is what "other" with itself takes. */
struct tally *tally_new(unsigned max_series);
void tally_free(struct tally *t);
size_t tally_bytes(unsigned max_series); /* the memory that it takes when it is full */

/* A series that has been counted in an earlier run keeps its place. */
void tally_know(struct tally *t, enum service service, const char *client, const char *server);

/* Steps before the first are closed: they are in the ledger. The time is not before it. */
void tally_start(struct tally *t, int64_t first);

/* Moves the time on, unless it lies in the future or behind what was. */
void tally_time(struct tally *t, uint64_t ns, uint64_t wall_ns);

/* The step in which the time lies; -1 before the first time. */
int64_t tally_now(const struct tally *t);

/* Counts a decided session; returns the step in which it counts. tally_time() was told when it
 * was decided, and steps that are due were taken. */
int64_t tally_session(struct tally *t, const struct session *s, const struct pair *p,
		      uint64_t wall_ns);

/* A session is over: what counts only then (counts_add_end) counts in the open step. */
void tally_end(struct tally *t, const struct session *s, const struct pair *p, uint64_t wall_ns);

/* The counters of the capture so far. What they have grown by since the last ones of the step
 * before is the health of the step. */
void tally_health(struct tally *t, const struct health *so_far, uint64_t wall_ns);

/* Records that were lost on the way. */
void tally_lost(struct tally *t, uint64_t n, uint64_t wall_ns);

/* The oldest open step; -1 when there is none. */
int64_t tally_oldest(const struct tally *t);

/* The oldest open step if it is over; -1 otherwise. To be taken before the next session. */
int64_t tally_due(const struct tally *t);

/* Closes the oldest open step and hands out what it holds. The rows are borrowed until the next
 * call. */
size_t tally_take(struct tally *t, const struct ledger_row **rows, struct health *health);

#endif
