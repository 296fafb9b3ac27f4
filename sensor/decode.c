#include "sensor/decode.h"

#include <string.h>

#include "dissectors/cursor.h"
#include "dissectors/verdict.h"

enum { ETHERTYPE_IPV4 = 0x0800, ETHERTYPE_IPV6 = 0x86dd };
enum { ETHERTYPE_VLAN = 0x8100, ETHERTYPE_QINQ = 0x88a8, ETHERTYPE_QINQ_OLD = 0x9100 };
enum { ETHERTYPE_MPLS = 0x8847, ETHERTYPE_MPLS_MULTI = 0x8848, ETHERTYPE_PPPOE = 0x8864 };
enum { IP_HOPOPTS = 0, IP_IPIP = 4, IP_TCP = 6, IP_UDP = 17, IP_IPV6 = 41, IP_ROUTING = 43 };
enum { IP_FRAGMENT = 44, IP_GRE = 47, IP_AH = 51, IP_DSTOPTS = 60 };
enum { IP_MOBILITY = 135, IP_HIP = 139, IP_SHIM6 = 140 };
enum { VXLAN_PORT = 4789, GENEVE_PORT = 6081 };
enum { VLAN_TAGS_MAX = 4, EXTENSION_HEADERS_MAX = 16 };

static const uint8_t v4_mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

/* TCP header and payload (RFC 9293, 3.1). wire: bytes of them that were sent. */
static enum health_counter decode_tcp(struct cursor *c, size_t wire, struct packet *out)
{
	size_t header;
	const uint8_t *rest;

	out->port[0] = cur_be16(c);
	out->port[1] = cur_be16(c);
	out->seq = cur_be32(c);
	out->ack = cur_be32(c);
	header = (size_t)(cur_u8(c) >> 4) * 4;
	out->flags = cur_u8(c);
	cur_skip(c, 6); /* window, checksum, urgent pointer */
	if (!c->ok || header < 20 || header > wire)
		return SKIP_TCP;
	out->wire_length = (uint32_t)(wire - header);
	rest = c->at;
	if (header - 20 > cur_left(c)) { /* cut inside the options: no payload was captured */
		out->payload = rest;
		out->length = 0;
		return HEALTH_DELIVERED;
	}
	cur_skip(c, header - 20);
	out->payload = c->at;
	out->length = (uint32_t)(cur_left(c) < out->wire_length ? cur_left(c) : out->wire_length);
	return HEALTH_DELIVERED;
}

static enum health_counter decode_udp(struct cursor c)
{
	uint16_t to;

	cur_skip(&c, 2);
	to = cur_be16(&c);
	return c.ok && (to == VXLAN_PORT || to == GENEVE_PORT) ? SKIP_TUNNEL : SKIP_NOT_TCP;
}

static enum health_counter decode_transport(unsigned protocol, struct cursor *c, size_t wire,
					    struct packet *out)
{
	switch (protocol) {
	case IP_TCP: return decode_tcp(c, wire, out);
	case IP_UDP: return decode_udp(*c);
	case IP_GRE:
	case IP_IPIP:
	case IP_IPV6: return SKIP_TUNNEL;
	default: return SKIP_NOT_TCP;
	}
}

static void map_v4(uint8_t to[16], const uint8_t *from)
{
	memcpy(to, v4_mapped, sizeof(v4_mapped));
	memcpy(to + 12, from, 4);
}

/* IPv4 (RFC 791, 3.1). A total length of 0 is what segmentation offload leaves. */
static enum health_counter decode_ipv4(struct cursor *c, struct packet *out)
{
	const uint8_t *start = c->at;
	size_t captured = cur_left(c), header, total, fragment;
	unsigned first = cur_u8(c), protocol;
	const uint8_t *from, *to;

	header = (size_t)(first & 15) * 4;
	cur_skip(c, 1);
	total = cur_be16(c);
	cur_skip(c, 2);
	fragment = cur_be16(c) & 0x3fff;
	cur_skip(c, 1);
	protocol = cur_u8(c);
	cur_skip(c, 2);
	from = cur_take(c, 4);
	to = cur_take(c, 4);
	if (!from || !to || header < 20)
		return SKIP_IP;
	cur_skip(c, header - 20);
	if (total == 0)
		total = captured;
	if (!c->ok || total < header)
		return SKIP_IP;
	if (fragment != 0)
		return SKIP_FRAGMENT;
	map_v4(out->addr[0], from);
	map_v4(out->addr[1], to);
	out->ip = start;
	out->ip_length = (uint32_t)(captured < total ? captured : total);
	if (total < captured) /* padding */
		c->end = start + total;
	return decode_transport(protocol, c, total - header, out);
}

static bool is_extension(unsigned protocol)
{
	return protocol == IP_HOPOPTS || protocol == IP_ROUTING || protocol == IP_DSTOPTS ||
	       protocol == IP_AH || protocol == IP_MOBILITY || protocol == IP_HIP ||
	       protocol == IP_SHIM6;
}

/* Steps over one extension header (RFC 8200, 4). Returns its size, 0 when it is cut. */
static size_t skip_extension(struct cursor *c, unsigned *protocol)
{
	unsigned this = *protocol;
	size_t size;

	*protocol = cur_u8(c);
	size = this == IP_AH ? ((size_t)cur_u8(c) + 2) * 4 : ((size_t)cur_u8(c) + 1) * 8;
	cur_skip(c, size - 2);
	return c->ok ? size : 0;
}

/* A fragment header is stepped over only when it fragments nothing (RFC 6946). */
static bool skip_fragment_header(struct cursor *c, unsigned *protocol)
{
	uint16_t place;

	*protocol = cur_u8(c);
	cur_skip(c, 1);
	place = cur_be16(c);
	cur_skip(c, 4);
	return c->ok && (place & 0xfff9) == 0;
}

static enum health_counter decode_ipv6(struct cursor *c, struct packet *out)
{
	const uint8_t *start = c->at, *from, *to;
	size_t captured = cur_left(c), wire;
	unsigned protocol;

	cur_skip(c, 4);
	wire = cur_be16(c);
	protocol = cur_u8(c);
	cur_skip(c, 1);
	from = cur_take(c, 16);
	to = cur_take(c, 16);
	if (!from || !to)
		return SKIP_IP;
	memcpy(out->addr[0], from, 16);
	memcpy(out->addr[1], to, 16);
	if (wire == 0)
		wire = cur_left(c); /* segmentation offload again */
	if (wire < cur_left(c))
		c->end = c->at + wire;
	out->ip = start;
	out->ip_length = (uint32_t)(captured < wire + 40 ? captured : wire + 40);
	for (unsigned n = 0; n < EXTENSION_HEADERS_MAX; n++) {
		size_t size = 8;

		if (protocol == IP_FRAGMENT) {
			if (!skip_fragment_header(c, &protocol))
				return c->ok ? SKIP_FRAGMENT : SKIP_IP;
		} else if (is_extension(protocol)) {
			size = skip_extension(c, &protocol);
			if (size == 0)
				return SKIP_IP;
		} else {
			return decode_transport(protocol, c, wire, out);
		}
		if (size > wire)
			return SKIP_IP;
		wire -= size;
	}
	return SKIP_IP;
}

static enum health_counter decode_ip(struct cursor *c, struct packet *out)
{
	if (cur_left(c) == 0)
		return SKIP_IP;
	switch (*c->at >> 4) {
	case 4: return decode_ipv4(c, out);
	case 6: return decode_ipv6(c, out);
	default: return SKIP_IP;
	}
}

/* What an Ethernet type stands for, behind any VLAN tags (802.1Q, 802.1ad). */
static enum health_counter decode_ethertype(uint16_t type, struct cursor *c, struct packet *out)
{
	for (unsigned n = 0; n <= VLAN_TAGS_MAX; n++) {
		switch (type) {
		case ETHERTYPE_IPV4:
		case ETHERTYPE_IPV6: return decode_ip(c, out);
		case ETHERTYPE_MPLS:
		case ETHERTYPE_MPLS_MULTI:
		case ETHERTYPE_PPPOE: return SKIP_TUNNEL;
		case ETHERTYPE_VLAN:
		case ETHERTYPE_QINQ:
		case ETHERTYPE_QINQ_OLD: {
			uint16_t tag = cur_be16(c) & 0x0fff;

			type = cur_be16(c);
			if (!c->ok)
				return SKIP_LINK;
			if (out->vlan == VLAN_NONE)
				out->vlan = tag;
			break;
		}
		default: return SKIP_NOT_IP;
		}
	}
	return SKIP_LINK;
}

/* The address families of IP as the BSDs, macOS and Linux number them. */
static enum health_counter decode_family(uint32_t family, struct cursor *c, struct packet *out)
{
	if (family > 0xffff) /* written by a host of the other byte order */
		family = family >> 24 | (family >> 8 & 0xff00);
	switch (family) {
	case 2:
	case 10:
	case 24:
	case 28:
	case 30: return decode_ip(c, out);
	default: return SKIP_NOT_IP;
	}
}

static enum health_counter decode_sll(struct cursor *c, size_t before, size_t after,
				      struct packet *out)
{
	uint16_t type;

	cur_skip(c, before);
	type = cur_be16(c);
	cur_skip(c, after);
	return c->ok ? decode_ethertype(type, c, out) : SKIP_LINK;
}

enum health_counter decode_frame(enum link link, const uint8_t *frame, size_t caplen,
				 struct packet *out)
{
	struct cursor c = cur_over((struct span){ frame, caplen });
	uint32_t family;

	out->vlan = VLAN_NONE;
	switch (link) {
	case LINK_ETHERNET: return decode_sll(&c, 12, 0, out);
	case LINK_SLL: return decode_sll(&c, 14, 0, out);
	case LINK_SLL2: return decode_sll(&c, 0, 18, out);
	case LINK_RAW: return decode_ip(&c, out);
	case LINK_NULL:
	case LINK_LOOP:
		family = cur_be32(&c);
		return c.ok ? decode_family(family, &c, out) : SKIP_LINK;
	case LINK_UNKNOWN: break;
	}
	return SKIP_LINK;
}
