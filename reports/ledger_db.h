/* ledger_db.h - what the two halves of the ledger share: ledger.c writes, ledger_read.c reads.

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
};

/* The largest multiple of unit that is not above t; t is not negative. */
static inline int64_t ledger_floor(int64_t t, int64_t unit)
{
	return t - t % unit;
}

/* A number in meta; fallback when it is not there. */
bool ledger_meta(struct ledger *l, const char *name, int64_t fallback, int64_t *value, char *err,
		 size_t errlen);

#endif
