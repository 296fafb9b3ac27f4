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
	char line[SYSLOG_LINE_MAX];
	size_t len;

	(void)state;
	len = syslog_line(EVENT_OPENED, &i, "sensor.example", 4711, 1448186461, line);
	assert_int_equal(len, strlen(line));
	assert_string_equal(
		line,
		"<26>1 2015-11-22T10:01:01Z sensor.example mailseald 4711 opened "
		"[mailseal@32473 incident=\"7\" rule=\"plaintext-between-signatories\" "
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
	struct incident i = sample();
	char line[SYSLOG_LINE_MAX];

	(void)state;
	syslog_line(EVENT_CLOSED, &i, NULL, 1, 0, line);
	assert_int_equal(strncmp(line, "<29>1 1970-01-01T00:00:00Z - mailseald 1 closed [", 49), 0);
	i.severity = SEVERITY_WARNING;
	syslog_line(EVENT_STALE, &i, "a b\n", 1, INT64_MAX, line);
	assert_int_equal(strncmp(line, "<28>1 - a?b? mailseald 1 stale [", 32), 0);
}

static void values_are_escaped(void **state)
{
	struct incident i = sample();
	char text[64], line[SYSLOG_LINE_MAX];

	(void)state;
	syslog_escape("a\"b\\c]d[e\nf\x7f", text, sizeof(text));
	assert_string_equal(text, "a\\\"b\\\\c\\]d[e?f?");
	syslog_escape("]]]]]]", text, 6);
	assert_string_equal(text, "\\]\\]");
	strcpy(i.sensor, "a\"]\n");
	strcpy(i.why, "x] y");
	syslog_line(EVENT_OPENED, &i, "h", 1, 0, line);
	assert_non_null(strstr(line, " sensor=\"a\\\"\\]?\" "));
	assert_non_null(strstr(line, " why=\"x\\] y\"] incident 7"));
}

static void the_longest_fits(void **state)
{
	struct incident i;
	char line[SYSLOG_LINE_MAX], host[600];

	(void)state;
	memset(&i, 0, sizeof(i));
	memset(i.rule, ']', sizeof(i.rule) - 1);
	memset(i.client, ']', sizeof(i.client) - 1);
	memset(i.server, ']', sizeof(i.server) - 1);
	memset(i.sensor, ']', sizeof(i.sensor) - 1);
	memset(i.why, ']', sizeof(i.why) - 1);
	memset(host, 'h', sizeof(host) - 1);
	host[sizeof(host) - 1] = '\0';
	i.id = INT64_MAX;
	i.sessions = i.confirmed = UINT64_MAX;
	for (unsigned e = 0; e < EXPOSURE_N; e++)
		i.by_exposure[e] = UINT64_MAX;
	for (unsigned c = 0; c < CAUSE_N; c++)
		i.by_cause[c] = UINT64_MAX;
	assert_true(syslog_line(EVENT_ESCALATED, &i, host, ~0ul, 0, line) < sizeof(line) - 1);
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
		cmocka_unit_test(values_are_escaped),
		cmocka_unit_test(the_longest_fits),
		cmocka_unit_test(every_value_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
