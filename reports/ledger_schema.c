/* ledger_schema.c - makes a ledger, and brings an older one up to date. */
#include "reports/ledger_db.h"

#include <inttypes.h>
#include <stdio.h>

#include "reports/ledger_sql.h"

/* Grows with every table, count and health counter that is added.
 * 1: the beginning. 2: the memory of servers. 3: sums of days that are gone. 4: steps of health.
 * 5: bytes acknowledged and never seen. 6: sessions missing in the session log. */
#define LEDGER_SCHEMA         6
#define LEDGER_APPLICATION_ID 0x6d736c64 /* "msld" */

static bool one_int(struct ledger *l, const char *sql, int64_t *value, char *err, size_t errlen)
{
	struct db_stmt *s = db_prepare(l->db, sql, err, errlen);
	enum db_step got = s == NULL ? DB_ERROR : db_step(s, err, errlen);

	if (got == DB_ROW)
		*value = db_int(s, 0);
	db_finalize(s);
	return got != DB_ERROR;
}

/* A question to the database, and whether it could be asked. */
struct asked {
	struct db_stmt *stmt;
	bool ok;
	char *err;
	size_t errlen;
};

static bool has_column(void *ctx, const char *table, const char *column)
{
	struct asked *a = ctx;
	enum db_step got;

	db_bind_text(a->stmt, 0, table);
	db_bind_text(a->stmt, 1, column);
	got = db_step(a->stmt, a->err, a->errlen);
	a->ok = a->ok && got != DB_ERROR;
	db_reset(a->stmt);
	return got != DB_DONE;
}

static bool add_missing(struct ledger *l, char *err, size_t errlen)
{
	struct asked a = { .ok = true, .err = err, .errlen = errlen };
	struct sql q = { .len = 0 };

	a.stmt =
		db_prepare(l->db, "SELECT 1 FROM pragma_table_info(?) WHERE name = ?", err, errlen);
	if (a.stmt == NULL)
		return false;
	sql_missing(&q, has_column, &a);
	db_finalize(a.stmt);
	return a.ok && db_exec(l->db, q.text, err, errlen);
}

/* Makes everything that is not there, in a new ledger or in an older one. */
static bool complete(struct ledger *l, char *err, size_t errlen)
{
	struct sql q = { .len = 0 };

	sql_add(&q, "PRAGMA application_id=%d;", LEDGER_APPLICATION_ID);
	sql_schema(&q);
	sql_add(&q, "INSERT OR REPLACE INTO meta VALUES('schema', %d);", LEDGER_SCHEMA);
	if (!db_begin(l->db, err, errlen))
		return false;
	if (db_exec(l->db, q.text, err, errlen) && add_missing(l, err, errlen) &&
	    db_commit(l->db, err, errlen))
		return true;
	db_rollback(l->db);
	return false;
}

bool ledger_check_schema(struct ledger *l, const char *path, enum ledger_mode mode, char *err,
			 size_t errlen)
{
	int64_t id = 0, tables = 0, schema = 0;

	if (!one_int(l, "PRAGMA application_id", &id, err, errlen) ||
	    !one_int(l, "SELECT count(*) FROM sqlite_master", &tables, err, errlen))
		return false;
	if (mode == LEDGER_WRITE && id == 0 && tables == 0)
		return complete(l, err, errlen);
	if (id != LEDGER_APPLICATION_ID) {
		snprintf(err, errlen, "%s is not a ledger of mailseal", path);
		return false;
	}
	if (!ledger_meta(l, "schema", 0, &schema, err, errlen))
		return false;
	if (schema > LEDGER_SCHEMA) {
		snprintf(err, errlen,
			 "%s was written by a newer mailseal (schema %" PRId64
			 ", this one knows %d)",
			 path, schema, LEDGER_SCHEMA);
		return false;
	}
	if (schema == LEDGER_SCHEMA)
		return true;
	if (mode == LEDGER_WRITE)
		return complete(l, err, errlen);
	snprintf(
		err, errlen,
		"%s was written by an older mailseal: starting this mailseald on it, or \"mailseal "
		"rebuild-rrd\", brings it up to date",
		path);
	return false;
}
