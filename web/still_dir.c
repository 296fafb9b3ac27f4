/* still_dir.c - a folder of files that are made again and again. */
#include "web/still_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "web/names.h"
#include "web/route.h"

#define LIST      ".mailseal-html"
#define FRESH     ".mailseal-html.new" /* what is being written */
#define LIST_HEAD "# Files of mailseal html, which removes them when they are no longer made.\n"

struct still_dir {
	char *path;
	int fd;
	struct names *before; /* the list, and what was added to it since */
	struct names *now;
	FILE *list; /* is added to before a new file is made */
};

static bool fail(const struct still_dir *d, const char *name, char *err, size_t errlen)
{
	snprintf(err, errlen, "%.200s/%.160s: %s", d->path, name, strerror(errno));
	return false;
}

/* The list ---------------------------------------------------------------------------------- */

/* An address of the site as the site writes it: one without "..", below the folder. */
static bool is_ours(const char *path)
{
	char again[ROUTE_PATH_MAX];
	struct route r;

	if (!route_parse(path, &r))
		return false;
	route_path(&r, again);
	return strcmp(path, again) == 0;
}

static void read_list(struct still_dir *d, FILE *in)
{
	char line[ROUTE_PATH_MAX + 2];

	while (fgets(line, sizeof(line), in)) {
		line[strcspn(line, "\n")] = '\0';
		if (is_ours(line))
			names_add(d->before, line);
	}
}

/* A stream over a file of the folder; NULL with errno. */
static FILE *open_stream(const struct still_dir *d, const char *name, int flags, const char *mode)
{
	int fd = openat(d->fd, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
	FILE *f = fd < 0 ? NULL : fdopen(fd, mode);

	if (fd >= 0 && !f)
		close(fd);
	return f;
}

static bool write_list(const struct still_dir *d)
{
	FILE *out = open_stream(d, FRESH, O_WRONLY | O_CREAT | O_TRUNC, "w");
	bool ok;

	if (!out)
		return false;
	fputs(LIST_HEAD, out);
	for (size_t i = 0; i < names_count(d->now); i++)
		fprintf(out, "%s\n", names_at(d->now, i));
	ok = !ferror(out);
	ok = fclose(out) == 0 && ok;
	return ok && renameat(d->fd, FRESH, d->fd, LIST) == 0;
}

static bool is_empty(int fd)
{
	int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = again < 0 ? NULL : fdopendir(again);
	const struct dirent *e;
	size_t n = 0;

	if (!dir)
		return false;
	while ((e = readdir(dir)) != NULL)
		n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
		     strcmp(e->d_name, FRESH) != 0;
	closedir(dir);
	return n == 0;
}

static bool open_list(struct still_dir *d, char *err, size_t errlen)
{
	FILE *in = open_stream(d, LIST, O_RDONLY, "r");

	if (in) {
		read_list(d, in);
		fclose(in);
	} else if (errno != ENOENT) {
		return fail(d, LIST, err, errlen);
	} else if (!is_empty(d->fd)) {
		snprintf(err, errlen,
			 "%.300s has other files in it and was not made by mailseal html: name "
			 "another folder, or a new one",
			 d->path);
		return false;
	} else if (!write_list(d)) {
		return fail(d, LIST, err, errlen);
	}
	d->list = open_stream(d, LIST, O_WRONLY | O_APPEND, "a");
	return d->list || fail(d, LIST, err, errlen);
}

/* The folder -------------------------------------------------------------------------------- */

static bool is_same(int fd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

static bool open_folder(struct still_dir *d, const char * not, char *err, size_t errlen)
{
	if (mkdir(d->path, 0755) != 0 && errno != EEXIST) {
		snprintf(err, errlen, "%.300s cannot be made: %s", d->path, strerror(errno));
		return false;
	}
	d->fd = open(d->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->fd < 0)
		snprintf(err, errlen, "%.300s: %s", d->path, strerror(errno));
	else if (is_same(d->fd, not ))
		snprintf(err, errlen, "%.300s is the state directory: name another folder",
			 d->path);
	else if (flock(d->fd, LOCK_EX | LOCK_NB) != 0)
		snprintf(err, errlen, "%.300s is locked: another mailseal html writes there",
			 d->path);
	else
		return open_list(d, err, errlen);
	return false;
}

struct still_dir *still_dir_open(const char *path, const char * not, char *err, size_t errlen)
{
	struct still_dir *d = calloc(1, sizeof(*d));

	if (!d || !(d->path = strdup(path)))
		abort();
	d->fd = -1;
	d->before = names_new();
	d->now = names_new();
	if (open_folder(d, not, err, errlen))
		return d;
	still_dir_close(d);
	return NULL;
}

void still_dir_close(struct still_dir *d)
{
	if (!d)
		return;
	if (d->list)
		fclose(d->list);
	if (d->fd >= 0)
		close(d->fd);
	names_free(d->now);
	names_free(d->before);
	free(d->path);
	free(d);
}

/* Files ------------------------------------------------------------------------------------- */

/* The directory of a file, made where it is missing and make; -1 with errno. *name is the part behind
 * the last slash. */
static int open_parent(const struct still_dir *d, const char *path, bool make, const char **name)
{
	char part[ROUTE_PATH_MAX];
	int fd = fcntl(d->fd, F_DUPFD_CLOEXEC, 0);
	const char *slash;

	for (*name = path; fd >= 0 && (slash = strchr(*name, '/')) != NULL; *name = slash + 1) {
		int next;

		snprintf(part, sizeof(part), "%.*s", (int)(slash - *name), *name);
		if (make)
			mkdirat(fd, part, 0755);
		next = openat(fd, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		close(fd);
		fd = next;
	}
	return fd;
}

static bool has_content(int parent, const char *name, const char *body, size_t len)
{
	int fd = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char part[16384];
	struct stat st;
	size_t at = 0;
	ssize_t n = 1;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (size_t)st.st_size == len) {
		while ((n = read(fd, part, sizeof(part))) > 0 && (size_t)n <= len - at &&
		       memcmp(part, body + at, (size_t)n) == 0)
			at += (size_t)n;
	}
	close(fd);
	return n == 0 && at == len;
}

static bool write_fresh(const struct still_dir *d, const void *body, size_t len)
{
	FILE *out = open_stream(d, FRESH, O_WRONLY | O_CREAT | O_TRUNC, "w");
	bool ok;

	if (!out)
		return false;
	ok = fwrite(body, 1, len, out) == len;
	return fclose(out) == 0 && ok;
}

/* So that it is removed one day, whatever happens now. */
static bool note(struct still_dir *d, const char *path)
{
	names_add(d->now, path);
	if (!names_add(d->before, path))
		return true;
	fprintf(d->list, "%s\n", path);
	return fflush(d->list) == 0 && !ferror(d->list);
}

bool still_dir_put(struct still_dir *d, const char *path, const void *body, size_t len,
		   bool *written, char *err, size_t errlen)
{
	const char *name;
	int parent, why;
	bool ok;

	if (!note(d, path))
		return fail(d, LIST, err, errlen);
	parent = open_parent(d, path, true, &name);
	if (parent < 0)
		return fail(d, path, err, errlen);
	*written = !has_content(parent, name, body, len);
	ok = !*written || (write_fresh(d, body, len) && renameat(d->fd, FRESH, parent, name) == 0);
	why = errno;
	close(parent);
	if (ok)
		return true;
	unlinkat(d->fd, FRESH, 0);
	errno = why;
	return fail(d, path, err, errlen);
}

void still_dir_keep(struct still_dir *d, const char *path)
{
	if (names_has(d->before, path))
		names_add(d->now, path);
}

/* And the directories that are empty then. */
static bool remove_file(const struct still_dir *d, char *path, bool *removed)
{
	const char *name;
	int parent = open_parent(d, path, false, &name);
	char *slash;
	bool ok;

	if (parent < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP;
	*removed = unlinkat(parent, name, 0) == 0;
	ok = *removed || errno == ENOENT;
	close(parent);
	while (ok && (slash = strrchr(path, '/')) != NULL) {
		*slash = '\0';
		parent = open_parent(d, path, false, &name);
		if (parent < 0 || unlinkat(parent, name, AT_REMOVEDIR) != 0)
			*path = '\0';
		if (parent >= 0)
			close(parent);
	}
	return ok;
}

bool still_dir_finish(struct still_dir *d, size_t *removed, char *err, size_t errlen)
{
	char path[ROUTE_PATH_MAX];

	*removed = 0;
	for (size_t i = 0; i < names_count(d->before); i++) {
		const char *name = names_at(d->before, i);
		bool gone = false;

		if (names_has(d->now, name))
			continue;
		snprintf(path, sizeof(path), "%s", name);
		if (!remove_file(d, path, &gone))
			return fail(d, name, err, errlen);
		*removed += gone;
	}
	return write_list(d) || fail(d, LIST, err, errlen);
}
