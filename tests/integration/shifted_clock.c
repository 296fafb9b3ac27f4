/* shifted_clock.c - preloaded into a program, sets its clock forward and back while it runs.
 *
 * MAILSEAL_CLOCK_SHIFT names a file of two numbers of eight bytes: by so many nanoseconds is shifted what
 * the program reads of the clock that can be set, and the time of each frame that it captures; and what
 * it reads of the clock that only goes on. The file is mapped when the program starts, so that a program
 * that is confined sees it change. The computer's own are left alone.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS 1000000000

struct shift {
	_Atomic int64_t settable, steady;
};

static const struct shift none;
static const struct shift *shift = &none;

__attribute__((constructor)) static void map_shift(void)
{
	const char *path = getenv("MAILSEAL_CLOCK_SHIFT");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *at = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*shift), PROT_READ, MAP_SHARED, fd, 0);

	if (at != MAP_FAILED)
		shift = at;
	if (fd >= 0)
		close(fd);
}

static void add_to(time_t *s, long *ns, int64_t by)
{
	int64_t all = (int64_t)*s * SECOND_NS + *ns + by;

	*s = all / SECOND_NS;
	*ns = all % SECOND_NS;
}

int clock_gettime(clockid_t clock, struct timespec *t)
{
	static int (*real)(clockid_t, struct timespec *);
	int rc;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	rc = real(clock, t);
	if (rc == 0 && clock == CLOCK_REALTIME)
		add_to(&t->tv_sec, &t->tv_nsec, shift->settable);
	if (rc == 0 && clock == CLOCK_MONOTONIC)
		add_to(&t->tv_sec, &t->tv_nsec, shift->steady);
	return rc;
}

time_t time(time_t *out)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	if (out)
		*out = t.tv_sec;
	return t.tv_sec;
}

struct receiver {
	pcap_handler cb;
	u_char *ctx;
};

/* The sensor asks for nanoseconds. */
static void shifted(u_char *ctx, const struct pcap_pkthdr *h, const u_char *data)
{
	const struct receiver *to = (const struct receiver *)(const void *)ctx;
	struct pcap_pkthdr moved = *h;

	add_to(&moved.ts.tv_sec, &moved.ts.tv_usec, shift->settable);
	to->cb(to->ctx, &moved, data);
}

int pcap_dispatch(pcap_t *p, int n, pcap_handler cb, u_char *ctx)
{
	static int (*real)(pcap_t *, int, pcap_handler, u_char *);
	struct receiver to = { cb, ctx };

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "pcap_dispatch");
	return real(p, n, shifted, (u_char *)&to);
}
