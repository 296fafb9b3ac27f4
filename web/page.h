/* page.h - what every page has: head, navigation, footer; and the pieces that several show.
 *
 * Pages read without a script and without colour: a share always stands as text, with a sign and
 * with its sessions and coverage.
 */
#ifndef MAILSEAL_PAGE_H
#define MAILSEAL_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "reports/counts.h"
#include "reports/incidents.h"
#include "reports/period.h"
#include "web/html.h"
#include "web/route.h"

#define STALE_S 180 /* as mailseal check: a last step older than this is not the present */

/* What stands around a page. */
struct frame {
	struct route route;
	const char *title;  /* of the page */
	int64_t ledger_end; /* the end of the last step; -1: there is none */
	int64_t now;
	bool still; /* one of static files: it tells when it was made, and not how old it is */
};
void page_begin(struct html *h, const struct frame *f);
void page_end(struct html *h, const struct frame *f);

/* Whether there is such an address: a name out of a file may be none. */
bool page_leads(const struct route *to);
/* A link to a page of the site, from the root of the page that h writes; text alone where there is no
 * such address. */
void page_link(struct html *h, const struct route *to, const char *text);
void page_href(struct html *h, const struct route *to); /* href="..." with a blank in front */
/* The same, with the name of a party linked to its page; "-" and names of the ledger that are no
 * names of peers are text. */
void page_party(struct html *h, const char *name);

/* How well a share is, for the colour and the sign of its cell. */
enum seal { SEAL_NONE, SEAL_WHOLE, SEAL_NEAR, SEAL_PART, SEAL_LOW, SEALS };
enum seal seal_of(const struct ratio *r);
const char *seal_class(enum seal s); /* of the style sheet */
const char *seal_sign(enum seal s);  /* one character */

/* Two cells or three lines of the same: share, sessions and coverage. lost: of the total only. */
void page_share(struct html *h, const struct counts *c, uint64_t lost);

/* A table in a region that scrolls by itself where it is too wide: from <table> to the caption. The
 * label is the name of the region, and no other one on the page has it. */
void page_table_begin(struct html *h, const char *label, enum text caption);
void page_table_end(struct html *h); /* </tbody></table> and the region */
/* <thead> with a cell for each, and <tbody>. */
void page_heads(struct html *h, const enum text *heads, size_t n);
/* The same of the spans from day on, behind a head for the names of the rows. */
void page_span_heads(struct html *h, enum text names, unsigned spans);
enum text page_span(enum span s); /* "24 hours" */

/* A bar of a share; the number stands beside it as text. None where whole is less or 0. */
void page_bar(struct html *h, uint64_t part, uint64_t whole);
/* "1 234 (12.50 %)"; without the share where whole is less or 0. */
void page_part(struct html *h, uint64_t part, uint64_t whole);

/* A table row of a name and numbers: <tr><th scope="row">name</th><td>...</td></tr>. */
void page_number(struct html *h, const char *name, uint64_t n);

/* "1 234 567": groups of three with a thin space (U+202F) between. */
#define NUMBER_TEXT_MAX 32
void number_text(uint64_t n, char out[NUMBER_TEXT_MAX]);
/* "3 min", "2 h 5 min", "4 d 3 h" */
void duration_text(int64_t seconds, char *out, size_t len);
/* <time datetime="...">2026-11-22 10:00</time> */
void page_time(struct html *h, int64_t seconds);

#define PLOT_WIDTH   640u /* of a graph, pixels */
#define PLOT_HEIGHT  200u
#define GRAPH_WIDTH  799u /* of the picture around it, about */
#define GRAPH_HEIGHT 414u
/* A picture in light and dark, with what it shows in words. The routes are of ROUTE_GRAPH. */
void page_graph(struct html *h, const struct route *graph, const char *words);

/* A list of incidents as a table; the caller has a heading. The label as of page_table_begin(). */
void page_incidents(struct html *h, const char *label, const struct incident *list, size_t n);

#endif
