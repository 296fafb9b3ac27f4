/* Tests alerts to a syslog daemon that the test is: what it gets, and what becomes of one that is
 * down, slow, gone or started anew. */
#include "tests/unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reports/outlet.h"
#include "reports/syslog_line.h"
#include "tests/reports/alert_sample.h"

#define PATIENT 60
#define LARGE   (16u << 20) /* more than two socket buffers hold */

struct fixture {
	char folder[64], path[96];
	struct incident incident;
	struct alert alert;
	struct target target;
	char answer[SINK_ANSWER_MAX + 1];
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	strcpy(f->folder, "/tmp/mailseal-syslog-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->path, sizeof(f->path), "%s/log", f->folder);
	f->incident = sample_incident();
	f->alert = sample_alert(EVENT_OPENED, &f->incident);
	f->target.kind = TARGET_SYSLOG;
	f->target.timeout_s = PATIENT;
	strcpy(f->target.socket, f->path);
	strcpy(f->target.host, "127.0.0.1");
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	unlink(f->path);
	assert_int_equal(rmdir(f->folder), 0);
	free(f);
	return 0;
}

/* The other side ----------------------------------------------------------------------------- */

static int local_daemon(const struct fixture *f)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	unlink(f->path);
	strcpy(at.sun_path, f->path);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

/* On a port of the system's choice, which the target then has and keeps. backlog -1: does not listen. */
static int inet_daemon(struct fixture *f, int type, int backlog)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)f->target.port) };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), on = 1;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	f->target.port = ntohs(at.sin_port);
	f->target.transport = type == SOCK_STREAM ? TRANSPORT_TCP : TRANSPORT_UDP;
	if (type == SOCK_STREAM && backlog >= 0)
		assert_int_equal(listen(fd, backlog), 0);
	return fd;
}

static int take(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

/* What the sink may send at any moment, and the test knows: the line of the alert. */
static void expected(const struct fixture *f, char line[SYSLOG_LINE_MAX])
{
	char host[256] = "";

	(void)gethostname(host, sizeof(host) - 1);
	syslog_line(&f->alert, host, (unsigned long)getpid(), line);
}

static void assert_datagram(const struct fixture *f, int fd)
{
	char said[2 * SYSLOG_LINE_MAX], line[SYSLOG_LINE_MAX];
	ssize_t n = recv(fd, said, sizeof(said) - 1, 0);

	assert_true(n > 0);
	said[n] = '\0';
	expected(f, line);
	assert_string_equal(said, line);
}

/* One message in its frame: "LENGTH MESSAGE". */
static void assert_frame(const struct fixture *f, int fd)
{
	char said[2 * SYSLOG_LINE_MAX], line[SYSLOG_LINE_MAX], frame[SYSLOG_LINE_MAX + 16];
	size_t want;

	expected(f, line);
	want = (size_t)snprintf(frame, sizeof(frame), "%zu %s", strlen(line), line);
	assert_int_equal(recv(fd, said, want, MSG_WAITALL), want);
	said[want] = '\0';
	assert_string_equal(said, frame);
}

/* The sink ----------------------------------------------------------------------------------- */

static struct sink *opened(const struct fixture *f)
{
	char err[128] = "";
	struct sink *s = sink_open(&f->target, err, sizeof(err));

	assert_non_null(s);
	return s;
}

static void assert_send(struct fixture *f, struct sink *s, enum sink_answer taken,
			const char *answer)
{
	enum sink_answer got = sink_send(s, &f->alert, f->answer);

	assert_string_equal(f->answer, answer);
	assert_int_equal(got, taken);
}

static void assert_taken(struct fixture *f, struct sink *s)
{
	assert_int_equal(sink_send(s, &f->alert, f->answer), SINK_TAKEN);
}

static struct outlet *opened_outlet(const struct fixture *f)
{
	char err[128];
	const struct target *t = &f->target;
	const char *where = t->transport == TRANSPORT_LOCAL ? t->socket : t->host;
	struct outlet *o = outlet_new(t->transport, where, t->port, t->timeout_s, err, sizeof(err));

	assert_non_null(o);
	return o;
}

static enum sink_answer send_large(struct fixture *f, struct outlet *o)
{
	char *message = calloc(1, LARGE);
	enum sink_answer taken;

	assert_non_null(message);
	taken = outlet_send(o, message, LARGE, f->answer, sizeof(f->answer));
	free(message);
	return taken;
}

/* Local -------------------------------------------------------------------------------------- */

static void local_gets_a_datagram_for_each(void **state)
{
	struct fixture *f = *state;
	int fd = local_daemon(f);
	struct sink *s = opened(f);

	assert_taken(f, s);
	assert_non_null(strstr(f->answer, "written to /tmp/mailseal-syslog-"));
	assert_datagram(f, fd);
	f->alert.event = EVENT_TEST;
	assert_taken(f, s);
	assert_datagram(f, fd);
	sink_close(s);
	close(fd);
}

static void odd_values_arrive_as_they_are(void **state)
{
	struct fixture *f = *state;
	int fd = local_daemon(f);
	struct sink *s = opened(f);

	strcpy(f->incident.why, "a \"b\" c\\d ]e[ \xc3\xa9t\xc3\xa9 f\ng");
	assert_taken(f, s);
	assert_datagram(f, fd);
	sink_close(s);
	close(fd);
}

static void local_may_start_later_and_anew(void **state)
{
	struct fixture *f = *state;
	struct sink *s = opened(f);
	int fd;

	assert_send(f, s, SINK_LATER, "there is no such socket");
	fd = local_daemon(f);
	assert_taken(f, s);
	assert_datagram(f, fd);
	close(fd);
	assert_send(f, s, SINK_LATER, "connection refused"); /* the file is still there */
	fd = local_daemon(f);
	assert_taken(f, s);
	assert_datagram(f, fd);
	close(fd);
	fd = local_daemon(f); /* anew, while nobody looked */
	assert_taken(f, s);
	assert_datagram(f, fd);
	sink_close(s);
	close(fd);
}

static void local_that_does_not_read_is_later(void **state)
{
	struct fixture *f = *state;
	enum sink_answer taken = SINK_TAKEN;
	struct sink *s;
	int fd = local_daemon(f);

	f->target.timeout_s = 1;
	s = opened(f);
	for (unsigned n = 0; n < 100000 && taken == SINK_TAKEN; n++)
		taken = sink_send(s, &f->alert, f->answer);
	assert_int_equal(taken, SINK_LATER);
	assert_string_equal(f->answer, "no answer in 1 s");
	assert_datagram(f, fd); /* now there is room */
	assert_taken(f, s);
	sink_close(s);
	close(fd);
}

static void what_never_fits_is_refused(void **state)
{
	struct fixture *f = *state;
	int fd = local_daemon(f);
	struct outlet *o = opened_outlet(f);

	assert_int_equal(send_large(f, o), SINK_REFUSED);
	assert_string_equal(f->answer, "a message of 16777216 bytes is too long for it");
	assert_int_equal(outlet_send(o, "x", 1, f->answer, sizeof(f->answer)), SINK_TAKEN);
	outlet_free(o);
	close(fd);
}

static void a_path_too_long_is_no_target(void **state)
{
	struct fixture *f = *state;
	char err[160] = "";

	memset(f->target.socket, 'x', TARGET_TEXT_MAX);
	assert_null(sink_open(&f->target, err, sizeof(err)));
	assert_non_null(strstr(err, "no socket has a path that long"));
}

/* UDP ---------------------------------------------------------------------------------------- */

static void udp_gets_a_datagram_for_each(void **state)
{
	struct fixture *f = *state;
	int fd = inet_daemon(f, SOCK_DGRAM, -1);
	struct sink *s = opened(f);

	assert_send(f, s, SINK_TAKEN, "sent; UDP does not confirm");
	assert_datagram(f, fd);
	assert_taken(f, s);
	assert_datagram(f, fd);
	sink_close(s);
	close(fd);
}

static void udp_hears_that_nobody_listens(void **state)
{
	struct fixture *f = *state;
	int fd = inet_daemon(f, SOCK_DGRAM, -1);
	struct sink *s = opened(f);

	close(fd);
	assert_send(f, s, SINK_LATER, "connection refused");
	assert_send(f, s, SINK_LATER, "connection refused");
	fd = inet_daemon(f, SOCK_DGRAM, -1);
	assert_taken(f, s);
	assert_datagram(f, fd);
	sink_close(s);
	close(fd);
}

/* TCP ---------------------------------------------------------------------------------------- */

static void tcp_counts_octets(void **state)
{
	struct fixture *f = *state;
	int listener = inet_daemon(f, SOCK_STREAM, 8), fd;
	struct sink *s = opened(f);
	char answer[96];

	snprintf(answer, sizeof(answer), "received by 127.0.0.1 port %u", f->target.port);
	assert_send(f, s, SINK_TAKEN, answer);
	fd = take(listener);
	assert_frame(f, fd);
	strcpy(f->incident.why, "na\xc3\xafve \xe2\x82\xac"); /* octets, not characters */
	assert_taken(f, s);
	assert_frame(f, fd);
	sink_close(s);
	close(fd);
	close(listener);
}

static void tcp_may_refuse(void **state)
{
	struct fixture *f = *state;
	int fd = inet_daemon(f, SOCK_STREAM, -1); /* bound, not listening */
	struct sink *s = opened(f);

	assert_send(f, s, SINK_LATER, "connection refused");
	assert_int_equal(listen(fd, 8), 0);
	assert_taken(f, s);
	sink_close(s);
	close(fd);
}

/* No room in the queue of those that wait to be accepted: SYNs are dropped. */
static void tcp_may_not_answer(void **state)
{
	struct fixture *f = *state;
	int listener = inet_daemon(f, SOCK_STREAM, 0);
	struct sink *waiting[8];
	enum sink_answer taken = SINK_TAKEN;
	size_t n = 0;

	f->target.timeout_s = 1;
	while (n < 8 && taken == SINK_TAKEN) {
		waiting[n] = opened(f);
		taken = sink_send(waiting[n++], &f->alert, f->answer);
	}
	assert_int_equal(taken, SINK_LATER);
	assert_string_equal(f->answer, "no answer in 1 s");
	while (n > 0)
		sink_close(waiting[--n]);
	close(listener);
}

/* What was broken off is not continued: the next message begins a connection of its own. */
static void tcp_that_does_not_read_is_later(void **state)
{
	struct fixture *f = *state;
	int listener = inet_daemon(f, SOCK_STREAM, 8), first, second;
	struct outlet *o;
	char byte;

	f->target.timeout_s = 1;
	o = opened_outlet(f);
	assert_int_equal(send_large(f, o), SINK_LATER);
	assert_string_equal(f->answer, "no answer in 1 s");
	first = take(listener);
	assert_int_equal(outlet_send(o, "x", 1, f->answer, sizeof(f->answer)), SINK_TAKEN);
	second = take(listener);
	assert_int_equal(recv(second, &byte, 1, 0), 1);
	assert_int_equal(byte, 'x');
	outlet_free(o);
	close(second);
	close(first);
	close(listener);
}

/* All of it is written, but the other host cannot take it. */
static void tcp_that_does_not_acknowledge_is_later(void **state)
{
	static const char message[65536];
	struct fixture *f = *state;
	int listener = inet_daemon(f, SOCK_STREAM, 8), small = 2048;
	struct outlet *o;

	assert_int_equal(setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
	f->target.timeout_s = 1;
	o = opened_outlet(f);
	assert_int_equal(outlet_send(o, message, sizeof(message), f->answer, sizeof(f->answer)),
			 SINK_LATER);
	assert_string_equal(f->answer, "no answer in 1 s");
	outlet_free(o);
	close(listener);
}

/* In a process of its own: reads some of the first connection, and resets it. */
static pid_t reset_in_the_middle(int listener)
{
	const struct linger hard = { .l_onoff = 1, .l_linger = 0 };
	pid_t pid = fork();
	char some[1000];
	int fd;

	if (pid != 0)
		return pid;
	fd = accept(listener, NULL, NULL);
	(void)!recv(fd, some, sizeof(some), MSG_WAITALL);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(fd);
	_exit(0);
}

static void tcp_reset_in_the_middle_is_later(void **state)
{
	struct fixture *f = *state;
	int listener = inet_daemon(f, SOCK_STREAM, 8), fd;
	struct outlet *o = opened_outlet(f);
	pid_t pid = reset_in_the_middle(listener);

	assert_int_equal(send_large(f, o), SINK_LATER);
	assert_string_equal(f->answer, "the connection was closed by the other side");
	assert_int_equal(outlet_send(o, "x", 1, f->answer, sizeof(f->answer)), SINK_TAKEN);
	fd = take(listener);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	outlet_free(o);
	close(fd);
	close(listener);
}

static void tcp_may_be_started_anew(void **state)
{
	struct fixture *f = *state;
	int listener = inet_daemon(f, SOCK_STREAM, 8), fd;
	struct sink *s = opened(f);

	assert_taken(f, s);
	fd = take(listener);
	assert_frame(f, fd);
	close(fd);
	close(listener);
	assert_send(f, s, SINK_LATER, "connection refused");
	listener = inet_daemon(f, SOCK_STREAM, 8);
	assert_taken(f, s);
	fd = take(listener);
	assert_frame(f, fd);
	close(fd); /* started anew, while nobody looked */
	assert_taken(f, s);
	fd = take(listener);
	assert_frame(f, fd);
	sink_close(s);
	close(fd);
	close(listener);
}

static void names_are_looked_up(void **state)
{
	struct fixture *f = *state;
	int listener = inet_daemon(f, SOCK_STREAM, 8), fd;
	struct sink *s;

	strcpy(f->target.host, "localhost");
	s = opened(f);
	assert_taken(f, s);
	fd = take(listener);
	assert_frame(f, fd);
	sink_close(s);
	close(fd);
	close(listener);
}

static void no_name_is_later(void **state)
{
	struct fixture *f = *state;
	struct sink *s;

	f->target.transport = TRANSPORT_TCP;
	strcpy(f->target.host, "syslog..invalid"); /* no resolver is asked for that */
	s = opened(f);
	assert_int_equal(sink_send(s, &f->alert, f->answer), SINK_LATER);
	assert_int_equal(strncmp(f->answer, "syslog..invalid: ", 17), 0);
	sink_close(s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(local_gets_a_datagram_for_each),
		TEST(odd_values_arrive_as_they_are),
		TEST(local_may_start_later_and_anew),
		TEST(local_that_does_not_read_is_later),
		TEST(what_never_fits_is_refused),
		TEST(a_path_too_long_is_no_target),
		TEST(udp_gets_a_datagram_for_each),
		TEST(udp_hears_that_nobody_listens),
		TEST(tcp_counts_octets),
		TEST(tcp_may_refuse),
		TEST(tcp_may_not_answer),
		TEST(tcp_that_does_not_read_is_later),
		TEST(tcp_that_does_not_acknowledge_is_later),
		TEST(tcp_reset_in_the_middle_is_later),
		TEST(tcp_may_be_started_anew),
		TEST(names_are_looked_up),
		TEST(no_name_is_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
