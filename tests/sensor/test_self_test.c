/* Tests that the self-test finds what is wrong. That it passes is in tests/integration. */
#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sensor/self_test.h"

static const struct self_test_count expected[] = {
	{ "mta alpha beta plaintext", 2 },
	{ "mta alpha beta messages_clear", 3 },
	{ "health packets", 10 },
};

#define EXPECTED_N (sizeof(expected) / sizeof(expected[0]))

struct world {
	struct ledger_row row;
	struct health health;
	unsigned all, wrong;
	char *said;
	size_t len;
};

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->row = (struct ledger_row){ .service = SERVICE_MTA, .client = "alpha", .server = "beta" };
	w->row.counts.n[COUNT_PLAINTEXT] = 2;
	w->row.counts.n[COUNT_MESSAGES_CLEAR] = 3;
	w->health.n[HEALTH_PACKETS] = 10;
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	free(w->said);
	free(w);
	return 0;
}

static void compare(struct world *w, size_t rows_n)
{
	FILE *out = open_memstream(&w->said, &w->len);

	assert_non_null(out);
	w->wrong =
		self_test_compare(expected, EXPECTED_N, &w->row, rows_n, &w->health, out, &w->all);
	fclose(out);
}

static void what_is_right_is_only_counted(void **state)
{
	struct world *w = *state;

	compare(w, 1);
	assert_int_equal(w->wrong, 0);
	assert_int_equal(w->all, COUNT_N + HEALTH_N + 1);
	assert_string_equal(w->said, "");
}

static void each_counter_that_is_wrong_has_a_line(void **state)
{
	struct world *w = *state;

	w->row.counts.n[COUNT_PLAINTEXT] = 1;
	w->row.counts.n[COUNT_EXCEPTED] = 1;
	w->health.n[HEALTH_PACKETS] = 0;
	w->health.n[HEALTH_LATE] = 4;
	w->health.alive = 5;
	compare(w, 1);
	assert_int_equal(w->wrong, 5);
	assert_string_equal(w->said, "self-test: mta alpha beta plaintext: 1, not 2\n"
				     "self-test: mta alpha beta excepted: 1, not 0\n"
				     "self-test: health packets: 0, not 10\n"
				     "self-test: health late: 4, not 0\n"
				     "self-test: health alive: 5, not 0\n");
}

static void no_counter_can_be_wrong_unseen(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < COUNT_N + HEALTH_N; i++) {
		uint64_t *n = i < COUNT_N ? &w->row.counts.n[i] : &w->health.n[i - COUNT_N];

		*n += 1;
		free(w->said);
		compare(w, 1);
		assert_int_equal(w->wrong, 1);
		*n -= 1;
	}
}

static void a_pair_that_was_not_found_is_missed(void **state)
{
	struct world *w = *state;

	compare(w, 0);
	assert_int_equal(w->wrong, 2);
	assert_string_equal(w->said, "self-test: mta alpha beta plaintext: 0, not 2\n"
				     "self-test: mta alpha beta messages_clear: 0, not 3\n");
}

static void a_pair_that_is_somebody_elses_is_wrong(void **state)
{
	struct world *w = *state;

	strcpy(w->row.server, "cloud");
	compare(w, 1);
	assert_int_equal(w->wrong, 4);
}

/* Steps are summed; and nothing at all is not what the capture holds. */
static void a_run_that_found_nothing_fails(void **state)
{
	struct world *w = *state;
	struct ledger_batch b = { .rows = &w->row, .rows_n = 1 };
	char err[256] = "";
	struct self_test *t = self_test_new(err, sizeof(err));
	FILE *out = open_memstream(&w->said, &w->len);

	assert_non_null(t);
	assert_non_null(out);
	assert_int_equal(access(self_test_input(t), R_OK), 0);
	assert_true(self_test_step(t, &b));
	assert_true(self_test_step(t, &b));
	self_test_end(t, &w->health);
	assert_false(self_test_judge(t, out));
	fclose(out);
	self_test_free(t);
	assert_non_null(strstr(w->said, "self-test: mta alpha beta plaintext: 4, not 2\n"));
	assert_non_null(strstr(w->said, "self-test failed: "));
	self_test_free(NULL);
}

static void its_peers_are_those_of_the_capture(void **state)
{
	struct conf *c = self_test_conf();

	(void)state;
	assert_int_equal(peers_count(c->peers), 3);
	assert_true(peers_signatory(c->peers, 1));
	assert_string_equal(peers_name(c->peers, 2), "cloud");
	conf_free(c);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_right_is_only_counted),
		TEST(each_counter_that_is_wrong_has_a_line),
		TEST(no_counter_can_be_wrong_unseen),
		TEST(a_pair_that_was_not_found_is_missed),
		TEST(a_pair_that_is_somebody_elses_is_wrong),
		TEST(a_run_that_found_nothing_fails),
		TEST(its_peers_are_those_of_the_capture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
