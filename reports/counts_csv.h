/* counts_csv.h - counts and their ratio as CSV: the same columns wherever they are shown. */
#ifndef MAILSEAL_COUNTS_CSV_H
#define MAILSEAL_COUNTS_CSV_H

#include <stdint.h>
#include <stdio.h>

#include "reports/counts.h"

/* The names of the columns, those of the keys of counts_json(); and their values. Each without a comma
 * before and a line end behind. */
void counts_csv_names(FILE *out);
void counts_csv(FILE *out, const struct counts *c, uint64_t lost);
/* Of counts that are not published: sessions stands for their number, the rest is empty. */
void counts_csv_withheld(FILE *out, const char *sessions);

#endif
