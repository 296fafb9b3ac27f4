/* Tests that a log line stays one line, and that nobody has to read it. */
#include "tests/unit.h"

#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "sensor/log.h"

#define WHOLE      700 /* bytes of a line, or a few less */
#define SAID_MAX   (1u << 18)
#define QUIET_MS   100
#define FEW        8192
#define PATIENCE_S 60 /* then it waits, which it must not */

static void control_characters_are_escaped(void **state)
{
	char line[128];

	(void)state;
	log_line(LOG_LEVEL_WARNING, "event=x file=a\nb\x1b[0m\x7f", line, sizeof(line));
	assert_string_equal(line, "mailseald: warning event=x file=a\\x0ab\\x1b[0m\\x7f");
	log_line(LOG_LEVEL_WARNING, "\xc3\xa9 \x9b \xc2\x9b \xe2\x80\xae", line, sizeof(line));
	assert_string_equal(line, "mailseald: warning \xc3\xa9 \\x9b \\xc2\\x9b \\xe2\\x80\\xae");
}

static void a_long_line_is_cut(void **state)
{
	char text[LOG_LINE_MAX], line[64];

	(void)state;
	memset(text, '\n', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_true(log_line(LOG_LEVEL_ERROR, text, line, sizeof(line)) < sizeof(line));
	assert_int_equal(strlen(line), log_line(LOG_LEVEL_ERROR, text, line, sizeof(line)));
}

/* Nobody reads ------------------------------------------------------------------------------- */

/* The end that nobody reads for now, and the one that a sensor has as standard error. */
struct ends {
	int ours, theirs;
};

static void open_pipe(struct ends *e)
{
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	assert_true(fcntl(fds[1], F_SETPIPE_SZ, FEW) >= 0);
	e->ours = fds[0];
	e->theirs = fds[1];
}

static void open_socket(struct ends *e)
{
	int fds[2], size = FEW;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
	e->ours = fds[0];
	e->theirs = fds[1];
}

/* As it is by default, but LF stays LF. */
static void open_terminal(struct ends *e)
{
	struct termios t;

	e->ours = posix_openpt(O_RDWR | O_NOCTTY);
	assert_true(e->ours >= 0);
	assert_int_equal(grantpt(e->ours), 0);
	assert_int_equal(unlockpt(e->ours), 0);
	e->theirs = open(ptsname(e->ours), O_RDWR | O_NOCTTY);
	assert_true(e->theirs >= 0);
	assert_int_equal(tcgetattr(e->theirs, &t), 0);
	t.c_oflag &= ~(tcflag_t)ONLCR;
	assert_int_equal(tcsetattr(e->theirs, TCSANOW, &t), 0);
}

/* Appends what comes, until nothing does any more. */
static void hear(const struct ends *e, char *said)
{
	struct pollfd in = { e->ours, POLLIN, 0 };
	size_t len = strlen(said);
	ssize_t n;

	while (poll(&in, 1, QUIET_MS) > 0 &&
	       (n = read(e->ours, said + len, SAID_MAX - 1 - len)) > 0)
		len += (size_t)n;
	said[len] = '\0';
}

/* More than a terminal takes, and not more than may be said in a second. Returns how many lines. */
static unsigned say_much(void)
{
	const int zeros = WHOLE - (int)strlen("mailseald: warning ");
	unsigned n = 0;

	for (; n < 2 * LOG_PER_SECOND; n++)
		log_event(n % 2 ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, "%0*d", zeros, 0);
	return n;
}

/* Says something short until it is heard, behind the number of lines that were dropped. */
static unsigned say_until_heard(const struct ends *e, char *said)
{
	unsigned n = 0;

	for (; !strstr(said, "event=log-dropped") || !strstr(said, "event=last\n"); n++) {
		log_event(LOG_LEVEL_INFO, "event=last");
		hear(e, said);
	}
	return n;
}

/* Each of the lines is there, whole, or among those that were dropped; at most one was cut off, perhaps
 * before nothing but its LF. */
static bool adds_up(char *said, unsigned lines)
{
	unsigned whole = 0, told = 0, parts = 0, n;

	for (char *rest = said, *line; (line = strsep(&rest, "\n"));) {
		if (sscanf(line, "mailseald: warning event=log-dropped lines=%u", &n) == 1)
			told += n;
		else if (strlen(line) >= WHOLE - 4 || strstr(line, "event=last"))
			whole++;
		else
			parts += line[0] != '\0';
	}
	printf("# of %u lines %u whole, %u dropped, %u in part\n", lines, whole, told, parts);
	return whole > 0 && told > 0 && parts <= 1 &&
	       (whole + told == lines || (parts == 0 && whole + told == lines + 1));
}

static bool goes_on(const struct ends *e)
{
	static char said[SAID_MAX];
	unsigned lines;

	dup2(e->theirs, STDERR_FILENO);
	log_never_waits();
	lines = say_much();
	hear(e, said);
	lines += say_until_heard(e, said);
	return adds_up(said, lines) && !(fcntl(e->theirs, F_GETFL) & O_NONBLOCK);
}

/* In a process of its own, for the log is one for all of a process. */
static void nobody_has_to_read(void **state)
{
	static void (*const opens[])(struct ends *) = { open_pipe, open_socket, open_terminal };

	(void)state;
	for (unsigned i = 0; i < sizeof(opens) / sizeof(opens[0]); i++) {
		struct ends e;
		int status;
		pid_t pid;
		bool ok;

		opens[i](&e);
		fflush(stdout);
		pid = fork();
		if (pid == 0) {
			alarm(PATIENCE_S);
			ok = goes_on(&e);
			fflush(stdout);
			_exit(ok ? 0 : 1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		close(e.ours);
		close(e.theirs);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(control_characters_are_escaped),
		cmocka_unit_test(a_long_line_is_cut),
		cmocka_unit_test(nobody_has_to_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
