/* sink_program.c - alerts to a program: the JSON object on its standard input.
 *
 * No shell has a part in it. The program gets its arguments as they are configured, PATH and LANG,
 * no descriptor but the three standard ones, and a process group of its own, of which nothing
 * outlives the attempt. It says what became of the alert by its exit code: 0 it is taken, 75
 * (EX_TEMPFAIL of sysexits.h) try again later, any other it is refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reports/alert_json.h"
#include "reports/deadline.h"

#define PATH_GIVEN   "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define LANG_GIVEN   "LANG=C.UTF-8"
#define EXIT_LATER   75
#define FIRST_MAX    (SINK_ANSWER_MAX - 40)
#define KILL_WAIT_MS 1000 /* one that hangs in the kernel is not waited for any longer */

/* One run. Descriptors are -1 when closed. */
struct run {
	pid_t pid;
	int ended; /* readable once it has */
	int in, out;
	const char *json; /* what it has not read yet */
	size_t json_len;
	char first[FIRST_MAX + 1]; /* line of its output */
	size_t first_len;
	bool first_done;
};

static void *program_open(const struct target *t, char *err, size_t errlen)
{
	struct target *copy;

	if (t->program_n == 0 || t->program_n > TARGET_ARGS_MAX || t->program[0][0] != '/') {
		snprintf(err, errlen, "needs a program: an absolute path, and its arguments");
		return NULL;
	}
	copy = malloc(sizeof(*copy));
	if (!copy)
		abort();
	*copy = *t;
	return copy;
}

static void program_close(void *sink)
{
	free(sink);
}

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Starting ----------------------------------------------------------------------------------- */

static int spawn(const struct target *t, int in, int out, pid_t *pid)
{
	char path[] = PATH_GIVEN, lang[] = LANG_GIVEN, args[TARGET_ARGS_MAX][TARGET_TEXT_MAX + 1];
	char *argv[TARGET_ARGS_MAX + 1] = { NULL }, *const env[] = { path, lang, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t all, none;
	int error;

	memcpy(args, t->program, sizeof(args));
	for (unsigned n = 0; n < t->program_n; n++)
		argv[n] = args[n];
	sigfillset(&all);
	sigemptyset(&none);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&files, out, STDERR_FILENO);
	posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
	posix_spawn_file_actions_addchdir_np(&files, "/");
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
						      POSIX_SPAWN_SETPGROUP);
	error = posix_spawn(pid, argv[0], &files, &attributes, argv, env);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attributes);
	return error;
}

static void end_run(struct run *r)
{
	close_one(&r->in);
	close_one(&r->out);
	close_one(&r->ended);
}

/* 0, or an errno. */
static int start(const struct target *t, struct run *r)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, error = 0;

	if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0 ||
	    fcntl(in[1], F_SETFL, O_NONBLOCK) != 0 || fcntl(out[0], F_SETFL, O_NONBLOCK) != 0)
		error = errno;
	if (error == 0)
		error = spawn(t, in[0], out[1], &r->pid);
	close_one(&in[0]);
	close_one(&out[1]);
	r->in = in[1];
	r->out = out[0];
	if (error == 0) {
		r->ended = pidfd_open(r->pid, 0);
		if (r->ended >= 0)
			return 0;
		error = errno;
		kill(-r->pid, SIGKILL); /* nobody would see it end */
		(void)waitpid(r->pid, NULL, 0);
	}
	end_run(r);
	return error;
}

/* Talking ------------------------------------------------------------------------------------ */

/* It need not read what it is told. */
static void feed(struct run *r)
{
	ssize_t n = write(r->in, r->json, r->json_len);

	if (n > 0) {
		r->json += n;
		r->json_len -= (size_t)n;
	}
	if (r->json_len == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		close_one(&r->in);
}

/* Keeps the first line that is not empty. False when there is no more for now. */
static bool hear(struct run *r)
{
	char said[512];
	ssize_t n = read(r->out, said, sizeof(said));

	for (ssize_t i = 0; i < n && !r->first_done; i++) {
		if (said[i] == '\n' || said[i] == '\r' || said[i] == '\0')
			r->first_done = r->first_len > 0;
		else if (r->first_len < FIRST_MAX)
			r->first[r->first_len++] = said[i];
	}
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		close_one(&r->out);
	return n > 0;
}

/* Until it has ended; false when the time is over before. */
static bool attend(struct run *r, int64_t deadline)
{
	int left;

	while ((left = deadline_left_ms(deadline)) > 0) {
		struct pollfd p[] = {
			{ .fd = r->ended, .events = POLLIN },
			{ .fd = r->in, .events = POLLOUT },
			{ .fd = r->out, .events = POLLIN },
		};

		if (poll(p, sizeof(p) / sizeof(p[0]), left) < 0 && errno != EINTR)
			return false;
		if (p[1].revents)
			feed(r);
		if (p[2].revents)
			hear(r);
		if (p[0].revents)
			return true;
	}
	return false;
}

/* Ends whatever is left of its group while its own number is still its own, and reads how it ended.
 * False when it does not end. */
static bool reap(struct run *r, int *status)
{
	struct pollfd p = { .fd = r->ended, .events = POLLIN };

	kill(-r->pid, SIGKILL);
	(void)poll(&p, 1, KILL_WAIT_MS);
	return waitpid(r->pid, status, WNOHANG) == r->pid;
}

/* Answers ------------------------------------------------------------------------------------ */

static void say_end(const struct run *r, const char *what, int number, char *answer, size_t len)
{
	snprintf(answer, len, "%s %d%s%s", what, number, r->first_len ? ": " : "", r->first);
}

static enum sink_answer judge(const struct run *r, int status, char *answer, size_t len)
{
	if (!WIFEXITED(status)) {
		say_end(r, "ended by signal", WTERMSIG(status), answer, len);
		return SINK_LATER;
	}
	say_end(r, "exit code", WEXITSTATUS(status), answer, len);
	if (WEXITSTATUS(status) == 0)
		return SINK_TAKEN;
	return WEXITSTATUS(status) == EXIT_LATER ? SINK_LATER : SINK_REFUSED;
}

static enum sink_answer run(const struct target *t, struct run *r, char *answer, size_t len)
{
	int64_t deadline = deadline_in_ms((int64_t)t->timeout_s * 1000);
	int error = start(t, r), status = 0;
	bool in_time, reaped;

	if (error != 0) {
		snprintf(answer, len, "%.120s: %s", t->program[0], strerror(error));
		return SINK_LATER;
	}
	in_time = attend(r, deadline);
	reaped = reap(r, &status);
	while (in_time && r->out >= 0 && hear(r))
		;
	end_run(r);
	if (in_time && reaped)
		return judge(r, status, answer, len);
	snprintf(answer, len, "did not end in %u s and was killed%s%s", t->timeout_s,
		 r->first_len ? ": " : "", r->first);
	return SINK_LATER;
}

static enum sink_answer program_send(void *sink, const struct alert *a, char *answer, size_t len)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, before;
	struct run r = { .ended = -1, .in = -1, .out = -1 };
	enum sink_answer taken;
	char *json = alert_json(a, &r.json_len);

	r.json = json;
	sigaction(SIGPIPE, &ignore, &before); /* when it does not read */
	taken = run(sink, &r, answer, len);
	sigaction(SIGPIPE, &before, NULL);
	free(json);
	return taken;
}

const struct sink_kind sink_program = { TARGET_PROGRAM, program_open, program_send, program_close };
