/* statedir.c - the state directory: made, locked, and its session log. */
#include "reports/statedir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "reports/daylog.h"

#define DAY_S 86400

struct statedir {
	char *path;
	int dir, lock;
	struct daylog *log;
};

static bool fail(const struct statedir *d, const char *what, const char *name, char *err,
		 size_t errlen)
{
	snprintf(err, errlen, "cannot %s %s%s%s: %s", what, d->path, name[0] ? "/" : "", name,
		 strerror(errno));
	return false;
}

static bool lock(struct statedir *d, char *err, size_t errlen)
{
	d->lock = openat(d->dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (d->lock < 0)
		return fail(d, "open", "lock", err, errlen);
	if (flock(d->lock, LOCK_EX | LOCK_NB) == 0)
		return true;
	if (errno != EWOULDBLOCK)
		return fail(d, "lock", "lock", err, errlen);
	snprintf(err, errlen, "%s is in use by another mailseald", d->path);
	return false;
}

static bool open_all(struct statedir *d, char *err, size_t errlen)
{
	if (mkdir(d->path, 0750) != 0 && errno != EEXIST)
		return fail(d, "make", "", err, errlen);
	d->dir = open(d->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->dir < 0)
		return fail(d, "open", "", err, errlen);
	if (!lock(d, err, errlen))
		return false;
	if (mkdirat(d->dir, "sessions", 0750) != 0 && errno != EEXIST)
		return fail(d, "make", "sessions", err, errlen);
	d->log = daylog_new(d->dir, d->path);
	return true;
}

struct statedir *statedir_open(const char *path, char *err, size_t errlen)
{
	struct statedir *d = calloc(1, sizeof(*d));

	if (!d)
		abort();
	d->dir = d->lock = -1;
	d->path = strdup(path);
	if (!d->path)
		abort();
	if (!open_all(d, err, errlen)) {
		statedir_close(d);
		return NULL;
	}
	return d;
}

static void close_log(struct statedir *d)
{
	char err[256];

	if (d->log)
		daylog_flush(d->log, err, sizeof(err));
	daylog_free(d->log);
}

void statedir_close(struct statedir *d)
{
	if (!d)
		return;
	close_log(d);
	if (d->lock >= 0)
		close(d->lock);
	if (d->dir >= 0)
		close(d->dir);
	free(d->path);
	free(d);
}

bool statedir_in_use(const char *path)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), held;
	bool in_use;

	if (dir < 0)
		return false;
	held = openat(dir, "lock", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	in_use = held >= 0 && flock(held, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
	if (held >= 0)
		close(held);
	close(dir);
	return in_use;
}

bool statedir_log(struct statedir *d, int64_t step, const char *line, size_t len, char *err,
		  size_t errlen)
{
	return daylog_add(d->log, step, line, len, err, errlen);
}

bool statedir_reopen(struct statedir *d, char *err, size_t errlen)
{
	return daylog_reopen(d->log, err, errlen);
}

bool statedir_flush(struct statedir *d, char *err, size_t errlen)
{
	return daylog_flush(d->log, err, errlen);
}

uint64_t statedir_log_lost(const struct statedir *d)
{
	return daylog_lost(d->log);
}

void statedir_give_up_log(struct statedir *d)
{
	daylog_give_up(d->log);
}

/* Retention ---------------------------------------------------------------------------------- */

/* The day of a log by its name; false for any other name. */
static bool day_of_log(const char *name, int64_t *day)
{
	struct tm tm = { .tm_mday = 0 };
	const char *rest = strptime(name, "%Y-%m-%d", &tm);
	char same[32];

	if (!rest)
		return false;
	*day = timegm(&tm) / DAY_S;
	daylog_name(*day, same);
	return strcmp(name, same) == 0;
}

static bool is_expired(int sessions, const char *name, int64_t before)
{
	struct stat st;
	int64_t day;

	return day_of_log(name, &day) && (day + 1) * DAY_S <= before &&
	       fstatat(sessions, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

static DIR *open_sessions(const struct statedir *d)
{
	int fd = openat(d->dir, "sessions", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (fd >= 0 && !dir)
		close(fd);
	return dir;
}

bool statedir_expire(struct statedir *d, int64_t before, unsigned most, statedir_gone_cb *cb,
		     void *ctx, char *err, size_t errlen)
{
	DIR *dir = open_sessions(d);
	const struct dirent *e;
	char path[sizeof("sessions/") + 32];
	bool ok = true;

	if (!dir)
		return fail(d, "open", "sessions", err, errlen);
	while (most > 0 && (e = readdir(dir))) {
		if (!is_expired(dirfd(dir), e->d_name, before))
			continue;
		if (unlinkat(dirfd(dir), e->d_name, 0) == 0) {
			most--;
			cb(ctx, e->d_name);
		} else if (ok) {
			snprintf(path, sizeof(path), "sessions/%.31s", e->d_name);
			ok = fail(d, "delete", path, err, errlen);
		}
	}
	closedir(dir);
	return ok;
}
