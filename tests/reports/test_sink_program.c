/* Tests alerts to a program: what it is given, what its end means, and that nothing of it stays. */
#include "tests/unit.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reports/alert_json.h"
#include "tests/reports/alert_sample.h"

struct fixture {
	char folder[64], file[96];
	struct incident incident;
	struct alert alert;
	char answer[SINK_ANSWER_MAX + 1];
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	strcpy(f->folder, "/tmp/mailseal-program-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->file, sizeof(f->file), "%s/file", f->folder);
	f->incident = sample_incident();
	f->alert = sample_alert(EVENT_OPENED, &f->incident);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	unlink(f->file);
	assert_int_equal(rmdir(f->folder), 0); /* nothing else was made there */
	free(f);
	return 0;
}

/* Sends the alert to a program with these arguments, up to a NULL. */
static enum sink_answer run(struct fixture *f, unsigned timeout_s, const char *const *args)
{
	struct target t = { .kind = TARGET_PROGRAM, .timeout_s = timeout_s };
	char err[128] = "";
	enum sink_answer taken;
	struct sink *s;

	for (; args[t.program_n]; t.program_n++)
		strcpy(t.program[t.program_n], args[t.program_n]);
	s = sink_open(&t, err, sizeof(err));
	assert_non_null(s);
	taken = sink_send(s, &f->alert, f->answer);
	sink_close(s);
	return taken;
}

/* The test asks for a shell here; the sink has none. $1 is the file. */
static enum sink_answer script(struct fixture *f, unsigned timeout_s, const char *text)
{
	const char *const args[] = { "/bin/sh", "-c", text, "sh", f->file, NULL };

	return run(f, timeout_s, args);
}

static void read_file(const struct fixture *f, char *out, size_t outlen)
{
	FILE *file = fopen(f->file, "r");

	assert_non_null(file);
	out[fread(out, 1, outlen - 1, file)] = '\0';
	fclose(file);
}

#define PATIENT 20

static void it_reads_the_alert(void **state)
{
	struct fixture *f = *state;
	char said[8192], record[RECORD_MAX], *json;
	const char *const evidence[] = { sample_record(record) };
	size_t len;

	f->alert.evidence = evidence;
	f->alert.evidence_n = 1;
	assert_int_equal(script(f, PATIENT, "cat >\"$1\""), SINK_TAKEN);
	json = alert_json(&f->alert, &len);
	read_file(f, said, sizeof(said));
	assert_string_equal(said, json);
	free(json);
}

static void its_end_is_the_answer(void **state)
{
	static const struct {
		const char *script;
		enum sink_answer taken;
		const char *answer;
	} rows[] = {
		{ "exit 0", SINK_TAKEN, "exit code 0" },
		{ "echo queued as 17", SINK_TAKEN, "exit code 0: queued as 17" },
		{ "exit 75", SINK_LATER, "exit code 75" },
		{ "echo; echo no line; echo more; exit 3", SINK_REFUSED, "exit code 3: no line" },
		{ "echo on the other >&2; exit 1", SINK_REFUSED, "exit code 1: on the other" },
		{ "printf unfinished; exit 64", SINK_REFUSED, "exit code 64: unfinished" },
		{ "kill -15 $$", SINK_LATER, "ended by signal 15" },
		{ "echo dying; kill -9 $$", SINK_LATER, "ended by signal 9: dying" },
		{ "printf 'a\\033[2Jb\\377c\\n'; exit 2", SINK_REFUSED,
		  "exit code 2: a\\x1b[2Jb\\xffc" },
	};
	struct fixture *f = *state;

	for (size_t n = 0; n < sizeof(rows) / sizeof(rows[0]); n++) {
		assert_int_equal(script(f, PATIENT, rows[n].script), rows[n].taken);
		assert_string_equal(f->answer, rows[n].answer);
	}
}

static void a_long_line_is_cut(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(script(f, PATIENT, "head -c 5000000 /dev/zero | tr '\\0' x; exit 4"),
			 SINK_REFUSED);
	assert_int_equal(strncmp(f->answer, "exit code 4: xxxx", 17), 0);
}

static void arguments_are_no_commands(void **state)
{
	struct fixture *f = *state;
	const char *const args[] = { "/usr/bin/printf",  "%s|", "two words", "$(touch x)",
				     "; touch /tmp/x #", "*",   NULL };

	assert_int_equal(run(f, PATIENT, args), SINK_TAKEN);
	assert_string_equal(f->answer, "exit code 0: two words|$(touch x)|; touch /tmp/x #|*|");
}

static void it_inherits_no_descriptor(void **state)
{
	static const char *const fds[] = { "/bin/ls", "-m", "/proc/self/fd", NULL };
	struct fixture *f = *state;
	int extra = dup(STDOUT_FILENO); /* without FD_CLOEXEC */

	assert_int_equal(run(f, PATIENT, fds), SINK_TAKEN);
	assert_string_equal(f->answer, "exit code 0: 0, 1, 2, 3"); /* 3: what ls reads */
	close(extra);
}

static void the_environment_is_two_variables(void **state)
{
	struct fixture *f = *state;
	char said[1024];

	setenv("MAILSEAL_SECRET", "1", 1);
	assert_int_equal(script(f, PATIENT, "tr '\\0' '\\n' </proc/$$/environ >\"$1\""),
			 SINK_TAKEN);
	unsetenv("MAILSEAL_SECRET");
	read_file(f, said, sizeof(said));
	assert_string_equal(said, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:"
				  "/bin\nLANG=C.UTF-8\n");
}

/* More than a pipe holds, to one that reads none of it. */
static void it_need_not_read(void **state)
{
	static const char *evidence[200];
	struct fixture *f = *state;
	char record[RECORD_MAX];
	size_t len;

	for (size_t n = 0; n < 200; n++)
		evidence[n] = sample_record(record);
	f->alert.evidence = evidence;
	f->alert.evidence_n = 200;
	free(alert_json(&f->alert, &len));
	assert_true(len > 65536);
	assert_int_equal(script(f, PATIENT, "exit 0"), SINK_TAKEN);
	assert_int_equal(script(f, PATIENT, "exec <&-; exit 0"), SINK_TAKEN);
	assert_int_equal(script(f, PATIENT, "cat >\"$1\"; wc -c <\"$1\""), SINK_TAKEN);
	assert_int_equal(atol(f->answer + strlen("exit code 0: ")), (long)len);
}

/* Its descendants hold the other end of a pipe: when all are gone, that is heard. */
static void assert_nobody_holds(int fd)
{
	struct pollfd p = { .fd = fd };

	assert_int_equal(poll(&p, 1, PATIENT * 1000), 1);
	assert_int_equal(p.revents, POLLHUP);
	close(fd);
}

static void at_the_limit_all_of_it_is_killed(void **state)
{
	struct fixture *f = *state;
	int fd;

	assert_int_equal(mkfifo(f->file, 0600), 0);
	fd = open(f->file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(script(f, 1,
				"echo still here; exec 3>\"$1\"; trap '' TERM; sleep 1000 & "
				"sleep 1000"),
			 SINK_LATER);
	assert_string_equal(f->answer, "did not end in 1 s and was killed: still here");
	assert_nobody_holds(fd);
}

static void what_it_leaves_behind_is_killed(void **state)
{
	struct fixture *f = *state;
	int fd;

	assert_int_equal(mkfifo(f->file, 0600), 0);
	fd = open(f->file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(script(f, PATIENT, "exec 3>\"$1\"; sleep 1000 & exit 0"), SINK_TAKEN);
	assert_nobody_holds(fd);
}

static void one_that_talks_without_end_is_killed(void **state)
{
	static const char *const args[] = { "/usr/bin/yes", NULL };
	struct fixture *f = *state;

	assert_int_equal(run(f, 1, args), SINK_LATER);
	assert_string_equal(f->answer, "did not end in 1 s and was killed: y");
}

static void one_that_cannot_start_is_tried_again(void **state)
{
	struct fixture *f = *state;
	const char *const none[] = { "/nonexistent/page-somebody", NULL };
	const char *const folder[] = { f->folder, NULL };

	assert_int_equal(run(f, PATIENT, none), SINK_LATER);
	assert_string_equal(f->answer, "/nonexistent/page-somebody: No such file or directory");
	assert_int_equal(run(f, PATIENT, folder), SINK_LATER);
	assert_non_null(strstr(f->answer, ": Permission denied"));
}

static void a_path_must_be_absolute(void **state)
{
	struct target t = { .kind = TARGET_PROGRAM, .program_n = 1 };
	char err[128] = "";

	(void)state;
	strcpy(t.program[0], "true");
	assert_null(sink_open(&t, err, sizeof(err)));
	assert_non_null(strstr(err, "absolute path"));
	t.program_n = 0;
	assert_null(sink_open(&t, err, sizeof(err)));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_reads_the_alert),
		TEST(its_end_is_the_answer),
		TEST(a_long_line_is_cut),
		TEST(arguments_are_no_commands),
		TEST(it_inherits_no_descriptor),
		TEST(the_environment_is_two_variables),
		TEST(it_need_not_read),
		TEST(at_the_limit_all_of_it_is_killed),
		TEST(what_it_leaves_behind_is_killed),
		TEST(one_that_talks_without_end_is_killed),
		TEST(one_that_cannot_start_is_tried_again),
		TEST(a_path_must_be_absolute),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
