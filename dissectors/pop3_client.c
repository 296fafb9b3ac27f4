/* pop3_client.c - the client's half: commands and AUTH exchanges. */
#include "dissectors/pop3_state.h"

#include "dissectors/pop3_words.h"
#include "dissectors/sasl.h"
#include "dissectors/starttls.h"
#include "dissectors/tls_record.h"

static void credentials(struct pop3 *s, struct facts *f)
{
	s->credentials = true;
	if (!s->lost[CLIENT])
		facts_expose(f, EXPOSURE_CREDENTIALS, f->offset[CLIENT]);
}

/* A line of an AUTH exchange; "*" cancels it (RFC 5034, 4). */
static void auth_data(struct pop3 *s, struct facts *f, struct span text)
{
	pop3_push(s, f, POP3_AUTH_DATA);
	s->auth_dialogue = false;
	if (text.len > 0 && !span_is(text, "*"))
		credentials(s, f);
}

/* With a "+" waiting for it every line is; without (not seen), only what can be nothing else. */
static bool is_auth_data(const struct pop3 *s, enum pop3_command c, unsigned word,
			 const struct line *l)
{
	if (s->auth_dialogue)
		return c != POP3_QUIT;
	return pending_newest(&s->queue) == POP3_AUTH && word == WORD_OTHER_COMMAND &&
	       c == POP3_OTHER && sasl_is_response(l->text, l->cut);
}

/* The server's part in an AUTH exchange was not seen: a lone word may be either. */
static bool may_be_auth_data(const struct pop3 *s, const struct facts *f, struct span args)
{
	return pending_newest(&s->queue) == POP3_AUTH && args.len == 0 &&
	       (s->queue.stale > 0 || !f->visible[SERVER]);
}

/* After a gap nothing follows from a command without its answer. */
static void login(struct pop3 *s, struct facts *f, enum pop3_command c, struct span args)
{
	struct span initial = { args.at, 0 };

	if (c == POP3_AUTH)
		span_word(args, &initial);
	s->credentials = false;
	if (!s->lost[CLIENT]) {
		f->s.auth_clear = TRI_TRUE;
		facts_plain(f, REASON_AUTH_IN_CLEAR);
		f->unanswered++;
	}
	if (c == POP3_PASS || c == POP3_APOP || (initial.len > 0 && !span_is(initial, "=")))
		credentials(s, f);
}

static void command(struct pop3 *s, struct facts *f, enum pop3_command c, struct span args)
{
	pop3_push(s, f, c);
	switch (c) {
	case POP3_USER:
	case POP3_PASS:
	case POP3_APOP:
	case POP3_AUTH: login(s, f, c, args); break;
	case POP3_STLS:
		if (!s->lost[CLIENT])
			starttls_asked(f);
		break;
	case POP3_QUIT: f->quit = true; break;
	case POP3_LIST_ALL:
	case POP3_RETR:
	case POP3_SIGNED_IN: facts_asked_for_content(f); break;
	case POP3_CAPA:
		if (f->s.offered == TRI_FALSE) /* the list may be another one now */
			f->s.offered = TRI_NULL;
		break;
	case POP3_OTHER:
	case POP3_AUTH_DATA:
	case POP3_AUTH_LIST:
	case POP3_COMMANDS: break;
	}
}

/* A client that begins like this was not there before. */
static bool is_first_command(enum pop3_command c)
{
	return c == POP3_CAPA || c == POP3_STLS || c == POP3_USER || c == POP3_APOP ||
	       c == POP3_AUTH || c == POP3_AUTH_LIST;
}

static void note_form(struct facts *f, const struct line *l)
{
	if (l->too_long)
		facts_oddity(f, ODDITY_LINE_TOO_LONG);
	if (l->bare_lf)
		facts_oddity(f, ODDITY_BARE_LF);
	if (!f->greeted && f->offset[SERVER] == 0 && f->syn_seen)
		facts_oddity(f, ODDITY_NO_GREETING);
}

static void client_line(struct pop3 *s, struct facts *f, const struct line *l)
{
	struct span args;
	unsigned word;
	enum pop3_command c;

	if (l->text.len == 0 && !s->auth_dialogue)
		return;
	note_form(f, l);
	starttls_clear(f);
	c = pop3_read_command(l->text, &args, &word);
	if (is_auth_data(s, c, word, l)) {
		auth_data(s, f, l->text);
		return;
	}
	if (may_be_auth_data(s, f, args)) {
		f->request_unsure |= c == POP3_STLS;
		if (c != POP3_QUIT)
			return;
	}
	if (s->lost[CLIENT] && word == WORD_OTHER_COMMAND && c == POP3_OTHER)
		return; /* the rest of something that was not seen */
	if (f->perhaps_greeted && is_first_command(c))
		facts_greeted(f, s->lost);
	f->perhaps_greeted = false;
	f->protocol_sure |= f->greeted && c != POP3_OTHER && c != POP3_QUIT;
	if (starttls_is_masked(l->text, sizeof("STLS") - 1))
		starttls_request_masked(f);
	else
		facts_evidence(f, word);
	command(s, f, c, args);
}

size_t pop3_client(struct pop3 *s, struct facts *f, const uint8_t *data, size_t n)
{
	size_t done = 0;

	while (done < n && !pop3_waits(s, f)) {
		struct line l;
		bool complete;

		if (done > 0 && pop3_at_line_start(s, CLIENT) && tls_record_first(data[done]))
			return done; /* the caller looks whether this is TLS */
		done += linebuf_feed(&s->line[CLIENT], data + done, n - done, &l, &complete);
		if (!complete)
			continue;
		client_line(s, f, &l);
		linebuf_reset(&s->line[CLIENT]); /* it may have been a password */
	}
	return done;
}
