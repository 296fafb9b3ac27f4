/* backlog.c - steps that the ledger has not taken yet. */
#include "sensor/backlog.h"

#include <stdlib.h>
#include <string.h>

struct waiting {
	struct waiting *next;
	struct ledger_batch step;
	struct health health;
	struct ledger_row rows[];
};

struct backlog {
	size_t steps_max, rows_max;
	size_t steps, rows;
	struct waiting *first, *last;
	struct backlog_lost lost;
};

struct backlog *backlog_new(size_t steps_max, size_t rows_max)
{
	struct backlog *b = calloc(1, sizeof(*b));

	if (!b)
		abort();
	b->steps_max = steps_max;
	b->rows_max = rows_max;
	return b;
}

void backlog_free(struct backlog *b)
{
	while (b && b->first)
		backlog_pop(b);
	free(b);
}

size_t backlog_bytes(size_t steps_max, size_t rows_max)
{
	return sizeof(struct backlog) + steps_max * sizeof(struct waiting) +
	       rows_max * sizeof(struct ledger_row);
}

const struct ledger_batch *backlog_first(const struct backlog *b)
{
	return b->first ? &b->first->step : NULL;
}

size_t backlog_steps(const struct backlog *b)
{
	return b->steps;
}

struct backlog_lost backlog_lost(const struct backlog *b)
{
	return b->lost;
}

void backlog_pop(struct backlog *b)
{
	struct waiting *gone = b->first;

	b->first = gone->next;
	if (!b->first)
		b->last = NULL;
	b->steps--;
	b->rows -= gone->step.rows_n;
	free(gone);
}

static uint64_t sessions_of(const struct ledger_batch *step)
{
	uint64_t n = 0;

	for (size_t i = 0; i < step->rows_n; i++)
		n += counts_sessions(&step->rows[i].counts) +
		     step->rows[i].counts.n[COUNT_EXCEPTED];
	return n;
}

/* The one behind it tells of it. */
static void drop_first(struct backlog *b)
{
	struct waiting *gone = b->first;
	uint64_t sessions = sessions_of(&gone->step);

	b->lost.steps++;
	b->lost.sessions += sessions;
	if (gone->next)
		gone->next->health.n[HEALTH_LOST] += gone->health.n[HEALTH_LOST] + sessions;
	backlog_pop(b);
}

void backlog_give_up(struct backlog *b)
{
	while (b->first)
		drop_first(b);
}

void backlog_push(struct backlog *b, const struct ledger_batch *step)
{
	struct waiting *w = malloc(sizeof(*w) + step->rows_n * sizeof(w->rows[0]));

	if (!w)
		abort();
	w->next = NULL;
	w->step = *step;
	w->health = *step->health;
	if (step->rows_n > 0)
		memcpy(w->rows, step->rows, step->rows_n * sizeof(w->rows[0]));
	w->step.rows = w->rows;
	w->step.health = &w->health;
	w->step.servers = NULL;
	w->step.servers_n = 0;
	if (b->last)
		b->last->next = w;
	else
		b->first = w;
	b->last = w;
	b->steps++;
	b->rows += step->rows_n;
	while (b->first != b->last && (b->steps > b->steps_max || b->rows > b->rows_max))
		drop_first(b);
}
