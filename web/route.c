/* route.c - the addresses of the site. */
#include "web/route.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/ledger.h" /* STEP_S */

#define PARTS_MAX 6
#define API       "api/v1/"
#define STEP_MAX  INT64_C(253402300800) /* the year 10000 */

/* Pages that are one word, and that word. */
static const char *const plain[PAGES] = {
	[PAGE_OVERVIEW] = "overview", [PAGE_INCIDENTS] = "incidents", [PAGE_SENSOR] = "sensor",
	[PAGE_UNKNOWN] = "unknown",   [PAGE_METHOD] = "method",
};

static const char *const assets[] = { "style.css", "page.js", "icon.svg" };

const char *span_name(enum span s)
{
	static const char *const names[SPANS] = { "day", "week", "month", "year" };

	return names[s];
}

int64_t span_seconds(enum span s)
{
	static const int64_t days[SPANS] = { 1, 7, 30, 365 };

	return 86400 * days[s];
}

static bool span_by_name(const char *name, enum span *out)
{
	for (unsigned i = 0; i < SPANS; i++) {
		if (strcmp(name, span_name((enum span)i)) == 0) {
			*out = (enum span)i;
			return true;
		}
	}
	return false;
}

/* A path taken apart at its slashes. */
struct parts {
	char text[ROUTE_PATH_MAX];
	char *part[PARTS_MAX];
	size_t n;
};

static bool split(const char *path, struct parts *p)
{
	char *at = p->text, *slash;

	if (strlen(path) >= sizeof(p->text))
		return false;
	strcpy(p->text, path);
	for (p->n = 0; p->n < PARTS_MAX; at = slash + 1) {
		p->part[p->n++] = at;
		slash = strchr(at, '/');
		if (slash == NULL)
			return true;
		*slash = '\0';
	}
	return false;
}

static bool is_name(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && len <= PARTY_NAME_MAX &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

static bool take_name(const char *text, char out[PARTY_NAME_MAX + 1])
{
	if (!is_name(text))
		return false;
	strcpy(out, text);
	return true;
}

static bool take_id(const char *text, int64_t *id)
{
	size_t len = strlen(text);

	if (len == 0 || len > 18 || text[0] == '0' || strspn(text, "0123456789") != len)
		return false;
	*id = strtoll(text, NULL, 10);
	return true;
}

/* Pages; the last part is without its ending. */
static bool parse_word(const char *word, struct route *r)
{
	static const char overview[] = "overview-";

	if (strncmp(word, overview, sizeof(overview) - 1) == 0) {
		r->page = PAGE_OVERVIEW;
		return span_by_name(word + sizeof(overview) - 1, &r->span) && r->span != SPAN_DAY;
	}
	for (unsigned i = 0; i < PAGES; i++) {
		if (plain[i] && strcmp(word, plain[i]) == 0) {
			r->page = (enum page)i;
			return true;
		}
	}
	return false;
}

static bool parse_page(const struct parts *p, struct route *r)
{
	char *const *part = p->part;

	if (p->n == 1)
		return parse_word(part[0], r);
	if (p->n == 2 && strcmp(part[0], "peer") == 0) {
		r->page = PAGE_PEER;
		return take_name(part[1], r->client);
	}
	if (p->n == 2 && strcmp(part[0], "incident") == 0) {
		r->page = PAGE_INCIDENT;
		return take_id(part[1], &r->id);
	}
	r->page = PAGE_PAIR;
	return p->n == 4 && strcmp(part[0], "pair") == 0 && service_by_name(part[1], &r->service) &&
	       take_name(part[2], r->client) && take_name(part[3], r->server);
}

/* Cuts an ending off; false when the text has another. */
static bool cut(char *text, const char *ending)
{
	size_t len = strlen(text), end = strlen(ending);

	if (len <= end || strcmp(text + len - end, ending) != 0)
		return false;
	text[len - end] = '\0';
	return true;
}

/* "1795341600", up to the year 9999 */
static bool take_step(char **at, char end, int64_t *out)
{
	size_t len = strspn(*at, "0123456789");

	if (len == 0 || len > 12 || (*at)[len] != end)
		return false;
	*out = strtoll(*at, NULL, 10);
	*at += len + 1;
	return *out % STEP_S == 0 && *out < STEP_MAX;
}

/* "week-", "1795341600-1795345200-"; *at behind it. */
static bool take_period(char **at, struct route *r)
{
	char *end = strchr(*at, '-');

	r->span = SPANS;
	if ((*at)[0] >= '0' && (*at)[0] <= '9')
		return take_step(at, '-', &r->from) && take_step(at, '-', &r->to) &&
		       r->from < r->to;
	if (end == NULL)
		return false;
	*end = '\0';
	if (!span_by_name(*at, &r->span))
		return false;
	*at = end + 1;
	return true;
}

/* "week-ratio", "week-ratio-dark" */
static bool parse_picture(char *word, struct route *r)
{
	if (!take_period(&word, r))
		return false;
	r->dark = r->kind == ROUTE_GRAPH && cut(word, "-dark");
	if (strlen(word) >= sizeof(r->picture) || word[0] == '\0' ||
	    word[strspn(word, "abcdefghijklmnopqrstuvwxyz")] != '\0')
		return false;
	strcpy(r->picture, word);
	return true;
}

static bool parse_graph(const struct parts *p, struct route *r)
{
	char *word = p->part[p->n - 1];

	r->kind = cut(word, ".json") ? ROUTE_SERIES : ROUTE_GRAPH;
	r->png = r->kind == ROUTE_GRAPH && cut(word, ".png");
	if (p->n < 3 || (r->kind == ROUTE_GRAPH && !r->png && !cut(word, ".svg")) ||
	    !parse_picture(word, r))
		return false;
	if (p->n == 3) {
		r->of = GRAPH_SENSOR;
		return strcmp(p->part[1], "sensor") == 0;
	}
	if (!service_by_name(p->part[1], &r->service))
		return false;
	r->of = p->n == 4 ? GRAPH_TOTAL : GRAPH_PAIR;
	if (p->n == 4)
		return strcmp(p->part[2], "total") == 0;
	return p->n == 5 && take_name(p->part[2], r->client) && take_name(p->part[3], r->server);
}

static bool parse_asset(const char *path, struct route *r)
{
	for (size_t i = 0; i < sizeof(assets) / sizeof(assets[0]); i++) {
		if (strcmp(path, assets[i]) == 0) {
			strcpy(r->file, assets[i]);
			r->kind = ROUTE_ASSET;
			return true;
		}
	}
	return false;
}

bool route_parse(const char *path, struct route *out)
{
	bool json = strncmp(path, API, sizeof(API) - 1) == 0;
	struct parts p;

	*out = (struct route){ .kind = json ? ROUTE_JSON : ROUTE_PAGE };
	if (path[0] == '\0' || strcmp(path, "index.html") == 0)
		return true;
	if (parse_asset(path, out))
		return true;
	if (!split(json ? path + sizeof(API) - 1 : path, &p))
		return false;
	if (json)
		return cut(p.part[p.n - 1], ".json") && parse_page(&p, out);
	if (strcmp(p.part[0], "graph") == 0)
		return parse_graph(&p, out);
	return cut(p.part[p.n - 1], ".html") && strcmp(p.part[0], "overview") != 0 &&
	       parse_page(&p, out);
}

/* Writing --------------------------------------------------------------------------------- */

static void page_stem(const struct route *r, char *out, size_t len)
{
	switch (r->page) {
	case PAGE_OVERVIEW:
		snprintf(out, len, r->span == SPAN_DAY ? "overview" : "overview-%s",
			 span_name(r->span));
		return;
	case PAGE_PAIR:
		snprintf(out, len, "pair/%s/%s/%s", service_name(r->service), r->client, r->server);
		return;
	case PAGE_PEER: snprintf(out, len, "peer/%s", r->client); return;
	case PAGE_INCIDENT: snprintf(out, len, "incident/%" PRId64, r->id); return;
	case PAGE_INCIDENTS:
	case PAGE_SENSOR:
	case PAGE_UNKNOWN:
	case PAGE_METHOD:
	case PAGES: snprintf(out, len, "%s", plain[r->page]); return;
	}
}

static void graph_path(const struct route *r, char *out, size_t len)
{
	char of[2 * PARTY_NAME_MAX + 24], period[48];

	if (r->of == GRAPH_SENSOR)
		snprintf(of, sizeof(of), "sensor");
	else if (r->of == GRAPH_TOTAL)
		snprintf(of, sizeof(of), "%s/total", service_name(r->service));
	else
		snprintf(of, sizeof(of), "%s/%s/%s", service_name(r->service), r->client,
			 r->server);
	if (r->span == SPANS)
		snprintf(period, sizeof(period), "%" PRId64 "-%" PRId64, r->from, r->to);
	else
		snprintf(period, sizeof(period), "%s", span_name(r->span));
	snprintf(out, len, "graph/%s/%s-%s%s.%s", of, period, r->picture, r->dark ? "-dark" : "",
		 r->kind == ROUTE_SERIES ? "json"
		 : r->png                ? "png"
					 : "svg");
}

void route_path(const struct route *r, char out[ROUTE_PATH_MAX])
{
	char stem[ROUTE_PATH_MAX - 16];

	if (r->kind == ROUTE_ASSET) {
		snprintf(out, ROUTE_PATH_MAX, "%s", r->file);
		return;
	}
	if (r->kind == ROUTE_GRAPH || r->kind == ROUTE_SERIES) {
		graph_path(r, out, ROUTE_PATH_MAX);
		return;
	}
	page_stem(r, stem, sizeof(stem));
	if (r->kind == ROUTE_JSON)
		snprintf(out, ROUTE_PATH_MAX, API "%s.json", stem);
	else if (r->page == PAGE_OVERVIEW && r->span == SPAN_DAY)
		snprintf(out, ROUTE_PATH_MAX, "index.html");
	else
		snprintf(out, ROUTE_PATH_MAX, "%s.html", stem);
}

const char *route_root(const char *path)
{
	static const char *const roots[PARTS_MAX] = {
		"", "../", "../../", "../../../", "../../../../", "../../../../../"
	};
	size_t depth = 0;

	for (; *path && depth + 1 < PARTS_MAX; path++)
		depth += *path == '/';
	return roots[depth];
}

struct route route_page(enum page p)
{
	return (struct route){ .kind = ROUTE_PAGE, .page = p };
}

struct route route_pair(enum service service, const char *client, const char *server)
{
	struct route r = { .kind = ROUTE_PAGE, .page = PAGE_PAIR, .service = service };

	snprintf(r.client, sizeof(r.client), "%s", client);
	snprintf(r.server, sizeof(r.server), "%s", server);
	return r;
}

struct route route_peer(const char *name)
{
	struct route r = { .kind = ROUTE_PAGE, .page = PAGE_PEER };

	snprintf(r.client, sizeof(r.client), "%s", name);
	return r;
}

struct route route_incident(int64_t id)
{
	return (struct route){ .kind = ROUTE_PAGE, .page = PAGE_INCIDENT, .id = id };
}
