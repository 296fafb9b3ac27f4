/* reasm_known.c - what is known of a side: where it begins, how far it has sent, and its end. */
#include "sensor/reasm_parts.h"

#include <string.h>

#include "sensor/sequence.h"

void reasm_init(struct reasm *r)
{
	memset(r, 0, sizeof(*r));
	r->side[CLIENT].first = r->side[SERVER].first = POOL_NONE;
}

void reasm_start(struct reasm *r, enum side from, uint32_t seq)
{
	struct reasm_side *s = &r->side[from];
	bool not_waited_for = s->next != seq && r->side[other_side(from)].spoken;

	if (s->from_start)
		return;
	if (s->known && (s->begun || s->before || s->spoken || not_waited_for)) {
		s->before |= seq_after(s->begun ? s->begin : s->next, seq) > 0;
		return;
	}
	s->known = true;
	s->from_start = true;
	s->next = seq;
}

void reasm_stands(struct reasm *r, enum side from, uint32_t seq)
{
	r->side[from].known = true;
	r->side[from].next = seq;
}

void reasm_seen(struct reasm *r, enum side from)
{
	r->side[from].seen = true;
}

void reasm_fin(struct reasm *r, enum side from, uint32_t seq)
{
	r->side[from].has_fin = true;
	r->side[from].fin = seq;
}

void reasm_acked(struct reasm *r, enum side from, uint32_t ack)
{
	struct reasm_side *s = &r->side[from];

	if (!s->known || seq_after(ack, s->next) > ACK_AHEAD_MAX)
		return;
	s->has_acked = true;
	s->acked = ack;
}

bool reasm_finished(const struct reasm *r)
{
	for (unsigned i = 0; i < SIDES; i++) {
		const struct reasm_side *s = &r->side[i];

		if (!s->has_fin || !s->known || s->next != s->fin || s->first != POOL_NONE)
			return false;
	}
	return true;
}

uint32_t reasm_sent_to(const struct reasm_side *s)
{
	uint32_t to = s->has_acked ? s->acked : s->next;
	int32_t more = seq_after(s->sent, to);

	return s->has_sent && more > 0 && more <= ACK_AHEAD_MAX ? s->sent : to;
}

bool reasm_sent_beyond(const struct reasm_side *s)
{
	return s->known && seq_after(reasm_sent_to(s), s->next) > 1 && !reasm_is_absent(s);
}

bool reasm_awaits_side(const struct reasm *r)
{
	for (unsigned i = 0; i < SIDES; i++) {
		if (!r->side[i].seen && reasm_sent_beyond(&r->side[i]))
			return true;
	}
	return false;
}

bool reasm_all_seen(const struct reasm *r, enum side from)
{
	const struct reasm_side *s = &r->side[from];
	int32_t fin = s->has_fin && s->fin == s->next;

	return reasm_is_absent(s) || !s->known || seq_after(reasm_sent_to(s), s->next) <= fin;
}

/* A bare segment stands behind what its side has sent: nothing of that will come again. Where that
 * begins may become known later. */
static void note_sent(struct reasm_side *s, uint32_t seq)
{
	if (s->known && (seq_after(seq, s->next) <= 0 || seq_after(seq, s->next) > ACK_AHEAD_MAX))
		return;
	if (!s->has_sent || seq_after(seq, s->sent) > 0) {
		s->sent = seq;
		s->has_sent = true;
	}
}

void reasm_sent(struct reasm *r, enum side from, uint32_t seq)
{
	note_sent(&r->side[from], seq);
}

/* Where a side begins is only known from its packets or the other's acknowledgments, and nothing of
 * either was handed on. An acknowledgment that comes late tells that it stood further in front: there
 * it begins, or, when some of it was seen already, something is missing there. */
static void note_earlier(struct reasm_side *s, const struct reasm_side *other, uint32_t ack)
{
	if (!s->known || s->from_start || s->spoken || other->spoken ||
	    seq_after(s->next, ack) <= 0 || !seq_in_window(s->next, ack))
		return;
	if (s->begun)
		s->before = true;
	else
		s->next = ack;
}

void reasm_note_ack(struct reasm *r, enum side from, const struct segment *g)
{
	struct reasm_side *s = &r->side[other_side(from)];

	if (g->wire_length == 0)
		note_sent(&r->side[from], g->seq);
	if (!g->has_ack || reasm_is_absent(s))
		return;
	note_earlier(s, &r->side[from], g->ack);
	if (!s->known) { /* the first thing known of that side is where it stands */
		s->known = true;
		s->next = g->ack;
	}
	if (seq_after(g->ack, s->next) > ACK_AHEAD_MAX)
		return;
	if (!s->has_acked || seq_after(g->ack, s->acked) > 0) {
		s->acked = g->ack;
		s->has_acked = true;
	}
}

bool reasm_is_over(const struct reasm_side *s)
{
	bool fin = (s->has_fin && s->fin == s->next) || (s->over && s->over_at == s->next);

	return fin && s->first == POOL_NONE;
}
