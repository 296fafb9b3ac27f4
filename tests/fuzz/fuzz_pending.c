/* Commands that wait for their answers, compared with a plain list of them. Input: operations of
 * a byte: its two lowest bits say which, the others are its argument. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "dissectors/pending.h"

enum { PUSH, PUSH_MANY, POP, DROP_OR_STALE };
enum { MODEL_MAX = 1 << 17, OPERATIONS_MAX = 64 };

struct entry {
	uint8_t command;
	bool first; /* of its run */
};

struct model {
	struct entry *at;
	size_t from, to; /* what is outstanding */
	size_t newest;   /* of it, how many are of the newest run */
	unsigned stale;  /* runs */
};

static unsigned runs_of(const struct model *m)
{
	unsigned n = 0;

	for (size_t i = m->from; i < m->to; i++)
		n += m->at[i].first || i == m->from;
	return n;
}

static void forget_oldest(struct model *m)
{
	m->from++;
	if (m->newest > m->to - m->from)
		m->newest = m->to - m->from;
}

static void drop_run(struct model *m)
{
	do
		forget_oldest(m);
	while (m->from < m->to && !m->at[m->from].first);
	m->stale -= m->stale > 0;
}

static bool model_push(struct model *m, uint8_t command)
{
	bool joins =
		m->to > m->from && m->at[m->to - 1].command == command && m->newest < UINT16_MAX;
	bool full = !joins && runs_of(m) == PENDING_RUNS;

	if (full)
		drop_run(m);
	m->at[m->to++] = (struct entry){ command, !joins };
	m->newest = joins ? m->newest + 1 : 1;
	return !full;
}

static void model_pop(struct model *m)
{
	if (m->from + 1 == m->to || m->at[m->from + 1].first)
		drop_run(m);
	else
		forget_oldest(m);
}

static void compare(const struct model *m, const struct pending *p)
{
	unsigned runs = 0;

	MUST(p->head < PENDING_RUNS && p->stale == m->stale && p->stale <= p->runs);
	for (size_t i = m->from; i < m->to; i++) {
		if (i > m->from && !m->at[i].first)
			continue;
		MUST(runs < p->runs && pending_at(p, runs) == m->at[i].command);
		runs++;
	}
	MUST(runs == p->runs);
	MUST(pending_oldest(p) == (runs ? m->at[m->from].command : PENDING_NONE));
	MUST(pending_newest(p) == (runs ? m->at[m->to - 1].command : PENDING_NONE));
}

static void push(struct model *m, struct pending *p, uint8_t command, unsigned times)
{
	while (times-- > 0 && m->to < MODEL_MAX)
		MUST(pending_push(p, command) == model_push(m, command));
}

static void operate(struct model *m, struct pending *p, unsigned op)
{
	unsigned argument = op >> 2;

	switch (op & 3) {
	case PUSH: push(m, p, (uint8_t)argument, 1); break;
	case PUSH_MANY: push(m, p, (uint8_t)(argument & 7), 1200 * (argument >> 3)); break;
	case POP:
		for (unsigned i = 0; i <= argument && m->to > m->from; i++) {
			pending_pop(p);
			model_pop(m);
		}
		break;
	case DROP_OR_STALE:
		if (argument & 1) {
			p->stale = p->runs;
			m->stale = runs_of(m);
			break;
		}
		argument = (argument >> 1) % (p->runs + 1u);
		pending_drop(p, argument);
		while (argument-- > 0)
			drop_run(m);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct model m = { .at = malloc(MODEL_MAX * sizeof(struct entry)) };
	struct pending p = { .head = 0 };

	MUST(m.at != NULL);
	for (size_t i = 0; i < size && i < OPERATIONS_MAX; i++) {
		operate(&m, &p, data[i]);
		compare(&m, &p);
	}
	free(m.at);
	return 0;
}
