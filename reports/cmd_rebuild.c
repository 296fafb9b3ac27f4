/* cmd_rebuild.c - mailseal rebuild-rrd: every RRD file anew from the ledger. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reports/privileges.h"
#include "reports/progress.h"
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

/* The line that is shown, and how many files there are. */
struct drawing {
	struct progress line;
	unsigned all;
};

static void on_progress(void *ctx, unsigned done, unsigned all)
{
	const struct progress_at at = { .things = done, .things_all = all, .what = "files" };
	struct drawing *d = ctx;

	d->all = all;
	progress_show(&d->line, &at);
}

static void on_aside(void *ctx, const char *path, const char *why)
{
	struct drawing *d = ctx;

	progress_clear(&d->line);
	tool_error(usage.command, "%.300s is no file of mailseal (%.150s): it is now %.300s.aside",
		   path, why, path);
}

/* Marked while it goes on, so that a sensor that starts after a kill rebuilds what is half done. */
static bool rebuild(struct ledger *l, struct rrdstore *r, struct drawing *d, char *err,
		    size_t errlen)
{
	const struct rrd_onlooker by = { .progress = on_progress, .ctx = d };
	bool ok = ledger_mark_rrd(l, true, err, errlen) &&
		  rrdstore_rebuild(r, l, &by, err, errlen) &&
		  ledger_mark_rrd(l, false, err, errlen);

	progress_clear(&d->line);
	return ok;
}

static int run_locked(const char *dir)
{
	struct drawing d = { .all = 0 };
	struct ledger *l = tool_ledger(usage.command, dir, LEDGER_WRITE);
	char err[TOOL_ERR_MAX] = "", files[48];
	struct rrdstore *r = NULL;
	bool ok = false;

	if (!l)
		return TOOL_FAILED;
	progress_init(&d.line, stderr, true);
	r = rrdstore_open(dir, UINT_MAX, err, sizeof(err));
	if (r)
		rrdstore_on_aside(r, on_aside, &d);
	if (r)
		ok = rebuild(l, r, &d, err, sizeof(err));
	rrdstore_close(r);
	ledger_close(l);
	if (!ok) {
		tool_error(usage.command, "%s", err);
		return TOOL_FAILED;
	}
	text_count(d.all, "RRD file", "RRD files", files, sizeof(files));
	printf("%s drawn from the ledger.\n", files);
	return tool_flush(usage.command);
}

/* Root becomes whose the directory is: the sensor could not write to files of root, nor the pages
 * read them. */
static bool become_owner(const char *dir, char *err, size_t errlen)
{
	struct stat st;

	if (geteuid() != 0)
		return true;
	if (stat(dir, &st) != 0) {
		snprintf(err, errlen, "%.300s: %s", dir, strerror(errno));
		return false;
	}
	if (st.st_uid != 0 &&
	    !privileges_drop(true, st.st_uid, st.st_gid, GROUPS_NONE, err, errlen))
		return false;
	if (access(dir, W_OK | X_OK) == 0)
		return true;
	snprintf(err, errlen,
		 "%.300s: %s: its owner cannot get there, and files of root are no use", dir,
		 strerror(errno));
	return false;
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
	lock = become_owner(dir, err, sizeof(err)) ? statedir_open(dir, err, sizeof(err)) : NULL;
	if (!lock) {
		tool_error(usage.command, "%s: nothing was done", err);
		return TOOL_FAILED;
	}
	code = run_locked(dir);
	statedir_close(lock);
	return code;
}

const struct tool_command cmd_rebuild = { &usage, run };
