/* graphs.h - the pictures of the site, and what a script tells of them.
 *
 * A picture is drawn by the drawing process (drawer.h), with the exact totals of the ledger below
 * it. Its data are steps of the ledger, added up to a number of points that a pointer can tell apart.
 */
#ifndef MAILSEAL_GRAPHS_H
#define MAILSEAL_GRAPHS_H

#include "reports/drawer.h"
#include "web/view.h"

/* d may be NULL: then nothing is drawn, and that is said. */

/* v->route is of ROUTE_GRAPH; its ledger is open. NOT_FOUND when there is no such kind of picture, or
 * nothing to draw in the period. */
enum answer graph_draw(struct view *v, struct drawer *d, struct rrd_image *out);

/* v->route is of ROUTE_SERIES: the keys of one object: from, to, seconds of a point, the place of the
 * plot in the picture as shares of it, points. Times are seconds. */
enum answer graph_series(struct view *v, struct drawer *d, struct json_out *j);

#endif
