/* test_html.c - text never becomes markup. */
#include "tests/unit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "web/html.h"

static char *written;
static size_t written_len;

static struct html begin(void)
{
	struct html h = { .root = "", .out = open_memstream(&written, &written_len) };

	assert_non_null(h.out);
	return h;
}

static void is(struct html *h, const char *expected)
{
	fclose(h->out);
	assert_string_equal(written, expected);
	free(written);
}

static void markup_in_text_is_text(void **state)
{
	struct html h = begin();

	(void)state;
	html_put(&h, "<a href=\"%s\">%s</a>", "\"><script>", "<b> & 'x'");
	is(&h, "<a href=\"&quot;&gt;&lt;script&gt;\">&lt;b&gt; &amp; &#39;x&#39;</a>");
}

static void what_no_screen_should_see_is_escaped(void **state)
{
	struct html h = begin();

	(void)state;
	html_text(&h, "a\x1b[31m\nb\xff\xe2\x80\xae"); /* escape, line feed, no UTF-8, RLO */
	is(&h, "a\\x1b[31m\\x0ab\\xff\\xe2\\x80\\xae");
}

static void long_text_is_whole(void **state)
{
	char text[1001], expected[1001];

	(void)state;
	/* A character of three bytes across each place where text may be cut. */
	for (size_t shift = 0; shift < 3; shift++) {
		struct html h = begin();

		memset(text, 'x', shift);
		for (size_t i = shift; i + 3 <= 1000; i += 3)
			memcpy(text + i, "\xe2\x82\xac", 4);
		strcpy(expected, text);
		html_text(&h, text);
		is(&h, expected);
	}
}

static void numbers_and_percent_signs(void **state)
{
	struct html h = begin();

	(void)state;
	html_put(&h, "%u %lu %ld 100%%", 7u, UINT64_MAX, INT64_MIN);
	is(&h, "7 18446744073709551615 -9223372036854775808 100%");
}

static void sentences_are_filled_in_any_order(void **state)
{
	struct html h = begin();
	char text[64], cut[8];

	(void)state;
	html_element(&h, "p class=\"x\"", T_PAIR_TITLE, "a<", "b", "mta", NULL);
	is(&h, "<p class=\"x\">a&lt; to b, mta</p>");
	text_fill(text, sizeof(text), T_PAIR_TITLE, "a<", "b", "mta", NULL);
	assert_string_equal(text, "a< to b, mta");
	text_fill(cut, sizeof(cut), T_PAIR_TITLE, "orange", "free", "mta", NULL);
	assert_string_equal(cut, "orange ");
}

/* Each {n} of every text is one of at most nine, and none is left open. */
static void every_text_is_well_formed(void **state)
{
	(void)state;
	for (unsigned t = 0; t < TEXT_N; t++) {
		const char *at = text_of((enum text)t);

		assert_non_null(at);
		assert_true(at[0] != '\0');
		while ((at = strchr(at, '{')) != NULL) {
			assert_in_range(at[1], '1', '9');
			assert_int_equal(at[2], '}');
			at += 3;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(markup_in_text_is_text),
		cmocka_unit_test(what_no_screen_should_see_is_escaped),
		cmocka_unit_test(long_text_is_whole),
		cmocka_unit_test(numbers_and_percent_signs),
		cmocka_unit_test(sentences_are_filled_in_any_order),
		cmocka_unit_test(every_text_is_well_formed),
	};

	return cmocka_run_group_tests_name("html", tests, NULL, NULL);
}
