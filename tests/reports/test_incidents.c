/* Tests when an incident opens, what it weighs, and what it takes to close it. */
#include "tests/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/db.h"
#include "reports/incidents.h"

#define NS    1000000000ull
#define T0    1448186400 /* 2015-11-22T10:00:00Z */
#define QUIET 600

struct bench {
	char dir[64];
	struct incidents *in;
	struct ledger *ledger;
	char events[256]; /* "opened/warning " and so on, as they come */
	char err[256];
};

static void open_incidents(struct bench *b)
{
	struct incidents_config c = { .sensor = "th2-1", .quiet_s = QUIET, .lossy_share = 0.01 };

	b->in = incidents_open(b->dir, true, &c, b->err, sizeof(b->err));
	assert_non_null(b->in);
}

static int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	strcpy(b->dir, "/tmp/mailseal-incidents-XXXXXX");
	if (!mkdtemp(b->dir))
		return 1;
	open_incidents(b);
	b->ledger = ledger_open(b->dir, LEDGER_WRITE, b->err, sizeof(b->err));
	*state = b;
	return b->ledger == NULL;
}

static int tear_down(void **state)
{
	struct bench *b = *state;
	char command[128];
	int rc;

	incidents_close(b->in);
	ledger_close(b->ledger);
	snprintf(command, sizeof(command), "rm -rf %s", b->dir);
	rc = system(command);
	free(b);
	return rc;
}

static void note(void *ctx, enum incident_event e, const struct incident *i)
{
	struct bench *b = ctx;
	size_t n = strlen(b->events);

	snprintf(b->events + n, sizeof(b->events) - n, "%s/%s ", incident_event_name(e),
		 severity_name(i->severity));
}

static struct session clear_session(int64_t when, enum exposure e, enum tri confirmed)
{
	struct session s;

	memset(&s, 0, sizeof(s));
	s.decided_ns = (uint64_t)when * NS;
	s.verdict = VERDICT_PLAINTEXT;
	s.protocol = PROTOCOL_SMTP;
	s.exposure = (uint8_t)e;
	s.confirmed = (uint8_t)confirmed;
	s.cause = CAUSE_NOT_OFFERED;
	return s;
}

static const struct pair promised = { .client = "orange", .server = "free", .promised = true };

static void offer(struct bench *b, uint64_t key, struct session s)
{
	char record[32];

	snprintf(record, sizeof(record), "record %d", (int)key);
	if (!incidents_session(b->in, key, &s, &promised, record, note, b, b->err, sizeof(b->err)))
		fail_msg("%s", b->err);
}

/* A step with packets, some of them dropped, and sessions of the pair that were encrypted. */
static void step(struct bench *b, int64_t when, uint64_t packets, uint64_t drops,
		 uint64_t encrypted)
{
	struct ledger_row row = { .service = SERVICE_MTA, .client = "orange", .server = "free" };
	struct health h = { .alive = 0 };
	struct ledger_batch batch = {
		.step = when, .rows = &row, .rows_n = encrypted > 0, .health = &h
	};

	row.counts.n[COUNT_ENC_STARTTLS] = encrypted;
	h.n[HEALTH_PACKETS] = packets;
	h.n[HEALTH_DROP_KERNEL] = drops;
	if (!ledger_commit(b->ledger, &batch, b->err, sizeof(b->err)) ||
	    !incidents_step(b->in, b->ledger, when, note, b, b->err, sizeof(b->err)))
		fail_msg("%s", b->err);
}

struct list {
	size_t n;
	struct incident newest;
};

static bool on_incident(void *ctx, const struct incident *i)
{
	struct list *l = ctx;

	if (l->n++ == 0)
		l->newest = *i;
	return true;
}

static struct list list(struct bench *b, int state)
{
	struct list l = { .n = 0 };

	if (!incidents_list(b->in, state, NULL, on_incident, &l, b->err, sizeof(b->err)))
		fail_msg("%s", b->err);
	return l;
}

static void a_mail_in_clear_opens_a_critical_incident(void **state)
{
	struct bench *b = *state;
	struct incident i;

	offer(b, 1, clear_session(T0, EXPOSURE_CONTENT, TRI_TRUE));
	assert_string_equal(b->events, "opened/critical ");
	assert_int_equal(list(b, -1).n, 1);
	i = list(b, INCIDENT_OPEN).newest;
	assert_string_equal(i.rule, "plaintext-between-signatories");
	assert_string_equal(i.client, "orange");
	assert_string_equal(i.server, "free");
	assert_string_equal(i.sensor, "th2-1");
	assert_int_equal(i.service, SERVICE_MTA);
	assert_int_equal(i.severity, SEVERITY_CRITICAL);
	assert_int_equal(i.opened, T0);
	assert_int_equal(i.last_seen, T0);
	assert_int_equal(i.sessions, 1);
	assert_int_equal(i.confirmed, 1);
	assert_int_equal(i.by_exposure[EXPOSURE_CONTENT], 1);
	assert_int_equal(i.by_cause[CAUSE_NOT_OFFERED], 1);
}

static void severity_follows_exposure_and_confirmation(void **state)
{
	static const struct {
		enum exposure exposure;
		enum tri confirmed;
		const char *events;
	} cases[] = {
		{ EXPOSURE_CONTENT, TRI_TRUE, "opened/critical " },
		{ EXPOSURE_CREDENTIALS, TRI_TRUE, "opened/critical " },
		{ EXPOSURE_ENVELOPE, TRI_TRUE, "opened/warning " },
		{ EXPOSURE_UNKNOWN, TRI_TRUE, "opened/warning " },
		{ EXPOSURE_CONTENT, TRI_FALSE, "opened/warning " },
		{ EXPOSURE_CONTENT, TRI_NULL, "opened/warning " },
		{ EXPOSURE_REFUSED, TRI_TRUE, "" },
		{ EXPOSURE_NONE, TRI_TRUE, "" },
	};
	struct bench *b = *state;

	for (unsigned n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
		struct session s = clear_session(T0, cases[n].exposure, cases[n].confirmed);
		struct pair p = promised;

		snprintf(p.client, sizeof(p.client), "peer-%u", n);
		b->events[0] = '\0';
		assert_true(incidents_session(b->in, 100 + n, &s, &p, "r", note, b, b->err,
					      sizeof(b->err)));
		assert_string_equal(b->events, cases[n].events);
	}
}

static void what_was_not_promised_is_no_incident(void **state)
{
	struct session s = clear_session(T0, EXPOSURE_CONTENT, TRI_TRUE);
	struct pair p = promised;
	struct bench *b = *state;

	p.promised = false;
	assert_true(incidents_session(b->in, 1, &s, &p, "r", note, b, b->err, sizeof(b->err)));
	s.verdict = VERDICT_TLS_FAILED;
	offer(b, 2, s);
	assert_string_equal(b->events, "");
	assert_int_equal(list(b, -1).n, 0);
}

static void a_session_that_grows_is_counted_once(void **state)
{
	struct bench *b = *state;
	struct incident i;

	offer(b, 1, clear_session(T0, EXPOSURE_REFUSED, TRI_TRUE));
	offer(b, 1, clear_session(T0, EXPOSURE_ENVELOPE, TRI_TRUE));
	offer(b, 2, clear_session(T0 + 1, EXPOSURE_ENVELOPE, TRI_NULL));
	offer(b, 1, clear_session(T0 + 2, EXPOSURE_CONTENT, TRI_TRUE));
	offer(b, 1, clear_session(T0 + 2, EXPOSURE_CONTENT, TRI_TRUE));
	offer(b, 2, clear_session(T0 + 3, EXPOSURE_ENVELOPE, TRI_TRUE));
	assert_string_equal(b->events, "opened/warning escalated/critical ");
	assert_int_equal(list(b, -1).n, 1);
	i = list(b, -1).newest;
	assert_int_equal(i.sessions, 2);
	assert_int_equal(i.confirmed, 2);
	assert_int_equal(i.by_exposure[EXPOSURE_ENVELOPE], 1);
	assert_int_equal(i.by_exposure[EXPOSURE_CONTENT], 1);
	assert_int_equal(i.by_cause[CAUSE_NOT_OFFERED], 2);
	assert_int_equal(i.last_seen, T0 + 3);
}

static void a_session_confirmed_again_is_confirmed_once(void **state)
{
	struct bench *b = *state;
	struct incident i;

	offer(b, 1, clear_session(T0, EXPOSURE_ENVELOPE, TRI_TRUE));
	offer(b, 1, clear_session(T0, EXPOSURE_CONTENT, TRI_FALSE));
	i = list(b, -1).newest;
	assert_int_equal(i.confirmed, 0);
	assert_int_equal(i.severity, SEVERITY_WARNING);
	offer(b, 1, clear_session(T0, EXPOSURE_CONTENT, TRI_TRUE));
	i = list(b, -1).newest;
	assert_int_equal(i.sessions, 1);
	assert_int_equal(i.confirmed, 1);
	assert_int_equal(i.severity, SEVERITY_CRITICAL);
}

static bool on_record(void *ctx, const char *record)
{
	char *all = ctx;

	strcat(all, record);
	strcat(all, ";");
	return true;
}

static void evidence_is_the_first_five_sessions(void **state)
{
	struct bench *b = *state;
	char all[256] = "";
	int64_t id;

	for (uint64_t key = 1; key <= 8; key++)
		offer(b, key, clear_session(T0, EXPOSURE_CONTENT, TRI_TRUE));
	assert_int_equal(list(b, -1).newest.sessions, 5); /* the rest comes with the step */
	assert_true(incidents_save(b->in, NULL, NULL, b->err, sizeof(b->err)));
	assert_int_equal(list(b, -1).newest.sessions, 8);
	id = list(b, -1).newest.id;
	assert_true(incidents_evidence(b->in, id, on_record, all, b->err, sizeof(b->err)));
	assert_string_equal(all, "record 1;record 2;record 3;record 4;record 5;");
}

static void it_closes_when_the_sensor_can_vouch_for_it(void **state)
{
	struct bench *b = *state;
	struct incident i;

	offer(b, 1, clear_session(T0, EXPOSURE_CONTENT, TRI_TRUE));
	step(b, T0, 100, 0, 0);
	step(b, T0 + QUIET - 120, 100, 0, 1);
	assert_string_equal(b->events, "opened/critical "); /* not quiet for long enough */
	step(b, T0 + QUIET, 100, 0, 0);
	assert_string_equal(b->events, "opened/critical closed/critical ");
	i = list(b, INCIDENT_CLOSED).newest;
	assert_int_equal(i.closed, T0 + QUIET + STEP_S);
	assert_string_equal(i.why, "");
	step(b, T0 + QUIET + 60, 100, 0, 1);
	offer(b, 1, clear_session(T0, EXPOSURE_CONTENT, TRI_TRUE)); /* its end, nothing new */
	assert_int_equal(list(b, -1).n, 1);
	offer(b, 2, clear_session(T0 + QUIET + 130, EXPOSURE_CONTENT, TRI_TRUE));
	assert_int_equal(list(b, -1).n, 2);
	assert_int_equal(list(b, INCIDENT_OPEN).n, 1);
}

static void assert_stale(struct bench *b, const char *why)
{
	struct list l = list(b, INCIDENT_STALE);

	assert_string_equal(b->events, "opened/critical stale/critical ");
	assert_int_equal(l.n, 1);
	if (!strstr(l.newest.why, why))
		fail_msg("\"%s\" instead of \"%s\"", l.newest.why, why);
}

static void it_turns_stale_without_a_session_to_show(void **state)
{
	struct bench *b = *state;

	offer(b, 1, clear_session(T0, EXPOSURE_CONTENT, TRI_TRUE));
	step(b, T0 + QUIET, 100, 0, 0);
	assert_stale(b, "no session of the pair was decided");
	step(b, T0 + QUIET + 60, 100, 0, 0); /* once */
	assert_stale(b, "no session of the pair was decided");
	step(b, T0 + QUIET + 120, 100, 0, 1);
	assert_string_equal(b->events, "opened/critical stale/critical closed/critical ");
}

static void a_blind_sensor_resolves_nothing(void **state)
{
	struct bench *b = *state;

	offer(b, 1, clear_session(T0, EXPOSURE_CONTENT, TRI_TRUE));
	step(b, T0, 100, 0, 0);
	step(b, T0 + QUIET, 0, 0, 0);
	assert_stale(b, "the sensor saw no packets in the quiet time");
}

static void a_lossy_sensor_resolves_nothing(void **state)
{
	struct bench *b = *state;

	offer(b, 1, clear_session(T0, EXPOSURE_CONTENT, TRI_TRUE));
	step(b, T0 + QUIET, 980, 20, 1);
	assert_stale(b, "the sensor lost 2.00 % of the packets in the quiet time");
}

static void a_session_after_stale_opens_it_again(void **state)
{
	struct bench *b = *state;
	struct list l;

	offer(b, 1, clear_session(T0, EXPOSURE_ENVELOPE, TRI_TRUE));
	step(b, T0 + QUIET, 100, 0, 0);
	offer(b, 2, clear_session(T0 + QUIET + 61, EXPOSURE_ENVELOPE, TRI_TRUE));
	assert_string_equal(b->events, "opened/warning stale/warning opened/warning ");
	l = list(b, INCIDENT_OPEN);
	assert_int_equal(l.n, 1);
	assert_int_equal(l.newest.sessions, 2);
	assert_string_equal(l.newest.why, "");
	assert_int_equal(list(b, -1).n, 1);
}

static void it_survives_a_restart(void **state)
{
	struct bench *b = *state;

	for (uint64_t key = 1; key <= 7; key++)
		offer(b, key, clear_session(T0, EXPOSURE_ENVELOPE, TRI_TRUE));
	assert_true(incidents_save(b->in, NULL, NULL, b->err, sizeof(b->err)));
	incidents_close(b->in);
	open_incidents(b);
	offer(b, 1, clear_session(T0 + 60, EXPOSURE_CONTENT, TRI_TRUE)); /* another session 1 */
	assert_string_equal(b->events, "opened/warning escalated/critical ");
	assert_int_equal(list(b, -1).n, 1);
	assert_int_equal(list(b, -1).newest.sessions, 8);
	assert_int_equal(list(b, -1).newest.by_exposure[EXPOSURE_ENVELOPE], 7);
}

struct sink {
	unsigned takes; /* so many, then none */
	char got[256];
};

static bool sink_take(void *ctx, enum incident_event e, const struct incident *i)
{
	struct sink *s = ctx;
	size_t n = strlen(s->got);

	if (s->takes == 0)
		return false;
	s->takes--;
	snprintf(s->got + n, sizeof(s->got) - n, "%s/%s/%s ", incident_event_name(e),
		 severity_name(i->severity), incident_state_name(i->state));
	return true;
}

static void events_wait_until_they_are_delivered(void **state)
{
	struct bench *b = *state;
	struct sink s = { .takes = 0 };

	offer(b, 1, clear_session(T0, EXPOSURE_ENVELOPE, TRI_TRUE));
	offer(b, 1, clear_session(T0, EXPOSURE_CONTENT, TRI_TRUE));
	step(b, T0 + QUIET, 100, 0, 0);
	assert_true(incidents_deliver(b->in, sink_take, &s, b->err, sizeof(b->err)));
	assert_string_equal(s.got, "");
	s.takes = 1;
	assert_true(incidents_deliver(b->in, sink_take, &s, b->err, sizeof(b->err)));
	assert_string_equal(s.got, "opened/warning/open ");
	incidents_close(b->in);
	open_incidents(b);
	s.takes = 10;
	assert_true(incidents_deliver(b->in, sink_take, &s, b->err, sizeof(b->err)));
	assert_string_equal(s.got, "opened/warning/open escalated/critical/open "
				   "stale/critical/stale ");
	assert_int_equal(s.takes, 8);
}

static void readers_need_no_configuration(void **state)
{
	struct bench *b = *state;
	struct list l = { .n = 0 };
	struct incidents *reader;

	offer(b, 1, clear_session(T0, EXPOSURE_ENVELOPE, TRI_TRUE));
	reader = incidents_open(b->dir, false, NULL, b->err, sizeof(b->err));
	assert_non_null(reader);
	assert_true(incidents_list(reader, -1, "free", on_incident, &l, b->err, sizeof(b->err)));
	assert_int_equal(l.n, 1);
	assert_true(incidents_list(reader, -1, "sfr", on_incident, &l, b->err, sizeof(b->err)));
	assert_int_equal(l.n, 1);
	incidents_close(reader);
	incidents_close(NULL);
	assert_null(incidents_open("/nonexistent", false, NULL, b->err, sizeof(b->err)));
	assert_non_null(strstr(b->err, "/nonexistent/incidents.db"));
}

/* Changes the store behind the back of the one that has it open. */
static void change_store(const struct bench *b, const char *sql)
{
	char path[128], err[256] = "";
	struct db *db;

	snprintf(path, sizeof(path), "%s/incidents.db", b->dir);
	db = db_open(path, true, err, sizeof(err));
	assert_non_null(db);
	assert_true(db_exec(db, sql, err, sizeof(err)));
	db_close(db);
}

static void a_store_that_takes_nothing_loses_no_incident(void **state)
{
	struct session s = clear_session(T0, EXPOSURE_CONTENT, TRI_TRUE);
	struct bench *b = *state;

	change_store(b, "CREATE TRIGGER full BEFORE INSERT ON incident"
			" BEGIN SELECT RAISE(ABORT, 'disk full'); END");
	assert_false(
		incidents_session(b->in, 1, &s, &promised, "r", note, b, b->err, sizeof(b->err)));
	assert_non_null(strstr(b->err, "disk full"));
	assert_string_equal(b->events, "");
	change_store(b, "DROP TRIGGER full");
	assert_true(incidents_step(b->in, b->ledger, T0, note, b, b->err, sizeof(b->err)));
	assert_string_equal(b->events, "opened/critical ");
	assert_int_equal(list(b, INCIDENT_OPEN).newest.sessions, 1);
}

static void a_newer_store_is_refused(void **state)
{
	struct bench *b = *state;

	change_store(b, "PRAGMA user_version = 99");
	assert_null(incidents_open(b->dir, false, NULL, b->err, sizeof(b->err)));
	assert_non_null(strstr(b->err, "newer version"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_mail_in_clear_opens_a_critical_incident),
		TEST(severity_follows_exposure_and_confirmation),
		TEST(what_was_not_promised_is_no_incident),
		TEST(a_session_that_grows_is_counted_once),
		TEST(a_session_confirmed_again_is_confirmed_once),
		TEST(evidence_is_the_first_five_sessions),
		TEST(it_closes_when_the_sensor_can_vouch_for_it),
		TEST(it_turns_stale_without_a_session_to_show),
		TEST(a_blind_sensor_resolves_nothing),
		TEST(a_lossy_sensor_resolves_nothing),
		TEST(a_session_after_stale_opens_it_again),
		TEST(it_survives_a_restart),
		TEST(events_wait_until_they_are_delivered),
		TEST(readers_need_no_configuration),
		TEST(a_store_that_takes_nothing_loses_no_incident),
		TEST(a_newer_store_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
