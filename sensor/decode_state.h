/* decode_state.h - how the parts of the decoder hand a packet to each other.
 *
 * Decoding is a loop of steps. Each takes its header off the front and says what is next; entering
 * an encapsulation is counted, so that the loop ends. Of no concern outside decode*.c.
 */
#ifndef MAILSEAL_DECODE_STATE_H
#define MAILSEAL_DECODE_STATE_H

#include <string.h>

#include "dissectors/cursor.h"
#include "sensor/decode.h"
#include "sensor/fragments.h"

#define DECODE_DEPTH_MAX 8 /* encapsulations around the packet that counts */

enum {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_TEB = 0x6558, /* Ethernet in GRE and GENEVE */
	ETHERTYPE_VLAN = 0x8100,
	ETHERTYPE_IPV6 = 0x86dd,
	ETHERTYPE_MPLS = 0x8847,
	ETHERTYPE_MPLS_MULTI = 0x8848,
	ETHERTYPE_PPPOE = 0x8864,
	ETHERTYPE_QINQ = 0x88a8,
	ETHERTYPE_QINQ_OLD = 0x9100,
};

enum { ETHERNET_ADDRESSES = 12 };

enum next {
	NEXT_ETHERNET,
	NEXT_TYPE, /* what an Ethernet type stands for */
	NEXT_IP,
	NEXT_PROTOCOL, /* what an IP protocol number stands for */
	NEXT_UDP,
	NEXT_GRE,
	NEXT_MPLS,
	NEXT_PPPOE,
	NEXT_PPP,
	NEXT_NONE, /* the outcome is known */
};

struct decode {
	struct fragments *fragments; /* NULL: none are kept */
	struct cursor c;             /* what is left */
	struct packet *out;
	uint16_t type;     /* of NEXT_TYPE */
	uint8_t protocol;  /* of NEXT_PROTOCOL */
	size_t wire;       /* bytes behind the IP header that were sent */
	unsigned depth;    /* encapsulations entered */
	bool put_together; /* the IP datagram at hand comes from fragments */
	enum health_counter outcome;
};

static inline enum next decode_end(struct decode *d, enum health_counter outcome)
{
	d->outcome = outcome;
	return NEXT_NONE;
}

/* Into an encapsulation, whose header must have been there. */
static inline enum next decode_enter(struct decode *d, enum next next)
{
	if (!d->c.ok || d->depth == DECODE_DEPTH_MAX)
		return decode_end(d, SKIP_TUNNEL);
	d->depth++;
	d->put_together = false;
	return next;
}

static inline enum next decode_enter_type(struct decode *d, uint16_t type)
{
	d->type = type;
	return decode_enter(d, NEXT_TYPE);
}

/* The first n bytes of a header, to be read with a cursor of their own: the compiler sees that they
 * are there. False: they are not. */
static inline bool decode_fixed(struct cursor *c, size_t n, struct cursor *out)
{
	const uint8_t *at = cur_take(c, n);

	if (!at)
		return false;
	*out = cur_over((struct span){ at, n });
	return true;
}

/* False: it is something else, which decode_closely() knows. Then what was written to *out says nothing. */
bool decode_plain(const uint8_t *frame, size_t caplen, struct packet *out);

/* Step by step. */
enum health_counter decode_closely(struct fragments *fragments, enum link link,
				   const uint8_t *frame, size_t caplen, struct packet *out);

/* An IPv4 address as ::ffff:a.b.c.d. */
static inline void decode_map_v4(uint8_t to[16], const uint8_t *from)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	memcpy(to, mapped, sizeof(mapped));
	memcpy(to + sizeof(mapped), from, 4);
}

/* TCP header and payload (RFC 9293, 3.1), of which wire bytes were sent. */
enum health_counter decode_tcp(struct cursor *c, size_t wire, struct packet *out);

enum next decode_ip(struct decode *d);
enum next decode_protocol(struct decode *d);

enum next decode_udp(struct decode *d);
enum next decode_gre(struct decode *d);
enum next decode_mpls(struct decode *d);
enum next decode_pppoe(struct decode *d);
enum next decode_ppp(struct decode *d);

#endif
