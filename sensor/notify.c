/* notify.c - tells systemd how the sensor is. */
#include "sensor/notify.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define STATUS_US 5000000 /* a status is not told more often */
#define FEEDS     4       /* within the time of the watchdog */

struct notify {
	int fd;
	struct sockaddr_un to;
	socklen_t to_len;
	uint64_t feed_us; /* 0: there is no watchdog */
	uint64_t fed, told;
	bool ready;
};

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

/* A path, or "@" and a name that is in no folder. */
static bool set_address(struct notify *n, const char *name)
{
	size_t len = strlen(name);

	if ((name[0] != '/' && name[0] != '@') || len >= sizeof(n->to.sun_path))
		return false;
	n->to.sun_family = AF_UNIX;
	memcpy(n->to.sun_path, name, len + 1);
	n->to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	if (name[0] == '@')
		n->to.sun_path[0] = '\0';
	else
		n->to_len++;
	return true;
}

/* The watchdog may be that of another process. */
static uint64_t feed_after(const char *usec, const char *pid)
{
	if (!usec || (pid && strtoll(pid, NULL, 10) != getpid()))
		return 0;
	return strtoull(usec, NULL, 10) / FEEDS;
}

struct notify *notify_new(void)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct notify *n = calloc(1, sizeof(*n));

	if (!n)
		abort();
	n->fd = -1;
	n->feed_us = feed_after(getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"));
	if (name && set_address(n, name))
		n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	if (n->fd >= 0)
		return n;
	free(n);
	return NULL;
}

void notify_free(struct notify *n)
{
	if (!n)
		return;
	close(n->fd);
	free(n);
}

static bool tell(const struct notify *n, const char *text)
{
	size_t len = strlen(text);

	return sendto(n->fd, text, len, MSG_NOSIGNAL, (const struct sockaddr *)&n->to, n->to_len) ==
	       (ssize_t)len;
}

static void tell_status(struct notify *n, const struct health *h)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "STATUS=%" PRIu64 " packets, %" PRIu64 " dropped by the kernel, %" PRIu64
		 " by the interfaces; %" PRIu64 " mail sessions",
		 h->n[HEALTH_PACKETS], h->n[HEALTH_DROP_KERNEL], h->n[HEALTH_DROP_NIC],
		 h->n[HEALTH_SESSIONS]);
	tell(n, text);
}

/* The first time always. */
static bool is_due(uint64_t *last, uint64_t now, uint64_t every)
{
	if (*last > 0 && now - *last < every)
		return false;
	*last = now;
	return true;
}

void notify_moved(struct notify *n, const struct health *so_far)
{
	uint64_t now;

	if (!n)
		return;
	if (!n->ready)
		n->ready = tell(n, "READY=1");
	now = now_us();
	if (n->feed_us > 0 && is_due(&n->fed, now, n->feed_us))
		tell(n, "WATCHDOG=1");
	if (is_due(&n->told, now, STATUS_US))
		tell_status(n, so_far);
}

void notify_reloading(struct notify *n)
{
	char text[64];

	if (!n || !n->ready)
		return;
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, now_us());
	tell(n, text);
}

void notify_reloaded(struct notify *n)
{
	if (n && n->ready)
		n->ready = tell(n, "READY=1");
}

void notify_stopping(struct notify *n)
{
	if (n)
		tell(n, "STOPPING=1");
}
