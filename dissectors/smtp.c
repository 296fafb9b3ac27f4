#include "dissectors/smtp.h"

#include <string.h>

#include "dissectors/smtp_words.h"

/* After this many bytes a body line can be the lone dot (RFC 5321, 4.1.1.4). */
enum { DOT_NO, DOT_LINE_START, DOT_DOT, DOT_CR };

void smtp_init(struct smtp *s, bool from_the_start)
{
	memset(s, 0, sizeof(*s));
	s->upgrade = UPG_PLAIN;
	s->lost[CLIENT] = s->lost[SERVER] = !from_the_start;
}

/* The queue of commands that await their reply ---------------------------------------------- */

static struct smtp_run *run_at(struct smtp *s, unsigned i)
{
	return &s->queue[(s->head + i) % SMTP_QUEUE];
}

static enum smtp_command newest(const struct smtp *s)
{
	if (s->runs == 0)
		return SMTP_COMMANDS;
	return (enum smtp_command)s->queue[(s->head + s->runs - 1u) % SMTP_QUEUE].command;
}

static void drop_runs(struct smtp *s, unsigned n)
{
	s->head = (uint8_t)((s->head + n) % SMTP_QUEUE);
	s->runs = (uint8_t)(s->runs - n);
	s->stale = n < s->stale ? (uint8_t)(s->stale - n) : 0;
}

/* A new command. The client sends it when it has its replies to those before, and to those whose
 * replies were not seen no reply can come any more. After a gap in its own stream only the last
 * line counts: everything before may be the body of a message. */
static void push(struct smtp *s, struct facts *f, enum smtp_command c)
{
	struct smtp_run *last;

	s->overtaken = s->code != 0;
	drop_runs(s, s->lost[CLIENT] ? s->runs : s->stale);
	last = s->runs ? run_at(s, s->runs - 1u) : NULL;
	if (last && last->command == c && last->times < UINT16_MAX) {
		last->times++;
		return;
	}
	if (s->runs == SMTP_QUEUE) {
		facts_oddity(f, ODDITY_TOO_MANY_COMMANDS);
		s->lost[SERVER] = true; /* replies can no longer be counted off */
		drop_runs(s, 1);
	}
	*run_at(s, s->runs) = (struct smtp_run){ (uint8_t)c, 1 };
	s->runs++;
}

static void pop(struct smtp *s)
{
	if (--s->queue[s->head].times > 0)
		return;
	drop_runs(s, 1);
}

/* Client ------------------------------------------------------------------------------------- */

static void auth_data(struct smtp *s, struct facts *f, struct span text)
{
	push(s, f, SMTP_AUTH_DATA);
	s->auth_dialogue = false;
	if (span_is(text, "*") || text.len == 0) /* cancelled (RFC 4954, 4) */
		return;
	s->credentials = true;
	if (!s->lost[CLIENT])
		facts_expose(f, EXPOSURE_CREDENTIALS, f->offset[CLIENT]);
}

static void auth(struct smtp *s, struct facts *f, struct span args)
{
	struct span initial;

	if (span_word(args, &initial).len == 0) {
		push(s, f, SMTP_OTHER);
		return;
	}
	push(s, f, SMTP_AUTH);
	s->credentials = initial.len > 0 && !span_is(initial, "=");
	if (s->lost[CLIENT])
		return;
	f->s.auth_clear = TRI_TRUE;
	facts_plain(f, REASON_AUTH_IN_CLEAR);
	if (s->credentials)
		facts_expose(f, EXPOSURE_CREDENTIALS, f->offset[CLIENT]);
}

static void bdat(struct smtp *s, struct facts *f, struct span args)
{
	uint64_t size;
	bool last;

	if (!smtp_read_bdat(args, &size, &last)) {
		facts_oddity(f, ODDITY_BAD_BDAT);
		push(s, f, SMTP_OTHER); /* no chunk follows: the server cannot know its size */
		return;
	}
	push(s, f, last ? SMTP_BDAT_LAST : SMTP_BDAT);
	s->chunk_left = size;
	s->body_seen = false;
	s->body_trusted = !s->lost[CLIENT];
	s->chunk_in_doubt = false;
	if (size > 0)
		s->mode = SMTP_MODE_CHUNK;
}

static void begin_body(struct smtp *s, bool trusted)
{
	s->mode = SMTP_MODE_BODY;
	s->dot = DOT_LINE_START;
	s->body_seen = false;
	s->body_trusted = trusted;
	linebuf_reset(&s->line[CLIENT]);
}

static void ask_for_tls(struct smtp *s, struct facts *f)
{
	f->s.requested = TRI_TRUE;
	f->s.accepted = TRI_NULL;
	f->answer_pending = true;
	f->granted = false;
	if (!upg_step(&s->upgrade, EV_ASK))
		facts_oddity(f, ODDITY_UNEXPECTED_UPGRADE);
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
			ask_for_tls(s, f);
		break;
	case SMTP_QUIT: f->quit = true; break;
	case SMTP_AUTH: auth(s, f, args); return;
	case SMTP_BDAT: bdat(s, f, args); return;
	case SMTP_DATA:
		push(s, f, c);
		if (!f->visible[SERVER])
			begin_body(s, false);
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
	push(s, f, c);
}

/* A line of an AUTH exchange. With a 334 waiting for it, every line is; QUIT gives up. Without the
 * 334 (not seen yet), only what is no command. */
static bool is_auth_data(const struct smtp *s, enum smtp_command c)
{
	if (s->auth_dialogue)
		return c != SMTP_QUIT;
	return newest(s) == SMTP_AUTH && c == SMTP_OTHER;
}

/* A line in clear of either side where TLS was due. */
static void note_clear(struct smtp *s, struct facts *f)
{
	if (!f->granted || !f->visible[CLIENT])
		return;
	facts_oddity(f, ODDITY_CLEAR_AFTER_UPGRADE);
	f->upgrade_broken = true;
	upg_step(&s->upgrade, EV_CLEAR);
}

/* The server's part in an AUTH exchange was not seen: a lone word may be either. */
static bool may_be_auth_data(const struct smtp *s, const struct facts *f, struct span args)
{
	return newest(s) == SMTP_AUTH && args.len == 0 && (s->stale > 0 || !f->visible[SERVER]);
}

static void client_line(struct smtp *s, struct facts *f, const struct line *l)
{
	struct span args;
	enum smtp_command c;
	unsigned word;

	if (l->too_long)
		facts_oddity(f, ODDITY_LINE_TOO_LONG);
	if (l->text.len == 0)
		return;
	if (l->bare_lf)
		facts_oddity(f, ODDITY_BARE_LF);
	note_clear(s, f);
	c = smtp_read_command(l->text, &args, &word);
	if (is_auth_data(s, c)) {
		auth_data(s, f, l->text);
		return;
	}
	if (may_be_auth_data(s, f, args)) {
		f->request_unsure |= c == SMTP_STARTTLS;
		if (c != SMTP_QUIT)
			return;
	}
	if (s->lost[CLIENT] && word == WORD_OTHER_COMMAND) {
		drop_runs(s, s->runs);
		return; /* the rest of something that was not seen */
	}
	if (!f->greeted && f->offset[SERVER] == 0 && f->syn_seen)
		facts_oddity(f, ODDITY_NO_GREETING);
	f->protocol_sure |= c == SMTP_EHLO || c == SMTP_HELO || c == SMTP_MAIL;
	facts_evidence(f, word);
	command(s, f, c, args);
}

static void body_bytes(struct smtp *s, struct facts *f, size_t n)
{
	if (n == 0)
		return;
	if (!s->body_seen)
		facts_evidence(f, WORD_BODY);
	s->body_seen = true;
	if (!s->body_trusted)
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
	push(s, f, SMTP_DOT);
	if (f->visible[SERVER] || s->lost[CLIENT])
		return;
	if (s->body_seen) /* whether the server wanted it is not known */
		facts_plain(f, REASON_CONTENT_IN_CLEAR);
	else /* an empty message, or none */
		f->clear_gap[SERVER] = true;
}

/* Without the server's side a body may be commands that followed a refused DATA. */
static void note_doubtful_line(struct facts *f, struct span s)
{
	struct span line = { s.at, s.len < LINE_KEPT ? s.len : LINE_KEPT };
	const uint8_t *lf = memchr(line.at, '\n', line.len);
	unsigned word;

	if (lf)
		line.len = (size_t)(lf - line.at);
	f->request_unsure |= smtp_read_command(line, &line, &word) == SMTP_STARTTLS;
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

			if (s->dot == DOT_LINE_START && !f->visible[SERVER])
				note_doubtful_line(f, (struct span){ data + i, n - i });
			s->dot = lf ? DOT_LINE_START : DOT_NO;
			i = lf ? (size_t)(lf - data) + 1 : n;
			body_bytes(s, f, i);
		}
	}
	return n;
}

/* A refused BDAT whose chunk never came: a command stands in its place. */
static bool chunk_is_missing(struct smtp *s, const uint8_t *data, size_t n)
{
	struct span args;
	unsigned word;

	if (!s->chunk_in_doubt)
		return false;
	s->chunk_in_doubt = false;
	return n >= 4 && (smtp_read_command((struct span){ data, n < LINE_KEPT ? n : LINE_KEPT },
					    &args, &word),
			  word != WORD_OTHER_COMMAND);
}

static size_t chunk(struct smtp *s, struct facts *f, const uint8_t *data, size_t n)
{
	size_t take = n < s->chunk_left ? n : (size_t)s->chunk_left;

	if (chunk_is_missing(s, data, n)) {
		s->mode = SMTP_MODE_COMMAND;
		return 0;
	}
	body_bytes(s, f, take);
	s->chunk_left -= take;
	if (s->chunk_left == 0)
		s->mode = SMTP_MODE_COMMAND;
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
			if (done > 0 && smtp_at_line_start(s, CLIENT) && *at >= 0x14 && *at <= 0x17)
				return done; /* the caller looks whether this is TLS */
			done += one_line(s, f, at, left);
			break;
		case SMTP_MODE_BODY: done += body(s, f, at, left); break;
		case SMTP_MODE_CHUNK: done += chunk(s, f, at, left); break;
		}
	}
	return done;
}

bool smtp_waits(const struct smtp *s, const struct facts *f)
{
	if (s->mode != SMTP_MODE_COMMAND || !f->visible[SERVER])
		return false;
	return newest(s) == SMTP_DATA || (newest(s) == SMTP_STARTTLS && f->answer_pending);
}

void smtp_presume(struct smtp *s)
{
	if (newest(s) == SMTP_DATA)
		begin_body(s, false);
}

/* Server -------------------------------------------------------------------------------------- */

/* EHLO's answer: keywords after the first line (RFC 5321, 4.1.1.1). */
static void capability(struct smtp *s, struct facts *f, struct span line)
{
	struct span word;

	if (line.len < 4)
		return;
	word = span_word((struct span){ line.at + 4, line.len - 4 }, NULL);
	if (span_is(word, "STARTTLS")) {
		s->starttls_listed = true;
		f->s.offered = TRI_TRUE;
		upg_step(&s->upgrade, EV_OFFER);
	} else if (span_is(word, "XXXXXXXA") || span_is(word, "XXXXXXXX")) {
		f->masked = true;
	}
}

static bool head_is_ehlo(const struct smtp *s, const struct facts *f)
{
	if (s->runs == 0)
		return !f->visible[CLIENT];
	return s->queue[s->head].command == SMTP_EHLO || s->lost[CLIENT];
}

/* A reply that never ended ("250-" for ever) and whose client went on all the same. */
static void abandon_reply(struct smtp *s, struct facts *f)
{
	facts_evidence(f, s->code);
	if (s->runs > 0 && smtp_plausible((enum smtp_command)s->queue[s->head].command, s->code))
		pop(s);
	s->code = 0;
}

static void server_line(struct smtp *s, struct facts *f, const struct line *l)
{
	struct smtp_reply_line r = smtp_read_reply(l->text);

	if (s->overtaken && s->code != 0)
		abandon_reply(s, f);
	s->overtaken = false;
	if (l->text.len > 0)
		note_clear(s, f);
	if (l->too_long)
		facts_oddity(f, ODDITY_LINE_TOO_LONG);
	if (r.code == 0) {
		if (!s->lost[SERVER] && l->text.len > 0)
			facts_oddity(f, ODDITY_BAD_REPLY);
		return;
	}
	if (l->bare_lf)
		facts_oddity(f, ODDITY_BARE_LF);
	if (r.code == 250 && s->code == 250 && head_is_ehlo(s, f))
		capability(s, f, l->text);
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

		if (done > 0 && smtp_at_line_start(s, SERVER) && data[done] >= 0x14 &&
		    data[done] <= 0x17)
			return done;
		done += linebuf_feed(&s->line[SERVER], data + done, n - done, &l, &complete);
		if (complete)
			server_line(s, f, &l);
	}
	return done;
}

bool smtp_must_presume(const struct smtp *s)
{
	return s->stale > 0 && newest(s) == SMTP_DATA && !smtp_plausible(SMTP_DATA, s->code);
}

static void answered_ehlo(struct smtp *s, struct facts *f, unsigned code)
{
	if (code == 250 && f->s.offered != TRI_TRUE && !s->lost[SERVER])
		f->s.offered = TRI_FALSE;
}

static void answered_starttls(struct smtp *s, struct facts *f, unsigned code)
{
	if (!f->answer_pending) { /* after a gap: only a clear yes says that it was asked */
		if (code != 220)
			return;
		ask_for_tls(s, f);
	}
	f->answer_pending = false;
	if (code / 100 == 2) {
		f->s.accepted = TRI_TRUE;
		f->granted = true;
		upg_step(&s->upgrade, EV_YES);
		return;
	}
	f->s.accepted = TRI_FALSE;
	f->starttls_refused = true;
	if (upg_step(&s->upgrade, EV_NO) && s->upgrade == UPG_BROKEN)
		f->upgrade_broken = true; /* the ClientHello had not waited */
}

static void answered_mail(const struct smtp *s, struct facts *f, unsigned code)
{
	f->unanswered -= f->unanswered > 0;
	if (code / 100 == 2) {
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

/* The answer to a whole message or to a chunk. */
static void answered_content(struct smtp *s, struct facts *f, unsigned code, bool whole)
{
	bool taken = code / 100 == 2;

	if (taken && whole)
		f->s.messages++;
	if (!s->body_seen && !(taken && whole))
		return;
	facts_plain(f, REASON_CONTENT_IN_CLEAR);
	facts_expose(f, EXPOSURE_CONTENT, f->offset[CLIENT]);
	f->exposed_answered = true;
}

static void answered(struct smtp *s, struct facts *f, enum smtp_command c, unsigned code)
{
	switch (c) {
	case SMTP_EHLO: answered_ehlo(s, f, code); break;
	case SMTP_STARTTLS: answered_starttls(s, f, code); break;
	case SMTP_MAIL: answered_mail(s, f, code); break;
	case SMTP_AUTH:
	case SMTP_AUTH_DATA: answered_auth(s, f, code); break;
	case SMTP_DATA:
		if (code == 354 && s->mode == SMTP_MODE_BODY) /* presumed before */
			s->body_trusted = true;
		else if (code == 354)
			begin_body(s, !s->lost[CLIENT]);
		else if (s->mode == SMTP_MODE_BODY)
			s->mode = SMTP_MODE_COMMAND; /* presumed, and refused after all */
		break;
	case SMTP_DOT: answered_content(s, f, code, true); break;
	case SMTP_BDAT_LAST:
	case SMTP_BDAT:
		s->chunk_in_doubt = code / 100 != 2 && !s->body_seen;
		answered_content(s, f, code, c == SMTP_BDAT_LAST);
		break;
	case SMTP_OTHER:
	case SMTP_HELO:
	case SMTP_RCPT:
	case SMTP_RSET:
	case SMTP_QUIT:
	case SMTP_COMMANDS: break;
	}
}

/* Only the server is in the capture: 354 says that a message follows, 235 and 334 belong to
 * AUTH. Any other reply than to EHLO hides a command that might have been MAIL. */
static void server_alone(struct smtp *s, struct facts *f, unsigned code)
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
	} else if (code != 221 && !(code == 250 && s->listing)) {
		f->clear_gap[CLIENT] = true;
	}
	if (f->plain)
		f->exposed_answered = true;
}

static bool is_greeting(const struct smtp *s, const struct facts *f, unsigned code)
{
	if (f->greeted || s->lost[SERVER])
		return !f->greeted && code == 220 && f->offset[CLIENT] == 0 && s->runs == 0;
	return code == 220 || code >= 400;
}

/* Codes that only one command can have. */
static bool is_distinctive(unsigned code)
{
	return code == 220 || code == 354 || code == 334 || code == 235 || code == 535;
}

/* The run that this reply answers: the first, or after a gap the first that it can. */
static bool find_command(struct smtp *s, unsigned code, unsigned *run)
{
	unsigned last = s->stale ? s->stale : s->runs > 0;

	for (*run = 0; *run < last; (*run)++) {
		if (smtp_plausible((enum smtp_command)run_at(s, *run)->command, code))
			return true;
	}
	return false;
}

/* The client's commands were lost, but the server says what they were. */
static void unmatched(struct smtp *s, struct facts *f, unsigned code)
{
	if (!f->visible[CLIENT]) {
		server_alone(s, f, code);
		return;
	}
	facts_oddity(f, s->runs ? ODDITY_REPLY_MISMATCH : ODDITY_UNSOLICITED_REPLY);
	if (code == 354 && s->lost[CLIENT])
		begin_body(s, false);
}

void smtp_answer(struct smtp *s, struct facts *f)
{
	unsigned code = s->code, run;

	facts_evidence(f, code);
	if (is_greeting(s, f, code)) {
		f->greeted = true;
		s->lost[SERVER] = s->lost[SERVER] && f->clear_gap[SERVER];
		s->lost[CLIENT] = s->lost[CLIENT] && f->clear_gap[CLIENT];
	} else if (find_command(s, code, &run)) {
		enum smtp_command c = (enum smtp_command)run_at(s, run)->command;
		bool stale = s->stale > 0;

		drop_runs(s, run);
		pop(s);
		if (!stale || is_distinctive(code))
			answered(s, f, c, code);
	} else {
		unmatched(s, f, code);
	}
	s->code = 0;
	s->listing = false;
	s->answer_ready = false;
}

/* Gaps ---------------------------------------------------------------------------------------- */

static void client_gap(struct smtp *s, uint64_t n)
{
	linebuf_reset(&s->line[CLIENT]);
	switch ((enum smtp_mode)s->mode) {
	case SMTP_MODE_CHUNK:
		if (n <= s->chunk_left) { /* inside the chunk: its size still holds */
			s->chunk_left -= n;
			if (s->chunk_left == 0)
				s->mode = SMTP_MODE_COMMAND;
			return;
		}
		s->mode = SMTP_MODE_COMMAND;
		break;
	case SMTP_MODE_BODY: s->dot = DOT_LINE_START; break;
	case SMTP_MODE_COMMAND: smtp_presume(s); break;
	}
	s->lost[CLIENT] = true;
}

void smtp_gap(struct smtp *s, struct facts *f, enum side from, uint64_t n)
{
	facts_evidence(f, WORD_GAP);
	f->clear_gap[from] = true;
	if (f->s.accepted == TRI_FALSE) /* it may have been asked again, and granted */
		f->s.accepted = TRI_NULL;
	if (from == CLIENT) {
		client_gap(s, n);
		return;
	}
	s->lost[SERVER] = true;
	s->stale = s->runs;
	s->code = 0;
	s->listing = false;
	linebuf_reset(&s->line[SERVER]);
}

bool smtp_at_line_start(const struct smtp *s, enum side from)
{
	if (linebuf_partial(&s->line[from]))
		return false;
	return from == SERVER || s->mode == SMTP_MODE_COMMAND;
}
