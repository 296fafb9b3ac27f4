/* ledger_sql.h - the statements of the ledger, spelled from the tables of counts.h and health.h.
 *
 * minutes, hours and days have one row per (step, service, client, server), health_minutes,
 * health_hours and health_days one per step in which the sensor ran. Names of parties are kept
 * once, in party. meta holds single numbers. server has one row per address and port of the memory
 * of servers; seen is the latest of its times.
 *
 * What was deleted is told in meta: before minutes_from (aligned to the hour) there are no
 * minutes, before hours_from (aligned to the day) no hours. Days that were deleted live on in the
 * sums of gone and health_gone, which have one row for each pair, and one.
 */
#ifndef MAILSEAL_LEDGER_SQL_H
#define MAILSEAL_LEDGER_SQL_H

#include "reports/ledger.h"

/* A text that grows; starts with len 0. */
struct sql {
	char text[16384];
	size_t len;
};

__attribute__((format(printf, 2, 3))) void sql_add(struct sql *q, const char *format, ...);

const char *sql_kept_from(enum resolution r); /* its name in meta */

/* Everything that is not there yet. */
void sql_schema(struct sql *q);
/* Columns that an earlier version did not know, as ALTER TABLE for those that has() does not
 * know. */
typedef bool sql_has_cb(void *ctx, const char *table, const char *column);
void sql_missing(struct sql *q, sql_has_cb *has, void *ctx);
/* Parameters: address, port, the four values of struct server, seen. */
extern const char sql_put_server[];
/* Parameters: seen before this goes, and seen behind this, and all but so many. */
extern const char sql_drop_servers[];
/* Columns: as the parameters of sql_put_server without seen. */
extern const char sql_servers[];
/* Parameters: step, service, client, server, counts. The names are in party already. */
void sql_add_row(struct sql *q, enum resolution r);
/* Parameters: step, health counters, alive. */
void sql_add_health(struct sql *q, enum resolution r);
/* Adds days to what has gone, and deletes. */
void sql_expire(struct sql *q, enum resolution r, int64_t before);

/* A period is covered by the coarsest rows that fit: days, hours at their ends, minutes at the
 * ends of these. REST is the last, broken unit, read whole where its parts are gone. */
enum sum_arm {
	MINUTES_HEAD,
	MINUTES_TAIL,
	HOURS_HEAD,
	HOURS_TAIL,
	DAYS_WHOLE,
	HOURS_REST,
	DAYS_REST,
	ARM_N
};

/* Places of the parameters behind from and to of each arm; only those that the query asks for are in
 * the statement. */
enum { SUM_SERVICE = 2 * ARM_N, SUM_CLIENT, SUM_SERVER };
/* Columns: service, ids of client and server, counts; row by row, not added up. */
void sql_sum(struct sql *q, const struct ledger_query *f);
/* Parameters: from and to of each arm. Columns: 0, health counters, alive. */
void sql_sum_health(struct sql *q);
/* Parameters: from, to. Column: in how many steps the sensor ran. */
void sql_sum_steps(struct sql *q, enum resolution r);
/* Parameters: from, to, service, client, server. Columns: step, then as above. */
void sql_walk(struct sql *q, enum resolution r);
/* Parameters: from, to. Columns: step, health counters, alive. */
void sql_walk_promised(struct sql *q, enum resolution r);
void sql_walk_health(struct sql *q, enum resolution r);
/* No parameters. Columns: service, client, server, counts. */
void sql_totals(struct sql *q);
/* No parameters. Columns: 0, health counters, alive. */
void sql_total_health(struct sql *q);

#endif
