/* rrdrebuild.c - every RRD file anew from the ledger.
 *
 * One walk over the ledger feeds all files at once. A file gets an update for each row; the time
 * between two rows is zero where the sensor ran and unknown where it did not, each stretch of
 * which is one update however long it is: that is what the large heartbeat is for, until the file
 * is done. A file is written under another name and takes its place when it is complete.
 */
#include "reports/rrd_series.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reports/rrdlib.h"

#define BATCH     64 /* updates per file that wait to be written */
#define ANY_GAP_S (20ul * 366 * 86400)
#define PATH_NOTE ".new"

/* When the sensor ran. */
struct stretch {
	int64_t from, to;
};

/* A file that is being drawn. */
struct feed {
	char *path, *fresh; /* where it will be, and where it is now */
	const char *const *sources;
	unsigned sources_n;
	int64_t at;     /* drawn up to here */
	size_t stretch; /* the first one that may still matter */
	char *waiting[BATCH];
	unsigned waiting_n;
};

/* A total that is being drawn: the rows of a step come one by one. */
struct total {
	struct feed feed;
	bool waiting; /* the sum of a step has not been drawn */
	int64_t step, length_s;
	uint64_t sum[PAIR_SOURCES];
};

struct rebuild {
	struct rrdstore *now; /* as it was */
	struct rrdstore fresh;
	struct ledger *ledger;
	struct stretch *ran;
	size_t ran_n, ran_cap;
	struct feed health;
	struct total totals[SERVICE_N];
	int64_t end;      /* nothing from here on: the open step is not drawn yet */
	int64_t length_s; /* of the rows that are walked */
	bool failed;
	char *err;
	size_t errlen;
};

/* Feeds ----------------------------------------------------------------------------------- */

static bool feed_start(struct rebuild *b, struct feed *f, char *path, int64_t start,
		       const char *const *sources, unsigned n)
{
	*f = (struct feed){ .path = path, .sources = sources, .sources_n = n, .at = start };
	if (asprintf(&f->fresh, "%s" PATH_NOTE, path) < 0)
		abort();
	return rrdlib_create(f->fresh, start, ANY_GAP_S, sources, n, b->err, b->errlen);
}

static bool feed_flush(struct rebuild *b, struct feed *f)
{
	const char *updates[BATCH];
	bool ok = true;

	for (unsigned i = 0; i < f->waiting_n; i++)
		updates[i] = f->waiting[i];
	if (f->waiting_n > 0)
		ok = rrdlib_update(f->fresh, updates, f->waiting_n, b->err, b->errlen);
	for (unsigned i = 0; i < f->waiting_n; i++)
		free(f->waiting[i]);
	f->waiting_n = 0;
	return ok;
}

/* values NULL: unknown up to then. */
static bool feed_until(struct rebuild *b, struct feed *f, int64_t to, const uint64_t *values)
{
	char text[UPDATE_MAX];

	rrd_update_text(to, values, f->sources_n, text);
	f->waiting[f->waiting_n] = strdup(text);
	if (f->waiting[f->waiting_n] == NULL)
		abort();
	f->waiting_n++;
	f->at = to;
	return f->waiting_n < BATCH || feed_flush(b, f);
}

/* Zero where the sensor ran, unknown where it did not. */
static bool feed_idle(struct rebuild *b, struct feed *f, int64_t to)
{
	static const uint64_t zeros[HEALTH_N > PAIR_SOURCES ? HEALTH_N : PAIR_SOURCES];
	bool ok = true;

	while (ok && f->at < to) {
		const struct stretch *s = &b->ran[f->stretch];

		if (f->stretch == b->ran_n)
			ok = feed_until(b, f, to, NULL);
		else if (s->to <= f->at)
			f->stretch++;
		else if (s->from > f->at)
			ok = feed_until(b, f, s->from < to ? s->from : to, NULL);
		else
			ok = feed_until(b, f, s->to < to ? s->to : to, zeros);
	}
	return ok;
}

/* Draws the idle end, makes it an ordinary file, and puts it in its place. */
static bool feed_finish(struct rebuild *b, struct feed *f)
{
	int64_t end = b->ran_n == 0 ? f->at : b->ran[b->ran_n - 1].to;

	if (!feed_idle(b, f, end) || !feed_flush(b, f) ||
	    !rrdlib_set_heartbeat(f->fresh, RRD_HEARTBEAT_S, f->sources, f->sources_n, b->err,
				  b->errlen))
		return false;
	if (rename(f->fresh, f->path) == 0)
		return true;
	snprintf(b->err, b->errlen, "cannot rename %s: %s", f->fresh, strerror(errno));
	return false;
}

static void feed_drop(struct feed *f)
{
	for (unsigned i = 0; i < f->waiting_n; i++)
		free(f->waiting[i]);
	if (f->fresh != NULL)
		unlink(f->fresh);
	free(f->fresh);
	free(f->path);
}

/* Walks ----------------------------------------------------------------------------------- */

/* What is drawn of a row that begins at step: false when nothing is. */
static bool within(const struct rebuild *b, int64_t step)
{
	return step >= RRD_EPOCH && step < b->end;
}

/* Days up to where hours are kept, hours up to where minutes are, then minutes. */
static bool range_of(struct rebuild *b, enum resolution r, int64_t *from, int64_t *to)
{
	*from = 0;
	*to = INT64_MAX;
	b->length_s = resolution_seconds(r);
	if (r != RESOLUTION_DAY && !ledger_kept(b->ledger, r, from, b->err, b->errlen))
		return false;
	if (r != RESOLUTION_MINUTE &&
	    !ledger_kept(b->ledger, (enum resolution)(r - 1), to, b->err, b->errlen))
		return false;
	return true;
}

/* Health and totals begin with the first step in which the sensor ran. */
static bool start_all(struct rebuild *b, int64_t step)
{
	bool ok = feed_start(b, &b->health, rrd_health_path(&b->fresh), step, rrd_health_sources,
			     HEALTH_N);

	for (unsigned s = 0; ok && s < SERVICE_N; s++)
		ok = feed_start(b, &b->totals[s].feed,
				rrd_total_path(&b->fresh, (enum service)s, true), step,
				rrd_pair_sources, PAIR_SOURCES);
	return ok;
}

static bool on_health(void *ctx, int64_t step, const struct health *h)
{
	struct rebuild *b = ctx;
	struct stretch *last = b->ran_n == 0 ? NULL : &b->ran[b->ran_n - 1];

	if (!within(b, step))
		return true;
	if (last != NULL && last->to == step) {
		last->to = step + b->length_s;
	} else {
		if (b->ran_n == b->ran_cap) {
			b->ran_cap = b->ran_cap == 0 ? 64 : b->ran_cap * 2;
			b->ran = reallocarray(b->ran, b->ran_cap, sizeof(*b->ran));
			if (b->ran == NULL)
				abort();
		}
		b->ran[b->ran_n++] = (struct stretch){ step, step + b->length_s };
	}
	if (b->health.path == NULL && !start_all(b, step))
		b->failed = true;
	else if (!feed_idle(b, &b->health, step) ||
		 !feed_until(b, &b->health, step + b->length_s, h->n))
		b->failed = true;
	return !b->failed;
}

static struct feed *feed_of(struct rebuild *b, int64_t step, const struct ledger_row *row)
{
	struct series *s = rrd_series_add(&b->fresh, row->service, row->client, row->server);

	if (s == NULL || s->feed != NULL)
		return s == NULL ? NULL : s->feed;
	s->feed = calloc(1, sizeof(*s->feed));
	if (s->feed == NULL)
		abort();
	if (!feed_start(b, s->feed, rrd_series_path(&b->fresh, s, true), step, rrd_pair_sources,
			PAIR_SOURCES))
		b->failed = true;
	return s->feed;
}

static bool draw_sum(struct rebuild *b, struct total *t)
{
	if (!t->waiting)
		return true;
	t->waiting = false;
	return feed_idle(b, &t->feed, t->step) &&
	       feed_until(b, &t->feed, t->step + t->length_s, t->sum);
}

static bool add_to_total(struct rebuild *b, int64_t step, const struct ledger_row *row)
{
	struct total *t = &b->totals[row->service];

	if (!rrd_in_total(b->now, row) || t->feed.path == NULL)
		return true;
	if (t->waiting && t->step != step && !draw_sum(b, t))
		return false;
	if (!t->waiting) {
		*t = (struct total){ .feed = t->feed, .waiting = true, .step = step };
		t->length_s = b->length_s;
	}
	rrd_add_values(t->sum, &row->counts);
	return true;
}

static bool on_row(void *ctx, int64_t step, const struct ledger_row *row)
{
	struct rebuild *b = ctx;
	uint64_t values[PAIR_SOURCES];
	struct feed *f;

	if (!within(b, step) || !rrd_pair_values(&row->counts, values))
		return true;
	if (!add_to_total(b, step, row))
		b->failed = true;
	f = b->failed ? NULL : feed_of(b, step, row);
	if (f == NULL || b->failed) /* more pairs than files are wanted, or an error */
		return !b->failed;
	if (!feed_idle(b, f, step) || !feed_until(b, f, step + b->length_s, values))
		b->failed = true;
	return !b->failed;
}

static bool walk_health(struct rebuild *b)
{
	int64_t from, to;

	for (int r = RESOLUTION_DAY; r >= RESOLUTION_MINUTE; r--) {
		if (!range_of(b, (enum resolution)r, &from, &to) ||
		    !ledger_walk_health(b->ledger, (enum resolution)r, from, to, on_health, b,
					b->err, b->errlen) ||
		    b->failed)
			return false;
	}
	return true;
}

static bool walk_rows(struct rebuild *b)
{
	struct ledger_query q = { .service = -1 };

	for (int r = RESOLUTION_DAY; r >= RESOLUTION_MINUTE; r--) {
		if (!range_of(b, (enum resolution)r, &q.from, &q.to) ||
		    !ledger_walk(b->ledger, (enum resolution)r, &q, on_row, b, b->err, b->errlen) ||
		    b->failed)
			return false;
	}
	return true;
}

/* The end --------------------------------------------------------------------------------- */

/* Files of the whole and of the sensor, of which there are few. */
static unsigned others(const struct rebuild *b)
{
	unsigned n = b->health.path != NULL;

	for (unsigned s = 0; s < SERVICE_N; s++)
		n += b->totals[s].feed.path != NULL;
	return n;
}

static bool finish_others(struct rebuild *b)
{
	for (unsigned s = 0; s < SERVICE_N; s++) {
		struct total *t = &b->totals[s];

		if (t->feed.path != NULL && (!draw_sum(b, t) || !feed_finish(b, &t->feed)))
			return false;
		b->fresh.total_last[s] = t->feed.path != NULL ? t->feed.at : -1;
	}
	if (b->health.path != NULL && !feed_finish(b, &b->health))
		return false;
	b->fresh.health_last = b->health.path != NULL ? b->health.at : -1;
	return true;
}

static bool finish_all(struct rebuild *b, void (*progress)(void *, unsigned, unsigned), void *ctx)
{
	unsigned n = (unsigned)b->fresh.n, all = n + others(b);

	for (unsigned i = 0; i < n; i++) {
		struct series *s = &b->fresh.series[i];

		if (!feed_finish(b, s->feed))
			return false;
		s->last = s->feed->at;
		if (progress != NULL)
			progress(ctx, i + 1, all);
	}
	if (!finish_others(b))
		return false;
	if (progress != NULL)
		progress(ctx, all, all);
	return true;
}

static bool remove_file(struct rebuild *b, char *path)
{
	bool ok = unlink(path) == 0 || errno == ENOENT;

	if (!ok)
		snprintf(b->err, b->errlen, "cannot remove %s: %s", path, strerror(errno));
	free(path);
	return ok;
}

/* Files of which the ledger knows nothing. */
static bool remove_others(struct rebuild *b)
{
	for (size_t i = 0; i < b->now->n; i++) {
		const struct series *s = &b->now->series[i];

		if (rrd_series_find(&b->fresh, s->service, s->client, s->server) == NULL &&
		    !remove_file(b, rrd_series_path(b->now, s, false)))
			return false;
	}
	for (unsigned s = 0; s < SERVICE_N; s++) {
		if (b->totals[s].feed.path == NULL &&
		    !remove_file(b, rrd_total_path(b->now, (enum service)s, false)))
			return false;
	}
	return b->health.path != NULL || remove_file(b, rrd_health_path(b->now));
}

/* The list of what was drawn becomes the list of what there is. */
static void take_over(struct rebuild *b)
{
	struct series *old = b->now->series;

	b->now->series = b->fresh.series;
	b->now->n = b->fresh.n;
	b->now->cap = b->fresh.cap;
	b->now->health_last = b->fresh.health_last;
	memcpy(b->now->total_last, b->fresh.total_last, sizeof(b->now->total_last));
	b->fresh.series = old;
}

static void drop_feeds(struct rebuild *b)
{
	for (size_t i = 0; i < b->fresh.n; i++) {
		if (b->fresh.series[i].feed != NULL)
			feed_drop(b->fresh.series[i].feed);
		free(b->fresh.series[i].feed);
		b->fresh.series[i].feed = NULL;
	}
	for (unsigned s = 0; s < SERVICE_N; s++)
		feed_drop(&b->totals[s].feed);
	feed_drop(&b->health);
}

bool rrdstore_rebuild(struct rrdstore *r, struct ledger *l,
		      void (*progress)(void *ctx, unsigned done, unsigned all), void *ctx,
		      char *err, size_t errlen)
{
	struct rebuild b = { .now = r, .ledger = l, .err = err, .errlen = errlen };
	int64_t last;
	bool open, ok;

	b.fresh = (struct rrdstore){ .dir = r->dir, .max_series = r->max_series };
	if (!ledger_last_step(l, &last, &open, err, errlen) ||
	    !rrdstore_read_peers(r, l, err, errlen))
		return false;
	b.end = open ? last : INT64_MAX;
	ok = walk_health(&b) && walk_rows(&b) && finish_all(&b, progress, ctx) && remove_others(&b);
	drop_feeds(&b);
	if (ok)
		take_over(&b);
	free(b.fresh.series);
	free(b.ran);
	return ok;
}
