/* Tests in which step a session counts, whatever times come with it. */
#include "tests/unit.h"

#include <stdio.h>
#include <string.h>

#include "reports/tally.h"

#define NS   1000000000ull
#define T0   1448186400ull /* 2015-11-22T10:00:00Z */
#define WALL ((T0 + 86400) * NS)

static struct session encrypted_at(uint64_t s)
{
	struct session one;

	memset(&one, 0, sizeof(one));
	one.decided_ns = s * NS;
	one.verdict = VERDICT_ENCRYPTED_STARTTLS;
	one.protocol = PROTOCOL_SMTP;
	return one;
}

static struct pair pair_of(const char *client, const char *server)
{
	struct pair p;

	memset(&p, 0, sizeof(p));
	strcpy(p.client, client);
	strcpy(p.server, server);
	return p;
}

/* Time moves to when, a session decided at decided; returns the step it counts in. */
static int64_t add(struct tally *t, uint64_t when, uint64_t decided, const char *client)
{
	struct session s = encrypted_at(decided);
	struct pair p = pair_of(client, "b");

	tally_time(t, when * NS, WALL);
	assert_int_equal(tally_due(t), -1);
	return tally_session(t, &s, &p, WALL);
}

struct taken {
	size_t n;
	struct ledger_row first;
	struct health health;
	uint64_t sessions;
};

static struct taken take(struct tally *t)
{
	const struct ledger_row *rows;
	struct taken got;

	memset(&got, 0, sizeof(got));
	got.n = tally_take(t, &rows, &got.health);
	if (got.n > 0)
		got.first = rows[0];
	for (size_t i = 0; i < got.n; i++)
		got.sessions += counts_sessions(&rows[i].counts);
	return got;
}

static void a_session_counts_in_the_step_that_decided_it(void **state)
{
	struct tally *t = tally_new(10);
	struct taken got;

	(void)state;
	assert_int_equal(tally_now(t), -1);
	assert_int_equal(tally_oldest(t), -1);
	assert_int_equal(add(t, T0 + 10, T0 + 10, "a"), T0);
	assert_int_equal(add(t, T0 + 59, T0 + 59, "a"), T0);
	assert_int_equal(add(t, T0 + 61, T0 + 61, "a"), T0 + 60);
	assert_int_equal(add(t, T0 + 64, T0 + 58, "a"), T0); /* within the grace */
	tally_time(t, (T0 + 65) * NS, WALL);
	assert_int_equal(tally_due(t), T0);
	got = take(t);
	assert_int_equal(got.n, 1);
	assert_int_equal(got.sessions, 3);
	assert_string_equal(got.first.client, "a");
	assert_string_equal(got.first.server, "b");
	assert_int_equal(got.health.n[HEALTH_LATE], 0);
	assert_int_equal(tally_due(t), -1);
	assert_int_equal(tally_oldest(t), T0 + 60);
	assert_int_equal(take(t).sessions, 1);
	assert_int_equal(tally_oldest(t), -1);
	tally_free(t);
	tally_free(NULL);
}

static void an_older_step_may_open_after_a_newer_one(void **state)
{
	struct tally *t = tally_new(10);

	(void)state;
	assert_int_equal(add(t, T0 + 61, T0 + 61, "a"), T0 + 60);
	assert_int_equal(add(t, T0 + 62, T0 + 59, "a"), T0);
	assert_int_equal(tally_oldest(t), T0);
	tally_take(t, &(const struct ledger_row *){ NULL }, &(struct health){ .alive = 0 });
	assert_int_equal(tally_oldest(t), T0 + 60);
	tally_free(t);
}

static void a_late_session_counts_in_the_open_step(void **state)
{
	struct tally *t = tally_new(10);
	struct taken got;

	(void)state;
	assert_int_equal(add(t, T0 + 70, T0 + 70, "a"), T0 + 60);
	assert_int_equal(add(t, T0 + 71, T0 + 5, "a"), T0 + 60);
	assert_int_equal(add(t, T0 + 72, 0, "a"), T0 + 60); /* 1970 */
	got = take(t);
	assert_int_equal(got.sessions, 3);
	assert_int_equal(got.health.n[HEALTH_LATE], 2);
	tally_free(t);
}

static void what_an_earlier_run_has_recorded_is_closed(void **state)
{
	struct tally *t = tally_new(10);

	(void)state;
	tally_start(t, T0 + 60);
	assert_int_equal(add(t, T0 + 61, T0 + 59, "a"), T0 + 60);
	assert_int_equal(take(t).health.n[HEALTH_LATE], 1);
	tally_free(t);
}

/* The clock is behind what an earlier run has recorded: everything counts in the step that follows. */
static void the_time_is_not_before_the_first_step(void **state)
{
	struct tally *t = tally_new(10);

	(void)state;
	tally_time(t, T0 * NS, T0 * NS);
	tally_start(t, T0 + 3600);
	assert_int_equal(tally_now(t), T0 + 3600);
	assert_int_equal(add(t, T0 + 1, T0 + 1, "a"), T0 + 3600);
	assert_int_equal(add(t, T0 + 2, T0 + 2, "a"), T0 + 3600);
	assert_int_equal(tally_due(t), -1);
	assert_int_equal(take(t).health.n[HEALTH_LATE], 2);
	tally_free(t);
}

static void a_date_in_2096_moves_nothing(void **state)
{
	const uint64_t far = 3976214400ull;
	struct tally *t = tally_new(10);
	struct taken got;

	(void)state;
	assert_int_equal(add(t, T0, T0, "a"), T0);
	assert_int_equal(add(t, far, far, "a"), T0);
	assert_int_equal(add(t, far, T0 + 3, "a"), T0);
	assert_int_equal(add(t, UINT64_MAX / NS, UINT64_MAX / NS, "a"), T0);
	assert_int_equal(tally_now(t), T0);
	got = take(t);
	assert_int_equal(got.sessions, 4);
	assert_int_equal(got.health.n[HEALTH_FUTURE], 2);
	tally_free(t);
}

static void without_a_time_to_believe_the_wall_clock_holds(void **state)
{
	struct tally *t = tally_new(10);
	int64_t wall = (int64_t)(WALL / NS);

	(void)state;
	assert_int_equal(add(t, 3976214400ull, 3976214400ull, "a"), wall - wall % STEP_S);
	assert_int_equal(take(t).health.n[HEALTH_FUTURE], 1);
	tally_free(t);
}

static void time_does_not_go_back(void **state)
{
	struct tally *t = tally_new(10);

	(void)state;
	assert_int_equal(add(t, T0 + 120, T0 + 120, "a"), T0 + 120);
	assert_int_equal(add(t, T0, T0, "a"), T0 + 120);
	assert_int_equal(tally_now(t), T0 + 120);
	tally_free(t);
}

static void pairs_beyond_the_bound_count_under_other(void **state)
{
	struct tally *t = tally_new(SERVICE_N + 2);
	const struct ledger_row *rows;
	struct health h;

	(void)state;
	tally_know(t, SERVICE_MTA, "known", "b");
	add(t, T0, T0, "a");
	for (unsigned i = 0; i < 100; i++) {
		char name[16];

		snprintf(name, sizeof(name), "p%u", i);
		add(t, T0, T0, name);
	}
	add(t, T0, T0, "a");
	add(t, T0, T0, "known");
	assert_int_equal(tally_take(t, &rows, &h), 3);
	assert_string_equal(rows[0].client, "a");
	assert_int_equal(counts_sessions(&rows[0].counts), 2);
	assert_string_equal(rows[1].client, "other");
	assert_string_equal(rows[1].server, "other");
	assert_int_equal(counts_sessions(&rows[1].counts), 100);
	assert_string_equal(rows[2].client, "known");
	assert_int_equal(h.n[HEALTH_OVERFLOW], 100);
	tally_free(t);
}

static void health_is_what_a_step_added(void **state)
{
	struct tally *t = tally_new(10);
	struct health so_far = { .alive = 3 };
	struct taken got;

	(void)state;
	tally_time(t, T0 * NS, WALL);
	so_far.n[HEALTH_PACKETS] = 100;
	tally_health(t, &so_far, WALL);
	so_far.n[HEALTH_PACKETS] = 150;
	so_far.alive = 4;
	tally_health(t, &so_far, WALL);
	tally_time(t, (T0 + 60) * NS, WALL);
	so_far.n[HEALTH_PACKETS] = 170;
	tally_health(t, &so_far, WALL);
	tally_lost(t, 7, WALL);
	got = take(t);
	assert_int_equal(got.health.n[HEALTH_PACKETS], 150);
	assert_int_equal(got.health.alive, 4);
	assert_int_equal(got.health.n[HEALTH_LOST], 0);
	got = take(t);
	assert_int_equal(got.health.n[HEALTH_PACKETS], 20);
	assert_int_equal(got.health.n[HEALTH_LOST], 7);
	tally_free(t);
}

static void a_step_without_health_and_counters_that_go_back(void **state)
{
	struct tally *t = tally_new(10);
	struct health so_far = { .alive = 0 };

	(void)state;
	so_far.n[HEALTH_PACKETS] = 100;
	tally_time(t, T0 * NS, WALL);
	tally_health(t, &so_far, WALL);
	assert_int_equal(take(t).health.n[HEALTH_PACKETS], 100);
	add(t, T0 + 60, T0 + 60, "a");
	assert_int_equal(take(t).health.n[HEALTH_PACKETS], 0);
	so_far.n[HEALTH_PACKETS] = 40;
	tally_time(t, (T0 + 120) * NS, WALL);
	tally_health(t, &so_far, WALL);
	assert_int_equal(take(t).health.n[HEALTH_PACKETS], 0);
	tally_free(t);
}

static void messages_count_when_the_session_is_over(void **state)
{
	struct tally *t = tally_new(10);
	struct session s = encrypted_at(T0);
	struct pair p = pair_of("a", "b");

	(void)state;
	s.verdict = VERDICT_PLAINTEXT;
	s.messages = 2;
	tally_time(t, T0 * NS, WALL);
	tally_session(t, &s, &p, WALL);
	assert_int_equal(take(t).first.counts.n[COUNT_MESSAGES_CLEAR], 0);
	tally_time(t, (T0 + 600) * NS, WALL);
	tally_end(t, &s, &p, WALL);
	s.messages = MESSAGES_NULL;
	tally_end(t, &s, &p, WALL);
	p.excepted = true;
	s.messages = 5;
	tally_end(t, &s, &p, WALL);
	assert_int_equal(tally_oldest(t), T0 + 600);
	assert_int_equal(take(t).first.counts.n[COUNT_MESSAGES_CLEAR], 2);
	tally_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_counts_in_the_step_that_decided_it),
		cmocka_unit_test(an_older_step_may_open_after_a_newer_one),
		cmocka_unit_test(a_late_session_counts_in_the_open_step),
		cmocka_unit_test(what_an_earlier_run_has_recorded_is_closed),
		cmocka_unit_test(the_time_is_not_before_the_first_step),
		cmocka_unit_test(a_date_in_2096_moves_nothing),
		cmocka_unit_test(without_a_time_to_believe_the_wall_clock_holds),
		cmocka_unit_test(time_does_not_go_back),
		cmocka_unit_test(pairs_beyond_the_bound_count_under_other),
		cmocka_unit_test(health_is_what_a_step_added),
		cmocka_unit_test(a_step_without_health_and_counters_that_go_back),
		cmocka_unit_test(messages_count_when_the_session_is_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
