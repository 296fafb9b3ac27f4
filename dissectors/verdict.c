/* verdict.c - facts into a verdict. The order of the questions is the rule. */
#include "dissectors/verdict.h"

#include <string.h>

#include "dissectors/facts.h"

struct ruling {
	enum verdict verdict;
	enum reason reason;
};

static const struct ruling undecided = { VERDICT_NONE, REASON_NONE };

static struct ruling unclear(enum reason why)
{
	return (struct ruling){ VERDICT_INDETERMINATE, why };
}

void facts_init(struct facts *f)
{
	memset(f, 0, sizeof(*f));
	f->upgrade = UPG_PLAIN;
	f->s.vlan = VLAN_NONE;
	f->s.tls_cipher = TLS_CIPHER_NONE;
	f->s.tls_group = TLS_GROUP_NONE;
	f->s.tls_alert = TLS_ALERT_NONE;
}

static bool is_answer(unsigned code)
{
	return code < WORD_FIRST || (code >= WORD_POP_OK && code <= WORD_CONTINUE);
}

void facts_evidence(struct facts *f, unsigned code)
{
	uint16_t *e = f->s.evidence;
	unsigned n = f->s.evidence_len;

	if (code < 100 || code >= WORD_END)
		return;
	if ((code == WORD_GAP || code == WORD_LITERAL) && n >= 1 && e[n - 1] == code)
		return; /* told once, however many pieces it comes in */
	if (n >= 3 && e[n - 1] == code && e[n - 2] == e[n - 3])
		return;
	if (n >= 3 && e[n - 3] == e[n - 1] && e[n - 2] == code &&
	    !(is_answer(e[n - 1]) && !is_answer(code))) { /* its answer may differ */
		f->s.evidence_len--;                      /* A B A + B: the second A goes, too */
		return;
	}
	if (n == EVIDENCE_MAX)
		return;
	e[n] = (uint16_t)code;
	f->s.evidence_len++;
}

void facts_plain(struct facts *f, enum reason why)
{
	if (f->plain || f->mirrored)
		return;
	f->plain = true;
	f->plain_reason = why;
	f->plain_end = f->offset[CLIENT];
}

void facts_expose(struct facts *f, enum exposure e, uint64_t end)
{
	if (e <= f->s.exposure || f->mirrored)
		return;
	f->s.exposure = (uint8_t)e;
	f->exposed_end = end;
	f->exposed_answered = false;
}

static bool begun_before(const struct facts *f)
{
	return !f->syn_seen && !f->greeted;
}

static bool one_sided(const struct facts *f)
{
	return !f->visible[CLIENT] || !f->visible[SERVER];
}

/* The handshake completed. Was everything before it seen? */
static struct ruling sealed(const struct facts *f)
{
	if (begun_before(f))
		return unclear(REASON_BEGAN_BEFORE_CAPTURE);
	if (f->clear_gap[CLIENT])
		return unclear(f->visible[CLIENT] ? REASON_GAP : REASON_ONE_SIDED);
	if (!f->visible[CLIENT] && f->clear_gap[SERVER]) /* it may have answered a login */
		return unclear(REASON_ONE_SIDED);
	if (f->content_asked && f->clear_gap[SERVER]) /* what it gave was not seen */
		return unclear(f->visible[SERVER] ? REASON_GAP : REASON_ONE_SIDED);
	if (f->null_cipher)
		return unclear(REASON_NULL_CIPHER);
	return (struct ruling){ f->implicit ? VERDICT_ENCRYPTED_IMPLICIT
					    : VERDICT_ENCRYPTED_STARTTLS,
				REASON_HANDSHAKE_COMPLETED };
}

static struct ruling doubtful(const struct facts *f)
{
	if (f->tls_gap[CLIENT] || f->tls_gap[SERVER])
		return unclear(REASON_GAP);
	return unclear(one_sided(f) ? REASON_ONE_SIDED : REASON_POSSIBLE_ALERT);
}

static enum reason reason_of_ending(enum ending how)
{
	switch (how) {
	case ENDING_TIMEOUT: return REASON_TIMED_OUT;
	case ENDING_EVICTED: return REASON_EVICTED;
	case ENDING_CAPTURE:
	case ENDING_CLOSED:
	case ENDING_OPEN:
	case ENDINGS: break;
	}
	return REASON_CAPTURE_ENDED;
}

/* A reply of the server alone behind its yes: its TLS may still come. */
static bool forgery_possible(const struct facts *f, enum ending how)
{
	bool begun = f->tls == TLS_UNFINISHED && f->granted;

	return (f->tls == TLS_NONE || begun) && !f->client_stays_clear && !f->strange_answer &&
	       !f->quit && how != ENDING_CLOSED;
}

/* The answer may still be a yes. */
static bool asked_again(const struct facts *f, enum ending how)
{
	return f->answer_pending && !f->quit && how != ENDING_CLOSED;
}

/* TLS was due or begun, and did not complete. */
static struct ruling unsealed(const struct facts *f, enum ending how)
{
	if (f->tls_gap[CLIENT] || f->tls_gap[SERVER])
		return unclear(REASON_GAP); /* clear text may have followed */
	if (f->mirrored)
		return unclear(REASON_DECRYPTED_MIRROR);
	if (f->tls == TLS_ALERT)
		return (struct ruling){ VERDICT_TLS_FAILED, REASON_FATAL_ALERT };
	if (f->upgrade_broken && !forgery_possible(f, how) && !asked_again(f, how))
		return (struct ruling){ VERDICT_TLS_FAILED, REASON_NOT_TLS };
	if (one_sided(f))
		return unclear(REASON_ONE_SIDED);
	if (how != ENDING_CLOSED && !f->quit)
		return unclear(reason_of_ending(how));
	return (struct ruling){ VERDICT_TLS_FAILED, REASON_HANDSHAKE_UNFINISHED };
}

static struct ruling clear_only(const struct facts *f, enum ending how)
{
	if (f->mirrored)
		return unclear(REASON_DECRYPTED_MIRROR);
	if (!f->visible[CLIENT] || (f->answer_pending && !f->visible[SERVER]))
		return unclear(REASON_ONE_SIDED);
	if (how != ENDING_CLOSED && !f->quit)
		return unclear(reason_of_ending(how));
	return (struct ruling){ VERDICT_NO_TRANSACTION, REASON_CLOSED_WITHOUT_MAIL };
}

/* A server that has not greeted, although it was there from the start, may be one of some other
 * protocol: it has all the time of the connection to show it. */
static bool protocol_in_doubt(const struct facts *f)
{
	return f->syn_seen && f->visible[SERVER] && !f->greeted && !f->clear_gap[SERVER];
}

/* Plaintext counts when its weight is known; what the server refused, or did not answer, waits
 * for the end, because a second attempt may be accepted. */
static bool plain_decided(const struct facts *f, enum ending how)
{
	if (!f->plain)
		return false;
	if (how != ENDING_OPEN || f->tls == TLS_COMPLETE)
		return true;
	return f->s.exposure >= EXPOSURE_ENVELOPE && !protocol_in_doubt(f);
}

static struct ruling rule(const struct facts *f, enum ending how)
{
	if (plain_decided(f, how))
		return (struct ruling){ VERDICT_PLAINTEXT, f->plain_reason };
	if (f->tls == TLS_COMPLETE)
		return sealed(f);
	if (how == ENDING_OPEN)
		return undecided;
	if (f->tls == TLS_LIKELY)
		return sealed(f);
	if (begun_before(f))
		return unclear(REASON_BEGAN_BEFORE_CAPTURE);
	if (f->clear_gap[CLIENT] || f->clear_gap[SERVER])
		return unclear(one_sided(f) ? REASON_ONE_SIDED : REASON_GAP);
	if (f->tls == TLS_DOUBTFUL)
		return doubtful(f);
	if (f->tls != TLS_NONE || f->granted)
		return unsealed(f, how);
	return clear_only(f, how);
}

bool facts_decided(const struct facts *f)
{
	return rule(f, ENDING_OPEN).verdict != VERDICT_NONE;
}

/* Masking and refusing show in the session itself; neither is claimed over missing bytes. */
static enum stripped stripped_of(const struct facts *f)
{
	if (f->clear_gap[CLIENT] || f->clear_gap[SERVER] || begun_before(f))
		return STRIPPED_NONE;
	if (f->masked && f->s.offered != TRI_TRUE)
		return STRIPPED_MASKED;
	if (f->request_masked && f->s.offered == TRI_TRUE)
		return STRIPPED_MASKED;
	if (f->offer_refused && f->s.accepted != TRI_TRUE)
		return STRIPPED_REFUSED;
	return STRIPPED_NONE;
}

static bool anything_missing(const struct facts *f)
{
	return f->clear_gap[CLIENT] || f->clear_gap[SERVER] || f->tls_gap[CLIENT] ||
	       f->tls_gap[SERVER];
}

static bool upgrade_came_to_nothing(const struct facts *f)
{
	return f->upgrade_broken || f->tls == TLS_ALERT;
}

static enum cause cause_of(const struct facts *f, const struct session *s)
{
	if (stripped_of(f) == STRIPPED_MASKED)
		return CAUSE_SUSPECTED_STRIPPING;
	if (f->masked || f->request_masked) /* and it cannot be claimed */
		return f->s.offered == TRI_TRUE && !f->request_masked ? CAUSE_NOT_REQUESTED
								      : CAUSE_UNKNOWN;
	if (upgrade_came_to_nothing(f))
		return anything_missing(f) && f->s.tls_alert == TLS_ALERT_NONE
			       ? CAUSE_UNKNOWN
			       : CAUSE_HANDSHAKE_FAILED;
	if (f->starttls_refused)
		return CAUSE_REFUSED;
	if (s->offered == TRI_TRUE && s->requested == TRI_FALSE)
		return CAUSE_NOT_REQUESTED;
	if (s->offered == TRI_FALSE && s->requested == TRI_FALSE)
		return CAUSE_NOT_OFFERED;
	return CAUSE_UNKNOWN;
}

static enum directions directions_of(const struct facts *f)
{
	if (!one_sided(f))
		return DIRECTIONS_BOTH;
	return f->visible[CLIENT] ? DIRECTIONS_TO_SERVER : DIRECTIONS_TO_CLIENT;
}

/* SMTP has one list, in the answer to EHLO; POP3 one for each CAPA. IMAP has it as often as it likes.
 * Behind a login, which may not have been seen, it is another one. */
static bool list_is_last(const struct facts *f)
{
	bool client = f->visible[CLIENT] && !f->clear_gap[CLIENT];

	return f->s.protocol == PROTOCOL_SMTP || f->list_final ||
	       (client && (f->s.protocol == PROTOCOL_POP3 || !f->clear_gap[SERVER]));
}

/* What a tap that decrypts shows was perhaps not on the wire. */
static void forget_mirrored(const struct facts *f, struct session *s)
{
	s->auth_clear = TRI_NULL;
	s->messages = MESSAGES_NULL;
	s->findings = 0;
	if (s->requested != TRI_TRUE)
		s->offered = TRI_NULL;
	s->injected = s->injected && f->tls != TLS_NONE;
}

/* What was not seen is null, not false. */
static void fill_questions(const struct facts *f, struct session *s)
{
	bool tls_torn = f->tls != TLS_COMPLETE && (f->tls_gap[CLIENT] || f->tls_gap[SERVER]);
	bool client_whole = !begun_before(f) && f->visible[CLIENT] && !f->clear_gap[CLIENT] &&
			    !f->unread && !tls_torn; /* clear text may have followed */
	bool both_whole = client_whole && f->visible[SERVER] && !f->clear_gap[SERVER];
	bool tls_only = f->implicit && !f->upgrade_broken;

	if (s->requested == TRI_NULL && client_whole && !f->implicit && !f->request_unsure)
		s->requested = TRI_FALSE;
	if (s->auth_clear == TRI_NULL && client_whole && !f->auth_unsure)
		s->auth_clear = TRI_FALSE;
	if (s->protocol != PROTOCOL_SMTP || !both_whole || tls_only)
		s->messages = MESSAGES_NULL;
	if (s->offered != TRI_TRUE &&
	    ((f->implicit && !f->protocol_sure) || (s->offered == TRI_FALSE && !list_is_last(f))))
		s->offered = TRI_NULL; /* nothing to upgrade; or what was missed may have it */
	if (anything_missing(f) || begun_before(f)) {
		s->injected = false; /* an answer that was not seen explains it as well */
		s->ehlo_refused = false;
	}
	if (f->mirrored && !f->plain)
		forget_mirrored(f, s);
	s->stripped = (uint8_t)stripped_of(f);
	s->directions = (uint8_t)directions_of(f);
	s->begun_before = begun_before(f);
}

/* A login in clear where the upgrade was to be had, or came too late (RFC 8314, 3). */
static void fill_findings(const struct facts *f, struct session *s)
{
	bool upgrade = s->offered == TRI_TRUE || f->asked_late;

	if (s->protocol != PROTOCOL_SMTP && s->auth_clear == TRI_TRUE && upgrade)
		s->findings |= 1u << FINDING_LOGIN_BEFORE_STLS;
}

/* Nothing was accepted, only if nothing was missed that might have been. */
static bool all_answered(const struct facts *f)
{
	return f->unanswered == 0 && !f->clear_gap[CLIENT] && !f->clear_gap[SERVER] &&
	       !one_sided(f);
}

static void fill_weight(const struct facts *f, struct session *s)
{
	uint64_t end = s->exposure == EXPOSURE_NONE ? f->plain_end : f->exposed_end;
	bool confirmed = f->exposed_answered || f->client_acked >= end;

	if (s->verdict != VERDICT_PLAINTEXT) {
		s->exposure = EXPOSURE_NONE;
		s->confirmed = TRI_NULL;
		s->cause = CAUSE_NONE;
		return;
	}
	if (s->exposure == EXPOSURE_NONE || (s->exposure == EXPOSURE_REFUSED && !all_answered(f)))
		s->exposure = EXPOSURE_UNKNOWN;
	s->confirmed = confirmed ? TRI_TRUE : TRI_FALSE;
	s->cause = (uint8_t)cause_of(f, s);
}

enum verdict facts_verdict(const struct facts *f, enum ending how, struct session *out)
{
	struct ruling r = rule(f, how);

	*out = f->s;
	out->verdict = (uint8_t)r.verdict;
	out->reason = (uint8_t)r.reason;
	fill_questions(f, out);
	fill_findings(f, out);
	fill_weight(f, out);
	return r.verdict;
}
