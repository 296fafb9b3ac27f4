/* keyed.c - values by key: entries in one block, found through slots that are at most half full. */
#include "web/keyed.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_FIRST 64u

/* An entry is its value, then its key. A slot holds the number of an entry from 1 on; 0 is none. */
struct keyed {
	unsigned char *entries;
	uint32_t *slots;
	size_t stride, key_size, value_size;
	uint32_t used, max;
	uint32_t mask; /* slots, a power of two, minus 1 */
	struct siphash_key hash_key;
};

static void make_room(struct keyed *t, uint32_t slots)
{
	t->mask = slots - 1;
	free(t->slots);
	t->slots = calloc(slots, sizeof(*t->slots));
	t->entries = realloc(t->entries, (size_t)slots / 2 * t->stride);
	if (!t->slots || !t->entries)
		abort();
}

struct keyed *keyed_new(const struct siphash_key *k, size_t key_size, size_t value_size,
			uint32_t max)
{
	struct keyed *t = calloc(1, sizeof(*t));

	if (!t)
		abort();
	t->hash_key = *k;
	t->key_size = key_size;
	t->value_size = (value_size + 7) & ~(size_t)7;
	t->stride = (t->value_size + key_size + 7) & ~(size_t)7;
	t->max = max;
	make_room(t, SLOTS_FIRST);
	return t;
}

void keyed_free(struct keyed *t)
{
	if (!t)
		return;
	free(t->slots);
	free(t->entries);
	free(t);
}

static unsigned char *entry(const struct keyed *t, uint32_t n)
{
	return t->entries + n * t->stride;
}

/* Where a key is, or would be. */
static uint32_t *slot_of(const struct keyed *t, const void *key)
{
	uint64_t at = siphash(&t->hash_key, key, t->key_size);

	while (t->slots[at & t->mask] != 0 &&
	       memcmp(keyed_key(t, t->slots[at & t->mask] - 1), key, t->key_size) != 0)
		at++;
	return &t->slots[at & t->mask];
}

static void grow(struct keyed *t)
{
	make_room(t, (t->mask + 1) * 2);
	for (uint32_t n = 0; n < t->used; n++)
		*slot_of(t, keyed_key(t, n)) = n + 1;
}

void *keyed_find(const struct keyed *t, const void *key)
{
	uint32_t n = *slot_of(t, key);

	return n ? keyed_value(t, n - 1) : NULL;
}

void *keyed_add(struct keyed *t, const void *key)
{
	uint32_t *slot = slot_of(t, key);

	if (*slot != 0)
		return keyed_value(t, *slot - 1);
	if (t->used == t->max)
		return NULL;
	if (t->used == (t->mask + 1) / 2) {
		grow(t);
		slot = slot_of(t, key);
	}
	*slot = ++t->used;
	memset(entry(t, t->used - 1), 0, t->stride);
	memcpy(entry(t, t->used - 1) + t->value_size, key, t->key_size);
	return keyed_value(t, t->used - 1);
}

uint32_t keyed_used(const struct keyed *t)
{
	return t->used;
}

const void *keyed_key(const struct keyed *t, uint32_t n)
{
	return entry(t, n) + t->value_size;
}

void *keyed_value(const struct keyed *t, uint32_t n)
{
	return entry(t, n);
}
