/* Tests the table of values by key. */
#include "tests/unit.h"

#include "web/keyed.h"

#define MANY 5000u

static struct siphash_key key_of_hash(void)
{
	struct siphash_key k;

	assert_true(siphash_key_new(&k));
	return k;
}

static void values_stay_while_it_grows(void **state)
{
	struct siphash_key hash = key_of_hash();
	struct keyed *t = keyed_new(&hash, sizeof(uint32_t), sizeof(uint64_t), MANY);

	(void)state;
	for (uint32_t round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < MANY; i++)
			*(uint64_t *)keyed_add(t, &i) += i + 1;
	}
	assert_int_equal(keyed_used(t), MANY);
	for (uint32_t i = 0; i < MANY; i++) {
		assert_int_equal(*(const uint32_t *)keyed_key(t, i), i);
		assert_int_equal(*(uint64_t *)keyed_value(t, i), 2 * (i + 1));
		assert_ptr_equal(keyed_find(t, &i), keyed_value(t, i));
	}
	keyed_free(t);
	keyed_free(NULL);
}

static void a_full_table_goes_on_with_what_it_has(void **state)
{
	struct siphash_key hash = key_of_hash();
	struct keyed *t = keyed_new(&hash, 3, 1, 2);

	(void)state;
	*(uint8_t *)keyed_add(t, "abc") = 1;
	*(uint8_t *)keyed_add(t, "abd") = 2;
	assert_null(keyed_add(t, "abe"));
	assert_null(keyed_find(t, "abe"));
	assert_int_equal(*(uint8_t *)keyed_add(t, "abc"), 1);
	assert_int_equal(*(uint8_t *)keyed_find(t, "abd"), 2);
	assert_int_equal(keyed_used(t), 2);
	keyed_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_stay_while_it_grows),
		cmocka_unit_test(a_full_table_goes_on_with_what_it_has),
	};

	return cmocka_run_group_tests_name("keyed", tests, NULL, NULL);
}
