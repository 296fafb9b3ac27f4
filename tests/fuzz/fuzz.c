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

void fuzz_same_session(const struct session *a, const struct session *b)
{
	MUST(a->protocol == b->protocol && a->service == b->service);
	MUST(a->verdict == b->verdict && a->reason == b->reason);
	MUST(a->offered == b->offered && a->requested == b->requested);
	MUST(a->accepted == b->accepted && a->auth_clear == b->auth_clear);
	MUST(a->stripped == b->stripped && a->injected == b->injected);
	MUST(a->exposure == b->exposure && a->confirmed == b->confirmed);
	MUST(a->cause == b->cause && a->directions == b->directions);
	MUST(a->findings == b->findings && a->oddities == b->oddities);
	MUST(a->messages == b->messages && a->evidence_len == b->evidence_len);
	MUST(memcmp(a->evidence, b->evidence, a->evidence_len * sizeof(a->evidence[0])) == 0);
	MUST(a->tls_version == b->tls_version && a->tls_cipher == b->tls_cipher);
	MUST(a->tls_group == b->tls_group && a->tls_alert == b->tls_alert);
	MUST(a->tls_resumed == b->tls_resumed);
}

/* Where bytes were cut is seen in no field of the record; times and volumes are not the
 * dissectors'. */
static void same_verdict(const struct facts *f, const struct facts *g, enum ending how)
{
	struct session a, b;

	facts_verdict(f, how, &a);
	facts_verdict(g, how, &b);
	fuzz_same_session(&a, &b);
	MUST(a.ehlo_refused == b.ehlo_refused && a.begun_before == b.begun_before);
	MUST(a.sni_len == b.sni_len && memcmp(a.sni, b.sni, a.sni_len) == 0);
	MUST(a.alpn_len == b.alpn_len && memcmp(a.alpn, b.alpn, a.alpn_len) == 0);
}

void fuzz_same(const struct facts *a, const struct facts *b)
{
	for (unsigned how = ENDING_OPEN; how < ENDINGS; how++)
		same_verdict(a, b, (enum ending)how);
}

static bool grew(uint8_t before, uint8_t now)
{
	return now == TRI_TRUE && before != TRI_TRUE;
}

void fuzz_not_grown(const struct facts *before, const struct facts *now)
{
	const struct session *b = &before->s, *n = &now->s;

	MUST(now->plain == before->plain && n->exposure == b->exposure);
	MUST(!grew(b->offered, n->offered) && !grew(b->requested, n->requested));
	MUST(!grew(b->accepted, n->accepted) && !grew(b->auth_clear, n->auth_clear));
	MUST(n->messages <= b->messages && n->findings == b->findings);
	MUST(n->injected <= b->injected && now->masked <= before->masked);
	MUST(now->granted <= before->granted);
	MUST(now->starttls_refused <= before->starttls_refused);
	MUST(now->exposed_answered <= before->exposed_answered);
	MUST(n->evidence_len <= b->evidence_len + 1);
}
