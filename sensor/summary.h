/* summary.h - what a run has found, in a few lines for the operator. */
#ifndef MAILSEAL_SUMMARY_H
#define MAILSEAL_SUMMARY_H

#include <stdio.h>

#include "reports/counts.h"
#include "reports/health.h"

/* Sessions by verdict, the share that was encrypted, and coverage. lost: records that never
 * reached the recorder. */
void summary_sessions(const struct counts *c, uint64_t lost, FILE *out);

/* What was read and what limits the numbers. */
void summary_print(const struct health *h, FILE *out);

#endif
