/* Tests reports/counts.c. */
#include "tests/unit.h"

#include <math.h>
#include <string.h>

#include "reports/counts.h"

static struct session session_of(enum verdict v)
{
	struct session s;

	memset(&s, 0, sizeof(s));
	s.verdict = (uint8_t)v;
	s.protocol = PROTOCOL_SMTP;
	s.messages = 5;
	s.tls_cipher = TLS_CIPHER_NONE;
	return s;
}

static uint64_t sum_of_all(const struct counts *c)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < COUNT_N; i++)
		sum += c->n[i];
	return sum;
}

static void each_verdict_has_its_count(void **state)
{
	static const enum count expect[VERDICT_N] = {
		[VERDICT_ENCRYPTED_STARTTLS] = COUNT_ENC_STARTTLS,
		[VERDICT_ENCRYPTED_IMPLICIT] = COUNT_ENC_IMPLICIT,
		[VERDICT_PLAINTEXT] = COUNT_PLAINTEXT,
		[VERDICT_TLS_FAILED] = COUNT_TLS_FAILED,
		[VERDICT_NO_TRANSACTION] = COUNT_NO_TRANSACTION,
		[VERDICT_INDETERMINATE] = COUNT_INDETERMINATE,
	};

	(void)state;
	for (unsigned v = VERDICT_NONE + 1; v < VERDICT_N; v++) {
		struct session s = session_of((enum verdict)v);
		struct counts c = { 0 };

		counts_add_session(&c, &s, false);
		assert_int_equal(c.n[expect[v]], 1);
		assert_int_equal(counts_sessions(&c), 1);
		assert_int_equal(sum_of_all(&c), 1); /* and messages are not among them */
	}
}

static void what_a_session_shows_is_counted(void **state)
{
	struct session s = session_of(VERDICT_ENCRYPTED_STARTTLS);
	struct counts c = { 0 };

	(void)state;
	s.offered = s.requested = s.accepted = s.auth_clear = TRI_TRUE;
	s.stripped = STRIPPED_MASKED;
	s.tls_version = 0x0304;
	counts_add_session(&c, &s, false);
	assert_int_equal(c.n[COUNT_OFFERED], 1);
	assert_int_equal(c.n[COUNT_REQUESTED], 1);
	assert_int_equal(c.n[COUNT_ACCEPTED], 1);
	assert_int_equal(c.n[COUNT_AUTH_CLEAR], 1);
	assert_int_equal(c.n[COUNT_STRIPPED], 1);
	assert_int_equal(c.n[COUNT_TLS13], 1);
	s.offered = s.requested = s.accepted = s.auth_clear = TRI_FALSE;
	s.stripped = STRIPPED_NONE;
	for (uint16_t v = 0x0300; v < 0x0306; v++) {
		s.tls_version = v;
		counts_add_session(&c, &s, false);
	}
	assert_int_equal(c.n[COUNT_OFFERED], 1);
	assert_int_equal(c.n[COUNT_TLS10], 1);
	assert_int_equal(c.n[COUNT_TLS11], 1);
	assert_int_equal(c.n[COUNT_TLS12], 1);
	assert_int_equal(c.n[COUNT_TLS13], 2);
}

static void a_failed_handshake_has_no_version(void **state)
{
	struct session s = session_of(VERDICT_TLS_FAILED);
	struct counts c = { 0 };

	(void)state;
	s.tls_version = 0x0303;
	counts_add_session(&c, &s, false);
	assert_int_equal(sum_of_all(&c), 1);
}

static void refused_and_begun_before_belong_to_their_verdict(void **state)
{
	struct session s = session_of(VERDICT_PLAINTEXT);
	struct counts c = { 0 };

	(void)state;
	s.exposure = EXPOSURE_REFUSED;
	s.begun_before = 1;
	counts_add_session(&c, &s, false);
	assert_int_equal(c.n[COUNT_REFUSED], 1);
	assert_int_equal(c.n[COUNT_BEGUN_BEFORE], 0);
	s.verdict = VERDICT_INDETERMINATE;
	counts_add_session(&c, &s, false);
	assert_int_equal(c.n[COUNT_REFUSED], 1);
	assert_int_equal(c.n[COUNT_BEGUN_BEFORE], 1);
}

static void an_exception_counts_nowhere_else(void **state)
{
	struct session s = session_of(VERDICT_PLAINTEXT);
	struct counts c = { 0 };

	(void)state;
	s.auth_clear = TRI_TRUE;
	counts_add_session(&c, &s, true);
	assert_int_equal(c.n[COUNT_EXCEPTED], 1);
	assert_int_equal(sum_of_all(&c), 1);
	assert_int_equal(counts_sessions(&c), 0);
}

static void messages_add_when_known(void **state)
{
	struct session s = session_of(VERDICT_INDETERMINATE);
	struct counts c = { 0 };

	(void)state;
	s.messages = MESSAGES_NULL;
	counts_add_end(&c, &s);
	s.messages = 0;
	counts_add_end(&c, &s);
	assert_int_equal(sum_of_all(&c), 0);
	s.messages = 3;
	counts_add_end(&c, &s);
	s.messages = 4;
	counts_add_end(&c, &s);
	assert_int_equal(c.n[COUNT_MESSAGES_CLEAR], 7);
}

/* A plaintext session may ask for TLS after its verdict. */
static void the_funnel_of_plaintext_adds_at_its_end(void **state)
{
	static const enum count funnel[] = { COUNT_OFFERED, COUNT_REQUESTED, COUNT_ACCEPTED,
					     COUNT_STRIPPED, COUNT_AUTH_CLEAR };
	static const enum verdict verdicts[] = { VERDICT_PLAINTEXT, VERDICT_TLS_FAILED };

	(void)state;
	for (size_t v = 0; v < 2; v++) {
		struct session s = session_of(verdicts[v]);
		struct counts c = { 0 };

		s.offered = s.requested = s.accepted = s.auth_clear = TRI_TRUE;
		s.stripped = STRIPPED_REFUSED;
		counts_add_session(&c, &s, false);
		for (size_t i = 0; i < sizeof(funnel) / sizeof(funnel[0]); i++)
			assert_int_equal(c.n[funnel[i]], verdicts[v] != VERDICT_PLAINTEXT);
		counts_add_end(&c, &s);
		for (size_t i = 0; i < sizeof(funnel) / sizeof(funnel[0]); i++)
			assert_int_equal(c.n[funnel[i]], 1);
	}
}

static void counts_only_add(void **state)
{
	struct counts a, b;

	(void)state;
	for (unsigned i = 0; i < COUNT_N; i++) {
		a.n[i] = i;
		b.n[i] = 100 * i;
	}
	counts_add(&a, &b);
	for (unsigned i = 0; i < COUNT_N; i++)
		assert_int_equal(a.n[i], 101 * i);
}

static bool near(double a, double b)
{
	return fabs(a - b) < 1e-12;
}

static void the_ratio_is_as_defined(void **state)
{
	struct counts c = { 0 };
	struct ratio r;

	(void)state;
	c.n[COUNT_ENC_STARTTLS] = 60;
	c.n[COUNT_ENC_IMPLICIT] = 20;
	c.n[COUNT_PLAINTEXT] = 25;
	c.n[COUNT_REFUSED] = 5;
	c.n[COUNT_TLS_FAILED] = 10;
	c.n[COUNT_NO_TRANSACTION] = 1000;
	c.n[COUNT_INDETERMINATE] = 12;
	c.n[COUNT_BEGUN_BEFORE] = 4;
	r = counts_ratio(&c, 2);
	assert_int_equal(r.encrypted, 80);
	assert_int_equal(r.plaintext, 20);
	assert_int_equal(r.unknown, 10);
	assert_int_equal(r.failed, 10);
	assert_true(r.known && near(r.ratio, 0.8));
	assert_true(near(r.lowest, 80.0 / 110) && near(r.highest, 90.0 / 110));
	assert_true(r.covered && near(r.coverage, 110.0 / 120));
}

static void nothing_seen_is_not_a_ratio(void **state)
{
	struct counts c = { 0 };
	struct ratio r = counts_ratio(&c, 0);
	char text[16];

	(void)state;
	assert_false(r.known);
	assert_false(r.covered);
	ratio_text(&r, text, sizeof(text));
	assert_string_equal(text, "-");
	c.n[COUNT_INDETERMINATE] = 4;
	r = counts_ratio(&c, 0);
	assert_false(r.known);
	assert_true(near(r.lowest, 0) && near(r.highest, 1) && r.covered && near(r.coverage, 0));
}

static void counts_that_contradict_each_other_stay_above_zero(void **state)
{
	struct counts c = { 0 };
	struct ratio r;

	(void)state;
	c.n[COUNT_REFUSED] = 1;
	c.n[COUNT_BEGUN_BEFORE] = 1;
	r = counts_ratio(&c, 0);
	assert_int_equal(r.plaintext, 0);
	assert_int_equal(r.unknown, 0);
}

static void only_no_plaintext_prints_100(void **state)
{
	static const struct {
		uint64_t e, p;
		const char *text;
	} cases[] = {
		{ 5, 0, "100 %" },
		{ 0, 5, "0 %" },
		{ 9998, 2, "99.98 %" },
		{ 1, 1, "50.00 %" },
		{ 2, 1, "66.66 %" },
		{ 7, 93, "7.00 %" },
		{ 99999999, 1, "99.99 %" },
		{ 1, 99999999, "0.00 %" },
		{ UINT64_MAX / 4, 1, "99.99 %" },
		{ UINT64_MAX / 4, UINT64_MAX / 4, "49.99 %" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct counts c = { 0 };
		struct ratio r;
		char text[16];

		c.n[COUNT_ENC_STARTTLS] = cases[i].e;
		c.n[COUNT_PLAINTEXT] = cases[i].p;
		r = counts_ratio(&c, 0);
		ratio_text(&r, text, sizeof(text));
		assert_string_equal(text, cases[i].text);
	}
}

static void every_count_has_a_name(void **state)
{
	(void)state;
	for (unsigned i = 0; i < COUNT_N; i++) {
		assert_non_null(count_name((enum count)i));
		assert_in_range(strlen(count_name((enum count)i)), 1, 19);
	}
	assert_null(count_name(COUNT_N));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_verdict_has_its_count),
		cmocka_unit_test(what_a_session_shows_is_counted),
		cmocka_unit_test(a_failed_handshake_has_no_version),
		cmocka_unit_test(refused_and_begun_before_belong_to_their_verdict),
		cmocka_unit_test(an_exception_counts_nowhere_else),
		cmocka_unit_test(messages_add_when_known),
		cmocka_unit_test(the_funnel_of_plaintext_adds_at_its_end),
		cmocka_unit_test(counts_only_add),
		cmocka_unit_test(the_ratio_is_as_defined),
		cmocka_unit_test(nothing_seen_is_not_a_ratio),
		cmocka_unit_test(counts_that_contradict_each_other_stay_above_zero),
		cmocka_unit_test(only_no_plaintext_prints_100),
		cmocka_unit_test(every_count_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
