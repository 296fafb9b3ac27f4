/* terms.h - what the names on the pages mean, in a sentence each, and where the method page has it. */
#ifndef MAILSEAL_TERMS_H
#define MAILSEAL_TERMS_H

#include <stddef.h>

#include "web/html.h"

enum term_group {
	TERMS_NUMBER, /* ratio, bounds, coverage ... */
	TERMS_VERDICT,
	TERMS_COUNT, /* of the ledger, but for the verdicts */
	TERMS_EXPOSURE,
	TERMS_CAUSE,
	TERMS_STRIPPED,
	TERMS_RULE,
	TERMS_STATE, /* of an incident */
	TERM_GROUPS
};

struct term {
	const char *name;
	enum text words;
};

/* The terms of a group in the order in which they are told; static. */
const struct term *terms_of(enum term_group g, size_t *n);
/* NULL when there is no such name in the group. */
const struct term *term_find(enum term_group g, const char *name);

enum text term_heading(enum term_group g);

/* "verdict-plaintext": names are the same in several groups. */
#define TERM_ANCHOR_MAX 64
void term_anchor(enum term_group g, const char *name, char out[TERM_ANCHOR_MAX]);

/* A link to a term on the method page; text alone when there is no such term. */
void term_link(struct html *h, enum term_group g, const char *name, const char *text);

#endif
