/* Tests an alert as JSON. */
#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

#include "reports/alert_json.h"
#include "reports/record.h"

static struct incident sample(void)
{
	struct incident i = {
		.id = 7,
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

	strcpy(i.rule, "plaintext-between-signatories");
	i.by_exposure[EXPOSURE_CONTENT] = 3;
	i.by_cause[CAUSE_NOT_OFFERED] = 3;
	return i;
}

/* A record as the sensor writes it, with its line end. */
static const char *record_of(char out[RECORD_MAX])
{
	static const struct pair pair = { .client = "orange", .server = "free" };
	const struct record_context c = { .sensor = "th2-1", .pair = &pair, .counted = -1 };
	struct session s;

	memset(&s, 0, sizeof(s));
	s.start_ns = s.end_ns = 1448186400000000000u;
	s.protocol = PROTOCOL_SMTP;
	s.verdict = VERDICT_PLAINTEXT;
	s.reason = REASON_MAIL_IN_CLEAR;
	s.exposure = EXPOSURE_CONTENT;
	s.cause = CAUSE_NOT_OFFERED;
	s.tls_cipher = TLS_CIPHER_NONE;
	s.tls_group = TLS_GROUP_NONE;
	record_json(&s, &c, out);
	return out;
}

static void it_is_one_line_of_known_keys(void **state)
{
	static const char begin[] =
		"{\"version\": 1, \"event\": \"opened\", \"event_id\": 12, "
		"\"at\": \"2015-11-22T10:01:01Z\", \"test\": false, \"again\": false, "
		"\"incident\": {\"id\": 7, \"rule\": \"plaintext-between-signatories\", ";
	static const char end[] = "}, \"evidence\": []}\n";
	struct incident i = sample();
	const struct alert a = {
		.event_id = 12, .event = EVENT_OPENED, .incident = &i, .at = 1448186461
	};
	size_t len = 0;
	char *text = alert_json(&a, &len);

	(void)state;
	assert_int_equal(len, strlen(text));
	assert_int_equal(strncmp(text, begin, strlen(begin)), 0);
	assert_string_equal(text + len - strlen(end), end);
	free(text);
}

static void a_test_and_a_repetition_say_so(void **state)
{
	struct incident i = sample();
	const struct alert a = { .event = EVENT_TEST, .incident = &i, .again = true };
	size_t len = 0;
	char *text = alert_json(&a, &len);

	(void)state;
	assert_non_null(strstr(text, "\"event\": \"test\""));
	assert_non_null(strstr(text, "\"test\": true, \"again\": true"));
	free(text);
}

/* What the store holds is passed on as it is, when it is a record; the document stays JSON and one
 * line whatever it holds. */
static void evidence_is_records_or_null(void **state)
{
	char record[RECORD_MAX], bare[RECORD_MAX];
	const char *const evidence[] = { record_of(record), "", "{\"a\": 1}\n", "]}\n{", record };
	struct incident i = sample();
	const struct alert a = {
		.event = EVENT_OPENED, .incident = &i, .evidence = evidence, .evidence_n = 5
	};
	size_t len = 0;
	char *text = alert_json(&a, &len), *at;

	(void)state;
	strcpy(bare, record);
	bare[strcspn(bare, "\n")] = '\0';
	at = strstr(text, "\"evidence\": [");
	assert_non_null(at);
	at += strlen("\"evidence\": [");
	assert_int_equal(strncmp(at, bare, strlen(bare)), 0);
	at += strlen(bare);
	assert_int_equal(strncmp(at, ", null, null, null, {", 21), 0);
	assert_ptr_equal(strchr(text, '\n'), text + len - 1);
	free(text);
}

/* Quotes and line ends in a value do not end it. */
static void values_are_escaped(void **state)
{
	struct incident i = sample();
	const struct alert a = { .event = EVENT_STALE, .incident = &i };
	size_t len = 0;
	char *text;

	(void)state;
	strcpy(i.why, "a\"b\\c\nd\xc3\xa9\xff");
	text = alert_json(&a, &len);
	assert_non_null(strstr(text, "\"why\": \"a\\\"b\\\\c\\u000ad\\u00e9\\ufffd\", "));
	assert_ptr_equal(strchr(text, '\n'), text + len - 1);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_one_line_of_known_keys),
		cmocka_unit_test(a_test_and_a_repetition_say_so),
		cmocka_unit_test(evidence_is_records_or_null),
		cmocka_unit_test(values_are_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
