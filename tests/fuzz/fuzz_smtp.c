/* An SMTP conversation with gaps. Input: flags, then steps (fuzz.h). */
#include "tests/fuzz/fuzz.h"

#include "dissectors/smtp.h"

enum { FLAG_FROM_THE_START = 1, FLAG_CLIENT_ONLY = 2, FLAG_SERVER_ONLY = 4 };

static void check(const struct smtp *s)
{
	const struct pending *q = &s->queue;

	MUST(q->runs <= PENDING_RUNS && q->head < PENDING_RUNS && q->stale <= q->runs);
	for (unsigned i = 0; i < q->runs; i++)
		MUST(pending_at(q, i) < SMTP_COMMANDS);
	MUST(s->mode <= SMTP_MODE_CHUNK);
	MUST(s->mode == SMTP_MODE_CHUNK || s->chunk_left == 0 || s->lost[CLIENT] || !s->body_seen ||
	     s->mode == SMTP_MODE_COMMAND);
	MUST(!s->answer_ready);
}

/* As mail.c does, but nothing is held: what would wait is a body, or dropped. */
static void client(struct smtp *s, struct facts *f, const uint8_t *data, size_t n)
{
	size_t done = 0;

	while (done < n) {
		size_t taken;

		if (smtp_waits(s, f))
			smtp_presume(s);
		if (smtp_waits(s, f))
			return;
		taken = smtp_client(s, f, data + done, n - done);
		MUST(taken > 0 && taken <= n - done);
		done += taken;
	}
}

static void server(struct smtp *s, struct facts *f, const uint8_t *data, size_t n)
{
	for (size_t done = 0; done < n;) {
		size_t taken = smtp_server(s, f, data + done, n - done);

		MUST(taken > 0 && taken <= n - done);
		done += taken;
		if (!s->answer_ready)
			continue;
		if (smtp_must_presume(s))
			smtp_presume(s);
		smtp_answer(s, f);
	}
}

static void step(struct smtp *s, struct facts *f, const struct fuzz_step *st)
{
	f->visible[st->from] |= !st->gap;
	f->offset[st->from] += st->n;
	if (st->gap)
		smtp_gap(s, f, st->from, st->n);
	else if (st->from == CLIENT)
		client(s, f, st->data, (size_t)st->n);
	else
		server(s, f, st->data, (size_t)st->n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cur_over((struct span){ data, size });
	unsigned flags = cur_u8(&c);
	struct fuzz_watch watch = { 0 };
	struct fuzz_step st;
	struct facts f;
	struct smtp s;

	facts_init(&f);
	f.s.protocol = PROTOCOL_SMTP;
	f.syn_seen = flags & FLAG_FROM_THE_START;
	f.visible[CLIENT] = !(flags & FLAG_SERVER_ONLY);
	f.visible[SERVER] = !(flags & FLAG_CLIENT_ONLY);
	smtp_init(&s, flags & FLAG_FROM_THE_START);
	while (fuzz_step(&c, &st)) {
		step(&s, &f, &st);
		check(&s);
		fuzz_watch(&watch, &f);
		fuzz_step_free(&st);
	}
	return 0;
}
