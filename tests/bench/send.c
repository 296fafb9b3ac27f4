/* send.c - puts the packets of a capture on an interface, at a rate.
 *
 *     send INTERFACE FILE RATE
 *
 * RATE is in packets per second, 0 as fast as it goes. The capture is in memory before the first is
 * sent. Says how many were sent and how long it took.
 */
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH    32
#define SLEEP_US 50

struct frames {
	struct iovec *at;
	size_t n, room;
};

static int fail(const char *what, const char *why)
{
	fprintf(stderr, "send: %s: %s\n", what, why);
	return 1;
}

/* Lives as long as the program. */
static void keep(u_char *user, const struct pcap_pkthdr *h, const u_char *data)
{
	struct frames *f = (struct frames *)(void *)user;
	void *copy = malloc(h->caplen);

	if (f->n == f->room) {
		f->room = f->room ? 2 * f->room : 4096;
		f->at = reallocarray(f->at, f->room, sizeof(*f->at));
	}
	if (!copy || !f->at)
		abort();
	memcpy(copy, data, h->caplen);
	f->at[f->n++] = (struct iovec){ copy, h->caplen };
}

static int read_frames(const char *name, struct frames *f)
{
	char why[PCAP_ERRBUF_SIZE];
	pcap_t *p = pcap_open_offline(name, why);

	if (!p)
		return fail(name, why);
	if (pcap_loop(p, -1, keep, (u_char *)f) != 0)
		return fail(name, pcap_geterr(p));
	pcap_close(p);
	return 0;
}

/* Around the queues of the interface: nothing is dropped there. Takes in nothing itself. */
static int open_interface(const char *name)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_ifindex = (int)if_nametoindex(name) };
	int fd = socket(AF_PACKET, SOCK_RAW, 0), on = 1;

	if (fd >= 0 && to.sll_ifindex > 0 &&
	    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) == 0 &&
	    bind(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	return -1;
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* What the interface does not take is offered again. */
static bool send_batch(int fd, struct iovec *frames, unsigned n)
{
	struct mmsghdr m[BATCH];
	unsigned sent = 0;

	memset(m, 0, sizeof(m));
	for (unsigned i = 0; i < n; i++) {
		m[i].msg_hdr.msg_iov = &frames[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	while (sent < n) {
		int rc = sendmmsg(fd, m + sent, n - sent, 0);

		if (rc < 0 && errno != ENOBUFS && errno != EAGAIN && errno != EINTR)
			return false;
		sent += rc > 0 ? (unsigned)rc : 0;
	}
	return true;
}

static bool send_all(int fd, const struct frames *f, double rate)
{
	double began = now_s();

	for (size_t at = 0; at < f->n; at += BATCH) {
		while (rate > 0 && now_s() < began + (double)at / rate)
			usleep(SLEEP_US);
		if (!send_batch(fd, f->at + at, (unsigned)(f->n - at < BATCH ? f->n - at : BATCH)))
			return false;
	}
	printf("packets %zu, seconds %.6f\n", f->n, now_s() - began);
	return true;
}

int main(int argc, char **argv)
{
	struct frames f = { .n = 0 };
	int fd;

	if (argc != 4) {
		fprintf(stderr, "Usage: send INTERFACE FILE RATE\n");
		return 2;
	}
	if (read_frames(argv[2], &f) != 0)
		return 1;
	fd = open_interface(argv[1]);
	if (fd < 0 || !send_all(fd, &f, atof(argv[3])))
		return fail(argv[1], strerror(errno));
	return 0;
}
