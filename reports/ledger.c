/* ledger.c - the writing half of the ledger: steps, retention. */
#include "reports/ledger_db.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/ledger_sql.h"
#include "reports/record.h"

/* What is kept for how long. What is deleted ends where a unit of the next resolution does. */
static const struct retention {
	int64_t seconds;
	int64_t keep_days;
	int64_t align;
} retention[RESOLUTION_N] = {
	[RESOLUTION_MINUTE] = { STEP_S, 14, HOUR_S },
	[RESOLUTION_HOUR] = { HOUR_S, 427, DAY_S },
	[RESOLUTION_DAY] = { DAY_S, 1827, DAY_S },
};

int64_t resolution_seconds(enum resolution r)
{
	return retention[r].seconds;
}

/* Opening --------------------------------------------------------------------------------- */

static bool prepare_writes(struct ledger *l, char *err, size_t errlen)
{
	l->add_party = db_prepare(l->db, "INSERT INTO party(name) VALUES(?) ON CONFLICT DO NOTHING",
				  err, errlen);
	for (unsigned r = 0; r < RESOLUTION_N; r++) {
		struct sql row = { .len = 0 }, health = { .len = 0 };

		sql_add_row(&row, (enum resolution)r);
		sql_add_health(&health, (enum resolution)r);
		l->add_row[r] = db_prepare(l->db, row.text, err, errlen);
		l->add_health[r] = db_prepare(l->db, health.text, err, errlen);
		if (l->add_row[r] == NULL || l->add_health[r] == NULL)
			return false;
	}
	return l->add_party != NULL && ledger_prepare_servers(l, err, errlen);
}

struct ledger *ledger_open(const char *dir, enum ledger_mode mode, char *err, size_t errlen)
{
	struct ledger *l = calloc(1, sizeof(*l));
	char *path = NULL;

	if (l == NULL || asprintf(&path, "%s/ledger.db", dir) < 0)
		abort();
	l->db = db_open(path, mode == LEDGER_WRITE, err, errlen);
	if (l->db == NULL || !ledger_check_schema(l, path, mode, err, errlen) ||
	    (mode == LEDGER_WRITE && !prepare_writes(l, err, errlen))) {
		ledger_close(l);
		l = NULL;
	}
	free(path);
	return l;
}

void ledger_close(struct ledger *l)
{
	if (l == NULL)
		return;
	for (unsigned r = 0; r < RESOLUTION_N; r++) {
		db_finalize(l->add_row[r]);
		db_finalize(l->add_health[r]);
	}
	db_finalize(l->add_party);
	db_finalize(l->put_server);
	db_finalize(l->drop_servers);
	db_close(l->db);
	free(l);
}

/* Meta ------------------------------------------------------------------------------------ */

bool ledger_meta(struct ledger *l, const char *name, int64_t fallback, int64_t *value, char *err,
		 size_t errlen)
{
	struct db_stmt *s = db_prepare(l->db, "SELECT value FROM meta WHERE name = ?", err, errlen);
	enum db_step got = DB_ERROR;

	if (s != NULL) {
		db_bind_text(s, 0, name);
		got = db_step(s, err, errlen);
		*value = got == DB_ROW ? db_int(s, 0) : fallback;
	}
	db_finalize(s);
	return got != DB_ERROR;
}

static bool set_meta(struct ledger *l, const char *name, int64_t value, char *err, size_t errlen)
{
	struct db_stmt *s =
		db_prepare(l->db, "INSERT OR REPLACE INTO meta VALUES(?, ?)", err, errlen);
	bool ok = s != NULL;

	if (ok) {
		db_bind_text(s, 0, name);
		db_bind_int(s, 1, value);
		ok = db_run(s, err, errlen);
	}
	db_finalize(s);
	return ok;
}

bool ledger_last_step(struct ledger *l, int64_t *step, bool *open, char *err, size_t errlen)
{
	int64_t is_open = 0;
	bool ok = ledger_meta(l, "last_step", -1, step, err, errlen) &&
		  ledger_meta(l, "open", 0, &is_open, err, errlen);

	*open = is_open != 0;
	return ok;
}

bool ledger_kept(struct ledger *l, enum resolution r, int64_t *from, char *err, size_t errlen)
{
	return ledger_meta(l, sql_kept_from(r), 0, from, err, errlen);
}

bool ledger_mark_rrd(struct ledger *l, bool dirty, char *err, size_t errlen)
{
	return set_meta(l, "rrd_dirty", dirty, err, errlen);
}

bool ledger_rrd_dirty(struct ledger *l, bool *dirty, char *err, size_t errlen)
{
	int64_t value = 0;
	bool ok = ledger_meta(l, "rrd_dirty", 0, &value, err, errlen);

	*dirty = value != 0;
	return ok;
}

/* Ends a transaction: commits what went well, else rolls back. */
static bool finish(struct ledger *l, bool ok, char *err, size_t errlen)
{
	if (ok && db_commit(l->db, err, errlen))
		return true;
	db_rollback(l->db);
	return false;
}

static bool replace_peers(struct ledger *l, const struct peers *p, char *err, size_t errlen)
{
	struct db_stmt *s;
	bool ok = true;

	if (!db_exec(l->db, "DELETE FROM peer", err, errlen))
		return false;
	s = db_prepare(l->db, "INSERT INTO peer VALUES(?, ?)", err, errlen);
	if (s == NULL)
		return false;
	for (int i = 0; ok && (size_t)i < peers_count(p); i++) {
		db_bind_text(s, 0, peers_name(p, i));
		db_bind_int(s, 1, peers_signatory(p, i));
		ok = db_run(s, err, errlen);
	}
	db_finalize(s);
	return ok;
}

bool ledger_set_peers(struct ledger *l, const struct peers *p, char *err, size_t errlen)
{
	return db_begin(l->db, err, errlen) &&
	       finish(l, replace_peers(l, p, err, errlen), err, errlen);
}

/* Steps ----------------------------------------------------------------------------------- */

static bool step_allowed(struct ledger *l, int64_t step, char *err, size_t errlen)
{
	char given[40], ends[40];
	int64_t last;
	bool open;

	if (step < 0 || step % STEP_S != 0) {
		snprintf(err, errlen, "%" PRId64 " is not the beginning of a step", step);
		return false;
	}
	if (!ledger_last_step(l, &last, &open, err, errlen))
		return false;
	if (step > last || (step == last && open))
		return true;
	step_text(step, given, sizeof(given));
	step_text(last, ends, sizeof(ends));
	snprintf(err, errlen, "the step %s cannot be added: the ledger already ends with %s", given,
		 ends);
	return false;
}

static bool add_party(struct ledger *l, const char *name, char *err, size_t errlen)
{
	db_bind_text(l->add_party, 0, name);
	return db_run(l->add_party, err, errlen);
}

static bool add_row(struct ledger *l, int64_t step, const struct ledger_row *row, char *err,
		    size_t errlen)
{
	if (!add_party(l, row->client, err, errlen) || !add_party(l, row->server, err, errlen))
		return false;
	for (unsigned r = 0; r < RESOLUTION_N; r++) {
		struct db_stmt *s = l->add_row[r];

		db_bind_int(s, 0, ledger_floor(step, retention[r].seconds));
		db_bind_int(s, 1, row->service);
		db_bind_text(s, 2, row->client);
		db_bind_text(s, 3, row->server);
		for (int i = 0; i < COUNT_N; i++)
			db_bind_int(s, 4 + i, ledger_bounded(row->counts.n[i]));
		if (!db_run(s, err, errlen))
			return false;
	}
	return true;
}

/* again: the step is there already, and more comes to it. */
static bool add_health(struct ledger *l, int64_t step, bool again, const struct health *h,
		       char *err, size_t errlen)
{
	for (unsigned r = 0; r < RESOLUTION_N; r++) {
		struct db_stmt *s = l->add_health[r];

		db_bind_int(s, 0, ledger_floor(step, retention[r].seconds));
		for (int i = 0; i < HEALTH_N; i++)
			db_bind_int(s, 1 + i, ledger_bounded(h->n[i]));
		db_bind_int(s, 1 + HEALTH_N, ledger_bounded(h->alive));
		db_bind_int(s, 2 + HEALTH_N, again ? 0 : 1);
		if (!db_run(s, err, errlen))
			return false;
	}
	return true;
}

static bool add_batch(struct ledger *l, const struct ledger_batch *b, char *err, size_t errlen)
{
	bool open;
	int64_t last;

	if (!ledger_last_step(l, &last, &open, err, errlen))
		return false;
	for (size_t i = 0; i < b->rows_n; i++) {
		if (!add_row(l, b->step, &b->rows[i], err, errlen))
			return false;
	}
	return add_health(l, b->step, b->step == last, b->health, err, errlen) &&
	       ledger_put_servers(l, b, err, errlen);
}

bool ledger_commit(struct ledger *l, const struct ledger_batch *b, char *err, size_t errlen)
{
	bool ok;

	if (!db_begin(l->db, err, errlen))
		return false;
	ok = step_allowed(l, b->step, err, errlen) && add_batch(l, b, err, errlen) &&
	     set_meta(l, "last_step", b->step, err, errlen) &&
	     set_meta(l, "open", b->open, err, errlen);
	return finish(l, ok, err, errlen);
}

/* Retention ------------------------------------------------------------------------------- */

static bool expire(struct ledger *l, enum resolution r, int64_t before, char *err, size_t errlen)
{
	struct sql q = { .len = 0 };
	bool ok;

	sql_expire(&q, r, before);
	if (!db_begin(l->db, err, errlen))
		return false;
	ok = db_exec(l->db, q.text, err, errlen) &&
	     set_meta(l, sql_kept_from(r), before, err, errlen);
	return finish(l, ok, err, errlen);
}

/* The last time is known from how far back minutes are kept; before it there was only the first step. */
bool ledger_retention(struct ledger *l, int64_t now, int64_t *from, char *err, size_t errlen)
{
	int64_t last, first;

	if (!ledger_kept(l, RESOLUTION_MINUTE, &last, err, errlen))
		return false;
	err[0] = '\0';
	if (last > 0)
		last += retention[RESOLUTION_MINUTE].keep_days * DAY_S;
	else if (ledger_span(l, &first, &last, err, errlen))
		last = first;
	else
		last = now;
	*from = now > last + DAY_S ? last + DAY_S : now;
	return err[0] == '\0';
}

bool ledger_expire(struct ledger *l, int64_t now, char *err, size_t errlen)
{
	int64_t last;
	bool open;

	if (!ledger_last_step(l, &last, &open, err, errlen))
		return false;
	if (now > last + STEP_S)
		now = last + STEP_S;
	for (unsigned i = 0; i < RESOLUTION_N; i++) {
		enum resolution r = (enum resolution)i;
		int64_t before = now - retention[r].keep_days * DAY_S, kept;

		if (!ledger_kept(l, r, &kept, err, errlen))
			return false;
		before = before < 0 ? 0 : ledger_floor(before, retention[r].align);
		if (before > kept && !expire(l, r, before, err, errlen))
			return false;
	}
	return true;
}
