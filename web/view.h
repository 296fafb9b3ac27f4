/* view.h - what one page says: read from a state directory, and written as HTML or as JSON.
 *
 * A view reads everything before it writes anything, so that a page is whole or is not there. The
 * numbers are those of the ledger. A state directory that is empty or half made gives a sentence,
 * never a crash.
 */
#ifndef MAILSEAL_VIEW_H
#define MAILSEAL_VIEW_H

#include "reports/incidents.h"
#include "reports/json_out.h"
#include "reports/ledger.h"
#include "reports/period.h"
#include "web/html.h"
#include "web/lines.h"
#include "web/route.h"

#define VIEW_ERR_MAX 512

/* What a view is given. */
struct view {
	const char *dir; /* the state directory */
	struct route route;
	struct ledger *l;
	struct incidents *in;      /* NULL: there is no incidents.db, or it cannot be read */
	const struct lines *lines; /* what the session log says */
	int64_t ledger_end, now;
	bool still;
	char err[VIEW_ERR_MAX]; /* why it is not ANSWER_OK, a sentence for people */
};

enum answer { ANSWER_OK, ANSWER_NOT_FOUND, ANSWER_FAILED };

/* Exactly one of h and j is not NULL. With h: what stands between page_begin() and page_end(); with
 * j: the keys of one object, which the caller opens and ends. Unless the answer is ANSWER_OK nothing
 * has been written, and err is filled. */
typedef enum answer view_fn(struct view *v, struct html *h, struct json_out *j);

view_fn view_overview, view_pair, view_peer, view_incidents, view_incident, view_sensor,
	view_unknown, view_method;

/* The section "Ciphers" of the page of a pair: the pair is that of the route. With j: one key. */
void view_ciphers(struct view *v, struct html *h, struct json_out *j);

/* Incidents that are asked for: NULL names for all. */
enum incidents_which { INCIDENTS_FIRING, INCIDENTS_CLOSED, INCIDENTS_ANY };
struct incidents_asked {
	enum incidents_which which;
	const char *peer;            /* on either side */
	const char *client, *server; /* with service; both or none */
	enum service service;
};

/* Newest first, and of those that fire the gravest before; at most max; *all receives how many there are. Owned by the caller. When they cannot
 * be read there are none, and v->in is closed and NULL, so that the page says so. */
struct incident *view_incidents_of(struct view *v, const struct incidents_asked *asked, size_t max,
				   size_t *n, size_t *all);
/* An array; null when there is no store. */
void view_json_incidents(const struct view *v, struct json_out *j, const char *key,
			 const struct incident *list, size_t n);

/* What the ledger says of a period counted back from its end: the counts of a pair, and the sensor. */
struct span_sums {
	struct period period;
	struct counts counts;
	struct health health;
	int64_t seen_s;
};
/* The period of a span: counted back from the end of the ledger, and on to a whole hour, before which
 * minutes would be read one by one. The same for every page and picture. */
struct period_asked view_asked(enum span span, int64_t ledger_end);

/* counts are those of rows that match; NULL names for all. */
bool view_span(struct view *v, enum span span, enum service service, const char *client,
	       const char *server, struct span_sums *out);
/* Keys of a period: from, to, seconds, seconds_seen. */
void view_json_period(struct json_out *j, const struct span_sums *s);

/* What the ledger knows of a name; false with v->err when it cannot be read. */
bool view_party(struct view *v, const char *name, struct ledger_party *out);

#endif
