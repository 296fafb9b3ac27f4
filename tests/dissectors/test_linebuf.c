/* Tests the line framer: what lines come out, whatever the bytes are cut into. */
#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

#include "dissectors/linebuf.h"

enum { LINES_MAX = 8 };

struct expected {
	const char *text;
	bool bare_lf;
};

/* Line ends and what is not part of a line. A NULL text ends the list. */
static const struct {
	const char *in;
	struct expected lines[LINES_MAX];
	bool partial; /* the last line has no end yet */
} cases[] = {
	{ "", { { NULL, false } }, false },
	{ "EHLO a\r\n", { { "EHLO a", false } }, false },
	{ "EHLO a\n", { { "EHLO a", true } }, false },
	{ "A\r\nB\nC\r\n", { { "A", false }, { "B", true }, { "C", false } }, false },
	{ "A\r\r\r\n", { { "A", false } }, false },
	{ "\r\n\n", { { "", false }, { "", true } }, false },
	{ "A\rB\r\n", { { "A\rB", false } }, false },
	{ "A\r\nQUI", { { "A", false } }, true },
	{ "A\r\n\r", { { "A", false } }, true },
	{ "QUI", { { NULL, false } }, true },
	{ "\n\n\n", { { "", true }, { "", true }, { "", true } }, false },
};

/* Feeds a piece in memory of its own size; checks the lines that it completes. */
static void feed(struct linebuf *b, const char *data, size_t n, const struct expected **next)
{
	uint8_t *copy = malloc(n ? n : 1);

	assert_non_null(copy);
	memcpy(copy, data, n);
	for (size_t at = 0; at < n;) {
		struct line l;
		bool complete;
		size_t taken = linebuf_feed(b, copy + at, n - at, &l, &complete);

		assert_true(taken > 0 && taken <= n - at);
		at += taken;
		if (!complete)
			continue;
		assert_non_null((*next)->text);
		assert_int_equal(l.text.len, strlen((*next)->text));
		assert_memory_equal(l.text.at, (*next)->text, l.text.len);
		assert_int_equal(l.bare_lf, (*next)->bare_lf);
		assert_false(l.cut || l.too_long);
		linebuf_reset(b);
		(*next)++;
	}
	free(copy);
}

static void lines_come_out_the_same_however_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t n = strlen(cases[i].in);

		for (size_t cut = 0; cut <= n; cut++) {
			const struct expected *next = cases[i].lines;
			struct linebuf b = { 0 };

			feed(&b, cases[i].in, cut, &next);
			feed(&b, cases[i].in + cut, n - cut, &next);
			assert_null(next->text);
			assert_int_equal(linebuf_partial(&b), cases[i].partial);
		}
	}
}

static void lines_come_out_the_same_byte_by_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct expected *next = cases[i].lines;
		struct linebuf b = { 0 };

		for (const char *at = cases[i].in; *at; at++)
			feed(&b, at, 1, &next);
		assert_null(next->text);
	}
}

/* A line of n bytes and CR LF, in pieces of a size. */
static struct line long_line(struct linebuf *b, size_t n, size_t piece)
{
	uint8_t *data = malloc(n + 2);
	struct line l = { { NULL, 0 }, false, false, false };
	bool complete = false;

	assert_non_null(data);
	memset(data, 'x', n);
	memcpy(data + n, "\r\n", 2);
	for (size_t at = 0; at < n + 2; at += piece) {
		size_t take = n + 2 - at < piece ? n + 2 - at : piece;

		assert_false(complete);
		assert_int_equal(linebuf_feed(b, data + at, take, &l, &complete), take);
	}
	assert_true(complete);
	assert_true(l.text.len == 0 || l.text.at[0] == 'x');
	free(data); /* the text may lie in there: only its length is looked at from here on */
	return l;
}

/* The CR counts as part of the line as far as its length goes. */
static void long_lines_are_cut_and_flagged(void **state)
{
	static const struct {
		size_t length;
		bool cut, too_long;
	} lengths[] = {
		{ 0, false, false },
		{ LINE_KEPT - 2, false, false },
		{ LINE_KEPT - 1, false, false },
		{ LINE_KEPT + 1, true, false },
		{ LINE_LONG - 1, true, false },
		{ LINE_LONG, true, true },
		{ 70000, true, true },
	};
	static const size_t pieces[] = { 1, 7, LINE_KEPT, LINE_LONG, 80000 };

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		for (size_t p = 0; p < sizeof(pieces) / sizeof(pieces[0]); p++) {
			size_t n = lengths[i].length;
			struct linebuf b = { 0 };
			struct line l = long_line(&b, n, pieces[p]);

			assert_int_equal(l.text.len, n < LINE_KEPT ? n : LINE_KEPT);
			assert_int_equal(l.cut, lengths[i].cut);
			assert_int_equal(l.too_long, lengths[i].too_long);
			assert_false(l.bare_lf);
		}
	}
}

static void nothing_of_a_line_survives_a_reset(void **state)
{
	static const uint8_t secret[] = "AHVzZXIAcGFzc3dvcmQ=";
	struct linebuf b = { 0 };
	struct line l;
	bool complete;

	(void)state;
	linebuf_feed(&b, secret, sizeof(secret) - 1, &l, &complete);
	assert_false(complete);
	assert_true(linebuf_partial(&b));
	linebuf_reset(&b);
	assert_false(linebuf_partial(&b));
	for (size_t i = 0; i < sizeof(b.buf); i++)
		assert_int_equal(b.buf[i], 0);
	assert_int_equal(linebuf_feed(&b, (const uint8_t *)"QUIT\r\n", 6, &l, &complete), 6);
	assert_int_equal(l.text.len, 4);
}

static void nothing_offered_is_nothing_taken(void **state)
{
	struct linebuf b = { 0 };
	struct line l;
	bool complete = true;

	(void)state;
	assert_int_equal(linebuf_feed(&b, (const uint8_t *)"", 0, &l, &complete), 0);
	assert_false(complete);
	assert_false(linebuf_partial(&b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_come_out_the_same_however_cut),
		cmocka_unit_test(lines_come_out_the_same_byte_by_byte),
		cmocka_unit_test(long_lines_are_cut_and_flagged),
		cmocka_unit_test(nothing_of_a_line_survives_a_reset),
		cmocka_unit_test(nothing_offered_is_nothing_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
