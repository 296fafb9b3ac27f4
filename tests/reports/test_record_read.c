/* Tests that a session record is read back as it was written, and that nothing else is read. */
#include "tests/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/record.h"
#include "reports/record_read.h"

static struct session sample(void)
{
	struct session s;

	memset(&s, 0, sizeof(s));
	s.start_ns = 1795341600123456000u;
	s.end_ns = s.start_ns + 1234000000u;
	s.client[10] = s.client[11] = s.server[10] = s.server[11] = 0xff;
	memcpy(s.client + 12, "\xc6\x33\x64\x05", 4);
	memcpy(s.server + 12, "\xc0\x00\x02\x19", 4);
	s.client_port = 40312;
	s.server_port = 25;
	s.vlan = 7;
	s.protocol = PROTOCOL_SMTP;
	s.service = SERVICE_MTA;
	s.verdict = VERDICT_PLAINTEXT;
	s.reason = REASON_MAIL_IN_CLEAR;
	s.offered = TRI_TRUE;
	s.requested = TRI_FALSE;
	s.accepted = TRI_NULL;
	s.auth_clear = TRI_FALSE;
	s.exposure = EXPOSURE_CONTENT;
	s.confirmed = TRI_TRUE;
	s.cause = CAUSE_NOT_REQUESTED;
	s.stripped = STRIPPED_MASKED;
	s.injected = 1;
	s.messages = 2;
	s.tls_cipher = 0x1302;
	s.tls_version = 0x0304;
	s.tls_group = 23;
	s.tls_alert = 48;
	s.tls_resumed = TRI_TRUE;
	s.findings = 1u << FINDING_PREAUTH_IN_CLEAR;
	s.alpn_len = 4;
	memcpy(s.alpn, "imap", 4);
	s.certificate.state = CERTIFICATE_SEEN;
	s.certificate.not_before = -5;
	s.certificate.not_after = 1795341600;
	s.certificate.name_matches = TRI_FALSE;
	s.certificate.self_signed = TRI_TRUE;
	s.certificate.subject_len = 4;
	memcpy(s.certificate.subject, "CN=\0", 4);
	s.bytes_to_server = 5310;
	s.bytes_to_client = 4120;
	s.bytes_missing = 3;
	s.oddities = 1u << ODDITY_BARE_LF | 1u << ODDITY_TRUNCATED;
	s.evidence_len = 3;
	s.evidence[0] = 220;
	s.evidence[1] = WORD_EHLO;
	s.evidence[2] = WORD_NOT_TLS;
	s.sni_len = 6;
	memcpy(s.sni, "mx\xe9\0\"\n", 6);
	return s;
}

/* The line of a session, and its length with the LF. */
static size_t write_line(const struct session *s, bool truncate, char line[RECORD_MAX])
{
	static const struct pair pair = { .client = "orange",
					  .server = "free-net",
					  .excepted = true };
	static const struct downgrade why = { 1795341600123456000u, 3, 1795341660000000000u };
	struct record_context c = { .sensor = "th2-1",
				    .interface = "eth1",
				    .pair = &pair,
				    .downgrade = truncate ? NULL : &why,
				    .counted = truncate ? -1 : 1795341600,
				    .truncate = truncate };
	struct session told = *s;

	told.fallback = 1;
	return record_json(&told, &c, line);
}

static void what_was_written_is_read_back(void **state)
{
	struct session s = sample();
	char line[RECORD_MAX], err[256] = "";
	size_t len = write_line(&s, false, line);
	struct record r;

	(void)state;
	if (!record_read(line, len, &r, err, sizeof(err)))
		fail_msg("%s in %s", err, line);
	assert_int_equal(r.s.start_ns, s.start_ns);
	assert_int_equal(r.s.end_ns / 1000000, s.end_ns / 1000000);
	assert_string_equal(r.client, "198.51.100.5");
	assert_string_equal(r.server, "192.0.2.25");
	assert_string_equal(r.client_peer, "orange");
	assert_string_equal(r.server_peer, "free-net");
	assert_string_equal(r.sensor, "th2-1");
	assert_string_equal(r.interface, "eth1");
	assert_string_equal(r.sni, "mx\xe9\\x00\"\n");
	assert_string_equal(r.alpn, "imap");
	assert_string_equal(r.cipher_name, "TLS_AES_256_GCM_SHA384");
	assert_string_equal(r.subject, "CN=\\x00");
	assert_string_equal(r.issuer, "");
	assert_int_equal(r.counted, 1795341600);
	assert_true(r.fallback);
	assert_true(r.excepted);
	assert_int_equal(r.downgrade.offered_ns, s.start_ns);
	assert_int_equal(r.downgrade.without, 3);
	assert_int_equal(r.downgrade.tls_failed_ns, 1795341660000000000u);
	assert_int_equal(strlen(r.community_id), 30);
	/* What is kept as text, or not in the record, aside, it is the same session. */
	memcpy(r.s.client, s.client, sizeof(s.client));
	memcpy(r.s.server, s.server, sizeof(s.server));
	memcpy(r.s.sni, s.sni, sizeof(s.sni));
	r.s.sni_len = s.sni_len;
	memcpy(r.s.alpn, s.alpn, sizeof(s.alpn));
	r.s.alpn_len = s.alpn_len;
	memcpy(r.s.certificate.subject, s.certificate.subject, CERT_NAME_MAX);
	r.s.certificate.subject_len = s.certificate.subject_len;
	r.s.end_ns = s.end_ns;
	assert_memory_equal(&r.s, &s, sizeof(s));
}

static void every_null_is_read_back(void **state)
{
	struct session s = sample();
	char line[RECORD_MAX], err[256] = "";
	struct record r;

	(void)state;
	s.vlan = VLAN_NONE;
	s.messages = MESSAGES_NULL;
	s.tls_cipher = TLS_CIPHER_NONE;
	s.tls_version = s.sni_len = s.evidence_len = 0;
	s.oddities = s.findings = s.alpn_len = 0;
	s.tls_group = TLS_GROUP_NONE;
	s.tls_alert = TLS_ALERT_NONE;
	s.tls_resumed = TRI_NULL;
	s.certificate.state = CERTIFICATE_NONE;
	s.offered = s.requested = s.confirmed = TRI_NULL;
	s.exposure = s.cause = s.stripped = s.reason = 0;
	if (!record_read(line, write_line(&s, true, line), &r, err, sizeof(err)))
		fail_msg("%s in %s", err, line);
	assert_int_equal(r.counted, -1);
	assert_string_equal(r.community_id, "");
	assert_string_equal(r.sni, "");
	assert_int_equal(r.downgrade.offered_ns, 0);
	assert_int_equal(r.downgrade.tls_failed_ns, 0);
	assert_int_equal(r.s.vlan, VLAN_NONE);
	assert_int_equal(r.s.messages, MESSAGES_NULL);
	assert_int_equal(r.s.tls_cipher, TLS_CIPHER_NONE);
	assert_int_equal(r.s.evidence_len, 0);
	assert_int_equal(r.s.tls_group, TLS_GROUP_NONE);
	assert_int_equal(r.s.tls_alert, TLS_ALERT_NONE);
	assert_int_equal(r.s.tls_resumed, TRI_NULL);
	assert_int_equal(r.s.certificate.state, CERTIFICATE_NONE);
	assert_int_equal(r.s.exposure, EXPOSURE_NONE);
}

/* The sample's line with one piece of it replaced. */
static size_t changed(const char *from, const char *to, char out[2 * RECORD_MAX])
{
	struct session s = sample();
	char line[RECORD_MAX];
	const char *at;

	write_line(&s, false, line);
	at = strstr(line, from);
	assert_non_null(at);
	return (size_t)snprintf(out, 2 * RECORD_MAX, "%.*s%s%s", (int)(at - line), line, to,
				at + strlen(from));
}

static void a_wrong_value_is_named(void **state)
{
	static const struct {
		const char *from, *to, *key;
	} cases[] = {
		{ "2026-11-22T10:00:00.123456Z", "2026-11-22T10:00:00Z", "timestamp" },
		{ "2026-11-22T10:00:00.123456Z", "2026-02-30T10:00:00.123456Z", "timestamp" },
		{ "\"duration\":1.234000", "\"duration\":-1", "duration" },
		{ "\"duration\":1.234000", "\"duration\":\"1\"", "duration" },
		{ "\"client_port\":40312", "\"client_port\":65536", "client_port" },
		{ "\"client_port\":40312", "\"client_port\":1.5", "client_port" },
		{ "\"client\":\"198.51.100.5\"", "\"client\":null", "client" },
		{ "\"client\":\"198.51.100.5\"", "\"client\":\"\"", "client" },
		{ "\"client_peer\":\"orange\"", "\"client_peer\":\"\\u20ac\"", "client_peer" },
		{ "\"smtp\"", "\"http\"", "protocol" },
		{ "\"service\":\"mta\"", "\"service\":null", "service" },
		{ "\"plaintext\"", "\"plain\"", "verdict" },
		{ "\"plaintext\"", "\"plaintext\\u0000\"", "verdict" },
		{ "0x1302", "0x1302\\u0000", "tls_cipher" },
		{ "\"starttls_offered\":true", "\"starttls_offered\":1", "starttls_offered" },
		{ "TLSv1.3", "TLSv1.4", "tls_version" },
		{ "0x1302", "0x13020", "tls_cipher" },
		{ "0x1302", "0x13 2", "tls_cipher" },
		{ "\"messages\":2", "\"messages\":-1", "messages" },
		{ "\"injected\":true", "\"injected\":null", "injected" },
		{ "220 EHLO", "220 EHL", "evidence" },
		{ "220 EHLO", "099 EHLO", "evidence" },
		{ "220 EHLO", "220  EHLO", "evidence" },
		{ "\"evidence\":\"220 EHLO not-TLS\"", "\"evidence\":null", "evidence" },
		{ "bare-lf", "bare-cr", "oddities" },
		{ "\"bare-lf\"", "\"truncated\"", "oddities" },
		{ "secp256r1", "secp257r1", "tls_group" },
		{ "secp256r1", "0x00g7", "tls_group" },
		{ "unknown_ca", "unknown", "tls_alert" },
		{ "unknown_ca", "256", "tls_alert" },
		{ "\"tls_resumed\":true", "\"tls_resumed\":\"yes\"", "tls_resumed" },
		{ "\"alpn\":\"imap\"", "\"alpn\":7", "alpn" },
		{ "\"certificate\":{", "\"certificate\":{\"colour\":1,", "certificate" },
		{ "\"issuer\":\"\",", "", "certificate" },
		{ "\"not_before\":\"1969", "\"not_before\":\"969", "certificate" },
		{ "\"self_signed\":true", "\"self_signed\":2", "certificate" },
		{ "\"findings\":[\"preauth", "\"findings\":[\"postauth", "findings" },
		{ "\"vlan\":7", "\"vlan\":4096", "vlan" },
		{ "\"downgrade\":{", "\"downgrade\":{\"by\":1,", "downgrade" },
		{ "\"downgrade\":{", "\"downgrade\":[{", "" },
		{ "\"without_offer\":3,", "", "downgrade" },
		{ "\"without_offer\":3", "\"without_offer\":0", "downgrade" },
		{ "\"without_offer\":3", "\"without_offer\":4294967296", "downgrade" },
		{ "\"without_offer\":3", "\"without_offer\":\"3\"", "downgrade" },
		{ "\"offered_at\":\"2026", "\"offered_at\":\"20", "downgrade" },
		{ "\"offered_at\":\"2026-11-22T10:00:00.123456Z\"",
		  "\"offered_at\":\"1970-01-01T00:00:00.000000Z\"", "downgrade" },
		{ "\"tls_failed_at\":\"2026-11-22T10:01:00.000000Z\"", "\"tls_failed_at\":null",
		  "downgrade" },
		{ "\"bytes_missing\":3", "\"bytes_missing\":-3", "bytes_missing" },
		{ "\"bytes_missing\":3", "\"bytes_missing\":99999999999999999999", "" },
	};
	char line[2 * RECORD_MAX], err[256], quoted[64];
	struct record r;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = changed(cases[i].from, cases[i].to, line);

		snprintf(quoted, sizeof(quoted), "\"%s\"", cases[i].key);
		err[0] = '\0';
		if (record_read(line, len, &r, err, sizeof(err)) ||
		    (cases[i].key[0] && !strstr(err, quoted)))
			fail_msg("%s: %s", cases[i].to, err);
	}
}

static void keys_are_there_once_and_no_others(void **state)
{
	char line[2 * RECORD_MAX], err[256];
	struct record r;
	size_t len = changed("\"vlan\":7,", "", line);

	(void)state;
	assert_false(record_read(line, len, &r, err, sizeof(err)));
	assert_non_null(strstr(err, "no key \"vlan\""));
	len = changed("\"vlan\":7", "\"vlan\":7,\"colour\":\"red\"", line);
	assert_false(record_read(line, len, &r, err, sizeof(err)));
	assert_non_null(strstr(err, "unknown key \"colour\""));
	len = changed("\"vlan\":7", "\"vlan\":7,\"vlan\":7", line);
	assert_false(record_read(line, len, &r, err, sizeof(err)));
}

/* Cuts a line from one text up to another. */
static void cut_out(char *line, const char *from, const char *to)
{
	char *a = strstr(line, from), *b = a ? strstr(a, to) : NULL;

	assert_non_null(b);
	memmove(a, b, strlen(b) + 1);
}

static void a_line_of_an_older_version_is_read(void **state)
{
	char line[2 * RECORD_MAX], err[256] = "";
	struct record r;

	(void)state;
	changed("\"vlan\":7", "\"vlan\":7", line);
	cut_out(line, "\"tls_cipher_name\"", "\"messages\"");
	cut_out(line, "\"findings\"", "\"counted\"");
	cut_out(line, ",\"downgrade\"", "}\n"); /* the last key */
	if (!record_read(line, strlen(line), &r, err, sizeof(err)))
		fail_msg("%s in %s", err, line);
	assert_int_equal(r.s.tls_cipher, 0x1302);
	assert_int_equal(r.s.tls_group, TLS_GROUP_NONE);
	assert_int_equal(r.s.tls_alert, TLS_ALERT_NONE);
	assert_int_equal(r.s.certificate.state, CERTIFICATE_NONE);
	assert_int_equal(r.s.findings, 0);
	assert_int_equal(r.downgrade.offered_ns, 0);
	assert_string_equal(r.alpn, "");
}

static void a_certificate_may_be_a_word(void **state)
{
	struct session s = sample();
	char line[RECORD_MAX], err[256] = "";
	struct record r;

	(void)state;
	for (unsigned i = CERTIFICATE_NONE; i < CERTIFICATE_N; i++) {
		s.certificate.state = (uint8_t)i;
		assert_true(record_read(line, write_line(&s, false, line), &r, err, sizeof(err)));
		assert_int_equal(r.s.certificate.state, i);
	}
}

static void what_is_no_record_is_refused(void **state)
{
	static const char *const cases[] = { "",
					     "{",
					     "{}",
					     "[]",
					     "\"text\"",
					     "null",
					     "{\"a\":1} {}",
					     "\xff\xfe",
					     "{\"timestamp\":" };
	char *deep = malloc(RECORD_MAX), err[256];
	struct record r;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		err[0] = '\0';
		assert_false(record_read(cases[i], strlen(cases[i]), &r, err, sizeof(err)));
		assert_true(strlen(err) > 10);
	}
	assert_false(record_read("{}\0{}", 5, &r, err, sizeof(err)));
	assert_false(record_read("{\"vlan\":7\0}", 11, &r, err, sizeof(err)));
	assert_non_null(strstr(err, "NUL"));
	assert_non_null(deep);
	memset(deep, '[', RECORD_MAX);
	assert_false(record_read(deep, RECORD_MAX - 1, &r, err, sizeof(err)));
	assert_false(record_read(deep, RECORD_MAX, &r, err, sizeof(err)));
	assert_non_null(strstr(err, "too long"));
	free(deep);
}

static void a_line_cut_anywhere_is_refused(void **state)
{
	struct session s = sample();
	char line[RECORD_MAX], err[256];
	size_t len = write_line(&s, false, line);
	struct record r;

	(void)state;
	for (size_t i = 0; i + 1 < len; i++) {
		char *cut = malloc(i + 1); /* exact, so that a read behind it is found */

		assert_non_null(cut);
		memcpy(cut, line, i);
		assert_false(record_read(cut, i, &r, err, sizeof(err)));
		free(cut);
	}
	assert_true(record_read(line, len - 1, &r, err, sizeof(err)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_is_read_back),
		cmocka_unit_test(every_null_is_read_back),
		cmocka_unit_test(a_wrong_value_is_named),
		cmocka_unit_test(keys_are_there_once_and_no_others),
		cmocka_unit_test(a_line_of_an_older_version_is_read),
		cmocka_unit_test(a_certificate_may_be_a_word),
		cmocka_unit_test(what_is_no_record_is_refused),
		cmocka_unit_test(a_line_cut_anywhere_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
