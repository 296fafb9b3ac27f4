/* Tests what a target is told, when, how often, and in which order; years in milliseconds. */
#include "tests/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/deliveries.h"
#include "reports/incident_db.h"
#include "reports/rules.h"

#define T0  1448186400 /* 2015-11-22T10:00:00Z */
#define DAY 86400

struct bench {
	char dir[64];
	struct incident_store *store; /* the recorder's */
	struct deliveries *queue;     /* of the target */
	struct target target;
	struct maintenance windows[2];
	size_t windows_n;
	struct delivery del; /* the attempt under way */
	enum delivery_state state;
	unsigned given_up;
	char err[256];
};

static void open_queue(struct bench *b)
{
	deliveries_close(b->queue);
	b->queue = deliveries_open(b->dir, &b->target, b->windows, b->windows_n, b->err,
				   sizeof(b->err));
	assert_non_null(b->queue);
}

static int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	*state = b;
	strcpy(b->dir, "/tmp/mailseal-deliveries-XXXXXX");
	if (!mkdtemp(b->dir))
		return 1;
	b->store = incident_store_open(b->dir, true, b->err, sizeof(b->err));
	target_init(&b->target, TARGET_WEBHOOK);
	strcpy(b->target.name, "noc");
	b->target.give_up_s = DAY;
	open_queue(b);
	return b->store == NULL;
}

static int tear_down(void **state)
{
	struct bench *b = *state;
	char command[128];
	int rc;

	delivery_fini(&b->del);
	deliveries_close(b->queue);
	incident_store_close(b->store);
	snprintf(command, sizeof(command), "rm -rf %s", b->dir);
	rc = system(command);
	free(b);
	return rc;
}

/* The recorder's side ------------------------------------------------------------------------ */

static struct incident incident(const char *client, enum severity severity, int64_t opened)
{
	struct incident i = {
		.severity = severity, .opened = opened, .last_seen = opened, .sessions = 1
	};

	strcpy(i.rule, "plaintext-between-signatories");
	snprintf(i.client, sizeof(i.client), "%s", client);
	strcpy(i.server, "free");
	strcpy(i.sensor, "th2-1");
	return i;
}

static void happens(struct bench *b, struct incident *i, enum incident_event e, int64_t at)
{
	if (e == EVENT_CLOSED) {
		i->state = INCIDENT_CLOSED;
		i->closed = at;
	} else if (e == EVENT_STALE) {
		i->state = INCIDENT_STALE;
		strcpy(i->why, "the sensor saw no packets");
	} else if (e == EVENT_ESCALATED) {
		i->severity = SEVERITY_CRITICAL;
	}
	if (!incident_store_put(b->store, i, &i->id, b->err, sizeof(b->err)) ||
	    !incident_store_put_event(b->store, i->id, e, at, i, b->err, sizeof(b->err)))
		fail_msg("%s", b->err);
}

static struct incident opens(struct bench *b, const char *client, int64_t at)
{
	struct incident i = incident(client, SEVERITY_CRITICAL, at);

	happens(b, &i, EVENT_OPENED, at);
	return i;
}

/* The courier's side ------------------------------------------------------------------------- */

static enum deliveries_next next(struct bench *b, int64_t now)
{
	enum deliveries_next n;

	delivery_fini(&b->del);
	n = deliveries_next(b->queue, now, &b->del, b->err, sizeof(b->err));
	if (n == DELIVERIES_FAILED)
		fail_msg("%s", b->err);
	return n;
}

static void assert_none(struct bench *b, int64_t now)
{
	if (next(b, now) == DELIVERIES_DUE)
		fail_msg("%s of %s is due at T0 + %d", incident_event_name(b->del.event),
			 b->del.incident.client, (int)(now - T0));
}

static void answer(struct bench *b, enum sink_answer a, int64_t now)
{
	if (!deliveries_record(b->queue, &b->del, a, "said", now, &b->state, &b->given_up, b->err,
			       sizeof(b->err)))
		fail_msg("%s", b->err);
}

/* Everything that is due, as "opened/orange again/sfr ", and all of it is answered so. */
static const char *told(struct bench *b, int64_t now, enum sink_answer a)
{
	static char text[1024];
	size_t n = 0;

	text[0] = '\0';
	while (next(b, now) == DELIVERIES_DUE && n < sizeof(text) - 64) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s/%s ",
				      b->del.again ? "again-" : "",
				      incident_event_name(b->del.event), b->del.incident.client);
		answer(b, a, now);
	}
	return text;
}

#define assert_told(b, now, text) assert_string_equal(told(b, now, SINK_TAKEN), text)

/* Order and outcome -------------------------------------------------------------------------- */

static void what_is_taken_is_sent_once(void **state)
{
	struct bench *b = *state;
	struct incident i;

	assert_none(b, T0);
	i = opens(b, "orange", T0);
	assert_true(incident_store_put_evidence(b->store, i.id, 0, "one", b->err, 256));
	assert_true(incident_store_put_evidence(b->store, i.id, 1, "two", b->err, 256));
	assert_int_equal(next(b, T0 + 3), DELIVERIES_DUE);
	assert_int_equal(b->del.event, EVENT_OPENED);
	assert_int_equal(b->del.at, T0);
	assert_int_equal(b->del.attempts, 1);
	assert_false(b->del.again);
	assert_int_equal(b->del.incident.id, i.id);
	assert_string_equal(b->del.incident.sensor, "th2-1");
	assert_int_equal(b->del.evidence_n, 2);
	assert_string_equal(b->del.evidence[1], "two");
	answer(b, SINK_TAKEN, T0 + 4);
	assert_int_equal(b->state, DELIVERY_SENT);
	for (int64_t t = T0 + 4; t < T0 + 10 * DAY; t += DAY / 4)
		assert_none(b, t);
}

static void an_event_tells_of_its_time(void **state)
{
	struct bench *b = *state;
	struct incident i = incident("orange", SEVERITY_WARNING, T0);

	assert_none(b, T0);
	happens(b, &i, EVENT_OPENED, T0);
	happens(b, &i, EVENT_ESCALATED, T0 + 1);
	happens(b, &i, EVENT_STALE, T0 + 2);
	happens(b, &i, EVENT_CLOSED, T0 + 3);
	assert_int_equal(next(b, T0 + 9), DELIVERIES_DUE);
	assert_int_equal(b->del.incident.severity, SEVERITY_WARNING);
	assert_int_equal(b->del.incident.state, INCIDENT_OPEN);
	assert_int_equal(b->del.incident.closed, 0);
	assert_string_equal(b->del.incident.why, "");
	answer(b, SINK_TAKEN, T0 + 9);
	assert_int_equal(next(b, T0 + 9), DELIVERIES_DUE);
	assert_int_equal(b->del.incident.severity, SEVERITY_CRITICAL);
	answer(b, SINK_TAKEN, T0 + 9);
	assert_int_equal(next(b, T0 + 9), DELIVERIES_DUE);
	assert_int_equal(b->del.incident.state, INCIDENT_STALE);
	answer(b, SINK_TAKEN, T0 + 9);
	assert_int_equal(next(b, T0 + 9), DELIVERIES_DUE);
	assert_int_equal(b->del.incident.state, INCIDENT_CLOSED);
	assert_int_equal(b->del.incident.closed, T0 + 3);
}

static void events_go_out_in_order(void **state)
{
	struct bench *b = *state;

	opens(b, "orange", T0);
	opens(b, "sfr", T0);
	assert_string_equal(told(b, T0, SINK_LATER), "opened/orange "); /* sfr waits behind it */
	assert_none(b, T0);
	opens(b, "bouygues", T0 + 1);
	assert_told(b, T0 + 1, "opened/orange opened/sfr opened/bouygues ");
}

static void pauses_double_up_to_five_minutes(void **state)
{
	static const int64_t pauses[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300 };
	struct bench *b = *state;
	int64_t now = T0;

	opens(b, "orange", T0);
	for (unsigned n = 0; n < sizeof(pauses) / sizeof(pauses[0]); n++) {
		assert_int_equal(next(b, now), DELIVERIES_DUE);
		assert_int_equal(b->del.attempts, n + 1);
		answer(b, SINK_LATER, now + 7); /* it took its time to say so */
		assert_int_equal(b->state, DELIVERY_WAITING);
		now += 7 + pauses[n];
		assert_none(b, now - 1);
	}
	assert_told(b, now, "opened/orange ");
}

static void what_waits_for_too_long_is_given_up(void **state)
{
	struct bench *b = *state;
	int64_t now = T0;

	opens(b, "orange", T0);
	opens(b, "sfr", T0 + 5);
	for (unsigned tries = 0; b->state != DELIVERY_GIVEN_UP; tries++) {
		assert_true(tries < DAY / 300 + 20);
		if (tries == 3)
			opens(b, "bouygues", T0 + 9 * 3600);
		if (next(b, now) == DELIVERIES_DUE)
			answer(b, SINK_LATER, now);
		now += 300;
	}
	assert_in_range(now - T0, DAY, DAY + 600);
	assert_int_equal(b->given_up, 2);
	assert_told(b, now, "opened/bouygues "); /* it has not waited for as long */
	assert_none(b, now + DAY);
}

static void what_is_refused_is_not_tried_again(void **state)
{
	struct bench *b = *state;

	b->target.repeat_s = 60;
	opens(b, "orange", T0);
	opens(b, "sfr", T0);
	assert_string_equal(told(b, T0, SINK_REFUSED), "opened/orange opened/sfr ");
	assert_int_equal(b->state, DELIVERY_REFUSED);
	assert_none(b, T0 + DAY);
}

static void who_is_killed_in_the_middle_tries_again(void **state)
{
	struct bench *b = *state;

	opens(b, "orange", T0);
	assert_int_equal(next(b, T0), DELIVERIES_DUE);
	open_queue(b); /* nothing was recorded */
	assert_none(b, T0);
	assert_int_equal(next(b, T0 + 1), DELIVERIES_DUE);
	assert_int_equal(b->del.attempts, 2);
	answer(b, SINK_TAKEN, T0 + 1);
	open_queue(b); /* what was recorded is recorded */
	assert_none(b, T0 + 2);
	assert_none(b, T0 + DAY);
}

/* A file on a server that hangs: every attempt ends the process. */
static void what_kills_every_attempt_is_given_up(void **state)
{
	struct bench *b = *state;
	int64_t now = T0, first = opens(b, "orange", T0).id;
	unsigned tries = 0;

	opens(b, "sfr", T0 + 1);
	while (next(b, now) != DELIVERIES_DUE || !b->del.hopeless) {
		assert_true(now < T0 + DAY + 600);
		tries += b->del.attempts > tries;
		now += 60;
	}
	assert_in_range(now - T0, DAY, DAY + 600);
	assert_true(tries > 100);
	assert_int_equal(b->del.incident.id, first);
	answer(b, SINK_LATER, now);
	assert_int_equal(b->state, DELIVERY_GIVEN_UP);
	assert_int_equal(b->given_up, 2);
	assert_none(b, now + 1);
}

/* Killed in an attempt, and started anew days later: it is tried, whatever came of the last one. */
static void what_became_old_without_a_sensor_is_tried(void **state)
{
	struct bench *b = *state;

	opens(b, "orange", T0);
	assert_int_equal(next(b, T0), DELIVERIES_DUE);
	open_queue(b);
	assert_int_equal(next(b, T0 + 3 * DAY), DELIVERIES_DUE);
	assert_false(b->del.hopeless);
	answer(b, SINK_TAKEN, T0 + 3 * DAY);
	assert_int_equal(b->state, DELIVERY_SENT);
}

static void targets_do_not_wait_for_each_other(void **state)
{
	struct bench *b = *state;
	struct bench other = *b;

	other.queue = NULL;
	memset(&other.del, 0, sizeof(other.del));
	strcpy(other.target.name, "pager");
	open_queue(&other);
	opens(b, "orange", T0);
	assert_string_equal(told(b, T0, SINK_LATER), "opened/orange ");
	assert_told(&other, T0, "opened/orange ");
	deliveries_close(other.queue);
}

static void a_clock_that_is_set_back_stops_nothing(void **state)
{
	struct bench *b = *state;

	b->target.repeat_s = 3600;
	opens(b, "orange", T0);
	assert_string_equal(told(b, T0 + 10 * DAY, SINK_LATER), "opened/orange ");
	assert_told(b, T0, "opened/orange ");
	assert_told(b, T0 + 10 * DAY, "again-opened/orange ");
	assert_told(b, T0 + DAY, "again-opened/orange ");
}

/* Which events ------------------------------------------------------------------------------- */

static void a_new_target_begins_with_what_fires(void **state)
{
	struct bench *b = *state;
	struct incident i = opens(b, "orange", T0), over = opens(b, "sfr", T0);

	happens(b, &i, EVENT_STALE, T0 + 60);
	happens(b, &over, EVENT_CLOSED, T0 + 60);
	opens(b, "bouygues", T0 + 70);
	assert_told(b, T0 + 80, "stale/orange opened/bouygues ");
	happens(b, &i, EVENT_CLOSED, T0 + 90);
	assert_told(b, T0 + 90, "closed/orange ");
}

static void warnings_page_nobody(void **state)
{
	struct bench *b = *state;
	struct incident i = incident("orange", SEVERITY_WARNING, T0);
	struct incident mild = incident("sfr", SEVERITY_WARNING, T0);
	struct incident live = incident("bouygues", SEVERITY_WARNING, T0);

	b->target.critical_only = true;
	happens(b, &live, EVENT_OPENED, T0);
	assert_told(b, T0, "");
	happens(b, &i, EVENT_OPENED, T0);
	happens(b, &mild, EVENT_OPENED, T0);
	assert_told(b, T0, "");
	happens(b, &i, EVENT_ESCALATED, T0 + 1);
	happens(b, &mild, EVENT_CLOSED, T0 + 1);
	assert_told(b, T0 + 1, "escalated/orange ");
	happens(b, &i, EVENT_CLOSED, T0 + 2);
	assert_told(b, T0 + 2, "closed/orange ");
}

/* Repetitions -------------------------------------------------------------------------------- */

static void what_fires_is_sent_again(void **state)
{
	struct bench *b = *state;
	struct incident i;

	b->target.repeat_s = 60;
	i = opens(b, "orange", T0);
	opens(b, "sfr", T0 + 30);
	assert_told(b, T0 + 30, "opened/orange opened/sfr ");
	assert_told(b, T0 + 89, "");
	assert_told(b, T0 + 90, "again-opened/orange again-opened/sfr ");
	i.sessions = 40;
	happens(b, &i, EVENT_STALE, T0 + 100);
	assert_told(b, T0 + 100, "stale/orange ");
	assert_told(b, T0 + 150, "again-opened/sfr ");
	assert_int_equal(next(b, T0 + 160), DELIVERIES_DUE);
	assert_true(b->del.again);
	assert_true(b->del.taken);
	assert_int_equal(b->del.event, EVENT_STALE);
	assert_int_equal(b->del.incident.sessions, 40);
	answer(b, SINK_LATER, T0 + 170); /* changes nothing */
	assert_int_equal(b->state, DELIVERY_SENT);
	assert_told(b, T0 + 210, "again-opened/sfr ");
	assert_told(b, T0 + 220, "again-stale/orange ");
	happens(b, &i, EVENT_CLOSED, T0 + 230);
	assert_told(b, T0 + 230, "closed/orange ");
	assert_told(b, T0 + 290, "again-opened/sfr "); /* the end is told once */
}

static void nothing_is_repeated_while_something_waits(void **state)
{
	struct bench *b = *state;

	b->target.repeat_s = 60;
	opens(b, "orange", T0);
	assert_told(b, T0, "opened/orange ");
	opens(b, "sfr", T0 + 59);
	assert_string_equal(told(b, T0 + 59, SINK_LATER), "opened/sfr ");
	assert_string_equal(told(b, T0 + 60, SINK_LATER), "opened/sfr ");
	assert_told(b, T0 + 61, "");
	assert_told(b, T0 + 62, "opened/sfr again-opened/orange ");
}

static void what_was_given_up_is_repeated_too(void **state)
{
	struct bench *b = *state;

	b->target.repeat_s = 60;
	b->target.give_up_s = 5;
	opens(b, "orange", T0);
	told(b, T0, SINK_LATER);
	assert_string_equal(told(b, T0 + 5, SINK_LATER), "opened/orange ");
	assert_int_equal(b->state, DELIVERY_GIVEN_UP);
	assert_int_equal(next(b, T0 + 65), DELIVERIES_DUE);
	assert_false(b->del.taken);
	answer(b, SINK_LATER, T0 + 65);
	assert_int_equal(b->state, DELIVERY_GIVEN_UP);
	assert_told(b, T0 + 125, "again-opened/orange ");
	assert_int_equal(next(b, T0 + 185), DELIVERIES_DUE);
	assert_true(b->del.taken);
}

static void what_is_acknowledged_is_not_repeated(void **state)
{
	struct bench *b = *state;
	struct incident i = incident("orange", SEVERITY_WARNING, T0);

	b->target.repeat_s = 60;
	happens(b, &i, EVENT_OPENED, T0);
	assert_told(b, T0, "opened/orange ");
	assert_true(incident_ack(b->dir, i.id, "ana", "the MX moves", T0 + 5, b->err, 256));
	assert_int_equal(next(b, T0 + 6), DELIVERIES_DUE);
	assert_int_equal(b->del.event, EVENT_ACKNOWLEDGED);
	assert_int_equal(b->del.incident.acked, T0 + 5);
	assert_string_equal(b->del.incident.ack_by, "ana");
	assert_string_equal(b->del.incident.ack_note, "the MX moves");
	answer(b, SINK_TAKEN, T0 + 6);
	assert_told(b, T0 + 600, "");
	incident_store_put(b->store, &i, &i.id, b->err, 256); /* the recorder knows nothing of it */
	assert_told(b, T0 + 700, "");
	happens(b, &i, EVENT_ESCALATED, T0 + 800); /* nobody knows that it is critical */
	assert_told(b, T0 + 800, "escalated/orange ");
	assert_told(b, T0 + 860, "again-escalated/orange ");
	happens(b, &i, EVENT_CLOSED, T0 + 900);
	assert_told(b, T0 + 900, "closed/orange ");
}

static void alertmanager_is_told_the_end_for_five_minutes(void **state)
{
	struct bench *b = *state;
	struct incident i;

	b->target.kind = TARGET_ALERTMANAGER;
	b->target.repeat_s = 60;
	i = opens(b, "orange", T0);
	assert_told(b, T0, "opened/orange ");
	happens(b, &i, EVENT_CLOSED, T0 + 10);
	assert_told(b, T0 + 10, "closed/orange ");
	for (int64_t t = T0 + 70; t < T0 + 310; t += 60) {
		assert_told(b, t - 1, "");
		assert_told(b, t, "again-closed/orange ");
	}
	assert_told(b, T0 + 310, "");
	assert_told(b, T0 + DAY, "");
}

static void the_end_is_not_told_of_what_opened_anew(void **state)
{
	struct bench *b = *state;
	struct incident i;

	b->target.kind = TARGET_ALERTMANAGER;
	b->target.repeat_s = 60;
	assert_none(b, T0);
	i = opens(b, "orange", T0);
	happens(b, &i, EVENT_CLOSED, T0 + 10);
	assert_told(b, T0 + 10, "opened/orange closed/orange ");
	i = opens(b, "orange", T0 + 20);
	assert_told(b, T0 + 20, "opened/orange ");
	assert_told(b, T0 + 80, "again-opened/orange ");
}

/* Maintenance -------------------------------------------------------------------------------- */

static void maintain(struct bench *b, const char *peer, int64_t from, int64_t to)
{
	struct maintenance *m = &b->windows[b->windows_n++];

	*m = (struct maintenance){ .from = from, .to = to };
	strcpy(m->peer, peer);
	open_queue(b);
}

static void maintenance_holds_a_peer_and_no_other(void **state)
{
	struct bench *b = *state;

	maintain(b, "orange", T0, T0 + 3600);
	opens(b, "orange", T0);
	opens(b, "sfr", T0);
	assert_told(b, T0, "opened/sfr ");
	assert_told(b, T0 + 3599, "");
	assert_told(b, T0 + 3600, "opened/orange ");
}

static void maintenance_of_all_holds_all(void **state)
{
	struct bench *b = *state;
	struct incident sensor = incident("-", SEVERITY_WARNING, T0);

	maintain(b, "", T0, T0 + 3600);
	opens(b, "orange", T0);
	happens(b, &sensor, EVENT_OPENED, T0);
	assert_told(b, T0 + 3599, "");
	assert_told(b, T0 + 3600, "opened/orange opened/- ");
}

static void what_ends_in_maintenance_is_silenced(void **state)
{
	struct bench *b = *state;
	struct incident i;

	maintain(b, "free", T0, T0 + 3600);
	i = opens(b, "orange", T0);
	opens(b, "sfr", T0);
	assert_told(b, T0, "");
	happens(b, &i, EVENT_STALE, T0 + 300);
	happens(b, &i, EVENT_CLOSED, T0 + 600);
	assert_told(b, T0 + 600, "");
	assert_told(b, T0 + 3600, "opened/sfr ");
	assert_told(b, T0 + DAY, "");
}

static void who_knows_of_it_learns_the_end_after_maintenance(void **state)
{
	struct bench *b = *state;
	struct incident i;

	b->target.repeat_s = 60;
	maintain(b, "orange", T0 + 60, T0 + 3600);
	i = opens(b, "orange", T0);
	assert_told(b, T0, "opened/orange ");
	assert_told(b, T0 + 120, ""); /* nor is it repeated */
	happens(b, &i, EVENT_STALE, T0 + 300);
	happens(b, &i, EVENT_CLOSED, T0 + 600);
	assert_told(b, T0 + 600, "");
	assert_told(b, T0 + 3600, "closed/orange ");
}

/* What it does not get again it would declare over. */
static void alertmanager_goes_on_getting_what_it_has(void **state)
{
	struct bench *b = *state;

	b->target.kind = TARGET_ALERTMANAGER;
	b->target.repeat_s = 60;
	maintain(b, "orange", T0 + 60, T0 + 3600);
	opens(b, "orange", T0);
	assert_told(b, T0, "opened/orange ");
	assert_told(b, T0 + 120, "again-opened/orange ");
}

static void maintenance_that_nobody_watched_is_maintenance(void **state)
{
	struct bench *b = *state;
	struct incident i;

	maintain(b, "", T0, T0 + 3600);
	assert_told(b, T0 - 1, "");
	i = opens(b, "orange", T0 + 10);
	happens(b, &i, EVENT_CLOSED, T0 + 600);
	opens(b, "sfr", T0 + 10);
	assert_told(b, T0 + 7200, "opened/sfr ");
}

static void time_in_maintenance_is_not_waiting(void **state)
{
	struct bench *b = *state;

	maintain(b, "orange", T0, T0 + 3 * DAY);
	opens(b, "orange", T0);
	assert_told(b, T0, "");
	assert_string_equal(told(b, T0 + 3 * DAY, SINK_LATER), "opened/orange ");
	assert_int_equal(b->state, DELIVERY_WAITING);
	assert_told(b, T0 + 3 * DAY + 1, "opened/orange ");
}

/* Tests, acknowledgements, lists ------------------------------------------------------------- */

struct list {
	size_t n;
	struct delivery_row row[8];
};

static bool on_row(void *ctx, const struct delivery_row *row)
{
	struct list *l = ctx;

	l->row[l->n++] = *row;
	return l->n < 8;
}

static struct list list(struct bench *b, int64_t incident_id, int64_t event)
{
	struct list l = { .n = 0 };

	if (!deliveries_list(b->dir, incident_id, event, on_row, &l, b->err, sizeof(b->err)))
		fail_msg("%s", b->err);
	return l;
}

static int64_t request_test(struct bench *b, const char *target, int64_t now)
{
	int64_t event;

	if (!incident_test_request(b->dir, target, now, &event, b->err, sizeof(b->err)))
		fail_msg("%s", b->err);
	return event;
}

static void a_test_passes_everything_and_is_tried_once(void **state)
{
	struct bench *b = *state;
	struct list l;
	int64_t event;

	b->target.critical_only = true;
	maintain(b, "", T0, T0 + DAY);
	opens(b, "orange", T0 - 10);
	told(b, T0 - 10, SINK_LATER);
	event = request_test(b, NULL, T0 - 9);
	assert_int_equal(next(b, T0 - 9), DELIVERIES_DUE);
	assert_int_equal(b->del.event, EVENT_TEST);
	assert_int_equal(b->del.event_id, event);
	assert_int_equal(b->del.incident.id, 0);
	assert_string_equal(incident_service(&b->del.incident), "-");
	assert_int_equal(b->del.evidence_n, 0);
	assert_int_equal(list(b, 0, event).row[0].state, DELIVERY_WAITING);
	answer(b, SINK_LATER, T0 - 8);
	l = list(b, 0, event);
	assert_int_equal(l.n, 1);
	assert_string_equal(l.row[0].target, "noc");
	assert_string_equal(l.row[0].answer, "said");
	assert_int_equal(l.row[0].state, DELIVERY_GIVEN_UP);
	assert_told(b, T0 - 8, "opened/orange ");
	event = request_test(b, "noc", T0);
	assert_told(b, T0, "test/- ");
	assert_int_equal(list(b, 0, event).row[0].state, DELIVERY_SENT);
}

static void a_test_is_for_whom_it_names_and_for_now(void **state)
{
	struct bench *b = *state;
	struct bench other = *b;
	int64_t event;

	assert_false(incident_test_request(b->dir, NULL, T0, &event, b->err, sizeof(b->err)));
	assert_non_null(strstr(b->err, "there is no target"));
	assert_none(b, T0);
	other.queue = NULL;
	memset(&other.del, 0, sizeof(other.del));
	strcpy(other.target.name, "pager");
	open_queue(&other);
	assert_none(&other, T0);
	assert_false(incident_test_request(b->dir, "nox", T0, &event, b->err, sizeof(b->err)));
	assert_non_null(strstr(b->err, "there is no target nox"));
	request_test(b, "pager", T0);
	assert_told(b, T0, "");
	assert_told(&other, T0, "test/- ");
	event = request_test(b, NULL, T0);
	assert_told(b, T0 + 301, ""); /* whoever asked has gone */
	assert_int_equal(list(b, 0, event).row[0].state, DELIVERY_SILENCED);
	deliveries_close(other.queue);
}

static void a_test_that_kills_is_not_tried_again(void **state)
{
	struct bench *b = *state;
	int64_t event;

	assert_none(b, T0);
	event = request_test(b, NULL, T0);
	opens(b, "orange", T0);
	assert_int_equal(next(b, T0), DELIVERIES_DUE);
	assert_int_equal(b->del.event, EVENT_TEST);
	open_queue(b);
	assert_told(b, T0, "opened/orange ");
	assert_int_equal(list(b, 0, event).row[0].state, DELIVERY_GIVEN_UP);
}

static void deliveries_of_an_incident_are_listed(void **state)
{
	struct bench *b = *state;
	struct incident i = opens(b, "orange", T0);
	struct list l;

	opens(b, "sfr", T0);
	b->target.repeat_s = 60;
	told(b, T0 + 1, SINK_TAKEN);
	told(b, T0 + 70, SINK_TAKEN);
	happens(b, &i, EVENT_CLOSED, T0 + 80);
	told(b, T0 + 80, SINK_LATER);
	l = list(b, i.id, 0);
	assert_int_equal(l.n, 2);
	assert_int_equal(l.row[0].event, EVENT_OPENED);
	assert_int_equal(l.row[0].at, T0);
	assert_int_equal(l.row[0].state, DELIVERY_SENT);
	assert_int_equal(l.row[0].attempts, 1);
	assert_int_equal(l.row[0].tried, T0 + 1);
	assert_int_equal(l.row[0].repeated, T0 + 70);
	assert_int_equal(l.row[0].repeats, 1);
	assert_int_equal(l.row[0].repeat_state, DELIVERY_SENT);
	assert_string_equal(l.row[0].repeat_answer, "said");
	assert_int_equal(l.row[0].next, 0);
	assert_int_equal(l.row[1].event, EVENT_CLOSED);
	assert_int_equal(l.row[1].state, DELIVERY_WAITING);
	assert_int_equal(l.row[1].next, T0 + 81);
	assert_string_equal(l.row[1].answer, "said");
	assert_int_equal(l.row[1].repeats, 0);
	assert_int_equal(l.row[1].repeat_state, DELIVERY_STATES);
}

static void what_came_of_a_repetition_is_noted(void **state)
{
	struct bench *b = *state;
	struct incident i = opens(b, "orange", T0);
	struct delivery_row r;

	b->target.repeat_s = 60;
	assert_told(b, T0, "opened/orange ");
	assert_string_equal(told(b, T0 + 60, SINK_REFUSED), "again-opened/orange ");
	assert_int_equal(list(b, i.id, 0).row[0].repeat_state, DELIVERY_REFUSED);
	assert_string_equal(told(b, T0 + 120, SINK_LATER), "again-opened/orange ");
	r = list(b, i.id, 0).row[0];
	assert_int_equal(r.state, DELIVERY_SENT);
	assert_int_equal(r.tried, T0);
	assert_int_equal(r.attempts, 1);
	assert_int_equal(r.repeats, 2);
	assert_int_equal(r.repeated, T0 + 120);
	assert_int_equal(r.repeat_state, DELIVERY_GIVEN_UP);
	assert_string_equal(r.repeat_answer, "said");
	assert_int_equal(next(b, T0 + 180), DELIVERIES_DUE); /* killed in the middle */
	assert_string_equal(list(b, i.id, 0).row[0].repeat_answer, "no answer yet");
	assert_int_equal(list(b, i.id, 0).row[0].repeats, 3);
}

static void only_what_fires_is_acknowledged(void **state)
{
	struct bench *b = *state;
	struct incident i = opens(b, "orange", T0);

	assert_false(incident_ack(b->dir, 99, "ana", "", T0, b->err, sizeof(b->err)));
	assert_string_equal(b->err, "there is no incident 99");
	happens(b, &i, EVENT_CLOSED, T0 + 1);
	assert_false(incident_ack(b->dir, i.id, "ana", "", T0, b->err, sizeof(b->err)));
	assert_non_null(strstr(b->err, "is closed"));
	assert_false(incident_ack("/nonexistent", 1, "ana", "", T0, b->err, sizeof(b->err)));
	assert_non_null(strstr(b->err, "/nonexistent/incidents.db"));
}

static bool on_target(void *ctx, const char *name, int64_t last_event)
{
	char *all = ctx;

	snprintf(all + strlen(all), 64, "%s:%d ", name, (int)last_event);
	return true;
}

static void a_target_that_is_gone_is_forgotten(void **state)
{
	struct bench *b = *state;
	struct target others[2];
	struct incident i;
	char all[128] = "";

	i = opens(b, "orange", T0);
	told(b, T0, SINK_LATER);
	assert_true(deliveries_each_target(b->dir, on_target, all, b->err, sizeof(b->err)));
	assert_string_equal(all, "noc:1 ");
	assert_true(deliveries_targets(b->dir, &b->target, 1, b->err, sizeof(b->err)));
	assert_int_equal(list(b, i.id, 0).row[0].state, DELIVERY_WAITING);
	target_init(&others[0], TARGET_SYSLOG);
	strcpy(others[0].name, "syslog");
	assert_true(deliveries_targets(b->dir, others, 1, b->err, sizeof(b->err)));
	assert_int_equal(list(b, i.id, 0).row[0].state, DELIVERY_SILENCED);
	all[0] = '\0';
	assert_true(deliveries_each_target(b->dir, on_target, all, b->err, sizeof(b->err)));
	assert_string_equal(all, "");
}

/* Taken out of the configuration while it was down, and put back. */
static void a_target_that_is_back_is_told_what_it_does_not_know(void **state)
{
	struct bench *b = *state;
	struct incident known, unknown, over;

	assert_none(b, T0);
	opens(b, "orange", T0);
	known = opens(b, "laposte", T0);
	over = opens(b, "bouygues", T0);
	happens(b, &over, EVENT_CLOSED, T0);
	assert_told(b, T0, "opened/orange opened/laposte opened/bouygues closed/bouygues ");
	opens(b, "sfr", T0 + 1);
	unknown = opens(b, "free", T0 + 1);
	assert_string_equal(told(b, T0 + 1, SINK_LATER), "opened/sfr ");
	assert_true(deliveries_targets(b->dir, NULL, 0, b->err, sizeof(b->err)));
	happens(b, &known, EVENT_CLOSED, T0 + 50);
	happens(b, &unknown, EVENT_CLOSED, T0 + 50);
	open_queue(b);
	assert_told(b, T0 + 100, "opened/sfr closed/laposte ");
	assert_none(b, T0 + DAY);
}

static void a_queue_makes_no_store(void **state)
{
	struct bench *b = *state;

	assert_null(deliveries_open("/nonexistent", &b->target, NULL, 0, b->err, sizeof(b->err)));
	assert_non_null(strstr(b->err, "/nonexistent/incidents.db"));
	deliveries_close(NULL);
	for (unsigned n = 0; n < DELIVERY_STATES; n++)
		assert_non_null(delivery_state_name((enum delivery_state)n));
	assert_null(delivery_state_name(DELIVERY_STATES));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

/* Clocks -------------------------------------------------------------------------------------- */

static void a_clock_that_was_set_back_repeats_no_faster(void **state)
{
	struct bench *b = *state;

	b->target.repeat_s = 60;
	open_queue(b);
	(void)opens(b, "orange", T0);
	assert_told(b, T0 + 3600, "opened/orange ");
	assert_told(b, T0, "again-opened/orange "); /* an hour back */
	assert_none(b, T0 + 1);
	assert_none(b, T0 + 59);
	assert_told(b, T0 + 60, "again-opened/orange ");
	assert_none(b, T0 + 61);
}

static void a_clock_that_was_set_makes_nothing_older(void **state)
{
	struct bench *b = *state;

	opens(b, "orange", T0);
	told(b, T0, SINK_LATER);
	assert_true(deliveries_clock_set(b->queue, 10 * DAY, b->err, sizeof(b->err)));
	assert_string_equal(told(b, T0 + 10 * DAY + 5, SINK_LATER), "opened/orange ");
	assert_int_equal(b->state, DELIVERY_WAITING);
	assert_true(deliveries_clock_set(b->queue, -10 * DAY, b->err, sizeof(b->err)));
	assert_string_equal(told(b, T0 + DAY, SINK_LATER), "opened/orange ");
	assert_int_equal(b->state, DELIVERY_GIVEN_UP);
}

/* Alertmanager resolves after 3 repeat_s what it does not hear of. */
static void what_waits_keeps_nothing_from_alertmanager(void **state)
{
	struct bench *b = *state;

	b->target.kind = TARGET_ALERTMANAGER;
	b->target.repeat_s = 60;
	open_queue(b);
	(void)opens(b, "orange", T0);
	assert_told(b, T0, "opened/orange ");
	(void)opens(b, "sfr", T0 + 1);
	for (int64_t t = T0 + 1; t < T0 + 600; t++) {
		while (next(b, t) == DELIVERIES_DUE) {
			/* it takes what it knows, and not yet the other */
			bool again = b->del.again;

			if (again)
				b->given_up = 0;
			answer(b, again ? SINK_TAKEN : SINK_LATER, t);
			if (again)
				b->windows_n = (size_t)(t - T0);
		}
		if (t - T0 - (int64_t)b->windows_n > 120)
			fail_msg("not heard of for %d s at T0 + %d",
				 (int)(t - T0 - (int64_t)b->windows_n), (int)(t - T0));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_taken_is_sent_once),
		TEST(an_event_tells_of_its_time),
		TEST(events_go_out_in_order),
		TEST(pauses_double_up_to_five_minutes),
		TEST(what_waits_for_too_long_is_given_up),
		TEST(what_is_refused_is_not_tried_again),
		TEST(who_is_killed_in_the_middle_tries_again),
		TEST(what_kills_every_attempt_is_given_up),
		TEST(what_became_old_without_a_sensor_is_tried),
		TEST(targets_do_not_wait_for_each_other),
		TEST(a_clock_that_is_set_back_stops_nothing),
		TEST(a_new_target_begins_with_what_fires),
		TEST(warnings_page_nobody),
		TEST(what_fires_is_sent_again),
		TEST(nothing_is_repeated_while_something_waits),
		TEST(what_was_given_up_is_repeated_too),
		TEST(what_is_acknowledged_is_not_repeated),
		TEST(alertmanager_is_told_the_end_for_five_minutes),
		TEST(the_end_is_not_told_of_what_opened_anew),
		TEST(maintenance_holds_a_peer_and_no_other),
		TEST(maintenance_of_all_holds_all),
		TEST(what_ends_in_maintenance_is_silenced),
		TEST(who_knows_of_it_learns_the_end_after_maintenance),
		TEST(alertmanager_goes_on_getting_what_it_has),
		TEST(maintenance_that_nobody_watched_is_maintenance),
		TEST(time_in_maintenance_is_not_waiting),
		TEST(a_test_passes_everything_and_is_tried_once),
		TEST(a_test_is_for_whom_it_names_and_for_now),
		TEST(a_test_that_kills_is_not_tried_again),
		TEST(deliveries_of_an_incident_are_listed),
		TEST(what_came_of_a_repetition_is_noted),
		TEST(only_what_fires_is_acknowledged),
		TEST(a_target_that_is_gone_is_forgotten),
		TEST(a_target_that_is_back_is_told_what_it_does_not_know),
		TEST(a_queue_makes_no_store),
		TEST(a_clock_that_was_set_back_repeats_no_faster),
		TEST(a_clock_that_was_set_makes_nothing_older),
		TEST(what_waits_keeps_nothing_from_alertmanager),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
