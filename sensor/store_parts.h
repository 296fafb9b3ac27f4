/* store_parts.h - what the files of store.c share: what the store is, and what can fail. For them only. */
#ifndef MAILSEAL_STORE_PARTS_H
#define MAILSEAL_STORE_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "reports/incidents.h"
#include "reports/metrics.h"
#include "reports/rrdfile.h"
#include "reports/statedir.h"
#include "sensor/backlog.h"
#include "sensor/store.h"

/* What may fail, each said once until it works again. */
enum part { PART_LEDGER, PART_RRD, PART_INCIDENTS, PART_LOG, PART_METRICS, PART_RETENTION, PART_N };

struct store {
	struct statedir *dir;
	struct ledger *ledger;
	struct backlog *backlog;
	struct rrdstore *rrd;
	struct incidents *incidents;
	struct metrics *metrics; /* NULL before the first step */
	incident_cb *tell;       /* of what happens; NULL: the couriers read it */
	const struct conf *conf;
	bool live;
	char *path;
	bool begun;
	bool undrawn; /* the time did not suffice to draw RRD files that are marked */
	bool stale; /* RRD files that were drawn over other peers stay marked until the next start */
	bool said[PART_N];
	bool refuses;             /* the ledger did not take what it was last given */
	bool lossy;               /* something was lost */
	struct backlog_lost told; /* of the steps that were lost */
	uint64_t unlogged;        /* lines of the session log, told by store_unlogged() */
	bool said_early;          /* that steps before 1980 have no RRD */
	bool rebuild_due;         /* every RRD file has to be drawn anew */
	int64_t expired;          /* hour of the last retention */
	int64_t keep_from;        /* the time from which it counts back */
	bool expiring;            /* and something is still to be deleted */
	int64_t caught_up;        /* second in which it was last tried, of the steady clock */
};

/* Said once, until it is said to work again. */
void store_complain(struct store *st, enum part part, const char *err);
void store_recovered(struct store *st, enum part part);
/* An attempt to write all that there is of it. */
void store_settle(struct store *st, enum part part, bool ok, const char *err);

/* RRD files (store_rrd.c): of a step that is in the ledger, marked; */
void store_draw(struct store *st, int64_t step);
/* of all steps when the mark stands at the start. why: what is known to be wrong with the files; NULL:
 * only the mark says so. */
void store_rebuild_if_marked(struct store *st, const char *why);

/* Once an hour, behind a step: what is older than it may be is deleted (store_expiry.c). */
void store_expire(struct store *st, int64_t step);

#endif
