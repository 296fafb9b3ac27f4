/* bare.c - the least that reading packets can cost: a loop of libpcap that counts them. What the
 * sensor costs is measured against it.
 *
 *     bare FILE                           a capture
 *     bare -i INTERFACE SNAPLEN RING_MIB  live, with the settings of the sensor, until SIGTERM; says
 *                                         "ready" first
 */
#include <errno.h>
#include <inttypes.h>
#include <pcap/pcap.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_MS 100

struct sums {
	uint64_t packets, bytes;
};

static pcap_t *pcap; /* for the signal */

static void stop(int number)
{
	(void)number;
	pcap_breakloop(pcap);
}

static void count(u_char *user, const struct pcap_pkthdr *h, const u_char *data)
{
	struct sums *s = (struct sums *)(void *)user;

	(void)data;
	s->packets++;
	s->bytes += h->len;
}

static int fail(const char *why)
{
	fprintf(stderr, "bare: %s\n", why);
	return 1;
}

/* As sensor/capture.c does it. */
static bool activate(int snaplen, int ring_mib)
{
	pcap_set_snaplen(pcap, snaplen);
	pcap_set_promisc(pcap, 1);
	pcap_set_timeout(pcap, WAIT_MS);
	pcap_set_buffer_size(pcap, ring_mib << 20);
	pcap_set_tstamp_precision(pcap, PCAP_TSTAMP_PRECISION_NANO);
	return pcap_activate(pcap) >= 0;
}

static int read_interface(char **args)
{
	struct sigaction on_term = { .sa_handler = stop };
	struct sums s = { 0, 0 };
	char why[PCAP_ERRBUF_SIZE];
	struct pcap_stat stats;

	pcap = pcap_create(args[0], why);
	if (!pcap)
		return fail(why);
	if (!activate(atoi(args[1]), atoi(args[2])) || sigaction(SIGTERM, &on_term, NULL) != 0)
		return fail(pcap_geterr(pcap));
	puts("ready");
	fflush(stdout);
	if (pcap_loop(pcap, -1, count, (u_char *)&s) != PCAP_ERROR_BREAK ||
	    pcap_stats(pcap, &stats) != 0)
		return fail(pcap_geterr(pcap));
	printf("packets %" PRIu64 ", bytes %" PRIu64 ", drop_kernel %u\n", s.packets, s.bytes,
	       stats.ps_drop);
	pcap_close(pcap);
	return 0;
}

static int read_file(const char *name)
{
	struct sums s = { 0, 0 };
	char why[PCAP_ERRBUF_SIZE];

	pcap = pcap_open_offline(name, why);
	if (!pcap || pcap_loop(pcap, -1, count, (u_char *)&s) != 0)
		return fail(pcap ? pcap_geterr(pcap) : why);
	pcap_close(pcap);
	printf("packets %" PRIu64 ", bytes %" PRIu64 "\n", s.packets, s.bytes);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "-i") == 0)
		return read_interface(argv + 2);
	if (argc == 2)
		return read_file(argv[1]);
	fprintf(stderr, "Usage: bare FILE | -i INTERFACE SNAPLEN RING_MIB\n");
	return 2;
}
