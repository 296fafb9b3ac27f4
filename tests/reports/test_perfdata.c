/* Tests how numbers for a monitoring system are written. */
#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

#include "reports/perfdata.h"

static void expect(const struct perfdatum *d, const char *text)
{
	char *got = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&got, &len);

	assert_non_null(f);
	perfdata_put(f, d);
	fclose(f);
	assert_string_equal(got, text);
	free(got);
}

static void numbers_are_decimals(void **state)
{
	static const struct {
		int64_t value;
		const char *text;
	} cases[] = {
		{ 0, " n=0;;;;" },
		{ 1, " n=0.01;;;;" },
		{ 9998, " n=99.98;;;;" },
		{ 10000, " n=100;;;;" },
		{ -150, " n=-1.50;;;;" },
		{ INT64_MAX, " n=92233720368547758.07;;;;" },
		{ INT64_MIN, " n=-92233720368547758.08;;;;" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct perfdatum d = { "n", "", true, cases[i].value, NULL, NULL, false, false };

		expect(&d, cases[i].text);
	}
}

static void what_is_not_known_has_no_unit(void **state)
{
	struct perfdatum d = { "sealed", "%", false, 0, "99:", "@10:20", true, true };

	(void)state;
	expect(&d, " sealed=U;99:;@10:20;0;100");
	d.known = true;
	d.value = 9981;
	expect(&d, " sealed=99.81%;99:;@10:20;0;100");
}

static void labels_are_quoted_when_they_need_it(void **state)
{
	static const struct {
		const char *label, *text;
	} cases[] = {
		{ "in_clear", " in_clear=1;;;;" },
		{ "two words", " 'two words'=1;;;;" },
		{ "orange:free", " 'orange:free'=1;;;;" },
		{ "it's", " 'it''s'=1;;;;" },
		{ "a=b|c", " 'a_b_c'=1;;;;" },
		{ "a\n\x1b[2J", " 'a__[2J'=1;;;;" },
		{ "\xc3\xa9", " '__'=1;;;;" },
		{ "", " ''=1;;;;" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct perfdatum d = { cases[i].label, "", true, 100, "", "", false, false };

		expect(&d, cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_decimals),
		cmocka_unit_test(what_is_not_known_has_no_unit),
		cmocka_unit_test(labels_are_quoted_when_they_need_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
