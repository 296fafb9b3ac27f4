/* Tests reports/drawer.c: the child that draws, and what becomes of one that fails. */
#include "tests/reports/rrd_sample.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "reports/drawer.h"

#define PATIENT_MS 60000

static char err[512];
static struct drawer *drawer;

static int make(void **state)
{
	if (sample_make(state) != 0)
		return -1;
	drawer = drawer_start(sample_dir, err, sizeof(err));
	return drawer == NULL;
}

static int clear(void **state)
{
	drawer_stop(drawer);
	return sample_remove(state);
}

static struct rrd_image drawn(const struct rrd_picture *p)
{
	struct rrd_image i = { .bytes = NULL };

	if (!drawer_draw(drawer, p, PATIENT_MS, &i, err, sizeof(err)))
		fail_msg("%s", err);
	return i;
}

static void draws_png_and_svg(void **state)
{
	struct rrd_picture p = sample_picture(RRD_SESSIONS);
	struct rrd_image i = drawn(&p);

	(void)state;
	assert_true(is_png(&i));
	free(i.bytes);
	p.svg = true;
	i = drawn(&p);
	assert_true(is_svg(&i));
	free(i.bytes);
}

static void ten_in_a_row_are_the_same(void **state)
{
	struct rrd_picture p = sample_picture(RRD_RATIO), other = sample_picture(RRD_LOSS);
	struct rrd_image first = drawn(&p), direct = { .bytes = NULL };
	pid_t child = drawer_child(drawer);

	(void)state;
	strcpy(other.zone, "UTC");
	for (unsigned n = 0; n < 10; n++) {
		struct rrd_image i = drawn(&p), between = drawn(&other);

		assert_int_equal(i.len, first.len);
		assert_memory_equal(i.bytes, first.bytes, i.len);
		free(i.bytes);
		free(between.bytes);
	}
	assert_int_equal(drawer_child(drawer), child);
	assert_true(rrd_draw(sample_dir, &p, &direct, err, sizeof(err)));
	assert_int_equal(direct.len, first.len);
	assert_memory_equal(direct.bytes, first.bytes, direct.len);
	free(direct.bytes);
	free(first.bytes);
}

static void what_makes_no_sense_costs_no_child(void **state)
{
	struct rrd_picture p = sample_picture(RRD_SESSIONS);
	struct rrd_image i = { .bytes = NULL };
	pid_t child = drawer_child(drawer);

	(void)state;
	strcpy(p.client, "../alpha");
	assert_false(drawer_draw(drawer, &p, PATIENT_MS, &i, err, sizeof(err)));
	assert_non_null(strstr(err, "no pair"));
	strcpy(p.client, "gamma"); /* the child says that there is no file */
	assert_false(drawer_draw(drawer, &p, PATIENT_MS, &i, err, sizeof(err)));
	assert_non_null(strstr(err, "gamma/beta.rrd"));
	assert_null(i.bytes);
	assert_int_equal(drawer_child(drawer), child);
}

static void one_that_died_is_replaced(void **state)
{
	struct rrd_picture p = sample_picture(RRD_SESSIONS);
	pid_t child = drawer_child(drawer);
	struct rrd_image i;
	siginfo_t info;

	(void)state;
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
	i = drawn(&p);
	assert_true(is_png(&i));
	free(i.bytes);
	assert_int_not_equal(drawer_child(drawer), child);
	assert_int_equal(waitpid(child, NULL, WNOHANG), -1); /* reaped */
	assert_int_equal(errno, ECHILD);
}

static void one_that_hangs_is_killed(void **state)
{
	struct rrd_picture p = sample_picture(RRD_SESSIONS);
	struct rrd_image i = { .bytes = NULL };
	pid_t child = drawer_child(drawer);
	siginfo_t info;

	(void)state;
	assert_int_equal(kill(child, SIGSTOP), 0);
	assert_int_equal(waitid(P_PID, (id_t)child, &info, WSTOPPED | WNOWAIT), 0);
	assert_false(drawer_draw(drawer, &p, 50, &i, err, sizeof(err)));
	assert_non_null(strstr(err, "took too long"));
	assert_null(i.bytes);
	assert_int_equal(kill(child, 0), -1);
	assert_int_equal(errno, ESRCH);
	assert_int_equal(drawer_child(drawer), -1);
	i = drawn(&p);
	assert_true(is_png(&i));
	free(i.bytes);
}

/* Stopped, so that the request is surely under way, then killed by another process. */
static void one_that_is_killed_in_the_middle(void **state)
{
	struct rrd_picture p = sample_picture(RRD_SESSIONS);
	struct rrd_image i = { .bytes = NULL };
	pid_t child = drawer_child(drawer), killer;
	struct timespec moment = { .tv_nsec = 20000000 };
	siginfo_t info;

	(void)state;
	assert_int_equal(kill(child, SIGSTOP), 0);
	assert_int_equal(waitid(P_PID, (id_t)child, &info, WSTOPPED | WNOWAIT), 0);
	killer = fork();
	if (killer == 0) {
		nanosleep(&moment, NULL);
		_exit(kill(child, SIGKILL) == 0 ? 0 : 1);
	}
	assert_false(drawer_draw(drawer, &p, PATIENT_MS, &i, err, sizeof(err)));
	assert_non_null(strstr(err, "died"));
	assert_null(i.bytes);
	assert_int_equal(waitpid(killer, NULL, 0), killer);
	i = drawn(&p);
	assert_true(is_png(&i));
	free(i.bytes);
}

/* The plot is where the picture says that it is: in an image of that size. */
static void it_tells_where_the_plot_is(void **state)
{
	struct rrd_picture p = sample_picture(RRD_RATIO);
	struct rrd_image i;
	unsigned width, height;

	(void)state;
	i = drawn(&p);
	assert_true(is_png(&i));
	width = i.bytes[18] * 256u + i.bytes[19];
	height = i.bytes[22] * 256u + i.bytes[23];
	assert_int_equal((unsigned)(i.plot.width * width + 0.5), p.width);
	assert_int_equal((unsigned)(i.plot.height * height + 0.5), p.height);
	assert_true(i.plot.left > 0 && i.plot.left + i.plot.width < 1);
	assert_true(i.plot.top > 0 && i.plot.top + i.plot.height < 1);
	free(i.bytes);
	p.bare = true;
	i = drawn(&p);
	assert_true(i.plot.width <= 1 && i.plot.left >= 0);
	free(i.bytes);
}

static void the_child_has_nothing_of_its_parent(void **state)
{
	struct rrd_picture p = sample_picture(RRD_SESSIONS);
	struct rrd_image i;
	int ends[2];
	char x;

	(void)state;
	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	drawer_stop(drawer);
	drawer = drawer_start(sample_dir, err, sizeof(err));
	assert_non_null(drawer);
	i = drawn(&p); /* it is confined by now */
	free(i.bytes);
	close(ends[1]);
	assert_int_equal(read(ends[0], &x, 1), 0); /* nobody else could write */
	close(ends[0]);
}

/* Starts a drawer in a process that then dies without a word: its child goes with it. */
static void the_child_dies_with_its_parent(void **state)
{
	int ends[2];
	struct pollfd p;
	pid_t parent;
	char x;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	parent = fork();
	if (parent == 0) {
		/* standard error is what a child of the drawer keeps */
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		_exit(drawer_start(sample_dir, err, sizeof(err)) == NULL ? 1 : 0);
	}
	close(ends[1]);
	assert_int_equal(waitpid(parent, NULL, 0), parent);
	p = (struct pollfd){ .fd = ends[0], .events = POLLIN };
	assert_int_equal(poll(&p, 1, PATIENT_MS), 1); /* the last writing end is closed */
	assert_int_equal(read(ends[0], &x, 1), 0);
	close(ends[0]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, clear)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(draws_png_and_svg),
		TEST(ten_in_a_row_are_the_same),
		TEST(what_makes_no_sense_costs_no_child),
		TEST(one_that_died_is_replaced),
		TEST(one_that_hangs_is_killed),
		TEST(one_that_is_killed_in_the_middle),
		TEST(it_tells_where_the_plot_is),
		TEST(the_child_has_nothing_of_its_parent),
		TEST(the_child_dies_with_its_parent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
