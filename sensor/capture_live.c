/* capture_live.c - packets from interfaces, several of them side by side. */
#include <linux/if_packet.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <sys/socket.h>

#include "sensor/capture_parts.h"

#define BATCH    256
#define AHEAD_NS 1000000u /* one interface is read no further ahead of another */

/* A packet of the time before all had joined. Behind the first that is a second younger none comes, nor
 * behind one that is older than the capture: the clock was set back. */
static bool is_too_old(const struct capture *c, struct input *in, uint64_t time_ns)
{
	if (time_ns >= in->since_ns + SECOND_NS || time_ns + SECOND_NS < c->opened_ns)
		in->since_ns = 0;
	return time_ns < in->since_ns;
}

static void take_live(struct capture *c, struct input *in, const struct frame *f)
{
	c->taken++;
	in->reached_ns = f->time_ns;
	if (!is_too_old(c, in, f->time_ns))
		capture_hand_on(c, in, f);
}

/* Until it is its turn. */
static void hold(struct input *in, const struct frame *f)
{
	const uint32_t most = (uint32_t)pcap_snapshot(in->pcap);

	in->next = *f;
	if (in->next.caplen > most)
		in->next.caplen = most;
	in->next.data = memcpy(in->held, f->data, in->next.caplen);
	in->ahead = true;
	pcap_breakloop(in->pcap);
}

static void take_held(struct capture *c, struct input *in)
{
	if (!in->ahead)
		return;
	in->ahead = false;
	take_live(c, in, &in->next);
	explicit_bzero(in->held, in->next.caplen);
}

static void live_frame(u_char *user, const struct pcap_pkthdr *h, const u_char *data)
{
	struct capture *c = (struct capture *)(void *)user;
	const struct frame f = capture_frame(c, c->current, h, data);

	if (f.time_ns > c->until_ns)
		hold(c->current, &f);
	else
		take_live(c, c->current, &f);
}

static bool read_interface(struct capture *c, struct input *in)
{
	int n;

	c->current = in;
	take_held(c, in);
	n = pcap_dispatch(in->pcap, BATCH, live_frame, (u_char *)c);
	in->empty = n == 0;
	if (in->empty)
		in->reached_ns = 0;
	if (in->empty && in->since_ns != 0 &&
	    clock_ns(CLOCK_MONOTONIC) > c->shared_ns + SECOND_NS) /* nor when the ring is empty */
		in->since_ns = 0;
	if (n >= 0 || n == PCAP_ERROR_BREAK)
		return true;
	snprintf(c->error, sizeof(c->error), "%s: %s", in->name, pcap_geterr(in->pcap));
	return false;
}

/* Nothing older will come. */
static uint64_t position(const struct input *in)
{
	return in->ahead ? in->next.time_ns : in->reached_ns;
}

/* The interface to read next: the one that is furthest behind. How far, until_ns says: where the next of
 * them stands. NULL: all are empty. */
static struct input *furthest_behind(struct capture *c)
{
	struct input *first = NULL;
	uint64_t second_ns = UINT64_MAX - AHEAD_NS;

	for (unsigned i = 0; i < c->n; i++) {
		struct input *in = &c->in[i];

		if (in->empty)
			continue;
		if (!first || position(in) < position(first)) {
			if (first)
				second_ns = position(first);
			first = in;
		} else if (position(in) < second_ns) {
			second_ns = position(in);
		}
	}
	c->until_ns = second_ns + AHEAD_NS;
	return first;
}

static bool wait_for_frames(struct capture *c, int stop_fd)
{
	struct pollfd fds[CAPTURE_INPUTS_MAX + 1];

	for (unsigned i = 0; i < c->n; i++)
		fds[i] = (struct pollfd){ pcap_get_selectable_fd(c->in[i].pcap), POLLIN, 0 };
	fds[c->n] = (struct pollfd){ stop_fd, POLLIN, 0 };
	return poll(fds, c->n + 1, c->wait_ms) > 0;
}

/* What came at the same time on several is handed on together, however long it lay in their rings. */
enum capture_result capture_step_live(struct capture *c, int stop_fd)
{
	struct input *in;

	c->taken = 0;
	for (unsigned i = 0; i < c->n; i++)
		c->in[i].empty = false;
	while (c->taken < BATCH && (in = furthest_behind(c)) != NULL) {
		if (!read_interface(c, in))
			return CAPTURE_FAILED;
	}
	if (c->taken > 0)
		return CAPTURE_FRAMES;
	wait_for_frames(c, stop_fd);
	return CAPTURE_IDLE;
}

/* pcap_stats() would open a file under /sys. The kernel's counters start anew at each reading. */
uint64_t capture_kernel_drops(struct capture *c)
{
	uint64_t all = 0;

	for (unsigned i = 0; c->live && i < c->n; i++) {
		struct tpacket_stats_v3 stats;
		socklen_t len = sizeof(stats);

		if (getsockopt(pcap_fileno(c->in[i].pcap), SOL_PACKET, PACKET_STATISTICS, &stats,
			       &len) == 0)
			c->in[i].drops += stats.tp_drops;
		all += c->in[i].drops;
	}
	return all;
}
