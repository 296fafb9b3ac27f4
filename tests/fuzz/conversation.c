#include "tests/fuzz/conversation.h"

#include <string.h>

struct conversation {
	struct clear clear;
	struct facts facts;
	struct fuzz_watch watch;
	size_t piece;
};

void conversation_check_queue(const struct pending *q, unsigned commands)
{
	MUST(q->runs <= PENDING_RUNS && q->head < PENDING_RUNS && q->stale <= q->runs);
	for (unsigned i = 0; i < q->runs; i++)
		MUST(pending_at(q, i) < commands);
}

static void is_zero(const uint8_t *at, size_t n)
{
	for (size_t i = 0; i < n; i++)
		MUST(at[i] == 0);
}

void conversation_check_line(const struct linebuf *b)
{
	MUST(b->kept <= b->dirty && b->dirty <= LINE_KEPT);
	is_zero(b->buf + b->dirty, (size_t)(LINE_KEPT - b->dirty));
	MUST(linebuf_partial(b) || b->dirty == 0);
}

void conversation_check_words(const struct wordbuf *w)
{
	MUST(w->have <= WORD_KEPT);
	is_zero(w->buf + w->have, (size_t)(WORD_KEPT - w->have));
	MUST(wordbuf_partial(w) || w->have == 0);
}

static void client(struct conversation *v, const uint8_t *data, size_t n)
{
	for (size_t done = 0; done < n;) {
		size_t taken;

		if (clear_waits(&v->clear, &v->facts))
			clear_presume(&v->clear, &v->facts);
		if (clear_waits(&v->clear, &v->facts))
			return;
		taken = clear_client(&v->clear, &v->facts, data + done, n - done);
		MUST(taken > 0 && taken <= n - done);
		done += taken;
	}
}

static void server(struct conversation *v, const uint8_t *data, size_t n)
{
	for (size_t done = 0; done < n;) {
		size_t taken = clear_server(&v->clear, &v->facts, data + done, n - done);

		MUST(taken > 0 && taken <= n - done);
		done += taken;
		if (!clear_answer_ready(&v->clear))
			continue;
		if (clear_must_presume(&v->clear))
			clear_presume(&v->clear, &v->facts);
		clear_answer(&v->clear, &v->facts);
		MUST(!clear_answer_ready(&v->clear));
	}
}

static void feed(struct conversation *v, const struct fuzz_step *st)
{
	size_t n = (size_t)st->n, most = v->piece ? v->piece : n;

	for (size_t at = 0; at < n; at += most) {
		size_t piece = n - at < most ? n - at : most;
		uint8_t *copy = fuzz_copy((struct span){ st->data + at, piece });

		if (st->from == CLIENT)
			client(v, copy, piece);
		else
			server(v, copy, piece);
		free(copy);
	}
}

/* Bytes that nobody saw prove nothing. */
static void gap(struct conversation *v, const struct fuzz_step *st)
{
	struct facts before = v->facts;

	clear_gap(&v->clear, &v->facts, st->from, st->n);
	fuzz_not_grown(&before, &v->facts);
}

/* The first of a side that was not seen from the start: what it said before is missing. */
static void join(struct conversation *v, enum side from)
{
	if (!v->facts.visible[from] && v->facts.syn_seen)
		clear_gap(&v->clear, &v->facts, from, 0);
	v->facts.visible[from] = true;
}

static void run(struct conversation *v, enum protocol protocol, struct span input,
		conversation_check *check)
{
	struct cursor c = cur_over(input);
	unsigned flags = cur_u8(&c);
	struct fuzz_step st;

	facts_init(&v->facts);
	v->facts.s.protocol = (uint8_t)protocol;
	v->facts.syn_seen = flags & FLAG_FROM_THE_START;
	v->facts.visible[CLIENT] = !(flags & FLAG_SERVER_ONLY);
	v->facts.visible[SERVER] = !(flags & FLAG_CLIENT_ONLY);
	clear_init(&v->clear, protocol, flags & FLAG_FROM_THE_START);
	while (fuzz_step(&c, &st)) {
		if (!st.gap)
			join(v, st.from);
		v->facts.offset[st.from] += st.n;
		if (st.gap)
			gap(v, &st);
		else
			feed(v, &st);
		check(&v->clear);
		fuzz_watch(&v->watch, &v->facts);
		fuzz_step_free(&st);
	}
}

void conversation_run(enum protocol protocol, struct span input, conversation_check *check)
{
	struct conversation whole = { .piece = 0 };
	struct conversation cut = { .piece = input.len > 0 ? 1u + (input.at[0] >> 4) : 1 };

	run(&whole, protocol, input, check);
	run(&cut, protocol, input, check);
	fuzz_same(&whole.facts, &cut.facts);
}
