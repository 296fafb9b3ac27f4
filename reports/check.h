/* check.h - one pair of peers, or several, judged for a monitoring system.
 *
 * Reads the ledger and the incidents of a state directory and makes of them one state, the reasons
 * for it, one line, and performance data. Prints; exits nowhere. The state is the gravest of its
 * reasons: CRITICAL, UNKNOWN, WARNING, OK. What is stale is UNKNOWN, whatever it says.
 */
#ifndef MAILSEAL_CHECK_H
#define MAILSEAL_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "reports/incidents.h"
#include "reports/matrix.h"
#include "reports/range.h"

/* In the order of the exit codes. */
enum check_state { CHECK_OK, CHECK_WARNING, CHECK_CRITICAL, CHECK_UNKNOWN, CHECK_STATES };
const char *check_state_name(enum check_state s); /* "OK", "WARNING" ... */

struct check_asked {
	char client[PARTY_NAME_MAX + 1], server[PARTY_NAME_MAX + 1]; /* empty: any */
	enum service service;
	int64_t window_s, max_age_s;
	int64_t min_sessions; /* encrypted or in clear; fewer is UNKNOWN */
	/* Percent, RANGE_UNIT; less of the first is WARNING, and more of the others. 0 and 100: never. */
	int64_t min_coverage, max_loss, max_one_sided;
	/* Over the ratio in percent. Neither given: 100: is critical for what the charter promises,
	 * a warning for anything else. */
	struct range warn, crit;
};

#define CHECK_REASONS_MAX   12
#define CHECK_REASON_MAX    255
#define CHECK_INCIDENTS_MAX 16 /* shown; all are counted */

struct check_reason {
	enum check_state state;
	char text[CHECK_REASON_MAX + 1];
};

struct check {
	struct check_asked asked;
	struct matrix *m;
	struct counts counts; /* of the pairs asked for */
	struct ratio ratio;
	bool promised; /* the charter promises that they are sealed */
	bool stale;
	int64_t age_s; /* since the end of the last step */
	struct incident incidents[CHECK_INCIDENTS_MAX];
	size_t incidents_n;
	uint64_t firing[SEVERITY_N]; /* open and stale ones */
	struct check_reason reasons[CHECK_REASONS_MAX];
	size_t reasons_n;
	enum check_state state;
};

/* now: the time of the question. NULL with a sentence in err when it cannot be judged at all: no
 * such peer, no step in the ledger, a database that cannot be read. */
struct check *check_new(const struct check_asked *asked, struct ledger *l, struct incidents *in,
			int64_t now, char *err, size_t errlen);
void check_free(struct check *c);

/* One pair of what was asked for. */
bool check_wants(const struct check *c, const struct matrix_cell *cell);

/* "MAILSEAL OK - orange:free 99.98 % sealed, ... | ..."; with verbose 1 also the incidents and what
 * limits the numbers, with 2 each pair, with 3 the health of the sensor. */
void check_print(const struct check *c, unsigned verbose, FILE *out);

/* The only line when there is nothing to print: "MAILSEAL UNKNOWN - why". */
void check_print_unknown(const char *why, FILE *out);

#endif
