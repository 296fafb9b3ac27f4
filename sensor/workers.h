/* workers.h - one pipeline, or several in a thread each, and one stream of messages from all.
 *
 * What the recorder gets is the same however many there are: messages come in the order of the packets
 * (files) or of time (interfaces) that caused them, and the counters are the sum of all.
 */
#ifndef MAILSEAL_WORKERS_H
#define MAILSEAL_WORKERS_H

#include <stdbool.h>
#include <stddef.h>

#include "sensor/pipeline.h"

struct workers;

struct workers_options {
	const struct conf *conf; /* of each one: workers_divide() */
	unsigned n;              /* at most CONF_WORKERS_MAX */
	/* The same inputs opened so many times, interfaces with capture_share(); stay the caller's, as
	 * the channel does. Of what cannot be opened twice n is 1. */
	struct capture *const *captures;
	struct channel *channel;
	bool live, any, progress;
};

/* A configuration in which everything that is taken from memory is a worker's share. */
void workers_divide(const struct conf *c, unsigned n, bool live, struct conf *out);

/* The memory that n of them take at most, of the configuration as a whole. */
size_t workers_bytes(const struct conf *c, unsigned n, bool live);

/* Allocates everything that will be needed. NULL when memory cannot be had. */
struct workers *workers_new(const struct workers_options *o);
void workers_free(struct workers *w);

/* Makes the threads, which wait, and puts them on their CPUs: after this none is made. They have the
 * privileges of the caller. False with one line in err; the process cannot go on then. */
bool workers_start(struct workers *w, char *err, size_t errlen);

/* As pipeline_run(), with all of them. */
bool workers_run(struct workers *w, int stop_fd);

#endif
