/* capture_files.c - packets from files, several of them in the order of their times. */
#include <pcap/pcap.h>

#include "sensor/capture_parts.h"
#include "sensor/pcapfile.h"

/* No packet follows in this file. */
static void over(struct capture *c, struct input *in, const char *why)
{
	in->done = true;
	capture_forget_buffer(in);
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
		in->next = capture_frame(c, in, h, data);
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
		if (capture_passes(in, &f[i]))
			f[kept++] = f[i];
	}
	return kept;
}

/* The next frames of a file. False: there are none. */
static bool hand_on_together(struct capture *c, struct input *in)
{
	unsigned read = read_in_place(c, in, c->batch, CAPTURE_BATCH);
	unsigned n = in->own ? filter_here(in, c->batch, read) : read;

	if (n > 0)
		c->cb(c->ctx, c->batch, n);
	return read > 0;
}

/* How it ended. */
static enum capture_result end_of_files(const struct capture *c)
{
	return c->error[0] ? CAPTURE_FAILED : CAPTURE_END;
}

enum capture_result capture_step_files(struct capture *c)
{
	struct input *in;

	if (c->n == 1 && c->in[0].file)
		return hand_on_together(c, &c->in[0]) ? CAPTURE_FRAMES : end_of_files(c);
	in = earliest(c);
	if (!in)
		return end_of_files(c);
	in->ahead = false;
	capture_hand_on(c, in, &in->next);
	return CAPTURE_FRAMES;
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
