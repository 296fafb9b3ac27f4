/* graph.h - what is written on and below a picture: title, exact totals, incidents.
 *
 * The numbers come from a matrix, hence from the ledger, and are exact for its period; the
 * picture itself is drawn by rrddraw.h, here or in a drawing process (drawer.h).
 */
#ifndef MAILSEAL_GRAPH_H
#define MAILSEAL_GRAPH_H

#include "reports/matrix.h"
#include "reports/rrddraw.h"

/* Fills in period, service, title, totals, lines and marks of a picture whose kind, client, server
 * and zone are set. m: with all pairs (matrix_new(..., all = true)) of the picture's period. The
 * marks are the incidents of the pair, the service or the sensor, when dir holds an incidents.db,
 * of more than there is room for the newest. False with a sentence in err, when there is no such
 * peer, no session of the pair in the period, or incidents.db cannot be read. */
bool graph_fill(struct rrd_picture *p, const struct matrix *m, const char *dir, char *err,
		size_t errlen);

#endif
