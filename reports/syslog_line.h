/* syslog_line.h - an alert as a line: for people, and for syslog (RFC 5424).
 *
 * Formats only; the caller sends.
 */
#ifndef MAILSEAL_SYSLOG_LINE_H
#define MAILSEAL_SYSLOG_LINE_H

#include "reports/sink.h"

#define SYSLOG_LINE_MAX 4096

#define SYSLOG_TEXT_OF(n) #n
#define SYSLOG_TEXT(n)    SYSLOG_TEXT_OF(n)
/* Unless configured otherwise the enterprise number for documentation (RFC 5612). */
#define SYSLOG_SD_ID "mailseal@" SYSLOG_TEXT(ENTERPRISE_NUMBER)

/* "incident 7 opened: critical: plaintext-between-signatories orange -> free (mta): 3 sessions in
 * clear, ..." without a line end. */
void incident_line(enum incident_event e, const struct incident *i, char *out, size_t outlen);

/* One whole message of facility daemon, without a line end: header, the fields of the alert as
 * structured data, the line above. host may be NULL. The time is that of the event, or of the
 * attempt when it is repeated. MSGID is the name of the event. Returns its length. */
size_t syslog_line(const struct alert *a, const char *host, unsigned long pid,
		   char out[SYSLOG_LINE_MAX]);

/* The value of a parameter of structured data: '"', '\' and ']' escaped (RFC 5424, 6.3.3),
 * control characters as '?'. */
void syslog_escape(const char *text, char *out, size_t outlen);

#endif
