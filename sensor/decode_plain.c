/* decode_plain.c - what nearly every frame is, in one go.
 *
 * Ethernet with at most one VLAN tag, IPv4 without options or IPv6 without extensions, not a
 * fragment, not cut, TCP. The same in the end as decode.c step by step, at a third of the cost.
 */
#include "sensor/decode_state.h"

#include <string.h>

enum { IPV4 = 20, IPV6 = 40, PROTOCOL_TCP = 6 };

/* TCP is the next n bytes; what follows is padding. False: it is cut, or wrong. */
static inline bool plain_tcp(struct cursor *c, size_t n, struct packet *out)
{
	if (n > cur_left(c))
		return false;
	c->end = c->at + n;
	return decode_tcp(c, n, out) == HEALTH_DELIVERED;
}

/* RFC 791, 3.1. */
static inline bool plain_ipv4(struct cursor *c, struct packet *out)
{
	const uint8_t *addr;
	struct cursor h;
	uint16_t total;

	out->ip = c->at;
	if (!decode_fixed(c, IPV4, &h) || cur_be16(&h) >> 8 != 0x45)
		return false;
	total = cur_be16(&h);
	cur_skip(&h, 2);
	if ((cur_be16(&h) & 0x3fff) != 0 || (cur_be16(&h) & 0xff) != PROTOCOL_TCP)
		return false;
	cur_skip(&h, 2);
	addr = cur_take(&h, 8);
	for (unsigned i = 0; addr && i < 2; i++)
		decode_map_v4(out->addr[i], addr + 4 * i);
	out->ip_length = total;
	return addr && total >= IPV4 && plain_tcp(c, total - IPV4, out);
}

/* RFC 8200, 3. */
static inline bool plain_ipv6(struct cursor *c, struct packet *out)
{
	const uint8_t *addr;
	struct cursor h;
	uint16_t n;

	out->ip = c->at;
	if (!decode_fixed(c, IPV6, &h) || cur_be32(&h) >> 28 != 6)
		return false;
	n = cur_be16(&h);
	if (cur_be16(&h) >> 8 != PROTOCOL_TCP)
		return false;
	addr = cur_take(&h, sizeof(out->addr));
	if (addr)
		memcpy(out->addr, addr, sizeof(out->addr));
	out->ip_length = (uint32_t)IPV6 + n;
	return addr && plain_tcp(c, n, out);
}

bool decode_plain(const uint8_t *frame, size_t caplen, struct packet *out)
{
	struct cursor c = cur_over((struct span){ frame, caplen });
	uint16_t type;

	cur_skip(&c, ETHERNET_ADDRESSES);
	type = cur_be16(&c);
	if (type == ETHERTYPE_VLAN) {
		out->vlan = cur_be16(&c) & 0x0fff;
		type = cur_be16(&c);
	}
	if (!c.ok)
		return false;
	if (type == ETHERTYPE_IPV4)
		return plain_ipv4(&c, out);
	return type == ETHERTYPE_IPV6 && plain_ipv6(&c, out);
}
