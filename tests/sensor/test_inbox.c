/* Tests the queue between the channel and the recorder. */
#include "tests/unit.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "sensor/inbox.h"

#define WAIT_MS 60000 /* as long as it takes */

static struct channel open_channel(int *read_fd)
{
	struct channel c = { .wait = false };

	assert_true(channel_open(read_fd, &c.fd, 65536));
	return c;
}

static bool send_one(struct channel *c)
{
	struct message m;

	memset(&m, 0, sizeof(m));
	m.kind = MESSAGE_HEALTH;
	return channel_send(c, &m);
}

static void messages_come_in_order_and_then_the_end(void **state)
{
	int fd;
	struct channel c = open_channel(&fd);
	struct inbox *b = inbox_new(fd, 4);
	struct message *m;

	(void)state;
	assert_non_null(b);
	for (unsigned i = 0; i < 20; i++)
		assert_true(send_one(&c)); /* more than the queue holds: the pipe has the rest */
	close(c.fd);
	for (unsigned i = 1; i <= 20; i++) {
		assert_int_equal(inbox_take(b, &m, WAIT_MS), INBOX_MESSAGE);
		assert_int_equal(m->number, i);
	}
	assert_int_equal(inbox_take(b, &m, WAIT_MS), INBOX_END);
	assert_int_equal(inbox_take(b, &m, WAIT_MS), INBOX_END);
	inbox_free(b);
	inbox_free(NULL);
	close(fd);
}

static void nothing_is_said_to_be_nothing(void **state)
{
	int fd;
	struct channel c = open_channel(&fd);
	struct inbox *b = inbox_new(fd, 4);
	struct message *m;

	(void)state;
	assert_int_equal(inbox_take(b, &m, 1), INBOX_IDLE);
	assert_true(send_one(&c));
	assert_int_equal(inbox_take(b, &m, WAIT_MS), INBOX_MESSAGE);
	inbox_free(b); /* the channel is still open */
	close(c.fd);
	close(fd);
}

static void what_is_no_message_ends_it(void **state)
{
	int fd;
	struct channel c = open_channel(&fd);
	struct inbox *b = inbox_new(fd, 4);
	struct message *m, bad;

	(void)state;
	assert_true(send_one(&c));
	memset(&bad, 0x55, sizeof(bad));
	assert_int_equal(write(c.fd, &bad, sizeof(bad)), sizeof(bad));
	assert_int_equal(inbox_take(b, &m, WAIT_MS), INBOX_MESSAGE);
	assert_int_equal(inbox_take(b, &m, WAIT_MS), INBOX_BAD);
	inbox_free(b);
	close(c.fd);
	close(fd);
}

static void a_full_queue_can_be_left(void **state)
{
	int fd;
	struct channel c = open_channel(&fd);
	struct inbox *b = inbox_new(fd, 1);
	struct message *m;

	(void)state;
	while (send_one(&c))
		;
	assert_int_equal(inbox_take(b, &m, WAIT_MS), INBOX_MESSAGE);
	inbox_free(b);
	close(c.fd);
	close(fd);
}

static int ignore_sigpipe(void **state)
{
	(void)state;
	return signal(SIGPIPE, SIG_IGN) == SIG_ERR;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_come_in_order_and_then_the_end),
		cmocka_unit_test(nothing_is_said_to_be_nothing),
		cmocka_unit_test(what_is_no_message_ends_it),
		cmocka_unit_test(a_full_queue_can_be_left),
	};

	return cmocka_run_group_tests(tests, ignore_sigpipe, NULL);
}
