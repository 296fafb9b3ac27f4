/* Tests the capture: what the filter of mode "ports" lets through, and reading files. */
#include "tests/unit.h"

#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sensor/capture.h"
#include "sensor/conf_table.h"
#include "tests/sensor/frames.h"

#define NS    1000000000ull
#define START 1709287200u /* 2024-03-01T10:00:00Z */

/* The filter --------------------------------------------------------------------------------- */

struct filter {
	struct conf *conf;
	pcap_t *pcap;
	struct bpf_program program;
};

static void filter_init_with(struct filter *f, int link_type, bool vlan, unsigned encapsulations)
{
	char text[8192];

	f->conf = conf_default();
	f->conf->encapsulations = encapsulations;
	f->pcap = pcap_open_dead(link_type, 65535);
	assert_non_null(f->pcap);
	assert_true(capture_ports_filter(f->conf, vlan, text, sizeof(text)));
	if (pcap_compile(f->pcap, &f->program, text, 1, PCAP_NETMASK_UNKNOWN) != 0)
		fail_msg("%s: %s", text, pcap_geterr(f->pcap));
}

static void filter_init(struct filter *f, int link_type, bool vlan)
{
	filter_init_with(f, link_type, vlan, 0);
}

static void filter_fini(struct filter *f)
{
	pcap_freecode(&f->program);
	pcap_close(f->pcap);
	conf_free(f->conf);
}

static bool passes(const struct filter *f, const struct made_frame *frame)
{
	struct pcap_pkthdr h = { .caplen = (bpf_u_int32)frame_size(frame),
				 .len = (bpf_u_int32)frame_size(frame) };

	return pcap_offline_filter(&f->program, &h, frame_bytes(frame)) != 0;
}

static const char *const tags[] = { "", "vlan7 ", "qinq9 vlan7 ", "vlan9 vlan7 " };

/* Writes "eth TAGS WORDS" and says whether it passes. */
static bool tagged_passes(const struct filter *f, const char *tag, const char *words, uint16_t port,
			  bool to_client)
{
	struct made_frame frame;
	char text[128];

	snprintf(text, sizeof(text), "eth %s%s", tag, words);
	make_frame(&frame, text, port);
	if (to_client) { /* "tcp data10" ends it */
		uint8_t *tcp = frame.buffer + FRAME_MAX - 30;

		frame_be16(tcp, port);
		frame_be16(tcp + 2, FRAME_CLIENT_PORT);
	}
	return passes(f, &frame);
}

#define TAGS (sizeof(tags) / sizeof(tags[0]))

static void mail_passes_behind_no_tag_one_and_two(void **state)
{
	struct filter f;

	(void)state;
	filter_init(&f, DLT_EN10MB, true);
	assert_int_equal(f.conf->ports_n, 8);
	for (size_t i = 0; i < f.conf->ports_n * TAGS * 4; i++) {
		uint16_t port = f.conf->ports[i / (TAGS * 4)].port;
		const char *tag = tags[i / 4 % TAGS];
		const char *words = i % 2 ? "ip4 tcp data10" : "ip6 tcp data10";

		if (!tagged_passes(&f, tag, words, port, i / 2 % 2))
			fail_msg("%s%s, port %u is kept back", tag, words, port);
	}
	filter_fini(&f);
}

/* Where a filter finds no port, what may be mail passes, and user space decides. */
static void what_hides_its_port_passes(void **state)
{
	static const char *const words[] = {
		"ip4mf tcp data10",       "ip4off data10",      "ip6 hop tcp data10",
		"ip6 route tcp data10",   "ip6 dst tcp data10", "ip6 ah tcp data10",
		"ip6 mob tcp data10",     "ip6 hip tcp data10", "ip6 shim tcp data10",
		"ip6 atomic tcp data10",  "ip6 frag6 data10",   "ip6 frag6mf tcp data10",
		"ip6 hop dst tcp data10",
	};
	struct filter f;

	(void)state;
	filter_init(&f, DLT_EN10MB, true);
	for (size_t i = 0; i < TAGS * sizeof(words) / sizeof(words[0]); i++) {
		const char *tag = tags[i % TAGS];

		if (!tagged_passes(&f, tag, words[i / TAGS], 25, false))
			fail_msg("%s%s is kept back", tag, words[i / TAGS]);
	}
	filter_fini(&f);
}

static void the_rest_is_kept_back(void **state)
{
	static const char *const words[] = { "ip4 tcp data10", "ip6 tcp data10", "ip4df tcp data10",
					     "ip4 udp53 data10", "arp" };
	struct filter f;

	(void)state;
	filter_init(&f, DLT_EN10MB, true);
	for (size_t i = 0; i < TAGS * sizeof(words) / sizeof(words[0]); i++) {
		if (tagged_passes(&f, tags[i % TAGS], words[i / TAGS], 80, false))
			fail_msg("%s%s passes", tags[i % TAGS], words[i / TAGS]);
	}
	filter_fini(&f);
}

static const struct {
	enum encapsulation e;
	const char *words;
} encapsulated[] = {
	{ ENCAPSULATION_MPLS, "mpls bottom ip4 tcp data10" },
	{ ENCAPSULATION_PPPOE, "pppoe-session ppp ip6 tcp data10" },
	{ ENCAPSULATION_GRE, "ip4 gre-ck ip4 tcp data10" },
	{ ENCAPSULATION_GRE, "ip6 gre eth ip4 tcp data10" },
	{ ENCAPSULATION_ERSPAN, "ip4 gre-s erspan2 eth ip4 tcp data10" },
	{ ENCAPSULATION_ERSPAN, "ip6 gre-s erspan3 eth ip6 tcp data10" },
	{ ENCAPSULATION_VXLAN, "ip4opt udp4789 vxlan eth ip4 tcp data10" },
	{ ENCAPSULATION_VXLAN, "ip6 udp8472 vxlan eth ip4 tcp data10" },
	{ ENCAPSULATION_GENEVE, "ip4 udp6081 geneve eth ip4 tcp data10" },
	{ ENCAPSULATION_GENEVE, "ip6 udp6081 geneve ip4 tcp data10" },
	{ ENCAPSULATION_IPIP, "ip4 ip4 tcp data10" },
	{ ENCAPSULATION_IPIP, "ip6 ip4 tcp data10" },
	{ ENCAPSULATION_6IN4, "ip4 ip6 tcp data10" },
	{ ENCAPSULATION_6IN4, "ip6 ip6 tcp data10" },
};

/* GRE and ERSPAN are one to a filter. */
static bool is_named(enum encapsulation named, enum encapsulation e)
{
	return named == e || (named == ENCAPSULATION_GRE && e == ENCAPSULATION_ERSPAN) ||
	       (named == ENCAPSULATION_ERSPAN && e == ENCAPSULATION_GRE);
}

/* With one named, all of it passes, and no other; mail and the rest do as they did. */
static void what_is_named_passes(void **state)
{
	struct filter f;

	(void)state;
	for (unsigned named = 0; named < ENCAPSULATIONS; named++) {
		filter_init_with(&f, DLT_EN10MB, true, 1u << named);
		for (size_t i = 0; i < TAGS * sizeof(encapsulated) / sizeof(encapsulated[0]); i++) {
			const char *tag = tags[i % TAGS], *words = encapsulated[i / TAGS].words;
			bool due = is_named((enum encapsulation)named, encapsulated[i / TAGS].e);

			if (tagged_passes(&f, tag, words, 80, false) != due)
				fail_msg("%s%s with %s", tag, words,
					 encapsulation_name((enum encapsulation)named));
		}
		for (size_t i = 0; i < TAGS; i++) {
			assert_true(tagged_passes(&f, tags[i], "ip4 tcp data10", 25, true));
			assert_true(tagged_passes(&f, tags[i], "ip6 hop tcp data10", 80, false));
			assert_false(tagged_passes(&f, tags[i], "ip6 tcp data10", 80, false));
			assert_false(tagged_passes(&f, tags[i], "ip4 udp53 data10", 80, false));
			assert_false(tagged_passes(&f, tags[i], "arp", 80, false));
		}
		filter_fini(&f);
	}
}

/* Without tags it compiles for every link layer that can be captured on. */
static void it_fits_every_link_layer(void **state)
{
	static const struct {
		int link_type;
		const char *words;
	} links[] = {
		{ DLT_EN10MB, "eth ip4 tcp data10" },      { DLT_LINUX_SLL, "sll ip6 tcp data10" },
		{ DLT_LINUX_SLL2, "sll2 ip4 tcp data10" }, { DLT_RAW, "ip6 tcp data10" },
		{ DLT_NULL, "null ip4 tcp data10" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		struct made_frame frame;
		struct filter f;

		filter_init_with(&f, links[i].link_type, false, (1u << ENCAPSULATIONS) - 1);
		make_frame(&frame, links[i].words, 25);
		assert_true(passes(&f, &frame));
		make_frame(&frame, links[i].words, 80);
		assert_false(passes(&f, &frame));
		filter_fini(&f);
	}
}

static void as_many_ports_as_can_be_configured_fit(void **state)
{
	struct conf *c = conf_default();
	char text[8192], port[8], why[128];
	struct bpf_program program;
	pcap_t *p = pcap_open_dead(DLT_EN10MB, 65535);

	(void)state;
	for (unsigned i = 0; c->ports_n < CONF_PORTS_MAX; i++) {
		snprintf(port, sizeof(port), "%u", 60000 + i);
		assert_true(conf_port_add(c, PORTS_SMTP, port, why, sizeof(why)));
	}
	c->encapsulations = (1u << ENCAPSULATIONS) - 1;
	assert_true(capture_ports_filter(c, true, text, sizeof(text)));
	assert_int_equal(pcap_compile(p, &program, text, 1, PCAP_NETMASK_UNKNOWN), 0);
	assert_in_range(program.bf_len, 100, 4096);              /* BPF_MAXINSNS of the kernel */
	assert_false(capture_ports_filter(c, true, text, 1000)); /* said, not cut */
	pcap_freecode(&program);
	pcap_close(p);
	conf_free(c);
}

/* Files -------------------------------------------------------------------------------------- */

#define FILES_MAX 3
#define SEEN_MAX  64

struct folder {
	char *dir;
	char names[FILES_MAX][96];
	unsigned files_n;
};

struct seen {
	unsigned n;
	uint64_t time_ns[SEEN_MAX];
	uint32_t len[SEEN_MAX], caplen[SEEN_MAX];
	uint8_t interface[SEEN_MAX];
	enum link link[SEEN_MAX];
};

static int set_up(void **state)
{
	struct folder *f = calloc(1, sizeof(*f));

	f->dir = strdup("/tmp/mailseal-capture.XXXXXX");
	*state = f;
	return f->dir && mkdtemp(f->dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	struct folder *f = *state;

	for (unsigned i = 0; i < f->files_n; i++)
		unlink(f->names[i]);
	rmdir(f->dir);
	free(f->dir);
	free(f);
	return 0;
}

static void put32(FILE *f, uint32_t v)
{
	assert_int_equal(fwrite(&v, 4, 1, f), 1);
}

static FILE *make_file(struct folder *d)
{
	char *name = d->names[d->files_n];
	FILE *f;

	snprintf(name, sizeof(d->names[0]), "%s/%u", d->dir, d->files_n);
	d->files_n++;
	f = fopen(name, "wb");
	assert_non_null(f);
	return f;
}

static void pcap_begin(FILE *f, uint32_t magic, uint32_t link_type)
{
	put32(f, magic);
	put32(f, 2 | 4 << 16);
	put32(f, 0);
	put32(f, 0);
	put32(f, 65535);
	put32(f, link_type);
}

#define MICRO 0xa1b2c3d4u
#define NANO  0xa1b23c4du

/* A frame of caplen bytes out of len, with a port that a filter can tell. */
static void pcap_frame(FILE *f, uint32_t s, uint32_t parts, uint16_t port)
{
	struct made_frame frame;

	make_frame(&frame, "eth ip4 tcp data10", port);
	put32(f, START + s);
	put32(f, parts);
	put32(f, (uint32_t)frame_size(&frame));
	put32(f, (uint32_t)frame_size(&frame) + 5);
	fwrite(frame_bytes(&frame), frame_size(&frame), 1, f);
}

static void ng_block(FILE *f, uint32_t type, const uint32_t *words, uint32_t n, const uint8_t *data,
		     uint32_t len)
{
	static const uint8_t padding[4];
	uint32_t padded = (len + 3) & ~3u, total = 12 + 4 * n + padded;

	put32(f, type);
	put32(f, total);
	for (uint32_t i = 0; i < n; i++)
		put32(f, words[i]);
	if (len > 0)
		fwrite(data, len, 1, f);
	fwrite(padding, padded - len, 1, f);
	put32(f, total);
}

/* pcapng with times in nanoseconds (if_tsresol 9) and two packets. */
static void write_pcapng(FILE *f)
{
	const uint32_t section[] = { 0x1a2b3c4d, 1, 0xffffffff, 0xffffffff };
	const uint32_t interface[] = { 1, 65535, 9 | 1u << 16, 9, 0 };
	struct made_frame frame;

	make_frame(&frame, "eth ip6 tcp data10", 25);
	ng_block(f, 0x0a0d0d0a, section, 4, NULL, 0);
	ng_block(f, 1, interface, 5, NULL, 0);
	for (uint32_t i = 0; i < 2; i++) {
		uint64_t ns = (START + i) * NS + 123456789;
		uint32_t n = (uint32_t)frame_size(&frame);
		const uint32_t packet[] = { 0, (uint32_t)(ns >> 32), (uint32_t)ns, n, n };

		ng_block(f, 6, packet, 5, frame_bytes(&frame), n);
	}
}

static void note_frame(struct seen *s, const struct frame *f)
{
	assert_true(s->n < SEEN_MAX);
	s->time_ns[s->n] = f->time_ns;
	s->len[s->n] = f->len;
	s->caplen[s->n] = f->caplen;
	s->interface[s->n] = f->interface;
	s->link[s->n++] = f->link;
}

static void note_frames(void *ctx, const struct frame *f, unsigned n)
{
	assert_in_range(n, 1, CAPTURE_BATCH);
	for (unsigned i = 0; i < n; i++)
		note_frame(ctx, &f[i]);
}

static struct capture *open_files(const char *const *names, unsigned n, const char *filter,
				  int *code, char *err, size_t errlen)
{
	struct conf *conf = conf_default();
	const struct capture_options o = {
		.names = names, .names_n = n, .filter = filter, .conf = conf
	};
	struct capture *c = capture_open(&o, code, err, errlen);
	conf_free(conf);
	return c;
}

/* Reads to the end; what comes back is how it ended. */
static enum capture_result read_all(struct capture *c, int stop_fd, struct seen *s)
{
	enum capture_result r;

	memset(s, 0, sizeof(*s));
	while ((r = capture_step(c, stop_fd, note_frames, s)) == CAPTURE_FRAMES)
		;
	assert_int_equal(capture_kernel_drops(c), 0);
	return r;
}

static enum capture_result read_files(struct folder *d, const char *filter, struct seen *s)
{
	const char *names[FILES_MAX];
	enum capture_result r;
	struct capture *c;
	char err[512];
	int code;

	for (unsigned i = 0; i < d->files_n; i++)
		names[i] = d->names[i];
	c = open_files(names, d->files_n, filter, &code, err, sizeof(err));
	if (!c)
		fail_msg("%s", err);
	r = read_all(c, -1, s);
	capture_close(c);
	return r;
}

static void times_are_nanoseconds_whatever_the_file_has(void **state)
{
	struct folder *d = *state;
	struct seen s;
	FILE *f = make_file(d);

	pcap_begin(f, MICRO, 1);
	pcap_frame(f, 0, 123456, 25);
	fclose(f);
	assert_int_equal(read_files(d, NULL, &s), CAPTURE_END);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.time_ns[0], START * NS + 123456000);
	assert_int_equal(s.len[0], s.caplen[0] + 5);
	assert_int_equal(s.link[0], LINK_ETHERNET);
	d->files_n = 0;

	f = make_file(d);
	pcap_begin(f, NANO, 1);
	pcap_frame(f, 0, 123456789, 25);
	fclose(f);
	assert_int_equal(read_files(d, NULL, &s), CAPTURE_END);
	assert_int_equal(s.time_ns[0], START * NS + 123456789);
	d->files_n = 0;

	f = make_file(d);
	write_pcapng(f);
	fclose(f);
	assert_int_equal(read_files(d, NULL, &s), CAPTURE_END);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.time_ns[0], START * NS + 123456789);
	assert_int_equal(s.time_ns[1], (START + 1) * NS + 123456789);
}

/* Seconds are unsigned, to 2106; fractions stay fractions; and nothing overflows. */
static void impossible_times_stay_within_bounds(void **state)
{
	const uint32_t section[] = { 0x1a2b3c4d, 1, 0xffffffff, 0xffffffff };
	const uint32_t interface[] = { 1, 65535, 9 | 1u << 16, 0, 0 }; /* whole seconds */
	const uint32_t never[] = { 0, 0x7fffffff, 0xffffffff, 0, 0 };
	struct folder *d = *state;
	struct seen s;
	FILE *f = make_file(d);

	pcap_begin(f, NANO, 1);
	pcap_frame(f, 3976214400u - START, 5, 25); /* in 2096 */
	pcap_frame(f, UINT32_MAX - START, UINT32_MAX, 25);
	pcap_frame(f, 0, 4000000000u, 25);
	pcap_frame(f, 0, 1500000000u, 25);
	fclose(f);
	f = make_file(d);
	ng_block(f, 0x0a0d0d0a, section, 4, NULL, 0);
	ng_block(f, 1, interface, 5, NULL, 0);
	ng_block(f, 6, never, 5, NULL, 0);
	fclose(f);
	assert_int_equal(read_files(d, NULL, &s), CAPTURE_END);
	assert_int_equal(s.n, 5);
	assert_int_equal(s.time_ns[0], 3976214400 * NS + 5);
	assert_int_equal(s.time_ns[1] / NS, UINT32_MAX);
	assert_int_equal(s.time_ns[2] / NS, START);
	assert_int_equal(s.time_ns[3] / NS, START);
	assert_true(s.time_ns[4] > UINT32_MAX * NS && s.time_ns[4] <= INT64_MAX);
}

static void files_are_merged_by_time(void **state)
{
	static const uint8_t order[] = { 0, 1, 2, 1, 0, 0, 1 };
	struct folder *d = *state;
	struct seen s;
	FILE *f = make_file(d);

	pcap_begin(f, MICRO, 1);
	pcap_frame(f, 0, 0, 25);
	pcap_frame(f, 3, 0, 25);
	pcap_frame(f, 4, 0, 25);
	fclose(f);
	f = make_file(d);
	pcap_begin(f, NANO, 1);
	pcap_frame(f, 0, 1, 25);
	pcap_frame(f, 2, 0, 25);
	pcap_frame(f, 5, 0, 25);
	fclose(f);
	f = make_file(d);
	pcap_begin(f, MICRO, 1);
	pcap_frame(f, 1, 0, 25);
	fclose(f);
	assert_int_equal(read_files(d, NULL, &s), CAPTURE_END);
	assert_int_equal(s.n, sizeof(order));
	for (unsigned i = 0; i < s.n; i++) {
		assert_int_equal(s.interface[i], order[i]);
		assert_true(i == 0 || s.time_ns[i] >= s.time_ns[i - 1]);
	}
}

static void link_layers_are_told(void **state)
{
	static const struct {
		uint32_t link_type;
		enum link link;
	} links[] = { { 1, LINK_ETHERNET }, { 113, LINK_SLL }, { 276, LINK_SLL2 },
		      { 101, LINK_RAW },    { 228, LINK_RAW }, { 229, LINK_RAW },
		      { 0, LINK_NULL },     { 108, LINK_LOOP } };
	struct folder *d = *state;

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		struct seen s;
		FILE *f;

		d->files_n = 0;
		f = make_file(d);
		pcap_begin(f, MICRO, links[i].link_type);
		pcap_frame(f, 0, 0, 25);
		fclose(f);
		assert_int_equal(read_files(d, NULL, &s), CAPTURE_END);
		assert_int_equal(s.link[0], links[i].link);
	}
}

static uint64_t bytes_in(const char *name)
{
	struct stat st;

	assert_int_equal(stat(name, &st), 0);
	return (uint64_t)st.st_size;
}

static void the_position_is_told_of_all_files_together(void **state)
{
	struct folder *d = *state;
	uint64_t bytes, all, before = 0, size;
	enum capture_result r;
	const char *names[2];
	struct capture *c;
	char err[512];
	struct seen s;
	int code;
	FILE *f = make_file(d);

	pcap_begin(f, MICRO, 1);
	pcap_frame(f, 0, 0, 25);
	pcap_frame(f, 2, 0, 25);
	fclose(f);
	f = make_file(d);
	write_pcapng(f);
	fclose(f);
	names[0] = d->names[0];
	names[1] = d->names[1];
	size = bytes_in(names[0]) + bytes_in(names[1]);
	c = open_files(names, 2, NULL, &code, err, sizeof(err));
	if (!c)
		fail_msg("%s", err);
	memset(&s, 0, sizeof(s));
	do {
		r = capture_step(c, -1, note_frames, &s);
		capture_position(c, &bytes, &all);
		assert_int_equal(all, size);
		assert_true(bytes >= before && bytes > 0 && bytes <= size);
		assert_true(s.n > 1 || bytes < size);
		before = bytes;
	} while (r == CAPTURE_FRAMES);
	assert_int_equal(r, CAPTURE_END);
	assert_int_equal(bytes, size);
	capture_close(c);
}

static void a_filter_holds_for_files(void **state)
{
	struct folder *d = *state;
	struct seen s;
	FILE *f = make_file(d);

	pcap_begin(f, MICRO, 1);
	pcap_frame(f, 0, 0, 25);
	pcap_frame(f, 1, 0, 80);
	pcap_frame(f, 2, 0, 25);
	fclose(f);
	assert_int_equal(read_files(d, "port 80", &s), CAPTURE_END);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.time_ns[0], (START + 1) * NS);
}

static void a_file_that_breaks_off_gives_what_it_has(void **state)
{
	struct folder *d = *state;
	const char *name;
	struct capture *c;
	char err[512];
	struct seen s;
	int code;
	FILE *f = make_file(d);

	pcap_begin(f, MICRO, 1);
	pcap_frame(f, 0, 0, 25);
	pcap_frame(f, 1, 0, 25);
	fflush(f);
	assert_int_equal(ftruncate(fileno(f), ftell(f) - 3), 0);
	fclose(f);
	name = d->names[0];
	c = open_files(&name, 1, NULL, &code, err, sizeof(err));
	assert_non_null(c);
	assert_int_equal(read_all(c, -1, &s), CAPTURE_FAILED);
	assert_int_equal(s.n, 1);
	assert_non_null(strstr(capture_error(c), name));
	capture_close(c);
}

static void mistakes_are_told_apart(void **state)
{
	struct folder *d = *state;
	const char *good, *missing = "/nonexistent/mailseal.pcap";
	char err[512];
	int code;
	FILE *f = make_file(d);

	pcap_begin(f, MICRO, 1);
	fclose(f);
	good = d->names[0];
	assert_null(open_files(&good, 1, "port and", &code, err, sizeof(err)));
	assert_int_equal(code, 2);
	assert_non_null(strstr(err, "port and"));
	assert_null(open_files(&missing, 1, NULL, &code, err, sizeof(err)));
	assert_int_equal(code, 1);
	assert_non_null(strstr(err, missing));
	f = fopen(good, "wb");
	assert_non_null(f);
	pcap_begin(f, MICRO, 147);
	fclose(f);
	assert_null(open_files(&good, 1, NULL, &code, err, sizeof(err)));
	assert_int_equal(code, 1);
	assert_non_null(strstr(err, good));
	capture_close(NULL);
}

/* Standard input ----------------------------------------------------------------------------- */

/* A pipe in place of standard input; the end to write to, and what was there before. */
static FILE *pipe_as_input(int *saved)
{
	int fds[2];
	FILE *f;

	assert_int_equal(pipe(fds), 0);
	*saved = dup(STDIN_FILENO);
	assert_int_equal(dup2(fds[0], STDIN_FILENO), STDIN_FILENO);
	close(fds[0]);
	f = fdopen(fds[1], "wb");
	assert_non_null(f);
	return f;
}

static void restore_input(int saved)
{
	if (saved >= 0) {
		dup2(saved, STDIN_FILENO);
		close(saved);
	} else {
		close(STDIN_FILENO);
	}
}

static struct capture *open_input(void)
{
	const char *name = "-";
	char err[512];
	int code;
	struct capture *c = open_files(&name, 1, NULL, &code, err, sizeof(err));

	if (!c)
		fail_msg("%s", err);
	return c;
}

static void standard_input_is_read_to_its_end(void **state)
{
	uint64_t bytes, all;
	struct capture *c;
	struct seen s;
	int saved;
	FILE *f = pipe_as_input(&saved);

	(void)state;
	pcap_begin(f, NANO, 1);
	pcap_frame(f, 0, 7, 25);
	pcap_frame(f, 1, 8, 25);
	fclose(f);
	c = open_input();
	assert_int_equal(read_all(c, -1, &s), CAPTURE_END);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.time_ns[1], (START + 1) * NS + 8);
	capture_position(c, &bytes, &all);
	assert_true(bytes == 0 && all == 0);
	capture_close(c);
	assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0); /* it was not ours to close */
	restore_input(saved);
}

/* Whoever waits for a pipe still hears the order to stop, be it in the middle of a packet. */
static void the_order_to_stop_ends_the_wait(void **state)
{
	(void)state;
	for (unsigned half = 0; half < 2; half++) {
		struct capture *c;
		struct seen s;
		int saved, order[2];
		FILE *f = pipe_as_input(&saved);

		assert_int_equal(pipe(order), 0);
		pcap_begin(f, MICRO, 1);
		pcap_frame(f, 0, 0, 25);
		if (half)
			put32(f, START + 1);
		fflush(f);
		c = open_input();
		memset(&s, 0, sizeof(s));
		assert_int_equal(capture_step(c, order[0], note_frames, &s), CAPTURE_FRAMES);
		close(order[1]);
		assert_int_equal(capture_step(c, order[0], note_frames, &s), CAPTURE_END);
		assert_int_equal(s.n, 1);
		capture_close(c);
		fclose(f);
		close(order[0]);
		restore_input(saved);
	}
}

static void a_fifo_is_read_like_standard_input(void **state)
{
	struct folder *d = *state;
	struct capture *c;
	const char *name;
	char err[512];
	int code, order[2];
	struct seen s;
	FILE *f = make_file(d);

	fclose(f);
	name = d->names[0];
	unlink(name);
	assert_int_equal(mkfifo(name, 0600), 0);
	assert_int_equal(pipe(order), 0);
	f = fdopen(open(name, O_RDWR), "wb"); /* neither end waits for the other */
	assert_non_null(f);
	pcap_begin(f, MICRO, 1);
	pcap_frame(f, 0, 0, 25);
	fflush(f);
	c = open_files(&name, 1, NULL, &code, err, sizeof(err));
	assert_non_null(c);
	memset(&s, 0, sizeof(s));
	assert_int_equal(capture_step(c, order[0], note_frames, &s), CAPTURE_FRAMES);
	close(order[1]);
	assert_int_equal(capture_step(c, order[0], note_frames, &s), CAPTURE_END);
	capture_close(c);
	fclose(f);
	close(order[0]);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mail_passes_behind_no_tag_one_and_two),
		cmocka_unit_test(what_hides_its_port_passes),
		cmocka_unit_test(the_rest_is_kept_back),
		cmocka_unit_test(what_is_named_passes),
		cmocka_unit_test(it_fits_every_link_layer),
		cmocka_unit_test(as_many_ports_as_can_be_configured_fit),
		WITH_FOLDER(times_are_nanoseconds_whatever_the_file_has),
		WITH_FOLDER(impossible_times_stay_within_bounds),
		WITH_FOLDER(files_are_merged_by_time),
		WITH_FOLDER(link_layers_are_told),
		WITH_FOLDER(the_position_is_told_of_all_files_together),
		WITH_FOLDER(a_filter_holds_for_files),
		WITH_FOLDER(a_file_that_breaks_off_gives_what_it_has),
		WITH_FOLDER(mistakes_are_told_apart),
		cmocka_unit_test(standard_input_is_read_to_its_end),
		cmocka_unit_test(the_order_to_stop_ends_the_wait),
		WITH_FOLDER(a_fifo_is_read_like_standard_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
