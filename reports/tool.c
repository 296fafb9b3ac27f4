/* tool.c - what the commands of mailseal share. */
#include "reports/tool.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reports/text.h"

#define PATH_ROOM 4096

void tool_error(const char *command, const char *format, ...)
{
	struct screen s = screen_of(stderr);
	char text[2 * TOOL_ERR_MAX], safe[4 * sizeof(text)];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	text_safe(text, s.utf8, safe, sizeof(safe));
	fflush(stdout);
	fprintf(stderr, "mailseal %s: %s\n", command, safe);
}

int tool_usage(const struct usage *u, const char *sentence)
{
	tool_error(u->command, "%s (see mailseal %s --help)", sentence, u->command);
	return TOOL_USAGE;
}

bool tool_number(const char *text, size_t digits, int64_t *out)
{
	size_t len = strspn(text, "0123456789");

	if (len > digits || text[len])
		return false;
	*out = strtoll(text, NULL, 10);
	return *out > 0;
}

int tool_stop(const struct opts *o, int what)
{
	char text[160];

	if (what == OPTS_HELP) {
		opts_help(o->usage, stdout);
		return tool_flush(o->usage->command);
	}
	if (what == OPTS_ERROR)
		return tool_usage(o->usage, o->err);
	snprintf(text, sizeof(text), "what is \"%.80s\" for?", o->value);
	return tool_usage(o->usage, text);
}

int tool_flush(const char *command)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return TOOL_OK;
	tool_error(command, "standard output: %s", strerror(errno));
	return TOOL_FAILED;
}

bool tool_state_has(const char *dir, const char *name)
{
	char path[PATH_ROOM];
	struct stat st;

	return snprintf(path, sizeof(path), "%s/%s", dir, name) < (int)sizeof(path) &&
	       stat(path, &st) == 0;
}

bool tool_state_dir(const char *command, const char *dir)
{
	struct stat st;

	if (stat(dir, &st) != 0) {
		tool_error(command, "%.300s: no state directory there: %s (--state names another)",
			   dir, strerror(errno));
		return false;
	}
	if (!S_ISDIR(st.st_mode)) {
		tool_error(command, "%.300s: not a directory, so not a state directory", dir);
		return false;
	}
	if (access(dir, R_OK | X_OK) == 0)
		return true;
	tool_error(command, "%.300s: %s: you may not read this state directory", dir,
		   strerror(errno));
	return false;
}

struct ledger *tool_ledger(const char *command, const char *dir, enum ledger_mode mode)
{
	char err[TOOL_ERR_MAX] = "";
	struct ledger *l;

	if (!tool_state_dir(command, dir))
		return NULL;
	if (!tool_state_has(dir, "ledger.db")) {
		tool_error(command,
			   "%.300s: no ledger.db in it: mailseald has recorded nothing here", dir);
		return NULL;
	}
	l = ledger_open(dir, mode, err, sizeof(err));
	if (!l)
		tool_error(command, "%s", err);
	return l;
}

struct incidents *tool_incidents(const char *command, const char *dir)
{
	static const struct incidents_config none = { .sensor = "" };
	char err[TOOL_ERR_MAX] = "";
	struct incidents *in;

	if (!tool_state_dir(command, dir))
		return NULL;
	if (!tool_state_has(dir, "incidents.db")) {
		tool_error(command,
			   "%.300s: no incidents.db in it: mailseald has recorded nothing here",
			   dir);
		return NULL;
	}
	in = incidents_open(dir, false, &none, err, sizeof(err));
	if (!in)
		tool_error(command, "%s", err);
	return in;
}
