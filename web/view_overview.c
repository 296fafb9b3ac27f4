/* view_overview.c - the first page: is the mail between the signatories sealed, how has that changed,
 * and where is it not. */
#include "web/view.h"

#include <stdlib.h>
#include <string.h>

#include "reports/counts_json.h"
#include "reports/matrix.h"
#include "web/page.h"

#define INCIDENTS_MAX 10u
#define CLEAR_MAX     12u
#define TREND_MAX     32u

struct trend_row {
	int64_t from;
	struct counts counts;
};

struct overview {
	struct matrix *m[SERVICE_N];
	struct incident *incidents;
	size_t incidents_n, incidents_all;
	struct trend_row trend[TREND_MAX];
	size_t trend_n;
	int64_t trend_unit;
};

/* Reading --------------------------------------------------------------------------------- */

static bool on_trend(void *ctx, int64_t step, const struct counts *sum)
{
	struct overview *o = ctx;
	size_t at = (size_t)((step - o->trend[0].from) / o->trend_unit);

	if (step >= o->trend[0].from && at < o->trend_n)
		counts_add(&o->trend[at].counts, sum);
	return true;
}

/* As many units as the page looks back: hours of a day, days of a week or a month, weeks of the last
 * half year. The last one may be under way. */
static bool read_trend(struct view *v, struct overview *o)
{
	static const int64_t units[SPANS] = { 3600, 86400, 86400, 7 * 86400 };
	static const size_t rows[SPANS] = { 24, 7, 30, 26 };
	enum resolution r = v->route.span == SPAN_DAY ? RESOLUTION_HOUR : RESOLUTION_DAY;
	int64_t unit = units[v->route.span], aligned = resolution_seconds(r);
	int64_t end = (v->ledger_end + aligned - 1) / aligned * aligned;

	o->trend_unit = unit;
	o->trend_n = rows[v->route.span];
	for (size_t i = 0; i < o->trend_n; i++)
		o->trend[i].from = end - (int64_t)(o->trend_n - i) * unit;
	return ledger_walk_promised(v->l, r, o->trend[0].from, end, on_trend, o, v->err,
				    sizeof(v->err));
}

static bool read_all(struct view *v, struct overview *o)
{
	static const struct incidents_asked firing = { .which = INCIDENTS_FIRING };
	struct period_asked asked = view_asked(v->route.span, v->ledger_end);

	memset(o, 0, sizeof(*o));
	for (unsigned s = 0; s < SERVICE_N; s++) {
		o->m[s] = matrix_new(v->l, (enum service)s, false, &asked, v->err, sizeof(v->err));
		if (!o->m[s])
			return false;
	}
	o->incidents =
		view_incidents_of(v, &firing, INCIDENTS_MAX, &o->incidents_n, &o->incidents_all);
	return read_trend(v, o);
}

static void fini(struct overview *o)
{
	for (unsigned s = 0; s < SERVICE_N; s++)
		matrix_free(o->m[s]);
	free(o->incidents);
}

/* HTML ------------------------------------------------------------------------------------ */

static void put_spans(struct html *h, enum span here)
{
	html_put(h, "<ul class=\"spans\" aria-label=\"%s\">", text_of(T_PERIOD));
	for (unsigned s = 0; s < SPANS; s++) {
		struct route to = { .page = PAGE_OVERVIEW, .span = (enum span)s };

		html_put(h, "<li><a");
		page_href(h, &to);
		if ((enum span)s == here)
			html_put(h, " aria-current=\"page\"");
		html_put(h, ">");
		html_say(h, page_span((enum span)s), NULL);
		html_put(h, "</a></li>");
	}
	html_put(h, "</ul>\n");
}

static size_t clear_pairs(const struct matrix *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->cells_n; i++) {
		if (m->cells[i].promised && counts_ratio(&m->cells[i].counts, 0).plaintext > 0)
			n++;
	}
	return n;
}

/* The answer, in a sentence and a number. */
static void put_answer(struct html *h, const struct overview *o)
{
	const struct matrix *m = o->m[SERVICE_MTA];
	struct ratio r = counts_ratio(&m->total, m->health.n[HEALTH_LOST]);
	char clear[NUMBER_TEXT_MAX], pairs[NUMBER_TEXT_MAX], bounds[32];

	number_text(r.plaintext, clear);
	number_text(clear_pairs(m), pairs);
	bounds_text(&r, bounds, sizeof(bounds));
	html_put(h, "<section class=\"answer %s\" aria-label=\"%s\"><p class=\"big\">",
		 seal_class(seal_of(&r)), text_of(T_ANSWER));
	page_share(h, &m->total, m->health.n[HEALTH_LOST]);
	html_put(h, "</p><div>");
	if (!r.known)
		html_element(h, "p class=\"verdict\"", T_NOTHING_TO_SAY, NULL);
	else if (r.plaintext == 0)
		html_element(h, "p class=\"verdict\"", T_ALL_SEALED, NULL);
	else
		html_element(h, "p class=\"verdict\"",
			     r.plaintext == 1 ? T_ONE_NOT_SEALED : T_NOT_SEALED, clear, pairs,
			     NULL);
	html_element(h, "p", T_BOUNDS_ARE, bounds, NULL);
	html_put(h, "</div></section>\n");
}

static void put_cell(struct html *h, const struct matrix *m, size_t client, size_t server)
{
	const struct matrix_cell *c = matrix_cell_of(m, client, server);
	struct route to = route_pair(m->service, m->parties[client].name, m->parties[server].name);
	struct ratio r;

	if (client == server) {
		html_put(h, "<td class=\"self\"><span aria-label=\"%s\">\xc2\xb7</span></td>",
			 text_of(T_SAME_PEER));
		return;
	}
	if (!c || counts_sessions(&c->counts) == 0) {
		html_put(h, "<td class=\"none\"><span aria-label=\"%s\">\xe2\x80\x93</span></td>",
			 text_of(T_NO_SESSIONS));
		return;
	}
	r = counts_ratio(&c->counts, 0);
	html_put(h, "<td class=\"cell %s%s\"><a", seal_class(seal_of(&r)),
		 r.covered && r.coverage < 0.9 ? " thin" : "");
	page_href(h, &to);
	html_put(h, ">");
	page_share(h, &c->counts, 0);
	html_put(h, "</a></td>");
}

static size_t signatories(const struct matrix *m)
{
	size_t n = 0;

	while (n < m->parties_n && m->parties[n].kind == PARTY_SIGNATORY)
		n++;
	return n;
}

static void put_matrix(struct html *h, const struct matrix *m)
{
	size_t n = signatories(m);

	html_element(h, "h2", T_MTA_HEADING, NULL);
	if (n < 2) {
		html_element(h, "p", T_NO_SIGNATORIES, NULL);
		return;
	}
	html_put(h,
		 "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"%s\">"
		 "<table class=\"matrix\">\n",
		 text_of(T_MTA_HEADING));
	html_element(h, "caption", T_MTA_CAPTION, NULL);
	html_put(h, "<thead><tr>");
	html_element(h, "th scope=\"col\" class=\"corner\"", T_FROM_TO, NULL);
	for (size_t i = 0; i < n; i++) {
		html_put(h, "<th scope=\"col\">");
		page_party(h, m->parties[i].name);
		html_put(h, "</th>");
	}
	html_put(h, "</tr></thead>\n<tbody>\n");
	for (size_t client = 0; client < n; client++) {
		html_put(h, "<tr><th scope=\"row\">");
		page_party(h, m->parties[client].name);
		html_put(h, "</th>");
		for (size_t server = 0; server < n; server++)
			put_cell(h, m, client, server);
		html_put(h, "</tr>\n");
	}
	html_put(h, "</tbody></table></div>\n");
	html_element(h, "p class=\"legend\"", T_LEGEND, NULL);
}

/* What users of a signatory do: all sessions with its servers. */
static struct counts towards(const struct matrix *m, const char *server)
{
	struct counts sum = { { 0 } };

	for (size_t i = 0; i < m->cells_n; i++) {
		if (strcmp(m->parties[m->cells[i].server].name, server) == 0)
			counts_add(&sum, &m->cells[i].counts);
	}
	return sum;
}

static void put_users(struct html *h, const struct overview *o)
{
	const struct matrix *mta = o->m[SERVICE_MTA];
	static const enum service services[] = { SERVICE_SUBMISSION, SERVICE_ACCESS };
	static const enum text heads[] = { T_PEER, T_SUBMISSION, T_ACCESS };

	html_element(h, "h2", T_USERS_HEADING, NULL);
	page_table_begin(h, text_of(T_USERS_HEADING), T_USERS_CAPTION);
	page_heads(h, heads, sizeof(heads) / sizeof(heads[0]));
	for (size_t i = 0; i < signatories(mta); i++) {
		html_put(h, "<tr><th scope=\"row\">");
		page_party(h, mta->parties[i].name);
		html_put(h, "</th>");
		for (size_t s = 0; s < 2; s++) {
			struct counts c = towards(o->m[services[s]], mta->parties[i].name);
			struct ratio r = counts_ratio(&c, 0);

			html_put(h, "<td class=\"cell %s\">", seal_class(seal_of(&r)));
			page_share(h, &c, 0);
			html_put(h, "</td>");
		}
		html_put(h, "</tr>\n");
	}
	page_table_end(h);
}

static void put_trend(struct html *h, const struct view *v, const struct overview *o)
{
	struct route graph = { .kind = ROUTE_GRAPH,
			       .of = GRAPH_TOTAL,
			       .service = SERVICE_MTA,
			       .span = v->route.span,
			       .picture = "ratio" };

	html_element(h, "h2", T_TREND_HEADING, NULL);
	page_graph(h, &graph, text_of(T_TREND_GRAPH));
	html_put(h, "<details><summary>");
	html_say(h, T_TREND_TABLE, NULL);
	html_put(h, "</summary><table><thead><tr>");
	html_element(h, "th scope=\"col\"", T_SINCE, NULL);
	html_element(h, "th scope=\"col\"", T_SHARE, NULL);
	html_put(h, "</tr></thead><tbody>\n");
	for (size_t i = 0; i < o->trend_n; i++) {
		struct ratio r = counts_ratio(&o->trend[i].counts, 0);

		html_put(h, "<tr><th scope=\"row\">");
		page_time(h, o->trend[i].from);
		html_put(h, "</th><td class=\"cell %s\">", seal_class(seal_of(&r)));
		page_share(h, &o->trend[i].counts, 0);
		html_put(h, "</td></tr>\n");
	}
	html_put(h, "</tbody></table></details>\n");
}

static void put_firing(struct html *h, const struct view *v, const struct overview *o)
{
	struct route all = route_page(PAGE_INCIDENTS);
	char n[NUMBER_TEXT_MAX];

	html_element(h, "h2", T_FIRING_HEADING, NULL);
	if (!v->in)
		html_element(h, "p", T_NO_INCIDENT_STORE, NULL);
	else if (o->incidents_all == 0)
		html_element(h, "p class=\"good\"", T_NOTHING_FIRES, NULL);
	else
		page_incidents(h, text_of(T_FIRING_HEADING), o->incidents, o->incidents_n);
	if (o->incidents_all > o->incidents_n) {
		number_text(o->incidents_all, n);
		html_put(h, "<p><a");
		page_href(h, &all);
		html_put(h, ">");
		html_say(h, T_ALL_FIRING, n, NULL);
		html_put(h, "</a></p>\n");
	}
}

static void put_health(struct html *h, const struct matrix *m)
{
	static const enum health_counter shown[] = { HEALTH_PACKETS,  HEALTH_DROP_KERNEL,
						     HEALTH_DROP_NIC, HEALTH_LOST,
						     HEALTH_GAPS,     HEALTH_ONE_SIDED };
	struct route sensor = route_page(PAGE_SENSOR);
	char seen[16], all[32];
	int64_t period = m->period.to - m->period.from;

	html_element(h, "h2", T_SENSOR_HEADING, NULL);
	percent_text((uint64_t)m->seen_s, (uint64_t)period, false, seen, sizeof(seen));
	duration_text(period, all, sizeof(all));
	html_element(h, "p", T_SENSOR_RAN, seen, all, NULL);
	html_put(h, "<table class=\"numbers\"><tbody>\n");
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		page_number(h, health_text(shown[i]), m->health.n[shown[i]]);
	html_put(h, "</tbody></table><p>");
	page_link(h, &sensor, text_of(T_SENSOR_MORE));
	html_put(h, "</p>\n");
}

static void write_html(const struct view *v, const struct overview *o, struct html *h)
{
	put_spans(h, v->route.span);
	put_answer(h, o);
	html_put(h, "<div class=\"beside\"><section>");
	put_matrix(h, o->m[SERVICE_MTA]);
	html_put(h, "</section><section>");
	put_users(h, o);
	html_put(h, "</section></div>\n");
	put_firing(h, v, o);
	put_trend(h, v, o);
	put_health(h, o->m[SERVICE_MTA]);
}

/* JSON ------------------------------------------------------------------------------------ */

static void write_json(const struct view *v, const struct overview *o, struct json_out *j)
{
	char text[UTC_TEXT_MAX];

	json_text(j, "span", span_name(v->route.span));
	json_object(j, "services");
	for (unsigned s = 0; s < SERVICE_N; s++) {
		json_object(j, service_name((enum service)s));
		matrix_json_keys(o->m[s], j);
		json_object_end(j);
	}
	json_object_end(j);
	json_array(j, "trend");
	for (size_t i = 0; i < o->trend_n; i++) {
		json_object(j, NULL);
		utc_text(o->trend[i].from, UTC_ISO, text);
		json_text(j, "from", text);
		json_uint(j, "seconds", (uint64_t)o->trend_unit);
		counts_json(j, &o->trend[i].counts, 0);
		json_object_end(j);
	}
	json_array_end(j);
	view_json_incidents(v, j, "incidents", o->incidents, o->incidents_n);
	if (v->in)
		json_uint(j, "incidents_firing", o->incidents_all);
	else
		json_null(j, "incidents_firing");
}

enum answer view_overview(struct view *v, struct html *h, struct json_out *j)
{
	struct overview o;
	bool ok = read_all(v, &o);

	if (ok && h)
		write_html(v, &o, h);
	else if (ok)
		write_json(v, &o, j);
	fini(&o);
	return ok ? ANSWER_OK : ANSWER_FAILED;
}
