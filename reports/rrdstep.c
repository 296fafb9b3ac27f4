/* rrdstep.c - what a closed step adds to each RRD file. */
#include "reports/rrd_series.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reports/rrdlib.h"

#define ERR_MAX 512
#define WHY_MAX 256

static const char ahead[] = "it is ahead of the ledger";

/* A file, as far as writing a step goes. */
struct target {
	const struct rrdstore *store;
	const char *path;
	struct rrd_file *file;
	const char *const *sources;
	unsigned n;
};

static bool create(const struct target *t, int64_t step, char *err, size_t errlen)
{
	char *fresh = rrd_text("%s" RRD_FRESH, t->path);
	bool ok = rrdlib_create(fresh, step, RRD_HEARTBEAT_S, t->sources, t->n, err, errlen);

	if (ok && rename(fresh, t->path) != 0) {
		snprintf(err, errlen, "cannot rename %s: %s", fresh, strerror(errno));
		ok = false;
	}
	if (!ok)
		unlink(fresh);
	free(fresh);
	t->file->last = ok ? step : -1;
	return ok;
}

static bool set_aside(const struct target *t, const char *why, char *err, size_t errlen)
{
	if (rrd_set_aside(t->store, t->path, why, err, errlen))
		snprintf(err, errlen, "%s: %s", t->path, why);
	return false;
}

/* Before the first update: how far is it written? */
static bool begin(const struct target *t, int64_t step, char *err, size_t errlen)
{
	char why[WHY_MAX];

	switch (rrd_look(t->path, t->sources, t->n, &t->file->last, why, sizeof(why))) {
	case RRD_ABSENT: return create(t, step, err, errlen);
	case RRD_FITS: return true;
	case RRD_UNFIT: return set_aside(t, why, err, errlen);
	case RRD_UNABLE: break;
	}
	snprintf(err, errlen, "%s", why);
	return false;
}

/* The window since the last update is unknown when the file does not end where the step begins:
 * without that mark librrd would drop the step with the gap. */
static bool update(const struct target *t, int64_t step, const uint64_t *values, char *err,
		   size_t errlen)
{
	char gap[UPDATE_MAX], now[UPDATE_MAX], why[WHY_MAX];
	const char *updates[] = { gap, now };
	bool has_gap = t->file->last < step;
	int64_t last;

	rrd_update_text(step, NULL, t->n, gap);
	rrd_update_text(step + STEP_S, values, t->n, now);
	if (rrdlib_update(t->path, has_gap ? updates : updates + 1, has_gap ? 2 : 1, err, errlen)) {
		t->file->last = step + STEP_S;
		return true;
	}
	switch (rrd_look(t->path, t->sources, t->n, &last, why, sizeof(why))) {
	case RRD_UNFIT: return set_aside(t, why, err, errlen);
	case RRD_FITS: return last <= step ? false : set_aside(t, ahead, err, errlen);
	case RRD_ABSENT:
	case RRD_UNABLE: break;
	}
	return false;
}

static bool try_step(const struct target *t, int64_t step, const uint64_t *values, char *err,
		     size_t errlen)
{
	if (t->file->last < 0 && !begin(t, step, err, errlen))
		return false;
	if (t->file->last == step + STEP_S)
		return true;
	if (t->file->last > step)
		return set_aside(t, ahead, err, errlen);
	return update(t, step, values, err, errlen);
}

static bool write_step(const struct target *t, int64_t step, const uint64_t *values, char *err,
		       size_t errlen)
{
	if (t->file->lost) {
		snprintf(err, errlen, "%s waits to be drawn anew", t->path);
		return false;
	}
	t->file->lost = !try_step(t, step, values, err, errlen);
	if (t->file->lost)
		t->file->last = -1;
	return !t->file->lost;
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
	char *path = rrd_series_path(r, s, s->file.last < 0);
	struct target t = { r, path, &s->file, rrd_pair_sources, PAIR_SOURCES };
	uint64_t values[PAIR_SOURCES] = { 0 };
	char err[ERR_MAX];

	if (s->row != NULL)
		rrd_pair_values(&s->row->counts, values);
	if (!write_step(&t, step, values, err, sizeof(err)))
		note_failure(f, err);
	free(path);
}

static void write_health(struct rrdstore *r, int64_t step, const struct health *h,
			 struct failures *f)
{
	char *path = rrd_health_path(r), err[ERR_MAX];
	struct target t = { r, path, &r->health, rrd_health_sources, HEALTH_N };

	if (!write_step(&t, step, h->n, err, sizeof(err)))
		note_failure(f, err);
	free(path);
}

static void write_total(struct rrdstore *r, enum service service, int64_t step,
			const uint64_t *values, struct failures *f)
{
	char *path = rrd_total_path(r, service, r->totals[service].last < 0), err[ERR_MAX];
	struct target t = { r, path, &r->totals[service], rrd_pair_sources, PAIR_SOURCES };

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
