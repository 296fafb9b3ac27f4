/* Tests reports/record.c, record_text.c and community_id.c. */
#include "tests/unit.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "reports/record.h"

static void address(const char *text, uint8_t out[16])
{
	memset(out, 0, 16);
	out[10] = out[11] = 0xff;
	if (inet_pton(AF_INET, text, out + 12) != 1)
		assert_int_equal(inet_pton(AF_INET6, text, out), 1);
}

static const struct pair pair = {
	.client = "orange",
	.server = "free-net",
	.client_known_host = true,
};

/* 2026-11-22T10:00:00.123456789Z */
#define START_NS 1795341600123456789u

static struct session sealed_session(void)
{
	struct session s;

	memset(&s, 0, sizeof(s));
	s.start_ns = START_NS;
	s.end_ns = START_NS + 1234000000u;
	address("10.10.0.5", s.client);
	address("10.30.0.25", s.server);
	s.client_port = 40312;
	s.server_port = 25;
	s.vlan = VLAN_NONE;
	s.protocol = PROTOCOL_SMTP;
	s.service = SERVICE_MTA;
	s.verdict = VERDICT_ENCRYPTED_STARTTLS;
	s.reason = REASON_HANDSHAKE_COMPLETED;
	s.offered = s.requested = s.accepted = TRI_TRUE;
	s.auth_clear = TRI_FALSE;
	s.tls_version = 0x0304;
	s.tls_cipher = 0x1302;
	s.tls_group = 0x11ec;
	s.tls_alert = TLS_ALERT_NONE;
	s.tls_resumed = TRI_FALSE;
	s.certificate.state = CERTIFICATE_NOT_OBSERVABLE;
	s.sni_len = 15;
	memcpy(s.sni, "mx.free.example", 15);
	s.bytes_to_server = 5310;
	s.bytes_to_client = 4120;
	s.evidence_len = 5;
	s.evidence[0] = 220;
	s.evidence[1] = WORD_EHLO;
	s.evidence[2] = 250;
	s.evidence[3] = WORD_STARTTLS;
	s.evidence[4] = 220;
	return s;
}

static struct record_context context(void)
{
	struct record_context c = {
		.sensor = "th2-1", .interface = "eth1", .pair = &pair, .counted = 1795341600
	};

	return c;
}

static json_t *parsed(const struct session *s, const struct record_context *c)
{
	char line[RECORD_MAX];
	size_t len = record_json(s, c, line);
	json_error_t error;
	json_t *json;

	assert_true(session_valid(s));
	assert_int_equal(len, strlen(line));
	assert_ptr_equal(strchr(line, '\n'), line + len - 1);
	for (size_t i = 0; i + 1 < len; i++)
		assert_in_range(line[i], 0x20, 0x7e);
	json = json_loads(line, JSON_REJECT_DUPLICATES, &error);
	if (json == NULL)
		fail_msg("%s in %s", error.text, line);
	return json;
}

static const char *text_of(const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	assert_non_null(text);
	return text;
}

static void a_sealed_session_reads_as_documented(void **state)
{
	struct session s = sealed_session();
	struct record_context c = context();
	char line[RECORD_MAX];

	(void)state;
	record_json(&s, &c, line);
	assert_string_equal(
		line, "{\"timestamp\":\"2026-11-22T10:00:00.123456Z\",\"sensor\":\"th2-1\","
		      "\"duration\":1.234000,\"client\":\"10.10.0.5\",\"client_port\":40312,"
		      "\"server\":\"10.30.0.25\",\"server_port\":25,\"client_peer\":\"orange\","
		      "\"server_peer\":\"free-net\",\"protocol\":\"smtp\",\"service\":\"mta\","
		      "\"verdict\":\"encrypted-starttls\",\"reason\":\"handshake-completed\","
		      "\"starttls_offered\":true,\"starttls_requested\":true,"
		      "\"starttls_accepted\":true,\"tls_version\":\"TLSv1.3\","
		      "\"tls_cipher\":\"0x1302\",\"sni\":\"mx.free.example\","
		      "\"tls_cipher_name\":\"TLS_AES_256_GCM_SHA384\",\"alpn\":null,"
		      "\"tls_group\":\"X25519MLKEM768\",\"tls_resumed\":false,"
		      "\"tls_alert\":null,\"certificate\":\"not-observable\",\"messages\":0,"
		      "\"auth_cleartext\":false,\"stripped\":null,\"injected\":false,"
		      "\"fallback\":false,\"exposure\":null,\"confirmed\":null,"
		      "\"directions\":\"both\",\"cause\":null,"
		      "\"evidence\":\"220 EHLO 250 STARTTLS 220\",\"bytes_to_server\":5310,"
		      "\"bytes_to_client\":4120,\"bytes_missing\":0,\"oddities\":[],"
		      "\"findings\":[],"
		      "\"counted\":\"2026-11-22T10:00:00Z\",\"interface\":\"eth1\",\"vlan\":null,"
		      "\"community_id\":\"1:jVTRm6RnQXXE5RdrjefKuxgP2Rc=\","
		      "\"downgrade\":null,\"excepted\":false}\n");
}

static void what_a_suspicion_rests_on_is_written(void **state)
{
	static const struct {
		struct downgrade d;
		const char *text;
	} cases[] = {
		{ { .without = 0 }, "\"downgrade\":null,\"excepted\":false}\n" },
		{ { 1795341600123456789u, 3, 0 },
		  "\"downgrade\":{\"offered_at\":\"2026-11-22T10:00:00.123456Z\","
		  "\"without_offer\":3},\"excepted\":false}\n" },
		{ { 0, 0, 1795341600123456789u },
		  "\"downgrade\":{\"tls_failed_at\":\"2026-11-22T10:00:00.123456Z\"},"
		  "\"excepted\":false}\n" },
		{ { 1795341600000000000u, 4, 1795341601000000000u },
		  "\"downgrade\":{\"offered_at\":\"2026-11-22T10:00:00.000000Z\","
		  "\"without_offer\":4,\"tls_failed_at\":\"2026-11-22T10:00:01.000000Z\"},"
		  "\"excepted\":false}\n" },
	};
	struct session s = sealed_session();
	struct record_context c = context();
	char line[RECORD_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		c.downgrade = &cases[i].d;
		record_json(&s, &c, line);
		assert_non_null(strstr(line, "\"downgrade\""));
		assert_string_equal(strstr(line, "\"downgrade\""), cases[i].text);
	}
}

static void a_plaintext_session_shows_what_it_weighs(void **state)
{
	struct session s = sealed_session();
	struct record_context c = context();
	json_t *json, *oddities;

	(void)state;
	s.verdict = VERDICT_PLAINTEXT;
	s.reason = REASON_MAIL_IN_CLEAR;
	s.exposure = EXPOSURE_CONTENT;
	s.confirmed = TRI_TRUE;
	s.cause = CAUSE_SUSPECTED_STRIPPING;
	s.stripped = STRIPPED_MASKED;
	s.directions = DIRECTIONS_TO_SERVER;
	s.messages = 3;
	s.vlan = 0;
	s.injected = 1;
	s.oddities = 1u << ODDITY_BARE_LF | 1u << ODDITY_TRUNCATED;
	s.fallback = true;
	json = parsed(&s, &c);
	assert_string_equal(text_of(json, "verdict"), "plaintext");
	assert_string_equal(text_of(json, "exposure"), "content");
	assert_string_equal(text_of(json, "cause"), "suspected-stripping");
	assert_string_equal(text_of(json, "stripped"), "masked");
	assert_string_equal(text_of(json, "directions"), "to_server");
	assert_true(json_is_true(json_object_get(json, "confirmed")));
	assert_true(json_is_true(json_object_get(json, "injected")));
	assert_true(json_is_true(json_object_get(json, "fallback")));
	assert_int_equal(json_integer_value(json_object_get(json, "messages")), 3);
	assert_true(json_is_integer(json_object_get(json, "vlan")));
	oddities = json_object_get(json, "oddities");
	assert_int_equal(json_array_size(oddities), 2);
	assert_string_equal(json_string_value(json_array_get(oddities, 0)), "bare-lf");
	assert_string_equal(json_string_value(json_array_get(oddities, 1)), "truncated");
	json_decref(json);
}

static void what_is_not_known_is_null(void **state)
{
	static const char *const null_keys[] = {
		"starttls_offered", "tls_version",     "tls_cipher",  "sni",
		"messages",         "counted",         "interface",   "vlan",
		"stripped",         "tls_cipher_name", "alpn",        "tls_group",
		"tls_alert",        "tls_resumed",     "certificate", "downgrade"
	};
	struct session s = sealed_session();
	struct record_context c = context();
	json_t *json;

	(void)state;
	s.offered = TRI_NULL;
	s.tls_version = 0;
	s.tls_cipher = TLS_CIPHER_NONE;
	s.tls_group = TLS_GROUP_NONE;
	s.tls_resumed = TRI_NULL;
	s.certificate.state = CERTIFICATE_NONE;
	s.sni_len = 0;
	s.messages = MESSAGES_NULL;
	s.end_ns = s.start_ns - 1; /* time went backwards */
	c.counted = -1;
	c.interface = NULL;
	json = parsed(&s, &c);
	for (size_t i = 0; i < sizeof(null_keys) / sizeof(null_keys[0]); i++)
		assert_true(json_is_null(json_object_get(json, null_keys[i])));
	assert_true(json_real_value(json_object_get(json, "duration")) == 0);
	json_decref(json);
}

static void bytes_from_the_wire_are_escaped(void **state)
{
	struct session s = sealed_session();
	struct record_context c = context();
	char line[RECORD_MAX];

	(void)state;
	memcpy(s.sni, "a\"b\\c\n\0\x7f\xff", 9);
	s.sni_len = 9;
	record_json(&s, &c, line);
	assert_non_null(strstr(line, "\"sni\":\"a\\u0022b\\u005Cc\\u000A\\u0000\\u007F\\u00FF\","));
}

static struct certificate_facts long_certificate(void)
{
	struct certificate_facts c = { .state = CERTIFICATE_SEEN,
				       .not_before = INT64_MIN,
				       .not_after = INT64_MAX,
				       .name_matches = TRI_FALSE,
				       .self_signed = TRI_FALSE,
				       .subject_len = CERT_NAME_MAX,
				       .issuer_len = CERT_NAME_MAX };

	memset(c.subject, 0x7f, CERT_NAME_MAX);
	memset(c.issuer, 0xff, CERT_NAME_MAX);
	return c;
}

static void a_certificate_is_an_object(void **state)
{
	struct session s = sealed_session();
	struct record_context c = context();
	json_t *json, *inside;

	(void)state;
	s.certificate = (struct certificate_facts){ .state = CERTIFICATE_SEEN,
						    .not_before = -1,
						    .not_after = 253402300799,
						    .self_signed = TRI_TRUE,
						    .subject_len = 5,
						    .subject = "CN=\"x" };
	s.findings = 1u << FINDING_LOGIN_BEFORE_STLS;
	memcpy(s.alpn, "imap,\xe9", 6);
	s.alpn_len = 6;
	s.tls_group = 0x7777;
	s.tls_alert = 200;
	json = parsed(&s, &c);
	inside = json_object_get(json, "certificate");
	assert_string_equal(text_of(inside, "subject"), "CN=\"x");
	assert_string_equal(text_of(inside, "issuer"), "");
	assert_string_equal(text_of(inside, "not_before"), "1969-12-31T23:59:59Z");
	assert_string_equal(text_of(inside, "not_after"), "9999-12-31T23:59:59Z");
	assert_true(json_is_null(json_object_get(inside, "name_matches")));
	assert_true(json_is_true(json_object_get(inside, "self_signed")));
	assert_string_equal(text_of(json, "alpn"), "imap,\xc3\xa9");
	assert_string_equal(text_of(json, "tls_group"), "0x7777");
	assert_string_equal(text_of(json, "tls_alert"), "200");
	assert_string_equal(json_string_value(json_array_get(json_object_get(json, "findings"), 0)),
			    "login-before-stls");
	json_decref(json);
	s.certificate.state = CERTIFICATE_UNREADABLE;
	s.tls_alert = 48;
	json = parsed(&s, &c);
	assert_string_equal(text_of(json, "certificate"), "unreadable");
	assert_string_equal(text_of(json, "tls_alert"), "unknown_ca");
	json_decref(json);
}

static void moments_keep_to_their_years(void **state)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} cases[] = {
		{ 0, "1970-01-01T00:00:00Z" },
		{ -62167219200, "0000-01-01T00:00:00Z" },
		{ 253402300799, "9999-12-31T23:59:59Z" },
		{ 1709164800, "2024-02-29T00:00:00Z" },
	};
	static const char *const wrong[] = { "",
					     "2024-02-30T00:00:00Z",
					     "2024-02-29T00:00:00",
					     "2024-02-29T00:00:00Zx",
					     "24-02-29T00:00:00Z",
					     "10000-01-01T00:00:00Z",
					     " 2024-02-29T00:00:00Z" };
	char text[MOMENT_MAX];
	int64_t seconds;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		moment_text(cases[i].seconds, text);
		assert_string_equal(text, cases[i].text);
		assert_true(moment_parse(text, &seconds));
		assert_int_equal(seconds, cases[i].seconds);
	}
	moment_text(INT64_MIN, text);
	assert_string_equal(text, "0000-01-01T00:00:00Z");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(moment_parse(wrong[i], &seconds));
}

static void the_longest_line_fits(void **state)
{
	char long_name[4000];
	struct session s = sealed_session();
	struct record_context c = context();
	char line[RECORD_MAX];
	json_t *json;

	(void)state;
	memset(long_name, 0xe9, sizeof(long_name));
	strcpy(long_name + sizeof(long_name) - 10, "tail.pcap");
	c.sensor = c.interface = long_name;
	s.sni_len = SNI_MAX;
	memset(s.sni, 0x01, SNI_MAX);
	s.alpn_len = ALPN_LIST_MAX;
	memset(s.alpn, 0x01, ALPN_LIST_MAX);
	s.tls_alert = 113;
	s.tls_cipher = 0xc06b;
	s.certificate = long_certificate();
	s.findings = (1u << FINDING_N) - 1;
	s.start_ns = 0;
	s.end_ns = UINT64_MAX;
	s.bytes_to_server = s.bytes_to_client = s.bytes_missing =
		INT64_MAX; /* the most a reader takes */
	s.oddities = (1u << ODDITY_N) - 1;
	s.evidence_len = EVIDENCE_MAX;
	for (unsigned i = 0; i < EVIDENCE_MAX; i++)
		s.evidence[i] = WORD_CLIENT_HELLO;
	address("2001:db8:1111:2222:3333:4444:5555:6666", s.client);
	address("2001:db8:1111:2222:3333:4444:5555:7777", s.server);
	record_json(&s, &c, line);
	assert_non_null(strstr(line, "tail.pcap\""));
	json = json_loads(line, JSON_ALLOW_NUL, NULL);
	assert_non_null(json);
	json_decref(json);
}

static void a_truncated_address_has_no_community_id(void **state)
{
	struct session s = sealed_session();
	struct record_context c = context();
	struct pair known = pair;
	json_t *json;

	(void)state;
	c.truncate = true;
	json = parsed(&s, &c);
	assert_string_equal(text_of(json, "client"), "10.10.0.5");
	assert_string_equal(text_of(json, "server"), "10.30.0.0");
	assert_true(json_is_null(json_object_get(json, "community_id")));
	json_decref(json);
	known.server_known_host = true;
	c.pair = &known;
	json = parsed(&s, &c);
	assert_string_equal(text_of(json, "server"), "10.30.0.25");
	assert_true(json_is_string(json_object_get(json, "community_id")));
	json_decref(json);
}

static void addresses_are_short(void **state)
{
	static const struct {
		const char *in, *whole, *cut;
	} cases[] = {
		{ "198.51.100.5", "198.51.100.5", "198.51.0.0" },
		{ "0.0.0.0", "0.0.0.0", "0.0.0.0" },
		{ "2001:0db8:0001:0002:0000:0000:0000:0001", "2001:db8:1:2::1", "2001:db8:1::" },
		{ "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1", "2001:db8::" },
		{ "2001:0:0:1:0:0:0:1", "2001:0:0:1::1", "2001::" },
		{ "::1", "::1", "::" },
		{ "FE80::ABCD", "fe80::abcd", "fe80::" },
	};
	uint8_t addr[16];
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		address(cases[i].in, addr);
		address_text(addr, false, text, sizeof(text));
		assert_string_equal(text, cases[i].whole);
		address_text(addr, true, text, sizeof(text));
		assert_string_equal(text, cases[i].cut);
	}
	address_text(addr, false, text, 5);
	assert_string_equal(text, "fe80");
}

static void times_are_utc(void **state)
{
	char text[40];

	(void)state;
	time_text(START_NS, 6, text, sizeof(text));
	assert_string_equal(text, "2026-11-22T10:00:00.123456Z");
	time_text(START_NS, 0, text, sizeof(text));
	assert_string_equal(text, "2026-11-22T10:00:00Z");
	time_text(0, 6, text, sizeof(text));
	assert_string_equal(text, "1970-01-01T00:00:00.000000Z");
	time_text(UINT64_MAX, 6, text, sizeof(text));
	assert_string_equal(text, "2554-07-21T23:34:33.709551Z");
	step_text(1795341600, text, sizeof(text));
	assert_string_equal(text, "2026-11-22T10:00:00Z");
	step_text(-60, text, sizeof(text));
	assert_string_equal(text, "1970-01-01T00:00:00Z");
	step_text(INT64_MAX, text, sizeof(text));
	assert_string_equal(text, "1970-01-01T00:00:00Z");
}

static void evidence_stops_at_the_bound(void **state)
{
	struct session s = sealed_session();
	char text[10];

	(void)state;
	evidence_text(&s, text, sizeof(text));
	assert_string_equal(text, "220 EHLO ");
	s.evidence_len = 0;
	evidence_text(&s, text, sizeof(text));
	assert_string_equal(text, "");
}

/* The first is the example of the specification, the others come from an implementation of its
 * text in another language. */
static void community_ids_are_those_of_others(void **state)
{
	static const struct {
		const char *a, *b;
		uint16_t a_port, b_port;
		const char *id;
	} cases[] = {
		{ "128.232.110.120", "66.35.250.204", 34855, 80, "1:LQU9qZlK+B5F3KDmev6m5PMibrg=" },
		{ "2001:db8::1", "2001:db8:10:25::1", 40312, 25, "1:1kMMAalkkHKfPTCsZEVRfAnuuK4=" },
		{ "198.51.100.1", "198.51.100.1", 25, 26, "1:gtXN23bvuwDZUPmlPOCZrE4TMi4=" },
	};
	char id[COMMUNITY_ID_MAX];
	uint8_t a[16], b[16];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		address(cases[i].a, a);
		address(cases[i].b, b);
		community_id(a, cases[i].a_port, b, cases[i].b_port, id);
		assert_string_equal(id, cases[i].id);
		community_id(b, cases[i].b_port, a, cases[i].a_port, id);
		assert_string_equal(id, cases[i].id);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sealed_session_reads_as_documented),
		cmocka_unit_test(what_a_suspicion_rests_on_is_written),
		cmocka_unit_test(a_plaintext_session_shows_what_it_weighs),
		cmocka_unit_test(what_is_not_known_is_null),
		cmocka_unit_test(bytes_from_the_wire_are_escaped),
		cmocka_unit_test(a_certificate_is_an_object),
		cmocka_unit_test(moments_keep_to_their_years),
		cmocka_unit_test(the_longest_line_fits),
		cmocka_unit_test(a_truncated_address_has_no_community_id),
		cmocka_unit_test(addresses_are_short),
		cmocka_unit_test(times_are_utc),
		cmocka_unit_test(evidence_stops_at_the_bound),
		cmocka_unit_test(community_ids_are_those_of_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
