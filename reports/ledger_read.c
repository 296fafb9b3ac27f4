/* ledger_read.c - the reading half of the ledger: totals, walks, what is in it. */
#include "reports/ledger_db.h"

#include <stdio.h>
#include <string.h>

#include "reports/ledger_sql.h"

bool ledger_freeze(struct ledger *l, char *err, size_t errlen)
{
	return db_begin(l->db, err, errlen);
}

/* Rows ------------------------------------------------------------------------------------ */

/* A damaged file is no reason to print 18 million millions. */
uint64_t ledger_count_at(struct db_stmt *s, int column)
{
	int64_t n = db_int(s, column);

	return n < 0 ? 0 : (uint64_t)n;
}

/* Columns: service, client, server, counts. False when there is no such service. */
static bool row_at(struct db_stmt *s, int column, struct ledger_row *row, char *err, size_t errlen)
{
	int64_t service = db_int(s, column);

	if (service < 0 || service >= SERVICE_N) {
		snprintf(err, errlen, "the ledger is damaged: there is no service %d",
			 (int)service);
		return false;
	}
	row->service = (enum service)service;
	snprintf(row->client, sizeof(row->client), "%s", db_text(s, column + 1));
	snprintf(row->server, sizeof(row->server), "%s", db_text(s, column + 2));
	for (int i = 0; i < COUNT_N; i++)
		row->counts.n[i] = ledger_count_at(s, column + 3 + i);
	return true;
}

static void bind_filter(struct db_stmt *s, int param, const struct ledger_query *q)
{
	db_bind_int(s, param, q->service);
	db_bind_text(s, param + 1, q->client);
	db_bind_text(s, param + 2, q->server);
}

/* Totals ---------------------------------------------------------------------------------- */

/* All rows of a statement that begin with their service. */
static bool hand_out(struct db_stmt *s, ledger_pair_cb *cb, void *ctx, char *err, size_t errlen)
{
	enum db_step got = DB_DONE;
	struct ledger_row row;

	while ((got = db_step(s, err, errlen)) == DB_ROW) {
		if (!row_at(s, 0, &row, err, errlen))
			return false;
		if (!cb(ctx, &row))
			break;
	}
	return got != DB_ERROR;
}

void ledger_health_at(struct db_stmt *s, struct health *h)
{
	for (int i = 0; i < HEALTH_N; i++)
		h->n[i] = ledger_count_at(s, 1 + i);
	h->alive = ledger_count_at(s, 1 + HEALTH_N);
	h->steps = ledger_count_at(s, 2 + HEALTH_N);
}

static bool total_health(struct ledger *l, struct health *h, char *err, size_t errlen)
{
	struct sql text = { .len = 0 };
	struct db_stmt *s;
	bool ok;

	sql_total_health(&text);
	s = db_prepare(l->db, text.text, err, errlen);
	ok = s != NULL && db_step(s, err, errlen) == DB_ROW;
	if (ok)
		ledger_health_at(s, h);
	h->alive = 0;
	db_finalize(s);
	return ok;
}

bool ledger_totals(struct ledger *l, ledger_pair_cb *cb, void *ctx, struct health *h, char *err,
		   size_t errlen)
{
	struct sql text = { .len = 0 };
	struct db_stmt *s;
	bool ok;

	sql_totals(&text);
	s = db_prepare(l->db, text.text, err, errlen);
	ok = s != NULL && hand_out(s, cb, ctx, err, errlen) && total_health(l, h, err, errlen);
	db_finalize(s);
	return ok;
}

/* Walks ----------------------------------------------------------------------------------- */

bool ledger_walk(struct ledger *l, enum resolution r, const struct ledger_query *q,
		 ledger_step_cb *cb, void *ctx, char *err, size_t errlen)
{
	struct sql text = { .len = 0 };
	enum db_step got = DB_ROW;
	struct ledger_row row;
	struct db_stmt *s;
	bool ok = true;

	sql_walk(&text, r);
	s = db_prepare(l->db, text.text, err, errlen);
	if (s == NULL)
		return false;
	db_bind_int(s, 0, q->from);
	db_bind_int(s, 1, q->to);
	bind_filter(s, 2, q);
	while (ok && (got = db_step(s, err, errlen)) == DB_ROW) {
		ok = row_at(s, 1, &row, err, errlen);
		if (ok && !cb(ctx, db_int(s, 0), &row))
			break;
	}
	db_finalize(s);
	return ok && got != DB_ERROR;
}

bool ledger_walk_promised(struct ledger *l, enum resolution r, int64_t from, int64_t to,
			  ledger_promised_cb *cb, void *ctx, char *err, size_t errlen)
{
	struct sql text = { .len = 0 };
	struct db_stmt *s;
	enum db_step got;

	sql_walk_promised(&text, r);
	s = db_prepare(l->db, text.text, err, errlen);
	if (s == NULL)
		return false;
	db_bind_int(s, 0, from);
	db_bind_int(s, 1, to);
	while ((got = db_step(s, err, errlen)) == DB_ROW) {
		struct counts sum;

		for (int i = 0; i < COUNT_N; i++)
			sum.n[i] = ledger_count_at(s, 1 + i);
		if (!cb(ctx, db_int(s, 0), &sum))
			break;
	}
	db_finalize(s);
	return got != DB_ERROR;
}

bool ledger_walk_health(struct ledger *l, enum resolution r, int64_t from, int64_t to,
			ledger_health_cb *cb, void *ctx, char *err, size_t errlen)
{
	struct sql text = { .len = 0 };
	struct db_stmt *s;
	enum db_step got;

	sql_walk_health(&text, r);
	s = db_prepare(l->db, text.text, err, errlen);
	if (s == NULL)
		return false;
	db_bind_int(s, 0, from);
	db_bind_int(s, 1, to);
	while ((got = db_step(s, err, errlen)) == DB_ROW) {
		struct health h;

		ledger_health_at(s, &h);
		if (!cb(ctx, db_int(s, 0), &h))
			break;
	}
	db_finalize(s);
	return got != DB_ERROR;
}

int64_t ledger_seen_s(const struct health *h, enum resolution r)
{
	int64_t all = resolution_seconds(r);

	return h->steps > (uint64_t)(all / STEP_S) ? all : (int64_t)h->steps * STEP_S;
}

/* What is in it --------------------------------------------------------------------------- */

bool ledger_span(struct ledger *l, int64_t *first, int64_t *last, char *err, size_t errlen)
{
	struct db_stmt *s = db_prepare(l->db,
				       "SELECT (SELECT min(step) FROM health_days),"
				       " (SELECT min(step) FROM health_hours),"
				       " (SELECT min(step) FROM health_minutes),"
				       " (SELECT value FROM meta WHERE name = 'last_step'),"
				       " EXISTS(SELECT 1 FROM health_minutes)",
				       err, errlen);
	bool found = s != NULL && db_step(s, err, errlen) == DB_ROW;

	if (found) {
		int64_t day = db_int(s, 0), hour = db_int(s, 1), minute = db_int(s, 2);

		/* The finer row is the first one only if it lies in the coarser one. */
		*first = ledger_floor(hour, DAY_S) != day       ? day
			 : ledger_floor(minute, HOUR_S) != hour ? hour
								: minute;
		*last = db_int(s, 3);
		if (db_int(s, 4) == 0) {
			found = false;
			err[0] = '\0';
		}
	}
	db_finalize(s);
	return found;
}

bool ledger_peers(struct ledger *l, ledger_peer_cb *cb, void *ctx, char *err, size_t errlen)
{
	struct db_stmt *s =
		db_prepare(l->db, "SELECT name, signatory FROM peer ORDER BY name", err, errlen);
	enum db_step got;

	if (s == NULL)
		return false;
	while ((got = db_step(s, err, errlen)) == DB_ROW) {
		if (!cb(ctx, db_text(s, 0), db_int(s, 1) != 0))
			break;
	}
	db_finalize(s);
	return got != DB_ERROR;
}

bool ledger_party(struct ledger *l, const char *name, struct ledger_party *out, char *err,
		  size_t errlen)
{
	struct db_stmt *s =
		db_prepare(l->db,
			   "SELECT ?1 = 'other' OR EXISTS(SELECT 1 FROM party WHERE name = ?1) OR"
			   " EXISTS(SELECT 1 FROM peer WHERE name = ?1 OR name || '-net' = ?1),"
			   " EXISTS(SELECT 1 FROM peer WHERE name = ?1 AND signatory)",
			   err, errlen);
	bool ok = s != NULL;

	if (ok) {
		db_bind_text(s, 0, name);
		ok = db_step(s, err, errlen) == DB_ROW;
	}
	if (ok)
		*out = (struct ledger_party){ .known = db_int(s, 0) != 0,
					      .signatory = db_int(s, 1) != 0 };
	db_finalize(s);
	return ok;
}
