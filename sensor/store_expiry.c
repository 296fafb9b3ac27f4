/* store_expiry.c - counts, session logs and incidents end. */
#include "sensor/store_parts.h"

#include <inttypes.h>

#include "sensor/log.h"

#define ERR_MAX  512
#define HOUR_S   3600
#define DAY_S    ((int64_t)86400)
#define GONE_MAX 16 /* files, and incidents, that go at a time: each has its line in the log */

static void log_gone(void *ctx, const char *name)
{
	(void)ctx;
	log_event(LOG_LEVEL_INFO, "event=expired what=sessions/%s", name);
}

static void incident_gone(void *ctx, int64_t id, const char *rule)
{
	(void)ctx;
	log_event(LOG_LEVEL_INFO, "event=expired what=incident id=%" PRId64 " rule=%s", id, rule);
}

static bool expire_counts(struct store *st, int64_t end)
{
	char err[ERR_MAX];

	if (ledger_retention(st->ledger, end, &st->keep_from, err, sizeof(err)) &&
	    ledger_expire(st->ledger, st->keep_from, err, sizeof(err)))
		return true;
	store_complain(st, PART_RETENTION, err);
	return false;
}

static bool expire_logs(struct store *st)
{
	int64_t before = st->keep_from - st->conf->keep_sessions_days * DAY_S;
	char err[ERR_MAX];

	if (statedir_expire(st->dir, before, GONE_MAX, log_gone, NULL, err, sizeof(err)))
		return true;
	store_complain(st, PART_RETENTION, err);
	return false;
}

/* Not while others have the store. */
static bool expire_incidents(struct store *st)
{
	int64_t before = st->keep_from - st->conf->keep_incidents_days * DAY_S;
	char err[ERR_MAX];

	if (incidents_behind(st->incidents))
		return false;
	if (incidents_expire(st->incidents, before, GONE_MAX, incident_gone, NULL, err,
			     sizeof(err)))
		return true;
	store_complain(st, PART_RETENTION, err);
	return false;
}

/* What could not be deleted is tried again with each step. */
void store_expire(struct store *st, int64_t step)
{
	bool logs, incidents;

	if (step / HOUR_S != st->expired && expire_counts(st, step + STEP_S)) {
		st->expired = step / HOUR_S;
		st->expiring = true;
	}
	if (!st->expiring)
		return;
	logs = expire_logs(st);
	incidents = expire_incidents(st);
	st->expiring = !logs || !incidents;
	if (!st->expiring)
		store_recovered(st, PART_RETENTION);
}
