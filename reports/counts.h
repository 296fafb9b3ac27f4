/* counts.h - what is counted of sessions, and the ratio made of it.
 *
 * Counts only add: any two can be summed, and a ratio is made from the sum, never stored.
 */
#ifndef MAILSEAL_COUNTS_H
#define MAILSEAL_COUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dissectors/verdict.h"

/* One row per count: enumerator, column name in the ledger, unit, what it counts. Order is the order
 * of columns. */
#define COUNTS_TABLE(X)                                                                           \
	X(COUNT_ENC_STARTTLS, "enc_starttls", "sessions", "encrypted by STARTTLS or STLS")        \
	X(COUNT_ENC_IMPLICIT, "enc_implicit", "sessions", "encrypted from the first byte")        \
	X(COUNT_PLAINTEXT, "plaintext", "sessions", "with user data in clear")                    \
	X(COUNT_TLS_FAILED, "tls_failed", "sessions", "in which TLS was tried and failed")        \
	X(COUNT_NO_TRANSACTION, "no_transaction", "sessions", "in clear that sent nothing")       \
	X(COUNT_INDETERMINATE, "indeterminate", "sessions", "of which not enough was seen")       \
	X(COUNT_REFUSED, "refused", "sessions", "of plaintext: the server accepted nothing")      \
	X(COUNT_BEGUN_BEFORE, "begun_before", "sessions",                                         \
	  "of indeterminate: began before the capture")                                           \
	X(COUNT_OFFERED, "offered", "sessions", "in which the server offered the upgrade")        \
	X(COUNT_REQUESTED, "requested", "sessions", "in which the client asked for the upgrade")  \
	X(COUNT_ACCEPTED, "accepted", "sessions", "in which the server agreed to the upgrade")    \
	X(COUNT_STRIPPED, "stripped", "sessions", "with signs that the upgrade was taken away")   \
	X(COUNT_TLS10, "tls10", "sessions", "encrypted with TLS 1.0")                             \
	X(COUNT_TLS11, "tls11", "sessions", "encrypted with TLS 1.1")                             \
	X(COUNT_TLS12, "tls12", "sessions", "encrypted with TLS 1.2")                             \
	X(COUNT_TLS13, "tls13", "sessions", "encrypted with TLS 1.3")                             \
	X(COUNT_MESSAGES_CLEAR, "messages_clear", "messages", "mails accepted in clear")          \
	X(COUNT_AUTH_CLEAR, "auth_clear", "sessions", "with an authentication exchange in clear") \
	X(COUNT_EXCEPTED, "excepted", "sessions", "of the exceptions list, in no other count")

#define COUNTS_ENUM(id, name, unit, text) id,
enum count { COUNTS_TABLE(COUNTS_ENUM) COUNT_N };
#undef COUNTS_ENUM

struct counts {
	uint64_t n[COUNT_N];
};

const char *count_name(enum count c);
const char *count_unit(enum count c);
const char *count_text(enum count c);

/* Adds one decided session; an excepted one counts as excepted and nothing else. What goes on growing
 * after the verdict is not added here. */
void counts_add_session(struct counts *c, const struct session *s, bool excepted);
/* Adds the rest when the session is over: its messages in clear, and for a plaintext session, which
 * may ask for TLS after all, the funnel, stripped and auth_clear. Not for excepted sessions. */
void counts_add_end(struct counts *c, const struct session *s);
void counts_add(struct counts *to, const struct counts *from);
uint64_t counts_sessions(const struct counts *c); /* the six verdicts together */

/* The ratio of a sum of counts and what limits it. E, P, U as in doc/metrics.md. */
struct ratio {
	uint64_t encrypted, plaintext, unknown, failed;
	bool known;             /* false when E + P = 0: print a dash */
	double ratio;           /* E / (E + P) */
	double lowest, highest; /* E / (E + P + U), (E + U) / (E + P + U) */
	bool covered;           /* false when nothing was decided or unknown */
	double coverage;        /* (E + P + failed) / (E + P + failed + U) */
};
/* lost: records lost on the way to the recorder, added to U; 0 for a single pair. */
struct ratio counts_ratio(const struct counts *c, uint64_t lost);

/* "99.98 %", rounded down; "100 %" only when P = 0, "0 %" only when E = 0, "-" when not known. */
void ratio_text(const struct ratio *r, char *out, size_t outlen);
/* For people: "99.90", "100" only when num = den, never rounded across the true value: down, or
 * up with up. num <= den, den > 0. */
void percent_text(uint64_t num, uint64_t den, bool up, char *out, size_t outlen);
/* "89.96 %", rounded down, so that it never shows a threshold that it is below; "100 %" only when
 * U = 0, "-" when nothing was decided or unknown. */
void coverage_fine_text(const struct ratio *r, char *out, size_t outlen);

#endif
