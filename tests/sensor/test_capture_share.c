/* Tests what workers see of the time around which they join, whatever the clock does then. Needs root. */
#include "tests/unit.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sensor/capture.h"
#include "tests/sensor/network.h"

#define WORKERS 3
#define FRAMES  60 /* of each time */
#define LENGTH  60
#define AGAIN   20   /* looks at what has come, once all is there, */
#define LOOKS   1000 /* which some ms may take each, and until then */

enum times { BEFORE, BEHIND, TIMES };

static time_t ahead_s; /* of the kernel's clock is ours */

/* The clock that only goes on stands still: there is no time to be idle. */
int clock_gettime(clockid_t clock, struct timespec *t)
{
	if (clock == CLOCK_MONOTONIC) {
		*t = (struct timespec){ 0 };
		return 0;
	}
	timespec_get(t, TIME_UTC);
	t->tv_sec += ahead_s;
	return 0;
}

struct seen {
	unsigned times[TIMES][FRAMES];
	unsigned frames;
};

/* Its addresses lead to different workers. */
static void send_frames(int fd, enum times when)
{
	uint8_t frame[LENGTH] = { [12] = 0x08, [14] = 0x45, [LENGTH - 3] = 0xa5 };

	for (unsigned n = 0; n < FRAMES; n++) {
		frame[29] = (uint8_t)(n * 37);
		frame[33] = (uint8_t)(n * 11);
		frame[LENGTH - 2] = (uint8_t)when;
		frame[LENGTH - 1] = (uint8_t)n;
		assert_int_equal(send(fd, frame, LENGTH, 0), LENGTH);
	}
}

static void on_frames(void *ctx, const struct frame *f, unsigned n)
{
	struct seen *seen = ctx;

	for (unsigned i = 0; i < n; i++) {
		const uint8_t *mark = f[i].data + LENGTH - 3;

		if (f[i].len != LENGTH || mark[0] != 0xa5)
			continue;
		seen->times[mark[1]][mark[2]]++;
		seen->frames++;
	}
}

static void open_all(struct capture **all)
{
	static const char *const names[] = { "lo" };
	struct conf *conf = conf_default();
	const struct capture_options o = {
		.names = names, .names_n = 1, .live = true, .shared = true, .conf = conf
	};
	char err[256];
	int code;

	conf->ring_mib = 1;
	for (unsigned i = 0; i < WORKERS; i++) {
		all[i] = capture_open(&o, &code, err, sizeof(err));
		if (!all[i])
			fail_msg("%s", err);
	}
	conf_free(conf);
}

static void look_at_all(struct capture *const *all, struct seen *seen)
{
	for (unsigned i = 0; i < WORKERS; i++)
		assert_int_not_equal(capture_step(all[i], -1, on_frames, seen), CAPTURE_FAILED);
}

/* before: frames come before all have joined, too. False: it could not be tried. */
static bool join(bool before, struct seen *seen)
{
	struct capture *all[WORKERS];
	char err[256];
	int fd;

	if (!have_network())
		return false;
	*seen = (struct seen){ 0 };
	fd = packet_socket();
	open_all(all);
	if (before)
		send_frames(fd, BEFORE);
	assert_true(capture_share(all, WORKERS, err, sizeof(err)));
	send_frames(fd, BEHIND);
	for (unsigned i = 0; seen->frames < FRAMES && i < LOOKS; i++)
		look_at_all(all, seen);
	for (unsigned i = 0; i < AGAIN; i++)
		look_at_all(all, seen);
	for (unsigned i = 0; i < WORKERS; i++)
		capture_close(all[i]);
	close(fd);
	return true;
}

static void assert_each(const struct seen *seen, enum times when, unsigned times)
{
	for (unsigned n = 0; n < FRAMES; n++)
		assert_int_equal(seen->times[when][n], times);
}

static void what_came_before_is_nobodys(void **state)
{
	struct seen seen;

	(void)state;
	if (!join(true, &seen))
		return;
	assert_each(&seen, BEFORE, 0);
	assert_each(&seen, BEHIND, 1);
}

/* By an hour, once all have joined: nothing that comes is as young as that time. */
static void a_clock_that_is_set_back_costs_nothing(void **state)
{
	struct seen seen;
	bool tried;

	(void)state;
	ahead_s = 3600;
	tried = join(false, &seen);
	ahead_s = 0;
	if (tried)
		assert_each(&seen, BEHIND, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_came_before_is_nobodys),
		cmocka_unit_test(a_clock_that_is_set_back_costs_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
