/* Tests that the scanner reads what record_read() reads, and takes nothing that is no object. */
#include "tests/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/record.h"
#include "tests/web/same_line.h"

static size_t write_line(char out[RECORD_MAX])
{
	static const struct pair pair = { .client = "orange", .server = "free-net" };
	static const struct record_context c = { .sensor = "th2-1",
						 .interface = "eth1",
						 .pair = &pair,
						 .counted = 1795341600,
						 .truncate = true };
	struct session s;

	memset(&s, 0, sizeof(s));
	s.start_ns = 1795341600123456000u;
	s.end_ns = s.start_ns + 1000000000u;
	memcpy(s.client, "\x20\x01\x0d\xb8\0\1\0\2", 8);
	s.server[10] = s.server[11] = 0xff;
	memcpy(s.server + 12, "\xc0\x00\x02\x19", 4);
	s.vlan = VLAN_NONE;
	s.protocol = PROTOCOL_SMTP;
	s.service = SERVICE_MTA;
	s.verdict = VERDICT_ENCRYPTED_STARTTLS;
	s.reason = REASON_HANDSHAKE_COMPLETED;
	s.messages = MESSAGES_NULL;
	s.tls_version = 0x0304;
	s.tls_cipher = 0x1302;
	s.tls_group = TLS_GROUP_NONE;
	s.tls_alert = TLS_ALERT_NONE;
	s.certificate.state = CERTIFICATE_SEEN;
	s.sni_len = 9;
	memcpy(s.sni, "mx\xe9\0\"\\{,]", 9);
	return record_json(&s, &c, out);
}

/* The line with one piece of it replaced. */
static size_t changed(const char *from, const char *to, char out[2 * RECORD_MAX])
{
	char line[RECORD_MAX];
	const char *at;

	write_line(line);
	at = strstr(line, from);
	assert_non_null(at);
	return (size_t)snprintf(out, 2 * RECORD_MAX, "%.*s%s%s", (int)(at - line), line, to,
				at + strlen(from));
}

static void a_record_is_read(void **state)
{
	char line[RECORD_MAX];
	size_t len = write_line(line);
	struct line_facts f;
	bool record;

	(void)state;
	assert_null(same_line(line, len, &record));
	assert_true(record);
	assert_true(line_scan(line, len - 1, &f)); /* without the LF */
	assert_int_equal(f.start, 1795341600);
	assert_int_equal(f.service, SERVICE_MTA);
	assert_int_equal(f.verdict, VERDICT_ENCRYPTED_STARTTLS);
	assert_false(f.refused);
	assert_int_equal(f.tls_version, 0x0304);
	assert_int_equal(f.tls_cipher, 0x1302);
	assert_string_equal(f.client, "2001:db8:1::");
	assert_string_equal(f.server, "192.0.0.0");
	assert_string_equal(f.client_peer, "orange");
	assert_string_equal(f.server_peer, "free-net");
	assert_string_equal(f.sni, "mx\xe9\\x00\"\\{,]");
}

/* Other ways to write the same. */
static void spelling_changes_nothing(void **state)
{
	static const struct {
		const char *from, *to;
	} cases[] = {
		{ "\"sni\":", " \"s\\u006Ei\" :\t" },
		{ "\"mx\\u00E9", "\"\\u006d\x78\xc3\xa9" },
		{ "\"mta\"", "\"m\\u0074a\"" },
		{ "\"sni\":\"mx", "\"sni\":\"\\b\\f\\n\\r\\t\\/mx" },
		{ "\"service\":", "\"service\" \r\n : " },
		{ "}\n", "} \r\n" },
		{ "{\"timestamp\"", " { \"timestamp\"" },
		{ "\"excepted\":false", "\"excepted\":true" },
		{ ",\"excepted\":false", "" }, /* as earlier versions wrote it */
	};
	char line[2 * RECORD_MAX];
	bool record;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = changed(cases[i].from, cases[i].to, line);
		const char *key = same_line(line, len, &record);

		if (!record || key)
			fail_msg("%s: %s", cases[i].to, key ? key : "no record");
	}
}

static void what_is_passed_over_may_be_anything(void **state)
{
	static const char *const values[] = {
		"[[{\"sni\":\"}\"},\"]\\\"\"],1,{}]",
		"-1.5e+9",
		"true",
		"\"\\\\\"",
		"{\"verdict\":1}",
	};
	char line[2 * RECORD_MAX], text[128];
	struct line_facts f;

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		snprintf(text, sizeof(text), "\"vlan\":%s", values[i]);
		if (!line_scan(line, changed("\"vlan\":null", text, line), &f))
			fail_msg("%s", values[i]);
		assert_string_equal(f.sni, "mx\xe9\\x00\"\\{,]");
	}
}

static void what_is_no_record_is_refused(void **state)
{
	static const struct {
		const char *from, *to;
	} cases[] = {
		{ "\"sni\"", "\"snj\"" },                            /* a key is missing */
		{ "\"vlan\":null", "\"sni\":null" },                 /* a key is there twice */
		{ "\"mta\"", "\"mtb\"" },                            /* no word of ours */
		{ "\"mta\"", "null" },                               /* nor null */
		{ "\"mta\"", "\"mta\\u0000\"" },                     /* nor with something behind */
		{ "\"orange\"", "\"\"" },                            /* no text */
		{ "\"orange\"", "7" },                               /* of another kind */
		{ "\"orange\"", "\"\\u20AC\"" },                     /* no byte */
		{ "\"orange\"", "\"\\u12\"" },                       /* half an escape */
		{ "\"orange\"", "\"\\x20\"" },                       /* none of JSON */
		{ "\"orange\"", "\"\xff\"" },                        /* no UTF-8 */
		{ "\"orange\"", "\"\t\"" },                          /* a control character */
		{ "0x1302", "0x130g" },                              /* no number */
		{ "TLSv1.3", "TLSv1.4" },                            /* no version */
		{ "2026-11-22T10", "2026-02-30T10" },                /* no day */
		{ "\"vlan\":null", "\"vlan\":" },                    /* no value */
		{ "\"vlan\":null", "\"vlan\":[1" },                  /* left open */
		{ "\"vlan\":null", "\"vlan\":[[[[[[[[[0]]]]]]]]]" }, /* too deep */
		{ "\"vlan\":null", "\"vlan\" null" },                /* no colon */
		{ ",\"vlan\"", "\"vlan\"" },                         /* no comma */
		{ "}\n", "}}\n" },                                   /* more behind the end */
		{ "}\n", "" },                                       /* no end */
	};
	char line[2 * RECORD_MAX];
	struct line_facts f;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (line_scan(line, changed(cases[i].from, cases[i].to, line), &f))
			fail_msg("%s", cases[i].to);
	}
	assert_false(line_scan("", 0, &f));
	assert_false(line_scan("{}", 2, &f));
	assert_false(line_scan("null", 4, &f));
}

static void no_text_is_longer_than_its_room(void **state)
{
	char line[2 * RECORD_MAX], text[READ_TEXT_MAX + 64];
	bool record;

	(void)state;
	/* Up to, and over, what record_read() has room for. */
	for (size_t n = READ_TEXT_MAX - 16; n < READ_TEXT_MAX + 16; n++) {
		snprintf(text, sizeof(text), "\"sni\":\"%0*d", (int)n, 0);
		assert_null(same_line(line, changed("\"sni\":\"", text, line), &record));
	}
	assert_false(record);
	memset(line, ' ', sizeof(line));
	assert_null(same_line(line, write_line(line), &record));
	assert_true(record);
	line[strlen(line)] = ' ';
	assert_null(same_line(line, RECORD_MAX - 1, &record));
	assert_true(record);
	assert_null(same_line(line, RECORD_MAX, &record));
	assert_false(record);
}

/* Every byte of a line replaced by some others: never a different reading. */
static void damage_is_never_misread(void **state)
{
	static const char bytes[] = "\"\\{}[],:0 \n\xc3u";
	char line[RECORD_MAX];
	size_t len = write_line(line);
	bool record;

	(void)state;
	for (size_t i = 0; i < len; i++) {
		char was = line[i];

		for (size_t b = 0; b < sizeof(bytes); b++) {
			const char *key;

			line[i] = bytes[b];
			key = same_line(line, len, &record);
			if (key)
				fail_msg("%s: %s", key, line);
		}
		line[i] = was;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_is_read),
		cmocka_unit_test(spelling_changes_nothing),
		cmocka_unit_test(what_is_passed_over_may_be_anything),
		cmocka_unit_test(what_is_no_record_is_refused),
		cmocka_unit_test(no_text_is_longer_than_its_room),
		cmocka_unit_test(damage_is_never_misread),
	};

	return cmocka_run_group_tests_name("line_scan", tests, NULL, NULL);
}
