/* frames.h - Ethernet frames of TCP and UDP, written as a classic pcap of microseconds. */
#ifndef MAILSEAL_BENCH_FRAMES_H
#define MAILSEAL_BENCH_FRAMES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "tests/bench/script.h"

/* Two hosts and their ports: [TO_SERVER] is the sender of what goes there, the client. */
struct ends {
	uint8_t addr[2][16]; /* of IPv4 the first four bytes */
	uint16_t port[2];
	bool v6;
};

struct writer {
	FILE *out;
	uint64_t now_us; /* of the next frame; 1970 */
	uint64_t packets, bytes;
};

/* False: it cannot be written. */
bool writer_open(struct writer *w, const char *path);
bool writer_close(struct writer *w);

/* payload: of the length in the step. isn: the initial sequence numbers of both ends. */
void write_tcp(struct writer *w, const struct ends *e, const struct step *s, const uint32_t isn[2],
	       const uint8_t *payload);
void write_udp(struct writer *w, const struct ends *e, uint8_t way, const uint8_t *payload,
	       size_t n);

#endif
