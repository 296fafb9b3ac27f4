/* recent.c - a bounded memory of what was seen of late, by number. */
#include "reports/recent.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#define WAYS 8

struct entry {
	uint64_t key;
	uint64_t age; /* 0: empty; later ones are larger */
	alignas(8) unsigned char value[];
};

struct recent {
	unsigned char *entries; /* WAYS << bits of them */
	size_t stride;
	size_t size;
	unsigned bits;
	uint64_t clock;
};

static size_t stride_of(size_t size)
{
	return (sizeof(struct entry) + size + 7) & ~(size_t)7;
}

size_t recent_bytes(unsigned bits, size_t size)
{
	return sizeof(struct recent) + ((size_t)WAYS << bits) * stride_of(size);
}

struct recent *recent_new(unsigned bits, size_t size)
{
	struct recent *r = calloc(1, sizeof(*r));

	if (!r)
		abort();
	r->bits = bits;
	r->size = size;
	r->stride = stride_of(size);
	r->entries = calloc((size_t)WAYS << bits, r->stride);
	if (!r->entries)
		abort();
	return r;
}

void recent_free(struct recent *r)
{
	if (!r)
		return;
	free(r->entries);
	free(r);
}

/* The ways of a key's place stand side by side. */
static struct entry *way(struct recent *r, uint64_t key, unsigned i)
{
	uint64_t hash = key * 0x9e3779b97f4a7c15u; /* Fibonacci hashing */
	size_t place = r->bits == 0 ? 0 : (size_t)(hash >> (64 - r->bits));

	return (struct entry *)(void *)(r->entries + (place * WAYS + i) * r->stride);
}

void *recent_find(struct recent *r, uint64_t key)
{
	if (r->clock == 0) /* as most of the time: it need not be fetched from memory */
		return NULL;
	for (unsigned i = 0; i < WAYS; i++) {
		struct entry *e = way(r, key, i);

		if (e->age != 0 && e->key == key)
			return e->value;
	}
	return NULL;
}

void *recent_add(struct recent *r, uint64_t key)
{
	struct entry *oldest = way(r, key, 0);

	for (unsigned i = 1; i < WAYS; i++) {
		struct entry *e = way(r, key, i);

		if (e->age < oldest->age)
			oldest = e;
	}
	oldest->key = key;
	oldest->age = ++r->clock;
	memset(oldest->value, 0, r->size);
	return oldest->value;
}
