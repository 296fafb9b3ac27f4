/* table.h - a table for a terminal, in its width.
 *
 * Cells have one or more lines. Columns that do not fit beside each other are continued below,
 * with the first column repeated. Text is escaped to printable ASCII on the way in.
 */
#ifndef MAILSEAL_TABLE_H
#define MAILSEAL_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include "reports/text.h"

struct table;

/* Every column but the first is set to the right with right. Aborts when out of memory. */
struct table *table_new(unsigned columns, bool right);
void table_free(struct table *t);

/* Adds the next cell in reading order; the first row is the heading. LF separates lines; the
 * tone is that of the first line. */
void table_cell(struct table *t, enum tone tone, const char *text);

/* Prints the rows that are complete. */
void table_print(const struct table *t, const struct screen *s, FILE *out);

#endif
