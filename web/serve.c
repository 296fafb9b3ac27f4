/* serve.c - the server of the site: sockets, privileges, and what is asked for. */
#include "web/serve.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "reports/deadline.h"
#include "reports/drawer.h"
#include "reports/privileges.h"
#include "reports/tool.h"
#include "web/answers.h"
#include "web/hosts.h"
#include "web/httpd.h"
#include "web/lines.h"
#include "web/openmetrics.h"
#include "web/watch.h"

#define CONNECTIONS_MAX 512u                /* of one socket */
#define FILES_RESERVE   64u                 /* besides connections: databases, the log, pictures */
#define LINES_AT_ONCE   ((uint64_t)1 << 20) /* bytes of the session log between two answers */
#define LINES_EVERY_MS  5000

struct serving {
	const struct serve_asked *asked;
	char *metrics;
	int sockets[SERVE_LISTEN_MAX]; /* until httpd has them */
	struct httpd *httpd[SERVE_LISTEN_MAX];
	size_t n; /* of httpd that run */
	int signals;
	struct site site;
	struct answers *answers;
	int64_t lines_due_ms; /* when the session log is to be looked at again */
};

/* Answers ----------------------------------------------------------------------------------- */

/* "/index.html" of "http://any.name/index.html" too, as proxies ask (RFC 9112, 3.2.2). */
static const char *path_of(const char *target)
{
	const char *path = target;

	if (strncmp(target, "http://", 7) == 0)
		path = strchr(target + 7, '/');
	return path && path[0] == '/' ? path : NULL;
}

static struct document *on_request(void *ctx, const struct httpd_request *q)
{
	struct serving *s = ctx;
	const char *path = path_of(q->path);
	int64_t now = (int64_t)time(NULL);

	if (!path)
		return document_of_sentence(400, "An address begins with a slash.");
	if (!host_is_ours(q->host, s->asked->hosts, s->asked->hosts_n))
		return document_of_sentence(421, "This server is not asked under that name: "
						 "mailseal serve --host allows one.");
	if (strcmp(path, "/healthz") == 0)
		return watch_health(s->asked->dir, now);
	if (strcmp(path, "/metrics") == 0)
		return watch_metrics(s->metrics, openmetrics_wanted(q->accept));
	return answers_get(s->answers, path + 1, now);
}

/* The process ------------------------------------------------------------------------------- */

static bool open_sockets(struct serving *s, struct listen_at *at, char *err, size_t errlen)
{
	for (size_t i = 0; i < s->asked->at_n; i++) {
		at[i] = s->asked->at[i];
		s->sockets[i] = listen_open(&at[i], err, errlen);
		if (s->sockets[i] < 0)
			return false;
	}
	return true;
}

/* It reads what comes from anywhere: not as root, and with nothing that it could be used for. */
static bool drop_privileges(const struct serve_asked *a, char *err, size_t errlen)
{
	bool root = geteuid() == 0;
	uid_t uid = 0;
	gid_t gid = 0;

	if (root && !privileges_find_user(a->user, NULL, &uid, &gid)) {
		snprintf(err, errlen,
			 "started as root, and there is no user \"%.64s\" to become (--user)",
			 a->user);
		return false;
	}
	if (root && uid == 0) {
		snprintf(err, errlen, "it does not run as root (--user names another user)");
		return false;
	}
	umask(077);
	return privileges_drop(root, uid, gid, GROUPS_OF_USER, err, errlen);
}

/* So many connections of each socket as there may be open files. */
static unsigned allow_connections(size_t sockets)
{
	rlim_t wanted = CONNECTIONS_MAX * sockets + FILES_RESERVE;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 1;
	limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur <= FILES_RESERVE + sockets)
		return 1;
	return (unsigned)((limit.rlim_cur - FILES_RESERVE) / sockets);
}

static int catch_signals(void)
{
	sigset_t ends;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	return signalfd(-1, &ends, SFD_CLOEXEC);
}

static bool start(struct serving *s, char *err, size_t errlen)
{
	unsigned connections = allow_connections(s->asked->at_n);

	s->site.lines = lines_new(s->asked->dir, NULL);
	s->site.drawer = drawer_start(s->asked->dir, err, errlen);
	if (!s->site.drawer)
		return false;
	s->signals = catch_signals();
	if (s->signals < 0) {
		snprintf(err, errlen, "signals: %s", strerror(errno));
		return false;
	}
	for (s->n = 0; s->n < s->asked->at_n; s->n++) {
		s->httpd[s->n] = httpd_start(s->sockets[s->n], connections, on_request, s);
		if (!s->httpd[s->n]) {
			snprintf(err, errlen, "libmicrohttpd cannot be started: %s",
				 strerror(errno));
			return false;
		}
	}
	return true;
}

static void say_where(const struct listen_at *at, size_t n)
{
	char text[LISTEN_TEXT_MAX];

	for (size_t i = 0; i < n; i++) {
		listen_text(&at[i], text);
		if (!listen_is_local(&at[i]))
			tool_error(SERVE_COMMAND,
				   "warning: %s is reached from other hosts, and nobody is asked "
				   "who they are: put a reverse proxy in front",
				   text);
		tool_error(SERVE_COMMAND, "http://%s/", text);
	}
}

/* Reads on in the session log, a piece at a time. Returns in how many milliseconds to do it again. */
static int read_lines(struct serving *s)
{
	int64_t now = steady_ms();

	if (now >= s->lines_due_ms)
		s->lines_due_ms = lines_update(s->site.lines, LINES_AT_ONCE, NULL, NULL)
					  ? now + LINES_EVERY_MS
					  : now;
	return (int)(s->lines_due_ms - now);
}

static int next_timeout(struct serving *s)
{
	int least = read_lines(s);

	for (size_t i = 0; i < s->n; i++) {
		int ms = httpd_timeout_ms(s->httpd[i]);

		if (ms >= 0 && ms < least)
			least = ms;
	}
	return least;
}

/* Until a signal ends it. */
static void run(struct serving *s)
{
	struct pollfd wait[SERVE_LISTEN_MAX + 1] = { { .fd = s->signals, .events = POLLIN } };

	for (size_t i = 0; i < s->n; i++)
		wait[i + 1] = (struct pollfd){ .fd = httpd_fd(s->httpd[i]), .events = POLLIN };
	while (poll(wait, s->n + 1, next_timeout(s)) >= 0 || errno == EINTR) {
		if (wait[0].revents)
			return;
		for (size_t i = 0; i < s->n; i++)
			httpd_run(s->httpd[i]);
	}
}

static void stop(struct serving *s)
{
	for (size_t i = 0; i < s->n; i++)
		httpd_stop(s->httpd[i]);
	answers_free(s->answers);
	drawer_stop(s->site.drawer);
	lines_free(s->site.lines);
	free(s->metrics);
}

int serve(const struct serve_asked *asked)
{
	struct serving s = { .asked = asked, .site = { .dir = asked->dir } };
	struct listen_at at[SERVE_LISTEN_MAX];
	char err[TOOL_ERR_MAX] = "";
	bool ok;

	if (asprintf(&s.metrics, "%s%s", asked->metrics ? asked->metrics : asked->dir,
		     asked->metrics ? "" : "/metrics.prom") < 0)
		abort();
	s.answers = answers_new(&s.site);
	ok = open_sockets(&s, at, err, sizeof(err)) && drop_privileges(asked, err, sizeof(err)) &&
	     start(&s, err, sizeof(err));
	if (ok) {
		say_where(at, asked->at_n);
		run(&s);
	} else {
		tool_error(SERVE_COMMAND, "%s", err);
	}
	stop(&s);
	return ok ? TOOL_OK : TOOL_FAILED;
}
