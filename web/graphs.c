/* graphs.c - the pictures of the site, and what a script tells of them. */
#include "web/graphs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/counts_json.h"
#include "reports/graph.h"
#include "web/page.h"

#define DEADLINE_MS 10000
#define POINTS_MAX  480

/* The picture ----------------------------------------------------------------------------- */

/* The period in the words of the matrix: a span is counted back from the end of the ledger. */
static struct period_asked period_of_route(const struct view *v)
{
	const struct route *r = &v->route;

	if (r->span < SPANS)
		return view_asked(r->span, v->ledger_end);
	return (struct period_asked){
		.from = r->from, .to = r->to, .has_from = true, .has_to = true
	};
}

static bool fits(const struct route *r, enum rrd_kind k)
{
	return rrd_kind_of_sensor(k) == (r->of == GRAPH_SENSOR);
}

static bool name_picture(struct view *v, struct rrd_picture *p)
{
	const struct route *r = &v->route;

	memset(p, 0, sizeof(*p));
	if (!rrd_kind_by_name(r->picture, &p->kind) || !fits(r, p->kind)) {
		snprintf(v->err, sizeof(v->err), "%s", text_of(T_NO_SUCH_PICTURE));
		return false;
	}
	p->service = r->service;
	snprintf(p->client, sizeof(p->client), "%s", r->client);
	snprintf(p->server, sizeof(p->server), "%s", r->server);
	p->width = PLOT_WIDTH;
	p->height = PLOT_HEIGHT;
	p->svg = !r->png;
	p->theme = r->dark ? RRD_DARK : RRD_LIGHT;
	snprintf(p->background, sizeof(p->background), "%s", r->dark ? "1d2125" : "ffffff");
	return true;
}

/* The counts that the legend needs, and no more. The sensor has no pair: its names are empty. */
static struct matrix *read_matrix(struct view *v)
{
	struct period_asked asked = period_of_route(v);
	const struct route *r = &v->route;

	if (r->of == GRAPH_TOTAL)
		return matrix_new(v->l, r->service, false, &asked, v->err, sizeof(v->err));
	return matrix_new_pair(v->l, r->service, r->client, r->server, &asked, v->err,
			       sizeof(v->err));
}

static bool fill_picture(struct view *v, struct rrd_picture *p)
{
	struct matrix *m = read_matrix(v);
	bool ok = m && graph_fill(p, m, v->dir, v->err, sizeof(v->err));

	matrix_free(m);
	return ok;
}

static enum answer draw(struct view *v, struct drawer *d, struct rrd_picture *p,
			struct rrd_image *out)
{
	if (!name_picture(v, p) || !fill_picture(v, p))
		return ANSWER_NOT_FOUND;
	if (!d) {
		snprintf(v->err, sizeof(v->err), "%s", text_of(T_NO_DRAWER));
		return ANSWER_FAILED;
	}
	if (!drawer_draw(d, p, DEADLINE_MS, out, v->err, sizeof(v->err)))
		return ANSWER_FAILED;
	return ANSWER_OK;
}

enum answer graph_draw(struct view *v, struct drawer *d, struct rrd_image *out)
{
	struct rrd_picture p;

	return draw(v, d, &p, out);
}

/* Its data -------------------------------------------------------------------------------- */

struct point {
	bool seen; /* the sensor ran in it */
	struct counts counts;
	struct health health;
};

struct series {
	int64_t from, seconds; /* of a point */
	size_t n;
	struct point points[POINTS_MAX];
};

/* The shortest point of which there are not too many, and the resolution that has it. A minute is no
 * point when minutes are not kept so far back. */
static bool choose(struct view *v, const struct rrd_picture *p, struct series *s,
		   enum resolution *r)
{
	static const struct {
		int64_t seconds;
		enum resolution r;
	} choices[] = {
		{ 60, RESOLUTION_MINUTE },  { 300, RESOLUTION_MINUTE }, { 3600, RESOLUTION_HOUR },
		{ 21600, RESOLUTION_HOUR }, { 86400, RESOLUTION_DAY },  { 604800, RESOLUTION_DAY },
	};
	int64_t kept;

	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		s->seconds = choices[i].seconds;
		*r = choices[i].r;
		s->from = p->from / s->seconds * s->seconds;
		if (!ledger_kept(v->l, *r, &kept, v->err, sizeof(v->err)))
			return false;
		if (kept <= s->from && (p->to - s->from) / s->seconds < POINTS_MAX)
			break;
	}
	s->n = (size_t)((p->to - s->from + s->seconds - 1) / s->seconds);
	if (s->n > POINTS_MAX)
		s->n = POINTS_MAX;
	return true;
}

static struct point *point_at(struct series *s, int64_t step)
{
	int64_t at = step < s->from ? -1 : (step - s->from) / s->seconds;

	return at < 0 || (size_t)at >= s->n ? NULL : &s->points[at];
}

static bool on_promised(void *ctx, int64_t step, const struct counts *sum)
{
	struct point *p = point_at(ctx, step);

	if (p)
		counts_add(&p->counts, sum);
	return true;
}

static bool on_row(void *ctx, int64_t step, const struct ledger_row *row)
{
	return on_promised(ctx, step, &row->counts);
}

static bool on_health(void *ctx, int64_t step, const struct health *h)
{
	struct point *p = point_at(ctx, step);

	if (!p)
		return true;
	p->seen = true;
	for (unsigned i = 0; i < HEALTH_N; i++)
		p->health.n[i] += h->n[i];
	return true;
}

static bool read_series(struct view *v, const struct rrd_picture *p, struct series *s)
{
	const struct route *route = &v->route;
	struct ledger_query q = { .to = p->to, .service = (int)route->service };
	enum resolution r;
	bool ok;

	if (!choose(v, p, s, &r))
		return false;
	q.from = s->from;
	if (route->of == GRAPH_PAIR) {
		q.client = route->client;
		q.server = route->server;
	}
	if (route->of == GRAPH_SENSOR)
		ok = true;
	else if (route->of == GRAPH_TOTAL && route->service == SERVICE_MTA)
		ok = ledger_walk_promised(v->l, r, s->from, p->to, on_promised, s, v->err,
					  sizeof(v->err));
	else
		ok = ledger_walk(v->l, r, &q, on_row, s, v->err, sizeof(v->err));
	return ok &&
	       ledger_walk_health(v->l, r, s->from, p->to, on_health, s, v->err, sizeof(v->err));
}

static void sessions_words(const struct counts *c, char *out, size_t len)
{
	struct ratio r = counts_ratio(c, 0);
	char share[16], coverage[16], sessions[NUMBER_TEXT_MAX], clear[NUMBER_TEXT_MAX];

	ratio_text(&r, share, sizeof(share));
	coverage_text(&r, coverage, sizeof(coverage));
	number_text(counts_sessions(c), sessions);
	number_text(r.plaintext, clear);
	text_fill(out, len, T_POINT_SESSIONS, share, sessions, coverage, clear, NULL);
}

static void sensor_words(const struct health *h, char *out, size_t len)
{
	char packets[NUMBER_TEXT_MAX], dropped[NUMBER_TEXT_MAX], lost[NUMBER_TEXT_MAX],
		flows[NUMBER_TEXT_MAX], mail[NUMBER_TEXT_MAX];

	number_text(h->n[HEALTH_PACKETS], packets);
	number_text(h->n[HEALTH_DROP_KERNEL] + h->n[HEALTH_DROP_NIC], dropped);
	number_text(h->n[HEALTH_LOST], lost);
	number_text(h->n[HEALTH_FLOWS], flows);
	number_text(h->n[HEALTH_SESSIONS], mail);
	text_fill(out, len, T_POINT_SENSOR, packets, dropped, lost, flows, mail, NULL);
}

static void write_point(const struct view *v, const struct series *s, size_t i, struct json_out *j)
{
	const struct point *p = &s->points[i];
	char words[256];

	if (!p->seen)
		text_fill(words, sizeof(words), T_POINT_UNSEEN, NULL);
	else if (v->route.of == GRAPH_SENSOR)
		sensor_words(&p->health, words, sizeof(words));
	else
		sessions_words(&p->counts, words, sizeof(words));
	json_object(j, NULL);
	json_uint(j, "time", (uint64_t)(s->from + (int64_t)i * s->seconds));
	json_text(j, "text", words);
	json_bool(j, "seen", p->seen);
	if (p->seen && v->route.of != GRAPH_SENSOR)
		counts_json(j, &p->counts, 0);
	json_object_end(j);
}

static void write_plot(const struct rrd_image *image, struct json_out *j)
{
	json_object(j, "plot");
	json_real(j, "left", image->plot.left);
	json_real(j, "top", image->plot.top);
	json_real(j, "width", image->plot.width);
	json_real(j, "height", image->plot.height);
	json_object_end(j);
}

enum answer graph_series(struct view *v, struct drawer *d, struct json_out *j)
{
	struct series *s = calloc(1, sizeof(*s));
	struct rrd_image image = { .bytes = NULL };
	struct rrd_picture p;
	enum answer a;

	if (!s)
		abort();
	a = draw(v, d, &p, &image);
	if (a == ANSWER_OK && !read_series(v, &p, s))
		a = ANSWER_FAILED;
	if (a == ANSWER_OK) {
		json_uint(j, "from", (uint64_t)p.from);
		json_uint(j, "to", (uint64_t)p.to);
		json_uint(j, "seconds", (uint64_t)s->seconds);
		json_bool(j, "zoom", !v->still);
		write_plot(&image, j);
		json_array(j, "points");
		for (size_t i = 0; i < s->n; i++)
			write_point(v, s, i, j);
		json_array_end(j);
	}
	free(image.bytes);
	free(s);
	return a;
}
