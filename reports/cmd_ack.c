/* cmd_ack.c - mailseal ack: somebody knows of an incident. */
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "reports/deliveries.h"
#include "reports/text.h"
#include "reports/tool.h"

enum { O_NOTE, O_STATE, O_N };

static const struct opt opts[O_N] = {
	[O_NOTE] = { "note", "TEXT", "what is known of it, or done about it: one line" },
	[O_STATE] = OPT_STATE,
};

static const struct usage usage = {
	.command = "ack",
	.synopsis = "ID [--note TEXT] [--state DIR]",
	.brief = "note that somebody knows of an incident",
	.summary = "Acknowledges an incident that fires: targets are told once, with your name and "
		   "note, and it is not sent again until it becomes critical. The record of it "
		   "goes on.",
	.opts = opts,
	.n = O_N,
};

struct asked {
	const char *dir, *note;
	int64_t id;
};

/* One line that fits, in UTF-8 that shows as itself: it goes to logs and terminals as it is. */
static bool note_is_fit(const char *note)
{
	char safe[4 * INCIDENT_NOTE_MAX + 1];

	if (strlen(note) > INCIDENT_NOTE_MAX)
		return false;
	text_safe(note, true, safe, sizeof(safe));
	return strcmp(note, safe) == 0;
}

/* -1, or the exit code. */
static int read_options(struct asked *a, int argc, char **argv)
{
	struct opts o = opts_over(&usage, argc, argv);
	int what;

	while ((what = opts_next(&o)) != OPTS_END) {
		if (what == O_NOTE)
			a->note = o.value;
		else if (what == O_STATE)
			a->dir = o.value;
		else if (what != OPTS_WORD || a->id)
			return tool_stop(&o, what);
		else if (!tool_number(o.value, 18, &a->id))
			return tool_usage(&usage, "the ID of an incident is a number from 1");
	}
	if (!a->id)
		return tool_usage(&usage, "which incident? its ID is missing");
	if (!note_is_fit(a->note))
		return tool_usage(&usage, "a note is one line of at most 255 bytes");
	return -1;
}

/* Who logged in, also behind sudo; else whose process it is. */
static void login_name(char out[INCIDENT_ACK_MAX + 1])
{
	const struct passwd *pw;

	if (getlogin_r(out, INCIDENT_ACK_MAX + 1) == 0 && out[0] != '\0')
		return;
	pw = getpwuid(getuid());
	if (pw)
		snprintf(out, INCIDENT_ACK_MAX + 1, "%s", pw->pw_name);
	else
		snprintf(out, INCIDENT_ACK_MAX + 1, "uid %u", (unsigned)getuid());
}

static int run(int argc, char **argv)
{
	struct asked a = { .dir = TOOL_STATE_DIR, .note = "" };
	int code = read_options(&a, argc, argv);
	char by[INCIDENT_ACK_MAX + 1] = "", err[TOOL_ERR_MAX] = "";

	if (code >= 0)
		return code;
	if (!tool_has_incidents(usage.command, a.dir))
		return TOOL_FAILED;
	login_name(by);
	if (!incident_ack(a.dir, a.id, by, a.note, time(NULL), err, sizeof(err))) {
		tool_error(usage.command, "%.200s: %s", a.dir, err);
		return TOOL_FAILED;
	}
	printf("Incident %" PRId64 " is acknowledged by %s.\n", a.id, by);
	return tool_flush(usage.command);
}

const struct tool_command cmd_ack = { &usage, run };
