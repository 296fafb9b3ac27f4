/* alertmanager_json.c - an alert as Prometheus Alertmanager takes it. */
#include "reports/alertmanager_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/json_out.h"
#include "reports/period.h"
#include "reports/record_read.h"
#include "reports/syslog_line.h"

#define TEXT_MAX  1024
#define FIRES_FOR 3 /* times repeat_s */

/* The alert of one severity: what it is now, or the warning that it was. */
struct side {
	const struct alert *a;
	enum severity severity;
	int64_t ends;
};

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t ends(const struct alert *a, unsigned repeat_s)
{
	const struct incident *i = a->incident;

	if (a->event == EVENT_TEST)
		return a->now + ALERTMANAGER_TEST_S;
	if (i->state == INCIDENT_CLOSED) /* Alertmanager refuses an end before the start */
		return later(i->since, i->closed ? i->closed : a->at);
	if (i->acked || repeat_s == 0)
		return a->now + ALERTMANAGER_LONG_S;
	return a->now + (int64_t)FIRES_FOR * repeat_s;
}

static bool was_a_warning(const struct alert *a)
{
	return a->event == EVENT_ESCALATED && a->incident->severity > SEVERITY_WARNING &&
	       (!a->again || a->now - a->at <= ALERTMANAGER_RESOLVE_S);
}

/* Labels ------------------------------------------------------------------------------------- */

static bool is_of_the_sensor(const struct incident *i)
{
	return i->service == SERVICE_N;
}

static void put_labels(struct json_out *j, const struct side *s)
{
	const struct incident *i = s->a->incident;
	bool test = s->a->event == EVENT_TEST;

	json_object(j, "labels");
	json_text(j, "alertname", test ? "mailseal-test" : i->rule);
	json_text(j, "job", "mailseal");
	json_text(j, "sensor", i->sensor);
	json_text(j, "severity", severity_name(test ? SEVERITY_WARNING : s->severity));
	if (test) {
		json_text(j, "test", "1");
	} else if (!is_of_the_sensor(i)) {
		json_text(j, "client", i->client);
		json_text(j, "server", i->server);
		json_text(j, "service", incident_service(i));
	}
	json_object_end(j);
}

/* Annotations -------------------------------------------------------------------------------- */

/* "not-offered 3, unknown 1" */
static void add_count(char *out, size_t outlen, const char *name, uint64_t n)
{
	size_t at = strlen(out);

	if (n > 0)
		snprintf(out + at, outlen - at, "%s%s %" PRIu64, at ? ", " : "", name, n);
}

static void put_some(struct json_out *j, const char *key, const char *text)
{
	if (*text)
		json_text(j, key, text);
}

static void put_counts(struct json_out *j, const struct incident *i)
{
	char text[TEXT_MAX];

	snprintf(text, sizeof(text), "%" PRIu64, i->sessions);
	json_text(j, "sessions", text);
	snprintf(text, sizeof(text), "%" PRIu64, i->confirmed);
	json_text(j, "confirmed", text);
	text[0] = '\0';
	for (unsigned e = EXPOSURE_N; e-- > EXPOSURE_UNKNOWN;)
		add_count(text, sizeof(text), exposure_name((enum exposure)e), i->by_exposure[e]);
	put_some(j, "exposure", text);
	text[0] = '\0';
	for (unsigned c = CAUSE_NONE + 1; c < CAUSE_N; c++)
		add_count(text, sizeof(text), cause_name((enum cause)c), i->by_cause[c]);
	put_some(j, "causes", text);
}

/* "2026-11-22T10:00:00Z 10.10.0.5 > 10.30.0.25 port 25: 220 EHLO 250 MAIL 250 (content, not-offered)".
 * Addresses only of records that have both whole. */
static void put_sample(FILE *out, const struct record *r)
{
	char when[UTC_TEXT_MAX], words[TEXT_MAX];

	utc_text((int64_t)(r->s.start_ns / 1000000000), UTC_ISO, when);
	evidence_text(&r->s, words, sizeof(words));
	fputs(when, out);
	if (*r->community_id)
		fprintf(out, " %s > %s port %u", r->client, r->server, r->s.server_port);
	fprintf(out, ": %s", words);
	if (r->s.exposure != EXPOSURE_NONE)
		fprintf(out, " (%s%s%s)", exposure_name(r->s.exposure),
			r->s.cause != CAUSE_NONE ? ", " : "",
			r->s.cause != CAUSE_NONE ? cause_name(r->s.cause) : "");
}

static void put_evidence(struct json_out *j, const struct alert *a)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	unsigned n = 0;

	if (!out)
		abort();
	for (unsigned at = 0; at < a->evidence_n && n < ALERTMANAGER_SAMPLES; at++) {
		const char *line = a->evidence[at];
		char err[128];
		struct record r;

		if (!record_read(line, strlen(line), &r, err, sizeof(err)))
			continue;
		if (n++ > 0)
			putc('\n', out);
		put_sample(out, &r);
	}
	if (fclose(out) != 0)
		abort();
	put_some(j, "evidence", text);
	free(text);
}

static void put_acknowledgement(struct json_out *j, const struct incident *i)
{
	char when[UTC_TEXT_MAX], text[TEXT_MAX];

	if (!i->acked)
		return;
	utc_text(i->acked, UTC_ISO, when);
	snprintf(text, sizeof(text), "%s by %s%s%s", when, *i->ack_by ? i->ack_by : "-",
		 *i->ack_note ? ": " : "", i->ack_note);
	json_text(j, "acknowledged", text);
}

static void put_summary(struct json_out *j, const struct alert *a)
{
	const struct incident *i = a->incident;
	char text[TEXT_MAX];

	if (a->event == EVENT_TEST)
		snprintf(text, sizeof(text), "mailseal: a test, nothing happened");
	else if (is_of_the_sensor(i))
		snprintf(text, sizeof(text), "mailseal: %s (%s)", i->rule, i->sensor);
	else
		snprintf(text, sizeof(text), "mailseal: %s: %s -> %s (%s)", i->rule, i->client,
			 i->server, incident_service(i));
	json_text(j, "summary", text);
}

static void put_annotations(struct json_out *j, const struct side *s)
{
	const struct alert *a = s->a;
	const struct incident *i = a->incident;
	char text[TEXT_MAX];

	json_object(j, "annotations");
	put_summary(j, a);
	if (a->event != EVENT_TEST) {
		incident_line(a->event, i, text, sizeof(text));
		json_text(j, "description", text);
		snprintf(text, sizeof(text), "%" PRId64, i->id);
		json_text(j, "incident", text);
		json_text(j, "state", incident_state_name(i->state));
		put_some(j, "why", i->why);
		put_some(j, "found", i->found);
		put_counts(j, i);
		put_acknowledgement(j, i);
		put_evidence(j, a);
	}
	json_object_end(j);
}

/* The whole ---------------------------------------------------------------------------------- */

static void put_side(struct json_out *j, const struct side *s)
{
	char starts_at[UTC_TEXT_MAX], ends_at[UTC_TEXT_MAX];
	bool test = s->a->event == EVENT_TEST;

	utc_text(test ? s->a->at : s->a->incident->since, UTC_ISO, starts_at);
	utc_text(s->ends, UTC_ISO, ends_at);
	json_object(j, NULL);
	put_labels(j, s);
	put_annotations(j, s);
	json_text(j, "startsAt", starts_at);
	json_text(j, "endsAt", ends_at);
	json_object_end(j);
}

char *alertmanager_json(const struct alert *a, unsigned repeat_s, size_t *len)
{
	struct side now = { a, a->incident->severity, ends(a, repeat_s) };
	struct side before = { a, SEVERITY_WARNING, later(a->incident->since, a->at) };
	char *text = NULL;
	FILE *out = open_memstream(&text, len);
	struct json_out j;

	if (!out)
		abort();
	json_init(&j, out);
	json_array(&j, NULL);
	if (was_a_warning(a))
		put_side(&j, &before);
	put_side(&j, &now);
	json_array_end(&j);
	if (fclose(out) != 0)
		abort();
	return text;
}
