#include "tests/fuzz/fuzz.h"

#include <string.h>

uint8_t *fuzz_copy(struct span s)
{
	uint8_t *copy = malloc(s.len ? s.len : 1);

	MUST(copy != NULL);
	if (s.len > 0)
		memcpy(copy, s.at, s.len);
	return copy;
}

bool fuzz_step(struct cursor *c, struct fuzz_step *out)
{
	unsigned flags = cur_u8(c);
	size_t n = flags & STEP_LONG ? cur_be16(c) : cur_u8(c);

	*out = (struct fuzz_step){ .from = flags & STEP_SERVER ? SERVER : CLIENT };
	if (!c->ok)
		return false;
	out->gap = flags & STEP_GAP;
	if (out->gap) {
		out->n = flags & STEP_HUGE ? (uint64_t)n << 32 : n;
		return true;
	}
	out->n = n < cur_left(c) ? n : cur_left(c);
	out->data = fuzz_copy(cur_sub(c, (size_t)out->n));
	return true;
}

void fuzz_step_free(struct fuzz_step *s)
{
	free(s->data);
	s->data = NULL;
}

static void watch_answers(const struct session *s)
{
	MUST(s->accepted != TRI_TRUE || s->requested == TRI_TRUE);
	MUST(s->stripped != STRIPPED_REFUSED || s->offered == TRI_TRUE);
	MUST((s->verdict == VERDICT_PLAINTEXT) == (s->exposure != EXPOSURE_NONE));
	MUST((s->verdict == VERDICT_PLAINTEXT) == (s->confirmed != TRI_NULL));
	MUST((s->verdict == VERDICT_PLAINTEXT) == (s->cause != CAUSE_NONE));
	MUST((s->verdict == VERDICT_NONE) == (s->reason == REASON_NONE));
}

/* What is decided stays decided. */
static void watch_decision(struct fuzz_watch *before, const struct facts *f)
{
	struct session s;
	enum verdict open = facts_verdict(f, ENDING_OPEN, &s);

	watch_answers(&s);
	MUST(before->open == VERDICT_NONE || open == before->open);
	before->open = open;
	for (unsigned how = ENDING_OPEN + 1; how < ENDINGS; how++) {
		enum verdict v = facts_verdict(f, (enum ending)how, &s);

		MUST(v != VERDICT_NONE && session_valid(&s));
		MUST(open == VERDICT_NONE || v == open);
		MUST(v == VERDICT_PLAINTEXT || !f->plain);
		watch_answers(&s);
	}
}

void fuzz_watch(struct fuzz_watch *before, const struct facts *f)
{
	MUST(f->plain >= before->plain);
	MUST(f->s.exposure >= before->exposure);
	MUST(f->s.evidence_len <= EVIDENCE_MAX);
	MUST(!before->sealed || f->tls == TLS_COMPLETE);
	before->plain = f->plain;
	before->exposure = f->s.exposure;
	if (!before->sealed)
		watch_decision(before, f);
	before->sealed = f->tls == TLS_COMPLETE;
}
