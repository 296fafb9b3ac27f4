/* decode_tunnel.c - from an encapsulation to what is inside it. */
#include "sensor/decode_state.h"

enum { PPP_IPV4 = 0x0021, PPP_IPV6 = 0x0057, PPP_MPLS = 0x0281, PPP_MPLS_MULTI = 0x0283 };
enum { PPP_MULTILINK = 0x003d, PPP_COMPRESSED = 0x00fd };
enum { GRE_CHECKSUM = 0x8000, GRE_ROUTING = 0x4000, GRE_KEY = 0x2000, GRE_SEQUENCE = 0x1000 };
enum { GRE_ACK = 0x0080, GRE_VERSION = 0x0007 };
enum { GRE_PPP = 0x880b, GRE_ERSPAN = 0x88be, GRE_ERSPAN_III = 0x22eb };
enum { ERSPAN_II_VERSION = 1, ERSPAN_III_VERSION = 2, ERSPAN_FRAME_IP = 2 };
enum { VXLAN_PORT = 4789, VXLAN_PORT_OLD = 8472, GENEVE_PORT = 6081 };
enum { MPLS_LABELS_MAX = 16 };

/* PPP ---------------------------------------------------------------------------------------- */

/* PPP (RFC 1661, 2; RFC 1662, 3.1). Address and control may be left out, and so may the first
 * byte of a protocol number below 256. */
enum next decode_ppp(struct decode *d)
{
	struct cursor *c = &d->c;
	unsigned protocol;

	if (cur_left(c) >= 2 && c->at[0] == 0xff && c->at[1] == 0x03)
		cur_skip(c, 2);
	protocol = cur_u8(c);
	if (!(protocol & 1))
		protocol = protocol << 8 | cur_u8(c);
	if (!c->ok)
		return decode_end(d, SKIP_LINK);
	switch (protocol) {
	case PPP_IPV4:
	case PPP_IPV6: return NEXT_IP;
	case PPP_MPLS:
	case PPP_MPLS_MULTI: return NEXT_MPLS;
	case PPP_MULTILINK:
	case PPP_COMPRESSED: return decode_end(d, SKIP_TUNNEL);
	default: return decode_end(d, SKIP_NOT_IP);
	}
}

/* A PPPoE session (RFC 2516, 4). Padding lies behind its length. */
enum next decode_pppoe(struct decode *d)
{
	struct cursor *c = &d->c;
	unsigned version = cur_u8(c), code = cur_u8(c);
	size_t length;

	cur_skip(c, 2);
	length = cur_be16(c);
	if (!c->ok || version != 0x11 || code != 0)
		return decode_end(d, SKIP_TUNNEL);
	if (length < cur_left(c))
		c->end = c->at + length;
	return decode_enter(d, NEXT_PPP);
}

/* MPLS --------------------------------------------------------------------------------------- */

/* An Ethernet header that leads to something we know. */
static bool is_ethernet(struct cursor c)
{
	uint16_t type;
	unsigned first;

	cur_skip(&c, 12);
	type = cur_be16(&c);
	first = cur_u8(&c);
	if (!c.ok)
		return false;
	switch (type) {
	case ETHERTYPE_IPV4: return first >> 4 == 4 && (first & 15) >= 5;
	case ETHERTYPE_IPV6: return first >> 4 == 6;
	case ETHERTYPE_VLAN:
	case ETHERTYPE_QINQ:
	case ETHERTYPE_QINQ_OLD:
	case ETHERTYPE_MPLS:
	case ETHERTYPE_MPLS_MULTI: return true;
	case ETHERTYPE_PPPOE: return first == 0x11;
	default: return false;
	}
}

/* Behind the last label nothing says what follows. IP gives itself away by its first four bits;
 * a control word begins with four zeros (RFC 4385, 3), and Ethernet follows it (RFC 4448, 4.6),
 * or there is no such word. Where both can be, neither is assumed. */
static enum next below_labels(struct decode *d)
{
	struct cursor word = d->c;
	uint32_t control = cur_be32(&word);
	bool with_word = word.ok && control >> 28 == 0 && is_ethernet(word);

	if (word.ok && (control >> 28 == 4 || control >> 28 == 6))
		return decode_enter(d, NEXT_IP);
	if (with_word == is_ethernet(d->c))
		return decode_end(d, SKIP_TUNNEL);
	if (with_word)
		d->c = word;
	return decode_enter(d, NEXT_ETHERNET);
}

/* A stack of labels (RFC 3032, 2.1) is one encapsulation. */
enum next decode_mpls(struct decode *d)
{
	for (unsigned n = 0; n < MPLS_LABELS_MAX; n++) {
		uint32_t entry = cur_be32(&d->c);

		if (!d->c.ok)
			break;
		if (entry & 0x100) /* bottom of stack */
			return below_labels(d);
	}
	return decode_end(d, SKIP_TUNNEL);
}

/* GRE ---------------------------------------------------------------------------------------- */

static enum next decode_erspan_ii(struct decode *d)
{
	unsigned version = cur_u8(&d->c) >> 4;

	cur_skip(&d->c, 7);
	if (version != ERSPAN_II_VERSION)
		return decode_end(d, SKIP_TUNNEL);
	return decode_enter(d, NEXT_ETHERNET);
}

static enum next decode_erspan_iii(struct decode *d)
{
	struct cursor *c = &d->c;
	unsigned version = cur_u8(c) >> 4, flags;

	cur_skip(c, 9);
	flags = cur_be16(c);
	if (flags & 1) /* a subheader of the platform's */
		cur_skip(c, 8);
	if (version != ERSPAN_III_VERSION)
		return decode_end(d, SKIP_TUNNEL);
	return decode_enter(d, (flags >> 10 & 31) == ERSPAN_FRAME_IP ? NEXT_IP : NEXT_ETHERNET);
}

/* GRE (RFC 2784, RFC 2890); version 1 is PPTP's (RFC 2637, 4.1). What a source route (RFC 1701)
 * leads to is not looked into. */
enum next decode_gre(struct decode *d)
{
	struct cursor *c = &d->c;
	unsigned flags = cur_be16(c);
	uint16_t type = cur_be16(c);
	unsigned version = flags & GRE_VERSION;

	if (version > 1 || flags & GRE_ROUTING)
		return decode_end(d, SKIP_TUNNEL);
	if (version == 0 && flags & GRE_CHECKSUM)
		cur_skip(c, 4);
	if (flags & GRE_KEY)
		cur_skip(c, 4);
	if (flags & GRE_SEQUENCE)
		cur_skip(c, 4);
	if (version == 1) {
		if (flags & GRE_ACK)
			cur_skip(c, 4);
		return type == GRE_PPP ? decode_enter(d, NEXT_PPP) : decode_end(d, SKIP_TUNNEL);
	}
	switch (type) {
	case GRE_ERSPAN:
		return flags & GRE_SEQUENCE ? decode_erspan_ii(d) : decode_enter(d, NEXT_ETHERNET);
	case GRE_ERSPAN_III: return decode_erspan_iii(d);
	default: return decode_enter_type(d, type);
	}
}

/* UDP ---------------------------------------------------------------------------------------- */

/* VXLAN (RFC 7348, 5). */
static enum next decode_vxlan(struct decode *d)
{
	unsigned flags = cur_u8(&d->c);

	cur_skip(&d->c, 7);
	if (!(flags & 0x08)) /* there is no network identifier */
		return decode_end(d, SKIP_TUNNEL);
	return decode_enter(d, NEXT_ETHERNET);
}

/* GENEVE (RFC 8926, 3.4). */
static enum next decode_geneve(struct decode *d)
{
	unsigned first = cur_u8(&d->c);
	uint16_t type;

	cur_skip(&d->c, 1);
	type = cur_be16(&d->c);
	cur_skip(&d->c, 4);
	cur_skip(&d->c, (size_t)(first & 0x3f) * 4);
	if (first >> 6 != 0)
		return decode_end(d, SKIP_TUNNEL);
	return decode_enter_type(d, type);
}

enum next decode_udp(struct decode *d)
{
	uint16_t to;

	cur_skip(&d->c, 2);
	to = cur_be16(&d->c);
	cur_skip(&d->c, 4);
	if (to == VXLAN_PORT || to == VXLAN_PORT_OLD)
		return decode_vxlan(d);
	if (to == GENEVE_PORT)
		return decode_geneve(d);
	return decode_end(d, SKIP_NOT_TCP);
}
