/* siphash.c - places in a table that nobody outside can predict. */
#include "reports/siphash.h"

#include <sodium.h>

_Static_assert(crypto_shorthash_KEYBYTES == sizeof(struct siphash_key), "a key of SipHash");
_Static_assert(crypto_shorthash_BYTES == sizeof(uint64_t), "a hash of SipHash-2-4");

bool siphash_key_new(struct siphash_key *k)
{
	if (sodium_init() < 0)
		return false;
	crypto_shorthash_keygen(k->bytes);
	return true;
}

uint64_t siphash(const struct siphash_key *k, const void *data, size_t n)
{
	uint64_t hash;

	crypto_shorthash((uint8_t *)&hash, data, n, k->bytes);
	return hash;
}
