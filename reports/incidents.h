/* incidents.h - what is wrong, as the rules have it, and since when: incidents.db.
 *
 * An incident opens on the session that proves it, or with the step whose hour shows it, collects
 * evidence (five sessions, then counts by cause), and closes after a quiet time in which sessions
 * of the pair were decided and the sensor was neither blind nor lossy; otherwise it turns stale,
 * keeps firing, and says why. Its identity is rule, pair, service and sensor; what opens again
 * within a day of closing is the same incident. State survives a restart. Knows the ledger;
 * delivers nothing itself. doc/alerts.md tells it for people.
 */
#ifndef MAILSEAL_INCIDENTS_H
#define MAILSEAL_INCIDENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dissectors/verdict.h"
#include "reports/ledger.h"
#include "reports/peers.h"
#include "reports/rules.h"

enum incident_state { INCIDENT_OPEN, INCIDENT_STALE, INCIDENT_CLOSED, INCIDENT_STATES };
const char *incident_state_name(enum incident_state s);

#define INCIDENT_EVIDENCE   5
#define INCIDENT_WHY_MAX    127
#define INCIDENT_SENSOR_MAX 64
#define INCIDENT_ACK_MAX    64
#define INCIDENT_NOTE_MAX   255

struct incident {
	int64_t id;
	char rule[48];
	/* "-" twice, and SERVICE_N, for an incident of the sensor itself */
	char client[PARTY_NAME_MAX + 1], server[PARTY_NAME_MAX + 1];
	enum service service; /* for people: incident_service() */
	char sensor[INCIDENT_SENSOR_MAX + 1];
	enum severity severity;
	enum incident_state state;
	char why[INCIDENT_WHY_MAX + 1]; /* why it is stale; empty otherwise */
	char found[RULE_FOUND_MAX + 1]; /* numbers or words of the rule, when last seen; or empty */
	int64_t opened, last_seen, closed; /* seconds, UTC; closed 0 while it is not */
	int64_t since;                     /* it was opened last; opened, unless reopened */
	unsigned reopened;                 /* so often it was opened again after it had closed */
	unsigned flaps; /* so often it was opened on the day from flaps_from on */
	int64_t flaps_from;
	uint64_t before;   /* of sessions: those counted before it was opened last */
	uint64_t sessions; /* all, each once */
	uint64_t by_exposure[EXPOSURE_N];
	uint64_t by_cause[CAUSE_N];
	uint64_t confirmed;
	int64_t acked; /* seconds, UTC; 0 when it is not. Written by incident_ack() only */
	char ack_by[INCIDENT_ACK_MAX + 1], ack_note[INCIDENT_NOTE_MAX + 1];
};

/* "mta", "submission", "access"; "-" for an incident of the sensor. */
const char *incident_service(const struct incident *i);

struct incidents;

struct incidents_config {
	const char *sensor;
	int64_t quiet_s;    /* quiet time before closing */
	double lossy_share; /* share of packets or records lost that counts as lossy */
	const struct rule_entry *entries; /* of the configuration, in its order; copied */
	size_t entries_n;
};

/* write: creates DIR/incidents.db. To read, c may be NULL. NULL with err. */
struct incidents *incidents_open(const char *dir, bool write, const struct incidents_config *c,
				 char *err, size_t errlen);
/* Other rules and times from now on; the sensor stays the same. What is open stays so, and is judged
 * by them. */
void incidents_configure(struct incidents *in, const struct incidents_config *c);
void incidents_close(struct incidents *in); /* after incidents_save(); NULL is allowed */

/* The memory that it takes while no more than one incident of each rule and series is open. */
size_t incidents_bytes(unsigned series);

/* What happened to an incident, for the sinks. EVENT_TEST: nothing did, a test was asked for. */
enum incident_event {
	EVENT_OPENED,
	EVENT_ESCALATED,
	EVENT_CLOSED,
	EVENT_STALE,
	EVENT_ACKNOWLEDGED,
	EVENT_TEST,
	EVENT_N
};
const char *incident_event_name(enum incident_event e);
typedef void incident_cb(void *ctx, enum incident_event e, const struct incident *i);

/* Does any rule want this session? Cheap: so that no record is made for the others. */
bool incidents_wants(const struct incidents *in, const struct session *s, const struct pair *p);

/* A verdict fell, or what it weighs has grown (exposure, confirmed). key identifies the session
 * among those still open, so that it is counted once by each rule however often it is offered;
 * record is its JSON line as evidence. What no rule wants does nothing. A session after "stale"
 * opens the incident again. Where a rule wants several sessions within an hour, they wait in
 * memory, and a step opens the incident. The memory of sessions is bounded: of more than 65536
 * that are open at once, one may count again when it grows. */
bool incidents_session(struct incidents *in, uint64_t key, const struct session *s,
		       const struct pair *p, const char *record, incident_cb *cb, void *ctx,
		       char *err, size_t errlen);

/* Writes what is not in the store yet: the counts of sessions beyond the first five wait for the
 * step, and what could not be written is tried again. For the end of a run, and while it is
 * behind. */
bool incidents_save(struct incidents *in, incident_cb *cb, void *ctx, char *err, size_t errlen);

/* Something could not be written. Nothing is lost; incidents_save() and incidents_step() try again,
 * and nothing else does: each attempt may wait a tenth of a second for another process. */
bool incidents_behind(const struct incidents *in);

/* After a step was committed: asks the rules that judge the ledger, opens what has enough
 * sessions, closes what is shown to be over, turns the rest stale. */
bool incidents_step(struct incidents *in, struct ledger *l, int64_t step, incident_cb *cb,
		    void *ctx, char *err, size_t errlen);

/* Deletes incidents that closed before that time (seconds, UTC), with all that belongs to them, most of
 * them at most, and calls with the number and rule of each. One of which a target is still to be told
 * stays, and so does the last one, whose number would be given to another. Tests of targets from before
 * that time go too. False with err: they stay until it is tried again. */
typedef void incident_gone_cb(void *ctx, int64_t id, const char *rule);
bool incidents_expire(struct incidents *in, int64_t before, unsigned most, incident_gone_cb *cb,
		      void *ctx, char *err, size_t errlen);

/* Reading, newest first; state -1 for all, peer NULL for all. */
typedef bool incident_list_cb(void *ctx, const struct incident *i);
bool incidents_list(struct incidents *in, int state, const char *peer, incident_list_cb *cb,
		    void *ctx, char *err, size_t errlen);
typedef bool incident_evidence_cb(void *ctx, const char *record);
bool incidents_evidence(struct incidents *in, int64_t id, incident_evidence_cb *cb, void *ctx,
			char *err, size_t errlen);

#endif
