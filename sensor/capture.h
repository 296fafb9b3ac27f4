/* capture.h - frames from interfaces or files. The only place that knows libpcap; classic files are
 * opened by it and read without it (pcapfile.h).
 *
 * Everything is opened at the start; nothing is opened afterwards, not even for the counters.
 * Several files are merged by time, and so, to a millisecond, is what has come on several interfaces.
 */
#ifndef MAILSEAL_CAPTURE_H
#define MAILSEAL_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sensor/conf.h"
#include "sensor/frame.h"

struct capture;

struct capture_options {
	const char *const *names; /* interfaces, or files ("-" is standard input) */
	unsigned names_n;         /* at most CAPTURE_INPUTS_MAX */
	bool live;
	bool shared;        /* live: capture_share() follows */
	bool kernel_filter; /* live: let only what may be mail through */
	const char *filter; /* BPF of the user's own, or NULL */
	const struct conf *conf;
};

#define CAPTURE_INPUTS_MAX 255

/* Why it could not be opened: 2 when the filter or an option is wrong, 1 otherwise. NULL then, with
 * one line in err. */
struct capture *capture_open(const struct capture_options *o, int *exit_code, char *err,
			     size_t errlen);
void capture_close(struct capture *c);

/* Interfaces that were opened once for each of several workers: each packet comes to one of them
 * (steer.h), and none waits longer than some ms. False with one line in err. */
bool capture_share(struct capture *const *all, unsigned n, char *err, size_t errlen);

#define CAPTURE_BATCH 32 /* frames handed on together at most */

enum capture_result {
	CAPTURE_FRAMES, /* some were handed on */
	CAPTURE_IDLE,   /* live: none for a while */
	CAPTURE_END,    /* the files are read */
	CAPTURE_FAILED, /* capture_error() says why; what came before was handed on */
};

/* Hands on the next frames: some batches, or from a pipe one frame. For interfaces it waits at most
 * 100 ms, and hands on one by one what the kernel has. Waiting ends when stop_fd becomes readable; a
 * pipe that is read as a file is then at its end. */
typedef void frames_cb(void *ctx, const struct frame *f, unsigned n);
enum capture_result capture_step(struct capture *c, int stop_fd, frames_cb *cb, void *ctx);
const char *capture_error(const struct capture *c);

/* False when everything is there to be read, in files; else the next frame may take its time. */
bool capture_may_wait(const struct capture *c);

/* Files: bytes that are read and that there were at the start, of all together; both 0 where the
 * size of one is not known, as of standard input. */
void capture_position(const struct capture *c, uint64_t *bytes, uint64_t *bytes_all);

/* Live: packets that the kernel dropped for want of room in the ring, since the start. */
uint64_t capture_kernel_drops(struct capture *c);

/* The filter of mode "ports": a superset of mail. vlan: also behind one tag or two, which is to
 * be asked of Ethernet only. */
bool capture_ports_filter(const struct conf *c, bool vlan, char *out, size_t outlen);

#endif
