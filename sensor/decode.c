#include "sensor/decode.h"

#include "dissectors/verdict.h"
#include "sensor/decode_state.h"

enum { VLAN_TAGS_MAX = 4 };

/* Reads the Ethernet type that follows so many bytes and precedes others. */
static enum next link_with_type(struct decode *d, size_t before, size_t after)
{
	cur_skip(&d->c, before);
	d->type = cur_be16(&d->c);
	cur_skip(&d->c, after);
	return d->c.ok ? NEXT_TYPE : decode_end(d, SKIP_LINK);
}

/* The address families of IP as the BSDs, macOS and Linux number them. */
static enum next link_with_family(struct decode *d)
{
	uint32_t family = cur_be32(&d->c);

	if (!d->c.ok)
		return decode_end(d, SKIP_LINK);
	if (family > 0xffff) /* written by a host of the other byte order */
		family = family >> 24 | (family >> 8 & 0xff00);
	switch (family) {
	case 2:
	case 10:
	case 24:
	case 28:
	case 30: return NEXT_IP;
	default: return decode_end(d, SKIP_NOT_IP);
	}
}

/* PPP on a serial line (RFC 1662), or Cisco's HDLC, which has an Ethernet type. */
static enum next link_serial(struct decode *d)
{
	uint8_t address = cur_left(&d->c) > 0 ? *d->c.at : 0;

	return address == 0x0f || address == 0x8f ? link_with_type(d, 2, 0) : NEXT_PPP;
}

static enum next first_step(struct decode *d, enum link link)
{
	switch (link) {
	case LINK_ETHERNET: return NEXT_ETHERNET;
	case LINK_SLL: return link_with_type(d, 14, 0);
	case LINK_SLL2: return link_with_type(d, 0, 18);
	case LINK_RAW: return NEXT_IP;
	case LINK_NULL:
	case LINK_LOOP: return link_with_family(d);
	case LINK_PPP: return link_serial(d);
	case LINK_PPPOE: return NEXT_PPPOE;
	case LINK_UNKNOWN: break;
	}
	return decode_end(d, SKIP_LINK);
}

static enum next skip_tag(struct decode *d)
{
	uint16_t tag = cur_be16(&d->c) & 0x0fff;

	d->type = cur_be16(&d->c);
	if (!d->c.ok)
		return decode_end(d, SKIP_LINK);
	if (d->out->vlan == VLAN_NONE)
		d->out->vlan = tag;
	return NEXT_TYPE;
}

/* What an Ethernet type stands for, behind any VLAN tags (802.1Q, 802.1ad). */
static enum next decode_type(struct decode *d)
{
	for (unsigned n = 0; n <= VLAN_TAGS_MAX; n++) {
		switch (d->type) {
		case ETHERTYPE_IPV4:
		case ETHERTYPE_IPV6: return NEXT_IP;
		case ETHERTYPE_MPLS:
		case ETHERTYPE_MPLS_MULTI: return NEXT_MPLS;
		case ETHERTYPE_PPPOE: return NEXT_PPPOE;
		case ETHERTYPE_TEB: return decode_enter(d, NEXT_ETHERNET);
		case ETHERTYPE_VLAN:
		case ETHERTYPE_QINQ:
		case ETHERTYPE_QINQ_OLD:
			if (skip_tag(d) == NEXT_NONE)
				return NEXT_NONE;
			break;
		default: return decode_end(d, SKIP_NOT_IP);
		}
	}
	return decode_end(d, SKIP_LINK);
}

static enum next step(struct decode *d, enum next next)
{
	switch (next) {
	case NEXT_ETHERNET: return link_with_type(d, ETHERNET_ADDRESSES, 0);
	case NEXT_TYPE: return decode_type(d);
	case NEXT_IP: return decode_ip(d);
	case NEXT_PROTOCOL: return decode_protocol(d);
	case NEXT_UDP: return decode_udp(d);
	case NEXT_GRE: return decode_gre(d);
	case NEXT_MPLS: return decode_mpls(d);
	case NEXT_PPPOE: return decode_pppoe(d);
	case NEXT_PPP: return decode_ppp(d);
	case NEXT_NONE: break;
	}
	return NEXT_NONE;
}

enum health_counter decode_closely(struct fragments *fragments, enum link link,
				   const uint8_t *frame, size_t caplen, struct packet *out)
{
	struct decode d = {
		.fragments = fragments,
		.c = cur_over((struct span){ frame, caplen }),
		.out = out,
		.outcome = SKIP_LINK,
	};

	out->vlan = VLAN_NONE;
	for (enum next next = first_step(&d, link); next != NEXT_NONE;)
		next = step(&d, next);
	return d.outcome;
}

enum health_counter decode_frame(struct fragments *fragments, enum link link, const uint8_t *frame,
				 size_t caplen, struct packet *out)
{
	out->hash = 0;
	out->vlan = VLAN_NONE;
	if (link == LINK_ETHERNET && decode_plain(frame, caplen, out))
		return HEALTH_DELIVERED;
	return decode_closely(fragments, link, frame, caplen, out);
}
