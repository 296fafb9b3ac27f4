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
	struct message *queue;     /* ring: read into, and handed out, in place */
	size_t capacity, first, n; /* those that were handed out count until they are given back */
	bool over;                 /* no more will come */
	bool bad;
	bool stopping;
	size_t mine, taken; /* of him who takes, without the lock: given to him, and handed out */
};

/* Thread ------------------------------------------------------------------------------------- */

#define BATCH  256 /* messages read, or handed out, at a time */
#define FEW    BATCH
#define NAP_MS 1

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

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

/* Room for *n messages, or NULL: to stop. */
static struct message *wait_for_room(struct inbox *b, size_t *n)
{
	struct message *room = NULL;
	size_t end;

	pthread_mutex_lock(&b->lock);
	while (b->n == b->capacity && !b->stopping)
		pthread_cond_wait(&b->emptied, &b->lock);
	if (!b->stopping) {
		if (b->n == 0)
			b->first = 0; /* no more memory is touched than was ever waiting */
		end = (b->first + b->n) % b->capacity;
		*n = smaller(BATCH, smaller(b->capacity - b->n, b->capacity - end));
		room = &b->queue[end];
	}
	pthread_mutex_unlock(&b->lock);
	return room;
}

static void put(struct inbox *b, size_t n, bool over, bool bad)
{
	pthread_mutex_lock(&b->lock);
	b->n += n;
	b->over = over;
	b->bad = bad;
	pthread_cond_signal(&b->filled);
	pthread_mutex_unlock(&b->lock);
}

static void *drain(void *arg)
{
	struct inbox *b = arg;
	enum channel_read got = CHANNEL_MESSAGE;
	struct message *room;
	size_t n;

	while (got == CHANNEL_MESSAGE && (room = wait_for_room(b, &n)) && wait_for_channel(b)) {
		got = channel_receive(b->fd, room, n, &n);
		put(b, n, got != CHANNEL_MESSAGE, got == CHANNEL_BAD);
		if (got == CHANNEL_MESSAGE && n < FEW)
			nap(b);
	}
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

size_t inbox_bytes(size_t capacity)
{
	return sizeof(struct inbox) + capacity * sizeof(struct message);
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

/* Gives back what was handed out, and waits for more. */
static enum inbox_got next_batch(struct inbox *b, unsigned wait_ms)
{
	enum inbox_got got = INBOX_MESSAGE;
	struct timespec until;
	int rc = 0;

	pthread_mutex_lock(&b->lock);
	b->first = (b->first + b->taken) % b->capacity;
	b->n -= b->taken;
	pthread_cond_signal(&b->emptied);
	if (b->n == 0 && !b->over)
		until = in_ms(wait_ms);
	while (b->n == 0 && !b->over && rc == 0)
		rc = pthread_cond_timedwait(&b->filled, &b->lock, &until);
	b->taken = 0;
	b->mine = smaller(b->n, BATCH);
	if (b->n == 0)
		got = !b->over ? INBOX_IDLE : b->bad ? INBOX_BAD : INBOX_END;
	pthread_mutex_unlock(&b->lock);
	return got;
}

enum inbox_got inbox_take(struct inbox *b, struct message **m, unsigned wait_ms)
{
	if (b->taken == b->mine) {
		enum inbox_got got = next_batch(b, wait_ms);

		if (got != INBOX_MESSAGE)
			return got;
	}
	*m = &b->queue[(b->first + b->taken++) % b->capacity];
	return INBOX_MESSAGE;
}
