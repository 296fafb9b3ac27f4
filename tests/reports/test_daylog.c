/* Tests the session log: lines by day, and whole ones whatever the disk does. */
#include "tests/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reports/daylog.h"
#include "reports/record.h"

#define DAY   ((int64_t)1448150400) /* 2015-11-22 */
#define DAY_S 86400
#define LINE  1000 /* bytes of a long line */

static char top[64], err[512];
static int dir;
static struct daylog *log_;

static int set_up(void **state)
{
	(void)state;
	umask(022);
	strcpy(top, "/tmp/mailseal-daylog-XXXXXX");
	if (!mkdtemp(top))
		return -1;
	dir = open(top, O_RDONLY | O_DIRECTORY);
	log_ = daylog_new(dir, top);
	return mkdirat(dir, "sessions", 0755);
}

static int tear_down(void **state)
{
	char command[128];

	(void)state;
	daylog_free(log_);
	close(dir);
	snprintf(command, sizeof(command), "rm -rf %s", top);
	return system(command);
}

static int open_day(const char *day, int flags)
{
	char name[64];

	snprintf(name, sizeof(name), "sessions/2015-11-%s.jsonl", day);
	return openat(dir, name, flags, 0644);
}

static void write_day(const char *day, const char *text, size_t len)
{
	int fd = open_day(day, O_WRONLY | O_CREAT | O_TRUNC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	close(fd);
}

static void assert_holds(const char *day, const char *expected)
{
	char text[256] = "";
	int fd = open_day(day, O_RDONLY);

	assert_true(fd >= 0);
	assert_true(read(fd, text, sizeof(text) - 1) >= 0);
	close(fd);
	assert_string_equal(text, expected);
}

static void add(int64_t step, const char *line)
{
	if (!daylog_add(log_, step, line, strlen(line), err, sizeof(err)))
		fail_msg("%s", err);
}

static void flush(void)
{
	if (!daylog_flush(log_, err, sizeof(err)))
		fail_msg("%s", err);
}

/* Again, as the next run has it. */
static void reopen(void)
{
	daylog_free(log_);
	log_ = daylog_new(dir, top);
}

static void lines_go_to_their_day(void **state)
{
	(void)state;
	add(DAY, "a\n");
	add(DAY + DAY_S - 60, "b\n");
	add(DAY + DAY_S, "c\n");
	add(DAY + DAY_S - 60, "d\n");
	flush();
	assert_holds("22", "a\nb\nd\n");
	assert_holds("23", "c\n");
	assert_int_equal(daylog_lost(log_), 0);
}

static void what_was_not_flushed_is_lost(void **state)
{
	(void)state;
	add(DAY, "a\n");
	flush();
	add(DAY, "b\n");
	add(DAY, "c\n");
	daylog_give_up(log_);
	assert_int_equal(daylog_lost(log_), 2);
	add(DAY, "d\n");
	flush();
	assert_holds("22", "a\nd\n");
}

static void half_a_line_is_cut_off(void **state)
{
	static const struct {
		const char *before, *after;
	} cases[] = {
		{ "", "new\n" },
		{ "whole\n", "whole\nnew\n" },
		{ "whole\n{\"half", "whole\nnew\n" },
		{ "{\"half", "new\n" },
		{ "\n\n", "\n\nnew\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		write_day("22", cases[i].before, strlen(cases[i].before));
		reopen();
		add(DAY, "new\n");
		flush();
		assert_holds("22", cases[i].after);
	}
}

static off_t size_of(const char *day)
{
	struct stat st;
	int fd = open_day(day, O_RDONLY);

	assert_int_equal(fstat(fd, &st), 0);
	close(fd);
	return st.st_size;
}

/* Nothing of ours: it stays, and the next line begins a line. */
static void what_is_no_record_stays(void **state)
{
	static char text[RECORD_MAX + 1];

	(void)state;
	memset(text, 'x', sizeof(text));
	write_day("22", text, sizeof(text));
	add(DAY, "new\n");
	flush();
	assert_int_equal(size_of("22"), sizeof(text) + strlen("\nnew\n"));
}

/* A disk that is full at so many bytes of a file. */
static void disk_takes(rlim_t bytes)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void disk_has_room(void)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	disk_takes(limit.rlim_max);
}

/* The n'th of many lines that are told apart. */
static size_t long_line(unsigned n, char line[LINE + 1])
{
	snprintf(line, LINE + 1, "%0*u\n", LINE - 1, n);
	return LINE;
}

/* Lines in the file, which must be whole; that the numbers grow. */
static unsigned assert_whole(const char *day, bool all_from_zero)
{
	char line[LINE];
	unsigned n = 0;
	int last = -1, fd = open_day(day, O_RDONLY);
	ssize_t got;

	while ((got = read(fd, line, LINE)) > 0) {
		assert_int_equal(got, LINE);
		assert_int_equal(line[LINE - 1], '\n');
		line[LINE - 1] = '\0';
		assert_true(atoi(line) > last);
		last = atoi(line);
		if (all_from_zero)
			assert_int_equal(last, n);
		n++;
	}
	close(fd);
	return n;
}

static bool add_long(int64_t step, unsigned n)
{
	char line[LINE + 1];
	size_t len = long_line(n, line);

	return daylog_add(log_, step, line, len, err, sizeof(err));
}

static void a_full_disk_tears_no_line(void **state)
{
	(void)state;
	disk_takes(2500); /* in the middle of the third line */
	for (unsigned n = 0; n < 10; n++)
		assert_true(add_long(DAY, n));
	assert_false(daylog_flush(log_, err, sizeof(err)));
	assert_non_null(strstr(err, "/sessions/2015-11-22.jsonl: File too large"));
	assert_true(add_long(DAY, 10));
	assert_false(daylog_flush(log_, err, sizeof(err)));
	disk_has_room();
	flush();
	assert_int_equal(assert_whole("22", true), 11);
	assert_int_equal(daylog_lost(log_), 0);
}

static void what_waits_is_bounded(void **state)
{
	const unsigned many = DAYLOG_MAX / LINE + 100;
	unsigned refused = 0;

	(void)state;
	disk_takes(0);
	for (unsigned n = 0; n < many; n++)
		refused += !add_long(DAY, n);
	assert_true(refused > 100);
	assert_int_equal(daylog_lost(log_), many - DAYLOG_MAX / LINE);
	disk_has_room();
	assert_true(add_long(DAY, many));
	flush();
	assert_int_equal(assert_whole("22", false), DAYLOG_MAX / LINE + 1);
}

/* And the day that is over leaves whole lines. */
static void a_day_that_is_over_waits_no_more(void **state)
{
	(void)state;
	disk_takes(2500);
	for (unsigned n = 0; n < 5; n++)
		assert_true(add_long(DAY, n));
	assert_false(add_long(DAY + DAY_S, 5));
	assert_int_equal(daylog_lost(log_), 3);
	disk_has_room();
	flush();
	assert_int_equal(assert_whole("22", true), 2);
	assert_int_equal(assert_whole("23", false), 1);
}

static void a_file_that_cannot_be_opened_costs_its_day_only(void **state)
{
	(void)state;
	assert_int_equal(symlinkat("/dev/full", dir, "sessions/2015-11-22.jsonl"), 0);
	add(DAY, "a\n");
	assert_false(daylog_flush(log_, err, sizeof(err)));
	assert_non_null(strstr(err, "2015-11-22.jsonl"));
	assert_false(daylog_add(log_, DAY + DAY_S, "b\n", 2, err, sizeof(err)));
	flush();
	assert_holds("23", "b\n");
	assert_int_equal(daylog_lost(log_), 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lines_go_to_their_day),
		TEST(what_was_not_flushed_is_lost),
		TEST(half_a_line_is_cut_off),
		TEST(what_is_no_record_stays),
		TEST(a_full_disk_tears_no_line),
		TEST(what_waits_is_bounded),
		TEST(a_day_that_is_over_waits_no_more),
		TEST(a_file_that_cannot_be_opened_costs_its_day_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
