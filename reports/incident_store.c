/* incident_store.c - incidents.db: incidents, their evidence, what happened to them. */
#include "reports/incident_store.h"

#include <stdio.h>
#include <string.h>

#include "reports/incident_db.h"

static const char *const state_names[INCIDENT_STATES] = {
	[INCIDENT_OPEN] = "open",
	[INCIDENT_STALE] = "stale",
	[INCIDENT_CLOSED] = "closed",
};

static const char *const event_names[EVENT_N] = {
	[EVENT_OPENED] = "opened", [EVENT_ESCALATED] = "escalated",       [EVENT_CLOSED] = "closed",
	[EVENT_STALE] = "stale",   [EVENT_ACKNOWLEDGED] = "acknowledged", [EVENT_TEST] = "test",
};

const char *incident_state_name(enum incident_state s)
{
	return s < INCIDENT_STATES ? state_names[s] : NULL;
}

const char *incident_event_name(enum incident_event e)
{
	return e < EVENT_N ? event_names[e] : NULL;
}

/* Index of a word; 0, the mildest of each list, for one that is not in it. */
static unsigned index_of(const char *const *names, unsigned n, const char *word)
{
	for (unsigned i = 0; i < n; i++) {
		if (strcmp(names[i], word) == 0)
			return i;
	}
	return 0;
}

static enum severity severity_of(const char *word)
{
	enum severity s = SEVERITY_WARNING;

	(void)severity_by_name(word, &s);
	return s;
}

bool incident_store_begin(struct incident_store *st, char *err, size_t errlen)
{
	return db_begin(st->db, err, errlen);
}

bool incident_store_commit(struct incident_store *st, char *err, size_t errlen)
{
	return db_commit(st->db, err, errlen);
}

void incident_store_rollback(struct incident_store *st)
{
	db_rollback(st->db);
}

/* Writing ------------------------------------------------------------------------------------ */

static bool put_tally(struct incident_store *st, int64_t id, const char *kind, const char *word,
		      uint64_t n, char *err, size_t errlen)
{
	struct db_stmt *s;
	char what[64];
	bool ok;

	if (!word || n == 0)
		return true;
	s = db_prepare(st->db, "REPLACE INTO tally VALUES (?, ?, ?)", err, errlen);
	if (!s)
		return false;
	snprintf(what, sizeof(what), "%s:%s", kind, word);
	db_bind_int(s, 0, id);
	db_bind_text(s, 1, what);
	db_bind_int(s, 2, (int64_t)n);
	ok = db_run(s, err, errlen);
	db_finalize(s);
	return ok;
}

static bool put_tallies(struct incident_store *st, int64_t id, const struct incident *i, char *err,
			size_t errlen)
{
	struct db_stmt *s = db_prepare(st->db, "DELETE FROM tally WHERE incident = ?", err, errlen);
	bool ok;

	if (!s)
		return false;
	db_bind_int(s, 0, id);
	ok = db_run(s, err, errlen); /* a count that moved on leaves no row behind */
	db_finalize(s);
	for (unsigned e = 0; ok && e < EXPOSURE_N; e++)
		ok = put_tally(st, id, "exposure", exposure_name((enum exposure)e),
			       i->by_exposure[e], err, errlen);
	for (unsigned c = 0; ok && c < CAUSE_N; c++)
		ok = put_tally(st, id, "cause", cause_name((enum cause)c), i->by_cause[c], err,
			       errlen);
	return ok;
}

bool incident_store_put(struct incident_store *st, const struct incident *i, int64_t *id, char *err,
			size_t errlen)
{
	static const char insert[] =
		"INSERT INTO incident (rule, client, server, service, sensor, severity, state, why,"
		" found, opened, last_seen, closed, sessions, confirmed, since, reopened, flaps,"
		" flaps_from, sessions_before) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
		"?, ?, ?,"
		" ?, ?)";
	static const char update[] = "UPDATE incident SET rule = ?, client = ?, server = ?,"
				     " service = ?, sensor = ?, severity = ?, state = ?, why = ?,"
				     " found = ?, opened = ?, last_seen = ?, closed = ?,"
				     " sessions = ?, confirmed = ?, since = ?, reopened = ?,"
				     " flaps = ?, flaps_from = ?, sessions_before = ? WHERE id = ?";
	const char *texts[] = { i->rule,
				i->client,
				i->server,
				incident_service(i),
				i->sensor,
				severity_name(i->severity),
				incident_state_name(i->state),
				i->why,
				i->found };
	int64_t numbers[] = {
		i->opened, i->last_seen, i->closed, (int64_t)i->sessions, (int64_t)i->confirmed,
		i->since,  i->reopened,  i->flaps,  i->flaps_from,        (int64_t)i->before
	};
	struct db_stmt *s = db_prepare(st->db, i->id ? update : insert, err, errlen);
	bool ok;

	if (!s)
		return false;
	for (int n = 0; n < 9; n++)
		db_bind_text(s, n, texts[n]);
	for (int n = 0; n < 10; n++)
		db_bind_int(s, 9 + n, numbers[n]);
	if (i->id)
		db_bind_int(s, 19, i->id);
	ok = db_run(s, err, errlen);
	db_finalize(s);
	if (!ok)
		return false;
	*id = i->id ? i->id : db_last_id(st->db);
	return put_tallies(st, *id, i, err, errlen);
}

bool incident_store_put_evidence(struct incident_store *st, int64_t id, unsigned slot,
				 const char *record, char *err, size_t errlen)
{
	struct db_stmt *s =
		db_prepare(st->db, "REPLACE INTO evidence VALUES (?, ?, ?)", err, errlen);
	bool ok;

	if (!s)
		return false;
	db_bind_int(s, 0, id);
	db_bind_int(s, 1, slot);
	db_bind_text(s, 2, record);
	ok = db_run(s, err, errlen);
	db_finalize(s);
	return ok;
}

/* Somebody who knew of a warning does not know of what it has become, nor of what came back. */
static bool is_news(enum incident_event e, int64_t at, const struct incident *i)
{
	return e == EVENT_ESCALATED || (e == EVENT_OPENED && i->reopened > 0 && i->since == at);
}

static bool forget_ack(struct incident_store *st, int64_t id, char *err, size_t errlen)
{
	struct db_stmt *s = db_prepare(st->db,
				       "UPDATE incident SET acked = 0, ack_by = '', ack_note = ''"
				       " WHERE id = ?",
				       err, errlen);
	bool ok;

	if (!s)
		return false;
	db_bind_int(s, 0, id);
	ok = db_run(s, err, errlen);
	db_finalize(s);
	return ok;
}

bool incident_store_put_event(struct incident_store *st, int64_t id, enum incident_event e,
			      int64_t at, const struct incident *i, char *err, size_t errlen)
{
	struct db_stmt *s =
		db_prepare(st->db,
			   "INSERT INTO event (incident, event, at, severity, state, why)"
			   " VALUES (?, ?, ?, ?, ?, ?)",
			   err, errlen);
	bool ok;

	if (!s)
		return false;
	db_bind_int(s, 0, id);
	db_bind_text(s, 1, incident_event_name(e));
	db_bind_int(s, 2, at);
	db_bind_text(s, 3, severity_name(i->severity));
	db_bind_text(s, 4, incident_state_name(i->state));
	db_bind_text(s, 5, i->why);
	ok = db_run(s, err, errlen);
	db_finalize(s);
	return ok && (!is_news(e, at, i) || forget_ack(st, id, err, errlen));
}

/* Reading ------------------------------------------------------------------------------------ */

#define COLUMNS                                                                              \
	"i.id, i.rule, i.client, i.server, i.service, i.sensor, i.severity, i.state, i.why," \
	" i.opened, i.last_seen, i.closed, i.sessions, i.confirmed"
#define COLUMNS_V1 COLUMNS ", 0, '', '', '', i.opened, 0, 1, i.opened, 0"
#define COLUMNS_V2                                                                        \
	COLUMNS ", i.acked, i.ack_by, i.ack_note, i.found, i.since, i.reopened, i.flaps," \
		" i.flaps_from, i.sessions_before"
#define COLUMNS_N 23

static void copy(char *to, size_t len, const char *from)
{
	snprintf(to, len, "%s", from);
}

static struct incident from_row(struct db_stmt *s)
{
	struct incident i = { .id = db_int(s, 0) };

	copy(i.rule, sizeof(i.rule), db_text(s, 1));
	copy(i.client, sizeof(i.client), db_text(s, 2));
	copy(i.server, sizeof(i.server), db_text(s, 3));
	if (!service_by_name(db_text(s, 4), &i.service))
		i.service = SERVICE_N;
	copy(i.sensor, sizeof(i.sensor), db_text(s, 5));
	i.severity = severity_of(db_text(s, 6));
	i.state = (enum incident_state)index_of(state_names, INCIDENT_STATES, db_text(s, 7));
	copy(i.why, sizeof(i.why), db_text(s, 8));
	i.opened = db_int(s, 9);
	i.last_seen = db_int(s, 10);
	i.closed = db_int(s, 11);
	i.sessions = (uint64_t)db_int(s, 12);
	i.confirmed = (uint64_t)db_int(s, 13);
	i.acked = db_int(s, 14);
	copy(i.ack_by, sizeof(i.ack_by), db_text(s, 15));
	copy(i.ack_note, sizeof(i.ack_note), db_text(s, 16));
	copy(i.found, sizeof(i.found), db_text(s, 17));
	i.since = db_int(s, 18);
	i.reopened = (unsigned)db_int(s, 19);
	i.flaps = (unsigned)db_int(s, 20);
	i.flaps_from = db_int(s, 21);
	i.before = (uint64_t)db_int(s, 22);
	return i;
}

static void add_tally(struct incident *i, const char *what, uint64_t n)
{
	for (unsigned e = 0; e < EXPOSURE_N; e++) {
		const char *name = exposure_name((enum exposure)e);

		if (name && strncmp(what, "exposure:", 9) == 0 && strcmp(what + 9, name) == 0)
			i->by_exposure[e] = n;
	}
	for (unsigned c = 0; c < CAUSE_N; c++) {
		const char *name = cause_name((enum cause)c);

		if (name && strncmp(what, "cause:", 6) == 0 && strcmp(what + 6, name) == 0)
			i->by_cause[c] = n;
	}
}

static bool read_tallies(struct incident_store *st, struct incident *i, char *err, size_t errlen)
{
	struct db_stmt *s =
		db_prepare(st->db, "SELECT what, n FROM tally WHERE incident = ?", err, errlen);
	enum db_step step;

	if (!s)
		return false;
	db_bind_int(s, 0, i->id);
	while ((step = db_step(s, err, errlen)) == DB_ROW)
		add_tally(i, db_text(s, 0), (uint64_t)db_int(s, 1));
	db_finalize(s);
	return step == DB_DONE;
}

#define LIST                                                                     \
	" FROM incident i WHERE (?1 IS NULL OR i.state = ?1)"                    \
	" AND (?2 IS NULL OR i.client = ?2 OR i.server = ?2)"                    \
	" AND (?3 IS NULL OR i.sensor = ?3) AND (?4 = 0 OR i.state <> 'closed')" \
	" ORDER BY i.opened DESC, i.id DESC"

bool incident_store_list(struct incident_store *st, const struct incident_query *q,
			 incident_list_cb *cb, void *ctx, char *err, size_t errlen)
{
	struct db_stmt *s = db_prepare(
		st->db, st->version < 2 ? "SELECT " COLUMNS_V1 LIST : "SELECT " COLUMNS_V2 LIST,
		err, errlen);
	enum db_step step;

	if (!s)
		return false;
	db_bind_text(s, 0, q->state < 0 ? NULL : state_names[q->state % INCIDENT_STATES]);
	db_bind_text(s, 1, q->peer);
	db_bind_text(s, 2, q->sensor);
	db_bind_int(s, 3, q->live);
	while ((step = db_step(s, err, errlen)) == DB_ROW) {
		struct incident i = from_row(s);

		if (!read_tallies(st, &i, err, errlen)) {
			step = DB_ERROR;
			break;
		}
		if (!cb(ctx, &i)) {
			step = DB_DONE;
			break;
		}
	}
	db_finalize(s);
	return step == DB_DONE;
}

bool incident_store_last(struct incident_store *st, const struct incident *i, int64_t closed_from,
			 struct incident *out, bool *found, char *err, size_t errlen)
{
	const char *identity[] = { i->rule, i->client, i->server, incident_service(i), i->sensor };
	struct db_stmt *s = db_prepare(
		st->db,
		"SELECT " COLUMNS_V2 " FROM incident i WHERE i.rule = ? AND i.client = ?"
		" AND i.server = ? AND i.service = ? AND i.sensor = ?"
		" AND i.state = 'closed' AND i.closed >= ? ORDER BY i.closed DESC LIMIT 1",
		err, errlen);
	enum db_step step;

	if (!s)
		return false;
	for (int n = 0; n < 5; n++)
		db_bind_text(s, n, identity[n]);
	db_bind_int(s, 5, closed_from);
	step = db_step(s, err, errlen);
	*found = step == DB_ROW;
	if (*found)
		*out = from_row(s);
	db_finalize(s);
	return step != DB_ERROR && (!*found || read_tallies(st, out, err, errlen));
}

bool incident_store_evidence(struct incident_store *st, int64_t id, incident_evidence_cb *cb,
			     void *ctx, char *err, size_t errlen)
{
	struct db_stmt *s =
		db_prepare(st->db, "SELECT record FROM evidence WHERE incident = ? ORDER BY slot",
			   err, errlen);
	enum db_step step;

	if (!s)
		return false;
	db_bind_int(s, 0, id);
	while ((step = db_step(s, err, errlen)) == DB_ROW) {
		if (!cb(ctx, db_text(s, 0))) {
			step = DB_DONE;
			break;
		}
	}
	db_finalize(s);
	return step == DB_DONE;
}

/* Events ------------------------------------------------------------------------------------- */

bool incident_store_number(struct db_stmt *s, int64_t *value, char *err, size_t errlen)
{
	enum db_step got = s ? db_step(s, err, errlen) : DB_ERROR;

	if (got == DB_ROW)
		*value = db_int(s, 0);
	db_finalize(s);
	return got != DB_ERROR;
}

bool incident_event_by_name(const char *word, enum incident_event *e)
{
	*e = (enum incident_event)index_of(event_names, EVENT_N, word);
	return strcmp(event_names[*e], word) == 0;
}

static void event_from_row(struct db_stmt *s, struct stored_event *e)
{
	e->incident = from_row(s);
	e->id = db_int(s, COLUMNS_N);
	e->at = db_int(s, COLUMNS_N + 1);
	incident_event_by_name(db_text(s, COLUMNS_N + 2), &e->event);
	copy(e->target, sizeof(e->target), db_text(s, COLUMNS_N + 6));
}

/* Takes the incident back to the time of the event. */
static void back_to_event(struct db_stmt *s, struct incident *i)
{
	i->severity = severity_of(db_text(s, COLUMNS_N + 3));
	i->state = (enum incident_state)index_of(state_names, INCIDENT_STATES,
						 db_text(s, COLUMNS_N + 4));
	copy(i->why, sizeof(i->why), db_text(s, COLUMNS_N + 5));
	if (i->state != INCIDENT_CLOSED)
		i->closed = 0;
}

bool incident_store_event(struct incident_store *st, int64_t id, bool as_it_is,
			  struct stored_event *out, bool *found, char *err, size_t errlen)
{
	struct db_stmt *s = db_prepare(
		st->db,
		"SELECT " COLUMNS_V2 ", e.id, e.at, e.event, e.severity, e.state, e.why, e.target"
		" FROM event e LEFT JOIN incident i ON i.id = e.incident WHERE e.id = ?",
		err, errlen);
	enum db_step step;

	if (!s)
		return false;
	db_bind_int(s, 0, id);
	step = db_step(s, err, errlen);
	*found = step == DB_ROW;
	if (*found)
		event_from_row(s, out);
	if (*found && !as_it_is)
		back_to_event(s, &out->incident);
	db_finalize(s);
	return step != DB_ERROR && (!*found || read_tallies(st, &out->incident, err, errlen));
}
