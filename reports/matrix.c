/* matrix.c - peers crossed with peers, from the ledger. */
#include "reports/matrix.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define CELLS_MAX 1000000u /* a ledger that holds more pairs is not one of ours */

/* Reading under way. */
struct reading {
	struct matrix *m;
	const char *client, *server; /* of one pair; NULL: of all */
	size_t parties_room, cells_room;
	bool full;
};

/* Room for one more element of an array that doubles. */
static void *grown(void *array, size_t n, size_t *room, size_t size)
{
	if (n < *room)
		return array;
	*room = *room ? 2 * *room : 32;
	array = reallocarray(array, *room, size);
	if (!array)
		abort();
	return array;
}

static enum party_kind kind_of(const char *name)
{
	size_t len = strlen(name);

	if (strcmp(name, "other") == 0)
		return PARTY_OTHER;
	return len > 4 && strcmp(name + len - 4, "-net") == 0 ? PARTY_NET : PARTY_PEER;
}

static size_t party_add(struct reading *r, const char *name, enum party_kind kind)
{
	struct matrix *m = r->m;
	struct party *p;

	m->parties = grown(m->parties, m->parties_n, &r->parties_room, sizeof(*m->parties));
	p = &m->parties[m->parties_n];
	memset(p, 0, sizeof(*p));
	snprintf(p->name, sizeof(p->name), "%s", name);
	p->kind = kind;
	return m->parties_n++;
}

static size_t party_index(struct reading *r, const char *name)
{
	for (size_t i = 0; i < r->m->parties_n; i++) {
		if (strcmp(r->m->parties[i].name, name) == 0)
			return i;
	}
	return party_add(r, name, kind_of(name));
}

static bool on_peer(void *ctx, const char *name, bool signatory)
{
	party_add(ctx, name, signatory ? PARTY_SIGNATORY : PARTY_PEER);
	return true;
}

static bool promised(const struct matrix *m, size_t client, size_t server)
{
	return m->service == SERVICE_MTA && client != server &&
	       m->parties[client].kind == PARTY_SIGNATORY &&
	       m->parties[server].kind == PARTY_SIGNATORY;
}

static bool between_signatories(const struct matrix *m, size_t client, size_t server)
{
	return m->parties[client].kind == PARTY_SIGNATORY &&
	       m->parties[server].kind == PARTY_SIGNATORY;
}

static bool on_pair(void *ctx, const struct ledger_row *row)
{
	struct reading *r = ctx;
	struct matrix *m = r->m;
	size_t client = party_index(r, row->client), server = party_index(r, row->server);
	bool shown = m->all || between_signatories(m, client, server);

	r->full = m->cells_n >= CELLS_MAX;
	if (r->full)
		return false;
	if (!shown) {
		counts_add(&m->beside, &row->counts);
		return true;
	}
	m->cells = grown(m->cells, m->cells_n, &r->cells_room, sizeof(*m->cells));
	m->cells[m->cells_n++] = (struct matrix_cell){
		.client = client,
		.server = server,
		.promised = promised(m, client, server),
		.counts = row->counts,
	};
	if (m->service != SERVICE_MTA || promised(m, client, server))
		counts_add(&m->total, &row->counts);
	return true;
}

static int by_place(const void *a, const void *b)
{
	const struct matrix_cell *x = a, *y = b;

	if (x->client != y->client)
		return x->client < y->client ? -1 : 1;
	return x->server < y->server ? -1 : x->server > y->server;
}

static int by_kind(const void *a, const void *b)
{
	const struct party *x = a, *y = b;

	return x->kind != y->kind ? (x->kind < y->kind ? -1 : 1) : strcmp(x->name, y->name);
}

/* The parties in the order in which they are shown, and the cells with them. */
static void sort(struct matrix *m)
{
	struct party *old = calloc(m->parties_n + 1, sizeof(*old));
	size_t *now = calloc(m->parties_n + 1, sizeof(*now));

	if (!old || !now)
		abort();
	if (m->parties_n) {
		memcpy(old, m->parties, m->parties_n * sizeof(*old));
		qsort(m->parties, m->parties_n, sizeof(*m->parties), by_kind);
	}
	for (size_t i = 0; i < m->parties_n; i++) {
		const struct party *at =
			bsearch(&old[i], m->parties, m->parties_n, sizeof(*at), by_kind);

		now[i] = (size_t)(at - m->parties);
	}
	for (size_t i = 0; i < m->cells_n; i++) {
		m->cells[i].client = now[m->cells[i].client];
		m->cells[i].server = now[m->cells[i].server];
	}
	if (m->cells_n)
		qsort(m->cells, m->cells_n, sizeof(*m->cells), by_place);
	free(old);
	free(now);
}

const struct matrix_cell *matrix_cell_of(const struct matrix *m, size_t client, size_t server)
{
	struct matrix_cell key = { .client = client, .server = server };

	return m->cells_n ? bsearch(&key, m->cells, m->cells_n, sizeof(key), by_place) : NULL;
}

static bool read_pairs(struct reading *r, struct ledger *l, char *err, size_t errlen)
{
	struct matrix *m = r->m;
	struct ledger_query q = { .from = m->period.from,
				  .to = m->period.to,
				  .service = (int)m->service,
				  .client = r->client,
				  .server = r->server };

	if (!ledger_peers(l, on_peer, r, err, errlen) ||
	    !ledger_sum(l, &q, on_pair, r, err, errlen))
		return false;
	if (r->full)
		snprintf(err, errlen, "the ledger holds more than %u pairs", CELLS_MAX);
	return !r->full;
}

static bool read_period(struct matrix *m, struct ledger *l, const struct period_asked *asked,
			char *err, size_t errlen)
{
	int64_t first, last;

	err[0] = '\0';
	if (!ledger_span(l, &first, &last, err, errlen)) {
		if (!err[0])
			snprintf(err, errlen, "the ledger is empty: no step has been recorded yet");
		return false;
	}
	m->ledger_end = last + STEP_S;
	return period_of(asked, m->ledger_end, &m->period, err, errlen);
}

static struct matrix *read_matrix(struct reading *r, struct ledger *l,
				  const struct period_asked *asked, char *err, size_t errlen)
{
	struct matrix *m = r->m;

	m->incidents_open = -1;
	if (!read_period(m, l, asked, err, errlen) || !read_pairs(r, l, err, errlen) ||
	    !ledger_sum_health(l, m->period.from, m->period.to, &m->health, &m->seen_s, err,
			       errlen)) {
		matrix_free(m);
		return NULL;
	}
	sort(m);
	return m;
}

static struct matrix *new_matrix(enum service service, bool all)
{
	struct matrix *m = calloc(1, sizeof(*m));

	if (!m)
		abort();
	m->service = service;
	m->all = all || service != SERVICE_MTA;
	return m;
}

struct matrix *matrix_new(struct ledger *l, enum service service, bool all,
			  const struct period_asked *asked, char *err, size_t errlen)
{
	struct reading r = { .m = new_matrix(service, all) };

	return read_matrix(&r, l, asked, err, errlen);
}

struct matrix *matrix_new_pair(struct ledger *l, enum service service, const char *client,
			       const char *server, const struct period_asked *asked, char *err,
			       size_t errlen)
{
	struct reading r = { .m = new_matrix(service, true), .client = client, .server = server };

	return read_matrix(&r, l, asked, err, errlen);
}

void matrix_free(struct matrix *m)
{
	if (!m)
		return;
	free(m->parties);
	free(m->cells);
	free(m);
}

bool matrix_limited(const struct matrix *m)
{
	static const enum health_counter limits[] = {
		HEALTH_LOST,    HEALTH_DROP_KERNEL,    HEALTH_DROP_NIC,   SKIP_FULL,
		HEALTH_EVICTED, HEALTH_UNDECIDED_FULL, HEALTH_REASM_FULL, HEALTH_ONE_SIDED,
		HEALTH_GAPS,    HEALTH_ACKED_UNSEEN,   HEALTH_TRUNCATED,
	};
	struct ratio r = counts_ratio(&m->total, 0);

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		if (m->health.n[limits[i]])
			return true;
	}
	return r.unknown > 0;
}
