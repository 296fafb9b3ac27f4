/* outlet.c - a socket towards a target: messages out, within a time limit. */
#include "reports/outlet.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "reports/deadline.h"
#include "reports/lookup.h"

#define UDP_HARK_MS    100 /* for an ICMP message that nobody listens */
#define ACK_PAUSE_MS   5
#define ACK_PAUSE_MOST 100

struct outlet {
	enum target_transport how;
	unsigned timeout_s;
	struct sockaddr_un local;
	char host[TARGET_TEXT_MAX + 1], port[8];
	struct lookup *lookup; /* NULL: the socket is local */
	int fd;                /* -1: not connected */
	int64_t deadline;      /* of this attempt */
	char *answer;          /* of this attempt */
	size_t answerlen;
};

/* Answers ------------------------------------------------------------------------------------ */

static void say(struct outlet *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(struct outlet *o, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(o->answer, o->answerlen, fmt, ap);
	va_end(ap);
}

static void say_error(struct outlet *o, int error)
{
	if (error == ECONNREFUSED)
		say(o, "connection refused");
	else if (error == ECONNRESET || error == EPIPE)
		say(o, "the connection was closed by the other side");
	else if (error == ENOENT)
		say(o, "there is no such socket");
	else if (error == ETIMEDOUT)
		say(o, "no answer in %u s", o->timeout_s);
	else
		say(o, "%s", strerror(error));
}

static void disconnect(struct outlet *o)
{
	if (o->fd >= 0)
		close(o->fd);
	o->fd = -1;
}

/* False always: what failed, and the connection with it. */
static bool fails(struct outlet *o, int error)
{
	disconnect(o);
	say_error(o, error);
	return false;
}

/* Waits for an event. 0, or an errno. */
static int await(const struct outlet *o, short events)
{
	struct pollfd p = { .fd = o->fd, .events = events };
	int n;

	do
		n = poll(&p, 1, deadline_left_ms(o->deadline));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno;
	return n == 0 ? ETIMEDOUT : 0;
}

static int pending_error(int fd)
{
	int error = 0;
	socklen_t len = sizeof(error);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 ? error : errno;
}

/* Connecting --------------------------------------------------------------------------------- */

static bool connect_to(struct outlet *o, int family, int type, const struct sockaddr *to,
		       socklen_t len)
{
	int error = 0;

	o->fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (o->fd < 0)
		return fails(o, errno);
	if (connect(o->fd, to, len) == 0)
		return true;
	error = errno;
	if (error == EINPROGRESS) {
		error = await(o, POLLOUT);
		if (error == 0)
			error = pending_error(o->fd);
	}
	return error == 0 ? true : fails(o, error);
}

/* Each address gets an equal share of the time that is left. */
static bool connect_to_any(struct outlet *o, const struct addrinfo *list)
{
	const int64_t deadline = o->deadline;
	bool done = false;
	int n = 0;

	for (const struct addrinfo *a = list; a; a = a->ai_next)
		n++;
	for (const struct addrinfo *a = list; a && !done; a = a->ai_next, n--) {
		o->deadline = deadline_in_ms(deadline_left_ms(deadline) / n);
		done = connect_to(o, a->ai_family, a->ai_socktype, a->ai_addr, a->ai_addrlen);
	}
	o->deadline = deadline;
	return done;
}

static bool connect_anew(struct outlet *o)
{
	struct addrinfo *list;
	bool done;
	int error;

	disconnect(o);
	if (o->how == TRANSPORT_LOCAL)
		return connect_to(o, AF_UNIX, SOCK_DGRAM, (const struct sockaddr *)&o->local,
				  sizeof(o->local));
	error = lookup_addresses(o->lookup, o->deadline, &list);
	if (error != 0) {
		say(o, "%.60s: %s", o->host, lookup_error(error));
		return false;
	}
	done = connect_to_any(o, list);
	freeaddrinfo(list);
	return done;
}

/* Is somebody still there? What a peer of TCP sends to a sender of logs is thrown away. */
static bool is_connected(const struct outlet *o)
{
	char said[256];
	ssize_t n;

	if (o->fd < 0 || o->how != TRANSPORT_TCP)
		return o->fd >= 0;
	do
		n = recv(o->fd, said, sizeof(said), MSG_DONTWAIT);
	while (n > 0);
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

/* Sending ------------------------------------------------------------------------------------ */

/* 0, or an errno. */
static int write_all(struct outlet *o, const char *message, size_t len)
{
	while (len > 0) {
		ssize_t n = send(o->fd, message, len, MSG_NOSIGNAL);
		int error = n < 0 ? errno : 0;

		if (error == EAGAIN)
			error = await(o, POLLOUT);
		if (error != 0 && error != EINTR)
			return error;
		if (n > 0) {
			message += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

/* Waits until the other host has acknowledged all. 0, or an errno. */
static int await_acknowledgement(const struct outlet *o)
{
	int pause = ACK_PAUSE_MS, left, unsent = 0;

	while ((left = deadline_left_ms(o->deadline)) > 0) {
		/* POLLERR and POLLHUP come unasked. */
		struct pollfd p = { .fd = o->fd };

		if (ioctl(o->fd, SIOCOUTQ, &unsent) != 0)
			return errno;
		if (unsent == 0)
			return pending_error(o->fd);
		if (poll(&p, 1, pause < left ? pause : left) > 0)
			return ECONNRESET;
		pause = 2 * pause < ACK_PAUSE_MOST ? 2 * pause : ACK_PAUSE_MOST;
	}
	return ETIMEDOUT;
}

/* What comes back of a datagram that nobody listens for. 0, or an errno. */
static int hark(const struct outlet *o)
{
	struct pollfd p = { .fd = o->fd };
	int left = deadline_left_ms(o->deadline);

	(void)poll(&p, 1, left < UDP_HARK_MS ? left : UDP_HARK_MS);
	return pending_error(o->fd);
}

static int deliver(struct outlet *o, const char *message, size_t len)
{
	int error = write_all(o, message, len);

	if (error != 0 || o->how == TRANSPORT_LOCAL)
		return error;
	return o->how == TRANSPORT_TCP ? await_acknowledgement(o) : hark(o);
}

static void say_taken(struct outlet *o)
{
	switch (o->how) {
	case TRANSPORT_LOCAL: say(o, "written to %s", o->local.sun_path); break;
	case TRANSPORT_UDP: say(o, "sent; UDP does not confirm"); break;
	case TRANSPORT_TCP: say(o, "received by %.120s port %s", o->host, o->port); break;
	case TRANSPORTS: break;
	}
}

/* Does a new socket help? The daemon behind a local one may have been started anew; what came back
 * over UDP was about an earlier datagram. */
static bool is_stale(const struct outlet *o, int error)
{
	return o->how != TRANSPORT_TCP &&
	       (error == ECONNREFUSED || error == ENOTCONN || error == ECONNRESET);
}

enum sink_answer outlet_send(struct outlet *o, const char *message, size_t len, char *answer,
			     size_t answerlen)
{
	bool was_connected = is_connected(o);
	int error;

	o->answer = answer;
	o->answerlen = answerlen;
	o->deadline = deadline_in_ms((int64_t)o->timeout_s * 1000);
	if (!was_connected && !connect_anew(o))
		return SINK_LATER;
	error = deliver(o, message, len);
	if (was_connected && is_stale(o, error)) {
		if (!connect_anew(o))
			return SINK_LATER;
		error = deliver(o, message, len);
	}
	if (error == 0) {
		say_taken(o);
		return SINK_TAKEN;
	}
	(void)fails(o, error);
	if (error != EMSGSIZE)
		return SINK_LATER;
	say(o, "a message of %zu bytes is too long for it", len);
	return SINK_REFUSED;
}

/* Life --------------------------------------------------------------------------------------- */

struct outlet *outlet_new(enum target_transport how, const char *where, unsigned port,
			  unsigned timeout_s, char *err, size_t errlen)
{
	struct outlet *o;

	if (how == TRANSPORT_LOCAL && strlen(where) >= sizeof(o->local.sun_path)) {
		snprintf(err, errlen, "%.100s...: no socket has a path that long", where);
		return NULL;
	}
	o = calloc(1, sizeof(*o));
	if (!o)
		abort();
	o->how = how;
	o->timeout_s = timeout_s;
	o->fd = -1;
	o->local.sun_family = AF_UNIX;
	snprintf(o->port, sizeof(o->port), "%u", port);
	if (how == TRANSPORT_LOCAL) {
		memcpy(o->local.sun_path, where, strlen(where) + 1);
		return o;
	}
	snprintf(o->host, sizeof(o->host), "%s", where);
	o->lookup = lookup_new(where, port, how == TRANSPORT_TCP ? SOCK_STREAM : SOCK_DGRAM);
	return o;
}

void outlet_free(struct outlet *o)
{
	if (!o)
		return;
	disconnect(o);
	lookup_free(o->lookup);
	free(o);
}
