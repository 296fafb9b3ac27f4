/* A whole mail conversation with gaps. Input: flags, then steps (fuzz.h). */
#include "tests/fuzz/fuzz.h"

#include "dissectors/mail.h"

enum { FLAG_FROM_THE_START = 1, FLAG_NOT_SMTP = 2, FLAG_SERVER_SILENT = 4 };

static void check(const struct mail *m)
{
	MUST(m->held <= MAIL_HOLD);

	MUST(m->tls.kept <= TLS_HELLO_KEPT);
	MUST(!clear_answer_ready(&m->clear));
	MUST(mail_likeness(m) <= MAIL_SURE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cur_over((struct span){ data, size });
	unsigned flags = cur_u8(&c);
	struct fuzz_watch watch = { 0 };
	struct fuzz_step st;
	struct mail *m = malloc(sizeof(*m));

	MUST(m != NULL);
	mail_init(m, flags & FLAG_NOT_SMTP ? PROTOCOL_IMAP : PROTOCOL_SMTP, SERVICE_MTA,
		  flags & FLAG_FROM_THE_START);
	m->facts.visible[CLIENT] = true;
	m->facts.visible[SERVER] = !(flags & FLAG_SERVER_SILENT);
	while (fuzz_step(&c, &st)) {
		enum mail_likeness before = mail_likeness(m);

		if (st.gap)
			mail_gap(m, st.from, st.n);
		else
			mail_feed(m, st.from, st.data, (size_t)st.n);
		check(m);
		MUST(before != MAIL_SURE || mail_likeness(m) == MAIL_SURE);
		fuzz_watch(&watch, &m->facts);
		fuzz_step_free(&st);
	}
	free(m);
	return 0;
}
