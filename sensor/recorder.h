/* recorder.h - the second process: turns records into ledger, files and incidents.
 *
 * Never sees a packet. One thread drains the channel into a bounded queue, so that a disk or a
 * sink never backs up into the capture; the rest happens in the calling thread.
 */
#ifndef MAILSEAL_RECORDER_H
#define MAILSEAL_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "reports/ledger.h"
#include "sensor/conf.h"
#include "sensor/interfaces.h"

struct recorder_options {
	const struct conf *conf;
	const char *const *inputs; /* names of interfaces or files, by session.interface */
	unsigned inputs_n;
	bool live;
	struct interfaces *interfaces; /* whose drops are counted, or NULL; the caller's */
	const char *state_dir;         /* NULL: no state is written and no sink runs */
	FILE *sessions;                /* --sessions, or NULL; flushed at the end and when idle */
	bool quiet;
	bool progress; /* show on standard error how far files are read, if it is a terminal */
	/* Each of these may be NULL. */
	/* With what each step counted; false: this run is not sound. */
	bool (*on_step)(void *ctx, const struct ledger_batch *b);
	/* Between two messages, and twice a second when none comes; false: no more are taken. */
	bool (*between)(void *ctx);
	/* A word of the capture process was taken: it lives, and so does the recorder. */
	void (*on_health)(void *ctx, const struct health *so_far);
	/* The capture process has ended without its last word: the signal that ended it, or 0. */
	int (*capture_signal)(void *ctx);
	void *ctx;
};

struct recorder;

/* Opens and locks the state directory (created, mode 0750, when it does not exist) and every
 * file that it needs. Called before privileges are dropped. NULL with one line in err. */
struct recorder *recorder_new(const struct recorder_options *o, char *err, size_t errlen);

/* Consumes the channel until it ends. Returns the exit code for the program: 0, or 1 when
 * something could not be written, the capture died before its last message, or the windows are
 * older than the last one in the state directory. *last receives the final counters. */
int recorder_run(struct recorder *r, int channel_fd, struct health *last);
void recorder_free(struct recorder *r);

/* The memory that it takes at most. */
size_t recorder_bytes(const struct conf *c, bool live);

/* While it runs, from between(): --------------------------------------------------------------- */

/* In force: that of the options, or the last that was taken since. */
const struct conf *recorder_conf(const struct recorder *r);

/* Takes next, and counts sessions that are decided from now on by its peers and rules. The open step
 * goes on. False with one line in err: everything stays, and next is still the caller's. */
bool recorder_reload(struct recorder *r, struct conf *next, char *err, size_t errlen);

/* Files of the state directory that somebody may have renamed are opened anew. */
void recorder_reopen(struct recorder *r);

/* The number of the last message: it grows while some come. */
uint64_t recorder_taken(const struct recorder *r);

#endif
