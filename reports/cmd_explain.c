/* cmd_explain.c - mailseal explain: one session record in plain words. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "reports/explain.h"
#include "reports/session_log.h"
#include "reports/tool.h"

enum { O_LINE, O_SESSION, O_STATE, O_N };

static const struct opt opts[O_N] = {
	[O_LINE] = { "line", "N", "explain line N of the file (default 1)" },
	[O_SESSION] = { "session", "ID",
			"find the session with this community ID in the session log of the state "
			"directory (records with truncated addresses have none)" },
	[O_STATE] = { "state", "DIR",
		      "the state directory: its session log for --session (default " TOOL_STATE_DIR
		      "), and its ledger to tell who is a signatory" },
};

static const struct usage usage = {
	.command = "explain",
	.synopsis = "[--line N] [--state DIR] [FILE|-]\n"
		    "       mailseal explain --session ID [--state DIR]",
	.brief = "one session record in plain words",
	.summary = "Says in plain words what was seen of one mail session and why its verdict is "
		   "what it "
		   "is. Reads a session record, as mailseald --sessions writes them.",
	.opts = opts,
	.n = O_N,
};

struct asked {
	const char *dir;  /* NULL: not given */
	const char *file; /* NULL: standard input */
	const char *session;
	int64_t line; /* 0: not given */
};

/* -1, or the exit code. */
static int read_options(struct asked *a, int argc, char **argv)
{
	struct opts o = opts_over(&usage, argc, argv);
	int what;

	while ((what = opts_next(&o)) != OPTS_END) {
		if (what == O_STATE)
			a->dir = o.value;
		else if (what == O_SESSION)
			a->session = o.value;
		else if (what == O_LINE && !tool_number(o.value, 9, &a->line))
			return tool_usage(&usage, "--line needs a number from 1");
		else if (what == OPTS_WORD && !a->file)
			a->file = o.value;
		else if (what < 0)
			return tool_stop(&o, what);
	}
	if (a->session && (a->file || a->line))
		return tool_usage(&usage,
				  "--session searches the state directory: no FILE and no --line");
	return -1;
}

static bool line_of_file(const struct asked *a, struct log_line *line)
{
	bool is_stdin = !a->file || strcmp(a->file, "-") == 0;
	const char *name = is_stdin ? "standard input" : a->file;
	FILE *in = is_stdin ? stdin : fopen(a->file, "r");
	char err[TOOL_ERR_MAX];
	bool ok;

	if (!in) {
		tool_error(usage.command, "%.300s: %s", name, strerror(errno));
		return false;
	}
	ok = log_nth(in, a->line ? (unsigned long)a->line : 1, line, err, sizeof(err));
	if (!ok)
		tool_error(usage.command, "%.300s: %s", name, err);
	if (!is_stdin)
		fclose(in);
	return ok;
}

static bool line_of_session(const struct asked *a, struct log_line *line)
{
	const char *dir = a->dir ? a->dir : TOOL_STATE_DIR;
	char err[TOOL_ERR_MAX];
	unsigned found;

	if (!tool_state_dir(usage.command, dir))
		return false;
	if (!log_find(dir, a->session, line, &found, err, sizeof(err))) {
		tool_error(usage.command, "%s", err);
		return false;
	}
	if (found > 1)
		printf("%u sessions of that day have this ID; this is the last one.\n\n", found);
	return true;
}

struct both {
	const struct record *r;
	bool client, server;
};

static bool on_peer(void *ctx, const char *name, bool signatory)
{
	struct both *b = ctx;

	b->client |= signatory && strcmp(name, b->r->client_peer) == 0;
	b->server |= signatory && strcmp(name, b->r->server_peer) == 0;
	return true;
}

/* Asks the ledger of a state directory that was named; without one nothing is known. */
static bool read_signatories(const struct asked *a, const struct record *r, enum signatories *out)
{
	const char *dir = a->dir ? a->dir : TOOL_STATE_DIR;
	struct both b = { .r = r };
	char err[TOOL_ERR_MAX] = "";
	struct ledger *l;
	bool ok;

	*out = SIGNATORIES_UNKNOWN;
	if (!a->dir && !a->session)
		return true;
	l = tool_ledger(usage.command, dir, LEDGER_READ);
	if (!l)
		return false;
	ok = ledger_peers(l, on_peer, &b, err, sizeof(err));
	if (!ok)
		tool_error(usage.command, "%s", err);
	ledger_close(l);
	*out = b.client && b.server ? SIGNATORIES_BOTH : SIGNATORIES_NOT_BOTH;
	return ok;
}

static int run(int argc, char **argv)
{
	struct asked a = { .line = 0 };
	struct screen s = screen_of(stdout);
	int code = read_options(&a, argc, argv);
	char err[TOOL_ERR_MAX];
	enum signatories who;
	struct log_line line;
	struct record r;

	if (code >= 0)
		return code;
	if (!(a.session ? line_of_session(&a, &line) : line_of_file(&a, &line)))
		return TOOL_FAILED;
	if (!record_read(line.text, line.len, &r, err, sizeof(err))) {
		tool_error(usage.command, "line %" PRId64 " of %.200s: %s", a.line ? a.line : 1,
			   a.file && strcmp(a.file, "-") ? a.file : "standard input", err);
		return TOOL_FAILED;
	}
	if (!read_signatories(&a, &r, &who))
		return TOOL_FAILED;
	explain_print(stdout, &s, &r, who);
	return tool_flush(usage.command);
}

const struct tool_command cmd_explain = { &usage, run };
