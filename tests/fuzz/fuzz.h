/* fuzz.h - what every fuzz target shares.
 *
 * A target reads arbitrary bytes and aborts when a promise of the code under test is broken; the
 * sanitizers see the rest. Linked with libFuzzer it explores, linked with replay.c it goes through
 * the files of its corpus.
 */
#ifndef MAILSEAL_TESTS_FUZZ_H
#define MAILSEAL_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "dissectors/cursor.h"
#include "dissectors/facts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(promise)                                                                 \
	do {                                                                          \
		if (!(promise)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #promise); \
			abort();                                                      \
		}                                                                     \
	} while (0)

/* A copy of exactly its size, so that a read past its end is seen. To be freed. */
uint8_t *fuzz_copy(struct span s);

/* A conversation in an input. Each step is a byte of flags, a length of one byte (two with
 * STEP_LONG) and, unless it is a gap, that many bytes or what there is of them. */
enum { STEP_SERVER = 1, STEP_GAP = 2, STEP_LONG = 4, STEP_HUGE = 8 /* the gap: times 2^32 */ };

struct fuzz_step {
	enum side from;
	bool gap;
	uint64_t n;
	uint8_t *data; /* a copy; NULL for a gap */
};

/* Reads the next step; false at the end. Every step read is given to fuzz_step_free(). */
bool fuzz_step(struct cursor *c, struct fuzz_step *out);
void fuzz_step_free(struct fuzz_step *s);

/* What must hold of facts at any time, and from one step to the next. */
struct fuzz_watch {
	bool plain;
	uint8_t exposure;
	bool sealed;       /* TLS completed: nobody asks for a verdict after that */
	enum verdict open; /* the verdict before the end */
};
void fuzz_watch(struct fuzz_watch *before, const struct facts *f);

/* Both conclude the same: the verdict, what it rests on, and the TLS parameters. */
void fuzz_same_session(const struct session *a, const struct session *b);

/* Both come to the same record, whatever the ending. */
void fuzz_same(const struct facts *a, const struct facts *b);

/* A gap may take from what is known, and adds nothing to it. */
void fuzz_not_grown(const struct facts *before, const struct facts *now);

#endif
