/* Tests the bounded memory: what is in it comes back, what is too much makes room. */
#include "tests/unit.h"

#include "reports/recent.h"

static void values_come_back(void **state)
{
	struct recent *r = recent_new(6, sizeof(uint64_t));

	(void)state;
	assert_null(recent_find(r, 0));
	for (uint64_t key = 0; key < 8; key++)
		*(uint64_t *)recent_add(r, key) = key * 3;
	for (uint64_t key = 0; key < 8; key++)
		assert_int_equal(*(uint64_t *)recent_find(r, key), key * 3);
	assert_null(recent_find(r, 8));
	recent_free(r);
	recent_free(NULL);
}

static void the_oldest_makes_room(void **state)
{
	struct recent *r = recent_new(0, 1); /* one place for all */

	(void)state;
	for (uint64_t key = 100; key < 108; key++)
		*(uint8_t *)recent_add(r, key) = 1;
	assert_int_equal(*(uint8_t *)recent_add(r, 7), 0);
	assert_null(recent_find(r, 100));
	assert_non_null(recent_find(r, 101));
	assert_non_null(recent_find(r, 7));
	recent_add(r, 8);
	assert_null(recent_find(r, 101));
	recent_free(r);
}

static void it_never_grows(void **state)
{
	struct recent *r = recent_new(4, sizeof(uint64_t));
	unsigned found = 0;

	(void)state;
	for (uint64_t key = 0; key < 100000; key++)
		recent_add(r, key);
	for (uint64_t key = 0; key < 100000; key++)
		found += recent_find(r, key) != NULL;
	assert_int_equal(found, 8 << 4);
	recent_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_come_back),
		cmocka_unit_test(the_oldest_makes_room),
		cmocka_unit_test(it_never_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
