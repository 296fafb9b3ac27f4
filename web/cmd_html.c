/* cmd_html.c - mailseal html: the pages as static files. */
#include <stdio.h>
#include <time.h>

#include "reports/drawer.h"
#include "reports/progress.h"
#include "reports/tool.h"
#include "web/lines.h"
#include "web/still.h"

enum { O_OUT, O_STATE, O_N };

static const struct opt opts[O_N] = {
	[O_OUT] = { "out", "DIR",
		    "the folder to write to: a new one, an empty one, or one that was made by this "
		    "command" },
	[O_STATE] = OPT_STATE,
};

static const struct usage usage = {
	.command = "html",
	.synopsis = "--out DIR [--state DIR]",
	.brief = "the same pages as files, for any web server",
	.summary =
		"Writes the pages of mailseal serve, and the JSON below api/v1/, as files. Every "
		"link is relative: the folder can be served from anywhere, copied, or opened in "
		"a browser. Files that have not changed stay as they are; those of pages that "
		"are gone are removed, and nothing else is.",
	.opts = opts,
	.n = O_N,
};

static void on_failed(void *ctx, const char *path)
{
	progress_clear(ctx);
	tool_error(usage.command, "warning: %s cannot be made at the moment", path);
}

static void on_files(void *ctx, size_t done, size_t all)
{
	struct progress_at at = { .things = done, .things_all = all, .what = "files" };

	progress_show(ctx, &at);
}

static void on_lines(void *ctx, uint64_t done, uint64_t all)
{
	struct progress_at at = { .bytes = done, .bytes_all = all };

	progress_show(ctx, &at);
}

/* With what the session log says, and pictures. */
static bool make_files(struct site *site, const char *out, struct still_done *done, char *err,
		       size_t errlen)
{
	struct progress p;
	struct still_watch watch = { on_failed, on_files, &p };
	bool ok;

	site->drawer = drawer_start(site->dir, err, errlen);
	if (!site->drawer)
		return false;
	site->lines = lines_new(site->dir, NULL);
	progress_init(&p, stderr, true);
	lines_update(site->lines, 0, on_lines, &p);
	progress_clear(&p);
	progress_init(&p, stderr, true);
	ok = still_make(site, out, (int64_t)time(NULL), &watch, done, err, errlen);
	progress_clear(&p);
	lines_free(site->lines);
	drawer_stop(site->drawer);
	return ok;
}

static int make(const char *state, const char *out)
{
	struct site site = { .dir = state };
	char err[TOOL_ERR_MAX] = "";
	struct still_done done;

	if (!tool_state_dir(usage.command, state))
		return TOOL_FAILED;
	if (!make_files(&site, out, &done, err, sizeof(err))) {
		tool_error(usage.command, "%s", err);
		return TOOL_FAILED;
	}
	printf("%zu files, %zu of them written; %zu removed\n", done.files, done.written,
	       done.removed);
	return tool_flush(usage.command) == TOOL_OK && done.failed == 0 ? TOOL_OK : TOOL_FAILED;
}

static int run(int argc, char **argv)
{
	const char *state = TOOL_STATE_DIR, *out = NULL;
	struct opts o = opts_over(&usage, argc, argv);
	int what;

	while ((what = opts_next(&o)) >= 0) {
		if (what == O_OUT)
			out = o.value;
		else
			state = o.value;
	}
	if (what != OPTS_END)
		return tool_stop(&o, what);
	if (!out || !out[0])
		return tool_usage(&usage, "where to? --out DIR");
	return make(state, out);
}

const struct tool_command cmd_html = { &usage, run };
