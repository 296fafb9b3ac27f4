/* ledger_db.h - what the parts of the ledger share: ledger_schema.c makes it, ledger.c writes,
 * ledger_read.c and ledger_sum.c read, and ledger_servers.c keeps the memory of servers.
 */
#ifndef MAILSEAL_LEDGER_DB_H
#define MAILSEAL_LEDGER_DB_H

#include "reports/db.h"
#include "reports/ledger.h"

#define HOUR_S 3600
#define DAY_S  86400

struct ledger {
	struct db *db;
	/* Only when open for writing: */
	struct db_stmt *add_party;
	struct db_stmt *add_row[RESOLUTION_N];
	struct db_stmt *add_health[RESOLUTION_N];
	struct db_stmt *put_server, *drop_servers;
};

/* Is it a ledger, and one that this version knows? With LEDGER_WRITE an empty file becomes one,
 * and an older one is brought up to date. */
bool ledger_check_schema(struct ledger *l, const char *path, enum ledger_mode mode, char *err,
			 size_t errlen);

/* The servers of a step, within its transaction. */
bool ledger_prepare_servers(struct ledger *l, char *err, size_t errlen);
bool ledger_put_servers(struct ledger *l, const struct ledger_batch *b, char *err, size_t errlen);

/* A count of a row; 0 for what a damaged file has below. */
uint64_t ledger_count_at(struct db_stmt *s, int column);
/* Columns: a step, health counters, alive. */
void ledger_health_at(struct db_stmt *s, struct health *h);

/* The largest multiple of unit that is not above t; t is not negative. */
static inline int64_t ledger_floor(int64_t t, int64_t unit)
{
	return t - t % unit;
}

/* SQLite's integers end at INT64_MAX; a count that large is not real. */
static inline int64_t ledger_bounded(uint64_t n)
{
	return n > INT64_MAX ? INT64_MAX : (int64_t)n;
}

/* A number in meta; fallback when it is not there. */
bool ledger_meta(struct ledger *l, const char *name, int64_t fallback, int64_t *value, char *err,
		 size_t errlen);

#endif
