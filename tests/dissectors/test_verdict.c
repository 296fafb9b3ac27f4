/* Tests what facts are worth: dissectors/verdict.c. */
#include "tests/unit.h"

#include <string.h>

#include "dissectors/facts.h"

#define SEEN .visible = { true, true }, .syn_seen = true, .greeted = true

enum {
	OPEN = 1u << ENDING_OPEN,
	CLOSED = 1u << ENDING_CLOSED,
	CAPTURE = 1u << ENDING_CAPTURE,
	TIMEOUT = 1u << ENDING_TIMEOUT,
	EVICTED = 1u << ENDING_EVICTED,
	ENDED = CLOSED | CAPTURE | TIMEOUT | EVICTED,
	ALL = OPEN | ENDED,
};

/* Facts and what they come to, for the endings of the mask. */
static const struct {
	const char *what;
	unsigned endings;
	struct facts f;
	enum verdict verdict;
	enum reason reason;
} cases[] = {
	{ "nothing yet", OPEN, { SEEN }, VERDICT_NONE, REASON_NONE },
	{ "nothing, closed", CLOSED, { SEEN }, VERDICT_NO_TRANSACTION, REASON_CLOSED_WITHOUT_MAIL },
	{ "nothing, capture ends", CAPTURE, { SEEN }, VERDICT_INDETERMINATE, REASON_CAPTURE_ENDED },
	{ "nothing, idle", TIMEOUT, { SEEN }, VERDICT_INDETERMINATE, REASON_TIMED_OUT },
	{ "nothing, evicted", EVICTED, { SEEN }, VERDICT_INDETERMINATE, REASON_EVICTED },
	{ "QUIT is an end",
	  CAPTURE | TIMEOUT | EVICTED | CLOSED,
	  { SEEN, .quit = true },
	  VERDICT_NO_TRANSACTION,
	  REASON_CLOSED_WITHOUT_MAIL },
	{ "client unseen",
	  CLOSED | CAPTURE,
	  { .visible = { false, true }, .syn_seen = true },
	  VERDICT_INDETERMINATE,
	  REASON_ONE_SIDED },
	{ "server unseen, no mail",
	  CLOSED,
	  { .visible = { true, false }, .syn_seen = true },
	  VERDICT_NO_TRANSACTION,
	  REASON_CLOSED_WITHOUT_MAIL },
	{ "STARTTLS, answer unseen",
	  CLOSED,
	  { .visible = { true, false }, .syn_seen = true, .answer_pending = true },
	  VERDICT_INDETERMINATE,
	  REASON_ONE_SIDED },
	{ "STARTTLS, never answered",
	  CLOSED,
	  { SEEN, .answer_pending = true },
	  VERDICT_NO_TRANSACTION,
	  REASON_CLOSED_WITHOUT_MAIL },
	{ "no SYN, no greeting",
	  CLOSED | CAPTURE,
	  { .visible = { true, true }, .quit = true },
	  VERDICT_INDETERMINATE,
	  REASON_BEGAN_BEFORE_CAPTURE },
	{ "no SYN, but the greeting",
	  CLOSED,
	  { .visible = { true, true }, .greeted = true },
	  VERDICT_NO_TRANSACTION,
	  REASON_CLOSED_WITHOUT_MAIL },
	{ "client gap in clear",
	  CLOSED,
	  { SEEN, .clear_gap = { true, false } },
	  VERDICT_INDETERMINATE,
	  REASON_GAP },
	{ "server gap in clear",
	  CLOSED,
	  { SEEN, .clear_gap = { false, true } },
	  VERDICT_INDETERMINATE,
	  REASON_GAP },
	{ "gap and one side",
	  CLOSED,
	  { .visible = { false, true }, .syn_seen = true, .clear_gap = { true, false } },
	  VERDICT_INDETERMINATE,
	  REASON_ONE_SIDED },

	{ "MAIL, unweighed",
	  OPEN,
	  { SEEN, .plain = true, .plain_reason = REASON_MAIL_IN_CLEAR },
	  VERDICT_NONE,
	  REASON_NONE },
	{ "MAIL refused, still open",
	  OPEN,
	  { SEEN, .plain = true, .plain_reason = REASON_MAIL_IN_CLEAR,
	    .s.exposure = EXPOSURE_REFUSED },
	  VERDICT_NONE,
	  REASON_NONE },
	{ "MAIL, at the end",
	  ENDED,
	  { SEEN, .plain = true, .plain_reason = REASON_MAIL_IN_CLEAR },
	  VERDICT_PLAINTEXT,
	  REASON_MAIL_IN_CLEAR },
	{ "MAIL accepted",
	  ALL,
	  { SEEN, .plain = true, .plain_reason = REASON_MAIL_IN_CLEAR,
	    .s.exposure = EXPOSURE_ENVELOPE },
	  VERDICT_PLAINTEXT,
	  REASON_MAIL_IN_CLEAR },
	{ "AUTH",
	  ALL,
	  { SEEN, .plain = true, .plain_reason = REASON_AUTH_IN_CLEAR,
	    .s.exposure = EXPOSURE_CREDENTIALS },
	  VERDICT_PLAINTEXT,
	  REASON_AUTH_IN_CLEAR },
	{ "a body without anything else",
	  ALL,
	  { SEEN, .plain = true, .plain_reason = REASON_CONTENT_IN_CLEAR,
	    .s.exposure = EXPOSURE_CONTENT },
	  VERDICT_PLAINTEXT,
	  REASON_CONTENT_IN_CLEAR },
	{ "MAIL refused, then TLS",
	  ALL,
	  { SEEN, .plain = true, .plain_reason = REASON_MAIL_IN_CLEAR,
	    .s.exposure = EXPOSURE_REFUSED, .granted = true, .tls = TLS_COMPLETE },
	  VERDICT_PLAINTEXT,
	  REASON_MAIL_IN_CLEAR },

	{ "STARTTLS completed",
	  ALL,
	  { SEEN, .granted = true, .tls = TLS_COMPLETE },
	  VERDICT_ENCRYPTED_STARTTLS,
	  REASON_HANDSHAKE_COMPLETED },
	{ "implicit TLS completed",
	  ALL,
	  { SEEN, .implicit = true, .tls = TLS_COMPLETE },
	  VERDICT_ENCRYPTED_IMPLICIT,
	  REASON_HANDSHAKE_COMPLETED },
	{ "completed, gap in TLS",
	  ALL,
	  { SEEN, .granted = true, .tls = TLS_COMPLETE, .tls_gap = { true, true } },
	  VERDICT_ENCRYPTED_STARTTLS,
	  REASON_HANDSHAKE_COMPLETED },
	{ "completed, server gap before",
	  ALL,
	  { SEEN, .granted = true, .tls = TLS_COMPLETE, .clear_gap = { false, true } },
	  VERDICT_ENCRYPTED_STARTTLS,
	  REASON_HANDSHAKE_COMPLETED },
	{ "completed, client gap before",
	  ALL,
	  { SEEN, .granted = true, .tls = TLS_COMPLETE, .clear_gap = { true, false } },
	  VERDICT_INDETERMINATE,
	  REASON_GAP },
	{ "completed, client unseen and gap",
	  ALL,
	  { .visible = { false, true },
	    .syn_seen = true,
	    .granted = true,
	    .tls = TLS_COMPLETE,
	    .clear_gap = { true, false } },
	  VERDICT_INDETERMINATE,
	  REASON_ONE_SIDED },
	{ "completed, begun before",
	  ALL,
	  { .visible = { true, true }, .granted = true, .tls = TLS_COMPLETE },
	  VERDICT_INDETERMINATE,
	  REASON_BEGAN_BEFORE_CAPTURE },
	{ "likely, still open",
	  OPEN,
	  { SEEN, .granted = true, .tls = TLS_LIKELY },
	  VERDICT_NONE,
	  REASON_NONE },
	{ "likely, over",
	  ENDED,
	  { SEEN, .granted = true, .tls = TLS_LIKELY },
	  VERDICT_ENCRYPTED_STARTTLS,
	  REASON_HANDSHAKE_COMPLETED },
	{ "doubtful, still open",
	  OPEN,
	  { SEEN, .granted = true, .tls = TLS_DOUBTFUL },
	  VERDICT_NONE,
	  REASON_NONE },
	{ "doubtful",
	  ENDED,
	  { SEEN, .granted = true, .tls = TLS_DOUBTFUL },
	  VERDICT_INDETERMINATE,
	  REASON_POSSIBLE_ALERT },
	{ "doubtful, gap",
	  CLOSED,
	  { SEEN, .granted = true, .tls = TLS_DOUBTFUL, .tls_gap = { false, true } },
	  VERDICT_INDETERMINATE,
	  REASON_GAP },
	{ "doubtful, one side",
	  CLOSED,
	  { .visible = { true, false }, .syn_seen = true, .tls = TLS_DOUBTFUL },
	  VERDICT_INDETERMINATE,
	  REASON_ONE_SIDED },

	{ "alert",
	  ENDED,
	  { SEEN, .granted = true, .tls = TLS_ALERT },
	  VERDICT_TLS_FAILED,
	  REASON_FATAL_ALERT },
	{ "alert, one side",
	  CLOSED,
	  { .visible = { false, true }, .syn_seen = true, .granted = true, .tls = TLS_ALERT },
	  VERDICT_TLS_FAILED,
	  REASON_FATAL_ALERT },
	{ "alert, but a gap in TLS",
	  CLOSED,
	  { SEEN, .granted = true, .tls = TLS_ALERT, .tls_gap = { true, false } },
	  VERDICT_INDETERMINATE,
	  REASON_GAP },
	{ "TLS begun, and then clear text",
	  CLOSED,
	  { SEEN, .granted = true, .tls = TLS_UNFINISHED, .upgrade_broken = true },
	  VERDICT_TLS_FAILED,
	  REASON_NOT_TLS },
	{ "clear text behind the 220",
	  CLOSED,
	  { SEEN, .granted = true, .upgrade_broken = true },
	  VERDICT_TLS_FAILED,
	  REASON_NOT_TLS },
	{ "clear text behind the 220, and a hello: the server's TLS may still come",
	  CAPTURE,
	  { SEEN, .granted = true, .upgrade_broken = true, .tls = TLS_UNFINISHED },
	  VERDICT_INDETERMINATE,
	  REASON_CAPTURE_ENDED },
	{ "a hello answered by text, and STARTTLS again",
	  CAPTURE,
	  { SEEN, .upgrade_broken = true, .tls = TLS_UNFINISHED, .answer_pending = true },
	  VERDICT_INDETERMINATE,
	  REASON_CAPTURE_ENDED },
	{ "a hello answered by text",
	  CAPTURE,
	  { SEEN, .implicit = true, .upgrade_broken = true, .tls = TLS_UNFINISHED },
	  VERDICT_TLS_FAILED,
	  REASON_NOT_TLS },
	{ "granted, nothing came",
	  CLOSED,
	  { SEEN, .granted = true },
	  VERDICT_TLS_FAILED,
	  REASON_HANDSHAKE_UNFINISHED },
	{ "granted, then QUIT",
	  CAPTURE,
	  { SEEN, .granted = true, .quit = true },
	  VERDICT_TLS_FAILED,
	  REASON_HANDSHAKE_UNFINISHED },
	{ "granted, client unseen",
	  CLOSED,
	  { .visible = { false, true }, .syn_seen = true, .granted = true },
	  VERDICT_INDETERMINATE,
	  REASON_ONE_SIDED },
	{ "hello, closed",
	  CLOSED,
	  { SEEN, .implicit = true, .tls = TLS_UNFINISHED },
	  VERDICT_TLS_FAILED,
	  REASON_HANDSHAKE_UNFINISHED },
	{ "hello, capture ends",
	  CAPTURE,
	  { SEEN, .implicit = true, .tls = TLS_UNFINISHED },
	  VERDICT_INDETERMINATE,
	  REASON_CAPTURE_ENDED },
	{ "hello, idle",
	  TIMEOUT,
	  { SEEN, .implicit = true, .tls = TLS_UNFINISHED },
	  VERDICT_INDETERMINATE,
	  REASON_TIMED_OUT },
	{ "hello, evicted",
	  EVICTED,
	  { SEEN, .implicit = true, .tls = TLS_UNFINISHED },
	  VERDICT_INDETERMINATE,
	  REASON_EVICTED },
	{ "MAIL accepted by a server that never greeted, open",
	  OPEN,
	  { .visible = { true, true },
	    .syn_seen = true,
	    .plain = true,
	    .plain_reason = REASON_MAIL_IN_CLEAR,
	    .s.exposure = EXPOSURE_ENVELOPE },
	  VERDICT_NONE,
	  REASON_NONE },
	{ "MAIL accepted by a server that never greeted, over",
	  CLOSED | CAPTURE | TIMEOUT,
	  { .visible = { true, true },
	    .syn_seen = true,
	    .plain = true,
	    .plain_reason = REASON_MAIL_IN_CLEAR,
	    .s.exposure = EXPOSURE_ENVELOPE },
	  VERDICT_PLAINTEXT,
	  REASON_MAIL_IN_CLEAR },
	{ "commands after PREAUTH",
	  OPEN | CLOSED | CAPTURE,
	  { SEEN, .plain = true, .plain_reason = REASON_PREAUTH_IN_CLEAR,
	    .s.exposure = EXPOSURE_CONTENT },
	  VERDICT_PLAINTEXT,
	  REASON_PREAUTH_IN_CLEAR },
	{ "granted, and clear text on a tap that decrypts",
	  CLOSED | CAPTURE,
	  { SEEN, .granted = true, .upgrade_broken = true, .mirrored = true },
	  VERDICT_INDETERMINATE,
	  REASON_DECRYPTED_MIRROR },
	{ "clear text where TLS was implied, on a tap that decrypts",
	  CLOSED | CAPTURE,
	  { SEEN, .mirrored = true },
	  VERDICT_INDETERMINATE,
	  REASON_DECRYPTED_MIRROR },
	{ "TLS on a tap that decrypts some of it",
	  CLOSED,
	  { SEEN, .implicit = true, .mirrored = true, .tls = TLS_COMPLETE },
	  VERDICT_ENCRYPTED_IMPLICIT,
	  REASON_HANDSHAKE_COMPLETED },
	{ "a suite that does not encrypt",
	  OPEN | CLOSED,
	  { SEEN, .implicit = true, .null_cipher = true, .tls = TLS_COMPLETE },
	  VERDICT_INDETERMINATE,
	  REASON_NULL_CIPHER },
	{ "hello, open",
	  OPEN,
	  { SEEN, .implicit = true, .tls = TLS_UNFINISHED },
	  VERDICT_NONE,
	  REASON_NONE },
};

static const size_t n_cases = sizeof(cases) / sizeof(cases[0]);

static void facts_come_to_one_verdict(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_cases; i++) {
		for (unsigned how = 0; how < ENDINGS; how++) {
			struct session out;

			if (!(cases[i].endings & 1u << how))
				continue;
			facts_verdict(&cases[i].f, (enum ending)how, &out);
			if (out.verdict != cases[i].verdict || out.reason != cases[i].reason)
				fail_msg("%s, ending %u: %s, %s", cases[i].what, how,
					 verdict_name((enum verdict)out.verdict),
					 reason_name((enum reason)out.reason));
		}
	}
}

static void every_verdict_and_reason_is_reached(void **state)
{
	unsigned verdicts = 0, reasons = 0;

	(void)state;
	for (size_t i = 0; i < n_cases; i++) {
		verdicts |= 1u << cases[i].verdict;
		reasons |= 1u << cases[i].reason;
	}
	assert_int_equal(verdicts, (1u << VERDICT_N) - 1);
	assert_int_equal(reasons, (1u << REASON_N) - 1);
}

static void an_end_always_has_a_verdict(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_cases; i++) {
		struct facts f = cases[i].f;

		f.s.protocol = PROTOCOL_SMTP;
		for (unsigned how = ENDING_OPEN + 1; how < ENDINGS; how++) {
			struct session out;

			assert_int_not_equal(facts_verdict(&f, (enum ending)how, &out),
					     VERDICT_NONE);
			assert_true(session_valid(&out));
		}
	}
}

/* Whatever else is true, user data that a mail server took makes it plaintext, open or over. */
static void plaintext_goes_before_everything(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_cases; i++) {
		struct facts f = cases[i].f;

		f.plain = f.greeted = true;
		f.plain_reason = REASON_CONTENT_IN_CLEAR;
		f.s.exposure = EXPOSURE_CONTENT;
		for (unsigned how = 0; how < ENDINGS; how++) {
			struct session out;

			assert_int_equal(facts_verdict(&f, (enum ending)how, &out),
					 VERDICT_PLAINTEXT);
			assert_int_equal(out.reason, REASON_CONTENT_IN_CLEAR);
			assert_int_equal(out.exposure, EXPOSURE_CONTENT);
		}
	}
}

/* What is decided while the connection is open stands however it ends. */
static void an_early_verdict_stands(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_cases; i++) {
		struct session open, end;

		if (facts_verdict(&cases[i].f, ENDING_OPEN, &open) == VERDICT_NONE)
			continue;
		for (unsigned how = ENDING_OPEN + 1; how < ENDINGS; how++) {
			facts_verdict(&cases[i].f, (enum ending)how, &end);
			assert_memory_equal(&open, &end, sizeof(open));
		}
	}
}

/* What it weighs ------------------------------------------------------------------------------ */

static struct facts plain_facts(void)
{
	struct facts f;

	facts_init(&f);
	f.s.protocol = PROTOCOL_SMTP;
	f.visible[CLIENT] = f.visible[SERVER] = f.syn_seen = f.greeted = true;
	f.offset[CLIENT] = 100;
	facts_plain(&f, REASON_MAIL_IN_CLEAR);
	return f;
}

static void weight_only_grows(void **state)
{
	struct facts f = plain_facts();

	(void)state;
	for (unsigned e = EXPOSURE_NONE; e < EXPOSURE_N; e++) {
		facts_expose(&f, (enum exposure)e, 100 + e);
		f.exposed_answered = true;
		for (unsigned less = EXPOSURE_NONE; less <= e; less++)
			facts_expose(&f, (enum exposure)less, 900);
		assert_int_equal(f.s.exposure, e);
		assert_int_equal(f.exposed_end, e == EXPOSURE_NONE ? 0 : 100 + e);
		assert_true(f.exposed_answered);
	}
	f = plain_facts();
	facts_expose(&f, EXPOSURE_ENVELOPE, 100);
	f.exposed_answered = true;
	facts_expose(&f, EXPOSURE_CONTENT, 200);
	assert_false(f.exposed_answered); /* it was the envelope that was answered */
}

static void the_first_proof_is_the_reason(void **state)
{
	struct facts f = plain_facts();

	(void)state;
	f.offset[CLIENT] = 500;
	facts_plain(&f, REASON_CONTENT_IN_CLEAR);
	assert_int_equal(f.plain_reason, REASON_MAIL_IN_CLEAR);
	assert_int_equal(f.plain_end, 100);
}

static void exposure_is_told_at_the_end(void **state)
{
	static const struct {
		enum exposure known;
		unsigned unanswered;
		enum exposure told;
	} rows[] = {
		{ EXPOSURE_NONE, 0, EXPOSURE_UNKNOWN },
		{ EXPOSURE_NONE, 1, EXPOSURE_UNKNOWN },
		{ EXPOSURE_REFUSED, 0, EXPOSURE_REFUSED },
		{ EXPOSURE_REFUSED, 1, EXPOSURE_UNKNOWN }, /* the last one may have been taken */
		{ EXPOSURE_UNKNOWN, 0, EXPOSURE_UNKNOWN },
		{ EXPOSURE_ENVELOPE, 1, EXPOSURE_ENVELOPE },
		{ EXPOSURE_CREDENTIALS, 0, EXPOSURE_CREDENTIALS },
		{ EXPOSURE_CONTENT, 1, EXPOSURE_CONTENT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct facts f = plain_facts();
		struct session out;

		facts_expose(&f, rows[i].known, 100);
		f.unanswered = rows[i].unanswered;
		facts_verdict(&f, ENDING_CLOSED, &out);
		assert_int_equal(out.exposure, rows[i].told);
	}
}

/* Answered, or acknowledged up to the bytes that gave it its weight. */
static void confirmed_means_the_other_side_had_it(void **state)
{
	static const struct {
		enum exposure exposure;
		uint64_t end, acked;
		bool answered;
		enum tri confirmed;
	} rows[] = {
		{ EXPOSURE_NONE, 0, 99, false, TRI_FALSE },
		{ EXPOSURE_NONE, 0, 100, false, TRI_TRUE },
		{ EXPOSURE_ENVELOPE, 150, 149, false, TRI_FALSE },
		{ EXPOSURE_ENVELOPE, 150, 150, false, TRI_TRUE },
		{ EXPOSURE_ENVELOPE, 150, 0, true, TRI_TRUE },
		{ EXPOSURE_CONTENT, 9000, 150, false, TRI_FALSE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct facts f = plain_facts();
		struct session out;

		facts_expose(&f, rows[i].exposure, rows[i].end);
		f.client_acked = rows[i].acked;
		f.exposed_answered = rows[i].answered;
		facts_verdict(&f, ENDING_CLOSED, &out);
		assert_int_equal(out.confirmed, rows[i].confirmed);
	}
}

static void only_plaintext_weighs(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_cases; i++) {
		struct facts f = cases[i].f;
		struct session out;

		f.s.exposure = EXPOSURE_REFUSED; /* an AUTH after a gap may leave it behind */
		f.masked = true;
		if (facts_verdict(&f, ENDING_CLOSED, &out) == VERDICT_PLAINTEXT)
			continue;
		assert_int_equal(out.exposure, EXPOSURE_NONE);
		assert_int_equal(out.confirmed, TRI_NULL);
		assert_int_equal(out.cause, CAUSE_NONE);
	}
}

static void the_cause_is_the_gravest_that_fits(void **state)
{
	static const struct {
		bool masked, broken, refused;
		enum tls_outcome tls;
		enum tri offered, requested;
		enum cause cause;
	} rows[] = {
		{ true, true, true, TLS_ALERT, TRI_FALSE, TRI_TRUE, CAUSE_SUSPECTED_STRIPPING },
		{ false, true, true, TLS_NONE, TRI_TRUE, TRI_TRUE, CAUSE_HANDSHAKE_FAILED },
		{ false, false, true, TLS_ALERT, TRI_TRUE, TRI_TRUE, CAUSE_HANDSHAKE_FAILED },
		{ false, true, true, TLS_UNFINISHED, TRI_TRUE, TRI_TRUE, CAUSE_HANDSHAKE_FAILED },
		{ false, false, true, TLS_NONE, TRI_TRUE, TRI_TRUE, CAUSE_REFUSED },
		{ false, false, false, TLS_NONE, TRI_TRUE, TRI_NULL, CAUSE_NOT_REQUESTED },
		{ false, false, false, TLS_NONE, TRI_FALSE, TRI_NULL, CAUSE_NOT_OFFERED },
		{ false, false, false, TLS_NONE, TRI_TRUE, TRI_TRUE, CAUSE_UNKNOWN },
		{ false, false, false, TLS_NONE, TRI_NULL, TRI_NULL, CAUSE_UNKNOWN },
	};
	unsigned causes = 1u << CAUSE_NONE;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct facts f = plain_facts();
		struct session out;

		f.masked = rows[i].masked;
		f.upgrade_broken = rows[i].broken;
		f.starttls_refused = rows[i].refused;
		f.tls = rows[i].tls;
		f.s.offered = (uint8_t)rows[i].offered;
		f.s.requested = (uint8_t)rows[i].requested;
		facts_verdict(&f, ENDING_CLOSED, &out);
		assert_int_equal(out.cause, rows[i].cause);
		causes |= 1u << out.cause;
	}
	assert_int_equal(causes, (1u << CAUSE_N) - 1);
}

/* What was asked ------------------------------------------------------------------------------ */

static void stripping_is_not_claimed_over_a_gap(void **state)
{
	static const struct {
		bool masked, refused;
		enum tri offered;
		enum stripped stripped;
	} rows[] = {
		{ false, false, TRI_TRUE, STRIPPED_NONE },
		{ true, false, TRI_FALSE, STRIPPED_MASKED },
		{ true, true, TRI_TRUE, STRIPPED_REFUSED }, /* it stands in the list all the same */
		{ false, true, TRI_TRUE, STRIPPED_REFUSED },
		{ false, true, TRI_FALSE, STRIPPED_NONE },
		{ false, true, TRI_NULL, STRIPPED_NONE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (unsigned gap = 0; gap < 4; gap++) {
			struct facts f = plain_facts();
			struct session out;

			f.masked = rows[i].masked;
			f.starttls_refused = rows[i].refused;
			f.offer_refused = rows[i].refused && rows[i].offered == TRI_TRUE;
			f.s.offered = (uint8_t)rows[i].offered;
			f.clear_gap[CLIENT] = gap & 1;
			f.clear_gap[SERVER] = gap & 2;
			facts_verdict(&f, ENDING_CLOSED, &out);
			assert_int_equal(out.stripped, gap ? STRIPPED_NONE : rows[i].stripped);
		}
	}
}

/* What was not wholly seen is null. */
static void unseen_is_null_and_not_false(void **state)
{
	static const struct {
		struct facts f;
		enum tri requested, auth;
		int messages;
	} rows[] = {
		{ { SEEN }, TRI_FALSE, TRI_FALSE, 0 },
		{ { .visible = { true, true } }, TRI_NULL, TRI_NULL, MESSAGES_NULL },
		{ { .visible = { true, false }, .syn_seen = true },
		  TRI_FALSE,
		  TRI_FALSE,
		  MESSAGES_NULL },
		{ { .visible = { false, true }, .syn_seen = true },
		  TRI_NULL,
		  TRI_NULL,
		  MESSAGES_NULL },
		{ { SEEN, .clear_gap = { true, false } }, TRI_NULL, TRI_NULL, MESSAGES_NULL },
		{ { SEEN, .clear_gap = { false, true } }, TRI_FALSE, TRI_FALSE, MESSAGES_NULL },
		{ { SEEN, .request_unsure = true }, TRI_NULL, TRI_FALSE, 0 },
		{ { SEEN, .auth_unsure = true }, TRI_FALSE, TRI_NULL, 0 },
		{ { SEEN, .implicit = true, .tls = TLS_COMPLETE },
		  TRI_NULL,
		  TRI_FALSE,
		  MESSAGES_NULL },
		{ { SEEN, .implicit = true, .upgrade_broken = true }, TRI_NULL, TRI_FALSE, 0 },
		{ { SEEN, .granted = true, .tls = TLS_COMPLETE, .s.requested = TRI_TRUE },
		  TRI_TRUE,
		  TRI_FALSE,
		  0 },
		{ { SEEN, .s.auth_clear = TRI_TRUE, .clear_gap = { true, true } },
		  TRI_NULL,
		  TRI_TRUE,
		  MESSAGES_NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct facts f = rows[i].f;
		struct session out;

		f.s.protocol = PROTOCOL_SMTP;
		facts_verdict(&f, ENDING_CLOSED, &out);
		assert_int_equal(out.requested, rows[i].requested);
		assert_int_equal(out.auth_clear, rows[i].auth);
		assert_int_equal(out.messages, rows[i].messages);
		f.s.protocol = PROTOCOL_IMAP;
		facts_verdict(&f, ENDING_CLOSED, &out);
		assert_int_equal(out.messages, MESSAGES_NULL);
	}
}

static void directions_are_those_seen(void **state)
{
	static const struct {
		bool client, server;
		enum directions directions;
	} rows[] = {
		{ true, true, DIRECTIONS_BOTH },
		{ true, false, DIRECTIONS_TO_SERVER },
		{ false, true, DIRECTIONS_TO_CLIENT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct facts f = { .visible = { rows[i].client, rows[i].server },
				   .syn_seen = true };
		struct session out;

		facts_verdict(&f, ENDING_CLOSED, &out);
		assert_int_equal(out.directions, rows[i].directions);
		assert_false(out.begun_before);
		f.syn_seen = false;
		facts_verdict(&f, ENDING_CLOSED, &out);
		assert_true(out.begun_before);
	}
}

/* Evidence ------------------------------------------------------------------------------------ */

static void evidence_keeps_order_and_folds_repeats(void **state)
{
	static const struct {
		uint16_t in[12], out[8];
	} rows[] = {
		{ { 220, WORD_EHLO, 250 }, { 220, WORD_EHLO, 250 } },
		{ { WORD_RCPT, 250, WORD_RCPT, 250, WORD_RCPT, 250 }, { WORD_RCPT, 250 } },
		{ { WORD_MAIL, 250, WORD_RCPT, 250, WORD_RCPT, 550 },
		  { WORD_MAIL, 250, WORD_RCPT, 250, WORD_RCPT, 550 } },
		{ { WORD_GAP, WORD_GAP, WORD_GAP, 250 }, { WORD_GAP, 250 } },
		{ { WORD_RCPT, WORD_RCPT, 250, 250 }, { WORD_RCPT, WORD_RCPT, 250 } },
		{ { WORD_RCPT, WORD_RCPT, WORD_RCPT, WORD_RCPT, WORD_RCPT },
		  { WORD_RCPT, WORD_RCPT, WORD_RCPT } },
		{ { WORD_RCPT, 550, WORD_RCPT, 250 }, { WORD_RCPT, 550, WORD_RCPT, 250 } },
		{ { WORD_APPEND, WORD_LITERAL, WORD_LITERAL, WORD_LITERAL, WORD_OK },
		  { WORD_APPEND, WORD_LITERAL, WORD_OK } },
		{ { 99, WORD_EHLO, WORD_END, 250 }, { WORD_EHLO, 250 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct facts f;
		unsigned n = 0;

		facts_init(&f);
		for (unsigned k = 0; k < 12 && rows[i].in[k]; k++)
			facts_evidence(&f, rows[i].in[k]);
		while (n < 8 && rows[i].out[n])
			n++;
		assert_int_equal(f.s.evidence_len, n);
		assert_memory_equal(f.s.evidence, rows[i].out, n * sizeof(uint16_t));
	}
}

static void evidence_is_bounded(void **state)
{
	struct facts f;

	(void)state;
	facts_init(&f);
	for (unsigned code = 200; code < 300; code++) {
		facts_evidence(&f, code);
		assert_int_equal(f.s.evidence_len,
				 code - 199 < EVIDENCE_MAX ? code - 199 : EVIDENCE_MAX);
	}
	assert_int_equal(f.s.evidence[EVIDENCE_MAX - 1], 200 + EVIDENCE_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(facts_come_to_one_verdict),
		cmocka_unit_test(every_verdict_and_reason_is_reached),
		cmocka_unit_test(an_end_always_has_a_verdict),
		cmocka_unit_test(plaintext_goes_before_everything),
		cmocka_unit_test(an_early_verdict_stands),
		cmocka_unit_test(weight_only_grows),
		cmocka_unit_test(the_first_proof_is_the_reason),
		cmocka_unit_test(exposure_is_told_at_the_end),
		cmocka_unit_test(confirmed_means_the_other_side_had_it),
		cmocka_unit_test(only_plaintext_weighs),
		cmocka_unit_test(the_cause_is_the_gravest_that_fits),
		cmocka_unit_test(stripping_is_not_claimed_over_a_gap),
		cmocka_unit_test(unseen_is_null_and_not_false),
		cmocka_unit_test(directions_are_those_seen),
		cmocka_unit_test(evidence_keeps_order_and_folds_repeats),
		cmocka_unit_test(evidence_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
