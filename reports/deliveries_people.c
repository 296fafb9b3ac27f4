/* deliveries_people.c - what people ask of the deliveries: acknowledgements, tests, lists. */
#include "reports/deliveries.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "reports/incident_db.h"

static bool end(struct incident_store *st, bool ok, char *err, size_t errlen)
{
	ok = ok && incident_store_commit(st, err, errlen);
	if (!ok)
		incident_store_rollback(st);
	incident_store_close(st);
	return ok;
}

/* Open for a transaction that end() ends; NULL with err. */
static struct incident_store *begin(const char *dir, char *err, size_t errlen)
{
	struct incident_store *st = incident_store_open_existing(dir, true, err, errlen);

	if (!st || incident_store_begin(st, err, errlen))
		return st;
	incident_store_close(st);
	return NULL;
}

/* Acknowledgements ----------------------------------------------------------------------------- */

static bool check_fires(struct incident_store *st, int64_t id, char *err, size_t errlen)
{
	struct db_stmt *s = db_prepare(st->db, "SELECT state = 'closed' FROM incident WHERE id = ?",
				       err, errlen);
	int64_t closed = -1;

	if (s)
		db_bind_int(s, 0, id);
	if (!incident_store_number(s, &closed, err, errlen))
		return false;
	if (closed < 0)
		snprintf(err, errlen, "there is no incident %" PRId64, id);
	else if (closed)
		snprintf(err, errlen, "incident %" PRId64 " is closed", id);
	return closed == 0;
}

static bool put_ack(struct incident_store *st, int64_t id, const char *by, const char *note,
		    int64_t now, char *err, size_t errlen)
{
	struct db_stmt *s = db_prepare(st->db,
				       "UPDATE incident SET acked = ?, ack_by = ?, ack_note = ?"
				       " WHERE id = ?",
				       err, errlen);
	bool ok;

	if (!s)
		return false;
	db_bind_int(s, 0, now);
	db_bind_text(s, 1, by);
	db_bind_text(s, 2, note);
	db_bind_int(s, 3, id);
	ok = db_run(s, err, errlen);
	db_finalize(s);
	return ok;
}

static bool put_ack_event(struct incident_store *st, int64_t id, int64_t now, char *err,
			  size_t errlen)
{
	struct db_stmt *s =
		db_prepare(st->db,
			   "INSERT INTO event (incident, event, at, severity, state, why)"
			   " SELECT id, 'acknowledged', ?, severity, state, why FROM incident"
			   " WHERE id = ?",
			   err, errlen);
	bool ok;

	if (!s)
		return false;
	db_bind_int(s, 0, now);
	db_bind_int(s, 1, id);
	ok = db_run(s, err, errlen);
	db_finalize(s);
	return ok;
}

bool incident_ack(const char *dir, int64_t id, const char *by, const char *note, int64_t now,
		  char *err, size_t errlen)
{
	struct incident_store *st = begin(dir, err, errlen);

	return st && end(st,
			 check_fires(st, id, err, errlen) &&
				 put_ack(st, id, by, note, now, err, errlen) &&
				 put_ack_event(st, id, now, err, errlen),
			 err, errlen);
}

/* Tests ---------------------------------------------------------------------------------------- */

static bool check_target(struct incident_store *st, const char *target, char *err, size_t errlen)
{
	struct db_stmt *s = db_prepare(
		st->db, "SELECT count(*) FROM target WHERE ?1 IS NULL OR name = ?1", err, errlen);
	int64_t n = 0;

	if (s)
		db_bind_text(s, 0, target);
	if (!incident_store_number(s, &n, err, errlen))
		return false;
	if (n == 0 && target)
		snprintf(err, errlen, "there is no target %.64s", target);
	else if (n == 0)
		snprintf(err, errlen,
			 "there is no target: none is configured, or mailseald was"
			 " never started with -i");
	return n > 0;
}

static bool put_test(struct incident_store *st, const char *target, int64_t now, char *err,
		     size_t errlen)
{
	struct db_stmt *s = db_prepare(st->db,
				       "INSERT INTO event (event, at, severity, state, why, target)"
				       " VALUES ('test', ?, 'warning', 'open', '', ?)",
				       err, errlen);
	bool ok;

	if (!s)
		return false;
	db_bind_int(s, 0, now);
	db_bind_text(s, 1, target ? target : "");
	ok = db_run(s, err, errlen);
	db_finalize(s);
	return ok;
}

bool incident_test_request(const char *dir, const char *target, int64_t now, int64_t *event,
			   char *err, size_t errlen)
{
	struct incident_store *st = begin(dir, err, errlen);
	bool ok;

	if (!st)
		return false;
	ok = check_target(st, target, err, errlen) && put_test(st, target, now, err, errlen);
	*event = db_last_id(st->db);
	return end(st, ok, err, errlen);
}

/* Lists ---------------------------------------------------------------------------------------- */

/* DELIVERY_STATES for a word that is none. */
static enum delivery_state state_of(const char *word)
{
	unsigned n = 0;

	while (n < DELIVERY_STATES &&
	       strcmp(delivery_state_name((enum delivery_state)n), word) != 0)
		n++;
	return (enum delivery_state)n;
}

static struct delivery_row from_row(struct db_stmt *s)
{
	struct delivery_row r = {
		.event_id = db_int(s, 0),
		.at = db_int(s, 1),
		.attempts = (unsigned)db_int(s, 5),
		.tried = db_int(s, 6),
		.repeated = db_int(s, 8),
		.held = db_int(s, 9) != 0,
		.repeats = (unsigned)db_int(s, 11),
		.repeat_state = state_of(db_text(s, 12)),
	};

	incident_event_by_name(db_text(s, 2), &r.event);
	snprintf(r.target, sizeof(r.target), "%s", db_text(s, 3));
	r.state = state_of(db_text(s, 4));
	if (r.state == DELIVERY_WAITING)
		r.next = db_int(s, 7);
	snprintf(r.answer, sizeof(r.answer), "%s", db_text(s, 10));
	snprintf(r.repeat_answer, sizeof(r.repeat_answer), "%s", db_text(s, 13));
	return r;
}

static bool each_row(struct db_stmt *s, delivery_list_cb *cb, void *ctx, char *err, size_t errlen)
{
	enum db_step step;

	while ((step = db_step(s, err, errlen)) == DB_ROW) {
		struct delivery_row r = from_row(s);

		if (!cb(ctx, &r))
			return true;
	}
	return step == DB_DONE;
}

#define ROW                                                                           \
	"SELECT e.id, e.at, e.event, d.target, d.state, d.attempts, d.tried, d.next," \
	" d.repeated, d.held, d.answer"
#define REPEATS_V2 ", d.repeated > 0, '', ''"
#define REPEATS_V3 ", d.repeats, d.repeat_state, d.repeat_answer"
#define ROWS                                              \
	" FROM event e JOIN delivery d ON d.event = e.id" \
	" WHERE e.incident = ?1 OR e.id = ?2 ORDER BY e.id, d.target"

/* What version 1 left has no deliveries. */
bool deliveries_list(const char *dir, int64_t incident, int64_t event, delivery_list_cb *cb,
		     void *ctx, char *err, size_t errlen)
{
	struct incident_store *st = incident_store_open_existing(dir, false, err, errlen);
	struct db_stmt *s;
	bool ok;

	if (!st)
		return false;
	if (st->version < 2) {
		incident_store_close(st);
		return true;
	}
	s = db_prepare(st->db, st->version < 3 ? ROW REPEATS_V2 ROWS : ROW REPEATS_V3 ROWS, err,
		       errlen);
	if (s) {
		db_bind_int(s, 0, incident);
		db_bind_int(s, 1, event);
	}
	ok = s && each_row(s, cb, ctx, err, errlen);
	db_finalize(s);
	incident_store_close(st);
	return ok;
}

/* Name and a number of each target. */
typedef bool each_cb(void *ctx, const char *name, int64_t n);

static bool each_target(const char *dir, const char *sql, each_cb *cb, void *ctx, char *err,
			size_t errlen)
{
	struct incident_store *st = incident_store_open_existing(dir, false, err, errlen);
	enum db_step step = DB_DONE;
	struct db_stmt *s;

	if (!st)
		return false;
	if (st->version < 2) {
		incident_store_close(st);
		return true;
	}
	s = db_prepare(st->db, sql, err, errlen);
	while (s && (step = db_step(s, err, errlen)) == DB_ROW) {
		if (!cb(ctx, db_text(s, 0), db_int(s, 1)))
			break;
	}
	db_finalize(s);
	incident_store_close(st);
	return s && step != DB_ERROR;
}

bool deliveries_each_target(const char *dir, delivery_target_cb *cb, void *ctx, char *err,
			    size_t errlen)
{
	return each_target(dir, "SELECT name, last_event FROM target ORDER BY name", cb, ctx, err,
			   errlen);
}

struct waiting {
	delivery_waiting_cb *cb;
	void *ctx;
};

static bool on_waiting(void *ctx, const char *name, int64_t n)
{
	struct waiting *w = ctx;

	return w->cb(w->ctx, name, n < 0 ? 0 : (uint64_t)n);
}

bool deliveries_each_waiting(const char *dir, delivery_waiting_cb *cb, void *ctx, char *err,
			     size_t errlen)
{
	struct waiting w = { cb, ctx };

	return each_target(dir,
			   "SELECT name, (SELECT count(*) FROM delivery"
			   " WHERE target = t.name AND state = 'waiting')"
			   " + (SELECT count(*) FROM event WHERE id > t.last_event)"
			   " FROM target t ORDER BY name",
			   on_waiting, &w, err, errlen);
}

/* Targets -------------------------------------------------------------------------------------- */

/* The names go into a table of their own, which nobody else sees. */
static bool name_targets(struct incident_store *st, const struct target *t, size_t n, char *err,
			 size_t errlen)
{
	struct db_stmt *s;
	bool ok = db_exec(st->db, "CREATE TEMP TABLE named (name TEXT)", err, errlen);

	s = ok ? db_prepare(st->db, "INSERT INTO named VALUES (?)", err, errlen) : NULL;
	for (size_t i = 0; s && ok && i < n; i++) {
		db_bind_text(s, 0, t[i].name);
		ok = db_run(s, err, errlen);
	}
	db_finalize(s);
	return s && ok;
}

bool deliveries_targets(const char *dir, const struct target *t, size_t n, char *err, size_t errlen)
{
	struct incident_store *st = begin(dir, err, errlen);

	return st &&
	       end(st,
		   name_targets(st, t, n, err, errlen) &&
			   db_exec(st->db,
				   "UPDATE delivery SET state = 'silenced', answer = 'no such "
				   "target"
				   " any longer' WHERE state = 'waiting'"
				   " AND target NOT IN (SELECT name FROM named);"
				   "DELETE FROM target WHERE name NOT IN (SELECT name FROM named)",
				   err, errlen),
		   err, errlen);
}
