/* Tests that what reaches a terminal is safe, wrapped and fits. */
#include "tests/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/json_out.h"
#include "reports/table.h"
#include "reports/text.h"

static const struct screen narrow = { .width = 40 };

static void control_characters_are_escaped(void **state)
{
	static const struct {
		bool utf8;
		const char *in, *out;
	} cases[] = {
		{ false, "plain text", "plain text" },
		{ false, "a\033[31mb\r\n\t", "a\\x1b[31mb\\x0d\\x0a\\x09" },
		{ false, "\x7f", "\\x7f" },
		{ false, "\xc3\xa9", "\\xc3\\xa9" },
		{ true, "\xc3\xa9", "\xc3\xa9" },
		{ true, "\xc2\x9b", "\\xc2\\x9b" },                   /* CSI in C1 */
		{ true, "\xe2\x80\xae", "\\xe2\\x80\\xae" },          /* right to left override */
		{ true, "\xc0\xaf", "\\xc0\\xaf" },                   /* overlong */
		{ true, "\xed\xa0\x80", "\\xed\\xa0\\x80" },          /* surrogate */
		{ true, "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" }, /* past U+10FFFF */
		{ true, "\xe2\x82", "\\xe2\\x82" },                   /* broken off */
		{ true, "\xff", "\\xff" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char out[64];

		text_safe(cases[i].in, cases[i].utf8, out, sizeof(out));
		assert_string_equal(out, cases[i].out);
	}
}

static void text_is_cut_between_characters(void **state)
{
	char out[6];

	(void)state;
	text_safe("ab\033c", false, out, sizeof(out));
	assert_string_equal(out, "ab");
	text_safe("abcd\xc3\xa9", true, out, sizeof(out));
	assert_string_equal(out, "abcd");
}

/* What a function prints, up to the next call. */
static char printed[4096];

static const char *print_with(void (*print)(FILE *out))
{
	FILE *out;

	memset(printed, 0, sizeof(printed));
	out = fmemopen(printed, sizeof(printed), "w");
	assert_non_null(out);
	print(out);
	fclose(out);
	return printed;
}

static void wrap(FILE *out)
{
	text_wrap(out, 20, 4, "  -", "one two three four five");
}

static void text_is_wrapped_at_words(void **state)
{
	(void)state;
	assert_string_equal(print_with(wrap), "  - one two three\n    four five\n");
}

static void wrap_long_word(FILE *out)
{
	text_wrap(out, 10, 2, "", "aaaaaaaaaaaaaaaa b");
}

static void a_word_that_is_too_long_stays_whole(void **state)
{
	(void)state;
	assert_string_equal(print_with(wrap_long_word), "  aaaaaaaaaaaaaaaa\n  b\n");
}

static void small_table(FILE *out)
{
	struct table *t = table_new(3, true);

	table_cell(t, TONE_PLAIN, "from");
	table_cell(t, TONE_PLAIN, "x");
	table_cell(t, TONE_PLAIN, "y");
	table_cell(t, TONE_PLAIN, "a");
	table_cell(t, TONE_BAD, "100 %\n12");
	table_cell(t, TONE_PLAIN, "-");
	table_cell(t, TONE_PLAIN, "b\033c");
	table_cell(t, TONE_PLAIN, "");
	table_cell(t, TONE_PLAIN, "7");
	table_cell(t, TONE_PLAIN, "a row that is not complete");
	table_print(t, &narrow, out);
	table_free(t);
}

static void a_table_lines_up(void **state)
{
	(void)state;
	assert_string_equal(print_with(small_table), "from        x  y\n"
						     "----------------\n"
						     "a       100 %  -\n"
						     "           12\n"
						     "\n"
						     "b\\x1bc         7\n");
}

static void wide_table(FILE *out)
{
	struct table *t = table_new(4, false);
	static const char *const cells[] = {
		"k", "aaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbb", "cccc", "key", "1", "2", "3"
	};

	for (size_t i = 0; i < 8; i++)
		table_cell(t, TONE_PLAIN, cells[i]);
	table_print(t, &narrow, out);
	table_free(t);
}

static void columns_that_do_not_fit_go_below(void **state)
{
	(void)state;
	assert_string_equal(print_with(wide_table), "k    aaaaaaaaaaaaaaaaaaaa\n"
						    "-------------------------\n"
						    "key  1\n"
						    "\n"
						    "k    bbbbbbbbbbbbbbbbbbbb  cccc\n"
						    "-------------------------------\n"
						    "key  2                     3\n");
}

static void json(FILE *out)
{
	struct json_out j;

	json_init(&j, out);
	json_object(&j, NULL);
	json_text(&j, "t", "q\"\\\033\xc3\xa9\xff\xf0\x9f\x93\xa7");
	json_text(&j, "n", NULL);
	json_real(&j, "r", 999999999999.0 / 1000000000000.0);
	json_array(&j, "a");
	json_object(&j, NULL);
	json_uint(&j, "u", UINT64_MAX);
	json_bool(&j, "b", false);
	json_object_end(&j);
	json_array_end(&j);
	json_array(&j, "e");
	json_array_end(&j);
	json_object_end(&j);
}

static void json_is_ascii_and_exact(void **state)
{
	(void)state;
	assert_string_equal(print_with(json),
			    "{\n  \"t\": \"q\\\"\\\\\\u001b\\u00e9\\ufffd\\ud83d\\udce7\",\n"
			    "  \"n\": null,\n  \"r\": 0.999999999999,\n"
			    "  \"a\": [\n    {\"u\": 18446744073709551615, \"b\": false}\n  ],\n"
			    "  \"e\": []\n}\n");
}

static void there_is_no_colour_without_a_terminal(void **state)
{
	struct screen s;
	FILE *out = tmpfile();

	(void)state;
	assert_non_null(out);
	unsetenv("COLUMNS");
	s = screen_of(out);
	assert_false(s.colour);
	assert_int_equal(s.width, 80);
	setenv("COLUMNS", "132", 1);
	assert_int_equal(screen_of(out).width, 132);
	setenv("COLUMNS", "99999999999999999999", 1);
	assert_int_equal(screen_of(out).width, 500);
	setenv("COLUMNS", "1", 1);
	assert_int_equal(screen_of(out).width, 40);
	unsetenv("COLUMNS");
	fclose(out);
	for (enum tone t = TONE_PLAIN; t < TONE_N; t++)
		assert_string_equal(tone_on(&s, t), "");
	s.colour = true;
	for (enum tone t = TONE_STRONG; t < TONE_N; t++)
		assert_int_equal(tone_on(&s, t)[0], '\033');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(control_characters_are_escaped),
		cmocka_unit_test(text_is_cut_between_characters),
		cmocka_unit_test(text_is_wrapped_at_words),
		cmocka_unit_test(a_word_that_is_too_long_stays_whole),
		cmocka_unit_test(a_table_lines_up),
		cmocka_unit_test(columns_that_do_not_fit_go_below),
		cmocka_unit_test(json_is_ascii_and_exact),
		cmocka_unit_test(there_is_no_colour_without_a_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
