/* ledger_sql.c - the statements of the ledger. */
#include "reports/ledger_sql.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static const struct names {
	const char *rows, *health, *kept_from;
	unsigned steps; /* in one row */
} names[RESOLUTION_N] = {
	[RESOLUTION_MINUTE] = { "minutes", "health_minutes", "minutes_from", 1 },
	[RESOLUTION_HOUR] = { "hours", "health_hours", "hours_from", 60 },
	[RESOLUTION_DAY] = { "days", "health_days", "days_from", 1440 },
};

/* What is past the retention of days, in rows of step 0. */
static const struct names gone = { "gone", "health_gone", NULL, 0 };

void sql_add(struct sql *q, const char *format, ...)
{
	size_t room = sizeof(q->text) - q->len;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(q->text + q->len, room, format, args);
	va_end(args);
	assert(n >= 0 && (size_t)n < room);
	q->len += (size_t)n;
}

const char *sql_kept_from(enum resolution r)
{
	return names[r].kept_from;
}

/* ", name, name ..." with what stands before and behind each name. */
static void add_counts(struct sql *q, const char *before, const char *behind)
{
	for (unsigned i = 0; i < COUNT_N; i++)
		sql_add(q, ", %s%s%s", before, count_name((enum count)i), behind);
}

static void add_health(struct sql *q, const char *before, const char *behind)
{
	for (unsigned i = 0; i < HEALTH_N; i++)
		sql_add(q, ", %s%s%s", before, health_name((enum health_counter)i), behind);
	sql_add(q, ", %salive%s, %ssteps%s", before, behind, before, behind);
}

static void add_parameters(struct sql *q, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		sql_add(q, ", ?");
}

/* Writing --------------------------------------------------------------------------------- */

#define COUNTER " INTEGER NOT NULL DEFAULT 0"

static void create_tables(struct sql *q, const struct names *n)
{
	sql_add(q,
		"CREATE TABLE IF NOT EXISTS %s(step INTEGER NOT NULL, service INTEGER NOT NULL,"
		" client INTEGER NOT NULL REFERENCES party(id),"
		" server INTEGER NOT NULL REFERENCES party(id)",
		n->rows);
	add_counts(q, "", COUNTER);
	sql_add(q, ", PRIMARY KEY(step, service, client, server)) WITHOUT ROWID;");
	sql_add(q, "CREATE TABLE IF NOT EXISTS %s(step INTEGER PRIMARY KEY", n->health);
	add_health(q, "", COUNTER);
	sql_add(q, ");");
}

void sql_schema(struct sql *q)
{
	sql_add(q, "CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL)"
		   " WITHOUT ROWID;"
		   "CREATE TABLE IF NOT EXISTS party(id INTEGER PRIMARY KEY,"
		   " name TEXT NOT NULL UNIQUE);"
		   "CREATE TABLE IF NOT EXISTS peer(name TEXT PRIMARY KEY,"
		   " signatory INTEGER NOT NULL) WITHOUT ROWID;"
		   "CREATE TABLE IF NOT EXISTS server(address TEXT NOT NULL,"
		   " port INTEGER NOT NULL, offered INTEGER NOT NULL,"
		   " without INTEGER NOT NULL, without_before INTEGER NOT NULL,"
		   " without_n INTEGER NOT NULL, seen INTEGER NOT NULL,"
		   " PRIMARY KEY(address, port)) WITHOUT ROWID;"
		   "CREATE INDEX IF NOT EXISTS server_seen ON server(seen);");
	for (unsigned r = 0; r < RESOLUTION_N; r++)
		create_tables(q, &names[r]);
	create_tables(q, &gone);
}

static void add_column(struct sql *q, const char *table, const char *column, sql_has_cb *has,
		       void *ctx)
{
	if (!has(ctx, table, column))
		sql_add(q, "ALTER TABLE %s ADD COLUMN %s" COUNTER ";", table, column);
}

static void add_columns(struct sql *q, const struct names *n, sql_has_cb *has, void *ctx)
{
	for (unsigned i = 0; i < COUNT_N; i++)
		add_column(q, n->rows, count_name((enum count)i), has, ctx);
	for (unsigned i = 0; i < HEALTH_N; i++)
		add_column(q, n->health, health_name((enum health_counter)i), has, ctx);
	/* Of the rows that are there nobody knows better than that the sensor ran all the time. */
	if (!has(ctx, n->health, "steps"))
		sql_add(q, "ALTER TABLE %s ADD COLUMN steps INTEGER NOT NULL DEFAULT %u;",
			n->health, n->steps);
}

void sql_missing(struct sql *q, sql_has_cb *has, void *ctx)
{
	for (unsigned r = 0; r < RESOLUTION_N; r++)
		add_columns(q, &names[r], has, ctx);
	add_columns(q, &gone, has, ctx);
}

const char sql_put_server[] = "INSERT OR REPLACE INTO server(address, port, offered, without,"
			      " without_before, without_n, seen) VALUES(?, ?, ?, ?, ?, ?, ?)";
const char sql_drop_servers[] =
	"DELETE FROM server WHERE seen < ?1 OR seen > ?2 OR"
	" seen <= (SELECT seen FROM server ORDER BY seen DESC LIMIT 1 OFFSET ?3)";
const char sql_servers[] = "SELECT address, port, offered, without, without_before, without_n"
			   " FROM server ORDER BY seen";

/* The end of an INSERT: what is there already grows. */
static void add_to_row(struct sql *q)
{
	sql_add(q, " ON CONFLICT(step, service, client, server) DO UPDATE SET ");
	for (unsigned i = 0; i < COUNT_N; i++) {
		const char *name = count_name((enum count)i);

		sql_add(q, "%s%s = %s + excluded.%s", i == 0 ? "" : ", ", name, name, name);
	}
}

/* The same; alive is a level: the last one stands. */
static void add_to_health(struct sql *q)
{
	sql_add(q, " ON CONFLICT(step) DO UPDATE SET alive = excluded.alive,"
		   " steps = steps + excluded.steps");
	for (unsigned i = 0; i < HEALTH_N; i++) {
		const char *name = health_name((enum health_counter)i);

		sql_add(q, ", %s = %s + excluded.%s", name, name, name);
	}
}

void sql_add_row(struct sql *q, enum resolution r)
{
	sql_add(q, "INSERT INTO %s(step, service, client, server", names[r].rows);
	add_counts(q, "", "");
	sql_add(q, ") VALUES(?, ?, (SELECT id FROM party WHERE name = ?),"
		   " (SELECT id FROM party WHERE name = ?)");
	add_parameters(q, COUNT_N);
	sql_add(q, ")");
	add_to_row(q);
}

void sql_add_health(struct sql *q, enum resolution r)
{
	sql_add(q, "INSERT INTO %s(step", names[r].health);
	add_health(q, "", "");
	sql_add(q, ") VALUES(?");
	add_parameters(q, HEALTH_N + 2);
	sql_add(q, ")");
	add_to_health(q);
}

/* The days that go are added to what has gone before. */
static void keep_totals(struct sql *q, int64_t before)
{
	const struct names *days = &names[RESOLUTION_DAY];

	sql_add(q, "INSERT INTO %s(step, service, client, server", gone.rows);
	add_counts(q, "", "");
	sql_add(q, ") SELECT 0, service, client, server");
	add_counts(q, "sum(", ")");
	sql_add(q, " FROM %s WHERE step < %" PRId64 " GROUP BY service, client, server", days->rows,
		before);
	add_to_row(q);
	sql_add(q, ";INSERT INTO %s(step", gone.health);
	add_health(q, "", "");
	sql_add(q, ") SELECT 0");
	add_health(q, "coalesce(sum(", "), 0)");
	sql_add(q, " FROM %s WHERE step < %" PRId64, days->health, before);
	add_to_health(q);
	sql_add(q, ";");
}

void sql_expire(struct sql *q, enum resolution r, int64_t before)
{
	if (r == RESOLUTION_DAY)
		keep_totals(q, before);
	sql_add(q, "DELETE FROM %s WHERE step < %" PRId64 ";", names[r].rows, before);
	sql_add(q, "DELETE FROM %s WHERE step < %" PRId64 ";", names[r].health, before);
}

/* Reading --------------------------------------------------------------------------------- */

/* Conditions on service (negative: all), client and server (NULL: all), from parameter first on. */
static void add_filter(struct sql *q, unsigned first)
{
	sql_add(q, " WHERE (?%u < 0 OR a.service = ?%u)", first, first);
	sql_add(q, " AND (?%u IS NULL OR c.name = ?%u)", first + 1, first + 1);
	sql_add(q, " AND (?%u IS NULL OR s.name = ?%u)", first + 2, first + 2);
}

static const struct arm {
	enum resolution resolution;
	bool where_gone; /* only where the rows of the next finer resolution are gone */
	enum resolution gone;
} arms[ARM_N] = {
	[MINUTES_HEAD] = { .resolution = RESOLUTION_MINUTE },
	[MINUTES_TAIL] = { .resolution = RESOLUTION_MINUTE },
	[HOURS_HEAD] = { .resolution = RESOLUTION_HOUR },
	[HOURS_TAIL] = { .resolution = RESOLUTION_HOUR },
	[DAYS_WHOLE] = { .resolution = RESOLUTION_DAY },
	[HOURS_REST] = { RESOLUTION_HOUR, true, RESOLUTION_MINUTE },
	[DAYS_REST] = { RESOLUTION_DAY, true, RESOLUTION_HOUR },
};

static void add_where_gone(struct sql *q, const char *step, enum resolution finer)
{
	sql_add(q, " AND %s < coalesce((SELECT value FROM meta WHERE name = '%s'), 0)", step,
		names[finer].kept_from);
}

/* CROSS JOIN keeps the steps in the outer loop: each has a row of health, and the rows of a pair, or of
 * a client, in it are found by their key. */
static void add_arm(struct sql *q, unsigned i, const struct ledger_query *f)
{
	const struct names *n = &names[arms[i].resolution];

	sql_add(q, "%sSELECT r.service, r.client, r.server", i == 0 ? "" : " UNION ALL ");
	add_counts(q, "r.", "");
	sql_add(q,
		" FROM %s h CROSS JOIN %s r ON r.step = h.step"
		" WHERE h.step >= ?%u AND h.step < ?%u",
		n->health, n->rows, 2 * i + 1, 2 * i + 2);
	if (f->service >= 0)
		sql_add(q, " AND r.service = ?%d", SUM_SERVICE + 1);
	if (f->client)
		sql_add(q, " AND r.client = (SELECT id FROM party WHERE name = ?%d)",
			SUM_CLIENT + 1);
	if (f->server)
		sql_add(q, " AND r.server = (SELECT id FROM party WHERE name = ?%d)",
			SUM_SERVER + 1);
	if (arms[i].where_gone)
		add_where_gone(q, "h.step", arms[i].gone);
}

void sql_sum(struct sql *q, const struct ledger_query *f)
{
	for (unsigned i = 0; i < ARM_N; i++)
		add_arm(q, i, f);
}

void sql_sum_health(struct sql *q)
{
	sql_add(q, "SELECT 0");
	add_health(q, "coalesce(sum(", "), 0)");
	sql_add(q, " FROM (");
	for (unsigned i = 0; i < ARM_N; i++) {
		sql_add(q, "%sSELECT * FROM %s WHERE step >= ?%u AND step < ?%u",
			i == 0 ? "" : " UNION ALL ", names[arms[i].resolution].health, 2 * i + 1,
			2 * i + 2);
		if (arms[i].where_gone)
			add_where_gone(q, "step", arms[i].gone);
	}
	sql_add(q, ")");
}

void sql_sum_steps(struct sql *q, enum resolution r)
{
	sql_add(q, "SELECT coalesce(sum(steps), 0) FROM %s WHERE step >= ? AND step < ?",
		names[r].health);
}

/* CROSS JOIN keeps the rows in the outer loop, where they come in the order of their key. */
void sql_walk(struct sql *q, enum resolution r)
{
	sql_add(q, "SELECT a.step, a.service, c.name, s.name");
	add_counts(q, "", "");
	sql_add(q,
		" FROM %s a CROSS JOIN party c ON c.id = a.client"
		" CROSS JOIN party s ON s.id = a.server",
		names[r].rows);
	add_filter(q, 3);
	sql_add(q, " AND a.step >= ?1 AND a.step < ?2"
		   " ORDER BY a.step, c.name, s.name, a.service");
}

void sql_walk_promised(struct sql *q, enum resolution r)
{
	static const char signatories[] = "(SELECT party.id FROM party JOIN peer USING (name)"
					  " WHERE peer.signatory)";

	sql_add(q, "SELECT step");
	add_counts(q, "sum(", ")");
	sql_add(q, " FROM %s WHERE step >= ? AND step < ? AND service = %d AND client <> server",
		names[r].rows, SERVICE_MTA);
	sql_add(q, " AND client IN %s AND server IN %s GROUP BY step ORDER BY step", signatories,
		signatories);
}

void sql_walk_health(struct sql *q, enum resolution r)
{
	sql_add(q, "SELECT step");
	add_health(q, "", "");
	sql_add(q, " FROM %s WHERE step >= ? AND step < ? ORDER BY step", names[r].health);
}

void sql_totals(struct sql *q)
{
	const char *tables[] = { names[RESOLUTION_DAY].rows, gone.rows };

	sql_add(q, "SELECT a.service, c.name, s.name");
	add_counts(q, "sum(", ")");
	sql_add(q, " FROM (");
	for (unsigned i = 0; i < 2; i++) {
		sql_add(q, "%sSELECT service, client, server", i == 0 ? "" : " UNION ALL ");
		add_counts(q, "", "");
		sql_add(q, " FROM %s", tables[i]);
	}
	sql_add(q, ") a JOIN party c ON c.id = a.client JOIN party s ON s.id = a.server"
		   " GROUP BY a.client, a.server, a.service ORDER BY c.name, s.name, a.service");
}

void sql_total_health(struct sql *q)
{
	sql_add(q, "SELECT 0");
	add_health(q, "coalesce(sum(", "), 0)");
	sql_add(q, " FROM (SELECT * FROM %s UNION ALL SELECT * FROM %s)",
		names[RESOLUTION_DAY].health, gone.health);
}
