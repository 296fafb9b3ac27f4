/* store.c - what the recorder keeps in the state directory, and in which order. */
#include "sensor/store_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/daylog.h"
#include "reports/deadline.h"
#include "reports/metrics_text.h"
#include "reports/record.h"
#include "reports/syslog_line.h"
#include "sensor/log.h"

#define ERR_MAX        512
#define DAY_S          ((int64_t)86400)
#define AT_ONCE        32  /* steps of the backlog that go to the ledger with one step */
#define LAST_S         2   /* for all of them when a live run ends, which must not take long */
#define LAST_MAX       10  /* attempts to save incidents at the end of a run, 1 s at most */
#define SERIES_BYTES   128 /* of an RRD file, in memory */
#define DATABASES      2   /* that are open */
#define DATABASE_BYTES (4u << 20) /* pages that SQLite keeps, and its own */
#define FOREVER        INT64_MAX

static const char *const part_names[PART_N] = {
	[PART_LEDGER] = "ledger",   [PART_RRD] = "rrd",         [PART_INCIDENTS] = "incidents",
	[PART_LOG] = "session-log", [PART_METRICS] = "metrics", [PART_RETENTION] = "retention",
};

static int64_t seconds(void)
{
	return steady_ms() / 1000;
}

void store_complain(struct store *st, enum part part, const char *err)
{
	if (!st->said[part])
		log_event(LOG_LEVEL_ERROR, "event=write-failed what=%s why=\"%s\"",
			  part_names[part], err);
	st->said[part] = true;
}

void store_recovered(struct store *st, enum part part)
{
	if (st->said[part])
		log_event(LOG_LEVEL_INFO, "event=write-works what=%s", part_names[part]);
	st->said[part] = false;
}

void store_settle(struct store *st, enum part part, bool ok, const char *err)
{
	if (ok)
		store_recovered(st, part);
	else
		store_complain(st, part, err);
}

/* Opening ------------------------------------------------------------------------------------ */

static void on_aside(void *ctx, const char *path, const char *why)
{
	(void)ctx;
	log_event(LOG_LEVEL_WARNING, "event=rrd-aside file=\"%s\" why=\"%s\" now=\"%s.aside\"",
		  path, why, path);
}

static struct incidents_config of_incidents(const struct conf *c)
{
	return (struct incidents_config){
		.sensor = c->sensor,
		.quiet_s = c->quiet_s,
		.lossy_share = c->lossy_percent_x100 / 10000.0,
		.entries = c->rules,
		.entries_n = c->rules_n,
	};
}

static bool open_parts(struct store *st, char *err, size_t errlen)
{
	const struct conf *c = st->conf;
	struct incidents_config ic = of_incidents(c);

	st->dir = statedir_open(st->path, err, errlen);
	if (!st->dir)
		return false;
	st->ledger = ledger_open(st->path, LEDGER_WRITE, err, errlen);
	if (!st->ledger)
		return false;
	st->rrd = rrdstore_open(st->path, c->max_series, err, errlen);
	if (!st->rrd)
		return false;
	rrdstore_on_aside(st->rrd, on_aside, NULL);
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
	st->live = live;
	st->backlog = backlog_new(BACKLOG_STEPS, BACKLOG_ROWS);
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

/* The rows of a step, and a few words of each series for its RRD file, come on top of the parts. */
size_t store_bytes(const struct conf *c)
{
	return sizeof(struct store) + incidents_bytes(c->max_series) +
	       metrics_bytes(c->max_series) +
	       2 * (size_t)c->max_series * (sizeof(struct ledger_row) + SERIES_BYTES) +
	       DATABASES * DATABASE_BYTES + backlog_bytes(BACKLOG_STEPS, BACKLOG_ROWS) + DAYLOG_MAX;
}

void store_close(struct store *st)
{
	if (!st)
		return;
	incidents_close(st->incidents);
	metrics_free(st->metrics);
	rrdstore_close(st->rrd);
	ledger_close(st->ledger);
	backlog_free(st->backlog);
	statedir_close(st->dir); /* last: it holds the lock */
	free(st->path);
	free(st);
}

/* Metrics ------------------------------------------------------------------------------------ */

static void write_metrics(struct store *st)
{
	const struct metrics_writes writes = { part_names, st->said, PART_N,
					       backlog_steps(st->backlog) };
	char err[ERR_MAX];

	if (st->metrics)
		store_settle(st, PART_METRICS,
			     metrics_write(st->metrics, st->incidents, &writes, err, sizeof(err)),
			     err);
}

/* With what there is before the first step, so that what it brings is seen to be more. Rather no
 * metrics than some that begin anew. */
static void begin_metrics(struct store *st)
{
	const struct conf *c = st->conf;
	char err[ERR_MAX];

	st->metrics = metrics_new(st->path, c->metrics_file);
	if (!metrics_load(st->metrics, st->ledger, c->peers, c->max_series, err, sizeof(err))) {
		store_complain(st, PART_METRICS, err);
		metrics_free(st->metrics);
		st->metrics = NULL;
	}
	write_metrics(st);
}

/* Steps in the ledger ------------------------------------------------------------------------ */

/* A step that is over goes to the ledger under the mark, so that a kill between ledger and files
 * leaves none undrawn. */
static bool commit(struct store *st, const struct ledger_batch *b)
{
	char err[ERR_MAX];

	st->refuses = (!b->open && b->step >= RRD_EPOCH &&
		       !ledger_mark_rrd(st->ledger, true, err, sizeof(err))) ||
		      !ledger_commit(st->ledger, b, err, sizeof(err));
	if (st->refuses)
		store_complain(st, PART_LEDGER, err);
	return !st->refuses;
}

/* Beginning ---------------------------------------------------------------------------------- */

/* Live it may be the clock that was set back. That is no reason not to watch: until the time is there
 * again, what is seen counts in the step that comes next. */
static bool goes_on(const struct store *st, int64_t step, int64_t last)
{
	char text[32];

	if (!st->live || last - step > DAY_S)
		return false;
	step_text(last, text, sizeof(text));
	log_event(LOG_LEVEL_WARNING, "event=clock-behind state-until=%s seconds=%" PRId64, text,
		  last - step);
	return true;
}

static bool check_order(struct store *st, int64_t step, int64_t last, bool open, char *err,
			size_t errlen)
{
	char ours[32], theirs[32];

	if (step > last || (step == last && open) || goes_on(st, step, last))
		return true;
	step_text(step, ours, sizeof(ours));
	step_text(last, theirs, sizeof(theirs));
	if (st->live)
		snprintf(err, errlen,
			 "by the clock it is %s, but %s already holds all up to the minute of %s:"
			 " nothing was recorded; set the clock, or move the directory away",
			 ours, st->path, theirs);
	else
		snprintf(err, errlen,
			 "the packets begin in the minute of %s, but %s already holds all up to "
			 "that of %s: nothing was recorded; use another --state directory",
			 ours, st->path, theirs);
	return false;
}

/* The run before ended within a step. Nothing more can come to it. */
static void finish_left(struct store *st, int64_t left)
{
	struct health none = { .alive = 0 };
	struct ledger_batch b = { .step = left, .health = &none };

	if (commit(st, &b))
		store_draw(st, left);
}

static bool know_row(void *ctx, const struct ledger_row *row)
{
	tally_know(ctx, row->service, row->client, row->server);
	return true;
}

/* Files that do not fit are marked before the ledger has the peers, so that a kill in between leaves
 * none that nobody would draw anew. */
static bool set_peers(struct store *st, const struct peers *p, const char **why, char *err,
		      size_t errlen)
{
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
	    !set_peers(st, st->conf->peers, &why, err, errlen))
		return false;
	store_rebuild_if_marked(st, why);
	if (open && step > last)
		finish_left(st, last);
	tally_start(t, last < 0 ? 0 : open ? last : last + STEP_S);
	begin_metrics(st);
	st->begun = true;
	return true;
}

/* To draw all files would keep the records of the capture waiting for too long. */
static void leave_stale(struct store *st, const char *why)
{
	if (!st->stale)
		log_event(LOG_LEVEL_WARNING,
			  "event=rrd-stale why=\"%s; they are drawn anew with the next start\"",
			  why);
	st->stale = true;
}

bool store_configure(struct store *st, const struct conf *c, char *err, size_t errlen)
{
	struct incidents_config ic = of_incidents(c);
	const char *why = NULL;

	if (st->begun && !set_peers(st, c->peers, &why, err, errlen))
		return false;
	incidents_configure(st->incidents, &ic);
	st->conf = c;
	if (why)
		leave_stale(st, why);
	if (st->begun) {
		metrics_free(st->metrics); /* the ledger has all that was in them */
		begin_metrics(st);
	}
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

/* What could not be written is written as soon as it can be, and then nothing is lost. */
static void catch_up(struct store *st)
{
	char err[ERR_MAX];

	if (!incidents_behind(st->incidents) || seconds() == st->caught_up)
		return;
	st->caught_up = seconds();
	store_settle(st, PART_INCIDENTS,
		     incidents_save(st->incidents, st->tell, NULL, err, sizeof(err)), err);
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
		store_complain(st, PART_INCIDENTS, err);
}

/* Steps -------------------------------------------------------------------------------------- */

/* What follows when a step is in the ledger. */
static void follow(struct store *st, const struct ledger_batch *b)
{
	char err[ERR_MAX];

	if (st->metrics)
		metrics_add(st->metrics, b);
	if (b->open)
		return;
	store_draw(st, b->step);
	store_settle(st, PART_INCIDENTS,
		     incidents_step(st->incidents, st->ledger, b->step, st->tell, NULL, err,
				    sizeof(err)),
		     err);
	store_expire(st, b->step);
}

/* So many at most, and none after that second. True when no step waits any more. */
static bool work_off(struct store *st, size_t most, int64_t until)
{
	const struct ledger_batch *b;
	size_t n = 0;

	while ((b = backlog_first(st->backlog)) && n++ < most && seconds() <= until &&
	       commit(st, b)) {
		follow(st, b);
		backlog_pop(st->backlog);
	}
	return !b;
}

static void say_lost_steps(struct store *st)
{
	struct backlog_lost lost = backlog_lost(st->backlog);

	if (lost.steps == st->told.steps)
		return;
	log_event(LOG_LEVEL_ERROR,
		  "event=steps-lost steps=%" PRIu64 " sessions=%" PRIu64
		  " why=\"the ledger did not take them in time\"",
		  lost.steps - st->told.steps, lost.sessions - st->told.sessions);
	st->told = lost;
	st->lossy = true;
}

/* A step behind others waits until they are in the ledger. */
static bool keep(struct store *st, const struct ledger_batch *b)
{
	bool worked_off = b->open ? work_off(st, SIZE_MAX, seconds() + LAST_S)
				  : work_off(st, AT_ONCE, FOREVER);

	if (worked_off && commit(st, b)) {
		follow(st, b);
		store_recovered(st, PART_LEDGER);
		say_lost_steps(st);
		return true;
	}
	backlog_push(st->backlog, b);
	return false;
}

bool store_step(struct store *st, const struct ledger_batch *b)
{
	bool kept = keep(st, b);

	store_flush(st);
	write_metrics(st);
	return kept;
}

/* The session log ----------------------------------------------------------------------------- */

void store_log(struct store *st, int64_t step, const char *line, size_t len)
{
	char err[ERR_MAX];

	if (!statedir_log(st->dir, step, line, len, err, sizeof(err)))
		store_complain(st, PART_LOG, err);
	catch_up(st);
}

void store_flush(struct store *st)
{
	char err[ERR_MAX];

	store_settle(st, PART_LOG, statedir_flush(st->dir, err, sizeof(err)), err);
	catch_up(st);
}

uint64_t store_unlogged(struct store *st)
{
	uint64_t before = st->unlogged;

	st->unlogged = statedir_log_lost(st->dir);
	return st->unlogged - before;
}

/* The end ------------------------------------------------------------------------------------- */

/* The last step has just been tried; live all were, for as long as there is time. */
static void end_ledger(struct store *st)
{
	if (backlog_first(st->backlog) && !st->live && !st->refuses &&
	    work_off(st, SIZE_MAX, FOREVER))
		store_recovered(st, PART_LEDGER);
	backlog_give_up(st->backlog);
	say_lost_steps(st);
}

static void end_log(struct store *st)
{
	uint64_t lost;

	store_flush(st);
	statedir_give_up_log(st->dir);
	lost = statedir_log_lost(st->dir);
	if (lost > 0)
		log_event(LOG_LEVEL_ERROR, "event=lines-lost what=session-log lines=%" PRIu64,
			  lost);
	st->lossy |= lost > 0;
}

bool store_end(struct store *st)
{
	bool sound = true;
	char err[ERR_MAX];

	end_ledger(st);
	end_log(st);
	store_settle(st, PART_INCIDENTS, save_at_last(st, err, sizeof(err)), err);
	write_metrics(st);
	for (unsigned i = 0; i < PART_N; i++)
		sound &= !st->said[i];
	return sound && !st->lossy;
}

void store_reopen(struct store *st)
{
	char err[ERR_MAX];

	if (!statedir_reopen(st->dir, err, sizeof(err)))
		store_complain(st, PART_LOG, err);
}
