/* Fragments of a few datagrams in any order. Each datagram has a known byte at each place, so that
 * what comes together can be checked.
 *
 * Input: fragments of eight bytes: flags, which datagram, offset / 8 (2), length (2), bytes that
 * the snap length cut off, time since the last one (tenths of a second).
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "sensor/fragments.h"

enum { FLAG_MORE = 1, FLAG_V6 = 2, FLAG_LIE = 4, FLAG_BACKWARDS = 8, FLAG_LONG = 16 };

#define DATAGRAMS     256
#define FRAGMENTS_MAX 256
#define USUAL         1536 /* no fragment is longer, unless a flag says so */
#define TENTH_NS      100000000ull

struct world {
	struct fragments *f;
	struct health health;
	uint64_t now_ns;
	bool lied[2][DATAGRAMS];
};

/* The bytes of all datagrams, each of which begins elsewhere, and what is said in their place. */
static uint8_t truth[3 * 65536], lies[3 * 65536];

static void fill_once(void)
{
	if (lies[0] != 0)
		return;
	for (uint32_t i = 0; i < sizeof(truth); i++) {
		truth[i] = (uint8_t)(i * 13 + (i >> 8) * 7);
		lies[i] = (uint8_t)~truth[i];
	}
}

static uint32_t start_of(bool v6, uint32_t id)
{
	return id * 3 + v6;
}

static void check(const struct world *w, const struct fragment *g, struct span whole)
{
	size_t header = g->v6 ? 40 : 20, total;

	MUST(whole.len >= header && whole.at[0] == (g->v6 ? 0x60 : 0x45));
	total = g->v6 ? (size_t)(whole.at[4] << 8 | whole.at[5]) + 40
		      : (size_t)(whole.at[2] << 8 | whole.at[3]);
	MUST(total <= UINT16_MAX + 40 && whole.len <= total);
	MUST(total >= header + g->offset + g->wire_length);
	MUST(w->lied[g->v6][g->id] ||
	     memcmp(whole.at + header, truth + start_of(g->v6, g->id), whole.len - header) == 0);
}

static void offer(struct world *w, struct cursor *c)
{
	unsigned flags = cur_u8(c);
	struct fragment g = { .v6 = flags & FLAG_V6, .more = flags & FLAG_MORE };
	struct span whole = { NULL, 0 };
	uint64_t step;
	uint8_t *data;

	g.id = cur_u8(c);
	g.offset = (cur_be16(c) & 0x1fffu) * 8;
	g.wire_length = cur_be16(c);
	if (!(flags & FLAG_LONG))
		g.wire_length %= USUAL;
	g.length = cur_u8(c);
	g.length = g.length < g.wire_length ? g.wire_length - g.length : 0;
	step = cur_u8(c) * TENTH_NS;
	if (!c->ok)
		return;
	w->now_ns = flags & FLAG_BACKWARDS ? w->now_ns - step : w->now_ns + step;
	w->lied[g.v6][g.id] |= flags & FLAG_LIE;
	data = fuzz_copy((struct span){
		(flags & FLAG_LIE ? lies : truth) + start_of(g.v6, g.id) + g.offset, g.length });
	g.data = data;
	if (fragments_add(w->f, &g, w->now_ns, &whole))
		check(w, &g, whole);
	free(data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cur_over((struct span){ data, size });
	struct world w = { .now_ns = 100000 * TENTH_NS };

	fill_once();
	w.f = fragments_new(FRAGMENTS_MEMORY_MIN, &w.health);
	MUST(w.f != NULL);
	for (unsigned n = 0; n < FRAGMENTS_MAX && c.ok && cur_left(&c) > 0; n++)
		offer(&w, &c);
	MUST(w.health.n[HEALTH_REASSEMBLED] + w.health.n[HEALTH_FRAGMENTS_LOST] <= size / 8);
	fragments_free(w.f);
	return 0;
}
