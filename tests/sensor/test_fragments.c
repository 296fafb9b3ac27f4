/* Tests how IP datagrams come together from fragments, alone and through the decoder. */
#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

#include "dissectors/verdict.h"
#include "sensor/decode.h"
#include "sensor/fragments.h"
#include "tests/sensor/frames.h"

#define SECOND 1000000000ull
#define START  (1709287200ull * SECOND)
#define MOST   65535u

struct world {
	struct fragments *f;
	struct health health;
	uint8_t payload[MOST + 8]; /* of every datagram */
	uint64_t now_ns;
	struct span whole;
};

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	w->f = fragments_new(FRAGMENTS_MEMORY_MIN, &w->health);
	w->now_ns = START;
	for (uint32_t i = 0; i < sizeof(w->payload); i++)
		w->payload[i] = (uint8_t)(i * 7 + (i >> 8));
	*state = w;
	return w->f ? 0 : -1;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	fragments_free(w->f);
	free(w);
	return 0;
}

/* Bytes [from, to) of a datagram. */
static struct fragment part(const struct world *w, bool v6, uint32_t id, uint32_t from, uint32_t to,
			    bool more)
{
	struct fragment g = {
		.id = id,
		.vlan = VLAN_NONE,
		.protocol = 6,
		.v6 = v6,
		.more = more,
		.offset = from,
		.data = w->payload + from,
		.length = to - from,
		.wire_length = to - from,
	};

	memset(g.addr, 0x11, sizeof(g.addr));
	if (!v6) {
		memcpy(g.addr[0], "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1", 16);
		memcpy(g.addr[1], "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc6\x33\x64\2", 16);
	}
	return g;
}

static bool add(struct world *w, struct fragment g)
{
	return fragments_add(w->f, &g, w->now_ns, &w->whole);
}

static bool add_part(struct world *w, bool v6, uint32_t id, uint32_t from, uint32_t to, bool more)
{
	return add(w, part(w, v6, id, from, to, more));
}

static uint64_t lost(const struct world *w)
{
	return w->health.n[HEALTH_FRAGMENTS_LOST];
}

/* The payload of the last datagram, once it is let go: nothing of it. */
static void check_let_go(const struct world *w)
{
	fragments_let_go(w->f);
	for (size_t i = 0; i < w->whole.len; i++)
		assert_int_equal(w->whole.at[i], 0);
	fragments_let_go(w->f);
}

static void check_whole(const struct world *w, bool v6, uint32_t total, uint32_t captured)
{
	const uint8_t *ip = w->whole.at;
	uint32_t header = v6 ? 40 : 20, length = v6 ? total : total + 20;
	struct fragment g = part(w, v6, 0, 0, 8, true);

	assert_int_equal(w->whole.len, header + captured);
	assert_int_equal(ip[0], v6 ? 0x60 : 0x45);
	assert_int_equal(v6 ? ip[4] << 8 | ip[5] : ip[2] << 8 | ip[3], length);
	assert_int_equal(v6 ? ip[6] : ip[9], 6);
	if (v6) {
		assert_memory_equal(ip + 8, g.addr, 32);
	} else {
		assert_memory_equal(ip + 4, "\0\0\0\0", 4); /* no fragment */
		assert_memory_equal(ip + 12, "\xc0\0\2\1\xc6\x33\x64\2", 8);
	}
	assert_memory_equal(ip + header, w->payload, captured);
}

/* Coming together ---------------------------------------------------------------------------- */

static void in_any_order_they_come_together(void **state)
{
	static const uint32_t cuts[] = { 0, 8, 1480, 2960, 4000 };
	static const char *const orders[] = { "0123",     "3210",     "1302", "2031",
					      "00112233", "30303021", "12301" };
	struct world *w = *state;
	uint32_t id = 0;

	for (size_t i = 0; i < 2 * sizeof(orders) / sizeof(orders[0]); i++) {
		bool v6 = i % 2, done = false;

		id++;
		for (const char *at = orders[i / 2]; *at; at++) {
			unsigned n = (unsigned)(*at - '0');

			if (add_part(w, v6, id, cuts[n], cuts[n + 1], n < 3)) {
				assert_false(done); /* copies that come late make no other */
				done = true;
				check_whole(w, v6, 4000, 4000);
			}
		}
		assert_true(done);
	}
	assert_int_equal(w->health.n[HEALTH_REASSEMBLED], id);
	assert_int_equal(lost(w), 0);
}

static void the_largest_fits_and_nothing_larger(void **state)
{
	struct world *w = *state;

	for (unsigned v6 = 0; v6 < 2; v6++) {
		uint32_t total = v6 ? MOST : MOST - 20;
		bool done = false;

		for (uint32_t at = 0; at < total; at += 1480) {
			uint32_t to = at + 1480 < total ? at + 1480 : total;

			assert_false(done);
			done = add_part(w, v6, 1, at, to, to < total);
		}
		assert_true(done);
		check_whole(w, v6, total, total);
		/* One byte more: the fragment is no part of any datagram. */
		assert_false(add_part(w, v6, 2, total & ~7u, total + 1, false));
		assert_false(add_part(w, v6, 2, 0, total & ~7u, true));
	}
	assert_int_equal(lost(w), 0);
}

static void what_no_datagram_has_is_not_kept(void **state)
{
	struct world *w = *state;

	assert_false(add_part(w, false, 1, 0, 1481, true)); /* not a multiple of 8 */
	assert_false(add_part(w, false, 1, 1481, 2000, false));
	assert_false(add_part(w, false, 1, 8, 8, false)); /* empty */
	assert_false(add_part(w, true, 1, 8, 8, true));
	assert_false(add_part(w, false, 1, 0, 1480, true));
	assert_true(add_part(w, false, 1, 1480, 2000, false));
	check_whole(w, false, 2000, 2000);
}

/* Each part of the key tells datagrams apart; IPv6 has no protocol in it. */
static void datagrams_are_told_apart(void **state)
{
	struct world *w = *state;

	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct fragment first = part(w, v6, 1, 0, 16, true), other[6];

		for (unsigned i = 0; i < 6; i++)
			other[i] = part(w, v6, 1, 16, 20, false);
		other[0].id = 2;
		other[1].vlan = 7;
		other[2].depth = 1;
		other[3].addr[0][15] ^= 1;
		other[4].addr[1][15] ^= 1;
		other[5].protocol = 17;
		assert_false(add(w, first));
		for (unsigned i = 0; i < 5; i++)
			assert_false(add(w, other[i]));
		assert_int_equal(add(w, other[5]), v6);
	}
	check_whole(w, true, 20, 20); /* the protocol of the first fragment */
}

static void a_cut_fragment_leaves_the_rest_missing(void **state)
{
	struct world *w = *state;
	struct fragment g;

	for (unsigned v6 = 0; v6 < 2; v6++) {
		g = part(w, v6, 1, 0, 1480, true);
		g.length = 100;
		assert_false(add(w, g));
		assert_true(add_part(w, v6, 1, 1480, 2000, false));
		check_whole(w, v6, 2000, 100);
		check_let_go(w);
		assert_false(add_part(w, v6, 2, 0, 1480, true));
		g = part(w, v6, 2, 1480, 2000, false);
		g.length = 0;
		assert_true(add(w, g));
		check_whole(w, v6, 2000, 1480);
	}
	/* The other way round, and a copy that was not cut. */
	g = part(w, false, 3, 1480, 2000, false);
	g.length = 7;
	assert_false(add(w, g));
	assert_false(add_part(w, false, 3, 1480, 2000, false));
	assert_true(add_part(w, false, 3, 0, 1480, true));
	check_whole(w, false, 2000, 1487);
	assert_int_equal(lost(w), 0);
}

/* Contradictions ------------------------------------------------------------------------------ */

/* Two copies that were cut into fragments at different places: IPv4 takes what agrees. */
static void overlaps_must_agree(void **state)
{
	struct world *w = *state;
	struct fragment lie = part(w, false, 2, 800, 1600, true);

	assert_false(add_part(w, false, 1, 0, 1480, true));
	assert_false(add_part(w, false, 1, 800, 1600, true));
	assert_true(add_part(w, false, 1, 1480, 2000, false));
	check_whole(w, false, 2000, 2000);
	assert_int_equal(lost(w), 0);

	lie.data += 1;
	assert_false(add_part(w, false, 2, 0, 1480, true));
	assert_false(add(w, lie));
	assert_int_equal(lost(w), 1);
	assert_false(add_part(w, false, 2, 0, 1480, true)); /* and all of it is discarded */
	assert_false(add_part(w, false, 2, 1480, 2000, false));
	assert_int_equal(lost(w), 1);
}

/* RFC 5722; only copies are no overlap (RFC 8200, 4.5). */
static void version_6_may_not_overlap(void **state)
{
	struct world *w = *state;

	assert_false(add_part(w, true, 1, 0, 1480, true));
	assert_false(add_part(w, true, 1, 0, 1480, true));
	assert_false(add_part(w, true, 1, 800, 1600, true));
	assert_int_equal(lost(w), 1);
	assert_false(add_part(w, true, 1, 1480, 2000, false));
	assert_int_equal(lost(w), 1);
	assert_int_equal(w->health.n[HEALTH_REASSEMBLED], 0);
}

static void it_ends_once(void **state)
{
	struct world *w = *state;

	assert_false(add_part(w, false, 1, 16, 20, false));
	assert_false(add_part(w, false, 1, 16, 24, false)); /* elsewhere */
	assert_int_equal(lost(w), 1);
	assert_false(add_part(w, false, 2, 16, 20, false));
	assert_false(add_part(w, false, 2, 24, 32, true)); /* behind the end */
	assert_int_equal(lost(w), 2);
	assert_false(add_part(w, true, 3, 32, 40, true));
	assert_false(add_part(w, true, 3, 16, 20, false)); /* the end before it */
	assert_int_equal(lost(w), 3);
}

/* Time and room ------------------------------------------------------------------------------- */

static void the_rest_is_waited_for_30_seconds(void **state)
{
	struct world *w = *state;

	assert_false(add_part(w, false, 1, 0, 8, true));
	assert_false(add_part(w, false, 2, 0, 8, true));
	w->now_ns += FRAGMENTS_TIMEOUT_NS;
	assert_true(add_part(w, false, 1, 8, 16, false));
	w->now_ns += 1;
	assert_false(add_part(w, false, 2, 8, 16, false));
	assert_int_equal(lost(w), 1);
	w->now_ns -= 3600 * SECOND; /* the clock was set: nothing stays for ever */
	assert_false(add_part(w, false, 3, 0, 8, true));
	assert_int_equal(lost(w), 2);
}

/* The number of a datagram that is over may be used again, but not by a copy. */
static void numbers_are_used_again(void **state)
{
	struct world *w = *state;

	for (unsigned round = 0; round < 3; round++) {
		assert_false(add_part(w, false, 1, 0, 8, true));
		assert_true(add_part(w, false, 1, 8, 16, false));
		assert_false(add_part(w, false, 1, 0, 8, true));
		assert_false(add_part(w, false, 1, 8, 16, false));
		w->now_ns += SECOND;
	}
	assert_int_equal(w->health.n[HEALTH_REASSEMBLED], 3);
	assert_int_equal(lost(w), 0);
}

/* More than fits: the oldest go, the newest come together. */
static void a_flood_is_survived(void **state)
{
	struct world *w = *state;
	const uint32_t flood = 20000;

	for (uint32_t id = 0; id < flood; id++) {
		uint32_t from = id * 1024 % 64512;

		w->now_ns += 1000;
		if (id % 2)
			assert_false(add_part(w, false, id, from, from + 8, true));
		else
			assert_false(add_part(w, true, id, 0, 60000, true));
		if (id % 100 == 0) {
			assert_false(add_part(w, false, flood + id, 0, 1480, true));
			assert_true(add_part(w, false, flood + id, 1480, 65000, false));
			check_whole(w, false, 65000, 65000);
		}
	}
	assert_int_equal(w->health.n[HEALTH_REASSEMBLED], flood / 100);
	assert_in_range(lost(w), flood - 200, flood);
}

/* Through the decoder ------------------------------------------------------------------------- */

#define PACKET_MAX 70000

/* A fragment of an IP packet of n bytes: what lies behind its header from this byte on. */
static size_t write_fragment(uint8_t *to, const uint8_t *ip, size_t n, uint32_t from, uint32_t size)
{
	bool v6 = ip[0] >> 4 == 6;
	size_t header = v6 ? 40 : (size_t)(ip[0] & 15) * 4, all = n - header, here = all - from;
	bool more = here > size;

	if (more)
		here = size;
	memcpy(to, ip, header);
	if (v6) {
		memset(to + 40, 0, 8);
		to[40] = ip[6];
		to[6] = 44;
		frame_be16(to + 42, from | more);
		to[47] = 9;
		header = 48;
		frame_be16(to + 4, here + 8);
	} else {
		frame_be16(to + 2, header + here);
		frame_be16(to + 4, 9);
		frame_be16(to + 6, from / 8 | (more ? 0x2000u : 0));
	}
	memcpy(to + header, ip + n - all + from, here);
	return header + here;
}

typedef enum health_counter wrap_fn(struct world *w, const uint8_t *ip, size_t n, struct packet *p);

static enum health_counter plain(struct world *w, const uint8_t *ip, size_t n, struct packet *p)
{
	uint8_t *copy = malloc(n); /* gone when it is looked at: nothing may be borrowed from it */
	enum health_counter got;

	memcpy(copy, ip, n);
	p->time_ns = w->now_ns;
	got = decode_frame(w->f, LINK_RAW, copy, n, p);
	memset(copy, 0xdd, n);
	free(copy);
	return got;
}

/* Decodes the fragments of an IP packet, the last first; each goes through wrap(). */
static enum health_counter in_fragments(struct world *w, const uint8_t *ip, size_t n, uint32_t size,
					wrap_fn *wrap, struct packet *p)
{
	size_t header = ip[0] >> 4 == 6 ? 40 : 20, at = (n - header - 1) / size * size;
	static uint8_t buffers[2][PACKET_MAX];
	uint8_t *to = buffers[wrap == plain];
	enum health_counter got = SKIP_LINK;

	for (;; at -= size) {
		size_t len = write_fragment(to, ip, n, (uint32_t)at, size);

		got = wrap(w, to, len, p);
		if (at == 0)
			return got;
		assert_int_equal(got, SKIP_FRAGMENT);
	}
}

/* In VXLAN, which itself is cut into fragments. */
static enum health_counter in_vxlan(struct world *w, const uint8_t *ip, size_t n, struct packet *p)
{
	static uint8_t outer[PACKET_MAX];
	static const uint8_t udp_vxlan[] = { 0xc0, 0, 18, 181, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0 };

	w->now_ns += SECOND; /* the number of the datagram around it is the same each time */
	memset(outer, 0, 50);
	memcpy(outer, "\x45\0\0\0\0\0\0\0\x40\x11\0\0\x0a\0\0\1\x0a\0\0\2", 20);
	frame_be16(outer + 2, 50 + n);
	memcpy(outer + 20, udp_vxlan, sizeof(udp_vxlan));
	frame_be16(outer + 48, ip[0] >> 4 == 6 ? 0x86dd : 0x0800);
	memcpy(outer + 50, ip, n);
	return in_fragments(w, outer, n + 50, 96, plain, p);
}

static void the_decoder_goes_on_with_the_whole(void **state)
{
	static const char *const words[] = { "ip4 tcp data100", "ip6 tcpopt data100",
					     "ip4 gre-k eth vlan7 ip6 tcp data100",
					     "ip6 udp4789 vxlan eth ip4 tcp data100",
					     "ip4 ip4 ip4 tcp data100" };
	static wrap_fn *const wraps[] = { plain, in_vxlan };
	struct world *w = *state;

	for (size_t i = 0; i < 2 * sizeof(words) / sizeof(words[0]); i++) {
		struct made_frame f;
		struct packet p;

		make_frame(&f, words[i / 2], 25);
		w->now_ns += SECOND; /* the numbers are the same each time */
		assert_int_equal(
			in_fragments(w, frame_bytes(&f), frame_size(&f), 40, wraps[i % 2], &p),
			HEALTH_DELIVERED);
		assert_int_equal(p.port[1], 25);
		assert_int_equal(p.seq, FRAME_SEQ);
		assert_int_equal(p.length, 100);
		assert_int_equal(p.wire_length, 100);
		for (uint32_t n = 0; n < p.length; n++)
			assert_int_equal(p.payload[n], 'a' + n % 26);
		assert_ptr_equal(p.ip + p.ip_length, p.payload + p.length);
	}
	assert_int_equal(lost(w), 0);
}

/* What was put together is decoded once: a fragment header right inside is not followed. */
static void fragments_of_fragments_are_not_followed(void **state)
{
	struct world *w = *state;
	struct made_frame f;
	struct packet p;

	make_frame(&f, "ip6 frag6mf tcp data100", 25);
	assert_int_equal(in_fragments(w, frame_bytes(&f), frame_size(&f), 40, plain, &p),
			 SKIP_FRAGMENT);
	assert_int_equal(w->health.n[HEALTH_REASSEMBLED], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(in_any_order_they_come_together),
		TEST(the_largest_fits_and_nothing_larger),
		TEST(what_no_datagram_has_is_not_kept),
		TEST(datagrams_are_told_apart),
		TEST(a_cut_fragment_leaves_the_rest_missing),
		TEST(overlaps_must_agree),
		TEST(version_6_may_not_overlap),
		TEST(it_ends_once),
		TEST(the_rest_is_waited_for_30_seconds),
		TEST(numbers_are_used_again),
		TEST(a_flood_is_survived),
		TEST(the_decoder_goes_on_with_the_whole),
		TEST(fragments_of_fragments_are_not_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
