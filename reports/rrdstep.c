/* rrdstep.c - what a closed step adds to each RRD file. */
#include "reports/rrd_series.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reports/rrdlib.h"

/* A file, as far as writing a step goes. */
struct target {
	const char *path;
	int64_t *last;
	const char *const *sources;
	unsigned n;
};

static bool create(const struct target *t, int64_t step, char *err, size_t errlen)
{
	char *fresh = rrd_text("%s.new", t->path);
	bool ok = rrdlib_create(fresh, step, RRD_HEARTBEAT_S, t->sources, t->n, err, errlen);

	if (ok && rename(fresh, t->path) != 0) {
		snprintf(err, errlen, "cannot rename %s: %s", fresh, strerror(errno));
		ok = false;
	}
	if (!ok)
		unlink(fresh);
	free(fresh);
	*t->last = ok ? step : -1;
	return ok;
}

/* The window since the last update is unknown when the file does not end where the step begins:
 * without that mark librrd would drop the step with the gap. */
static bool write_step(const struct target *t, int64_t step, const uint64_t *values, char *err,
		       size_t errlen)
{
	char gap[UPDATE_MAX], now[UPDATE_MAX];
	const char *updates[] = { gap, now };
	bool has_gap;

	if (*t->last < 0 && access(t->path, F_OK) != 0 && errno == ENOENT &&
	    !create(t, step, err, errlen))
		return false;
	if (*t->last < 0 && !rrdlib_last(t->path, t->last, err, errlen)) {
		*t->last = -1;
		return false;
	}
	if (*t->last == step + STEP_S)
		return true;
	if (*t->last > step) {
		snprintf(err, errlen, "%s is ahead of the ledger", t->path);
		*t->last = -1;
		return false;
	}
	has_gap = *t->last < step;
	rrd_update_text(step, NULL, t->n, gap);
	rrd_update_text(step + STEP_S, values, t->n, now);
	if (rrdlib_update(t->path, has_gap ? updates : updates + 1, has_gap ? 2 : 1, err, errlen)) {
		*t->last = step + STEP_S;
		return true;
	}
	*t->last = -1;
	return false;
}

/* Counts a failure; the first one is the one that is told. */
struct failures {
	unsigned n;
	char *err;
	size_t errlen;
};

static void note_failure(struct failures *f, const char *why)
{
	if (f->n++ == 0)
		snprintf(f->err, f->errlen, "%s", why);
}

static void write_series(struct rrdstore *r, struct series *s, int64_t step, struct failures *f)
{
	char *path = rrd_series_path(r, s, s->last < 0);
	struct target t = { path, &s->last, rrd_pair_sources, PAIR_SOURCES };
	uint64_t values[PAIR_SOURCES] = { 0 };
	char err[512];

	if (s->row != NULL)
		rrd_pair_values(&s->row->counts, values);
	if (!write_step(&t, step, values, err, sizeof(err)))
		note_failure(f, err);
	free(path);
}

static void write_health(struct rrdstore *r, int64_t step, const struct health *h,
			 struct failures *f)
{
	char *path = rrd_health_path(r), err[512];
	struct target t = { path, &r->health_last, rrd_health_sources, HEALTH_N };

	if (!write_step(&t, step, h->n, err, sizeof(err)))
		note_failure(f, err);
	free(path);
}

static void write_total(struct rrdstore *r, enum service service, int64_t step,
			const uint64_t *values, struct failures *f)
{
	char *path = rrd_total_path(r, service, r->total_last[service] < 0), err[512];
	struct target t = { path, &r->total_last[service], rrd_pair_sources, PAIR_SOURCES };

	if (!write_step(&t, step, values, err, sizeof(err)))
		note_failure(f, err);
	free(path);
}

static void write_totals(struct rrdstore *r, int64_t step, const struct ledger_row *rows, size_t n,
			 struct failures *f)
{
	uint64_t sums[SERVICE_N][PAIR_SOURCES] = { { 0 } };

	for (size_t i = 0; i < n; i++) {
		if (rrd_in_total(r, &rows[i]))
			rrd_add_values(sums[rows[i].service], &rows[i].counts);
	}
	for (unsigned s = 0; s < SERVICE_N; s++)
		write_total(r, (enum service)s, step, sums[s], f);
}

/* New pairs first: adding one moves the others. A row of excepted sessions draws nothing. */
static void add_new(struct rrdstore *r, const struct ledger_row *rows, size_t n, struct failures *f)
{
	uint64_t values[PAIR_SOURCES];

	for (size_t i = 0; i < n; i++) {
		if (rrd_pair_values(&rows[i].counts, values) &&
		    rrd_series_add(r, rows[i].service, rows[i].client, rows[i].server) == NULL)
			note_failure(f, "no room for one more RRD file, or a name that cannot be "
					"part of its path");
	}
}

bool rrdstore_step(struct rrdstore *r, int64_t step, const struct ledger_row *rows, size_t n,
		   const struct health *health, unsigned *failed, char *err, size_t errlen)
{
	struct failures f = { .err = err, .errlen = errlen };

	*failed = 0;
	if (step < RRD_EPOCH)
		return true;
	add_new(r, rows, n, &f);
	for (size_t i = 0; i < r->n; i++)
		r->series[i].row = NULL;
	for (size_t i = 0; i < n; i++) {
		struct series *s =
			rrd_series_find(r, rows[i].service, rows[i].client, rows[i].server);

		if (s != NULL)
			s->row = &rows[i];
	}
	for (size_t i = 0; i < r->n; i++)
		write_series(r, &r->series[i], step, &f);
	write_totals(r, step, rows, n, &f);
	write_health(r, step, health, &f);
	*failed = f.n;
	return f.n == 0;
}
