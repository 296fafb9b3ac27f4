/* store.h - what the recorder keeps in the state directory, and in which order.
 *
 * A step goes to the ledger first, then to the RRD files, then to the incidents, where the couriers
 * find what there is to tell (couriers.h), then to the metrics. What cannot be written is said once
 * of each kind, and once more when it can be again; the rest goes on. Steps that the ledger does not
 * take wait in memory (backlog.h) and are tried again with each step; lines of the session log wait as
 * daylog.h has it, incidents as incidents.h has it, and an RRD file is drawn anew from the ledger.
 */
#ifndef MAILSEAL_STORE_H
#define MAILSEAL_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reports/ledger.h"
#include "reports/tally.h"
#include "sensor/conf.h"

struct store;

/* Makes and locks the directory and opens what is in it. Not live, what happens to incidents goes
 * to standard error. NULL with one line in err. */
struct store *store_open(const struct conf *c, const char *dir, bool live, char *err,
			 size_t errlen);
void store_close(struct store *st);
size_t store_bytes(const struct conf *c); /* the memory that it takes at most */

/* The run begins with this step: refuses one that is older than the last in the ledger, finishes
 * what an earlier run left open, and tells the tally what is known. False with one line in err,
 * and nothing was written. */
bool store_begin(struct store *st, int64_t step, struct tally *t, char *err, size_t errlen);

/* Other peers and rules from the next session on; c stays the caller's, and as long as st. RRD files
 * that do not fit any more are drawn anew with the next start. False with one line in err, and
 * everything is as it was. */
bool store_configure(struct store *st, const struct conf *c, char *err, size_t errlen);

/* Fills an empty memory of servers with what earlier runs kept. False with one line in err. */
bool store_servers(struct store *st, struct servers *v, char *err, size_t errlen);

/* One step. open: the run ends within it and a later one may go on; then it goes to the ledger
 * only. False: it is not in the ledger yet; it waits, without what was learnt of servers. */
bool store_step(struct store *st, const struct ledger_batch *b);

/* Does any rule want this session? */
bool store_wants(const struct store *st, const struct session *s, const struct pair *p);

/* A session that some rule wants, with its record as evidence; see incidents_session(). */
void store_incident(struct store *st, uint64_t key, const struct session *s, const struct pair *p,
		    const char *record);

/* A line of the session log of the day that holds the step. */
void store_log(struct store *st, int64_t step, const char *line, size_t len);

/* Nothing comes just now: the session log goes to the disk. */
void store_flush(struct store *st);

/* Sessions that found no room in the session log since this was called last. */
uint64_t store_unlogged(struct store *st);

/* The run is over: writes what waits, and says what is lost. False when something could not be
 * written, or was lost before. */
bool store_end(struct store *st);

/* Files that somebody may have renamed are opened anew with the next line. */
void store_reopen(struct store *st);

#endif
