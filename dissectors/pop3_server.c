/* pop3_server.c - the server's half: answers, lists and messages, and what they conclude. */
#include "dissectors/pop3_state.h"

#include <string.h>

#include "dissectors/pop3_words.h"
#include "dissectors/starttls.h"
#include "dissectors/tls_record.h"

/* Lines behind a +OK --------------------------------------------------------------------------- */

static void capability(struct pop3 *s, struct facts *f, struct span line)
{
	struct span word = span_word(line, NULL);

	if (span_is(word, "STLS")) {
		s->stls_listed = true;
		starttls_offered(f);
	} else if (starttls_is_masked(word, strlen("STLS"))) {
		starttls_offer_masked(f);
	}
}

static void body_line(struct pop3 *s, struct facts *f)
{
	if (s->multi_torn) /* it may be over */
		return;
	if (!s->body_seen)
		facts_evidence(f, WORD_BODY);
	s->body_seen = true;
	facts_plain(f, REASON_CONTENT_IN_CLEAR);
	facts_expose(f, EXPOSURE_CONTENT, f->offset[CLIENT]);
	f->exposed_answered |= f->s.exposure == EXPOSURE_CONTENT;
}

/* Only the server is in the capture: a +OK with lines behind it that are capabilities was the
 * answer to CAPA; any other hides who knows what. */
static void explain_alone(struct pop3 *s, struct facts *f)
{
	if (s->multi_of != POP3_COMMANDS && s->multi_of != POP3_OTHER)
		return;
	if (!s->stls_listed)
		f->clear_gap[CLIENT] = true;
	s->unexplained = f->granted = false;
}

static void multiline_ended(struct pop3 *s, struct facts *f)
{
	s->multiline = false;
	if (s->multi_of == POP3_CAPA && !s->lost[SERVER] && !s->signed_in && !s->stls_listed)
		starttls_not_offered(f);
	explain_alone(s, f);
	s->stls_listed = false;
}

static void multiline(struct pop3 *s, struct facts *f, struct span text)
{
	if (span_is(text, ".")) {
		multiline_ended(s, f);
		return;
	}
	if (s->multi_of == POP3_CAPA || (s->multi_of == POP3_COMMANDS && !s->multi_torn))
		capability(s, f, text);
	else if (s->multi_of == POP3_RETR)
		body_line(s, f);
}

static void begin_multiline(struct pop3 *s, unsigned command)
{
	s->multiline = true;
	s->multi_of = (uint8_t)command;
	s->multi_doubted = s->lost[CLIENT];
	s->multi_torn = s->stls_listed = s->body_seen = false;
}

/* Answers -------------------------------------------------------------------------------------- */

/* Where only the server is seen, what follows a +OK tells whether it had lines behind it. Those of
 * the first answer can only be capabilities; later ones, and behind a gap all, may be messages. */
static bool begins_unknown_list(const struct pop3 *s, const struct facts *f)
{
	return !f->visible[CLIENT] && s->unexplained;
}

/* A list whose lone dot was forgotten: only messages have lines that look like an answer. Where
 * commands were lost a message that begins with one is none: the +OK was not to RETR. */
static bool is_next_answer(const struct pop3 *s, struct span line)
{
	enum pop3_status status = pop3_read_status(line);
	bool message = s->multi_of == POP3_RETR && (s->body_seen || !s->multi_doubted);

	return !message && (status == POP3_OK || status == POP3_ERR);
}

static void server_line(struct pop3 *s, struct facts *f, const struct line *l)
{
	if (l->too_long)
		facts_oddity(f, ODDITY_LINE_TOO_LONG);
	if (l->bare_lf && l->text.len > 0)
		facts_oddity(f, ODDITY_BARE_LF);
	if (s->multiline && is_next_answer(s, l->text))
		s->multiline = false;
	if (s->multiline) {
		multiline(s, f, l->text);
		return;
	}
	if (l->text.len == 0)
		return;
	starttls_clear(f);
	s->status = (uint8_t)pop3_read_status(l->text);
	s->answer_ready = s->status != POP3_NO_STATUS;
	if (s->answer_ready) {
		s->greeting_text = pop3_is_greeting_text(l->text);
	} else if (begins_unknown_list(s, f)) {
		begin_multiline(s, s->answers == 1 && f->greeted && !s->lost[SERVER] ? POP3_COMMANDS
										     : POP3_OTHER);
		multiline(s, f, l->text);
	} else if (!s->lost[SERVER]) {
		facts_strange_answer(f);
		s->spoken = true;
	}
}

size_t pop3_server(struct pop3 *s, struct facts *f, const uint8_t *data, size_t n)
{
	size_t done = 0;

	while (done < n && !s->answer_ready) {
		struct line l;
		bool complete;

		if (done > 0 && pop3_at_line_start(s, SERVER) && tls_record_first(data[done]))
			return done;
		done += linebuf_feed(&s->line[SERVER], data + done, n - done, &l, &complete);
		if (!complete)
			continue;
		server_line(s, f, &l);
		linebuf_reset(&s->line[SERVER]); /* it may have been of a message */
	}
	return done;
}

/* Conclusions ---------------------------------------------------------------------------------- */

/* After a gap in the client's bytes only a yes belongs to this command for sure. */
static void answered_login(struct pop3 *s, struct facts *f, enum pop3_command c, bool yes)
{
	bool sure = !s->lost[CLIENT];

	f->unanswered -= f->unanswered > 0;
	if (!sure && yes) {
		f->s.auth_clear = TRI_TRUE;
		facts_plain(f, REASON_AUTH_IN_CLEAR);
	}
	if (f->plain && (s->credentials || (c == POP3_USER && yes && !s->lost[SERVER]))) {
		facts_expose(f, EXPOSURE_CREDENTIALS, f->offset[CLIENT]);
		f->exposed_answered |= f->s.exposure == EXPOSURE_CREDENTIALS;
	} else if (!yes && sure) {
		facts_expose(f, EXPOSURE_REFUSED, f->offset[CLIENT]);
	}
	if (yes && c != POP3_USER) {
		s->signed_in = true;
		facts_signed_in(f);
	}
	s->auth_dialogue = false;
}

static void answered_stls(struct facts *f, bool yes)
{
	if (f->answer_pending)
		starttls_answered(f, yes);
}

static void answered(struct pop3 *s, struct facts *f, enum pop3_command c, bool yes)
{
	switch (c) {
	case POP3_STLS: answered_stls(f, yes); break;
	case POP3_USER:
	case POP3_PASS:
	case POP3_APOP:
	case POP3_AUTH:
	case POP3_AUTH_DATA: answered_login(s, f, c, yes); break;
	case POP3_OTHER:
	case POP3_CAPA:
	case POP3_AUTH_LIST:
	case POP3_LIST_ALL:
	case POP3_RETR:
	case POP3_SIGNED_IN:
	case POP3_QUIT:
	case POP3_COMMANDS: break;
	}
	if (yes && pop3_is_multiline(c))
		begin_multiline(s, c);
	f->protocol_sure |= c != POP3_OTHER && c != POP3_QUIT && f->greeted;
}

static void server_alone(struct pop3 *s, struct facts *f)
{
	s->answers = (uint8_t)(s->answers + (s->answers < UINT8_MAX));
	switch ((enum pop3_status)s->status) {
	case POP3_OK:
		if (s->unexplained)
			f->clear_gap[CLIENT] = true;
		s->unexplained = f->granted = true;
		break;
	case POP3_ERR: f->clear_gap[CLIENT] = true; break;
	case POP3_CONTINUE: /* belongs to AUTH alone */
		f->s.auth_clear = TRI_TRUE;
		facts_plain(f, REASON_AUTH_IN_CLEAR);
		facts_expose(f, EXPOSURE_UNKNOWN, 0);
		f->exposed_answered = true;
		break;
	case POP3_NO_STATUS: break;
	}
}

/* The first thing that the server says. A +OK that may as well be the answer to a command must
 * read like a greeting; without a SYN the client's next command must also begin a session. */
static bool is_greeting(const struct pop3 *s, const struct facts *f)
{
	if (f->greeted || f->perhaps_greeted || s->spoken || s->status == POP3_CONTINUE)
		return false;
	if (s->lost[SERVER])
		return s->status == POP3_OK && f->offset[CLIENT] == 0 && s->greeting_text;
	return s->queue.runs == 0 || s->greeting_text;
}

static void matched(struct pop3 *s, struct facts *f)
{
	unsigned oldest = pending_oldest(&s->queue);

	if (oldest == PENDING_NONE) {
		if (!f->visible[CLIENT])
			server_alone(s, f);
		else
			facts_oddity(f, ODDITY_UNSOLICITED_REPLY);
		return;
	}
	if (s->queue.stale > 0) /* whose answer this is nobody knows */
		return;
	if (s->status == POP3_CONTINUE && oldest != POP3_AUTH && oldest != POP3_AUTH_DATA) {
		facts_oddity(f, ODDITY_REPLY_MISMATCH);
		return;
	}
	pending_pop(&s->queue);
	if (s->status == POP3_CONTINUE)
		s->auth_dialogue = true;
	else
		answered(s, f, (enum pop3_command)oldest, s->status == POP3_OK);
}

void pop3_answer(struct pop3 *s, struct facts *f)
{
	static const uint16_t words[] = {
		[POP3_OK] = WORD_POP_OK,
		[POP3_ERR] = WORD_POP_ERR,
		[POP3_CONTINUE] = WORD_CONTINUE,
	};

	facts_evidence(f, words[s->status]);
	if (is_greeting(s, f)) {
		if (f->syn_seen)
			facts_greeted(f, s->lost);
		else
			f->perhaps_greeted = true;
	} else {
		f->perhaps_greeted = false; /* the client had asked for something before */
		matched(s, f);
	}
	s->spoken = true;
	s->answer_ready = false;
}
