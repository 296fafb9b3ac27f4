/* The upgrade. Input: a byte that says how many bytes of a word follow; then one event a byte. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "dissectors/starttls.h"

enum { FLAG_MIRROR = 0x80 };

/* RFC 3207 names what a filter on the path leaves of STARTTLS: X, and perhaps a last A. */
static bool model_masked(struct span word, size_t length)
{
	static const char blank[] = "XXXXXXXX";

	if (word.len != length || length == 0 || length >= sizeof(blank))
		return false;
	for (size_t i = 0; i + 1 < length; i++) {
		if ((word.at[i] | 0x20) != 'x')
			return false;
	}
	return (word.at[length - 1] | 0x20) == 'x' || (word.at[length - 1] | 0x20) == 'a';
}

static void as_word(struct span word)
{
	uint8_t *copy = fuzz_copy(word);
	struct span exact = { copy, word.len };

	MUST(starttls_is_masked(exact, strlen("STARTTLS")) == model_masked(exact, 8));
	MUST(starttls_is_masked(exact, strlen("STLS")) == model_masked(exact, 4));
	free(copy);
}

static void event(struct facts *f, unsigned what)
{
	switch (what % 10) {
	case 0: starttls_offered(f); break;
	case 1: starttls_not_offered(f); break;
	case 2: starttls_asked(f); break;
	case 3:
	case 4:
		if (f->answer_pending) /* as the protocols do */
			starttls_answered(f, what % 10 == 3);
		break;
	case 5: starttls_clear(f); break;
	case 6: starttls_offer_masked(f); break;
	case 7: starttls_request_masked(f); break;
	case 8: facts_plain(f, REASON_AUTH_IN_CLEAR); break;
	case 9: upg_step(&f->upgrade, EV_HELLO); break;
	}
}

static void check(const struct facts *before, const struct facts *f)
{
	MUST(f->upgrade > UPG_STAY && f->upgrade < UPG_NSTATES && upg_name(f->upgrade) != NULL);
	MUST(before->s.offered != TRI_TRUE || f->s.offered == TRI_TRUE);
	MUST(!f->granted || (f->s.accepted == TRI_TRUE && !f->answer_pending));
	MUST(!f->answer_pending || f->s.accepted == TRI_NULL);
	MUST(!f->upgrade_broken || f->s.requested == TRI_TRUE);
	MUST(!f->mirrored || (f->decrypted_mirror && f->granted) || before->mirrored);
	MUST(!f->plain || before->plain || !f->mirrored);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cur_over((struct span){ data, size });
	unsigned flags = cur_u8(&c), n = flags & 0x0f;
	struct fuzz_watch watch = { 0 };
	struct facts f;

	facts_init(&f);
	f.s.protocol = PROTOCOL_POP3;
	f.syn_seen = f.visible[CLIENT] = f.visible[SERVER] = true;
	f.decrypted_mirror = flags & FLAG_MIRROR;
	if (n <= cur_left(&c))
		as_word(cur_sub(&c, n));
	while (cur_left(&c) > 0) {
		struct facts before = f;

		event(&f, cur_u8(&c));
		check(&before, &f);
		fuzz_watch(&watch, &f);
	}
	return 0;
}
