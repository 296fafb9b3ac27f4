/* Tests the names of ciphers, groups and alerts. */
#include "tests/unit.h"

#include <stdio.h>
#include <string.h>

#include "dissectors/verdict.h"
#include "reports/tls_names.h"

static void ciphers_have_their_registered_names(void **state)
{
	static const struct {
		int32_t code;
		const char *name;
	} cases[] = {
		{ 0x0000, "TLS_NULL_WITH_NULL_NULL" },
		{ 0x0005, "TLS_RSA_WITH_RC4_128_SHA" },
		{ 0x000a, "TLS_RSA_WITH_3DES_EDE_CBC_SHA" },
		{ 0x0039, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA" },
		{ 0x1301, "TLS_AES_128_GCM_SHA256" },
		{ 0xc030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384" },
		{ 0xcca8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256" },
		{ 0x00ff, NULL }, /* signals, and is never chosen */
		{ 0x0a0a, NULL },
		{ TLS_CIPHER_NONE, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *name = tls_cipher_name(cases[i].code);

		if (cases[i].name)
			assert_string_equal(name ? name : "none", cases[i].name);
		else
			assert_null(name);
	}
	for (int32_t code = 0; code <= 0xffff; code++) {
		const char *name = tls_cipher_name(code);

		assert_true(!name ||
			    (strlen(name) < TLS_NAME_MAX && strncmp(name, "TLS_", 4) == 0));
	}
}

static void every_group_is_read_back(void **state)
{
	char text[TLS_NAME_MAX];
	int32_t back;

	(void)state;
	for (int32_t code = 0; code <= 0xffff; code++) {
		tls_group_text(code, text);
		assert_true(tls_group_parse(text, &back));
		assert_int_equal(back, code);
	}
	tls_group_text(29, text);
	assert_string_equal(text, "x25519");
	tls_group_text(0x11ec, text);
	assert_string_equal(text, "X25519MLKEM768");
	tls_group_text(0x6a6a, text);
	assert_string_equal(text, "0x6a6a");
	assert_false(tls_group_parse("", &back));
	assert_false(tls_group_parse("x25518", &back));
	assert_false(tls_group_parse("0x6A6A", &back));
	assert_false(tls_group_parse("0x6a6a6", &back));
}

static void every_alert_is_read_back(void **state)
{
	char text[TLS_NAME_MAX];
	int16_t back;

	(void)state;
	for (int code = 0; code <= 0xff; code++) {
		tls_alert_text(code, text);
		assert_true(tls_alert_parse(text, &back));
		assert_int_equal(back, code);
	}
	tls_alert_text(48, text);
	assert_string_equal(text, "unknown_ca");
	tls_alert_text(200, text);
	assert_string_equal(text, "200");
	assert_false(tls_alert_parse("", &back));
	assert_false(tls_alert_parse("256", &back));
	assert_false(tls_alert_parse("48 ", &back));
	assert_false(tls_alert_parse("unknown", &back));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ciphers_have_their_registered_names),
		cmocka_unit_test(every_group_is_read_back),
		cmocka_unit_test(every_alert_is_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
