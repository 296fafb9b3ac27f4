/* Tests which time a report is about. */
#include "tests/unit.h"

#include <string.h>

#include "reports/period.h"

static void a_span_is_a_number_and_a_unit(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds; /* 0: refused */
	} cases[] = {
		{ "1m", 60 },
		{ "24h", 86400 },
		{ "7d", 604800 },
		{ "2w", 1209600 },
		{ "3660d", 3660 * 86400LL },
		{ "3661d", 0 },
		{ "0h", 0 },
		{ "", 0 },
		{ "h", 0 },
		{ "24", 0 },
		{ "24 h", 0 },
		{ "24hh", 0 },
		{ "-1h", 0 },
		{ "1.5h", 0 },
		{ "24s", 0 },
		{ "99999999999999999999h", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t seconds = 0;

		assert_int_equal(span_parse(cases[i].text, &seconds), cases[i].seconds != 0);
		if (cases[i].seconds)
			assert_int_equal(seconds, cases[i].seconds);
	}
}

static void a_time_is_utc(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds; /* -1: refused */
	} cases[] = {
		{ "1970-01-01", 0 },
		{ "2026-11-22", 1795305600 },
		{ "2026-11-22T10:00", 1795341600 },
		{ "2026-11-22 10:00", 1795341600 },
		{ "2026-11-22T10:00:30Z", 1795341630 },
		{ "2026-11-22Z", 1795305600 },
		{ "2024-02-29", 1709164800 },
		{ "2026-02-29", -1 },
		{ "2026-04-31", -1 },
		{ "2026-13-01", -1 },
		{ "2026-00-10", -1 },
		{ "2026-01-00", -1 },
		{ "1969-12-31", -1 },
		{ "2026-11-22T24:00", -1 },
		{ "2026-11-22T10:60", -1 },
		{ "2026-11-22T10:00:60", -1 },
		{ "2026-11-22T10", -1 },
		{ "2026-11-22T10:00+01:00", -1 },
		{ "2026-11-22ZZ", -1 },
		{ "22.11.2026", -1 },
		{ "now", -1 },
		{ "", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t seconds = -1;
		bool ok = utc_parse(cases[i].text, &seconds);

		if (ok != (cases[i].seconds >= 0))
			fail_msg("%s", cases[i].text);
		if (ok)
			assert_int_equal(seconds, cases[i].seconds);
	}
}

static void a_time_is_printed_as_it_is_read(void **state)
{
	char text[UTC_TEXT_MAX];
	int64_t back;

	(void)state;
	utc_text(1795341600, UTC_SHORT, text);
	assert_string_equal(text, "2026-11-22 10:00");
	utc_text(1795341600, UTC_SECONDS, text);
	assert_string_equal(text, "2026-11-22 10:00:00");
	utc_text(1795341630, UTC_SHORT, text);
	assert_string_equal(text, "2026-11-22 10:00:30");
	utc_text(1795341600, UTC_ISO, text);
	assert_string_equal(text, "2026-11-22T10:00:00Z");
	assert_true(utc_parse(text, &back));
	assert_int_equal(back, 1795341600);
	utc_text(-1, UTC_SHORT, text);
	assert_string_equal(text, "?");
	utc_text(INT64_MAX, UTC_SHORT, text);
	assert_string_equal(text, "?");
}

static struct period period(const char *last, const char *from, const char *to, int64_t end)
{
	struct period_words w = { last, from, to };
	struct period_asked a;
	struct period p;
	char err[256];

	assert_true(period_read(&w, &a, err, sizeof(err)));
	assert_true(period_of(&a, end, &p, err, sizeof(err)));
	return p;
}

static void a_period_counts_back_from_the_end_of_the_ledger(void **state)
{
	struct period p = period(NULL, NULL, NULL, 1795341660);

	(void)state;
	assert_true(p.counted_back);
	assert_int_equal(p.to, 1795341660);
	assert_int_equal(p.from, 1795341660 - 86400);
	p = period("7d", NULL, NULL, 1795341660);
	assert_int_equal(p.from, 1795341660 - 7 * 86400);
	p = period("2w", NULL, NULL, 600); /* the epoch is the end of it */
	assert_int_equal(p.from, 0);
}

static void a_period_holds_whole_steps(void **state)
{
	struct period p = period(NULL, "2026-11-22T10:00:30", "2026-11-22T10:05:01", 1795400000);

	(void)state;
	assert_false(p.counted_back);
	assert_int_equal(p.from, 1795341600);
	assert_int_equal(p.to, 1795341600 + 6 * 60);
	p = period(NULL, NULL, "2026-11-22T10:00", 1);
	assert_int_equal(p.to, 1795341600);
	assert_int_equal(p.from, 1795341600 - PERIOD_DEFAULT_S);
}

static void a_wrong_period_is_refused(void **state)
{
	static const struct period_words wrong[] = {
		{ "24h", "2026-11-22", NULL },
		{ "24h", NULL, "2026-11-22" },
		{ "soon", NULL, NULL },
		{ NULL, "yesterday", NULL },
		{ NULL, NULL, "now" },
		{ NULL, "2026-11-22", "2026-11-22" },
		{ NULL, "2026-11-23", "2026-11-22" },
	};
	struct period_words after = { NULL, "2026-11-22", NULL };
	struct period_asked a;
	struct period p;
	char err[256];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		err[0] = '\0';
		assert_false(period_read(&wrong[i], &a, err, sizeof(err)));
		assert_true(strlen(err) > 10);
	}
	assert_true(period_read(&after, &a, err, sizeof(err)));
	assert_false(period_of(&a, 1795305600, &p, err, sizeof(err)));
	assert_non_null(strstr(err, "2026-11-22 00:00 UTC"));
}

static void a_span_is_said_in_the_largest_whole_unit(void **state)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} cases[] = {
		{ 86400, "24 h" }, { 172800, "2 d" }, { 5400, "90 min" },
		{ 61, "61 s" },    { 0, "0 s" },
	};
	char text[32];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		span_text(cases[i].seconds, text, sizeof(text));
		assert_string_equal(text, cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_span_is_a_number_and_a_unit),
		cmocka_unit_test(a_time_is_utc),
		cmocka_unit_test(a_time_is_printed_as_it_is_read),
		cmocka_unit_test(a_period_counts_back_from_the_end_of_the_ledger),
		cmocka_unit_test(a_period_holds_whole_steps),
		cmocka_unit_test(a_wrong_period_is_refused),
		cmocka_unit_test(a_span_is_said_in_the_largest_whole_unit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
