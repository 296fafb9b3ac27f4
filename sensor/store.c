/* store.c - what the recorder keeps in the state directory, and in which order. */
#include "sensor/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "reports/incidents.h"
#include "reports/metrics.h"
#include "reports/record.h"
#include "reports/rrdfile.h"
#include "reports/statedir.h"
#include "reports/syslog_line.h"
#include "sensor/log.h"

#define ERR_MAX  512
#define HOUR_S   3600
#define LAST_MAX 50        /* attempts to save incidents at the end of a run, 5 s at most */
#define RRD_FROM 315532800 /* 1980-01-01: librrd knows no earlier time */

/* What may fail, each said once. */
enum part { PART_LEDGER, PART_RRD, PART_INCIDENTS, PART_LOG, PART_METRICS, PART_N };

static const char *const part_names[PART_N] = {
	[PART_LEDGER] = "ledger",   [PART_RRD] = "rrd",         [PART_INCIDENTS] = "incidents",
	[PART_LOG] = "session-log", [PART_METRICS] = "metrics",
};

struct store {
	struct statedir *dir;
	struct ledger *ledger;
	struct rrdstore *rrd;
	struct incidents *incidents;
	struct metrics *metrics; /* NULL before the first step */
	incident_cb *tell;       /* of what happens; NULL: the couriers read it */
	const struct conf *conf;
	char *path;
	bool said[PART_N];
	bool said_early;   /* that steps before 1980 have no RRD */
	int64_t expired;   /* hour of the last retention */
	int64_t caught_up; /* when it was last tried; seconds, of a clock that is not set */
};

static void complain(struct store *st, enum part part, const char *err)
{
	if (!st->said[part])
		log_event(LOG_LEVEL_ERROR, "event=write-failed what=%s why=\"%s\"",
			  part_names[part], err);
	st->said[part] = true;
}

/* Nothing was lost for it: it may fail, and be said, anew. */
static void recovered(struct store *st, enum part part)
{
	if (st->said[part])
		log_event(LOG_LEVEL_INFO, "event=write-works what=%s", part_names[part]);
	st->said[part] = false;
}

bool store_sound(const struct store *st)
{
	for (unsigned i = 0; i < PART_N; i++) {
		if (st->said[i])
			return false;
	}
	return true;
}

/* Opening ------------------------------------------------------------------------------------ */

static bool open_parts(struct store *st, char *err, size_t errlen)
{
	const struct conf *c = st->conf;
	struct incidents_config ic = {
		.sensor = c->sensor,
		.quiet_s = c->quiet_s,
		.lossy_share = c->lossy_percent_x100 / 10000.0,
		.entries = c->rules,
		.entries_n = c->rules_n,
	};

	st->dir = statedir_open(st->path, err, errlen);
	if (!st->dir)
		return false;
	st->ledger = ledger_open(st->path, LEDGER_WRITE, err, errlen);
	if (!st->ledger)
		return false;
	st->rrd = rrdstore_open(st->path, c->max_series, err, errlen);
	if (!st->rrd)
		return false;
	st->incidents = incidents_open(st->path, true, &ic, err, errlen);
	return st->incidents != NULL;
}

static void print_event(void *ctx, enum incident_event e, const struct incident *i)
{
	char line[SYSLOG_LINE_MAX];

	(void)ctx;
	incident_line(e, i, line, sizeof(line));
	fprintf(stderr, "%s\n", line);
}

struct store *store_open(const struct conf *c, const char *dir, bool live, char *err, size_t errlen)
{
	struct store *st = calloc(1, sizeof(*st));

	if (!st)
		abort();
	st->conf = c;
	st->tell = live ? NULL : print_event;
	st->path = strdup(dir);
	if (!st->path)
		abort();
	if (!open_parts(st, err, errlen)) {
		store_close(st);
		return NULL;
	}
	return st;
}

void store_close(struct store *st)
{
	if (!st)
		return;
	incidents_close(st->incidents);
	metrics_free(st->metrics);
	rrdstore_close(st->rrd);
	ledger_close(st->ledger);
	statedir_close(st->dir); /* last: it holds the lock */
	free(st->path);
	free(st);
}

/* Metrics ------------------------------------------------------------------------------------ */

static void write_metrics(struct store *st)
{
	char err[ERR_MAX];

	if (st->metrics && !metrics_write(st->metrics, st->incidents, err, sizeof(err)))
		complain(st, PART_METRICS, err);
}

/* With what there is before the first step, so that what it brings is seen to be more. Rather no
 * metrics than some that begin anew. */
static void begin_metrics(struct store *st)
{
	const struct conf *c = st->conf;
	char err[ERR_MAX];

	st->metrics = metrics_new(st->path, c->metrics_file);
	if (!metrics_load(st->metrics, st->ledger, c->peers, c->max_series, err, sizeof(err))) {
		complain(st, PART_METRICS, err);
		metrics_free(st->metrics);
		st->metrics = NULL;
	}
	write_metrics(st);
}

/* RRD files ---------------------------------------------------------------------------------- */

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

/* The mark was set before the step went to the ledger. It stays when a file failed: the next start
 * draws all of them anew. */
static bool draw_marked(struct store *st, int64_t step, const struct drawing *d, char *err,
			size_t errlen)
{
	unsigned failed = 0;

	return rrdstore_step(st->rrd, step, d->rows, d->n, &d->health, &failed, err, errlen) &&
	       failed == 0 && ledger_mark_rrd(st->ledger, false, err, errlen);
}

static void draw(struct store *st, int64_t step)
{
	struct ledger_query q = { .from = step, .to = step + STEP_S, .service = -1 };
	struct drawing d = { .rows = NULL };
	char err[ERR_MAX] = "";

	if (step < RRD_FROM) {
		if (!st->said_early)
			log_event(LOG_LEVEL_WARNING,
				  "event=no-rrd why=\"steps before 1980 are in the ledger only\"");
		st->said_early = true;
		return;
	}
	if (!ledger_walk(st->ledger, RESOLUTION_MINUTE, &q, add_row, &d, err, sizeof(err)) ||
	    !ledger_walk_health(st->ledger, RESOLUTION_MINUTE, q.from, q.to, set_health, &d, err,
				sizeof(err)) ||
	    !draw_marked(st, step, &d, err, sizeof(err)))
		complain(st, PART_RRD, err);
	free(d.rows);
}

/* why: what is known to be wrong with the files; NULL: only the mark says so. */
static void rebuild_if_marked(struct store *st, const char *why)
{
	char err[ERR_MAX] = "";
	bool dirty = false;

	if (!ledger_rrd_dirty(st->ledger, &dirty, err, sizeof(err))) {
		complain(st, PART_RRD, err);
		return;
	}
	if (!dirty)
		return;
	log_event(LOG_LEVEL_WARNING, "event=rrd-rebuild why=\"%s\"",
		  why ? why : "the last run was cut short");
	if (!rrdstore_rebuild(st->rrd, st->ledger, NULL, NULL, err, sizeof(err)) ||
	    !ledger_mark_rrd(st->ledger, false, err, sizeof(err)))
		complain(st, PART_RRD, err);
}

/* A step that is over goes to the ledger under the mark, so that a kill between ledger and files
 * leaves none undrawn. */
static bool commit(struct store *st, const struct ledger_batch *b)
{
	char err[ERR_MAX];

	if ((b->open || b->step < RRD_FROM ||
	     ledger_mark_rrd(st->ledger, true, err, sizeof(err))) &&
	    ledger_commit(st->ledger, b, err, sizeof(err)))
		return true;
	complain(st, PART_LEDGER, err);
	return false;
}

/* Beginning ---------------------------------------------------------------------------------- */

static bool check_order(struct store *st, int64_t step, int64_t last, bool open, char *err,
			size_t errlen)
{
	char ours[32], theirs[32];

	if (step > last || (step == last && open))
		return true;
	step_text(step, ours, sizeof(ours));
	step_text(last, theirs, sizeof(theirs));
	snprintf(err, errlen,
		 "the packets begin at %s, but %s already holds what was seen until %s:"
		 " nothing was recorded; use another --state directory",
		 ours, st->path, theirs);
	return false;
}

/* The run before ended within a step. Nothing more can come to it. */
static void finish_left(struct store *st, int64_t left)
{
	struct health none = { .alive = 0 };
	struct ledger_batch b = { .step = left, .health = &none };

	if (commit(st, &b))
		draw(st, left);
}

static bool know_row(void *ctx, const struct ledger_row *row)
{
	tally_know(ctx, row->service, row->client, row->server);
	return true;
}

/* Files that do not fit are marked before the ledger has the peers, so that a kill in between leaves
 * none that nobody would draw anew. */
static bool set_peers(struct store *st, const char **why, char *err, size_t errlen)
{
	const struct peers *p = st->conf->peers;

	if (!rrdstore_read_peers(st->rrd, st->ledger, err, errlen))
		return false;
	*why = rrdstore_stale(st->rrd, p);
	if (*why && !ledger_mark_rrd(st->ledger, true, err, errlen))
		return false;
	return ledger_set_peers(st->ledger, p, err, errlen) &&
	       rrdstore_read_peers(st->rrd, st->ledger, err, errlen);
}

bool store_begin(struct store *st, int64_t step, struct tally *t, char *err, size_t errlen)
{
	struct ledger_query all = { .to = INT64_MAX, .service = -1 };
	const char *why = NULL;
	bool open = false;
	int64_t last;

	if (!ledger_last_step(st->ledger, &last, &open, err, errlen) ||
	    !check_order(st, step, last, open, err, errlen) ||
	    !ledger_sum(st->ledger, &all, know_row, t, err, errlen) ||
	    !set_peers(st, &why, err, errlen))
		return false;
	rebuild_if_marked(st, why);
	if (open && step > last)
		finish_left(st, last);
	tally_start(t, last < 0 ? 0 : open ? last : last + STEP_S);
	begin_metrics(st);
	return true;
}

static void know_server(void *ctx, const struct server *s)
{
	servers_restore(ctx, s);
}

bool store_servers(struct store *st, struct servers *v, char *err, size_t errlen)
{
	return ledger_servers(st->ledger, know_server, v, err, errlen);
}

/* Incidents ---------------------------------------------------------------------------------- */

/* An attempt to write all that there is of incidents. */
static void settle(struct store *st, bool ok, const char *err)
{
	if (ok)
		recovered(st, PART_INCIDENTS);
	else
		complain(st, PART_INCIDENTS, err);
}

/* What could not be written is written as soon as it can be, and then nothing is lost. */
static void catch_up(struct store *st)
{
	struct timespec now;
	char err[ERR_MAX];

	if (!incidents_behind(st->incidents))
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec == st->caught_up)
		return;
	st->caught_up = now.tv_sec;
	settle(st, incidents_save(st->incidents, st->tell, NULL, err, sizeof(err)), err);
}

/* There is no later. */
static bool save_at_last(struct store *st, char *err, size_t errlen)
{
	for (unsigned n = 0; n < LAST_MAX; n++) {
		if (incidents_save(st->incidents, st->tell, NULL, err, errlen))
			return true;
	}
	return false;
}

bool store_wants(const struct store *st, const struct session *s, const struct pair *p)
{
	return incidents_wants(st->incidents, s, p);
}

void store_incident(struct store *st, uint64_t key, const struct session *s, const struct pair *p,
		    const char *record)
{
	char err[ERR_MAX];

	if (!incidents_session(st->incidents, key, s, p, record, st->tell, NULL, err, sizeof(err)))
		complain(st, PART_INCIDENTS, err);
}

/* Steps -------------------------------------------------------------------------------------- */

static void expire(struct store *st, int64_t step)
{
	char err[ERR_MAX];

	if (step / HOUR_S == st->expired)
		return;
	st->expired = step / HOUR_S;
	if (!ledger_expire(st->ledger, step + STEP_S, err, sizeof(err)))
		complain(st, PART_LEDGER, err);
}

bool store_step(struct store *st, const struct ledger_batch *b)
{
	char err[ERR_MAX];
	int64_t step = b->step;

	if (!commit(st, b)) {
		catch_up(st);
		return false;
	}
	if (st->metrics)
		metrics_add(st->metrics, b);
	if (b->open) {
		settle(st, save_at_last(st, err, sizeof(err)), err);
	} else {
		draw(st, step);
		settle(st,
		       incidents_step(st->incidents, st->ledger, step, st->tell, NULL, err,
				      sizeof(err)),
		       err);
		expire(st, step);
	}
	store_flush(st);
	write_metrics(st);
	return true;
}

void store_log(struct store *st, int64_t step, const char *line, size_t len)
{
	char err[ERR_MAX];

	if (!statedir_log(st->dir, step, line, len, err, sizeof(err)))
		complain(st, PART_LOG, err);
	catch_up(st);
}

void store_flush(struct store *st)
{
	char err[ERR_MAX];

	if (!statedir_flush(st->dir, err, sizeof(err)))
		complain(st, PART_LOG, err);
	catch_up(st);
}
