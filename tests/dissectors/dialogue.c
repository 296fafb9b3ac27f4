#include "tests/dissectors/dialogue.h"

#include "tests/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/dissectors/script.h"

void dialogue_start(struct dialogue *d, enum protocol protocol, enum view view)
{
	facts_init(&d->f);
	clear_init(&d->s, protocol, view != MID_STREAM);
	d->f.s.protocol = (uint8_t)protocol;
	d->f.s.service = protocol == PROTOCOL_SMTP ? SERVICE_MTA : SERVICE_ACCESS;
	d->f.syn_seen = view != MID_STREAM;
	d->f.visible[CLIENT] = view != SERVER_ONLY;
	d->f.visible[SERVER] = view != CLIENT_ONLY;
}

void dialogue_check(const struct dialogue *d, const struct facts *before)
{
	const struct facts *f = &d->f;
	struct session out;

	assert_true(f->upgrade > UPG_STAY && f->upgrade < UPG_NSTATES);
	assert_true(f->plain >= before->plain);
	assert_true(f->s.exposure >= before->s.exposure);
	assert_true(f->s.exposure < EXPOSURE_ENVELOPE || f->plain);
	assert_true((f->s.findings & before->s.findings) == before->s.findings);
	assert_true(f->s.accepted == TRI_NULL || f->s.requested == TRI_TRUE);
	assert_true(!f->granted || f->s.accepted == TRI_TRUE || !f->visible[CLIENT]);
	assert_true(!f->answer_pending || f->s.accepted == TRI_NULL);
	assert_true(f->s.offered >= before->s.offered);
	facts_verdict(f, ENDING_CLOSED, &out);
	assert_true(session_valid(&out));
}

/* Bytes -------------------------------------------------------------------------------------- */

static size_t feed(struct dialogue *d, enum side from, const uint8_t *data, size_t n)
{
	size_t done = 0;

	while (done < n) {
		size_t taken;

		if (from == CLIENT)
			taken = clear_client(&d->s, &d->f, data + done, n - done);
		else
			taken = clear_server(&d->s, &d->f, data + done, n - done);
		assert_true(taken <= n - done);
		if (taken == 0)
			break;
		done += taken;
		if (clear_answer_ready(&d->s))
			clear_answer(&d->s, &d->f);
		assert_false(clear_answer_ready(&d->s));
	}
	return done;
}

/* A copy on the heap, so that a byte read too many is found. */
static size_t segment(struct dialogue *d, enum side from, const void *data, size_t n)
{
	uint8_t *copy = malloc(n);
	size_t taken;

	assert_non_null(copy);
	memcpy(copy, data, n);
	d->f.offset[from] += n;
	taken = feed(d, from, copy, n);
	free(copy);
	return taken;
}

size_t dialogue_say(struct dialogue *d, enum side from, const char *text)
{
	return segment(d, from, text, strlen(text));
}

void dialogue_run(struct dialogue *d, const char *script, size_t piece, dialogue_promise *check)
{
	struct step st;

	while (script_step(&script, &st)) {
		struct facts before = d->f;

		d->f.offset[st.from] += st.gap;
		if (st.gap)
			clear_gap(&d->s, &d->f, st.from, st.gap);
		for (size_t at = 0; at < st.bytes.n; at += piece) {
			size_t n = st.bytes.n - at < piece ? st.bytes.n - at : piece;

			assert_int_equal(segment(d, st.from, st.bytes.at + at, n), n);
		}
		check(d, &before);
	}
}

/* Talks -------------------------------------------------------------------------------------- */

static int own(enum protocol protocol, const struct session *s)
{
	switch (protocol) {
	case PROTOCOL_SMTP: return s->messages;
	case PROTOCOL_IMAP: return s->findings;
	case PROTOCOL_POP3: return s->auth_clear;
	case PROTOCOL_NONE:
	case PROTOCOL_N: break;
	}
	fail();
	return 0;
}

static void evidence_text(const struct session *s, char *out, size_t room)
{
	size_t n = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < s->evidence_len; i++) {
		const char *word = word_name(s->evidence[i]);
		const char *space = i ? " " : "";

		if (word)
			n += (size_t)snprintf(out + n, room - n, "%s%s", space, word);
		else
			n += (size_t)snprintf(out + n, room - n, "%s%u", space, s->evidence[i]);
	}
}

static bool as_expected(const struct talk *t, const struct session *s, int own_of_s)
{
	return s->verdict == t->verdict && s->exposure == t->exposure && s->offered == t->offered &&
	       s->requested == t->requested && s->accepted == t->accepted && own_of_s == t->own &&
	       s->oddities == t->oddities;
}

static void one_talk(enum protocol protocol, const struct talk *t, size_t piece,
		     dialogue_promise *check)
{
	struct dialogue d;
	struct session s;
	char evidence[256];

	dialogue_start(&d, protocol, t->view);
	dialogue_run(&d, t->script, piece, check);
	facts_verdict(&d.f, ENDING_CLOSED, &s);
	evidence_text(&s, evidence, sizeof(evidence));
	if (!as_expected(t, &s, own(protocol, &s)))
		fail_msg("%s: %s %u, offered %u requested %u accepted %u, own %d, oddities %x, "
			 "evidence %s",
			 t->script, verdict_name((enum verdict)s.verdict), s.exposure, s.offered,
			 s.requested, s.accepted, own(protocol, &s), s.oddities, evidence);
	if (t->evidence)
		assert_string_equal(evidence, t->evidence);
}

void dialogue_talks(enum protocol protocol, const struct talk *talks, size_t n,
		    dialogue_promise *check)
{
	static const size_t pieces[] = { SIZE_MAX, 1, 2, 7 };

	for (size_t i = 0; i < n; i++) {
		for (size_t p = 0; p < sizeof(pieces) / sizeof(pieces[0]); p++)
			one_talk(protocol, &talks[i], pieces[p], check);
	}
}
