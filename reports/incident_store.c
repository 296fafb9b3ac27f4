/* incident_store.c - incidents.db: incidents, their evidence, events not yet delivered. */
#include "reports/incident_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/db.h"

#define SCHEMA_VERSION 1

/* Words, not numbers, so that a value added in the middle of a list changes no old row. */
static const char schema[] =
	"CREATE TABLE IF NOT EXISTS incident (id INTEGER PRIMARY KEY, rule TEXT NOT NULL,"
	" client TEXT NOT NULL, server TEXT NOT NULL, service TEXT NOT NULL, sensor TEXT NOT NULL,"
	" severity TEXT NOT NULL, state TEXT NOT NULL, why TEXT NOT NULL,"
	" opened INTEGER NOT NULL, last_seen INTEGER NOT NULL, closed INTEGER NOT NULL,"
	" sessions INTEGER NOT NULL, confirmed INTEGER NOT NULL);"
	"CREATE UNIQUE INDEX IF NOT EXISTS incident_identity"
	" ON incident(rule, client, server, service, sensor) WHERE state <> 'closed';"
	"CREATE TABLE IF NOT EXISTS tally (incident INTEGER NOT NULL REFERENCES incident(id),"
	" what TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (incident, what)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS evidence (incident INTEGER NOT NULL REFERENCES incident(id),"
	" slot INTEGER NOT NULL, record TEXT NOT NULL, PRIMARY KEY (incident, slot))"
	" WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS event (id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" incident INTEGER NOT NULL REFERENCES incident(id), event TEXT NOT NULL,"
	" severity TEXT NOT NULL, state TEXT NOT NULL, why TEXT NOT NULL);"
	"PRAGMA user_version = 1;";

struct incident_store {
	struct db *db;
};

static const char *const severity_names[SEVERITY_N] = {
	[SEVERITY_WARNING] = "warning",
	[SEVERITY_CRITICAL] = "critical",
};

static const char *const state_names[INCIDENT_STATES] = {
	[INCIDENT_OPEN] = "open",
	[INCIDENT_STALE] = "stale",
	[INCIDENT_CLOSED] = "closed",
};

static const char *const event_names[EVENT_N] = {
	[EVENT_OPENED] = "opened",
	[EVENT_ESCALATED] = "escalated",
	[EVENT_CLOSED] = "closed",
	[EVENT_STALE] = "stale",
};

const char *severity_name(enum severity s)
{
	return s < SEVERITY_N ? severity_names[s] : NULL;
}

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

/* Opening ------------------------------------------------------------------------------------ */

static bool check_version(struct db *db, const char *path, char *err, size_t errlen)
{
	struct db_stmt *s = db_prepare(db, "PRAGMA user_version", err, errlen);
	int64_t version = 0;

	if (!s)
		return false;
	if (db_step(s, err, errlen) == DB_ROW)
		version = db_int(s, 0);
	db_finalize(s);
	if (version > SCHEMA_VERSION) {
		snprintf(err, errlen, "%s was written by a newer version of mailseal", path);
		return false;
	}
	return true;
}

struct incident_store *incident_store_open(const char *dir, bool write, char *err, size_t errlen)
{
	struct incident_store *st;
	char path[4096];
	struct db *db;

	if (snprintf(path, sizeof(path), "%s/incidents.db", dir) >= (int)sizeof(path)) {
		snprintf(err, errlen, "the name of the state directory is too long");
		return NULL;
	}
	db = db_open(path, write, err, errlen);
	if (!db)
		return NULL;
	if (!check_version(db, path, err, errlen) || (write && !db_exec(db, schema, err, errlen))) {
		db_close(db);
		return NULL;
	}
	st = malloc(sizeof(*st));
	if (!st)
		abort();
	st->db = db;
	return st;
}

void incident_store_close(struct incident_store *st)
{
	if (!st)
		return;
	db_close(st->db);
	free(st);
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
	static const char insert[] = "INSERT INTO incident VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
				     " ?, ?, ?, ?)";
	static const char update[] = "UPDATE incident SET rule = ?, client = ?, server = ?,"
				     " service = ?, sensor = ?, severity = ?, state = ?, why = ?,"
				     " opened = ?, last_seen = ?, closed = ?, sessions = ?,"
				     " confirmed = ? WHERE id = ?";
	const char *texts[] = { i->rule,
				i->client,
				i->server,
				service_name(i->service),
				i->sensor,
				severity_name(i->severity),
				incident_state_name(i->state),
				i->why };
	int64_t numbers[] = { i->opened, i->last_seen, i->closed, (int64_t)i->sessions,
			      (int64_t)i->confirmed };
	struct db_stmt *s = db_prepare(st->db, i->id ? update : insert, err, errlen);
	bool ok;

	if (!s)
		return false;
	for (int n = 0; n < 8; n++)
		db_bind_text(s, n, texts[n]);
	for (int n = 0; n < 5; n++)
		db_bind_int(s, 8 + n, numbers[n]);
	if (i->id)
		db_bind_int(s, 13, i->id);
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

bool incident_store_put_event(struct incident_store *st, int64_t id, enum incident_event e,
			      const struct incident *i, char *err, size_t errlen)
{
	struct db_stmt *s =
		db_prepare(st->db, "INSERT INTO event VALUES (NULL, ?, ?, ?, ?, ?)", err, errlen);
	bool ok;

	if (!s)
		return false;
	db_bind_int(s, 0, id);
	db_bind_text(s, 1, incident_event_name(e));
	db_bind_text(s, 2, severity_name(i->severity));
	db_bind_text(s, 3, incident_state_name(i->state));
	db_bind_text(s, 4, i->why);
	ok = db_run(s, err, errlen);
	db_finalize(s);
	return ok;
}

/* Reading ------------------------------------------------------------------------------------ */

#define COLUMNS                                                                              \
	"i.id, i.rule, i.client, i.server, i.service, i.sensor, i.severity, i.state, i.why," \
	" i.opened, i.last_seen, i.closed, i.sessions, i.confirmed"

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
		i.service = SERVICE_MTA;
	copy(i.sensor, sizeof(i.sensor), db_text(s, 5));
	i.severity = (enum severity)index_of(severity_names, SEVERITY_N, db_text(s, 6));
	i.state = (enum incident_state)index_of(state_names, INCIDENT_STATES, db_text(s, 7));
	copy(i.why, sizeof(i.why), db_text(s, 8));
	i.opened = db_int(s, 9);
	i.last_seen = db_int(s, 10);
	i.closed = db_int(s, 11);
	i.sessions = (uint64_t)db_int(s, 12);
	i.confirmed = (uint64_t)db_int(s, 13);
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

bool incident_store_list(struct incident_store *st, const struct incident_query *q,
			 incident_list_cb *cb, void *ctx, char *err, size_t errlen)
{
	struct db_stmt *s =
		db_prepare(st->db,
			   "SELECT " COLUMNS " FROM incident i WHERE (?1 IS NULL OR i.state = ?1)"
			   " AND (?2 IS NULL OR i.client = ?2 OR i.server = ?2)"
			   " AND (?3 IS NULL OR i.sensor = ?3) AND (?4 = 0 OR i.state <> 'closed')"
			   " ORDER BY i.opened DESC, i.id DESC",
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

/* Delivery ----------------------------------------------------------------------------------- */

/* The event that was put first. *id is 0 when there is none. */
static bool first_event(struct incident_store *st, int64_t *id, enum incident_event *e,
			struct incident *i, char *err, size_t errlen)
{
	struct db_stmt *s = db_prepare(
		st->db,
		"SELECT " COLUMNS ", e.id, e.event, e.severity, e.state, e.why FROM event e"
		" JOIN incident i ON i.id = e.incident ORDER BY e.id LIMIT 1",
		err, errlen);
	enum db_step step;

	*id = 0;
	if (!s)
		return false;
	step = db_step(s, err, errlen);
	if (step == DB_ROW) {
		*i = from_row(s);
		*id = db_int(s, 14);
		*e = (enum incident_event)index_of(event_names, EVENT_N, db_text(s, 15));
		i->severity = (enum severity)index_of(severity_names, SEVERITY_N, db_text(s, 16));
		i->state =
			(enum incident_state)index_of(state_names, INCIDENT_STATES, db_text(s, 17));
		copy(i->why, sizeof(i->why), db_text(s, 18));
	}
	db_finalize(s);
	return step != DB_ERROR && (*id == 0 || read_tallies(st, i, err, errlen));
}

static bool drop_event(struct incident_store *st, int64_t id, char *err, size_t errlen)
{
	struct db_stmt *s = db_prepare(st->db, "DELETE FROM event WHERE id = ?", err, errlen);
	bool ok;

	if (!s)
		return false;
	db_bind_int(s, 0, id);
	ok = db_run(s, err, errlen);
	db_finalize(s);
	return ok;
}

bool incident_store_events(struct incident_store *st, incident_deliver_cb *cb, void *ctx, char *err,
			   size_t errlen)
{
	enum incident_event e = EVENT_OPENED;
	struct incident i;
	int64_t id;

	for (;;) {
		if (!first_event(st, &id, &e, &i, err, errlen))
			return false;
		if (id == 0 || !cb(ctx, e, &i))
			return true;
		if (!drop_event(st, id, err, errlen))
			return false;
	}
}
