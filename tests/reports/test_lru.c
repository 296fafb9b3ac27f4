/* Tests the bounded memory by key against a list that does the same the slow way. */
#include "tests/unit.h"

#include <stdbool.h>
#include <string.h>

#include "reports/lru.h"
#include "reports/siphash.h"

#define CAPACITY 50

static void values_come_back(void **state)
{
	struct lru *l = lru_new(8, 3, sizeof(uint64_t));
	uint64_t *v;

	(void)state;
	assert_null(lru_find(l, "abc"));
	v = lru_add(l, "abc");
	assert_int_equal(*v, 0);
	*v = 7;
	*(uint64_t *)lru_add(l, "abd") = 8;
	assert_int_equal(*(uint64_t *)lru_find(l, "abc"), 7);
	assert_int_equal(*(uint64_t *)lru_add(l, "abd"), 8); /* it is there */
	assert_int_equal(lru_used(l), 2);
	assert_int_equal(lru_forgotten(l), 0);
	lru_free(l);
	lru_free(NULL);
}

static void what_was_not_used_makes_room(void **state)
{
	struct lru *l = lru_new(2, 1, 1);

	(void)state;
	*(uint8_t *)lru_add(l, "a") = 1;
	*(uint8_t *)lru_add(l, "b") = 2;
	assert_non_null(lru_find(l, "a"));
	assert_int_equal(*(uint8_t *)lru_add(l, "c"), 0); /* in the place of b */
	assert_null(lru_find(l, "b"));
	assert_int_equal(*(uint8_t *)lru_find(l, "a"), 1);
	assert_int_equal(lru_used(l), 2);
	assert_int_equal(lru_forgotten(l), 1);
	lru_free(l);
}

static void room_for_one(void **state)
{
	struct lru *l = lru_new(1, 1, 1);

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		lru_add(l, "a");
		lru_add(l, "b");
		assert_null(lru_find(l, "a"));
		assert_non_null(lru_find(l, "b"));
	}
	lru_free(l);
}

/* Keys by use, the last one first. */
struct model {
	uint32_t keys[CAPACITY];
	unsigned n;
	bool same;
	unsigned at;
};

static bool model_use(struct model *m, uint32_t key, bool add)
{
	unsigned i = 0;

	while (i < m->n && m->keys[i] != key)
		i++;
	if (i == m->n && !add)
		return false;
	if (i == m->n && m->n < CAPACITY)
		m->n++;
	if (i == CAPACITY)
		i--;
	memmove(m->keys + 1, m->keys, i * sizeof(m->keys[0]));
	m->keys[0] = key;
	return true;
}

static bool compare(void *ctx, const void *key, void *value)
{
	struct model *m = ctx;

	m->same &= m->at < m->n && memcmp(key, &m->keys[m->at], 4) == 0 &&
		   memcmp(value, &m->keys[m->at], 4) == 0;
	m->at++;
	return true;
}

static void it_forgets_as_it_says(void **state)
{
	struct lru *l = lru_new(CAPACITY, 4, 4);
	struct model m = { .n = 0 };
	uint32_t dice = 1;

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		uint32_t key;

		dice = dice * 1664525 + 1013904223;
		key = (dice >> 16) % 120;
		if (dice >> 31)
			*(uint32_t *)lru_add(l, &key) = key;
		assert_int_equal(model_use(&m, key, dice >> 31), lru_find(l, &key) != NULL);
		m.same = true;
		m.at = 0;
		lru_walk(l, compare, &m);
		assert_true(m.same);
		assert_int_equal(m.at, m.n);
		assert_int_equal(lru_used(l), m.n);
	}
	lru_free(l);
}

static bool stop(void *ctx, const void *key, void *value)
{
	(void)key;
	(void)value;
	return ++*(unsigned *)ctx < 2;
}

static void a_walk_can_be_stopped(void **state)
{
	struct lru *l = lru_new(5, 1, 1);
	unsigned seen = 0;

	(void)state;
	for (const char *key = "abcde"; *key; key++)
		lru_add(l, key);
	lru_walk(l, stop, &seen);
	assert_int_equal(seen, 2);
	lru_free(l);
}

/* The first is of the reference implementation; the others were worked out in another language. */
static void hashes_are_those_of_siphash_1_3(void **state)
{
	static const struct {
		size_t n;
		uint64_t hash;
	} cases[] = { { 0, 0xabac0158050fc4dc },  { 1, 0xc9f49bf37d57ca93 },
		      { 7, 0xd3927d989bb11140 },  { 8, 0x369095118d299a8e },
		      { 12, 0x78a384b157b4d9a2 }, { 36, 0x2cf508d3ada26206 } };
	struct siphash_key k, other;
	uint8_t data[36];

	(void)state;
	for (unsigned i = 0; i < sizeof(k.bytes); i++)
		k.bytes[i] = (uint8_t)i;
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_true(siphash(&k, data, cases[i].n) == cases[i].hash);
	assert_true(siphash_key_new(&k));
	assert_true(siphash_key_new(&other));
	assert_memory_not_equal(&k, &other, sizeof(k));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes_are_those_of_siphash_1_3),
		cmocka_unit_test(values_come_back),
		cmocka_unit_test(what_was_not_used_makes_room),
		cmocka_unit_test(room_for_one),
		cmocka_unit_test(it_forgets_as_it_says),
		cmocka_unit_test(a_walk_can_be_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
