/* bare.c - the least that reading packets can cost: a loop of libpcap that counts them. What the
 * sensor costs is measured against it. */
#include <inttypes.h>
#include <pcap/pcap.h>
#include <stdio.h>

struct sums {
	uint64_t packets, bytes;
};

static void count(u_char *user, const struct pcap_pkthdr *h, const u_char *data)
{
	struct sums *s = (struct sums *)(void *)user;

	(void)data;
	s->packets++;
	s->bytes += h->len;
}

int main(int argc, char **argv)
{
	char why[PCAP_ERRBUF_SIZE];
	struct sums s = { 0, 0 };
	pcap_t *p;

	if (argc != 2) {
		fprintf(stderr, "Usage: bare FILE\n");
		return 2;
	}
	p = pcap_open_offline(argv[1], why);
	if (!p || pcap_loop(p, -1, count, (u_char *)&s) != 0) {
		fprintf(stderr, "bare: %s\n", p ? pcap_geterr(p) : why);
		return 1;
	}
	pcap_close(p);
	printf("%" PRIu64 " packets, %" PRIu64 " bytes\n", s.packets, s.bytes);
	return 0;
}
