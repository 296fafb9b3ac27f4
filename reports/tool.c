/* tool.c - what the commands of mailseal share. */
#include "reports/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
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

static bool read_name(const char *text, size_t len, char out[PARTY_NAME_MAX + 1])
{
	if (len > PARTY_NAME_MAX)
		return false;
	memcpy(out, text, len);
	out[len] = '\0';
	if (strcmp(out, "any") == 0)
		out[0] = '\0';
	return strspn(out, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(out);
}

bool tool_peer(const char *text, char out[PARTY_NAME_MAX + 1])
{
	return read_name(text, strlen(text), out);
}

bool tool_pair(const char *text, char client[PARTY_NAME_MAX + 1], char server[PARTY_NAME_MAX + 1])
{
	size_t len = strcspn(text, ":");
	const char *rest = text[len] ? text + len + 1 : "";

	return read_name(text, len, client) && tool_peer(rest, server);
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

int tool_beside(const char *name, char *path, size_t pathlen)
{
	mode_t mask = umask(0);
	int fd;

	umask(mask);
	if (snprintf(path, pathlen, "%s.XXXXXX", name) >= (int)pathlen) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0 && fchmod(fd, 0666 & ~mask) != 0) {
		int saved = errno;

		close(fd);
		unlink(path);
		errno = saved;
		return -1;
	}
	return fd;
}

static bool out_failed(const char *command, const char *name)
{
	tool_error(command, "%.300s: %s", name, strerror(errno));
	return false;
}

/* Closes file in any case. */
static bool write_and_close(const char *command, const char *name, FILE *file, tool_write_cb *cb,
			    void *ctx)
{
	bool ok = cb(ctx, file);
	bool written = fflush(file) == 0 && !ferror(file);

	if (ok && !written)
		out_failed(command, name);
	if (fclose(file) != 0 && ok && written)
		written = out_failed(command, name);
	return ok && written;
}

static bool is_replaced(const char *name)
{
	struct stat st;

	return lstat(name, &st) != 0 || S_ISREG(st.st_mode);
}

static bool replace(const char *command, const char *out, tool_write_cb *cb, void *ctx)
{
	char beside[PATH_ROOM];
	int fd = tool_beside(out, beside, sizeof(beside));
	FILE *file;

	if (fd < 0)
		return out_failed(command, out);
	file = fdopen(fd, "w");
	if (!file)
		abort();
	if (write_and_close(command, out, file, cb, ctx)) {
		if (rename(beside, out) == 0)
			return true;
		out_failed(command, out);
	}
	unlink(beside);
	return false;
}

bool tool_write(const char *command, const char *out, tool_write_cb *cb, void *ctx)
{
	FILE *file;

	if (!out)
		return cb(ctx, stdout) && tool_flush(command) == TOOL_OK;
	if (is_replaced(out))
		return replace(command, out, cb, ctx);
	file = fopen(out, "we");
	return file ? write_and_close(command, out, file, cb, ctx) : out_failed(command, out);
}

bool tool_state_has(const char *dir, const char *name)
{
	char path[PATH_ROOM];
	struct stat st;

	return snprintf(path, sizeof(path), "%s/%s", dir, name) < (int)sizeof(path) &&
	       stat(path, &st) == 0;
}

/* And who may: that is a matter of the group of the service. */
static void explain_access(const char *dir, const struct stat *st, char *err, size_t errlen)
{
	const char *why = strerror(errno);
	const struct group *group = (st->st_mode & S_IRGRP) ? getgrgid(st->st_gid) : NULL;

	if (group)
		snprintf(err, errlen,
			 "%.300s: %s: you may not read this state directory; members of the group "
			 "\"%.64s\" may",
			 dir, why, group->gr_name);
	else
		snprintf(err, errlen, "%.300s: %s: you may not read this state directory", dir,
			 why);
}

static bool dir_is_fit(const char *dir, char *err, size_t errlen)
{
	struct stat st;

	if (stat(dir, &st) != 0)
		snprintf(err, errlen,
			 "%.300s: no state directory there: %s (--state names another)", dir,
			 strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		snprintf(err, errlen, "%.300s: not a directory, so not a state directory", dir);
	else if (access(dir, R_OK | X_OK) != 0)
		explain_access(dir, &st, err, errlen);
	else
		return true;
	return false;
}

bool tool_state_dir(const char *command, const char *dir)
{
	char err[TOOL_ERR_MAX];

	if (dir_is_fit(dir, err, sizeof(err)))
		return true;
	tool_error(command, "%s", err);
	return false;
}

/* The directory is fit and NAME is in it. */
static bool has_file(const char *dir, const char *name, char *err, size_t errlen)
{
	if (!dir_is_fit(dir, err, errlen))
		return false;
	if (tool_state_has(dir, name))
		return true;
	snprintf(err, errlen, "%.300s: no %s in it: mailseald has recorded nothing here", dir,
		 name);
	return false;
}

struct ledger *tool_open_ledger(const char *dir, enum ledger_mode mode, char *err, size_t errlen)
{
	return has_file(dir, "ledger.db", err, errlen) ? ledger_open(dir, mode, err, errlen) : NULL;
}

struct incidents *tool_open_incidents(const char *dir, char *err, size_t errlen)
{
	static const struct incidents_config none = { .sensor = "" };

	if (!has_file(dir, "incidents.db", err, errlen))
		return NULL;
	return incidents_open(dir, false, &none, err, errlen);
}

struct ledger *tool_ledger(const char *command, const char *dir, enum ledger_mode mode)
{
	char err[TOOL_ERR_MAX] = "";
	struct ledger *l = tool_open_ledger(dir, mode, err, sizeof(err));

	if (!l)
		tool_error(command, "%s", err);
	return l;
}

bool tool_has_incidents(const char *command, const char *dir)
{
	char err[TOOL_ERR_MAX];

	if (has_file(dir, "incidents.db", err, sizeof(err)))
		return true;
	tool_error(command, "%s", err);
	return false;
}

struct incidents *tool_incidents(const char *command, const char *dir)
{
	char err[TOOL_ERR_MAX] = "";
	struct incidents *in = tool_open_incidents(dir, err, sizeof(err));

	if (!in)
		tool_error(command, "%s", err);
	return in;
}
