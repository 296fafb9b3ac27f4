/* syslog_line.c - an alert as a line: for people, and for syslog (RFC 5424). */
#include "reports/syslog_line.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "reports/alert_fields.h"
#include "reports/period.h"

#define FACILITY_DAEMON 3u
#define HOST_MAX        255 /* RFC 5424, 6: HOSTNAME */

struct line {
	char *out;
	size_t len, room;
};

static void add(struct line *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Cuts what does not fit. */
static void add(struct line *l, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->out + l->len, l->room - l->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		l->len += (size_t)n < l->room - l->len ? (size_t)n : l->room - l->len - 1;
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* ", content 2, envelope 1": what weighs most first. */
static void add_exposures(struct line *l, const struct incident *i)
{
	for (unsigned e = EXPOSURE_N; e-- > EXPOSURE_UNKNOWN;) {
		if (i->by_exposure[e] > 0)
			add(l, ", %s %" PRIu64, exposure_name((enum exposure)e), i->by_exposure[e]);
	}
}

static void add_causes(struct line *l, const struct incident *i)
{
	const char *lead = "; cause: ";

	for (unsigned c = CAUSE_NONE + 1; c < CAUSE_N; c++) {
		if (i->by_cause[c] == 0)
			continue;
		add(l, "%s%s %" PRIu64, lead, cause_name((enum cause)c), i->by_cause[c]);
		lead = ", ";
	}
}

static uint64_t in_clear(const struct incident *i)
{
	uint64_t n = 0;

	for (unsigned e = EXPOSURE_UNKNOWN; e < EXPOSURE_N; e++)
		n += i->by_exposure[e];
	return n;
}

/* ": 3 sessions in clear, content 3, confirmed 2; cause: not-offered 3" */
static void add_weight(struct line *l, const struct incident *i)
{
	bool clear = in_clear(i) > 0;

	if (i->sessions == 0)
		return;
	add(l, ": %" PRIu64 " session%s%s", i->sessions, plural(i->sessions),
	    clear ? " in clear" : "");
	add_exposures(l, i);
	if (clear)
		add(l, ", confirmed %" PRIu64, i->confirmed);
	add_causes(l, i);
}

/* Those of a sensor have no peers. */
static void add_where(struct line *l, const struct incident *i)
{
	if (strcmp(i->client, "-") == 0 && strcmp(i->server, "-") == 0)
		add(l, "sensor %s", i->sensor);
	else
		add(l, "%s -> %s (%s)", i->client, i->server, incident_service(i));
}

void incident_line(enum incident_event e, const struct incident *i, char *out, size_t outlen)
{
	struct line l = { out, 0, outlen };

	if (e == EVENT_TEST)
		add(&l, "this is a test, nothing has happened: ");
	add(&l, "incident %" PRId64 " %s: %s: %s ", i->id, incident_event_name(e),
	    severity_name(i->severity), i->rule);
	add_where(&l, i);
	add_weight(&l, i);
	if (i->found[0])
		add(&l, "; %s", i->found);
	if (i->why[0])
		add(&l, "; %s", i->why);
	if (i->acked > 0)
		add(&l, "; acknowledged by %s: %s", i->ack_by, i->ack_note);
}

void syslog_escape(const char *text, char *out, size_t outlen)
{
	size_t n = 0;

	for (; *text && n + 2 < outlen; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\' || c == ']')
			out[n++] = '\\';
		out[n++] = c < 0x20 || c == 0x7f ? '?' : *text;
	}
	out[n] = '\0';
}

static void add_param(void *ctx, const char *name, const char *value)
{
	char text[2 * INCIDENT_NOTE_MAX + 3];

	syslog_escape(value, text, sizeof(text));
	add(ctx, " %s=\"%s\"", name, text);
}

/* RFC 5424, 6.2.3; "-" for a time that it cannot express. */
static void add_time(struct line *l, int64_t seconds)
{
	char text[UTC_TEXT_MAX];

	utc_text(seconds, UTC_ISO, text);
	add(l, " %s", text[0] == '?' ? "-" : text);
}

/* Printable ASCII without blanks, or "-" (RFC 5424, 6). */
static void add_host(struct line *l, const char *host)
{
	char text[HOST_MAX + 1];
	size_t n = 0;

	for (; host && *host && n < HOST_MAX; host++)
		text[n++] = *host > ' ' && *host < 0x7f ? *host : '?';
	text[n] = '\0';
	add(l, " %s", n > 0 ? text : "-");
}

size_t syslog_line(const struct alert *a, const char *host, unsigned long pid,
		   char out[SYSLOG_LINE_MAX])
{
	struct line l = { out, 0, SYSLOG_LINE_MAX };
	char text[SYSLOG_LINE_MAX / 2];

	incident_line(a->event, a->incident, text, sizeof(text));
	add(&l, "<%u>1", FACILITY_DAEMON * 8 + alert_level(a));
	add_time(&l, a->again ? a->now : a->at);
	add_host(&l, host);
	add(&l, " mailseald %lu %s", pid, incident_event_name(a->event));
	add(&l, " [" SYSLOG_SD_ID);
	alert_fields(a, add_param, &l);
	add(&l, "] %s", text);
	return l.len;
}
