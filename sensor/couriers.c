/* couriers.c - one process for each target of alerts, and one that keeps them. */
#include "sensor/couriers.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "reports/courier.h"
#include "reports/deliveries.h"
#include "reports/rules.h"
#include "sensor/log.h"

#define WATCH_MS 1000
#define AGAIN_S  60                   /* a courier is not started anew more often */
#define END_MS   50                   /* while they end, they are looked at so often */
#define KEEPER_S (COURIER_LAST_S + 2) /* then the keeper kills what is left */
#define WAIT_MS  (1000 * (KEEPER_S + 2))
#define LIFE_FD  3 /* all that a courier has from the recorder, besides standard error */
#define DONE_FD  4

/* In the recorder. */
struct couriers {
	pid_t keeper;
	int life;  /* writing end: one byte to go, closed to end */
	int done;  /* reading end, which nobody else holds open once they have ended */
	bool gone; /* the keeper died */
};

/* In the keeper: one courier. */
struct post {
	const struct target *target;
	pid_t pid;    /* 0: there is none */
	int64_t anew; /* when it was started anew; seconds, of a clock that is not set */
};

struct keeper {
	const struct conf *conf;
	const char *dir;
	struct post posts[TARGETS_MAX];
	size_t n;
};

static int64_t seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/* A courier ---------------------------------------------------------------------------------- */

static void say(enum courier_level level, const char *text)
{
	static const enum log_level levels[] = {
		[COURIER_INFO] = LOG_LEVEL_INFO,
		[COURIER_WARNING] = LOG_LEVEL_WARNING,
		[COURIER_ERROR] = LOG_LEVEL_ERROR,
	};

	log_event(levels[level], "%s", text);
}

static void run_courier(const struct keeper *k, const struct target *t)
{
	const struct courier c = {
		.dir = k->dir,
		.sensor = k->conf->sensor,
		.target = t,
		.windows = k->conf->maintenance,
		.windows_n = k->conf->maintenance_n,
		.life = LIFE_FD,
		.say = say,
	};

	prctl(PR_SET_NAME, t->name); /* its first 15 bytes, for ps(1) */
	courier_run(&c);
}

/* The keeper --------------------------------------------------------------------------------- */

static void start(struct keeper *k, struct post *p)
{
	pid_t pid;

	pid = fork();
	if (pid == 0) {
		run_courier(k, p->target);
		_exit(0);
	}
	p->pid = pid > 0 ? pid : 0;
	if (pid < 0)
		log_event(LOG_LEVEL_ERROR, "event=no-courier target=%s why=\"%s\"", p->target->name,
			  strerror(errno));
}

static void note_end(const struct post *p, int status)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		log_event(LOG_LEVEL_ERROR,
			  "event=courier-died target=%s why=\"an attempt did not end in time\"",
			  p->target->name);
	else if (WIFSIGNALED(status))
		log_event(LOG_LEVEL_ERROR, "event=courier-died target=%s signal=%d",
			  p->target->name, WTERMSIG(status));
	else
		log_event(LOG_LEVEL_ERROR, "event=courier-died target=%s status=%d",
			  p->target->name, WEXITSTATUS(status));
}

static struct post *post_of(struct keeper *k, pid_t pid)
{
	for (size_t i = 0; i < k->n; i++) {
		if (k->posts[i].pid == pid)
			return &k->posts[i];
	}
	return NULL;
}

/* What a courier that was killed had started is the keeper's child now: a program, with a process
 * group of its own. */
static void kill_orphans(struct keeper *k)
{
	char path[64];
	FILE *f;
	int pid;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	f = fopen(path, "re");
	while (f && fscanf(f, "%d", &pid) == 1) {
		if (!post_of(k, pid))
			kill(-pid, SIGKILL);
	}
	if (f)
		fclose(f);
}

/* Returns how many couriers there are still. */
static size_t reap(struct keeper *k, bool ending)
{
	size_t alive = 0;
	struct post *p;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		p = post_of(k, pid);
		if (!p)
			continue;
		p->pid = 0;
		if (!ending)
			note_end(p, status);
		kill_orphans(k);
	}
	for (size_t i = 0; i < k->n; i++)
		alive += k->posts[i].pid > 0;
	return alive;
}

static void start_anew(struct keeper *k)
{
	for (size_t i = 0; i < k->n; i++) {
		struct post *p = &k->posts[i];

		if (p->pid > 0 || (p->anew > 0 && seconds() - p->anew < AGAIN_S))
			continue;
		p->anew = seconds();
		start(k, p);
	}
}

/* They were told by the same pipe. */
static void end_all(struct keeper *k)
{
	int64_t until = seconds() + KEEPER_S;

	while (reap(k, true) > 0 && seconds() < until)
		poll(NULL, 0, END_MS);
	for (size_t i = 0; i < k->n; i++) {
		struct post *p = &k->posts[i];

		if (p->pid > 0 && kill(p->pid, SIGKILL) == 0)
			waitpid(p->pid, NULL, 0);
		p->pid = 0;
	}
	kill_orphans(k);
}

static void keep(struct keeper *k)
{
	struct pollfd life = { LIFE_FD, POLLIN, 0 };
	char err[512], byte;

	if (read(LIFE_FD, &byte, 1) != 1)
		return;
	if (!deliveries_targets(k->dir, k->conf->targets, k->conf->targets_n, err, sizeof(err)))
		log_event(LOG_LEVEL_ERROR, "event=write-failed what=targets why=\"%s\"", err);
	for (size_t i = 0; i < k->conf->targets_n && i < TARGETS_MAX; i++) {
		k->posts[k->n].target = &k->conf->targets[i];
		start(k, &k->posts[k->n++]);
	}
	while (poll(&life, 1, WATCH_MS) <= 0) {
		reap(k, false);
		start_anew(k);
	}
	end_all(k);
}

/* Keeps standard error and the two pipes, and nothing of what the recorder has open. */
static bool shed(int life, int done)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int high_life = fcntl(life, F_DUPFD_CLOEXEC, DONE_FD + 1);
	int high_done = fcntl(done, F_DUPFD_CLOEXEC, DONE_FD + 1);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
	    dup3(high_life, LIFE_FD, O_CLOEXEC) < 0 || dup3(high_done, DONE_FD, O_CLOEXEC) < 0)
		return false;
	if (close_range(DONE_FD + 1, ~0u, 0) == 0)
		return true;
	for (int fd = DONE_FD + 1; fd < getdtablesize(); fd++)
		close(fd);
	return true;
}

static void run_keeper(const struct conf *c, const char *dir, int life, int done)
{
	struct keeper k = { .conf = c, .dir = dir };

	signal(SIGTERM, SIG_IGN); /* the recorder tells when to end */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	prctl(PR_SET_NAME, "couriers");
	prctl(PR_SET_CHILD_SUBREAPER, 1); /* see kill_orphans() */
	if (shed(life, done))
		keep(&k);
}

/* The recorder ------------------------------------------------------------------------------- */

static struct couriers *fork_keeper(const struct conf *c, const char *dir, const int life[2],
				    const int done[2])
{
	struct couriers *co = calloc(1, sizeof(*co));

	if (!co)
		abort();
	co->life = life[1];
	co->done = done[0];
	co->keeper = fork();
	if (co->keeper == 0) {
		close(life[1]);
		run_keeper(c, dir, life[0], done[1]);
		_exit(0);
	}
	close(life[0]);
	close(done[1]);
	if (co->keeper > 0)
		return co;
	close(life[1]);
	close(done[0]);
	free(co);
	return NULL;
}

struct couriers *couriers_new(const struct conf *c, const char *dir)
{
	int life[2] = { -1, -1 }, done[2] = { -1, -1 };
	struct couriers *co = NULL;

	if (c->targets_n == 0)
		return NULL;
	if (pipe2(life, O_CLOEXEC) == 0 && pipe2(done, O_CLOEXEC) == 0)
		co = fork_keeper(c, dir, life, done);
	if (!co)
		log_event(LOG_LEVEL_ERROR, "event=no-couriers why=\"%s\"", strerror(errno));
	return co;
}

void couriers_go(struct couriers *co)
{
	if (co && write(co->life, "g", 1) != 1)
		log_event(LOG_LEVEL_ERROR, "event=no-couriers why=\"%s\"", strerror(errno));
}

bool couriers_watch(struct couriers *co)
{
	if (!co || co->gone)
		return !co;
	co->gone = waitpid(co->keeper, NULL, WNOHANG) == co->keeper;
	if (co->gone)
		log_event(LOG_LEVEL_ERROR,
			  "event=couriers-gone why=\"their keeper died; restart mailseald\"");
	return !co->gone;
}

void couriers_end(struct couriers *co)
{
	struct pollfd done;

	if (!co)
		return;
	close(co->life);
	done = (struct pollfd){ co->done, POLLIN, 0 };
	if (!co->gone && poll(&done, 1, WAIT_MS) <= 0)
		kill(co->keeper, SIGKILL);
	close(co->done);
	if (!co->gone)
		waitpid(co->keeper, NULL, 0);
	free(co);
}
