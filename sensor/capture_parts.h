/* capture_parts.h - what the files of capture.c share. For them only. */
#ifndef MAILSEAL_CAPTURE_PARTS_H
#define MAILSEAL_CAPTURE_PARTS_H

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "sensor/capture.h"
#include "sensor/stoppable.h"

#define SECOND_NS 1000000000u

struct input {
	const char *name;
	struct pcap *pcap;
	enum link link;
	struct bpf_program *own; /* the user's filter, applied here behind the kernel's; or NULL */
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

static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * SECOND_NS + (uint64_t)t.tv_nsec;
}

struct pcap_pkthdr;

/* What libpcap gives, as a frame that borrows its bytes. */
struct frame capture_frame(const struct capture *c, const struct input *in,
			   const struct pcap_pkthdr *h, const uint8_t *data);

bool capture_passes(const struct input *in, const struct frame *f); /* the user's filter */
void capture_hand_on(struct capture *c, struct input *in, const struct frame *f);

void capture_forget_buffer(struct input *in); /* what was read of a file */

enum capture_result capture_step_files(struct capture *c);
enum capture_result capture_step_live(struct capture *c, int stop_fd);

#endif
