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
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reports/courier.h"
#include "reports/deadline.h"
#include "reports/deliveries.h"
#include "reports/rules.h"
#include "sensor/log.h"

#define WATCH_MS  1000
#define AGAIN_S   60                            /* a courier is not started anew more often */
#define END_MS    50                            /* while they end, they are looked at so often */
#define KEEPER_MS (1000 * COURIER_LAST_S + 500) /* then the keeper kills what is left */
#define WAIT_MS   (KEEPER_MS + 500)
#define LIFE_FD   3 /* all that a courier has from the recorder, besides standard error */
#define DONE_FD   4
#define NEWS_FD   5
#define LEAVE     SIGUSR2 /* not SIGTERM, which a service manager sends to everybody */

/* All that they know of the configuration. As a message it has a fixed size. */
struct roster {
	size_t targets_n, windows_n;
	struct target targets[TARGETS_MAX];
	struct maintenance windows[MAINTENANCE_MAX];
};

/* In the recorder. */
struct couriers {
	pid_t keeper;
	int life;              /* writing end: one byte to go, closed to end */
	int done;              /* reading end, which nobody else holds open once they have ended */
	int news;              /* takes a whole roster at a time, or none */
	bool gone;             /* the keeper died */
	struct roster *untold; /* owned; NULL: the keeper knows everything */
};

/* In the keeper: one courier. */
struct post {
	const struct target *target;
	pid_t pid;    /* 0: there is none */
	bool leaving; /* told to end: its target is no more, or another */
	int64_t anew; /* when it was started anew; seconds, of a clock that is not set */
};

struct keeper {
	const char *sensor;
	const char *dir;
	struct roster *roster; /* owned */
	struct post posts[TARGETS_MAX];
	size_t n;
};

static struct roster *roster_new(const struct conf *c)
{
	struct roster *r = calloc(1, sizeof(*r));

	if (!r)
		abort();
	r->targets_n = c ? c->targets_n : 0;
	r->windows_n = c ? c->maintenance_n : 0;
	if (r->targets_n > 0)
		memcpy(r->targets, c->targets, r->targets_n * sizeof(r->targets[0]));
	if (r->windows_n > 0)
		memcpy(r->windows, c->maintenance, r->windows_n * sizeof(r->windows[0]));
	return r;
}

static int64_t seconds(void)
{
	return steady_ms() / 1000;
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

static void set_blocked(int number, int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	sigprocmask(how, &set, NULL);
}

/* For this one alone it is as if the other end of the pipe were closed: /dev/null is at its end. */
static void leave(int number)
{
	(void)number;
	dup2(STDIN_FILENO, LIFE_FD);
}

static void run_courier(const struct keeper *k, const struct target *t)
{
	const struct sigaction sa = { .sa_handler = leave };
	const struct courier c = {
		.dir = k->dir,
		.sensor = k->sensor,
		.target = t,
		.windows = k->roster->windows,
		.windows_n = k->roster->windows_n,
		.life = LIFE_FD,
		.say = say,
	};

	close(NEWS_FD);
	sigaction(LEAVE, &sa, NULL);
	set_blocked(LEAVE, SIG_UNBLOCK);
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

/* Returns how many there still are of those that leave; all: of all. */
static size_t reap(struct keeper *k, bool all)
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
		if (!all && !p->leaving)
			note_end(p, status);
		kill_orphans(k);
	}
	for (size_t i = 0; i < k->n; i++)
		alive += k->posts[i].pid > 0 && (all || k->posts[i].leaving);
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

/* Those that leave were told, or all of them by the pipe. */
static void wait_for_end(struct keeper *k, bool all)
{
	int64_t until = steady_ms() + KEEPER_MS;

	while (reap(k, all) > 0 && steady_ms() < until)
		poll(NULL, 0, END_MS);
	for (size_t i = 0; i < k->n; i++) {
		struct post *p = &k->posts[i];

		if (!all && !p->leaving)
			continue;
		if (p->pid > 0 && kill(p->pid, SIGKILL) == 0)
			waitpid(p->pid, NULL, 0);
		p->pid = 0;
	}
	kill_orphans(k);
}

/* A courier goes by what it was started with. */
static bool same_windows(const struct roster *a, const struct roster *b)
{
	return memcmp(a->windows, b->windows, sizeof(a->windows)) == 0;
}

static const struct target *target_in(const struct roster *r, const struct target *t)
{
	for (size_t i = 0; i < r->targets_n; i++) {
		if (memcmp(&r->targets[i], t, sizeof(*t)) == 0)
			return &r->targets[i];
	}
	return NULL;
}

/* Before one is started the one before it of the same name has ended. */
static void dismiss(struct keeper *k, const struct roster *next)
{
	size_t kept = 0;

	for (size_t i = 0; i < k->n; i++) {
		struct post *p = &k->posts[i];

		p->leaving = !same_windows(k->roster, next) || !target_in(next, p->target);
		if (p->leaving && p->pid > 0)
			kill(p->pid, LEAVE);
	}
	wait_for_end(k, false);
	for (size_t i = 0; i < k->n; i++) {
		if (!k->posts[i].leaving)
			k->posts[kept++] = k->posts[i];
	}
	k->n = kept;
	for (size_t i = 0; i < k->n; i++)
		k->posts[i].target = target_in(next, k->posts[i].target);
}

static bool has_post(const struct keeper *k, const struct target *t)
{
	for (size_t i = 0; i < k->n; i++) {
		if (k->posts[i].target == t)
			return true;
	}
	return false;
}

static void appoint(struct keeper *k)
{
	const struct roster *r = k->roster;
	char err[512];

	if (!deliveries_targets(k->dir, r->targets, r->targets_n, err, sizeof(err)))
		log_event(LOG_LEVEL_ERROR, "event=write-failed what=targets why=\"%s\"", err);
	for (size_t i = 0; i < r->targets_n && k->n < TARGETS_MAX; i++) {
		if (has_post(k, &r->targets[i]))
			continue;
		k->posts[k->n] = (struct post){ .target = &r->targets[i] };
		start(k, &k->posts[k->n++]);
	}
}

/* Of several that wait the last one counts. */
static void read_news(struct keeper *k)
{
	struct roster *next = roster_new(NULL);
	bool any = false;

	while (recv(NEWS_FD, next, sizeof(*next), MSG_DONTWAIT) == (ssize_t)sizeof(*next))
		any = true;
	if (any) {
		dismiss(k, next);
		free(k->roster);
		k->roster = next;
		appoint(k);
	} else {
		free(next);
	}
}

static void keep(struct keeper *k)
{
	struct pollfd fds[] = { { LIFE_FD, POLLIN, 0 }, { NEWS_FD, POLLIN, 0 } };
	char byte;

	if (read(LIFE_FD, &byte, 1) != 1)
		return;
	appoint(k);
	while (poll(fds, 2, WATCH_MS) <= 0 || fds[0].revents == 0) {
		if (fds[1].revents & POLLIN)
			read_news(k);
		reap(k, false);
		start_anew(k);
	}
	wait_for_end(k, true);
}

/* Keeps standard error and what it has from the recorder, and nothing else of what that has open. */
static bool shed(int life, int done, int news)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int high_life = fcntl(life, F_DUPFD_CLOEXEC, NEWS_FD + 1);
	int high_done = fcntl(done, F_DUPFD_CLOEXEC, NEWS_FD + 1);
	int high_news = fcntl(news, F_DUPFD_CLOEXEC, NEWS_FD + 1);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
	    dup3(high_life, LIFE_FD, O_CLOEXEC) < 0 || dup3(high_done, DONE_FD, O_CLOEXEC) < 0 ||
	    dup3(high_news, NEWS_FD, O_CLOEXEC) < 0)
		return false;
	if (close_range(NEWS_FD + 1, ~0u, 0) == 0)
		return true;
	for (int fd = NEWS_FD + 1; fd < getdtablesize(); fd++)
		close(fd);
	return true;
}

static void run_keeper(const struct conf *c, const char *dir, int life, int done, int news)
{
	struct keeper k = { .sensor = c->sensor, .dir = dir, .roster = roster_new(c) };

	signal(SIGTERM, SIG_IGN); /* the recorder tells when to end */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	set_blocked(LEAVE, SIG_BLOCK); /* for the couriers, until they can take it */
	prctl(PR_SET_NAME, "couriers");
	prctl(PR_SET_CHILD_SUBREAPER, 1); /* see kill_orphans() */
	if (shed(life, done, news))
		keep(&k);
	free(k.roster);
}

/* The recorder ------------------------------------------------------------------------------- */

/* Of each pair the recorder has one end and the keeper the other. */
struct pipes {
	int life[2], done[2], news[2];
};

static bool make_pipes(struct pipes *p)
{
	int size = 2 * (int)sizeof(struct roster);

	if (pipe2(p->life, O_CLOEXEC) != 0 || pipe2(p->done, O_CLOEXEC) != 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p->news) != 0)
		return false;
	setsockopt(p->news[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return true;
}

static void close_recorders_end(const struct pipes *p)
{
	close(p->life[1]);
	close(p->done[0]);
	close(p->news[0]);
}

static struct couriers *fork_keeper(const struct conf *c, const char *dir, const struct pipes *p)
{
	struct couriers *co = calloc(1, sizeof(*co));

	if (!co)
		abort();
	co->life = p->life[1];
	co->done = p->done[0];
	co->news = p->news[0];
	co->keeper = fork();
	if (co->keeper == 0) {
		free(co);
		close_recorders_end(p);
		run_keeper(c, dir, p->life[0], p->done[1], p->news[1]);
		_exit(0);
	}
	close(p->life[0]);
	close(p->done[1]);
	close(p->news[1]);
	if (co->keeper > 0)
		return co;
	close_recorders_end(p);
	free(co);
	return NULL;
}

struct couriers *couriers_new(const struct conf *c, const char *dir)
{
	struct couriers *co = NULL;
	struct pipes p;

	if (make_pipes(&p))
		co = fork_keeper(c, dir, &p);
	if (!co)
		log_event(LOG_LEVEL_ERROR, "event=no-couriers why=\"%s\"", strerror(errno));
	return co;
}

void couriers_go(struct couriers *co)
{
	if (co && write(co->life, "g", 1) != 1)
		log_event(LOG_LEVEL_ERROR, "event=no-couriers why=\"%s\"", strerror(errno));
}

void couriers_reload(struct couriers *co, const struct conf *c)
{
	if (!co)
		return;
	free(co->untold);
	co->untold = roster_new(c);
	couriers_remind(co);
}

void couriers_remind(struct couriers *co)
{
	if (!co || !co->untold)
		return;
	if (send(co->news, co->untold, sizeof(*co->untold), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
	    (errno == EAGAIN || errno == ENOBUFS || errno == EINTR))
		return; /* it is about to end others */
	free(co->untold);
	co->untold = NULL;
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

/* False: not in time. */
static bool wait_for_keeper(const struct couriers *co)
{
	struct pollfd done = { co->done, POLLIN, 0 };
	int64_t until = steady_ms() + WAIT_MS;

	while (poll(&done, 1, END_MS) <= 0) {
		if (steady_ms() >= until)
			return false;
	}
	return true;
}

void couriers_end(struct couriers *co)
{
	if (!co)
		return;
	close(co->life);
	if (!co->gone && !wait_for_keeper(co))
		kill(co->keeper, SIGKILL);
	close(co->done);
	close(co->news);
	free(co->untold);
	if (!co->gone)
		waitpid(co->keeper, NULL, 0);
	free(co);
}
