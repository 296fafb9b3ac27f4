#include "sensor/workers.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MESSAGES_BYTES (1u << 20)
#define PACKETS_BYTES  (1u << 20) /* the longest packet takes a quarter */
#define NAP_MS         1
#define LIVE_NAP_MS    5
#define ORDER_EVERY    64            /* messages: so often is the order to stop looked for */
#define BEHIND_NS      5000000000ull /* whose time is further behind lives by another clock */

struct worker {
	struct workers *all;
	pthread_t thread;
	struct pipeline *pipeline;
	struct channel channel; /* ends in messages */
	struct ring *messages;
	struct ring *from[CONF_WORKERS_MAX], *to[CONF_WORKERS_MAX];
	struct share share;
	struct health health; /* as last told */
	bool told;            /* its counters, since the last sum */
	bool ok;
};

struct workers {
	struct workers_options o;
	pthread_barrier_t started, go, finish;
	int stop[2]; /* closing the write end stops all of them */
	bool stopped;
	bool failure_told;
	bool may_wait;  /* for frames */
	unsigned ended; /* that have said their last word */
	struct worker worker[];
};

/* What a worker sends. */
struct sent {
	uint64_t at; /* pipeline_at() */
	struct message m;
};

/* Life --------------------------------------------------------------------------------------- */

static void divide(unsigned *value, unsigned n, unsigned least)
{
	*value = *value / n > least ? *value / n : least;
}

void workers_divide(const struct conf *c, unsigned n, bool live, struct conf *out)
{
	*out = *c;
	if (n == 1)
		return;
	divide(&out->max_flows, n, 16);
	divide(&out->max_undecided, n, 16);
	divide(&out->reassembly_kib, n, 64);
	if (!live) /* each has all fragments of a file */
		return;
	divide(&out->fragments_kib, n, 256);
	divide(&out->ring_mib, n, 1);
}

size_t workers_bytes(const struct conf *c, unsigned n, bool live)
{
	struct conf one;
	size_t rings = n == 1 ? 0 : MESSAGES_BYTES + (live ? (n - 1) * PACKETS_BYTES : 0);

	workers_divide(c, n, live, &one);
	return n * (sizeof(struct worker) + pipeline_bytes(&one) + rings);
}

/* Files wait for the recorder, and so does who reads them. Live, who brings the messages on never
 * waits. */
static void put_message(void *ctx, const struct message *m)
{
	struct worker *w = ctx;
	struct sent *s;

	while (!(s = ring_room(w->messages, sizeof(*s))))
		poll(NULL, 0, NAP_MS);
	s->at = pipeline_at(w->pipeline);
	s->m = *m;
	ring_put(w->messages);
}

static bool make_pipeline(struct workers *w, unsigned i)
{
	struct worker *me = &w->worker[i];
	const struct pipeline_options o = {
		.conf = w->o.conf,
		.capture = w->o.captures[i],
		.channel = w->o.n == 1 ? w->o.channel : &me->channel,
		.share = w->o.n == 1 ? NULL : &me->share,
		.live = w->o.live,
		.any = w->o.any,
		.progress = w->o.progress,
	};

	me->all = w;
	me->channel = (struct channel){ .fd = -1, .put = put_message, .ctx = me };
	me->share.index = i;
	me->share.of = w->o.n;
	me->share.from = me->from;
	me->share.to = me->to;
	me->share.finish = &w->finish;
	me->pipeline = pipeline_new(&o);
	return me->pipeline != NULL;
}

/* Between two of them, one way. */
static bool make_way(struct worker *from, struct worker *to)
{
	from->to[to->share.index] = to->from[from->share.index] = ring_new(PACKETS_BYTES);
	return from->to[to->share.index] != NULL;
}

static bool make_rings(struct workers *w)
{
	bool ok = true;

	for (unsigned i = 0; ok && i < w->o.n; i++) {
		w->worker[i].messages = ring_new(MESSAGES_BYTES);
		ok = w->worker[i].messages != NULL;
		for (unsigned j = 0; ok && w->o.live && j < w->o.n; j++)
			ok = i == j || make_way(&w->worker[i], &w->worker[j]);
	}
	return ok;
}

struct workers *workers_new(const struct workers_options *o)
{
	struct workers *w = calloc(1, sizeof(*w) + o->n * sizeof(w->worker[0]));
	bool ok = true;

	if (!w)
		return NULL;
	w->o = *o;
	w->stop[0] = w->stop[1] = -1;
	pthread_barrier_init(&w->started, NULL, o->n + 1);
	pthread_barrier_init(&w->go, NULL, o->n + 1);
	pthread_barrier_init(&w->finish, NULL, o->n);
	for (unsigned i = 0; ok && i < o->n; i++)
		ok = make_pipeline(w, i);
	if (ok && o->n > 1) {
		o->channel->gather = true;
		w->may_wait = capture_may_wait(o->captures[0]);
		ok = make_rings(w) && pipe2(w->stop, O_CLOEXEC) == 0;
	}
	if (ok)
		return w;
	workers_free(w);
	return NULL;
}

static void stop_all(struct workers *w)
{
	if (w->stop[1] >= 0)
		close(w->stop[1]);
	w->stop[1] = -1;
	w->stopped = true;
}

void workers_free(struct workers *w)
{
	if (!w)
		return;
	for (unsigned i = 0; i < w->o.n; i++) {
		pipeline_free(w->worker[i].pipeline);
		ring_free(w->worker[i].messages);
		for (unsigned j = 0; j < w->o.n; j++)
			ring_free(w->worker[i].to[j]);
	}
	stop_all(w);
	if (w->stop[0] >= 0)
		close(w->stop[0]);
	pthread_barrier_destroy(&w->started);
	pthread_barrier_destroy(&w->go);
	pthread_barrier_destroy(&w->finish);
	free(w);
}

/* Threads ------------------------------------------------------------------------------------ */

static void *work(void *arg)
{
	struct worker *me = arg;
	struct workers *w = me->all;

	pthread_barrier_wait(&w->started);
	pthread_barrier_wait(&w->go);
	me->ok = pipeline_run(me->pipeline, w->stop[0]);
	atomic_store_explicit(&me->share.passed, UINT64_MAX, memory_order_release);
	return NULL;
}

static bool put_on_cpu(const struct workers *w, unsigned i, pthread_t thread, char *err,
		       size_t errlen)
{
	const struct conf *c = w->o.conf;
	cpu_set_t set;
	unsigned cpu;
	int rc;

	if (c->cpus_n == 0)
		return true;
	cpu = c->cpus[i % c->cpus_n];
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	rc = pthread_setaffinity_np(thread, sizeof(set), &set);
	if (rc != 0)
		snprintf(err, errlen, "capture.cpus: CPU %u: %s", cpu, strerror(rc));
	return rc == 0;
}

static bool start_thread(struct workers *w, unsigned i, char *err, size_t errlen)
{
	struct worker *me = &w->worker[i];
	int rc = pthread_create(&me->thread, NULL, work, me);

	if (rc != 0)
		snprintf(err, errlen, "capture.workers: %s", strerror(rc));
	return rc == 0 && put_on_cpu(w, i, me->thread, err, errlen);
}

bool workers_start(struct workers *w, char *err, size_t errlen)
{
	if (w->o.n == 1)
		return put_on_cpu(w, 0, pthread_self(), err, errlen);
	for (unsigned i = 0; i < w->o.n; i++) {
		if (!start_thread(w, i, err, errlen))
			return false;
	}
	pthread_barrier_wait(&w->started); /* what the C library does for a new thread is done */
	return true;
}

/* Bringing messages on ----------------------------------------------------------------------- */

/* The counters of all, as of their last word each. */
static void send_sum(struct workers *w, const struct message *last)
{
	struct message m = *last;

	m.health = (struct health){ 0 };
	for (unsigned i = 0; i < w->o.n; i++) {
		const struct health *h = &w->worker[i].health;

		for (unsigned c = 0; c < HEALTH_N; c++)
			m.health.n[c] += h->n[c];
		m.health.alive += h->alive;
	}
	channel_send(w->o.channel, &m);
}

static bool all_told(struct workers *w)
{
	for (unsigned i = 0; i < w->o.n; i++) {
		if (!w->worker[i].told)
			return false;
	}
	for (unsigned i = 0; i < w->o.n; i++)
		w->worker[i].told = false;
	return true;
}

/* Files: all tell their counters at the same packet. Live, once a second each; when one of them
 * stands still there is no sum, for the recorder takes it for a sign of life. */
static void on_health(struct workers *w, unsigned i, const struct message *m)
{
	w->worker[i].told = true;
	w->worker[i].health = m->health;
	w->ended += m->last;
	if (w->ended == w->o.n)
		w->o.channel->wait = true; /* the last word must arrive */
	if (m->last ? w->ended == w->o.n : all_told(w))
		send_sum(w, m);
}

static void bring_on(struct workers *w, unsigned i, const struct message *m)
{
	if (m->kind == MESSAGE_HEALTH) {
		on_health(w, i, m);
	} else if (m->kind != MESSAGE_FAILURE) {
		channel_send(w->o.channel, m);
	} else if (!w->failure_told) { /* of a file all find the same */
		w->failure_told = true;
		channel_send(w->o.channel, m);
	}
	if (w->o.channel->broken || (w->o.live && w->failure_told))
		stop_all(w);
}

/* True when nobody has yet to send what comes before. all_passed: those of whom there is no message.
 * Live it is better late than never. */
static bool is_due(const struct workers *w, uint64_t at, uint64_t all_passed, bool crowded)
{
	return at <= all_passed || (w->o.live && (crowded || at - all_passed > BEHIND_NS));
}

enum merged { MERGED, NOTHING_DUE, ALL_ENDED };

/* The first message of all. */
static enum merged merge_one(struct workers *w)
{
	uint64_t all_passed = UINT64_MAX;
	const struct sent *first = NULL;
	bool crowded = false;
	unsigned whose = 0;

	for (unsigned i = 0; i < w->o.n; i++) {
		struct worker *one = &w->worker[i];
		uint64_t passed = atomic_load_explicit(&one->share.passed, memory_order_acquire);
		const struct sent *s = ring_next(one->messages); /* behind what it has passed */

		crowded |= ring_half_full(one->messages);
		if (!s && passed < all_passed)
			all_passed = passed;
		if (s && (!first || s->at < first->at)) {
			first = s;
			whose = i;
		}
	}
	if (!first)
		return all_passed == UINT64_MAX ? ALL_ENDED : NOTHING_DUE;
	if (!is_due(w, first->at, all_passed, crowded))
		return NOTHING_DUE;
	bring_on(w, whose, &first->m);
	ring_take(w->worker[whose].messages);
	return MERGED;
}

/* Waits a little, or not at all, and looks whether it is time to stop. */
static void look_for_order(struct workers *w, int stop_fd, int wait_ms)
{
	struct pollfd fd = { stop_fd, POLLIN, 0 };

	if (poll(&fd, w->stopped ? 0 : 1, wait_ms) > 0)
		stop_all(w);
}

static void merge_all(struct workers *w, int stop_fd)
{
	enum merged got;

	for (unsigned n = 1; (got = merge_one(w)) != ALL_ENDED; n++) {
		if (got == NOTHING_DUE) {
			if (w->may_wait)
				channel_flush(w->o.channel);
			look_for_order(w, stop_fd, w->o.live ? LIVE_NAP_MS : NAP_MS);
		} else if (n % ORDER_EVERY == 0) {
			look_for_order(w, stop_fd, 0);
		}
	}
}

bool workers_run(struct workers *w, int stop_fd)
{
	bool ok = true;

	if (w->o.n == 1)
		return pipeline_run(w->worker[0].pipeline, stop_fd);
	pthread_barrier_wait(&w->go);
	merge_all(w, stop_fd);
	channel_flush(w->o.channel);
	for (unsigned i = 0; i < w->o.n; i++) {
		pthread_join(w->worker[i].thread, NULL);
		ok &= w->worker[i].ok;
	}
	return ok && !w->o.channel->broken;
}
