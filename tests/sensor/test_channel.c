/* Tests the channel between capture and recorder: atomic, numbered, checked. */
#include "tests/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "sensor/channel.h"

static struct message health_message(void)
{
	struct message m;

	memset(&m, 0, sizeof(m));
	m.kind = MESSAGE_HEALTH;
	m.health.n[HEALTH_PACKETS] = 7;
	return m;
}

static struct message mail_message(enum message_kind kind)
{
	struct message m;

	memset(&m, 0, sizeof(m));
	m.kind = kind;
	m.session = 42;
	m.mail.verdict = VERDICT_PLAINTEXT;
	m.mail.protocol = PROTOCOL_SMTP;
	m.mail.tls_cipher = TLS_CIPHER_NONE;
	return m;
}

struct pipe {
	struct channel writer;
	int read_fd;
};

static struct pipe open_pipe(bool wait)
{
	struct pipe p = { .writer = { .wait = wait } };

	assert_true(channel_open(&p.read_fd, &p.writer.fd, 65536));
	return p;
}

static void close_pipe(struct pipe *p)
{
	close(p->read_fd);
	close(p->writer.fd);
}

static enum channel_read receive(int fd, struct message *m)
{
	size_t n;
	enum channel_read got = channel_receive(fd, m, 1, &n);

	assert_int_equal(n, got == CHANNEL_MESSAGE);
	return got;
}

static void what_is_there_comes_at_once(void **state)
{
	struct pipe p = open_pipe(false);
	struct message m[8], out = health_message();
	size_t n;

	(void)state;
	for (unsigned i = 0; i < 9; i++)
		assert_true(channel_send(&p.writer, &out));
	memset(&out, 0x55, sizeof(out));
	assert_int_equal(write(p.writer.fd, &out, sizeof(out)), sizeof(out));
	assert_int_equal(channel_receive(p.read_fd, m, 8, &n), CHANNEL_MESSAGE);
	assert_int_equal(n, 8);
	assert_int_equal(m[7].number, 8);
	assert_int_equal(channel_receive(p.read_fd, m, 8, &n), CHANNEL_BAD);
	assert_int_equal(n, 1); /* the good one before it is not lost */
	assert_int_equal(m[0].number, 9);
	close_pipe(&p);
}

static void messages_arrive_as_sent(void **state)
{
	struct pipe p = open_pipe(false);
	struct message out = mail_message(MESSAGE_VERDICT), in;

	(void)state;
	assert_true(channel_send(&p.writer, &out));
	out = health_message();
	out.last = 1;
	assert_true(channel_send(&p.writer, &out));
	assert_int_equal(receive(p.read_fd, &in), CHANNEL_MESSAGE);
	assert_int_equal(in.kind, MESSAGE_VERDICT);
	assert_int_equal(in.number, 1);
	assert_int_equal(in.session, 42);
	assert_int_equal(in.mail.verdict, VERDICT_PLAINTEXT);
	assert_int_equal(receive(p.read_fd, &in), CHANNEL_MESSAGE);
	assert_int_equal(in.number, 2);
	assert_int_equal(in.health.n[HEALTH_PACKETS], 7);
	close(p.writer.fd);
	assert_int_equal(receive(p.read_fd, &in), CHANNEL_END);
	close(p.read_fd);
}

static void a_full_pipe_costs_messages_and_numbers_show_it(void **state)
{
	struct pipe p = open_pipe(false);
	struct message m = health_message();
	uint64_t sent = 0;

	(void)state;
	while (channel_send(&p.writer, &m))
		sent++;
	assert_true(sent > 0);
	assert_false(p.writer.broken);
	assert_false(channel_send(&p.writer, &m)); /* sent + 2 was lost as well */
	for (uint64_t i = 1; i <= sent; i++) {
		assert_int_equal(receive(p.read_fd, &m), CHANNEL_MESSAGE);
		assert_int_equal(m.number, i);
	}
	m = health_message();
	assert_true(channel_send(&p.writer, &m));
	assert_int_equal(receive(p.read_fd, &m), CHANNEL_MESSAGE);
	assert_int_equal(m.number, sent + 3);
	close_pipe(&p);
}

#define MANY 2000

static void *send_many(void *arg)
{
	struct channel *c = arg;
	struct message m = health_message();

	for (unsigned i = 0; i < MANY; i++) {
		if (!channel_send(c, &m))
			break;
	}
	channel_flush(c);
	close(c->fd);
	return NULL;
}

static void lose_nothing(bool gather)
{
	struct pipe p = open_pipe(true);
	struct message m;
	pthread_t writer;
	uint64_t n = 0;

	p.writer.gather = gather;
	assert_int_equal(pthread_create(&writer, NULL, send_many, &p.writer), 0);
	while (receive(p.read_fd, &m) == CHANNEL_MESSAGE)
		assert_int_equal(m.number, ++n);
	assert_int_equal(n, MANY);
	pthread_join(writer, NULL);
	close(p.read_fd);
}

static void a_waiting_writer_loses_nothing(void **state)
{
	(void)state;
	lose_nothing(false);
	lose_nothing(true);
}

static void a_reader_that_is_gone_is_noticed(void **state)
{
	(void)state;
	for (int wait = 0; wait <= 1; wait++) {
		struct pipe p = open_pipe(wait);
		struct message m = health_message();

		close(p.read_fd);
		assert_false(channel_send(&p.writer, &m));
		assert_true(p.writer.broken);
		assert_false(channel_send(&p.writer, &m));
		close(p.writer.fd);
	}
}

static enum channel_read receive_raw(const void *bytes, size_t len)
{
	struct pipe p = open_pipe(false);
	enum channel_read got;
	struct message m;

	assert_int_equal(write(p.writer.fd, bytes, len), len);
	close(p.writer.fd);
	got = receive(p.read_fd, &m);
	close(p.read_fd);
	return got;
}

static enum channel_read receive_message(struct message m)
{
	return receive_raw(&m, sizeof(m));
}

static struct message valid_message(enum message_kind kind)
{
	struct message m = mail_message(kind);

	m.magic = MESSAGE_MAGIC;
	m.number = 1;
	return m;
}

static void what_no_sane_writer_sends_is_refused(void **state)
{
	struct message m = valid_message(MESSAGE_END);

	(void)state;
	assert_int_equal(receive_message(m), CHANNEL_MESSAGE);
	m.magic++;
	assert_int_equal(receive_message(m), CHANNEL_BAD);
	m = valid_message(MESSAGE_KINDS);
	assert_int_equal(receive_message(m), CHANNEL_BAD);
	m = valid_message(MESSAGE_END);
	m.kind = 0;
	assert_int_equal(receive_message(m), CHANNEL_BAD);
	m = valid_message(MESSAGE_END);
	m.number = 0;
	assert_int_equal(receive_message(m), CHANNEL_BAD);
	m = valid_message(MESSAGE_WEIGHT);
	m.mail.verdict = VERDICT_NONE;
	assert_int_equal(receive_message(m), CHANNEL_BAD);
	m = valid_message(MESSAGE_VERDICT);
	m.mail.evidence_len = EVIDENCE_MAX + 1;
	assert_int_equal(receive_message(m), CHANNEL_BAD);
	m = valid_message(MESSAGE_VERDICT);
	m.last = 1;
	assert_int_equal(receive_message(m), CHANNEL_BAD);
	m = valid_message(MESSAGE_END);
	m.counted = 2;
	assert_int_equal(receive_message(m), CHANNEL_BAD);
	m = valid_message(MESSAGE_END);
	assert_int_equal(receive_raw(&m, sizeof(m) - 1), CHANNEL_END); /* the writer died */
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* A timer interrupts a reader that waits, again and again; the writer comes later. */
static void an_interrupted_read_goes_on(void **state)
{
	struct sigaction act = { .sa_handler = on_alarm }, old;
	struct itimerval every = { { 0, 1000 }, { 0, 1000 } }, off = { { 0, 0 }, { 0, 0 } };
	struct pipe p = open_pipe(true);
	pthread_t writer;
	struct message m;
	unsigned n = 0;

	(void)state;
	sigaction(SIGALRM, &act, &old);
	setitimer(ITIMER_REAL, &every, NULL);
	assert_int_equal(pthread_create(&writer, NULL, send_many, &p.writer), 0);
	while (receive(p.read_fd, &m) == CHANNEL_MESSAGE)
		n++;
	setitimer(ITIMER_REAL, &off, NULL);
	pthread_join(writer, NULL);
	sigaction(SIGALRM, &old, NULL);
	assert_int_equal(n, MANY);
	close(p.read_fd);
}

static int ignore_sigpipe(void **state)
{
	(void)state;
	return signal(SIGPIPE, SIG_IGN) == SIG_ERR;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_arrive_as_sent),
		cmocka_unit_test(what_is_there_comes_at_once),
		cmocka_unit_test(a_full_pipe_costs_messages_and_numbers_show_it),
		cmocka_unit_test(a_waiting_writer_loses_nothing),
		cmocka_unit_test(a_reader_that_is_gone_is_noticed),
		cmocka_unit_test(what_no_sane_writer_sends_is_refused),
		cmocka_unit_test(an_interrupted_read_goes_on),
	};

	return cmocka_run_group_tests(tests, ignore_sigpipe, NULL);
}
