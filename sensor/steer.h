/* steer.h - which of several workers the packets between two addresses belong to.
 *
 * The same for both directions, and for fragments, which have no ports. The kernel reckons it for what
 * is plain IP, and so hands a tunnel, as a whole and in order, to one worker, who decodes it and
 * reckons again for what is inside.
 */
#ifndef MAILSEAL_STEER_H
#define MAILSEAL_STEER_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define STEER_MIX   0x9e3779b1u
#define STEER_SHIFT 16

/* addr: source and destination, IPv4 as ::ffff:a.b.c.d, whose prefix cancels out. */
static inline uint32_t steer_hash(const uint8_t addr[2][16])
{
	uint32_t words[2][4], all = 0;

	memcpy(words, addr, sizeof(words));
	for (unsigned i = 0; i < 4; i++)
		all ^= words[0][i] ^ words[1][i];
	return ntohl(all) * STEER_MIX >> STEER_SHIFT; /* as the kernel reads them */
}

/* Joins packet sockets of one interface, in the order of the workers, so that each packet comes to one
 * of them. False with one line in err. */
bool steer_sockets(const int *fds, unsigned n, char *err, size_t errlen);

#endif
