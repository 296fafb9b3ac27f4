/* Tests that every value of the session record has its words, and that the words fit. */
#include "tests/unit.h"

#include <stdio.h>
#include <string.h>

#include "reports/explain.h"

/* A sentence ends in a full stop and holds nothing that a terminal does not show. */
static void assert_sentence(const char *text, unsigned value)
{
	char safe[512];

	if (!text)
		fail_msg("value %u has no words", value);
	text_safe(text, false, safe, sizeof(safe));
	assert_string_equal(text, safe);
	assert_int_equal(text[strlen(text) - 1], '.');
}

static void every_value_has_its_sentence(void **state)
{
	(void)state;
	for (unsigned i = VERDICT_NONE + 1; i < VERDICT_N; i++)
		assert_sentence(explain_verdict((enum verdict)i), i);
	for (unsigned i = REASON_NONE + 1; i < REASON_N; i++)
		assert_sentence(explain_reason((enum reason)i), i);
	for (unsigned i = EXPOSURE_NONE + 1; i < EXPOSURE_N; i++)
		assert_sentence(explain_exposure((enum exposure)i), i);
	for (unsigned i = CAUSE_NONE + 1; i < CAUSE_N; i++)
		assert_sentence(explain_cause((enum cause)i), i);
	for (unsigned i = STRIPPED_NONE + 1; i < STRIPPED_N; i++)
		assert_sentence(explain_stripped((enum stripped)i), i);
	for (unsigned i = 0; i < DIRECTIONS_N; i++)
		assert_sentence(explain_directions((enum directions)i), i);
	for (unsigned i = 0; i < ODDITY_N; i++)
		assert_non_null(explain_oddity((enum oddity)i));
	for (unsigned i = 0; i < FINDING_N; i++)
		assert_sentence(explain_finding((enum finding)i), i);
	for (unsigned i = WORD_FIRST; i < WORD_END; i++) {
		assert_non_null(explain_word(i));
		assert_true(strlen(explain_word(i)) < EXPLAIN_LINE_MAX);
	}
}

static void values_out_of_range_have_none(void **state)
{
	(void)state;
	assert_null(explain_verdict(VERDICT_NONE));
	assert_null(explain_verdict(VERDICT_N));
	assert_null(explain_reason(REASON_NONE));
	assert_null(explain_reason(REASON_N));
	assert_null(explain_finding(FINDING_N));
	assert_null(explain_word(220));
	assert_null(explain_word(WORD_END));
}

/* Evidence and what is said of it, lines parted by '|'. */
static void evidence_is_told_in_order(void **state)
{
	static const struct {
		uint16_t evidence[EVIDENCE_MAX];
		const char *said;
	} cases[] = {
		{ { 220, WORD_EHLO, 250, WORD_STARTTLS, 220, WORD_CLIENT_HELLO, WORD_SERVER_HELLO,
		    WORD_FINISHED },
		  "the server greeted (220)|the client said EHLO|the server said what it can do "
		  "(250)|"
		  "the client asked for STARTTLS|the server said: go ahead with TLS (220)|"
		  "the client began TLS (ClientHello)|the server answered in TLS (ServerHello)|"
		  "the TLS handshake completed|" },
		/* Pipelined commands: each reply goes with its own. */
		{ { 220, WORD_HELO, 250, WORD_MAIL, WORD_RCPT, WORD_DATA, 250, 550, 354, WORD_BODY,
		    WORD_DOT, 451 },
		  "the server greeted (220)|the client said HELO|the server answered HELO (250)|"
		  "the client began a mail (MAIL) in clear|"
		  "the client named a recipient (RCPT) in clear|"
		  "the client asked to send the message (DATA)|"
		  "the server accepted the sender (250)|the server refused the recipient (550)|"
		  "the server was ready for the message (354)|the message itself crossed in clear|"
		  "the client ended the message with a lone dot|"
		  "the server refused the message for now (451)|" },
		{ { 220, WORD_EHLO, 250, WORD_AUTH, 334, 334, 235 },
		  "the server greeted (220)|the client said EHLO|the server said what it can do "
		  "(250)|"
		  "the client logged in (AUTH) in clear|"
		  "the server asked for the next part of the login (334)|"
		  "the server asked for the next part of the login (334)|"
		  "the server accepted the login (235)|" },
		{ { 554 }, "the server turned the client away (554)|" },
		/* Behind a gap, and from the middle, a code says what it says alone. */
		{ { 220, WORD_EHLO, WORD_GAP, 250 },
		  "the server greeted (220)|the client said EHLO|"
		  "bytes are missing from the capture here|the server said yes (250)|" },
		{ { 250, 354, 250 },
		  "the server said yes (250)|the server asked for more (354)|"
		  "the server said yes (250)|" },
		{ { WORD_EHLO, WORD_MAIL },
		  "the client said EHLO|the client began a mail (MAIL) in clear|" },
		{ { 999 }, "the server replied (999)|" },
		/* Many recipients, of which two are kept: what the 250s answer is not sure, 354 is. */
		{ { WORD_MAIL, WORD_RCPT, WORD_RCPT, WORD_DATA, 250, 250, 354 },
		  "the client began a mail (MAIL) in clear|"
		  "the client named a recipient (RCPT) in clear|"
		  "the client named a recipient (RCPT) in clear|"
		  "the client asked to send the message (DATA)|the server said yes (250)|"
		  "the server said yes (250)|the server was ready for the message (354)|" },
		{ { WORD_RSET, WORD_MAIL, WORD_RCPT, 250, 250, 550 },
		  "the client started over (RSET)|the client began a mail (MAIL) in clear|"
		  "the client named a recipient (RCPT) in clear|the server started over (250)|"
		  "the server accepted the sender (250)|the server refused (550)|" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char lines[EVIDENCE_MAX][EXPLAIN_LINE_MAX], said[2048] = "";
		struct session s;
		size_t n;

		memset(&s, 0, sizeof(s));
		memcpy(s.evidence, cases[i].evidence, sizeof(s.evidence));
		while (s.evidence_len < EVIDENCE_MAX && s.evidence[s.evidence_len])
			s.evidence_len++;
		n = explain_evidence(&s, lines);
		assert_int_equal(n, s.evidence_len);
		for (size_t k = 0; k < n; k++) {
			strcat(said, lines[k]);
			strcat(said, "|");
		}
		assert_string_equal(said, cases[i].said);
	}
}

static void as_many_commands_as_there_is_room_for(void **state)
{
	char lines[EVIDENCE_MAX][EXPLAIN_LINE_MAX];
	struct session s;

	(void)state;
	memset(&s, 0, sizeof(s));
	s.oddities = 1u << ODDITY_NO_GREETING;
	s.evidence_len = EVIDENCE_MAX;
	for (size_t i = 0; i < EVIDENCE_MAX; i++)
		s.evidence[i] = WORD_RSET;
	assert_int_equal(explain_evidence(&s, lines), EVIDENCE_MAX);
}

static struct record record_of(enum verdict v, enum exposure e)
{
	struct record r;

	memset(&r, 0, sizeof(r));
	r.s.protocol = PROTOCOL_SMTP;
	r.s.verdict = (uint8_t)v;
	r.s.exposure = (uint8_t)e;
	r.s.tls_cipher = TLS_CIPHER_NONE;
	r.s.tls_group = TLS_GROUP_NONE;
	r.s.tls_alert = TLS_ALERT_NONE;
	strcpy(r.client_peer, "orange");
	strcpy(r.server_peer, "free");
	return r;
}

static void the_charter_is_about_two_signatories(void **state)
{
	struct record r = record_of(VERDICT_PLAINTEXT, EXPOSURE_CONTENT);
	char text[512];

	(void)state;
	explain_charter(&r, SIGNATORIES_BOTH, text, sizeof(text));
	assert_non_null(strstr(text, "it counts against the charter"));
	r.excepted = true;
	explain_charter(&r, SIGNATORIES_BOTH, text, sizeof(text));
	assert_non_null(strstr(text, "of the exceptions list"));
	assert_null(strstr(text, "it counts"));
	r.excepted = false;
	explain_charter(&r, SIGNATORIES_UNKNOWN, text, sizeof(text));
	assert_ptr_equal(strstr(text, "If orange and free"), text);
	explain_charter(&r, SIGNATORIES_NOT_BOTH, text, sizeof(text));
	assert_non_null(strstr(text, "does not count"));
	strcpy(r.server_peer, "orange");
	explain_charter(&r, SIGNATORIES_BOTH, text, sizeof(text));
	assert_non_null(strstr(text, "does not count"));
	r = record_of(VERDICT_PLAINTEXT, EXPOSURE_REFUSED);
	explain_charter(&r, SIGNATORIES_BOTH, text, sizeof(text));
	assert_non_null(strstr(text, "does not count against"));
	r = record_of(VERDICT_PLAINTEXT, EXPOSURE_CONTENT);
	r.s.service = SERVICE_SUBMISSION;
	explain_charter(&r, SIGNATORIES_BOTH, text, sizeof(text));
	assert_non_null(strstr(text, "does not count"));
	for (unsigned v = VERDICT_NONE + 1; v < VERDICT_N; v++) {
		r = record_of((enum verdict)v, EXPOSURE_NONE);
		explain_charter(&r, SIGNATORIES_BOTH, text, sizeof(text));
		assert_null(strstr(text, "(null)"));
	}
}

static void a_page_is_safe_and_fits(void **state)
{
	static const struct screen s = { .width = 60 };
	struct record r = record_of(VERDICT_PLAINTEXT, EXPOSURE_CONTENT);
	char page[16384] = "", *line, *save = NULL;
	FILE *out = fmemopen(page, sizeof(page), "w");

	(void)state;
	assert_non_null(out);
	strcpy(r.client, "198.51.100.5");
	strcpy(r.server, "2001:db8::25");
	strcpy(r.sensor, "th2\033[2J");
	strcpy(r.sni, "mx\r.example");
	r.s.findings = (1u << FINDING_N) - 1;
	r.s.certificate.state = CERTIFICATE_SEEN;
	strcpy(r.subject, "CN=mx\033[2J.example");
	strcpy(r.alpn, "\033]0;x");
	strcpy(r.client_peer, "o\nrange");
	r.s.vlan = 12;
	r.s.tls_version = 0x0303;
	r.s.reason = REASON_MAIL_IN_CLEAR;
	r.s.cause = CAUSE_SUSPECTED_STRIPPING;
	r.s.stripped = STRIPPED_MASKED;
	r.s.messages = 1;
	r.s.injected = 1;
	r.fallback = true;
	r.s.oddities = (1u << ODDITY_N) - 1;
	r.counted = -1;
	explain_print(out, &s, &r, SIGNATORIES_BOTH);
	fclose(out);
	assert_null(strpbrk(page, "\033\r"));
	assert_non_null(strstr(page, "th2\\x1b[2J"));
	assert_non_null(strstr(page, "mx\\x0d.example"));
	assert_non_null(strstr(page, "o\\x0arange"));
	assert_non_null(strstr(page, "1 mail was accepted in clear."));
	for (line = strtok_r(page, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		assert_true(strlen(line) <= 60);
}

/* The page of a record, its line breaks as blanks. */
static void page_of(const struct record *r, char out[16384])
{
	static const struct screen s = { .width = 500 };
	FILE *f = fmemopen(out, 16384, "w");

	assert_non_null(f);
	explain_print(f, &s, r, SIGNATORIES_UNKNOWN);
	fclose(f);
}

/* User data may cross in clear and TLS come behind it. */
static void completed_is_what_became_of_tls(void **state)
{
	static const struct {
		enum verdict verdict;
		unsigned accepted;
		enum cause cause;
		uint16_t evidence[2];
		const char *said;
	} cases[] = {
		{ VERDICT_ENCRYPTED_STARTTLS, TRI_TRUE, CAUSE_NONE, { WORD_STARTTLS, 220 }, "yes" },
		{ VERDICT_PLAINTEXT, TRI_TRUE, CAUSE_UNKNOWN, { WORD_MAIL, WORD_FINISHED }, "yes" },
		{ VERDICT_PLAINTEXT,
		  TRI_TRUE,
		  CAUSE_HANDSHAKE_FAILED,
		  { WORD_STARTTLS, 220 },
		  "no" },
		{ VERDICT_PLAINTEXT,
		  TRI_TRUE,
		  CAUSE_UNKNOWN,
		  { WORD_STARTTLS, 220 },
		  "not observable" },
		{ VERDICT_PLAINTEXT, TRI_FALSE, CAUSE_REFUSED, { WORD_STARTTLS, 454 }, "-" },
		{ VERDICT_TLS_FAILED, TRI_TRUE, CAUSE_NONE, { 220, WORD_ALERT }, "no" },
		{ VERDICT_INDETERMINATE,
		  TRI_TRUE,
		  CAUSE_NONE,
		  { WORD_STARTTLS, 220 },
		  "not observable" },
		{ VERDICT_NO_TRANSACTION, TRI_NULL, CAUSE_NONE, { 220, WORD_QUIT }, "-" },
	};
	char page[16384], line[64];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct record r = record_of(cases[i].verdict, EXPOSURE_NONE);

		r.s.accepted = (uint8_t)cases[i].accepted;
		r.s.cause = (uint8_t)cases[i].cause;
		memcpy(r.s.evidence, cases[i].evidence, sizeof(cases[i].evidence));
		r.s.evidence_len = 2;
		page_of(&r, page);
		snprintf(line, sizeof(line), "completed %s\n", cases[i].said);
		if (!strstr(page, line))
			fail_msg("case %zu: %s", i, page);
	}
}

/* "Not offered here" is what was seen; that somebody took it away is one of two reasons. */
static void what_was_offered_before_is_told(void **state)
{
	struct record r = record_of(VERDICT_PLAINTEXT, EXPOSURE_CONTENT);
	char page[16384] = "";

	(void)state;
	r.s.cause = CAUSE_SUSPECTED_STRIPPING;
	r.s.stripped = STRIPPED_REMOVED;
	r.downgrade = (struct downgrade){ 1795341600123456000u, 17, 1795341660000000000u };
	r.fallback = true;
	page_of(&r, page);
	assert_non_null(strstr(page, "STARTTLS was not offered here, while this server offered "
				     "it within the hour."));
	assert_non_null(strstr(page, "It was last offered in the session of 2026-11-22 10:00:00 "
				     "UTC; sessions without it up to this one: 17."));
	assert_non_null(strstr(page, "or the server does not offer it to all."));
	assert_non_null(strstr(page, "The session that failed began at 2026-11-22 10:01:00 UTC."));
	assert_null(strstr(page, explain_cause(CAUSE_SUSPECTED_STRIPPING)));
	r.s.stripped = STRIPPED_MASKED;
	r.downgrade = (struct downgrade){ .without = 0 };
	page_of(&r, page);
	assert_non_null(strstr(page, explain_cause(CAUSE_SUSPECTED_STRIPPING)));
	assert_null(strstr(page, "last offered"));
}

static void a_handshake_is_told(void **state)
{
	static const char *const said[] = {
		"TLS_RSA_WITH_AES_256_CBC_SHA (0x0035)",
		"(ALPN): imap,pop3\\x1b.",
		"in the group secp256r1.",
		"not resumed.",
		"ended the handshake: unknown_ca.",
		"is for CN=mx\\x1b and from CN=Test: it signed itself.",
		"from 2020-01-01T00:00:00Z to 2021-01-01T00:00:00Z: it had expired.",
		"It is not good for the name",
		"LOGINDISABLED",
	};
	struct record r = record_of(VERDICT_TLS_FAILED, EXPOSURE_NONE);
	char page[16384];

	(void)state;
	r.s.start_ns = 1795341600000000000u;
	r.s.tls_version = 0x0303;
	r.s.tls_cipher = 0x0035;
	strcpy(r.cipher_name, "TLS_RSA_WITH_AES_256_CBC_SHA");
	strcpy(r.alpn, "imap,pop3\033");
	r.s.tls_group = 23;
	r.s.tls_resumed = TRI_FALSE;
	r.s.tls_alert = 48;
	r.s.findings = 1u << FINDING_LOGINDISABLED_OFFERED;
	r.s.certificate = (struct certificate_facts){ .state = CERTIFICATE_SEEN,
						      .not_before = 1577836800,
						      .not_after = 1609459200,
						      .name_matches = TRI_FALSE,
						      .self_signed = TRI_TRUE };
	strcpy(r.subject, "CN=mx\033");
	strcpy(r.issuer, "CN=Test");
	page_of(&r, page);
	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		if (!strstr(page, said[i]))
			fail_msg("%s is not in %s", said[i], page);
	}
	r.s.certificate.name_matches = TRI_NULL;
	r.sni[0] = '\0';
	page_of(&r, page);
	assert_non_null(strstr(page, "asked for no name"));
	strcpy(r.sni, "mx.example");
	page_of(&r, page);
	assert_non_null(strstr(page, "Whether it is good for the name that the client asked for"));
	r.s.certificate.state = CERTIFICATE_NOT_OBSERVABLE;
	r.s.tls_resumed = TRI_TRUE;
	page_of(&r, page);
	assert_non_null(strstr(page, "does not show on the wire."));
	assert_non_null(strstr(page, "it was resumed."));
	r.s.certificate.state = CERTIFICATE_UNREADABLE;
	page_of(&r, page);
	assert_non_null(strstr(page, "could not be read."));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_value_has_its_sentence),
		cmocka_unit_test(values_out_of_range_have_none),
		cmocka_unit_test(evidence_is_told_in_order),
		cmocka_unit_test(as_many_commands_as_there_is_room_for),
		cmocka_unit_test(the_charter_is_about_two_signatories),
		cmocka_unit_test(a_page_is_safe_and_fits),
		cmocka_unit_test(completed_is_what_became_of_tls),
		cmocka_unit_test(what_was_offered_before_is_told),
		cmocka_unit_test(a_handshake_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
