/* decode.h - from a captured frame down to TCP.
 *
 * Every frame is either a TCP segment or has a reason why it is not. Nothing is guessed. Lengths
 * come from the headers, so that Ethernet padding is not payload; what the snap length cut off is
 * known by its size. Encapsulations are looked into, up to eight of them around each other; the
 * addresses are those of the innermost IP header. IP fragments are put together.
 */
#ifndef MAILSEAL_DECODE_H
#define MAILSEAL_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reports/health.h"
#include "sensor/frame.h"

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

struct packet {
	uint64_t time_ns;    /* since 1970, UTC */
	uint8_t addr[2][16]; /* source, destination; IPv4 as ::ffff:a.b.c.d */
	uint16_t port[2];
	uint16_t vlan; /* of the outermost tag anywhere, or VLAN_NONE */
	uint8_t interface;
	uint8_t flags;
	uint32_t seq, ack;
	const uint8_t *payload; /* borrowed from the frame, or until the next call */
	uint32_t length;        /* payload that was captured */
	uint32_t wire_length;   /* payload that was sent */
	const uint8_t *ip; /* innermost header and what was captured of the rest; so borrowed */
	uint32_t ip_length;
	uint32_t hash; /* the flow table's: of the connection, if it was asked for one; else 0 */
	uint8_t end;   /* then: which end of the flow sends it */
};

struct fragments;

/* Decodes a frame of which caplen bytes are there. Returns HEALTH_DELIVERED and fills *out, or the
 * SKIP_ reason. Time and interface are the caller's; out->time_ns is set before the call.
 *
 * fragments  where fragments wait for the rest of their datagram (fragments.h); each is
 *            SKIP_FRAGMENT, but the one that completes it. NULL: none is kept. */
enum health_counter decode_frame(struct fragments *fragments, enum link link, const uint8_t *frame,
				 size_t caplen, struct packet *out);

#endif
