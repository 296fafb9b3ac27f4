/* rrdrebuild.c - RRD files anew from the ledger: every one, or those that are lost.
 *
 * One walk over the ledger feeds all files at once. A file gets an update for each row; the time
 * between two rows is zero where the sensor ran and unknown where it did not, each stretch of
 * which is one update however long it is: that is what the large heartbeat is for, until the file
 * is done. A file is written under another name and takes its place when it is complete.
 */
#include "reports/rrd_feed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reports/rrdlib.h"

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
	struct feeds feeds;
	bool mending; /* only what is lost */
	bool begun;   /* a step in which the sensor ran was found */
	struct feed health;
	struct total totals[SERVICE_N];
	int64_t end;      /* nothing from here on: the open step is not drawn yet */
	int64_t length_s; /* of the rows that are walked */
	const struct rrd_onlooker *by;
	bool failed;
};

/* Walks ----------------------------------------------------------------------------------- */

/* What is drawn of a row that begins at step: false when nothing is. */
static void ask_whether_to_go_on(struct rebuild *b)
{
	if (b->failed || b->by->go_on == NULL || b->by->go_on(b->by->ctx))
		return;
	snprintf(b->feeds.err, b->feeds.errlen, "stopped before all files were drawn");
	b->failed = true;
}

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
	if (r != RESOLUTION_DAY && !ledger_kept(b->ledger, r, from, b->feeds.err, b->feeds.errlen))
		return false;
	if (r != RESOLUTION_MINUTE &&
	    !ledger_kept(b->ledger, (enum resolution)(r - 1), to, b->feeds.err, b->feeds.errlen))
		return false;
	return true;
}

static bool is_wanted(const struct rebuild *b, const struct rrd_file *file)
{
	return !b->mending || file->lost;
}

/* Health and totals begin with the first step in which the sensor ran. */
static bool start_all(struct rebuild *b, int64_t step)
{
	bool ok = !is_wanted(b, &b->now->health) ||
		  feed_start(&b->feeds, &b->health, rrd_health_path(&b->fresh), step,
			     rrd_health_sources, HEALTH_N);

	for (unsigned s = 0; ok && s < SERVICE_N; s++)
		ok = !is_wanted(b, &b->now->totals[s]) ||
		     feed_start(&b->feeds, &b->totals[s].feed,
				rrd_total_path(&b->fresh, (enum service)s, true), step,
				rrd_pair_sources, PAIR_SOURCES);
	return ok;
}

static bool draw_health(struct rebuild *b, int64_t step, const struct health *h)
{
	struct feed *f = &b->health;

	return f->path == NULL || (feed_idle(&b->feeds, f, step) &&
				   feed_until(&b->feeds, f, step + b->length_s, h->n));
}

static bool on_health(void *ctx, int64_t step, const struct health *h)
{
	struct rebuild *b = ctx;

	ask_whether_to_go_on(b);
	if (b->failed || !within(b, step))
		return !b->failed;
	feeds_ran(&b->feeds, step, step + b->length_s);
	if ((!b->begun && !start_all(b, step)) || !draw_health(b, step, h))
		b->failed = true;
	b->begun = true;
	return !b->failed;
}

static bool is_wanted_pair(const struct rebuild *b, const struct ledger_row *row)
{
	const struct series *s;

	if (!b->mending)
		return true;
	s = rrd_series_find(b->now, row->service, row->client, row->server);
	return s != NULL && s->file.lost;
}

static struct feed *feed_of(struct rebuild *b, int64_t step, const struct ledger_row *row)
{
	struct series *s = is_wanted_pair(b, row) ? rrd_series_add(&b->fresh, row->service,
								   row->client, row->server)
						  : NULL;

	if (s == NULL || s->feed != NULL)
		return s == NULL ? NULL : s->feed;
	s->feed = calloc(1, sizeof(*s->feed));
	if (s->feed == NULL)
		abort();
	if (!feed_start(&b->feeds, s->feed, rrd_series_path(&b->fresh, s, true), step,
			rrd_pair_sources, PAIR_SOURCES))
		b->failed = true;
	return s->feed;
}

static bool draw_sum(struct rebuild *b, struct total *t)
{
	if (!t->waiting)
		return true;
	t->waiting = false;
	return feed_idle(&b->feeds, &t->feed, t->step) &&
	       feed_until(&b->feeds, &t->feed, t->step + t->length_s, t->sum);
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

	ask_whether_to_go_on(b);
	if (b->failed || !within(b, step) || !rrd_pair_values(&row->counts, values))
		return !b->failed;
	if (!add_to_total(b, step, row))
		b->failed = true;
	f = b->failed ? NULL : feed_of(b, step, row);
	if (f == NULL || b->failed) /* no file is wanted, or an error */
		return !b->failed;
	if (!feed_idle(&b->feeds, f, step) || !feed_until(&b->feeds, f, step + b->length_s, values))
		b->failed = true;
	return !b->failed;
}

static bool walk_health(struct rebuild *b)
{
	int64_t from, to;

	for (int r = RESOLUTION_DAY; r >= RESOLUTION_MINUTE; r--) {
		if (!range_of(b, (enum resolution)r, &from, &to) ||
		    !ledger_walk_health(b->ledger, (enum resolution)r, from, to, on_health, b,
					b->feeds.err, b->feeds.errlen) ||
		    b->failed)
			return false;
	}
	return true;
}

/* Whose rows are needed: of a single pair its own. */
static struct ledger_query needed_rows(const struct rebuild *b)
{
	struct ledger_query q = { .service = -1 };

	for (size_t i = 0; b->mending && rrdstore_lost(b->now) == 1 && i < b->now->n; i++) {
		const struct series *s = &b->now->series[i];

		if (s->file.lost)
			q = (struct ledger_query){ .service = (int)s->service,
						   .client = s->client,
						   .server = s->server };
	}
	return q;
}

static bool walk_rows(struct rebuild *b)
{
	struct ledger_query q = needed_rows(b);

	for (int r = RESOLUTION_DAY; r >= RESOLUTION_MINUTE; r--) {
		if (!range_of(b, (enum resolution)r, &q.from, &q.to) ||
		    !ledger_walk(b->ledger, (enum resolution)r, &q, on_row, b, b->feeds.err,
				 b->feeds.errlen) ||
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

		if (t->feed.path != NULL && (!draw_sum(b, t) || !feed_finish(&b->feeds, &t->feed)))
			return false;
		b->fresh.totals[s].last = t->feed.path != NULL ? t->feed.at : -1;
	}
	if (b->health.path != NULL && !feed_finish(&b->feeds, &b->health))
		return false;
	b->fresh.health.last = b->health.path != NULL ? b->health.at : -1;
	return true;
}

static void tell_progress(const struct rebuild *b, unsigned done, unsigned all)
{
	if (b->by->progress != NULL)
		b->by->progress(b->by->ctx, done, all);
}

static bool finish_all(struct rebuild *b)
{
	unsigned n = (unsigned)b->fresh.n, all = n + others(b);

	for (unsigned i = 0; i < n; i++) {
		struct series *s = &b->fresh.series[i];

		if (!feed_finish(&b->feeds, s->feed))
			return false;
		s->file.last = s->feed->at;
		tell_progress(b, i + 1, all);
	}
	if (!finish_others(b))
		return false;
	tell_progress(b, all, all);
	return true;
}

static bool remove_file(struct rebuild *b, char *path)
{
	bool ok = unlink(path) == 0 || errno == ENOENT;

	if (!ok && errno == EISDIR)
		ok = rrd_set_aside(b->now, path, strerror(EISDIR), b->feeds.err, b->feeds.errlen);
	else if (!ok)
		snprintf(b->feeds.err, b->feeds.errlen, "cannot remove %s: %s", path,
			 strerror(errno));
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
	b->now->health = b->fresh.health;
	memcpy(b->now->totals, b->fresh.totals, sizeof(b->now->totals));
	b->fresh.series = old;
}

/* What was lost is found; of what the ledger knows nothing, the file begins with the next step. */
static void find(struct rrd_file *file, const struct rrd_file *drawn)
{
	if (file->lost)
		*file = (struct rrd_file){ .last = drawn ? drawn->last : -1 };
}

static void find_all(struct rebuild *b)
{
	for (size_t i = 0; i < b->now->n; i++) {
		struct series *s = &b->now->series[i];
		const struct series *drawn =
			rrd_series_find(&b->fresh, s->service, s->client, s->server);

		find(&s->file, drawn ? &drawn->file : NULL);
	}
	for (unsigned s = 0; s < SERVICE_N; s++)
		find(&b->now->totals[s], &b->fresh.totals[s]);
	find(&b->now->health, &b->fresh.health);
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

/* Until where: a step that is open is left to the run that closes it. */
static bool begin(struct rebuild *b)
{
	int64_t last;
	bool open;

	if (!ledger_last_step(b->ledger, &last, &open, b->feeds.err, b->feeds.errlen) ||
	    !rrdstore_read_peers(b->now, b->ledger, b->feeds.err, b->feeds.errlen))
		return false;
	b->end = open ? last : INT64_MAX;
	b->fresh = (struct rrdstore){ .dir = b->now->dir,
				      .max_series = b->mending ? UINT32_MAX : b->now->max_series };
	return true;
}

/* drawn: all that was wanted. */
static bool end(struct rebuild *b, bool drawn)
{
	drop_feeds(b);
	if (drawn && b->mending)
		find_all(b);
	else if (drawn)
		take_over(b);
	free(b->fresh.series);
	free(b->feeds.ran);
	return drawn;
}

static const struct rrd_onlooker nobody = { .ctx = NULL };

bool rrdstore_rebuild(struct rrdstore *r, struct ledger *l, const struct rrd_onlooker *by,
		      char *err, size_t errlen)
{
	struct rebuild b = { .now = r,
			     .ledger = l,
			     .by = by ? by : &nobody,
			     .feeds = { r, .err = err, .errlen = errlen } };

	return end(&b, begin(&b) && walk_health(&b) && walk_rows(&b) && finish_all(&b) &&
			       remove_others(&b));
}

unsigned rrdstore_lost(const struct rrdstore *r)
{
	unsigned n = r->health.lost;

	for (size_t i = 0; i < r->n; i++)
		n += r->series[i].file.lost;
	for (unsigned s = 0; s < SERVICE_N; s++)
		n += r->totals[s].lost;
	return n;
}

bool rrdstore_mend(struct rrdstore *r, struct ledger *l, char *err, size_t errlen)
{
	struct rebuild b = { .now = r,
			     .ledger = l,
			     .by = &nobody,
			     .feeds = { r, .err = err, .errlen = errlen },
			     .mending = true };

	if (rrdstore_lost(r) == 0)
		return true;
	return end(&b, begin(&b) && walk_health(&b) && walk_rows(&b) && finish_all(&b));
}
