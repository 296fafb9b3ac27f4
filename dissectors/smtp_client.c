/* smtp_client.c - the client's half: commands, AUTH exchanges, bodies and chunks. */
#include "dissectors/smtp_state.h"

#include <string.h>

#include "dissectors/sasl.h"
#include "dissectors/smtp_words.h"
#include "dissectors/starttls.h"
#include "dissectors/tls_record.h"

static void auth_data(struct smtp *s, struct facts *f, struct span text)
{
	smtp_push(s, f, SMTP_AUTH_DATA);
	s->auth_dialogue = false;
	if (span_is(text, "*") || text.len == 0) /* cancelled (RFC 4954, 4) */
		return;
	s->credentials = true;
	if (!s->lost[CLIENT])
		facts_expose(f, EXPOSURE_CREDENTIALS, f->offset[CLIENT]);
}

static void auth(struct smtp *s, struct facts *f, struct span args)
{
	struct span initial, mechanism = span_word(args, &initial);

	if (mechanism.len == 0 || span_is(mechanism, "TLS") || span_is(mechanism, "SSL")) {
		smtp_push(s, f, SMTP_OTHER); /* that of FTP is an upgrade (RFC 4217, 4) */
		return;
	}
	smtp_push(s, f, SMTP_AUTH);
	s->credentials = initial.len > 0 && !span_is(initial, "=");
	if (s->lost[CLIENT])
		return;
	f->s.auth_clear = TRI_TRUE;
	facts_plain(f, REASON_AUTH_IN_CLEAR);
	f->unanswered++;
	if (s->credentials)
		facts_expose(f, EXPOSURE_CREDENTIALS, f->offset[CLIENT]);
}

static void bdat(struct smtp *s, struct facts *f, struct span args)
{
	uint64_t size;
	bool last;

	if (!smtp_read_bdat(args, &size, &last)) {
		facts_oddity(f, ODDITY_BAD_BDAT);
		smtp_push(s, f, SMTP_OTHER); /* no chunk follows: the server cannot know its size */
		return;
	}
	smtp_push(s, f, last ? SMTP_BDAT_LAST : SMTP_BDAT);
	s->chunk_left = size;
	s->body_seen = false;
	s->body = s->lost[CLIENT] ? SMTP_BODY_PRESUMED : SMTP_BODY_TRUSTED;
	s->chunk_in_doubt = !f->visible[SERVER];
	s->doubted = 0;
	if (size > 0)
		s->mode = SMTP_MODE_CHUNK;
}

/* After a gap a line may be part of a message: then nothing follows from it without its reply. */
static void command(struct smtp *s, struct facts *f, enum smtp_command c, struct span args)
{
	switch (c) {
	case SMTP_MAIL:
		if (s->lost[CLIENT])
			break;
		facts_plain(f, REASON_MAIL_IN_CLEAR);
		f->unanswered++;
		break;
	case SMTP_STARTTLS:
		if (!s->lost[CLIENT])
			starttls_asked(f);
		break;
	case SMTP_QUIT: f->quit = true; break;
	case SMTP_AUTH: auth(s, f, args); return;
	case SMTP_BDAT: bdat(s, f, args); return;
	case SMTP_DATA:
		smtp_push(s, f, c);
		if (!f->visible[SERVER]) {
			smtp_begin_body(s, SMTP_BODY_PRESUMED);
			f->clear_gap[SERVER] = true; /* a message follows, or more commands */
		}
		return;
	case SMTP_OTHER:
	case SMTP_HELO:
	case SMTP_EHLO:
	case SMTP_RCPT:
	case SMTP_RSET:
	case SMTP_DOT:
	case SMTP_BDAT_LAST:
	case SMTP_AUTH_DATA:
	case SMTP_COMMANDS: break;
	}
	smtp_push(s, f, c);
}

/* A line of an AUTH exchange. With a 334 waiting for it, every line is; QUIT gives up. Without the
 * 334 (not seen yet), only what can be nothing else. */
static bool is_auth_data(const struct smtp *s, enum smtp_command c, const struct line *l)
{
	if (s->auth_dialogue)
		return c != SMTP_QUIT;
	return pending_newest(&s->queue) == SMTP_AUTH && c == SMTP_OTHER &&
	       sasl_is_response(l->text, l->cut);
}

/* The server's part in an AUTH exchange was not seen: a lone word may be either. */
static bool may_be_auth_data(const struct smtp *s, const struct facts *f, struct span args)
{
	return pending_newest(&s->queue) == SMTP_AUTH && args.len == 0 &&
	       (s->queue.stale > 0 || !f->visible[SERVER]);
}

static void client_line(struct smtp *s, struct facts *f, const struct line *l)
{
	struct span args;
	enum smtp_command c;
	unsigned word;

	if (l->too_long)
		facts_oddity(f, ODDITY_LINE_TOO_LONG);
	if (l->text.len == 0 && !s->auth_dialogue) { /* the last word of an exchange may be empty */
		s->blank_line = true;
		return;
	}
	if (l->bare_lf)
		facts_oddity(f, ODDITY_BARE_LF);
	starttls_clear(f);
	c = smtp_read_command(l->text, &args, &word);
	if (is_auth_data(s, c, l)) {
		auth_data(s, f, l->text);
		return;
	}
	if (may_be_auth_data(s, f, args)) {
		f->request_unsure |= c == SMTP_STARTTLS;
		if (c != SMTP_QUIT)
			return;
	}
	if (s->lost[CLIENT] && word == WORD_OTHER_COMMAND) {
		pending_drop(&s->queue, s->queue.runs);
		f->perhaps_greeted = false;
		return; /* the rest of something that was not seen */
	}
	if (!f->greeted && f->offset[SERVER] == 0 && f->syn_seen)
		facts_oddity(f, ODDITY_NO_GREETING);
	if (f->perhaps_greeted && (c == SMTP_EHLO || c == SMTP_HELO))
		facts_greeted(f, s->lost);
	f->perhaps_greeted = false; /* or the client was there before, or is a strange one */
	f->other_protocol |= smtp_is_lmtp(l->text);
	f->protocol_sure |= c == SMTP_EHLO || c == SMTP_HELO || c == SMTP_MAIL;
	if (starttls_is_masked(span_word(l->text, NULL), strlen("STARTTLS")))
		starttls_request_masked(f);
	else
		facts_evidence(f, word);
	command(s, f, c, args);
}

/* A chunk without a MAIL is refused, and if the refusal was not seen it may never have come. */
static bool chunk_perhaps_refused(const struct smtp *s, const struct facts *f)
{
	return s->mode == SMTP_MODE_CHUNK && !f->plain && f->clear_gap[SERVER];
}

static void body_bytes(struct smtp *s, struct facts *f, size_t n)
{
	if (n == 0)
		return;
	if (!s->body_seen)
		facts_evidence(f, WORD_BODY);
	s->body_seen = true;
	if (s->body != SMTP_BODY_TRUSTED || chunk_perhaps_refused(s, f))
		return;
	facts_plain(f, REASON_CONTENT_IN_CLEAR);
	facts_expose(f, EXPOSURE_CONTENT, f->offset[CLIENT]);
}

static void body_ended(struct smtp *s, struct facts *f)
{
	s->mode = SMTP_MODE_COMMAND;
	s->dot = DOT_NO;
	linebuf_reset(&s->line[CLIENT]);
	facts_evidence(f, WORD_DOT);
	smtp_push(s, f, SMTP_DOT);
	if (f->visible[SERVER] || s->lost[CLIENT])
		return;
	if (s->body_seen) /* whether the server wanted it is not known */
		facts_plain(f, REASON_CONTENT_IN_CLEAR);
	else /* an empty message, or none */
		f->clear_gap[SERVER] = true;
}

/* Without the answer to DATA a body may be commands that followed its refusal. Bytes of one of its
 * lines, up to and including the LF. */
static void note_doubtful_line(struct smtp *s, struct facts *f, const uint8_t *data, size_t n)
{
	struct span args;
	struct line l;
	bool complete;
	unsigned word;
	enum smtp_command c;

	linebuf_feed(&s->line[CLIENT], data, n, &l, &complete);
	if (!complete)
		return;
	c = smtp_read_command(l.text, &args, &word);
	f->request_unsure |= c == SMTP_STARTTLS;
	f->auth_unsure |= c == SMTP_AUTH;
	f->unread |= c == SMTP_BDAT;
	linebuf_reset(&s->line[CLIENT]);
}

static bool is_doubtful(const struct smtp *s)
{
	return s->body == SMTP_BODY_PRESUMED &&
	       (s->dot == DOT_LINE_START || linebuf_partial(&s->line[CLIENT]));
}

/* Up to and including the line with the lone dot. LF alone ends lines, too: servers differ, and
 * a body that goes on is clear text all the same. */
static size_t body(struct smtp *s, struct facts *f, const uint8_t *data, size_t n)
{
	size_t i = 0;

	while (i < n) {
		uint8_t b = data[i];

		if (b == '\n' && (s->dot == DOT_DOT || s->dot == DOT_CR)) {
			body_ended(s, f);
			return i + 1;
		}
		if (s->dot == DOT_LINE_START && b == '.') {
			s->dot = DOT_DOT;
			i++;
		} else if (s->dot == DOT_DOT && b == '\r') {
			s->dot = DOT_CR;
			i++;
		} else {
			const uint8_t *lf = memchr(data + i, '\n', n - i);

			if (is_doubtful(s))
				note_doubtful_line(s, f, data + i, n - i);
			s->dot = lf ? DOT_LINE_START : DOT_NO;
			i = lf ? (size_t)(lf - data) + 1 : n;
			body_bytes(s, f, i);
		}
	}
	return n;
}

static void chunk_bytes(struct smtp *s, struct facts *f, uint64_t n)
{
	body_bytes(s, f, n < s->chunk_left ? (size_t)n : (size_t)s->chunk_left);
	s->chunk_left -= n < s->chunk_left ? n : s->chunk_left;
	if (s->chunk_left == 0)
		s->mode = SMTP_MODE_COMMAND;
}

/* The BDAT was refused, or may have been, before anything of its chunk was seen. A first line that
 * is a command says that the chunk never came; without the server's side nothing is certain. */
static size_t doubtful_chunk(struct smtp *s, struct facts *f, const uint8_t *data, size_t n)
{
	struct line l;
	struct span args;
	bool complete;
	unsigned word = WORD_OTHER_COMMAND;
	size_t most = n < s->chunk_left - s->doubted ? n : (size_t)(s->chunk_left - s->doubted);
	size_t taken = linebuf_feed(&s->line[CLIENT], data, most, &l, &complete);

	s->doubted += taken;
	if (!complete && s->doubted <= LINE_KEPT && s->doubted < s->chunk_left)
		return taken;
	s->chunk_in_doubt = false;
	if (complete && (smtp_read_command(l.text, &args, &word), word != WORD_OTHER_COMMAND)) {
		s->mode = SMTP_MODE_COMMAND;
		s->lost[CLIENT] |= !f->visible[SERVER];
		f->clear_gap[CLIENT] |= !f->visible[SERVER];
		client_line(s, f, &l);
	} else {
		s->lost[CLIENT] |= s->doubted > s->chunk_left; /* what stood behind the chunk */
		chunk_bytes(s, f, s->doubted);
	}
	linebuf_reset(&s->line[CLIENT]);
	return taken;
}

static size_t chunk(struct smtp *s, struct facts *f, const uint8_t *data, size_t n)
{
	size_t take = n < s->chunk_left ? n : (size_t)s->chunk_left;

	if (s->chunk_in_doubt)
		return doubtful_chunk(s, f, data, n);
	chunk_bytes(s, f, take);
	return take;
}

static size_t one_line(struct smtp *s, struct facts *f, const uint8_t *data, size_t n)
{
	struct line l;
	bool complete;
	size_t taken = linebuf_feed(&s->line[CLIENT], data, n, &l, &complete);

	if (complete) {
		client_line(s, f, &l);
		linebuf_reset(&s->line[CLIENT]); /* it may have been a password */
	}
	return taken;
}

size_t smtp_client(struct smtp *s, struct facts *f, const uint8_t *data, size_t n)
{
	size_t done = 0;

	while (done < n && !smtp_waits(s, f)) {
		const uint8_t *at = data + done;
		size_t left = n - done;

		switch ((enum smtp_mode)s->mode) {
		case SMTP_MODE_COMMAND:
			if (done > 0 && smtp_at_line_start(s, CLIENT) && tls_record_first(*at))
				return done; /* the caller looks whether this is TLS */
			done += one_line(s, f, at, left);
			break;
		case SMTP_MODE_BODY: done += body(s, f, at, left); break;
		case SMTP_MODE_CHUNK: done += chunk(s, f, at, left); break;
		}
	}
	return done;
}
