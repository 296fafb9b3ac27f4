/* test_names.c - a set of texts in the order in which they came. */
#include "tests/unit.h"

#include <stdio.h>

#include "web/names.h"

#define MANY 1000u

static void each_once_and_in_order(void **state)
{
	struct names *n = names_new();
	char text[16];

	(void)state;
	assert_int_equal(names_count(n), 0);
	assert_false(names_has(n, ""));
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(text, sizeof(text), "%u", i * 7919 % MANY);
		assert_true(names_add(n, text));
		assert_false(names_add(n, text));
	}
	assert_int_equal(names_count(n), MANY);
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(text, sizeof(text), "%u", i * 7919 % MANY);
		assert_string_equal(names_at(n, i), text);
		assert_true(names_has(n, text));
	}
	assert_false(names_has(n, "1000"));
	names_free(n);
	names_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(each_once_and_in_order) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
