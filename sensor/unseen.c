#include "sensor/unseen.h"

#include <string.h>

#include "sensor/sequence.h"

#define AHEAD_MAX (1 << 30) /* no window is larger (RFC 7323, 2.2): it is not to be believed */

void unseen_begin(struct unseen *u, enum side side, uint32_t seq, bool seen)
{
	struct unseen_side *s = &u->side[side];

	s->next = seq;
	s->known = true;
	s->seen = seen;
}

/* Holes -------------------------------------------------------------------------------------- */

static void remove_hole(struct unseen *u, enum side side, unsigned i)
{
	struct unseen_hole *h = u->hole[side];
	unsigned left = --u->side[side].holes;

	memmove(&h[i], &h[i + 1], (left - i) * sizeof(*h));
}

/* The second is acknowledged later than the first, if it is. */
static void join_oldest(struct unseen *u, enum side side)
{
	struct unseen_hole *h = u->hole[side];

	h[1].from = h[0].from;
	h[1].missing += h[0].missing;
	remove_hole(u, side, 0);
}

/* Up to here this side has sent something, and nothing of it was seen. */
static void open_hole(struct unseen *u, enum side side, uint32_t to)
{
	struct unseen_side *s = &u->side[side];

	if (s->holes == UNSEEN_HOLES)
		join_oldest(u, side);
	u->hole[side][s->holes++] = (struct unseen_hole){ s->next, to, to - s->next, 0 };
	s->next = to;
}

/* What lies in the hole of [seq, end) is not missing. */
static void fill_hole(struct unseen_hole *h, uint32_t seq, uint32_t end)
{
	uint32_t from = seq_after(seq, h->from) > 0 ? seq : h->from;
	uint32_t to = seq_after(h->to, end) > 0 ? end : h->to;
	int32_t n = seq_after(to, from);

	if (n <= 0)
		return;
	h->missing -= (uint32_t)n < h->missing ? (uint32_t)n : h->missing;
	if (from == h->from)
		h->from = to;
	else if (to == h->to)
		h->to = from;
}

static void fill(struct unseen *u, enum side side, uint32_t seq, uint32_t end)
{
	for (unsigned i = u->side[side].holes; i > 0; i--) {
		fill_hole(&u->hole[side][i - 1], seq, end);
		if (u->hole[side][i - 1].missing == 0)
			remove_hole(u, side, i - 1);
	}
}

/* Counts what has been acknowledged for long enough. */
static void settle(struct unseen *u, enum side side, uint64_t now_ms)
{
	const struct unseen_side *s = &u->side[side];

	for (unsigned i = s->holes; i > 0; i--) {
		struct unseen_hole *h = &u->hole[side][i - 1];

		if (!s->has_acked || seq_after(h->to, s->acked) > 0)
			continue;
		if (h->due_ms == 0) {
			h->due_ms = (uint32_t)(now_ms + UNSEEN_WAIT_MS) | 1;
		} else if ((int32_t)((uint32_t)now_ms - h->due_ms) >= 0) {
			u->bytes += h->missing;
			remove_hole(u, side, i - 1);
		}
	}
}

/* Packets ------------------------------------------------------------------------------------ */

/* A number by itself may be a FIN that was not seen. */
static void note_tail(struct unseen *u, enum side side)
{
	const struct unseen_side *s = &u->side[side];

	if (s->seen && s->has_acked && seq_after(s->acked, s->next) > 1)
		open_hole(u, side, s->acked);
}

void unseen_acked(struct unseen *u, enum side side, uint32_t ack)
{
	struct unseen_side *s = &u->side[side];

	if (s->has_acked && seq_after(ack, s->acked) <= 0)
		return;
	if (s->known && seq_after(ack, s->next) >= AHEAD_MAX)
		return;
	s->acked = ack;
	s->has_acked = true;
	note_tail(u, side);
}

/* Not what comes next: a first packet, one that is ahead, or one that is late. */
static void note_other(struct unseen *u, enum side side, uint32_t seq, uint32_t end)
{
	struct unseen_side *s = &u->side[side];
	int32_t ahead;

	if (!s->known) /* what was acknowledged before may be older than the capture */
		s->next = s->has_acked && seq_after(s->acked, seq) > 0 ? s->acked : seq;
	s->known = s->seen = true;
	ahead = seq_after(seq, s->next);
	if (ahead >= AHEAD_MAX) { /* it is another stream, of which nothing is known */
		s->holes = 0;
		s->next = seq;
	} else if (ahead > 0 && end != seq) {
		open_hole(u, side, seq);
	}
	fill(u, side, seq, end);
}

static void note_sent(struct unseen *u, enum side side, uint32_t seq, uint32_t end)
{
	struct unseen_side *s = &u->side[side];

	if (seq != s->next || !s->seen)
		note_other(u, side, seq, end);
	if (end != seq && seq_after(end, s->next) > 0)
		s->next = end;
	note_tail(u, side);
}

/* What most packets are: the next of its side, which acknowledges what was seen. */
static bool is_plain(const struct unseen_side *s, const struct unseen_side *o,
		     const struct packet *p)
{
	return (p->flags & (TCP_SYN | TCP_FIN | TCP_RST | TCP_ACK)) == TCP_ACK &&
	       p->seq == s->next && seq_after(p->ack, o->next) <= 0 && !(s->holes | o->holes) &&
	       s->seen && o->has_acked;
}

/* A reset may be anybody's, and nothing is sent with it. */
void unseen_packet(struct unseen *u, enum side from, const struct packet *p, uint64_t now_ms)
{
	struct unseen_side *s = &u->side[from], *o = &u->side[other_side(from)];
	uint32_t seq = p->seq + (p->flags & TCP_SYN ? 1 : 0);

	if (is_plain(s, o, p)) {
		s->next += p->wire_length;
		if (seq_after(p->ack, o->acked) > 0)
			o->acked = p->ack;
		return;
	}
	if (p->flags & TCP_RST)
		return;
	note_sent(u, from, seq, seq + p->wire_length + (p->flags & TCP_FIN ? 1 : 0));
	if (p->flags & TCP_ACK)
		unseen_acked(u, other_side(from), p->ack);
	settle(u, CLIENT, now_ms);
	settle(u, SERVER, now_ms);
}

/* The end ------------------------------------------------------------------------------------ */

static void settle_all(struct unseen *u, enum side side)
{
	struct unseen_side *s = &u->side[side];

	for (unsigned n = 0; s->has_acked && n < s->holes; n++) {
		const struct unseen_hole *h = &u->hole[side][n];
		int32_t acked = seq_after(s->acked, h->from);
		uint32_t most = acked > 0 ? (uint32_t)acked : 0;

		u->bytes += most < h->missing ? most : h->missing;
	}
	s->holes = 0;
}

void unseen_end(struct unseen *u)
{
	settle_all(u, CLIENT);
	settle_all(u, SERVER);
}

uint64_t unseen_take(struct unseen *u)
{
	uint64_t bytes = u->bytes;

	u->bytes = 0;
	return bytes;
}
