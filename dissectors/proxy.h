/* proxy.h - the header that a load balancer puts before the client's first byte: the PROXY protocol,
 * versions 1 and 2 (haproxy.org, proxy-protocol.txt). A framer: it is stepped over, and nothing of it
 * is read, for it names somebody's address.
 */
#ifndef MAILSEAL_PROXY_H
#define MAILSEAL_PROXY_H

#include "dissectors/cursor.h"

struct proxy {
	uint8_t state; /* enum in proxy.c */
	uint8_t have;  /* bytes of the signature, or of the line, so far */
	uint16_t left; /* version 2: bytes behind its length */
};

/* How many of the client's first bytes, as far as they are there, belong to a header. Bytes that only
 * look like the beginning of one are not taken: 0 says that there is none, now or ever. */
size_t proxy_skip(struct proxy *p, const uint8_t *data, size_t n);

/* Bytes are missing: there is no header any more. */
void proxy_give_up(struct proxy *p);

#endif
