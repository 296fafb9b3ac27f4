/* Tests the ceiling of memory: that it grows with everything that has a bound in the configuration. */
#include "tests/unit.h"

#include "sensor/conf.h"
#include "sensor/memory.h"

#define KIB 1024u
#define MIB (1024u * KIB)

struct bound {
	const char *name;
	size_t offset;
	unsigned most;
	size_t capture, recorder; /* bytes that each one more takes at least */
};

#define AT(field) offsetof(struct conf, field)

static const struct bound bounds[] = {
	{ "max_flows", AT(max_flows), 2000000, 128, 0 },
	{ "max_undecided", AT(max_undecided), 1000000, 2048, 0 },
	{ "reassembly_kib", AT(reassembly_kib), 1000000, KIB, 0 },
	{ "fragments_kib", AT(fragments_kib), 1000000, KIB, 0 },
	{ "ring_mib", AT(ring_mib), 2000, MIB, 0 },
	{ "max_series", AT(max_series), 100000, 0, 512 },
	{ "max_servers", AT(max_servers), 1000000, 0, 64 },
};

static unsigned *value(struct conf *c, const struct bound *b)
{
	return (unsigned *)(void *)((char *)c + b->offset);
}

static void each_bound_counts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
		const struct bound *b = &bounds[i];
		struct conf *c = conf_default();
		struct memory before = memory_most(c, 1, 1, true), after;
		size_t more = b->most - *value(c, b);

		*value(c, b) = b->most;
		after = memory_most(c, 1, 1, true);
		/* less by a block or a page of rounding */
		if (after.capture + 4 * MIB < before.capture + more * b->capture ||
		    after.recorder < before.recorder + more * b->recorder)
			fail_msg("%s: capture %zu to %zu, recorder %zu to %zu", b->name,
				 before.capture, after.capture, before.recorder, after.recorder);
		conf_free(c);
	}
}

/* What is divided between workers does not become more by it. */
static void workers_share(void **state)
{
	struct conf *c = conf_default();
	struct memory one = memory_most(c, 1, 2, true), four = memory_most(c, 4, 2, true);

	(void)state;
	assert_true(four.capture > one.capture);
	assert_true(four.capture < one.capture + 150 * (size_t)MIB);
	assert_int_equal(four.recorder, one.recorder);
	assert_true(memory_most(c, 4, 2, false).capture < four.capture);
	conf_free(c);
}

static void it_is_said_in_whole_mib(void **state)
{
	(void)state;
	assert_int_equal(memory_mib(0), 0);
	assert_int_equal(memory_mib(1), 1);
	assert_int_equal(memory_mib(MIB), 1);
	assert_int_equal(memory_mib(MIB + 1), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_bound_counts),
		cmocka_unit_test(workers_share),
		cmocka_unit_test(it_is_said_in_whole_mib),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
