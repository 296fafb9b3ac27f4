/* line_sums.c - sums over lines of the session log. */
#include "web/line_sums.h"

_Static_assert(sizeof(struct cipher_key) == 12 && sizeof(struct network_key) == 20,
	       "keys without padding");

void sums_init(struct sums *s, const struct siphash_key *k, uint32_t ciphers, uint32_t networks)
{
	s->ciphers = keyed_new(k, sizeof(struct cipher_key), sizeof(uint64_t), ciphers);
	s->networks =
		keyed_new(k, sizeof(struct network_key), sizeof(struct network_sum), networks);
}

void sums_fini(struct sums *s)
{
	keyed_free(s->ciphers);
	keyed_free(s->networks);
	s->ciphers = s->networks = NULL;
}

uint32_t sums_keys(const struct sums *s)
{
	return s->ciphers ? keyed_used(s->ciphers) + keyed_used(s->networks) : 0;
}

bool sums_add_cipher(struct sums *s, const struct cipher_key *k, uint64_t n)
{
	uint64_t *sum = keyed_add(s->ciphers, k);

	if (sum)
		*sum += n;
	return sum != NULL;
}

void network_sum_add(struct network_sum *to, const struct network_sum *from)
{
	to->as_client += from->as_client;
	to->as_server += from->as_server;
	to->encrypted += from->encrypted;
	to->plaintext += from->plaintext;
	if (from->last > to->last)
		to->last = from->last;
}

bool sums_add_network(struct sums *s, const struct network_key *k, const struct network_sum *n)
{
	struct network_sum *sum = keyed_add(s->networks, k);

	if (sum)
		network_sum_add(sum, n);
	return sum != NULL;
}

void sums_merge(struct sums *to, const struct sums *from)
{
	for (uint32_t i = 0; i < keyed_used(from->ciphers); i++)
		sums_add_cipher(to, keyed_key(from->ciphers, i),
				*(uint64_t *)keyed_value(from->ciphers, i));
	for (uint32_t i = 0; i < keyed_used(from->networks); i++)
		sums_add_network(to, keyed_key(from->networks, i), keyed_value(from->networks, i));
}
