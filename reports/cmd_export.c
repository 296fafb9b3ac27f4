/* cmd_export.c - mailseal export: series of the ledger as CSV or JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/export.h"
#include "reports/tool.h"

enum {
	O_PAIR,
	O_PEER,
	O_PROMISED,
	O_SERVICE,
	O_SENSOR,
	O_SUM,
	O_SERIES,
	O_LIST,
	O_RESOLUTION,
	O_LAST,
	O_FROM,
	O_TO,
	O_CSV,
	O_JSON,
	O_OUT,
	O_STATE,
	O_N
};

static const struct opt opts[O_N] = {
	[O_PAIR] = { "pair", "CLIENT:SERVER",
		     "the two peers, as the matrix names them; either may be \"any\" or left out" },
	[O_PEER] = { "peer", "NAME", "pairs of which this peer is the client or the server" },
	[O_PROMISED] = { "promised", NULL, "only pairs of two different signatories; mta only" },
	[O_SERVICE] = { "service", "NAME", "mta (default), submission, access, or all of them" },
	[O_SENSOR] = { "sensor", NULL, "the health of the sensor instead of pairs" },
	[O_SUM] = { "sum", NULL, "add up the pairs of each step, service by service" },
	[O_SERIES] = { "series", "NAME,...", "only these, in this order (default: all)" },
	[O_LIST] = { "list", NULL, "print the series with units and meaning, and exit" },
	[O_RESOLUTION] = { "resolution", "NAME",
			   "minute, hour, day, or auto (default): the finest that is kept for the "
			   "whole period" },
	[O_LAST] = { "last", "TIME",
		     "30m, 24h (default), 7d, 2w: counted back from the last step in the ledger" },
	[O_FROM] = { "from", "TIME", "begin in UTC, as 2026-11-22T10:00" },
	[O_TO] = { "to", "TIME", "end in UTC (default: the end of the ledger)" },
	[O_CSV] = { "csv", NULL, "write CSV (default)" },
	[O_JSON] = { "json", NULL, "write JSON" },
	[O_OUT] = { "out", "FILE",
		    "write to FILE, which is replaced once all is written (default: standard "
		    "output)" },
	[O_STATE] = OPT_STATE,
};

static const struct usage usage = {
	.command = "export",
	.synopsis = "[--pair CLIENT:SERVER | --peer NAME] [--promised] [--sum]\n"
		    "                       [--service NAME] [--series NAME,...]\n"
		    "                       [--resolution NAME]\n"
		    "                       [--last TIME | --from TIME --to TIME]\n"
		    "                       [--csv | --json] [--out FILE] [--state DIR]\n"
		    "       mailseal export --sensor [OPTION...]\n"
		    "       mailseal export --list",
	.brief = "counts over time as CSV or JSON, with units",
	.summary = "Writes what the ledger has of pairs or of the sensor, step by step. A pair "
		   "that is named, a sum and the sensor have a row for every step; numbers are "
		   "missing where the sensor did not run. Other pairs have rows only where they "
		   "had sessions.",
	.opts = opts,
	.n = O_N,
};

struct asked {
	const char *dir, *out;
	struct export_asked export;
	const char *value[O_N]; /* as given; "" for a flag */
};

/* Options ------------------------------------------------------------------------------------ */

static const char *exclusion(const char *const *v)
{
	if (v[O_CSV] && v[O_JSON])
		return "--csv and --json exclude each other";
	if (v[O_PAIR] && v[O_PEER])
		return "--pair and --peer exclude each other";
	if (v[O_SENSOR] && (v[O_PAIR] || v[O_PEER] || v[O_PROMISED] || v[O_SERVICE] || v[O_SUM]))
		return "--sensor is about no pair: it goes without --pair, --peer, --promised, "
		       "--service and --sum";
	return NULL;
}

static bool read_service(const char *name, int *out)
{
	enum service s = SERVICE_MTA;
	bool all = name && strcmp(name, "all") == 0;

	if (name && !all && !service_by_name(name, &s))
		return false;
	*out = all ? -1 : (int)s;
	return true;
}

static bool read_resolution(const char *name, enum resolution *out)
{
	static const char *const names[] = { "minute", "hour", "day", "auto" };

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(name ? name : "auto", names[i]) == 0) {
			*out = (enum resolution)i;
			return true;
		}
	}
	return false;
}

/* What is wrong with the values, or NULL. */
static const char *read_values(struct asked *a)
{
	struct export_asked *e = &a->export;
	const char *const *v = a->value;

	if (v[O_PAIR] && !tool_pair(v[O_PAIR], e->client, e->server))
		return "which pair? --pair CLIENT:SERVER, as in --pair orange:free";
	if (v[O_PEER] && !tool_peer(v[O_PEER], e->peer))
		return "--peer is the name of a peer";
	if (!read_service(v[O_SERVICE], &e->service))
		return "--service is one of mta, submission, access, all";
	if (!read_resolution(v[O_RESOLUTION], &e->resolution))
		return "--resolution is one of minute, hour, day, auto";
	if (v[O_PROMISED] && e->service != (int)SERVICE_MTA)
		return "--promised goes with service mta only: nothing is promised of the others";
	if (v[O_PROMISED] && e->client[0] && e->server[0])
		return "--promised chooses among pairs: it goes without a --pair of two names";
	e->of = v[O_SENSOR] ? SERIES_OF_SENSOR : SERIES_OF_PAIR;
	e->sum = v[O_SUM] != NULL;
	e->promised = v[O_PROMISED] != NULL;
	e->json = v[O_JSON] != NULL;
	a->out = v[O_OUT];
	if (v[O_STATE])
		a->dir = v[O_STATE];
	return NULL;
}

/* -1, or the exit code. */
static int read_options(struct asked *a, int argc, char **argv)
{
	struct opts o = opts_over(&usage, argc, argv);
	struct period_words words;
	char err[TOOL_ERR_MAX];
	const char *wrong;
	int what;

	while ((what = opts_next(&o)) >= 0)
		a->value[what] = o.value ? o.value : "";
	if (what != OPTS_END)
		return tool_stop(&o, what);
	wrong = exclusion(a->value);
	if (!wrong)
		wrong = read_values(a);
	if (wrong)
		return tool_usage(&usage, wrong);
	if (!series_read(a->export.of, a->value[O_SERIES], &a->export.series, err, sizeof(err)))
		return tool_usage(&usage, err);
	words = (struct period_words){ a->value[O_LAST], a->value[O_FROM], a->value[O_TO] };
	if (!period_read(&words, &a->export.period, err, sizeof(err)))
		return tool_usage(&usage, err);
	return -1;
}

/* Writing ------------------------------------------------------------------------------------ */

struct writing {
	const struct asked *a;
	struct ledger *l;
};

static bool write_to(void *ctx, FILE *out)
{
	const struct writing *w = ctx;
	char err[TOOL_ERR_MAX] = "";

	if (export_write(&w->a->export, w->l, out, err, sizeof(err)))
		return true;
	tool_error(usage.command, "%.200s: %s", w->a->dir, err);
	return false;
}

static int run(int argc, char **argv)
{
	struct asked a = { .dir = TOOL_STATE_DIR };
	int code = read_options(&a, argc, argv);
	struct writing w = { .a = &a };
	bool ok;

	if (code >= 0)
		return code;
	if (a.value[O_LIST]) {
		series_list(stdout);
		return tool_flush(usage.command);
	}
	w.l = tool_ledger(usage.command, a.dir, LEDGER_READ);
	if (!w.l)
		return TOOL_FAILED;
	ok = tool_write(usage.command, a.out, write_to, &w);
	ledger_close(w.l);
	return ok ? TOOL_OK : TOOL_FAILED;
}

const struct tool_command cmd_export = { &usage, run };
