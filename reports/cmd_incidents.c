/* cmd_incidents.c - mailseal incidents: what broke the promise, and what proves it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/json_out.h"
#include "reports/period.h"
#include "reports/record_read.h"
#include "reports/table.h"
#include "reports/tool.h"

enum { O_OPEN, O_ALL, O_PEER, O_JSON, O_STATE, O_N };

static const struct opt opts[O_N] = {
	[O_OPEN] = { "open", NULL, "only those that still fire: open and stale (default)" },
	[O_ALL] = { "all", NULL, "closed ones too" },
	[O_PEER] = { "peer", "NAME", "only those of this peer, on either side" },
	[O_JSON] = { "json", NULL, "print JSON" },
	[O_STATE] = OPT_STATE,
};

static const struct usage usage = {
	.command = "incidents",
	.synopsis = "[--open | --all] [--peer NAME] [--json] [--state DIR]\n"
		    "       mailseal incidents ID [--json] [--state DIR]",
	.brief = "where a promise was broken, and what proves it",
	.summary = "Lists where mail between signatories crossed in clear, newest first; with an "
		   "ID, shows "
		   "one incident with the session records that prove it.",
	.opts = opts,
	.n = O_N,
};

struct asked {
	const char *dir, *peer;
	bool open, all, json;
	int64_t id; /* 0: list */
};

static bool read_id(const char *text, int64_t *out)
{
	if (strlen(text) > 18 || !*text || text[strspn(text, "0123456789")])
		return false;
	*out = strtoll(text, NULL, 10);
	return *out > 0;
}

/* -1, or the exit code. */
static int read_options(struct asked *a, int argc, char **argv)
{
	struct opts o = opts_over(&usage, argc, argv);
	int what;

	while ((what = opts_next(&o)) != OPTS_END) {
		if (what == O_OPEN)
			a->open = true;
		else if (what == O_ALL)
			a->all = true;
		else if (what == O_PEER)
			a->peer = o.value;
		else if (what == O_JSON)
			a->json = true;
		else if (what == O_STATE)
			a->dir = o.value;
		else if (what != OPTS_WORD || a->id)
			return tool_stop(&o, what);
		else if (!read_id(o.value, &a->id))
			return tool_usage(&usage, "the ID of an incident is a number from 1");
	}
	if (a->open && a->all)
		return tool_usage(&usage, "--open and --all exclude each other");
	if (a->id && (a->open || a->all || a->peer))
		return tool_usage(&usage,
				  "an ID names one incident: no --open, --all or --peer with it");
	return -1;
}

/* What the list collects: those that fire or all of them, or the one with the id. */
struct found {
	const struct asked *a;
	struct incident *list;
	size_t n, room, closed;
};

static bool on_incident(void *ctx, const struct incident *i)
{
	struct found *f = ctx;

	if (f->a->id && i->id != f->a->id)
		return true;
	if (!f->a->id && !f->a->all && i->state == INCIDENT_CLOSED) {
		f->closed++;
		return true;
	}
	if (f->n == f->room) {
		f->room = f->room ? 2 * f->room : 16;
		f->list = reallocarray(f->list, f->room, sizeof(*f->list));
		if (!f->list)
			abort();
	}
	f->list[f->n++] = *i;
	return f->a->id == 0;
}

static void time_or_dash(int64_t seconds, char out[UTC_TEXT_MAX])
{
	if (seconds > 0)
		utc_text(seconds - seconds % 60, UTC_SHORT, out);
	else
		snprintf(out, UTC_TEXT_MAX, "-");
}

/* "not-offered 3, unknown 1" */
static void add_words(char *out, size_t outlen, const char *name, uint64_t n)
{
	size_t at = strlen(out);

	if (n > 0 && name && at < outlen)
		snprintf(out + at, outlen - at, "%s%s %" PRIu64, at ? ", " : "", name, n);
}

static void causes_text(const struct incident *i, char *out, size_t outlen)
{
	out[0] = '\0';
	for (unsigned c = CAUSE_NONE + 1; c < CAUSE_N; c++)
		add_words(out, outlen, cause_name((enum cause)c), i->by_cause[c]);
}

static void exposures_text(const struct incident *i, char *out, size_t outlen)
{
	out[0] = '\0';
	for (unsigned e = EXPOSURE_N - 1; e > EXPOSURE_NONE; e--)
		add_words(out, outlen, exposure_name((enum exposure)e), i->by_exposure[e]);
}

static enum tone incident_tone(const struct incident *i)
{
	if (i->state == INCIDENT_CLOSED)
		return TONE_FAINT;
	return i->severity == SEVERITY_CRITICAL ? TONE_BAD : TONE_WARN;
}

static void put_row(struct table *t, const struct incident *i)
{
	char opened[UTC_TEXT_MAX], last[UTC_TEXT_MAX], text[256], causes[200];

	time_or_dash(i->opened, opened);
	time_or_dash(i->last_seen, last);
	causes_text(i, causes, sizeof(causes));
	snprintf(text, sizeof(text), "%" PRId64, i->id);
	table_cell(t, TONE_STRONG, text);
	snprintf(text, sizeof(text), "%s\n%s", severity_name(i->severity),
		 incident_state_name(i->state));
	table_cell(t, incident_tone(i), text);
	snprintf(text, sizeof(text), "%s -> %s\n%s", i->client, i->server,
		 service_name(i->service));
	table_cell(t, TONE_PLAIN, text);
	snprintf(text, sizeof(text), "%s\n%s", opened, last);
	table_cell(t, TONE_PLAIN, text);
	snprintf(text, sizeof(text), "%" PRIu64 "\n%s", i->sessions, causes);
	table_cell(t, TONE_PLAIN, text);
}

static void print_list(const struct found *f, FILE *out)
{
	struct screen s = screen_of(out);
	struct table *t;

	if (f->n == 0) {
		fprintf(out, f->a->all ? "No incidents.\n" : "No open incidents.\n");
	} else {
		t = table_new(5, false);
		table_cell(t, TONE_STRONG, "ID");
		table_cell(t, TONE_STRONG, "severity\nstate");
		table_cell(t, TONE_STRONG, "pair\nservice");
		table_cell(t, TONE_STRONG, "opened\nlast seen (UTC)");
		table_cell(t, TONE_STRONG, "sessions\ncauses");
		for (size_t i = 0; i < f->n; i++)
			put_row(t, &f->list[i]);
		table_print(t, &s, out);
		table_free(t);
	}
	if (f->closed)
		fprintf(out, "\n%zu closed (--all).\n", f->closed);
	if (f->n)
		fputs("\nmailseal incidents ID shows what proves one.\n", out);
}

static void row(FILE *out, const struct screen *s, const char *label, const char *text)
{
	char head[32], safe[1024];

	text_safe(text, s->utf8, safe, sizeof(safe));
	snprintf(head, sizeof(head), "  %s", label);
	text_wrap(out, s->width, 14, head, safe[0] ? safe : "-");
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
	row(out, s, "sensor", i->sensor);
}

static void print_weight(FILE *out, const struct screen *s, const struct incident *i)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "%" PRIu64 ", of these %" PRIu64 " confirmed by the other side", i->sessions,
		 i->confirmed);
	row(out, s, "sessions", text);
	exposures_text(i, text, sizeof(text));
	row(out, s, "exposure", text);
	causes_text(i, text, sizeof(text));
	row(out, s, "causes", text);
}

static void print_incident(FILE *out, const struct screen *s, const struct incident *i)
{
	char client[4 * sizeof(i->client)], server[4 * sizeof(i->server)],
		rule[4 * sizeof(i->rule)];
	enum tone tone = incident_tone(i);

	text_safe(i->client, s->utf8, client, sizeof(client));
	text_safe(i->server, s->utf8, server, sizeof(server));
	text_safe(i->rule, s->utf8, rule, sizeof(rule));
	fprintf(out, "Incident %" PRId64 ": %s%s%s, %s -> %s (%s)\n", i->id, tone_on(s, tone),
		severity_name(i->severity), tone_off(s, tone), client, server,
		service_name(i->service));
	row(out, s, "rule", rule);
	print_state(out, s, i);
	print_weight(out, s, i);
}

/* Evidence under way: to a terminal or as JSON. */
struct proof {
	FILE *out;
	struct screen s;
	struct json_out *j; /* NULL: for people */
	unsigned n;
};

static void print_record(const struct proof *p, const struct record *r)
{
	char text[1024], when[UTC_TEXT_MAX];

	utc_text((int64_t)(r->s.start_ns / 1000000000u), UTC_SECONDS, when);
	fprintf(p->out, "\n  %u. %s UTC\n", p->n, when);
	snprintf(text, sizeof(text), "%s port %u -> %s port %u", r->client, r->s.client_port,
		 r->server, r->s.server_port);
	row(p->out, &p->s, "who", text);
	evidence_text(&r->s, text, sizeof(text));
	row(p->out, &p->s, "seen", text);
	snprintf(text, sizeof(text), "%s, %s; cause: %s",
		 r->s.exposure ? exposure_name((enum exposure)r->s.exposure) : "no exposure",
		 r->s.confirmed == TRI_TRUE ? "confirmed" : "not confirmed",
		 r->s.cause ? cause_name((enum cause)r->s.cause) : "none");
	row(p->out, &p->s, "weight", text);
	if (r->community_id[0]) {
		snprintf(text, sizeof(text), "mailseal explain --session %s", r->community_id);
		row(p->out, &p->s, "more", text);
	}
}

/* JSON passes a record on only when it is one; anything else would break the document. */
static bool on_evidence(void *ctx, const char *line)
{
	struct proof *p = ctx;
	size_t len = strcspn(line, "\n");
	char err[TOOL_ERR_MAX], clean[RECORD_MAX];
	struct record r;
	bool ok = record_read(line, len, &r, err, sizeof(err));

	p->n++;
	if (p->j && ok) {
		memcpy(clean, line, len);
		clean[len] = '\0';
		json_raw(p->j, NULL, clean);
	} else if (p->j) {
		json_null(p->j, NULL);
	} else if (ok) {
		print_record(p, &r);
	} else {
		fprintf(p->out, "\n  %u.\n", p->n);
		row(p->out, &p->s, "unreadable", err);
	}
	return true;
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

/* The keys of one incident; the caller opens and ends the object. */
static void json_incident(struct json_out *j, const struct incident *i)
{
	json_uint(j, "id", (uint64_t)i->id);
	json_text(j, "rule", i->rule);
	json_text(j, "severity", severity_name(i->severity));
	json_text(j, "state", incident_state_name(i->state));
	json_text(j, "why", i->why[0] ? i->why : NULL);
	json_text(j, "client", i->client);
	json_text(j, "server", i->server);
	json_text(j, "service", service_name(i->service));
	json_text(j, "sensor", i->sensor);
	json_time(j, "opened", i->opened);
	json_time(j, "last_seen", i->last_seen);
	json_time(j, "closed", i->closed);
	json_counts(j, i);
}

static void json_list(const struct found *f, FILE *out)
{
	struct json_out j;

	json_init(&j, out);
	json_object(&j, NULL);
	json_uint(&j, "version", 1);
	json_array(&j, "incidents");
	for (size_t i = 0; i < f->n; i++) {
		json_object(&j, NULL);
		json_incident(&j, &f->list[i]);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_object_end(&j);
}

static bool show_one(struct incidents *in, const struct found *f, char *err, size_t errlen)
{
	struct json_out j;
	struct proof p = { .out = stdout, .s = screen_of(stdout), .j = f->a->json ? &j : NULL };
	bool ok;

	if (f->n == 0) {
		snprintf(err, errlen, "there is no incident %" PRId64, f->a->id);
		return false;
	}
	if (p.j) {
		json_init(&j, stdout);
		json_object(&j, NULL);
		json_uint(&j, "version", 1);
		json_incident(&j, &f->list[0]);
		json_array(&j, "evidence");
	} else {
		print_incident(stdout, &p.s, &f->list[0]);
		fputs("\nEvidence, the first sessions:\n", stdout);
	}
	ok = incidents_evidence(in, f->a->id, on_evidence, &p, err, errlen);
	if (p.j) {
		json_array_end(&j);
		json_object_end(&j);
	}
	return ok;
}

static bool show(struct incidents *in, const struct asked *a)
{
	struct found f = { .a = a };
	char err[TOOL_ERR_MAX] = "";
	bool ok = incidents_list(in, -1, a->peer, on_incident, &f, err, sizeof(err));

	if (ok && a->id)
		ok = show_one(in, &f, err, sizeof(err));
	else if (ok && a->json)
		json_list(&f, stdout);
	else if (ok)
		print_list(&f, stdout);
	if (!ok)
		tool_error(usage.command, "%.200s: %s", a->dir, err);
	free(f.list);
	return ok;
}

static int run(int argc, char **argv)
{
	struct asked a = { .dir = TOOL_STATE_DIR };
	int code = read_options(&a, argc, argv);
	struct incidents *in;
	bool ok;

	if (code >= 0)
		return code;
	in = tool_incidents(usage.command, a.dir);
	if (!in)
		return TOOL_FAILED;
	ok = show(in, &a);
	incidents_close(in);
	code = tool_flush(usage.command);
	return ok ? code : TOOL_FAILED;
}

const struct tool_command cmd_incidents = { &usage, run };
