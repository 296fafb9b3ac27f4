/* imap_client.c - the client's half: commands, AUTHENTICATE exchanges, literals. */
#include "dissectors/imap_state.h"

#include "dissectors/imap_words.h"
#include "dissectors/starttls.h"

#define TAG_AND_COMMAND 2 /* words before the first argument */

static void client_word(struct imap *s, const struct words_word *w)
{
	unsigned word;

	switch (w->index) {
	case 0:
		s->request.tag = w->hash;
		s->request.star = span_is(w->text, "*");
		break;
	case 1:
		s->request.command = (uint8_t)imap_read_command(w->text, &word);
		s->request.word = (uint16_t)word;
		if (starttls_is_masked(w->text, sizeof("STARTTLS") - 1))
			s->request.word = WORD_MASKED;
		break;
	case 3: s->request.empty = span_is(w->text, "="); break;
	}
}

static void login(const struct imap *s, struct facts *f)
{
	if (s->lost[CLIENT])
		return;
	f->s.auth_clear = TRI_TRUE;
	facts_plain(f, REASON_AUTH_IN_CLEAR);
	f->unanswered++;
}

static void asked(struct imap *s, struct facts *f)
{
	enum imap_command c = (enum imap_command)s->request.command;

	switch (c) {
	case IMAP_LOGIN:
	case IMAP_AUTHENTICATE: login(s, f); break;
	case IMAP_STARTTLS:
		if (!s->lost[CLIENT])
			starttls_asked(f);
		break;
	case IMAP_LOGOUT: f->quit = true; break;
	case IMAP_APPEND:
	case IMAP_MAILBOX:
	case IMAP_SIGNED_IN:
		if (s->preauth && !s->lost[CLIENT])
			facts_plain(f, REASON_PREAUTH_IN_CLEAR);
		facts_asked_for_content(f);
		break;
	case IMAP_OTHER:
	case IMAP_HARMLESS:
	case IMAP_CAPABILITY:
	case IMAP_COMPRESS:
	case IMAP_COMMANDS: break;
	}
}

/* A client that begins like this was not there before. */
static bool is_first_command(enum imap_command c)
{
	return c == IMAP_CAPABILITY || c == IMAP_STARTTLS || c == IMAP_LOGIN ||
	       c == IMAP_AUTHENTICATE;
}

/* The command is known: at the end of its line, or at its first literal. */
static void begin_command(struct imap *s, struct facts *f, unsigned arguments)
{
	enum imap_command c = (enum imap_command)s->request.command;

	if (!f->greeted && f->offset[SERVER] == 0 && f->syn_seen)
		facts_oddity(f, ODDITY_NO_GREETING);
	if (f->perhaps_greeted && is_first_command(c))
		facts_greeted(f, s->lost);
	f->perhaps_greeted = false;
	if (arguments == 0 && (c == IMAP_LOGIN || c == IMAP_AUTHENTICATE))
		s->request.command = IMAP_OTHER; /* of whom? */
	imap_push(s, f);
	if (s->request.word == WORD_MASKED)
		starttls_request_masked(f);
	else
		facts_evidence(f, s->request.word);
	asked(s, f);
}

/* True when the line carries what a login is made of: a name and a password, or an initial
 * response (RFC 4959). */
static bool has_credentials(const struct imap_request *r, unsigned arguments)
{
	if (r->command == IMAP_LOGIN)
		return arguments >= 2;
	return r->command == IMAP_AUTHENTICATE && arguments >= 2 && !r->empty;
}

static void end_command(struct imap *s, struct facts *f, unsigned arguments)
{
	if (!has_credentials(&s->request, arguments))
		return;
	if (s->queued > 0)
		s->queue[s->queued - 1].credentials = true;
	if (!s->lost[CLIENT])
		facts_expose(f, EXPOSURE_CREDENTIALS, f->offset[CLIENT]);
}

/* A line of an AUTHENTICATE exchange (RFC 9051, 6.2.2). Without the "+" (not seen) it is one that
 * has no tag. */
static bool is_auth_data(const struct imap *s, unsigned words)
{
	return s->auth_dialogue || (words == 1 && imap_newest(s) == IMAP_AUTHENTICATE);
}

static void auth_data(struct imap *s, struct facts *f, unsigned words)
{
	s->auth_dialogue = false;
	if (words == 0 || s->request.star || imap_newest(s) != IMAP_AUTHENTICATE)
		return;
	s->queue[s->queued - 1].credentials = true;
	if (!s->lost[CLIENT])
		facts_expose(f, EXPOSURE_CREDENTIALS, f->offset[CLIENT]);
}

/* The line goes on behind a literal. Without the server nobody knows whether it wanted it. */
static void begin_literal(struct imap *s, struct facts *f, const struct words_line *l)
{
	if (l->plus) {
		s->unasked_literal = true;
		imap_begin_literal(s, f, CLIENT, l->size);
		return;
	}
	s->waits = true;
	s->literal_size = l->size;
	if (!f->visible[SERVER])
		imap_presume(s, f);
}

static void note_form(struct facts *f, const struct words_line *l)
{
	if (l->too_long)
		facts_oddity(f, ODDITY_LINE_TOO_LONG);
	if (l->words > 0 && l->bare_lf)
		facts_oddity(f, ODDITY_BARE_LF);
	if (l->bad)
		facts_oddity(f, ODDITY_BAD_LITERAL);
}

/* After a gap a line without a command of ours is the rest of something that was not seen. */
static bool is_command(const struct imap *s, unsigned words)
{
	if (s->request.pushed)
		return true;
	return words >= TAG_AND_COMMAND && !(s->lost[CLIENT] && s->request.command == IMAP_OTHER);
}

static void client_line(struct imap *s, struct facts *f, const struct words_line *l)
{
	unsigned words = l->words;
	unsigned arguments = words > TAG_AND_COMMAND ? words - TAG_AND_COMMAND : 0;

	note_form(f, l);
	if (words > 0)
		starttls_clear(f);
	if (!s->request.pushed && is_auth_data(s, words)) {
		auth_data(s, f, words);
	} else if (is_command(s, words)) {
		f->protocol_sure |= s->request.command != IMAP_OTHER && f->greeted;
		if (!s->request.pushed)
			begin_command(s, f, arguments);
		if (l->literal) {
			begin_literal(s, f, l);
			return;
		}
		end_command(s, f, arguments);
	} else if (words > 0) {
		f->perhaps_greeted = false; /* it was there before */
	}
	imap_end_request(s);
}

static void client_literal(struct imap *s, struct facts *f)
{
	if (s->request.command != IMAP_APPEND || s->lost[CLIENT] || !f->visible[SERVER])
		return;
	facts_plain(f, REASON_CONTENT_IN_CLEAR);
	facts_expose(f, EXPOSURE_CONTENT, f->offset[CLIENT]);
}

size_t imap_client(struct imap *s, struct facts *f, const uint8_t *data, size_t n)
{
	static const struct imap_half half = {
		.from = CLIENT,
		.stops = imap_waits,
		.word = client_word,
		.line = client_line,
		.literal = client_literal,
	};

	return imap_read(s, f, &half, data, n);
}
