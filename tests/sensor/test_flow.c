/* Tests the table of connections: finding, bounds, timers, eviction. */
#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

#include "dissectors/verdict.h"
#include "sensor/flow.h"
#include "sensor/pool.h"

#define WHEEL_TURN_S 2048

static struct packet packet_of(unsigned client, uint16_t client_port, bool back)
{
	struct packet p = { .vlan = VLAN_NONE };
	uint8_t *c = p.addr[back], *s = p.addr[!back];

	memset(c, 0, 16);
	c[10] = c[11] = 0xff;
	c[12] = 10;
	c[14] = (uint8_t)(client >> 8);
	c[15] = (uint8_t)client;
	memcpy(s, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x19", 16);
	p.port[back] = client_port;
	p.port[!back] = 25;
	return p;
}

static struct flow *open_flow(struct flowtable *t, unsigned client)
{
	struct packet p = packet_of(client, 40000, false);
	unsigned end;

	return flow_open(t, &p, &end);
}

static struct flow *find_flow(struct flowtable *t, unsigned client)
{
	struct packet p = packet_of(client, 40000, false);
	unsigned end;

	return flow_find(t, &p, &end);
}

/* Finding ------------------------------------------------------------------------------------ */

static void both_directions_are_one_flow(void **state)
{
	struct flowtable *t = flowtable_new(64);
	struct packet there = packet_of(1, 40000, false), back = packet_of(1, 40000, true);
	unsigned one, other;
	struct flow *f;

	(void)state;
	assert_non_null(t);
	assert_null(flow_find(t, &there, &one));
	f = flow_open(t, &there, &one);
	assert_non_null(f);
	assert_ptr_equal(flow_find(t, &there, &other), f);
	assert_int_equal(one, other);
	assert_ptr_equal(flow_find(t, &back, &other), f);
	assert_int_equal(one, !other);
	assert_memory_equal(f->addr[one], there.addr[0], 16);
	assert_memory_equal(f->addr[other], there.addr[1], 16);
	assert_int_equal(f->port[one], 40000);
	assert_int_equal(f->port[other], 25);
	assert_int_equal(f->session, POOL_NONE);
	assert_int_equal(f->client, FLOW_UNKNOWN_SIDE);
	assert_int_equal(flowtable_used(t), 1);
	flowtable_free(t);
}

/* One host that talks to itself, and even on one port. */
static void equal_addresses_are_told_by_port(void **state)
{
	struct flowtable *t = flowtable_new(64);
	struct packet there = packet_of(1, 40000, false), back;
	unsigned one, other;
	struct flow *f;

	(void)state;
	memcpy(there.addr[1], there.addr[0], 16);
	back = there;
	back.port[0] = there.port[1];
	back.port[1] = there.port[0];
	f = flow_open(t, &there, &one);
	assert_ptr_equal(flow_find(t, &back, &other), f);
	assert_int_equal(one, !other);
	there.port[0] = there.port[1];
	assert_null(flow_find(t, &there, &one));
	f = flow_open(t, &there, &one);
	assert_ptr_equal(flow_find(t, &there, &other), f);
	flowtable_free(t);
}

static void every_part_of_the_key_counts(void **state)
{
	struct flowtable *t = flowtable_new(64);
	struct packet p = packet_of(1, 40000, false), q;
	unsigned end;

	(void)state;
	flow_open(t, &p, &end);
	for (unsigned i = 0; i < 2; i++) {
		for (unsigned byte = 0; byte < 16; byte++) {
			q = p;
			q.addr[i][byte] ^= 1;
			assert_null(flow_find(t, &q, &end));
		}
		q = p;
		q.port[i] ^= 0x100;
		assert_null(flow_find(t, &q, &end));
	}
	q = p; /* the tag and the interface do not: the directions may come by different taps */
	q.vlan = 7;
	q.interface = 1;
	assert_non_null(flow_find(t, &q, &end));
	flowtable_free(t);
}

/* More flows than buckets, so that chains are walked and cut in their middle. */
static void many_are_found_and_freed(void **state)
{
	enum { N = 5000 };
	struct flowtable *t = flowtable_new(N);
	struct flow *f[N];

	(void)state;
	for (unsigned i = 0; i < N; i++) {
		f[i] = open_flow(t, i);
		assert_non_null(f[i]);
	}
	for (unsigned i = 0; i < N; i += 3)
		flow_free(t, f[i]);
	for (unsigned i = 0; i < N; i++)
		assert_ptr_equal(find_flow(t, i), i % 3 == 0 ? NULL : f[i]);
	assert_int_equal(flowtable_used(t), N - (N + 2) / 3);
	flowtable_free(t);
}

static void a_full_table_takes_no_more(void **state)
{
	struct flowtable *t = flowtable_new(16);
	struct flow *f = NULL;

	(void)state;
	for (unsigned i = 0; i < 16; i++) {
		f = open_flow(t, i);
		assert_non_null(f);
	}
	assert_null(open_flow(t, 16));
	assert_int_equal(flowtable_used(t), 16);
	flow_free(t, f);
	assert_non_null(open_flow(t, 16));
	assert_null(find_flow(t, 15));
	assert_null(open_flow(t, 17));
	flowtable_free(t);
	flowtable_free(NULL);
}

/* Timers ------------------------------------------------------------------------------------- */

struct fired {
	struct flowtable *t;
	unsigned n;
	uint32_t rearm_s; /* 0: freed */
	struct flow *last;
};

static void on_expired(void *ctx, struct flow *f)
{
	struct fired *x = ctx;

	x->n++;
	x->last = f;
	if (x->rearm_s)
		flow_arm(x->t, f, x->rearm_s);
	else
		flow_free(x->t, f);
}

/* Moves to a second and returns how many flows fired on the way. */
static unsigned fired_until(struct fired *x, uint32_t second)
{
	x->n = 0;
	flow_advance(x->t, second, on_expired, x);
	return x->n;
}

static void it_fires_when_its_time_has_come(void **state)
{
	static const uint32_t timeouts[] = { 1, 2, 60, 1800, 2046, 2047, 2048, 2049, 5000, 86400 };

	(void)state;
	for (size_t i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]); i++) {
		struct fired x = { .t = flowtable_new(64) };

		fired_until(&x, 777); /* somewhere in the wheel */
		flow_arm(x.t, open_flow(x.t, 1), timeouts[i]);
		assert_int_equal(fired_until(&x, 777 + timeouts[i] - 1), 0);
		assert_int_equal(fired_until(&x, 777 + timeouts[i]), 1);
		assert_int_equal(fired_until(&x, 777 + timeouts[i] + 2 * WHEEL_TURN_S), 0);
		assert_int_equal(flowtable_used(x.t), 0);
		flowtable_free(x.t);
	}
}

/* The time runs from the last packet, which moves without touching the wheel. */
static void a_packet_puts_it_off(void **state)
{
	struct fired x = { .t = flowtable_new(64) };
	struct flow *f = open_flow(x.t, 1);

	(void)state;
	flow_arm(x.t, f, 60);
	assert_int_equal(fired_until(&x, 59), 0);
	f->last_s = 59;
	assert_int_equal(fired_until(&x, 118), 0);
	f->last_s = 118;
	flow_arm(x.t, f, 60);
	assert_int_equal(fired_until(&x, 177), 0);
	assert_int_equal(fired_until(&x, 178), 1);
	flowtable_free(x.t);
}

static void armed_anew_it_fires_earlier_or_later(void **state)
{
	struct fired x = { .t = flowtable_new(64) };
	struct flow *f = open_flow(x.t, 1);

	(void)state;
	flow_arm(x.t, f, 1800);
	flow_arm(x.t, f, 5); /* earlier */
	assert_int_equal(fired_until(&x, 4), 0);
	flow_arm(x.t, f, 300); /* later, from its last packet at 0 */
	assert_int_equal(fired_until(&x, 299), 0);
	x.rearm_s = 301; /* in the callback */
	assert_int_equal(fired_until(&x, 300), 1);
	x.rearm_s = 0;
	assert_int_equal(fired_until(&x, 301), 1);
	flowtable_free(x.t);
}

/* What should have fired already fires at the next second, and not within this one. */
static void overdue_it_fires_next(void **state)
{
	struct fired x = { .t = flowtable_new(64), .rearm_s = 1 };
	struct flow *f = open_flow(x.t, 1);

	(void)state;
	flow_arm(x.t, f, 10);
	assert_int_equal(fired_until(&x, 100), 91); /* once a second from 10 to 100 */
	f->last_s = 100;
	x.rearm_s = 0;
	assert_int_equal(fired_until(&x, 101), 1);
	flowtable_free(x.t);
}

static void time_that_stands_fires_nothing(void **state)
{
	struct fired x = { .t = flowtable_new(64) };

	(void)state;
	fired_until(&x, 50);
	flow_arm(x.t, open_flow(x.t, 1), 1);
	assert_int_equal(fired_until(&x, 50), 0);
	assert_int_equal(fired_until(&x, 49), 0);
	assert_int_equal(fired_until(&x, 51), 1);
	flowtable_free(x.t);
}

/* Many in one slot, of which the callback frees each; and a freed one never fires. */
static void a_slot_holds_many(void **state)
{
	struct fired x = { .t = flowtable_new(300) };
	struct flow *f[300];

	(void)state;
	for (unsigned i = 0; i < 300; i++) {
		f[i] = open_flow(x.t, i);
		flow_arm(x.t, f[i], 30);
	}
	for (unsigned i = 0; i < 300; i += 2)
		flow_free(x.t, f[i]);
	assert_int_equal(fired_until(&x, 30), 150);
	assert_int_equal(flowtable_used(x.t), 0);
	assert_non_null(open_flow(x.t, 1));
	flowtable_free(x.t);
}

/* Eviction ----------------------------------------------------------------------------------- */

static bool no_session(const struct flow *f)
{
	return f->state != FLOW_SESSION;
}

static void the_one_that_expires_next_is_pushed_out(void **state)
{
	struct flowtable *t = flowtable_new(64);

	(void)state;
	assert_null(flow_oldest(t, no_session));
	for (unsigned i = 0; i < 10; i++)
		flow_arm(t, open_flow(t, i), 1000 - i * 50);
	assert_ptr_equal(flow_oldest(t, no_session), find_flow(t, 9));
	flow_free(t, find_flow(t, 9));
	assert_ptr_equal(flow_oldest(t, no_session), find_flow(t, 8));
	flowtable_free(t);
}

static void flows_without_a_session_go_first(void **state)
{
	struct flowtable *t = flowtable_new(64);

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		struct flow *f = open_flow(t, i);

		f->state = i == 7 ? FLOW_OPEN : FLOW_SESSION;
		flow_arm(t, f, 10 + i);
	}
	assert_ptr_equal(flow_oldest(t, no_session), find_flow(t, 7));
	find_flow(t, 7)->state = FLOW_SESSION;
	assert_ptr_equal(flow_oldest(t, no_session), find_flow(t, 0));
	flowtable_free(t);
}

/* A flood within a second: what was opened before it may still become a session. */
static void of_one_second_the_first_goes_first(void **state)
{
	struct flowtable *t = flowtable_new(64);

	(void)state;
	for (unsigned i = 0; i < 10; i++)
		flow_arm(t, open_flow(t, i), 360);
	for (unsigned i = 0; i < 10; i++) {
		assert_ptr_equal(flow_oldest(t, no_session), find_flow(t, i));
		flow_free(t, find_flow(t, i));
	}
	flowtable_free(t);
}

/* Sessions that began in the slots of the flood are more than are looked at. */
static void sessions_that_last_do_not_stay_in_the_way(void **state)
{
	struct flowtable *t = flowtable_new(1024);

	(void)state;
	for (unsigned i = 0; i < 600; i++) {
		struct flow *f = open_flow(t, i);

		flow_arm(t, f, 360);
		f->state = FLOW_SESSION;
		flow_arm(t, f, 1800);
	}
	flow_arm(t, open_flow(t, 600), 360);
	for (unsigned looks = 0; looks < 3 && flow_oldest(t, no_session) != find_flow(t, 600);)
		looks++;
	assert_ptr_equal(flow_oldest(t, no_session), find_flow(t, 600));
	flowtable_free(t);
}

/* The wheel is searched all the way round, from where it stands. */
static void the_search_goes_round(void **state)
{
	struct fired x = { .t = flowtable_new(64) };

	(void)state;
	fired_until(&x, 3000);
	flow_arm(x.t, open_flow(x.t, 1), 2000);
	assert_ptr_equal(flow_oldest(x.t, no_session), find_flow(x.t, 1));
	flow_arm(x.t, open_flow(x.t, 2), 40);
	assert_ptr_equal(flow_oldest(x.t, no_session), find_flow(x.t, 2));
	flow_arm(x.t, open_flow(x.t, 3), 90000); /* beyond one turn */
	flow_free(x.t, find_flow(x.t, 1));
	flow_free(x.t, find_flow(x.t, 2));
	assert_ptr_equal(flow_oldest(x.t, no_session), find_flow(x.t, 3));
	flowtable_free(x.t);
}

/* Walking ------------------------------------------------------------------------------------ */

static void each_is_visited_once_and_may_be_freed(void **state)
{
	struct fired x = { .t = flowtable_new(64) };

	(void)state;
	for (unsigned i = 0; i < 40; i++)
		flow_arm(x.t, open_flow(x.t, i), 1 + i);
	for (unsigned i = 0; i < 40; i += 4)
		flow_free(x.t, find_flow(x.t, i));
	flow_each(x.t, on_expired, &x);
	assert_int_equal(x.n, 30);
	assert_int_equal(flowtable_used(x.t), 0);
	flow_each(x.t, on_expired, &x);
	assert_int_equal(x.n, 30);
	flowtable_free(x.t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_directions_are_one_flow),
		cmocka_unit_test(equal_addresses_are_told_by_port),
		cmocka_unit_test(every_part_of_the_key_counts),
		cmocka_unit_test(many_are_found_and_freed),
		cmocka_unit_test(a_full_table_takes_no_more),
		cmocka_unit_test(it_fires_when_its_time_has_come),
		cmocka_unit_test(a_packet_puts_it_off),
		cmocka_unit_test(armed_anew_it_fires_earlier_or_later),
		cmocka_unit_test(overdue_it_fires_next),
		cmocka_unit_test(time_that_stands_fires_nothing),
		cmocka_unit_test(a_slot_holds_many),
		cmocka_unit_test(the_one_that_expires_next_is_pushed_out),
		cmocka_unit_test(flows_without_a_session_go_first),
		cmocka_unit_test(of_one_second_the_first_goes_first),
		cmocka_unit_test(sessions_that_last_do_not_stay_in_the_way),
		cmocka_unit_test(the_search_goes_round),
		cmocka_unit_test(each_is_visited_once_and_may_be_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
