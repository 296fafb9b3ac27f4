/* Tests the ring: records from one thread to one other. */
#include "tests/unit.h"

#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>

#include "sensor/ring.h"

#define SIZE    4096u
#define RECORDS 200000u
#define LONGEST 1000u

struct record {
	uint32_t number, n;
	uint8_t data[];
};

/* Sizes that end at the end of the buffer, before it, and across it. */
static uint32_t size_of(uint32_t number)
{
	return number * 2654435761u >> 7 & 0xffff & (number % 7 ? 63 : LONGEST - 1);
}

static bool put(struct ring *r, uint32_t number)
{
	uint32_t n = size_of(number);
	struct record *to = ring_room(r, sizeof(*to) + n);

	if (!to)
		return false;
	*to = (struct record){ number, n };
	memset(to->data, (int)(number & 0xff), n);
	ring_put(r);
	return true;
}

static bool is_whole(const struct record *got, uint32_t number)
{
	if (got->number != number || got->n != size_of(number))
		return false;
	for (uint32_t i = 0; i < got->n; i++) {
		if (got->data[i] != (number & 0xff))
			return false;
	}
	return true;
}

static void *write_all(void *arg)
{
	for (uint32_t i = 0; i < RECORDS;) {
		if (put(arg, i))
			i++;
		else
			sched_yield();
	}
	return NULL;
}

static void every_record_comes_whole_and_in_order(void **state)
{
	struct ring *r = ring_new(SIZE);
	const struct record *got;
	pthread_t writer;
	uint32_t wrong = 0;

	(void)state;
	assert_non_null(r);
	assert_int_equal(pthread_create(&writer, NULL, write_all, r), 0);
	for (uint32_t i = 0; i < RECORDS;) {
		got = ring_next(r);
		if (!got) {
			sched_yield();
			continue;
		}
		wrong += !is_whole(got, i++);
		ring_take(r);
	}
	pthread_join(writer, NULL);
	assert_int_equal(wrong, 0);
	assert_null(ring_next(r));
	ring_free(r);
}

static void a_full_one_has_no_room_until_one_is_taken(void **state)
{
	struct ring *r = ring_new(SIZE);
	unsigned n = 0;

	(void)state;
	assert_false(ring_half_full(r));
	for (; ring_room(r, 504); n++) /* with what the ring adds, an eighth */
		ring_put(r);
	assert_int_equal(n, 8);
	assert_true(ring_half_full(r));
	assert_non_null(ring_next(r));
	assert_null(ring_room(r, 504));
	ring_take(r);
	assert_non_null(ring_room(r, 504));
	ring_put(r);
	for (; ring_next(r); n--)
		ring_take(r);
	assert_int_equal(n, 0);
	ring_free(r);
}

static void what_is_not_put_is_not_there(void **state)
{
	struct ring *r = ring_new(SIZE);

	(void)state;
	assert_non_null(ring_room(r, 100));
	assert_null(ring_next(r));
	assert_null(ring_room(r, SIZE / 2)); /* with what the ring adds, too long for it */
	assert_non_null(ring_room(r, SIZE / 2 - 8));
	ring_free(r);
	ring_free(NULL);
}

/* The longest record finds room in the end, wherever the others have left off. */
static void the_longest_always_fits_an_empty_one(void **state)
{
	(void)state;
	for (unsigned before = 1; before < SIZE / 8; before++) {
		struct ring *r = ring_new(SIZE);

		for (unsigned i = 0; i < before; i++) {
			assert_non_null(ring_room(r, 0));
			ring_put(r);
			assert_non_null(ring_next(r));
			ring_take(r);
		}
		assert_non_null(ring_room(r, SIZE / 2 - 8));
		ring_put(r);
		assert_non_null(ring_next(r));
		ring_free(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_record_comes_whole_and_in_order),
		cmocka_unit_test(a_full_one_has_no_room_until_one_is_taken),
		cmocka_unit_test(what_is_not_put_is_not_there),
		cmocka_unit_test(the_longest_always_fits_an_empty_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
