/* listen.c - sockets that listen, by ADDRESS:PORT. */
#include "web/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG 512

static bool parse_port(const char *text, in_port_t *out)
{
	size_t len = strlen(text);
	long port = strtol(text, NULL, 10);

	*out = htons((uint16_t)port);
	return len > 0 && len <= 5 && strspn(text, "0123456789") == len && port <= 65535;
}

bool listen_parse(const char *text, struct listen_at *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&out->address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&out->address;
	const char *colon = strrchr(text, ':');
	char address[LISTEN_TEXT_MAX];
	size_t len = colon ? (size_t)(colon - text) : 0;

	memset(out, 0, sizeof(*out));
	if (len == 0 || len >= sizeof(address))
		return false;
	memcpy(address, text, len);
	address[len] = '\0';
	if (address[0] == '[' && address[len - 1] == ']') {
		address[len - 1] = '\0';
		v6->sin6_family = AF_INET6;
		out->len = sizeof(*v6);
		return inet_pton(AF_INET6, address + 1, &v6->sin6_addr) == 1 &&
		       parse_port(colon + 1, &v6->sin6_port);
	}
	v4->sin_family = AF_INET;
	out->len = sizeof(*v4);
	return inet_pton(AF_INET, address, &v4->sin_addr) == 1 &&
	       parse_port(colon + 1, &v4->sin_port);
}

bool listen_is_local(const struct listen_at *at)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&at->address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&at->address;

	if (at->address.ss_family == AF_INET)
		return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

void listen_text(const struct listen_at *at, char out[LISTEN_TEXT_MAX])
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&at->address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&at->address;
	char text[INET6_ADDRSTRLEN] = "";

	if (at->address.ss_family == AF_INET) {
		inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text));
		snprintf(out, LISTEN_TEXT_MAX, "%s:%u", text, ntohs(v4->sin_port));
	} else {
		inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof(text));
		snprintf(out, LISTEN_TEXT_MAX, "[%s]:%u", text, ntohs(v6->sin6_port));
	}
}

/* [::] is IPv6 only: who wants both says both. */
static bool set_up(int fd, struct listen_at *at)
{
	const int on = 1;

	return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	       (at->address.ss_family == AF_INET ||
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) == 0) &&
	       bind(fd, (const struct sockaddr *)&at->address, at->len) == 0 &&
	       listen(fd, BACKLOG) == 0 &&
	       getsockname(fd, (struct sockaddr *)&at->address, &at->len) == 0;
}

int listen_open(struct listen_at *at, char *err, size_t errlen)
{
	int fd = socket(at->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	char text[LISTEN_TEXT_MAX];

	if (fd >= 0 && set_up(fd, at))
		return fd;
	listen_text(at, text);
	snprintf(err, errlen, "cannot listen on %s: %s%s", text, strerror(errno),
		 errno == EADDRINUSE ? " (--listen names another)" : "");
	if (fd >= 0)
		close(fd);
	return -1;
}
