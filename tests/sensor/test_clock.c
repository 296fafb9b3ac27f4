/* Tests the steady clock: packet times in, milliseconds that never go back out. */
#include "tests/unit.h"

#include "sensor/clock.h"

#define MS      1000000ull
#define SECOND  1000000000ull
#define HOUR    CLOCK_JUMP_NS
#define IN_2024 (1709287200ull * SECOND)
#define IN_2096 (3976214400ull * SECOND)
#define LAST_NS (UINT64_MAX - 5)

struct tick {
	uint64_t ns;
	bool jump;
	uint64_t now_ms;
};

static void run(const struct tick *ticks, size_t n)
{
	struct steady_clock c = { 0 };

	for (size_t i = 0; i < n; i++) {
		assert_int_equal(clock_advance(&c, ticks[i].ns), ticks[i].jump);
		if (c.now_ms != ticks[i].now_ms)
			fail_msg("tick %zu: %lu ms, not %lu", i, (unsigned long)c.now_ms,
				 (unsigned long)ticks[i].now_ms);
	}
}

#define RUN(ticks) run(ticks, sizeof(ticks) / sizeof(ticks[0]))

static void it_begins_at_zero_and_follows(void **state)
{
	static const struct tick ticks[] = {
		{ IN_2024, false, 0 },
		{ IN_2024 + 5 * MS, false, 5 },
		{ IN_2024 + 5 * MS, false, 5 },
		{ IN_2024 + 7 * SECOND, false, 7000 },
	};

	(void)state;
	RUN(ticks);
}

/* Packets that come less than a millisecond apart are not lost to rounding. */
static void parts_of_a_millisecond_add_up(void **state)
{
	struct steady_clock c = { 0 };

	(void)state;
	for (uint64_t i = 0; i <= 10000; i++)
		clock_advance(&c, IN_2024 + i * 300001);
	assert_int_equal(c.now_ms, 3000);
}

static void a_step_back_stands_still(void **state)
{
	static const struct tick ticks[] = {
		{ IN_2024, false, 0 },
		{ IN_2024 + SECOND, false, 1000 },
		{ IN_2024 + SECOND / 2, false, 1000 },
		{ IN_2024 + SECOND + MS, false, 1001 }, /* what lay between counts once */
		{ IN_2024 + SECOND - HOUR + MS, false, 1001 },
		{ IN_2024 + 2 * SECOND, false, 2000 },
	};

	(void)state;
	RUN(ticks);
}

static void an_hour_is_a_step_and_more_is_a_jump(void **state)
{
	static const struct tick ticks[] = {
		{ IN_2024, false, 0 },
		{ IN_2024 + HOUR, false, 3600000 },
		{ IN_2024 + 2 * HOUR + 1, true, 3600000 },
		{ IN_2024 + 2 * HOUR + 1 + SECOND, false, 3601000 },
		{ IN_2024, true, 3601000 },
		{ IN_2024 + SECOND, false, 3602000 },
	};

	(void)state;
	RUN(ticks);
}

static void one_packet_of_2096_moves_nothing(void **state)
{
	static const struct tick ticks[] = {
		{ IN_2024, false, 0 },         { IN_2096, true, 0 },
		{ IN_2024 + SECOND, true, 0 }, { IN_2024 + 2 * SECOND, false, 1000 },
		{ LAST_NS, true, 1000 },       { IN_2024 + 3 * SECOND, true, 1000 },
	};

	(void)state;
	RUN(ticks);
}

static void a_time_of_zero_throughout_stands_still(void **state)
{
	static const struct tick ticks[] = { { 0, false, 0 }, { 0, false, 0 }, { 0, false, 0 } };

	(void)state;
	RUN(ticks);
}

/* Where time is told often, much less than an hour is one. */
static void a_jump_is_what_it_is_said_to_be(void **state)
{
	struct steady_clock c = { .jump_ns = 60 * SECOND };

	(void)state;
	assert_false(clock_advance(&c, IN_2024));
	assert_false(clock_advance(&c, IN_2024 + 60 * SECOND));
	assert_int_equal(c.now_ms, 60000);
	assert_true(clock_advance(&c, IN_2024 + HOUR));
	assert_true(clock_advance(&c, IN_2024 + SECOND));
	assert_int_equal(c.now_ms, 60000);
	assert_false(clock_advance(&c, IN_2024 + 2 * SECOND));
	assert_int_equal(c.now_ms, 61000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_begins_at_zero_and_follows),
		cmocka_unit_test(parts_of_a_millisecond_add_up),
		cmocka_unit_test(a_step_back_stands_still),
		cmocka_unit_test(an_hour_is_a_step_and_more_is_a_jump),
		cmocka_unit_test(a_jump_is_what_it_is_said_to_be),
		cmocka_unit_test(one_packet_of_2096_moves_nothing),
		cmocka_unit_test(a_time_of_zero_throughout_stands_still),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
