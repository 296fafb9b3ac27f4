/* lru.c - a bounded memory by key: entries in one block, found through chains, ordered by use. */
#include "reports/lru.h"

#include <assert.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "reports/siphash.h"

/* Entries are named by their number from 1 on; 0 is none. Entry 0 of the block is the ring of
 * all that are in use, in their order: behind it stands the one used last. */
struct entry {
	uint32_t newer, older;
	uint32_t chain;                   /* the next one in the same bucket */
	alignas(8) unsigned char bytes[]; /* the value, then the key */
};

struct lru {
	unsigned char *entries;
	size_t stride, key_size, value_size;
	uint32_t capacity, used;
	uint32_t *buckets;
	uint32_t mask;
	uint64_t forgotten;
	struct siphash_key hash_key;
};

static struct entry *at(const struct lru *l, uint32_t n)
{
	return (struct entry *)(void *)(l->entries + n * l->stride);
}

static unsigned char *key_of(const struct lru *l, uint32_t n)
{
	return at(l, n)->bytes + l->value_size;
}

static size_t rounded(size_t size)
{
	return (size + 7) & ~(size_t)7;
}

static size_t stride_of(size_t key_size, size_t value_size)
{
	return rounded(sizeof(struct entry) + rounded(value_size) + key_size);
}

static size_t buckets_for(uint32_t capacity)
{
	size_t buckets = 1;

	while (buckets < capacity)
		buckets <<= 1;
	return buckets;
}

size_t lru_bytes(uint32_t capacity, size_t key_size, size_t value_size)
{
	return sizeof(struct lru) + ((size_t)capacity + 1) * stride_of(key_size, value_size) +
	       buckets_for(capacity) * sizeof(uint32_t);
}

struct lru *lru_new(uint32_t capacity, size_t key_size, size_t value_size)
{
	struct lru *l = calloc(1, sizeof(*l));
	size_t buckets = buckets_for(capacity);

	assert(capacity > 0);
	if (!l || !siphash_key_new(&l->hash_key))
		abort();
	l->capacity = capacity;
	l->key_size = key_size;
	l->value_size = rounded(value_size);
	l->stride = stride_of(key_size, value_size);
	l->mask = (uint32_t)(buckets - 1);
	l->entries = calloc((size_t)capacity + 1, l->stride);
	l->buckets = calloc(buckets, sizeof(*l->buckets));
	if (!l->entries || !l->buckets)
		abort();
	return l;
}

void lru_free(struct lru *l)
{
	if (!l)
		return;
	free(l->buckets);
	free(l->entries);
	free(l);
}

static uint32_t *bucket_of(struct lru *l, const void *key)
{
	return &l->buckets[siphash(&l->hash_key, key, l->key_size) & l->mask];
}

static void unlink_entry(struct lru *l, uint32_t n)
{
	struct entry *e = at(l, n);

	at(l, e->newer)->older = e->older;
	at(l, e->older)->newer = e->newer;
}

/* Puts an entry where the one used last stands. */
static void link_first(struct lru *l, uint32_t n)
{
	struct entry *ring = at(l, 0), *e = at(l, n);

	e->newer = 0;
	e->older = ring->older;
	at(l, ring->older)->newer = n;
	ring->older = n;
}

static uint32_t find(struct lru *l, const void *key)
{
	uint32_t n = *bucket_of(l, key);

	while (n != 0 && memcmp(key_of(l, n), key, l->key_size) != 0)
		n = at(l, n)->chain;
	return n;
}

void *lru_find(struct lru *l, const void *key)
{
	uint32_t n = find(l, key);

	if (n == 0)
		return NULL;
	unlink_entry(l, n);
	link_first(l, n);
	return at(l, n)->bytes;
}

/* Takes the entry that was not used for longest out of its bucket and its place. */
static uint32_t forget_oldest(struct lru *l)
{
	uint32_t n = at(l, 0)->newer;
	uint32_t *link = bucket_of(l, key_of(l, n));

	while (*link != n)
		link = &at(l, *link)->chain;
	*link = at(l, n)->chain;
	unlink_entry(l, n);
	l->forgotten++;
	return n;
}

void *lru_add(struct lru *l, const void *key)
{
	void *value = lru_find(l, key);
	uint32_t n, *bucket;

	if (value)
		return value;
	n = l->used < l->capacity ? ++l->used : forget_oldest(l);
	bucket = bucket_of(l, key);
	at(l, n)->chain = *bucket;
	*bucket = n;
	link_first(l, n);
	memset(at(l, n)->bytes, 0, l->value_size);
	memcpy(key_of(l, n), key, l->key_size);
	return at(l, n)->bytes;
}

void lru_walk(struct lru *l, lru_cb *cb, void *ctx)
{
	uint32_t n = at(l, 0)->older;

	while (n != 0 && cb(ctx, key_of(l, n), at(l, n)->bytes))
		n = at(l, n)->older;
}

uint32_t lru_used(const struct lru *l)
{
	return l->used;
}

uint64_t lru_forgotten(const struct lru *l)
{
	return l->forgotten;
}
