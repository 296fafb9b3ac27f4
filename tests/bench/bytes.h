/* bytes.h - bytes that grow, and structures of the wire put around what was written last. */
#ifndef MAILSEAL_BENCH_BYTES_H
#define MAILSEAL_BENCH_BYTES_H

#include <stddef.h>
#include <stdint.h>

struct bytes {
	uint8_t *at; /* owned */
	size_t n, room;
};

void bytes_put(struct bytes *b, const void *from, size_t n);
void bytes_be(struct bytes *b, uint64_t value, unsigned width);
void bytes_text(struct bytes *b, const char *text);

/* Bytes without meaning, the same at every run. */
void bytes_noise(struct bytes *b, size_t n);

/* Puts what was written since start behind its length of so many bytes, or into a DER element. */
void bytes_wrap(struct bytes *b, size_t start, unsigned width);
void bytes_der(struct bytes *b, size_t start, uint8_t tag);

#endif
