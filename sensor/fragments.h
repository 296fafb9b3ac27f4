/* fragments.h - IP datagrams put together from their fragments (RFC 791, 3.2; RFC 8200, 4.5).
 *
 * Memory is taken once, at the start; when it is full the oldest datagram is given up. What
 * contradicts itself is given up too, and so is an IPv6 datagram whose fragments overlap
 * (RFC 5722); copies of a fragment, which SPAN ports make, are no overlap. Bytes that the snap
 * length cut off are missing from the datagram as they would be from a packet.
 */
#ifndef MAILSEAL_FRAGMENTS_H
#define MAILSEAL_FRAGMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dissectors/cursor.h"
#include "reports/health.h"

#define FRAGMENTS_TIMEOUT_NS (30 * 1000000000ull)
#define FRAGMENTS_MEMORY_MIN (256u * 1024)

struct fragments;

/* The memory that it takes when it is full. */
size_t fragments_bytes(size_t bytes);

struct fragment {
	uint8_t addr[2][16]; /* IPv4 as ::ffff:a.b.c.d */
	uint32_t id;
	uint16_t vlan;
	uint8_t depth;    /* encapsulations around it */
	uint8_t protocol; /* IPv6: of what follows the fragment header */
	bool v6;
	bool more;       /* fragments follow */
	uint32_t offset; /* bytes, a multiple of 8 */
	const uint8_t *data;
	size_t length, wire_length; /* bytes of data that were captured, and that were sent */
};

/* bytes: for the fragments and what describes them, at least FRAGMENTS_MEMORY_MIN; one whole
 * datagram and the places of a hash come on top. Counts HEALTH_REASSEMBLED and
 * HEALTH_FRAGMENTS_LOST. NULL when memory cannot be had. */
struct fragments *fragments_new(size_t bytes, struct health *health);
void fragments_free(struct fragments *f);

/* Takes note of a fragment; its data is copied. True when it was the last one missing: whole is
 * then an IP header without options and the payload of the datagram, borrowed until the next
 * call, or fragments_let_go(). now_ns: time of the packet. */
bool fragments_add(struct fragments *f, const struct fragment *g, uint64_t now_ns,
		   struct span *whole);

/* Nobody reads the datagram that was handed out last any more: it is overwritten. */
void fragments_let_go(struct fragments *f);

#endif
