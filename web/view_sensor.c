/* view_sensor.c - how well the sensor saw: what it read, what it lost and where, and when it did not
 * run. */
#include "web/view.h"

#include <stdlib.h>
#include <string.h>

#include "reports/matrix.h"
#include "web/page.h"

#define SPANS_SHOWN 3u /* day, week, month */
#define OUTAGES_MAX 50u

/* A time without the sensor. */
struct outage {
	int64_t from, to;
};

struct sensor_page {
	struct span_sums span[SPANS_SHOWN];
	bool balanced[SPANS_SHOWN];
	char imbalance[SPANS_SHOWN][VIEW_ERR_MAX];
	struct outage outages[OUTAGES_MAX]; /* the last ones, in time order from the oldest */
	size_t outages_n;                   /* all of them */
};

/* Reading: the books ---------------------------------------------------------------------- */

static bool on_level(void *ctx, int64_t step, const struct health *h)
{
	(void)step;
	*(uint64_t *)ctx = h->alive;
	return true;
}

/* How many flows were open when a period began: as the last step before it tells. After a stop there
 * are none. */
static bool alive_before(struct view *v, int64_t from, uint64_t *alive)
{
	enum resolution r = RESOLUTION_MINUTE;
	int64_t kept, unit;

	*alive = 0;
	if (!ledger_kept(v->l, r, &kept, v->err, sizeof(v->err)))
		return false;
	if (from - STEP_S < kept)
		r = RESOLUTION_HOUR;
	unit = resolution_seconds(r);
	from = (from + unit - 1) / unit * unit; /* a cut hour counts where it begins */
	return ledger_walk_health(v->l, r, from - unit, from, on_level, alive, v->err,
				  sizeof(v->err));
}

static bool alive_at_end(struct view *v, uint64_t *alive)
{
	*alive = 0;
	return ledger_walk_health(v->l, RESOLUTION_MINUTE, v->ledger_end - STEP_S, v->ledger_end,
				  on_level, alive, v->err, sizeof(v->err));
}

/* Of a period the flows open at its end less those open at its begin are what is left over. */
static bool check_books(struct view *v, struct sensor_page *p, unsigned s)
{
	struct health h = p->span[s].health;
	uint64_t before, end;

	if (!alive_before(v, p->span[s].period.from, &before) || !alive_at_end(v, &end))
		return false;
	h.n[HEALTH_FLOWS] += before;
	h.alive = end;
	p->balanced[s] = health_balance(&h, p->imbalance[s], sizeof(p->imbalance[s]));
	return true;
}

/* Reading: outages ------------------------------------------------------------------------ */

struct watch {
	struct sensor_page *p;
	int64_t ran, unit; /* end of the last row; what a row stands for */
};

static bool on_ran(void *ctx, int64_t step, const struct health *h)
{
	struct watch *w = ctx;

	(void)h;
	if (step > w->ran)
		w->p->outages[w->p->outages_n++ % OUTAGES_MAX] = (struct outage){ w->ran, step };
	if (step + w->unit > w->ran)
		w->ran = step + w->unit;
	return true;
}

/* Of the month, in minutes where they are kept and in hours before; not before the ledger began. */
static bool read_outages(struct view *v, struct sensor_page *p)
{
	int64_t from = p->span[SPAN_MONTH].period.from, first, last, kept;
	struct watch w = { .p = p };

	if (!ledger_span(v->l, &first, &last, v->err, sizeof(v->err)) ||
	    !ledger_kept(v->l, RESOLUTION_MINUTE, &kept, v->err, sizeof(v->err)))
		return false;
	w.ran = first > from ? first : from;
	if (w.ran < kept) {
		w.unit = resolution_seconds(RESOLUTION_HOUR);
		w.ran -= w.ran % w.unit;
		if (!ledger_walk_health(v->l, RESOLUTION_HOUR, w.ran, kept, on_ran, &w, v->err,
					sizeof(v->err)))
			return false;
	}
	w.unit = STEP_S;
	return ledger_walk_health(v->l, RESOLUTION_MINUTE, w.ran > kept ? w.ran : kept,
				  v->ledger_end, on_ran, &w, v->err, sizeof(v->err));
}

static bool read_all(struct view *v, struct sensor_page *p)
{
	for (unsigned s = 0; s < SPANS_SHOWN; s++) {
		struct period_asked asked = view_asked((enum span)s, v->ledger_end);
		struct span_sums *sum = &p->span[s];

		if (!period_of(&asked, v->ledger_end, &sum->period, v->err, sizeof(v->err)) ||
		    !ledger_sum_health(v->l, sum->period.from, sum->period.to, &sum->health,
				       &sum->seen_s, v->err, sizeof(v->err)) ||
		    !check_books(v, p, s))
			return false;
	}
	return read_outages(v, p);
}

/* The i'th of the outages that are kept, newest first. */
static const struct outage *outage_of(const struct sensor_page *p, size_t i)
{
	return &p->outages[(p->outages_n - 1 - i) % OUTAGES_MAX];
}

static size_t outages_kept(const struct sensor_page *p)
{
	return p->outages_n < OUTAGES_MAX ? p->outages_n : OUTAGES_MAX;
}

/* HTML ------------------------------------------------------------------------------------ */

static void put_cells(struct html *h, const struct sensor_page *p, enum health_counter c)
{
	char text[NUMBER_TEXT_MAX];

	for (unsigned s = 0; s < SPANS_SHOWN; s++) {
		number_text(p->span[s].health.n[c], text);
		html_put(h, "<td class=\"n\">%s</td>", text);
	}
	html_put(h, "</tr>\n");
}

static void put_ran(struct html *h, const struct sensor_page *p)
{
	char text[32];

	html_put(h, "<tr>");
	html_element(h, "th scope=\"row\"", T_SENSOR_RAN_ROW, NULL);
	for (unsigned s = 0; s < SPANS_SHOWN; s++) {
		const struct span_sums *sum = &p->span[s];

		percent_text((uint64_t)sum->seen_s, (uint64_t)(sum->period.to - sum->period.from),
			     false, text, sizeof(text));
		html_put(h, "<td class=\"n\">%s %%</td>", text);
	}
	html_put(h, "</tr>\n");
}

/* One layer after the other at which something is lost, and of what it is a part. */
static const struct layer {
	enum text name;
	enum health_counter lost;
	bool beside; /* what is lost is not in the whole: both together are all */
	enum health_counter whole;
} layers[] = {
	{ T_LOST_NIC, HEALTH_DROP_NIC, true, HEALTH_PACKETS },
	{ T_LOST_KERNEL, HEALTH_DROP_KERNEL, true, HEALTH_PACKETS },
	{ T_LOST_TABLE, SKIP_FULL, false, HEALTH_PACKETS },
	{ T_LOST_EVICTED, HEALTH_EVICTED, false, HEALTH_FLOWS },
	{ T_LOST_UNDECIDED, HEALTH_UNDECIDED_FULL, false, HEALTH_FLOWS },
	{ T_LOST_RECORDS, HEALTH_LOST, true, HEALTH_SESSIONS },
	{ T_LOST_SIDE, HEALTH_ONE_SIDED, false, HEALTH_SESSIONS },
};

static void put_share_of(struct html *h, const struct health *sum, const struct layer *l)
{
	uint64_t lost = sum->n[l->lost], all = sum->n[l->whole] + (l->beside ? lost : 0);
	char number[NUMBER_TEXT_MAX], share[16];

	number_text(lost, number);
	html_put(h, "<td class=\"n\">%s", number);
	if (all > 0 && lost <= all) {
		percent_text(lost, all, true, share, sizeof(share));
		html_put(h, " (%s %%)", share);
	}
	html_put(h, "</td>");
}

static void put_loss(struct html *h, const struct sensor_page *p)
{
	static const enum health_counter holes[] = { HEALTH_GAPS,           HEALTH_GAP_BYTES,
						     HEALTH_ACKED_UNSEEN,   HEALTH_REASM_FULL,
						     HEALTH_FRAGMENTS_LOST, HEALTH_TRUNCATED };

	html_element(h, "h2", T_LOSS_HEADING, NULL);
	page_table_begin(h, text_of(T_LOSS_HEADING), T_LOSS_CAPTION);
	page_span_heads(h, T_LAYER, SPANS_SHOWN);
	put_ran(h, p);
	for (size_t i = 0; i < sizeof(layers) / sizeof(layers[0]); i++) {
		html_put(h, "<tr>");
		html_element(h, "th scope=\"row\"", layers[i].name, NULL);
		for (unsigned s = 0; s < SPANS_SHOWN; s++)
			put_share_of(h, &p->span[s].health, &layers[i]);
		html_put(h, "</tr>\n");
	}
	for (size_t i = 0; i < sizeof(holes) / sizeof(holes[0]); i++) {
		html_put(h, "<tr><th scope=\"row\">%s</th>", health_text(holes[i]));
		put_cells(h, p, holes[i]);
	}
	page_table_end(h);
}

static void put_counters(struct html *h, const struct sensor_page *p)
{
	html_element(h, "h2", T_COUNTERS_HEADING, NULL);
	page_table_begin(h, text_of(T_COUNTERS_HEADING), T_NUMBERS_COUNTED);
	page_span_heads(h, T_COUNTER, SPANS_SHOWN);
	for (unsigned c = 0; c < HEALTH_N; c++) {
		html_put(h,
			 "<tr><th scope=\"row\"><code>%s</code> <span class=\"of\">%s</span></th>",
			 health_name((enum health_counter)c), health_text((enum health_counter)c));
		put_cells(h, p, (enum health_counter)c);
	}
	page_table_end(h);
}

static void put_books(struct html *h, const struct sensor_page *p)
{
	html_element(h, "h2", T_BOOKS_HEADING, NULL);
	html_put(h, "<ul>\n");
	for (unsigned s = 0; s < SPANS_SHOWN; s++)
		html_element(h, "li", p->balanced[s] ? T_BOOKS_BALANCE : T_BOOKS_DIFFER,
			     text_of(page_span((enum span)s)), p->imbalance[s], NULL);
	html_put(h, "</ul>\n");
	html_element(h, "p class=\"aside\"", T_BOOKS_ASIDE, NULL);
}

static void put_clock(struct html *h, const struct view *v, const struct sensor_page *p)
{
	static const enum health_counter shown[] = { HEALTH_TIME_JUMPS, HEALTH_FUTURE,
						     HEALTH_LATE };
	char lag[32], end[UTC_TEXT_MAX];

	html_element(h, "h2", T_CLOCK_HEADING, NULL);
	utc_text(v->ledger_end, UTC_SHORT, end);
	html_element(h, "p", T_LAST_STEP, end, NULL);
	duration_text(v->now - v->ledger_end, lag, sizeof(lag));
	if (!v->still)
		html_element(h, "p class=\"lag\"", v->now < v->ledger_end ? T_LAG_FUTURE : T_LAG,
			     lag, NULL);
	page_table_begin(h, text_of(T_CLOCK_HEADING), T_CLOCK_CAPTION);
	page_span_heads(h, T_COUNTER, SPANS_SHOWN);
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		html_put(h, "<tr><th scope=\"row\">%s</th>", health_text(shown[i]));
		put_cells(h, p, shown[i]);
	}
	page_table_end(h);
}

static void put_outages(struct html *h, const struct sensor_page *p)
{
	static const enum text heads[] = { T_FROM_TIME, T_TO_TIME, T_LENGTH };
	char all[NUMBER_TEXT_MAX], shown[NUMBER_TEXT_MAX], length[32];

	html_element(h, "h2", T_OUTAGES_HEADING, NULL);
	if (p->outages_n == 0) {
		html_element(h, "p class=\"good\"", T_NO_OUTAGES, NULL);
		return;
	}
	number_text(p->outages_n, all);
	number_text(outages_kept(p), shown);
	if (p->outages_n > OUTAGES_MAX)
		html_element(h, "p", T_SHOWN_OF, all, shown, NULL);
	page_table_begin(h, text_of(T_OUTAGES_HEADING), T_TIMES_ARE_UTC);
	page_heads(h, heads, sizeof(heads) / sizeof(heads[0]));
	for (size_t i = 0; i < outages_kept(p); i++) {
		const struct outage *o = outage_of(p, i);

		html_put(h, "<tr><th scope=\"row\">");
		page_time(h, o->from);
		html_put(h, "</th><td>");
		page_time(h, o->to);
		duration_text(o->to - o->from, length, sizeof(length));
		html_put(h, "</td><td>%s</td></tr>\n", length);
	}
	page_table_end(h);
}

static void put_graphs(struct html *h)
{
	static const struct {
		const char *picture;
		enum text words;
	} pictures[] = { { "packets", T_GRAPH_PACKETS },
			 { "loss", T_GRAPH_LOSS },
			 { "flows", T_GRAPH_FLOWS } };
	char words[128];

	html_element(h, "h2", T_OVER_TIME, NULL);
	for (unsigned s = 0; s < SPANS_SHOWN; s++) {
		html_element(h, "h3", page_span((enum span)s), NULL);
		html_put(h, "<div class=\"columns graphs\">\n");
		for (size_t i = 0; i < sizeof(pictures) / sizeof(pictures[0]); i++) {
			struct route graph = { .kind = ROUTE_GRAPH,
					       .of = GRAPH_SENSOR,
					       .span = (enum span)s };

			snprintf(graph.picture, sizeof(graph.picture), "%s", pictures[i].picture);
			text_fill(words, sizeof(words), pictures[i].words,
				  text_of(page_span((enum span)s)), NULL);
			page_graph(h, &graph, words);
		}
		html_put(h, "</div>\n");
	}
}

static void write_html(const struct view *v, const struct sensor_page *p, struct html *h)
{
	put_loss(h, p);
	put_clock(h, v, p);
	put_outages(h, p);
	put_books(h, p);
	put_graphs(h);
	put_counters(h, p);
}

/* JSON ------------------------------------------------------------------------------------ */

static void json_span(struct json_out *j, const struct sensor_page *p, unsigned s)
{
	json_object(j, span_name((enum span)s));
	view_json_period(j, &p->span[s]);
	for (unsigned c = 0; c < HEALTH_N; c++)
		json_uint(j, health_name((enum health_counter)c), p->span[s].health.n[c]);
	json_bool(j, "balanced", p->balanced[s]);
	json_text(j, "imbalance", p->balanced[s] ? NULL : p->imbalance[s]);
	json_object_end(j);
}

static void write_json(const struct sensor_page *p, struct json_out *j)
{
	char text[UTC_TEXT_MAX];

	json_object(j, "spans");
	for (unsigned s = 0; s < SPANS_SHOWN; s++)
		json_span(j, p, s);
	json_object_end(j);
	json_uint(j, "outages_all", p->outages_n);
	json_array(j, "outages");
	for (size_t i = 0; i < outages_kept(p); i++) {
		const struct outage *o = outage_of(p, i);

		json_object(j, NULL);
		utc_text(o->from, UTC_ISO, text);
		json_text(j, "from", text);
		utc_text(o->to, UTC_ISO, text);
		json_text(j, "to", text);
		json_uint(j, "seconds", (uint64_t)(o->to - o->from));
		json_object_end(j);
	}
	json_array_end(j);
}

enum answer view_sensor(struct view *v, struct html *h, struct json_out *j)
{
	struct sensor_page p = { .outages_n = 0 };

	if (!read_all(v, &p))
		return ANSWER_FAILED;
	if (h)
		write_html(v, &p, h);
	else
		write_json(&p, j);
	return ANSWER_OK;
}
