/* rrdcare.c - what stands where an RRD file should be, and putting aside what should not. */
#include "reports/rrd_series.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reports/rrdlib.h"

/* Errors of open() that come from what is there, and not from the disk or from us. */
static bool is_of_the_file(int error)
{
	return error == EACCES || error == EPERM || error == EISDIR || error == ENXIO ||
	       error == ELOOP || error == ENOENT || error == ENODEV;
}

/* 0 for a plain file that can be written to, else an errno. */
static int try_open(const char *path)
{
	int fd = open(path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC), error = errno;
	struct stat st;

	if (fd < 0)
		return error;
	error = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? 0 : ENODEV;
	close(fd);
	return error;
}

enum rrd_found rrd_look(const char *path, const char *const *sources, unsigned n, int64_t *last,
			char *why, size_t whylen)
{
	struct stat st;
	int error;

	if (lstat(path, &st) != 0) {
		if (errno == ENOENT)
			return RRD_ABSENT;
		snprintf(why, whylen, "%s: %s", path, strerror(errno));
		return RRD_UNABLE;
	}
	error = try_open(path);
	if (error != 0 && !is_of_the_file(error)) {
		snprintf(why, whylen, "%s: %s", path, strerror(error));
		return RRD_UNABLE;
	}
	if (error != 0) {
		snprintf(why, whylen, "%s", error == ENODEV ? "not a plain file" : strerror(error));
		return RRD_UNFIT;
	}
	return rrdlib_is_ours(path, sources, n, last, why, whylen) ? RRD_FITS : RRD_UNFIT;
}

bool rrd_set_aside(const struct rrdstore *r, const char *path, const char *why, char *err,
		   size_t errlen)
{
	char *aside = rrd_text("%s.aside", path);
	bool ok;

	remove(aside); /* a file never takes the place of a directory, nor the other way round */
	ok = rename(path, aside) == 0;
	if (!ok)
		snprintf(err, errlen, "%s is in the way (%s) and cannot be renamed to %s: %s", path,
			 why, aside, strerror(errno));
	free(aside);
	if (ok && r->on_aside != NULL)
		r->on_aside(r->ctx, path, why);
	return ok;
}

void rrdstore_on_aside(struct rrdstore *r, rrdstore_aside_cb *cb, void *ctx)
{
	r->on_aside = cb;
	r->ctx = ctx;
}
