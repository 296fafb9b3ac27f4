/* incident_show.c - an incident for people and for programs. */
#include "reports/incident_show.h"

#include <inttypes.h>
#include <string.h>

#include "reports/period.h"
#include "reports/record.h"
#include "reports/table.h"

static void time_or_dash(int64_t seconds, char out[UTC_TEXT_MAX])
{
	if (seconds > 0)
		utc_text(seconds - seconds % 60, UTC_SHORT, out);
	else
		snprintf(out, UTC_TEXT_MAX, "-");
}

static void add_words(char *out, const char *name, uint64_t n)
{
	size_t at = strlen(out);

	if (n > 0 && name)
		snprintf(out + at, INCIDENT_WORDS_MAX - at, "%s%s %" PRIu64, at ? ", " : "", name,
			 n);
}

void incident_causes_text(const struct incident *i, char out[INCIDENT_WORDS_MAX])
{
	out[0] = '\0';
	for (unsigned c = CAUSE_NONE + 1; c < CAUSE_N; c++)
		add_words(out, cause_name((enum cause)c), i->by_cause[c]);
}

void incident_exposures_text(const struct incident *i, char out[INCIDENT_WORDS_MAX])
{
	out[0] = '\0';
	for (unsigned e = EXPOSURE_N - 1; e > EXPOSURE_NONE; e--)
		add_words(out, exposure_name((enum exposure)e), i->by_exposure[e]);
}

static enum tone incident_tone(const struct incident *i)
{
	if (i->state == INCIDENT_CLOSED)
		return TONE_FAINT;
	return i->severity == SEVERITY_CRITICAL ? TONE_BAD : TONE_WARN;
}

/* Of the sensor itself, or of a pair. */
static void put_whose(struct table *t, const struct incident *i)
{
	char text[256];

	if (strcmp(i->client, "-") == 0)
		snprintf(text, sizeof(text), "%s\nsensor %s", i->rule, i->sensor);
	else
		snprintf(text, sizeof(text), "%s\n%s -> %s, %s", i->rule, i->client, i->server,
			 incident_service(i));
	table_cell(t, TONE_PLAIN, text);
}

static void put_row(struct table *t, const struct incident *i)
{
	char opened[UTC_TEXT_MAX], last[UTC_TEXT_MAX], text[256], causes[INCIDENT_WORDS_MAX];

	time_or_dash(i->opened, opened);
	time_or_dash(i->last_seen, last);
	incident_causes_text(i, causes);
	snprintf(text, sizeof(text), "%" PRId64, i->id);
	table_cell(t, TONE_STRONG, text);
	snprintf(text, sizeof(text), "%s\n%s", severity_name(i->severity),
		 incident_state_name(i->state));
	table_cell(t, incident_tone(i), text);
	put_whose(t, i);
	snprintf(text, sizeof(text), "%s\n%s", opened, last);
	table_cell(t, TONE_PLAIN, text);
	snprintf(text, sizeof(text), "%" PRIu64 "\n%s", i->sessions, causes);
	table_cell(t, TONE_PLAIN, text);
}

void incident_table(FILE *out, const struct screen *s, const struct incident *list, size_t n)
{
	static const char *const headings[] = { "ID", "severity\nstate", "rule\npair, service",
						"opened\nlast seen (UTC)", "sessions\ncauses" };
	struct table *t = table_new(sizeof(headings) / sizeof(headings[0]), false);

	for (size_t i = 0; i < sizeof(headings) / sizeof(headings[0]); i++)
		table_cell(t, TONE_STRONG, headings[i]);
	for (size_t i = 0; i < n; i++)
		put_row(t, &list[i]);
	table_print(t, s, out);
	table_free(t);
}

static void row(FILE *out, const struct screen *s, const char *label, const char *text)
{
	char head[32], safe[1024];

	text_safe(text, s->utf8, safe, sizeof(safe));
	snprintf(head, sizeof(head), "  %s", label);
	text_wrap(out, s->width, 14, head, safe[0] ? safe : "-");
}

/* That it had closed, and came back. */
static void print_return(FILE *out, const struct screen *s, const struct incident *i)
{
	char text[128], when[UTC_TEXT_MAX], times[32];

	if (i->reopened == 0)
		return;
	utc_text(i->since, UTC_SECONDS, when);
	text_count(i->reopened, "time", "times", times, sizeof(times));
	snprintf(text, sizeof(text), "%s after it had closed, last at %s UTC", times, when);
	row(out, s, "reopened", text);
}

static void print_ack(FILE *out, const struct screen *s, const struct incident *i)
{
	char text[INCIDENT_ACK_MAX + INCIDENT_NOTE_MAX + 64], when[UTC_TEXT_MAX];

	if (i->acked <= 0)
		return;
	utc_text(i->acked, UTC_SECONDS, when);
	snprintf(text, sizeof(text), "%s UTC by %s%s%s", when, i->ack_by,
		 i->ack_note[0] ? ": " : "", i->ack_note);
	row(out, s, "known", text);
}

static void print_state(FILE *out, const struct screen *s, const struct incident *i)
{
	char text[256], when[UTC_TEXT_MAX];

	snprintf(text, sizeof(text), "%s%s%s", incident_state_name(i->state), i->why[0] ? ": " : "",
		 i->why);
	row(out, s, "state", text);
	utc_text(i->opened, UTC_SECONDS, when);
	snprintf(text, sizeof(text), "%s UTC", when);
	row(out, s, "opened", text);
	utc_text(i->last_seen, UTC_SECONDS, when);
	snprintf(text, sizeof(text), "%s UTC", when);
	row(out, s, "last seen", text);
	utc_text(i->closed, UTC_SECONDS, when);
	snprintf(text, sizeof(text), "%s UTC", when);
	if (i->closed > 0)
		row(out, s, "closed", text);
	print_return(out, s, i);
	print_ack(out, s, i);
	row(out, s, "sensor", i->sensor);
}

static void print_weight(FILE *out, const struct screen *s, const struct incident *i)
{
	char text[INCIDENT_WORDS_MAX];

	if (i->found[0])
		row(out, s, "found", i->found);
	snprintf(text, sizeof(text),
		 "%" PRIu64 ", of these %" PRIu64 " confirmed by the other side", i->sessions,
		 i->confirmed);
	row(out, s, "sessions", text);
	incident_exposures_text(i, text);
	row(out, s, "exposure", text);
	incident_causes_text(i, text);
	row(out, s, "causes", text);
}

void incident_page(FILE *out, const struct screen *s, const struct incident *i)
{
	char client[4 * sizeof(i->client)], server[4 * sizeof(i->server)],
		rule[4 * sizeof(i->rule)];
	enum tone tone = incident_tone(i);

	text_safe(i->client, s->utf8, client, sizeof(client));
	text_safe(i->server, s->utf8, server, sizeof(server));
	text_safe(i->rule, s->utf8, rule, sizeof(rule));
	fprintf(out, "Incident %" PRId64 ": %s%s%s, %s -> %s (%s)\n", i->id, tone_on(s, tone),
		severity_name(i->severity), tone_off(s, tone), client, server, incident_service(i));
	row(out, s, "rule", rule);
	print_state(out, s, i);
	print_weight(out, s, i);
}

void incident_record(FILE *out, const struct screen *s, unsigned number, const struct record *r)
{
	char text[1024], when[UTC_TEXT_MAX];

	utc_text((int64_t)(r->s.start_ns / 1000000000u), UTC_SECONDS, when);
	fprintf(out, "\n  %u. %s UTC\n", number, when);
	snprintf(text, sizeof(text), "%s port %u -> %s port %u", r->client, r->s.client_port,
		 r->server, r->s.server_port);
	row(out, s, "who", text);
	evidence_text(&r->s, text, sizeof(text));
	row(out, s, "seen", text);
	snprintf(text, sizeof(text), "%s, %s; cause: %s",
		 r->s.exposure ? exposure_name((enum exposure)r->s.exposure) : "no exposure",
		 r->s.confirmed == TRI_TRUE ? "confirmed" : "not confirmed",
		 r->s.cause ? cause_name((enum cause)r->s.cause) : "none");
	row(out, s, "weight", text);
	if (r->community_id[0]) {
		snprintf(text, sizeof(text), "mailseal explain --session %s", r->community_id);
		row(out, s, "more", text);
	}
}

void incident_no_record(FILE *out, const struct screen *s, unsigned number, const char *why)
{
	fprintf(out, "\n  %u.\n", number);
	row(out, s, "unreadable", why);
}

static void json_counts(struct json_out *j, const struct incident *i)
{
	json_uint(j, "sessions", i->sessions);
	json_uint(j, "confirmed", i->confirmed);
	json_object(j, "by_exposure");
	for (unsigned e = EXPOSURE_NONE + 1; e < EXPOSURE_N; e++)
		json_uint(j, exposure_name((enum exposure)e), i->by_exposure[e]);
	json_object_end(j);
	json_object(j, "by_cause");
	for (unsigned c = CAUSE_NONE + 1; c < CAUSE_N; c++)
		json_uint(j, cause_name((enum cause)c), i->by_cause[c]);
	json_object_end(j);
}

static void json_time(struct json_out *j, const char *key, int64_t seconds)
{
	char text[UTC_TEXT_MAX];

	utc_text(seconds, UTC_ISO, text);
	json_text(j, key, seconds > 0 ? text : NULL);
}

static void json_ack(struct json_out *j, const struct incident *i)
{
	if (i->acked <= 0) {
		json_null(j, "acknowledged");
		return;
	}
	json_object(j, "acknowledged");
	json_time(j, "at", i->acked);
	json_text(j, "by", i->ack_by);
	json_text(j, "note", i->ack_note[0] ? i->ack_note : NULL);
	json_object_end(j);
}

void incident_json(struct json_out *j, const struct incident *i)
{
	json_uint(j, "id", (uint64_t)i->id);
	json_text(j, "rule", i->rule);
	json_text(j, "severity", severity_name(i->severity));
	json_text(j, "state", incident_state_name(i->state));
	json_text(j, "why", i->why[0] ? i->why : NULL);
	json_text(j, "client", i->client);
	json_text(j, "server", i->server);
	json_text(j, "service", incident_service(i));
	json_text(j, "sensor", i->sensor);
	json_time(j, "opened", i->opened);
	json_time(j, "last_seen", i->last_seen);
	json_time(j, "closed", i->closed);
	json_time(j, "since", i->since);
	json_uint(j, "reopened", i->reopened);
	json_text(j, "found", i->found[0] ? i->found : NULL);
	json_ack(j, i);
	json_counts(j, i);
}

void incident_record_json(struct json_out *j, const char *line)
{
	size_t len = strcspn(line, "\n");
	char text[RECORD_MAX], err[128];
	struct record r;

	if (!record_read(line, len, &r, err, sizeof(err))) {
		json_null(j, NULL);
		return;
	}
	memcpy(text, line, len);
	text[len] = '\0';
	json_raw(j, NULL, text);
}
