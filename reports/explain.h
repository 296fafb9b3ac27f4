/* explain.h - one session record in plain words.
 *
 * Every value of every enumeration has its sentence in a table; a value without one is a mistake
 * that the unit test finds. Nothing is said that the record does not hold.
 */
#ifndef MAILSEAL_EXPLAIN_H
#define MAILSEAL_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "reports/record_read.h"
#include "reports/text.h"

/* What is known of the two peers of a session. */
enum signatories {
	SIGNATORIES_UNKNOWN, /* no ledger to ask */
	SIGNATORIES_BOTH,
	SIGNATORIES_NOT_BOTH,
	SIGNATORIES_N
};

void explain_print(FILE *out, const struct screen *s, const struct record *r, enum signatories who);

/* The sentences; NULL for values out of range and for the NONE values. */
const char *explain_verdict(enum verdict v);
const char *explain_reason(enum reason r);
const char *explain_exposure(enum exposure e);
const char *explain_cause(enum cause c);
const char *explain_stripped(enum stripped s);
const char *explain_directions(enum directions d);
const char *explain_oddity(enum oddity o);
const char *explain_finding(enum finding f);
const char *explain_word(unsigned word); /* "the client said EHLO" */

/* The sentences of all evidence, in order; replies are matched with the commands before them. */
#define EXPLAIN_LINE_MAX 96
size_t explain_evidence(const struct session *s, char lines[EVIDENCE_MAX][EXPLAIN_LINE_MAX]);

/* Whether the session weighs against the charter, in one or two sentences. */
void explain_charter(const struct record *r, enum signatories who, char *out, size_t outlen);

#endif
