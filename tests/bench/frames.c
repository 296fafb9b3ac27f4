#include "tests/bench/frames.h"

#include <string.h>

#define BUFFER    (1 << 20)
#define START_US  (1782900000ull * 1000000) /* 2026-07-01T10:00:00Z */
#define FRAME_MAX 2048

enum { IP_TCP = 6, IP_UDP = 17, ETHERNET = 14, TCP = 20, TIMESTAMPS = 12, SYN_OPTIONS = 20 };

/* A frame under way. */
struct frame {
	uint8_t at[FRAME_MAX];
	size_t n;
};

static void be16(uint8_t *to, uint32_t value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
}

static void be32(uint8_t *to, uint32_t value)
{
	be16(to, value >> 16);
	be16(to + 2, value);
}

static uint8_t *more(struct frame *f, size_t n)
{
	f->n += n;
	return f->at + f->n - n;
}

/* The one's complement sum of 16-bit words (RFC 1071), in whatever order the host has. */
static uint64_t sum_of(uint64_t sum, const uint8_t *at, size_t n)
{
	for (; n >= 4; at += 4, n -= 4) {
		uint32_t word;

		memcpy(&word, at, 4);
		sum += word;
	}
	if (n > 0) {
		uint32_t word = 0;

		memcpy(&word, at, n);
		sum += word;
	}
	return sum;
}

static void put_checksum(uint8_t *to, uint64_t sum)
{
	uint16_t folded;

	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	folded = (uint16_t)~sum;
	memcpy(to, &folded, 2);
}

static void put_ethernet(struct frame *f, bool v6, uint8_t way)
{
	uint8_t *to = more(f, ETHERNET);

	memcpy(to, "\2\0\0\0\0\1\2\0\0\0\0\2", 12);
	if (way == TO_CLIENT)
		memcpy(to, "\2\0\0\0\0\2\2\0\0\0\0\1", 12);
	be16(to + 12, v6 ? 0x86dd : 0x0800);
}

/* Returns what the checksum of the next header sums of this one. */
static uint64_t put_ip(struct frame *f, const struct ends *e, uint8_t way, uint8_t protocol,
		       size_t payload)
{
	size_t address = e->v6 ? 16 : 4, header = e->v6 ? 40 : 20;
	uint8_t *to = more(f, header), *addresses = to + header - 2 * address;
	uint8_t pseudo[4] = { 0, protocol };

	memset(to, 0, header);
	if (e->v6) {
		to[0] = 0x60;
		be16(to + 4, (uint32_t)payload);
		to[6] = protocol;
		to[7] = 60;
	} else {
		to[0] = 0x45;
		be16(to + 2, (uint32_t)(payload + header));
		be16(to + 6, 0x4000);
		to[8] = 60;
		to[9] = protocol;
	}
	memcpy(addresses, e->addr[way], address);
	memcpy(addresses + address, e->addr[!way], address);
	if (!e->v6)
		put_checksum(to + 10, sum_of(0, to, header));
	be16(pseudo + 2, (uint32_t)payload);
	return sum_of(sum_of(0, pseudo, 4), addresses, 2 * address);
}

static void write_frame(struct writer *w, const struct frame *f)
{
	uint32_t head[4] = { (uint32_t)(w->now_us / 1000000), (uint32_t)(w->now_us % 1000000),
			     (uint32_t)f->n, (uint32_t)f->n };

	fwrite(head, sizeof(head), 1, w->out);
	fwrite(f->at, f->n, 1, w->out);
	w->packets++;
	w->bytes += f->n;
}

static void put_options(struct frame *f, const struct writer *w, bool syn)
{
	uint8_t *to;

	if (syn) {
		memcpy(more(f, 8), "\2\4\5\xb4\4\2\3\3", 8);
		memcpy(more(f, 2), "\7\1", 2);
	} else {
		memcpy(more(f, 2), "\1\1", 2);
	}
	to = more(f, 10);
	to[0] = 8;
	to[1] = 10;
	be32(to + 2, (uint32_t)(w->now_us / 1000));
	be32(to + 6, (uint32_t)(w->now_us / 1000) - 7);
}

void write_tcp(struct writer *w, const struct ends *e, const struct step *s, const uint32_t isn[2],
	       const uint8_t *payload)
{
	size_t header = TCP + (s->flags & SYN ? SYN_OPTIONS : TIMESTAMPS);
	struct frame f;
	uint64_t sum;
	uint8_t *to;

	f.n = 0;
	put_ethernet(&f, e->v6, s->way);
	sum = put_ip(&f, e, s->way, IP_TCP, header + s->length);
	to = more(&f, TCP);
	be16(to, e->port[s->way]);
	be16(to + 2, e->port[!s->way]);
	be32(to + 4, isn[s->way] + s->seq);
	be32(to + 8, s->flags & ACK ? isn[!s->way] + s->ack : 0);
	to[12] = (uint8_t)(header << 2);
	to[13] = s->flags;
	be16(to + 14, 502);
	be32(to + 16, 0);
	put_options(&f, w, s->flags & SYN);
	if (s->length > 0)
		memcpy(more(&f, s->length), payload, s->length);
	put_checksum(to + 16, sum_of(sum, to, header + s->length));
	write_frame(w, &f);
}

void write_udp(struct writer *w, const struct ends *e, uint8_t way, const uint8_t *payload,
	       size_t n)
{
	struct frame f;
	uint64_t sum;
	uint8_t *to;

	f.n = 0;
	put_ethernet(&f, e->v6, way);
	sum = put_ip(&f, e, way, IP_UDP, n + 8);
	to = more(&f, 8);
	be16(to, e->port[way]);
	be16(to + 2, e->port[!way]);
	be16(to + 4, (uint32_t)n + 8);
	be16(to + 6, 0);
	memcpy(more(&f, n), payload, n);
	put_checksum(to + 6, sum_of(sum, to, n + 8));
	write_frame(w, &f);
}

bool writer_open(struct writer *w, const char *path)
{
	static const uint32_t head[6] = { 0xa1b2c3d4, 0x00040002, 0, 0, 262144, 1 };

	*w = (struct writer){ .out = fopen(path, "wb"), .now_us = START_US };
	if (!w->out)
		return false;
	setvbuf(w->out, NULL, _IOFBF, BUFFER);
	return fwrite(head, sizeof(head), 1, w->out) == 1;
}

bool writer_close(struct writer *w)
{
	bool good = !ferror(w->out);

	return fclose(w->out) == 0 && good;
}
