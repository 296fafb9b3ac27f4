#include "sensor/fragments.h"

#include <stdlib.h>
#include <string.h>

#include "reports/siphash.h"
#include "sensor/pool.h"

#define UNIT       8u /* fragments begin at multiples of it */
#define PAGE       1024u
#define PAYLOAD    65536u /* more than any datagram holds */
#define PAGES      (PAYLOAD / PAGE)
#define UNITS      (PAYLOAD / UNIT)
#define V4_HEADER  20u
#define V6_HEADER  40u
#define LENGTH_MAX 65535u
#define UNKNOWN    UINT32_MAX

/* A datagram that is over absorbs late copies for so long. Its number may be used again soon. */
#define COPIES_NS (100 * 1000000ull)

struct key {
	uint8_t addr[2][16];
	uint32_t id;
	uint16_t vlan;
	uint8_t depth;
	uint8_t protocol; /* not for IPv6: 255 */
};

_Static_assert(sizeof(struct key) == 40, "the key is hashed as bytes");

enum queue { QUEUE_OPEN, QUEUE_OVER, QUEUES };

struct datagram {
	struct key key;
	uint64_t since_ns; /* in its queue */
	uint32_t hash_next, next, prev;
	uint8_t queue; /* enum queue */
	uint8_t protocol;
	bool v6;
	uint32_t total;        /* bytes of payload, once its end was seen */
	uint32_t end;          /* behind the last byte seen */
	uint32_t units;        /* seen */
	uint32_t captured;     /* the snap length cut off what lies here or behind */
	uint32_t pages[PAGES]; /* POOL_NONE while not needed */
	uint64_t seen[UNITS / 64];
};

struct fragments {
	struct health *health;
	struct pool datagrams, pages;
	struct siphash_key hash_key;
	uint32_t *buckets; /* index + 1 */
	uint32_t mask;
	uint32_t first[QUEUES], last[QUEUES];
	uint32_t whole_length; /* of what was handed out and is not over */
	uint8_t whole[V6_HEADER + PAYLOAD];
};

static struct datagram *at(const struct fragments *f, uint32_t index)
{
	return pool_at(&f->datagrams, index);
}

static uint32_t index_of(const struct fragments *f, const struct datagram *d)
{
	return (uint32_t)((size_t)((const uint8_t *)d - f->datagrams.mem) / f->datagrams.size);
}

struct room {
	uint32_t datagrams, pages, buckets;
};

/* A quarter of the memory may hold what describes the datagrams. */
static struct room room_in(size_t bytes)
{
	size_t all = bytes < FRAGMENTS_MEMORY_MIN ? FRAGMENTS_MEMORY_MIN : bytes;
	size_t datagrams = all / 4 / sizeof(struct datagram);
	struct room r = {
		.datagrams = (uint32_t)datagrams,
		.pages = (uint32_t)((all - datagrams * sizeof(struct datagram)) / PAGE),
		.buckets = 64,
	};

	while (r.buckets < r.datagrams)
		r.buckets <<= 1;
	return r;
}

size_t fragments_bytes(size_t bytes)
{
	struct room r = room_in(bytes);

	return sizeof(struct fragments) + r.buckets * sizeof(uint32_t) +
	       pool_bytes(sizeof(struct datagram), r.datagrams) + pool_bytes(PAGE, r.pages);
}

static bool take_memory(struct fragments *f, size_t bytes)
{
	struct room r = room_in(bytes);

	f->mask = r.buckets - 1;
	f->buckets = calloc(r.buckets, sizeof(*f->buckets));
	return f->buckets && pool_init(&f->datagrams, sizeof(struct datagram), r.datagrams) &&
	       pool_init(&f->pages, PAGE, r.pages) && siphash_key_new(&f->hash_key);
}

struct fragments *fragments_new(size_t bytes, struct health *health)
{
	struct fragments *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->health = health;
	for (unsigned q = 0; q < QUEUES; q++)
		f->first[q] = f->last[q] = POOL_NONE;
	if (take_memory(f, bytes))
		return f;
	fragments_free(f);
	return NULL;
}

void fragments_free(struct fragments *f)
{
	if (!f)
		return;
	pool_fini(&f->datagrams);
	pool_fini(&f->pages);
	free(f->buckets);
	free(f);
}

/* Queues, the oldest first -------------------------------------------------------------------- */

static void queue_out(struct fragments *f, struct datagram *d)
{
	if (d->prev != POOL_NONE)
		at(f, d->prev)->next = d->next;
	else
		f->first[d->queue] = d->next;
	if (d->next != POOL_NONE)
		at(f, d->next)->prev = d->prev;
	else
		f->last[d->queue] = d->prev;
}

static void queue_in(struct fragments *f, struct datagram *d, enum queue queue, uint64_t now_ns)
{
	uint32_t index = index_of(f, d);

	d->queue = (uint8_t)queue;
	d->since_ns = now_ns;
	d->next = POOL_NONE;
	d->prev = f->last[queue];
	if (d->prev != POOL_NONE)
		at(f, d->prev)->next = index;
	else
		f->first[queue] = index;
	f->last[queue] = index;
}

/* The life of a datagram ---------------------------------------------------------------------- */

static uint32_t *bucket_of(const struct fragments *f, const struct key *k)
{
	return &f->buckets[siphash(&f->hash_key, k, sizeof(*k)) & f->mask];
}

static void give_pages(struct fragments *f, struct datagram *d)
{
	for (unsigned i = 0; i < PAGES; i++) {
		if (d->pages[i] == POOL_NONE)
			continue;
		explicit_bzero(pool_at(&f->pages, d->pages[i]), PAGE);
		pool_give(&f->pages, d->pages[i]);
		d->pages[i] = POOL_NONE;
	}
}

static void forget(struct fragments *f, struct datagram *d)
{
	uint32_t *link, index = index_of(f, d);

	for (link = bucket_of(f, &d->key); *link != index + 1;)
		link = &at(f, *link - 1)->hash_next;
	*link = d->hash_next;
	queue_out(f, d);
	give_pages(f, d);
	pool_give(&f->datagrams, index);
}

static void give_up(struct fragments *f, struct datagram *d)
{
	f->health->n[HEALTH_FRAGMENTS_LOST]++;
	forget(f, d);
}

/* Nothing more is expected of it; copies of what was seen may come. */
static void end(struct fragments *f, struct datagram *d, uint64_t now_ns)
{
	give_pages(f, d);
	queue_out(f, d);
	queue_in(f, d, QUEUE_OVER, now_ns);
}

/* Time may go backwards: files are merged, clocks are set. */
static bool is_older(const struct datagram *d, uint64_t now_ns, uint64_t than_ns)
{
	uint64_t age = now_ns > d->since_ns ? now_ns - d->since_ns : d->since_ns - now_ns;

	return age > than_ns;
}

static void expire(struct fragments *f, uint64_t now_ns)
{
	while (f->first[QUEUE_OPEN] != POOL_NONE &&
	       is_older(at(f, f->first[QUEUE_OPEN]), now_ns, FRAGMENTS_TIMEOUT_NS))
		give_up(f, at(f, f->first[QUEUE_OPEN]));
	while (f->first[QUEUE_OVER] != POOL_NONE &&
	       is_older(at(f, f->first[QUEUE_OVER]), now_ns, COPIES_NS))
		forget(f, at(f, f->first[QUEUE_OVER]));
}

static struct key key_of(const struct fragment *g)
{
	struct key k = { .id = g->id, .vlan = g->vlan, .depth = g->depth };

	memcpy(k.addr, g->addr, sizeof(k.addr));
	k.protocol = g->v6 ? 255 : g->protocol;
	return k;
}

static struct datagram *find(const struct fragments *f, const struct key *k)
{
	for (uint32_t i = *bucket_of(f, k); i != 0; i = at(f, i - 1)->hash_next) {
		if (memcmp(&at(f, i - 1)->key, k, sizeof(*k)) == 0)
			return at(f, i - 1);
	}
	return NULL;
}

static uint32_t take_datagram(struct fragments *f)
{
	uint32_t index = pool_take(&f->datagrams);

	if (index != POOL_NONE)
		return index;
	if (f->first[QUEUE_OVER] != POOL_NONE)
		forget(f, at(f, f->first[QUEUE_OVER]));
	else
		give_up(f, at(f, f->first[QUEUE_OPEN]));
	return pool_take(&f->datagrams);
}

static struct datagram *begin(struct fragments *f, const struct key *k, bool v6, uint64_t now_ns)
{
	uint32_t index = take_datagram(f), *bucket = bucket_of(f, k);
	struct datagram *d = at(f, index);

	memset(d, 0, sizeof(*d));
	d->key = *k;
	d->v6 = v6;
	d->protocol = k->protocol;
	d->total = UNKNOWN;
	d->captured = UNKNOWN;
	memset(d->pages, 0xff, sizeof(d->pages)); /* POOL_NONE */
	d->hash_next = *bucket;
	*bucket = index + 1;
	queue_in(f, d, QUEUE_OPEN, now_ns);
	return d;
}

/* Pages --------------------------------------------------------------------------------------- */

/* There are more pages than one datagram can need, so that giving up others must help. */
static uint8_t *page_of(struct fragments *f, struct datagram *d, uint32_t place)
{
	uint32_t *page = &d->pages[place / PAGE];

	while (*page == POOL_NONE && (*page = pool_take(&f->pages)) == POOL_NONE) {
		uint32_t oldest = f->first[QUEUE_OPEN];

		if (at(f, oldest) == d)
			oldest = d->next;
		give_up(f, at(f, oldest));
	}
	return (uint8_t *)pool_at(&f->pages, *page) + place % PAGE;
}

/* Bytes of a page from this place on, at most n. */
static uint32_t run_at(uint32_t place, uint32_t n)
{
	uint32_t left = PAGE - place % PAGE;

	return n < left ? n : left;
}

static void store(struct fragments *f, struct datagram *d, uint32_t place, const uint8_t *data,
		  uint32_t n)
{
	for (uint32_t run; n > 0; place += run, data += run, n -= run) {
		run = run_at(place, n);
		memcpy(page_of(f, d, place), data, run);
	}
}

static void load(struct fragments *f, struct datagram *d, uint8_t *to, uint32_t n)
{
	for (uint32_t place = 0, run; place < n; place += run) {
		run = run_at(place, n - place);
		memcpy(to + place, page_of(f, d, place), run);
	}
}

/* What was seen ------------------------------------------------------------------------------- */

static bool was_seen(const struct datagram *d, uint32_t unit)
{
	return d->seen[unit / 64] >> unit % 64 & 1;
}

/* Of n units from this one on, those that are in the same word of seen. */
static uint64_t word_mask(uint32_t unit, uint32_t n, uint32_t *run)
{
	*run = 64 - unit % 64 < n ? 64 - unit % 64 : n;
	return (*run == 64 ? UINT64_MAX : (1ull << *run) - 1) << unit % 64;
}

/* How many of n units from this one on were not seen. */
static uint32_t unseen(const struct datagram *d, uint32_t unit, uint32_t n)
{
	uint32_t count = 0;

	for (uint32_t run; n > 0; unit += run, n -= run) {
		uint64_t mask = word_mask(unit, n, &run);

		count += (uint32_t)__builtin_popcountll(mask & ~d->seen[unit / 64]);
	}
	return count;
}

static void mark_seen(struct datagram *d, uint32_t unit, uint32_t n)
{
	for (uint32_t run; n > 0; unit += run, n -= run)
		d->seen[unit / 64] |= word_mask(unit, n, &run);
}

/* Captured bytes of the fragment that are kept: none behind a cut. */
static uint32_t kept(const struct datagram *d, const struct fragment *g)
{
	uint32_t length = (uint32_t)g->length;

	if (g->offset >= d->captured)
		return 0;
	return length < d->captured - g->offset ? length : d->captured - g->offset;
}

/* Bytes that were seen before are the same now, as far as they were captured both times. */
static bool agrees(struct fragments *f, struct datagram *d, const struct fragment *g)
{
	uint32_t n = kept(d, g);

	for (uint32_t i = 0; i < n; i += UNIT) {
		uint32_t size = n - i < UNIT ? n - i : UNIT;

		if (was_seen(d, (g->offset + i) / UNIT) &&
		    memcmp(page_of(f, d, g->offset + i), g->data + i, size) != 0)
			return false;
	}
	return true;
}

/* Where a datagram ends is said once, and nothing lies behind it. */
static bool note_end(struct datagram *d, const struct fragment *g)
{
	uint32_t behind = g->offset + (uint32_t)g->wire_length;

	if (!g->more && d->total != UNKNOWN && d->total != behind)
		return false;
	if (!g->more)
		d->total = behind;
	if (behind > d->end)
		d->end = behind;
	return d->total == UNKNOWN || d->end <= d->total;
}

static uint32_t units_of(uint32_t bytes)
{
	return (bytes + UNIT - 1) / UNIT;
}

/* Takes the bytes of a fragment. False when they contradict what was seen. */
static bool take(struct fragments *f, struct datagram *d, const struct fragment *g)
{
	uint32_t first = g->offset / UNIT, n = units_of((uint32_t)g->wire_length);
	uint32_t fresh = unseen(d, first, n);

	if (!note_end(d, g) || (fresh < n && !agrees(f, d, g)))
		return false;
	if (d->v6 && fresh != 0 && fresh != n)
		return false;
	if (fresh == 0)
		return true;
	if (g->length < g->wire_length && g->offset + g->length < d->captured)
		d->captured = g->offset + (uint32_t)g->length;
	store(f, d, g->offset, g->data, kept(d, g));
	mark_seen(d, first, n);
	d->units += fresh;
	if (g->offset == 0)
		d->protocol = g->protocol;
	return true;
}

/* A datagram with a header of its own ----------------------------------------------------------- */

static void put16(uint8_t *to, uint32_t n)
{
	to[0] = (uint8_t)(n >> 8);
	to[1] = (uint8_t)n;
}

static uint32_t put_header(uint8_t *to, const struct datagram *d)
{
	memset(to, 0, V6_HEADER);
	if (d->v6) {
		to[0] = 0x60;
		put16(to + 4, d->total);
		to[6] = d->protocol;
		to[7] = 64;
		memcpy(to + 8, d->key.addr, 32);
		return V6_HEADER;
	}
	to[0] = 0x45;
	put16(to + 2, V4_HEADER + d->total);
	to[8] = 64;
	to[9] = d->protocol;
	memcpy(to + 12, d->key.addr[0] + 12, 4);
	memcpy(to + 16, d->key.addr[1] + 12, 4);
	return V4_HEADER;
}

void fragments_let_go(struct fragments *f)
{
	if (f->whole_length > 0)
		explicit_bzero(f->whole, f->whole_length);
	f->whole_length = 0;
}

static struct span put_together(struct fragments *f, struct datagram *d)
{
	uint32_t n = d->total < d->captured ? d->total : d->captured;
	uint32_t header;

	fragments_let_go(f);
	header = put_header(f->whole, d);
	load(f, d, f->whole + header, n);
	f->whole_length = header + n;
	return (struct span){ f->whole, header + n };
}

/* Can it be a part of any datagram? */
static bool is_sound(const struct fragment *g)
{
	uint32_t most = g->v6 ? LENGTH_MAX : LENGTH_MAX - V4_HEADER;

	return g->wire_length > 0 && g->length <= g->wire_length && g->offset % UNIT == 0 &&
	       g->wire_length <= most && g->offset <= most - g->wire_length &&
	       (!g->more || g->wire_length % UNIT == 0);
}

bool fragments_add(struct fragments *f, const struct fragment *g, uint64_t now_ns,
		   struct span *whole)
{
	struct key k = key_of(g);
	struct datagram *d;

	expire(f, now_ns);
	if (!is_sound(g))
		return false;
	d = find(f, &k);
	if (!d)
		d = begin(f, &k, g->v6, now_ns);
	if (d->queue == QUEUE_OVER)
		return false;
	if (!take(f, d, g)) {
		f->health->n[HEALTH_FRAGMENTS_LOST]++;
		end(f, d, now_ns);
		return false;
	}
	if (d->total == UNKNOWN || d->units != units_of(d->total))
		return false;
	*whole = put_together(f, d);
	f->health->n[HEALTH_REASSEMBLED]++;
	end(f, d, now_ns);
	return true;
}
