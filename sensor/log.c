/* log.c - what the program says to its operator. The one module with a state of its own: the
 * budget of each level, and what may stand in the last line of the terminal. */
#include "sensor/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "reports/progress.h"

struct budget {
	time_t second;
	unsigned used;
	unsigned withheld;
};

static struct budget budgets[LOG_LEVELS];
static struct progress *shown;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static const char *const level_names[LOG_LEVELS] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_INFO] = "info",
};

size_t log_line(enum log_level level, const char *text, char *out, size_t outlen)
{
	int head = snprintf(out, outlen, "mailseald: %s ", level_names[level]);
	size_t n = (size_t)head;

	for (; *text && n + 5 < outlen; text++) {
		unsigned char c = (unsigned char)*text;

		if (c >= 0x20 && c != 0x7f)
			out[n++] = *text;
		else
			n += (size_t)snprintf(out + n, outlen - n, "\\x%02x", c);
	}
	out[n] = '\0';
	return n;
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
		if (withheld > 0)
			fprintf(stderr, "mailseald: %s event=withheld lines=%u\n",
				level_names[level], withheld);
		fprintf(stderr, "%s\n", line);
	}
	pthread_mutex_unlock(&lock);
}
