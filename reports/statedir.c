/* statedir.c - the state directory: made, locked, and its session log. */
#include "reports/statedir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reports/record.h"

#define DAY_S 86400

struct statedir {
	char *path;
	int dir, lock;
	FILE *log; /* of the day */
	int64_t day;
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

void statedir_close(struct statedir *d)
{
	if (!d)
		return;
	if (d->log)
		fclose(d->log);
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

static bool close_log(struct statedir *d, char *err, size_t errlen)
{
	FILE *log = d->log;

	d->log = NULL;
	if (log && fclose(log) != 0)
		return fail(d, "write to", "sessions", err, errlen);
	return true;
}

/* Opens the log of a day. That of the day before is closed first. */
static bool open_log(struct statedir *d, int64_t day, char *err, size_t errlen)
{
	char time[32], name[64];
	bool closed = close_log(d, err, errlen);
	int fd;

	step_text(day * DAY_S, time, sizeof(time));
	snprintf(name, sizeof(name), "sessions/%.10s.jsonl", time);
	fd = openat(d->dir, name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	d->log = fd < 0 ? NULL : fdopen(fd, "a");
	d->day = day;
	if (d->log)
		return closed;
	fail(d, "open", name, err, errlen);
	if (fd >= 0)
		close(fd);
	return false;
}

bool statedir_log(struct statedir *d, int64_t step, const char *line, size_t len, char *err,
		  size_t errlen)
{
	int64_t day = step / DAY_S;

	if ((!d->log || day != d->day) && !open_log(d, day, err, errlen))
		return false;
	if (fwrite(line, 1, len, d->log) != len)
		return fail(d, "write to", "sessions", err, errlen);
	return true;
}

bool statedir_flush(struct statedir *d, char *err, size_t errlen)
{
	if (d->log && fflush(d->log) != 0)
		return fail(d, "write to", "sessions", err, errlen);
	return true;
}
