/* store.h - what the recorder keeps in the state directory, and in which order.
 *
 * A step goes to the ledger first, then to the RRD files, then to the incidents, where the couriers
 * find what there is to tell (couriers.h), then to the metrics. What cannot be written is said once
 * of each kind and remembered for the exit code; the rest goes on.
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

/* The run begins with this step: refuses one that is older than the last in the ledger, finishes
 * what an earlier run left open, and tells the tally what is known. False with one line in err,
 * and nothing was written. */
bool store_begin(struct store *st, int64_t step, struct tally *t, char *err, size_t errlen);

/* Fills an empty memory of servers with what earlier runs kept. False with one line in err. */
bool store_servers(struct store *st, struct servers *v, char *err, size_t errlen);

/* One step. open: the run ends within it and a later one may go on; then it goes to the ledger
 * only. False: it is not in the ledger. */
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

/* False once something could not be written. */
bool store_sound(const struct store *st);

#endif
