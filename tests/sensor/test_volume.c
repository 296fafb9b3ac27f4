/* Tests the counting of bytes by sequence numbers. */
#include "tests/unit.h"

#include "sensor/volume.h"

#define SEGMENTS_MAX 6

/* Segments of the client, counted from where the volume begins. */
struct counted {
	const char *what;
	struct {
		int32_t at;
		uint32_t n;
	} segment[SEGMENTS_MAX];
	uint64_t bytes, missing;
	uint32_t next;
};

static const struct counted cases[] = {
	{ "nothing", { { 0, 0 } }, 0, 0, 0 },
	{ "one", { { 0, 100 } }, 100, 0, 100 },
	{ "one after the other", { { 0, 100 }, { 100, 50 } }, 150, 0, 150 },
	{ "twice the same", { { 0, 100 }, { 0, 100 } }, 100, 0, 100 },
	{ "from before the beginning", { { -60, 50 } }, 0, 0, 0 },
	{ "over the beginning", { { -60, 100 } }, 40, 0, 40 },
	{ "half of it again", { { 0, 100 }, { 50, 100 } }, 150, 0, 150 },
	{ "bare, behind a FIN", { { 0, 100 }, { 101, 0 } }, 100, 0, 100 },
	{ "one lost", { { 100, 50 } }, 50, 100, 150 },
	{ "overtaken", { { 100, 50 }, { 0, 100 } }, 150, 0, 150 },
	{ "overtaken, twice", { { 100, 50 }, { 0, 100 }, { 0, 100 } }, 150, 0, 150 },
	{ "the hole's first half", { { 100, 50 }, { 0, 40 } }, 90, 60, 150 },
	{ "in pieces, in order", { { 100, 50 }, { 0, 40 }, { 40, 60 } }, 150, 0, 150 },
	{ "the hole's end", { { 100, 50 }, { 60, 40 } }, 90, 60, 150 },
	{ "the hole's end, then its start", { { 100, 50 }, { 60, 40 }, { 0, 60 } }, 150, 0, 150 },
	{ "its middle: what is behind stays missing",
	  { { 100, 50 }, { 40, 20 }, { 60, 40 }, { 0, 40 } },
	  110,
	  40,
	  150 },
	{ "more than the hole", { { 0, 10 }, { 100, 50 }, { 0, 120 } }, 150, 0, 150 },
	{ "beside the hole", { { 0, 10 }, { 100, 50 }, { 0, 10 }, { 110, 20 } }, 60, 90, 150 },
	{ "two holes: the older one stays missing",
	  { { 100, 50 }, { 200, 50 }, { 0, 100 }, { 150, 50 } },
	  150,
	  100,
	  250 },
	{ "one byte less than too far",
	  { { (1 << 30) - 1, 10 } },
	  10,
	  (1 << 30) - 1,
	  (1 << 30) + 9 },
	{ "too far to be a loss", { { 1 << 30, 10 }, { 0, 10 } }, 10, 0, (1 << 30) + 10 },
};

static void run(const struct counted *c, enum side from, uint32_t begin)
{
	struct volume v;
	struct session s = { 0 };
	bool to_server = from == CLIENT;

	volume_init(&v, to_server ? begin : 77, to_server ? 77 : begin);
	for (unsigned i = 0; i < SEGMENTS_MAX; i++)
		volume_segment(&v, &s, from, begin + (uint32_t)c->segment[i].at, c->segment[i].n);
	if ((to_server ? s.bytes_to_server : s.bytes_to_client) != c->bytes ||
	    s.bytes_missing != c->missing)
		fail_msg("%s from %u: %lu bytes, %lu missing", c->what, begin,
			 (unsigned long)(to_server ? s.bytes_to_server : s.bytes_to_client),
			 (unsigned long)s.bytes_missing);
	assert_int_equal(v.next[from] - begin, c->next);
	assert_int_equal(v.next[other_side(from)], 77);
	assert_int_equal(to_server ? s.bytes_to_client : s.bytes_to_server, 0);
}

static void each_byte_counts_once(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		run(&cases[i], CLIENT, 1000);
		run(&cases[i], SERVER, 1000);
	}
}

static void numbers_may_wrap(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (uint32_t before = 0; before <= 150; before += 10)
			run(&cases[i], CLIENT, 0 - before);
	}
}

static void what_was_counted_before_stays(void **state)
{
	struct volume v;
	struct session s = { .bytes_to_server = 7, .bytes_to_client = 8, .bytes_missing = 9 };

	(void)state;
	volume_init(&v, 0, 0);
	volume_segment(&v, &s, CLIENT, 5, 10);
	volume_segment(&v, &s, SERVER, 0, 20);
	assert_int_equal(s.bytes_to_server, 17);
	assert_int_equal(s.bytes_to_client, 28);
	assert_int_equal(s.bytes_missing, 14);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_byte_counts_once),
		cmocka_unit_test(numbers_may_wrap),
		cmocka_unit_test(what_was_counted_before_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
