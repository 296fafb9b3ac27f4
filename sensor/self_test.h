/* self_test.h - a capture that is built in, and every counter that it must come to.
 *
 * Both are made by tests/pcaps/self-test/make-self-test.py, the counters from what was put into the
 * capture and not from the sensor. Takes no part in the run between the two, which is that of any file.
 */
#ifndef MAILSEAL_SELF_TEST_H
#define MAILSEAL_SELF_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "reports/ledger.h"
#include "sensor/conf.h"

struct self_test;

/* The capture in memory, under a name by which this process and its children can read it. NULL with
 * one line in err. */
struct self_test *self_test_new(char *err, size_t errlen);
void self_test_free(struct self_test *t); /* NULL is allowed */
const char *self_test_input(const struct self_test *t);

/* The defaults, and the peers of the capture. For conf_free(). */
struct conf *self_test_conf(void);

/* Takes what a step counted. Always true: for recorder_options.on_step. */
bool self_test_step(void *t, const struct ledger_batch *b);
/* And the counters of the sensor at the end of the run. */
void self_test_end(struct self_test *t, const struct health *h);

/* Compares all counters. Writes one line for each that is wrong; when none is, how many there are.
 * False: one is wrong, or this could not be written. */
bool self_test_judge(const struct self_test *t, FILE *out);

/* A counter by its name: "mta alpha beta plaintext", or "health packets". */
struct self_test_count {
	const char *what;
	uint64_t n;
};

/* The part of self_test_judge() that compares: every counter of every row and of the health with what
 * is expected of it, 0 unless said otherwise, and what is expected with what is there. Returns how
 * many are wrong; *all receives how many there are. */
unsigned self_test_compare(const struct self_test_count *expected, size_t n,
			   const struct ledger_row *rows, size_t rows_n, const struct health *h,
			   FILE *out, unsigned *all);

#endif
