/* rrd_feed.h - an RRD file that is drawn anew, and takes its place when it is complete.
 *
 * Inside of rrdfile.h: for rrdrebuild.c. Functions that return false have told why in feeds.err.
 */
#ifndef MAILSEAL_RRD_FEED_H
#define MAILSEAL_RRD_FEED_H

#include "reports/rrd_series.h"

#define FEED_BATCH 64 /* updates per file that wait to be written */

/* What all files that are drawn have in common. */
struct feeds {
	const struct rrdstore *store;
	struct stretch { /* when the sensor ran */
		int64_t from, to;
	} * ran;
	size_t ran_n, ran_cap;
	char *err;
	size_t errlen;
};

/* The sensor ran then, too; stretches come in their order. */
void feeds_ran(struct feeds *to, int64_t from, int64_t until);

/* A file that is being drawn. */
struct feed {
	char *path, *fresh; /* where it will be, and where it is now */
	const char *const *sources;
	unsigned sources_n;
	int64_t at;     /* drawn up to here */
	size_t stretch; /* the first one that may still matter */
	char *waiting[FEED_BATCH];
	unsigned waiting_n;
};

/* Takes path over. */
bool feed_start(struct feeds *to, struct feed *f, char *path, int64_t start,
		const char *const *sources, unsigned n);
/* values NULL: unknown up to then. */
bool feed_until(struct feeds *to, struct feed *f, int64_t until, const uint64_t *values);
/* Zero where the sensor ran, unknown where it did not. */
bool feed_idle(struct feeds *to, struct feed *f, int64_t until);
/* Draws the idle end, makes it an ordinary file, and puts it in its place. */
bool feed_finish(struct feeds *to, struct feed *f);
/* Frees what it holds, and removes what is not complete. */
void feed_drop(struct feed *f);

#endif
