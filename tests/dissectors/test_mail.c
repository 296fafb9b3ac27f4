/* Tests the whole conversation: what is held, what is handed to TLS, and what comes back. */
#include "tests/dissectors/script.h"

#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

#include "dissectors/mail.h"

#define HI    "S:220 mx|C:EHLO c|S:250-mx\n250 STARTTLS|"
#define TLS13 "C:<ch>|S:<sh13>|S:<app 700>|C:<app 53>|S:<app 250>|C:<app 100>"
#define TLS12 "C:<ch>|S:<sh12>|S:<cert>|C:<cert>|C:<ccs>|C:<fin>|S:<ccs>|S:<fin>"

static struct mail *new_mail(enum protocol protocol, bool from_the_start)
{
	struct mail *m = malloc(sizeof(*m));

	assert_non_null(m);
	mail_init(m, protocol, SERVICE_MTA, from_the_start);
	m->facts.visible[CLIENT] = m->facts.visible[SERVER] = true;
	return m;
}

static void feed(struct mail *m, enum side from, const uint8_t *data, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);

	assert_non_null(copy);
	memcpy(copy, data, n);
	mail_feed(m, from, copy, n);
	free(copy);
	assert_true(m->held <= MAIL_HOLD);
	assert_false(clear_answer_ready(&m->clear));
}

static void run(struct mail *m, const char *script, size_t piece)
{
	struct step st;

	while (script_step(&script, &st)) {
		if (st.gap)
			mail_gap(m, st.from, st.gap);
		for (size_t at = 0; at < st.bytes.n; at += piece) {
			size_t left = st.bytes.n - at;

			feed(m, st.from, st.bytes.at + at, left < piece ? left : piece);
		}
	}
}

static const struct {
	const char *script;
	enum verdict verdict; /* when it closes */
	enum exposure exposure;
	int messages;
	bool injected;
} talks[] = {
	/* What begins like something else, and is none. */
	{ "S:220 mx|C:\x16\x03\x01~|C:NOOP|S:500 what|C:EHLO c|S:250 mx|C:MAIL FROM:<a@b>|S:250 ok",
	  VERDICT_PLAINTEXT, EXPOSURE_ENVELOPE, 0, false },
	/* The upgrade. */
	{ HI "C:STARTTLS|S:220 go|" TLS13, VERDICT_ENCRYPTED_STARTTLS, EXPOSURE_NONE, 0, false },
	{ HI "C:STARTTLS|S:220 go|" TLS12, VERDICT_ENCRYPTED_STARTTLS, EXPOSURE_NONE, 0, false },
	{ TLS13, VERDICT_ENCRYPTED_IMPLICIT, EXPOSURE_NONE, MESSAGES_NULL, false },
	{ HI "C:STARTTLS|S:220 go|C:<ch>|S:<alert 2 40>", VERDICT_TLS_FAILED, EXPOSURE_NONE, 0,
	  false },
	{ HI "C:STARTTLS|S:220 go", VERDICT_TLS_FAILED, EXPOSURE_NONE, 0, false },
	{ HI "C:STARTTLS|S:454 no|C:<ch>", VERDICT_TLS_FAILED, EXPOSURE_NONE, 0, false },
	/* The ClientHello does not wait for the 220, or overtakes it. */
	{ HI "C:STARTTLS|C:<ch>|S:220 go|S:<sh12>|C:<ccs>|S:<ccs>", VERDICT_ENCRYPTED_STARTTLS,
	  EXPOSURE_NONE, 0, false },
	{ HI "C:STARTTLS|C:<ch>|S:454 no|C:QUIT", VERDICT_TLS_FAILED, EXPOSURE_NONE, 0, false },
	/* Bytes held behind STARTTLS: void when it is granted, commands when it is not. */
	{ HI "C:STARTTLS\nRSET|S:220 go|" TLS13, VERDICT_ENCRYPTED_STARTTLS, EXPOSURE_NONE, 0,
	  true },
	{ HI "C:STARTTLS\nMAIL FROM:<>|S:220 go|" TLS13, VERDICT_ENCRYPTED_STARTTLS, EXPOSURE_NONE,
	  0, true },
	{ HI "C:STARTTLS\nMAIL FROM:<>|S:454 no|S:250 ok", VERDICT_PLAINTEXT, EXPOSURE_ENVELOPE, 0,
	  false },
	/* Not void where the client goes on in clear: the server took it, or did not. */
	{ HI "C:STARTTLS\nMAIL FROM:<>\nDATA|S:220 go|S:250 ok|S:354 go|C:x\n.|S:250 ok|C:QUIT",
	  VERDICT_INDETERMINATE, EXPOSURE_NONE, MESSAGES_NULL, false },
	{ HI "C:STARTTLS\nMAIL FROM:<>\nDATA|S:220 go|S:250 ok|S:354 go", VERDICT_INDETERMINATE,
	  EXPOSURE_NONE, MESSAGES_NULL, false },
	{ HI "C:STARTTLS\nMAIL FROM:<>\nDATA|S:220 go", VERDICT_TLS_FAILED, EXPOSURE_NONE, 0,
	  true },
	{ HI "C:STARTTLS\nMAIL FROM:<>|S:220 go|C:RCPT TO:<a@b>|S:250 ok", VERDICT_INDETERMINATE,
	  EXPOSURE_NONE, MESSAGES_NULL, false },
	{ HI "C:STARTTLS\nQUIT|S:454 no|S:221 bye", VERDICT_NO_TRANSACTION, EXPOSURE_NONE, 0,
	  false },
	{ HI "C:STARTTLS\nSTARTTLS\nMAIL FROM:<>|S:454 no|S:454 no|S:250 ok", VERDICT_PLAINTEXT,
	  EXPOSURE_ENVELOPE, 0, false },
	/* Bytes held behind DATA: a body after 354, commands after a refusal. */
	{ HI "C:MAIL FROM:<>\nDATA\nQUIT\n.\nQUIT|S:250 ok|S:354 go|S:250 ok|S:221 bye",
	  VERDICT_PLAINTEXT, EXPOSURE_CONTENT, 1, false },
	{ HI "C:MAIL FROM:<>\nDATA\nQUIT|S:250 ok|S:503 no|S:221 bye", VERDICT_PLAINTEXT,
	  EXPOSURE_ENVELOPE, 0, false },
	{ HI "C:MAIL FROM:<>\nDATA\nSTARTTLS|S:530 no|S:503 no|S:220 go|" TLS13, VERDICT_PLAINTEXT,
	  EXPOSURE_REFUSED, 0, false },
	{ HI "C:DATA\nx\n.|S:<gap 12>|S:250 ok", VERDICT_PLAINTEXT, EXPOSURE_CONTENT, MESSAGES_NULL,
	  false },
	/* Back in clear. */
	{ HI "C:STARTTLS|S:220 go|C:<ch>|S:<alert 2 40>|C:MAIL FROM:<>|S:250 ok", VERDICT_PLAINTEXT,
	  EXPOSURE_ENVELOPE, 0, false },
	{ HI "C:STARTTLS|S:220 go|C:<alert 2 40>|C:MAIL FROM:<>|S:250 ok", VERDICT_PLAINTEXT,
	  EXPOSURE_ENVELOPE, 0, false },
	{ HI "C:STARTTLS|S:220 go|C:MAIL FROM:<>|S:250 ok", VERDICT_PLAINTEXT, EXPOSURE_ENVELOPE, 0,
	  false },
	{ HI "C:STARTTLS|S:220 go|C:EHLO c|S:500 what|C:QUIT", VERDICT_TLS_FAILED, EXPOSURE_NONE, 0,
	  false },
	{ HI "C:STARTTLS|S:220 go|C:<ch>|S:500 what|S:500 what", VERDICT_TLS_FAILED, EXPOSURE_NONE,
	  0, false },
	/* What was sealed stays sealed: text behind it is ciphertext. */
	{ HI "C:STARTTLS|S:220 go|" TLS12 "|C:MAIL FROM:<>|S:250 ok", VERDICT_ENCRYPTED_STARTTLS,
	  EXPOSURE_NONE, 0, false },
	/* A clear banner against a ClientHello is no mail in clear. */
	{ "C:<ch>|S:220 mx", VERDICT_TLS_FAILED, EXPOSURE_NONE, 0, false },
	{ "S:220 mx|C:<ch>", VERDICT_TLS_FAILED, EXPOSURE_NONE, 0, false },
	/* Mail before TLS. */
	{ HI "C:MAIL FROM:<>|S:530 no|C:STARTTLS|S:220 go|" TLS13, VERDICT_PLAINTEXT,
	  EXPOSURE_REFUSED, 0, false },
	/* Gaps. */
	{ HI "C:STARTTLS|S:<gap 8>|" TLS13, VERDICT_INDETERMINATE, EXPOSURE_NONE, MESSAGES_NULL,
	  false },
	/* The first answer is missing: what waited for it may have been read as commands. */
	{ HI "C:STARTTLS|S:<gap 8>|C:MAIL FROM:<>|S:250 ok|C:STARTTLS|S:220 go|" TLS13,
	  VERDICT_INDETERMINATE, EXPOSURE_NONE, MESSAGES_NULL, false },
	/* The server goes on with what no STARTTLS is answered with: a command behind it was. */
	{ HI "C:STARTTLS|S:<gap 8>|C:AUTH LOGIN|S:334 x|C:dXNlcg==|S:334 y|C:cGFzcw==|S:235 ok|"
	     "C:MAIL FROM:<>\nRCPT TO:<a@b>\nDATA|S:451 no\n503 no\n503 no|"
	     "C:MAIL FROM:<>\nRCPT TO:<a@b>\nDATA|S:250 ok\n250 ok\n354 go",
	  VERDICT_PLAINTEXT, EXPOSURE_CREDENTIALS, MESSAGES_NULL, false },
	{ HI "C:<gap 10>|S:220 go|" TLS13, VERDICT_INDETERMINATE, EXPOSURE_NONE, MESSAGES_NULL,
	  false },
	/* The server's TLS went as far as with a client that did its part, whatever that was. */
	{ HI "C:STARTTLS|S:220 go|C:\x01\x02 what|S:<sh12>|C:\x03 is|S:<ccs>|C:\x04 this",
	  VERDICT_INDETERMINATE, EXPOSURE_NONE, MESSAGES_NULL, false },
	{ HI "C:STARTTLS|S:220 go|C:\x01\x02 what|S:<sh12>|C:\x03 is", VERDICT_TLS_FAILED,
	  EXPOSURE_NONE, 0, true },
	{ HI "C:STARTTLS|S:220 go|C:<gap 300>|S:<sh13>|S:<app 700>", VERDICT_INDETERMINATE,
	  EXPOSURE_NONE, MESSAGES_NULL, false },
};

static void one_talk(size_t i, size_t piece)
{
	struct mail *m = new_mail(PROTOCOL_SMTP, true);
	struct session out;

	run(m, talks[i].script, piece);
	mail_end(m, ENDING_CLOSED);
	facts_verdict(&m->facts, ENDING_CLOSED, &out);
	assert_true(session_valid(&out));
	if (out.verdict != talks[i].verdict || out.exposure != talks[i].exposure ||
	    out.messages != talks[i].messages || out.injected != talks[i].injected)
		fail_msg("%s (pieces of %zu): %s, %s, exposure %u, messages %d, injected %u",
			 talks[i].script, piece, verdict_name((enum verdict)out.verdict),
			 reason_name((enum reason)out.reason), out.exposure, out.messages,
			 out.injected);
	free(m);
}

static void talks_come_to_one_verdict_however_cut(void **state)
{
	static const size_t pieces[] = { SIZE_MAX, 1, 3, 16 };

	(void)state;
	for (size_t i = 0; i < sizeof(talks) / sizeof(talks[0]); i++) {
		for (size_t p = 0; p < sizeof(pieces) / sizeof(pieces[0]); p++)
			one_talk(i, pieces[p]);
	}
}

/* The capture begins with the answer to STARTTLS, which was asked for before. */
static void a_grant_that_tls_follows_is_no_greeting(void **state)
{
	struct mail *m = new_mail(PROTOCOL_SMTP, false);
	struct session out;

	(void)state;
	run(m, "S:220 go|C:<ch>|S:<alert 2 40>|S:454 no TLS|C:EHLO c", SIZE_MAX);
	mail_end(m, ENDING_CLOSED);
	facts_verdict(&m->facts, ENDING_CLOSED, &out);
	assert_int_equal(out.verdict, VERDICT_INDETERMINATE);
	assert_int_equal(out.requested, TRI_NULL);
	free(m);
}

/* Whether the server refused DATA, or what followed it, is in the gap: what the client said since may be
 * commands as well as a message. */
static void behind_data_nothing_is_sure_without_its_answer(void **state)
{
	static const struct {
		const char *script;
		enum tri requested, auth;
	} cases[] = {
		{ "C:DATA|S:503 no|C:STARTTLS|S:220 go", TRI_TRUE, TRI_FALSE },
		{ "C:DATA|S:354 go|C:STARTTLS\nAUTH PLAIN AGEAYg==\n.|S:250 ok", TRI_FALSE,
		  TRI_FALSE },
		{ "C:DATA|S:<gap 8>|C:x\nSTARTTLS\n.|S:554 no", TRI_NULL, TRI_NULL },
		{ "C:DATA|S:<gap 8>|C:x\nAUTH PLAIN AGEAYg==\n.|S:554 no", TRI_NULL, TRI_NULL },
		{ "C:DATA|S:<gap 8>|C:STARTTLS|S:220 go", TRI_NULL, TRI_FALSE },
		{ "C:DATA|S:<gap 8>|C:AUTH PLAIN AGEAYg==|S:235 ok", TRI_FALSE, TRI_NULL },
		{ "C:DATA|S:<gap 8>|C:x\n.|S:250 ok", TRI_FALSE, TRI_FALSE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mail *m = new_mail(PROTOCOL_SMTP, true);
		struct session out;

		run(m, HI "C:MAIL FROM:<>|S:250 ok", SIZE_MAX);
		run(m, cases[i].script, SIZE_MAX);
		facts_verdict(&m->facts, ENDING_CLOSED, &out);
		if (out.verdict != VERDICT_PLAINTEXT || out.exposure == EXPOSURE_CREDENTIALS ||
		    out.requested != cases[i].requested || out.auth_clear != cases[i].auth)
			fail_msg("%s: %s, exposure %u, requested %u, auth %u", cases[i].script,
				 verdict_name((enum verdict)out.verdict), out.exposure,
				 out.requested, out.auth_clear);
		free(m);
	}
}

/* Behind a gap 535 is of AUTH, and of no STARTTLS. */
static void a_refused_password_refuses_no_upgrade(void **state)
{
	struct mail *m = new_mail(PROTOCOL_SMTP, true);

	(void)state;
	run(m, HI "C:AUTH PLAIN AGEAYg==|C:STARTTLS|S:<gap 1>|S:535 no", SIZE_MAX);
	assert_int_equal(m->facts.s.auth_clear, TRI_TRUE);
	free(m);
	m = new_mail(PROTOCOL_SMTP, true);
	run(m, HI "C:STARTTLS|S:<gap 8>|S:535 no", SIZE_MAX);
	assert_int_equal(m->facts.s.accepted, TRI_NULL);
	assert_false(m->facts.starttls_refused);
	free(m);
}

static void an_answer_to_half_a_line_unsays_a_refusal(void **state)
{
	static const uint8_t half[] = { 'S', 'T', 'A', 'R', 'T', 'T', 'L', 'S', '\r' };
	struct mail *m = new_mail(PROTOCOL_SMTP, true);

	(void)state;
	run(m, HI "C:STARTTLS|S:454 no", SIZE_MAX);
	assert_int_equal(m->facts.s.accepted, TRI_FALSE);
	feed(m, CLIENT, half, sizeof(half));
	run(m, "S:220 go", SIZE_MAX);
	assert_int_equal(m->facts.s.accepted, TRI_NULL);
	free(m);
}

/* Holding ------------------------------------------------------------------------------------- */

static const uint8_t rset[] = { 'R', 'S', 'E', 'T', '\r', '\n' };

/* More than is waited for behind STARTTLS: it is not read, and may have been a mail. */
static void too_much_behind_starttls_is_a_gap(void **state)
{
	struct mail *m = new_mail(PROTOCOL_SMTP, true);
	struct session out;

	(void)state;
	run(m, HI "C:STARTTLS", SIZE_MAX);
	for (size_t n = 0; n < 3 * MAIL_HOLD; n += sizeof(rset))
		feed(m, CLIENT, rset, sizeof(rset));
	assert_true(m->facts.clear_gap[CLIENT]);
	run(m, "S:220 go|" TLS13, SIZE_MAX);
	facts_verdict(&m->facts, ENDING_CLOSED, &out);
	assert_int_equal(out.verdict, VERDICT_INDETERMINATE);
	assert_int_equal(out.reason, REASON_GAP);
	free(m);
}

/* More than is waited for behind DATA: it can only be a body. It proves nothing before the 354. */
static void too_much_behind_data_is_a_body(void **state)
{
	struct mail *m = new_mail(PROTOCOL_SMTP, true);

	(void)state;
	run(m, HI "C:DATA", SIZE_MAX);
	for (size_t n = 0; n < MAIL_HOLD - sizeof(rset); n += sizeof(rset)) {
		feed(m, CLIENT, rset, sizeof(rset));
		assert_int_equal(m->clear.smtp.mode, SMTP_MODE_COMMAND);
	}
	feed(m, CLIENT, rset, sizeof(rset));
	feed(m, CLIENT, rset, sizeof(rset));
	assert_int_equal(m->clear.smtp.mode, SMTP_MODE_BODY);
	assert_int_equal(m->held, 0);
	assert_false(m->facts.plain);
	run(m, "S:354 go|C:x", SIZE_MAX);
	assert_true(m->facts.plain);
	assert_int_equal(m->facts.s.exposure, EXPOSURE_CONTENT);
	free(m);
}

static void one_large_piece_is_held_like_many(void **state)
{
	static uint8_t large[5 * MAIL_HOLD];
	struct mail *m = new_mail(PROTOCOL_SMTP, true);

	(void)state;
	memset(large, 'x', sizeof(large));
	run(m, HI "C:DATA", SIZE_MAX);
	feed(m, CLIENT, large, sizeof(large));
	assert_int_equal(m->clear.smtp.mode, SMTP_MODE_BODY);
	assert_false(m->facts.plain);
	free(m);
}

/* A refusal that was late: what went by as a body is judged no more. */
static void a_presumed_body_that_was_refused_proves_nothing(void **state)
{
	static uint8_t large[2 * MAIL_HOLD];
	struct mail *m = new_mail(PROTOCOL_SMTP, true);
	struct session out;

	(void)state;
	memset(large, 'x', sizeof(large));
	run(m, HI "C:DATA", SIZE_MAX);
	feed(m, CLIENT, large, sizeof(large));
	run(m, "S:503 no", SIZE_MAX);
	assert_int_equal(m->clear.smtp.mode, SMTP_MODE_COMMAND);
	facts_verdict(&m->facts, ENDING_CLOSED, &out);
	assert_int_equal(out.verdict, VERDICT_NO_TRANSACTION);
	free(m);
}

static void a_client_gap_ends_the_waiting(void **state)
{
	struct mail *m = new_mail(PROTOCOL_SMTP, true);

	(void)state;
	run(m, HI "C:DATA\nx", SIZE_MAX);
	assert_true(m->held > 0);
	run(m, "C:<gap 100>", SIZE_MAX);
	assert_int_equal(m->held, 0);
	assert_int_equal(m->clear.smtp.mode, SMTP_MODE_BODY);
	free(m);
}

/* Nothing of what was held stays in memory when it has been read. */
static void held_bytes_are_overwritten(void **state)
{
	static const char login[] = "AUTH PLAIN AHVzZXIAc2VjcmV0";
	struct mail *m = new_mail(PROTOCOL_SMTP, true);

	(void)state;
	run(m, HI "C:STARTTLS\nAUTH PLAIN AHVzZXIAc2VjcmV0", SIZE_MAX);
	assert_memory_equal(m->tls.hello, login, strlen(login));
	run(m, "S:454 no", SIZE_MAX);
	assert_int_equal(m->held, 0);
	for (size_t i = 0; i < strlen(login); i++)
		assert_int_equal(m->tls.hello[i], 0);
	free(m);
}

/* What is known of it ------------------------------------------------------------------------- */

static void likeness_grows_with_what_is_seen(void **state)
{
	static const struct {
		const char *script;
		enum mail_likeness likeness;
	} cases[] = {
		{ "", MAIL_UNKNOWN },
		{ "S:<gap 10>", MAIL_UNKNOWN },
		{ "C:GET / HTTP/1.1", MAIL_DOUBTFUL },
		{ "C:PING|S:+PONG", MAIL_DOUBTFUL },
		{ "S:* OK IMAP4rev1", MAIL_DOUBTFUL },
		{ "S:22~", MAIL_DOUBTFUL },
		{ "S:220 ftp", MAIL_LIKELY },
		{ "C:QUIT", MAIL_LIKELY },
		{ "C:STARTTLS", MAIL_LIKELY },
		{ "C:<ch>", MAIL_LIKELY },
		{ "S:<sh13>", MAIL_LIKELY },
		{ "S:220 mx|C:EHLO c", MAIL_SURE },
		{ "C:helo c", MAIL_SURE },
		{ "C:MAIL FROM:<>", MAIL_SURE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mail *m = new_mail(PROTOCOL_SMTP, true);

		run(m, cases[i].script, SIZE_MAX);
		if (mail_likeness(m) != cases[i].likeness)
			fail_msg("%s: %d", cases[i].script, (int)mail_likeness(m));
		free(m);
	}
}

/* Each of them in clear, upgraded, and as TLS from the first byte. */
static void every_protocol_is_followed(void **state)
{
	static const struct {
		enum protocol protocol;
		const char *script;
		enum verdict verdict;
	} cases[] = {
		{ PROTOCOL_IMAP, TLS13, VERDICT_ENCRYPTED_IMPLICIT },
		{ PROTOCOL_IMAP, "S:* OK hello|C:a LOGIN b c", VERDICT_PLAINTEXT },
		{ PROTOCOL_IMAP, "S:* OK hello|C:a STARTTLS|S:a OK go|" TLS13,
		  VERDICT_ENCRYPTED_STARTTLS },
		{ PROTOCOL_IMAP, "S:* OK hello|C:a LOGOUT|S:a OK bye", VERDICT_NO_TRANSACTION },
		{ PROTOCOL_POP3, TLS13, VERDICT_ENCRYPTED_IMPLICIT },
		{ PROTOCOL_POP3, "S:+OK hello|C:USER b", VERDICT_PLAINTEXT },
		{ PROTOCOL_POP3, "S:+OK hello|C:STLS|S:+OK go|" TLS13, VERDICT_ENCRYPTED_STARTTLS },
		{ PROTOCOL_POP3, "S:+OK hello|C:AUTH|S:-ERR no|C:QUIT|S:+OK",
		  VERDICT_NO_TRANSACTION },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mail *m = new_mail(cases[i].protocol, true);
		struct session out;

		run(m, cases[i].script, SIZE_MAX);
		facts_verdict(&m->facts, ENDING_CLOSED, &out);
		if (out.verdict != cases[i].verdict)
			fail_msg("%s: %s", cases[i].script,
				 verdict_name((enum verdict)out.verdict));
		assert_int_equal(out.messages, MESSAGES_NULL);
		free(m);
	}
}

static void begun_in_the_middle_nothing_is_claimed(void **state)
{
	static const struct {
		const char *script;
		enum verdict verdict;
	} cases[] = {
		{ "C:MAIL FROM:<>", VERDICT_INDETERMINATE },
		{ "C:MAIL FROM:<>|S:250 ok", VERDICT_PLAINTEXT },
		{ "C:DATA|S:354 go|C:x|C:.|S:250 ok", VERDICT_PLAINTEXT },
		{ "C:x\n.\nQUIT", VERDICT_INDETERMINATE },
		{ "C:<app 300>|S:<app 300>", VERDICT_INDETERMINATE },
		{ "S:220 go|" TLS13, VERDICT_INDETERMINATE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mail *m = new_mail(PROTOCOL_SMTP, false);
		struct session out;

		run(m, cases[i].script, SIZE_MAX);
		facts_verdict(&m->facts, ENDING_CLOSED, &out);
		if (out.verdict != cases[i].verdict)
			fail_msg("%s: %s", cases[i].script,
				 verdict_name((enum verdict)out.verdict));
		free(m);
	}
}

/* An undecided mail flow may cost 4 kB, and the reassembly of it needs a part. */
static void the_state_of_a_conversation_is_bounded(void **state)
{
	(void)state;
	assert_true(sizeof(struct mail) <= 4096 - 160);
	assert_true(MAIL_HOLD <= UINT16_MAX && TLS_HELLO_KEPT <= UINT16_MAX);
	assert_true(LINE_KEPT <= UINT8_MAX && PENDING_RUNS <= UINT8_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(talks_come_to_one_verdict_however_cut),
		cmocka_unit_test(a_grant_that_tls_follows_is_no_greeting),
		cmocka_unit_test(behind_data_nothing_is_sure_without_its_answer),
		cmocka_unit_test(a_refused_password_refuses_no_upgrade),
		cmocka_unit_test(an_answer_to_half_a_line_unsays_a_refusal),
		cmocka_unit_test(too_much_behind_starttls_is_a_gap),
		cmocka_unit_test(too_much_behind_data_is_a_body),
		cmocka_unit_test(one_large_piece_is_held_like_many),
		cmocka_unit_test(a_presumed_body_that_was_refused_proves_nothing),
		cmocka_unit_test(a_client_gap_ends_the_waiting),
		cmocka_unit_test(held_bytes_are_overwritten),
		cmocka_unit_test(likeness_grows_with_what_is_seen),
		cmocka_unit_test(every_protocol_is_followed),
		cmocka_unit_test(begun_in_the_middle_nothing_is_claimed),
		cmocka_unit_test(the_state_of_a_conversation_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
