/* siphash.c - places in a table that nobody outside can predict. */
#include "reports/siphash.h"

#include <sodium.h>

bool siphash_key_new(struct siphash_key *k)
{
	if (sodium_init() < 0)
		return false;
	randombytes_buf(k->bytes, sizeof(k->bytes));
	return true;
}

uint64_t siphash(const struct siphash_key *k, const void *data, size_t n)
{
	const uint8_t *at = data, *end = at + n - n % 8;
	struct siphash_state s = siphash_start(k);

	for (; at < end; at += 8)
		siphash_take(&s, siphash_word_at(at, 8));
	return siphash_end(&s, n % 8 ? siphash_word_at(at, n % 8) : 0, n);
}

uint64_t siphash_told(const struct siphash_key *k, const void *data, size_t n)
{
	uint64_t hash;

	_Static_assert(sizeof(hash) == crypto_shorthash_BYTES, "64 bits");
	_Static_assert(sizeof(k->bytes) == crypto_shorthash_KEYBYTES, "128 bits");
	crypto_shorthash((unsigned char *)&hash, data, n, k->bytes);
	return hash;
}
