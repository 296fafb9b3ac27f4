/* metrics_text.h - totals and levels in the text format of Prometheus.
 *
 * HELP and TYPE once for each metric, no time stamps: node_exporter takes none.
 */
#ifndef MAILSEAL_METRICS_TEXT_H
#define MAILSEAL_METRICS_TEXT_H

#include <stdio.h>

#include "reports/incidents.h"
#include "reports/ledger.h"
#include "reports/target.h"

/* What only grows. */
struct metrics_totals {
	struct ledger_row *rows; /* by client, server, service */
	size_t rows_n;
	struct health health;
	int64_t last_step; /* -1: none yet */
};

/* What could not be written when it was last tried, and the steps that wait for the ledger. */
struct metrics_writes {
	const char *const *what;
	const bool *failing;
	size_t n;
	uint64_t steps_waiting;
};

/* What stands now. */
struct metrics_levels {
	const struct metrics_writes *writes; /* NULL: it is not told */
	uint64_t incidents[INCIDENT_STATES][SEVERITY_N];
	struct {
		char name[TARGET_NAME_MAX + 1];
		uint64_t waiting; /* events that it is still to be told */
	} targets[TARGETS_MAX];
	size_t targets_n;
};

void metrics_text(const struct metrics_totals *t, const struct metrics_levels *now, FILE *out);

#endif
