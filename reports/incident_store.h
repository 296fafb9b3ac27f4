/* incident_store.h - incidents.db: incidents, their evidence, what happened to them.
 *
 * Rows in and out; knows nothing of the rules. One incident at most is not closed for each rule,
 * pair, service and sensor: the schema holds it. Several processes may have it open; each of them
 * holds a transaction only as long as it takes to write it.
 */
#ifndef MAILSEAL_INCIDENT_STORE_H
#define MAILSEAL_INCIDENT_STORE_H

#include "reports/incidents.h"

struct incident_store;

/* write: makes it, or brings an older one up to date. NULL with err. */
struct incident_store *incident_store_open(const char *dir, bool write, char *err, size_t errlen);
/* The same, but makes none. */
struct incident_store *incident_store_open_existing(const char *dir, bool write, char *err,
						    size_t errlen);
/* A write waits no longer than this for other processes. */
void incident_store_patience(struct incident_store *st, unsigned ms);
void incident_store_close(struct incident_store *st);

bool incident_store_begin(struct incident_store *st, char *err, size_t errlen);
bool incident_store_commit(struct incident_store *st, char *err, size_t errlen);
void incident_store_rollback(struct incident_store *st);

/* Adds an incident, or rewrites it when it has an id. *id receives its id. An acknowledgement is
 * not written: it comes from others. */
bool incident_store_put(struct incident_store *st, const struct incident *i, int64_t *id, char *err,
			size_t errlen);

/* The last incident of the identity of i that closed at that time or later. */
bool incident_store_last(struct incident_store *st, const struct incident *i, int64_t closed_from,
			 struct incident *out, bool *found, char *err, size_t errlen);

/* Writes a record into one of the INCIDENT_EVIDENCE slots of an incident. */
bool incident_store_put_evidence(struct incident_store *st, int64_t id, unsigned slot,
				 const char *record, char *err, size_t errlen);

/* Adds an event, with the severity, state and reason that the incident has now. EVENT_ESCALATED,
 * and EVENT_OPENED of one that had closed, take an acknowledgement back. at: seconds, UTC. */
bool incident_store_put_event(struct incident_store *st, int64_t id, enum incident_event e,
			      int64_t at, const struct incident *i, char *err, size_t errlen);

/* See incidents_expire(). */
bool incident_store_expire(struct incident_store *st, int64_t before, unsigned most,
			   incident_gone_cb *cb, void *ctx, char *err, size_t errlen);

/* Newest first; state -1 for all, NULL for all peers, NULL for all sensors. live: those that
 * are not closed. */
struct incident_query {
	int state;
	bool live;
	const char *peer, *sensor;
};
bool incident_store_list(struct incident_store *st, const struct incident_query *q,
			 incident_list_cb *cb, void *ctx, char *err, size_t errlen);
bool incident_store_evidence(struct incident_store *st, int64_t id, incident_evidence_cb *cb,
			     void *ctx, char *err, size_t errlen);

#endif
