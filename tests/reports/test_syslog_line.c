/* Tests the lines that sinks write of an incident. */
#include "tests/unit.h"

#include <string.h>

#include "reports/syslog_line.h"

static struct incident sample(void)
{
	struct incident i = {
		.id = 7,
		.rule = "plaintext-between-signatories",
		.client = "orange",
		.server = "free",
		.service = SERVICE_MTA,
		.sensor = "th2-1",
		.severity = SEVERITY_CRITICAL,
		.opened = 1448186400,
		.last_seen = 1448186460,
		.sessions = 3,
		.confirmed = 2,
	};

	i.by_exposure[EXPOSURE_CONTENT] = 2;
	i.by_exposure[EXPOSURE_ENVELOPE] = 1;
	i.by_cause[CAUSE_NOT_OFFERED] = 2;
	i.by_cause[CAUSE_REFUSED] = 1;
	return i;
}

static struct alert alert_of(enum incident_event e, const struct incident *i)
{
	const struct alert a = {
		.event_id = 12, .event = e, .incident = i, .at = 1448186461, .now = 1448190000
	};

	return a;
}

static void a_line_says_it_all(void **state)
{
	struct incident i = sample();
	char line[512];

	(void)state;
	incident_line(EVENT_OPENED, &i, line, sizeof(line));
	assert_string_equal(line, "incident 7 opened: critical: plaintext-between-signatories "
				  "orange -> free (mta): 3 sessions in clear, content 2, "
				  "envelope 1, confirmed 2; cause: not-offered 2, refused 1");
	i.sessions = 1;
	strcpy(i.why, "the sensor saw no packets in the quiet time");
	incident_line(EVENT_STALE, &i, line, sizeof(line));
	assert_non_null(strstr(line, "incident 7 stale: "));
	assert_non_null(strstr(line, ": 1 session in clear, "));
	assert_non_null(strstr(line, "; the sensor saw no packets in the quiet time"));
	incident_line(EVENT_STALE, &i, line, 20);
	assert_string_equal(line, "incident 7 stale: c");
}

static void a_message_is_rfc_5424(void **state)
{
	struct incident i = sample();
	struct alert a = alert_of(EVENT_OPENED, &i);
	char line[SYSLOG_LINE_MAX];
	size_t len;

	(void)state;
	len = syslog_line(&a, "sensor.example", 4711, line);
	assert_int_equal(len, strlen(line));
	assert_string_equal(
		line,
		"<26>1 2015-11-22T10:01:01Z sensor.example mailseald 4711 opened "
		"[" SYSLOG_SD_ID
		" event_id=\"12\" incident=\"7\" rule=\"plaintext-between-signatories\" "
		"client=\"orange\" server=\"free\" service=\"mta\" sensor=\"th2-1\" "
		"severity=\"critical\" state=\"open\" opened=\"2015-11-22T10:00:00Z\" "
		"last_seen=\"2015-11-22T10:01:00Z\" sessions=\"3\" confirmed=\"2\" unknown=\"0\" "
		"envelope=\"1\" credentials=\"0\" content=\"2\"] "
		"incident 7 opened: critical: plaintext-between-signatories orange -> free (mta): "
		"3 sessions in clear, content 2, envelope 1, confirmed 2; "
		"cause: not-offered 2, refused 1");
}

static void priority_follows_severity_and_event(void **state)
{
	static const struct {
		enum incident_event event;
		enum severity severity;
		const char *begins;
	} rows[] = {
		{ EVENT_OPENED, SEVERITY_CRITICAL, "<26>1 " },
		{ EVENT_OPENED, SEVERITY_WARNING, "<28>1 " },
		{ EVENT_ESCALATED, SEVERITY_CRITICAL, "<26>1 " },
		{ EVENT_STALE, SEVERITY_CRITICAL, "<26>1 " },
		{ EVENT_CLOSED, SEVERITY_CRITICAL, "<29>1 " },
		{ EVENT_ACKNOWLEDGED, SEVERITY_CRITICAL, "<29>1 " },
		{ EVENT_TEST, SEVERITY_CRITICAL, "<29>1 " },
	};
	char line[SYSLOG_LINE_MAX];

	(void)state;
	for (size_t n = 0; n < sizeof(rows) / sizeof(rows[0]); n++) {
		struct incident i = sample();
		struct alert a = alert_of(rows[n].event, &i);

		i.severity = rows[n].severity;
		syslog_line(&a, NULL, 1, line);
		line[strlen(rows[n].begins)] = '\0';
		assert_string_equal(line, rows[n].begins);
	}
}

static void what_a_header_cannot_say_is_a_dash(void **state)
{
	struct incident i = sample();
	struct alert a = alert_of(EVENT_CLOSED, &i);
	char line[SYSLOG_LINE_MAX];

	(void)state;
	a.at = 0;
	syslog_line(&a, NULL, 1, line);
	assert_int_equal(strncmp(line, "<29>1 1970-01-01T00:00:00Z - mailseald 1 closed [", 49), 0);
	a.at = INT64_MAX;
	syslog_line(&a, "a b\n", 1, line);
	assert_int_equal(strncmp(line, "<29>1 - a?b? mailseald 1 closed [", 33), 0);
}

static void what_is_repeated_has_the_time_of_now(void **state)
{
	struct incident i = sample();
	struct alert a = alert_of(EVENT_OPENED, &i);
	char line[SYSLOG_LINE_MAX];

	(void)state;
	a.again = true;
	syslog_line(&a, "h", 1, line);
	assert_int_equal(strncmp(line, "<26>1 2015-11-22T11:00:00Z h ", 29), 0);
	assert_non_null(strstr(line, " content=\"2\" again=\"1\"] incident 7"));
}

static void a_test_says_so(void **state)
{
	struct incident i = sample();
	struct alert a = alert_of(EVENT_TEST, &i);
	char line[SYSLOG_LINE_MAX];

	(void)state;
	i.id = 0;
	syslog_line(&a, "h", 1, line);
	assert_non_null(strstr(line, " mailseald 1 test ["));
	assert_non_null(strstr(line, " test=\"1\"] this is a test, nothing has happened: "
				     "incident 0 test: critical: "));
}

static void a_line_speaks_of_what_is_known(void **state)
{
	struct incident i = { .id = 9, .rule = "sensor-blind", .client = "-", .server = "-" };
	char line[512];

	(void)state;
	i.severity = SEVERITY_WARNING;
	strcpy(i.sensor, "th2-1");
	incident_line(EVENT_OPENED, &i, line, sizeof(line));
	assert_string_equal(line, "incident 9 opened: warning: sensor-blind sensor th2-1");
	i = (struct incident){ .id = 9, .rule = "tls-too-old", .client = "a", .server = "b" };
	i.severity = SEVERITY_WARNING;
	i.sessions = 2;
	incident_line(EVENT_OPENED, &i, line, sizeof(line));
	assert_string_equal(line,
			    "incident 9 opened: warning: tls-too-old a -> b (mta): 2 sessions");
}

static void values_are_escaped(void **state)
{
	struct incident i = sample();
	struct alert a = alert_of(EVENT_OPENED, &i);
	char text[64], line[SYSLOG_LINE_MAX];

	(void)state;
	syslog_escape("a\"b\\c]d[e\nf\x7f", text, sizeof(text));
	assert_string_equal(text, "a\\\"b\\\\c\\]d[e?f?");
	syslog_escape("]]]]]]", text, 6);
	assert_string_equal(text, "\\]\\]");
	strcpy(i.sensor, "a\"]\n");
	strcpy(i.why, "x] y");
	syslog_line(&a, "h", 1, line);
	assert_non_null(strstr(line, " sensor=\"a\\\"\\]?\" "));
	assert_non_null(strstr(line, " why=\"x\\] y\"] incident 7"));
}

static void the_longest_fits(void **state)
{
	struct incident i;
	struct alert a = alert_of(EVENT_ACKNOWLEDGED, &i);
	char line[SYSLOG_LINE_MAX], host[600];

	(void)state;
	memset(&i, 0, sizeof(i));
	memset(i.rule, ']', sizeof(i.rule) - 1);
	memset(i.client, ']', sizeof(i.client) - 1);
	memset(i.server, ']', sizeof(i.server) - 1);
	memset(i.sensor, ']', sizeof(i.sensor) - 1);
	memset(i.why, ']', sizeof(i.why) - 1);
	memset(i.found, ']', sizeof(i.found) - 1);
	memset(i.ack_by, ']', sizeof(i.ack_by) - 1);
	memset(i.ack_note, ']', sizeof(i.ack_note) - 1);
	memset(host, 'h', sizeof(host) - 1);
	host[sizeof(host) - 1] = '\0';
	i.id = i.closed = i.acked = INT64_MAX;
	i.sessions = i.confirmed = UINT64_MAX;
	for (unsigned e = 0; e < EXPOSURE_N; e++)
		i.by_exposure[e] = UINT64_MAX;
	for (unsigned c = 0; c < CAUSE_N; c++)
		i.by_cause[c] = UINT64_MAX;
	a.event_id = INT64_MAX;
	a.again = true;
	assert_true(syslog_line(&a, host, ~0ul, line) < sizeof(line) - 1);
	assert_int_equal(line[strlen(line) - 1], ']'); /* nothing was cut */
}

static void every_value_has_a_name(void **state)
{
	(void)state;
	for (unsigned e = 0; e < EVENT_N; e++)
		assert_non_null(incident_event_name((enum incident_event)e));
	for (unsigned s = 0; s < SEVERITY_N; s++)
		assert_non_null(severity_name((enum severity)s));
	for (unsigned s = 0; s < INCIDENT_STATES; s++)
		assert_non_null(incident_state_name((enum incident_state)s));
	assert_null(incident_event_name(EVENT_N));
	assert_null(severity_name(SEVERITY_N));
	assert_null(incident_state_name(INCIDENT_STATES));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_says_it_all),
		cmocka_unit_test(a_message_is_rfc_5424),
		cmocka_unit_test(priority_follows_severity_and_event),
		cmocka_unit_test(what_a_header_cannot_say_is_a_dash),
		cmocka_unit_test(what_is_repeated_has_the_time_of_now),
		cmocka_unit_test(a_test_says_so),
		cmocka_unit_test(a_line_speaks_of_what_is_known),
		cmocka_unit_test(values_are_escaped),
		cmocka_unit_test(the_longest_fits),
		cmocka_unit_test(every_value_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
