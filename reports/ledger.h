/* ledger.h - the truth: integer counts per step, service and pair of peers, in ledger.db.
 *
 * One transaction per step adds to minutes, hours and days together, so that each of the three
 * is exact whatever happened between. Rows only grow. Every total, ratio, check, report and
 * alert reads the ledger; RRD files are drawn from it. The memory of servers (servers.h) is kept
 * beside them.
 *
 * Steps are 60 s, aligned, UTC; a step is named by the second at which it begins.
 */
#ifndef MAILSEAL_LEDGER_H
#define MAILSEAL_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reports/counts.h"
#include "reports/health.h"
#include "reports/peers.h"
#include "reports/servers.h"

#define STEP_S 60

enum resolution { RESOLUTION_MINUTE, RESOLUTION_HOUR, RESOLUTION_DAY, RESOLUTION_N };
int64_t resolution_seconds(enum resolution r);

struct ledger;

enum ledger_mode { LEDGER_WRITE, LEDGER_READ };

/* Opens DIR/ledger.db; LEDGER_WRITE creates it and brings an older schema up to date. NULL with
 * a sentence in err (which names the file). A ledger of a newer schema is refused; and LEDGER_READ
 * refuses an older one, which may lack what is asked for. The functions that change something need
 * LEDGER_WRITE. */
struct ledger *ledger_open(const char *dir, enum ledger_mode mode, char *err, size_t errlen);
void ledger_close(struct ledger *l); /* NULL is allowed */

/* The last step in the ledger (-1 when empty), and whether it may still be added to: true after
 * a run that was stopped in the middle of it. */
bool ledger_last_step(struct ledger *l, int64_t *step, bool *open, char *err, size_t errlen);

/* Remembers the peers of the configuration, for tools that read the ledger without it. */
bool ledger_set_peers(struct ledger *l, const struct peers *p, char *err, size_t errlen);

/* One row of a step. */
struct ledger_row {
	enum service service;
	char client[PARTY_NAME_MAX + 1];
	char server[PARTY_NAME_MAX + 1];
	struct counts counts;
};

/* All that goes to the ledger with a step. */
struct ledger_batch {
	int64_t step;
	bool open; /* more of this step may follow in a later run */
	const struct ledger_row *rows;
	size_t rows_n;
	const struct health
		*health; /* what happened during the step, also when there are no rows */
	const struct server *servers; /* what has changed in the memory of servers */
	size_t servers_n;
	size_t servers_max; /* so many are kept at most; 0: as many as there are */
};

/* Adds a step in one transaction. A step that is not aligned, is older than the last one, or is
 * the last one and closed, is refused. False with err: nothing of it is in the ledger. */
bool ledger_commit(struct ledger *l, const struct ledger_batch *b, char *err, size_t errlen);

/* Deletes what is past its retention (minutes 14 days, hours 14 months, days 5 years), counted
 * back from now or from the end of the last step, whichever is earlier: a clock that is wrong
 * deletes nothing. */
bool ledger_expire(struct ledger *l, int64_t now, char *err, size_t errlen);

/* The time from which retention is to be counted back, for a clock that says now: now, but at most a
 * day further on than at the last ledger_expire(). Asked once an hour, a clock that runs ahead for an
 * hour costs a day, and after a pause the old goes day by day. */
bool ledger_retention(struct ledger *l, int64_t now, int64_t *from, char *err, size_t errlen);

/* The servers that were kept with the steps, the last one heard of last; for servers_restore().
 * What is older than an hour by then says nothing any more and is not kept. */
typedef void ledger_server_cb(void *ctx, const struct server *s);
bool ledger_servers(struct ledger *l, ledger_server_cb *cb, void *ctx, char *err, size_t errlen);

/* A batch of RRD updates is marked before its first update and cleared after its last. */
bool ledger_mark_rrd(struct ledger *l, bool dirty, char *err, size_t errlen);
bool ledger_rrd_dirty(struct ledger *l, bool *dirty, char *err, size_t errlen);

/* Reading -------------------------------------------------------------------------------- */

/* From here on everything that is read belongs together, whatever is written meanwhile, until
 * ledger_close(). Of a ledger that was opened with LEDGER_READ. */
bool ledger_freeze(struct ledger *l, char *err, size_t errlen);

/* Which rows: from <= step < to; service -1 for all; NULL names for all. */
struct ledger_query {
	int64_t from, to;
	int service;
	const char *client, *server;
};

/* Sums the rows that match, grouped by pair and service, ordered by name. The callback returns
 * false to stop.
 *
 * Exact for every period whose minutes are kept. An hour whose minutes are gone counts whole, in
 * the period in which it begins, and so does a day whose hours are gone: periods that follow
 * each other count everything once. */
typedef bool ledger_pair_cb(void *ctx, const struct ledger_row *sum);
bool ledger_sum(struct ledger *l, const struct ledger_query *q, ledger_pair_cb *cb, void *ctx,
		char *err, size_t errlen);

/* What the sensor did in a period, as exact as ledger_sum() (alive 0), and for how many seconds of it
 * it ran, of which an hour or a day that the period cuts where its minutes are gone counts whole. */
bool ledger_sum_health(struct ledger *l, int64_t from, int64_t to, struct health *h,
		       int64_t *seen_s, char *err, size_t errlen);

/* All that was ever added, what is past its retention too, grouped as above; *h receives the same of
 * the health (alive 0). What is counted here never falls. The ledger is of this schema: it was
 * opened with LEDGER_WRITE once. */
bool ledger_totals(struct ledger *l, ledger_pair_cb *cb, void *ctx, struct health *h, char *err,
		   size_t errlen);

/* From when on the rows of a resolution are kept; before the first step when nothing was deleted. */
bool ledger_kept(struct ledger *l, enum resolution r, int64_t *from, char *err, size_t errlen);

/* Where a period that begins or ends at t is really cut by ledger_sum(): at t, or at the next hour or
 * day where nothing finer is kept around t. Not negative. */
bool ledger_border(struct ledger *l, int64_t t, int64_t *border, char *err, size_t errlen);

/* Row by row in time order, of one resolution; within a step by client, server, service. */
typedef bool ledger_step_cb(void *ctx, int64_t step, const struct ledger_row *row);
bool ledger_walk(struct ledger *l, enum resolution r, const struct ledger_query *q,
		 ledger_step_cb *cb, void *ctx, char *err, size_t errlen);

/* What the pairs under the promise (service mta, two different signatories among the peers that are
 * remembered) have together, step by step in time order; a step without a session of theirs is left
 * out. */
typedef bool ledger_promised_cb(void *ctx, int64_t step, const struct counts *sum);
bool ledger_walk_promised(struct ledger *l, enum resolution r, int64_t from, int64_t to,
			  ledger_promised_cb *cb, void *ctx, char *err, size_t errlen);

/* The steps in which the sensor ran, in time order, with its health. */
typedef bool ledger_health_cb(void *ctx, int64_t step, const struct health *h);
bool ledger_walk_health(struct ledger *l, enum resolution r, int64_t from, int64_t to,
			ledger_health_cb *cb, void *ctx, char *err, size_t errlen);

/* How long the sensor ran in a row of this resolution, in seconds; an hour or a day that was
 * written before schema 4 counts whole. */
int64_t ledger_seen_s(const struct health *h, enum resolution r);

/* First and last step in the ledger, the first as exact as it is still known; false with empty
 * err when there is none. */
bool ledger_span(struct ledger *l, int64_t *first, int64_t *last, char *err, size_t errlen);

/* What a name is to the ledger: known when it is a peer that is remembered, the "-net" of one, "other",
 * or was ever counted. */
struct ledger_party {
	bool known, signatory;
};
bool ledger_party(struct ledger *l, const char *name, struct ledger_party *out, char *err,
		  size_t errlen);

/* The peers remembered by ledger_set_peers, in name order. */
typedef bool ledger_peer_cb(void *ctx, const char *name, bool signatory);
bool ledger_peers(struct ledger *l, ledger_peer_cb *cb, void *ctx, char *err, size_t errlen);

#endif
