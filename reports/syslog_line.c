/* syslog_line.c - an incident as a line: for people, and for syslog (RFC 5424). */
#include "reports/syslog_line.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define FACILITY_DAEMON 3
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

void incident_line(enum incident_event e, const struct incident *i, char *out, size_t outlen)
{
	struct line l = { out, 0, outlen };

	add(&l, "incident %" PRId64 " %s: %s: %s %s -> %s (%s): %" PRIu64 " session%s in clear",
	    i->id, incident_event_name(e), severity_name(i->severity), i->rule, i->client,
	    i->server, service_name(i->service), i->sessions, plural(i->sessions));
	add_exposures(&l, i);
	add(&l, ", confirmed %" PRIu64, i->confirmed);
	add_causes(&l, i);
	if (i->why[0])
		add(&l, "; %s", i->why);
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

static void add_param(struct line *l, const char *name, const char *value)
{
	char text[2 * INCIDENT_WHY_MAX + 3];

	syslog_escape(value, text, sizeof(text));
	add(l, " %s=\"%s\"", name, text);
}

static void add_number(struct line *l, const char *name, uint64_t n)
{
	add(l, " %s=\"%" PRIu64 "\"", name, n);
}

static void add_time(struct line *l, const char *name, int64_t s)
{
	time_t t = (time_t)s;
	char text[32] = "-";
	struct tm tm;

	if (gmtime_r(&t, &tm) && tm.tm_year >= 0 && tm.tm_year < 8100)
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (name)
		add_param(l, name, text);
	else
		add(l, " %s", text);
}

static void add_data(struct line *l, const struct incident *i)
{
	add(l, " [" SYSLOG_SD_ID);
	add_number(l, "incident", (uint64_t)i->id);
	add_param(l, "rule", i->rule);
	add_param(l, "client", i->client);
	add_param(l, "server", i->server);
	add_param(l, "service", service_name(i->service));
	add_param(l, "sensor", i->sensor);
	add_param(l, "severity", severity_name(i->severity));
	add_param(l, "state", incident_state_name(i->state));
	add_time(l, "opened", i->opened);
	add_time(l, "last_seen", i->last_seen);
	add_number(l, "sessions", i->sessions);
	add_number(l, "confirmed", i->confirmed);
	for (unsigned e = EXPOSURE_UNKNOWN; e < EXPOSURE_N; e++)
		add_number(l, exposure_name((enum exposure)e), i->by_exposure[e]);
	if (i->why[0])
		add_param(l, "why", i->why);
	add(l, "]");
}

/* Severities of RFC 5424, table 2. */
static unsigned priority(enum incident_event e, enum severity s)
{
	unsigned level = s == SEVERITY_CRITICAL ? 2u : 4u;

	return FACILITY_DAEMON * 8 + (e == EVENT_CLOSED ? 5u : level);
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

size_t syslog_line(enum incident_event e, const struct incident *i, const char *host,
		   unsigned long pid, int64_t now, char out[SYSLOG_LINE_MAX])
{
	struct line l = { out, 0, SYSLOG_LINE_MAX };
	char text[SYSLOG_LINE_MAX / 2];

	incident_line(e, i, text, sizeof(text));
	add(&l, "<%u>1", priority(e, i->severity));
	add_time(&l, NULL, now);
	add_host(&l, host);
	add(&l, " mailseald %lu %s", pid, incident_event_name(e));
	add_data(&l, i);
	add(&l, " %s", text);
	return l.len;
}
