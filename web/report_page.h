/* report_page.h - the report on a month as one HTML file that prints well on A4.
 *
 * Needs nothing beside it: no script, no picture, no font, no address. Tables are lettered and their
 * lines numbered, so that people in a meeting can speak of line B7. zone_use() is in force.
 */
#ifndef MAILSEAL_REPORT_PAGE_H
#define MAILSEAL_REPORT_PAGE_H

#include <stdio.h>

#include "reports/report.h"

/* Write errors are left in the stream. */
void report_page(const struct report *r, FILE *out);

#endif
