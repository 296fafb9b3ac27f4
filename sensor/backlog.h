/* backlog.h - steps that the ledger has not taken yet, in their order.
 *
 * Bounded: when there are too many the oldest falls out. Its sessions, and the records that were lost
 * in it, then count as lost in the step behind it.
 */
#ifndef MAILSEAL_BACKLOG_H
#define MAILSEAL_BACKLOG_H

#include <stddef.h>
#include <stdint.h>

#include "reports/ledger.h"

#define BACKLOG_STEPS 1440   /* a day */
#define BACKLOG_ROWS  100000 /* some 25 MB */

struct backlog;

struct backlog *backlog_new(size_t steps_max, size_t rows_max);
void backlog_free(struct backlog *b);                    /* NULL is allowed */
size_t backlog_bytes(size_t steps_max, size_t rows_max); /* that it takes at most */

/* Copies a step, which is not earlier than those before: one that is open comes again, with what is
 * new. The servers that came with it are not kept. */
void backlog_push(struct backlog *b, const struct ledger_batch *step);

/* The oldest, until it is removed; NULL when there is none. */
const struct ledger_batch *backlog_first(const struct backlog *b);
void backlog_pop(struct backlog *b);

/* There is no later: all of them are lost. */
void backlog_give_up(struct backlog *b);

size_t backlog_steps(const struct backlog *b);

/* What fell out, ever. */
struct backlog_lost {
	uint64_t steps, sessions;
};
struct backlog_lost backlog_lost(const struct backlog *b);

#endif
