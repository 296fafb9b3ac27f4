/* site.c - answers one path of the site. */
#include "web/site.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/tool.h"
#include "web/assets.h"
#include "web/graphs.h"
#include "web/page.h"
#include "web/view.h"

#define JSON_VERSION 1
#define TITLE_MAX    160

#define TYPE_HTML "text/html; charset=utf-8"
#define TYPE_JSON "application/json"
#define TYPE_TEXT "text/plain; charset=utf-8"

static view_fn *const views[PAGES] = {
	[PAGE_OVERVIEW] = view_overview, [PAGE_PAIR] = view_pair,
	[PAGE_PEER] = view_peer,         [PAGE_INCIDENTS] = view_incidents,
	[PAGE_INCIDENT] = view_incident, [PAGE_SENSOR] = view_sensor,
	[PAGE_UNKNOWN] = view_unknown,   [PAGE_METHOD] = view_method,
};

static void title_of(const struct route *r, char out[TITLE_MAX])
{
	static const enum text titles[PAGES] = {
		[PAGE_OVERVIEW] = T_OVERVIEW_TITLE, [PAGE_INCIDENTS] = T_INCIDENTS,
		[PAGE_SENSOR] = T_SENSOR,           [PAGE_UNKNOWN] = T_UNKNOWN,
		[PAGE_METHOD] = T_METHOD,
	};
	char id[24];

	switch (r->page) {
	case PAGE_PAIR:
		text_fill(out, TITLE_MAX, T_PAIR_TITLE, r->client, r->server,
			  service_name(r->service), NULL);
		return;
	case PAGE_PEER: text_fill(out, TITLE_MAX, T_PEER_TITLE, r->client, NULL); return;
	case PAGE_INCIDENT:
		snprintf(id, sizeof(id), "%" PRId64, r->id);
		text_fill(out, TITLE_MAX, T_INCIDENT_TITLE, id, NULL);
		return;
	case PAGE_OVERVIEW:
	case PAGE_INCIDENTS:
	case PAGE_SENSOR:
	case PAGE_UNKNOWN:
	case PAGE_METHOD:
	case PAGES: snprintf(out, TITLE_MAX, "%s", text_of(titles[r->page])); return;
	}
}

/* The state directory ---------------------------------------------------------------------- */

/* What the ledger does not have yet, and what cannot be read, is a sentence in err. The method needs
 * nothing of it. */
static enum answer open_state(struct view *v)
{
	int64_t first, last;
	char ignored[VIEW_ERR_MAX];

	v->l = tool_open_ledger(v->dir, LEDGER_READ, v->err, sizeof(v->err));
	if (!v->l)
		return ANSWER_FAILED;
	v->in = tool_open_incidents(v->dir, ignored, sizeof(ignored));
	if (!ledger_freeze(v->l, v->err, sizeof(v->err)))
		return ANSWER_FAILED;
	if (ledger_span(v->l, &first, &last, v->err, sizeof(v->err))) {
		v->ledger_end = last + STEP_S;
		return ANSWER_OK;
	}
	if (!v->err[0])
		snprintf(v->err, sizeof(v->err), "%s", text_of(T_NOTHING_YET));
	return ANSWER_FAILED;
}

static void close_state(struct view *v)
{
	incidents_close(v->in);
	ledger_close(v->l);
}

/* Documents -------------------------------------------------------------------------------- */

static FILE *begin(struct reply *out)
{
	FILE *f = open_memstream(&out->body, &out->len);

	if (!f)
		abort();
	return f;
}

static void end(FILE *f)
{
	if (fclose(f) != 0)
		abort();
}

/* Throws away what has been written and begins anew. */
static FILE *again(FILE *f, struct reply *out)
{
	end(f);
	free(out->body);
	return begin(out);
}

static unsigned status_of(enum answer a)
{
	return a == ANSWER_OK ? 200 : a == ANSWER_NOT_FOUND ? 404 : 503;
}

static struct frame frame_of(const struct view *v, const char *title)
{
	return (struct frame){ .route = v->route,
			       .title = title,
			       .ledger_end = v->ledger_end,
			       .now = v->now,
			       .still = v->still };
}

static void put_problem(struct html *h, const struct view *v, enum answer a)
{
	struct frame f =
		frame_of(v, text_of(a == ANSWER_NOT_FOUND ? T_NOT_FOUND_TITLE : T_FAILED_TITLE));

	page_begin(h, &f);
	html_put(h, "<p class=\"problem\" role=\"alert\">%s</p>\n", v->err);
	page_end(h, &f);
}

static enum answer ask(struct view *v, struct html *h, struct json_out *j)
{
	enum answer a = open_state(v);

	if (a == ANSWER_OK || v->route.page == PAGE_METHOD)
		a = views[v->route.page](v, h, j);
	return a;
}

static void answer_html(struct view *v, struct reply *out)
{
	char title[TITLE_MAX], path[ROUTE_PATH_MAX];
	struct frame f;
	struct html h;
	enum answer a;
	FILE *body;
	struct reply inner = { .body = NULL };

	route_path(&v->route, path);
	h = (struct html){ .root = route_root(path), .out = body = begin(&inner) };
	a = ask(v, &h, NULL);
	end(body);
	h.out = begin(out);
	title_of(&v->route, title);
	f = frame_of(v, title);
	if (a != ANSWER_OK) {
		put_problem(&h, v, a);
	} else {
		page_begin(&h, &f);
		fwrite(inner.body, 1, inner.len, h.out);
		page_end(&h, &f);
	}
	end(h.out);
	free(inner.body);
	out->type = TYPE_HTML;
	out->status = status_of(a);
}

static void json_head(struct json_out *j, const struct view *v)
{
	char text[UTC_TEXT_MAX];

	json_uint(j, "version", JSON_VERSION);
	utc_text(v->now, UTC_ISO, text);
	json_text(j, "generated", text);
	utc_text(v->ledger_end, UTC_ISO, text);
	json_text(j, "ledger_end", v->ledger_end < 0 ? NULL : text);
}

static void answer_json(struct view *v, struct drawer *d, struct reply *out)
{
	FILE *f = begin(out);
	struct json_out j;
	enum answer a;

	json_init(&j, f);
	json_object(&j, NULL);
	a = open_state(v);
	json_head(&j, v);
	if (v->route.kind == ROUTE_SERIES)
		a = a == ANSWER_OK ? graph_series(v, d, &j) : a;
	else if (a == ANSWER_OK || v->route.page == PAGE_METHOD)
		a = views[v->route.page](v, NULL, &j);
	if (a != ANSWER_OK) {
		f = again(f, out);
		json_init(&j, f);
		json_object(&j, NULL);
		json_head(&j, v);
		json_text(&j, "error", v->err);
	}
	json_object_end(&j);
	end(f);
	out->type = TYPE_JSON;
	out->status = status_of(a);
}

/* What is not drawn is said in text: a picture that shows words would be taken for one. */
static void answer_graph(struct view *v, struct drawer *d, struct reply *out)
{
	struct rrd_image image = { .bytes = NULL };
	enum answer a = open_state(v);
	FILE *f;

	if (a == ANSWER_OK)
		a = graph_draw(v, d, &image);
	out->status = status_of(a);
	if (a == ANSWER_OK) {
		out->type = v->route.png ? "image/png" : "image/svg+xml";
		out->body = (char *)image.bytes;
		out->len = image.len;
		return;
	}
	f = begin(out);
	fprintf(f, "%s\n", v->err);
	end(f);
	out->type = TYPE_TEXT;
}

static void answer_asset(const char *name, struct reply *out)
{
	const struct asset *a = asset_find(name);
	FILE *f = begin(out);

	fwrite(a->text, 1, strlen(a->text), f);
	end(f);
	out->type = a->type;
	out->status = 200;
}

static void answer_nothing(struct view *v, const char *path, struct reply *out)
{
	struct html h = { .out = begin(out), .root = route_root(path) };

	snprintf(v->err, sizeof(v->err), "%s", text_of(T_NO_SUCH_PAGE));
	put_problem(&h, v, ANSWER_NOT_FOUND);
	end(h.out);
	out->type = TYPE_HTML;
	out->status = 404;
}

void site_answer(struct site *s, const char *path, int64_t now, struct reply *out)
{
	struct view v = { .dir = s->dir, .lines = s->lines, .now = now, .still = s->still };

	v.ledger_end = -1;
	*out = (struct reply){ .body = NULL };
	if (!route_parse(path, &v.route) || !views[v.route.page]) {
		answer_nothing(&v, path, out);
		return;
	}
	switch (v.route.kind) {
	case ROUTE_PAGE: answer_html(&v, out); break;
	case ROUTE_JSON:
	case ROUTE_SERIES: answer_json(&v, s->drawer, out); break;
	case ROUTE_ASSET: answer_asset(v.route.file, out); break;
	case ROUTE_GRAPH: answer_graph(&v, s->drawer, out); break;
	}
	close_state(&v);
}
