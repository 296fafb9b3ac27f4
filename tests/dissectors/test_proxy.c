/* Tests what is stepped over in front of a client's first byte. */
#include "tests/unit.h"

#include <string.h>

#include "dissectors/proxy.h"

#define V2 "\r\n\r\n\0\r\nQUIT\n"

static const struct {
	struct span bytes;
	size_t header; /* bytes of it that are none of the client's */
} cases[] = {
	{ BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 4000 25\r\nEHLO c\r\n"), 40 },
	{ BYTES("PROXY UNKNOWN\r\n"), 15 },
	{ BYTES(V2 "\x21\x11\x00\x0c"
		   "aaaabbbbccdd\x16\x03\x01"),
	  28 },
	{ BYTES(V2 "\x20\x00\x00\x00"
		   "EHLO c\r\n"),
	  16 },
};

/* Cut anywhere. */
static void a_header_is_stepped_over(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const uint8_t *at = cases[i].bytes.at;
		size_t n = cases[i].bytes.len;

		for (size_t cut = 0; cut < n; cut++) {
			struct proxy p = { 0 };
			size_t taken = proxy_skip(&p, at, cut);

			taken += proxy_skip(&p, at + taken, n - taken);
			assert_int_equal(taken, cases[i].header);
			assert_int_equal(proxy_skip(&p, at, n), 0); /* once */
			proxy_give_up(&p);
			assert_int_equal(proxy_mistaken(&p).len, 0);
		}
	}
}

/* mistaken: bytes that the first header or the second begin with. */
static void what_only_begins_like_one_is_the_clients(void **state)
{
	static const struct {
		struct span bytes;
		size_t mistaken;
	} rows[] = {
		{ BYTES("PROXIMITY\r\n"), 4 },         { BYTES("PASS x\r\n"), 1 },
		{ BYTES("EHLO PROXY \r\n"), 0 },       { BYTES("\r\n\r\nEHLO c\r\n"), 4 },
		{ BYTES("\r\n\r\n\0\r\nQUIt\n"), 10 }, { BYTES("P"), 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const uint8_t *at = rows[i].bytes.at;

		for (size_t cut = 0; cut <= rows[i].bytes.len; cut++) {
			struct proxy p = { 0 };
			size_t taken = proxy_skip(&p, at, cut);
			struct span mistaken;

			taken += proxy_skip(&p, at + taken, rows[i].bytes.len - taken);
			proxy_give_up(&p);
			mistaken = proxy_mistaken(&p);
			assert_int_equal(taken, rows[i].mistaken);
			assert_int_equal(mistaken.len, taken);
			if (taken > 0)
				assert_memory_equal(mistaken.at, at, taken);
			assert_int_equal(proxy_mistaken(&p).len, 0);
		}
	}
}

static void a_line_without_end_is_bounded(void **state)
{
	struct proxy p = { 0 };
	uint8_t line[200];

	(void)state;
	memset(line, 'x', sizeof(line));
	memcpy(line, "PROXY ", 6);
	assert_int_equal(proxy_skip(&p, line, sizeof(line)), 107);
}

static void behind_a_gap_there_is_none(void **state)
{
	struct proxy p = { 0 };

	(void)state;
	proxy_give_up(&p);
	assert_int_equal(proxy_skip(&p, (const uint8_t *)"PROXY UNKNOWN\r\n", 15), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_is_stepped_over),
		cmocka_unit_test(what_only_begins_like_one_is_the_clients),
		cmocka_unit_test(a_line_without_end_is_bounded),
		cmocka_unit_test(behind_a_gap_there_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
