/* Tests the words of the session record. */
#include "tests/unit.h"

#include <string.h>

#include "dissectors/verdict.h"

static void every_value_has_a_name(void **state)
{
	(void)state;
	for (unsigned i = 1; i < VERDICT_N; i++)
		assert_non_null(verdict_name((enum verdict)i));
	for (unsigned i = 1; i < REASON_N; i++)
		assert_non_null(reason_name((enum reason)i));
	for (unsigned i = 1; i < PROTOCOL_N; i++)
		assert_non_null(protocol_name((enum protocol)i));
	for (unsigned i = 0; i < SERVICE_N; i++)
		assert_non_null(service_name((enum service)i));
	for (unsigned i = 1; i < EXPOSURE_N; i++)
		assert_non_null(exposure_name((enum exposure)i));
	for (unsigned i = 1; i < CAUSE_N; i++)
		assert_non_null(cause_name((enum cause)i));
	for (unsigned i = 0; i < DIRECTIONS_N; i++)
		assert_non_null(directions_name((enum directions)i));
	for (unsigned i = 1; i < STRIPPED_N; i++)
		assert_non_null(stripped_name((enum stripped)i));
	for (unsigned i = 0; i < ODDITY_N; i++)
		assert_non_null(oddity_name((enum oddity)i));
	for (unsigned i = WORD_FIRST; i < WORD_END; i++)
		assert_non_null(word_name(i));
}

static void values_out_of_range_have_none(void **state)
{
	(void)state;
	assert_null(verdict_name(VERDICT_NONE));
	assert_null(verdict_name(VERDICT_N));
	assert_null(oddity_name(ODDITY_N));
	assert_null(word_name(220));
	assert_null(word_name(WORD_END));
	assert_null(tls_version_name(0x0305));
	assert_string_equal(tls_version_name(0x0304), "TLSv1.3");
}

static struct session plain_session(void)
{
	struct session s;

	memset(&s, 0, sizeof(s));
	s.verdict = VERDICT_PLAINTEXT;
	s.protocol = PROTOCOL_SMTP;
	s.tls_cipher = TLS_CIPHER_NONE;
	s.evidence_len = 2;
	s.evidence[0] = 220;
	s.evidence[1] = WORD_EHLO;
	return s;
}

static void a_record_out_of_range_is_refused(void **state)
{
	struct session s = plain_session();

	(void)state;
	assert_true(session_valid(&s));
	s.verdict = VERDICT_N;
	assert_false(session_valid(&s));
	s = plain_session();
	s.evidence_len = EVIDENCE_MAX + 1;
	assert_false(session_valid(&s));
	s = plain_session();
	s.evidence[1] = WORD_END;
	assert_false(session_valid(&s));
	s = plain_session();
	s.sni_len = SNI_MAX + 1;
	assert_false(session_valid(&s));
	s = plain_session();
	s.oddities = 1u << ODDITY_N;
	assert_false(session_valid(&s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_value_has_a_name),
		cmocka_unit_test(values_out_of_range_have_none),
		cmocka_unit_test(a_record_out_of_range_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
