/* daylog.c - the session log: whole lines, whatever the disk does. */
#include "reports/daylog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reports/record.h"

#define DAY_S    86400
#define TOGETHER (1u << 16) /* bytes that are written at a time */

struct daylog {
	int dir;
	const char *path;
	int fd; /* -1: not open */
	int64_t day;
	size_t torn; /* bytes behind the last LF in the file: the beginning of what waits */
	size_t len;
	uint64_t lost;
	char waiting[DAYLOG_MAX];
};

struct daylog *daylog_new(int dir_fd, const char *path)
{
	struct daylog *l = calloc(1, sizeof(*l));

	if (!l)
		abort();
	l->dir = dir_fd;
	l->path = path;
	l->fd = -1;
	l->day = -1;
	return l;
}

void daylog_free(struct daylog *l)
{
	if (!l)
		return;
	daylog_give_up(l);
	free(l);
}

uint64_t daylog_lost(const struct daylog *l)
{
	return l->lost;
}

/* Files -------------------------------------------------------------------------------------- */

void daylog_name(int64_t day, char name[32])
{
	char time[32];

	step_text(day * DAY_S, time, sizeof(time));
	snprintf(name, 32, "%.10s.jsonl", time);
}

static void path_of(const struct daylog *l, char path[64])
{
	char name[32];

	daylog_name(l->day, name);
	snprintf(path, 64, "sessions/%s", name);
}

static bool fail(const struct daylog *l, const char *what, char *err, size_t errlen)
{
	int why = errno;
	char name[64];

	path_of(l, name);
	snprintf(err, errlen, "cannot %s %s/%s: %s", what, l->path, name, strerror(why));
	return false;
}

/* A kill may have left half a line. What is longer than a record is not ours: it is ended. */
static bool end_last_line(int fd)
{
	char tail[RECORD_MAX];
	off_t size = lseek(fd, 0, SEEK_END);
	size_t wanted = size > RECORD_MAX ? RECORD_MAX : (size_t)size, keep;
	ssize_t got;

	if (size <= 0)
		return size == 0;
	got = pread(fd, tail, wanted, size - (off_t)wanted);
	if (got != (ssize_t)wanted)
		return false;
	for (keep = wanted; keep > 0 && tail[keep - 1] != '\n'; keep--)
		;
	if (keep == wanted)
		return true;
	if (keep == 0 && wanted == RECORD_MAX)
		return write(fd, "\n", 1) == 1;
	return ftruncate(fd, size - (off_t)(wanted - keep)) == 0;
}

static bool open_day(struct daylog *l, char *err, size_t errlen)
{
	char name[64];
	int fd;

	path_of(l, name);
	fd = openat(l->dir, name, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return fail(l, "open", err, errlen);
	if (!end_last_line(fd)) {
		fail(l, "mend the last line of", err, errlen);
		close(fd);
		return false;
	}
	l->fd = fd;
	l->torn = 0;
	return true;
}

/* Lines -------------------------------------------------------------------------------------- */

/* So many bytes of what waits are in the file. */
static void taken(struct daylog *l, size_t n)
{
	const char *lf = memrchr(l->waiting, '\n', n);

	l->torn = lf ? (size_t)(l->waiting + n - 1 - lf) : l->torn + n;
	l->len -= n;
	memmove(l->waiting, l->waiting + n, l->len);
}

bool daylog_flush(struct daylog *l, char *err, size_t errlen)
{
	ssize_t n;

	while (l->len > 0) {
		if (l->fd < 0 && !open_day(l, err, errlen))
			return false;
		n = write(l->fd, l->waiting, l->len);
		if (n > 0)
			taken(l, (size_t)n);
		else if (n == 0 || errno != EINTR)
			return fail(l, "write to", err, errlen);
	}
	return true;
}

bool daylog_reopen(struct daylog *l, char *err, size_t errlen)
{
	if (!daylog_flush(l, err, errlen))
		return false;
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	return true;
}

void daylog_give_up(struct daylog *l)
{
	struct stat st;

	for (size_t i = 0; i < l->len; i++)
		l->lost += l->waiting[i] == '\n';
	l->len = 0;
	if (l->fd < 0)
		return;
	if (l->torn > 0 && fstat(l->fd, &st) == 0 && ftruncate(l->fd, st.st_size - (off_t)l->torn))
		l->torn = 0; /* it is cut off when the file is opened again */
	close(l->fd);
	l->fd = -1;
}

/* The day before ends with what could be written of it. */
static bool turn_to(struct daylog *l, int64_t day, char *err, size_t errlen)
{
	bool ok = l->day == day || daylog_flush(l, err, errlen);

	if (l->day != day)
		daylog_give_up(l);
	l->day = day;
	return ok;
}

bool daylog_add(struct daylog *l, int64_t step, const char *line, size_t len, char *err,
		size_t errlen)
{
	bool ok = turn_to(l, step / DAY_S, err, errlen);

	if (len > DAYLOG_MAX - l->len && !daylog_flush(l, err, errlen)) {
		l->lost++;
		return false;
	}
	memcpy(l->waiting + l->len, line, len);
	l->len += len;
	return (l->len < TOGETHER || daylog_flush(l, err, errlen)) && ok;
}
