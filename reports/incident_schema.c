/* incident_schema.c - makes incidents.db, and brings an older one up to date. */
#include "reports/incident_db.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* 1: the beginning; events went when syslog had them. 2: events stay; deliveries, targets,
 * acknowledgements. 3: what came of repetitions. */
#define SCHEMA_VERSION 3

/* Words, not numbers, so that a value added in the middle of a list changes no old row. */
static const char incident_table[] =
	"CREATE TABLE incident (id INTEGER PRIMARY KEY, rule TEXT NOT NULL,"
	" client TEXT NOT NULL, server TEXT NOT NULL, service TEXT NOT NULL, sensor TEXT NOT NULL,"
	" severity TEXT NOT NULL, state TEXT NOT NULL, why TEXT NOT NULL,"
	" opened INTEGER NOT NULL, last_seen INTEGER NOT NULL, closed INTEGER NOT NULL,"
	" sessions INTEGER NOT NULL, confirmed INTEGER NOT NULL,"
	" acked INTEGER NOT NULL DEFAULT 0, ack_by TEXT NOT NULL DEFAULT '',"
	" ack_note TEXT NOT NULL DEFAULT '', found TEXT NOT NULL DEFAULT '',"
	" since INTEGER NOT NULL DEFAULT 0, reopened INTEGER NOT NULL DEFAULT 0,"
	" flaps INTEGER NOT NULL DEFAULT 1, flaps_from INTEGER NOT NULL DEFAULT 0,"
	" sessions_before INTEGER NOT NULL DEFAULT 0);"
	"CREATE UNIQUE INDEX incident_identity"
	" ON incident(rule, client, server, service, sensor) WHERE state <> 'closed';"
	"CREATE TABLE tally (incident INTEGER NOT NULL REFERENCES incident(id),"
	" what TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (incident, what)) WITHOUT ROWID;"
	"CREATE TABLE evidence (incident INTEGER NOT NULL REFERENCES incident(id),"
	" slot INTEGER NOT NULL, record TEXT NOT NULL, PRIMARY KEY (incident, slot))"
	" WITHOUT ROWID;";

/* Of a delivery since version 3: how often it was repeated, and what came of the last time. */
#define REPEATS_N     "repeats INTEGER NOT NULL DEFAULT 0"
#define REPEAT_STATE  "repeat_state TEXT NOT NULL DEFAULT ''"
#define REPEAT_ANSWER "repeat_answer TEXT NOT NULL DEFAULT ''"
#define REPEATS       " " REPEATS_N ", " REPEAT_STATE ", " REPEAT_ANSWER ","

/* Of a test: no incident, and the target that it is for or none. */
static const char event_tables[] =
	"CREATE TABLE event (id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" incident INTEGER REFERENCES incident(id), event TEXT NOT NULL, at INTEGER NOT NULL,"
	" severity TEXT NOT NULL, state TEXT NOT NULL, why TEXT NOT NULL,"
	" target TEXT NOT NULL DEFAULT '');"
	"CREATE INDEX event_incident ON event(incident);"
	"CREATE TABLE delivery (event INTEGER NOT NULL REFERENCES event(id), target TEXT NOT NULL,"
	" state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,"
	" tried INTEGER NOT NULL DEFAULT 0, next INTEGER NOT NULL DEFAULT 0,"
	" answer TEXT NOT NULL DEFAULT '', since INTEGER NOT NULL DEFAULT 0,"
	" held INTEGER NOT NULL DEFAULT 0, repeated INTEGER NOT NULL DEFAULT 0," REPEATS
	" PRIMARY KEY (event, target)) WITHOUT ROWID;"
	"CREATE INDEX delivery_waiting ON delivery(target, event) WHERE state = 'waiting';"
	"CREATE TABLE target (name TEXT PRIMARY KEY, last_event INTEGER NOT NULL) WITHOUT ROWID;"
	"PRAGMA user_version = 3;";

/* What is left of version 1's events was not delivered to syslog yet; of what else fires syslog
 * was told, and is not told again. */
static const char from_1[] =
	"ALTER TABLE incident ADD COLUMN acked INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE incident ADD COLUMN ack_by TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE incident ADD COLUMN ack_note TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE incident ADD COLUMN found TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE incident ADD COLUMN since INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE incident ADD COLUMN reopened INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE incident ADD COLUMN flaps INTEGER NOT NULL DEFAULT 1;"
	"ALTER TABLE incident ADD COLUMN flaps_from INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE incident ADD COLUMN sessions_before INTEGER NOT NULL DEFAULT 0;"
	"UPDATE incident SET since = opened, flaps_from = opened;"
	"ALTER TABLE event RENAME TO event_1;";
static const char from_1_events[] =
	"INSERT INTO event (id, incident, event, at, severity, state, why)"
	" SELECT e.id, e.incident, e.event, CASE e.event WHEN 'opened' THEN i.opened"
	" WHEN 'closed' THEN i.closed ELSE i.last_seen END, e.severity, e.state, e.why"
	" FROM event_1 e JOIN incident i ON i.id = e.incident;"
	"INSERT INTO target VALUES ('syslog', 0);"
	"INSERT INTO event (incident, event, at, severity, state, why)"
	" SELECT id, 'opened', opened, severity, state, why FROM incident"
	" WHERE state <> 'closed' AND id NOT IN (SELECT incident FROM event_1) ORDER BY id;"
	"INSERT INTO delivery (event, target, state, attempts, tried)"
	" SELECT id, 'syslog', 'sent', 1, at FROM event"
	" WHERE incident NOT IN (SELECT incident FROM event_1);"
	"DROP TABLE event_1;";

static const char from_2[] = "ALTER TABLE delivery ADD COLUMN " REPEATS_N ";"
			     "ALTER TABLE delivery ADD COLUMN " REPEAT_STATE ";"
			     "ALTER TABLE delivery ADD COLUMN " REPEAT_ANSWER ";"
			     "PRAGMA user_version = 3;";

static bool read_version(struct incident_store *st, char *err, size_t errlen)
{
	return incident_store_number(db_prepare(st->db, "PRAGMA user_version", err, errlen),
				     &st->version, err, errlen);
}

static bool migrate(struct db *db, int64_t version, char *err, size_t errlen)
{
	if (version == 0)
		return db_exec(db, incident_table, err, errlen) &&
		       db_exec(db, event_tables, err, errlen);
	if (version == 2)
		return db_exec(db, from_2, err, errlen);
	return db_exec(db, from_1, err, errlen) && db_exec(db, event_tables, err, errlen) &&
	       db_exec(db, from_1_events, err, errlen);
}

/* Whoever comes first makes it; a version read before the lock was had may be old. */
static bool make(struct incident_store *st, char *err, size_t errlen)
{
	if (st->version == SCHEMA_VERSION)
		return true;
	if (!db_begin(st->db, err, errlen))
		return false;
	if (read_version(st, err, errlen) &&
	    (st->version == SCHEMA_VERSION || migrate(st->db, st->version, err, errlen)) &&
	    db_commit(st->db, err, errlen)) {
		st->version = SCHEMA_VERSION;
		return true;
	}
	db_rollback(st->db);
	return false;
}

static bool check(struct incident_store *st, const char *path, bool write, char *err, size_t errlen)
{
	if (!read_version(st, err, errlen))
		return false;
	if (st->version > SCHEMA_VERSION) {
		snprintf(err, errlen, "%s was written by a newer version of mailseal", path);
		return false;
	}
	return !write || make(st, err, errlen);
}

static bool path_of(const char *dir, char *path, size_t len, char *err, size_t errlen)
{
	if (snprintf(path, len, "%s/incidents.db", dir) < (int)len)
		return true;
	snprintf(err, errlen, "the name of the state directory is too long");
	return false;
}

struct incident_store *incident_store_open(const char *dir, bool write, char *err, size_t errlen)
{
	struct incident_store *st;
	char path[PATH_MAX];

	if (!path_of(dir, path, sizeof(path), err, errlen))
		return NULL;
	st = calloc(1, sizeof(*st));
	if (!st)
		abort();
	st->db = db_open(path, write, err, errlen);
	if (st->db && check(st, path, write, err, errlen))
		return st;
	incident_store_close(st);
	return NULL;
}

struct incident_store *incident_store_open_existing(const char *dir, bool write, char *err,
						    size_t errlen)
{
	char path[PATH_MAX];

	if (!path_of(dir, path, sizeof(path), err, errlen))
		return NULL;
	if (access(path, F_OK) == 0)
		return incident_store_open(dir, write, err, errlen);
	snprintf(err, errlen, "cannot open %s: %s", path, strerror(errno));
	return NULL;
}

void incident_store_patience(struct incident_store *st, unsigned ms)
{
	db_patience(st->db, ms);
}

void incident_store_close(struct incident_store *st)
{
	if (!st)
		return;
	db_close(st->db);
	free(st);
}
