#include "sensor/pool.h"

#include <string.h>
#include <sys/mman.h>

#define LARGE_PAGE ((size_t)2 << 20)

static size_t place_of(size_t size)
{
	return (size + 7) & ~(size_t)7;
}

size_t pool_bytes(size_t size, uint32_t max)
{
	return (place_of(size) * max + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE;
}

bool pool_init(struct pool *p, size_t size, uint32_t max)
{
	memset(p, 0, sizeof(*p));
	p->size = place_of(size);
	p->max = max;
	p->free = POOL_NONE;
	p->mem = mmap(NULL, p->size * max, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p->mem == MAP_FAILED) {
		p->mem = NULL;
		return false;
	}
	(void)madvise(p->mem, p->size * max,
		      MADV_HUGEPAGE); /* it is used from its beginning, densely */
	return true;
}

void pool_fini(struct pool *p)
{
	if (p->mem)
		munmap(p->mem, p->size * p->max);
	p->mem = NULL;
}

uint32_t pool_take(struct pool *p)
{
	uint32_t index = p->free;

	if (index != POOL_NONE)
		memcpy(&p->free, pool_at(p, index), sizeof(p->free));
	else if (p->fresh < p->max)
		index = p->fresh++;
	else
		return POOL_NONE;
	p->used++;
	return index;
}

void pool_give(struct pool *p, uint32_t index)
{
	memcpy(pool_at(p, index), &p->free, sizeof(p->free));
	p->free = index;
	p->used--;
}
