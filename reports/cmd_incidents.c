/* cmd_incidents.c - mailseal incidents: what broke the promise, and what proves it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/delivery_show.h"
#include "reports/incident_show.h"
#include "reports/period.h"
#include "reports/tool.h"

enum { O_OPEN, O_ALL, O_PEER, O_RULE, O_LAST, O_FROM, O_TO, O_JSON, O_STATE, O_N };

static const struct opt opts[O_N] = {
	[O_OPEN] = { "open", NULL, "only those that still fire: open and stale (default)" },
	[O_ALL] = { "all", NULL, "closed ones too" },
	[O_PEER] = { "peer", "NAME", "only those of this peer, on either side" },
	[O_RULE] = { "rule", "NAME", "only those of this rule" },
	[O_LAST] = { "last", "TIME", "seen in the last 30m, 24h, 7d, 2w of the ledger" },
	[O_FROM] = { "from", "TIME", "seen from then on: 2026-11-22 or 2026-11-22T10:00, UTC" },
	[O_TO] = { "to", "TIME", "opened before then" },
	[O_JSON] = { "json", NULL, "print JSON" },
	[O_STATE] = OPT_STATE,
};

static const struct usage usage = {
	.command = "incidents",
	.synopsis = "[--open | --all] [--peer NAME] [--rule NAME]\n"
		    "           [--last TIME | [--from TIME] [--to TIME]] [--json] [--state DIR]\n"
		    "       mailseal incidents ID [--json] [--state DIR]",
	.brief = "what went against a rule, and what proves it",
	.summary = "Lists the incidents, such as mail between signatories in clear, newest first; "
		   "with an ID, shows one with the session records that prove it and what was told "
		   "to whom.",
	.opts = opts,
	.n = O_N,
};

struct asked {
	const char *dir, *peer, *rule;
	struct period_words words;
	int64_t from, to; /* of what is listed */
	bool open, all, json;
	int64_t id; /* 0: list */
};

static bool has_period(const struct asked *a)
{
	return a->words.last || a->words.from || a->words.to;
}

/* An option of the list; false when it is none. */
static bool take_option(struct asked *a, int what, const char *value)
{
	switch (what) {
	case O_OPEN: a->open = true; return true;
	case O_ALL: a->all = true; return true;
	case O_PEER: a->peer = value; return true;
	case O_RULE: a->rule = value; return true;
	case O_LAST: a->words.last = value; return true;
	case O_FROM: a->words.from = value; return true;
	case O_TO: a->words.to = value; return true;
	case O_JSON: a->json = true; return true;
	case O_STATE: a->dir = value; return true;
	default: return false;
	}
}

/* -1, or the exit code. */
static int check_options(struct asked *a)
{
	char text[160];
	enum rule rule;

	if (a->open && a->all)
		return tool_usage(&usage, "--open and --all exclude each other");
	if (a->id && (a->open || a->all || a->peer || a->rule || has_period(a)))
		return tool_usage(&usage, "an ID names one incident: nothing to choose with it");
	if (!a->rule || rule_by_name(a->rule, &rule))
		return -1;
	snprintf(text, sizeof(text), "there is no rule %.64s", a->rule);
	return tool_usage(&usage, text);
}

/* -1, or the exit code. */
static int read_options(struct asked *a, int argc, char **argv)
{
	struct opts o = opts_over(&usage, argc, argv);
	int what;

	while ((what = opts_next(&o)) != OPTS_END) {
		if (take_option(a, what, o.value))
			continue;
		if (what != OPTS_WORD || a->id)
			return tool_stop(&o, what);
		if (!tool_number(o.value, 18, &a->id))
			return tool_usage(&usage, "the ID of an incident is a number from 1");
	}
	return check_options(a);
}

/* The end of the ledger, from which --last counts back. */
static bool ledger_end(const struct asked *a, int64_t *end)
{
	struct ledger *l = tool_ledger(usage.command, a->dir, LEDGER_READ);
	char err[TOOL_ERR_MAX] = "";
	int64_t first, last;
	bool ok;

	if (!l)
		return false;
	ok = ledger_span(l, &first, &last, err, sizeof(err));
	if (ok)
		*end = last + STEP_S;
	else
		tool_error(usage.command, "%.200s: %s", a->dir,
			   err[0] ? err : "the ledger is empty: --last has nothing to count from");
	ledger_close(l);
	return ok;
}

/* From the words to times: -1, or the exit code. */
static int find_period(struct asked *a)
{
	struct period_asked p;
	char err[TOOL_ERR_MAX] = "";

	a->from = INT64_MIN;
	a->to = INT64_MAX;
	if (!has_period(a))
		return -1;
	if (!period_read(&a->words, &p, err, sizeof(err)))
		return tool_usage(&usage, err);
	if (p.last_s) {
		if (!ledger_end(a, &a->to))
			return TOOL_FAILED;
		a->from = a->to - p.last_s;
	}
	if (p.has_from)
		a->from = p.from;
	if (p.has_to)
		a->to = p.to;
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
	if (!f->a->id && ((f->a->rule && strcmp(f->a->rule, i->rule) != 0) ||
			  i->last_seen < f->a->from || i->opened >= f->a->to))
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

static void print_list(const struct found *f, FILE *out)
{
	struct screen s = screen_of(out);

	if (f->n == 0)
		fprintf(out, f->a->all ? "No incidents.\n" : "No open incidents.\n");
	else
		incident_table(out, &s, f->list, f->n);
	if (f->closed)
		fprintf(out, "\n%zu closed (--all).\n", f->closed);
	if (f->n)
		fputs("\nmailseal incidents ID shows what proves one.\n", out);
}

/* Evidence under way: to a terminal or as JSON. */
struct proof {
	FILE *out;
	struct screen s;
	struct json_out *j; /* NULL: for people */
	unsigned n;
};

static bool on_evidence(void *ctx, const char *line)
{
	struct proof *p = ctx;
	char err[TOOL_ERR_MAX];
	struct record r;

	p->n++;
	if (p->j)
		incident_record_json(p->j, line);
	else if (record_read(line, strcspn(line, "\n"), &r, err, sizeof(err)))
		incident_record(p->out, &p->s, p->n, &r);
	else
		incident_no_record(p->out, &p->s, p->n, err);
	return true;
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
		incident_json(&j, &f->list[i]);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_object_end(&j);
}

/* What targets were told of it. */
static bool show_deliveries(const struct asked *a, struct proof *p, char *err, size_t errlen)
{
	struct delivery_rows rows = { 0 };
	bool ok = deliveries_list(a->dir, a->id, 0, delivery_rows_add, &rows, err, errlen);

	if (ok && p->j) {
		json_array(p->j, "deliveries");
		delivery_json(p->j, &rows);
		json_array_end(p->j);
	} else if (ok && rows.n > 0) {
		fputs("\nDeliveries:\n\n", p->out);
		delivery_table(p->out, &p->s, &rows);
	} else if (ok) {
		fputs("\nNo target was told of it.\n", p->out);
	}
	delivery_rows_fini(&rows);
	return ok;
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
		incident_json(&j, &f->list[0]);
		json_array(&j, "evidence");
	} else {
		incident_page(stdout, &p.s, &f->list[0]);
		fputs("\nEvidence, the first sessions:\n", stdout);
	}
	ok = incidents_evidence(in, f->a->id, on_evidence, &p, err, errlen);
	if (p.j)
		json_array_end(&j);
	ok = ok && show_deliveries(f->a, &p, err, errlen);
	if (p.j)
		json_object_end(&j);
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
	code = find_period(&a);
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
