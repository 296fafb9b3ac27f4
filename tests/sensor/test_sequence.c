/* Tests the comparison of sequence numbers, where they wrap and elsewhere. */
#include "tests/unit.h"

#include "sensor/sequence.h"

static void order_holds_where_numbers_wrap(void **state)
{
	(void)state;
	assert_int_equal(seq_after(7, 7), 0);
	assert_int_equal(seq_after(9, 7), 2);
	assert_int_equal(seq_after(7, 9), -2);
	assert_int_equal(seq_after(1, UINT32_MAX), 2);
	assert_int_equal(seq_after(UINT32_MAX, 1), -2);
}

static void what_is_far_away_is_not_in_the_window(void **state)
{
	static const uint32_t nexts[] = { 0, 5, 1u << 31, UINT32_MAX };

	(void)state;
	for (unsigned i = 0; i < sizeof(nexts) / sizeof(nexts[0]); i++) {
		uint32_t next = nexts[i];

		assert_true(seq_in_window(next, next));
		assert_true(seq_in_window(next, next + SEQ_WINDOW_MAX - 1));
		assert_true(seq_in_window(next, next - SEQ_WINDOW_MAX + 1));
		assert_false(seq_in_window(next, next + SEQ_WINDOW_MAX));
		assert_false(seq_in_window(next, next - SEQ_WINDOW_MAX));
		assert_false(seq_in_window(next, next + (1u << 31)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_holds_where_numbers_wrap),
		cmocka_unit_test(what_is_far_away_is_not_in_the_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
