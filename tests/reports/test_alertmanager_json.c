/* Tests the alerts that Alertmanager gets: their identity, their end, and what they tell. */
#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "reports/alertmanager_json.h"
#include "reports/record.h"

#define OPENED   1448186400 /* 2015-11-22T10:00:00Z */
#define REPEAT_S 60
#define RULE     "plaintext-between-signatories"

static struct incident sample(void)
{
	struct incident i = {
		.id = 7,
		.rule = RULE,
		.client = "orange",
		.server = "free",
		.service = SERVICE_MTA,
		.sensor = "th2-1",
		.severity = SEVERITY_CRITICAL,
		.opened = OPENED - 86400,
		.since = OPENED, /* it was opened again */
		.last_seen = OPENED + 60,
		.sessions = 3,
		.confirmed = 2,
	};

	i.by_exposure[EXPOSURE_CONTENT] = 2;
	i.by_exposure[EXPOSURE_ENVELOPE] = 1;
	i.by_cause[CAUSE_NOT_OFFERED] = 2;
	i.by_cause[CAUSE_REFUSED] = 1;
	return i;
}

static struct alert alert_of(enum incident_event e, const struct incident *i, int64_t now)
{
	struct alert a = { .event_id = 12, .event = e, .incident = i, .at = now, .now = now };

	return a;
}

static json_t *parsed(const struct alert *a, unsigned repeat_s)
{
	size_t len = 0;
	char *text = alertmanager_json(a, repeat_s, &len);
	json_error_t error;
	json_t *json;

	assert_int_equal(len, strlen(text));
	json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (!json)
		fail_msg("%s in %s", error.text, text);
	assert_true(json_is_array(json));
	free(text);
	return json;
}

static const char *text_of(const json_t *json, const char *group, const char *key)
{
	const char *text = json_string_value(
		json_object_get(group ? json_object_get(json, group) : json, key));

	return text ? text : "(none)";
}

/* The only alert of the body has these labels, as "name=value ...", and no other. */
static void has_labels(const struct alert *a, const char *want)
{
	json_t *json = parsed(a, REPEAT_S), *labels, *value;
	char got[512] = "";
	const char *key;
	size_t at = 0;

	assert_int_equal(json_array_size(json), 1);
	labels = json_object_get(json_array_get(json, 0), "labels");
	json_object_foreach(labels, key, value) at +=
		(size_t)snprintf(got + at, sizeof(got) - at, "%s%s=%s", at ? " " : "", key,
				 json_string_value(value));
	assert_string_equal(got, want);
	json_decref(json);
}

static void ends_at(const struct alert *a, unsigned repeat_s, const char *want)
{
	json_t *json = parsed(a, repeat_s);

	assert_int_equal(json_array_size(json), 1);
	assert_string_equal(text_of(json_array_get(json, 0), NULL, "endsAt"), want);
	json_decref(json);
}

/* Counts, states, times and reasons change, the identity does not. */
static void labels_are_the_identity(void **state)
{
	static const char want[] = "alertname=" RULE " job=mailseal sensor=th2-1 severity=critical "
				   "client=orange server=free service=mta";
	struct incident i = sample();
	struct alert a = alert_of(EVENT_OPENED, &i, OPENED);

	(void)state;
	has_labels(&a, want);
	i.sessions = 4000;
	i.state = INCIDENT_STALE;
	strcpy(i.why, "the sensor saw no packets in the quiet time");
	a.event = EVENT_STALE;
	a.now = a.at = OPENED + 3600;
	a.again = true;
	has_labels(&a, want);
	i.state = INCIDENT_CLOSED;
	i.closed = OPENED + 7200;
	i.acked = OPENED + 7000;
	a.event = EVENT_CLOSED;
	has_labels(&a, want);
}

static void a_sensor_has_no_peers(void **state)
{
	struct incident i = sample();
	struct alert a = alert_of(EVENT_OPENED, &i, OPENED);

	(void)state;
	strcpy(i.rule, "sensor-blind");
	i.service = SERVICE_N;
	strcpy(i.client, "-");
	strcpy(i.server, "-");
	i.severity = SEVERITY_WARNING;
	has_labels(&a, "alertname=sensor-blind job=mailseal sensor=th2-1 severity=warning");
}

static void a_test_is_marked(void **state)
{
	struct incident i = sample();
	struct alert a = alert_of(EVENT_TEST, &i, OPENED);
	json_t *json;

	(void)state;
	has_labels(&a, "alertname=mailseal-test job=mailseal sensor=th2-1 severity=warning test=1");
	a.now += 10;
	ends_at(&a, REPEAT_S, "2015-11-22T10:05:10Z");
	json = parsed(&a, REPEAT_S);
	assert_string_equal(text_of(json_array_get(json, 0), NULL, "startsAt"),
			    "2015-11-22T10:00:00Z");
	assert_string_equal(text_of(json_array_get(json, 0), "annotations", "description"),
			    "(none)");
	json_decref(json);
}

static void what_fires_ends_after_three_repeats(void **state)
{
	struct incident i = sample();
	struct alert a = alert_of(EVENT_OPENED, &i, OPENED + 5);

	(void)state;
	ends_at(&a, REPEAT_S, "2015-11-22T10:03:05Z");
	a.again = true;
	a.now = OPENED + 65;
	ends_at(&a, REPEAT_S, "2015-11-22T10:04:05Z");
	i.state = INCIDENT_STALE;
	a.event = EVENT_STALE;
	ends_at(&a, 20, "2015-11-22T10:02:05Z");
}

static void what_is_not_repeated_fires_on(void **state)
{
	struct incident i = sample();
	struct alert a = alert_of(EVENT_OPENED, &i, OPENED);

	(void)state;
	ends_at(&a, 0, "2015-12-22T10:00:00Z");
	i.acked = OPENED + 3;
	a.event = EVENT_ACKNOWLEDGED;
	ends_at(&a, REPEAT_S, "2015-12-22T10:00:00Z");
	a.event = EVENT_STALE;
	i.state = INCIDENT_STALE;
	ends_at(&a, REPEAT_S, "2015-12-22T10:00:00Z");
}

static void what_is_closed_ended_then(void **state)
{
	struct incident i = sample();
	struct alert a = alert_of(EVENT_CLOSED, &i, OPENED + 7300);

	(void)state;
	i.state = INCIDENT_CLOSED;
	i.closed = OPENED + 7200;
	ends_at(&a, REPEAT_S, "2015-11-22T12:00:00Z");
	i.acked = OPENED + 60;
	a.again = true;
	a.now += 240;
	ends_at(&a, 0, "2015-11-22T12:00:00Z");
	i.closed = i.since - 1; /* an end before the start would be refused */
	ends_at(&a, REPEAT_S, "2015-11-22T10:00:00Z");
}

/* Severity is in the identity: the warning that it was must not stay. */
static void an_escalation_resolves_the_warning(void **state)
{
	struct incident i = sample();
	struct alert a = alert_of(EVENT_ESCALATED, &i, OPENED + 30);
	json_t *json, *one;

	(void)state;
	a.now += 9000; /* Alertmanager was down */
	json = parsed(&a, REPEAT_S);
	assert_int_equal(json_array_size(json), 2);
	one = json_array_get(json, 0);
	assert_string_equal(text_of(one, "labels", "severity"), "warning");
	assert_string_equal(text_of(one, "labels", "client"), "orange");
	assert_string_equal(text_of(one, NULL, "startsAt"), "2015-11-22T10:00:00Z");
	assert_string_equal(text_of(one, NULL, "endsAt"), "2015-11-22T10:00:30Z");
	one = json_array_get(json, 1);
	assert_string_equal(text_of(one, "labels", "severity"), "critical");
	assert_string_equal(text_of(one, NULL, "startsAt"), "2015-11-22T10:00:00Z");
	assert_string_equal(text_of(one, NULL, "endsAt"), "2015-11-22T12:33:30Z");
	json_decref(json);
	a.again = true; /* the end is told for a while, and then no more */
	a.now = a.at + 300;
	json = parsed(&a, REPEAT_S);
	assert_int_equal(json_array_size(json), 2);
	json_decref(json);
	a.now = a.at + 301;
	ends_at(&a, REPEAT_S, "2015-11-22T10:08:31Z");
}

static void annotations_tell_it_all(void **state)
{
	struct incident i = sample();
	struct alert a = alert_of(EVENT_STALE, &i, OPENED);
	json_t *json, *one;

	(void)state;
	i.state = INCIDENT_STALE;
	i.acked = OPENED;
	strcpy(i.why, "the sensor saw \"no packets\"");
	strcpy(i.found, "2 of 3");
	strcpy(i.ack_by, "noc");
	strcpy(i.ack_note, "ticket 5");
	json = parsed(&a, REPEAT_S);
	one = json_array_get(json, 0);
	assert_string_equal(text_of(one, "annotations", "summary"),
			    "mailseal: " RULE ": orange -> free (mta)");
	assert_non_null(strstr(text_of(one, "annotations", "description"), "incident 7 stale"));
	assert_string_equal(text_of(one, "annotations", "incident"), "7");
	assert_string_equal(text_of(one, "annotations", "state"), "stale");
	assert_string_equal(text_of(one, "annotations", "why"), "the sensor saw \"no packets\"");
	assert_string_equal(text_of(one, "annotations", "found"), "2 of 3");
	assert_string_equal(text_of(one, "annotations", "sessions"), "3");
	assert_string_equal(text_of(one, "annotations", "confirmed"), "2");
	assert_string_equal(text_of(one, "annotations", "exposure"), "content 2, envelope 1");
	assert_string_equal(text_of(one, "annotations", "causes"), "not-offered 2, refused 1");
	assert_string_equal(text_of(one, "annotations", "acknowledged"),
			    "2015-11-22T10:00:00Z by noc: ticket 5");
	assert_string_equal(text_of(one, "annotations", "evidence"), "(none)");
	json_decref(json);
}

/* Evidence ----------------------------------------------------------------------------------- */

static void write_record(bool client_known, char line[RECORD_MAX])
{
	struct pair pair = { .client = "orange",
			     .server = "free",
			     .client_known_host = client_known,
			     .server_known_host = true };
	struct record_context c = {
		.sensor = "th2-1", .pair = &pair, .counted = OPENED, .truncate = true
	};
	struct session s;

	memset(&s, 0, sizeof(s));
	s.start_ns = s.end_ns = OPENED * UINT64_C(1000000000);
	memcpy(s.client, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\x0a\0\x05", 16);
	memcpy(s.server, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\x1e\0\x19", 16);
	s.client_port = 40312;
	s.server_port = 25;
	s.vlan = VLAN_NONE;
	s.protocol = PROTOCOL_SMTP;
	s.service = SERVICE_MTA;
	s.verdict = VERDICT_PLAINTEXT;
	s.reason = REASON_MAIL_IN_CLEAR;
	s.exposure = EXPOSURE_CONTENT;
	s.cause = CAUSE_NOT_OFFERED;
	s.tls_alert = TLS_ALERT_NONE;
	s.evidence_len = 3;
	s.evidence[0] = 220;
	s.evidence[1] = WORD_EHLO;
	s.evidence[2] = 250;
	record_json(&s, &c, line);
}

#define SAMPLE_WHOLE                                                                   \
	"2015-11-22T10:00:00Z 10.10.0.5 > 10.30.0.25 port 25: 220 EHLO 250 (content, " \
	"not-offered)"
#define SAMPLE_CUT "2015-11-22T10:00:00Z: 220 EHLO 250 (content, not-offered)"

/* Three of them; addresses only where they are whole; what is no record is left out. */
static void the_first_samples_are_shown(void **state)
{
	static char whole[RECORD_MAX], cut[RECORD_MAX];
	const char *lines[] = { "{\"no\":\"record\"}", whole, cut, whole, whole };
	struct incident i = sample();
	struct alert a = alert_of(EVENT_OPENED, &i, OPENED);
	json_t *json;

	(void)state;
	write_record(true, whole);
	write_record(false, cut);
	a.evidence = lines;
	a.evidence_n = 5;
	json = parsed(&a, REPEAT_S);
	assert_string_equal(text_of(json_array_get(json, 0), "annotations", "evidence"),
			    SAMPLE_WHOLE "\n" SAMPLE_CUT "\n" SAMPLE_WHOLE);
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(labels_are_the_identity),
		cmocka_unit_test(a_sensor_has_no_peers),
		cmocka_unit_test(a_test_is_marked),
		cmocka_unit_test(what_fires_ends_after_three_repeats),
		cmocka_unit_test(what_is_not_repeated_fires_on),
		cmocka_unit_test(what_is_closed_ended_then),
		cmocka_unit_test(an_escalation_resolves_the_warning),
		cmocka_unit_test(annotations_tell_it_all),
		cmocka_unit_test(the_first_samples_are_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
