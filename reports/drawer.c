/* drawer.c - a process that draws, and what its parent makes of it. */
#include "reports/drawer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reports/deadline.h"

#define CHILD_FD     3
#define ERR_MAX      512
#define PICTURES_MAX 10000             /* of one child: librrd loses some hundred bytes with each */
#define CPU_S        20                /* for one picture */
#define MEMORY_MAX   ((rlim_t)2 << 30) /* a picture of 4000 x 4000 takes a tenth of it */

struct drawer {
	char *dir;
	pid_t child; /* -1: none */
	int fd;
	unsigned drawn; /* by this child */
};

/* Before the bytes of an image, or of a sentence. */
struct answer {
	uint32_t drawn; /* 1 or 0 */
	uint32_t len;
	struct rrd_plot plot;
};

/* The child ----------------------------------------------------------------------------------- */

/* All of it, or false: the other side is gone. */
static bool read_all(int fd, void *to, size_t len)
{
	for (size_t at = 0; at < len;) {
		ssize_t n = read(fd, (char *)to + at, len - at);

		if (n == 0 || (n < 0 && errno != EINTR))
			return false;
		at += n > 0 ? (size_t)n : 0;
	}
	return true;
}

static bool write_all(int fd, const void *from, size_t len)
{
	for (size_t at = 0; at < len;) {
		ssize_t n = send(fd, (const char *)from + at, len - at, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return false;
		at += n > 0 ? (size_t)n : 0;
	}
	return true;
}

static void default_signals(void)
{
	struct sigaction plain = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		sigaction(sig, &plain, NULL); /* SIGKILL and SIGSTOP refuse */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Only its socket and standard error; no core, no debugger, no life after the parent. */
static bool child_confine(int fd, pid_t parent)
{
	static const struct rlimit no_core = { 0, 0 };
#ifndef WITH_SANITIZERS /* which reserve more addresses than there is memory */
	static const struct rlimit memory = { MEMORY_MAX, MEMORY_MAX };

	if (setrlimit(RLIMIT_AS, &memory) != 0)
		return false;
#endif
	default_signals();
	return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && getppid() == parent &&
	       prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 && setrlimit(RLIMIT_CORE, &no_core) == 0 &&
	       (fd == CHILD_FD || dup2(fd, CHILD_FD) == CHILD_FD) &&
	       close_range(CHILD_FD + 1, ~0u, 0) == 0;
}

static void child_streams(void)
{
	int null = open("/dev/null", O_RDWR);

	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		if (null > CHILD_FD)
			close(null);
	}
}

/* CPU_S more than has been used. */
static void allow_cpu(void)
{
	struct rlimit limit;
	struct rusage used;

	if (getrusage(RUSAGE_SELF, &used) != 0 || getrlimit(RLIMIT_CPU, &limit) != 0)
		return;
	limit.rlim_cur = (rlim_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec + 2 + CPU_S);
	if (limit.rlim_cur < limit.rlim_max)
		setrlimit(RLIMIT_CPU, &limit);
}

static bool child_answer(const char *dir, const struct rrd_picture *p)
{
	struct rrd_image image = { .bytes = NULL };
	char err[ERR_MAX] = "";
	struct answer a = { .drawn = 0 };
	bool ok;

	allow_cpu();
	a.drawn = rrd_draw(dir, p, &image, err, sizeof(err));
	a.len = a.drawn ? (uint32_t)image.len : (uint32_t)strlen(err);
	a.plot = image.plot;
	ok = write_all(CHILD_FD, &a, sizeof(a)) &&
	     write_all(CHILD_FD, a.drawn ? (const void *)image.bytes : err, a.len);
	free(image.bytes);
	return ok;
}

_Noreturn static void child_run(const char *dir, int fd, pid_t parent)
{
	struct rrd_picture p;

	if (!child_confine(fd, parent))
		_exit(1);
	child_streams();
	while (read_all(CHILD_FD, &p, sizeof(p)) && child_answer(dir, &p))
		;
	_exit(0);
}

/* The parent ---------------------------------------------------------------------------------- */

static void drop_child(struct drawer *d)
{
	if (d->child < 0)
		return;
	close(d->fd);
	kill(d->child, SIGKILL);
	while (waitpid(d->child, NULL, 0) < 0 && errno == EINTR)
		;
	d->child = -1;
}

static bool start_child(struct drawer *d, char *err, size_t errlen)
{
	pid_t parent = getpid();
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
		snprintf(err, errlen, "cannot start the drawing process: %s", strerror(errno));
		return false;
	}
	d->child = fork();
	if (d->child == 0)
		child_run(d->dir, fds[1], parent);
	close(fds[1]);
	if (d->child < 0) {
		snprintf(err, errlen, "cannot start the drawing process: %s", strerror(errno));
		close(fds[0]);
		return false;
	}
	d->fd = fds[0];
	d->drawn = 0;
	return true;
}

/* Waits until the child can be written to or read from. */
static bool wait_for(const struct drawer *d, short events, int64_t deadline)
{
	struct pollfd p = { .fd = d->fd, .events = events };
	int n;

	do
		n = poll(&p, 1, deadline_left_ms(deadline));
	while (n < 0 && errno == EINTR);
	return n == 1;
}

static bool tell(struct drawer *d, const void *from, size_t len, int64_t deadline)
{
	for (size_t at = 0; at < len;) {
		ssize_t n;

		if (!wait_for(d, POLLOUT, deadline))
			return false;
		n = send(d->fd, (const char *)from + at, len - at, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		at += n > 0 ? (size_t)n : 0;
	}
	return true;
}

static bool hear(struct drawer *d, void *to, size_t len, int64_t deadline)
{
	for (size_t at = 0; at < len;) {
		ssize_t n;

		if (!wait_for(d, POLLIN, deadline))
			return false;
		n = recv(d->fd, (char *)to + at, len - at, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return false;
		at += n > 0 ? (size_t)n : 0;
	}
	return true;
}

/* The answer of the child: an image in out, or a sentence in err. False when it makes no sense or
 * does not come. */
static bool hear_answer(struct drawer *d, int64_t deadline, bool *drawn, struct rrd_image *out,
			char *err, size_t errlen)
{
	char why[ERR_MAX] = "";
	struct answer a;

	if (!hear(d, &a, sizeof(a), deadline))
		return false;
	*drawn = a.drawn == 1;
	if (a.drawn > 1 || a.len == 0 || a.len > (*drawn ? RRD_IMAGE_MAX : sizeof(why) - 1))
		return false;
	if (!*drawn) {
		if (!hear(d, why, a.len, deadline))
			return false;
		snprintf(err, errlen, "%s", why);
		return true;
	}
	out->len = a.len;
	out->plot = a.plot;
	out->bytes = malloc(a.len);
	if (!out->bytes)
		abort();
	if (hear(d, out->bytes, a.len, deadline))
		return true;
	free(out->bytes);
	return false;
}

struct drawer *drawer_start(const char *dir, char *err, size_t errlen)
{
	struct drawer *d = calloc(1, sizeof(*d));

	if (!d || !(d->dir = strdup(dir)))
		abort();
	d->child = -1;
	if (start_child(d, err, errlen))
		return d;
	drawer_stop(d);
	return NULL;
}

void drawer_stop(struct drawer *d)
{
	if (!d)
		return;
	drop_child(d);
	free(d->dir);
	free(d);
}

pid_t drawer_child(const struct drawer *d)
{
	return d->child;
}

/* A child that died since the last picture is no reason to refuse this one. */
static bool have_child(struct drawer *d, char *err, size_t errlen)
{
	if (d->child >= 0 && waitpid(d->child, NULL, WNOHANG) != 0) {
		close(d->fd);
		d->child = -1;
	}
	return d->child >= 0 || start_child(d, err, errlen);
}

bool drawer_draw(struct drawer *d, const struct rrd_picture *p, int deadline_ms,
		 struct rrd_image *out, char *err, size_t errlen)
{
	int64_t deadline = deadline_in_ms(deadline_ms);
	struct rrd_image image = { .bytes = NULL };
	bool drawn = false;

	if (!rrd_picture_check(p, err, errlen) || !have_child(d, err, errlen))
		return false;
	if (!tell(d, p, sizeof(*p), deadline) ||
	    !hear_answer(d, deadline, &drawn, &image, err, errlen)) {
		snprintf(err, errlen, "the drawing process %s",
			 deadline_left_ms(deadline) == 0 ? "took too long" : "died");
		drop_child(d);
		return false;
	}
	if (drawn)
		*out = image;
	if (++d->drawn == PICTURES_MAX)
		drop_child(d);
	return drawn;
}
