/* view_pair.c - one client peer, one server peer, one service: how much of their mail is sealed, how it
 * gets there, and what went wrong. */
#include "web/view.h"

#include <stdlib.h>
#include <string.h>

#include "reports/counts_json.h"
#include "reports/matrix.h"
#include "web/page.h"
#include "web/terms.h"

#define FIRING_MAX 50u
#define CLOSED_MAX 20u

struct pair_page {
	struct span_sums span[SPANS];
	struct ledger_party client, server;
	bool promised;
	struct incident *firing, *closed;
	size_t firing_n, firing_all, closed_n, closed_all;
};

/* Reading --------------------------------------------------------------------------------- */

static enum answer read_parties(struct view *v, struct pair_page *p)
{
	const struct route *r = &v->route;

	if (!view_party(v, r->client, &p->client) || !view_party(v, r->server, &p->server))
		return ANSWER_FAILED;
	if (!p->client.known || !p->server.known) {
		text_fill(v->err, sizeof(v->err), T_NO_SUCH_PARTY,
			  p->client.known ? r->server : r->client, NULL);
		return ANSWER_NOT_FOUND;
	}
	p->promised = r->service == SERVICE_MTA && p->client.signatory && p->server.signatory &&
		      strcmp(r->client, r->server) != 0;
	return ANSWER_OK;
}

static enum answer read_all(struct view *v, struct pair_page *p)
{
	const struct route *r = &v->route;
	struct incidents_asked asked = { INCIDENTS_FIRING, NULL, r->client, r->server, r->service };
	enum answer a = read_parties(v, p);

	for (unsigned s = 0; a == ANSWER_OK && s < SPANS; s++) {
		if (!view_span(v, (enum span)s, r->service, r->client, r->server, &p->span[s]))
			a = ANSWER_FAILED;
	}
	if (a != ANSWER_OK)
		return a;
	p->firing = view_incidents_of(v, &asked, FIRING_MAX, &p->firing_n, &p->firing_all);
	asked.which = INCIDENTS_CLOSED;
	p->closed = view_incidents_of(v, &asked, CLOSED_MAX, &p->closed_n, &p->closed_all);
	return ANSWER_OK;
}

/* HTML: in words -------------------------------------------------------------------------- */

static bool silent(const struct pair_page *p)
{
	return counts_sessions(&p->span[SPAN_YEAR].counts) == 0;
}

static void put_promise(struct html *h, const struct view *v, const struct pair_page *p)
{
	enum text words = T_PROMISED;

	if (v->route.service != SERVICE_MTA)
		words = T_NOT_PROMISED_USERS;
	else if (strcmp(v->route.client, v->route.server) == 0)
		words = T_NOT_PROMISED_SAME;
	else if (!p->promised)
		words = T_NOT_PROMISED;
	html_element(h, "p", words, NULL);
	if (silent(p))
		html_element(h, "p class=\"problem\"", T_PAIR_SILENT, NULL);
}

static void put_links(struct html *h, const struct view *v)
{
	const struct route *r = &v->route;
	struct route back = route_pair(r->service, r->server, r->client);
	char words[128];

	html_put(h, "<ul class=\"spans\">");
	if (strcmp(r->client, r->server) != 0) {
		text_fill(words, sizeof(words), T_REVERSE, r->server, r->client, NULL);
		html_put(h, "<li>");
		page_link(h, &back, words);
		html_put(h, "</li>");
	}
	html_put(h, "<li>");
	page_party(h, r->client);
	html_put(h, "</li>");
	if (strcmp(r->client, r->server) != 0) {
		html_put(h, "<li>");
		page_party(h, r->server);
		html_put(h, "</li>");
	}
	html_put(h, "</ul>\n");
}

/* HTML: the table of numbers -------------------------------------------------------------- */

static void begin_row(struct html *h, enum term_group g, const char *term, const char *text)
{
	html_put(h, "<tr><th scope=\"row\">");
	term_link(h, g, term, text);
	html_put(h, "</th>");
}

static void put_shares(struct html *h, const struct pair_page *p)
{
	char text[32];

	begin_row(h, TERMS_NUMBER, "ratio", text_of(T_SHARE));
	for (unsigned s = 0; s < SPANS; s++) {
		struct ratio r = counts_ratio(&p->span[s].counts, 0);
		enum seal seal = seal_of(&r);

		ratio_text(&r, text, sizeof(text));
		html_put(h, "<td class=\"cell %s\"><span class=\"share\">", seal_class(seal));
		html_put(h, "<span class=\"sign\" aria-hidden=\"true\">%s</span> %s</span></td>",
			 seal_sign(seal), r.known ? text : "");
	}
	html_put(h, "</tr>\n");
	begin_row(h, TERMS_NUMBER, "bounds", text_of(T_BOUNDS));
	for (unsigned s = 0; s < SPANS; s++) {
		struct ratio r = counts_ratio(&p->span[s].counts, 0);

		bounds_text(&r, text, sizeof(text));
		html_put(h, "<td class=\"n\">%s</td>", text);
	}
	html_put(h, "</tr>\n");
}

static void put_sessions(struct html *h, const struct pair_page *p)
{
	char text[NUMBER_TEXT_MAX];

	begin_row(h, TERMS_NUMBER, "session", text_of(T_COL_SESSIONS));
	for (unsigned s = 0; s < SPANS; s++) {
		number_text(counts_sessions(&p->span[s].counts), text);
		html_put(h, "<td class=\"n\">%s</td>", text);
	}
	html_put(h, "</tr>\n");
	begin_row(h, TERMS_NUMBER, "coverage", text_of(T_COVERAGE));
	for (unsigned s = 0; s < SPANS; s++) {
		struct ratio r = counts_ratio(&p->span[s].counts, 0);

		coverage_text(&r, text, sizeof(text));
		html_put(h, "<td class=\"n\">%s</td>", text);
	}
	html_put(h, "</tr>\n");
}

static void put_count(struct html *h, const struct pair_page *p, enum count c,
		      enum term_group group, const char *name)
{
	char text[NUMBER_TEXT_MAX];

	begin_row(h, group, name, name);
	for (unsigned s = 0; s < SPANS; s++) {
		number_text(p->span[s].counts.n[c], text);
		html_put(h, "<td class=\"n\">%s</td>", text);
	}
	html_put(h, "</tr>\n");
}

/* What limits all of it. */
static void put_sensor(struct html *h, const struct pair_page *p)
{
	struct route sensor = route_page(PAGE_SENSOR);
	char text[16];

	html_put(h, "<tr><th scope=\"row\">");
	page_link(h, &sensor, text_of(T_SENSOR_RAN_ROW));
	html_put(h, "</th>");
	for (unsigned s = 0; s < SPANS; s++) {
		const struct span_sums *sum = &p->span[s];

		percent_text((uint64_t)sum->seen_s, (uint64_t)(sum->period.to - sum->period.from),
			     false, text, sizeof(text));
		html_put(h, "<td class=\"n\">%s %%</td>", text);
	}
	html_put(h, "</tr>\n");
}

/* The order of the counts is that of the verdicts. */
static const enum count beside[] = { COUNT_REFUSED,        COUNT_BEGUN_BEFORE, COUNT_STRIPPED,
				     COUNT_MESSAGES_CLEAR, COUNT_AUTH_CLEAR,   COUNT_EXCEPTED };

static void put_numbers(struct html *h, const struct pair_page *p)
{
	html_element(h, "h2", T_NUMBERS_HEADING, NULL);
	page_table_begin(h, text_of(T_NUMBERS_HEADING), T_NUMBERS_CAPTION);
	page_span_heads(h, T_PERIOD, SPANS);
	put_shares(h, p);
	put_sessions(h, p);
	for (unsigned i = VERDICT_ENCRYPTED_STARTTLS; i < VERDICT_N; i++)
		put_count(h, p, (enum count)(COUNT_ENC_STARTTLS + i - VERDICT_ENCRYPTED_STARTTLS),
			  TERMS_VERDICT, verdict_name((enum verdict)i));
	for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++)
		put_count(h, p, beside[i], TERMS_COUNT, count_name(beside[i]));
	put_sensor(h, p);
	page_table_end(h);
}

/* HTML: the way to TLS -------------------------------------------------------------------- */

/* A part of something, over the spans; the bar shows the month. */
static void put_parts(struct html *h, const struct pair_page *p, enum count part,
		      const enum count *whole, size_t whole_n)
{
	for (unsigned s = 0; s < SPANS; s++) {
		const uint64_t *n = p->span[s].counts.n;
		uint64_t all = 0;

		for (size_t i = 0; i < whole_n; i++)
			all += n[whole[i]];
		html_put(h, "<td class=\"n\">");
		page_part(h, n[part], all);
		html_put(h, "</td>");
		if (s == SPAN_MONTH) {
			html_put(h, "<td>");
			page_bar(h, n[part], all);
			html_put(h, "</td>");
		}
	}
	html_put(h, "</tr>\n");
}

static void put_part_heads(struct html *h, enum text names)
{
	const enum text heads[] = {
		names, T_LAST_DAY, T_LAST_WEEK, T_LAST_MONTH, T_BAR, T_LAST_YEAR
	};

	page_heads(h, heads, sizeof(heads) / sizeof(heads[0]));
}

static void put_funnel(struct html *h, const struct pair_page *p)
{
	static const enum count offered[] = { COUNT_OFFERED };
	static const struct {
		enum count count;
		const char *name;
	} stages[] = { { COUNT_OFFERED, "offered" },
		       { COUNT_REQUESTED, "requested" },
		       { COUNT_ACCEPTED, "accepted" },
		       { COUNT_ENC_STARTTLS, "completed" } };

	html_element(h, "h2", T_FUNNEL_HEADING, NULL);
	page_table_begin(h, text_of(T_FUNNEL_HEADING), T_FUNNEL_CAPTION);
	put_part_heads(h, T_STAGE);
	for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
		begin_row(h, TERMS_COUNT, stages[i].name, stages[i].name);
		put_parts(h, p, stages[i].count, offered, 1);
	}
	page_table_end(h);
}

static void put_versions(struct html *h, const struct pair_page *p)
{
	static const enum count encrypted[] = { COUNT_ENC_STARTTLS, COUNT_ENC_IMPLICIT };
	static const struct {
		enum count count;
		const char *name;
	} versions[] = { { COUNT_TLS13, "TLS 1.3" },
			 { COUNT_TLS12, "TLS 1.2" },
			 { COUNT_TLS11, "TLS 1.1" },
			 { COUNT_TLS10, "TLS 1.0" } };

	html_element(h, "h2", T_VERSIONS_HEADING, NULL);
	page_table_begin(h, text_of(T_VERSIONS_HEADING), T_VERSIONS_CAPTION);
	put_part_heads(h, T_VERSION);
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		html_put(h, "<tr><th scope=\"row\">%s</th>", versions[i].name);
		put_parts(h, p, versions[i].count, encrypted, 2);
	}
	page_table_end(h);
}

/* HTML: the rest -------------------------------------------------------------------------- */

static void put_graph(struct html *h, const struct view *v, enum span span, const char *picture,
		      enum text words)
{
	struct route graph = v->route;
	char text[192];

	graph.kind = ROUTE_GRAPH;
	graph.of = GRAPH_PAIR;
	graph.span = span;
	snprintf(graph.picture, sizeof(graph.picture), "%s", picture);
	text_fill(text, sizeof(text), words, v->route.client, v->route.server,
		  text_of(page_span(span)), NULL);
	page_graph(h, &graph, text);
}

/* Of a span without a session there is no picture. */
static void put_graphs(struct html *h, const struct view *v, const struct pair_page *p)
{
	html_element(h, "h2", T_OVER_TIME, NULL);
	for (unsigned s = 0; s < SPANS; s++) {
		if (counts_sessions(&p->span[s].counts) == 0)
			continue;
		html_element(h, "h3", page_span((enum span)s), NULL);
		html_put(h, "<div class=\"columns graphs\">\n");
		put_graph(h, v, (enum span)s, "ratio", T_GRAPH_RATIO);
		put_graph(h, v, (enum span)s, "sessions", T_GRAPH_SESSIONS);
		if (s == SPAN_MONTH) {
			put_graph(h, v, SPAN_MONTH, "tls", T_GRAPH_TLS);
			put_graph(h, v, SPAN_MONTH, "funnel", T_GRAPH_FUNNEL);
		}
		html_put(h, "</div>\n");
	}
}

static void put_incidents(struct html *h, const struct view *v, const struct pair_page *p)
{
	char all[NUMBER_TEXT_MAX];

	html_element(h, "h2", T_PAIR_INCIDENTS, NULL);
	if (!v->in) {
		html_element(h, "p", T_NO_INCIDENT_STORE, NULL);
		return;
	}
	html_element(h, "h3", T_FIRING, NULL);
	if (p->firing_n > 0)
		page_incidents(h, text_of(T_FIRING), p->firing, p->firing_n);
	else
		html_element(h, "p class=\"good\"", T_NOTHING_FIRES, NULL);
	if (p->closed_n == 0)
		return;
	html_element(h, "h3", T_CLOSED, NULL);
	if (p->closed_all > p->closed_n) {
		number_text(p->closed_all, all);
		html_element(h, "p", T_CLOSED_LAST, all, NULL);
	}
	page_incidents(h, text_of(T_CLOSED), p->closed, p->closed_n);
}

static void write_html(struct view *v, const struct pair_page *p, struct html *h)
{
	put_links(h, v);
	put_promise(h, v, p);
	put_numbers(h, p);
	put_incidents(h, v, p);
	if (!silent(p))
		put_graphs(h, v, p);
	put_funnel(h, p);
	put_versions(h, p);
	view_ciphers(v, h, NULL);
}

/* JSON ------------------------------------------------------------------------------------ */

static void write_json(struct view *v, const struct pair_page *p, struct json_out *j)
{
	json_text(j, "service", service_name(v->route.service));
	json_text(j, "client", v->route.client);
	json_text(j, "server", v->route.server);
	json_bool(j, "promised", p->promised);
	json_object(j, "spans");
	for (unsigned s = 0; s < SPANS; s++) {
		json_object(j, span_name((enum span)s));
		view_json_period(j, &p->span[s]);
		counts_json(j, &p->span[s].counts, 0);
		json_object_end(j);
	}
	json_object_end(j);
	view_ciphers(v, NULL, j);
	view_json_incidents(v, j, "firing", p->firing, p->firing_n);
	view_json_incidents(v, j, "closed", p->closed, p->closed_n);
}

enum answer view_pair(struct view *v, struct html *h, struct json_out *j)
{
	struct pair_page p = { .promised = false };
	enum answer a = read_all(v, &p);

	if (a == ANSWER_OK && h)
		write_html(v, &p, h);
	else if (a == ANSWER_OK)
		write_json(v, &p, j);
	free(p.firing);
	free(p.closed);
	return a;
}
