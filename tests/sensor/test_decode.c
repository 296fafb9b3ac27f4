/* Tests the way from a frame to TCP. */
#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

#include "dissectors/verdict.h"
#include "sensor/decode.h"
#include "tests/sensor/frames.h"

/* A frame on Ethernet whose "data10" or "pad6" ends up delivered. */
#define TUNNEL(words)                                                                  \
	{                                                                              \
		LINK_ETHERNET, (words), HEALTH_DELIVERED, VLAN_NONE, LENGTH_OF(words), \
			LENGTH_OF(words)                                               \
	}
/* By the last character: "data10" or "pad6". */
#define LENGTH_OF(words) ((words)[sizeof(words) - 2] == '0' ? 10 : 0)

static const struct {
	enum link link;
	const char *words;
	enum health_counter what;
	uint16_t vlan;
	uint32_t length, wire_length; /* of the payload */
} cases[] = {
	/* Link layers. */
	{ LINK_ETHERNET, "eth ip4 tcp data10", HEALTH_DELIVERED, VLAN_NONE, 10, 10 },
	{ LINK_ETHERNET, "eth ip6 tcp data10", HEALTH_DELIVERED, VLAN_NONE, 10, 10 },
	{ LINK_SLL, "sll ip4 tcp data10", HEALTH_DELIVERED, VLAN_NONE, 10, 10 },
	{ LINK_SLL, "sll vlan9 ip6 tcp data10", HEALTH_DELIVERED, 9, 10, 10 },
	{ LINK_SLL2, "sll2 ip4 tcp data10", HEALTH_DELIVERED, VLAN_NONE, 10, 10 },
	{ LINK_SLL2, "sll2 vlan9 ip6 tcp data10", HEALTH_DELIVERED, 9, 10, 10 },
	{ LINK_RAW, "ip4 tcp data10", HEALTH_DELIVERED, VLAN_NONE, 10, 10 },
	{ LINK_RAW, "ip6 tcp data10", HEALTH_DELIVERED, VLAN_NONE, 10, 10 },
	{ LINK_NULL, "null ip4 tcp data10", HEALTH_DELIVERED, VLAN_NONE, 10, 10 },
	{ LINK_NULL, "null ip6 tcp data10", HEALTH_DELIVERED, VLAN_NONE, 10, 10 },
	{ LINK_NULL, "null-be ip4 tcp data10", HEALTH_DELIVERED, VLAN_NONE, 10, 10 },
	{ LINK_LOOP, "loop ip4 tcp data10", HEALTH_DELIVERED, VLAN_NONE, 10, 10 },
	{ LINK_LOOP, "loop ip6 tcp data10", HEALTH_DELIVERED, VLAN_NONE, 10, 10 },
	{ LINK_UNKNOWN, "eth ip4 tcp data10", SKIP_LINK, 0, 0, 0 },
	{ LINK_ETHERNET, "", SKIP_LINK, 0, 0, 0 },
	{ LINK_NULL, "", SKIP_LINK, 0, 0, 0 },
	/* Tags: the outermost counts. */
	{ LINK_ETHERNET, "eth vlan7 ip4 tcp data10", HEALTH_DELIVERED, 7, 10, 10 },
	{ LINK_ETHERNET, "eth vlan0 ip4 tcp data10", HEALTH_DELIVERED, 0, 10, 10 },
	{ LINK_ETHERNET, "eth vlan4095 ip6 tcp data10", HEALTH_DELIVERED, 4095, 10, 10 },
	{ LINK_ETHERNET, "eth qinq12 vlan7 ip4 tcp data10", HEALTH_DELIVERED, 12, 10, 10 },
	{ LINK_ETHERNET, "eth old12 vlan7 ip6 tcp data10", HEALTH_DELIVERED, 12, 10, 10 },
	{ LINK_ETHERNET, "eth vlan1 vlan2 vlan3 vlan4 ip4 tcp data10", HEALTH_DELIVERED, 1, 10,
	  10 },
	{ LINK_ETHERNET, "eth vlan1 vlan2 vlan3 vlan4 vlan5 ip4 tcp data10", SKIP_LINK, 0, 0, 0 },
	{ LINK_ETHERNET, "eth vlan7 arp", SKIP_NOT_IP, 0, 0, 0 },
	/* Not IP. */
	{ LINK_ETHERNET, "eth arp", SKIP_NOT_IP, 0, 0, 0 },
	{ LINK_ETHERNET, "eth llc", SKIP_NOT_IP, 0, 0, 0 },
	{ LINK_SLL, "sll arp", SKIP_NOT_IP, 0, 0, 0 },
	/* IPv4. */
	{ LINK_ETHERNET, "eth ip4opt tcp data10", HEALTH_DELIVERED, VLAN_NONE, 10, 10 },
	{ LINK_ETHERNET, "eth ip4df tcp data10", HEALTH_DELIVERED, VLAN_NONE, 10, 10 },
	{ LINK_ETHERNET, "eth ip4 tcp pad6", HEALTH_DELIVERED, VLAN_NONE, 0, 0 },
	{ LINK_ETHERNET, "eth ip4 tcp data3 pad3", HEALTH_DELIVERED, VLAN_NONE, 3, 3 },
	{ LINK_ETHERNET, "eth ip4zero tcp data10", HEALTH_DELIVERED, VLAN_NONE, 10, 10 },
	{ LINK_ETHERNET, "eth ip4mf tcp data10", SKIP_FRAGMENT, 0, 0, 0 },
	{ LINK_ETHERNET, "eth ip4off tcp data10", SKIP_FRAGMENT, 0, 0, 0 },
	{ LINK_ETHERNET, "eth ip4less tcp data10", SKIP_IP, 0, 0, 0 },
	{ LINK_ETHERNET, "eth ip4ihl4 tcp data10", SKIP_IP, 0, 0, 0 },
	{ LINK_RAW, "ip5", SKIP_IP, 0, 0, 0 },
	{ LINK_RAW, "", SKIP_IP, 0, 0, 0 },
	/* IPv6. */
	{ LINK_ETHERNET, "eth ip6 tcp data3 pad3", HEALTH_DELIVERED, VLAN_NONE, 3, 3 },
	{ LINK_ETHERNET, "eth ip6zero tcp data10", HEALTH_DELIVERED, VLAN_NONE, 10, 10 },
	{ LINK_RAW, "ip6 hop tcp data10", HEALTH_DELIVERED, VLAN_NONE, 10, 10 },
	{ LINK_RAW, "ip6 route tcp data10", HEALTH_DELIVERED, VLAN_NONE, 10, 10 },
	{ LINK_RAW, "ip6 dst tcp data10", HEALTH_DELIVERED, VLAN_NONE, 10, 10 },
	{ LINK_RAW, "ip6 ah tcp data10", HEALTH_DELIVERED, VLAN_NONE, 10, 10 },
	{ LINK_RAW, "ip6 mob tcp data10", HEALTH_DELIVERED, VLAN_NONE, 10, 10 },
	{ LINK_RAW, "ip6 hip tcp data10", HEALTH_DELIVERED, VLAN_NONE, 10, 10 },
	{ LINK_RAW, "ip6 shim tcp data10", HEALTH_DELIVERED, VLAN_NONE, 10, 10 },
	{ LINK_RAW, "ip6 atomic tcp data10", HEALTH_DELIVERED, VLAN_NONE, 10, 10 },
	{ LINK_RAW, "ip6 hop route dst ah atomic tcp data10", HEALTH_DELIVERED, VLAN_NONE, 10, 10 },
	{ LINK_RAW, "ip6 dst dst dst dst dst dst dst dst dst dst dst dst dst dst dst tcp data10",
	  HEALTH_DELIVERED, VLAN_NONE, 10, 10 },
	{ LINK_RAW,
	  "ip6 dst dst dst dst dst dst dst dst dst dst dst dst dst dst dst dst tcp data10", SKIP_IP,
	  0, 0, 0 },
	{ LINK_RAW, "ip6 frag6 tcp data10", SKIP_FRAGMENT, 0, 0, 0 },
	{ LINK_RAW, "ip6 frag6mf tcp data10", SKIP_FRAGMENT, 0, 0, 0 },
	{ LINK_RAW, "ip6 hop frag6mf tcp data10", SKIP_FRAGMENT, 0, 0, 0 },
	{ LINK_RAW, "ip6 proto59", SKIP_NOT_TCP, 0, 0, 0 },
	/* Encapsulations. */
	TUNNEL("eth mpls bottom ip4 tcp data10"),
	TUNNEL("eth bottom ip6 tcp data10"),
	TUNNEL("eth bottom eth ip4 tcp data10"),
	TUNNEL("eth bottom cw eth ip4 tcp data10"),
	TUNNEL("eth bottom cw eth ip6 tcp data10"),
	TUNNEL("eth pppoe-session ppp ip4 tcp data10"),
	TUNNEL("eth pppoe-session ppp-bare ip4 tcp data10"),
	TUNNEL("eth pppoe-session ppp-bare ip6 tcp data10"),
	TUNNEL("eth pppoe-session ppp-short ip6 tcp data10"),
	TUNNEL("eth pppoe-session ppp-bare ip4 tcp pad6"),
	TUNNEL("eth pppoe-session ppp-bare bottom ip4 tcp data10"),
	TUNNEL("eth ip4 ip4 tcp data10"),
	TUNNEL("eth ip4 ip6 tcp data10"),
	TUNNEL("eth ip6 ip4 tcp data10"),
	TUNNEL("eth ip6 ip6 tcp data10"),
	TUNNEL("eth ip6 hop ip4opt tcp data10"),
	TUNNEL("eth ip4 gre ip4 tcp data10"),
	TUNNEL("eth ip4 gre-c ip4 tcp data10"),
	TUNNEL("eth ip4 gre-k ip4 tcp data10"),
	TUNNEL("eth ip4 gre-s ip6 tcp data10"),
	TUNNEL("eth ip6 gre-cks ip6 tcp data10"),
	TUNNEL("eth ip4 gre-k eth ip4 tcp data10"),
	TUNNEL("eth ip4 gre bottom ip4 tcp data10"),
	TUNNEL("eth ip4 pptp ppp ip4 tcp data10"),
	TUNNEL("eth ip4 pptp-ack ppp-short ip4 tcp data10"),
	TUNNEL("eth ip4 gre erspan1 eth ip4 tcp data10"),
	TUNNEL("eth ip4 gre-s erspan2 eth ip4 tcp data10"),
	TUNNEL("eth ip6 gre-s erspan2 eth ip6 tcp data10"),
	TUNNEL("eth ip4 gre-s erspan3 eth ip4 tcp data10"),
	TUNNEL("eth ip4 gre-s erspan3-o eth ip4 tcp data10"),
	TUNNEL("eth ip4 gre-ks erspan3-ip ip4 tcp data10"),
	TUNNEL("eth ip4 udp4789 vxlan eth ip4 tcp data10"),
	TUNNEL("eth ip6 udp4789 vxlan eth ip6 tcp data10"),
	TUNNEL("eth ip4 udp8472 vxlan eth ip4 tcp pad6"),
	TUNNEL("eth ip4 udp6081 geneve eth ip4 tcp data10"),
	TUNNEL("eth ip4 udp6081 geneve-opt ip6 tcp data10"),
	{ LINK_PPP, "ppp ip4 tcp data10", HEALTH_DELIVERED, VLAN_NONE, 10, 10 },
	{ LINK_PPP, "ppp-bare ip6 tcp data10", HEALTH_DELIVERED, VLAN_NONE, 10, 10 },
	{ LINK_PPP, "ppp-bare bottom ip4 tcp data10", HEALTH_DELIVERED, VLAN_NONE, 10, 10 },
	{ LINK_PPPOE, "pppoe-session ppp-bare ip4 tcp data10", HEALTH_DELIVERED, VLAN_NONE, 10,
	  10 },
	/* The tag that lies outermost, wherever that is. */
	{ LINK_ETHERNET, "eth vlan7 ip4 udp4789 vxlan eth vlan9 ip4 tcp data10", HEALTH_DELIVERED,
	  7, 10, 10 },
	{ LINK_ETHERNET, "eth ip4 gre-s erspan2 eth vlan9 ip4 tcp data10", HEALTH_DELIVERED, 9, 10,
	  10 },
	{ LINK_ETHERNET, "eth vlan7 bottom ip4 tcp data10", HEALTH_DELIVERED, 7, 10, 10 },
	/* Eight of them, and no more. */
	TUNNEL("eth ip4 ip4 ip4 ip4 ip4 ip4 ip4 ip4 ip4 tcp data10"),
	TUNNEL("eth bottom eth pppoe-session ppp ip4 gre eth ip6 udp6081 geneve ip4 udp4789 vxlan "
	       "eth ip4 ip6 tcp data10"),
	TUNNEL("eth ip4 gre bottom cw eth pppoe-session ppp bottom ip4 gre eth ip4 udp4789 vxlan "
	       "eth ip4 ip6 tcp data10"),
	{ LINK_ETHERNET, "eth ip4 ip4 ip4 ip4 ip4 ip4 ip4 ip4 ip4 ip4 tcp data10", SKIP_TUNNEL, 0,
	  0, 0 },
	{ LINK_ETHERNET,
	  "eth ip4 ip4 gre bottom cw eth pppoe-session ppp bottom ip4 gre eth ip4 udp4789 vxlan "
	  "eth ip4 ip6 tcp data10",
	  SKIP_TUNNEL, 0, 0, 0 },
	/* Encapsulations that end too soon, that nobody knows, or that hold no IP. */
	{ LINK_ETHERNET, "eth mpls", SKIP_TUNNEL, 0, 0, 0 },
	{ LINK_ETHERNET, "eth bottom", SKIP_TUNNEL, 0, 0, 0 },
	{ LINK_ETHERNET, "eth bottom cw ip4 tcp data10", SKIP_TUNNEL, 0, 0, 0 },
	{ LINK_ETHERNET, "eth bottom cw eth arp", SKIP_TUNNEL, 0, 0, 0 },
	{ LINK_ETHERNET,
	  "eth mpls mpls mpls mpls mpls mpls mpls mpls mpls mpls mpls mpls mpls mpls mpls mpls "
	  "bottom ip4 tcp data10",
	  SKIP_TUNNEL, 0, 0, 0 },
	{ LINK_ETHERNET, "eth vlan7 pppoe", SKIP_TUNNEL, 0, 0, 0 },
	{ LINK_ETHERNET, "eth pppoe data10", SKIP_TUNNEL, 0, 0, 0 },
	{ LINK_RAW, "ip4 proto47", SKIP_NOT_IP, 0, 0, 0 },
	{ LINK_RAW, "ip6 proto47", SKIP_NOT_IP, 0, 0, 0 },
	{ LINK_RAW, "ip4 gre-r ip4 tcp data10", SKIP_TUNNEL, 0, 0, 0 },
	{ LINK_RAW, "ip4 pptp ip4 tcp data10", SKIP_TUNNEL, 0, 0, 0 },
	{ LINK_RAW, "ip4 gre-s erspan1 eth ip4 tcp data10", SKIP_TUNNEL, 0, 0, 0 },
	{ LINK_RAW, "ip4 gre-k arp", SKIP_NOT_IP, 0, 0, 0 },
	{ LINK_RAW, "ip4 udp4789 vxlan eth arp", SKIP_NOT_IP, 0, 0, 0 },
	{ LINK_RAW, "ip4 udp4789 vxlan-0 eth ip4 tcp data10", SKIP_TUNNEL, 0, 0, 0 },
	{ LINK_RAW, "ip6 udp6081 geneve-1 eth ip4 tcp data10", SKIP_TUNNEL, 0, 0, 0 },
	{ LINK_RAW, "ip4 udp4789 vxlan eth ip4 udp53 data10", SKIP_NOT_TCP, 0, 0, 0 },
	/* Not TCP. */
	{ LINK_RAW, "ip4 udp53 data10", SKIP_NOT_TCP, 0, 0, 0 },
	{ LINK_RAW, "ip4 proto1", SKIP_NOT_TCP, 0, 0, 0 },
	{ LINK_RAW, "ip6 proto58", SKIP_NOT_TCP, 0, 0, 0 },
	{ LINK_RAW, "ip6 proto50", SKIP_NOT_TCP, 0, 0, 0 },
	/* TCP. */
	{ LINK_RAW, "ip4 tcpopt data10", HEALTH_DELIVERED, VLAN_NONE, 10, 10 },
	{ LINK_RAW, "ip4 tcp", HEALTH_DELIVERED, VLAN_NONE, 0, 0 },
	{ LINK_RAW, "ip4 tcpoff4 data10", SKIP_TCP, 0, 0, 0 },
	{ LINK_RAW, "ip4 tcpoff15 data10", SKIP_TCP, 0, 0, 0 },
	{ LINK_RAW, "ip6 tcpoff15 data10", SKIP_TCP, 0, 0, 0 },
	{ LINK_RAW, "ip4 data19", SKIP_NOT_TCP, 0, 0, 0 }, /* protocol 0 */
};

#define CASES (sizeof(cases) / sizeof(cases[0]))

static const uint8_t v4_client[16] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 1 };
static const uint8_t v4_server[16] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 198, 51, 100, 2 };
static const uint8_t v6_client[16] = { 0x20, 1, 0x0d, 0xb8, 0, 1, [15] = 1 };
static const uint8_t v6_server[16] = { 0x20, 1, 0x0d, 0xb8, 0, 2, [15] = 2 };

/* The innermost of them. */
static bool is_v6(const char *words)
{
	bool v6 = false;

	for (; *words; words++) {
		if (strncmp(words, "ip4", 3) == 0 || strncmp(words, "ip6", 3) == 0)
			v6 = words[2] == '6';
	}
	return v6;
}

static void check_header(const char *words, const struct packet *p)
{
	bool v6 = is_v6(words);

	assert_memory_equal(p->addr[0], v6 ? v6_client : v4_client, 16);
	assert_memory_equal(p->addr[1], v6 ? v6_server : v4_server, 16);
	assert_int_equal(p->port[0], FRAME_CLIENT_PORT);
	assert_int_equal(p->port[1], 25);
	assert_int_equal(p->seq, FRAME_SEQ);
	assert_int_equal(p->ack, FRAME_ACK);
	assert_int_equal(p->flags, 0x18);
}

static void check_payload(size_t i, const struct made_frame *f, const struct packet *p)
{
	const uint8_t *ip = frame_bytes(f);

	assert_int_equal(p->length, cases[i].length);
	assert_int_equal(p->wire_length, cases[i].wire_length);
	for (uint32_t n = 0; n < p->length; n++)
		assert_int_equal(p->payload[n], 'a' + n % 26);
	assert_true(p->ip >= ip && p->ip + p->ip_length <= ip + frame_size(f) - f->pad);
	assert_int_equal(*p->ip >> 4, is_v6(cases[i].words) ? 6 : 4);
	assert_ptr_equal(p->ip + p->ip_length, p->payload + p->length);
}

static void every_frame_is_tcp_or_has_a_reason(void **state)
{
	struct made_frame f;

	(void)state;
	for (size_t i = 0; i < CASES; i++) {
		struct packet p;
		enum health_counter got;

		make_frame(&f, cases[i].words, 25);
		got = decode_frame(NULL, cases[i].link, frame_bytes(&f), frame_size(&f), &p);
		if (got != cases[i].what)
			fail_msg("%s: %s, not %s", cases[i].words, health_name(got),
				 health_name(cases[i].what));
		if (got != HEALTH_DELIVERED)
			continue;
		assert_int_equal(p.vlan, cases[i].vlan);
		check_header(cases[i].words, &p);
		check_payload(i, &f, &p);
	}
}

/* Those that the flow table counts, SKIP_PORT and SKIP_FULL, are not its own. */
static void every_reason_of_this_stage_is_reached(void **state)
{
	bool reached[HEALTH_N] = { false };

	(void)state;
	for (size_t i = 0; i < CASES; i++)
		reached[cases[i].what] = true;
	for (unsigned r = SKIP_LINK; r <= SKIP_TCP; r++) {
		if (!reached[r])
			fail_msg("no case for %s", health_name((enum health_counter)r));
	}
}

/* A copy of exactly the bytes that are there, so that a read behind them is seen. */
static enum health_counter decode_copy(enum link link, const uint8_t *from, size_t n,
				       struct packet *p, uint8_t **copy)
{
	*copy = malloc(n ? n : 1);
	assert_non_null(*copy);
	memcpy(*copy, from, n);
	return decode_frame(NULL, link, *copy, n, p);
}

static bool is_outcome(enum health_counter c)
{
	return c == HEALTH_DELIVERED || (c >= SKIP_LINK && c <= SKIP_TCP);
}

static void check_borrowed(const struct packet *p, const uint8_t *frame, size_t n)
{
	assert_true(p->length <= p->wire_length);
	assert_true(p->payload >= frame && p->payload + p->length <= frame + n);
	assert_true(p->ip >= frame && p->ip + p->ip_length <= frame + n);
}

/* Cut by the snap length at every byte. The length that was sent is known from the headers. */
static void cut_anywhere_nothing_is_read_beyond(void **state)
{
	(void)state;
	for (size_t i = 0; i < CASES; i++) {
		bool zero = strstr(cases[i].words, "zero") != NULL;
		bool delivered = false;
		struct made_frame f;

		make_frame(&f, cases[i].words, 25);
		for (size_t n = 0; n <= frame_size(&f); n++) {
			struct packet p;
			uint8_t *copy;
			enum health_counter got =
				decode_copy(cases[i].link, frame_bytes(&f), n, &p, &copy);

			assert_true(is_outcome(got));
			if (delivered) /* more bytes never make it worse */
				assert_int_equal(got, HEALTH_DELIVERED);
			if (got == HEALTH_DELIVERED) {
				delivered = true;
				check_borrowed(&p, copy, n);
				check_header(cases[i].words, &p);
				if (!zero)
					assert_int_equal(p.wire_length, cases[i].wire_length);
			}
			free(copy);
		}
		assert_int_equal(delivered, cases[i].what == HEALTH_DELIVERED);
	}
}

static void what_the_snap_length_cut_is_known_by_size(void **state)
{
	static const struct {
		size_t cut;
		uint32_t length;
	} cuts[] = { { 0, 100 }, { 1, 99 }, { 40, 60 }, { 100, 0 }, { 105, 0 }, { 112, 0 } };
	struct made_frame f;

	(void)state;
	make_frame(&f, "eth ip4 tcpopt data100", 25);
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		struct packet p;

		assert_int_equal(decode_frame(NULL, LINK_ETHERNET, frame_bytes(&f),
					      frame_size(&f) - cuts[i].cut, &p),
				 HEALTH_DELIVERED);
		assert_int_equal(p.length, cuts[i].length);
		assert_int_equal(p.wire_length, 100);
	}
	/* Inside the fixed part of the header nothing can be told. */
	struct packet p;

	assert_int_equal(
		decode_frame(NULL, LINK_ETHERNET, frame_bytes(&f), frame_size(&f) - 113, &p),
		SKIP_TCP);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

static void hostile_bytes_do_no_harm(void **state)
{
	static const enum link links[] = { LINK_ETHERNET, LINK_SLL,  LINK_SLL2,
					   LINK_RAW,      LINK_NULL, LINK_LOOP };
	uint32_t seed = 20161016;

	(void)state;
	for (unsigned round = 0; round < 200; round++) {
		for (size_t i = 0; i < CASES; i++) {
			struct made_frame f;
			struct packet p;
			uint8_t *copy;

			make_frame(&f, cases[i].words, 25);
			for (unsigned k = 0; k < 3 && frame_size(&f) > 0; k++)
				f.buffer[f.at + next_random(&seed) % frame_size(&f)] =
					(uint8_t)next_random(&seed);
			if (decode_copy(links[next_random(&seed) % 6], frame_bytes(&f),
					frame_size(&f), &p, &copy) == HEALTH_DELIVERED)
				check_borrowed(&p, copy, frame_size(&f));
			free(copy);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_frame_is_tcp_or_has_a_reason),
		cmocka_unit_test(every_reason_of_this_stage_is_reached),
		cmocka_unit_test(cut_anywhere_nothing_is_read_beyond),
		cmocka_unit_test(what_the_snap_length_cut_is_known_by_size),
		cmocka_unit_test(hostile_bytes_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
