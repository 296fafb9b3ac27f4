#include "sensor/flow.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "reports/siphash.h"
#include "sensor/pool.h"

#define WHEEL_SLOTS   2048 /* of a second each */
#define EVICTION_LOOK 256  /* flows considered for eviction at most */

/* The same for both directions. An address is two words here; what order they have does not matter. */
struct flow_key {
	uint64_t addr[4];
	uint16_t port[2];
};

struct flowtable {
	struct pool pool;
	uint32_t *buckets;
	uint32_t mask;
	uint32_t now_s; /* the wheel stands here */
	struct siphash_key hash_key;
	uint32_t wheel[WHEEL_SLOTS]; /* the first of each slot: it was put there first */
	uint32_t wheel_last[WHEEL_SLOTS];
	uint64_t occupied[WHEEL_SLOTS / 64];
};

static uint32_t power_of_two(uint32_t n)
{
	uint32_t p = 1024;

	while (p < n && p < 1u << 31)
		p <<= 1;
	return p;
}

size_t flowtable_bytes(uint32_t max_flows)
{
	return sizeof(struct flowtable) + power_of_two(max_flows) * sizeof(uint32_t) +
	       pool_bytes(sizeof(struct flow), max_flows);
}

struct flowtable *flowtable_new(uint32_t max_flows)
{
	struct flowtable *t = calloc(1, sizeof(*t));
	size_t buckets = power_of_two(max_flows);

	if (!t || !siphash_key_new(&t->hash_key))
		goto fail;
	t->mask = (uint32_t)buckets - 1;
	/* A bucket holds index + 1, so that fresh memory means empty. */
	t->buckets = mmap(NULL, buckets * sizeof(uint32_t), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (t->buckets != MAP_FAILED) /* looked at here and there */
		(void)madvise(t->buckets, buckets * sizeof(uint32_t), MADV_HUGEPAGE);
	if (t->buckets == MAP_FAILED || !pool_init(&t->pool, sizeof(struct flow), max_flows))
		goto fail;
	memset(t->wheel, 0xff, sizeof(t->wheel)); /* POOL_NONE */
	memset(t->wheel_last, 0xff, sizeof(t->wheel_last));
	return t;
fail:
	free(t);
	return NULL;
}

void flowtable_free(struct flowtable *t)
{
	if (!t)
		return;
	munmap(t->buckets, ((size_t)t->mask + 1) * sizeof(uint32_t));
	pool_fini(&t->pool);
	free(t);
}

uint32_t flowtable_used(const struct flowtable *t)
{
	return t->pool.used;
}

static struct flow *at(const struct flowtable *t, uint32_t index)
{
	return pool_at(&t->pool, index);
}

static uint32_t index_of(const struct flowtable *t, const struct flow *f)
{
	return (uint32_t)((size_t)((const uint8_t *)f - t->pool.mem) / t->pool.size);
}

/* Which end sends the packet: 1 when what it comes from stands behind what it goes to. */
static unsigned end_of(const uint64_t from[2], const uint64_t to[2], const uint16_t port[2])
{
	if (from[1] != to[1])
		return from[1] > to[1];
	if (from[0] != to[0])
		return from[0] > to[0];
	return port[0] > port[1];
}

/* Returns which end sent the packet. */
static unsigned key_of(const struct packet *p, struct flow_key *k)
{
	uint64_t addr[4];
	unsigned end, other;

	memcpy(addr, p->addr, sizeof(addr));
	end = end_of(addr, addr + 2, p->port);
	other = !end;
	memcpy(k->addr + 2 * end, addr, 16);
	memcpy(k->addr + 2 * other, addr + 2, 16);
	k->port[end] = p->port[0];
	k->port[!end] = p->port[1];
	return end;
}

/* ::ffff:a.b.c.d: the first word of all IPv4 addresses, and half of the second. */
static bool is_v4(const uint64_t addr[2])
{
	return addr[0] == 0 && (be64toh(addr[1]) & 0xffffffff00000000u) == 0x0000ffff00000000u;
}

/* What all IPv4 addresses share is not hashed. */
static uint64_t hash_v4(const struct flowtable *t, const struct flow_key *k, uint64_t ports)
{
	const uint64_t both = be64toh(k->addr[1]) << 32 | (uint32_t)be64toh(k->addr[3]);

	return siphash_words(&t->hash_key, &both, 1, ports, 4);
}

/* Never 0, which is that of a packet nobody asked about. */
static uint32_t hash_of(const struct flowtable *t, const struct flow_key *k)
{
	uint64_t ports = (uint64_t)k->port[0] << 16 | k->port[1];
	uint64_t hash = is_v4(k->addr) && is_v4(k->addr + 2)
				? hash_v4(t, k, ports)
				: siphash_words(&t->hash_key, k->addr, 4, ports, 4);

	return (uint32_t)hash | 1u << 31;
}

static uint32_t *bucket_at(struct flowtable *t, uint32_t hash)
{
	return &t->buckets[hash & t->mask];
}

static uint32_t *bucket_of(struct flowtable *t, const struct packet *p, const struct flow_key *k)
{
	return bucket_at(t, p->hash ? p->hash : hash_of(t, k));
}

void flow_expect(struct flowtable *t, struct packet *p)
{
	struct flow_key k;

	p->end = (uint8_t)key_of(p, &k);
	p->hash = hash_of(t, &k);
	__builtin_prefetch(bucket_at(t, p->hash));
}

static struct flow *first_in(struct flowtable *t, const struct packet *p)
{
	uint32_t i = *bucket_at(t, p->hash);

	return i == 0 ? NULL : at(t, i - 1);
}

void flow_fetch(struct flowtable *t, const struct packet *p)
{
	const uint8_t *f = (const uint8_t *)first_in(t, p);

	if (f) {
		__builtin_prefetch(f);
		__builtin_prefetch(f + 64);
	}
}

const struct flow *flow_fetched(struct flowtable *t, const struct packet *p)
{
	return first_in(t, p);
}

static bool same_address(const uint8_t a[16], const uint8_t b[16])
{
	uint64_t x[2], y[2];

	memcpy(x, a, sizeof(x));
	memcpy(y, b, sizeof(y));
	return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
}

static bool is_of(const struct flow *f, const struct packet *p, unsigned end)
{
	return f->port[end] == p->port[0] && f->port[!end] == p->port[1] &&
	       same_address(f->addr[end], p->addr[0]) && same_address(f->addr[!end], p->addr[1]);
}

struct flow *flow_find(struct flowtable *t, const struct packet *p, unsigned *end)
{
	struct flow_key k;
	uint32_t i;

	if (p->hash) {
		*end = p->end;
		i = *bucket_at(t, p->hash);
	} else {
		*end = key_of(p, &k);
		i = *bucket_at(t, hash_of(t, &k));
	}
	for (; i != 0; i = at(t, i - 1)->hash_next) {
		struct flow *f = at(t, i - 1);

		if (is_of(f, p, *end))
			return f;
	}
	return NULL;
}

struct flow *flow_open(struct flowtable *t, const struct packet *p, unsigned *end)
{
	uint32_t index = pool_take(&t->pool), *bucket;
	struct flow_key k;
	struct flow *f;

	*end = key_of(p, &k);
	if (index == POOL_NONE)
		return NULL;
	f = at(t, index);
	memset(f, 0, sizeof(*f));
	memcpy(f->addr, k.addr, sizeof(k.addr));
	memcpy(f->port, k.port, sizeof(k.port));
	bucket = bucket_of(t, p, &k);
	f->hash_next = *bucket;
	*bucket = index + 1;
	f->session = POOL_NONE;
	f->client = FLOW_UNKNOWN_SIDE;
	f->vlan = p->vlan;
	f->interface = p->interface;
	f->start_ns = p->time_ns;
	f->last_s = t->now_s;
	return f;
}

static void wheel_out(struct flowtable *t, struct flow *f)
{
	if (f->timeout_s == 0)
		return;
	if (f->wheel_next != POOL_NONE)
		at(t, f->wheel_next)->wheel_prev = f->wheel_prev;
	else
		t->wheel_last[f->slot] = f->wheel_prev;
	if (f->wheel_prev != POOL_NONE)
		at(t, f->wheel_prev)->wheel_next = f->wheel_next;
	else
		t->wheel[f->slot] = f->wheel_next;
	if (t->wheel[f->slot] == POOL_NONE)
		t->occupied[f->slot / 64] &= ~(1ull << f->slot % 64);
	f->timeout_s = 0;
}

/* Seconds from now at which a flow in a slot fires: 1 to WHEEL_SLOTS. */
static uint32_t distance(const struct flowtable *t, uint32_t slot)
{
	uint32_t d = (slot - t->now_s) % WHEEL_SLOTS;

	return d ? d : WHEEL_SLOTS;
}

static void wheel_in(struct flowtable *t, struct flow *f, uint32_t timeout_s)
{
	uint32_t due = f->last_s + timeout_s;
	uint32_t wait = due > t->now_s ? due - t->now_s : 1;
	uint32_t index = index_of(t, f);

	if (wait >= WHEEL_SLOTS)
		wait = WHEEL_SLOTS - 1; /* looked at again when it comes round */
	f->timeout_s = timeout_s;
	f->slot = (uint16_t)((t->now_s + wait) % WHEEL_SLOTS);
	f->wheel_next = POOL_NONE;
	f->wheel_prev = t->wheel_last[f->slot];
	if (f->wheel_prev != POOL_NONE)
		at(t, f->wheel_prev)->wheel_next = index;
	else
		t->wheel[f->slot] = index;
	t->wheel_last[f->slot] = index;
	t->occupied[f->slot / 64] |= 1ull << f->slot % 64;
}

/* Into the slot where it fires, as it is armed. */
static void put_back(struct flowtable *t, struct flow *f)
{
	uint32_t timeout_s = f->timeout_s;

	wheel_out(t, f);
	wheel_in(t, f, timeout_s);
}

void flow_arm_anew(struct flowtable *t, struct flow *f, uint32_t timeout_s)
{
	if (f->timeout_s != 0 && f->last_s + timeout_s >= t->now_s + distance(t, f->slot)) {
		f->timeout_s = timeout_s; /* fires early and is put back then */
		return;
	}
	wheel_out(t, f);
	wheel_in(t, f, timeout_s);
}

void flow_free(struct flowtable *t, struct flow *f)
{
	struct flow_key k;
	uint32_t *link, index = index_of(t, f);

	memcpy(k.addr, f->addr, sizeof(k.addr));
	memcpy(k.port, f->port, sizeof(k.port));
	wheel_out(t, f);
	for (link = bucket_at(t, hash_of(t, &k)); *link != index + 1;)
		link = &at(t, *link - 1)->hash_next;
	*link = f->hash_next;
	pool_give(&t->pool, index);
}

static void fire_slot(struct flowtable *t, flow_expired_cb *cb, void *ctx)
{
	uint32_t slot = t->now_s % WHEEL_SLOTS, i = t->wheel[slot];

	while (i != POOL_NONE) {
		struct flow *f = at(t, i);
		uint32_t timeout_s = f->timeout_s;

		i = f->wheel_next;
		wheel_out(t, f);
		if (f->last_s + timeout_s > t->now_s)
			wheel_in(t, f, timeout_s);
		else
			cb(ctx, f);
	}
}

void flow_advance(struct flowtable *t, uint32_t now_s, flow_expired_cb *cb, void *ctx)
{
	while (t->now_s < now_s) {
		t->now_s++;
		fire_slot(t, cb, ctx);
	}
}

/* The next slot from i seconds ahead that is not empty; i is set to it. */
static bool next_occupied(const struct flowtable *t, uint32_t *i)
{
	while (*i <= WHEEL_SLOTS) {
		uint32_t slot = (t->now_s + *i) % WHEEL_SLOTS;
		uint64_t word = t->occupied[slot / 64] >> slot % 64;

		if (word != 0) {
			*i += (uint32_t)__builtin_ctzll(word);
			return *i <= WHEEL_SLOTS;
		}
		*i += 64 - slot % 64;
	}
	return false;
}

/* Stands in a slot that fires before its time: it was armed for longer since it was put there. */
static bool stands_early(const struct flowtable *t, const struct flow *f, uint32_t seconds)
{
	uint32_t wait = f->last_s + f->timeout_s - t->now_s;

	return (wait < WHEEL_SLOTS ? wait : WHEEL_SLOTS - 1) > seconds;
}

/* Those that are passed over and stand early are put where they belong, so that they are not in the
 * way the next time. */
struct flow *flow_oldest(struct flowtable *t, bool (*preferred)(const struct flow *f))
{
	struct flow *first = NULL;
	unsigned looked_at = 0;

	for (uint32_t i = 1; next_occupied(t, &i) && looked_at < EVICTION_LOOK; i++) {
		uint32_t n = t->wheel[(t->now_s + i) % WHEEL_SLOTS];

		while (n != POOL_NONE && looked_at < EVICTION_LOOK) {
			struct flow *f = at(t, n);

			n = f->wheel_next;
			if (preferred(f))
				return f;
			if (!first)
				first = f;
			if (stands_early(t, f, i))
				put_back(t, f);
			looked_at++;
		}
	}
	return first;
}

void flow_each(struct flowtable *t, flow_expired_cb *cb, void *ctx)
{
	for (uint32_t i = 0; i < t->pool.fresh; i++) {
		if (at(t, i)->timeout_s != 0)
			cb(ctx, at(t, i));
	}
}
