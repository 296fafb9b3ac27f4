/* Tests when an incident opens, what it weighs, and what it takes to close it. */
#include "tests/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/db.h"
#include "reports/deliveries.h"
#include "reports/incidents.h"

#define NS    1000000000ull
#define T0    1448186400 /* 2015-11-22T10:00:00Z */
#define QUIET 600

struct bench {
	char dir[64];
	struct incidents *in;
	struct ledger *ledger;
	char events[512]; /* "opened/warning " and so on, as they come */
	int64_t next;     /* the first step that is not committed; 0 before the first */
	char err[256];
};

static void open_with(struct bench *b, const struct rule_entry *entries, size_t n)
{
	struct incidents_config c = { .sensor = "th2-1",
				      .quiet_s = QUIET,
				      .lossy_share = 0.01,
				      .entries = entries,
				      .entries_n = n };

	b->in = incidents_open(b->dir, true, &c, b->err, sizeof(b->err));
	assert_non_null(b->in);
}

static void open_incidents(struct bench *b)
{
	open_with(b, NULL, 0);
}

static void set_peers(struct bench *b)
{
	struct peers *p = peers_new();

	assert_true(peers_add(p, "orange", true, b->err, sizeof(b->err)) >= 0);
	assert_true(peers_add(p, "free", true, b->err, sizeof(b->err)) >= 0);
	assert_true(peers_add(p, "cloud", false, b->err, sizeof(b->err)) >= 0);
	assert_true(ledger_set_peers(b->ledger, p, b->err, sizeof(b->err)));
	peers_free(p);
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

/* What a step holds beside packets. */
struct minute {
	uint64_t packets, drops, sessions, one_sided;
	struct ledger_row row; /* when it counts anything */
};

static void commit(struct bench *b, int64_t when, const struct minute *m)
{
	struct health h = { .alive = 0 };
	struct ledger_batch batch = { .step = when,
				      .rows = &m->row,
				      .rows_n = counts_sessions(&m->row.counts) > 0,
				      .health = &h };

	h.n[HEALTH_PACKETS] = m->packets;
	h.n[HEALTH_DROP_KERNEL] = m->drops;
	h.n[HEALTH_SESSIONS] = m->sessions;
	h.n[HEALTH_ONE_SIDED] = m->one_sided;
	b->next = when + STEP_S;
	if (!ledger_commit(b->ledger, &batch, b->err, sizeof(b->err)) ||
	    !incidents_step(b->in, b->ledger, when, note, b, b->err, sizeof(b->err)))
		fail_msg("%s", b->err);
}

/* Every minute up to this one, each with so many packets and nothing else. */
static void pass(struct bench *b, int64_t until, uint64_t packets)
{
	const struct minute m = { .packets = packets };

	while (b->next < until)
		commit(b, b->next, &m);
}

static struct ledger_row row_of(uint64_t encrypted, uint64_t plaintext)
{
	struct ledger_row row = { .service = SERVICE_MTA, .client = "orange", .server = "free" };

	row.counts.n[COUNT_ENC_STARTTLS] = encrypted;
	row.counts.n[COUNT_PLAINTEXT] = plaintext;
	return row;
}

/* A step with packets, some of them dropped, and sessions of the pair that were encrypted. The
 * sensor sees packets in every minute before it. */
static void step(struct bench *b, int64_t when, uint64_t packets, uint64_t drops,
		 uint64_t encrypted)
{
	const struct minute m = { .packets = packets, .drops = drops, .row = row_of(encrypted, 0) };

	if (b->next == 0)
		b->next = T0;
	pass(b, when, 100);
	commit(b, when, &m);
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
	step(b, T0 + QUIET - 60, 100, 0, 0);
	assert_string_equal(b->events, "opened/critical closed/critical ");
	i = list(b, INCIDENT_CLOSED).newest;
	assert_int_equal(i.closed, T0 + QUIET);
	assert_string_equal(i.why, "");
	step(b, T0 + QUIET + 60, 100, 0, 1);
	offer(b, 1, clear_session(T0, EXPOSURE_CONTENT, TRI_TRUE)); /* its end, nothing new */
	assert_int_equal(list(b, -1).n, 1);
	assert_int_equal(list(b, INCIDENT_OPEN).n, 0);
	assert_string_equal(b->events, "opened/critical closed/critical ");
}

static void a_quiet_time_of_one_step_begins_behind_the_mail(void **state)
{
	static const struct rule_entry shortest = { .rule = RULE_PLAINTEXT,
						    .given = 1u << RULE_KEY_QUIET,
						    .s = { .quiet_s = STEP_S } };
	struct bench *b = *state;

	incidents_close(b->in);
	open_with(b, &shortest, 1);
	offer(b, 1, clear_session(T0, EXPOSURE_CONTENT, TRI_TRUE)); /* the first second of a step */
	step(b, T0, 100, 0, 1);
	assert_string_equal(b->events, "opened/critical ");
	step(b, T0 + STEP_S, 100, 0, 1);
	assert_string_equal(b->events, "opened/critical closed/critical ");
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
	pass(b, T0 + QUIET + 60, 0);
	assert_non_null(strstr(b->events, " stale/critical "));
	assert_non_null(strstr(list(b, INCIDENT_STALE).newest.why,
			       "the sensor saw no packets in the quiet time"));
}

/* A glimpse before and after does not make up for the time in between, nor does a restart. */
static void a_sensor_that_was_blind_for_long_resolves_nothing(void **state)
{
	struct bench *b = *state;

	offer(b, 1, clear_session(T0, EXPOSURE_CONTENT, TRI_TRUE));
	step(b, T0 + 120, 100, 0, 1);
	b->next = T0 + QUIET - 60; /* it did not run */
	step(b, T0 + QUIET, 100, 0, 1);
	assert_stale(b, "the sensor saw no packets for 6 min");
}

static void a_lossy_sensor_resolves_nothing(void **state)
{
	struct bench *b = *state;

	offer(b, 1, clear_session(T0, EXPOSURE_CONTENT, TRI_TRUE));
	step(b, T0 + QUIET - 60, 60, 20, 1);
	assert_stale(b, "the sensor lost 2.27 % of the packets in the quiet time");
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

/* Rules -------------------------------------------------------------------------------------- */

/* "rule client>server/service state sessions " of each, newest first. */
static bool on_summary(void *ctx, const struct incident *i)
{
	char *out = ctx;
	size_t n = strlen(out);

	snprintf(out + n, 1024 - n, "%s %s>%s/%s %s %d; ", i->rule, i->client, i->server,
		 incident_service(i), incident_state_name(i->state), (int)i->sessions);
	return true;
}

static void assert_incidents(struct bench *b, const char *wanted)
{
	char got[1024] = "";

	if (!incidents_list(b->in, -1, NULL, on_summary, got, b->err, sizeof(b->err)))
		fail_msg("%s", b->err);
	assert_string_equal(got, wanted);
}

static void offer_pair(struct bench *b, uint64_t key, struct session s, const struct pair *p)
{
	char record[32];

	snprintf(record, sizeof(record), "record %d", (int)key);
	if (incidents_wants(b->in, &s, p) &&
	    !incidents_session(b->in, key, &s, p, record, note, b, b->err, sizeof(b->err)))
		fail_msg("%s", b->err);
}

static struct session stripped_session(int64_t when, enum stripped sign)
{
	struct session s = clear_session(when, EXPOSURE_REFUSED, TRI_TRUE);

	s.stripped = (uint8_t)sign;
	return s;
}

static void each_rule_has_an_incident_of_its_own(void **state)
{
	struct session s = clear_session(T0, EXPOSURE_CONTENT, TRI_TRUE);
	struct bench *b = *state;

	s.stripped = STRIPPED_MASKED;
	s.fallback = true;
	offer_pair(b, 1, s, &promised);
	offer_pair(b, 1, s, &promised);
	assert_string_equal(b->events, "opened/critical opened/warning opened/warning ");
	assert_incidents(b, "downgrade-fallback orange>free/mta open 1; "
			    "starttls-stripped orange>free/mta open 1; "
			    "plaintext-between-signatories orange>free/mta open 1; ");
	assert_string_equal(list(b, -1).newest.found, "");
	s = clear_session(T0, EXPOSURE_NONE, TRI_NULL);
	s.verdict = VERDICT_ENCRYPTED_STARTTLS;
	s.tls_version = 0x0301;
	offer_pair(b, 2, s, &promised);
	offer_pair(b, 2, s, &promised);
	assert_string_equal(list(b, -1).newest.rule, "tls-too-old");
	assert_string_equal(list(b, -1).newest.found, "TLSv1.0");
	assert_int_equal(list(b, -1).newest.sessions, 1);
}

static void exceptions_open_nothing(void **state)
{
	struct session s = clear_session(T0, EXPOSURE_CONTENT, TRI_TRUE);
	struct pair probe = { .client = "orange", .server = "free", .excepted = true };
	struct bench *b = *state;

	s.stripped = STRIPPED_MASKED;
	s.fallback = true;
	s.auth_clear = TRI_TRUE;
	offer_pair(b, 1, s, &probe);
	assert_incidents(b, "");
}

static void what_is_off_opens_nothing(void **state)
{
	static const struct rule_entry off = { .rule = RULE_PLAINTEXT,
					       .server = "free",
					       .given = 1u << RULE_KEY_SEVERITY };
	struct pair other_way = { .client = "free", .server = "orange", .promised = true };
	struct session s = clear_session(T0, EXPOSURE_CONTENT, TRI_TRUE);
	struct bench *b = *state;

	incidents_close(b->in);
	open_with(b, &off, 1);
	offer_pair(b, 1, s, &promised);
	assert_incidents(b, "");
	offer_pair(b, 2, s, &other_way);
	assert_incidents(b, "plaintext-between-signatories free>orange/mta open 1; ");
}

static void evidence_is(struct bench *b, const char *wanted)
{
	char all[256] = "";

	assert_true(incidents_evidence(b->in, list(b, -1).newest.id, on_record, all, b->err,
				       sizeof(b->err)));
	assert_string_equal(all, wanted);
}

static void what_is_not_offered_here_takes_five(void **state)
{
	struct bench *b = *state;

	offer_pair(b, 1, stripped_session(T0 + 60, STRIPPED_REMOVED), &promised);
	for (uint64_t key = 2; key <= 4; key++)
		offer_pair(b, key, stripped_session(T0 + 240, STRIPPED_REMOVED), &promised);
	step(b, T0 + 600, 100, 0, 9);
	assert_incidents(b, "");
	/* The first one is more than an hour ago when the fifth comes. */
	offer_pair(b, 5, stripped_session(T0 + 3660, STRIPPED_HELO), &promised);
	step(b, T0 + 3660, 100, 0, 9);
	assert_incidents(b, "");
	offer_pair(b, 6, stripped_session(T0 + 3670, STRIPPED_REMOVED), &promised);
	offer_pair(b, 6, stripped_session(T0 + 3670, STRIPPED_REMOVED), &promised);
	assert_incidents(b, "");
	step(b, T0 + 3720, 100, 0, 9);
	assert_string_equal(b->events, "opened/warning ");
	assert_incidents(b, "starttls-stripped orange>free/mta open 6; ");
	evidence_is(b, "record 1;record 2;record 3;record 4;record 5;");
	assert_int_equal(list(b, -1).newest.opened, T0 + 3720 + STEP_S - 1);
	offer_pair(b, 7, stripped_session(T0 + 3800, STRIPPED_REMOVED), &promised);
	assert_true(incidents_save(b->in, NULL, NULL, b->err, sizeof(b->err)));
	assert_incidents(b, "starttls-stripped orange>free/mta open 7; ");
}

static void what_is_not_offered_here_takes_coverage(void **state)
{
	struct minute m = { .packets = 100, .row = row_of(8, 0) };
	struct bench *b = *state;

	for (uint64_t key = 1; key <= 5; key++)
		offer_pair(b, key, stripped_session(T0, STRIPPED_REMOVED), &promised);
	m.row.counts.n[COUNT_INDETERMINATE] = 1;
	commit(b, T0, &m); /* 88.9 % */
	assert_incidents(b, "");
	step(b, T0 + 60, 100, 0, 1); /* 90 % */
	assert_incidents(b, "starttls-stripped orange>free/mta open 5; ");
}

static void what_waited_for_an_hour_is_forgotten(void **state)
{
	struct bench *b = *state;

	for (uint64_t key = 1; key <= 4; key++)
		offer_pair(b, key, stripped_session(T0, STRIPPED_REMOVED), &promised);
	step(b, T0 + 3600, 100, 0, 9);
	offer_pair(b, 5, stripped_session(T0 + 3670, STRIPPED_MASKED), &promised);
	assert_incidents(b, "starttls-stripped orange>free/mta open 1; ");
	evidence_is(b, "record 5;");
}

/* It shows by itself, and takes those along that waited. */
static void a_masked_one_does_not_wait(void **state)
{
	struct bench *b = *state;

	offer_pair(b, 1, stripped_session(T0, STRIPPED_REMOVED), &promised);
	offer_pair(b, 2, stripped_session(T0 + 1, STRIPPED_MASKED), &promised);
	assert_string_equal(b->events, "opened/warning ");
	assert_incidents(b, "starttls-stripped orange>free/mta open 2; ");
	evidence_is(b, "record 1;record 2;");
	assert_string_equal(list(b, -1).newest.found, "masked");
}

static void logins_in_clear_are_counted_by_the_hour(void **state)
{
	struct pair users = { .client = "other", .server = "free", .access = true };
	struct minute m = { .packets = 100, .row = row_of(80, 20) };
	struct session s = clear_session(T0, EXPOSURE_CREDENTIALS, TRI_TRUE);
	struct bench *b = *state;

	s.service = m.row.service = SERVICE_ACCESS;
	s.auth_clear = TRI_TRUE;
	strcpy(m.row.client, "other");
	for (uint64_t key = 1; key <= 19; key++)
		offer_pair(b, key, s, &users);
	commit(b, T0, &m);
	assert_incidents(b, "");
	offer_pair(b, 20, s, &users);
	commit(b, T0 + 60, &m);
	assert_incidents(b, "auth-in-clear other>free/access open 20; ");
}

static void a_ratio_opens_with_the_step_and_closes_when_it_is_well(void **state)
{
	struct minute bad = { .packets = 100, .row = row_of(18, 2) },
		      good = { .packets = 100, .row = row_of(30, 0) };
	struct bench *b = *state;

	set_peers(b);
	commit(b, T0, &bad);
	assert_string_equal(b->events, "opened/warning ");
	assert_incidents(b, "ratio-below orange>free/mta open 0; ");
	assert_string_equal(list(b, -1).newest.found,
			    "90.00 % of 20 sessions sealed, coverage 100 %");
	commit(b, T0 + 60, &good); /* 96 % */
	step(b, T0 + QUIET - 60, 100, 0, 0);
	assert_incidents(b, "ratio-below orange>free/mta open 0; ");
	step(b, T0 + QUIET, 100, 0, 0);
	assert_incidents(b, "ratio-below orange>free/mta closed 0; ");
	assert_string_equal(b->events, "opened/warning closed/warning ");
}

static void a_ratio_of_few_shows_nothing(void **state)
{
	struct minute bad = { .packets = 100, .row = row_of(0, 19) }, good = { .packets = 100 };
	struct bench *b = *state;

	set_peers(b);
	commit(b, T0, &bad);
	assert_incidents(b, "");
	bad.row = row_of(0, 1);
	commit(b, T0 + 60, &bad);
	assert_incidents(b, "ratio-below orange>free/mta open 0; ");
	/* After an hour nothing is left of it; nor of anything that would show that it is over. */
	good.row = row_of(19, 0);
	step(b, T0 + 4800, 100, 0, 19);
	assert_incidents(b, "ratio-below orange>free/mta stale 0; ");
	assert_string_equal(list(b, -1).newest.why,
			    "only 19 sessions of the pair were decided in the"
			    " quiet time, and 20 are needed");
	commit(b, T0 + 4860, &good);
	assert_incidents(b, "ratio-below orange>free/mta closed 0; ");
}

static void a_ratio_is_about_the_promise_or_who_is_named(void **state)
{
	static const struct rule_entry named = { .rule = RULE_RATIO_BELOW, .server = "cloud" };
	struct minute m = { .packets = 100, .row = row_of(0, 50) };
	struct bench *b = *state;

	set_peers(b);
	strcpy(m.row.server, "cloud");
	commit(b, T0, &m);
	strcpy(m.row.server, "orange"); /* to itself */
	commit(b, T0 + 60, &m);
	strcpy(m.row.server, "free-net");
	commit(b, T0 + 120, &m);
	strcpy(m.row.server, "free");
	m.row.service = SERVICE_SUBMISSION;
	commit(b, T0 + 180, &m);
	assert_incidents(b, "");
	incidents_close(b->in);
	open_with(b, &named, 1);
	step(b, T0 + 240, 100, 0, 0);
	assert_incidents(b, "ratio-below orange>cloud/mta open 0; ");
}

static void a_sensor_without_packets_is_blind(void **state)
{
	struct bench *b = *state;

	step(b, T0, 100, 0, 0);
	pass(b, T0 + 300, 0);
	assert_incidents(b, "");
	pass(b, T0 + 360, 0);
	assert_string_equal(b->events, "opened/warning ");
	assert_incidents(b, "sensor-blind ->-/- open 0; ");
	assert_string_equal(list(b, -1).newest.found, "no packet for 5 min");
	pass(b, T0 + 600, 0);
	pass(b, T0 + 600 + QUIET - 60, 100);
	assert_incidents(b, "sensor-blind ->-/- open 0; ");
	pass(b, T0 + 600 + QUIET, 100);
	assert_string_equal(b->events, "opened/warning closed/warning ");
}

/* It did not run: that is for whoever watches the sensor. But the end must be seen. */
static void a_sensor_that_did_not_run_is_not_blind(void **state)
{
	struct bench *b = *state;

	step(b, T0, 100, 0, 0);
	b->next = T0 + 7200;
	pass(b, T0 + 7200 + 300, 0); /* of the first of these it saw a part */
	assert_incidents(b, "");
	pass(b, T0 + 7200 + 360, 0);
	assert_incidents(b, "sensor-blind ->-/- open 0; ");
	b->next = T0 + 14400;
	pass(b, T0 + 14400 + 60, 100);
	assert_incidents(b, "sensor-blind ->-/- stale 0; ");
	pass(b, T0 + 14400 + QUIET, 100);
	assert_incidents(b, "sensor-blind ->-/- closed 0; ");
}

static void loss_and_one_direction_are_told(void **state)
{
	struct minute lossy = { .packets = 800, .drops = 200 },
		      one = { .packets = 1, .sessions = 20, .one_sided = 5 };
	struct bench *b = *state;

	commit(b, T0, &lossy);
	assert_incidents(b, "sensor-lossy ->-/- open 0; ");
	assert_string_equal(list(b, -1).newest.found,
			    "20.00 % of the packets and 0.00 % of the records lost");
	commit(b, T0 + 60, &one);
	assert_incidents(b, "sensor-one-sided ->-/- open 0; sensor-lossy ->-/- open 0; ");
	assert_string_equal(list(b, -1).newest.found,
			    "25.00 % of 20 sessions with one direction only");
	pass(b, T0 + 3600, 100); /* as long as the hour holds it */
	assert_string_equal(b->events, "opened/warning opened/warning ");
	pass(b, T0 + 3600 + QUIET, 100);
	assert_incidents(b, "sensor-one-sided ->-/- open 0; sensor-lossy ->-/- closed 0; ");
	pass(b, T0 + 3660 + QUIET, 100); /* nothing shows both directions */
	assert_incidents(b, "sensor-one-sided ->-/- stale 0; sensor-lossy ->-/- closed 0; ");
	one.one_sided = 0;
	commit(b, b->next, &one);
	assert_incidents(b, "sensor-one-sided ->-/- closed 0; sensor-lossy ->-/- closed 0; ");
}

static void closing_takes_sessions_and_coverage(void **state)
{
	struct minute m = { .packets = 100, .row = row_of(8, 0) };
	struct bench *b = *state;

	offer_pair(b, 1, stripped_session(T0, STRIPPED_MASKED), &promised);
	step(b, T0 + QUIET - 60, 100, 0, 4);
	assert_non_null(strstr(list(b, INCIDENT_STALE).newest.why, "only 4 sessions"));
	m.row.counts.n[COUNT_INDETERMINATE] = 2;
	commit(b, b->next, &m);
	assert_string_equal(
		list(b, INCIDENT_STALE).newest.why,
		"the coverage of the pair in the quiet time was 85.71 %, and 90.00 % are"
		" needed");
	step(b, b->next, 100, 0, 6);
	assert_int_equal(list(b, INCIDENT_CLOSED).n, 1);
}

/* Again and again ---------------------------------------------------------------------------- */

/* In clear at when, and then sealed until it closes. Returns when it did. */
static int64_t flap(struct bench *b, uint64_t key, int64_t when, enum exposure e)
{
	struct minute m = { .packets = 100, .row = row_of(1, 0) };

	if (b->next == 0)
		b->next = when - when % STEP_S;
	pass(b, when - when % STEP_S, 100);
	offer_pair(b, key, clear_session(when, e, TRI_TRUE), &promised);
	pass(b, when - when % STEP_S + STEP_S, 100);
	for (unsigned n = 0; n < 1500 && list(b, INCIDENT_CLOSED).n == 0; n++)
		commit(b, b->next, &m);
	return b->next;
}

static void it_is_the_same_one_within_a_day(void **state)
{
	struct bench *b = *state;
	struct incident i;
	int64_t closed;

	closed = flap(b, 1, T0, EXPOSURE_CONTENT);
	assert_int_equal(closed, T0 + QUIET);
	offer_pair(b, 2, clear_session(closed + 60, EXPOSURE_ENVELOPE, TRI_TRUE), &promised);
	assert_string_equal(b->events, "opened/critical closed/critical opened/warning ");
	assert_incidents(b, "plaintext-between-signatories orange>free/mta open 2; ");
	i = list(b, -1).newest;
	assert_int_equal(i.opened, T0);
	assert_int_equal(i.since, closed + 60);
	assert_int_equal(i.closed, 0);
	assert_int_equal(i.reopened, 1);
	assert_int_equal(i.flaps, 2);
	assert_int_equal(i.by_exposure[EXPOSURE_CONTENT], 1);
	for (uint64_t key = 3; key <= 9; key++)
		offer_pair(b, key, clear_session(closed + 70, EXPOSURE_ENVELOPE, TRI_TRUE),
			   &promised);
	evidence_is(b, "record 1;record 2;record 3;record 4;record 5;");
}

static void the_first_evidence_stays_and_the_rest_is_new(void **state)
{
	struct bench *b = *state;
	int64_t closed;

	for (uint64_t key = 1; key <= 4; key++)
		offer(b, key, clear_session(T0, EXPOSURE_CONTENT, TRI_TRUE));
	closed = flap(b, 5, T0, EXPOSURE_CONTENT);
	for (uint64_t key = 11; key <= 19; key++)
		offer(b, key, clear_session(closed + 60, EXPOSURE_CONTENT, TRI_TRUE));
	evidence_is(b, "record 1;record 11;record 12;record 13;record 14;");
}

static void a_day_later_it_is_another_one(void **state)
{
	struct bench *b = *state;
	int64_t closed = flap(b, 1, T0, EXPOSURE_CONTENT);

	offer_pair(b, 2, clear_session(closed + 86400 + 1, EXPOSURE_CONTENT, TRI_TRUE), &promised);
	assert_int_equal(list(b, -1).n, 2);
	assert_int_equal(list(b, -1).newest.reopened, 0);
	assert_int_equal(list(b, -1).newest.flaps, 1);
}

/* Whoever ends the flapping waits longer each time, and a restart changes nothing of it. */
static void the_quiet_time_grows_from_the_third_opening_on(void **state)
{
	static const int64_t quiet[] = { QUIET, QUIET, 2 * QUIET, 4 * QUIET };
	struct bench *b = *state;
	int64_t at = T0;

	for (unsigned n = 0; n < sizeof(quiet) / sizeof(quiet[0]); n++) {
		int64_t closed = flap(b, n + 1, at, EXPOSURE_CONTENT);

		assert_int_equal(closed, at + quiet[n]);
		assert_int_equal(list(b, -1).n, 1);
		assert_int_equal(list(b, -1).newest.reopened, n);
		incidents_close(b->in);
		open_incidents(b);
		at = closed + 120;
	}
}

static void the_growth_ends_with_the_day(void **state)
{
	static const struct rule_entry patient = { .rule = RULE_SENSOR_BLIND,
						   .given = 1u << RULE_KEY_BLIND,
						   .s = { .blind_s = 100000 } };
	struct bench *b = *state;
	int64_t at = T0;

	for (unsigned n = 0; n < 3; n++)
		at = flap(b, n + 1, at, EXPOSURE_CONTENT) + 60;
	incidents_close(b->in);
	open_with(b, &patient, 1);
	b->next = T0 + 86400; /* within a day of closing, but the day that began at T0 is over */
	at = flap(b, 9, T0 + 86400, EXPOSURE_CONTENT);
	assert_int_equal(at, T0 + 86400 + QUIET);
	assert_int_equal(list(b, -1).newest.reopened, 3);
	assert_int_equal(list(b, -1).newest.flaps, 1);
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

static struct db *lock_store(const struct bench *b)
{
	char path[128], err[256] = "";
	struct db *db;

	snprintf(path, sizeof(path), "%s/incidents.db", b->dir);
	db = db_open(path, true, err, sizeof(err));
	assert_non_null(db);
	assert_true(db_begin(db, err, sizeof(err)));
	return db;
}

static void a_locked_store_is_waited_for_once(void **state)
{
	struct session s = clear_session(T0, EXPOSURE_CONTENT, TRI_TRUE);
	struct bench *b = *state;
	struct db *other = lock_store(b);
	char all[256] = "";

	assert_false(incidents_session(b->in, 1, &s, &promised, "record 1", note, b, b->err,
				       sizeof(b->err)));
	assert_non_null(strstr(b->err, "locked by another process"));
	assert_true(incidents_behind(b->in));
	for (uint64_t key = 2; key <= 2000; key++) /* each wait would be a tenth of a second */
		offer(b, key, s);
	assert_string_equal(b->events, "");
	assert_false(incidents_save(b->in, note, b, b->err, sizeof(b->err)));
	assert_true(incidents_behind(b->in));
	db_rollback(other);
	db_close(other);
	assert_true(incidents_save(b->in, note, b, b->err, sizeof(b->err)));
	assert_false(incidents_behind(b->in));
	assert_string_equal(b->events, "opened/critical ");
	assert_int_equal(list(b, INCIDENT_OPEN).newest.sessions, 2000);
	assert_true(incidents_evidence(b->in, list(b, -1).newest.id, on_record, all, b->err,
				       sizeof(b->err)));
	assert_string_equal(all, "record 1;record 2;record 3;record 4;record 5;");
}

static bool on_delivery(void *ctx, const struct delivery_row *row)
{
	char *all = ctx;

	snprintf(all + strlen(all), 64, "%s@%d ", incident_event_name(row->event),
		 (int)(row->at - T0));
	return true;
}

/* Each as it was then, and in the order in which it happened. */
static void what_happens_while_the_store_is_locked_keeps_its_order(void **state)
{
	struct session s = clear_session(T0, EXPOSURE_ENVELOPE, TRI_TRUE);
	char seen[256] = "", stored[256] = "", err[256];
	struct bench *b = *state;
	struct db *other = lock_store(b);
	struct deliveries *queue;
	struct delivery del;
	struct target t;

	assert_false(incidents_session(b->in, 1, &s, &promised, "r", note, b, err, sizeof(err)));
	for (b->next = T0; b->next < T0 + 3 * QUIET; b->next += STEP_S) {
		struct health h = { .n[HEALTH_PACKETS] = 100 };
		struct ledger_batch batch = { .step = b->next, .health = &h };

		assert_true(ledger_commit(b->ledger, &batch, b->err, sizeof(b->err)));
		(void)incidents_step(b->in, b->ledger, b->next, note, b, err, sizeof(err));
	}
	offer(b, 2, clear_session(T0 + 3 * QUIET, EXPOSURE_CONTENT, TRI_TRUE));
	db_rollback(other);
	db_close(other);
	assert_true(incidents_save(b->in, note, b, b->err, sizeof(b->err)));
	assert_string_equal(b->events,
			    "opened/warning stale/warning opened/warning escalated/critical ");
	target_init(&t, TARGET_WEBHOOK);
	strcpy(t.name, "noc");
	change_store(b, "INSERT INTO target VALUES ('noc', 0)");
	queue = deliveries_open(b->dir, &t, NULL, 0, b->err, sizeof(b->err));
	while (deliveries_next(queue, T0, &del, b->err, sizeof(b->err)) == DELIVERIES_DUE) {
		enum delivery_state sent;
		unsigned given_up;

		snprintf(seen + strlen(seen), 64, "%s/%s/%s ", incident_event_name(del.event),
			 severity_name(del.incident.severity),
			 incident_state_name(del.incident.state));
		assert_int_equal(del.incident.why[0] != '\0', del.event == EVENT_STALE);
		assert_true(deliveries_record(queue, &del, SINK_TAKEN, "", T0, &sent, &given_up,
					      b->err, sizeof(b->err)));
		delivery_fini(&del);
	}
	deliveries_close(queue);
	assert_string_equal(seen, "opened/warning/open stale/warning/stale opened/warning/open "
				  "escalated/critical/open ");
	assert_true(deliveries_list(b->dir, 1, 0, on_delivery, stored, b->err, sizeof(b->err)));
	assert_string_equal(stored, "opened@0 stale@600 opened@1800 escalated@1800 ");
}

/* Of what happens again and again meanwhile, the beginning and the end are kept. */
static void what_happens_without_end_while_the_store_is_locked_is_bounded(void **state)
{
	struct session s = clear_session(T0, EXPOSURE_CONTENT, TRI_TRUE);
	struct bench *b = *state;
	struct db *other = lock_store(b);
	char err[256];

	assert_false(incidents_session(b->in, 1, &s, &promised, "r", note, b, err, sizeof(err)));
	for (b->next = T0; b->next < T0 + 20 * QUIET; b->next += STEP_S) {
		struct health h = { .n[HEALTH_PACKETS] = 100 };
		struct ledger_batch batch = { .step = b->next, .health = &h };

		assert_true(ledger_commit(b->ledger, &batch, b->err, sizeof(b->err)));
		(void)incidents_step(b->in, b->ledger, b->next, note, b, err, sizeof(err));
		if (b->next % (2 * QUIET) == 0)
			offer(b, (uint64_t)b->next,
			      clear_session(b->next + STEP_S, EXPOSURE_CONTENT, TRI_TRUE));
	}
	db_rollback(other);
	db_close(other);
	assert_true(incidents_save(b->in, note, b, b->err, sizeof(b->err)));
	assert_string_equal(b->events,
			    "opened/critical stale/critical opened/critical stale/critical "
			    "opened/critical stale/critical opened/critical stale/critical ");
	assert_int_equal(list(b, INCIDENT_STALE).n, 1);
}

static void a_newer_store_is_refused(void **state)
{
	struct bench *b = *state;

	change_store(b, "PRAGMA user_version = 99");
	assert_null(incidents_open(b->dir, false, NULL, b->err, sizeof(b->err)));
	assert_non_null(strstr(b->err, "newer version"));
}

/* Review ------------------------------------------------------------------------------------ */

static void failures_do_not_mend_a_ratio(void **state)
{
	struct bench *b = *state;
	struct minute m = { .packets = 100, .row = row_of(0, 40) };

	set_peers(b);
	b->next = T0;
	commit(b, T0, &m);
	assert_incidents(b, "ratio-below orange>free/mta open 0; ");
	m.row = row_of(0, 0);
	m.row.counts.n[COUNT_TLS_FAILED] = 5;
	while (b->next < T0 + 3 * 3600)
		commit(b, b->next, &m);
	assert_incidents(b, "ratio-below orange>free/mta stale 0; ");
}

static void what_comes_back_while_the_store_is_locked_voids_the_acknowledgement(void **state)
{
	struct bench *b = *state;
	struct db *other;
	struct incident i;

	offer(b, 1, clear_session(T0, EXPOSURE_CONTENT, TRI_TRUE));
	assert_true(incident_ack(b->dir, 1, "me", "known", T0, b->err, sizeof(b->err)));
	step(b, T0 + QUIET, 100, 0, 5);
	assert_int_equal(list(b, INCIDENT_CLOSED).n, 1);
	other = lock_store(b);
	{
		struct session s = clear_session(T0 + 900, EXPOSURE_CONTENT, TRI_TRUE);
		assert_false(incidents_session(b->in, 2, &s, &promised, "r", note, b, b->err,
					       sizeof(b->err)));
	}
	offer(b, 3, clear_session(T0 + 901, EXPOSURE_CONTENT, TRI_TRUE));
	db_rollback(other);
	db_close(other);
	assert_true(incidents_save(b->in, note, b, b->err, sizeof(b->err)));
	i = list(b, INCIDENT_OPEN).newest;
	assert_int_equal(i.reopened, 1);
	assert_int_equal(i.acked, 0);
}

/* A connection that stays open, envelope first, content after the quiet time. */
static void what_grows_late_was_seen_late(void **state)
{
	struct bench *b = *state;
	struct session s = clear_session(T0, EXPOSURE_ENVELOPE, TRI_TRUE);

	offer(b, 1, s);
	step(b, T0 + QUIET - 120, 100, 0, 5);
	s = clear_session(T0, EXPOSURE_CONTENT, TRI_TRUE); /* decided_ns is that of the verdict */
	s.end_ns = (uint64_t)(T0 + QUIET - 30) * NS;
	offer(b, 1, s);
	assert_string_equal(b->events, "opened/warning escalated/critical ");
	step(b, T0 + QUIET, 100, 0, 5);
	assert_string_equal(b->events, "opened/warning escalated/critical ");
}

static void another_message_on_the_same_connection_is_something_new(void **state)
{
	struct bench *b = *state;
	struct session s = clear_session(T0, EXPOSURE_CONTENT, TRI_TRUE);

	s.messages = 1;
	s.end_ns = s.decided_ns;
	offer(b, 1, s);
	step(b, T0 + QUIET - 120, 100, 0, 5);
	s.messages = 300;
	s.end_ns = (uint64_t)(T0 + QUIET - 30) * NS;
	offer(b, 1, s);
	assert_int_equal(list(b, INCIDENT_OPEN).newest.sessions, 1);
	step(b, T0 + QUIET, 100, 0, 5);
	assert_int_equal(list(b, INCIDENT_OPEN).n, 1);
}

static void a_sensor_that_was_renamed_settles_what_it_left(void **state)
{
	struct incidents_config c = { .sensor = "th2-2", .quiet_s = QUIET, .lossy_share = 0.01 };
	struct bench *b = *state;

	offer(b, 1, clear_session(T0, EXPOSURE_CONTENT, TRI_TRUE));
	incidents_close(b->in);
	b->in = incidents_open(b->dir, true, &c, b->err, sizeof(b->err));
	assert_non_null(b->in);
	step(b, T0 + 10 * QUIET, 100, 0, 0);
	assert_int_equal(list(b, INCIDENT_OPEN).n, 0);
	assert_int_equal(list(b, INCIDENT_STALE).n, 1);
	offer(b, 2, clear_session(T0 + 11 * QUIET, EXPOSURE_CONTENT, TRI_TRUE));
	assert_int_equal(list(b, INCIDENT_OPEN).n, 1);
	assert_string_equal(list(b, INCIDENT_OPEN).newest.sensor, "th2-2");
	assert_int_equal(list(b, INCIDENT_STALE).n, 1);
	step(b, T0 + 11 * QUIET + 60, 100, 0, 5);
	step(b, T0 + 13 * QUIET, 100, 0, 5);
	assert_int_equal(list(b, INCIDENT_OPEN).n + list(b, INCIDENT_STALE).n, 0);
}

/* Nothing is counted under its name any more: for ever stale would say nothing. */
static void what_a_peer_left_closes_and_says_so(void **state)
{
	struct bench *b = *state;
	struct peers *p = peers_new();
	struct incident i;

	set_peers(b);
	b->next = T0;
	offer(b, 1, clear_session(T0, EXPOSURE_CONTENT, TRI_TRUE));
	pass(b, T0 + QUIET + STEP_S, 100);
	assert_int_equal(list(b, INCIDENT_STALE).n, 1);
	assert_true(peers_add(p, "orange", true, b->err, sizeof(b->err)) >= 0);
	assert_true(peers_add(p, "fre", true, b->err, sizeof(b->err)) >= 0);
	assert_true(ledger_set_peers(b->ledger, p, b->err, sizeof(b->err)));
	peers_free(p);
	pass(b, T0 + QUIET + 2 * STEP_S, 0); /* however blind it is */
	assert_int_equal(list(b, INCIDENT_CLOSED).n, 1);
	i = list(b, INCIDENT_CLOSED).newest;
	assert_string_equal(i.why, "not shown to be over: free is no longer in the configuration");
	offer(b, 2, clear_session(T0 + 3 * QUIET, EXPOSURE_CONTENT, TRI_TRUE)); /* it is back */
	assert_string_equal(list(b, INCIDENT_OPEN).newest.why, "");
	assert_int_equal(list(b, INCIDENT_OPEN).newest.reopened, 1);
}

/* It began within the first step, and has seen nothing yet. */
static void a_sensor_that_has_just_begun_is_not_blind(void **state)
{
	struct rule_entry minute = { .rule = RULE_SENSOR_BLIND,
				     .given = 1u << RULE_KEY_BLIND,
				     .s = { .blind_s = 60 } };
	struct bench *b = *state;

	incidents_close(b->in);
	open_with(b, &minute, 1);
	b->next = T0;
	pass(b, T0 + STEP_S, 0);
	assert_string_equal(b->events, "");
	pass(b, T0 + 2 * STEP_S, 0);
	assert_string_equal(b->events, "opened/warning ");
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
		TEST(a_quiet_time_of_one_step_begins_behind_the_mail),
		TEST(it_turns_stale_without_a_session_to_show),
		TEST(a_blind_sensor_resolves_nothing),
		TEST(a_sensor_that_was_blind_for_long_resolves_nothing),
		TEST(a_lossy_sensor_resolves_nothing),
		TEST(a_session_after_stale_opens_it_again),
		TEST(it_survives_a_restart),
		TEST(each_rule_has_an_incident_of_its_own),
		TEST(exceptions_open_nothing),
		TEST(what_is_off_opens_nothing),
		TEST(what_is_not_offered_here_takes_five),
		TEST(what_is_not_offered_here_takes_coverage),
		TEST(what_waited_for_an_hour_is_forgotten),
		TEST(a_masked_one_does_not_wait),
		TEST(logins_in_clear_are_counted_by_the_hour),
		TEST(a_ratio_opens_with_the_step_and_closes_when_it_is_well),
		TEST(a_ratio_of_few_shows_nothing),
		TEST(a_ratio_is_about_the_promise_or_who_is_named),
		TEST(a_sensor_without_packets_is_blind),
		TEST(a_sensor_that_did_not_run_is_not_blind),
		TEST(loss_and_one_direction_are_told),
		TEST(closing_takes_sessions_and_coverage),
		TEST(it_is_the_same_one_within_a_day),
		TEST(the_first_evidence_stays_and_the_rest_is_new),
		TEST(a_day_later_it_is_another_one),
		TEST(the_quiet_time_grows_from_the_third_opening_on),
		TEST(the_growth_ends_with_the_day),
		TEST(readers_need_no_configuration),
		TEST(a_store_that_takes_nothing_loses_no_incident),
		TEST(a_locked_store_is_waited_for_once),
		TEST(what_happens_while_the_store_is_locked_keeps_its_order),
		TEST(what_happens_without_end_while_the_store_is_locked_is_bounded),
		TEST(a_newer_store_is_refused),
		TEST(what_a_peer_left_closes_and_says_so),
		TEST(a_sensor_that_has_just_begun_is_not_blind),
		TEST(failures_do_not_mend_a_ratio),
		TEST(what_comes_back_while_the_store_is_locked_voids_the_acknowledgement),
		TEST(what_grows_late_was_seen_late),
		TEST(a_sensor_that_was_renamed_settles_what_it_left),
		TEST(another_message_on_the_same_connection_is_something_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
