#include "sensor/pcapfile.h"

#include <byteswap.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE      131072 /* stays in the cache of the core */
#define PACKET_MAX 262144 /* as in libpcap, for every link layer that is supported */
#define SECOND_NS  1000000000u

enum { FILE_HEADER = 24, PACKET_HEADER = 16 };

struct pcapfile {
	int fd;
	bool swapped;
	uint32_t to_ns; /* of the fraction of a second */
	uint32_t snaplen;
	uint64_t position;
	uint8_t *at, *end; /* what is read and not handed on */
	char error[128];
	uint8_t buffer[PACKET_HEADER + PACKET_MAX + PIECE];
};

static uint32_t number(const struct pcapfile *f, const uint8_t *at)
{
	uint32_t n;

	memcpy(&n, at, sizeof(n));
	return f->swapped ? bswap_32(n) : n;
}

/* Reads the magic number: byte order and unit of time. */
static bool knows_magic(struct pcapfile *f, const uint8_t *header)
{
	static const struct {
		uint32_t magic, to_ns;
	} kinds[] = { { 0xa1b2c3d4, 1000 }, { 0xa1b23c4d, 1 } };
	uint32_t magic = number(f, header);

	for (unsigned i = 0; i < 4; i++) {
		uint32_t expected = kinds[i / 2].magic;

		f->swapped = i % 2;
		f->to_ns = kinds[i / 2].to_ns;
		if (magic == (f->swapped ? bswap_32(expected) : expected))
			return true;
	}
	return false;
}

static bool is_version_2_4(const struct pcapfile *f, const uint8_t *header)
{
	static const uint8_t little[] = { 2, 0, 4, 0 }, big[] = { 0, 2, 0, 4 };
	bool is_little = (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) != f->swapped;

	return memcmp(header + 4, is_little ? little : big, 4) == 0;
}

struct pcapfile *pcapfile_open(int fd, uint32_t snaplen)
{
	struct pcapfile *f = malloc(sizeof(*f));
	uint8_t header[FILE_HEADER];

	if (!f)
		return NULL;
	memset(f, 0, offsetof(struct pcapfile, buffer));
	f->fd = fd;
	f->snaplen = snaplen;
	f->position = FILE_HEADER;
	f->at = f->end = f->buffer;
	if (pread(fd, header, sizeof(header), 0) == (ssize_t)sizeof(header) &&
	    knows_magic(f, header) && is_version_2_4(f, header) &&
	    lseek(fd, FILE_HEADER, SEEK_SET) == FILE_HEADER)
		return f;
	free(f);
	return NULL;
}

void pcapfile_close(struct pcapfile *f)
{
	free(f);
}

static size_t have(const struct pcapfile *f)
{
	return (size_t)(f->end - f->at);
}

/* Reads until there are n bytes, or no more. False: reading failed. */
static bool fill(struct pcapfile *f, size_t n)
{
	if (have(f) >= n)
		return true;
	memmove(f->buffer, f->at, have(f));
	f->end = f->buffer + have(f);
	f->at = f->buffer;
	while (have(f) < n) {
		ssize_t got = read(f->fd, f->end, PIECE);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			snprintf(f->error, sizeof(f->error), "error reading dump file: %s",
				 strerror(errno));
		if (got <= 0)
			return got == 0;
		f->end += got;
	}
	return true;
}

static enum pcapfile_read breaks_off(struct pcapfile *f, size_t n, const char *what)
{
	snprintf(f->error, sizeof(f->error),
		 "truncated dump file; tried to read %zu %s bytes, only got %zu", n, what, have(f));
	return PCAPFILE_FAILED;
}

static uint64_t time_of(const struct pcapfile *f, const uint8_t *header)
{
	uint64_t ns = (uint64_t)number(f, header + 4) * f->to_ns;

	return (uint64_t)number(f, header) * SECOND_NS + (ns < SECOND_NS ? ns : SECOND_NS - 1);
}

/* Takes the next packet if all of it is in memory. */
static inline bool take(struct pcapfile *f, struct frame *out)
{
	const uint8_t *header = f->at;
	uint32_t caplen;

	if (have(f) < PACKET_HEADER)
		return false;
	caplen = number(f, header + 8);
	if (caplen > PACKET_MAX || have(f) - PACKET_HEADER < caplen)
		return false;
	out->time_ns = time_of(f, header);
	out->data = header + PACKET_HEADER;
	out->caplen = caplen < f->snaplen ? caplen : f->snaplen;
	out->len = number(f, header + 12);
	f->at += PACKET_HEADER + caplen;
	f->position += PACKET_HEADER + (uint64_t)caplen;
	return true;
}

/* Reads until the next packet is in memory. */
static enum pcapfile_read read_one(struct pcapfile *f)
{
	uint32_t caplen;

	if (!fill(f, PACKET_HEADER))
		return PCAPFILE_FAILED;
	if (have(f) == 0)
		return PCAPFILE_END;
	if (have(f) < PACKET_HEADER)
		return breaks_off(f, PACKET_HEADER, "header");
	caplen = number(f, f->at + 8);
	if (caplen > PACKET_MAX) {
		snprintf(f->error, sizeof(f->error),
			 "invalid packet capture length %u, bigger than maximum of %u", caplen,
			 PACKET_MAX);
		return PCAPFILE_FAILED;
	}
	if (!fill(f, PACKET_HEADER + caplen))
		return PCAPFILE_FAILED;
	if (have(f) - PACKET_HEADER < caplen) {
		f->at += PACKET_HEADER;
		return breaks_off(f, caplen, "captured");
	}
	return PCAPFILE_PACKETS;
}

enum pcapfile_read pcapfile_next(struct pcapfile *f, struct frame *out, unsigned max, unsigned *n)
{
	enum pcapfile_read r;

	for (*n = 0; *n < max && take(f, &out[*n]); ++*n)
		;
	if (*n > 0)
		return PCAPFILE_PACKETS;
	r = read_one(f);
	if (r == PCAPFILE_PACKETS)
		*n = take(f, out);
	return r;
}

void pcapfile_forget(struct pcapfile *f)
{
	explicit_bzero(f->buffer, sizeof(f->buffer));
	f->at = f->end = f->buffer;
}

const char *pcapfile_error(const struct pcapfile *f)
{
	return f->error;
}

uint64_t pcapfile_position(const struct pcapfile *f)
{
	return f->position;
}
