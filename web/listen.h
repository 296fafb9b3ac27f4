/* listen.h - sockets that listen, by ADDRESS:PORT. Addresses are numbers: no name is looked up. */
#ifndef MAILSEAL_LISTEN_H
#define MAILSEAL_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define LISTEN_TEXT_MAX 64

struct listen_at {
	struct sockaddr_storage address;
	socklen_t len;
};

/* "127.0.0.1:8525", "[::1]:8525"; port 0: one that the kernel chooses. */
bool listen_parse(const char *text, struct listen_at *out);
bool listen_is_local(const struct listen_at *at); /* of the loopback interface */

/* -1 with a sentence in err. The port that it got is put into at. Does not block. */
int listen_open(struct listen_at *at, char *err, size_t errlen);

/* As it is parsed. */
void listen_text(const struct listen_at *at, char out[LISTEN_TEXT_MAX]);

#endif
