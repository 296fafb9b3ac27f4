/* deliveries.c - the queue of one target over incidents.db. */
#include "reports/deliveries.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/deliveries_db.h"

#define PAUSE_MAX_S    300
#define CLOSED_AGAIN_S 300

/* What stands where an answer will. */
#define NO_ANSWER       "no answer yet"
#define NO_ANSWER_AGAIN "no answer yet, nor to the attempt before"

/* What may be tried now. */
struct candidate {
	int64_t event, next;
	bool taken; /* before */
};

#define NAME(id, name) [id] = (name),
static const char *const state_names[DELIVERY_STATES] = { DELIVERY_TABLE(NAME) };
#undef NAME

const char *delivery_state_name(enum delivery_state s)
{
	return (size_t)s < DELIVERY_STATES ? state_names[s] : NULL;
}

/* Opening -------------------------------------------------------------------------------------- */

struct deliveries *deliveries_open(const char *dir, const struct target *t,
				   const struct maintenance *windows, size_t n, char *err,
				   size_t errlen)
{
	struct deliveries *d = calloc(1, sizeof(*d));

	if (!d)
		abort();
	d->target = t;
	d->windows = windows;
	d->windows_n = n;
	d->store = incident_store_open_existing(dir, true, err, errlen);
	if (d->store)
		return d;
	deliveries_close(d);
	return NULL;
}

void deliveries_close(struct deliveries *d)
{
	if (!d)
		return;
	incident_store_close(d->store);
	free(d);
}

/* Choosing ------------------------------------------------------------------------------------- */

/* Clocks are set back, too. */
static bool has_come(int64_t when, int64_t now, int64_t longest)
{
	return when <= now || when > now + longest;
}

/* A test is for whoever waits for its answer: it is tried once, and soon. */
static bool end_tests(struct deliveries *d, int64_t now, char *err, size_t errlen)
{
	int64_t old = now - TEST_AGE_S, waiting;

	if (!deliveries_number(d,
			       "SELECT count(*) FROM delivery d JOIN event e ON e.id = d.event"
			       " WHERE d.target = ?1 AND d.state = 'waiting' AND e.event = 'test'",
			       &waiting, err, errlen))
		return false;
	return waiting == 0 ||
	       deliveries_tell(
		       d,
		       "UPDATE delivery SET"
		       " answer = iif(attempts > 0, 'no answer', 'asked for too long ago'),"
		       " state = iif(attempts > 0, 'given-up', 'silenced')"
		       " WHERE target = ?1 AND state = 'waiting' AND event IN"
		       " (SELECT id FROM event WHERE event = 'test' AND (attempts > 0 OR at < ?2))",
		       &old, 1, err, errlen);
}

/* The first row of what waits: a test, or else the oldest event that is not held. */
static bool first_waiting(struct deliveries *d, struct candidate *c, bool *found, char *err,
			  size_t errlen)
{
	struct db_stmt *s =
		deliveries_ask(d,
			       "SELECT e.id, d.next FROM delivery d JOIN event e ON e.id = d.event"
			       " WHERE d.target = ?1 AND d.state = 'waiting' AND d.held = 0"
			       " ORDER BY e.event = 'test' DESC, e.id LIMIT 1",
			       NULL, 0, err, errlen);
	enum db_step step = s ? db_step(s, err, errlen) : DB_ERROR;

	*found = step == DB_ROW;
	if (*found)
		*c = (struct candidate){ .event = db_int(s, 0), .next = db_int(s, 1) };
	db_finalize(s);
	return step != DB_ERROR;
}

/* Repetitions: columns of PAIR, when it was sent last, whether it was taken. */
static const char firing_sql[] =
	"SELECT max(e.id), i.client, i.server, e.at, max(d.tried, d.repeated), d.state = 'sent'"
	" FROM incident i JOIN event e ON e.incident = i.id"
	" JOIN delivery d ON d.event = e.id AND d.target = ?1"
	" WHERE i.state <> 'closed' AND i.acked = 0 AND " TELLS
	" AND d.state IN ('sent', 'given-up') GROUP BY i.id ORDER BY 5";
static const char closed_sql[] =
	"SELECT e.id, i.client, i.server, e.at, max(d.tried, d.repeated), 1 FROM delivery d"
	" JOIN event e ON e.id = d.event JOIN incident i ON i.id = e.incident"
	" WHERE d.target = ?1 AND d.tried > ?2 - " NUMBER(
		CLOSED_AGAIN_S) " AND d.tried <= ?2"
				" AND d.state = 'sent' AND e.event = 'closed' AND i.state = "
				"'closed'"
				" AND NOT EXISTS (SELECT 1 FROM incident o WHERE o.state <> "
				"'closed' AND o.rule = i.rule"
				" AND o.client = i.client AND o.server = i.server AND o.service = "
				"i.service"
				" AND o.sensor = i.sensor) ORDER BY 5";

/* Maintenance silences repetitions. But what Alertmanager has taken and does not get again it declares
 * over: it goes on getting that. */
static bool silenced(struct deliveries *d, struct db_stmt *s, int64_t now)
{
	bool taken = db_int(s, 5) != 0;

	return deliveries_held(d, s, now) && !(taken && d->target->kind == TARGET_ALERTMANAGER);
}

static bool first_again(struct deliveries *d, const char *sql, int numbers, int64_t now,
			struct candidate *c, bool *found, char *err, size_t errlen)
{
	struct db_stmt *s = deliveries_ask(d, sql, &now, numbers, err, errlen);
	int64_t pause = d->target->repeat_s;
	enum db_step step = DB_ERROR;

	*found = false;
	while (s && !*found && (step = db_step(s, err, errlen)) == DB_ROW) {
		if (!has_come(db_int(s, 4) + pause, now, pause) || silenced(d, s, now))
			continue;
		*c = (struct candidate){ .event = db_int(s, 0), .taken = db_int(s, 5) != 0 };
		*found = true;
	}
	db_finalize(s);
	return *found || step == DB_DONE;
}

static bool choose_again(struct deliveries *d, int64_t now, struct candidate *c, bool *found,
			 char *err, size_t errlen)
{
	*found = false;
	if (d->target->repeat_s == 0)
		return true;
	if (!first_again(d, firing_sql, 0, now, c, found, err, errlen))
		return false;
	return *found || d->target->kind != TARGET_ALERTMANAGER ||
	       first_again(d, closed_sql, 1, now, c, found, err, errlen);
}

/* Attempts ------------------------------------------------------------------------------------- */

static bool keep_evidence(void *ctx, const char *record)
{
	struct delivery *del = ctx;
	char *copy = strdup(record);

	if (!copy)
		abort();
	del->evidence[del->evidence_n++] = copy;
	return del->evidence_n < INCIDENT_EVIDENCE;
}

void delivery_fini(struct delivery *del)
{
	for (unsigned n = 0; n < del->evidence_n; n++)
		free(del->evidence[n]);
	del->evidence_n = 0;
}

/* Of a test. */
static void invent(struct incident *i, int64_t at)
{
	memset(i, 0, sizeof(*i));
	snprintf(i->rule, sizeof(i->rule), "test");
	snprintf(i->client, sizeof(i->client), "-");
	snprintf(i->server, sizeof(i->server), "-");
	snprintf(i->sensor, sizeof(i->sensor), "-");
	i->service = SERVICE_N;
	i->severity = SEVERITY_WARNING;
	i->opened = i->last_seen = i->since = at;
}

static bool load(struct deliveries *d, const struct candidate *c, bool again, struct delivery *out,
		 char *err, size_t errlen)
{
	struct stored_event e = { .id = 0 };
	bool found = false;

	memset(out, 0, sizeof(*out));
	if (!incident_store_event(d->store, c->event, again, &e, &found, err, errlen))
		return false;
	if (!found) {
		snprintf(err, errlen, "an event is gone");
		return false;
	}
	out->event_id = e.id;
	out->at = e.at;
	out->event = e.event;
	out->incident = e.incident;
	out->again = again;
	out->taken = c->taken;
	if (e.event == EVENT_TEST)
		invent(&out->incident, e.at);
	return incident_store_evidence(d->store, e.incident.id, keep_evidence, out, err, errlen);
}

static int64_t pause_after(int64_t attempts)
{
	if (attempts < 1)
		return 1;
	return attempts > 9 ? PAUSE_MAX_S : (int64_t)1 << (attempts - 1);
}

/* Counts the attempt, and sees whether it is worth one. */
static bool count_attempt(struct deliveries *d, struct delivery *out, int64_t now, char *err,
			  size_t errlen)
{
	struct db_stmt *s = deliveries_ask(d,
					   "SELECT attempts, since, answer = '" NO_ANSWER_AGAIN
					   "' FROM delivery WHERE target = ?1 AND event = ?2",
					   &out->event_id, 1, err, errlen);
	enum db_step step = s ? db_step(s, err, errlen) : DB_ERROR;

	if (step == DB_ROW) {
		out->attempts = (unsigned)db_int(s, 0) + 1;
		out->hopeless = db_int(s, 2) != 0 && now - db_int(s, 1) >= d->target->give_up_s;
	}
	db_finalize(s);
	return step != DB_ERROR;
}

/* Writes down that it is tried now. */
static bool begin_attempt(struct deliveries *d, struct delivery *out, int64_t now, char *err,
			  size_t errlen)
{
	int64_t numbers[] = { out->event_id, now, 0 };

	if (out->again)
		return deliveries_tell(d,
				       /* a clock that was set back would make it due without end */
				       "UPDATE delivery SET repeated = ?3, tried = min(tried, ?3),"
				       " repeats = repeats + 1, repeat_state = 'given-up',"
				       " repeat_answer = '" NO_ANSWER
				       "' WHERE target = ?1 AND event = ?2",
				       numbers, 2, err, errlen);
	if (!count_attempt(d, out, now, err, errlen))
		return false;
	numbers[2] = now + pause_after(out->attempts);
	return deliveries_tell(d,
			       "UPDATE delivery SET attempts = attempts + 1, tried = ?3, next = ?4,"
			       " answer = iif(answer IN ('" NO_ANSWER "', '" NO_ANSWER_AGAIN "'),"
			       " '" NO_ANSWER_AGAIN "', '" NO_ANSWER "')"
			       " WHERE target = ?1 AND event = ?2",
			       numbers, 3, err, errlen);
}

static enum deliveries_next start(struct deliveries *d, const struct candidate *c, bool again,
				  int64_t now, struct delivery *out, char *err, size_t errlen)
{
	if (load(d, c, again, out, err, errlen) && begin_attempt(d, out, now, err, errlen))
		return DELIVERIES_DUE;
	delivery_fini(out);
	return DELIVERIES_FAILED;
}

enum deliveries_next deliveries_next(struct deliveries *d, int64_t now, struct delivery *out,
				     char *err, size_t errlen)
{
	struct candidate c = { .event = 0 };
	bool found = false;

	if (!deliveries_take_up(d, now, err, errlen) || !end_tests(d, now, err, errlen) ||
	    !first_waiting(d, &c, &found, err, errlen))
		return DELIVERIES_FAILED;
	if (found && has_come(c.next, now, PAUSE_MAX_S))
		return start(d, &c, false, now, out, err, errlen);
	/* Alertmanager resolves what it no longer hears of, whatever else waits for it. */
	if (found && d->target->kind != TARGET_ALERTMANAGER)
		return DELIVERIES_NONE;
	if (!choose_again(d, now, &c, &found, err, errlen))
		return DELIVERIES_FAILED;
	return found ? start(d, &c, true, now, out, err, errlen) : DELIVERIES_NONE;
}

/* Outcomes ------------------------------------------------------------------------------------- */

/* ?2 the event, ?3 now, ?4 its next attempt, ?5 the answer. */
static bool set(struct deliveries *d, const struct delivery *del, const char *change,
		const char *answer, int64_t now, char *err, size_t errlen)
{
	int64_t numbers[] = { del->event_id, now, now + pause_after(del->attempts) };
	struct db_stmt *s;
	char sql[256];
	bool ok;

	snprintf(sql, sizeof(sql),
		 "UPDATE delivery SET %s, answer = ?5, next = ?4, tried = ?3"
		 " WHERE target = ?1 AND event = ?2",
		 change);
	s = deliveries_ask(d, sql, numbers, 3, err, errlen);
	if (!s)
		return false;
	db_bind_text(s, 4, answer);
	ok = db_run(s, err, errlen);
	db_finalize(s);
	return ok;
}

/* With one that has waited for too long go the others that have. */
static bool give_up(struct deliveries *d, const struct delivery *del, const char *answer,
		    int64_t now, unsigned *given_up, char *err, size_t errlen)
{
	int64_t numbers[] = { now - d->target->give_up_s }, n = 0;

	if (!set(d, del, "state = 'given-up'", answer, now, err, errlen) ||
	    !deliveries_tell(d,
			     "UPDATE delivery SET state = 'given-up', answer = 'not tried'"
			     " WHERE target = ?1 AND state = 'waiting' AND held = 0 AND since <= ?2"
			     " AND event IN (SELECT id FROM event WHERE event <> 'test')",
			     numbers, 1, err, errlen) ||
	    !deliveries_number(d, "SELECT changes() WHERE ?1 <> ''", &n, err, errlen))
		return false;
	*given_up = 1 + (unsigned)n;
	return true;
}

static bool is_old(struct deliveries *d, const struct delivery *del, int64_t now, bool *old,
		   char *err, size_t errlen)
{
	int64_t numbers[] = { del->event_id }, since = now;

	if (!incident_store_number(
		    deliveries_ask(d, "SELECT since FROM delivery WHERE target = ?1 AND event = ?2",
				   numbers, 1, err, errlen),
		    &since, err, errlen))
		return false;
	*old = now - since >= d->target->give_up_s;
	return true;
}

static bool record_later(struct deliveries *d, const struct delivery *del, const char *answer,
			 int64_t now, enum delivery_state *state, unsigned *given_up, char *err,
			 size_t errlen)
{
	bool old = false;

	if (del->event != EVENT_TEST && !is_old(d, del, now, &old, err, errlen))
		return false;
	*state = old || del->event == EVENT_TEST ? DELIVERY_GIVEN_UP : DELIVERY_WAITING;
	if (*state == DELIVERY_WAITING)
		return set(d, del, "state = 'waiting'", answer, now, err, errlen);
	*given_up = 1;
	if (!old)
		return set(d, del, "state = 'given-up'", answer, now, err, errlen);
	return db_begin(d->store->db, err, errlen) &&
	       deliveries_end(d, give_up(d, del, answer, now, given_up, err, errlen), err, errlen);
}

static bool put_repetition(struct deliveries *d, const struct delivery *del, enum sink_answer a,
			   const char *answer, char *err, size_t errlen)
{
	static const enum delivery_state states[] = { [SINK_TAKEN] = DELIVERY_SENT,
						      [SINK_LATER] = DELIVERY_GIVEN_UP,
						      [SINK_REFUSED] = DELIVERY_REFUSED };
	int64_t numbers[] = { del->event_id };
	struct db_stmt *s =
		deliveries_ask(d,
			       "UPDATE delivery SET repeat_state = ?3, repeat_answer = ?4"
			       " WHERE target = ?1 AND event = ?2",
			       numbers, 1, err, errlen);
	bool ok;

	if (!s)
		return false;
	db_bind_text(s, 2, delivery_state_name(states[a]));
	db_bind_text(s, 3, answer);
	ok = db_run(s, err, errlen);
	db_finalize(s);
	return ok;
}

/* A repetition is noted beside the delivery and changes nothing of it, unless it is the first that
 * was taken. */
static bool record_again(struct deliveries *d, const struct delivery *del, enum sink_answer a,
			 const char *answer, int64_t now, enum delivery_state *state, char *err,
			 size_t errlen)
{
	*state = del->taken || a == SINK_TAKEN ? DELIVERY_SENT : DELIVERY_GIVEN_UP;
	return put_repetition(d, del, a, answer, err, errlen) &&
	       (del->taken || a != SINK_TAKEN ||
		set(d, del, "state = 'sent'", answer, now, err, errlen));
}

bool deliveries_record(struct deliveries *d, const struct delivery *del, enum sink_answer a,
		       const char *answer, int64_t now, enum delivery_state *state,
		       unsigned *given_up, char *err, size_t errlen)
{
	*given_up = 0;
	if (del->again)
		return record_again(d, del, a, answer, now, state, err, errlen);
	switch (a) {
	case SINK_TAKEN:
		*state = DELIVERY_SENT;
		return set(d, del, "state = 'sent'", answer, now, err, errlen);
	case SINK_REFUSED:
		*state = DELIVERY_REFUSED;
		return set(d, del, "state = 'refused'", answer, now, err, errlen);
	case SINK_LATER: break;
	}
	return record_later(d, del, answer, now, state, given_up, err, errlen);
}

bool deliveries_clock_set(struct deliveries *d, int64_t seconds, char *err, size_t errlen)
{
	return deliveries_tell(d,
			       "UPDATE delivery SET since = since + ?2"
			       " WHERE target = ?1 AND state = 'waiting'",
			       &seconds, 1, err, errlen);
}
