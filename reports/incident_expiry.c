/* incident_expiry.c - the end of incidents that closed long ago. */
#include "reports/incident_db.h"

#include <stdio.h>

/* The one that closed first, before ?1. Nobody is still to be told of it: no event of it waits for a
 * target, nor to be taken up by one. The last incident stays, so that its number is not given to
 * another. */
static const char first_sql[] =
	"SELECT i.id, i.rule FROM incident i WHERE i.state = 'closed' AND i.closed < ?1"
	" AND i.id < (SELECT max(id) FROM incident) AND NOT EXISTS (SELECT 1 FROM event e"
	"  WHERE e.incident = i.id AND (e.id > (SELECT min(last_event) FROM target) OR EXISTS"
	"   (SELECT 1 FROM delivery d WHERE d.event = e.id AND d.state = 'waiting')))"
	" ORDER BY i.closed, i.id LIMIT 1";

/* Of an incident; what refers to others goes first. */
static const char *const one_sql[] = {
	"DELETE FROM delivery WHERE event IN (SELECT id FROM event WHERE incident = ?)",
	"DELETE FROM event WHERE incident = ?",
	"DELETE FROM evidence WHERE incident = ?",
	"DELETE FROM tally WHERE incident = ?",
	"DELETE FROM incident WHERE id = ?",
	NULL,
};

/* Tests belong to no incident; so old, nobody waits for one. */
static const char *const tests_sql[] = {
	"DELETE FROM delivery WHERE event IN"
	" (SELECT id FROM event WHERE event = 'test' AND at < ?)",
	"DELETE FROM event WHERE event = 'test' AND at < ?",
	NULL,
};

static bool run_one(struct incident_store *st, const char *sql, int64_t number, char *err,
		    size_t errlen)
{
	struct db_stmt *s = db_prepare(st->db, sql, err, errlen);
	bool ok = s != NULL;

	if (ok) {
		db_bind_int(s, 0, number);
		ok = db_run(s, err, errlen);
	}
	db_finalize(s);
	return ok;
}

/* Statements with the same number, all of them or none. */
static bool run_all(struct incident_store *st, const char *const *sql, int64_t number, char *err,
		    size_t errlen)
{
	bool ok = true;

	if (!incident_store_begin(st, err, errlen))
		return false;
	while (ok && *sql)
		ok = run_one(st, *sql++, number, err, errlen);
	if (ok && incident_store_commit(st, err, errlen))
		return true;
	incident_store_rollback(st);
	return false;
}

/* *found: there is one to delete. */
static bool find_first(struct incident_store *st, int64_t before, struct incident *i, bool *found,
		       char *err, size_t errlen)
{
	struct db_stmt *s = db_prepare(st->db, first_sql, err, errlen);
	enum db_step step = DB_ERROR;

	if (s) {
		db_bind_int(s, 0, before);
		step = db_step(s, err, errlen);
	}
	*found = step == DB_ROW;
	if (*found) {
		i->id = db_int(s, 0);
		snprintf(i->rule, sizeof(i->rule), "%s", db_text(s, 1));
	}
	db_finalize(s);
	return step != DB_ERROR;
}

bool incident_store_expire(struct incident_store *st, int64_t before, unsigned most,
			   incident_gone_cb *cb, void *ctx, char *err, size_t errlen)
{
	struct incident i = { .id = 0 };
	bool found = true;

	while (most-- > 0) {
		if (!find_first(st, before, &i, &found, err, errlen))
			return false;
		if (!found)
			break;
		if (!run_all(st, one_sql, i.id, err, errlen))
			return false;
		cb(ctx, i.id, i.rule);
	}
	return run_all(st, tests_sql, before, err, errlen);
}
