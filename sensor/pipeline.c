#include "sensor/pipeline.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sensor/fragments.h"
#include "sensor/tracker.h"

#define SECOND_NS       1000000000ull
#define STEPS_PER_CHECK 128 /* files: so often is the order to stop looked for */
#define PROGRESS_NS     100000000ull

struct pipeline {
	struct capture *capture;
	struct channel *channel;
	struct fragments *fragments;
	struct tracker *tracker;
	struct health health;
	uint64_t health_sent_ns;
	bool live;
	bool progress;             /* somebody wants to know */
	uint64_t progress_sent_ns; /* of the clock that only goes on */
};

static void report(void *ctx, enum message_kind kind, uint64_t id, bool counted,
		   const struct session *s)
{
	struct pipeline *p = ctx;
	const struct message m = {
		.kind = kind,
		.now_ns = tracker_now(p->tracker),
		.session = id,
		.counted = kind == MESSAGE_END && counted,
		.mail = *s,
	};

	channel_send(p->channel, &m);
}

struct pipeline *pipeline_new(const struct conf *c, struct capture *capture,
			      struct channel *channel, bool live, bool any, bool progress)
{
	struct pipeline *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->capture = capture;
	p->channel = channel;
	channel->gather = !capture_may_wait(capture);
	p->live = live;
	p->progress = progress;
	p->fragments = fragments_new((size_t)c->fragments_kib << 10, &p->health);
	p->tracker = tracker_new(c, any, &p->health, report, p);
	if (p->fragments && p->tracker)
		return p;
	pipeline_free(p);
	return NULL;
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
	p->health.n[HEALTH_DROP_KERNEL] = capture_kernel_drops(p->capture);
	p->health.alive = tracker_alive(p->tracker);
	m.health = p->health;
	channel_send(p->channel, &m);
}

static void send_progress(struct pipeline *p)
{
	struct message m = { .kind = MESSAGE_PROGRESS, .now_ns = tracker_now(p->tracker) };

	if (!p->progress)
		return;
	m.position.packets = p->health.n[HEALTH_PACKETS];
	capture_position(p->capture, &m.position.bytes, &m.position.bytes_all);
	channel_send(p->channel, &m);
}

/* Ten times a second of the clock. */
static void send_progress_when_due(struct pipeline *p)
{
	struct timespec t;
	uint64_t now;

	if (!p->progress || p->health.n[HEALTH_PACKETS] == 0)
		return;
	clock_gettime(CLOCK_MONOTONIC, &t);
	now = (uint64_t)t.tv_sec * SECOND_NS + (uint64_t)t.tv_nsec;
	if (now < p->progress_sent_ns + PROGRESS_NS)
		return;
	p->progress_sent_ns = now;
	send_progress(p);
}

/* Once a second of the capture's time, whichever way it goes. */
static void send_health_when_due(struct pipeline *p)
{
	uint64_t now = tracker_now(p->tracker);

	if (now < p->health_sent_ns + SECOND_NS && now + SECOND_NS > p->health_sent_ns)
		return;
	send_health(p, false);
	send_progress_when_due(p); /* files that come slowly, through a pipe */
}

/* A frame under way. */
struct decoded {
	struct packet packet;
	enum health_counter where;
};

/* Fragments that were put together lie elsewhere, until the next is decoded. */
static bool lies_in(const struct packet *p, const struct frame *f)
{
	return p->payload >= f->data && p->payload <= f->data + f->caplen;
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
		if (out[i].where != HEALTH_DELIVERED)
			continue;
		tracker_expect(p->tracker, packet);
		if (!lies_in(packet, &f[i]))
			return i + 1;
	}
	return n;
}

static void track(struct pipeline *p, const struct frame *f, const struct decoded *d)
{
	enum health_counter where = d->where;

	p->health.n[HEALTH_PACKETS]++;
	p->health.n[HEALTH_BYTES] += f->len;
	p->health.n[HEALTH_TRUNCATED] += f->caplen < f->len;
	if (where == HEALTH_DELIVERED)
		where = tracker_packet(p->tracker, &d->packet);
	p->health.n[where]++;
	send_health_when_due(p);
}

/* What a packet needs is in no cache: it is fetched for several before the first of them is looked
 * at. */
static void frames(void *ctx, const struct frame *f, unsigned n)
{
	struct pipeline *p = ctx;
	struct decoded d[CAPTURE_BATCH];

	while (n > 0) {
		unsigned done = decode_some(p, f, n, d);

		for (unsigned stage = 0; done > 1 && stage < TRACKER_STAGES; stage++) {
			for (unsigned i = 0; i < done; i++) {
				if (d[i].where == HEALTH_DELIVERED)
					tracker_fetch(p->tracker, &d[i].packet, stage);
			}
		}
		for (unsigned i = 0; i < done; i++)
			track(p, &f[i], &d[i]);
		f += done;
		n -= done;
	}
}

/* Live, time goes on without packets. A second is left for packets still in the ring. */
static void idle(struct pipeline *p)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	tracker_time(p->tracker, ((uint64_t)now.tv_sec - 1) * SECOND_NS + (uint64_t)now.tv_nsec);
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

	for (unsigned n = 0; !p->channel->broken; n++) {
		if (p->live || n % STEPS_PER_CHECK == 0) {
			if (told_to_stop(stop_fd))
				return CAPTURE_END;
			send_progress_when_due(p);
		}
		r = capture_step(p->capture, stop_fd, frames, p);
		if (r == CAPTURE_END || r == CAPTURE_FAILED)
			return r;
		if (r == CAPTURE_IDLE)
			idle(p);
		send_health_when_due(p);
	}
	return CAPTURE_FAILED;
}

bool pipeline_run(struct pipeline *p, int stop_fd)
{
	enum capture_result r = capture_all(p, stop_fd);

	send_progress(p);
	tracker_end(p->tracker);
	if (r == CAPTURE_FAILED && !p->channel->broken)
		send_failure(p, capture_error(p->capture));
	p->channel->wait = true; /* the last word must arrive */
	send_health(p, true);
	channel_flush(p->channel);
	return r != CAPTURE_FAILED && !p->channel->broken;
}
