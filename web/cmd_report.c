/* cmd_report.c - mailseal report: the charter's report on a month. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "reports/report.h"
#include "reports/tool.h"
#include "web/report_page.h"

enum { O_MONTH, O_TIMEZONE, O_MIN, O_HTML, O_JSON, O_CSV, O_OUT, O_STATE, O_N };

static const struct opt opts[O_N] = {
	[O_MONTH] = { "month", "YYYY-MM", "the month (default: the last one that is over)" },
	[O_TIMEZONE] = { "timezone", "NAME",
			 "whose months and times, as Europe/Paris (default UTC)" },
	[O_MIN] = { "min-sessions", "N",
		    "withhold rows of fewer sessions (default 10; 0 shows all)" },
	[O_HTML] = { "html", NULL, "print HTML for A4 paper (default)" },
	[O_JSON] = { "json", NULL, "print JSON" },
	[O_CSV] = { "csv", NULL, "print CSV, one line for each row of a table" },
	[O_OUT] = { "out", "FILE", "write to FILE, as a whole or not at all" },
	[O_STATE] = OPT_STATE,
};

static const struct usage usage = {
	.command = "report",
	.synopsis = "[--month YYYY-MM] [--timezone NAME] [--min-sessions N]\n"
		    "                       [--html | --json | --csv] [--out FILE] [--state DIR]",
	.brief = "a month in a document: what the charter promises, and what is known of it",
	.summary = "Reports on a month: how much of the mail between each two signatories was "
		   "encrypted and how sure that is, what users' access offers, the incidents, the "
		   "months before, and what the sensor did not see. Every number comes from the "
		   "ledger.",
	.opts = opts,
	.n = O_N,
};

struct asked {
	const char *dir, *month, *zone, *min, *out;
	bool html, json, csv;
	struct report_asked report;
};

static void take(struct asked *a, int option, const char *value)
{
	switch (option) {
	case O_MONTH: a->month = value; break;
	case O_TIMEZONE: a->zone = value; break;
	case O_MIN: a->min = value; break;
	case O_HTML: a->html = true; break;
	case O_JSON: a->json = true; break;
	case O_CSV: a->csv = true; break;
	case O_OUT: a->out = value; break;
	case O_STATE: a->dir = value; break;
	}
}

/* -1, or the exit code. */
static int check_values(struct asked *a)
{
	int64_t min = REPORT_MIN_SESSIONS;
	char err[TOOL_ERR_MAX];

	if (a->html + a->json + a->csv > 1)
		return tool_usage(&usage, "--html, --json and --csv exclude each other");
	if (a->month && !month_read(a->month, &a->report.month))
		return tool_usage(&usage, "--month is a year and a month, as 2026-10");
	if (a->min && strcmp(a->min, "0") == 0)
		min = 0;
	else if (a->min && !tool_number(a->min, 9, &min))
		return tool_usage(&usage, "--min-sessions is a whole number from 0");
	if (a->out && a->out[0] == '\0')
		return tool_usage(&usage, "--out names a file");
	if (!zone_use(a->zone, err, sizeof(err)))
		return tool_usage(&usage, err);
	a->report.zone = a->zone;
	a->report.min_sessions = (unsigned)min;
	a->report.generated = (int64_t)time(NULL);
	return -1;
}

/* -1, or the exit code. */
static int read_options(struct asked *a, int argc, char **argv)
{
	struct opts o = opts_over(&usage, argc, argv);
	int what;

	while ((what = opts_next(&o)) >= 0)
		take(a, what, o.value);
	return what == OPTS_END ? check_values(a) : tool_stop(&o, what);
}

static struct report *read_state(const struct asked *a)
{
	struct ledger *l = tool_ledger(usage.command, a->dir, LEDGER_READ);
	bool has = l && tool_state_has(a->dir, "incidents.db");
	struct incidents *in = has ? tool_incidents(usage.command, a->dir) : NULL;
	char err[TOOL_ERR_MAX] = "";
	struct report *r = NULL;

	if (l && (in || !has)) {
		r = report_new(l, in, &a->report, err, sizeof(err));
		if (!r)
			tool_error(usage.command, "%.200s: %s", a->dir, err);
	}
	incidents_close(in);
	ledger_close(l);
	return r;
}

struct writing {
	const struct asked *a;
	const struct report *r;
};

static bool write_to(void *ctx, FILE *out)
{
	const struct writing *w = ctx;

	if (w->a->csv)
		report_csv(w->r, out);
	else if (w->a->json)
		report_json(w->r, out);
	else
		report_page(w->r, out);
	return true;
}

static int run(int argc, char **argv)
{
	struct asked a = { .dir = TOOL_STATE_DIR, .zone = "UTC" };
	int code = read_options(&a, argc, argv);
	struct report *r;
	bool ok;

	if (code >= 0)
		return code;
	r = read_state(&a);
	if (!r)
		return TOOL_FAILED;
	ok = tool_write(usage.command, a.out, write_to, &(struct writing){ &a, r });
	report_free(r);
	return ok ? TOOL_OK : TOOL_FAILED;
}

const struct tool_command cmd_report = { &usage, run };
