/* log.c - what the program says to its operator. The one module with a state of its own: the
 * budget of each level, what could not be said, and what may stand in the last line of the terminal. */
#include "sensor/log.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "reports/progress.h"
#include "reports/text.h"

struct budget {
	time_t second;
	unsigned used;
	unsigned withheld;
};

static struct budget budgets[LOG_LEVELS];
static struct progress *shown;
static bool waits = true;
static unsigned dropped; /* lines, since that was last said */
static bool cut;         /* the last line has no end */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static const char *const level_names[LOG_LEVELS] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_INFO] = "info",
};

size_t log_line(enum log_level level, const char *text, char *out, size_t outlen)
{
	int head = snprintf(out, outlen, "mailseald: %s ", level_names[level]);

	text_safe(text, true, out + head, outlen - (size_t)head);
	return strlen(out);
}

/* Whether one more line may be written; *withheld is what was kept back before it. */
static bool spend(struct budget *b, unsigned *withheld)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	*withheld = 0;
	if (now.tv_sec != b->second) {
		b->second = now.tv_sec;
		b->used = 0;
		*withheld = b->withheld;
		b->withheld = 0;
	}
	if (b->used == LOG_PER_SECOND) {
		b->withheld++;
		return false;
	}
	b->used++;
	return true;
}

void log_over(struct progress *p)
{
	pthread_mutex_lock(&lock);
	shown = p;
	pthread_mutex_unlock(&lock);
}

/* Who counted what was dropped says it. */
static void forget_dropped(void)
{
	dropped = 0;
}

/* Pipes and terminals are opened anew, for whether a write waits is a matter of what was opened, and we
 * share that with whoever started us. A socket cannot be; but one that poll() finds writable has room
 * for many lines, which a terminal has not. */
void log_never_waits(void)
{
	struct stat st;
	int fd;

	waits = false;
	pthread_atfork(NULL, NULL, forget_dropped);
	if (fstat(STDERR_FILENO, &st) != 0 || !(S_ISFIFO(st.st_mode) || isatty(STDERR_FILENO)))
		return;
	fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0) /* of another user */
		return;
	dup2(fd, STDERR_FILENO);
	close(fd);
}

/* A pipe takes so short a line whole or not at all; of others there may be a part. */
static bool put_line(const char *line)
{
	struct pollfd out = { STDERR_FILENO, POLLOUT, 0 };
	char text[LOG_LINE_MAX + 64];
	int len = snprintf(text, sizeof(text), "%s%s\n", cut ? "\n" : "", line);
	ssize_t n;

	if (!waits && poll(&out, 1, 0) != 1)
		return false;
	n = write(STDERR_FILENO, text, (size_t)len);
	if (n > 0)
		cut = n < len;
	return n == len;
}

/* True when it was said, or there is nothing to say. */
static bool put_count(enum log_level level, const char *event, unsigned lines)
{
	char line[128];

	snprintf(line, sizeof(line), "mailseald: %s event=%s lines=%u", level_names[level], event,
		 lines);
	return lines == 0 || put_line(line);
}

void log_event(enum log_level level, const char *fmt, ...)
{
	char text[LOG_LINE_MAX], line[LOG_LINE_MAX + 32];
	unsigned withheld;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_line(level, text, line, sizeof(line));
	pthread_mutex_lock(&lock);
	if (spend(&budgets[level], &withheld)) {
		if (shown)
			progress_clear(shown);
		if (put_count(LOG_LEVEL_WARNING, "log-dropped", dropped))
			dropped = 0;
		if (!put_count(level, "withheld", withheld))
			budgets[level].withheld += withheld;
		if (!put_line(line))
			dropped++;
	}
	pthread_mutex_unlock(&lock);
}
