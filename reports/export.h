/* export.h - steps of the ledger as rows: of pairs, of a sum of pairs, or of the sensor.
 *
 * A pair that was named, a sum and the sensor have a row for every step of the period that lies
 * within the ledger: zero when nothing happened, without numbers when the sensor did not run. When
 * several pairs are asked for each has rows only for steps with sessions of it, and a step in which
 * the sensor did not run has one row that names no pair.
 *
 * Reads a piece of the period at a time; what it keeps does not grow with the period or the pairs,
 * but with the peers.
 */
#ifndef MAILSEAL_EXPORT_H
#define MAILSEAL_EXPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "reports/export_series.h"
#include "reports/ledger.h"
#include "reports/period.h"

#define EXPORT_RESOLUTION_AUTO RESOLUTION_N

struct export_asked {
	enum series_of of;
	struct series_wanted series;
	bool sum;
	bool promised; /* only pairs between which the charter promises TLS */
	int service;   /* -1: all */
	char client[PARTY_NAME_MAX + 1], server[PARTY_NAME_MAX + 1]; /* empty: any */
	char peer[PARTY_NAME_MAX + 1];                               /* of either end */
	struct period_asked period;
	enum resolution resolution; /* EXPORT_RESOLUTION_AUTO: the finest kept for all of it */
	bool json;
};

/* The ledger is frozen by it. False with a sentence in err, perhaps after some rows. A write error is
 * left in the stream, and ends the rows. */
bool export_write(const struct export_asked *a, struct ledger *l, FILE *out, char *err,
		  size_t errlen);

#endif
