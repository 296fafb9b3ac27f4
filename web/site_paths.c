/* site_paths.c - every path that the site has now. */
#include <stdio.h>
#include <string.h>

#include "reports/tool.h"
#include "web/assets.h"
#include "web/route.h"
#include "web/site.h"
#include "web/texts.h"

#define YEAR_S     (365 * 86400)
#define CLOSED_MAX 200u /* incidents that are over; those that fire are all there */

struct walk {
	site_path_cb *cb;
	void *ctx;
	bool stopped;
	size_t closed;
};

/* What is not an address of the site, because somebody has changed the ledger, is left out. */
static bool give_path(struct walk *w, const struct route *r)
{
	char path[ROUTE_PATH_MAX];
	struct route again;

	route_path(r, path);
	if (route_parse(path, &again) && !w->cb(w->ctx, path))
		w->stopped = true;
	return !w->stopped;
}

static bool give(struct walk *w, struct route r)
{
	if (!give_path(w, &r))
		return false;
	r.kind = ROUTE_JSON;
	return give_path(w, &r);
}

static bool give_fixed(struct walk *w)
{
	static const char *const assets[] = { "style.css", "page.js", "icon.svg" };
	struct route r;

	for (unsigned s = 0; s < SPANS; s++) {
		r = route_page(PAGE_OVERVIEW);
		r.span = (enum span)s;
		if (!give(w, r))
			return false;
	}
	for (size_t i = 0; i < sizeof(assets) / sizeof(assets[0]); i++) {
		if (!route_parse(assets[i], &r) || !give_path(w, &r))
			return false;
	}
	return give(w, route_page(PAGE_INCIDENTS)) && give(w, route_page(PAGE_SENSOR)) &&
	       give(w, route_page(PAGE_UNKNOWN)) && give(w, route_page(PAGE_METHOD));
}

static bool on_peer(void *ctx, const char *name, bool signatory)
{
	(void)signatory;
	return give(ctx, route_peer(name));
}

static bool on_pair(void *ctx, const struct ledger_row *row)
{
	return counts_sessions(&row->counts) == 0 ||
	       give(ctx, route_pair(row->service, row->client, row->server));
}

static bool on_incident(void *ctx, const struct incident *i)
{
	struct walk *w = ctx;

	if (i->state == INCIDENT_CLOSED && w->closed++ >= CLOSED_MAX)
		return true;
	return give(w, route_incident(i->id));
}

/* No incidents, or none that can be read, is something that the pages say. */
static void give_incidents(struct walk *w, const char *dir)
{
	char ignored[TOOL_ERR_MAX];
	struct incidents *in = tool_open_incidents(dir, ignored, sizeof(ignored));

	if (in)
		incidents_list(in, -1, NULL, on_incident, w, ignored, sizeof(ignored));
	incidents_close(in);
}

static bool give_all(struct walk *w, const char *dir, struct ledger *l, char *err, size_t errlen)
{
	struct ledger_query q = { .service = -1 };
	int64_t first, last;

	if (!ledger_span(l, &first, &last, err, errlen)) {
		if (!err[0])
			snprintf(err, errlen, "%s", text_of(T_NOTHING_YET));
		return false;
	}
	q.to = last + STEP_S;
	q.from = q.to - YEAR_S;
	if (!give_fixed(w))
		return true;
	if (!ledger_peers(l, on_peer, w, err, errlen))
		return false;
	if (!w->stopped && !ledger_sum(l, &q, on_pair, w, err, errlen))
		return false;
	if (!w->stopped)
		give_incidents(w, dir);
	return true;
}

bool site_paths(struct site *s, int64_t now, site_path_cb *cb, void *ctx, char *err, size_t errlen)
{
	struct walk w = { .cb = cb, .ctx = ctx };
	struct ledger *l = tool_open_ledger(s->dir, LEDGER_READ, err, errlen);
	bool ok;

	(void)now; /* a year is counted back from the end of the ledger, as the pages do */
	if (!l)
		return false;
	err[0] = '\0';
	ok = give_all(&w, s->dir, l, err, errlen);
	ledger_close(l);
	return ok;
}
