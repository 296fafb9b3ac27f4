/* Tests an alert as JSON. */
#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

#include "reports/alert_json.h"
#include "tests/reports/alert_sample.h"

static void it_is_one_line_of_known_keys(void **state)
{
	static const char begin[] =
		"{\"version\": 1, \"event\": \"opened\", \"event_id\": 12, "
		"\"at\": \"2015-11-22T10:01:01Z\", \"test\": false, \"again\": false, "
		"\"incident\": {\"id\": 7, \"rule\": \"plaintext-between-signatories\", ";
	static const char end[] = "}, \"evidence\": []}\n";
	struct incident i = sample_incident();
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
	struct incident i = sample_incident();
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
	const char *const evidence[] = { sample_record(record), "", "{\"a\": 1}\n", "]}\n{",
					 record };
	struct incident i = sample_incident();
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
	struct incident i = sample_incident();
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
