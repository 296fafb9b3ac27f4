/* Tests what the first bytes are taken for, and libndpi's opinion where it is there. */
#include "tests/unit.h"

#include <string.h>

#include "sensor/classify.h"
#include "tests/sensor/frames.h"

static const struct {
	struct span bytes;
	enum first_bytes what;
} cases[] = {
	{ BYTES("220 mx.example ESMTP\r\n"), FIRST_SMTP_SERVER },
	{ BYTES("220-mx.example ESMTP\r\n"), FIRST_SMTP_SERVER },
	{ BYTES("220\r\n"), FIRST_SMTP_SERVER },
	{ BYTES("220"), FIRST_TEXT },
	{ BYTES("2200 things\r\n"), FIRST_TEXT },
	{ BYTES("554 go away\r\n"), FIRST_TEXT },
	{ BYTES("EHLO mx.example\r\n"), FIRST_SMTP_CLIENT },
	{ BYTES("ehlo mx.example\r\n"), FIRST_SMTP_CLIENT },
	{ BYTES("HeLo mx.example\r\n"), FIRST_SMTP_CLIENT },
	{ BYTES("EHLO\r\n"), FIRST_SMTP_CLIENT },
	{ BYTES("EHLO\n"), FIRST_SMTP_CLIENT },
	{ BYTES("EHLO"), FIRST_TEXT },
	{ BYTES("EHLOS mx\r\n"), FIRST_TEXT },
	{ BYTES("HELP\r\n"), FIRST_TEXT },
	{ BYTES("\x16\x03\x01\x02\x00\x01"), FIRST_TLS },
	{ BYTES("\x15\x03\x03\x00\x02\x02\x28"), FIRST_TLS },
	{ BYTES("\x17\x03\x03"), FIRST_TLS },
	{ BYTES("\x14\x03\x04"), FIRST_TLS },
	{ BYTES("\x16\x03\x05\x02"), FIRST_BINARY },
	{ BYTES("\x18\x03\x03\x00"), FIRST_BINARY },
	{ BYTES("\x16\x03"), FIRST_BINARY },
	{ BYTES("GET / HTTP/1.1\r\n"), FIRST_OTHER },
	{ BYTES("POST / HTTP/1.1\r\n"), FIRST_OTHER },
	{ BYTES("HTTP/1.1 200 OK\r\n"), FIRST_OTHER },
	{ BYTES("CONNECT mx.example:25 HTTP/1.1\r\n"), FIRST_OTHER },
	{ BYTES("SSH-2.0-OpenSSH_9.2\r\n"), FIRST_OTHER },
	{ BYTES("*1\r\n$4\r\nPING\r\n"), FIRST_OTHER },
	{ BYTES("<?xml version='1.0'?>"), FIRST_OTHER },
	{ BYTES("GETTING somewhere\r\n"), FIRST_TEXT },
	{ BYTES("* OK IMAP4rev1\r\n"), FIRST_IMAP_SERVER },
	{ BYTES("* PREAUTH hello\r\n"), FIRST_IMAP_SERVER },
	{ BYTES("* BYE no\r\n"), FIRST_IMAP_SERVER },
	{ BYTES("* OKAY\r\n"), FIRST_TEXT },
	{ BYTES("+OK POP3\r\n"), FIRST_POP3_SERVER },
	{ BYTES("+OK\r\n"), FIRST_POP3_SERVER },
	{ BYTES("+OKAY\r\n"), FIRST_TEXT },
	{ BYTES("USER alice\r\n"), FIRST_POP3_CLIENT },
	{ BYTES("capa\r\n"), FIRST_POP3_CLIENT },
	{ BYTES("STLS\r\n"), FIRST_POP3_CLIENT },
	{ BYTES("a1 CAPABILITY\r\n"), FIRST_IMAP_CLIENT },
	{ BYTES(". starttls\r\n"), FIRST_IMAP_CLIENT },
	{ BYTES("a1 LOGIN x y\r\n"), FIRST_IMAP_CLIENT },
	{ BYTES("a1 LOGIN x y"), FIRST_TEXT },
	{ BYTES("I LOGINED\r\n"), FIRST_TEXT },
	{ BYTES("MAIL FROM:<a@client.example>\r\n"), FIRST_TEXT },
	{ BYTES("caf\xc3\xa9\r\n"), FIRST_TEXT },
	{ BYTES("a\tb\r\n"), FIRST_TEXT },
	{ BYTES(""), FIRST_TEXT },
	{ BYTES("a\0b"), FIRST_BINARY },
	{ BYTES("\x7f"), FIRST_BINARY },
	{ BYTES("\x1b[31m"), FIRST_BINARY },
};

static void first_bytes_tell(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t n = cases[i].bytes.len;
		uint8_t *copy = malloc(n ? n : 1);
		enum first_bytes got;

		assert_non_null(copy);
		memcpy(copy, cases[i].bytes.at, n);
		got = classify_first_bytes((struct span){ copy, n });
		if (got != cases[i].what)
			fail_msg("\"%s\": %d, not %d", (const char *)cases[i].bytes.at, got,
				 cases[i].what);
		free(copy);
	}
}

/* Only the beginning is looked at, so that a large segment costs no more than a small one. */
static void only_the_beginning_is_looked_at(void **state)
{
	uint8_t text[1400];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[64] = 0;
	assert_int_equal(classify_first_bytes((struct span){ text, sizeof(text) }), FIRST_TEXT);
	text[63] = 0;
	assert_int_equal(classify_first_bytes((struct span){ text, sizeof(text) }), FIRST_BINARY);
}

/* libndpi ------------------------------------------------------------------------------------ */

static void there_is_room_for_so_many(void **state)
{
	struct classifier *c = classifier_new(3);
	uint32_t flows[3];

	(void)state;
	assert_non_null(c);
	for (unsigned i = 0; i < 3; i++)
		flows[i] = classifier_begin(c);
#ifdef HAVE_NDPI
	assert_true(flows[0] && flows[1] && flows[2]);
	assert_true(flows[0] != flows[1] && flows[1] != flows[2] && flows[0] != flows[2]);
	assert_int_equal(classifier_begin(c), 0);
	classifier_end(c, flows[1]);
	assert_int_equal(classifier_begin(c), flows[1]);
#endif
	assert_int_equal(classifier_begin(c), 0);
	for (unsigned i = 0; i < 3; i++)
		classifier_end(c, flows[i]);
	classifier_end(c, 0);
	classifier_free(c);
	classifier_free(NULL);
}

struct line {
	bool from_server;
	const char *text;
};

/* libndpi takes a segment whose numbers do not move for a retransmission. */
static struct packet packet_of(struct made_frame *f, const struct line *l, uint32_t next[2])
{
	uint32_t length = (uint32_t)strlen(l->text);
	char words[32];
	uint8_t *ip, *tcp;
	struct packet p;

	snprintf(words, sizeof(words), "ip4 tcp data%u", length);
	make_frame(f, words, 8025);
	ip = f->buffer + f->at;
	tcp = ip + 20;
	memcpy(tcp + 20, l->text, length);
	frame_be32(tcp + 4, next[l->from_server]);
	frame_be32(tcp + 8, next[!l->from_server]);
	next[l->from_server] += length;
	if (l->from_server) {
		memcpy(ip + 12, "\xc6\x33\x64\x02\xc0\x00\x02\x01", 8);
		frame_be16(tcp, 8025);
		frame_be16(tcp + 2, FRAME_CLIENT_PORT);
	}
	assert_int_equal(decode_frame(NULL, LINK_RAW, ip, frame_size(f), &p), HEALTH_DELIVERED);
	p.time_ns = 1709287200ull * 1000000000;
	return p;
}

static enum opinion opinion_on(const struct line *lines, size_t n)
{
	struct classifier *c = classifier_new(1);
	uint32_t flow = classifier_begin(c);
	enum opinion o = OPINION_NONE;
	uint32_t next[2] = { 1, 1 };

	for (size_t i = 0; i < n && o == OPINION_NONE; i++) {
		struct made_frame f;
		struct packet p = packet_of(&f, &lines[i], next);

		o = classifier_packet(c, flow, &p);
	}
	classifier_end(c, flow);
	classifier_free(c);
	return o;
}

static void mail_on_an_odd_port_is_found(void **state)
{
	static const struct line smtp[] = {
		{ true, "220 mx.example ESMTP Postfix\r\n" },
		{ false, "EHLO client.example\r\n" },
		{ true, "250-mx.example\r\n250 STARTTLS\r\n" },
		{ false, "MAIL FROM:<a@client.example>\r\n" },
		{ true, "250 2.1.0 Ok\r\n" },
		{ false, "RCPT TO:<b@mx.example>\r\n" },
	};

	(void)state;
#ifdef HAVE_NDPI
	assert_int_equal(opinion_on(smtp, 6), OPINION_MAIL);
#else
	assert_int_equal(opinion_on(smtp, 6), OPINION_NONE);
#endif
}

static void what_is_no_mail_is_not_called_mail(void **state)
{
	static const struct line ftp[] = {
		{ true, "220 ftp.example FTP server ready\r\n" },
		{ false, "USER anonymous\r\n" },
		{ true, "331 Please specify the password.\r\n" },
		{ false, "PASS guest@\r\n" },
		{ true, "230 Login successful.\r\n" },
	};
	static const struct line http[] = {
		{ false, "GET / HTTP/1.1\r\nHost: www.example\r\n\r\n" },
		{ true, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" },
	};

	(void)state;
	assert_int_not_equal(opinion_on(ftp, 5), OPINION_MAIL);
	assert_int_not_equal(opinion_on(http, 2), OPINION_MAIL);
}

static void without_a_flow_there_is_no_opinion(void **state)
{
	static const struct line greeting = { true, "220 mx.example ESMTP Postfix\r\n" };
	struct classifier *c = classifier_new(1);
	uint32_t next[2] = { 1, 1 };
	struct made_frame f;
	struct packet p = packet_of(&f, &greeting, next);
	uint32_t flow = classifier_begin(c);

	(void)state;
	assert_int_equal(classifier_packet(c, 0, &p), OPINION_NONE);
	p.ip_length = 0;
	assert_int_equal(classifier_packet(c, flow, &p), OPINION_NONE);
	classifier_end(c, flow);
	classifier_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_bytes_tell),
		cmocka_unit_test(only_the_beginning_is_looked_at),
		cmocka_unit_test(there_is_room_for_so_many),
		cmocka_unit_test(mail_on_an_odd_port_is_found),
		cmocka_unit_test(what_is_no_mail_is_not_called_mail),
		cmocka_unit_test(without_a_flow_there_is_no_opinion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
