/* inbox.c - the messages of the channel, drained by a thread into a bounded queue. */
#include "sensor/inbox.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct inbox {
	int fd;
	int stop[2]; /* closing the write end stops the thread */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t filled, emptied;
	struct message *queue; /* ring */
	size_t capacity, first, n;
	bool over; /* no more will come */
	bool bad;
	bool stopping;
};

/* Thread ------------------------------------------------------------------------------------- */

#define BATCH  64 /* messages read at a time */
#define FEW    16
#define NAP_MS 1

/* Waits until the channel has something. False: to stop. */
static bool wait_for_channel(const struct inbox *b)
{
	struct pollfd p[] = { { b->stop[0], POLLIN, 0 }, { b->fd, POLLIN, 0 } };

	while (poll(p, 2, -1) < 0) {
		if (errno != EINTR)
			return false;
	}
	return p[0].revents == 0;
}

/* To be woken for each message costs more than the message: who finds few comes back a little later.
 * The pipe holds what comes in the meantime many times over. */
static void nap(const struct inbox *b)
{
	struct pollfd p = { b->stop[0], POLLIN, 0 };

	poll(&p, 1, NAP_MS);
}

/* False: to stop. */
static bool put(struct inbox *b, const struct message *m, size_t n)
{
	bool ok;

	pthread_mutex_lock(&b->lock);
	if (b->n == 0)
		b->first = 0; /* no more memory is touched than was ever waiting */
	for (size_t i = 0; i < n && !b->stopping; i++) {
		while (b->n == b->capacity && !b->stopping) {
			pthread_cond_signal(&b->filled);
			pthread_cond_wait(&b->emptied, &b->lock);
		}
		if (!b->stopping)
			b->queue[(b->first + b->n++) % b->capacity] = m[i];
	}
	pthread_cond_signal(&b->filled);
	ok = !b->stopping;
	pthread_mutex_unlock(&b->lock);
	return ok;
}

static void *drain(void *arg)
{
	struct inbox *b = arg;
	enum channel_read got = CHANNEL_MESSAGE;
	struct message batch[BATCH];
	size_t n;

	while (got == CHANNEL_MESSAGE && wait_for_channel(b)) {
		got = channel_receive(b->fd, batch, BATCH, &n);
		if (!put(b, batch, n))
			break;
		if (got == CHANNEL_MESSAGE && n < FEW)
			nap(b);
	}
	pthread_mutex_lock(&b->lock);
	b->over = true;
	b->bad = got == CHANNEL_BAD;
	pthread_cond_signal(&b->filled);
	pthread_mutex_unlock(&b->lock);
	return NULL;
}

/* Life --------------------------------------------------------------------------------------- */

/* Signals are for the thread that knows what to do with them. */
static bool start_thread(struct inbox *b)
{
	sigset_t all, before;
	bool ok;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ok = pthread_create(&b->thread, NULL, drain, b) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ok;
}

static void init_conditions(struct inbox *b)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->emptied, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&b->filled, &attr);
	pthread_condattr_destroy(&attr);
}

struct inbox *inbox_new(int fd, size_t capacity)
{
	struct inbox *b = calloc(1, sizeof(*b));

	if (!b)
		abort();
	b->fd = fd;
	b->capacity = capacity;
	b->queue = calloc(capacity, sizeof(*b->queue));
	if (!b->queue)
		abort();
	if (pipe2(b->stop, O_CLOEXEC) == 0) {
		init_conditions(b);
		if (start_thread(b))
			return b;
		close(b->stop[0]);
		close(b->stop[1]);
	}
	free(b->queue);
	free(b);
	return NULL;
}

void inbox_free(struct inbox *b)
{
	if (!b)
		return;
	pthread_mutex_lock(&b->lock);
	b->stopping = true;
	pthread_cond_signal(&b->emptied);
	pthread_mutex_unlock(&b->lock);
	close(b->stop[1]);
	pthread_join(b->thread, NULL);
	close(b->stop[0]);
	pthread_cond_destroy(&b->filled);
	pthread_cond_destroy(&b->emptied);
	pthread_mutex_destroy(&b->lock);
	free(b->queue);
	free(b);
}

/* Taking ------------------------------------------------------------------------------------- */

static struct timespec in_ms(unsigned ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += (long)(ms % 1000) * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

enum inbox_got inbox_take(struct inbox *b, struct message *m, unsigned wait_ms)
{
	enum inbox_got got = INBOX_IDLE;
	struct timespec until;
	int rc = 0;

	pthread_mutex_lock(&b->lock);
	if (b->n == 0 && !b->over)
		until = in_ms(wait_ms);
	while (b->n == 0 && !b->over && rc == 0)
		rc = pthread_cond_timedwait(&b->filled, &b->lock, &until);
	if (b->n > 0) {
		*m = b->queue[b->first];
		b->first = (b->first + 1) % b->capacity;
		b->n--;
		pthread_cond_signal(&b->emptied);
		got = INBOX_MESSAGE;
	} else if (b->over) {
		got = b->bad ? INBOX_BAD : INBOX_END;
	}
	pthread_mutex_unlock(&b->lock);
	return got;
}
