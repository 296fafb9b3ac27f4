/* Tests reports/health.c. */
#include "tests/unit.h"

#include <string.h>

#include "reports/health.h"

static struct health balanced(void)
{
	struct health h = { .alive = 4 };

	h.n[HEALTH_DELIVERED] = 100;
	h.n[HEALTH_PACKETS] = 100;
	for (unsigned i = SKIP_LINK; i <= SKIP_FULL; i++) {
		h.n[i] = i;
		h.n[HEALTH_PACKETS] += i;
	}
	h.n[HEALTH_SESSIONS] = 1;
	h.n[HEALTH_EMPTY] = 2;
	h.n[HEALTH_NOT_MAIL] = 3;
	h.n[HEALTH_FLOWS] = 10;
	return h;
}

static void books_that_balance_pass(void **state)
{
	struct health h = balanced();
	char err[128] = "";

	(void)state;
	assert_true(health_balance(&h, err, sizeof(err)));
	h.n[HEALTH_DUPLICATE]++; /* beside the books */
	assert_true(health_balance(&h, err, sizeof(err)));
}

static void each_entry_of_the_books_is_looked_at(void **state)
{
	static const enum health_counter flows[] = { HEALTH_FLOWS, HEALTH_SESSIONS, HEALTH_EMPTY,
						     HEALTH_NOT_MAIL };
	char err[128];

	(void)state;
	for (unsigned i = SKIP_LINK; i <= SKIP_FULL; i++) {
		struct health h = balanced();

		h.n[i]++;
		assert_false(health_balance(&h, err, sizeof(err)));
		assert_non_null(strstr(err, "packets"));
	}
	for (unsigned i = 0; i < sizeof(flows) / sizeof(flows[0]); i++) {
		struct health h = balanced();

		h.n[flows[i]]++;
		assert_false(health_balance(&h, err, sizeof(err)));
		assert_non_null(strstr(err, "flows"));
	}
}

static void a_level_is_not_a_difference(void **state)
{
	struct health from = balanced(), to = balanced(), d;

	(void)state;
	to.n[HEALTH_PACKETS] += 7;
	to.alive = 2;
	d = health_since(&from, &to);
	assert_int_equal(d.n[HEALTH_PACKETS], 7);
	assert_int_equal(d.n[HEALTH_DELIVERED], 0);
	assert_int_equal(d.alive, 2);
}

static void names_fit_a_data_source(void **state)
{
	(void)state;
	for (unsigned i = 0; i < HEALTH_N; i++) {
		const char *name = health_name((enum health_counter)i);

		assert_non_null(name);
		assert_in_range(strlen(name), 1, 19);
		assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name));
		assert_non_null(health_text((enum health_counter)i));
	}
	assert_null(health_name(HEALTH_N));
	assert_null(health_text(HEALTH_N));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(books_that_balance_pass),
		cmocka_unit_test(each_entry_of_the_books_is_looked_at),
		cmocka_unit_test(a_level_is_not_a_difference),
		cmocka_unit_test(names_fit_a_data_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
