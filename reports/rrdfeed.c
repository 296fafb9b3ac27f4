/* rrdfeed.c - an RRD file that is drawn anew under another name. */
#include "reports/rrd_feed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reports/rrdlib.h"

#define ANY_GAP_S (20ul * 366 * 86400)

void feeds_ran(struct feeds *to, int64_t from, int64_t until)
{
	struct stretch *last = to->ran_n == 0 ? NULL : &to->ran[to->ran_n - 1];

	if (last != NULL && last->to == from) {
		last->to = until;
		return;
	}
	if (to->ran_n == to->ran_cap) {
		to->ran_cap = to->ran_cap == 0 ? 64 : to->ran_cap * 2;
		to->ran = reallocarray(to->ran, to->ran_cap, sizeof(*to->ran));
		if (to->ran == NULL)
			abort();
	}
	to->ran[to->ran_n++] = (struct stretch){ from, until };
}

bool feed_start(struct feeds *to, struct feed *f, char *path, int64_t start,
		const char *const *sources, unsigned n)
{
	*f = (struct feed){ .path = path, .sources = sources, .sources_n = n, .at = start };
	if (asprintf(&f->fresh, "%s" RRD_FRESH, path) < 0)
		abort();
	return rrdlib_create(f->fresh, start, ANY_GAP_S, sources, n, to->err, to->errlen);
}

static bool feed_flush(struct feeds *to, struct feed *f)
{
	const char *updates[FEED_BATCH];
	bool ok = true;

	for (unsigned i = 0; i < f->waiting_n; i++)
		updates[i] = f->waiting[i];
	if (f->waiting_n > 0)
		ok = rrdlib_update(f->fresh, updates, f->waiting_n, to->err, to->errlen);
	for (unsigned i = 0; i < f->waiting_n; i++)
		free(f->waiting[i]);
	f->waiting_n = 0;
	return ok;
}

bool feed_until(struct feeds *to, struct feed *f, int64_t until, const uint64_t *values)
{
	char text[UPDATE_MAX];

	rrd_update_text(until, values, f->sources_n, text);
	f->waiting[f->waiting_n] = strdup(text);
	if (f->waiting[f->waiting_n] == NULL)
		abort();
	f->waiting_n++;
	f->at = until;
	return f->waiting_n < FEED_BATCH || feed_flush(to, f);
}

bool feed_idle(struct feeds *to, struct feed *f, int64_t until)
{
	static const uint64_t zeros[HEALTH_N > PAIR_SOURCES ? HEALTH_N : PAIR_SOURCES];
	bool ok = true;

	while (ok && f->at < until) {
		const struct stretch *s = &to->ran[f->stretch];

		if (f->stretch == to->ran_n)
			ok = feed_until(to, f, until, NULL);
		else if (s->to <= f->at)
			f->stretch++;
		else if (s->from > f->at)
			ok = feed_until(to, f, s->from < until ? s->from : until, NULL);
		else
			ok = feed_until(to, f, s->to < until ? s->to : until, zeros);
	}
	return ok;
}

/* Puts it in its place, where something else may stand. */
static bool feed_put(struct feeds *to, const struct feed *f)
{
	char why[512];
	int64_t last;

	if (rrd_look(f->path, f->sources, f->sources_n, &last, why, sizeof(why)) == RRD_UNFIT &&
	    !rrd_set_aside(to->store, f->path, why, to->err, to->errlen))
		return false;
	if (rename(f->fresh, f->path) == 0)
		return true;
	snprintf(to->err, to->errlen, "cannot rename %s: %s", f->fresh, strerror(errno));
	return false;
}

bool feed_finish(struct feeds *to, struct feed *f)
{
	int64_t end = to->ran_n == 0 ? f->at : to->ran[to->ran_n - 1].to;

	return feed_idle(to, f, end) && feed_flush(to, f) &&
	       rrdlib_set_heartbeat(f->fresh, RRD_HEARTBEAT_S, f->sources, f->sources_n, to->err,
				    to->errlen) &&
	       feed_put(to, f);
}

void feed_drop(struct feed *f)
{
	for (unsigned i = 0; i < f->waiting_n; i++)
		free(f->waiting[i]);
	if (f->fresh != NULL)
		unlink(f->fresh);
	free(f->fresh);
	free(f->path);
}
