/* csv.h - fields of a CSV file (RFC 4180), which a spreadsheet may open. */
#ifndef MAILSEAL_CSV_H
#define MAILSEAL_CSV_H

#include <stdbool.h>
#include <stdio.h>

/* A name of at most PARTY_NAME_MAX bytes: always in quotes, printable ASCII, and never a formula. */
void csv_name(FILE *out, const char *name);

/* A share with 15 digits, so that one below 1 never reads 1; nothing when it is not known. */
void csv_share(FILE *out, bool known, double share);

#endif
