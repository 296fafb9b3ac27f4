/* metrics.c - what the sensor has counted, kept in memory for metrics_text.c to write. */
#include "reports/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reports/deliveries.h"
#include "reports/metrics_text.h"

struct metrics {
	char *dir;
	char *path, *path_new;
	struct metrics_totals totals;
	size_t room;
};

struct metrics *metrics_new(const char *dir, const char *file)
{
	struct metrics *m = calloc(1, sizeof(*m));

	if (!m || !(m->dir = strdup(dir)) ||
	    asprintf(&m->path, "%s%s", file[0] ? file : dir, file[0] ? "" : "/metrics.prom") < 0 ||
	    asprintf(&m->path_new, "%s.new", m->path) < 0)
		abort();
	m->totals.last_step = -1;
	return m;
}

size_t metrics_bytes(unsigned series)
{
	return sizeof(struct metrics) + 2 * (size_t)series * sizeof(struct ledger_row);
}

void metrics_free(struct metrics *m)
{
	if (!m)
		return;
	free(m->totals.rows);
	free(m->path_new);
	free(m->path);
	free(m->dir);
	free(m);
}

/* Rows --------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	const struct ledger_row *x = a, *y = b;
	int clients = strcmp(x->client, y->client), servers = strcmp(x->server, y->server);

	if (clients != 0)
		return clients;
	return servers != 0 ? servers : (int)x->service - (int)y->service;
}

/* Where a row stands, or would. */
static size_t place_of(const struct metrics *m, const struct ledger_row *key)
{
	size_t low = 0, high = m->totals.rows_n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (by_name(&m->totals.rows[middle], key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void add_row(struct metrics *m, const struct ledger_row *row)
{
	struct metrics_totals *t = &m->totals;
	size_t at = place_of(m, row);

	if (at < t->rows_n && by_name(&t->rows[at], row) == 0) {
		counts_add(&t->rows[at].counts, &row->counts);
		return;
	}
	if (t->rows_n == m->room) {
		m->room = m->room ? 2 * m->room : 64;
		t->rows = reallocarray(t->rows, m->room, sizeof(*t->rows));
		if (!t->rows)
			abort();
	}
	memmove(&t->rows[at + 1], &t->rows[at], (t->rows_n - at) * sizeof(*t->rows));
	t->rows[at] = *row;
	t->rows_n++;
}

/* Loading ------------------------------------------------------------------------------------ */

struct loading {
	struct metrics *m;
	const struct peers *peers;
};

/* A name of the configuration; what the ledger has of others is not shown. */
static bool is_known(const struct peers *p, const char *name)
{
	if (strcmp(name, "other") == 0)
		return true;
	for (int i = 0; (size_t)i < peers_count(p); i++) {
		size_t len = strlen(peers_name(p, i));

		if (strncmp(peers_name(p, i), name, len) == 0 &&
		    (name[len] == '\0' || strcmp(name + len, "-net") == 0))
			return true;
	}
	return false;
}

static bool on_total(void *ctx, const struct ledger_row *row)
{
	struct loading *l = ctx;

	if (is_known(l->peers, row->client) && is_known(l->peers, row->server))
		add_row(l->m, row);
	return true;
}

static void begin_with_zeros(struct metrics *m, const struct peers *p, size_t max_pairs)
{
	int n = (int)peers_count(p);
	size_t signatories = 0;

	for (int i = 0; i < n; i++)
		signatories += peers_signatory(p, i);
	if (signatories * signatories > max_pairs)
		return;
	for (int i = 0; i < n; i++) {
		for (int j = 0; j < n; j++) {
			struct ledger_row row = { .service = SERVICE_MTA };

			if (i == j || !peers_signatory(p, i) || !peers_signatory(p, j))
				continue;
			snprintf(row.client, sizeof(row.client), "%s", peers_name(p, i));
			snprintf(row.server, sizeof(row.server), "%s", peers_name(p, j));
			add_row(m, &row);
		}
	}
}

bool metrics_load(struct metrics *m, struct ledger *l, const struct peers *p, size_t max_pairs,
		  char *err, size_t errlen)
{
	struct loading loading = { m, p };
	bool open;

	begin_with_zeros(m, p, max_pairs);
	return ledger_last_step(l, &m->totals.last_step, &open, err, errlen) &&
	       ledger_totals(l, on_total, &loading, &m->totals.health, err, errlen);
}

void metrics_add(struct metrics *m, const struct ledger_batch *b)
{
	struct metrics_totals *t = &m->totals;

	for (size_t i = 0; i < b->rows_n; i++)
		add_row(m, &b->rows[i]);
	for (unsigned i = 0; i < HEALTH_N; i++)
		t->health.n[i] += b->health->n[i];
	t->health.alive = b->health->alive;
	t->last_step = b->step;
}

/* Writing ------------------------------------------------------------------------------------ */

static bool on_incident(void *ctx, const struct incident *i)
{
	struct metrics_levels *now = ctx;

	now->incidents[i->state][i->severity]++;
	return true;
}

static bool on_target(void *ctx, const char *name, uint64_t waiting)
{
	struct metrics_levels *now = ctx;

	if (now->targets_n == TARGETS_MAX)
		return false;
	snprintf(now->targets[now->targets_n].name, sizeof(now->targets[0].name), "%s", name);
	now->targets[now->targets_n++].waiting = waiting;
	return true;
}

static bool read_levels(const struct metrics *m, struct incidents *in, struct metrics_levels *now,
			char *err, size_t errlen)
{
	memset(now, 0, sizeof(*now));
	return deliveries_each_waiting(m->dir, on_target, now, err, errlen) &&
	       incidents_list(in, INCIDENT_OPEN, NULL, on_incident, now, err, errlen) &&
	       incidents_list(in, INCIDENT_STALE, NULL, on_incident, now, err, errlen);
}

/* A file that anybody may read, whatever the umask; NULL with errno. */
static FILE *create(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	FILE *f;

	if (fd < 0)
		return NULL;
	f = fchmod(fd, 0644) == 0 ? fdopen(fd, "w") : NULL;
	if (!f)
		close(fd);
	return f;
}

static bool write_all(const struct metrics *m, const struct metrics_levels *now)
{
	FILE *f = create(m->path_new);
	bool ok;

	if (!f)
		return false;
	metrics_text(&m->totals, now, f);
	ok = !ferror(f);
	ok = fclose(f) == 0 && ok;
	return ok && rename(m->path_new, m->path) == 0;
}

bool metrics_write(const struct metrics *m, struct incidents *in,
		   const struct metrics_writes *writes, char *err, size_t errlen)
{
	struct metrics_levels now;

	if (!read_levels(m, in, &now, err, errlen))
		return false;
	now.writes = writes;
	if (write_all(m, &now))
		return true;
	snprintf(err, errlen, "cannot write %s: %s", m->path, strerror(errno));
	return false;
}
