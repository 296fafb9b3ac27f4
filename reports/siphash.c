/* siphash.c - places in a table that nobody outside can predict. */
#include "reports/siphash.h"

#include <endian.h>
#include <sodium.h>
#include <string.h>

bool siphash_key_new(struct siphash_key *k)
{
	if (sodium_init() < 0)
		return false;
	randombytes_buf(k->bytes, sizeof(k->bytes));
	return true;
}

struct state {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t turn(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void sip_round(struct state *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = turn(s->v1, 13) ^ s->v0;
	s->v3 = turn(s->v3, 16) ^ s->v2;
	s->v0 = turn(s->v0, 32);
	s->v2 += s->v1;
	s->v0 += s->v3;
	s->v1 = turn(s->v1, 17) ^ s->v2;
	s->v3 = turn(s->v3, 21) ^ s->v0;
	s->v2 = turn(s->v2, 32);
}

static inline uint64_t word_at(const uint8_t *at, size_t n)
{
	uint64_t word = 0;

	memcpy(&word, at, n);
	return le64toh(word);
}

static inline void take(struct state *s, uint64_t word)
{
	s->v3 ^= word;
	sip_round(s);
	s->v0 ^= word;
}

uint64_t siphash(const struct siphash_key *k, const void *data, size_t n)
{
	const uint8_t *at = data, *end = at + n - n % 8;
	uint64_t k0 = word_at(k->bytes, 8), k1 = word_at(k->bytes + 8, 8);
	struct state s = { k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du,
			   k0 ^ 0x6c7967656e657261u, k1 ^ 0x7465646279746573u };

	for (; at < end; at += 8)
		take(&s, word_at(at, 8));
	take(&s, (n % 8 ? word_at(at, n % 8) : 0) | (uint64_t)n << 56);
	s.v2 ^= 0xff;
	sip_round(&s);
	sip_round(&s);
	sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t siphash_told(const struct siphash_key *k, const void *data, size_t n)
{
	uint64_t hash;

	_Static_assert(sizeof(hash) == crypto_shorthash_BYTES, "64 bits");
	_Static_assert(sizeof(k->bytes) == crypto_shorthash_KEYBYTES, "128 bits");
	crypto_shorthash((unsigned char *)&hash, data, n, k->bytes);
	return hash;
}
