/* A file that is read in place gives the packets that libpcap gives, and ends as it does. */
#include "tests/fuzz/fuzz.h"

#include <pcap/pcap.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sensor/pcapfile.h"

#define SECOND_NS    1000000000u
#define TOGETHER_MAX 7

static void same_time(uint64_t ns, const struct pcap_pkthdr *h)
{
	MUST(ns / SECOND_NS == (uint32_t)h->ts.tv_sec);
	if (h->ts.tv_usec >= 0 && h->ts.tv_usec < SECOND_NS)
		MUST(ns % SECOND_NS == (uint64_t)h->ts.tv_usec);
}

static void same_packet(const struct frame *mine, const struct pcap_pkthdr *h, const uint8_t *data)
{
	MUST(mine->len == h->len && mine->caplen == h->caplen);
	MUST(memcmp(mine->data, data, mine->caplen) == 0);
	same_time(mine->time_ns, h);
}

static void compare(struct pcapfile *f, pcap_t *p, unsigned together)
{
	struct frame mine[TOGETHER_MAX];
	enum pcapfile_read r;
	struct pcap_pkthdr *h;
	const uint8_t *data;
	unsigned n;
	int rc;

	while ((r = pcapfile_next(f, mine, together, &n)) == PCAPFILE_PACKETS) {
		MUST(n > 0 && n <= together);
		for (unsigned i = 0; i < n; i++) {
			MUST(pcap_next_ex(p, &h, &data) == 1);
			same_packet(&mine[i], h, data);
		}
	}
	rc = pcap_next_ex(p, &h, &data);
	MUST(rc != 1 && n == 0);
	MUST((r == PCAPFILE_END) == (rc == PCAP_ERROR_BREAK));
	MUST((r == PCAPFILE_FAILED) == (pcapfile_error(f)[0] != '\0'));
}

static int file_of(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", 0);

	MUST(fd >= 0 && write(fd, data, size) == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

/* Each has a file of its own: two readers would share their place in one. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char why[PCAP_ERRBUF_SIZE];
	FILE *file = fdopen(file_of(data, size), "rb");
	int fd = file_of(data, size);
	struct pcapfile *f = NULL;
	pcap_t *p;

	MUST(file);
	p = pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, why);
	if (p && pcap_datalink(p) == DLT_EN10MB)
		f = pcapfile_open(fd, (uint32_t)pcap_snapshot(p));
	if (f)
		compare(f, p, 1 + (unsigned)size % TOGETHER_MAX);
	pcapfile_close(f);
	if (p)
		pcap_close(p);
	else
		fclose(file);
	close(fd);
	return 0;
}
