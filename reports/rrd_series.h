/* rrd_series.h - which RRD files there are, for the modules that write them.
 *
 * Inside of rrdfile.h: rrdstore.c keeps the list, rrdstep.c writes steps, rrdrebuild.c draws
 * anew, rrdcare.c knows what stands where a file should be.
 */
#ifndef MAILSEAL_RRD_SERIES_H
#define MAILSEAL_RRD_SERIES_H

#include "reports/rrdfile.h"

#define RRD_FRESH       ".new" /* behind the name of a file that is not complete */
#define RRD_HEARTBEAT_S 120
#define PAIR_SOURCES    17
#define UPDATE_MAX      (24 + 21 * (HEALTH_N > PAIR_SOURCES ? HEALTH_N : PAIR_SOURCES))

/* How far a file is written. */
struct rrd_file {
	int64_t last; /* up to here; -1 when not known */
	bool lost;    /* steps are missing in it: it waits to be drawn anew */
};

/* The file of a pair. */
struct series {
	enum service service;
	char client[PARTY_NAME_MAX + 1], server[PARTY_NAME_MAX + 1];
	struct rrd_file file;
	const struct ledger_row *row; /* during rrdstore_step() */
	struct feed *feed;            /* during rrdstore_rebuild() */
};

struct rrdstore {
	char *dir; /* the state directory */
	unsigned max_series;
	struct series *series; /* sorted */
	size_t n, cap;
	struct rrd_file health, totals[SERVICE_N];
	char (*signatories)[PARTY_NAME_MAX + 1]; /* sorted */
	size_t signatories_n;
	rrdstore_aside_cb *on_aside; /* or NULL */
	void *ctx;
};

extern const char *const rrd_pair_sources[PAIR_SOURCES];
extern const char *const rrd_health_sources[HEALTH_N];

/* The counts of a row that are drawn, in the order of their sources; false when all are zero. */
bool rrd_pair_values(const struct counts *c, uint64_t values[PAIR_SOURCES]);

/* The same, added to a sum. */
void rrd_add_values(uint64_t sum[PAIR_SOURCES], const struct counts *c);
/* Whether the total of its service holds it: of mta, what lies between two different signatories. */
bool rrd_in_total(const struct rrdstore *r, const struct ledger_row *row);

/* "1795305660:1:0:7", or with U for each value when values is NULL. */
void rrd_update_text(int64_t time, const uint64_t *values, unsigned n, char out[UPDATE_MAX]);

/* Finds a series, or adds it when there is room; NULL when there is none or the names must not
 * become a path. */
struct series *rrd_series_find(struct rrdstore *r, enum service service, const char *client,
			       const char *server);
struct series *rrd_series_add(struct rrdstore *r, enum service service, const char *client,
			      const char *server);

/* Owned by the caller. With make the directories are made as well. */
char *rrd_series_path(const struct rrdstore *r, const struct series *s, bool make);
char *rrd_total_path(const struct rrdstore *r, enum service service, bool make);
char *rrd_health_path(const struct rrdstore *r);

/* What stands where a file should be. */
enum rrd_found {
	RRD_ABSENT, /* nothing */
	RRD_FITS,   /* a file that can be written to; *last receives its last update */
	RRD_UNFIT, /* something else: a directory, a link to nothing, a file that may not be opened or is
		       none of ours. why says what */
	RRD_UNABLE, /* it cannot be told now: the disk is read-only, say. why says it with the path */
};
enum rrd_found rrd_look(const char *path, const char *const *sources, unsigned n, int64_t *last,
			char *why, size_t whylen);

/* Renames what is in the way to PATH.aside, in place of what was put there before, and tells. False with
 * err. */
bool rrd_set_aside(const struct rrdstore *r, const char *path, const char *why, char *err,
		   size_t errlen);

#endif
