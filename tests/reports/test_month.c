/* Tests reports/month.c. Needs tzdata, as the program does for any zone but UTC. */
#include "tests/unit.h"

#include <string.h>

#include "reports/month.h"
#include "reports/period.h"

static char err[160];

static void months_are_read_and_written(void **state)
{
	static const char *const wrong[] = { "",        "2026",    "2026-1",  "2026-13",
					     "2026-00", "26-10",   "2026/10", "2026-1x",
					     "1969-12", "+026-10", "2026-100" };
	struct month m;
	char text[MONTH_TEXT_MAX];

	(void)state;
	assert_true(month_read("2026-10", &m));
	month_text(m, text);
	assert_string_equal(text, "2026-10");
	month_text(month_next(m, 3), text);
	assert_string_equal(text, "2027-01");
	month_text(month_next(m, -10), text);
	assert_string_equal(text, "2025-12");
	assert_true(month_compare(m, month_next(m, 1)) < 0);
	assert_true(month_compare(m, m) == 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(month_read(wrong[i], &m));
}

static void months_begin_by_the_rules_of_their_zone(void **state)
{
	static const struct {
		const char *zone, *month, *begins;
	} cases[] = {
		{ "UTC", "2026-10", "2026-10-01T00:00:00Z" },
		{ "UTC", "1970-01", "1970-01-01T00:00:00Z" },
		{ "Europe/Paris", "2026-10", "2026-09-30T22:00:00Z" }, /* summer */
		{ "Europe/Paris", "2026-11", "2026-10-31T23:00:00Z" }, /* winter */
		{ "Europe/Paris", "2024-03", "2024-02-29T23:00:00Z" },
		{ "Asia/Kolkata", "2026-10", "2026-09-30T18:30:00Z" },
		{ "Asia/Kathmandu", "2026-10", "2026-09-30T18:15:00Z" },
		{ "America/New_York", "2026-11", "2026-11-01T04:00:00Z" }, /* ends at 2:00 */
		{ "Pacific/Kiritimati", "2026-10", "2026-09-30T10:00:00Z" },
		{ "Pacific/Pago_Pago", "2026-10", "2026-10-01T11:00:00Z" },
		/* The clocks went from midnight to one: the first has no midnight. */
		{ "Asia/Amman", "2016-04", "2016-03-31T22:00:00Z" },
		{ "America/Asuncion", "2023-10", "2023-10-01T04:00:00Z" },
	};
	char text[UTC_TEXT_MAX];
	struct month m;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t begin;

		assert_true(zone_use(cases[i].zone, err, sizeof(err)));
		assert_true(month_read(cases[i].month, &m));
		begin = month_begin(m);
		utc_text(begin, UTC_ISO, text);
		assert_string_equal(text, cases[i].begins);
		assert_int_equal(month_compare(month_of(begin), m), 0);
		assert_true(begin == 0 || month_compare(month_of(begin - 1), m) < 0);
	}
}

static void times_are_those_of_the_zone(void **state)
{
	static const struct {
		const char *utc, *local;
	} cases[] = {
		{ "2026-10-25T00:59:59Z", "2026-10-25 02:59:59 +02:00" },
		{ "2026-10-25T01:00:00Z", "2026-10-25 02:00 +01:00" },
	};
	char text[LOCAL_TEXT_MAX];
	int64_t t;

	(void)state;
	assert_true(zone_use("Europe/Paris", err, sizeof(err)));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(utc_parse(cases[i].utc, &t));
		local_text(t, text);
		assert_string_equal(text, cases[i].local);
	}
	assert_true(zone_use("America/St_Johns", err, sizeof(err)));
	local_text(t, text);
	assert_string_equal(text, "2026-10-24 22:30 -02:30");
}

static void what_is_no_zone_is_refused(void **state)
{
	static const char *const wrong[] = { "",
					     "Europe/Atlantis",
					     "Europe",
					     "zone.tab",
					     "../../etc/passwd",
					     "/etc/localtime",
					     "Europe/Paris ",
					     "CET-1CEST",
					     "europe/paris\n" };

	(void)state;
	assert_true(zone_use("Europe/Paris", err, sizeof(err)));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_false(zone_use(wrong[i], err, sizeof(err)));
		assert_non_null(strstr(err, "time zone"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(months_are_read_and_written),
		cmocka_unit_test(months_begin_by_the_rules_of_their_zone),
		cmocka_unit_test(times_are_those_of_the_zone),
		cmocka_unit_test(what_is_no_zone_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
