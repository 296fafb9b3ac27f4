/* Tests the bytes reader: every read at every length of what is there. */
#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

#include "dissectors/cursor.h"

enum read { U8, BE16, BE24, BE32, SKIP_3, SUB_2, REST };

static uint32_t do_read(struct cursor *c, enum read what)
{
	switch (what) {
	case U8: return cur_u8(c);
	case BE16: return cur_be16(c);
	case BE24: return cur_be24(c);
	case BE32: return cur_be32(c);
	case SKIP_3: cur_skip(c, 3); return 0;
	case SUB_2: return (uint32_t)cur_sub(c, 2).len;
	case REST: return (uint32_t)cur_rest(c).len;
	}
	return 0;
}

static const struct {
	enum read what;
	size_t needs;
	uint32_t value; /* of the bytes 81 82 83 84 85 */
} reads[] = {
	{ U8, 1, 0x81 },         { BE16, 2, 0x8182 }, { BE24, 3, 0x818283 },
	{ BE32, 4, 0x81828384 }, { SKIP_3, 3, 0 },    { SUB_2, 2, 2 },
};

/* In memory of exactly that size, so that a sanitizer sees a read too far. */
static void a_read_takes_its_bytes_or_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
		for (size_t n = 0; n <= 5; n++) {
			uint8_t *bytes = malloc(n ? n : 1);
			struct cursor c = cur_over((struct span){ bytes, n });
			bool fits = n >= reads[i].needs;

			assert_non_null(bytes);
			for (size_t b = 0; b < n; b++)
				bytes[b] = (uint8_t)(0x81 + b);
			assert_int_equal(do_read(&c, reads[i].what), fits ? reads[i].value : 0);
			assert_int_equal(c.ok, fits);
			assert_int_equal(cur_left(&c), fits ? n - reads[i].needs : n);
			free(bytes);
		}
	}
}

static void a_short_read_is_remembered(void **state)
{
	static const uint8_t bytes[] = { 1, 2, 3 };
	struct cursor c = cur_over((struct span){ bytes, sizeof(bytes) });

	(void)state;
	assert_int_equal(cur_be32(&c), 0);
	for (unsigned what = U8; what <= REST; what++) {
		assert_int_equal(do_read(&c, (enum read)what), 0);
		assert_false(c.ok);
	}
	assert_null(cur_take(&c, 0));
}

static void no_length_is_too_large(void **state)
{
	static const uint8_t bytes[] = { 1, 2, 3 };
	static const size_t sizes[] = { 4, SIZE_MAX / 2, SIZE_MAX - 2, SIZE_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct cursor c = cur_over((struct span){ bytes, sizeof(bytes) });
		struct span s = cur_sub(&c, sizes[i]);

		assert_int_equal(s.len, 0);
		assert_non_null(s.at);
		assert_false(c.ok);
	}
}

static void the_rest_is_what_is_left(void **state)
{
	static const uint8_t bytes[] = { 1, 2, 3 };
	struct cursor c = cur_over((struct span){ bytes, sizeof(bytes) });
	struct span rest;

	(void)state;
	cur_skip(&c, 1);
	rest = cur_rest(&c);
	assert_ptr_equal(rest.at, bytes + 1);
	assert_int_equal(rest.len, 2);
	assert_int_equal(cur_rest(&c).len, 0);
	assert_true(c.ok);
}

static struct span text(const char *s)
{
	return (struct span){ (const uint8_t *)s, strlen(s) };
}

static void words_compare_in_any_letter_case(void **state)
{
	static const struct {
		const char *text;
		size_t n;
		const char *word;
		bool same;
	} cases[] = {
		{ "STARTTLS", 8, "STARTTLS", true },
		{ "StArTtLs", 8, "STARTTLS", true },
		{ "STARTTL", 7, "STARTTLS", false },
		{ "STARTTLSX", 9, "STARTTLS", false },
		{ "", 0, "STARTTLS", false },
		{ "", 0, "", true },
		{ "X", 1, "", false },
		{ "[", 1, "{", false },
		{ "*", 1, "*", true },
		{ "A\0B", 3, "A", false },
		{ "STARTTL\x13", 8, "STARTTLS", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span s = { (const uint8_t *)cases[i].text, cases[i].n };

		assert_int_equal(span_is(s, cases[i].word), cases[i].same);
	}
}

static void a_word_ends_at_a_blank(void **state)
{
	static const struct {
		const char *text, *word, *rest;
	} cases[] = {
		{ "MAIL FROM:<>", "MAIL", "FROM:<>" },
		{ "BDAT \t 12  LAST", "BDAT", "12  LAST" },
		{ "QUIT", "QUIT", "" },
		{ "RSET  ", "RSET", "" },
		{ "\tDATA", "", "DATA" },
		{ "", "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span rest, word = span_word(text(cases[i].text), &rest);

		assert_int_equal(word.len, strlen(cases[i].word));
		assert_memory_equal(word.at, cases[i].word, word.len);
		assert_int_equal(rest.len, strlen(cases[i].rest));
		assert_memory_equal(rest.at, cases[i].rest, rest.len);
		assert_int_equal(span_word(text(cases[i].text), NULL).len, word.len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_read_takes_its_bytes_or_nothing),
		cmocka_unit_test(a_short_read_is_remembered),
		cmocka_unit_test(no_length_is_too_large),
		cmocka_unit_test(the_rest_is_what_is_left),
		cmocka_unit_test(words_compare_in_any_letter_case),
		cmocka_unit_test(a_word_ends_at_a_blank),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
