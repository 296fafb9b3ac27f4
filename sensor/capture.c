#include "sensor/capture.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "sensor/capture_parts.h"
#include "sensor/pcapfile.h"
#include "sensor/steer.h"

#define WAIT_MS   100
#define SHARED_MS 4  /* other workers have packets for this one, */
#define RETIRE_MS 10 /* and what belongs together comes from several */

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

void capture_forget_buffer(struct input *in)
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
			capture_forget_buffer(in); /* nobody reads on from it */
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
	struct bpf_program *own = calloc(1, sizeof(*own));
	bool ok = dead && own && pcap_compile(dead, own, text, 1, PCAP_NETMASK_UNKNOWN) == 0;

	if (ok)
		in->own = own;
	else
		fail(err, errlen, "filter \"%s\": %s", text,
		     dead && own ? pcap_geterr(dead) : "out of memory");
	if (!ok)
		free(own);
	if (dead)
		pcap_close(dead);
	return ok;
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
		if (c->in[i].own)
			pcap_freecode(c->in[i].own);
		free(c->in[i].own);
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

/* Handing on --------------------------------------------------------------------------------- */

/* With nanosecond precision libpcap keeps nanoseconds in tv_usec. A file's 32 bits of seconds are
 * unsigned, which libpcap is not; a time that no clock can mean stays within 64 bits. */
static uint64_t time_of(const struct pcap_pkthdr *h)
{
	const uint64_t last_s = INT64_MAX / SECOND_NS - 1;
	uint64_t s = h->ts.tv_sec < 0 ? (uint32_t)h->ts.tv_sec : (uint64_t)h->ts.tv_sec;
	uint64_t ns = h->ts.tv_usec < 0 ? 0 : (uint64_t)h->ts.tv_usec;

	return (s < last_s ? s : last_s) * SECOND_NS + (ns < SECOND_NS ? ns : SECOND_NS - 1);
}

struct frame capture_frame(const struct capture *c, const struct input *in,
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

bool capture_passes(const struct input *in, const struct frame *f)
{
	const struct pcap_pkthdr h = { .caplen = f->caplen, .len = f->len };

	return !in->own || pcap_offline_filter(in->own, &h, f->data);
}

void capture_hand_on(struct capture *c, struct input *in, const struct frame *f)
{
	if (capture_passes(in, f))
		c->cb(c->ctx, f, 1);
}

enum capture_result capture_step(struct capture *c, int stop_fd, frames_cb *cb, void *ctx)
{
	c->cb = cb;
	c->ctx = ctx;
	c->stop.fd = stop_fd;
	return c->live ? capture_step_live(c, stop_fd) : capture_step_files(c);
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
