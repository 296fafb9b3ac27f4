/* recorder_process.c - the process that keeps what is kept. */
#include "sensor/recorder_process.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reports/deadline.h"
#include "reports/privileges.h"
#include "sensor/couriers.h"
#include "sensor/interfaces.h"
#include "sensor/log.h"
#include "sensor/notify.h"
#include "sensor/recorder.h"
#include "sensor/reload.h"
#include "sensor/self_test.h"
#include "sensor/signals.h"
#include "sensor/summary.h"

#define SESSIONS_BUFFER (1u << 16)

/* After the order to stop. */
#define SILENT_MS  2000 /* so long the capture process may be silent */
#define ENDING_MS  3000 /* so long it may take all in all; of files nothing is lost */
#define CAPTURE_MS 3000 /* so long to end after its last word */
#define WATCH_MS   10

/* Whose the state directory is, or the directory in which it will be made. */
static bool owner_of(const char *state, uid_t *uid, gid_t *gid)
{
	char parent[PATH_MAX];
	struct stat st;

	if (stat(state, &st) != 0) {
		if (strlen(state) >= sizeof(parent))
			return false;
		memcpy(parent, state, strlen(state) + 1);
		if (stat(dirname(parent), &st) != 0)
			return false;
	}
	*uid = st.st_uid;
	*gid = st.st_gid;
	return st.st_uid != 0;
}

/* By who the recorder is now. SQLite takes the whole way, from the root on, and would not say more
 * than that it cannot open a file. */
static bool is_reached(const char *state, char *err, size_t errlen)
{
	char *whole = realpath(state, NULL);
	bool reached = (whole && access(whole, W_OK | X_OK) == 0) || errno != EACCES;

	if (!reached)
		snprintf(err, errlen,
			 "%.800s: %s for the user that the sensor runs as (number %u): it has to "
			 "get there and to write",
			 state, strerror(errno), (unsigned)geteuid());
	free(whole);
	return reached;
}

/* Loses every capability and, started as root, becomes the configured user, for whom a state
 * directory that does not exist is made first. Without such a user it becomes the owner of the
 * directory: root without capabilities could not write to it. */
static bool drop_recorder_privileges(const struct run *r, const char *state, char *err,
				     size_t errlen)
{
	uid_t uid = 0;
	gid_t gid = 0;
	bool change = false;

	if (geteuid() == 0 && privileges_find_user(r->conf->user, NULL, &uid, &gid)) {
		change = true;
		if (state && mkdir(state, 0750) == 0 && chown(state, uid, gid) != 0) {
			snprintf(err, errlen, "%s: %s", state, strerror(errno));
			return false;
		}
	} else if (geteuid() == 0 && state) {
		change = owner_of(state, &uid, &gid);
	}
	return privileges_drop(change, uid, gid, GROUPS_NONE, err, errlen) &&
	       (!change || !state || is_reached(state, err, errlen));
}

/* The C library would take less than it is asked for, if it were to find the room itself. */
static FILE *open_sessions(const char *name, char *err, size_t errlen)
{
	static char buffer[SESSIONS_BUFFER];
	FILE *f = strcmp(name, "-") == 0 ? stdout : fopen(name, "we");

	if (!f)
		snprintf(err, errlen, "%s: %s", name, strerror(errno));
	else if (!isatty(fileno(f)))
		setvbuf(f, buffer, _IOFBF, sizeof(buffer));
	return f;
}

/* The capture process ------------------------------------------------------------------------ */

/* True when it has ended, with *status; waits for so long. */
static bool has_ended(pid_t pid, int wait_ms, int *status)
{
	for (; waitpid(pid, status, WNOHANG) != pid; wait_ms -= WATCH_MS) {
		if (wait_ms <= 0)
			return false;
		poll(NULL, 0, WATCH_MS);
	}
	return true;
}

/* False: that of another user, which ends when it finds that nobody reads any more. */
static bool kill_capture(pid_t pid)
{
	bool killed = kill(pid, SIGKILL) == 0;

	log_event(LOG_LEVEL_ERROR, "event=%s why=\"it did not end in time\"",
		  killed ? "capture-killed" : "capture-left");
	return killed;
}

/* How it ended: 0, its exit code, or 1 with a line about the signal, unless that it died was said
 * already. It has sent its last word, or closed the channel: that it ends is due. */
static int capture_status(pid_t pid, bool said)
{
	int status = 0;

	if (!has_ended(pid, CAPTURE_MS, &status)) {
		if (kill_capture(pid))
			waitpid(pid, &status, 0);
		return EXIT_FAILED;
	}
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	if (!said)
		log_event(LOG_LEVEL_ERROR, "event=capture-died signal=%d", WTERMSIG(status));
	return EXIT_FAILED;
}

/* Between two messages ----------------------------------------------------------------------- */

struct recording {
	const struct run *run;
	struct recorder *recorder;
	struct couriers *couriers;
	struct notify *notify;
	FILE *sessions;   /* or NULL */
	bool on_terminal; /* standard error, at the start */
	bool started;     /* the capture process has spoken */
	pid_t capture;

	/* Since it was told to stop; milliseconds. */
	int64_t told, heard;
	uint64_t taken;
	bool overdue;
	bool left; /* could not even be killed */
};

/* When nothing of it comes, or too much, the open step is worth more than what is left of it. False:
 * there is nothing to wait for. */
static bool watch_end(struct recording *rec)
{
	int64_t now = steady_ms();

	if (rec->told == 0) {
		notify_stopping(rec->notify);
		rec->told = rec->heard = now;
	}
	if (recorder_taken(rec->recorder) != rec->taken)
		rec->heard = now;
	rec->taken = recorder_taken(rec->recorder);
	if (!rec->overdue && (now - rec->heard >= SILENT_MS ||
			      (rec->run->o->live && now - rec->told >= ENDING_MS))) {
		rec->overdue = true;
		rec->left = !kill_capture(rec->capture);
	}
	return !rec->left;
}

static void on_hangup(struct recording *rec)
{
	const char *path = rec->run->o->conf;

	/* There is nothing to read anew, or the terminal was closed. */
	if (!path || (rec->on_terminal && !isatty(STDERR_FILENO))) {
		raise(SIGTERM);
		return;
	}
	notify_reloading(rec->notify);
	reload(path, rec->run->conf, rec->recorder, rec->couriers);
	notify_reloaded(rec->notify);
}

/* The stream stays the same and gets another file. What was written to it is in the old one. */
static bool reopen_sessions(FILE *sessions, const char *name)
{
	int fd =
		open(name, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0666);
	bool ok = fd >= 0 && fcntl(fd, F_SETFL, O_APPEND) == 0 && fflush(sessions) == 0 &&
		  dup3(fd, fileno(sessions), O_CLOEXEC) >= 0;
	int why = errno;

	if (fd >= 0)
		close(fd);
	errno = why;
	return ok;
}

static void on_reopen(struct recording *rec)
{
	const char *name = rec->run->o->sessions;

	recorder_reopen(rec->recorder);
	if (rec->sessions && rec->sessions != stdout && !reopen_sessions(rec->sessions, name))
		log_event(LOG_LEVEL_ERROR, "event=reopen-failed file=\"%s\" why=\"%s\"", name,
			  strerror(errno));
	else
		log_event(LOG_LEVEL_INFO, "event=reopened");
}

static bool between(void *ctx)
{
	struct recording *rec = ctx;

	couriers_remind(rec->couriers);
	if (!signals_any())
		return true;
	if (signals_hangup() && !signals_stopping())
		on_hangup(rec);
	if (signals_reopen())
		on_reopen(rec);
	return !signals_stopping() || watch_end(rec);
}

static bool on_step(void *ctx, const struct ledger_batch *b)
{
	const struct recording *rec = ctx;

	if (rec->run->self_test)
		return self_test_step(rec->run->self_test, b);
	return couriers_watch(rec->couriers);
}

/* Whoever reads the log later has to know what it is of. */
static void say_started(const struct run *r)
{
	const struct conf *c = r->conf;
	char names[512] = "";
	size_t at = 0;

	for (unsigned i = 0; i < r->o->inputs_n && at < sizeof(names); i++)
		at += (size_t)snprintf(names + at, sizeof(names) - at, "%s%s", i ? "," : "",
				       r->o->inputs[i]);
	log_event(LOG_LEVEL_INFO,
		  "event=started version=%s interfaces=%s mode=%s workers=%u peers=%zu targets=%zu",
		  PACKAGE_VERSION, names, r->any ? "any" : "ports",
		  r->o->workers ? r->o->workers : c->workers, peers_count(c->peers), c->targets_n);
}

static void on_health(void *ctx, const struct health *so_far)
{
	struct recording *rec = ctx;

	if (rec->run->o->live && !rec->started)
		say_started(rec->run);
	rec->started = true;
	notify_moved(rec->notify, so_far);
}

/* Its end is due, for the channel is closed; it is only looked at. */
static int capture_signal(void *ctx)
{
	const struct recording *rec = ctx;
	int64_t until = deadline_in_ms(CAPTURE_MS);
	siginfo_t end;

	do {
		end.si_pid = 0;
		if (waitid(P_PID, (id_t)rec->capture, &end, WEXITED | WNOHANG | WNOWAIT) != 0)
			return 0;
		if (end.si_pid == rec->capture)
			return end.si_code == CLD_EXITED ? 0 : end.si_status;
		poll(NULL, 0, WATCH_MS);
	} while (deadline_left_ms(until) > 0);
	return 0;
}

/* Recording ---------------------------------------------------------------------------------- */

static int run_recorder(struct recording *rec)
{
	struct health last = { 0 };
	char err[512];
	int code;

	couriers_go(rec->couriers);
	signals_handle();
	if (write(rec->run->order_write, "g", 1) != 1)
		log_event(LOG_LEVEL_ERROR, "event=capture-gone");
	code = recorder_run(rec->recorder, rec->run->channel_read, &last);
	if (rec->sessions && fclose(rec->sessions) != 0 && code == EXIT_DONE)
		code = process_say(EXIT_FAILED, "the session log could not be written");
	if (rec->run->self_test)
		self_test_end(rec->run->self_test, &last);
	if (!rec->run->o->quiet)
		summary_print(&last, stderr);
	if (!health_balance(&last, err, sizeof(err))) {
		log_event(LOG_LEVEL_ERROR, "event=books-do-not-balance what=\"%s\"", err);
		code = EXIT_FAILED;
	}
	signals_stop();
	signals_calm();
	return code;
}

/* Closes the sessions. */
static int record(struct recording *rec, const char *state, char *err, size_t errlen)
{
	const struct run *r = rec->run;
	struct interfaces *interfaces =
		r->o->live ? interfaces_new(INTERFACES_SYSFS, r->o->inputs, r->o->inputs_n) : NULL;
	const struct recorder_options options = {
		.conf = r->conf,
		.inputs = r->o->inputs,
		.inputs_n = r->o->inputs_n,
		.live = r->o->live,
		.interfaces = interfaces,
		.state_dir = state,
		.sessions = rec->sessions,
		.quiet = r->o->quiet,
		.progress = r->progress,
		.on_step = on_step,
		.between = between,
		.on_health = on_health,
		.capture_signal = capture_signal,
		.ctx = rec,
	};
	int code = EXIT_FAILED;

	rec->couriers = r->o->live && state ? couriers_new(r->conf, state) : NULL;
	rec->recorder = recorder_new(&options, err, errlen);
	if (rec->recorder)
		code = run_recorder(rec);
	else
		process_say(EXIT_FAILED, err);
	recorder_free(rec->recorder);
	interfaces_free(interfaces);
	couriers_end(rec->couriers);
	return code;
}

int recorder_process(const struct run *r, pid_t capture)
{
	struct recording rec = { .run = r,
				 .capture = capture,
				 .on_terminal = isatty(STDERR_FILENO) };
	const char *state = r->o->state;
	char err[1024], byte;
	int code = EXIT_FAILED, capture_code;

	signals_remember(r->o->conf != NULL);
	if (r->o->live)
		log_never_waits();
	if (!state && r->o->live && r->conf->state_dir[0])
		state = r->conf->state_dir;
	if (read(r->ready_read, &byte, 1) != 1) /* it said why */
		return capture_status(capture, false);
	rec.notify = notify_new();
	signals_own(r->order_write);
	if (r->o->sessions && !(rec.sessions = open_sessions(r->o->sessions, err, sizeof(err))))
		process_say(EXIT_FAILED, err);
	else if (!drop_recorder_privileges(r, state, err, sizeof(err)))
		process_say(EXIT_FAILED, err);
	else
		code = record(&rec, state, err, sizeof(err));
	signals_stop();
	close(r->channel_read);
	capture_code = rec.left ? EXIT_FAILED : capture_status(capture, code != EXIT_DONE);
	notify_free(rec.notify);
	if (code == EXIT_DONE)
		code = capture_code;
	if (r->self_test && code == EXIT_DONE && !self_test_judge(r->self_test, stdout))
		code = EXIT_FAILED;
	return code;
}
