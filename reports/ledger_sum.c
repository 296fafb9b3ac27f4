/* ledger_sum.c - sums over a period: of pairs, and of the health. */
#include "reports/ledger_db.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/ledger_sql.h"

/* Periods --------------------------------------------------------------------------------- */

struct span {
	int64_t from, to;
};

static int64_t ceiling(int64_t t, int64_t unit)
{
	return ledger_floor(t, unit) + (t % unit == 0 ? 0 : unit);
}

/* The unit that begins in the period and is cut by its end. */
static struct span rest_of(int64_t from, int64_t to, int64_t unit)
{
	int64_t begins = ledger_floor(to, unit);

	if (begins < from || begins == to)
		return (struct span){ 0, 0 };
	return (struct span){ begins, begins + unit };
}

static void plan(int64_t from, int64_t to, struct span arms[ARM_N])
{
	int64_t h0 = ceiling(from, HOUR_S), h1 = ledger_floor(to, HOUR_S);
	int64_t d0 = ceiling(from, DAY_S), d1 = ledger_floor(to, DAY_S);

	memset(arms, 0, ARM_N * sizeof(*arms));
	arms[HOURS_REST] = rest_of(from, to, HOUR_S);
	arms[DAYS_REST] = rest_of(from, to, DAY_S);
	if (h0 > h1) {
		arms[MINUTES_HEAD] = (struct span){ from, to };
		return;
	}
	arms[MINUTES_HEAD] = (struct span){ from, h0 };
	arms[MINUTES_TAIL] = (struct span){ h1, to };
	if (d0 > d1) {
		arms[HOURS_HEAD] = (struct span){ h0, h1 };
		return;
	}
	arms[HOURS_HEAD] = (struct span){ h0, d0 };
	arms[DAYS_WHOLE] = (struct span){ d0, d1 };
	arms[HOURS_TAIL] = (struct span){ d1, h1 };
}

/* The period, kept to what the ledger can hold. One that reaches its end is taken to the end of that day,
 * where there is nothing: so the day and the hour that are under way count by their own rows. */
static bool period_of(struct ledger *l, int64_t from, int64_t to, struct span *out, char *err,
		      size_t errlen)
{
	int64_t last;
	bool open;

	if (!ledger_last_step(l, &last, &open, err, errlen))
		return false;
	out->from = from < 0 ? 0 : from;
	out->to = to <= last ? to : ceiling(last + 1, DAY_S);
	return true;
}

bool ledger_border(struct ledger *l, int64_t t, int64_t *border, char *err, size_t errlen)
{
	int64_t minutes, hours;

	if (!ledger_kept(l, RESOLUTION_MINUTE, &minutes, err, errlen) ||
	    !ledger_kept(l, RESOLUTION_HOUR, &hours, err, errlen))
		return false;
	*border = t;
	if (ledger_floor(t, HOUR_S) < minutes)
		*border = ceiling(t, HOUR_S);
	if (ledger_floor(t, DAY_S) < hours)
		*border = ceiling(t, DAY_S);
	return true;
}

static void bind_arms(struct db_stmt *s, const struct span *period)
{
	struct span arms[ARM_N];

	plan(period->from, period->to, arms);
	for (int i = 0; i < ARM_N; i++) {
		db_bind_int(s, 2 * i, arms[i].from);
		db_bind_int(s, 2 * i + 1, arms[i].to);
	}
}

/* Pairs ----------------------------------------------------------------------------------- */

/* The rows of a period are many, their pairs few: they are added up as they come, which takes half the
 * time of sorting them. */
struct sum {
	int64_t service, client, server; /* ids of parties */
	const char *client_name, *server_name;
	struct counts counts;
};

struct sums {
	struct sum *list;
	size_t n;
	size_t *slots;  /* place in the list and 1, by hash; 0: free */
	size_t slots_n; /* a power of two, more than twice n; the list has room for half as many */
};

static size_t slot_of(const struct sums *t, int64_t service, int64_t client, int64_t server)
{
	uint64_t key = ((uint64_t)client << 24 ^ (uint64_t)server << 2) + (uint64_t)service;
	size_t at = (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (t->slots_n - 1);

	while (t->slots[at] != 0) {
		const struct sum *s = &t->list[t->slots[at] - 1];

		if (s->service == service && s->client == client && s->server == server)
			return at;
		at = (at + 1) & (t->slots_n - 1);
	}
	return at;
}

static void grow(struct sums *t)
{
	t->slots_n = t->slots_n ? 2 * t->slots_n : 256;
	free(t->slots);
	t->slots = calloc(t->slots_n, sizeof(*t->slots));
	t->list = reallocarray(t->list, t->slots_n / 2, sizeof(*t->list));
	if (!t->slots || !t->list)
		abort();
	for (size_t i = 0; i < t->n; i++) {
		const struct sum *s = &t->list[i];

		t->slots[slot_of(t, s->service, s->client, s->server)] = i + 1;
	}
}

/* Columns: service, client, server, counts. */
static void add_row(struct sums *t, struct db_stmt *s)
{
	int64_t service = db_int(s, 0), client = db_int(s, 1), server = db_int(s, 2);
	struct sum *to;
	size_t at;

	if (2 * (t->n + 1) > t->slots_n)
		grow(t);
	at = slot_of(t, service, client, server);
	if (t->slots[at] == 0) {
		t->list[t->n++] = (struct sum){ service, client, server, NULL, NULL, { { 0 } } };
		t->slots[at] = t->n;
	}
	to = &t->list[t->slots[at] - 1];
	for (int i = 0; i < COUNT_N; i++)
		to->counts.n[i] += ledger_count_at(s, 3 + i);
}

static bool add_rows(struct ledger *l, const struct ledger_query *q, const struct span *period,
		     struct sums *t, char *err, size_t errlen)
{
	struct sql text = { .len = 0 };
	struct db_stmt *s;
	enum db_step got;

	sql_sum(&text, q);
	s = db_prepare(l->db, text.text, err, errlen);
	if (s == NULL)
		return false;
	bind_arms(s, period);
	if (q->service >= 0)
		db_bind_int(s, SUM_SERVICE, q->service);
	if (q->client)
		db_bind_text(s, SUM_CLIENT, q->client);
	if (q->server)
		db_bind_text(s, SUM_SERVER, q->server);
	while ((got = db_step(s, err, errlen)) == DB_ROW)
		add_row(t, s);
	db_finalize(s);
	return got != DB_ERROR;
}

/* Parties by id. */
struct names {
	struct name {
		int64_t id;
		char name[PARTY_NAME_MAX + 1];
	} * list;
	size_t n, room;
};

static bool read_names(struct ledger *l, struct names *names, char *err, size_t errlen)
{
	struct db_stmt *s =
		db_prepare(l->db, "SELECT id, name FROM party ORDER BY id", err, errlen);
	enum db_step got;

	if (s == NULL)
		return false;
	while ((got = db_step(s, err, errlen)) == DB_ROW) {
		struct name *n;

		if (names->n == names->room) {
			names->room = names->room ? 2 * names->room : 64;
			names->list = reallocarray(names->list, names->room, sizeof(*names->list));
			if (!names->list)
				abort();
		}
		n = &names->list[names->n++];
		n->id = db_int(s, 0);
		snprintf(n->name, sizeof(n->name), "%s", db_text(s, 1));
	}
	db_finalize(s);
	return got != DB_ERROR;
}

static int by_id(const void *a, const void *b)
{
	const struct name *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static const char *name_of(const struct names *names, int64_t id)
{
	const struct name key = { .id = id };
	const struct name *found =
		names->n ? bsearch(&key, names->list, names->n, sizeof(key), by_id) : NULL;

	return found ? found->name : NULL;
}

static bool give_names(const struct names *names, struct sums *t, char *err, size_t errlen)
{
	for (size_t i = 0; i < t->n; i++) {
		struct sum *s = &t->list[i];

		s->client_name = name_of(names, s->client);
		s->server_name = name_of(names, s->server);
		if (s->client_name && s->server_name && s->service >= 0 && s->service < SERVICE_N)
			continue;
		snprintf(err, errlen,
			 "the ledger is damaged: a row is of no known service or party");
		return false;
	}
	return true;
}

static int by_name(const void *a, const void *b)
{
	const struct sum *x = a, *y = b;
	int order = strcmp(x->client_name, y->client_name);

	if (order == 0)
		order = strcmp(x->server_name, y->server_name);
	return order ? order : x->service < y->service ? -1 : x->service > y->service;
}

static void hand_out(const struct sums *t, ledger_pair_cb *cb, void *ctx)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct sum *s = &t->list[i];
		struct ledger_row row = { .service = (enum service)s->service,
					  .counts = s->counts };

		snprintf(row.client, sizeof(row.client), "%s", s->client_name);
		snprintf(row.server, sizeof(row.server), "%s", s->server_name);
		if (!cb(ctx, &row))
			return;
	}
}

/* Ends a look at the ledger as it is at one moment. */
static bool looked(struct ledger *l, bool ok, char *err, size_t errlen)
{
	char ignored[256];

	if (ok)
		return db_exec(l->db, "RELEASE look", err, errlen);
	db_exec(l->db, "RELEASE look", ignored, sizeof(ignored));
	return false;
}

static bool sum_pairs(struct ledger *l, const struct ledger_query *q, struct sums *t,
		      struct names *names, char *err, size_t errlen)
{
	struct span period;

	if (!period_of(l, q->from, q->to, &period, err, errlen))
		return false;
	if (period.from >= period.to)
		return true;
	return add_rows(l, q, &period, t, err, errlen) && read_names(l, names, err, errlen);
}

bool ledger_sum(struct ledger *l, const struct ledger_query *q, ledger_pair_cb *cb, void *ctx,
		char *err, size_t errlen)
{
	struct sums t = { .n = 0 };
	struct names names = { .n = 0 };
	bool ok;

	if (!db_exec(l->db, "SAVEPOINT look", err, errlen))
		return false;
	ok = looked(l, sum_pairs(l, q, &t, &names, err, errlen), err, errlen) &&
	     give_names(&names, &t, err, errlen);
	if (ok && t.n > 0) {
		qsort(t.list, t.n, sizeof(*t.list), by_name);
		hand_out(&t, cb, ctx);
	}
	free(t.list);
	free(t.slots);
	free(names.list);
	return ok;
}

/* Health ---------------------------------------------------------------------------------- */

static bool steps_seen(struct ledger *l, enum resolution r, int64_t from, int64_t to,
		       int64_t *steps, char *err, size_t errlen)
{
	struct sql text = { .len = 0 };
	struct db_stmt *s;
	bool ok;

	sql_sum_steps(&text, r);
	s = db_prepare(l->db, text.text, err, errlen);
	if (s == NULL)
		return false;
	db_bind_int(s, 0, from);
	db_bind_int(s, 1, to);
	ok = db_step(s, err, errlen) == DB_ROW;
	if (ok)
		*steps = db_int(s, 0);
	db_finalize(s);
	return ok;
}

/* Minutes tell it where they are kept, hours before, then days. */
static bool time_seen(struct ledger *l, const struct span *period, int64_t *seen_s, char *err,
		      size_t errlen)
{
	int64_t to = period->to;

	*seen_s = 0;
	for (unsigned i = 0; i < RESOLUTION_N && to > period->from; i++) {
		enum resolution r = (enum resolution)i;
		int64_t kept, steps;

		if (!ledger_kept(l, r, &kept, err, errlen))
			return false;
		if (kept < period->from)
			kept = period->from;
		if (kept >= to)
			continue;
		if (!steps_seen(l, r, kept, to, &steps, err, errlen))
			return false;
		/* What an hour or a day that is cut has beside, and what is damaged. */
		if (steps > (to - kept) / STEP_S || steps < 0)
			steps = (to - kept) / STEP_S;
		*seen_s += steps * STEP_S;
		to = kept;
	}
	return true;
}

static bool sum_health(struct ledger *l, int64_t from, int64_t to, struct health *h,
		       int64_t *seen_s, char *err, size_t errlen)
{
	struct sql text = { .len = 0 };
	struct span period;
	struct db_stmt *s;
	bool ok;

	if (!period_of(l, from, to, &period, err, errlen))
		return false;
	if (period.from >= period.to)
		return true;
	sql_sum_health(&text);
	s = db_prepare(l->db, text.text, err, errlen);
	if (s == NULL)
		return false;
	bind_arms(s, &period);
	ok = db_step(s, err, errlen) == DB_ROW;
	if (ok)
		ledger_health_at(s, h);
	h->alive = 0;
	db_finalize(s);
	return ok && time_seen(l, &(struct span){ from, to }, seen_s, err, errlen);
}

bool ledger_sum_health(struct ledger *l, int64_t from, int64_t to, struct health *h,
		       int64_t *seen_s, char *err, size_t errlen)
{
	*h = (struct health){ .alive = 0 };
	*seen_s = 0;
	if (!db_exec(l->db, "SAVEPOINT look", err, errlen))
		return false;
	return looked(l, sum_health(l, from, to, h, seen_s, err, errlen), err, errlen);
}
