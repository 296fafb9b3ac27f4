/* ledger_sql.h - the statements of the ledger, spelled from the tables of counts.h and health.h.
 *
 * minutes, hours and days have one row per (step, service, client, server), health_minutes,
 * health_hours and health_days one per step in which the sensor ran. Names of parties are kept
 * once, in party. meta holds single numbers.
 *
 * What was deleted is told in meta: before minutes_from (aligned to the hour) there are no
 * minutes, before hours_from (aligned to the day) no hours.
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

void sql_schema(struct sql *q);
/* Parameters: step, service, client, server, counts. The names are in party already. */
void sql_add_row(struct sql *q, enum resolution r);
/* Parameters: step, health counters, alive. */
void sql_add_health(struct sql *q, enum resolution r);
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

/* Parameters: from and to of each arm, then service, client, server. Columns: service, client,
 * server, counts. One statement, so that what it sees of meta and of the rows belongs together. */
void sql_sum(struct sql *q);
/* Parameters: from, to, service, client, server. Columns: step, then as above. */
void sql_walk(struct sql *q, enum resolution r);
/* Parameters: from, to. Columns: step, health counters, alive. */
void sql_walk_health(struct sql *q, enum resolution r);

#endif
