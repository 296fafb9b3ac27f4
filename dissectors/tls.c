/* The rules for completion.
 *
 * Up to TLS 1.2 (RFC 5246, 7.3): ChangeCipherSpec from both sides, or application data.
 *
 * TLS 1.3 (RFC 8446, 2) encrypts everything after the ServerHello and disguises it as
 * application data; a ChangeCipherSpec means nothing (appendix D.4). What is left is the size of
 * records. An encrypted alert has 19 bytes (2 of alert, 1 of type, 16 of tag); a Finished has 53
 * or 69. So the client's first record above 19 bytes says that it accepted the server, unless
 *   - it is followed by nothing but a record of 19 bytes: GnuTLS clients send Finished and then
 *     the alert with which they refuse the certificate;
 *   - the server answers it with nothing but a record of 19 bytes: so does a server refuse the
 *     client's certificate, while the client's next words may be on their way.
 * Both look like a close, too. Only a client that goes on after the server has said more than that
 * shows that neither happened.
 */
#include "dissectors/tls.h"

#include <string.h>

#include "dissectors/tls_handshake.h"

enum { ALERT_FATAL = 2, ALERT_CLOSE_NOTIFY = 0, ALERT_USER_CANCELED = 90 };
enum { ENCRYPTED_ALERT = 19, EMPTY_CERTIFICATE = 25, FINISHED_LARGEST = 69 };

void tls_init(struct tls *t)
{
	memset(t, 0, offsetof(struct tls, hello));
}

void tls_restart(struct tls *t, struct facts *f)
{
	const struct tls_leaf_sink *leaf = t->leaf;
	struct tls_record gathered = t->side[CLIENT].record;

	tls_init(t);
	t->leaf = leaf;
	t->side[CLIENT].record = gathered;
	f->tls = TLS_UNFINISHED;
}

/* Handshake records are in clear up to ChangeCipherSpec; with a HelloRetryRequest the second
 * ClientHello comes after the client's meaningless one. */
static bool handshake_in_clear(const struct tls *t, enum side from)
{
	if (!t->side[from].ccs)
		return true;
	return from == CLIENT ? t->retry && !t->side[SERVER].hello : !t->side[SERVER].hello;
}

/* The first of them ended it. */
static void ended_by_alert(struct tls *t, struct facts *f, uint8_t description)
{
	t->fatal = true;
	if (f->s.tls_alert == TLS_ALERT_NONE)
		f->s.tls_alert = description;
}

static void alert_bytes(struct tls *t, struct facts *f, enum side from, struct span body)
{
	struct tls_side *s = &t->side[from];
	bool closes;

	for (size_t i = 0; i < body.len && s->alert_have < 2; i++)
		s->alert[s->alert_have++] = body.at[i];
	if (s->alert_have < 2)
		return;
	s->alert_have = 0;
	closes = s->alert[1] == ALERT_CLOSE_NOTIFY || s->alert[1] == ALERT_USER_CANCELED;
	facts_evidence(f, WORD_ALERT);
	if (s->alert[0] == ALERT_FATAL || (t->version == TLS_VERSION_13 && !closes))
		ended_by_alert(t, f, s->alert[1]);
	else if (closes)
		s->closing = true;
}

static uint8_t count(uint8_t n)
{
	return n < UINT8_MAX ? (uint8_t)(n + 1) : n;
}

/* Encrypted records before the ServerHello are early data and prove nothing. */
static bool is_early(const struct tls *t, const struct facts *f)
{
	return f->visible[SERVER] && !t->side[SERVER].hello && !t->side[SERVER].blind;
}

static void sealed_by_client(struct tls *t, const struct facts *f, uint16_t length)
{
	if (is_early(t, f))
		return;
	t->alone |= !f->visible[SERVER];
	if (length <= ENCRYPTED_ALERT) {
		t->client_small = count(t->client_small);
		return;
	}
	if (t->client_big == 0 && length == EMPTY_CERTIFICATE) {
		t->client_has_none = true; /* and the Finished is still to come */
		return;
	}
	if (t->client_big == 0)
		t->client_first_large = length > FINISHED_LARGEST && !t->side[CLIENT].sealed_hs;
	t->client_big = count(t->client_big);
	t->went_on |= t->server_big;
}

static void sealed_by_server(struct tls *t, uint16_t length)
{
	if (t->client_big == 0)
		return;
	t->server_small |= length <= ENCRYPTED_ALERT;
	t->server_big |= length > ENCRYPTED_ALERT;
}

/* No record where one was due: this side cannot be followed any more. */
static void not_tls(struct tls *t, struct facts *f, enum side from)
{
	t->side[from].blind = true;
	f->tls_gap[from] = true;
	facts_oddity(f, ODDITY_BAD_TLS);
}

static void record_began(struct tls *t, struct facts *f, enum side from)
{
	struct tls_side *s = &t->side[from];
	bool first = !s->records;

	s->records = true;
	switch (s->record.type) {
	case TLS_HELLO_V2: /* what stands in it is not read */
		if (from == SERVER || !first) {
			not_tls(t, f, from);
			break;
		}
		s->hello = true;
		facts_evidence(f, WORD_CLIENT_HELLO);
		break;
	case TLS_CHANGE_CIPHER_SPEC:
		if (from == SERVER && !s->ccs)
			tls_server_seals(t, f);
		s->ccs = true;
		break;
	case TLS_CONTENT_ALERT: s->alert_have = 0; break;
	case TLS_HANDSHAKE: s->sealed_hs |= s->ccs && !handshake_in_clear(t, from); break;
	case TLS_APPLICATION_DATA:
		t->app[from] |= t->side[SERVER].hello; /* else early data, or none */
		if (from == CLIENT)
			sealed_by_client(t, f, s->record.length);
		else
			sealed_by_server(t, s->record.length);
		break;
	}
}

static void record_body(struct tls *t, struct facts *f, enum side from, struct span body)
{
	struct tls_side *s = &t->side[from];

	if (s->record.type == TLS_HANDSHAKE && handshake_in_clear(t, from))
		tls_handshake_bytes(t, f, from, body);
	else if (s->record.type == TLS_CONTENT_ALERT && s->record.length == 2 &&
		 (t->version == TLS_VERSION_13 || !s->ccs))
		alert_bytes(t, f, from, body);
}

/* Only one side of the connection is in the capture. */
static enum tls_outcome outcome_client_only(const struct tls *t)
{
	if (t->client_big == 0)
		return t->client_small > 0 ? TLS_DOUBTFUL : TLS_UNFINISHED;
	if (t->client_big == 1 && (t->client_small > 0 || !t->side[CLIENT].sealed_hs))
		return TLS_DOUBTFUL;
	if (t->client_has_none && t->client_big < 3) /* its EHLO may have crossed the refusal */
		return TLS_DOUBTFUL;
	return t->client_first_large ? TLS_DOUBTFUL : TLS_LIKELY;
}

static enum tls_outcome outcome_12(const struct tls *t)
{
	bool both = t->side[CLIENT].ccs && t->side[SERVER].ccs;

	return both || t->app[CLIENT] || t->app[SERVER] ? TLS_COMPLETE : TLS_UNFINISHED;
}

/* Where the server came late nobody knows which of the client's records stand before its hello. */
static enum tls_outcome outcome_13(const struct tls *t)
{
	if (t->alone)
		return TLS_DOUBTFUL;
	if (t->client_big == 0)
		return t->client_small > 0 ? TLS_ALERT : TLS_UNFINISHED;
	if (t->went_on)
		return TLS_COMPLETE;
	if (t->side[CLIENT].blind || t->side[SERVER].blind)
		return TLS_DOUBTFUL;
	if (t->client_small > 0 && (t->client_big == 1 || t->client_first_large))
		return TLS_DOUBTFUL; /* all before may be its certificate and the Finished */
	return t->server_small && !t->server_big ? TLS_DOUBTFUL : TLS_LIKELY;
}

static enum tls_outcome outcome(const struct tls *t, const struct facts *f)
{
	bool client = f->visible[CLIENT], server = f->visible[SERVER];

	if (t->fatal)
		return TLS_ALERT;
	if (client && !server)
		return outcome_client_only(t);
	if (client && !t->side[CLIENT].records && !t->side[CLIENT].blind)
		return TLS_UNFINISHED; /* the server alone spoke TLS, or what looks like it */
	if (!client && !f->granted && !f->implicit)
		return TLS_UNFINISHED; /* nobody knows of an upgrade */
	if (t->version != 0 && t->version < TLS_VERSION_13)
		return outcome_12(t);
	if (!client)
		return TLS_UNFINISHED;
	return outcome_13(t);
}

/* Where TLS was due the server seals for a client whose part was not seen, or not understood. */
static bool client_unseen(const struct tls *t, const struct facts *f)
{
	bool sealed = t->side[SERVER].ccs || t->app[SERVER];

	return sealed && (f->granted || f->implicit) && !t->side[CLIENT].records &&
	       t->version != 0 && t->version < TLS_VERSION_13;
}

/* Completion is for good; what comes after it is the session's own. */
static void conclude(struct tls *t, struct facts *f)
{
	if (f->tls == TLS_COMPLETE)
		return;
	f->tls_gap[CLIENT] |= f->visible[CLIENT] && client_unseen(t, f);
	f->tls = outcome(t, f);
	if (f->tls == TLS_COMPLETE)
		facts_evidence(f, WORD_FINISHED);
}

static void take_piece(struct tls *t, struct facts *f, enum side from, struct span *in)
{
	struct span body;

	switch (tls_record_next(&t->side[from].record, in, &body)) {
	case TLS_PIECE_MORE: break;
	case TLS_PIECE_START: record_began(t, f, from); break;
	case TLS_PIECE_BODY: record_body(t, f, from, body); break;
	case TLS_PIECE_BAD: not_tls(t, f, from); break;
	}
	conclude(t, f);
}

size_t tls_feed(struct tls *t, struct facts *f, enum side from, const uint8_t *data, size_t n)
{
	struct tls_side *s = &t->side[from];
	struct span in = { data, n };

	do {
		if (!s->blind && f->tls != TLS_COMPLETE)
			take_piece(t, f, from, &in);
		if (s->blind || f->tls == TLS_COMPLETE)
			return n;
	} while (in.len > 0 && s->record.have > 0);
	return n - in.len;
}

void tls_gap(struct tls *t, struct facts *f, enum side from)
{
	if (f->tls == TLS_COMPLETE || t->side[from].blind)
		return;
	t->side[from].blind = true;
	f->tls_gap[from] = true;
	facts_evidence(f, WORD_GAP);
	conclude(t, f);
}
