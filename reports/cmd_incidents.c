/* cmd_incidents.c - mailseal incidents: what broke the promise, and what proves it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/incident_show.h"
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
		else if (!tool_number(o.value, 18, &a->id))
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
		incident_record(p->out, &p->s, p->n, &r);
	} else {
		incident_no_record(p->out, &p->s, p->n, err);
	}
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
