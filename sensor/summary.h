/* summary.h - what a run has found, in a few lines for the operator. */
#ifndef MAILSEAL_SUMMARY_H
#define MAILSEAL_SUMMARY_H

#include <stdio.h>

#include "reports/counts.h"
#include "reports/health.h"

/* Sessions by verdict, then what was read and what limits the numbers. */
void summary_print(const struct counts *c, const struct health *h, FILE *out);

#endif
