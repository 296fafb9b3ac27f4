/* Tests the SNMP sink against a receiver that the test is: what it sends, and what it makes of
 * answers that are wrong, late, or none. What a real receiver understands: test_sinks_snmp.py. */
#include "tests/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/sink.h"
#include "tests/reports/alert_sample.h"

#ifdef HAVE_NETSNMP

#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE 60 /* seconds; for an answer that comes */
#define PACKET   1500

/* Tags (RFC 3416, section 3). */
#define TAG_RESPONSE 0xa2
#define TAG_INFORM   0xa6
#define TAG_TRAP     0xa7

struct fixture {
	struct incident incident;
	struct alert alert;
	struct target target;
	int fd; /* of the receiver */
	char answer[SINK_ANSWER_MAX + 1];
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);

	assert_non_null(f);
	f->incident = sample_incident();
	f->alert = sample_alert(EVENT_OPENED, &f->incident);
	f->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(f->fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(getsockname(f->fd, (struct sockaddr *)&at, &len), 0);
	f->target.kind = TARGET_SNMP;
	f->target.timeout_s = PATIENCE;
	f->target.port = ntohs(at.sin_port);
	strcpy(f->target.host, "127.0.0.1");
	strcpy(f->target.user, "public");
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	close(f->fd);
	free(f);
	return 0;
}

static enum sink_answer send_to(struct fixture *f)
{
	char err[256] = "";
	struct sink *s = sink_open(&f->target, err, sizeof(err));
	enum sink_answer answer;

	if (!s)
		fail_msg("%s", err);
	answer = sink_send(s, &f->alert, f->answer);
	sink_close(s);
	return answer;
}

/* The other side ----------------------------------------------------------------------------- */

/* The place of a PDU with this tag, behind the community; NULL. */
static uint8_t *pdu_in(uint8_t *packet, size_t n, int tag)
{
	uint8_t *community = memmem(packet, n, "public", 6);

	return community && community[6] == tag ? community + 6 : NULL;
}

/* Answers every inform with this error-status, until killed. -1: with what is no SNMP. */
static void answer_informs(int fd, int status)
{
	for (;;) {
		uint8_t packet[PACKET];
		struct sockaddr_in from;
		socklen_t len = sizeof(from);
		const ssize_t n =
			recvfrom(fd, packet, sizeof(packet), 0, (struct sockaddr *)&from, &len);
		uint8_t *pdu = n > 0 ? pdu_in(packet, (size_t)n, TAG_INFORM) : NULL;
		uint8_t *id; /* of the request: INTEGER, its length, its octets */

		if (!pdu)
			_exit(1);
		id = pdu + (pdu[1] & 0x80 ? 2 + (pdu[1] & 0x7f) : 2);
		pdu[0] = TAG_RESPONSE;
		id[2 + id[1] + 2] = (uint8_t)status;
		if (status < 0)
			memset(packet, 0xff, (size_t)n);
		sendto(fd, packet, (size_t)n, 0, (struct sockaddr *)&from, len);
	}
}

static enum sink_answer send_answered(struct fixture *f, int status)
{
	const pid_t child = fork();
	enum sink_answer answer;

	assert_in_range(child, 0, INT32_MAX);
	if (child == 0)
		answer_informs(f->fd, status);
	f->target.inform = true;
	answer = send_to(f);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	return answer;
}

/* Tests -------------------------------------------------------------------------------------- */

static void trap_is_taken_when_sent(void **state)
{
	/* mailsealNotifications.1, less the enterprise number, and the community */
	static const uint8_t opened[] = { 25, 0, 1 };
	struct fixture *f = *state;
	uint8_t packet[PACKET];
	ssize_t n;

	assert_int_equal(send_to(f), SINK_TAKEN);
	assert_string_equal(f->answer, "sent");
	n = recv(f->fd, packet, sizeof(packet), MSG_DONTWAIT);
	assert_true(n > 0);
	assert_non_null(pdu_in(packet, (size_t)n, TAG_TRAP));
	assert_non_null(memmem(packet, (size_t)n, opened, sizeof(opened)));
	assert_non_null(memmem(packet, (size_t)n, "orange", 6));
}

static void inform_is_taken_when_acknowledged(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(send_answered(f, 0), SINK_TAKEN);
	assert_string_equal(f->answer, "acknowledged");
}

static void inform_that_fails_there_waits(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(send_answered(f, 5), SINK_LATER);
	assert_non_null(strstr(f->answer, "genError"));
}

static void inform_that_is_too_big_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(send_answered(f, 1), SINK_REFUSED);
	assert_non_null(strstr(f->answer, "tooBig"));
}

static void rubbish_is_no_answer(void **state)
{
	struct fixture *f = *state;

	f->target.timeout_s = 1;
	assert_int_equal(send_answered(f, -1), SINK_LATER);
	assert_string_equal(f->answer, "no answer in 1 s");
}

static void inform_waits_for_who_is_silent(void **state)
{
	struct fixture *f = *state;
	uint8_t packet[PACKET];
	unsigned tries = 0;

	f->target.timeout_s = 1;
	f->target.inform = true;
	assert_int_equal(send_to(f), SINK_LATER);
	assert_string_equal(f->answer, "no answer in 1 s");
	while (recv(f->fd, packet, sizeof(packet), MSG_DONTWAIT) > 0)
		tries++;
	assert_in_range(tries, 2, 3); /* UDP loses packets */
}

/* Version 3 asks first who is there. */
static void discovery_gives_up(void **state)
{
	struct fixture *f = *state;

	f->target.timeout_s = 1;
	f->target.inform = true;
	f->target.security = SNMP_NO_AUTH;
	assert_int_equal(send_to(f), SINK_LATER);
	assert_string_equal(f->answer, "no answer in 1 s");
}

static void trap_of_version_3_names_its_engine(void **state)
{
	struct fixture *f = *state;
	uint8_t packet[PACKET];
	ssize_t n;

	f->target.security = SNMP_NO_AUTH;
	assert_int_equal(send_to(f), SINK_TAKEN);
	assert_memory_equal(f->answer, "sent by engine 0x80", 19);
	assert_non_null(strstr(f->answer, "057468322d31")); /* format 5, th2-1 */
	n = recv(f->fd, packet, sizeof(packet), MSG_DONTWAIT);
	assert_true(n > 0);
	assert_non_null(memmem(packet, (size_t)n, "\x05th2-1", 6));
}

static void name_that_is_none_may_come(void **state)
{
	struct fixture *f = *state;

	strcpy(f->target.host, "no..name"); /* for which no name server is asked */
	assert_int_equal(send_to(f), SINK_LATER);
	assert_memory_equal(f->answer, "no..name: ", 10);
}

static void pass_phrases_must_be_there(void **state)
{
	static const struct {
		const char *text; /* NULL: no such file */
		bool good;
	} cases[] = {
		{ NULL, false },           { "", false },        { "seven77\n", false },
		{ "eight888\n", true },    { "eight888", true }, { "eight888\r\nmore\n", true },
		{ "\neight888\n", false },
	};
	struct fixture *f = *state;

	f->target.security = SNMP_AUTH;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char err[256] = "";
		struct sink *s;
		int fd;

		strcpy(f->target.auth_file, "/tmp/mailseal-phrase-XXXXXX");
		fd = mkstemp(f->target.auth_file);
		assert_true(fd >= 0);
		if (cases[i].text)
			assert_int_equal(write(fd, cases[i].text, strlen(cases[i].text)),
					 strlen(cases[i].text));
		else
			unlink(f->target.auth_file);
		close(fd);
		s = sink_open(&f->target, err, sizeof(err));
		if (cases[i].text)
			unlink(f->target.auth_file);
		if (!s)
			assert_non_null(strstr(err, f->target.auth_file));
		assert_int_equal(s != NULL, cases[i].good);
		sink_close(s);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(trap_is_taken_when_sent),
		TEST(inform_is_taken_when_acknowledged),
		TEST(inform_that_fails_there_waits),
		TEST(inform_that_is_too_big_is_refused),
		TEST(rubbish_is_no_answer),
		TEST(inform_waits_for_who_is_silent),
		TEST(discovery_gives_up),
		TEST(trap_of_version_3_names_its_engine),
		TEST(name_that_is_none_may_come),
		TEST(pass_phrases_must_be_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
	puts("1..0 # SKIP built without Net-SNMP");
	return 0;
}

#endif
