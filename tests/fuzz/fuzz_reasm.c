/* Segments of one connection in any order. Each stream has a known byte at each place, so that
 * what is handed on can be checked.
 *
 * Input: flags, two bytes of both initial sequence numbers, then segments of eight bytes: flags,
 * offset (2), length (2), missing behind it (1), acknowledged (2).
 */
#include "tests/fuzz/fuzz.h"

#include "sensor/reasm.h"

enum { FLAG_MID_STREAM = 1 };
enum { SEG_SERVER = 1, SEG_ACK = 2, SEG_FIN = 4, SEG_LATER = 8, SEG_LIE = 16, SEG_WILD_ACK = 32 };
enum { LONGEST = 4096, BUDGET = 65536, BUDGET_PER_DIRECTION = 8192 };

struct stream {
	struct reasm r;
	struct reasm_memory m;
	uint32_t isn[SIDES];
	bool begun[SIDES], lied;
	uint32_t at[SIDES]; /* sequence number of the next byte due */
	uint64_t now_ms;
};

static uint8_t byte_at(enum side from, uint32_t seq)
{
	return (uint8_t)(seq * 31 + (seq >> 8) * 7 + (from == CLIENT ? 0 : 101));
}

/* What is handed on begins where the last ended. */
static void move(struct stream *s, enum side from, uint64_t n)
{
	MUST(n > 0 && n <= UINT32_MAX);
	if (!s->begun[from])
		s->at[from] = s->r.side[from].next - (uint32_t)n;
	s->begun[from] = true;
	s->at[from] += (uint32_t)n;
	MUST(s->at[from] == s->r.side[from].next);
}

static void on_data(void *ctx, enum side from, const uint8_t *data, size_t n)
{
	struct stream *s = ctx;

	move(s, from, n);
	for (size_t i = 0; i < n && !s->lied; i++)
		MUST(data[i] == byte_at(from, s->at[from] - (uint32_t)n + (uint32_t)i));
}

static void on_gap(void *ctx, enum side from, uint64_t n)
{
	if (n > 0) /* 0: in front of the first byte */
		move(ctx, from, n);
}

static void fill(uint8_t *data, enum side from, const struct segment *g, bool lie)
{
	for (uint32_t i = 0; i < g->length; i++)
		data[i] = (uint8_t)(byte_at(from, g->seq + i) ^ (lie ? 0x55 : 0));
}

static void offer(struct stream *s, struct cursor *c, const struct reasm_out *out)
{
	unsigned flags = cur_u8(c);
	enum side from = flags & SEG_SERVER ? SERVER : CLIENT;
	struct segment g = { .has_ack = flags & SEG_ACK };
	uint8_t *data;

	g.seq = s->isn[from] + cur_be16(c);
	g.length = cur_be16(c) % LONGEST;
	g.wire_length = g.length + cur_u8(c);
	g.ack = s->isn[other_side(from)] + cur_be16(c);
	if (flags & SEG_WILD_ACK)
		g.ack = g.ack << 16;
	if (!c->ok)
		return;
	s->lied |= flags & SEG_LIE;
	s->now_ms += flags & SEG_LATER ? REASM_WAIT_MS : 10;
	data = malloc(g.length ? g.length : 1);
	MUST(data != NULL);
	fill(data, from, &g, flags & SEG_LIE);
	g.data = data;
	reasm_segment(&s->r, &s->m, from, &g, s->now_ms, out);
	free(data);
	if (flags & SEG_FIN)
		reasm_fin(&s->r, from, g.seq + g.wire_length);
}

static void check(const struct stream *s)
{
	uint32_t blocks = s->r.side[CLIENT].blocks + s->r.side[SERVER].blocks;

	MUST(s->m.blocks.used == blocks);
	MUST(s->r.side[CLIENT].blocks <= s->m.per_direction);
	MUST(s->r.side[SERVER].blocks <= s->m.per_direction);
	MUST(!reasm_finished(&s->r) || blocks == 0);
}

static void begin(struct stream *s, struct cursor *c)
{
	bool mid_stream = cur_u8(c) & FLAG_MID_STREAM;

	MUST(reasm_memory_init(&s->m, BUDGET, BUDGET_PER_DIRECTION));
	reasm_init(&s->r);
	for (unsigned i = 0; i < SIDES; i++) {
		s->isn[i] = (uint32_t)cur_u8(c) << 24 | 0x00ff8000;
		if (mid_stream)
			continue;
		reasm_start(&s->r, (enum side)i, s->isn[i]);
		s->begun[i] = true;
		s->at[i] = s->isn[i];
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cur_over((struct span){ data, size });
	struct stream s = { .now_ms = 1 };
	struct reasm_out out = { on_data, on_gap, &s };

	begin(&s, &c);
	while (cur_left(&c) > 0) {
		offer(&s, &c, &out);
		check(&s);
		if (!c.ok)
			break;
	}
	reasm_flush(&s.r, &s.m, &out);
	check(&s);
	MUST(s.r.side[CLIENT].first == POOL_NONE && s.r.side[SERVER].first == POOL_NONE);
	reasm_drop(&s.r, &s.m);
	MUST(s.m.blocks.used == 0);
	reasm_memory_fini(&s.m);
	return 0;
}
