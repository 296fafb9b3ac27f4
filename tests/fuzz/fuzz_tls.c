/* A TLS connection with gaps. Input: flags, then steps (fuzz.h). */
#include "tests/fuzz/fuzz.h"

#include "dissectors/tls.h"

enum { FLAG_CLIENT_ONLY = 1, FLAG_SERVER_ONLY = 2 };

/* The first certificate comes in order, and within what it says it has. */
struct leaf {
	uint32_t at, total;
};

static void leaf_part(void *ctx, uint32_t at, uint32_t total, const uint8_t *data, size_t n)
{
	struct leaf *l = ctx;

	MUST(n > 0 && at <= total && n <= total - at);
	MUST(data[0] == data[0] && data[n - 1] == data[n - 1]);
	MUST(at == 0 || (at == l->at && total == l->total));
	l->at = at + (uint32_t)n;
	l->total = total;
}

/* What is not observable is not claimed, and what ended nothing is no alert. */
static void check_handshake(const struct session *s, enum tls_outcome now)
{
	MUST(s->alpn_len <= ALPN_LIST_MAX && s->alpn[s->alpn_len] == '\0');
	MUST(s->tls_group >= TLS_GROUP_NONE && s->tls_group <= UINT16_MAX);
	MUST(s->tls_alert == TLS_ALERT_NONE || now == TLS_ALERT);
	MUST(s->tls_resumed == TRI_NULL || s->tls_version != 0);
	MUST(s->certificate.state == CERTIFICATE_NONE ||
	     s->certificate.state == CERTIFICATE_NOT_OBSERVABLE);
	MUST(s->certificate.state == CERTIFICATE_NONE || s->tls_resumed != TRI_NULL);
}

static void check(const struct tls *t, const struct facts *f, enum tls_outcome before)
{
	MUST(t->kept <= TLS_HELLO_KEPT);
	for (unsigned i = 0; i < SIDES; i++) {
		MUST(t->side[i].head_have <= sizeof(t->side[i].head));
		MUST(t->side[i].alert_have < sizeof(t->side[i].alert));
		MUST(t->side[i].record.have <= TLS_RECORD_HEADER);
	}
	MUST(f->tls != TLS_NONE);
	MUST(before != TLS_COMPLETE || f->tls == TLS_COMPLETE);
	MUST(before != TLS_ALERT || f->tls != TLS_UNFINISHED);
	MUST(f->s.sni_len <= SNI_MAX && f->s.sni[f->s.sni_len] == '\0');
	check_handshake(&f->s, f->tls);
}

/* As its user does: what stands behind a record is offered again. */
static void feed(struct tls *t, struct facts *f, const struct fuzz_step *st)
{
	size_t n = (size_t)st->n;

	for (size_t done = 0, taken; done < n; done += taken) {
		taken = tls_feed(t, f, st->from, st->data + done, n - done);
		MUST(taken > 0 && taken <= n - done);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cur_over((struct span){ data, size });
	unsigned flags = cur_u8(&c);
	struct fuzz_watch watch = { 0 };
	struct leaf leaf = { 0, 0 };
	const struct tls_leaf_sink sink = { leaf_part, &leaf };
	struct fuzz_step st;
	struct facts f;
	struct tls t;

	facts_init(&f);
	f.s.protocol = PROTOCOL_SMTP;
	f.syn_seen = f.implicit = true;
	f.visible[CLIENT] = !(flags & FLAG_SERVER_ONLY);
	f.visible[SERVER] = !(flags & FLAG_CLIENT_ONLY);
	tls_init(&t);
	t.leaf = &sink;
	while (fuzz_step(&c, &st)) {
		enum tls_outcome before = f.tls;

		if (st.gap)
			tls_gap(&t, &f, st.from);
		else
			feed(&t, &f, &st);
		if (f.tls != TLS_NONE)
			check(&t, &f, before);
		fuzz_watch(&watch, &f);
		fuzz_step_free(&st);
	}
	return 0;
}
