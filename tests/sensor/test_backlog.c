/* Tests the steps that wait for the ledger. */
#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

#include "sensor/backlog.h"

#define T0 ((int64_t)1795305600)

static void push(struct backlog *b, int64_t n, size_t rows, uint64_t sessions)
{
	struct ledger_row *list = calloc(rows + 1, sizeof(*list));
	struct health health = { .n = { [HEALTH_PACKETS] = 10, [HEALTH_LOST] = 1 } };
	struct server server;
	struct ledger_batch step = { .step = T0 + 60 * n,
				     .rows = list,
				     .rows_n = rows,
				     .health = &health,
				     .servers = &server,
				     .servers_n = 1 };

	for (size_t i = 0; i < rows; i++) {
		strcpy(list[i].client, "alpha");
		list[i].counts.n[COUNT_ENC_STARTTLS] = sessions;
		list[i].counts.n[COUNT_EXCEPTED] = 1;
	}
	backlog_push(b, &step);
	memset(list, 0xff, (rows + 1) * sizeof(*list)); /* it has its own */
	free(list);
}

static void assert_first(const struct backlog *b, int64_t n, size_t rows, uint64_t lost)
{
	const struct ledger_batch *step = backlog_first(b);

	assert_non_null(step);
	assert_int_equal(step->step, T0 + 60 * n);
	assert_int_equal(step->rows_n, rows);
	if (rows > 0)
		assert_string_equal(step->rows[0].client, "alpha");
	assert_int_equal(step->health->n[HEALTH_PACKETS], 10);
	assert_int_equal(step->health->n[HEALTH_LOST], lost);
	assert_int_equal(step->servers_n, 0);
}

static void steps_come_in_their_order(void **state)
{
	struct backlog *b = backlog_new(10, 100);

	(void)state;
	assert_null(backlog_first(b));
	for (int64_t n = 0; n < 3; n++)
		push(b, n, (size_t)n, 5);
	assert_int_equal(backlog_steps(b), 3);
	for (int64_t n = 0; n < 3; n++) {
		assert_first(b, n, (size_t)n, 1);
		backlog_pop(b);
	}
	assert_null(backlog_first(b));
	push(b, 3, 1, 5);
	assert_first(b, 3, 1, 1);
	assert_int_equal(backlog_lost(b).steps, 0);
	backlog_free(b);
	backlog_free(NULL);
}

/* Two rows of 5 sessions and an excepted one each are 12 that are lost. */
static void the_oldest_falls_out_and_is_told(void **state)
{
	struct backlog *b = backlog_new(3, 100);

	(void)state;
	for (int64_t n = 0; n < 5; n++)
		push(b, n, 2, 5);
	assert_int_equal(backlog_steps(b), 3);
	assert_first(b, 2, 2, 1 + 2 * (12 + 1));
	assert_int_equal(backlog_lost(b).steps, 2);
	assert_int_equal(backlog_lost(b).sessions, 24);
	backlog_pop(b);
	assert_first(b, 3, 2, 1);
	backlog_free(b);
}

static void rows_are_bounded_too(void **state)
{
	struct backlog *b = backlog_new(100, 10);

	(void)state;
	push(b, 0, 4, 1);
	push(b, 1, 4, 1);
	push(b, 2, 4, 1);
	assert_int_equal(backlog_steps(b), 2);
	push(b, 3, 50, 1); /* one is always kept */
	assert_int_equal(backlog_steps(b), 1);
	assert_first(b, 3, 50, 1 + 3 * (8 + 1));
	assert_int_equal(backlog_lost(b).steps, 3);
	backlog_give_up(b);
	assert_int_equal(backlog_lost(b).steps, 4);
	assert_int_equal(backlog_lost(b).sessions, 3 * 8 + 100);
	assert_null(backlog_first(b));
	backlog_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps_come_in_their_order),
		cmocka_unit_test(the_oldest_falls_out_and_is_told),
		cmocka_unit_test(rows_are_bounded_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
