/* report_read.h - what the parts of the report share: report.c asks, report_time.c reads when the
 * sensor ran, report_incidents.c what it found.
 */
#ifndef MAILSEAL_REPORT_READ_H
#define MAILSEAL_REPORT_READ_H

#include "reports/report.h"

/* elapsed_s, before_s, seen_s and health of m, whose borders are set; with outages also these of r. */
bool report_read_time(struct report *r, struct report_month *m, bool outages, struct ledger *l,
		      char *err, size_t errlen);

/* incidents and sensors; r->now is read. */
bool report_read_incidents(struct report *r, struct incidents *in, char *err, size_t errlen);

/* Room for one more element of an array that doubles; aborts without. */
void *report_grown(void *array, size_t n, size_t *room, size_t size);

#endif
