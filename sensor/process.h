/* process.h - what the two processes of mailseald know of each other when they part. */
#ifndef MAILSEAL_PROCESS_H
#define MAILSEAL_PROCESS_H

#include <stdbool.h>

#include "sensor/conf.h"
#include "sensor/options.h"

struct self_test;

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct run {
	struct options *o;
	const struct conf *conf; /* as it was at the start */
	bool any;
	bool progress;               /* shown on standard error */
	struct self_test *self_test; /* or NULL */
	int channel_read, channel_write;
	int ready_read, ready_write; /* capture -> recorder: everything is open */
	int order_read, order_write; /* recorder -> capture: a byte means go, the end means stop */
};

/* Writes a line to standard error, one whatever a file name holds; returns the code. */
int process_say(int code, const char *text);

#endif
