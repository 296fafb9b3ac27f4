/* incident_db.h - what the parts of the incident store share: incident_schema.c opens and makes it,
 * incident_store.c keeps incidents and events, incident_expiry.c ends them, deliveries.c and incident_orders.c what became of
 * the events.
 */
#ifndef MAILSEAL_INCIDENT_DB_H
#define MAILSEAL_INCIDENT_DB_H

#include "reports/db.h"
#include "reports/incident_store.h"

struct incident_store {
	struct db *db;
	int64_t version; /* of its schema; only a reader meets an older one */
};

/* An event and its incident. incident.id is 0 for a test. */
struct stored_event {
	int64_t id, at;
	enum incident_event event;
	char target[33]; /* of a test: the one that it is for; empty for all */
	struct incident incident;
};

/* One event by its id, its incident as it was then, or as it is now. *found says whether there is
 * such an event. */
bool incident_store_event(struct incident_store *st, int64_t id, bool as_it_is,
			  struct stored_event *out, bool *found, char *err, size_t errlen);

/* The event of a word; false for one that is none. */
bool incident_event_by_name(const char *word, enum incident_event *e);

/* Steps a statement that yields one number at most; *value keeps what it is when there is none.
 * Ends the statement, which may be NULL after an error. */
bool incident_store_number(struct db_stmt *s, int64_t *value, char *err, size_t errlen);

#endif
