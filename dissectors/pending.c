#include "dissectors/pending.h"

unsigned pending_at(const struct pending *p, unsigned place)
{
	return p->run[(p->head + place) % PENDING_RUNS].command;
}

unsigned pending_oldest(const struct pending *p)
{
	return p->runs ? pending_at(p, 0) : PENDING_NONE;
}

unsigned pending_newest(const struct pending *p)
{
	return p->runs ? pending_at(p, p->runs - 1u) : PENDING_NONE;
}

void pending_drop(struct pending *p, unsigned n)
{
	p->head = (uint8_t)((p->head + n) % PENDING_RUNS);
	p->runs = (uint8_t)(p->runs - n);
	p->stale = n < p->stale ? (uint8_t)(p->stale - n) : 0;
}

void pending_pop(struct pending *p)
{
	if (--p->run[p->head].times == 0)
		pending_drop(p, 1);
}

bool pending_push(struct pending *p, unsigned command)
{
	struct pending_run *last = &p->run[(p->head + p->runs + PENDING_RUNS - 1) % PENDING_RUNS];
	bool full = p->runs == PENDING_RUNS;

	if (p->runs > 0 && last->command == command && last->times < UINT16_MAX) {
		last->times++;
		return true;
	}
	if (full)
		pending_drop(p, 1);
	last = &p->run[(p->head + p->runs) % PENDING_RUNS];
	*last = (struct pending_run){ (uint8_t)command, 1 };
	p->runs++;
	return !full;
}
