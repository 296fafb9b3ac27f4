/* sink_journald.c - alerts to systemd-journald, in its native protocol.
 *
 * One datagram holds one entry: a line NAME=value for each field, or, where the value has line ends,
 * NAME, LF, its length in eight bytes from the lowest, the value, LF. Of names, upper-case letters,
 * digits and underscores are allowed (systemd: docs/JOURNAL_NATIVE_PROTOCOL.md).
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/alert_fields.h"
#include "reports/outlet.h"
#include "reports/syslog_line.h"

#define PREFIX   "MAILSEAL_"
#define TEXT_MAX 2048

/* What journalctl finds the entries of one kind by; never changed. */
static const char *const message_ids[EVENT_N] = {
	[EVENT_OPENED] = "1af28c21fef64871ad400e429d4d7efa",
	[EVENT_ESCALATED] = "18ed635dccd948f1ba47509afb24b7af",
	[EVENT_CLOSED] = "bb3bdc3b05064dcb91c2aadfde791b0b",
	[EVENT_STALE] = "8e98996c3e5449bfa4499c16018a48cd",
	[EVENT_ACKNOWLEDGED] = "296d5014d05c420b8e269fb1d5d29343",
	[EVENT_TEST] = "b4da29b4e1664854bbd63e72090d2e0d",
};

static void *journald_open(const struct target *t, char *err, size_t errlen)
{
	return outlet_new(TRANSPORT_LOCAL, t->socket, 0, t->timeout_s, err, errlen);
}

static void put_length(FILE *out, uint64_t n)
{
	for (unsigned bits = 0; bits < 64; bits += 8)
		putc((int)(n >> bits & 0xff), out);
}

static void put(FILE *out, const char *name, const char *value)
{
	if (strchr(value, '\n')) {
		fprintf(out, "%s\n", name);
		put_length(out, strlen(value));
		fprintf(out, "%s\n", value);
	} else {
		fprintf(out, "%s=%s\n", name, value);
	}
}

static void put_own(void *ctx, const char *name, const char *value)
{
	char upper[64] = PREFIX;
	size_t n = strlen(PREFIX);

	for (; *name && n + 1 < sizeof(upper); name++)
		upper[n++] = (char)toupper((unsigned char)*name);
	upper[n] = '\0';
	put(ctx, upper, value);
}

/* Without its line end. */
static void put_record(FILE *out, const char *record)
{
	fprintf(out, PREFIX "EVIDENCE=%.*s\n", (int)strcspn(record, "\n"), record);
}

static void put_entry(FILE *out, const struct alert *a)
{
	char text[TEXT_MAX];

	incident_line(a->event, a->incident, text, sizeof(text));
	put(out, "MESSAGE", text);
	fprintf(out, "PRIORITY=%u\n", alert_level(a));
	put(out, "MESSAGE_ID", message_ids[a->event]);
	put(out, "SYSLOG_IDENTIFIER", "mailseald");
	put(out, "SYSLOG_FACILITY", "3"); /* daemon */
	put_own(out, "event", incident_event_name(a->event));
	alert_fields(a, put_own, out);
	for (unsigned n = 0; n < a->evidence_n; n++)
		put_record(out, a->evidence[n]);
}

static enum sink_answer journald_send(void *sink, const struct alert *a, char *answer, size_t len)
{
	char *entry = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&entry, &n);
	enum sink_answer taken;

	if (!out)
		abort();
	put_entry(out, a);
	if (fclose(out) != 0)
		abort();
	taken = outlet_send(sink, entry, n, answer, len);
	free(entry);
	return taken;
}

static void journald_close(void *sink)
{
	outlet_free(sink);
}

const struct sink_kind sink_journald = { TARGET_JOURNALD, journald_open, journald_send,
					 journald_close };
