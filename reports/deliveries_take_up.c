/* deliveries_take_up.c - what waits for a target, and what of it is held by maintenance. */
#include "reports/deliveries_db.h"

#include "reports/maintenance.h"

#define TAKEN_AT_ONCE "1000"

/* SQL ------------------------------------------------------------------------------------------ */

/* ?1 is the name of the target, ?2 and so on are numbers. */
struct db_stmt *deliveries_ask(struct deliveries *d, const char *sql, const int64_t *numbers, int n,
			       char *err, size_t errlen)
{
	struct db_stmt *s = db_prepare(d->store->db, sql, err, errlen);

	if (!s)
		return NULL;
	db_bind_text(s, 0, d->target->name);
	for (int i = 0; i < n; i++)
		db_bind_int(s, 1 + i, numbers[i]);
	return s;
}

bool deliveries_tell(struct deliveries *d, const char *sql, const int64_t *numbers, int n,
		     char *err, size_t errlen)
{
	struct db_stmt *s = deliveries_ask(d, sql, numbers, n, err, errlen);
	bool ok = s && db_run(s, err, errlen);

	db_finalize(s);
	return ok;
}

bool deliveries_number(struct deliveries *d, const char *sql, int64_t *value, char *err,
		       size_t errlen)
{
	*value = 0;
	return incident_store_number(deliveries_ask(d, sql, NULL, 0, err, errlen), value, err,
				     errlen);
}

bool deliveries_end(struct deliveries *d, bool ok, char *err, size_t errlen)
{
	if (ok && db_commit(d->store->db, err, errlen))
		return true;
	db_rollback(d->store->db);
	return false;
}

/* New targets ---------------------------------------------------------------------------------- */

/* A target that was there before is not told again what it knows. */
#define UNLESS_IT_KNOWS                                                           \
	" ON CONFLICT DO UPDATE SET state = 'waiting', since = ?2, attempts = 0," \
	" next = 0, held = 0, answer = '' WHERE state <> 'sent'"

/* Of what fires, the last event that says so. */
static bool begin_with_live(struct deliveries *d, int64_t now, char *err, size_t errlen)
{
	int64_t numbers[] = { now, d->target->critical_only };

	return deliveries_tell(
		d,
		"INSERT INTO delivery (event, target, state, since)"
		" SELECT max(e.id), ?1, 'waiting', ?2 FROM incident i"
		" JOIN event e ON e.incident = i.id WHERE i.state <> 'closed' AND " TELLS
		" AND (?3 = 0 OR i.severity = 'critical') GROUP BY i.id" UNLESS_IT_KNOWS,
		numbers, 2, err, errlen);
}

/* What it knows, and what closed while it was away. */
static bool begin_with_ends(struct deliveries *d, int64_t now, char *err, size_t errlen)
{
	return deliveries_tell(
		d,
		"INSERT INTO delivery (event, target, state, since)"
		" SELECT max(e.id), ?1, 'waiting', ?2 FROM incident i"
		" JOIN event e ON e.incident = i.id WHERE i.state = 'closed' AND e.event = 'closed'"
		" AND i.id IN (SELECT k.incident FROM delivery o JOIN event k ON k.id = o.event"
		"  WHERE o.target = ?1 AND o.state = 'sent') GROUP BY i.id" UNLESS_IT_KNOWS,
		&now, 1, err, errlen);
}

static bool begin_now(struct deliveries *d, int64_t now, char *err, size_t errlen)
{
	return begin_with_live(d, now, err, errlen) && begin_with_ends(d, now, err, errlen) &&
	       deliveries_tell(d,
			       "INSERT INTO target SELECT ?1, coalesce(max(id), 0) FROM event "
			       "WHERE event <>"
			       " 'test' OR at < ?2 - " NUMBER(TEST_AGE_S),
			       &now, 1, err, errlen);
}

static bool register_target(struct deliveries *d, int64_t now, char *err, size_t errlen)
{
	int64_t known;

	if (!deliveries_number(d, "SELECT count(*) FROM target WHERE name = ?1", &known, err,
			       errlen))
		return false;
	if (known)
		return true;
	return db_begin(d->store->db, err, errlen) &&
	       deliveries_end(d, begin_now(d, now, err, errlen), err, errlen);
}

/* Maintenance ---------------------------------------------------------------------------------- */

bool deliveries_held(struct deliveries *d, struct db_stmt *s, int64_t at)
{
	return d->windows_n > 0 &&
	       maintenance_holds(d->windows, d->windows_n, db_text(s, 1), db_text(s, 2), at);
}

/* Calls for each event of a statement over PAIR. */
typedef bool row_cb(struct deliveries *d, int64_t event, int64_t now, char *err, size_t errlen);

enum which { HELD_NOW, HELD_NOW_OR_THEN, NOT_HELD_NOW };

/* Those events of a statement for which it is maintenance now, or was when they happened, or is
 * not. In the order of the statement. */
static bool each_held(struct deliveries *d, const char *sql, enum which w, int64_t now, row_cb *cb,
		      char *err, size_t errlen)
{
	struct db_stmt *s = deliveries_ask(d, sql, NULL, 0, err, errlen);
	enum db_step step = DB_ERROR;
	bool ok = true;

	while (ok && s && (step = db_step(s, err, errlen)) == DB_ROW) {
		bool in = deliveries_held(d, s, now) ||
			  (w == HELD_NOW_OR_THEN && deliveries_held(d, s, db_int(s, 3)));

		if (in == (w != NOT_HELD_NOW))
			ok = cb(d, db_int(s, 0), now, err, errlen);
	}
	db_finalize(s);
	return ok && step == DB_DONE;
}

static bool hold(struct deliveries *d, int64_t event, int64_t now, char *err, size_t errlen)
{
	(void)now;
	return deliveries_tell(d, "UPDATE delivery SET held = 1 WHERE target = ?1 AND event = ?2",
			       &event, 1, err, errlen);
}

/* It waited for a reason of ours: its age counts from now. */
static bool release(struct deliveries *d, int64_t event, int64_t now, char *err, size_t errlen)
{
	int64_t numbers[] = { event, now };

	return deliveries_tell(
		d,
		"UPDATE delivery SET held = 0, since = ?3, next = 0, state = CASE WHEN"
		" (SELECT i.state = 'closed' AND (e.event <> 'closed' OR NOT EXISTS"
		"   (SELECT 1 FROM delivery o JOIN event oe ON oe.id = o.event"
		"    WHERE oe.incident = i.id AND o.target = ?1 AND o.state = 'sent'))"
		"  FROM event e JOIN incident i ON i.id = e.incident WHERE e.id = ?2)"
		" THEN 'silenced' ELSE state END"
		" WHERE target = ?1 AND event = ?2",
		numbers, 2, err, errlen);
}

static bool release_all(struct deliveries *d, int64_t now, char *err, size_t errlen)
{
	int64_t held;

	if (!deliveries_number(
		    d,
		    "SELECT count(*) FROM delivery WHERE target = ?1 AND state = 'waiting'"
		    " AND held = 1",
		    &held, err, errlen))
		return false;
	if (held == 0)
		return true;
	return db_begin(d->store->db, err, errlen) &&
	       deliveries_end(
		       d,
		       each_held(d,
				 "SELECT " PAIR " FROM delivery d JOIN event e ON e.id = d.event"
				 " JOIN incident i ON i.id = e.incident WHERE d.target = ?1"
				 " AND d.state = 'waiting' AND d.held = 1 ORDER BY e.id DESC",
				 NOT_HELD_NOW, now, release, err, errlen),
		       err, errlen);
}

/* When maintenance began after an event was taken up, it is held now. */
static bool hold_more(struct deliveries *d, int64_t now, char *err, size_t errlen)
{
	return d->windows_n == 0 ||
	       each_held(d,
			 "SELECT " PAIR " FROM delivery d JOIN event e ON e.id = d.event"
			 " JOIN incident i ON i.id = e.incident WHERE d.target = ?1"
			 " AND d.state = 'waiting' AND d.held = 0 AND i.id IS NOT NULL",
			 HELD_NOW, now, hold, err, errlen);
}

/* Taking up ------------------------------------------------------------------------------------ */

static bool take_rows(struct deliveries *d, int64_t now, char *err, size_t errlen)
{
	int64_t numbers[] = { now, d->target->critical_only };

	return deliveries_tell(
		       d,
		       "INSERT OR IGNORE INTO delivery (event, target, state, since)"
		       " SELECT id, ?1, 'waiting', ?2 FROM event WHERE id IN (SELECT id FROM event"
		       "  WHERE id > (SELECT last_event FROM target WHERE name = ?1)"
		       "  ORDER BY id LIMIT " TAKEN_AT_ONCE ")"
		       " AND (?3 = 0 OR severity = 'critical' OR event = 'test')"
		       " AND (event <> 'test' OR target IN ('', ?1))",
		       numbers, 2, err, errlen) &&
	       each_held(d,
			 "SELECT " PAIR " FROM delivery d JOIN event e ON e.id = d.event"
			 " JOIN incident i ON i.id = e.incident WHERE d.target = ?1"
			 " AND d.state = 'waiting' AND d.held = 0 AND e.id >"
			 " (SELECT last_event FROM target WHERE name = ?1)",
			 HELD_NOW_OR_THEN, now, hold, err, errlen) &&
	       deliveries_tell(
		       d,
		       "UPDATE target SET last_event = (SELECT max(id) FROM (SELECT id FROM event"
		       " WHERE id > last_event ORDER BY id LIMIT " TAKEN_AT_ONCE
		       ")) WHERE name = ?1",
		       NULL, 0, err, errlen);
}

static bool take_new(struct deliveries *d, int64_t now, char *err, size_t errlen)
{
	int64_t more;

	if (!deliveries_number(
		    d,
		    "SELECT max(id) > (SELECT last_event FROM target WHERE name = ?1) FROM event",
		    &more, err, errlen))
		return false;
	return !more || (db_begin(d->store->db, err, errlen) &&
			 deliveries_end(d, take_rows(d, now, err, errlen), err, errlen));
}

bool deliveries_take_up(struct deliveries *d, int64_t now, char *err, size_t errlen)
{
	return register_target(d, now, err, errlen) && take_new(d, now, err, errlen) &&
	       hold_more(d, now, err, errlen) && release_all(d, now, err, errlen);
}
