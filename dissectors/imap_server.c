/* imap_server.c - the server's half: greeting, answers, lists of capabilities, mailbox content. */
#include "dissectors/imap_state.h"

#include <string.h>

#include "dissectors/imap_words.h"
#include "dissectors/starttls.h"

static void first_word(struct imap_response *r, const struct words_word *w)
{
	memset(r, 0, sizeof(*r));
	r->tag = w->hash;
	if (span_is(w->text, "*"))
		r->kind = IMAP_UNTAGGED;
	else if (span_is(w->text, "+"))
		r->kind = IMAP_CONTINUE;
	else
		r->kind = IMAP_TAGGED;
}

static void second_word(struct imap_response *r, const struct words_word *w)
{
	if (r->kind == IMAP_CONTINUE)
		return;
	r->status = (uint8_t)imap_read_status(w->text);
	if (r->kind == IMAP_TAGGED) {
		if (r->status == IMAP_NO_STATUS || r->status > IMAP_BAD)
			r->kind = IMAP_JUNK;
		return;
	}
	r->numbered = imap_is_number(w->text);
	r->listing = r->list = span_is(w->text, "CAPABILITY");
	r->data = imap_is_mailbox_data(w->text);
}

static void capability(struct imap_response *r, struct span text)
{
	if (span_is(text, "]"))
		r->listing = false;
	else if (span_is(text, "STARTTLS"))
		r->starttls = true;
	else if (span_is(text, "LOGINDISABLED"))
		r->logindisabled = true;
	else if (starttls_is_masked(text, strlen("STARTTLS")))
		r->masked = true;
}

static void server_word(struct imap *s, const struct words_word *w)
{
	struct imap_response *r = &s->response;

	if (w->index == 0) {
		first_word(r, w);
	} else if (w->index == 1) {
		second_word(r, w);
	} else if (w->index == 2 && r->numbered) {
		r->data = imap_is_mailbox_data(w->text);
	} else if (w->index == 2 && span_is(w->text, "[CAPABILITY")) {
		r->listing = r->list = r->status == IMAP_OK || r->status == IMAP_PREAUTH;
	} else if (r->listing) {
		capability(r, w->text);
	}
}

/* A list of capabilities (RFC 9051, 6.1.1 and 7.2.2). That STARTTLS is missing means something only
 * before anybody has signed in. */
static void read_list(struct imap *s, struct facts *f)
{
	const struct imap_response *r = &s->response;
	enum imap_command newest = imap_newest(s);

	if (!r->list)
		return;
	s->listed = true;
	if (r->logindisabled)
		f->s.findings |= 1u << FINDING_LOGINDISABLED_OFFERED;
	if (r->masked)
		starttls_offer_masked(f);
	if (r->starttls)
		starttls_offered(f);
	else if (!s->lost[SERVER] && !s->signed_in && newest != IMAP_LOGIN &&
		 newest != IMAP_AUTHENTICATE)
		starttls_not_offered(f);
}

/* Content of a mailbox crossed in clear. Behind a granted upgrade it is somebody's forgery, and
 * behind what may be one it waits for the next answer in clear. */
static void mailbox_content(struct imap *s, struct facts *f)
{
	s->content_doubted |= s->perhaps_granted;
	if (s->lost[SERVER] || s->perhaps_granted || (f->granted && f->visible[CLIENT]))
		return;
	if (!f->visible[CLIENT])
		facts_evidence(f, WORD_FETCH);
	facts_plain(f, REASON_CONTENT_IN_CLEAR);
	facts_expose(f, EXPOSURE_CONTENT, f->offset[CLIENT]);
	f->exposed_answered |= f->s.exposure == EXPOSURE_CONTENT;
}

/* The first thing that the server says. Without a SYN an untagged OK may also come in the middle;
 * then the client's next command tells. */
static bool is_greeting(const struct imap *s, const struct facts *f)
{
	const struct imap_response *r = &s->response;

	if (f->greeted || f->perhaps_greeted || s->spoken || r->status == IMAP_NO_STATUS)
		return false;
	if (s->lost[SERVER])
		return r->status != IMAP_BYE && f->offset[CLIENT] == 0;
	return r->status != IMAP_NO && r->status != IMAP_BAD;
}

/* A line that concludes nothing by itself. */
static void untagged(struct imap *s, struct facts *f)
{
	const struct imap_response *r = &s->response;

	if (!s->lost[SERVER]) /* it may be a line of a message */
		read_list(s, f);
	s->listed |= r->status == IMAP_BYE;
	if (r->data)
		mailbox_content(s, f);
}

static void server_line(struct imap *s, struct facts *f, const struct words_line *l)
{
	struct imap_response *r = &s->response;

	if (l->too_long)
		facts_oddity(f, ODDITY_LINE_TOO_LONG);
	if (l->words == 0)
		return;
	starttls_clear(f);
	if (l->bare_lf)
		facts_oddity(f, ODDITY_BARE_LF);
	switch ((enum imap_answer)r->kind) {
	case IMAP_UNTAGGED:
		if (is_greeting(s, f))
			s->answer_ready = true;
		else
			untagged(s, f);
		break;
	case IMAP_TAGGED:
		if (r->status == IMAP_NO_STATUS && !s->lost[SERVER])
			facts_strange_answer(f);
		s->answer_ready = r->status != IMAP_NO_STATUS;
		break;
	case IMAP_CONTINUE: s->answer_ready = true; break;
	case IMAP_JUNK:
		if (!s->lost[SERVER])
			facts_strange_answer(f);
		break;
	}
	s->spoken = true;
}

/* Text for people may end in braces, too; only data has literals (RFC 9051, 9: resp-text). */
static bool has_literal(const struct imap *s, const struct words_line *l)
{
	return l->literal && s->response.kind == IMAP_UNTAGGED &&
	       s->response.status == IMAP_NO_STATUS;
}

static void line_ended(struct imap *s, struct facts *f, const struct words_line *l)
{
	if (!has_literal(s, l)) {
		server_line(s, f, l);
		return;
	}
	if (s->response.data)
		mailbox_content(s, f);
	imap_begin_literal(s, f, SERVER, l->size);
}

static bool stops(const struct imap *s, const struct facts *f)
{
	(void)f;
	return s->answer_ready;
}

size_t imap_server(struct imap *s, struct facts *f, const uint8_t *data, size_t n)
{
	static const struct imap_half half = {
		.from = SERVER,
		.stops = stops,
		.word = server_word,
		.line = line_ended,
	};

	return imap_read(s, f, &half, data, n);
}

/* Conclusions --------------------------------------------------------------------------------- */

static void greeting(struct imap *s, struct facts *f)
{
	const struct imap_response *r = &s->response;
	bool lost = s->lost[SERVER];

	if (!f->syn_seen) { /* or a line of a message: the client's next command tells */
		f->perhaps_greeted = r->status == IMAP_OK;
		return;
	}
	facts_greeted(f, s->lost);
	if (r->status == IMAP_PREAUTH && !f->clear_gap[SERVER]) { /* or a line of a message */
		s->preauth = s->signed_in = true;
		f->s.findings |= 1u << FINDING_PREAUTH_IN_CLEAR;
	}
	if (!lost) /* it may be a line of a message */
		read_list(s, f);
	s->listed = false;
}

static void answered_login(struct imap *s, struct facts *f, const struct imap_pending *p, bool yes)
{
	s->auth_dialogue = false;
	f->unanswered -= f->unanswered > 0;
	if (!p->sure) {
		f->s.auth_clear = TRI_TRUE;
		facts_plain(f, REASON_AUTH_IN_CLEAR);
	}
	if (p->credentials) {
		facts_expose(f, EXPOSURE_CREDENTIALS, f->offset[CLIENT]);
		f->exposed_answered |= f->s.exposure == EXPOSURE_CREDENTIALS;
	} else if (!yes && p->sure) {
		facts_expose(f, EXPOSURE_REFUSED, f->offset[CLIENT]);
	}
}

static void answered_mailbox(struct facts *f, bool yes)
{
	if (!yes)
		return;
	facts_plain(f, REASON_CONTENT_IN_CLEAR);
	facts_expose(f, EXPOSURE_CONTENT, f->offset[CLIENT]);
	f->exposed_answered = true;
}

static void answered(struct imap *s, struct facts *f, const struct imap_pending *p, bool yes)
{
	switch ((enum imap_command)p->command) {
	case IMAP_LOGIN:
	case IMAP_AUTHENTICATE: answered_login(s, f, p, yes); break;
	case IMAP_STARTTLS:
		if (s->same_tags && (s->lost[CLIENT] || s->lost[SERVER]))
			break;                 /* it may be the answer to another */
		if (!f->answer_pending && yes) /* after a gap */
			starttls_asked(f);
		if (f->answer_pending)
			starttls_answered(f, yes);
		break;
	case IMAP_APPEND:
	case IMAP_MAILBOX: answered_mailbox(f, yes); break;
	case IMAP_SIGNED_IN:
		if (yes)
			facts_plain(f, REASON_CONTENT_IN_CLEAR);
		break;
	case IMAP_COMPRESS: s->opaque = yes; break;
	case IMAP_OTHER:
	case IMAP_HARMLESS:
	case IMAP_CAPABILITY:
	case IMAP_LOGOUT:
	case IMAP_COMMANDS: break;
	}
	f->protocol_sure |= p->command != IMAP_OTHER;
}

/* Only the server is in the capture. One answer that nothing explains may be that to STARTTLS;
 * more hide commands that might have been a login. */
static void server_alone(struct imap *s, struct facts *f, bool yes)
{
	bool explained = s->listed;

	s->listed = false;
	if (explained)
		return;
	if (s->unexplained || !yes)
		f->clear_gap[CLIENT] = true;
	s->unexplained = true;
	f->granted = yes;
}

/* The client waits no longer with its literal: the command was answered instead. */
static void give_up_literal(struct imap *s, uint32_t tag)
{
	if (s->waits && s->request.tag == tag)
		imap_end_request(s);
}

/* One more answer in clear: there was no upgrade behind the one before. */
static void clear_goes_on(struct imap *s, struct facts *f)
{
	s->perhaps_granted = false;
	if (!s->content_doubted)
		return;
	s->content_doubted = false;
	if (!f->visible[CLIENT])
		f->granted = false;
	mailbox_content(s, f);
}

static void signed_in(struct imap *s, struct facts *f)
{
	s->signed_in = true;
	facts_signed_in(f);
}

static bool is_login(unsigned command)
{
	return command == IMAP_LOGIN || command == IMAP_AUTHENTICATE;
}

/* A yes to a command that was not recognised: a server that does not know literals without waiting
 * took the bytes of one for it (RFC 7888). */
static void answered_unknown(const struct imap *s, struct facts *f, bool yes)
{
	facts_oddity(f, s->queued ? ODDITY_REPLY_MISMATCH : ODDITY_UNSOLICITED_REPLY);
	f->clear_gap[CLIENT] |= yes && s->unasked_literal;
}

static void tagged(struct imap *s, struct facts *f)
{
	const struct imap_response *r = &s->response;
	struct imap_pending p;
	bool yes = r->status == IMAP_OK;

	give_up_literal(s, r->tag);
	clear_goes_on(s, f);
	if (imap_take(s, r->tag, &p)) {
		if (is_login(p.command) && yes)
			signed_in(s, f);
		read_list(s, f);
		answered(s, f, &p, yes);
		return;
	}
	s->perhaps_granted = yes;
	if (!s->lost[SERVER])
		read_list(s, f);
	if (!f->visible[CLIENT])
		server_alone(s, f, yes);
	else
		answered_unknown(s, f, yes);
}

/* "+": the literal may come, or the next line of an exchange, or IDLE has begun. */
static void continuation(struct imap *s, struct facts *f)
{
	if (s->waits) {
		s->waits = false;
		imap_begin_literal(s, f, CLIENT, s->literal_size);
	} else if (imap_newest(s) == IMAP_AUTHENTICATE) {
		s->auth_dialogue = true;
	}
}

void imap_answer(struct imap *s, struct facts *f)
{
	const struct imap_response *r = &s->response;

	f->perhaps_greeted = false; /* the client had asked for something before */
	if (r->kind == IMAP_CONTINUE) {
		facts_evidence(f, WORD_CONTINUE);
		continuation(s, f);
	} else {
		facts_evidence(f, imap_status_word((enum imap_status)r->status));
		if (r->kind == IMAP_UNTAGGED)
			greeting(s, f);
		else
			tagged(s, f);
	}
	memset(&s->response, 0, sizeof(s->response));
	s->answer_ready = false;
}
