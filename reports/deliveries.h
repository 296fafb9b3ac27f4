/* deliveries.h - what each target was told of incidents, and what it still is to be told: the queue
 * of one target over incidents.db.
 *
 * An event waits for each target until it is sent, refused, given up or silenced. Those of one
 * target go out in order; one that fails is tried again after 1 s, 2 s and so on up to 5 minutes,
 * and holds up what is behind it, until it has waited for the give_up_s of the target. An attempt is
 * written down before it is made: whoever is killed in the middle makes it again, after the pause,
 * and what was written down as sent is not sent twice.
 *
 * - A new target begins with the incidents that fire; one that is back, with those that it was not
 *   told of, and the end of those that it knew.
 * - A target that is critical_only gets no event of an incident that is a warning then.
 * - During maintenance the events of a pair wait, and others pass them. Afterwards those of an
 *   incident that has closed are silenced, but for "closed" to a target that knows the incident.
 * - What fires, is not acknowledged and is not in maintenance is sent again every repeat_s when
 *   nothing waits; also what was given up. To Alertmanager (by the kind of the target) it is sent
 *   again also while something waits, and "closed" as well for 5 minutes, unless the same has
 *   opened anew.
 * - A test passes everything, has one attempt, and is silenced when it is older than 5 minutes.
 *
 * The time is the caller's; seconds, UTC. Knows nothing of how a target is reached.
 */
#ifndef MAILSEAL_DELIVERIES_H
#define MAILSEAL_DELIVERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reports/incidents.h"
#include "reports/sink.h"
#include "reports/target.h"

struct maintenance; /* rules.h */
struct deliveries;

/* Enumerator, word in the store. */
#define DELIVERY_TABLE(X)                \
	X(DELIVERY_WAITING, "waiting")   \
	X(DELIVERY_SENT, "sent")         \
	X(DELIVERY_REFUSED, "refused")   \
	X(DELIVERY_GIVEN_UP, "given-up") \
	X(DELIVERY_SILENCED, "silenced")

#define DELIVERY_ENUM(id, name) id,
enum delivery_state { DELIVERY_TABLE(DELIVERY_ENUM) DELIVERY_STATES };
#undef DELIVERY_ENUM

const char *delivery_state_name(enum delivery_state s);

/* An attempt to be made. */
struct delivery {
	int64_t event_id, at; /* at: when it happened */
	enum incident_event event;
	struct incident incident;          /* as of the event; when again: as it is. id 0: a test */
	bool again;                        /* a repetition */
	bool taken;                        /* was taken before */
	bool hopeless;                     /* it is not to be tried: see deliveries_record() */
	unsigned attempts;                 /* this one included, without repetitions */
	char *evidence[INCIDENT_EVIDENCE]; /* session records, JSON lines; owned */
	unsigned evidence_n;
};

/* The queue of a target. t and the n windows are borrowed. NULL with a sentence in err, also when
 * there is no incidents.db yet. */
struct deliveries *deliveries_open(const char *dir, const struct target *t,
				   const struct maintenance *windows, size_t n, char *err,
				   size_t errlen);
void deliveries_close(struct deliveries *d); /* NULL is allowed */

enum deliveries_next { DELIVERIES_DUE, DELIVERIES_NONE, DELIVERIES_FAILED };

/* The attempt that is due now, if there is one: written down as begun; delivery_fini() ends the
 * life of *out. */
enum deliveries_next deliveries_next(struct deliveries *d, int64_t now, struct delivery *out,
				     char *err, size_t errlen);
void delivery_fini(struct delivery *del);

/* What became of it; of one that is hopeless SINK_LATER, without an attempt: it has waited for
 * give_up_s, and of the last two attempts nobody came back to tell. *state receives the state of the delivery now, *given_up how many were given
 * up: with the first all that have waited for as long. */
bool deliveries_record(struct deliveries *d, const struct delivery *del, enum sink_answer a,
		       const char *answer, int64_t now, enum delivery_state *state,
		       unsigned *given_up, char *err, size_t errlen);

/* The clock was set by so many seconds: what waits has not waited for longer. */
bool deliveries_clock_set(struct deliveries *d, int64_t seconds, char *err, size_t errlen);

/* These are the targets now: forgets others, and silences what waits for them. */
bool deliveries_targets(const char *dir, const struct target *t, size_t n, char *err,
			size_t errlen);

/* For people --------------------------------------------------------------------------------- */

/* Each of these opens DIR/incidents.db for itself and makes none. False with a sentence in err. */

/* Notes that somebody knows: what fires is not sent again, other events are. Again, it replaces the
 * note. An error when the incident is closed or unknown. */
bool incident_ack(const char *dir, int64_t id, const char *by, const char *note, int64_t now,
		  char *err, size_t errlen);

/* Asks for a test of a target, or of all (NULL). *event receives its id. An error when there is no
 * such target. */
bool incident_test_request(const char *dir, const char *target, int64_t now, int64_t *event,
			   char *err, size_t errlen);

struct delivery_row {
	int64_t event_id, at; /* at: when it happened */
	enum incident_event event;
	char target[TARGET_NAME_MAX + 1];
	enum delivery_state state;
	unsigned attempts;
	int64_t tried, next, repeated; /* 0: not (yet) */
	bool held;                     /* waits for the end of maintenance */
	char answer[SINK_ANSWER_MAX + 1];
	unsigned repeats;                 /* so often it was sent again */
	enum delivery_state repeat_state; /* what came of the last time: sent, refused or given
					   * up; DELIVERY_STATES when it is not known */
	char repeat_answer[SINK_ANSWER_MAX + 1];
};
typedef bool delivery_list_cb(void *ctx, const struct delivery_row *row);

/* Deliveries of an incident, or of a test by its event (the other is 0), in order of events and
 * targets, until the callback returns false. */
bool deliveries_list(const char *dir, int64_t incident, int64_t event, delivery_list_cb *cb,
		     void *ctx, char *err, size_t errlen);

/* Targets that mailseald has had since it was started, by name, and the last event that each has
 * taken up. */
typedef bool delivery_target_cb(void *ctx, const char *name, int64_t last_event);
bool deliveries_each_target(const char *dir, delivery_target_cb *cb, void *ctx, char *err,
			    size_t errlen);

/* The same targets, and how many events wait for each: to be delivered, or to be taken up, which a
 * courier does within a second. */
typedef bool delivery_waiting_cb(void *ctx, const char *name, uint64_t waiting);
bool deliveries_each_waiting(const char *dir, delivery_waiting_cb *cb, void *ctx, char *err,
			     size_t errlen);

#endif
