/* Tests the ranges of monitoring plugins. */
#include "tests/unit.h"

#include <string.h>

#include "reports/range.h"

#define ONE RANGE_UNIT

/* The examples of the guidelines, and the edges of each. */
static void a_value_alerts_outside_of_its_range(void **state)
{
	static const struct {
		const char *range;
		int64_t value;
		bool alert;
	} cases[] = {
		{ "10", -1, true },
		{ "10", 0, false },
		{ "10", 10 * ONE, false },
		{ "10", 10 * ONE + 1, true },
		{ "10:", 10 * ONE - 1, true },
		{ "10:", 10 * ONE, false },
		{ "10:", INT64_MAX, false },
		{ "~:10", INT64_MIN, false },
		{ "~:10", 10 * ONE, false },
		{ "~:10", 10 * ONE + 1, true },
		{ "10:20", 10 * ONE - 1, true },
		{ "10:20", 10 * ONE, false },
		{ "10:20", 20 * ONE, false },
		{ "10:20", 20 * ONE + 1, true },
		{ "@10:20", 10 * ONE - 1, false },
		{ "@10:20", 10 * ONE, true },
		{ "@10:20", 20 * ONE, true },
		{ "@10:20", 20 * ONE + 1, false },
		{ "@~:0", 0, true },
		{ "@~:0", 1, false },
		{ "@5", 5 * ONE, true },
		{ "@5", -1, false },
		{ "99.9:", 99900000, false },
		{ "99.9:", 99899999, true },
		{ "100:", 100 * ONE, false },
		{ "100:", 99999999, true },
		{ "-5:-1.5", -1500000, false },
		{ "-5:-1.5", -1499999, true },
		{ "0", 0, false },
		{ "~:", INT64_MIN, false },
		{ "@~:", 0, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct range r;

		if (!range_parse(cases[i].range, &r) ||
		    range_alerts(&r, cases[i].value) != cases[i].alert)
			fail_msg("%s and %lld", cases[i].range, (long long)cases[i].value);
		assert_string_equal(r.text, cases[i].range);
	}
}

static void what_is_no_range_is_refused(void **state)
{
	static const char *const wrong[] = {
		"",
		":",
		"@",
		"~",
		":10",
		"10:5",
		"1:2:3",
		"ten",
		"1e3",
		"0x10",
		"+5",
		" 5",
		"5 ",
		"5%",
		"10..20",
		"1.",
		".5",
		"1.2.3",
		"--1",
		"@@1",
		"~5:10",
		"5:~",
		"1.1234567",
		"1234567890123",
		"nan",
		"inf",
		"1,5",
		"10|20",
		"@10:20@",
		"1:@2",
		"-",
		"1:-",
		"0000000000000:1",
		"1111111111111111:1111111111111111",
	};
	struct range r;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (range_parse(wrong[i], &r))
			fail_msg("\"%s\" was taken", wrong[i]);
	}
}

static void the_largest_range_fits(void **state)
{
	struct range r;

	(void)state;
	assert_true(range_parse("-999999999999.9:999999999999.9", &r));
	assert_int_equal(r.end, INT64_C(999999999999900000));
	assert_int_equal(r.start, -r.end);
}

static void a_number_is_the_whole_text(void **state)
{
	int64_t n = 0;

	(void)state;
	assert_true(range_number("99.5", &n));
	assert_int_equal(n, 99500000);
	assert_true(range_number("-0.000001", &n));
	assert_int_equal(n, -1);
	assert_false(range_number("99.5%", &n));
	assert_false(range_number("99:", &n));
	assert_false(range_number("", &n));
}

static void no_range_never_alerts(void **state)
{
	struct range none = { .given = false };

	(void)state;
	assert_false(range_alerts(&none, 0));
	assert_false(range_alerts(&none, -1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_alerts_outside_of_its_range),
		cmocka_unit_test(what_is_no_range_is_refused),
		cmocka_unit_test(the_largest_range_fits),
		cmocka_unit_test(a_number_is_the_whole_text),
		cmocka_unit_test(no_range_never_alerts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
