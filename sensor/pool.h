/* pool.h - a fixed number of objects of one size, allocated once.
 *
 * Memory is reserved at the start and touched only when it is first used, so a large bound costs
 * nothing until it is needed; in large pages, where the system has them. Objects are named by index; an object is not cleared when taken.
 */
#ifndef MAILSEAL_POOL_H
#define MAILSEAL_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POOL_NONE UINT32_MAX

struct pool {
	uint8_t *mem;
	size_t size;        /* of one object; at least 4, rounded up to 8 */
	uint32_t max, used; /* bound; in use now */
	uint32_t fresh;     /* objects from here on were never used */
	uint32_t free;      /* first of the free list */
};

/* The memory that a pool takes when all of it was used. */
size_t pool_bytes(size_t size, uint32_t max);

/* False when the memory cannot be reserved. */
bool pool_init(struct pool *p, size_t size, uint32_t max);
void pool_fini(struct pool *p);

uint32_t pool_take(struct pool *p); /* POOL_NONE when all are in use */
void pool_give(struct pool *p, uint32_t index);

static inline void *pool_at(const struct pool *p, uint32_t index)
{
	return p->mem + (size_t)index * p->size;
}

#endif
