/* siphash.h - places in a table that nobody outside can predict (SipHash-1-3, as hash tables use it:
 * it need not be a signature). The only place that knows sodium.h.
 *
 * Whoever chooses the keys, as anybody can who sends packets, cannot choose those that collide.
 */
#ifndef MAILSEAL_SIPHASH_H
#define MAILSEAL_SIPHASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct siphash_key {
	uint8_t bytes[16];
};

/* A random key. To be called before the process is confined. False: libsodium cannot be used. */
bool siphash_key_new(struct siphash_key *k);

uint64_t siphash(const struct siphash_key *k, const void *data, size_t n);

/* SipHash-2-4, for what others are told and must stay as it is. */
uint64_t siphash_told(const struct siphash_key *k, const void *data, size_t n);

#endif
