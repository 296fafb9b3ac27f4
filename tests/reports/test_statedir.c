/* Tests the state directory: made once, locked, its session log by day. */
#include "tests/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reports/statedir.h"

static char top[64];

static const char *in_top(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	return path;
}

static mode_t mode_of(const char *name)
{
	struct stat st;

	assert_int_equal(stat(in_top(name), &st), 0);
	return st.st_mode & 07777;
}

static void assert_holds(const char *name, const char *expected)
{
	char text[256] = "";
	FILE *f = fopen(in_top(name), "r");

	assert_non_null(f);
	assert_true(fread(text, 1, sizeof(text) - 1, f) > 0);
	fclose(f);
	assert_string_equal(text, expected);
}

static void lines_go_to_the_log_of_their_day(void **state)
{
	const int64_t day = 1448150400; /* 2015-11-22 */
	char err[256] = "";
	struct statedir *d = statedir_open(in_top("state"), err, sizeof(err));

	(void)state;
	assert_non_null(d);
	assert_int_equal(mode_of("state"), 0750);
	assert_true(statedir_log(d, day, "a\n", 2, err, sizeof(err)));
	assert_true(statedir_log(d, day + 86340, "b\n", 2, err, sizeof(err)));
	assert_true(statedir_log(d, day + 86400, "c\n", 2, err, sizeof(err)));
	assert_true(statedir_log(d, day + 86340, "d\n", 2, err, sizeof(err)));
	assert_true(statedir_flush(d, err, sizeof(err)));
	assert_holds("state/sessions/2015-11-22.jsonl", "a\nb\nd\n");
	assert_holds("state/sessions/2015-11-23.jsonl", "c\n");
	assert_int_equal(mode_of("state/sessions"), 0750);
	assert_int_equal(mode_of("state/sessions/2015-11-22.jsonl"), 0640);
	statedir_close(d);
	d = statedir_open(in_top("state"), err, sizeof(err)); /* a later run adds to it */
	assert_non_null(d);
	assert_true(statedir_log(d, day + 86400, "e\n", 2, err, sizeof(err)));
	statedir_close(d);
	assert_holds("state/sessions/2015-11-23.jsonl", "c\ne\n");
	statedir_close(NULL);
}

static void one_sensor_at_a_time(void **state)
{
	char err[256] = "";
	struct statedir *d = statedir_open(in_top("busy"), err, sizeof(err));
	int status;
	pid_t pid;

	(void)state;
	assert_non_null(d);
	assert_null(statedir_open(in_top("busy"), err, sizeof(err)));
	assert_non_null(strstr(err, "/busy is in use by another mailseald"));
	assert_true(statedir_in_use(in_top("busy")));
	statedir_close(d);
	assert_false(statedir_in_use(in_top("busy")));
	assert_false(statedir_in_use(in_top("none")));
	assert_false(statedir_in_use(in_top("")));
	pid = fork();
	if (pid == 0) { /* dies with the lock */
		d = statedir_open(in_top("busy"), err, sizeof(err));
		_exit(d ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	d = statedir_open(in_top("busy"), err, sizeof(err));
	assert_non_null(d);
	statedir_close(d);
}

static void what_is_in_the_way_is_named(void **state)
{
	char err[256] = "";
	FILE *f = fopen(in_top("file"), "w");

	(void)state;
	assert_non_null(f);
	fclose(f);
	assert_null(statedir_open(in_top("file"), err, sizeof(err)));
	assert_non_null(strstr(err, "/file: Not a directory"));
	assert_null(statedir_open(in_top("not/there"), err, sizeof(err)));
	assert_non_null(strstr(err, "/not/there: No such file or directory"));
}

static void make_file(const char *name)
{
	FILE *f = fopen(in_top(name), "w");

	assert_non_null(f);
	fclose(f);
}

static bool is_there(const char *name)
{
	struct stat st;

	return lstat(in_top(name), &st) == 0;
}

static void note_gone(void *ctx, const char *name)
{
	strcat(ctx, name);
	strcat(ctx, " ");
}

#define DAY_22 ((int64_t)1448150400) /* 2015-11-22 */

static struct statedir *aged(void)
{
	static const char *const others[] = {
		"old/sessions/2015-11-01.jsonl.gz", "old/sessions/x2015-11-01.jsonl",
		"old/sessions/2015-02-30.jsonl",    "old/sessions/2015-11-1.jsonl",
		"old/sessions/ 2015-11-01.jsonl",   "old/2015-11-01.jsonl",
	};
	char err[256] = "";
	struct statedir *d = statedir_open(in_top("old"), err, sizeof(err));

	assert_non_null(d);
	for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		make_file(others[i]);
	assert_int_equal(mkdir(in_top("old/sessions/2015-11-02.jsonl"), 0700), 0);
	assert_int_equal(symlink("../precious", in_top("old/sessions/2015-11-03.jsonl")), 0);
	make_file("old/precious");
	make_file("old/sessions/2015-11-20.jsonl");
	make_file("old/sessions/2015-11-21.jsonl");
	make_file("old/sessions/2015-11-22.jsonl");
	return d;
}

static unsigned entries(const char *name)
{
	char command[256];
	unsigned n = 0;
	FILE *f;

	snprintf(command, sizeof(command), "ls -A %.200s | wc -l", in_top(name));
	f = popen(command, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%u", &n), 1);
	pclose(f);
	return n;
}

static void logs_of_days_that_are_over_are_deleted_and_nothing_else(void **state)
{
	struct statedir *d = aged();
	char err[256] = "", gone[256] = "";
	unsigned all = entries("old/sessions");

	(void)state;
	assert_true(statedir_expire(d, DAY_22 - 1, 9, note_gone, gone, err, sizeof(err)));
	assert_string_equal(gone, "2015-11-20.jsonl ");
	assert_true(statedir_expire(d, DAY_22, 0, note_gone, gone, err, sizeof(err)));
	assert_true(is_there("old/sessions/2015-11-21.jsonl"));
	assert_true(statedir_expire(d, DAY_22, 9, note_gone, gone, err, sizeof(err)));
	assert_string_equal(gone, "2015-11-20.jsonl 2015-11-21.jsonl ");
	assert_int_equal(entries("old/sessions"), all - 2);
	assert_true(is_there("old/sessions/2015-11-22.jsonl"));
	assert_true(is_there("old/precious"));
	assert_true(statedir_expire(d, -DAY_22, 9, note_gone, gone, err, sizeof(err)));
	assert_int_equal(entries("old/sessions"), all - 2);
	statedir_close(d);
}

/* A link in the place of the directory leads elsewhere. */
static void what_cannot_be_deleted_is_named(void **state)
{
	char err[256] = "", gone[256] = "";
	struct statedir *d = statedir_open(in_top("linked"), err, sizeof(err));

	(void)state;
	assert_non_null(d);
	make_file("old/sessions/2015-11-21.jsonl");
	assert_int_equal(rmdir(in_top("linked/sessions")), 0);
	assert_int_equal(symlink("../old/sessions", in_top("linked/sessions")), 0);
	assert_false(statedir_expire(d, DAY_22, 9, note_gone, gone, err, sizeof(err)));
	assert_non_null(strstr(err, "/linked/sessions: "));
	assert_true(is_there("old/sessions/2015-11-21.jsonl"));
	statedir_close(d);
}

static int make_top(void **state)
{
	(void)state;
	umask(022);
	strcpy(top, "/tmp/mailseal-statedir-XXXXXX");
	return mkdtemp(top) == NULL;
}

static int remove_top(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", top);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_go_to_the_log_of_their_day),
		cmocka_unit_test(one_sensor_at_a_time),
		cmocka_unit_test(what_is_in_the_way_is_named),
		cmocka_unit_test(logs_of_days_that_are_over_are_deleted_and_nothing_else),
		cmocka_unit_test(what_cannot_be_deleted_is_named),
	};

	return cmocka_run_group_tests(tests, make_top, remove_top);
}
