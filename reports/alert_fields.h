/* alert_fields.h - what an alert says, as names and values: for syslog and the journal.
 *
 * Names are lower case, ASCII, at most 32 bytes; values are text as it is, to be escaped by whoever
 * writes it.
 */
#ifndef MAILSEAL_ALERT_FIELDS_H
#define MAILSEAL_ALERT_FIELDS_H

#include "reports/sink.h"

typedef void alert_field_cb(void *ctx, const char *name, const char *value);

/* In a fixed order. "closed", "found", "why" and what is about an acknowledgement are left out while
 * they have no value; "again" and "test" are there, as "1", only when they hold. */
void alert_fields(const struct alert *a, alert_field_cb *cb, void *ctx);

/* How much it matters (RFC 5424, table 2): 2 critical, 4 warning, and 5, notice, for what is over,
 * acknowledged or a test. */
unsigned alert_level(const struct alert *a);

#endif
