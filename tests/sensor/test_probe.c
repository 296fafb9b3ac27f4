/* Tests what a connection must show to be taken for mail. The packets have nothing that libndpi
 * could name; its opinion is set by hand.
 */
#include "tests/unit.h"

#include "sensor/probe.h"
#include "tests/dissectors/script.h"

#define A_FEW 8  /* packets with payload that a connection has */
#define MANY  64 /* while some of it is held back */

struct world {
	struct classifier *classifier;
	struct probe probe;
	struct mail mail;
};

static void begin(struct world *w, bool open, enum protocol protocol)
{
	probe_init(&w->probe, open);
	mail_init(&w->mail, protocol, classify_service(protocol), true);
	w->mail.facts.visible[CLIENT] = w->mail.facts.visible[SERVER] = true;
}

static void packet(struct world *w)
{
	static const struct packet p;

	probe_packet(&w->probe, w->classifier, &w->mail, &p);
}

/* Each step is a packet. */
static void say(struct world *w, const char *script)
{
	struct step st;

	while (script_step(&script, &st)) {
		packet(w);
		mail_feed(&w->mail, st.from, st.bytes.at, st.bytes.n);
	}
}

static enum probe_answer ask(struct world *w, bool waits)
{
	return probe_ask(&w->probe, &w->mail, waits);
}

static void its_own_commands_show_it(void **state)
{
	struct world *w = *state;

	begin(w, true, PROTOCOL_SMTP);
	say(w, "S:220 mx");
	assert_int_equal(ask(w, false), PROBE_OPEN);
	assert_false(probe_is_mail(&w->probe, &w->mail));
	say(w, "C:EHLO c|S:250 mx|C:MAIL FROM:<>");
	assert_int_equal(ask(w, false), PROBE_MAIL);
	assert_false(w->probe.open);
	assert_true(probe_is_mail(&w->probe, &w->mail));
	probe_fini(&w->probe, w->classifier);
}

static void commands_want_a_greeting_unless_it_was_not_seen(void **state)
{
	struct world *w = *state;
	const char *commands = "C:EHLO c|C:MAIL FROM:<>";

	begin(w, true, PROTOCOL_SMTP);
	say(w, commands);
	assert_int_equal(ask(w, false), PROBE_OPEN);
	w->mail.facts.visible[SERVER] = false;
	assert_int_equal(ask(w, false), PROBE_MAIL);
	probe_fini(&w->probe, w->classifier);
}

/* It may be mail, and another protocol's: the text was not understood, so nobody knows whether a login
 * stands in it. */
static void text_of_a_client_alone_begins_like_smtp(void **state)
{
	struct world *w = *state;

	begin(w, true, PROTOCOL_SMTP);
	w->mail.facts.visible[SERVER] = false;
	say(w, "C:a1 APPEND INBOX|C:MAIL FROM:<>|C:EHLO c");
	assert_int_equal(ask(w, false), PROBE_OPEN);
	probe_fini(&w->probe, w->classifier);
	begin(w, true, PROTOCOL_SMTP);
	w->mail.facts.visible[SERVER] = false;
	say(w, "C:a1 AUTHENTICATE PLAIN AGEAYg==|C:a2 STARTTLS|C:<ch>");
	w->probe.ndpi_mail = true;
	assert_int_equal(ask(w, false), PROBE_OPEN);
	probe_fini(&w->probe, w->classifier);
}

static void a_greeting_wants_the_word_of_libndpi(void **state)
{
	struct world *w = *state;

	begin(w, true, PROTOCOL_SMTP);
	say(w, "S:220 mx");
	assert_int_equal(ask(w, false), PROBE_OPEN);
	w->probe.ndpi_mail = true;
	assert_int_equal(ask(w, false), PROBE_MAIL);
	probe_fini(&w->probe, w->classifier);
}

static void its_chance_is_a_few_packets_and_more_when_some_wait(void **state)
{
	struct world *w = *state;

	begin(w, true, PROTOCOL_SMTP);
	for (unsigned i = 1; i < MANY; i++) {
		packet(w);
		assert_int_equal(ask(w, false), i < A_FEW ? PROBE_OPEN : PROBE_NOT_MAIL);
		assert_int_equal(ask(w, true), PROBE_OPEN);
	}
	packet(w);
	assert_int_equal(ask(w, true), PROBE_NOT_MAIL);
	for (unsigned i = 0; i < 2 * UINT8_MAX; i++)
		packet(w);
	assert_int_equal(ask(w, true), PROBE_NOT_MAIL);
	probe_fini(&w->probe, w->classifier);
}

static void say_hello(struct world *w, const char *sni)
{
	struct hello hello = { .version = 0x0303, .sni = sni };
	struct bytes b = { 0 };
	size_t record, message;

	put(&b, 3, 0x160301);
	record = put_open(&b, 2);
	put(&b, 1, 1);
	message = put_open(&b, 3);
	put_client_hello(&b, &hello);
	put_close(&b, 3, message);
	put_close(&b, 2, record);
	packet(w);
	mail_feed(&w->mail, CLIENT, b.at, b.n);
}

static void tls_is_named_by_what_the_client_asks_for(void **state)
{
	struct world *w = *state;

	begin(w, true, PROTOCOL_NONE);
	say_hello(w, "imap.example");
	assert_false(probe_is_mail(&w->probe, &w->mail));
	assert_int_equal(ask(w, false), PROBE_MAIL);
	assert_int_equal(w->mail.facts.s.protocol, PROTOCOL_IMAP);
	assert_int_equal(w->mail.facts.s.service, SERVICE_ACCESS);
	probe_fini(&w->probe, w->classifier);
}

static void after_the_hello_tls_has_had_its_chance(void **state)
{
	struct world *w = *state;

	begin(w, true, PROTOCOL_NONE);
	packet(w);
	assert_int_equal(ask(w, false), PROBE_OPEN);
	say_hello(w, "www.example");
	assert_int_equal(ask(w, false), PROBE_NOT_MAIL);
	probe_fini(&w->probe, w->classifier);
}

static void on_a_mail_port_only_other_words_speak_against_it(void **state)
{
	struct world *w = *state;

	begin(w, false, PROTOCOL_SMTP);
	assert_true(probe_is_mail(&w->probe, &w->mail));
	say(w, "C:neither this|C:nor that");
	assert_false(probe_is_mail(&w->probe, &w->mail));
	w->mail.facts.syn_seen = false;
	assert_true(probe_is_mail(&w->probe, &w->mail));
	probe_fini(&w->probe, w->classifier);
}

/* There is room for one flow with libndpi, and none without it. */
static void what_libndpi_holds_is_given_back(void **state)
{
	struct world *w = *state;
	uint32_t flow;

	begin(w, true, PROTOCOL_SMTP);
	packet(w);
	flow = w->probe.ndpi;
	probe_fini(&w->probe, w->classifier);
	assert_int_equal(w->probe.ndpi, 0);

	begin(w, true, PROTOCOL_SMTP);
	say(w, "S:220 mx");
	assert_int_equal(w->probe.ndpi, flow);
	packet(w); /* a greeting is known without libndpi */
	assert_int_equal(w->probe.ndpi, 0);

	begin(w, true, PROTOCOL_SMTP);
	for (unsigned i = 0; i < A_FEW; i++) {
		packet(w);
		assert_int_equal(w->probe.ndpi, flow);
	}
	packet(w);
	assert_int_equal(w->probe.ndpi, 0);
}

static int set_up(void **state)
{
	static struct world w;

	w.classifier = classifier_new(1);
	*state = &w;
	return w.classifier ? 0 : -1;
}

static int tear_down(void **state)
{
	classifier_free(((struct world *)*state)->classifier);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(its_own_commands_show_it),
		cmocka_unit_test(commands_want_a_greeting_unless_it_was_not_seen),
		cmocka_unit_test(text_of_a_client_alone_begins_like_smtp),
		cmocka_unit_test(a_greeting_wants_the_word_of_libndpi),
		cmocka_unit_test(its_chance_is_a_few_packets_and_more_when_some_wait),
		cmocka_unit_test(tls_is_named_by_what_the_client_asks_for),
		cmocka_unit_test(after_the_hello_tls_has_had_its_chance),
		cmocka_unit_test(on_a_mail_port_only_other_words_speak_against_it),
		cmocka_unit_test(what_libndpi_holds_is_given_back),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
