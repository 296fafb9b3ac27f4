/* Tests how connections become sessions: timers, reuse of ports, full tables, the books. */
#include "tests/unit.h"

#include <string.h>

#include "sensor/tracker.h"

#define SECOND 1000000000ull
#define START  (1709287200ull * SECOND)

struct world {
	struct conf *conf;
	struct health health;
	struct tracker *tracker;
	uint64_t now_ns;
	unsigned reports[MESSAGE_KINDS];
	struct session last;
};

static void on_report(void *ctx, enum message_kind kind, uint64_t id, bool counted,
		      const struct session *s)
{
	struct world *w = ctx;

	(void)id;
	(void)counted;
	w->reports[kind]++;
	w->last = *s;
}

static void world_init(struct world *w, unsigned max_flows, unsigned max_undecided)
{
	memset(w, 0, sizeof(*w));
	w->conf = conf_default();
	w->conf->max_flows = max_flows;
	w->conf->max_undecided = max_undecided;
	w->now_ns = START;
	w->tracker = tracker_new(w->conf, true, &w->health, on_report, w);
	assert_non_null(w->tracker);
}

static void check_books(struct world *w)
{
	char err[256];

	w->health.alive = tracker_alive(w->tracker);
	if (!health_balance(&w->health, err, sizeof(err)))
		fail_msg("%s", err);
}

static void world_fini(struct world *w)
{
	tracker_end(w->tracker);
	assert_int_equal(tracker_alive(w->tracker), 0);
	check_books(w);
	assert_int_equal(w->reports[MESSAGE_END], w->health.n[HEALTH_SESSIONS]);
	tracker_free(w->tracker);
	conf_free(w->conf);
}

/* One end of a connection that the test speaks for. */
struct peer {
	struct world *w;
	uint16_t port;
	uint32_t next[SIDES];
};

static void send_flags(struct peer *c, enum side from, uint8_t flags, const char *text, bool lost)
{
	static const uint8_t ends[SIDES][16] = { { 0x20, 1, 0x0d, 0xb8, [15] = 1 },
						 { 0x20, 1, 0x0d, 0xb8, [15] = 25 } };
	struct world *w = c->w;
	uint32_t length = (uint32_t)strlen(text);
	struct packet p = {
		.time_ns = w->now_ns,
		.vlan = VLAN_NONE,
		.flags = flags,
		.seq = c->next[from],
		.ack = flags & TCP_ACK ? c->next[other_side(from)] : 0,
		.payload = (const uint8_t *)text,
		.length = length,
		.wire_length = length,
	};
	enum health_counter where;

	memcpy(p.addr[0], ends[from], 16);
	memcpy(p.addr[1], ends[other_side(from)], 16);
	p.port[0] = from == CLIENT ? c->port : 25;
	p.port[1] = from == CLIENT ? 25 : c->port;
	c->next[from] += length + (flags & (TCP_SYN | TCP_FIN) ? 1 : 0);
	if (lost)
		return;
	w->health.n[HEALTH_PACKETS]++;
	where = tracker_packet(w->tracker, &p);
	w->health.n[where]++;
}

static void say(struct peer *c, enum side from, const char *text)
{
	send_flags(c, from, TCP_ACK, text, false);
}

static struct peer connect_from(struct world *w, uint16_t port)
{
	struct peer c = { .w = w, .port = port, .next = { 1000u * port, 77 } };

	send_flags(&c, CLIENT, TCP_SYN, "", false);
	send_flags(&c, SERVER, TCP_SYN | TCP_ACK, "", false);
	send_flags(&c, CLIENT, TCP_ACK, "", false);
	return c;
}

static void greet(struct peer *c)
{
	say(c, SERVER, "220 mx.example ESMTP\r\n");
	say(c, CLIENT, "EHLO client.example\r\n");
	say(c, SERVER, "250 mx.example\r\n");
}

static void bye(struct peer *c)
{
	say(c, CLIENT, "QUIT\r\n");
	say(c, SERVER, "221 bye\r\n");
	send_flags(c, CLIENT, TCP_FIN | TCP_ACK, "", false);
	send_flags(c, SERVER, TCP_FIN | TCP_ACK, "", false);
	send_flags(c, CLIENT, TCP_ACK, "", false);
}

static void pass(struct world *w, unsigned tenths)
{
	w->now_ns += tenths * (SECOND / 10);
	tracker_time(w->tracker, w->now_ns);
}

/* -------------------------------------------------------------------------------------------- */

static void a_connection_is_a_session_an_empty_one_is_none(void **state)
{
	struct world w;
	struct peer c;

	(void)state;
	world_init(&w, 64, 64);
	c = connect_from(&w, 40000);
	greet(&c);
	bye(&c);
	c = connect_from(&w, 40001);
	send_flags(&c, CLIENT, TCP_RST, "", false);
	c = connect_from(&w, 40002);
	say(&c, CLIENT, "GET / HTTP/1.1\r\n\r\n");
	check_books(&w);
	world_fini(&w);
	assert_int_equal(w.health.n[HEALTH_FLOWS], 3);
	assert_int_equal(w.health.n[HEALTH_SESSIONS], 1);
	assert_int_equal(w.health.n[HEALTH_EMPTY], 1);
	assert_int_equal(w.health.n[HEALTH_NOT_MAIL], 1);
	assert_int_equal(w.last.verdict, VERDICT_NO_TRANSACTION);
}

/* A hole on a connection that falls silent is given up within seconds, by time alone, wherever
 * in a second its last packet fell. */
static void a_hole_is_given_up_while_nothing_comes(void **state)
{
	(void)state;
	for (unsigned tenth = 0; tenth < 10; tenth++) {
		struct world w;
		struct peer c;

		world_init(&w, 64, 64);
		connect_from(&w, 39999); /* time begins here */
		pass(&w, tenth);
		c = connect_from(&w, 40000);
		greet(&c);
		send_flags(&c, CLIENT, TCP_ACK, "MAIL FROM:<a@client.example>\r\n", true);
		say(&c, SERVER, "250 ok\r\n");
		assert_int_equal(w.health.n[HEALTH_GAPS], 0);
		for (unsigned i = 0; i < 30; i++)
			pass(&w, 1);
		assert_int_equal(w.health.n[HEALTH_GAPS], 1);
		assert_int_equal(w.health.n[HEALTH_SESSIONS], 0); /* the connection goes on */
		world_fini(&w);
	}
}

static void silence_ends_a_session(void **state)
{
	struct world w;
	struct peer c;

	(void)state;
	world_init(&w, 64, 64);
	c = connect_from(&w, 40000);
	greet(&c);
	for (unsigned i = 0; i < 1799; i++)
		pass(&w, 10);
	assert_int_equal(w.reports[MESSAGE_END], 0);
	pass(&w, 20);
	assert_int_equal(w.reports[MESSAGE_END], 1);
	assert_int_equal(w.last.verdict, VERDICT_INDETERMINATE);
	assert_int_equal(w.last.reason, REASON_TIMED_OUT);
	check_books(&w);
	say(&c, CLIENT, "QUIT\r\n"); /* another, begun in the middle */
	assert_int_equal(w.health.n[HEALTH_FLOWS], 2);
	world_fini(&w);
}

/* A reset with a number that cannot be due is somebody else's. */
static void a_stray_reset_ends_nothing(void **state)
{
	struct world w;
	struct peer c;
	uint32_t next;

	(void)state;
	world_init(&w, 64, 64);
	c = connect_from(&w, 40000);
	greet(&c);
	next = c.next[SERVER];
	c.next[SERVER] += 1u << 24;
	send_flags(&c, SERVER, TCP_RST, "", false);
	c.next[SERVER] = next;
	pass(&w, 100);
	assert_int_equal(w.reports[MESSAGE_END], 0);
	send_flags(&c, SERVER, TCP_RST, "", false);
	pass(&w, 100);
	assert_int_equal(w.reports[MESSAGE_END], 1);
	check_books(&w);
	world_fini(&w);
}

/* It is for people, and not of the conversation (RFC 9293, 3.5.3). */
static void the_text_of_a_reset_is_no_answer(void **state)
{
	struct world w;
	struct peer c;

	(void)state;
	world_init(&w, 64, 64);
	c = connect_from(&w, 40000);
	greet(&c);
	say(&c, CLIENT, "MAIL FROM:<a@b>\r\n");
	send_flags(&c, SERVER, TCP_RST | TCP_ACK, "250 ok\r\n", false);
	pass(&w, 100);
	assert_int_equal(w.reports[MESSAGE_END], 1);
	assert_int_equal(w.last.verdict, VERDICT_PLAINTEXT);
	assert_int_equal(w.last.exposure, EXPOSURE_UNKNOWN);
	check_books(&w);
	world_fini(&w);
}

/* A server may take five minutes to greet (RFC 5321, 4.5.3.2.1). */
static void a_slow_greeting_is_waited_for(void **state)
{
	struct world w;
	struct peer c;

	(void)state;
	world_init(&w, 64, 64);
	c = connect_from(&w, 40000);
	for (unsigned i = 0; i < 299; i++)
		pass(&w, 10);
	greet(&c);
	bye(&c);
	assert_int_equal(w.last.verdict, VERDICT_NO_TRANSACTION);
	assert_int_equal(w.health.n[HEALTH_FLOWS], 1);
	check_books(&w);
	world_fini(&w);
}

/* The SYN-ACK was lost, and then more or nothing: the ACK that is seen may acknowledge a greeting, and a
 * server that speaks behind the client has perhaps said something before. */
static void an_ack_does_not_tell_where_the_server_begins(void **state)
{
	(void)state;
	for (unsigned greeting_lost = 0; greeting_lost < 2; greeting_lost++) {
		struct world w;
		struct peer c = { .w = &w, .port = 40000, .next = { 1000, 77 } };

		world_init(&w, 64, 64);
		send_flags(&c, CLIENT, TCP_SYN, "", false);
		send_flags(&c, SERVER, TCP_SYN | TCP_ACK, "", true);
		send_flags(&c, SERVER, TCP_ACK, "220 mx.example ESMTP\r\n", greeting_lost);
		send_flags(&c, CLIENT, TCP_ACK, "", false);
		say(&c, CLIENT, "EHLO client.example\r\n");
		say(&c, SERVER, "250-mx.example\r\n250 STARTTLS\r\n");
		say(&c, CLIENT, "STARTTLS\r\n");
		say(&c, SERVER, "220 go\r\n");
		send_flags(&c, CLIENT, TCP_FIN | TCP_ACK, "", false);
		send_flags(&c, SERVER, TCP_FIN | TCP_ACK, "", false);
		send_flags(&c, CLIENT, TCP_ACK, "", false);
		assert_int_equal(w.last.verdict,
				 greeting_lost ? VERDICT_INDETERMINATE : VERDICT_TLS_FAILED);
		check_books(&w);
		world_fini(&w);
	}
}

/* One mirror for each direction: the server's packets all come behind the client's first words. */
static void a_side_that_comes_late_may_be_whole(void **state)
{
	struct world w;
	struct peer c = { .w = &w, .port = 40000, .next = { 1000, 78 } };

	(void)state;
	world_init(&w, 64, 64);
	send_flags(&c, CLIENT, TCP_SYN, "", false);
	send_flags(&c, CLIENT, TCP_ACK, "", false);
	c.next[SERVER] += 22;
	send_flags(&c, CLIENT, TCP_ACK, "EHLO client.example\r\n", false);
	c.next[SERVER] -= 23;
	c.next[CLIENT] -= 21;
	send_flags(&c, SERVER, TCP_SYN | TCP_ACK, "", false);
	say(&c, SERVER, "220 mx.example ESMTP\r\n");
	c.next[CLIENT] += 21;
	say(&c, SERVER, "250 mx.example\r\n");
	bye(&c);
	assert_int_equal(w.last.verdict, VERDICT_NO_TRANSACTION);
	assert_int_equal(w.health.n[HEALTH_GAPS], 0);
	check_books(&w);
	world_fini(&w);
}

/* The client says by its own number that something of it is missing, and nobody else does. */
static void a_bare_segment_before_any_payload_tells_what_is_missing(void **state)
{
	struct world w;
	struct peer c;

	(void)state;
	world_init(&w, 64, 64);
	c = connect_from(&w, 40000);
	send_flags(&c, CLIENT, TCP_ACK, "EHLO client.example\r\n", true);
	send_flags(&c, CLIENT, TCP_ACK, "", false);
	c.next[CLIENT] -= 21;
	say(&c, SERVER, "220 mx.example ESMTP\r\n");
	world_fini(&w);
	assert_int_equal(w.last.bytes_missing, 21);
	assert_int_equal(w.last.requested, TRI_NULL);
}

/* The server's SYN and greeting, behind what they came before. */
static void begin_late(struct peer *c)
{
	c->next[CLIENT] = 1001;
	c->next[SERVER] = 77;
	send_flags(c, SERVER, TCP_SYN | TCP_ACK, "", false);
	c->next[SERVER] = 78;
	say(c, SERVER, "220 mx.example ESMTP\r\n");
}

/* The reset that ended it came first, and says that the client had spoken. */
static void a_reset_that_comes_first_tells_what_is_missing(void **state)
{
	struct world w;
	struct peer c = { .w = &w, .port = 40000, .next = { 1000, 100 } };

	(void)state;
	world_init(&w, 64, 64);
	send_flags(&c, CLIENT, TCP_SYN, "", false);
	c.next[CLIENT] = 1030;
	send_flags(&c, SERVER, TCP_RST | TCP_ACK, "", false);
	begin_late(&c);
	world_fini(&w);
	assert_int_equal(w.last.verdict, VERDICT_INDETERMINATE);
	assert_int_equal(w.last.bytes_missing, 29);
}

/* Or its own, by its number. */
static void a_reset_that_comes_first_tells_what_its_sender_said(void **state)
{
	struct world w;
	struct peer c = { .w = &w, .port = 40000, .next = { 1030, 112 } };

	(void)state;
	world_init(&w, 64, 64);
	send_flags(&c, CLIENT, TCP_RST | TCP_ACK, "", false);
	begin_late(&c);
	world_fini(&w);
	assert_int_equal(w.last.verdict, VERDICT_INDETERMINATE);
	assert_int_equal(w.last.requested, TRI_NULL);
	assert_int_equal(w.last.bytes_missing, 29 + 12);
}

/* So it does when it overtakes all that tells where the client begins. */
static void a_bare_segment_may_come_first(void **state)
{
	struct world w;
	struct peer c = { .w = &w, .port = 40000, .next = { 1030, 112 } };

	(void)state;
	world_init(&w, 64, 64);
	send_flags(&c, CLIENT, TCP_ACK, "", false);
	c.next[CLIENT] = 1001;
	c.next[SERVER] = 78;
	say(&c, SERVER, "220 mx.example ESMTP\r\n");
	c.next[SERVER] = 77;
	send_flags(&c, SERVER, TCP_SYN | TCP_ACK, "", false);
	c.next[SERVER] = 100;
	say(&c, CLIENT, "EHLO client.example\r\n");
	say(&c, SERVER, "250 STARTTLS\r\n");
	world_fini(&w);
	assert_int_equal(w.last.bytes_missing, 8);
	assert_int_equal(w.last.requested, TRI_NULL);
}

/* The client stands where its first segment did, with or without payload. */
static void what_follows_a_bare_segment_may_be_missing(void **state)
{
	(void)state;
	for (unsigned lost = 0; lost < 2; lost++) {
		struct world w;
		struct peer c = { .w = &w, .port = 40000, .next = { 1001, 78 } };

		world_init(&w, 64, 64);
		send_flags(&c, CLIENT, TCP_ACK, "", false);
		send_flags(&c, CLIENT, TCP_ACK, "RSET\r\n", lost);
		c.next[SERVER] = 100;
		say(&c, CLIENT, "EHLO client.example\r\n");
		c.next[CLIENT] = 1001;
		c.next[SERVER] = 78;
		say(&c, SERVER, "220 mx.example ESMTP\r\n");
		c.next[CLIENT] = 1028;
		say(&c, SERVER, "250 mx.example\r\n");
		bye(&c);
		check_books(&w);
		world_fini(&w);
		assert_int_equal(w.last.bytes_missing, lost ? 6 : 0);
	}
}

/* Without a SYN this would be a session from its greeting on; a late one says that it is not. */
static void a_late_syn_tells_what_is_missing(void **state)
{
	(void)state;
	for (unsigned from = 0; from < SIDES; from++) {
		struct world w;
		struct peer c = { .w = &w, .port = 40000, .next = { 1015, 78 } };

		world_init(&w, 64, 64);
		send_flags(&c, CLIENT, TCP_ACK, "", false);
		c.next[SERVER] = 100;
		send_flags(&c, CLIENT, TCP_ACK, "EHLO client.example\r\n", false);
		c.next[CLIENT] = 1001 - (from == CLIENT);
		c.next[SERVER] = 78 - (from == SERVER);
		send_flags(&c, (enum side)from, from == CLIENT ? TCP_SYN : TCP_SYN | TCP_ACK, "",
			   false);
		say(&c, SERVER, "220 mx.example ESMTP\r\n");
		c.next[CLIENT] = 1036;
		say(&c, SERVER, "250 mx.example\r\n");
		bye(&c);
		check_books(&w);
		world_fini(&w);
		assert_int_equal(w.last.verdict, VERDICT_INDETERMINATE);
	}
}

/* A tombstone does not live longer for what it absorbs. */
static void late_packets_keep_no_tombstone(void **state)
{
	struct world w;
	struct peer c;

	(void)state;
	world_init(&w, 64, 64);
	c = connect_from(&w, 40000);
	greet(&c);
	bye(&c);
	for (unsigned i = 0; i < 8; i++) {
		send_flags(&c, SERVER, TCP_ACK, "", false);
		pass(&w, 10);
	}
	assert_int_equal(w.health.n[HEALTH_FLOWS], 2);
	check_books(&w);
	world_fini(&w);
}

/* The same ports again: one session ends and another begins, after a close or without one. */
static void ports_are_used_again(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 64, 64);
	for (uint32_t i = 0; i < 4; i++) {
		struct peer c = { .w = &w, .port = 40000, .next = { 5000 * i, 99 * i } };

		send_flags(&c, CLIENT, TCP_SYN, "", false);
		c.next[CLIENT]--;
		send_flags(&c, CLIENT, TCP_SYN, "", false); /* said twice is still one */
		send_flags(&c, SERVER, TCP_SYN | TCP_ACK, "", false);
		greet(&c);
		if (i % 2)
			bye(&c);
		check_books(&w);
	}
	world_fini(&w);
	assert_int_equal(w.health.n[HEALTH_FLOWS], 4);
	assert_int_equal(w.health.n[HEALTH_SESSIONS], 4);
}

/* A full table pushes out what is no session first, and what is then refused is counted. */
static void a_full_table_prefers_sessions(void **state)
{
	struct world w;
	struct peer c;

	(void)state;
	world_init(&w, 16, 16);
	c = connect_from(&w, 40000);
	greet(&c);
	for (uint16_t i = 0; i < 100; i++)
		connect_from(&w, (uint16_t)(50000 + i));
	check_books(&w);
	assert_int_equal(w.health.n[HEALTH_EVICTED], 85);
	assert_int_equal(w.health.n[SKIP_FULL], 0);
	bye(&c);
	assert_int_equal(w.reports[MESSAGE_END], 1);
	assert_int_equal(w.last.verdict, VERDICT_NO_TRANSACTION);
	world_fini(&w);
}

static void an_evicted_session_is_indeterminate(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 16, 64);
	for (uint16_t i = 0; i < 17; i++) {
		struct peer c = connect_from(&w, (uint16_t)(40000 + i));

		greet(&c);
	}
	assert_int_equal(w.health.n[HEALTH_EVICTED], 1);
	assert_int_equal(w.reports[MESSAGE_END], 1);
	assert_int_equal(w.last.verdict, VERDICT_INDETERMINATE);
	assert_int_equal(w.last.reason, REASON_EVICTED);
	check_books(&w);
	world_fini(&w);
}

/* Mail for whose state there is no room is counted and reported, not forgotten. */
static void no_room_for_a_parser(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 64, 16);
	for (uint16_t i = 0; i < 20; i++) {
		struct peer c = connect_from(&w, (uint16_t)(40000 + i));

		greet(&c);
	}
	assert_int_equal(w.health.n[HEALTH_UNDECIDED_FULL], 4);
	assert_int_equal(w.reports[MESSAGE_END], 4);
	assert_int_equal(w.last.reason, REASON_EVICTED);
	check_books(&w);
	world_fini(&w);
	assert_int_equal(w.health.n[HEALTH_SESSIONS], 20);
}

/* Mail that says nothing for a while makes room for new mail, whose verdict is right; what spoke a
 * moment ago does not. */
static void silent_mail_makes_room(void **state)
{
	struct peer silent[16], c;
	struct world w;

	(void)state;
	world_init(&w, 64, 16);
	for (unsigned i = 0; i < 16; i++) {
		silent[i] = connect_from(&w, (uint16_t)(41000 + i));
		greet(&silent[i]);
	}
	w.now_ns += 9 * SECOND;
	say(&silent[0], CLIENT, "NOOP\r\n");
	w.now_ns += 2 * SECOND;
	for (unsigned i = 0; i < 15; i++) {
		c = connect_from(&w, (uint16_t)(42000 + i));
		greet(&c);
		assert_int_equal(w.reports[MESSAGE_VERDICT], i + 1);
		assert_int_equal(w.last.verdict, VERDICT_INDETERMINATE);
		assert_int_equal(w.last.reason, REASON_EVICTED);
	}
	assert_int_equal(w.health.n[HEALTH_UNDECIDED_FULL], 15);
	assert_int_equal(w.reports[MESSAGE_END], 0);
	bye(&c);
	assert_int_equal(w.last.verdict, VERDICT_NO_TRANSACTION);
	say(&silent[1], CLIENT, "MAIL FROM:<a@b.example>\r\n"); /* too late */
	bye(&silent[1]);
	assert_int_equal(w.last.verdict, VERDICT_INDETERMINATE);
	bye(&silent[0]);
	assert_int_equal(w.last.verdict, VERDICT_NO_TRANSACTION);
	check_books(&w);
	world_fini(&w);
	assert_int_equal(w.health.n[HEALTH_SESSIONS], 31);
	assert_int_equal(w.reports[MESSAGE_VERDICT], 15);
}

/* What has yet to show that it is mail makes room for what is on its port. */
static void what_may_not_be_mail_makes_room(void **state)
{
	struct peer doubtful[20], c;
	struct world w;

	(void)state;
	world_init(&w, 64, 16);
	for (unsigned i = 0; i < 20; i++) {
		doubtful[i] = connect_from(&w, (uint16_t)(41000 + i));
		say(&doubtful[i], SERVER, "+OK ready\r\n"); /* on the port of SMTP */
	}
	assert_int_equal(w.health.n[HEALTH_UNDECIDED_FULL], 4);
	c = connect_from(&w, 40000);
	greet(&c);
	bye(&c);
	assert_int_equal(w.reports[MESSAGE_END], 1);
	assert_int_equal(w.last.verdict, VERDICT_NO_TRANSACTION);
	say(&doubtful[0], CLIENT, "CAPA\r\n"); /* given up */
	say(&doubtful[19], CLIENT, "CAPA\r\n");
	check_books(&w);
	world_fini(&w);
	assert_int_equal(w.health.n[HEALTH_SESSIONS], 2);
	assert_int_equal(w.health.n[HEALTH_NOT_MAIL], 19);
}

/* A packet dated 2096 ends nothing. */
static void a_jump_expires_nothing(void **state)
{
	struct world w;
	struct peer c;

	(void)state;
	world_init(&w, 64, 64);
	c = connect_from(&w, 40000);
	greet(&c);
	tracker_time(w.tracker, 3976214400ull * SECOND);
	tracker_time(w.tracker, w.now_ns + 1);
	assert_int_equal(w.health.n[HEALTH_TIME_JUMPS], 2);
	assert_int_equal(tracker_alive(w.tracker), 1);
	bye(&c);
	assert_int_equal(w.last.verdict, VERDICT_NO_TRANSACTION);
	world_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_is_a_session_an_empty_one_is_none),
		cmocka_unit_test(a_hole_is_given_up_while_nothing_comes),
		cmocka_unit_test(silence_ends_a_session),
		cmocka_unit_test(a_stray_reset_ends_nothing),
		cmocka_unit_test(the_text_of_a_reset_is_no_answer),
		cmocka_unit_test(a_slow_greeting_is_waited_for),
		cmocka_unit_test(a_side_that_comes_late_may_be_whole),
		cmocka_unit_test(an_ack_does_not_tell_where_the_server_begins),
		cmocka_unit_test(a_bare_segment_before_any_payload_tells_what_is_missing),
		cmocka_unit_test(a_reset_that_comes_first_tells_what_is_missing),
		cmocka_unit_test(a_reset_that_comes_first_tells_what_its_sender_said),
		cmocka_unit_test(a_bare_segment_may_come_first),
		cmocka_unit_test(what_follows_a_bare_segment_may_be_missing),
		cmocka_unit_test(a_late_syn_tells_what_is_missing),
		cmocka_unit_test(late_packets_keep_no_tombstone),
		cmocka_unit_test(ports_are_used_again),
		cmocka_unit_test(a_full_table_prefers_sessions),
		cmocka_unit_test(an_evicted_session_is_indeterminate),
		cmocka_unit_test(no_room_for_a_parser),
		cmocka_unit_test(silent_mail_makes_room),
		cmocka_unit_test(what_may_not_be_mail_makes_room),
		cmocka_unit_test(a_jump_expires_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
