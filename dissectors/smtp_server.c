/* smtp_server.c - the server's half: replies, and what they conclude. */
#include "dissectors/smtp_state.h"

#include <string.h>

#include "dissectors/smtp_words.h"
#include "dissectors/starttls.h"
#include "dissectors/tls_record.h"

/* EHLO's answer: keywords after the first line (RFC 5321, 4.1.1.1). */
static void capability(struct facts *f, struct span line)
{
	struct span word;

	if (line.len < 4)
		return;
	word = span_word((struct span){ line.at + 4, line.len - 4 }, NULL);
	if (span_is(word, "STARTTLS"))
		starttls_offered(f);
	else if (starttls_is_masked(word, strlen("STARTTLS")))
		starttls_offer_masked(f);
}

static bool head_is_ehlo(const struct smtp *s, const struct facts *f)
{
	if (s->queue.runs == 0)
		return !f->visible[CLIENT];
	return pending_oldest(&s->queue) == SMTP_EHLO || s->lost[CLIENT];
}

/* A reply that never ended ("250-" for ever) and whose client went on all the same. */
static void abandon_reply(struct smtp *s, struct facts *f)
{
	facts_evidence(f, s->code);
	if (s->queue.runs > 0 &&
	    smtp_plausible((enum smtp_command)pending_oldest(&s->queue), s->code))
		pending_pop(&s->queue);
	s->queue.stale = s->queue.runs; /* or it goes on, and the next line is its own */
	s->code = 0;
}

static void server_line(struct smtp *s, struct facts *f, const struct line *l)
{
	struct smtp_reply_line r = smtp_read_reply(l->text);

	if (s->overtaken && s->code != 0)
		abandon_reply(s, f);
	s->overtaken = false;
	if (l->text.len > 0)
		starttls_clear(f);
	if (l->too_long)
		facts_oddity(f, ODDITY_LINE_TOO_LONG);
	if (r.code == 0) {
		if (!s->lost[SERVER] && l->text.len > 0)
			facts_strange_answer(f);
		return;
	}
	if (l->bare_lf)
		facts_oddity(f, ODDITY_BARE_LF);
	if (r.code == 220 && !f->greeted && smtp_is_masked_greeting(l->text))
		facts_oddity(f, ODDITY_MASKED_GREETING);
	if (r.code == 250 && s->code == 250 && head_is_ehlo(s, f))
		capability(f, l->text);
	s->listing = s->code != 0 && r.code == s->code; /* more than one line */
	s->code = (uint16_t)r.code;
	s->answer_ready = !r.more;
}

size_t smtp_server(struct smtp *s, struct facts *f, const uint8_t *data, size_t n)
{
	size_t done = 0;

	while (done < n && !s->answer_ready) {
		struct line l;
		bool complete;

		if (done > 0 && smtp_at_line_start(s, SERVER) && tls_record_first(data[done]))
			return done;
		done += linebuf_feed(&s->line[SERVER], data + done, n - done, &l, &complete);
		if (!complete)
			continue;
		server_line(s, f, &l);
		linebuf_reset(&s->line[SERVER]); /* it may have named somebody */
	}
	return done;
}

bool smtp_must_presume(const struct smtp *s)
{
	return s->queue.stale > 0 && pending_newest(&s->queue) == SMTP_DATA &&
	       !smtp_plausible(SMTP_DATA, s->code);
}

static void answered_ehlo(struct smtp *s, struct facts *f, unsigned code)
{
	if (code == 250 && !s->lost[SERVER] && (s->listing || !s->blank_line))
		starttls_not_offered(f);
	if (code / 100 == 5 && !s->lost[CLIENT] && !s->lost[SERVER] && !s->blank_line)
		f->s.ehlo_refused = true;
	else if (code / 100 == 2)
		f->s.ehlo_refused = false;
}

static void answered_starttls(struct facts *f, unsigned code)
{
	if (!f->answer_pending) { /* after a gap: only a clear yes says that it was asked */
		if (code != 220)
			return;
		starttls_asked(f);
	}
	starttls_answered(f, code / 100 == 2);
}

/* After a gap the 2xx may belong to a command that was not seen: it proves that MAIL crossed, and
 * its weight shows with the next command of the envelope. */
static void answered_mail(const struct smtp *s, struct facts *f, unsigned code)
{
	f->unanswered -= f->unanswered > 0;
	if (s->lost[CLIENT] && code / 100 == 2) {
		facts_plain(f, REASON_MAIL_IN_CLEAR);
	} else if (code / 100 == 2) {
		facts_plain(f, REASON_MAIL_IN_CLEAR);
		facts_expose(f, EXPOSURE_ENVELOPE, f->offset[CLIENT]);
		f->exposed_answered |= f->s.exposure == EXPOSURE_ENVELOPE;
	} else if (!s->lost[CLIENT]) {
		facts_expose(f, EXPOSURE_REFUSED, f->offset[CLIENT]);
	}
}

static void answered_auth(struct smtp *s, struct facts *f, unsigned code)
{
	bool accepted = code == 334 || code == 235;

	f->unanswered -= code != 334 && f->unanswered > 0;
	if (accepted || code == 535) {
		f->s.auth_clear = TRI_TRUE;
		facts_plain(f, REASON_AUTH_IN_CLEAR);
	}
	s->auth_dialogue = code == 334;
	if (s->credentials && f->plain) {
		facts_expose(f, EXPOSURE_CREDENTIALS, f->offset[CLIENT]);
		f->exposed_answered |= f->s.exposure == EXPOSURE_CREDENTIALS;
	} else if (!accepted && !s->lost[CLIENT]) {
		facts_expose(f, EXPOSURE_REFUSED, f->offset[CLIENT]);
	}
}

/* The answer to a whole message or to a chunk. What was only presumed to be one may be commands, all
 * refused. */
static void answered_content(struct smtp *s, struct facts *f, unsigned code, bool whole)
{
	bool taken = code / 100 == 2;

	if (taken && whole)
		f->s.messages++;
	if (!s->body_seen && !(taken && whole))
		return;
	if (!taken && s->body == SMTP_BODY_PRESUMED)
		return;
	facts_plain(f, REASON_CONTENT_IN_CLEAR);
	facts_expose(f, EXPOSURE_CONTENT, f->offset[CLIENT]);
	f->exposed_answered = true;
}

static void answered(struct smtp *s, struct facts *f, enum smtp_command c, unsigned code)
{
	switch (c) {
	case SMTP_EHLO: answered_ehlo(s, f, code); break;
	case SMTP_STARTTLS: answered_starttls(f, code); break;
	case SMTP_MAIL: answered_mail(s, f, code); break;
	case SMTP_AUTH:
	case SMTP_AUTH_DATA: answered_auth(s, f, code); break;
	case SMTP_DATA:
		if (code == 354 && s->mode == SMTP_MODE_BODY) /* presumed before */
			s->body = SMTP_BODY_TRUSTED;
		else if (code == 354)
			smtp_begin_body(s, s->lost[CLIENT] ? SMTP_BODY_WANTED : SMTP_BODY_TRUSTED);
		else if (s->mode == SMTP_MODE_BODY)
			s->mode = SMTP_MODE_COMMAND; /* presumed, and refused after all */
		break;
	case SMTP_DOT: answered_content(s, f, code, true); break;
	case SMTP_BDAT_LAST:
	case SMTP_BDAT:
		s->chunk_in_doubt = code / 100 != 2 && !s->body_seen;
		s->doubted = 0;
		answered_content(s, f, code, c == SMTP_BDAT_LAST);
		break;
	case SMTP_RCPT:
		if (s->lost[CLIENT] && f->plain && code / 100 == 2)
			facts_expose(f, EXPOSURE_ENVELOPE, f->offset[CLIENT]);
		break;
	case SMTP_OTHER:
	case SMTP_HELO:
	case SMTP_RSET:
	case SMTP_QUIT:
	case SMTP_COMMANDS: break;
	}
}

/* Only the server is in the capture: 354 says that a message follows, 235 and 334 belong to
 * AUTH. Any other reply than to EHLO hides a command that might have been MAIL. */
static void reply_alone(struct smtp *s, struct facts *f, unsigned code)
{
	if (code == 354) {
		facts_plain(f, REASON_CONTENT_IN_CLEAR);
		facts_expose(f, EXPOSURE_ENVELOPE, 0);
	} else if (code == 235 || code == 334) {
		f->s.auth_clear = TRI_TRUE;
		facts_plain(f, REASON_AUTH_IN_CLEAR);
		facts_expose(f, code == 235 ? EXPOSURE_CREDENTIALS : EXPOSURE_UNKNOWN, 0);
	} else if (code == 220) {
		f->granted = true;
		f->s.accepted = TRI_NULL;
		return;
	} else if (code == 250 && s->listing) {
		if (f->perhaps_greeted) /* the answer to EHLO: so the 220 was the greeting */
			facts_greeted(f, s->lost);
	} else if (code != 221) {
		f->clear_gap[CLIENT] = true;
	}
	if (f->plain)
		f->exposed_answered = true;
}

/* A reply in clear behind what may be the grant is somebody's forgery if TLS follows. The next one
 * says that none does, unless the first was another 220: that may be the grant. */
static void server_alone(struct smtp *s, struct facts *f, unsigned code)
{
	bool perhaps_granted = (f->granted || f->perhaps_greeted) && f->tls != TLS_ALERT;

	if (perhaps_granted && !s->clear_behind && s->behind_grant == 0 && code != 220) {
		s->behind_grant = (uint16_t)code;
		return;
	}
	if (perhaps_granted && !s->clear_behind && s->behind_grant != 0) {
		s->clear_behind = true;
		f->granted = false;
		reply_alone(s, f, s->behind_grant);
	}
	reply_alone(s, f, code);
	if (code == 220) {
		s->clear_behind = false;
		s->behind_grant = 0;
	}
}

static bool is_greeting(const struct smtp *s, const struct facts *f, unsigned code)
{
	if (f->greeted || f->perhaps_greeted)
		return false;
	if (s->lost[SERVER])
		return code == 220 && f->offset[CLIENT] == 0 && s->queue.runs == 0;
	return code == 220 || code >= 400;
}

/* Codes that only one command can have, and this is it. */
static bool is_distinctive(enum smtp_command c, unsigned code)
{
	if (code == 535)
		return c == SMTP_AUTH || c == SMTP_AUTH_DATA;
	return code == 220 || code == 354 || code == 334 || code == 235;
}

/* Nobody says these but to DATA and AUTH. */
static bool says_command(unsigned code)
{
	return code == 354 || code == 334 || code == 235;
}

/* The server goes on in clear, with what cannot be an answer to STARTTLS: that was in a gap, and was no
 * yes. What the client said since may be read as commands, of which it is the answer to one. */
static void starttls_refused_unseen(struct smtp *s, struct facts *f)
{
	pending_drop(&s->queue, s->queue.runs);
	f->answer_pending = false;
	s->lost[CLIENT] = true;
	facts_torn(f, CLIENT);
}

/* The client's commands were lost, but the server says what they were. */
static void unmatched(struct smtp *s, struct facts *f, unsigned code)
{
	if (!f->visible[CLIENT]) {
		server_alone(s, f, code);
		return;
	}
	facts_oddity(f, s->queue.runs ? ODDITY_REPLY_MISMATCH : ODDITY_UNSOLICITED_REPLY);
	s->lost[SERVER] |= code / 100 == 2; /* its command was not seen, or comes yet */
	if (linebuf_partial(&s->line[CLIENT]) ||
	    (s->queue.runs == 0 && !f->granted && says_command(code)))
		facts_torn(f, CLIENT); /* for the server it was a line: which? */
	if (code == 354 && s->lost[CLIENT])
		smtp_begin_body(s, SMTP_BODY_WANTED);
	if (f->answer_pending && s->queue.stale > 0 && pending_newest(&s->queue) == SMTP_STARTTLS)
		starttls_refused_unseen(s, f);
}

/* Or its 354 was in the gap, and this refuses the message: what the client said since is lines of that,
 * or commands. */
static void data_perhaps_refused(struct smtp *s, struct facts *f)
{
	s->lost[CLIENT] = true;
	facts_torn(f, CLIENT);
}

void smtp_answer(struct smtp *s, struct facts *f)
{
	unsigned code = s->code;

	facts_evidence(f, code);
	if (is_greeting(s, f, code)) {
		if (f->syn_seen && (f->visible[CLIENT] || !s->lost[SERVER]))
			facts_greeted(f, s->lost);
		else
			f->perhaps_greeted = true;
	} else {
		bool stale = s->queue.stale > 0;
		enum smtp_command c = smtp_take(s, code);

		if (c == SMTP_COMMANDS)
			unmatched(s, f, code);
		else if (!stale || is_distinctive(c, code))
			answered(s, f, c, code);
		else if (c == SMTP_DATA)
			data_perhaps_refused(s, f);
	}
	s->code = 0;
	s->listing = false;
	s->answer_ready = false;
}
