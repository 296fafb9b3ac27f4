/* cmd_matrix.c - mailseal matrix: peers crossed with peers. */
#include <stdio.h>
#include <string.h>

#include "reports/matrix.h"
#include "reports/tool.h"

enum { O_SERVICE, O_LAST, O_FROM, O_TO, O_ALL, O_JSON, O_CSV, O_STATE, O_N };

static const struct opt opts[O_N] = {
	[O_SERVICE] = { "service", "NAME", "mta (default), submission or access" },
	[O_LAST] = { "last", "TIME",
		     "30m, 24h (default), 7d, 2w: counted back from the last step in the ledger" },
	[O_FROM] = { "from", "TIME", "begin in UTC, as 2026-11-22T10:00" },
	[O_TO] = { "to", "TIME", "end in UTC (default: the end of the ledger)" },
	[O_ALL] = { "all", NULL, "show other parties too, not only signatories" },
	[O_JSON] = { "json", NULL, "print JSON" },
	[O_CSV] = { "csv", NULL, "print CSV, one line for each pair" },
	[O_STATE] = OPT_STATE,
};

static const struct usage usage = {
	.command = "matrix",
	.synopsis = "[--service NAME] [--last TIME | --from TIME --to TIME]\n"
		    "                       [--all] [--json | --csv] [--state DIR]",
	.brief = "how much of the mail between operators is encrypted",
	.summary = "Shows how much of the mail between each two signatories was encrypted, and how "
		   "sure that is. Every number comes from the ledger.",
	.opts = opts,
	.n = O_N,
};

struct asked {
	const char *dir;
	enum service service;
	struct period_words words;
	struct period_asked period;
	bool all, json, csv;
};

static void take(struct asked *a, int option, const char *value, const char **service)
{
	switch (option) {
	case O_SERVICE: *service = value; break;
	case O_LAST: a->words.last = value; break;
	case O_FROM: a->words.from = value; break;
	case O_TO: a->words.to = value; break;
	case O_ALL: a->all = true; break;
	case O_JSON: a->json = true; break;
	case O_CSV: a->csv = true; break;
	case O_STATE: a->dir = value; break;
	}
}

/* -1, or the exit code. */
static int read_options(struct asked *a, int argc, char **argv)
{
	struct opts o = opts_over(&usage, argc, argv);
	const char *service = "mta";
	char err[TOOL_ERR_MAX];
	int what;

	while ((what = opts_next(&o)) >= 0)
		take(a, what, o.value, &service);
	if (what != OPTS_END)
		return tool_stop(&o, what);
	if (a->json && a->csv)
		return tool_usage(&usage, "--json and --csv exclude each other");
	if (!service_by_name(service, &a->service))
		return tool_usage(&usage, "--service is one of mta, submission, access");
	if (!period_read(&a->words, &a->period, err, sizeof(err)))
		return tool_usage(&usage, err);
	return -1;
}

static bool count_firing(void *ctx, const struct incident *i)
{
	int64_t *n = ctx;

	*n += i->state != INCIDENT_CLOSED;
	return true;
}

/* Open and stale ones: both fire. */
static bool read_incidents(struct matrix *m, const char *dir)
{
	char err[TOOL_ERR_MAX] = "";
	struct incidents *in;
	bool ok;

	if (!tool_state_has(dir, "incidents.db"))
		return true;
	in = tool_incidents(usage.command, dir);
	if (!in)
		return false;
	m->incidents_open = 0;
	ok = incidents_list(in, -1, NULL, count_firing, &m->incidents_open, err, sizeof(err));
	if (!ok)
		tool_error(usage.command, "%s", err);
	incidents_close(in);
	return ok;
}

static void print(const struct asked *a, const struct matrix *m)
{
	struct screen s = screen_of(stdout);

	if (a->json)
		matrix_json(m, stdout);
	else if (a->csv)
		matrix_csv(m, stdout);
	else
		matrix_print(m, &s, stdout);
}

static int run(int argc, char **argv)
{
	struct asked a = { .dir = TOOL_STATE_DIR };
	char err[TOOL_ERR_MAX] = "";
	int code = read_options(&a, argc, argv);
	struct matrix *m;
	struct ledger *l;

	if (code >= 0)
		return code;
	l = tool_ledger(usage.command, a.dir, LEDGER_READ);
	if (!l)
		return TOOL_FAILED;
	m = matrix_new(l, a.service, a.all, &a.period, err, sizeof(err));
	ledger_close(l);
	if (!m) {
		tool_error(usage.command, "%.200s: %s", a.dir, err);
		return TOOL_FAILED;
	}
	code = TOOL_FAILED;
	if (read_incidents(m, a.dir)) {
		print(&a, m);
		code = tool_flush(usage.command);
	}
	matrix_free(m);
	return code;
}

const struct tool_command cmd_matrix = { &usage, run };
