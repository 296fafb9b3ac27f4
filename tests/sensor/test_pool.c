/* Tests the pool of objects of one size. */
#include "tests/unit.h"

#include <string.h>

#include "sensor/pool.h"

static void it_gives_each_object_once(void **state)
{
	struct pool p;
	bool given[5] = { false };

	(void)state;
	assert_true(pool_init(&p, 13, 5));
	for (unsigned i = 0; i < 5; i++) {
		uint32_t index = pool_take(&p);

		assert_true(index < 5);
		assert_false(given[index]);
		given[index] = true;
		memset(pool_at(&p, index), (int)index, 13);
	}
	assert_int_equal(p.used, 5);
	assert_int_equal(pool_take(&p), POOL_NONE);
	assert_int_equal(p.used, 5);
	for (uint32_t i = 0; i < 5; i++) { /* none lies over another */
		const uint8_t *at = pool_at(&p, i);

		assert_int_equal(at[0], i);
		assert_int_equal(at[12], i);
	}
	pool_fini(&p);
}

static void what_is_given_back_is_given_again(void **state)
{
	struct pool p;
	uint32_t a, b;

	(void)state;
	assert_true(pool_init(&p, 8, 2));
	a = pool_take(&p);
	b = pool_take(&p);
	pool_give(&p, a);
	assert_int_equal(p.used, 1);
	assert_int_equal(pool_take(&p), a);
	assert_int_equal(pool_take(&p), POOL_NONE);
	pool_give(&p, b);
	pool_give(&p, a);
	assert_int_equal(p.used, 0);
	assert_int_equal(pool_take(&p), a);
	assert_int_equal(pool_take(&p), b);
	assert_int_equal(pool_take(&p), POOL_NONE);
	pool_fini(&p);
}

static void objects_are_aligned(void **state)
{
	struct pool p;

	(void)state;
	assert_true(pool_init(&p, 9, 3));
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal((uintptr_t)pool_at(&p, i) % 8, 0);
	pool_fini(&p);
	pool_fini(&p); /* twice does no harm */
}

/* A large bound is address space, not memory. */
static void a_large_bound_costs_nothing(void **state)
{
	struct pool p;

	(void)state;
	assert_true(pool_init(&p, 4096, 10000000));
	assert_int_equal(pool_take(&p), 0);
	memset(pool_at(&p, 9999999), 1, 4096);
	pool_fini(&p);
}

static void more_than_there_is_is_refused(void **state)
{
	struct pool p;

	(void)state;
	assert_false(pool_init(&p, (size_t)1 << 40, UINT32_MAX));
	pool_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_gives_each_object_once),
		cmocka_unit_test(what_is_given_back_is_given_again),
		cmocka_unit_test(objects_are_aligned),
		cmocka_unit_test(a_large_bound_costs_nothing),
		cmocka_unit_test(more_than_there_is_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
