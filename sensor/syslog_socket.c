/* syslog_socket.c - messages to the local syslog daemon, one datagram each. */
#include "sensor/syslog_socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct syslog_socket {
	struct sockaddr_un to;
	int fd; /* -1: not connected */
};

struct syslog_socket *syslog_new(const char *path)
{
	struct syslog_socket *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	s->to.sun_family = AF_UNIX;
	strncpy(s->to.sun_path, path, sizeof(s->to.sun_path) - 1);
	s->fd = -1;
	return s;
}

static void disconnect(struct syslog_socket *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

void syslog_free(struct syslog_socket *s)
{
	if (!s)
		return;
	disconnect(s);
	free(s);
}

static bool ensure_connected(struct syslog_socket *s)
{
	if (s->fd >= 0)
		return true;
	s->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		return false;
	return connect(s->fd, (const struct sockaddr *)&s->to, sizeof(s->to)) == 0;
}

bool syslog_send(struct syslog_socket *s, const char *line, size_t len, char *err, size_t errlen)
{
	if (ensure_connected(s) && send(s->fd, line, len, MSG_NOSIGNAL) == (ssize_t)len)
		return true;
	snprintf(err, errlen, "%s: %s", s->to.sun_path, strerror(errno));
	disconnect(s); /* the daemon may have been started anew */
	return false;
}
