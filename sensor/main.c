/* main.c - mailseald: reads options and configuration, and parts into two processes. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reports/privileges.h"
#include "sensor/capture.h"
#include "sensor/channel.h"
#include "sensor/conf.h"
#include "sensor/confine.h"
#include "sensor/couriers.h"
#include "sensor/interfaces.h"
#include "sensor/log.h"
#include "sensor/options.h"
#include "sensor/recorder.h"
#include "sensor/summary.h"
#include "sensor/workers.h"

#define SESSIONS_BUFFER (1u << 16)
#define CHANNEL_BYTES   (1u << 20)

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct run {
	struct options *o;
	struct conf *conf;
	bool any;
	bool progress; /* shown on standard error */
	int channel_read, channel_write;
	int ready_read, ready_write; /* capture -> recorder: everything is open */
	int order_read, order_write; /* recorder -> capture: a byte means go, the end means stop */
};

/* One line, whatever a file name holds. */
static int say(int code, const char *text)
{
	fputs("mailseald: ", stderr);
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		if (*c < ' ' || *c == 0x7f)
			fprintf(stderr, "\\x%02x", *c);
		else
			fputc(*c, stderr);
	}
	fputc('\n', stderr);
	return code;
}

/* The capture process ------------------------------------------------------------------------ */

static bool drop_capture_privileges(const struct run *r, char *err, size_t errlen)
{
	uid_t uid = 0;
	gid_t gid = 0;
	bool root = geteuid() == 0;

	if (root && !privileges_find_user(r->conf->user, "nobody", &uid, &gid)) {
		snprintf(err, errlen, "there is neither a user %s nor nobody to run as",
			 r->conf->user);
		return false;
	}
	return privileges_drop(root, uid, gid, GROUPS_NONE, err, errlen);
}

static bool wait_for_go(const struct run *r)
{
	char byte;

	return read(r->order_read, &byte, 1) == 1;
}

/* From here on there is nothing but the channel to write to. */
static void close_output(void)
{
	close(STDOUT_FILENO);
#if !defined(WITH_SANITIZERS) && !defined(WITHOUT_CONFINEMENT) /* these have something to say */
	close(STDERR_FILENO);
#endif
}

/* Opens the inputs once for each worker. What may keep us waiting can be read only once: *n is 1 then.
 * EXIT_DONE, or the exit code with one line in err. */
static int open_captures(const struct run *r, const struct conf *conf, struct capture **captures,
			 unsigned *n, char *err, size_t errlen)
{
	const struct capture_options options = {
		.names = r->o->inputs,
		.names_n = r->o->inputs_n,
		.live = r->o->live,
		.shared = *n > 1,
		.kernel_filter = !r->any,
		.filter = r->o->filter,
		.conf = conf,
	};
	int code;

	for (unsigned i = 0; i < *n; i++) {
		captures[i] = capture_open(&options, &code, err, errlen);
		if (!captures[i])
			return code;
		if (!r->o->live && capture_may_wait(captures[i]))
			*n = 1;
	}
	if (r->o->live && *n > 1 && !capture_share(captures, *n, err, errlen))
		return EXIT_FAILED;
	return EXIT_DONE;
}

/* Drops its privileges, then makes its threads, which have none either, and confines all of them. */
static bool start_confined(const struct run *r, struct workers *workers, char *err, size_t errlen)
{
	return drop_capture_privileges(r, err, errlen) && workers_start(workers, err, errlen) &&
	       confine_capture(r->channel_write, err, errlen);
}

/* Opens, tells the recorder, waits for it, confines itself, and only then reads a packet. */
static int capture_process(const struct run *r)
{
	struct channel channel = { .fd = r->channel_write, .wait = !r->o->live };
	struct capture *captures[CONF_WORKERS_MAX];
	struct workers_options options = {
		.n = r->o->workers ? r->o->workers : r->conf->workers,
		.captures = captures,
		.channel = &channel,
		.live = r->o->live,
		.any = r->any,
		.progress = r->progress,
	};
	struct conf conf;
	struct workers *workers;
	char err[1024];
	int code;

	workers_divide(r->conf, options.n, r->o->live, &conf);
	code = open_captures(r, &conf, captures, &options.n, err, sizeof(err));
	if (code != EXIT_DONE)
		return say(code, err);
	if (options.n == 1)
		conf = *r->conf;
	options.conf = &conf;
	workers = workers_new(&options);
	if (!workers)
		return say(EXIT_FAILED, "no memory for the flow table; see capture.max_flows");
	if (write(r->ready_write, "r", 1) != 1 || !wait_for_go(r))
		return EXIT_FAILED;
	close(r->ready_write);
	if (!start_confined(r, workers, err, sizeof(err)))
		return say(EXIT_FAILED, err);
	close_output();
	code = workers_run(workers, r->order_read) ? EXIT_DONE : EXIT_FAILED;
	workers_free(workers);
	for (unsigned i = 0; i < options.n; i++)
		capture_close(captures[i]);
	return code;
}

/* The recorder process ----------------------------------------------------------------------- */

static volatile sig_atomic_t stop_fd = -1;

static void stop(int number)
{
	int fd = stop_fd;

	(void)number;
	stop_fd = -1;
	if (fd >= 0)
		close(fd);
}

static void handle_signals(int order_write)
{
	struct sigaction sa = { .sa_handler = stop, .sa_flags = SA_RESTART };

	stop_fd = order_write;
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
}

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
	return privileges_drop(change, uid, gid, GROUPS_NONE, err, errlen);
}

static FILE *open_sessions(const char *name, char *err, size_t errlen)
{
	FILE *f = strcmp(name, "-") == 0 ? stdout : fopen(name, "we");

	if (!f)
		snprintf(err, errlen, "%s: %s", name, strerror(errno));
	else if (!isatty(fileno(f)))
		setvbuf(f, NULL, _IOFBF, SESSIONS_BUFFER);
	return f;
}

/* How the capture process ended: 0, its exit code, or 1 with a line about the signal, unless that
 * it died was said already. */
static int capture_status(pid_t pid, bool said)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return EXIT_FAILED;
	}
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	if (!said)
		log_event(LOG_LEVEL_ERROR, "event=capture-died signal=%d", WTERMSIG(status));
	return EXIT_FAILED;
}

static bool watch_couriers(void *ctx)
{
	return couriers_watch(ctx);
}

static int record(const struct run *r, FILE *sessions, const char *state, char *err, size_t errlen)
{
	struct couriers *couriers = r->o->live && state ? couriers_new(r->conf, state) : NULL;
	struct interfaces *interfaces =
		r->o->live ? interfaces_new(INTERFACES_SYSFS, r->o->inputs, r->o->inputs_n) : NULL;
	const struct recorder_options options = {
		.conf = r->conf,
		.inputs = r->o->inputs,
		.inputs_n = r->o->inputs_n,
		.live = r->o->live,
		.interfaces = interfaces,
		.state_dir = state,
		.sessions = sessions,
		.quiet = r->o->quiet,
		.progress = r->progress,
		.on_step = watch_couriers,
		.ctx = couriers,
	};
	struct recorder *recorder = recorder_new(&options, err, errlen);
	struct health last = { 0 };
	int code;

	if (!recorder) {
		interfaces_free(interfaces);
		couriers_end(couriers);
		return say(EXIT_FAILED, err);
	}
	couriers_go(couriers);
	handle_signals(r->order_write);
	if (write(r->order_write, "g", 1) != 1)
		log_event(LOG_LEVEL_ERROR, "event=capture-gone");
	code = recorder_run(recorder, r->channel_read, &last);
	stop(0);
	recorder_free(recorder);
	interfaces_free(interfaces);
	couriers_end(couriers);
	if (!r->o->quiet)
		summary_print(&last, stderr);
	if (!health_balance(&last, err, errlen)) {
		log_event(LOG_LEVEL_ERROR, "event=books-do-not-balance what=\"%s\"", err);
		code = EXIT_FAILED;
	}
	return code;
}

static int recorder_process(const struct run *r, pid_t capture)
{
	const char *state = r->o->state;
	FILE *sessions = NULL;
	char err[1024], byte;
	int code = EXIT_FAILED, capture_code;

	if (!state && r->o->live && r->conf->state_dir[0])
		state = r->conf->state_dir;
	if (read(r->ready_read, &byte, 1) != 1) /* it said why */
		return capture_status(capture, false);
	if (r->o->sessions && !(sessions = open_sessions(r->o->sessions, err, sizeof(err))))
		say(EXIT_FAILED, err);
	else if (!drop_recorder_privileges(r, state, err, sizeof(err)))
		say(EXIT_FAILED, err);
	else
		code = record(r, sessions, state, err, sizeof(err));
	stop(0);
	close(r->order_write);
	close(r->channel_read);
	if (sessions && fclose(sessions) != 0 && code == EXIT_DONE)
		code = say(EXIT_FAILED, "the session log could not be written");
	capture_code = capture_status(capture, code != EXIT_DONE);
	return code == EXIT_DONE ? capture_code : code;
}

/* Parting ------------------------------------------------------------------------------------ */

static bool make_pipes(struct run *r)
{
	int ready[2], order[2];

	if (!channel_open(&r->channel_read, &r->channel_write, CHANNEL_BYTES) ||
	    pipe2(ready, O_CLOEXEC) != 0 || pipe2(order, O_CLOEXEC) != 0)
		return false;
	r->ready_read = ready[0];
	r->ready_write = ready[1];
	r->order_read = order[0];
	r->order_write = order[1];
	return true;
}

static int part(struct run *r)
{
	pid_t pid;

	signal(SIGPIPE, SIG_IGN);
	if (!make_pipes(r) || (pid = fork()) < 0)
		return say(EXIT_FAILED, strerror(errno));
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* until it has opened everything */
		signal(SIGINT, SIG_IGN);          /* the recorder tells when to stop */
		signal(SIGTERM, SIG_IGN);
		signal(SIGHUP, SIG_IGN);
		close(r->channel_read);
		close(r->ready_read);
		close(r->order_write);
		return capture_process(r);
	}
	close(r->channel_write);
	close(r->ready_write);
	close(r->order_read);
	return recorder_process(r, pid);
}

/* Interfaces of the configuration stand in for -i. */
static void default_inputs(struct options *o, const struct conf *c)
{
	if (o->inputs_n > 0)
		return;
	o->live = true;
	for (unsigned i = 0; i < c->interfaces_n; i++)
		o->inputs[o->inputs_n++] = c->interfaces[i];
}

static int run(struct options *o, struct conf *c)
{
	struct run r = { .o = o, .conf = c };
	enum capture_mode mode = o->mode != MODE_DEFAULT ? o->mode : c->mode;

	default_inputs(o, c);
	if (o->inputs_n == 0)
		return say(EXIT_USAGE, "nothing to read: give files with -r or interfaces with -i "
				       "(see --help)");
	if (!o->filter && c->filter[0])
		o->filter = c->filter;
	r.any = mode == MODE_ANY || (mode == MODE_DEFAULT && !o->live);
	r.progress = !o->live && !o->quiet && isatty(STDERR_FILENO);
	return part(&r);
}

static int act(struct options *o)
{
	char err[1024];
	struct conf *c = o->conf ? conf_read(o->conf, err, sizeof(err)) : conf_default();
	int code = EXIT_DONE;

	if (!c)
		return say(EXIT_USAGE, o->conf ? err : "out of memory");
	if (o->action == ACTION_PRINT)
		conf_print(c, false, stdout);
	else if (o->action == ACTION_CHECK)
		printf("%s: ok\n", o->conf ? o->conf : "built-in defaults");
	else
		code = run(o, c);
	conf_free(c);
	return code;
}

int main(int argc, char **argv)
{
	struct options o;
	char err[512];

	if (!options_read(argc, argv, &o, err, sizeof(err)))
		return say(EXIT_USAGE, err);
	if (o.action == ACTION_HELP)
		return fputs(options_help, stdout) < 0;
	if (o.action == ACTION_VERSION)
		return printf("mailseald %s\n", PACKAGE_VERSION) < 0;
	return act(&o);
}
