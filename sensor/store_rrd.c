/* store_rrd.c - the RRD files follow the ledger. */
#include "sensor/store_parts.h"

#include <stdlib.h>

#include "sensor/log.h"
#include "sensor/signals.h"

#define ERR_MAX 512

/* A step as the ledger has it, which may be the sum of two runs. */
struct drawing {
	struct ledger_row *rows;
	size_t n, room;
	struct health health;
};

static bool add_row(void *ctx, int64_t step, const struct ledger_row *row)
{
	struct drawing *d = ctx;

	(void)step;
	if (d->n == d->room) {
		d->room = d->room ? 2 * d->room : 64;
		d->rows = realloc(d->rows, d->room * sizeof(*d->rows));
		if (!d->rows)
			abort();
	}
	d->rows[d->n++] = *row;
	return true;
}

static bool set_health(void *ctx, int64_t step, const struct health *h)
{
	struct drawing *d = ctx;

	(void)step;
	d->health = *h;
	return true;
}

/* What could not be written is drawn anew from the ledger, now or with a later step. */
static bool draw_rows(struct store *st, int64_t step, const struct drawing *d, char *err,
		      size_t errlen)
{
	unsigned failed = 0;

	return rrdstore_step(st->rrd, step, d->rows, d->n, &d->health, &failed, err, errlen) ||
	       (rrdstore_lost(st->rrd) == failed &&
		rrdstore_mend(st->rrd, st->ledger, err, errlen));
}

static bool draw_step(struct store *st, int64_t step, char *err, size_t errlen)
{
	struct ledger_query q = { .from = step, .to = step + STEP_S, .service = -1 };
	struct drawing d = { .rows = NULL };
	bool ok = ledger_walk(st->ledger, RESOLUTION_MINUTE, &q, add_row, &d, err, errlen) &&
		  ledger_walk_health(st->ledger, RESOLUTION_MINUTE, q.from, q.to, set_health, &d,
				     err, errlen) &&
		  draw_rows(st, step, &d, err, errlen);

	free(d.rows);
	return ok;
}

static bool has_time(void *ctx)
{
	(void)ctx;
	return !signals_stopping();
}

static bool rebuild(struct store *st, char *err, size_t errlen)
{
	const struct rrd_onlooker by = { .go_on = has_time };

	st->rebuild_due = !rrdstore_rebuild(st->rrd, st->ledger, &by, err, errlen);
	st->undrawn = st->rebuild_due && signals_stopping();
	return !st->rebuild_due;
}

/* The mark was set before the step went to the ledger. It stays while steps are missing in a file: the
 * next start would draw all of them anew. */
void store_draw(struct store *st, int64_t step)
{
	char err[ERR_MAX] = "";
	bool ok;

	if (st->undrawn)
		return;
	if (step < RRD_EPOCH) {
		if (!st->said_early)
			log_event(LOG_LEVEL_WARNING,
				  "event=no-rrd why=\"steps before 1980 are in the ledger only\"");
		st->said_early = true;
		return;
	}
	ok = (st->rebuild_due ? rebuild(st, err, sizeof(err))
			      : draw_step(st, step, err, sizeof(err))) &&
	     (st->stale || ledger_mark_rrd(st->ledger, false, err, sizeof(err)));
	if (!st->undrawn)
		store_settle(st, PART_RRD, ok, err);
}

void store_rebuild_if_marked(struct store *st, const char *why)
{
	char err[ERR_MAX] = "";
	bool dirty = false;

	if (!ledger_rrd_dirty(st->ledger, &dirty, err, sizeof(err))) {
		store_complain(st, PART_RRD, err);
		return;
	}
	if (!dirty)
		return;
	log_event(LOG_LEVEL_WARNING, "event=rrd-rebuild why=\"%s\"",
		  why ? why : "the last run was cut short");
	if (rebuild(st, err, sizeof(err)) && ledger_mark_rrd(st->ledger, false, err, sizeof(err)))
		return;
	if (!st->undrawn)
		store_complain(st, PART_RRD, err);
}
