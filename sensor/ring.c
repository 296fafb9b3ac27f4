#include "sensor/ring.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#define LINE   64u /* bytes of the cache: what one thread writes stays out of the other's */
#define HEADER 8u  /* before each record: how far it is to the next */
#define SKIP   1u  /* in it: no record, the rest of the buffer is too small for the next */

struct ring {
	size_t size;
	uint8_t *buffer;
	alignas(LINE) _Atomic uint64_t written; /* bytes since the start, by the writer */
	uint64_t taken_known;                   /* to the writer */
	uint64_t after;                         /* the record for which there is room */
	alignas(LINE) _Atomic uint64_t taken;   /* by the reader */
	uint64_t written_known;                 /* to the reader */
};

struct ring *ring_new(size_t bytes)
{
	struct ring *r = aligned_alloc(LINE, sizeof(*r));

	if (!r)
		return NULL;
	*r = (struct ring){ .size = bytes, .buffer = malloc(bytes) };
	if (r->buffer)
		return r;
	free(r);
	return NULL;
}

void ring_free(struct ring *r)
{
	if (!r)
		return;
	free(r->buffer);
	free(r);
}

static uint64_t *header_at(const struct ring *r, uint64_t position)
{
	return (uint64_t *)(void *)(r->buffer + (position & (r->size - 1)));
}

static bool has_room(struct ring *r, uint64_t end)
{
	if (end - r->taken_known <= r->size)
		return true;
	r->taken_known = atomic_load_explicit(&r->taken, memory_order_acquire);
	return end - r->taken_known <= r->size;
}

void *ring_room(struct ring *r, size_t n)
{
	uint64_t at = atomic_load_explicit(&r->written, memory_order_relaxed);
	uint64_t left = r->size - (at & (r->size - 1));
	uint64_t need = HEADER + ((uint64_t)n + HEADER - 1) / HEADER * HEADER;
	uint64_t skip = left < need ? left : 0;

	if (need > r->size / 2 || !has_room(r, at + skip + need))
		return NULL;
	if (skip > 0)
		*header_at(r, at) = skip | SKIP;
	at += skip;
	*header_at(r, at) = need;
	r->after = at + need;
	return header_at(r, at) + 1;
}

void ring_put(struct ring *r)
{
	atomic_store_explicit(&r->written, r->after, memory_order_release);
}

static bool has_record(struct ring *r, uint64_t at)
{
	if (at != r->written_known)
		return true;
	r->written_known = atomic_load_explicit(&r->written, memory_order_acquire);
	return at != r->written_known;
}

static uint64_t position_of_next(const struct ring *r)
{
	uint64_t at = atomic_load_explicit(&r->taken, memory_order_relaxed);
	uint64_t header = *header_at(r, at);

	return header & SKIP ? at + (header & ~(uint64_t)SKIP) : at;
}

const void *ring_next(struct ring *r)
{
	if (!has_record(r, atomic_load_explicit(&r->taken, memory_order_relaxed)))
		return NULL;
	return header_at(r, position_of_next(r)) + 1;
}

void ring_take(struct ring *r)
{
	uint64_t at = position_of_next(r);

	atomic_store_explicit(&r->taken, at + *header_at(r, at), memory_order_release);
}

bool ring_half_full(const struct ring *r)
{
	return atomic_load_explicit(&r->written, memory_order_relaxed) -
		       atomic_load_explicit(&r->taken, memory_order_relaxed) >
	       r->size / 2;
}
