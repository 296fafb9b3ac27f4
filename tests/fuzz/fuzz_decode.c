/* Frames of every link layer, and what becomes of them when fragments are kept.
 *
 * Input: enum link, then frames, each behind a byte of time (tenths of a second) and two of its
 * length. The last one is as long as what is left.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "dissectors/verdict.h"
#include "sensor/decode_state.h"
#include "sensor/fragments.h"

#define FRAMES_MAX 64
#define TENTH_NS   100000000ull

static uint32_t sum_of(const uint8_t *p, uint32_t n)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum = sum * 31 + p[i];
	return sum;
}

static void delivered(const struct packet *p)
{
	MUST(p->length <= p->wire_length && p->wire_length <= 2 * UINT16_MAX);
	MUST(p->payload > p->ip && p->payload + p->length <= p->ip + p->ip_length);
	MUST(p->vlan == VLAN_NONE || p->vlan < 4096);
	MUST(p->ip[0] >> 4 == 4 || p->ip[0] >> 4 == 6);
	sum_of(p->ip, p->ip_length); /* all of it can be read */
}

static bool equal(const struct packet *a, const struct packet *b)
{
	return memcmp(a->addr, b->addr, sizeof(a->addr)) == 0 && a->port[0] == b->port[0] &&
	       a->port[1] == b->port[1] && a->vlan == b->vlan && a->seq == b->seq &&
	       a->ack == b->ack && a->flags == b->flags && a->payload == b->payload &&
	       a->length == b->length && a->wire_length == b->wire_length && a->ip == b->ip &&
	       a->ip_length == b->ip_length;
}

/* What is decoded in one go is what it is step by step. */
static void same_step_by_step(enum link link, const uint8_t *frame, size_t n,
			      enum health_counter why, const struct packet *p)
{
	struct packet closely = { .time_ns = p->time_ns };

	MUST(decode_closely(NULL, link, frame, n, &closely) == why);
	MUST(why != HEALTH_DELIVERED || equal(p, &closely));
}

/* Keeping fragments changes nothing for what lies in none. */
static void one_frame(struct fragments *f, enum link link, struct span frame, uint64_t now_ns)
{
	uint8_t *copy = fuzz_copy(frame);
	struct packet p = { .time_ns = now_ns }, without = { .time_ns = now_ns };
	enum health_counter why = decode_frame(f, link, copy, frame.len, &p);
	enum health_counter plain = decode_frame(NULL, link, copy, frame.len, &without);

	same_step_by_step(link, copy, frame.len, plain, &without);
	if (plain != SKIP_FRAGMENT)
		MUST(why == plain && (why != HEALTH_DELIVERED || equal(&p, &without)));
	if (why == HEALTH_DELIVERED)
		delivered(&p);
	else
		MUST(why >= SKIP_LINK && why <= SKIP_TCP);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cur_over((struct span){ data, size });
	enum link link = (enum link)(cur_u8(&c) % (LINK_PPPOE + 1u));
	struct health health = { 0 };
	struct fragments *f = fragments_new(FRAGMENTS_MEMORY_MIN, &health);
	uint64_t now_ns = 1000 * TENTH_NS;
	unsigned n = 0;

	MUST(f != NULL);
	for (; n < FRAMES_MAX && cur_left(&c) > 3; n++) {
		size_t length;

		now_ns += cur_u8(&c) * TENTH_NS;
		length = cur_be16(&c);
		one_frame(f, link, cur_sub(&c, length < cur_left(&c) ? length : cur_left(&c)),
			  now_ns);
	}
	MUST(health.n[HEALTH_REASSEMBLED] <= 8 * n && health.n[HEALTH_FRAGMENTS_LOST] <= 8 * n);
	fragments_free(f);
	return 0;
}
