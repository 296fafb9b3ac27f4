/* Tests that a log line stays one line. */
#include "tests/unit.h"

#include <string.h>

#include "sensor/log.h"

static void control_characters_are_escaped(void **state)
{
	char line[128];

	(void)state;
	log_line(LOG_LEVEL_WARNING, "event=x file=a\nb\x1b[0m\x7f", line, sizeof(line));
	assert_string_equal(line, "mailseald: warning event=x file=a\\x0ab\\x1b[0m\\x7f");
}

static void a_long_line_is_cut(void **state)
{
	char text[LOG_LINE_MAX], line[64];

	(void)state;
	memset(text, '\n', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_true(log_line(LOG_LEVEL_ERROR, text, line, sizeof(line)) < sizeof(line));
	assert_int_equal(strlen(line), log_line(LOG_LEVEL_ERROR, text, line, sizeof(line)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(control_characters_are_escaped),
		cmocka_unit_test(a_long_line_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
