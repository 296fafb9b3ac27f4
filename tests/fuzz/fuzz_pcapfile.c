/* A file that is read in place gives the packets that libpcap gives, and ends as it does. */
#include "tests/fuzz/fuzz.h"

#include <pcap/pcap.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sensor/pcapfile.h"

#define SECOND_NS 1000000000u

static void same_time(uint64_t ns, const struct pcap_pkthdr *h)
{
	MUST(ns / SECOND_NS == (uint32_t)h->ts.tv_sec);
	if (h->ts.tv_usec >= 0 && h->ts.tv_usec < SECOND_NS)
		MUST(ns % SECOND_NS == (uint64_t)h->ts.tv_usec);
}

static void compare(struct pcapfile *f, pcap_t *p)
{
	for (;;) {
		struct pcap_pkthdr *h;
		const uint8_t *data;
		struct pcapfile_packet mine;
		bool ready = pcapfile_ready(f);
		enum pcapfile_read r = pcapfile_next(f, &mine);
		int rc = pcap_next_ex(p, &h, &data);

		MUST(!ready || r == PCAPFILE_PACKET);
		MUST((r == PCAPFILE_PACKET) == (rc == 1));
		MUST((r == PCAPFILE_END) == (rc == PCAP_ERROR_BREAK));
		MUST((r == PCAPFILE_FAILED) == (pcapfile_error(f)[0] != '\0'));
		if (r != PCAPFILE_PACKET)
			return;
		MUST(mine.len == h->len && mine.caplen == h->caplen);
		MUST(memcmp(mine.data, data, mine.caplen) == 0);
		same_time(mine.time_ns, h);
	}
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
		compare(f, p);
	pcapfile_close(f);
	if (p)
		pcap_close(p);
	else
		fclose(file);
	close(fd);
	return 0;
}
