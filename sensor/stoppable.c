/* stoppable.c - a file that may keep its reader waiting. */
#include "sensor/stoppable.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct cookie {
	int fd;
	struct stop *stop;
};

bool stoppable_is(const char *name)
{
	struct stat st;

	if (strcmp(name, "-") == 0)
		return true;
	return stat(name, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

static ssize_t read_cookie(void *ctx, char *to, size_t n)
{
	struct cookie *c = ctx;
	struct pollfd p[] = { { c->fd, POLLIN, 0 }, { c->stop->fd, POLLIN, 0 } };

	while (poll(p, 2, -1) < 0) {
		if (errno != EINTR)
			return -1;
	}
	c->stop->told |= p[1].revents != 0;
	return c->stop->told ? 0 : read(c->fd, to, n);
}

static int close_cookie(void *ctx)
{
	struct cookie *c = ctx;

	if (c->fd != STDIN_FILENO)
		close(c->fd);
	free(c);
	return 0;
}

FILE *stoppable_open(const char *name, struct stop *stop)
{
	const cookie_io_functions_t functions = { .read = read_cookie, .close = close_cookie };
	struct cookie *c = calloc(1, sizeof(*c));
	FILE *f = NULL;

	if (!c)
		return NULL;
	c->stop = stop;
	c->fd = strcmp(name, "-") == 0 ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
	if (c->fd >= 0)
		f = fopencookie(c, "r", functions);
	if (!f)
		free(c);
	return f;
}
