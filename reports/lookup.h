/* lookup.h - the addresses of a host, within a time limit.
 *
 * Name servers that do not answer hold up the caller until its deadline and no longer: the search
 * goes on behind it, and what it finds is there for the next question. An address needs no search.
 */
#ifndef MAILSEAL_LOOKUP_H
#define MAILSEAL_LOOKUP_H

#include <netdb.h>
#include <stdint.h>

struct lookup;

/* host: a name, or an address of IPv4 or IPv6; copied. type: SOCK_DGRAM or SOCK_STREAM. Aborts when
 * out of memory. */
struct lookup *lookup_new(const char *host, unsigned port, int type);
void lookup_free(struct lookup *l); /* NULL is allowed */

/* 0 with a list in *out, for freeaddrinfo(); EAI_INPROGRESS when the deadline (deadline.h) is over,
 * or another EAI_ code. */
int lookup_addresses(struct lookup *l, int64_t deadline, struct addrinfo **out);

/* The code in words: "no answer from the name servers". */
const char *lookup_error(int code);

#endif
