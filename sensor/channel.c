/* channel.c - the records that go from the capture process to the recorder. */
#include "sensor/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define COUNT_MAX (1ull << 56)

/* A write of up to PIPE_BUF bytes is all or nothing (pipe(7)): who drops messages tears none. */
_Static_assert(CHANNEL_ATOMIC * sizeof(struct message) <= PIPE_BUF, "they fit an atomic write");

bool channel_open(int *read_fd, int *write_fd, unsigned size)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) != 0)
		return false;
	if (fcntl(fds[1], F_SETFL, O_NONBLOCK) != 0) {
		int saved = errno;

		close(fds[0]);
		close(fds[1]);
		errno = saved;
		return false;
	}
	(void)fcntl(fds[1], F_SETPIPE_SZ, (int)size); /* the kernel may allow less */
	*read_fd = fds[0];
	*write_fd = fds[1];
	return true;
}

/* Waits for room. False when the reader is gone. */
static bool wait_for_room(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return poll(&p, 1, -1) >= 0 || errno == EINTR;
}

/* True when all was written, false when it was dropped. */
static bool write_out(struct channel *c)
{
	const char *at = (const char *)c->out;
	size_t left = c->gathered * sizeof(c->out[0]);

	while (left > 0) {
		ssize_t n = write(c->fd, at, left);

		if (n >= 0) {
			at += n;
			left -= (size_t)n;
		} else if (errno == EAGAIN && !c->wait) {
			return false;
		} else if (errno != EINTR && (errno != EAGAIN || !wait_for_room(c->fd))) {
			c->broken = true;
			return false;
		}
	}
	return true;
}

bool channel_flush(struct channel *c)
{
	bool written = c->gathered == 0 || (!c->broken && write_out(c));

	c->gathered = 0;
	return written;
}

bool channel_send(struct channel *c, const struct message *m)
{
	struct message *out = channel_next(c);

	if (c->broken)
		return false;
	if (c->put) {
		c->put(c->ctx, m);
		return true;
	}
	if (out != m)
		*out = *m;
	out->magic = MESSAGE_MAGIC;
	out->number = ++c->number;
	c->gathered++;
	if (c->gather && c->gathered < (c->wait ? CHANNEL_TOGETHER : CHANNEL_ATOMIC))
		return true;
	return channel_flush(c);
}

/* Reads what is there, and to the end of the last message that has begun; returns how many bytes. */
static size_t read_whole(int fd, void *buf, size_t room)
{
	size_t have = 0;

	for (;;) {
		ssize_t n = read(fd, (char *)buf + have, room - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return have;
		have += (size_t)n;
		if (have % sizeof(struct message) == 0)
			return have;
	}
}

/* No run counts so far, and what is added up of it fits what it is kept in. */
static bool health_valid(const struct health *h)
{
	for (unsigned i = 0; i < HEALTH_N; i++) {
		if (h->n[i] > COUNT_MAX)
			return false;
	}
	return h->alive <= COUNT_MAX;
}

static bool message_valid(const struct message *m)
{
	if (m->magic != MESSAGE_MAGIC || m->number == 0 || m->counted > 1 || m->last > 1)
		return false;
	switch (m->kind) {
	case MESSAGE_VERDICT:
	case MESSAGE_WEIGHT:
	case MESSAGE_END: return !m->last && session_valid(&m->mail);
	case MESSAGE_PROGRESS: return !m->last;
	case MESSAGE_HEALTH: return health_valid(&m->health);
	case MESSAGE_FAILURE: return memchr(m->failure, '\0', sizeof(m->failure)) != NULL;
	}
	return false;
}

/* The first n bytes of a message, behind which nothing comes. */
static bool breaks_off(const struct message *m, size_t n)
{
	const uint32_t magic = MESSAGE_MAGIC;

	return memcmp(&m->magic, &magic, n < sizeof(magic) ? n : sizeof(magic)) == 0;
}

enum channel_read channel_receive(int fd, struct message *m, size_t max, size_t *n)
{
	size_t have = read_whole(fd, m, max * sizeof(*m));

	*n = 0;
	while (*n < have / sizeof(*m) && message_valid(&m[*n]))
		++*n;
	if (*n < have / sizeof(*m))
		return CHANNEL_BAD;
	if (*n * sizeof(*m) == have)
		return have == 0 ? CHANNEL_END : CHANNEL_MESSAGE;
	return breaks_off(&m[*n], have % sizeof(*m)) ? CHANNEL_END : CHANNEL_BAD;
}
