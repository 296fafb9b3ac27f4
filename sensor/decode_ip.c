/* decode_ip.c - IPv4, IPv6 and TCP. */
#include "sensor/decode_state.h"

#include <string.h>

enum { IP_HOPOPTS = 0, IP_IPIP = 4, IP_TCP = 6, IP_UDP = 17, IP_IPV6 = 41, IP_ROUTING = 43 };
enum { IP_FRAGMENT = 44, IP_GRE = 47, IP_AH = 51, IP_DSTOPTS = 60 };
enum { IP_MOBILITY = 135, IP_HIP = 139, IP_SHIM6 = 140 };
enum { EXTENSION_HEADERS_MAX = 16 };

enum health_counter decode_tcp(struct cursor *c, size_t wire, struct packet *out)
{
	struct cursor h;
	size_t header;

	if (!decode_fixed(c, 20, &h))
		return SKIP_TCP;
	out->port[0] = cur_be16(&h);
	out->port[1] = cur_be16(&h);
	out->seq = cur_be32(&h);
	out->ack = cur_be32(&h);
	header = (size_t)(cur_u8(&h) >> 4) * 4;
	out->flags = cur_u8(&h); /* window, checksum, urgent pointer follow */
	if (header < 20 || header > wire)
		return SKIP_TCP;
	out->wire_length = (uint32_t)(wire - header);
	if (header - 20 > cur_left(c)) { /* cut inside the options: no payload was captured */
		out->payload = c->at;
		out->length = 0;
		return HEALTH_DELIVERED;
	}
	cur_skip(c, header - 20);
	out->payload = c->at;
	out->length = (uint32_t)(cur_left(c) < out->wire_length ? cur_left(c) : out->wire_length);
	return HEALTH_DELIVERED;
}

enum next decode_protocol(struct decode *d)
{
	switch (d->protocol) {
	case IP_TCP: return decode_end(d, decode_tcp(&d->c, d->wire, d->out));
	case IP_UDP: return NEXT_UDP;
	case IP_GRE: return NEXT_GRE;
	case IP_IPIP:
	case IP_IPV6: return decode_enter(d, NEXT_IP);
	default: return decode_end(d, SKIP_NOT_TCP);
	}
}

/* Fragments ---------------------------------------------------------------------------------- */

/* What is left is a fragment. Once all of a datagram are there it is decoded as IP again; what
 * was put together is no fragment itself. */
static enum next keep_fragment(struct decode *d, bool v6, uint32_t id, uint32_t offset, bool more)
{
	struct fragment g = {
		.id = id,
		.vlan = d->out->vlan,
		.depth = (uint8_t)d->depth,
		.protocol = d->protocol,
		.v6 = v6,
		.more = more,
		.offset = offset,
		.data = d->c.at,
		.length = cur_left(&d->c),
		.wire_length = d->wire,
	};
	struct span whole;

	memcpy(g.addr, d->out->addr, sizeof(g.addr));
	if (!d->fragments || d->put_together ||
	    !fragments_add(d->fragments, &g, d->out->time_ns, &whole))
		return decode_end(d, SKIP_FRAGMENT);
	d->c = cur_over(whole);
	d->put_together = true;
	return NEXT_IP;
}

/* Version 4 ---------------------------------------------------------------------------------- */

/* IPv4 (RFC 791, 3.1). A total length of 0 is what segmentation offload leaves. */
static enum next decode_ipv4(struct decode *d)
{
	struct cursor *c = &d->c, h;
	const uint8_t *start = c->at, *from, *to;
	size_t captured = cur_left(c), header, total;
	uint16_t id, place;

	if (!decode_fixed(c, 20, &h))
		return decode_end(d, SKIP_IP);
	header = (size_t)(cur_u8(&h) & 15) * 4;
	cur_skip(&h, 1);
	total = cur_be16(&h);
	id = cur_be16(&h);
	place = cur_be16(&h);
	cur_skip(&h, 1);
	d->protocol = cur_u8(&h);
	cur_skip(&h, 2);
	from = cur_take(&h, 4);
	to = cur_take(&h, 4);
	if (!from || !to || header < 20)
		return decode_end(d, SKIP_IP);
	cur_skip(c, header - 20);
	if (total == 0)
		total = captured;
	if (!c->ok || total < header)
		return decode_end(d, SKIP_IP);
	decode_map_v4(d->out->addr[0], from);
	decode_map_v4(d->out->addr[1], to);
	d->out->ip = start;
	d->out->ip_length = (uint32_t)(captured < total ? captured : total);
	if (total < captured) /* padding */
		c->end = start + total;
	d->wire = total - header;
	if ((place & 0x3fff) == 0)
		return NEXT_PROTOCOL;
	return keep_fragment(d, false, id, (place & 0x1fffu) * 8, place & 0x2000);
}

/* Version 6 ---------------------------------------------------------------------------------- */

static bool is_extension(unsigned protocol)
{
	return protocol == IP_HOPOPTS || protocol == IP_ROUTING || protocol == IP_DSTOPTS ||
	       protocol == IP_AH || protocol == IP_MOBILITY || protocol == IP_HIP ||
	       protocol == IP_SHIM6;
}

/* Steps over bytes of the packet. */
static bool step_over(struct decode *d, size_t n)
{
	cur_skip(&d->c, n);
	if (!d->c.ok || n > d->wire)
		return false;
	d->wire -= n;
	return true;
}

/* One extension header (RFC 8200, 4). */
static bool skip_extension(struct decode *d)
{
	struct cursor c = d->c;
	unsigned this = d->protocol;
	size_t size;

	d->protocol = cur_u8(&c);
	size = cur_u8(&c);
	return step_over(d, this == IP_AH ? (size + 2) * 4 : (size + 1) * 8);
}

/* A fragment header is stepped over when it fragments nothing (RFC 6946). */
static enum next fragment_header(struct decode *d)
{
	struct cursor c = d->c;
	uint16_t place;
	uint32_t id;

	d->protocol = cur_u8(&c);
	cur_skip(&c, 1);
	place = cur_be16(&c);
	id = cur_be32(&c);
	if (!step_over(d, 8))
		return decode_end(d, SKIP_IP);
	if ((place & 0xfff9) == 0)
		return NEXT_PROTOCOL;
	return keep_fragment(d, true, id, place & 0xfff8, place & 1);
}

static enum next behind_extensions(struct decode *d)
{
	for (unsigned n = 0; n < EXTENSION_HEADERS_MAX; n++) {
		if (d->protocol == IP_FRAGMENT) {
			enum next next = fragment_header(d);

			if (next != NEXT_PROTOCOL)
				return next;
		} else if (!is_extension(d->protocol)) {
			return NEXT_PROTOCOL;
		} else if (!skip_extension(d)) {
			break;
		}
	}
	return decode_end(d, SKIP_IP);
}

/* IPv6 (RFC 8200, 3). */
static enum next decode_ipv6(struct decode *d)
{
	struct cursor *c = &d->c, h;
	const uint8_t *start = c->at, *from, *to;
	size_t captured = cur_left(c);

	if (!decode_fixed(c, 40, &h))
		return decode_end(d, SKIP_IP);
	cur_skip(&h, 4);
	d->wire = cur_be16(&h);
	d->protocol = cur_u8(&h);
	cur_skip(&h, 1);
	from = cur_take(&h, 16);
	to = cur_take(&h, 16);
	if (!from || !to)
		return decode_end(d, SKIP_IP);
	memcpy(d->out->addr[0], from, 16);
	memcpy(d->out->addr[1], to, 16);
	if (d->wire == 0)
		d->wire = cur_left(c); /* segmentation offload again */
	if (d->wire < cur_left(c))
		c->end = c->at + d->wire;
	d->out->ip = start;
	d->out->ip_length = (uint32_t)(captured < d->wire + 40 ? captured : d->wire + 40);
	return behind_extensions(d);
}

enum next decode_ip(struct decode *d)
{
	switch (cur_left(&d->c) > 0 ? *d->c.at >> 4 : 0) {
	case 4: return decode_ipv4(d);
	case 6: return decode_ipv6(d);
	default: return decode_end(d, SKIP_IP);
	}
}
