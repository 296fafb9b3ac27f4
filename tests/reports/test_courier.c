/* Tests the process that takes deliveries to a target, with a sink that does as it is told. */
#include "tests/unit.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "reports/courier.h"
#include "reports/deliveries.h"
#include "reports/incident_store.h"

#define PATIENCE_MS 60000

enum mood { TAKE, LATER, REFUSE, HANG, CANNOT_OPEN };

/* Shared with the courier. */
struct shared {
	volatile enum mood mood;
	volatile time_t ahead; /* the courier's clock was set by so much; seconds */
	int sends[2];          /* the id of each event that is sent, before it is answered */
	int says[2];           /* lines of the courier */
};
static struct shared *shared;

/* Stands in for that of libc. */
int clock_gettime(clockid_t id, struct timespec *t)
{
	if (syscall(SYS_clock_gettime, id, t) != 0)
		return -1;
	if (id == CLOCK_REALTIME && shared)
		t->tv_sec += shared->ahead;
	return 0;
}

/* The sink: stands in for reports/sink.c ------------------------------------------------------- */

struct sink {
	int nothing;
};

struct sink *sink_open(const struct target *t, char *err, size_t errlen)
{
	static struct sink one;

	(void)t;
	if (shared->mood != CANNOT_OPEN)
		return &one;
	snprintf(err, errlen, "no such file");
	return NULL;
}

enum sink_answer sink_send(struct sink *s, const struct alert *a, char answer[SINK_ANSWER_MAX + 1])
{
	static const enum sink_answer answers[] = { [TAKE] = SINK_TAKEN,
						    [LATER] = SINK_LATER,
						    [REFUSE] = SINK_REFUSED,
						    [HANG] = SINK_LATER,
						    [CANNOT_OPEN] = SINK_LATER };
	enum mood mood = shared->mood;
	int64_t id = a->event_id;

	(void)s;
	strcpy(answer, "said");
	if (write(shared->sends[1], &id, sizeof(id)) != sizeof(id))
		_exit(9);
	while (mood == HANG)
		pause();
	return answers[mood];
}

void sink_close(struct sink *s)
{
	(void)s;
}

/* Bench -------------------------------------------------------------------------------------- */

struct bench {
	char dir[64];
	struct incident_store *store;
	struct target target;
	pid_t courier;
	int life[2];
	char err[256];
};

static int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	*state = b;
	strcpy(b->dir, "/tmp/mailseal-courier-XXXXXX");
	if (!mkdtemp(b->dir) || pipe(shared->sends) != 0 || pipe(shared->says) != 0)
		return 1;
	shared->mood = TAKE;
	shared->ahead = 0;
	b->store = incident_store_open(b->dir, true, b->err, sizeof(b->err));
	target_init(&b->target, TARGET_WEBHOOK);
	strcpy(b->target.name, "noc");
	b->target.timeout_s = 1;
	return b->store == NULL;
}

static int tear_down(void **state)
{
	struct bench *b = *state;
	char command[128];
	int rc;

	if (b->courier > 0) {
		kill(b->courier, SIGKILL);
		waitpid(b->courier, NULL, 0);
		close(b->life[1]);
	}
	for (unsigned n = 0; n < 2; n++) {
		close(shared->sends[n]);
		close(shared->says[n]);
	}
	incident_store_close(b->store);
	snprintf(command, sizeof(command), "rm -rf %s", b->dir);
	rc = system(command);
	free(b);
	return rc;
}

static void say(enum courier_level level, const char *text)
{
	char line[256];
	int n = snprintf(line, sizeof(line), "%d %s", (int)level, text);

	if (write(shared->says[1], line, (size_t)n + 1) != n + 1)
		_exit(9);
}

static void fork_courier(struct bench *b)
{
	struct courier c = { .dir = b->dir, .target = &b->target, .say = say };

	incident_store_close(b->store); /* SQLite does not survive a fork */
	b->store = NULL;
	assert_int_equal(pipe(b->life), 0);
	b->courier = fork();
	assert_true(b->courier >= 0);
	if (b->courier == 0) {
		close(b->life[1]);
		c.life = b->life[0];
		courier_run(&c);
		_exit(0);
	}
	close(b->life[0]);
}

static void start(struct bench *b)
{
	fork_courier(b);
	b->store = incident_store_open(b->dir, true, b->err, sizeof(b->err));
	assert_non_null(b->store);
}

/* How it ended. */
static int await_end(struct bench *b)
{
	int status;

	assert_int_equal(waitpid(b->courier, &status, 0), b->courier);
	b->courier = 0;
	return status;
}

static int end(struct bench *b)
{
	close(b->life[1]);
	return await_end(b);
}

static void kill_courier(struct bench *b)
{
	kill(b->courier, SIGKILL);
	assert_true(WIFSIGNALED(await_end(b)));
	close(b->life[1]);
}

static int64_t opens(struct bench *b, const char *client)
{
	struct incident i = { .severity = SEVERITY_CRITICAL, .opened = time(NULL), .sessions = 1 };

	strcpy(i.rule, "plaintext-between-signatories");
	snprintf(i.client, sizeof(i.client), "%s", client);
	strcpy(i.server, "free");
	strcpy(i.sensor, "th2-1");
	if (!incident_store_put(b->store, &i, &i.id, b->err, sizeof(b->err)) ||
	    !incident_store_put_event(b->store, i.id, EVENT_OPENED, i.opened, &i, b->err,
				      sizeof(b->err)))
		fail_msg("%s", b->err);
	return i.id;
}

static void wait_for(int fd)
{
	struct pollfd p = { fd, POLLIN, 0 };

	if (poll(&p, 1, PATIENCE_MS) != 1)
		fail_msg("the courier does nothing");
}

static int64_t next_send(void)
{
	int64_t id = 0;

	wait_for(shared->sends[0]);
	assert_int_equal(read(shared->sends[0], &id, sizeof(id)), sizeof(id));
	return id;
}

static bool was_sent(void)
{
	struct pollfd p = { shared->sends[0], POLLIN, 0 };

	return poll(&p, 1, 0) == 1;
}

static void assert_says(const char *begin)
{
	char line[256] = "";

	wait_for(shared->says[0]);
	for (size_t n = 0; n < sizeof(line) - 1; n++) {
		if (read(shared->says[0], &line[n], 1) != 1 || line[n] == '\0')
			break;
	}
	if (strncmp(line, begin, strlen(begin)) != 0)
		fail_msg("it said \"%s\", not \"%s\"", line, begin);
}

static bool on_row(void *ctx, const struct delivery_row *row)
{
	*(struct delivery_row *)ctx = *row;
	return false;
}

static struct delivery_row row_of(struct bench *b, int64_t incident)
{
	struct delivery_row row = { .state = DELIVERY_STATES };

	if (!deliveries_list(b->dir, incident, 0, on_row, &row, b->err, sizeof(b->err)))
		fail_msg("%s", b->err);
	return row;
}

static void assert_silent(void)
{
	struct pollfd p = { shared->says[0], POLLIN, 0 };

	assert_int_equal(poll(&p, 1, 0), 0);
}

/* Tests -------------------------------------------------------------------------------------- */

static void what_happens_is_taken_to_the_target(void **state)
{
	struct bench *b = *state;
	int64_t first = opens(b, "orange"), second;

	start(b);
	assert_int_equal(next_send(), 1);
	second = opens(b, "sfr");
	assert_int_equal(next_send(), 2);
	assert_int_equal(end(b), 0);
	assert_int_equal(row_of(b, first).state, DELIVERY_SENT);
	assert_int_equal(row_of(b, second).state, DELIVERY_SENT);
	assert_string_equal(row_of(b, second).answer, "said");
	assert_false(was_sent());
	assert_silent();
}

static void what_waits_at_the_end_is_taken_along(void **state)
{
	struct bench *b = *state;

	start(b);
	opens(b, "orange");
	assert_int_equal(next_send(), 1);
	opens(b, "sfr");
	opens(b, "bouygues");
	assert_int_equal(end(b), 0);
	assert_int_equal(next_send(), 2);
	assert_int_equal(next_send(), 3);
}

static void a_target_that_is_down_is_said_once(void **state)
{
	struct bench *b = *state;
	int64_t id = opens(b, "orange");

	shared->mood = CANNOT_OPEN;
	start(b);
	assert_says("1 event=target-down target=noc why=\"no such file\"");
	shared->mood = LATER;
	assert_int_equal(next_send(), 1);
	shared->mood = TAKE;
	assert_int_equal(next_send(), 1);
	assert_says("0 event=target-up target=noc");
	assert_int_equal(end(b), 0);
	assert_silent();
	assert_int_equal(row_of(b, id).state, DELIVERY_SENT);
	assert_true(row_of(b, id).attempts >= 3);
}

static void what_is_refused_or_given_up_is_said(void **state)
{
	struct bench *b = *state;

	shared->mood = REFUSE;
	opens(b, "orange");
	start(b);
	assert_says("2 event=delivery-refused target=noc incident=1 what=opened why=\"said\"");
	assert_int_equal(end(b), 0);
	shared->mood = LATER;
	b->target.give_up_s = 0;
	opens(b, "sfr");
	start(b);
	assert_says("1 event=target-down target=noc");
	assert_says("2 event=delivery-given-up target=noc incident=2 what=opened deliveries=1 "
		    "why=\"said\"");
	assert_int_equal(end(b), 0);
	assert_int_equal(row_of(b, 2).state, DELIVERY_GIVEN_UP);
}

static void a_sink_that_hangs_ends_the_attempt(void **state)
{
	struct bench *b = *state;
	int64_t id = opens(b, "orange");
	int status;

	shared->mood = HANG;
	start(b);
	status = await_end(b);
	close(b->life[1]);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM);
	assert_int_equal(row_of(b, id).state, DELIVERY_WAITING);
	assert_int_equal(row_of(b, id).attempts, 1);
	shared->mood = TAKE;
	start(b);
	assert_int_equal(next_send(), 1);
	assert_int_equal(next_send(), 1);
	assert_int_equal(end(b), 0);
	assert_int_equal(row_of(b, id).state, DELIVERY_SENT);
	assert_int_equal(row_of(b, id).attempts, 2);
}

/* Each attempt ends a courier, and the next one begins another: until it has waited for too long. */
static void a_sink_that_always_hangs_is_given_up(void **state)
{
	struct bench *b = *state;
	int64_t id = opens(b, "orange");

	shared->mood = HANG;
	b->target.give_up_s = 0;
	for (unsigned n = 0; n < 2; n++) {
		start(b);
		assert_true(WIFSIGNALED(await_end(b)));
		close(b->life[1]);
	}
	start(b);
	assert_says("1 event=target-down target=noc why=\"no attempt ended in time\"");
	assert_says("2 event=delivery-given-up target=noc incident=1 what=opened deliveries=1 "
		    "why=\"no attempt ended in time\"");
	assert_int_equal(end(b), 0);
	assert_int_equal(row_of(b, id).state, DELIVERY_GIVEN_UP);
}

static void a_clock_that_is_set_gives_nothing_up(void **state)
{
	struct bench *b = *state;
	int64_t id = opens(b, "orange");

	shared->mood = LATER;
	start(b);
	assert_int_equal(next_send(), 1);
	shared->ahead = 100 * 86400;
	assert_int_equal(next_send(), 1);
	assert_int_equal(next_send(), 1);
	assert_int_equal(row_of(b, id).state, DELIVERY_WAITING);
	shared->ahead = 0;
	assert_int_equal(next_send(), 1);
	shared->mood = TAKE;
	assert_int_equal(next_send(), 1);
	assert_int_equal(end(b), 0);
	assert_int_equal(row_of(b, id).state, DELIVERY_SENT);
}

static void a_sink_that_hangs_does_not_keep_it_from_ending(void **state)
{
	struct bench *b = *state;

	shared->mood = HANG;
	start(b);
	opens(b, "orange");
	opens(b, "sfr");
	close(b->life[1]); /* before or while it tries */
	assert_int_equal(next_send(), 1);
	assert_true(WIFSIGNALED(await_end(b)));
}

static void killed_in_the_middle_it_sends_again(void **state)
{
	struct bench *b = *state;
	int64_t id = opens(b, "orange");

	shared->mood = HANG;
	start(b);
	assert_int_equal(next_send(), 1);
	kill_courier(b);
	assert_int_equal(row_of(b, id).state, DELIVERY_WAITING);
	shared->mood = TAKE;
	start(b);
	assert_int_equal(next_send(), 1);
	kill_courier(b); /* before or after it has written that down */
	start(b);
	opens(b, "sfr");
	while (next_send() != 2) { /* nothing is sent behind what comes later */
	}
	assert_int_equal(end(b), 0);
	assert_false(was_sent());
	assert_int_equal(row_of(b, id).state, DELIVERY_SENT);
}

static void what_was_recorded_is_not_sent_again(void **state)
{
	struct bench *b = *state;
	int64_t id = opens(b, "orange");

	start(b);
	assert_int_equal(next_send(), 1);
	opens(b, "sfr");
	assert_int_equal(next_send(), 2); /* so the first one is recorded */
	shared->mood = HANG;
	opens(b, "bouygues");
	assert_int_equal(next_send(), 3); /* and the second */
	kill_courier(b);
	shared->mood = TAKE;
	start(b);
	assert_int_equal(next_send(), 3);
	assert_int_equal(end(b), 0);
	assert_false(was_sent());
	assert_int_equal(row_of(b, id).attempts, 1);
}

static void without_a_store_it_waits_for_one(void **state)
{
	struct bench *b = *state;
	char good[64];

	strcpy(good, b->dir);
	strcat(b->dir, "-not-yet");
	fork_courier(b);
	assert_says("2 event=deliveries-stopped target=noc why=\"cannot open ");
	assert_int_equal(rename(good, b->dir), 0);
	assert_says("0 event=deliveries-go-on target=noc");
	assert_int_equal(end(b), 0);
	assert_silent();
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_happens_is_taken_to_the_target),
		TEST(what_waits_at_the_end_is_taken_along),
		TEST(a_target_that_is_down_is_said_once),
		TEST(what_is_refused_or_given_up_is_said),
		TEST(a_sink_that_hangs_ends_the_attempt),
		TEST(a_sink_that_always_hangs_is_given_up),
		TEST(a_clock_that_is_set_gives_nothing_up),
		TEST(a_sink_that_hangs_does_not_keep_it_from_ending),
		TEST(killed_in_the_middle_it_sends_again),
		TEST(what_was_recorded_is_not_sent_again),
		TEST(without_a_store_it_waits_for_one),
	};

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
