/* deliveries_db.h - what the two halves of the queue share: deliveries_take_up.c says what waits,
 * deliveries.c what of it is due and what became of it.
 */
#ifndef MAILSEAL_DELIVERIES_DB_H
#define MAILSEAL_DELIVERIES_DB_H

#include "reports/deliveries.h"
#include "reports/incident_db.h"

#define TEST_AGE_S 300 /* a test older than this is for nobody any longer */

/* Constants within SQL. */
#define TEXT_(n)  #n
#define NUMBER(n) TEXT_(n)

/* Events that say that an incident fires. */
#define TELLS "e.event IN ('opened', 'escalated', 'stale')"

struct deliveries {
	struct incident_store *store;
	const struct target *target;
	const struct maintenance *windows;
	size_t windows_n;
};

/* A statement in which ?1 is the name of the target, and ?2 and so on are n numbers. NULL with
 * err. */
struct db_stmt *deliveries_ask(struct deliveries *d, const char *sql, const int64_t *numbers, int n,
			       char *err, size_t errlen);
/* The same for one that yields nothing, or one number (0 when there is none). */
bool deliveries_tell(struct deliveries *d, const char *sql, const int64_t *numbers, int n,
		     char *err, size_t errlen);
bool deliveries_number(struct deliveries *d, const char *sql, int64_t *value, char *err,
		       size_t errlen);
/* Ends a transaction: commits it when ok. */
bool deliveries_end(struct deliveries *d, bool ok, char *err, size_t errlen);

/* Columns of a row that names the pair of an event, and whether it is maintenance for it at a
 * time. */
#define PAIR "e.id, i.client, i.server, e.at"
bool deliveries_held(struct deliveries *d, struct db_stmt *row, int64_t at);

/* Makes rows of new events, holds what is in maintenance, and lets go what is not any longer. */
bool deliveries_take_up(struct deliveries *d, int64_t now, char *err, size_t errlen);

#endif
