/* cmd_html.c - mailseal html: the pages as static files. */
#include <stdio.h>
#include <time.h>

#include "reports/tool.h"
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

static void on_failed(void *ctx, const char *path, const char *why)
{
	(void)ctx;
	tool_error(usage.command, "warning: %s: %s", path, why);
}

static int make(const char *state, const char *out)
{
	struct site site = { .dir = state };
	char err[TOOL_ERR_MAX] = "";
	struct still_done done;

	if (!tool_state_dir(usage.command, state))
		return TOOL_FAILED;
	if (!still_make(&site, out, (int64_t)time(NULL), on_failed, NULL, &done, err,
			sizeof(err))) {
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
