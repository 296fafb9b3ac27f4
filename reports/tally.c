/* tally.c - sessions into counts by step, service and pair, until a step closes. */
#include "reports/tally.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define OPEN_STEPS 2
#define NS         1000000000u

static const char other[] = "other";

struct series {
	enum service service;
	char client[PARTY_NAME_MAX + 1];
	char server[PARTY_NAME_MAX + 1];
};

struct open_step {
	int64_t step; /* -1: none */
	struct ledger_row *rows;
	size_t rows_n, rows_room;
	uint32_t *row_of;     /* by series: index into rows + 1, or 0 */
	struct health so_far; /* of the capture, at its last message in this step */
	bool heard;
	uint64_t own[HEALTH_N]; /* what is counted here: lost, late, future, overflow */
};

struct tally {
	struct series *series;
	size_t series_n, series_max;
	uint32_t *slots; /* hash table: index into series + 1, or 0 */
	size_t slots_mask;
	struct open_step open[OPEN_STEPS]; /* by age */
	struct health base;                /* of the capture, at the end of the last step taken */
	struct health latest;
	int64_t now;   /* seconds; -1 before the first */
	int64_t first; /* steps before this one are closed */
	struct ledger_row *taken;
};

/* Series ------------------------------------------------------------------------------------- */

/* FNV-1a. Names come from the configuration, so nobody chooses collisions. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
	do {
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
	} while (*text++);
	return hash;
}

/* The slot that holds the series, or the free one where it belongs. */
static uint32_t *find_slot(struct tally *t, enum service service, const char *client,
			   const char *server)
{
	uint64_t hash = hash_text(hash_text(0xcbf29ce484222325u + service, client), server);

	for (size_t i = (size_t)hash & t->slots_mask;; i = (i + 1) & t->slots_mask) {
		const struct series *s;

		if (t->slots[i] == 0)
			return &t->slots[i];
		s = &t->series[t->slots[i] - 1];
		if (s->service == service && strcmp(s->client, client) == 0 &&
		    strcmp(s->server, server) == 0)
			return &t->slots[i];
	}
}

/* Index of the series, or -1 when it is new and there is no room. */
static int64_t series_index(struct tally *t, enum service service, const char *client,
			    const char *server)
{
	uint32_t *slot = find_slot(t, service, client, server);
	struct series *s;

	if (*slot)
		return *slot - 1;
	if (t->series_n == t->series_max)
		return -1;
	s = &t->series[t->series_n];
	s->service = service;
	strncpy(s->client, client, PARTY_NAME_MAX);
	strncpy(s->server, server, PARTY_NAME_MAX);
	*slot = (uint32_t)++t->series_n;
	return *slot - 1;
}

void tally_know(struct tally *t, enum service service, const char *client, const char *server)
{
	(void)series_index(t, service, client, server);
}

/* Life --------------------------------------------------------------------------------------- */

static void *zeroed(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p)
		abort();
	return p;
}

static size_t series_for(unsigned max_series)
{
	return max_series < SERVICE_N ? SERVICE_N : max_series;
}

static size_t slots_for(size_t series)
{
	size_t slots = 16;

	while (slots < 2 * series)
		slots *= 2;
	return slots;
}

/* The rows of steps, whose room is doubled, are those of the open ones and of the one taken. */
size_t tally_bytes(unsigned max_series)
{
	size_t n = series_for(max_series);

	return sizeof(struct tally) + n * sizeof(struct series) + slots_for(n) * sizeof(uint32_t) +
	       OPEN_STEPS * n * sizeof(uint32_t) +
	       (OPEN_STEPS + 1) * 2 * n * sizeof(struct ledger_row);
}

struct tally *tally_new(unsigned max_series)
{
	struct tally *t = zeroed(1, sizeof(*t));
	size_t slots;

	t->series_max = series_for(max_series);
	slots = slots_for(t->series_max);
	t->series = zeroed(t->series_max, sizeof(*t->series));
	t->slots = zeroed(slots, sizeof(*t->slots));
	t->slots_mask = slots - 1;
	t->now = -1;
	for (unsigned i = 0; i < OPEN_STEPS; i++) {
		t->open[i].step = -1;
		t->open[i].row_of = zeroed(t->series_max, sizeof(*t->open[i].row_of));
	}
	for (unsigned s = 0; s < SERVICE_N; s++) /* there is always room for the rest */
		tally_know(t, (enum service)s, other, other);
	return t;
}

void tally_free(struct tally *t)
{
	if (!t)
		return;
	for (unsigned i = 0; i < OPEN_STEPS; i++) {
		free(t->open[i].rows);
		free(t->open[i].row_of);
	}
	free(t->taken);
	free(t->slots);
	free(t->series);
	free(t);
}

/* Time --------------------------------------------------------------------------------------- */

static int64_t step_of(int64_t s)
{
	return s - s % STEP_S;
}

static bool is_future(uint64_t ns, uint64_t wall_ns)
{
	return ns / NS > wall_ns / NS + TALLY_FUTURE_S;
}

static bool is_over(const struct tally *t, int64_t step)
{
	return step < t->first || step + STEP_S + TALLY_GRACE_S <= t->now;
}

void tally_start(struct tally *t, int64_t first)
{
	t->first = first;
	if (t->now >= 0 && t->now < first)
		t->now = first;
}

void tally_time(struct tally *t, uint64_t ns, uint64_t wall_ns)
{
	int64_t s = (int64_t)(ns / NS);

	if (!is_future(ns, wall_ns) && s > t->now)
		t->now = s;
}

int64_t tally_now(const struct tally *t)
{
	return t->now < 0 ? -1 : step_of(t->now);
}

int64_t tally_oldest(const struct tally *t)
{
	return t->open[0].step;
}

int64_t tally_due(const struct tally *t)
{
	return t->open[0].step >= 0 && is_over(t, t->open[0].step) ? t->open[0].step : -1;
}

/* The step, opened if need be. Steps that are over were taken, so there is room. */
static struct open_step *get_step(struct tally *t, int64_t step)
{
	struct open_step *o;

	for (unsigned i = 0; i < OPEN_STEPS; i++) {
		if (t->open[i].step == step)
			return &t->open[i];
	}
	assert(t->open[1].step < 0);
	o = &t->open[t->open[0].step < 0 ? 0 : 1];
	if (o == &t->open[1] && step < t->open[0].step) { /* the older one comes first */
		struct open_step newer = t->open[0];

		t->open[0] = t->open[1];
		t->open[1] = newer;
		o = &t->open[0];
	}
	o->step = step;
	return o;
}

/* The step in which the time lies. Before the first time, that of the wall clock. */
static struct open_step *now_step(struct tally *t, uint64_t wall_ns)
{
	if (t->now < 0)
		t->now = (int64_t)(wall_ns / NS);
	return get_step(t, step_of(t->now));
}

/* Where a session decided at ns counts. */
static struct open_step *place(struct tally *t, uint64_t ns, uint64_t wall_ns)
{
	int64_t step = step_of((int64_t)(ns / NS));
	struct open_step *o = now_step(t, wall_ns);

	if (step > o->step || is_future(ns, wall_ns)) {
		o->own[HEALTH_FUTURE]++;
		return o;
	}
	if (!is_over(t, step))
		return get_step(t, step);
	o = &t->open[0];
	o->own[HEALTH_LATE]++;
	return o;
}

/* Counting ----------------------------------------------------------------------------------- */

static struct counts *counts_of(struct tally *t, struct open_step *o, int64_t series)
{
	const struct series *s = &t->series[series];
	struct ledger_row *row;

	if (o->row_of[series])
		return &o->rows[o->row_of[series] - 1].counts;
	if (o->rows_n == o->rows_room) {
		o->rows_room = o->rows_room ? 2 * o->rows_room : 64;
		o->rows = realloc(o->rows, o->rows_room * sizeof(*o->rows));
		if (!o->rows)
			abort();
	}
	row = &o->rows[o->rows_n++];
	memset(row, 0, sizeof(*row));
	row->service = s->service;
	memcpy(row->client, s->client, sizeof(row->client));
	memcpy(row->server, s->server, sizeof(row->server));
	o->row_of[series] = (uint32_t)o->rows_n;
	return &row->counts;
}

/* The counts of a pair; *fell: it had to go to "other". */
static struct counts *pair_counts(struct tally *t, struct open_step *o, const struct session *s,
				  const struct pair *p, bool *fell)
{
	enum service service = (enum service)s->service;
	int64_t series = series_index(t, service, p->client, p->server);

	*fell = series < 0;
	if (*fell)
		series = series_index(t, service, other, other);
	return counts_of(t, o, series);
}

int64_t tally_session(struct tally *t, const struct session *s, const struct pair *p,
		      uint64_t wall_ns)
{
	struct open_step *o = place(t, s->decided_ns, wall_ns);
	bool fell;

	counts_add_session(pair_counts(t, o, s, p, &fell), s, p->excepted);
	o->own[HEALTH_OVERFLOW] += fell;
	return o->step;
}

void tally_end(struct tally *t, const struct session *s, const struct pair *p, uint64_t wall_ns)
{
	bool fell;

	if (p->excepted || (s->messages <= 0 && s->verdict != VERDICT_PLAINTEXT))
		return;
	counts_add_end(pair_counts(t, now_step(t, wall_ns), s, p, &fell), s);
}

void tally_health(struct tally *t, const struct health *so_far, uint64_t wall_ns)
{
	struct open_step *o = now_step(t, wall_ns);

	for (unsigned n = 0; n < HEALTH_N; n++) { /* counters that went back stay where they were */
		if (so_far->n[n] > t->latest.n[n])
			t->latest.n[n] = so_far->n[n];
	}
	t->latest.alive = so_far->alive;
	o->so_far = t->latest;
	o->heard = true;
}

void tally_lost(struct tally *t, uint64_t n, uint64_t wall_ns)
{
	now_step(t, wall_ns)->own[HEALTH_LOST] += n;
}

/* Closing ------------------------------------------------------------------------------------ */

static struct health step_health(struct tally *t, const struct open_step *o)
{
	struct health h = { .alive = t->base.alive };

	if (o->heard) {
		h = health_since(&t->base, &o->so_far);
		t->base = o->so_far;
	}
	for (unsigned n = 0; n < HEALTH_N; n++)
		h.n[n] += o->own[n];
	return h;
}

size_t tally_take(struct tally *t, const struct ledger_row **rows, struct health *health)
{
	struct open_step taken = t->open[0];
	size_t n = taken.rows_n;

	assert(taken.step >= 0);
	*health = step_health(t, &taken);
	*rows = taken.rows;
	free(t->taken);
	t->taken = taken.rows;
	memset(taken.row_of, 0, t->series_max * sizeof(*taken.row_of));
	t->open[0] = t->open[1];
	t->open[1] = (struct open_step){ .step = -1, .row_of = taken.row_of };
	return n;
}
