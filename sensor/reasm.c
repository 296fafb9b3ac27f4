#include "sensor/reasm.h"

#include <string.h>

#include "sensor/reasm_parts.h"
#include "sensor/sequence.h"

struct block {
	uint32_t next; /* POOL_NONE ends the list; shares its place with the pool's free list */
	uint32_t seq, ack;
	uint32_t missing; /* behind the data: cut by the snap length */
	uint16_t length;
	bool has_ack;
	uint8_t data[REASM_BLOCK];
};

static uint32_t blocks_of(uint64_t bytes)
{
	uint64_t blocks = bytes / sizeof(struct block);

	return blocks ? (uint32_t)blocks : 1;
}

size_t reasm_memory_bytes(uint64_t bytes)
{
	return pool_bytes(sizeof(struct block), blocks_of(bytes));
}

bool reasm_memory_init(struct reasm_memory *m, uint64_t bytes, uint64_t per_direction_bytes)
{
	memset(m, 0, sizeof(*m));
	m->per_direction = (uint32_t)(per_direction_bytes / REASM_BLOCK + 1);
	return pool_init(&m->blocks, sizeof(struct block), blocks_of(bytes));
}

void reasm_memory_fini(struct reasm_memory *m)
{
	pool_fini(&m->blocks);
}

static struct block *block_at(const struct reasm_memory *m, uint32_t index)
{
	return pool_at(&m->blocks, index);
}

/* A block that could be handed on but for an acknowledgment of what we have not handed on. */
static bool waits_for_other(const struct reasm *r, enum side from, uint32_t ack, bool has_ack)
{
	const struct reasm_side *o = &r->side[other_side(from)];

	return has_ack && o->known && !reasm_is_absent(o) &&
	       seq_after(ack, o->next) > reasm_is_over(o) &&
	       seq_after(ack, o->next) <= ACK_AHEAD_MAX;
}

/* Both sides wait for each other: a retransmission brought a newer acknowledgment with it. */
static bool other_waits_for_us(const struct reasm *r, const struct reasm_memory *m, enum side from)
{
	enum side o = other_side(from);
	const struct block *b;

	if (r->side[o].first == POOL_NONE)
		return false;
	b = block_at(m, r->side[o].first);
	return seq_after(b->seq, r->side[o].next) <= 0 && waits_for_other(r, o, b->ack, b->has_ack);
}

static bool blocked(const struct reasm *r, const struct reasm_memory *m, enum side from,
		    uint32_t ack, bool has_ack)
{
	return waits_for_other(r, from, ack, has_ack) && !other_waits_for_us(r, m, from);
}

/* Bytes in front of the first of this side are missing, and the first was not handed on. */
static bool lacks_beginning(const struct reasm_side *s)
{
	return s->before && !s->spoken;
}

static void tell_before(struct reasm_side *s, enum side from, const struct reasm_out *out)
{
	if (!s->before || s->told)
		return;
	s->told = true;
	out->gap(out->ctx, from, 0);
}

/* Something of this side is about to be handed on. What is missing in front of a side stands anywhere
 * up to its first byte, between all that the other one says till then. */
static void speak(struct reasm *r, enum side from, const struct reasm_out *out)
{
	enum side other = other_side(from);

	if (lacks_beginning(&r->side[other]))
		out->gap(out->ctx, other, 0);
	tell_before(&r->side[from], from, out);
	r->side[from].spoken = true;
}

/* Hands on what is new of these bytes. */
static void hand_on(struct reasm *r, enum side from, uint32_t seq, const uint8_t *data,
		    uint32_t length, uint32_t missing, const struct reasm_out *out)
{
	struct reasm_side *s = &r->side[from];
	uint32_t old = (uint32_t)(seq_after(s->next, seq) > 0 ? seq_after(s->next, seq) : 0);

	if (old < length + missing)
		speak(r, from, out);
	if (old < length) {
		s->next += length - old;
		out->data(out->ctx, from, data + old, length - old);
		old = length;
	}
	if (old < length + missing) {
		uint32_t n = length + missing - old;

		s->next += n;
		out->gap(out->ctx, from, n);
	}
}

static void drop_first(struct reasm_side *s, struct reasm_memory *m)
{
	uint32_t index = s->first;

	struct block *b = block_at(m, index);

	s->first = b->next;
	s->blocks--;
	explicit_bzero(b->data, b->length);
	pool_give(&m->blocks, index);
}

/* Hands on the first waiting block if it is due. */
static bool drain_one(struct reasm *r, struct reasm_memory *m, enum side from,
		      const struct reasm_out *out)
{
	struct reasm_side *s = &r->side[from];
	const struct block *b;

	if (s->first == POOL_NONE)
		return false;
	b = block_at(m, s->first);
	if (seq_after(b->seq, s->next) > 0 || blocked(r, m, from, b->ack, b->has_ack))
		return false;
	hand_on(r, from, b->seq, b->data, b->length, b->missing, out);
	drop_first(s, m);
	return true;
}

static void drain(struct reasm *r, struct reasm_memory *m, const struct reasm_out *out)
{
	while (drain_one(r, m, CLIENT, out) || drain_one(r, m, SERVER, out))
		;
}

static void gap_to(struct reasm *r, enum side from, uint32_t seq, const struct reasm_out *out)
{
	struct reasm_side *s = &r->side[from];
	int32_t n = seq_after(seq, s->next);

	if (n <= 0)
		return;
	speak(r, from, out);
	s->next = seq;
	out->gap(out->ctx, from, (uint64_t)n);
}

/* The end of the hole at the front: the first waiting block or what was acknowledged, whichever
 * comes first. */
static uint32_t hole_end(const struct reasm_side *s, const struct reasm_memory *m, bool any)
{
	uint32_t end = reasm_sent_beyond(s) ? reasm_sent_to(s) : s->next;

	if (s->first != POOL_NONE) {
		uint32_t seq = block_at(m, s->first)->seq;

		if (any || seq_after(end, seq) > 0)
			end = seq_after(seq, s->next) > 0 ? seq : s->next;
	}
	return end;
}

/* Writes a copy of a segment's part [seq, seq + n) into the list, in order. */
static bool store_block(struct reasm_side *s, struct reasm_memory *m, uint32_t *link,
			const struct segment *g, uint32_t seq, uint16_t n, uint32_t missing)
{
	uint32_t index = pool_take(&m->blocks);
	struct block *b;

	if (index == POOL_NONE)
		return false;
	b = block_at(m, index);
	b->seq = seq;
	b->ack = g->ack;
	b->has_ack = g->has_ack;
	b->missing = missing;
	b->length = n;
	memcpy(b->data, g->data + (seq - g->seq), n);
	b->next = *link;
	*link = index;
	s->blocks++;
	return true;
}

static bool differs(const struct block *b, const struct segment *g)
{
	uint32_t from = seq_after(g->seq, b->seq) > 0 ? g->seq : b->seq;
	uint32_t g_end = g->seq + g->length, b_end = b->seq + b->length;
	uint32_t to = seq_after(g_end, b_end) > 0 ? b_end : g_end;

	return seq_after(to, from) > 0 &&
	       memcmp(b->data + (from - b->seq), g->data + (from - g->seq), to - from) != 0;
}

/* What the snap length cut off, where no block that was kept tells of it: one without bytes. */
static bool store_missing(struct reasm_side *s, struct reasm_memory *m, const struct segment *g)
{
	uint32_t missing = g->wire_length - g->length, end = g->seq + g->length;
	uint32_t *link = &s->first;

	while (*link != POOL_NONE && seq_after(block_at(m, *link)->seq, end) <= 0) {
		const struct block *b = block_at(m, *link);

		if (b->seq + b->length == end && b->missing >= missing)
			return true;
		link = &block_at(m, *link)->next;
	}
	return s->blocks < m->per_direction && store_block(s, m, link, g, end, 0, missing);
}

/* Keeps the parts of a segment that no waiting block covers. */
static bool store(struct reasm *r, struct reasm_memory *m, enum side from, const struct segment *g)
{
	struct reasm_side *s = &r->side[from];
	uint32_t *link = &s->first;
	uint32_t at = g->seq, end = g->seq + g->length;
	uint32_t missing = g->wire_length - g->length;

	while (seq_after(end, at) > 0) {
		const struct block *b = *link == POOL_NONE ? NULL : block_at(m, *link);
		uint32_t stop = end, n;

		if (b && seq_after(at, b->seq) >= 0) { /* starts in or behind this block */
			r->conflict |= differs(b, g);
			if (seq_after(b->seq + b->length, at) > 0)
				at = b->seq + b->length;
			link = &block_at(m, *link)->next;
			continue;
		}
		if (b && seq_after(end, b->seq) > 0)
			stop = b->seq;
		n = stop - at < REASM_BLOCK ? stop - at : REASM_BLOCK;
		if (s->blocks >= m->per_direction ||
		    !store_block(s, m, link, g, at, (uint16_t)n, at + n == end ? missing : 0))
			return false;
		link = &block_at(m, *link)->next;
		at += n;
	}
	return missing == 0 || store_missing(s, m, g);
}

/* A side that never showed up is not waited for any longer, and has no holes. */
static bool give_up_side(struct reasm *r, struct reasm_memory *m, enum side from,
			 const struct reasm_out *out)
{
	struct reasm_side *s = &r->side[from];

	if (s->seen || !reasm_sent_beyond(s))
		return false;
	s->absent = true;
	s->has_acked = false;
	drain(r, m, out);
	return true;
}

/* The other side's first block waits for one more number of this side, of which no more came. */
static bool is_awaited(const struct reasm *r, const struct reasm_memory *m, enum side from)
{
	enum side other = other_side(from);
	const struct reasm_side *s = &r->side[from], *o = &r->side[other];
	const struct block *b = o->first == POOL_NONE ? NULL : block_at(m, o->first);

	return b && s->first == POOL_NONE && seq_after(b->seq, o->next) <= 0 &&
	       seq_after(b->ack, s->next) == 1 && waits_for_other(r, other, b->ack, b->has_ack);
}

/* It is that of a FIN that was not seen. */
static bool presume_fin(struct reasm *r, struct reasm_memory *m, enum side from,
			const struct reasm_out *out)
{
	struct reasm_side *s = &r->side[from];

	if (!is_awaited(r, m, from))
		return false;
	s->over = true;
	s->over_at = s->next;
	drain(r, m, out);
	return true;
}

/* Declares the hole at the front of one side a gap, and hands on what that sets free: the other
 * side first, if it answered what was before the hole. */
static bool give_up_hole(struct reasm *r, struct reasm_memory *m, enum side from, bool any,
			 const struct reasm_out *out)
{
	uint32_t end = hole_end(&r->side[from], m, any);
	const struct reasm_side *o = &r->side[other_side(from)];
	const struct block *b = o->first == POOL_NONE ? NULL : block_at(m, o->first);

	if (!r->side[from].seen)
		return give_up_side(r, m, from, out);
	/* Not beyond what the other side's waiting segment answers: that one comes first. */
	if (b && b->has_ack && seq_after(b->seq, o->next) <= 0 &&
	    seq_after(b->ack, r->side[from].next) > 0 && seq_after(end, b->ack) > 0)
		end = b->ack;
	if (seq_after(end, r->side[from].next) <= 0)
		return presume_fin(r, m, from, out);
	gap_to(r, from, end, out);
	drain(r, m, out);
	return true;
}

/* Hands on the first waiting block of a side, whatever it waits for. */
static void force_first(struct reasm *r, struct reasm_memory *m, enum side from,
			const struct reasm_out *out)
{
	struct reasm_side *s = &r->side[from];
	const struct block *b = block_at(m, s->first);

	gap_to(r, from, b->seq, out);
	hand_on(r, from, b->seq, b->data, b->length, b->missing, out);
	drop_first(s, m);
	drain(r, m, out);
}

/* Over the budget: the oldest hole becomes a gap. */
static void make_room(struct reasm *r, struct reasm_memory *m, enum side from,
		      const struct reasm_out *out)
{
	uint32_t before = r->side[from].blocks;

	give_up_side(r, m, other_side(from), out);
	if (r->side[from].blocks < before)
		return;
	give_up_hole(r, m, from, true, out);
	if (r->side[from].blocks == before && before > 0)
		force_first(r, m, from, out);
}

/* Each side waits for the hole at its front; the next hole has a time of its own. */
static void note_stall(struct reasm *r, const struct reasm_memory *m, uint64_t now_ms)
{
	r->stalled = false;
	for (unsigned i = 0; i < SIDES; i++) {
		struct reasm_side *s = &r->side[i];
		bool waiting = s->first != POOL_NONE || reasm_sent_beyond(s) ||
			       is_awaited(r, m, (enum side)i);

		if (waiting && (!s->waiting || s->waiting_at != s->next)) {
			s->waiting_at = s->next;
			s->waiting_ms = now_ms;
		}
		s->waiting = waiting;
		r->stalled |= waiting;
	}
}

/* Hands on a segment that is due, or keeps it. False: there is no room. */
static bool take(struct reasm *r, struct reasm_memory *m, enum side from, const struct segment *g,
		 const struct reasm_out *out)
{
	struct reasm_side *s = &r->side[from];

	if (seq_after(g->seq, s->next) > 0 || s->first != POOL_NONE ||
	    blocked(r, m, from, g->ack, g->has_ack))
		return store(r, m, from, g);
	hand_on(r, from, g->seq, g->data, g->length, g->wire_length - g->length, out);
	return true;
}

/* Where a side begins is only known from its SYN. Otherwise bytes may come that stand before the first
 * that was handed on, or a late SYN tells of them: they are missing there. */
static void note_before(struct reasm_side *s, enum side from, const struct segment *g,
			const struct reasm_out *out)
{
	if (s->from_start)
		return;
	if (g->wire_length > 0 && !s->begun) {
		s->begun = true;
		s->begin = s->next;
	}
	s->before |= g->wire_length > 0 && seq_after(s->begin, g->seq) > 0;
	if (s->spoken)
		tell_before(s, from, out);
}

/* What most segments are: what comes next, whole, on a connection where nothing waits, and which
 * acknowledges nothing that was not seen. */
static bool is_plain(const struct reasm *r, enum side from, const struct segment *g)
{
	const struct reasm_side *s = &r->side[from], *o = &r->side[other_side(from)];

	return !r->stalled && s->from_start && s->seen && g->seq == s->next &&
	       g->length == g->wire_length && g->has_ack && o->known && !o->absent &&
	       !lacks_beginning(o) && seq_after(g->ack, o->next) <= 0;
}

static void take_plain(struct reasm *r, enum side from, const struct segment *g,
		       const struct reasm_out *out)
{
	struct reasm_side *s = &r->side[from], *o = &r->side[other_side(from)];

	if (!o->has_acked || seq_after(g->ack, o->acked) > 0) {
		o->acked = g->ack;
		o->has_acked = true;
	}
	if (g->length == 0)
		return;
	s->spoken = true;
	s->next += g->length;
	out->data(out->ctx, from, g->data, g->length);
}

void reasm_segment(struct reasm *r, struct reasm_memory *m, enum side from, const struct segment *g,
		   uint64_t now_ms, const struct reasm_out *out)
{
	struct reasm_side *s = &r->side[from];
	uint32_t end = g->seq + g->wire_length;

	if (is_plain(r, from, g)) {
		take_plain(r, from, g, out);
		return;
	}
	s->seen = true;
	reasm_note_ack(r, from, g);
	if (g->wire_length > 0 && !s->known) {
		s->known = true;
		s->next = g->seq;
	}
	note_before(s, from, g, out);
	if (g->wire_length > 0 && seq_after(end, s->next) <= 0) {
		m->duplicate++;
	} else if (g->wire_length > 0 && !take(r, m, from, g, out)) {
		make_room(r, m, from, out);
		if (!take(r, m, from, g, out))
			m->refused++;
	}
	drain(r, m, out);
	note_stall(r, m, now_ms);
	reasm_poll(r, m, now_ms, out);
}

void reasm_poll(struct reasm *r, struct reasm_memory *m, uint64_t now_ms,
		const struct reasm_out *out)
{
	bool gave_up = false;

	for (unsigned i = 0; r->stalled && i < SIDES; i++) {
		const struct reasm_side *s = &r->side[i];

		/* Without the other direction nothing will ever be acknowledged. */
		if (s->waiting && now_ms - s->waiting_ms >= REASM_WAIT_MS)
			gave_up |= give_up_hole(r, m, (enum side)i, !s->has_acked, out);
	}
	if (gave_up)
		note_stall(r, m, now_ms);
}

void reasm_flush(struct reasm *r, struct reasm_memory *m, const struct reasm_out *out)
{
	drain(r, m, out);
	while (give_up_hole(r, m, CLIENT, false, out) || give_up_hole(r, m, SERVER, false, out) ||
	       give_up_hole(r, m, CLIENT, true, out) || give_up_hole(r, m, SERVER, true, out))
		;
	for (unsigned i = 0; i < SIDES; i++) {
		while (r->side[i].first != POOL_NONE)
			force_first(r, m, (enum side)i, out);
	}
	for (unsigned i = 0; i < SIDES; i++) {
		struct reasm_side *s = &r->side[i];

		if (s->has_fin && s->known)
			gap_to(r, (enum side)i, s->fin, out);
		else if (reasm_sent_beyond(s))
			gap_to(r, (enum side)i, reasm_sent_to(s), out);
		tell_before(s, (enum side)i, out);
	}
	r->stalled = false;
}

void reasm_waiting(const struct reasm *r, const struct reasm_memory *m, reasm_waiting_cb *cb,
		   void *ctx)
{
	for (unsigned i = 0; i < SIDES; i++) {
		const struct block *b;

		for (uint32_t at = r->side[i].first; at != POOL_NONE; at = b->next) {
			b = block_at(m, at);
			cb(ctx, (enum side)i, b->seq, b->length + b->missing);
		}
	}
}

void reasm_drop(struct reasm *r, struct reasm_memory *m)
{
	for (unsigned i = 0; i < SIDES; i++) {
		while (r->side[i].first != POOL_NONE)
			drop_first(&r->side[i], m);
	}
	r->stalled = false;
}
