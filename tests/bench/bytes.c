#include "tests/bench/bytes.h"

#include <stdlib.h>
#include <string.h>

static uint8_t *grow(struct bytes *b, size_t n)
{
	if (b->n + n > b->room) {
		b->room = 2 * (b->n + n) + 256;
		b->at = realloc(b->at, b->room);
		if (!b->at)
			abort();
	}
	b->n += n;
	return b->at + b->n - n;
}

void bytes_put(struct bytes *b, const void *from, size_t n)
{
	memcpy(grow(b, n), from, n);
}

static void write_be(uint8_t *to, uint64_t value, unsigned width)
{
	while (width > 0) {
		to[--width] = (uint8_t)value;
		value >>= 8;
	}
}

void bytes_be(struct bytes *b, uint64_t value, unsigned width)
{
	write_be(grow(b, width), value, width);
}

void bytes_text(struct bytes *b, const char *text)
{
	bytes_put(b, text, strlen(text));
}

/* xorshift64, from where the last noise ended. */
void bytes_noise(struct bytes *b, size_t n)
{
	uint8_t *to = grow(b, n);
	uint64_t x = 0x9e3779b97f4a7c15u ^ (b->n << 20);

	for (size_t i = 0; i < n; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		to[i] = (uint8_t)(x >> 24);
	}
}

/* Room for n bytes in front of what was written since start. */
static uint8_t *insert(struct bytes *b, size_t start, size_t n)
{
	grow(b, n);
	memmove(b->at + start + n, b->at + start, b->n - n - start);
	return b->at + start;
}

void bytes_wrap(struct bytes *b, size_t start, unsigned width)
{
	size_t n = b->n - start;

	write_be(insert(b, start, width), n, width);
}

void bytes_der(struct bytes *b, size_t start, uint8_t tag)
{
	size_t n = b->n - start;
	unsigned width = n < 128 ? 1 : 3;
	uint8_t *to = insert(b, start, width + 1);

	to[0] = tag;
	if (width == 3)
		to[1] = 0x82;
	write_be(to + width + 1 - (width == 3 ? 2 : 1), n, width == 3 ? 2 : 1);
}
