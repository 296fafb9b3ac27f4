#include "sensor/pipeline.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "reports/deadline.h"
#include "sensor/fragments.h"
#include "sensor/steer.h"
#include "sensor/tracker.h"

#define SECOND_NS       1000000000ull
#define STEPS_PER_CHECK 128 /* files: so often is the order to stop looked for */
#define PROGRESS_MS     100
#define JUMP_NS         (60 * SECOND_NS) /* live: the clock was set */
#define TAKEN_TOGETHER  256              /* packets that one other has handed over */

/* A frame under way. */
struct decoded {
	struct packet packet;
	unsigned where; /* enum health_counter, or of those that share: */
	unsigned owner;
};

struct pipeline {
	struct capture *capture;
	struct channel *channel;
	struct fragments *fragments;
	struct tracker *tracker;
	struct share *share; /* NULL: all packets are ours */
	unsigned index;      /* among those that share */
	uint64_t frames;     /* of those that share: ours and others' */
	bool over;           /* nothing more is read */
	uint64_t not_handed; /* for want of room */
	struct health health;
	struct health others; /* what one of the others counts */
	uint64_t health_sent_ns;
	bool live;
	bool may_wait;            /* for frames: what there is to say is said before */
	bool progress;            /* somebody wants to know */
	int64_t progress_sent_ms; /* of the clock that only goes on */
	struct decoded batch[CAPTURE_BATCH];
};

uint64_t pipeline_at(const struct pipeline *p)
{
	return p->live ? tracker_now(p->tracker) : p->frames + p->over;
}

/* What comes now is sent behind all that the others have sent up to here. */
static void note_passed(struct pipeline *p)
{
	if (p->share)
		atomic_store_explicit(&p->share->passed, pipeline_at(p), memory_order_release);
}

/* Sessions have a number each, whoever gives it. */
static uint64_t number_of(const struct pipeline *p, uint64_t id)
{
	return p->share ? id * p->share->of + p->index : id;
}

static void report(void *ctx, enum message_kind kind, uint64_t id, bool counted,
		   const struct session *s)
{
	struct pipeline *p = ctx;
	struct message *m = channel_next(p->channel);

	m->kind = kind;
	m->now_ns = tracker_now(p->tracker);
	m->session = number_of(p, id);
	m->counted = kind == MESSAGE_END && counted;
	m->last = false;
	m->mail = *s;
	channel_send(p->channel, m);
}

/* What is no packet of a connection is counted by whoever receives it, and in files by the first. */
static bool counts_the_rest(const struct pipeline *p)
{
	return p->live || p->index == 0;
}

static size_t fragments_room(const struct conf *c)
{
	return (size_t)c->fragments_kib << 10;
}

size_t pipeline_bytes(const struct conf *c)
{
	return sizeof(struct pipeline) + fragments_bytes(fragments_room(c)) + tracker_bytes(c);
}

struct pipeline *pipeline_new(const struct pipeline_options *o)
{
	struct pipeline *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->capture = o->capture;
	p->channel = o->channel;
	p->channel->gather = true;
	p->may_wait = capture_may_wait(o->capture);
	p->share = o->share;
	p->index = o->share ? o->share->index : 0;
	p->live = o->live;
	p->progress = o->progress && p->index == 0;
	p->fragments = fragments_new(fragments_room(o->conf),
				     counts_the_rest(p) ? &p->health : &p->others);
	p->tracker = tracker_new(o->conf, o->any, &p->health, report, p);
	if (!p->fragments || !p->tracker) {
		pipeline_free(p);
		return NULL;
	}
	if (o->live)
		tracker_jump(p->tracker, JUMP_NS);
	return p;
}

void pipeline_free(struct pipeline *p)
{
	if (!p)
		return;
	tracker_free(p->tracker);
	fragments_free(p->fragments);
	free(p);
}

static void send_health(struct pipeline *p, bool last)
{
	struct message m = {
		.kind = MESSAGE_HEALTH,
		.now_ns = tracker_now(p->tracker),
		.last = last,
	};

	p->health_sent_ns = m.now_ns;
	p->health.n[HEALTH_DROP_KERNEL] = capture_kernel_drops(p->capture) + p->not_handed;
	p->health.alive = tracker_alive(p->tracker);
	m.health = p->health;
	if (p->index != 0) /* time is the same for all */
		m.health.n[HEALTH_TIME_JUMPS] = 0;
	channel_send(p->channel, &m);
}

static uint64_t packets_read(const struct pipeline *p)
{
	return p->share ? p->frames : p->health.n[HEALTH_PACKETS];
}

static void send_progress(struct pipeline *p)
{
	struct message m = { .kind = MESSAGE_PROGRESS, .now_ns = tracker_now(p->tracker) };

	if (!p->progress)
		return;
	m.position.packets = packets_read(p);
	capture_position(p->capture, &m.position.bytes, &m.position.bytes_all);
	channel_send(p->channel, &m);
	channel_flush(p->channel); /* somebody looks */
}

/* Ten times a second of the clock. */
static void send_progress_when_due(struct pipeline *p)
{
	int64_t now;

	if (!p->progress || packets_read(p) == 0)
		return;
	now = steady_ms();
	if (now < p->progress_sent_ms + PROGRESS_MS)
		return;
	p->progress_sent_ms = now;
	send_progress(p);
}

/* Once a second of the capture's time. It goes back only where it jumps, by more than that. */
static inline void send_health_when_due(struct pipeline *p)
{
	if (tracker_now(p->tracker) - p->health_sent_ns < SECOND_NS)
		return;
	send_health(p, false);
	send_progress_when_due(p); /* files that come slowly, through a pipe */
}

enum {
	OF_ANOTHER = HEALTH_N, /* the owner takes it */
	LEFT_TO_FIRST,         /* the first counts why it is not delivered */
};

/* Fragments that were put together lie elsewhere, until the next is decoded. */
static bool lies_in(const struct packet *p, const struct frame *f)
{
	return p->payload >= f->data && p->payload <= f->data + f->caplen;
}

static void say_whose(const struct pipeline *p, struct decoded *d)
{
	if (d->where != HEALTH_DELIVERED) {
		if (!counts_the_rest(p))
			d->where = LEFT_TO_FIRST;
		return;
	}
	d->owner = steer_hash(d->packet.addr) % p->share->of;
	if (d->owner != p->index)
		d->where = OF_ANOTHER;
}

/* Returns how many were decoded: all, or up to one whose payload does not lie in its frame. */
static unsigned decode_some(struct pipeline *p, const struct frame *f, unsigned n,
			    struct decoded *out)
{
	for (unsigned i = 0; i < n; i++) {
		struct packet *packet = &out[i].packet;

		packet->time_ns = f[i].time_ns;
		packet->interface = f[i].interface;
		out[i].where =
			decode_frame(p->fragments, f[i].link, f[i].data, f[i].caplen, packet);
		if (p->share)
			say_whose(p, &out[i]);
		if (out[i].where == HEALTH_DELIVERED)
			tracker_expect(p->tracker, packet);
		else if (out[i].where != OF_ANOTHER)
			continue;
		if (!lies_in(packet, &f[i]))
			return i + 1;
	}
	return n;
}

static inline void track(struct pipeline *p, uint32_t caplen, uint32_t len,
			 const struct packet *packet, unsigned where)
{
	p->health.n[HEALTH_PACKETS]++;
	p->health.n[HEALTH_BYTES] += len;
	p->health.n[HEALTH_TRUNCATED] += caplen < len;
	if (where == HEALTH_DELIVERED)
		where = tracker_packet(p->tracker, packet);
	p->health.n[where]++;
	send_health_when_due(p);
}

/* A packet on its way to another; what its headers and payload were follows. */
struct handed {
	struct packet packet;
	uint32_t caplen, len; /* of the frame */
	uint32_t payload_at;  /* from the IP header on */
	uint8_t ip[];
};

/* For want of room it is lost, as in the ring of the kernel. */
static void hand_over(struct pipeline *p, const struct frame *f, const struct decoded *d)
{
	struct ring *to = p->share->to[d->owner];
	size_t payload_at = (size_t)(d->packet.payload - d->packet.ip);
	size_t n = payload_at + d->packet.length;
	struct handed *h;

	if (n < d->packet.ip_length)
		n = d->packet.ip_length;
	h = ring_room(to, sizeof(*h) + n);
	if (!h) {
		p->not_handed++;
		return;
	}
	h->packet = d->packet;
	h->caplen = f->caplen;
	h->len = f->len;
	h->payload_at = (uint32_t)payload_at;
	memcpy(h->ip, d->packet.ip, n);
	ring_put(to);
}

static void take_handed(struct pipeline *p, const struct handed *h)
{
	struct packet packet = h->packet;

	packet.ip = h->ip;
	packet.payload = h->ip + h->payload_at;
	track(p, h->caplen, h->len, &packet, HEALTH_DELIVERED);
}

/* False: nobody had handed over anything. */
static bool take_from_others(struct pipeline *p)
{
	bool any = false;

	for (unsigned i = 0; i < p->share->of; i++) {
		struct ring *from = p->share->from[i];
		const struct handed *h;

		for (unsigned n = 0; from && n < TAKEN_TOGETHER && (h = ring_next(from)); n++) {
			take_handed(p, h);
			ring_take(from);
			any = true;
		}
	}
	return any;
}

/* Of what others follow in the files the time counts, which must be the same for all. */
static void of_another(struct pipeline *p, const struct frame *f, const struct decoded *d)
{
	if (p->live) {
		hand_over(p, f, d);
		return;
	}
	if (d->where == OF_ANOTHER)
		tracker_time(p->tracker, d->packet.time_ns);
	send_health_when_due(p);
}

static void one_frame(struct pipeline *p, const struct frame *f, const struct decoded *d)
{
	p->frames++;
	if (d->where < HEALTH_N)
		track(p, f->caplen, f->len, &d->packet, d->where);
	else
		of_another(p, f, d);
}

/* What a packet needs is in no cache: it is fetched for several before the first of them is looked
 * at. */
static void fetch(struct pipeline *p, const struct decoded *d, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (d[i].where == HEALTH_DELIVERED)
			tracker_fetch_flow(p->tracker, &d[i].packet);
	}
	for (unsigned i = 0; i < n; i++) {
		if (d[i].where == HEALTH_DELIVERED)
			tracker_fetch_session(p->tracker, &d[i].packet);
	}
}

static void frames(void *ctx, const struct frame *f, unsigned n)
{
	struct pipeline *p = ctx;
	struct decoded *d = p->batch;

	while (n > 0) {
		unsigned done = decode_some(p, f, n, d);

		if (done > 1)
			fetch(p, d, done);
		for (unsigned i = 0; i < done; i++)
			one_frame(p, &f[i], &d[i]);
		fragments_let_go(p->fragments);
		f += done;
		n -= done;
	}
	note_passed(p);
}

/* Live, time goes on without packets. A second is left for what the kernel has and does not show yet. */
static uint64_t idle_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return ((uint64_t)now.tv_sec - 1) * SECOND_NS + (uint64_t)now.tv_nsec;
}

static bool told_to_stop(int stop_fd)
{
	struct pollfd fd = { stop_fd, POLLIN, 0 };

	return poll(&fd, 1, 0) != 0;
}

static void send_failure(struct pipeline *p, const char *text)
{
	struct message m = { .kind = MESSAGE_FAILURE, .now_ns = tracker_now(p->tracker) };

	strncpy(m.failure, text, sizeof(m.failure) - 1);
	channel_send(p->channel, &m);
}

static enum capture_result capture_all(struct pipeline *p, int stop_fd)
{
	enum capture_result r = CAPTURE_FRAMES;
	uint64_t before = 0; /* it was looked whether there are frames */

	if (p->live)
		tracker_time(p->tracker, idle_time()); /* however soon it ends */
	for (unsigned n = 0; !p->channel->broken; n++) {
		if (p->live || n % STEPS_PER_CHECK == 0) {
			if (told_to_stop(stop_fd))
				return CAPTURE_END;
			send_progress_when_due(p);
		}
		if (p->live)
			before = idle_time();
		r = capture_step(p->capture, stop_fd, frames, p);
		if (r == CAPTURE_END || r == CAPTURE_FAILED)
			return r;
		if (p->live && p->share)
			take_from_others(p);
		if (r == CAPTURE_IDLE)
			tracker_time(p->tracker, before);
		send_health_when_due(p);
		if (p->may_wait)
			channel_flush(p->channel);
		note_passed(p);
	}
	return CAPTURE_FAILED;
}

/* What was read and belongs to one that ended sooner. */
static void wait_for_others(struct pipeline *p)
{
	pthread_barrier_wait(p->share->finish);
	while (take_from_others(p))
		;
}

bool pipeline_run(struct pipeline *p, int stop_fd)
{
	enum capture_result r = capture_all(p, stop_fd);

	p->over = true;
	send_progress(p);
	if (r == CAPTURE_FAILED && !p->channel->broken)
		send_failure(p, capture_error(p->capture));
	if (p->live && p->share) {
		note_passed(p);
		wait_for_others(p);
	}
	tracker_end(p->tracker);
	p->channel->wait = true; /* the last word must arrive */
	send_health(p, true);
	channel_flush(p->channel);
	return r != CAPTURE_FAILED && !p->channel->broken;
}
