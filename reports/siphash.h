/* siphash.h - places in a table that nobody outside can predict (SipHash-1-3, as hash tables use it:
 * it need not be a signature). The only place that knows sodium.h.
 *
 * Whoever chooses the keys, as anybody can who sends packets, cannot choose those that collide.
 */
#ifndef MAILSEAL_SIPHASH_H
#define MAILSEAL_SIPHASH_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct siphash_key {
	uint8_t bytes[16];
};

/* A random key. To be called before the process is confined. False: libsodium cannot be used. */
bool siphash_key_new(struct siphash_key *k);

uint64_t siphash(const struct siphash_key *k, const void *data, size_t n);

/* The same of n words of 8 bytes, the first byte lowest, and of up to 7 bytes behind them in rest. For
 * those who know n when they are compiled. */
static inline uint64_t siphash_words(const struct siphash_key *k, const uint64_t *words, size_t n,
				     uint64_t rest, size_t rest_n);

/* SipHash-2-4, for what others are told and must stay as it is. */
uint64_t siphash_told(const struct siphash_key *k, const void *data, size_t n);

/* How it is done ---------------------------------------------------------------------------- */

struct siphash_state {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t siphash_turn(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void siphash_round(struct siphash_state *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = siphash_turn(s->v1, 13) ^ s->v0;
	s->v3 = siphash_turn(s->v3, 16) ^ s->v2;
	s->v0 = siphash_turn(s->v0, 32);
	s->v2 += s->v1;
	s->v0 += s->v3;
	s->v1 = siphash_turn(s->v1, 17) ^ s->v2;
	s->v3 = siphash_turn(s->v3, 21) ^ s->v0;
	s->v2 = siphash_turn(s->v2, 32);
}

static inline uint64_t siphash_word_at(const uint8_t *at, size_t n)
{
	uint64_t word = 0;

	memcpy(&word, at, n);
	return le64toh(word);
}

static inline struct siphash_state siphash_start(const struct siphash_key *k)
{
	uint64_t k0 = siphash_word_at(k->bytes, 8), k1 = siphash_word_at(k->bytes + 8, 8);

	return (struct siphash_state){ k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du,
				       k0 ^ 0x6c7967656e657261u, k1 ^ 0x7465646279746573u };
}

static inline void siphash_take(struct siphash_state *s, uint64_t word)
{
	s->v3 ^= word;
	siphash_round(s);
	s->v0 ^= word;
}

/* rest: what stands behind the last whole word of n bytes. */
static inline uint64_t siphash_end(struct siphash_state *s, uint64_t rest, size_t n)
{
	siphash_take(s, rest | (uint64_t)n << 56);
	s->v2 ^= 0xff;
	siphash_round(s);
	siphash_round(s);
	siphash_round(s);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

static inline uint64_t siphash_words(const struct siphash_key *k, const uint64_t *words, size_t n,
				     uint64_t rest, size_t rest_n)
{
	struct siphash_state s = siphash_start(k);

	for (size_t i = 0; i < n; i++)
		siphash_take(&s, words[i]);
	return siphash_end(&s, rest, 8 * n + rest_n);
}

#endif
