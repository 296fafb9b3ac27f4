/* proxy.h - the header that a load balancer puts before the client's first byte: the PROXY protocol,
 * versions 1 and 2 (haproxy.org, proxy-protocol.txt). A framer: it is stepped over, and nothing of it
 * is read, for it names somebody's address.
 */
#ifndef MAILSEAL_PROXY_H
#define MAILSEAL_PROXY_H

#include "dissectors/cursor.h"

struct proxy {
	uint8_t state; /* enum in proxy.c */
	bool binary;   /* version 2 */
	uint8_t have;  /* bytes of what it begins with, or of the line, so far */
	uint16_t left; /* version 2: bytes behind its length */
};

/* How many of the client's next bytes belong to a header, or to what may become one. */
size_t proxy_skip(struct proxy *p, const uint8_t *data, size_t n);

/* Bytes taken for the beginning of a header that turned out to be none: they are the client's, and stand
 * in front of what was not taken. Told once; mostly empty. */
struct span proxy_mistaken(struct proxy *p);

/* The connection ends, or bytes are missing: no header will come any more. */
void proxy_give_up(struct proxy *p);

#endif
