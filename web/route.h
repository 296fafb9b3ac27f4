/* route.h - the addresses of the site: which page or file a path names, and back.
 *
 * The same for the server and for static files, so that every link is relative and the site works
 * below any prefix. A path has no leading slash. Everything in it is checked: names of peers are
 * [a-z0-9-], what is not one of these shapes is no route.
 *
 *     index.html, overview-week.html, overview-month.html, overview-year.html
 *     pair/mta/orange/free.html     peer/orange.html     incident/12.html
 *     incidents.html  sensor.html  unknown.html  method.html
 *     api/v1/...json                the same as JSON; of index.html: api/v1/overview.json
 *     graph/mta/orange/free/week-ratio.svg    graph/mta/total/...    graph/sensor/week-loss.svg
 *                                   with -dark before .svg; .png instead; .json: what it shows
 *     graph/.../1795341600-1795345200-ratio.svg    seconds instead of a span
 *     style.css  page.js  icon.svg
 */
#ifndef MAILSEAL_ROUTE_H
#define MAILSEAL_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reports/peers.h"

enum page {
	PAGE_OVERVIEW,
	PAGE_PAIR,
	PAGE_PEER,
	PAGE_INCIDENTS,
	PAGE_INCIDENT,
	PAGE_SENSOR,
	PAGE_UNKNOWN,
	PAGE_METHOD,
	PAGES
};

enum span { SPAN_DAY, SPAN_WEEK, SPAN_MONTH, SPAN_YEAR, SPANS };
const char *span_name(enum span s); /* "day" ... */
int64_t span_seconds(enum span s);  /* 1, 7, 30, 365 days */

enum route_kind { ROUTE_PAGE, ROUTE_JSON, ROUTE_GRAPH, ROUTE_SERIES, ROUTE_ASSET };
enum graph_of { GRAPH_PAIR, GRAPH_TOTAL, GRAPH_SENSOR };

#define ROUTE_PATH_MAX 192
#define ROUTE_FILE_MAX 16

struct route {
	enum route_kind kind;
	enum page page;       /* of ROUTE_PAGE and ROUTE_JSON */
	enum span span;       /* of the overview; of a graph, SPANS where from and to say it */
	int64_t from, to;     /* of a graph; seconds, UTC, whole steps, from < to */
	enum service service; /* of a pair, of a graph */
	char client[PARTY_NAME_MAX + 1]; /* of a pair; of PAGE_PEER the peer */
	char server[PARTY_NAME_MAX + 1];
	int64_t id; /* of an incident */
	enum graph_of of;
	char picture[ROUTE_FILE_MAX]; /* what a graph shows, a word: "ratio" */
	bool dark, png;
	char file[ROUTE_FILE_MAX]; /* of an asset */
};

bool route_parse(const char *path, struct route *out);
void route_path(const struct route *r, char out[ROUTE_PATH_MAX]);

/* "", "../", "../../" ... from a path to the root of the site; static. */
const char *route_root(const char *path);

/* Makers of the common ones. */
struct route route_page(enum page p);
struct route route_pair(enum service service, const char *client, const char *server);
struct route route_peer(const char *name);
struct route route_incident(int64_t id);

#endif
