/* frame.h - what was captured, before anything is known of it. */
#ifndef MAILSEAL_FRAME_H
#define MAILSEAL_FRAME_H

#include <stdint.h>

/* The link layers that a capture can have; capture.c translates libpcap's numbers. */
enum link {
	LINK_UNKNOWN,
	LINK_ETHERNET,
	LINK_SLL,
	LINK_SLL2,
	LINK_RAW,  /* IP without a link layer */
	LINK_NULL, /* 4 bytes of address family in the byte order of some host */
	LINK_LOOP, /* the same in network order */
	LINK_PPP,  /* with or without address and control; also Cisco HDLC */
	LINK_PPPOE,
};

struct frame {
	uint64_t time_ns;    /* since 1970 */
	const uint8_t *data; /* borrowed, from whoever hands it on */
	uint32_t caplen, len;
	enum link link;
	uint8_t interface; /* index into the names of those that are read */
};

#endif
