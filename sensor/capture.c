#include "sensor/capture.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

#include "sensor/pcapfile.h"
#include "sensor/steer.h"
#include "sensor/stoppable.h"

#define WAIT_MS   100
#define SHARED_MS 4  /* other workers have packets for this one, */
#define RETIRE_MS 10 /* and what belongs together comes from several */
#define BATCH     256
#define SECOND_NS 1000000000u
#define AHEAD_NS  1000000u /* one interface is read no further ahead of another */

struct input {
	const char *name;
	pcap_t *pcap;
	enum link link;
	struct bpf_program own; /* the user's filter, applied here behind the kernel's */
	bool filter_here;
	bool done;
	char *buffer;          /* files: of stdio, so that we can overwrite it */
	struct pcapfile *file; /* NULL: it is libpcap that reads it */
	struct frame next;     /* not handed on yet, */
	bool ahead;            /* if there is one */
	uint8_t *held;         /* live, one of several: the bytes of next */
	uint64_t reached_ns;   /* live: the last packet's time; 0: none, or it was empty since */
	bool empty;            /* live: in this step */
	uint64_t drops;
	uint64_t since_ns; /* shared: what is older may have come to others too; 0: nothing is */
	uint64_t size;     /* of a file when it was opened; 0: not known */
};

struct capture {
	bool live;
	unsigned n;
	struct input in[CAPTURE_INPUTS_MAX];
	char error[512];
	struct stop stop;
	frames_cb *cb; /* of the step that runs */
	void *ctx;
	struct input *current;
	uint64_t until_ns; /* the current one is read up to here */
	unsigned taken;
	int wait_ms;
	uint64_t opened_ns; /* shared: no packet is older, unless the clock is set */
	uint64_t shared_ns; /* when, by the clock that only goes on */
	struct frame batch[CAPTURE_BATCH];
};

/* Opening ------------------------------------------------------------------------------------ */

static bool fail(char *err, size_t errlen, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static bool fail(char *err, size_t errlen, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(err, errlen, format, args);
	va_end(args);
	return false;
}

static enum link link_of(pcap_t *p)
{
	switch (pcap_datalink(p)) {
	case DLT_EN10MB: return LINK_ETHERNET;
	case DLT_LINUX_SLL: return LINK_SLL;
	case DLT_LINUX_SLL2: return LINK_SLL2;
	case DLT_RAW:
	case DLT_IPV4:
	case DLT_IPV6: return LINK_RAW;
	case DLT_NULL: return LINK_NULL;
	case DLT_LOOP: return LINK_LOOP;
	case DLT_PPP:
	case DLT_PPP_SERIAL: return LINK_PPP;
	case DLT_PPP_ETHER: return LINK_PPPOE;
	default: return LINK_UNKNOWN;
	}
}

static const char *link_name(pcap_t *p)
{
	const char *name = pcap_datalink_val_to_name(pcap_datalink(p));

	return name ? name : "unknown";
}

/* What can keep us waiting is read in a way that the order to stop ends. */
static pcap_t *open_buffered(struct input *in, struct stop *stop, char *why)
{
	FILE *f = stoppable_is(in->name) ? stoppable_open(in->name, stop) : fopen(in->name, "re");
	pcap_t *p;

	if (!f) {
		snprintf(why, PCAP_ERRBUF_SIZE, "%s", strerror(errno));
		return NULL;
	}
	in->buffer = malloc(BUFSIZ);
	setvbuf(f, in->buffer, _IOFBF, BUFSIZ); /* without memory: as it likes */
	p = pcap_fopen_offline_with_tstamp_precision(f, PCAP_TSTAMP_PRECISION_NANO, why);
	if (!p)
		fclose(f);
	return p;
}

/* 0 for what has no size. */
static uint64_t size_of(pcap_t *p)
{
	int fd = fileno(pcap_file(p)); /* -1: it may keep us waiting */
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
}

static void forget_buffer(struct input *in)
{
	if (in->buffer)
		explicit_bzero(in->buffer, BUFSIZ);
}

static bool open_file(struct input *in, struct stop *stop, char *err, size_t errlen)
{
	char why[PCAP_ERRBUF_SIZE];

	in->pcap = open_buffered(in, stop, why);
	if (in->pcap) {
		in->size = size_of(in->pcap);
		if (in->size > 0)
			in->file = pcapfile_open(fileno(pcap_file(in->pcap)),
						 (uint32_t)pcap_snapshot(in->pcap));
		if (in->file)
			forget_buffer(in); /* nobody reads on from it */
		return true;
	}
	if (strncmp(why, in->name, strlen(in->name)) == 0) /* it already names the file */
		return fail(err, errlen, "%s", why);
	return fail(err, errlen, "%s: %s", in->name, why);
}

/* What is to be done about it, where that is known. */
static const char *remedy(int rc)
{
	switch (rc) {
	case PCAP_ERROR_NO_SUCH_DEVICE: return "; \"ip link\" shows the interfaces that there are";
	case PCAP_ERROR_PERM_DENIED: return "; to capture takes root or CAP_NET_RAW";
	default: return "";
	}
}

static bool set_up_live(struct input *in, const struct conf *c, bool shared, char *err,
			size_t errlen)
{
	int rc;

	pcap_set_snaplen(in->pcap, (int)c->snaplen);
	pcap_set_promisc(in->pcap, 1);
	pcap_set_timeout(in->pcap, shared ? RETIRE_MS : WAIT_MS);
	pcap_set_buffer_size(in->pcap, (int)(c->ring_mib << 20));
	pcap_set_tstamp_precision(in->pcap, PCAP_TSTAMP_PRECISION_NANO);
	rc = pcap_activate(in->pcap);
	if (rc == PCAP_ERROR_IFACE_NOT_UP)
		return fail(err, errlen, "%s: it is down; \"ip link set %s up\" brings it up",
			    in->name, in->name);
	if (rc < 0 && strcmp(pcap_statustostr(rc), pcap_geterr(in->pcap)) == 0)
		return fail(err, errlen, "%s: %s%s", in->name, pcap_statustostr(rc), remedy(rc));
	if (rc < 0)
		return fail(err, errlen, "%s: %s (%s)%s", in->name, pcap_statustostr(rc),
			    pcap_geterr(in->pcap), remedy(rc));
	return true;
}

static bool open_interface(struct input *in, const struct capture_options *o, char *err,
			   size_t errlen)
{
	char why[PCAP_ERRBUF_SIZE];

	in->pcap = pcap_create(in->name, why);
	if (!in->pcap)
		return fail(err, errlen, "%s: %s", in->name, why);
	if (!set_up_live(in, o->conf, o->shared, err, errlen))
		return false;
	if (pcap_setnonblock(in->pcap, 1, why) < 0)
		return fail(err, errlen, "%s: %s", in->name, why);
	if (o->names_n > 1)
		in->held = malloc((size_t)pcap_snapshot(in->pcap));
	return o->names_n == 1 || in->held || fail(err, errlen, "out of memory");
}

static bool set_filter(struct input *in, const char *text, char *err, size_t errlen)
{
	struct bpf_program program;
	bool ok;

	if (pcap_compile(in->pcap, &program, text, 1, PCAP_NETMASK_UNKNOWN) < 0)
		return fail(err, errlen, "filter \"%s\": %s", text, pcap_geterr(in->pcap));
	ok = pcap_setfilter(in->pcap, &program) == 0;
	pcap_freecode(&program);
	return ok || fail(err, errlen, "%s: filter: %s", in->name, pcap_geterr(in->pcap));
}

/* The user's filter, where it is not libpcap that applies it. */
static bool set_filter_here(struct input *in, const char *text, char *err, size_t errlen)
{
	pcap_t *dead = pcap_open_dead_with_tstamp_precision(
		pcap_datalink(in->pcap), pcap_snapshot(in->pcap), PCAP_TSTAMP_PRECISION_NANO);

	in->filter_here = dead && pcap_compile(dead, &in->own, text, 1, PCAP_NETMASK_UNKNOWN) == 0;
	if (!in->filter_here)
		fail(err, errlen, "filter \"%s\": %s", text,
		     dead ? pcap_geterr(dead) : "out of memory");
	if (dead)
		pcap_close(dead);
	return in->filter_here;
}

/* The kernel has the filter for mail; the user's own is applied to what it lets through. */
static bool set_both_filters(struct input *in, const struct capture_options *o, char *err,
			     size_t errlen)
{
	char text[8192];
	bool vlan = in->link == LINK_ETHERNET; /* libpcap knows no tags on the others */

	if (!capture_ports_filter(o->conf, vlan, text, sizeof(text)))
		return fail(err, errlen, "too many mail ports for a filter");
	if (o->filter && !set_filter_here(in, o->filter, err, errlen))
		return false;
	return set_filter(in, text, err, errlen);
}

static bool open_input(struct input *in, const struct capture_options *o, struct stop *stop,
		       int *exit_code, char *err, size_t errlen)
{
	*exit_code = 1;
	if (!(o->live ? open_interface(in, o, err, errlen) : open_file(in, stop, err, errlen)))
		return false;
	in->link = link_of(in->pcap);
	if (in->link == LINK_UNKNOWN)
		return fail(
			err, errlen,
			"%s: link type %s is not supported (Ethernet, Linux cooked, raw IP, PPP "
			"and loopback are)",
			in->name, link_name(in->pcap));
	*exit_code = 2;
	if (o->live && o->kernel_filter)
		return set_both_filters(in, o, err, errlen);
	if (!o->filter)
		return true;
	return in->file ? set_filter_here(in, o->filter, err, errlen)
			: set_filter(in, o->filter, err, errlen);
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * SECOND_NS + (uint64_t)t.tv_nsec;
}

struct capture *capture_open(const struct capture_options *o, int *exit_code, char *err,
			     size_t errlen)
{
	struct capture *c = calloc(1, sizeof(*c));

	*exit_code = 1;
	if (!c) {
		fail(err, errlen, "out of memory");
		return NULL;
	}
	c->live = o->live;
	c->wait_ms = o->shared ? SHARED_MS : WAIT_MS;
	c->opened_ns = clock_ns(CLOCK_REALTIME);
	c->stop.fd = -1;
	for (c->n = 0; c->n < o->names_n && c->n < CAPTURE_INPUTS_MAX; c->n++) {
		c->in[c->n].name = o->names[c->n];
		if (!open_input(&c->in[c->n], o, &c->stop, exit_code, err, errlen)) {
			c->n++;
			capture_close(c);
			return NULL;
		}
	}
	return c;
}

void capture_close(struct capture *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < c->n; i++) {
		if (c->in[i].filter_here)
			pcap_freecode(&c->in[i].own);
		pcapfile_close(c->in[i].file);
		if (c->in[i].pcap)
			pcap_close(c->in[i].pcap);
		free(c->in[i].buffer);
		free(c->in[i].held);
	}
	free(c);
}

static bool share_input(struct capture *const *all, unsigned n, unsigned input, char *err,
			size_t errlen)
{
	int fds[CONF_WORKERS_MAX];
	char why[128];

	for (unsigned i = 0; i < n; i++)
		fds[i] = pcap_fileno(all[i]->in[input].pcap);
	return steer_sockets(fds, n, why, sizeof(why)) ||
	       fail(err, errlen, "%s: %s", all[0]->in[input].name, why);
}

/* What came before all had joined came to several. */
static void forget_before(struct capture *c, uint64_t now_ns)
{
	c->shared_ns = clock_ns(CLOCK_MONOTONIC);
	for (unsigned i = 0; i < c->n; i++)
		c->in[i].since_ns = now_ns;
}

bool capture_share(struct capture *const *all, unsigned n, char *err, size_t errlen)
{
	uint64_t now;

	for (unsigned i = 0; i < all[0]->n; i++) {
		if (!share_input(all, n, i, err, errlen))
			return false;
	}
	now = clock_ns(CLOCK_REALTIME);
	for (unsigned i = 0; i < n; i++)
		forget_before(all[i], now);
	return true;
}

/* Reading ------------------------------------------------------------------------------------ */

/* With nanosecond precision libpcap keeps nanoseconds in tv_usec. A file's 32 bits of seconds are
 * unsigned, which libpcap is not; a time that no clock can mean stays within 64 bits. */
static uint64_t time_of(const struct pcap_pkthdr *h)
{
	const uint64_t last_s = INT64_MAX / SECOND_NS - 1;
	uint64_t s = h->ts.tv_sec < 0 ? (uint32_t)h->ts.tv_sec : (uint64_t)h->ts.tv_sec;
	uint64_t ns = h->ts.tv_usec < 0 ? 0 : (uint64_t)h->ts.tv_usec;

	return (s < last_s ? s : last_s) * SECOND_NS + (ns < SECOND_NS ? ns : SECOND_NS - 1);
}

static struct frame frame_of(const struct capture *c, const struct input *in,
			     const struct pcap_pkthdr *h, const uint8_t *data)
{
	return (struct frame){
		.time_ns = time_of(h),
		.data = data,
		.caplen = h->caplen,
		.len = h->len,
		.link = in->link,
		.interface = (uint8_t)(in - c->in),
	};
}

static bool passes(const struct input *in, const struct frame *f)
{
	const struct pcap_pkthdr h = { .caplen = f->caplen, .len = f->len };

	return !in->filter_here || pcap_offline_filter(&in->own, &h, f->data);
}

static void hand_on(struct capture *c, struct input *in, const struct frame *f)
{
	if (passes(in, f))
		c->cb(c->ctx, f, 1);
}

/* No packet follows in this file. */
static void over(struct capture *c, struct input *in, const char *why)
{
	in->done = true;
	forget_buffer(in);
	if (in->file)
		pcapfile_forget(in->file);
	if (why && !c->stop.told && !c->error[0])
		snprintf(c->error, sizeof(c->error), "%s: %s", in->name, why);
}

static void read_with_libpcap(struct capture *c, struct input *in)
{
	struct pcap_pkthdr *h;
	const uint8_t *data;
	int rc = pcap_next_ex(in->pcap, &h, &data);

	in->ahead = rc == 1;
	if (in->ahead)
		in->next = frame_of(c, in, h, data);
	else
		over(c, in, rc == PCAP_ERROR_BREAK ? NULL : pcap_geterr(in->pcap));
}

/* The next packets of the file, as many as are in memory together. Returns how many: 0, there are none. */
static unsigned read_in_place(struct capture *c, struct input *in, struct frame *out, unsigned max)
{
	unsigned n;
	enum pcapfile_read r = pcapfile_next(in->file, out, max, &n);

	if (r != PCAPFILE_PACKETS)
		over(c, in, r == PCAPFILE_END ? NULL : pcapfile_error(in->file));
	for (unsigned i = 0; i < n; i++) {
		out[i].link = in->link;
		out[i].interface = (uint8_t)(in - c->in);
	}
	return n;
}

static void read_ahead(struct capture *c, struct input *in)
{
	if (!in->file) {
		read_with_libpcap(c, in);
		return;
	}
	in->ahead = read_in_place(c, in, &in->next, 1) == 1;
}

static struct input *earliest(struct capture *c)
{
	struct input *best = NULL;

	for (unsigned i = 0; i < c->n; i++) {
		struct input *in = &c->in[i];

		if (!in->ahead && !in->done)
			read_ahead(c, in);
		if (in->ahead && (!best || in->next.time_ns < best->next.time_ns))
			best = in;
	}
	return best;
}

/* Those that pass, side by side. */
static unsigned filter_here(const struct input *in, struct frame *f, unsigned n)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < n; i++) {
		if (passes(in, &f[i]))
			f[kept++] = f[i];
	}
	return kept;
}

/* The next frames of a file. False: there are none. */
static bool hand_on_together(struct capture *c, struct input *in)
{
	unsigned read = read_in_place(c, in, c->batch, CAPTURE_BATCH);
	unsigned n = in->filter_here ? filter_here(in, c->batch, read) : read;

	if (n > 0)
		c->cb(c->ctx, c->batch, n);
	return read > 0;
}

/* How it ended. */
static enum capture_result end_of_files(const struct capture *c)
{
	return c->error[0] ? CAPTURE_FAILED : CAPTURE_END;
}

static enum capture_result step_files(struct capture *c)
{
	struct input *in;

	if (c->n == 1 && c->in[0].file)
		return hand_on_together(c, &c->in[0]) ? CAPTURE_FRAMES : end_of_files(c);
	in = earliest(c);
	if (!in)
		return end_of_files(c);
	in->ahead = false;
	hand_on(c, in, &in->next);
	return CAPTURE_FRAMES;
}

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
		hand_on(c, in, f);
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

	const struct frame f = frame_of(c, c->current, h, data);

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
static enum capture_result step_live(struct capture *c, int stop_fd)
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

enum capture_result capture_step(struct capture *c, int stop_fd, frames_cb *cb, void *ctx)
{
	c->cb = cb;
	c->ctx = ctx;
	c->stop.fd = stop_fd;
	return c->live ? step_live(c, stop_fd) : step_files(c);
}

const char *capture_error(const struct capture *c)
{
	return c->error;
}

bool capture_may_wait(const struct capture *c)
{
	bool wait = c->live;

	for (unsigned i = 0; i < c->n; i++)
		wait |= c->in[i].size == 0;
	return wait;
}

/* Where the program is in a file, not where its buffer is. */
static uint64_t bytes_read(const struct input *in)
{
	off_t at;

	if (in->file)
		return pcapfile_position(in->file);
	at = ftello(pcap_file(in->pcap));
	return at > 0 ? (uint64_t)at : 0;
}

void capture_position(const struct capture *c, uint64_t *bytes, uint64_t *bytes_all)
{
	*bytes = *bytes_all = 0;
	for (unsigned i = 0; i < c->n; i++) {
		if (c->live || c->in[i].size == 0) {
			*bytes = *bytes_all = 0;
			return;
		}
		*bytes += bytes_read(&c->in[i]);
		*bytes_all += c->in[i].size;
	}
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
