/* Tests the counting of what was acknowledged and never seen. */
#include "tests/unit.h"

#include <stdlib.h>

#include "sensor/unseen.h"

#define STEPS_MAX 10
#define LATER     5000 /* ms: longer than any hole waits */

/* One packet, counted from where the client's bytes begin. */
enum act {
	NOTHING,
	SENT,   /* the client sends [at, at + n) */
	FINISH, /* the same, and its FIN */
	BARE,   /* the client acknowledges, from here */
	GOT,    /* the server acknowledges everything before at */
	RESET,  /* the server resets, acknowledging that */
	PAUSE,  /* nothing comes for a while */
};

struct step {
	enum act act;
	int32_t at;
	uint32_t n;
};

struct told {
	const char *what;
	struct step step[STEPS_MAX];
	uint64_t open, bytes; /* found before the end, and with it */
};

#define LOST                  \
	{ SENT, 0, 100 },     \
	{                     \
		SENT, 150, 50 \
	} /* [100, 150) */

static const struct told cases[] = {
	{ "nothing", { { NOTHING, 0, 0 } }, 0, 0 },
	{ "everything", { { SENT, 0, 100 }, { GOT, 100, 0 }, { PAUSE, 0, 0 } }, 0, 0 },
	{ "lost, and nobody has it", { LOST, { GOT, 100, 0 }, { PAUSE, 0, 0 } }, 0, 0 },
	{ "lost, acknowledged", { LOST, { GOT, 200, 0 }, { PAUSE, 0, 0 } }, 50, 50 },
	{ "acknowledged in part", { LOST, { GOT, 120, 0 }, { PAUSE, 0, 0 } }, 0, 20 },
	{ "within the second", { LOST, { GOT, 200, 0 } }, 0, 50 },
	{ "overtaken", { LOST, { SENT, 100, 50 }, { GOT, 200, 0 }, { PAUSE, 0, 0 } }, 0, 0 },
	{ "overtaken by its acknowledgment",
	  { LOST, { GOT, 200, 0 }, { SENT, 100, 50 }, { PAUSE, 0, 0 } },
	  0,
	  0 },
	{ "too late", { LOST, { GOT, 200, 0 }, { PAUSE, 0, 0 }, { SENT, 100, 50 } }, 50, 50 },
	{ "sent again in part",
	  { LOST, { SENT, 90, 30 }, { GOT, 200, 0 }, { PAUSE, 0, 0 } },
	  30,
	  30 },
	{ "its middle", { LOST, { SENT, 120, 10 }, { GOT, 200, 0 }, { PAUSE, 0, 0 } }, 40, 40 },
	{ "its end", { LOST, { SENT, 140, 20 }, { GOT, 200, 0 }, { PAUSE, 0, 0 } }, 40, 40 },
	{ "twice the same", { { SENT, 0, 100 }, { SENT, 0, 100 }, { GOT, 100, 0 } }, 0, 0 },
	{ "the last bytes", { { SENT, 0, 100 }, { GOT, 180, 0 }, { PAUSE, 0, 0 } }, 80, 80 },
	{ "the last bytes, overtaken",
	  { { SENT, 0, 100 }, { GOT, 180, 0 }, { SENT, 100, 80 }, { PAUSE, 0, 0 } },
	  0,
	  0 },
	{ "a FIN", { { FINISH, 0, 100 }, { GOT, 101, 0 }, { PAUSE, 0, 0 } }, 0, 0 },
	{ "a FIN that was lost", { { SENT, 0, 100 }, { GOT, 101, 0 }, { PAUSE, 0, 0 } }, 0, 0 },
	{ "lost before the FIN",
	  { { SENT, 0, 60 }, { FINISH, 90, 10 }, { GOT, 101, 0 }, { PAUSE, 0, 0 } },
	  30,
	  30 },
	{ "a side that says nothing of it", { { SENT, 0, 60 }, { BARE, 90, 0 } }, 0, 0 },
	{ "a keep-alive", { { SENT, 0, 60 }, { GOT, 60, 0 }, { SENT, 59, 1 } }, 0, 0 },
	{ "a reset is not believed",
	  { { SENT, 0, 60 }, { RESET, 900, 0 }, { PAUSE, 0, 0 } },
	  0,
	  0 },
	{ "nor what no window can hold",
	  { { SENT, 0, 60 }, { GOT, 1 << 30 | 61, 0 }, { PAUSE, 0, 0 } },
	  0,
	  0 },
	{ "nor a leap", { { SENT, 0, 60 }, { SENT, 1 << 30 | 61, 9 }, { GOT, 60, 0 } }, 0, 0 },
	{ "five holes",
	  { { SENT, 10, 10 },
	    { SENT, 30, 10 },
	    { SENT, 50, 10 },
	    { SENT, 70, 10 },
	    { SENT, 90, 10 },
	    { GOT, 100, 0 },
	    { PAUSE, 0, 0 } },
	  50,
	  50 },
	{ "five holes, the oldest two filled",
	  { { SENT, 10, 10 },
	    { SENT, 30, 10 },
	    { SENT, 50, 10 },
	    { SENT, 70, 10 },
	    { SENT, 90, 10 },
	    { SENT, 0, 10 },
	    { SENT, 20, 10 },
	    { GOT, 100, 0 },
	    { PAUSE, 0, 0 } },
	  30,
	  30 },
};

struct bench {
	struct unseen u;
	enum side side; /* who is the client above */
	uint32_t begin;
	uint64_t now_ms;
};

static void act(struct bench *b, struct step s)
{
	struct packet p = { .seq = 77, .ack = 77, .flags = TCP_ACK };
	enum side from = b->side;

	p.flags |= (uint8_t)(s.act == FINISH ? TCP_FIN : s.act == RESET ? TCP_RST : 0);
	switch (s.act) {
	case FINISH:
	case SENT:
		p.wire_length = s.n;
		p.seq = b->begin + (uint32_t)s.at;
		break;
	case BARE: p.seq = b->begin + (uint32_t)s.at; break;
	case RESET:
	case GOT:
		from = other_side(b->side);
		p.ack = b->begin + (uint32_t)s.at;
		break;
	case PAUSE: /* then somebody says something that was said */
		b->now_ms += LATER;
		from = other_side(b->side);
		p.ack = b->begin;
		break;
	case NOTHING: return;
	}
	unseen_packet(&b->u, from, &p, b->now_ms);
	b->now_ms++;
}

static struct bench bench_at(enum side side, uint32_t begin, uint64_t now_ms)
{
	struct bench b = { .side = side, .begin = begin, .now_ms = now_ms };

	unseen_begin(&b.u, side, begin, true);
	unseen_begin(&b.u, other_side(side), 77, true);
	return b;
}

static void run(const struct told *c, enum side side, uint32_t begin, uint64_t now_ms)
{
	struct bench b = bench_at(side, begin, now_ms);
	uint64_t open = 0, last = 0;

	for (unsigned i = 0; i < STEPS_MAX; i++)
		act(&b, c->step[i]);
	act(&b, (struct step){ BARE, 0, 0 });
	open = unseen_take(&b.u);
	if (open == 0 && c->open > 0) { /* a hole waits from the packet that acknowledged it */
		act(&b, (struct step){ PAUSE, 0, 0 });
		open = unseen_take(&b.u);
	}
	unseen_end(&b.u);
	last = unseen_take(&b.u);
	if (open != c->open || open + last != c->bytes)
		fail_msg("%s from %u: %lu bytes, and %lu at the end", c->what, begin,
			 (unsigned long)open, (unsigned long)last);
}

static void what_was_acknowledged_counts(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		run(&cases[i], CLIENT, 1000, 0);
		run(&cases[i], SERVER, 1000, 0);
	}
}

static void numbers_and_clocks_may_wrap(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (uint32_t before = 0; before <= 200; before += 10)
			run(&cases[i], CLIENT, 0 - before, UINT32_MAX - 2);
	}
}

/* Only acknowledgments of it, as where one direction takes another way. */
static void a_side_that_is_not_there_misses_nothing(void **state)
{
	struct bench b = bench_at(CLIENT, 1000, 0);

	(void)state;
	unseen_begin(&b.u, CLIENT, 1000, false);
	act(&b, (struct step){ GOT, 5000, 0 });
	act(&b, (struct step){ PAUSE, 0, 0 });
	act(&b, (struct step){ GOT, 9000, 0 });
	unseen_end(&b.u);
	assert_int_equal(unseen_take(&b.u), 0);
}

/* The connection was seen to begin, and the first that is seen of a side is its third segment. */
static void what_came_before_its_first_packet_is_missing(void **state)
{
	struct bench b = bench_at(CLIENT, 1000, 0);

	(void)state;
	unseen_begin(&b.u, CLIENT, 1000, false);
	act(&b, (struct step){ GOT, 300, 0 });
	act(&b, (struct step){ SENT, 200, 100 });
	act(&b, (struct step){ GOT, 300, 0 });
	unseen_end(&b.u);
	assert_int_equal(unseen_take(&b.u), 200);
}

/* Of a connection that was under way nobody knows what was sent before the capture began. */
static void what_was_under_way_is_not_missing(void **state)
{
	static const int32_t first[] = { -500, 0, 500 };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct bench b = { .side = CLIENT, .begin = 100000 };

		act(&b, (struct step){ GOT, 0, 0 });
		act(&b, (struct step){ SENT, first[i], 100 });
		act(&b, (struct step){ GOT, first[i] + 100, 0 });
		act(&b, (struct step){ SENT, first[i] + 100, 100 });
		unseen_end(&b.u);
		assert_int_equal(unseen_take(&b.u), 0);
	}
}

/* A stream of segments, some of which are not seen, acknowledged now and then: what is told is what
 * was not seen, or little less. Some are sent again, seen or not. */
static void random_loss_is_told_and_no_more(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		struct bench b = bench_at(CLIENT, seed * 2654435761u, 0);
		bool seen[64] = { false };
		uint64_t missing = 0, told = 0;

		for (int32_t i = 0; i < 64; i++) {
			seed = seed * 1103515245u + 12345u;
			seen[i] = (seed >> 16) % 4 != 0;
			if (seen[i])
				act(&b, (struct step){ SENT, i * 10, 10 });
			if (i >= 2 && (seed >> 20) % 5 == 0) {
				act(&b, (struct step){ SENT, (i - 2) * 10, 10 });
				seen[i - 2] = true;
			}
			if (i % 4 == 3)
				act(&b, (struct step){ GOT, (i + 1) * 10, 0 });
			told += unseen_take(&b.u);
		}
		unseen_end(&b.u);
		told += unseen_take(&b.u);
		for (unsigned i = 0; i < 64; i++)
			missing += seen[i] ? 0 : 10;
		if (told > missing || told + 40 < missing)
			fail_msg("round %u: %lu told of %lu", round, (unsigned long)told,
				 (unsigned long)missing);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_acknowledged_counts),
		cmocka_unit_test(numbers_and_clocks_may_wrap),
		cmocka_unit_test(a_side_that_is_not_there_misses_nothing),
		cmocka_unit_test(what_came_before_its_first_packet_is_missing),
		cmocka_unit_test(what_was_under_way_is_not_missing),
		cmocka_unit_test(random_loss_is_told_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
