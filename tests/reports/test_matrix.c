/* Tests the shares of the matrix as text: never better than they are. */
#include "tests/unit.h"

#include <string.h>

#include "reports/matrix.h"

static void shares_are_not_rounded_across_the_truth(void **state)
{
	static const struct {
		uint64_t num, den;
		const char *down, *up;
	} cases[] = {
		{ 0, 1, "0", "0" },
		{ 1, 1, "100", "100" },
		{ 1, 2, "50.00", "50.00" },
		{ 1, 3, "33.33", "33.34" },
		{ 999999, 1000000, "99.99", "99.99" }, /* 100 only when it is */
		{ 1, 1000000, "0.00", "0.01" },
		{ UINT64_MAX - 1, UINT64_MAX, "99.99", "99.99" },
		{ UINT64_MAX / 2, UINT64_MAX, "49.99", "50.00" },
	};
	char text[16];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		percent_text(cases[i].num, cases[i].den, false, text, sizeof(text));
		assert_string_equal(text, cases[i].down);
		percent_text(cases[i].num, cases[i].den, true, text, sizeof(text));
		assert_string_equal(text, cases[i].up);
	}
}

static struct ratio ratio_of(uint64_t e, uint64_t p, uint64_t u, uint64_t failed)
{
	struct counts c;

	memset(&c, 0, sizeof(c));
	c.n[COUNT_ENC_STARTTLS] = e;
	c.n[COUNT_PLAINTEXT] = p;
	c.n[COUNT_INDETERMINATE] = u;
	c.n[COUNT_TLS_FAILED] = failed;
	return counts_ratio(&c, 0);
}

static void bounds_hold_the_ratio(void **state)
{
	static const struct {
		uint64_t e, p, u;
		const char *text;
	} cases[] = {
		{ 0, 0, 0, "-" },
		{ 5, 0, 0, "100-100" },
		{ 0, 5, 0, "0-0" },
		{ 0, 0, 5, "0-100" },
		{ 5, 0, 5, "50.00-100" },
		{ 58, 4, 0, "93.54-93.54" },
		{ 550, 1, 1, "99.63-99.82" },
		{ 1000000, 1, 0, "99.99-99.99" },
	};
	char text[32];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ratio r = ratio_of(cases[i].e, cases[i].p, cases[i].u, 0);

		bounds_text(&r, text, sizeof(text));
		assert_string_equal(text, cases[i].text);
	}
}

static void coverage_is_whole_only_when_all_was_decided(void **state)
{
	struct ratio r = ratio_of(0, 0, 0, 0);
	char text[16];

	(void)state;
	coverage_text(&r, text, sizeof(text));
	assert_string_equal(text, "-");
	r = ratio_of(999, 0, 1, 0);
	coverage_text(&r, text, sizeof(text));
	assert_string_equal(text, "99 %");
	r = ratio_of(0, 0, 0, 3);
	coverage_text(&r, text, sizeof(text));
	assert_string_equal(text, "100 %");
	r = ratio_of(UINT64_C(1) << 60, 0, 1, 0);
	coverage_text(&r, text, sizeof(text));
	assert_string_equal(text, "99 %");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares_are_not_rounded_across_the_truth),
		cmocka_unit_test(bounds_hold_the_ratio),
		cmocka_unit_test(coverage_is_whole_only_when_all_was_decided),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
