/* report_time.c - when the sensor ran during a month, and when it did not. */
#include "reports/report_read.h"

/* Rows of health in time order, of one resolution after the other. */
struct walk {
	struct report *r;
	struct report_month *m;
	enum resolution resolution;
	int64_t at; /* everything before was looked at */
	bool outages;
	size_t room;
};

/* Stretches that touch are one. */
static void add_outage(struct walk *w, int64_t from, int64_t to, int64_t missed_s)
{
	struct report *r = w->r;
	struct outage *last = r->outages_n ? &r->outages[r->outages_n - 1] : NULL;

	if (!w->outages || missed_s <= 0)
		return;
	if (last && last->to == from) {
		last->to = to;
		last->missed_s += missed_s;
		return;
	}
	r->outages = report_grown(r->outages, r->outages_n, &w->room, sizeof(*r->outages));
	r->outages[r->outages_n++] = (struct outage){ from, to, missed_s };
}

static bool on_health(void *ctx, int64_t step, const struct health *h)
{
	struct walk *w = ctx;
	int64_t all = resolution_seconds(w->resolution), seen = ledger_seen_s(h, w->resolution);

	add_outage(w, w->at, step, step - w->at);
	add_outage(w, step, step + all, all - seen);
	w->at = step + all;
	w->m->seen_s += seen;
	for (unsigned i = 0; i < HEALTH_N; i++)
		w->m->health.n[i] += h->n[i];
	return true;
}

/* The days whose hours are gone, then the hours whose minutes are gone, then the minutes. */
static bool walk_all(struct walk *w, struct ledger *l, char *err, size_t errlen)
{
	int64_t from = w->m->counted_from;

	for (int r = RESOLUTION_N - 1; r >= 0; r--) {
		int64_t to = w->m->counted_to, finer = 0;

		w->resolution = (enum resolution)r;
		if (r > 0 && !ledger_kept(l, (enum resolution)(r - 1), &finer, err, errlen))
			return false;
		if (r > 0 && finer < to)
			to = finer;
		if (from < to &&
		    !ledger_walk_health(l, w->resolution, from, to, on_health, w, err, errlen))
			return false;
		if (from < to)
			from = to;
	}
	return true;
}

bool report_read_time(struct report *r, struct report_month *m, bool outages, struct ledger *l,
		      char *err, size_t errlen)
{
	int64_t begin = r->ledger_begin > m->counted_from ? r->ledger_begin : m->counted_from;
	int64_t end = r->ledger_end < m->counted_to ? r->ledger_end : m->counted_to;
	struct walk w = { .r = r, .m = m, .at = begin, .outages = outages };

	if (!walk_all(&w, l, err, errlen))
		return false;
	m->elapsed_s = end > m->counted_from ? end - m->counted_from : 0;
	m->before_s = begin < end ? begin - m->counted_from : m->elapsed_s;
	add_outage(&w, w.at, end, end - w.at);
	return true;
}
