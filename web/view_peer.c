/* view_peer.c - one peer: whom it sends to and receives from, and how much of that is sealed. */
#include "web/view.h"

#include <stdlib.h>
#include <string.h>

#include "reports/counts_json.h"
#include "reports/matrix.h"
#include "web/page.h"

#define INCIDENTS_MAX 50u

/* The last day, and the last month, in which there is more of everybody. */
enum look { LOOK_DAY, LOOK_MONTH, LOOKS };
static const enum span looks[LOOKS] = { SPAN_DAY, SPAN_MONTH };

enum way { WAY_OUT, WAY_IN, WAYS };

struct other {
	enum service service;
	char name[PARTY_NAME_MAX + 1];
	struct counts counts[LOOKS];
};

/* The other parties in one direction, by service and name. */
struct others {
	struct other *list;
	size_t n, room;
	struct counts total[SERVICE_N][LOOKS];
};

struct peer_page {
	struct ledger_party party;
	struct others way[WAYS];
	struct span_sums span[LOOKS]; /* periods and sensor only */
	struct incident *incidents;
	size_t incidents_n, incidents_all;
};

/* Reading --------------------------------------------------------------------------------- */

struct reading {
	struct others *to;
	enum way way;
	enum look look;
};

static struct other *other_of(struct others *o, enum service service, const char *name)
{
	struct other *at;

	for (size_t i = 0; i < o->n; i++) {
		if (o->list[i].service == service && strcmp(o->list[i].name, name) == 0)
			return &o->list[i];
	}
	if (o->n == o->room) {
		o->room = o->room ? 2 * o->room : 64;
		o->list = reallocarray(o->list, o->room, sizeof(*o->list));
		if (!o->list)
			abort();
	}
	at = &o->list[o->n++];
	*at = (struct other){ .service = service };
	snprintf(at->name, sizeof(at->name), "%s", name);
	return at;
}

static bool on_row(void *ctx, const struct ledger_row *row)
{
	struct reading *r = ctx;
	const char *name = r->way == WAY_OUT ? row->server : row->client;

	counts_add(&other_of(r->to, row->service, name)->counts[r->look], &row->counts);
	counts_add(&r->to->total[row->service][r->look], &row->counts);
	return true;
}

static bool read_way(struct view *v, struct peer_page *p, enum way way, enum look look)
{
	struct reading r = { &p->way[way], way, look };
	struct ledger_query q = { .from = p->span[look].period.from,
				  .to = p->span[look].period.to,
				  .service = -1 };

	if (way == WAY_OUT)
		q.client = v->route.client;
	else
		q.server = v->route.client;
	return ledger_sum(v->l, &q, on_row, &r, v->err, sizeof(v->err));
}

static bool read_look(struct view *v, struct peer_page *p, enum look look)
{
	struct span_sums *s = &p->span[look];
	struct period_asked asked = view_asked(looks[look], v->ledger_end);

	return period_of(&asked, v->ledger_end, &s->period, v->err, sizeof(v->err)) &&
	       ledger_sum_health(v->l, s->period.from, s->period.to, &s->health, &s->seen_s, v->err,
				 sizeof(v->err)) &&
	       read_way(v, p, WAY_OUT, look) && read_way(v, p, WAY_IN, look);
}

static int by_name(const void *a, const void *b)
{
	const struct other *x = a, *y = b;

	if (x->service != y->service)
		return x->service < y->service ? -1 : 1;
	return strcmp(x->name, y->name);
}

static enum answer read_all(struct view *v, struct peer_page *p)
{
	const struct incidents_asked asked = { .which = INCIDENTS_ANY, .peer = v->route.client };
	if (!view_party(v, v->route.client, &p->party))
		return ANSWER_FAILED;
	if (!p->party.known) {
		text_fill(v->err, sizeof(v->err), T_NO_SUCH_PARTY, v->route.client, NULL);
		return ANSWER_NOT_FOUND;
	}
	for (unsigned l = 0; l < LOOKS; l++) {
		if (!read_look(v, p, (enum look)l))
			return ANSWER_FAILED;
	}
	for (unsigned w = 0; w < WAYS; w++) {
		if (p->way[w].n)
			qsort(p->way[w].list, p->way[w].n, sizeof(*p->way[w].list), by_name);
	}
	p->incidents =
		view_incidents_of(v, &asked, INCIDENTS_MAX, &p->incidents_n, &p->incidents_all);
	return ANSWER_OK;
}

/* HTML ------------------------------------------------------------------------------------ */

static const enum text service_headings[SERVICE_N] = {
	[SERVICE_MTA] = T_PEER_MTA,
	[SERVICE_SUBMISSION] = T_PEER_SUBMISSION,
	[SERVICE_ACCESS] = T_PEER_ACCESS,
};
static const enum text way_headings[WAYS] = { T_OUTBOUND, T_INBOUND };

static void put_cell(struct html *h, const struct counts *c, const struct route *to)
{
	struct ratio r = counts_ratio(c, 0);

	if (counts_sessions(c) == 0) {
		html_put(h,
			 "<td class=\"none\"><span aria-label=\"%s\" "
			 "role=\"img\">\xe2\x80\x93</span></td>",
			 text_of(T_NO_SESSIONS));
		return;
	}
	html_put(h, "<td class=\"cell %s%s\">", seal_class(seal_of(&r)),
		 r.covered && r.coverage < 0.9 ? " thin" : "");
	if (to && page_leads(to)) {
		html_put(h, "<a");
		page_href(h, to);
		html_put(h, ">");
		page_share(h, c, 0);
		html_put(h, "</a></td>");
	} else {
		page_share(h, c, 0);
		html_put(h, "</td>");
	}
}

static void put_row(struct html *h, const struct view *v, const struct other *o, enum way way)
{
	const char *self = v->route.client;
	struct route to = way == WAY_OUT ? route_pair(o->service, self, o->name)
					 : route_pair(o->service, o->name, self);

	html_put(h, "<tr><th scope=\"row\">");
	page_party(h, o->name);
	html_put(h, "</th>");
	for (unsigned l = 0; l < LOOKS; l++)
		put_cell(h, &o->counts[l], &to);
	html_put(h, "</tr>\n");
}

static void put_total(struct html *h, const struct others *o, enum service service)
{
	html_put(h, "<tr class=\"total\">");
	html_element(h, "th scope=\"row\"", T_TOTAL, NULL);
	for (unsigned l = 0; l < LOOKS; l++)
		put_cell(h, &o->total[service][l], NULL);
	html_put(h, "</tr>\n");
}

static bool has_service(const struct others *o, enum service service)
{
	for (size_t i = 0; i < o->n; i++) {
		if (o->list[i].service == service)
			return true;
	}
	return false;
}

static void put_way(struct html *h, const struct view *v, const struct peer_page *p,
		    enum service service, enum way way)
{
	const struct others *o = &p->way[way];
	const enum text heads[] = { way == WAY_OUT ? T_TO : T_FROM, page_span(looks[LOOK_DAY]),
				    page_span(looks[LOOK_MONTH]) };
	char label[128];

	text_fill(label, sizeof(label), way_headings[way], v->route.client, service_name(service),
		  NULL);
	html_put(h, "<section>");
	html_element(h, "h3", way_headings[way], v->route.client, service_name(service), NULL);
	if (!has_service(o, service)) {
		html_element(h, "p", T_PEER_SILENT, NULL);
	} else {
		page_table_begin(h, label, T_PEER_CAPTION);
		page_heads(h, heads, sizeof(heads) / sizeof(heads[0]));
		for (size_t i = 0; i < o->n; i++) {
			if (o->list[i].service == service)
				put_row(h, v, &o->list[i], way);
		}
		put_total(h, o, service);
		page_table_end(h);
	}
	html_put(h, "</section>\n");
}

static void put_service(struct html *h, const struct view *v, const struct peer_page *p,
			enum service service)
{
	if (service != SERVICE_MTA && !has_service(&p->way[WAY_OUT], service) &&
	    !has_service(&p->way[WAY_IN], service))
		return;
	html_element(h, "h2", service_headings[service], NULL);
	html_put(h, "<div class=\"columns\">");
	put_way(h, v, p, service, WAY_OUT);
	put_way(h, v, p, service, WAY_IN);
	html_put(h, "</div>\n");
}

/* Who it is, and its other face. */
static void put_who(struct html *h, const struct view *v, const struct peer_page *p)
{
	const char *name = v->route.client;
	size_t len = strlen(name);
	bool net = len > 4 && strcmp(name + len - 4, "-net") == 0;
	char other[PARTY_NAME_MAX + 5];

	if (strcmp(name, "other") == 0) {
		html_element(h, "p", T_PARTY_OTHER, NULL);
		return;
	}
	snprintf(other, sizeof(other), net ? "%.*s" : "%.*s-net", (int)(net ? len - 4 : len), name);
	html_element(h, "p",
		     net                  ? T_PARTY_NET
		     : p->party.signatory ? T_PARTY_SIGNATORY
					  : T_PARTY_PEER,
		     NULL);
	if (strlen(other) > PARTY_NAME_MAX)
		return;
	html_put(h, "<p>");
	html_say(h, net ? T_SEE_PEER : T_SEE_NET, NULL);
	html_put(h, " ");
	page_party(h, other);
	html_put(h, "</p>\n");
}

static void put_incidents(struct html *h, const struct view *v, const struct peer_page *p)
{
	struct route all = route_page(PAGE_INCIDENTS);

	html_element(h, "h2", T_PEER_INCIDENTS, NULL);
	if (!v->in)
		html_element(h, "p", T_NO_INCIDENT_STORE, NULL);
	else if (p->incidents_n == 0)
		html_element(h, "p class=\"good\"", T_NO_INCIDENTS, NULL);
	else
		page_incidents(h, text_of(T_PEER_INCIDENTS), p->incidents, p->incidents_n);
	if (p->incidents_all > p->incidents_n) {
		html_put(h, "<p>");
		page_link(h, &all, text_of(T_ALL_INCIDENTS));
		html_put(h, "</p>\n");
	}
}

static void write_html(const struct view *v, const struct peer_page *p, struct html *h)
{
	char seen[16];
	const struct span_sums *day = &p->span[LOOK_DAY];

	put_who(h, v, p);
	for (unsigned s = 0; s < SERVICE_N; s++)
		put_service(h, v, p, (enum service)s);
	html_element(h, "p class=\"legend\"", T_LEGEND, NULL);
	percent_text((uint64_t)day->seen_s, (uint64_t)(day->period.to - day->period.from), false,
		     seen, sizeof(seen));
	html_element(h, "p class=\"legend\"", T_SENSOR_RAN_LAST, seen, text_of(T_LAST_DAY), NULL);
	put_incidents(h, v, p);
}

/* JSON ------------------------------------------------------------------------------------ */

static void json_way(struct json_out *j, const char *key, const struct others *o, enum look look)
{
	json_array(j, key);
	for (size_t i = 0; i < o->n; i++) {
		json_object(j, NULL);
		json_text(j, "service", service_name(o->list[i].service));
		json_text(j, "party", o->list[i].name);
		counts_json(j, &o->list[i].counts[look], 0);
		json_object_end(j);
	}
	json_array_end(j);
}

static void json_totals(struct json_out *j, const char *key, const struct others *o, enum look look)
{
	json_object(j, key);
	for (unsigned s = 0; s < SERVICE_N; s++) {
		json_object(j, service_name((enum service)s));
		counts_json(j, &o->total[s][look], 0);
		json_object_end(j);
	}
	json_object_end(j);
}

static void write_json(const struct view *v, const struct peer_page *p, struct json_out *j)
{
	json_text(j, "peer", v->route.client);
	json_bool(j, "signatory", p->party.signatory);
	json_object(j, "spans");
	for (unsigned l = 0; l < LOOKS; l++) {
		json_object(j, span_name(looks[l]));
		view_json_period(j, &p->span[l]);
		json_way(j, "outbound", &p->way[WAY_OUT], (enum look)l);
		json_way(j, "inbound", &p->way[WAY_IN], (enum look)l);
		json_totals(j, "outbound_total", &p->way[WAY_OUT], (enum look)l);
		json_totals(j, "inbound_total", &p->way[WAY_IN], (enum look)l);
		json_object_end(j);
	}
	json_object_end(j);
	view_json_incidents(v, j, "incidents", p->incidents, p->incidents_n);
}

enum answer view_peer(struct view *v, struct html *h, struct json_out *j)
{
	struct peer_page p = { .incidents = NULL };
	enum answer a = read_all(v, &p);

	if (a == ANSWER_OK && h)
		write_html(v, &p, h);
	else if (a == ANSWER_OK)
		write_json(v, &p, j);
	free(p.way[WAY_OUT].list);
	free(p.way[WAY_IN].list);
	free(p.incidents);
	return a;
}
