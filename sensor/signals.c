/* signals.c - what the recorder process is asked for by signals. A handler needs a place that it
 * knows: file scope. */
#include "sensor/signals.h"

#include <signal.h>
#include <unistd.h>

#define PATIENCE_S 2
#define AGAIN_S    1

static volatile sig_atomic_t any, hangup, reopen, stopping;
static volatile sig_atomic_t order = -1;

void signals_stop(void)
{
	int fd = order;

	order = -1;
	if (fd >= 0)
		close(fd);
	any = stopping = 1;
}

static void on_stop(int number)
{
	(void)number;
	if (!stopping)
		alarm(PATIENCE_S);
	signals_stop();
}

static void on_alarm(int number)
{
	(void)number;
	alarm(AGAIN_S);
}

static void on_hangup(int number)
{
	(void)number;
	any = hangup = 1;
}

static void on_reopen(int number)
{
	(void)number;
	any = reopen = 1;
}

static void handle(int number, void (*handler)(int), int flags)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = flags };

	sigaction(number, &sa, NULL);
}

void signals_remember(bool with_hangup)
{
	handle(SIGUSR1, on_reopen, SA_RESTART);
	if (with_hangup)
		handle(SIGHUP, on_hangup, SA_RESTART);
}

void signals_own(int order_fd)
{
	order = order_fd;
}

void signals_handle(void)
{
	handle(SIGALRM, on_alarm, 0);
	handle(SIGTERM, on_stop, SA_RESTART);
	handle(SIGINT, on_stop, SA_RESTART);
	signals_remember(true);
}

/* It stays, once it is time to stop. */
bool signals_any(void)
{
	bool is = any;

	if (is && !stopping)
		any = 0;
	return is;
}

static bool taken(volatile sig_atomic_t *flag)
{
	bool is = *flag;

	if (is)
		*flag = 0;
	return is;
}

bool signals_hangup(void)
{
	return taken(&hangup);
}

bool signals_reopen(void)
{
	return taken(&reopen);
}

bool signals_stopping(void)
{
	return stopping;
}

void signals_calm(void)
{
	stopping = 1; /* so that nothing sets it again */
	alarm(0);
	handle(SIGALRM, SIG_IGN, 0);
}
