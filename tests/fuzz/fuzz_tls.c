/* A TLS connection with gaps. Input: flags, then steps (fuzz.h). */
#include "tests/fuzz/fuzz.h"

#include "dissectors/tls.h"

enum { FLAG_CLIENT_ONLY = 1, FLAG_SERVER_ONLY = 2 };

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
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cur_over((struct span){ data, size });
	unsigned flags = cur_u8(&c);
	struct fuzz_watch watch = { 0 };
	struct fuzz_step st;
	struct facts f;
	struct tls t;

	facts_init(&f);
	f.s.protocol = PROTOCOL_SMTP;
	f.syn_seen = f.implicit = true;
	f.visible[CLIENT] = !(flags & FLAG_SERVER_ONLY);
	f.visible[SERVER] = !(flags & FLAG_CLIENT_ONLY);
	tls_init(&t);
	while (fuzz_step(&c, &st)) {
		enum tls_outcome before = f.tls;

		if (st.gap)
			tls_gap(&t, &f, st.from);
		else
			tls_feed(&t, &f, st.from, st.data, (size_t)st.n);
		if (f.tls != TLS_NONE)
			check(&t, &f, before);
		fuzz_watch(&watch, &f);
		fuzz_step_free(&st);
	}
	return 0;
}
