/* cmd_rebuild.c - mailseal rebuild-rrd: every RRD file anew from the ledger. */
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "reports/rrdfile.h"
#include "reports/statedir.h"
#include "reports/text.h"
#include "reports/tool.h"

enum { O_STATE, O_N };

static const struct opt opts[O_N] = {
	[O_STATE] = OPT_STATE,
};

static const struct usage usage = {
	.command = "rebuild-rrd",
	.synopsis = "[--state DIR]",
	.brief = "every RRD file anew from the ledger",
	.summary =
		"Deletes every RRD file of a state directory and draws it anew from the ledger. No "
		"sensor may be running on the directory.",
	.opts = opts,
	.n = O_N,
};

/* How far it is; shown on a terminal only. */
struct progress {
	bool show;
	unsigned all; /* files of pairs */
};

static void on_progress(void *ctx, unsigned done, unsigned all)
{
	struct progress *p = ctx;

	p->all = all;
	if (p->show)
		fprintf(stderr, "\r%u of %u files", done, all);
}

/* Marked while it goes on, so that a sensor that starts after a kill rebuilds what is half done. */
static bool rebuild(struct ledger *l, struct rrdstore *r, struct progress *p, char *err,
		    size_t errlen)
{
	bool ok = ledger_mark_rrd(l, true, err, errlen) &&
		  rrdstore_rebuild(r, l, on_progress, p, err, errlen) &&
		  ledger_mark_rrd(l, false, err, errlen);

	if (p->show && p->all)
		fputs("\n", stderr);
	return ok;
}

static int run_locked(const char *dir)
{
	struct progress p = { .show = isatty(STDERR_FILENO) };
	struct ledger *l = tool_ledger(usage.command, dir, LEDGER_WRITE);
	char err[TOOL_ERR_MAX] = "", files[48];
	struct rrdstore *r = NULL;
	bool ok = false;

	if (!l)
		return TOOL_FAILED;
	r = rrdstore_open(dir, UINT_MAX, err, sizeof(err));
	if (r)
		ok = rebuild(l, r, &p, err, sizeof(err));
	rrdstore_close(r);
	ledger_close(l);
	if (!ok) {
		tool_error(usage.command, "%s", err);
		return TOOL_FAILED;
	}
	p.all += tool_state_has(dir, "rrd/health.rrd");
	text_count(p.all, "RRD file", "RRD files", files, sizeof(files));
	printf("%s drawn from the ledger.\n", files);
	return tool_flush(usage.command);
}

static int run(int argc, char **argv)
{
	struct opts o = opts_over(&usage, argc, argv);
	const char *dir = TOOL_STATE_DIR;
	char err[TOOL_ERR_MAX] = "";
	struct statedir *lock;
	int what, code;

	while ((what = opts_next(&o)) == O_STATE)
		dir = o.value;
	if (what != OPTS_END)
		return tool_stop(&o, what);
	if (!tool_state_dir(usage.command, dir))
		return TOOL_FAILED;
	if (!tool_state_has(dir, "ledger.db")) {
		tool_error(usage.command, "%.300s: no ledger.db in it: nothing to draw from", dir);
		return TOOL_FAILED;
	}
	lock = statedir_open(dir, err, sizeof(err));
	if (!lock) {
		tool_error(usage.command, "%s: nothing was done", err);
		return TOOL_FAILED;
	}
	code = run_locked(dir);
	statedir_close(lock);
	return code;
}

const struct tool_command cmd_rebuild = { &usage, run };
