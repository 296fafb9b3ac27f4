/* matrix.h - who talked to whom over a period, from the ledger: peers crossed with peers.
 *
 * Reads integer counts and keeps them; ratios are made when they are shown. For service mta the
 * promise of the charter lies between two different signatories, and the total is the sum of
 * these pairs; for the other services nothing is promised and the total is the sum of all pairs.
 */
#ifndef MAILSEAL_MATRIX_H
#define MAILSEAL_MATRIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "reports/counts.h"
#include "reports/health.h"
#include "reports/json_out.h"
#include "reports/ledger.h"
#include "reports/period.h"
#include "reports/text.h"

/* What a name stands for, in the order in which parties are shown. */
enum party_kind { PARTY_SIGNATORY, PARTY_PEER, PARTY_NET, PARTY_OTHER };

struct party {
	char name[PARTY_NAME_MAX + 1];
	enum party_kind kind;
};

struct matrix_cell {
	size_t client, server; /* index into parties */
	bool promised;
	struct counts counts;
};

struct matrix {
	struct period period;
	int64_t ledger_end; /* end of the last step */
	enum service service;
	bool all; /* not only signatories */
	struct party *parties;
	size_t parties_n;
	struct matrix_cell *cells; /* ordered by client, then server */
	size_t cells_n;
	struct counts total;
	struct counts beside;   /* pairs that are neither in the total nor shown */
	struct health health;   /* of the period */
	int64_t seen_s;         /* time of the period in which the sensor ran */
	int64_t incidents_open; /* -1: not known */
};

/* all: also the pairs with a party that is not a signatory; always so for a service other than
 * mta. NULL with err. */
struct matrix *matrix_new(struct ledger *l, enum service service, bool all,
			  const struct period_asked *asked, char *err, size_t errlen);
/* The same of one pair, which is soon read however many there are: no other cell is in it, and of the
 * parties those of the configuration and the two, if they have one. */
struct matrix *matrix_new_pair(struct ledger *l, enum service service, const char *client,
			       const char *server, const struct period_asked *asked, char *err,
			       size_t errlen);
void matrix_free(struct matrix *m);

/* NULL when there was nothing between the two. */
const struct matrix_cell *matrix_cell_of(const struct matrix *m, size_t client, size_t server);

/* Whether something limits what the numbers of the period mean. */
bool matrix_limited(const struct matrix *m);

/* The three shapes. */
void matrix_print(const struct matrix *m, const struct screen *s, FILE *out);
void matrix_json(const struct matrix *m, FILE *out);
/* The keys of the JSON, for an object of the caller's, which has a version of its own. */
void matrix_json_keys(const struct matrix *m, struct json_out *j);
void matrix_csv(const struct matrix *m, FILE *out);

/* "98 %", rounded down; "-" when nothing was decided or unknown */
void coverage_text(const struct ratio *r, char *out, size_t outlen);
/* "99.90-99.99", rounded outwards; twice the ratio when U = 0, "-" when E + P + U = 0 */
void bounds_text(const struct ratio *r, char *out, size_t outlen);

#endif
