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
	{ BYTES("PROXIMITY\r\n"), 0 },
	{ BYTES("EHLO PROXY \r\n"), 0 },
	{ BYTES("\r\n\r\nEHLO c\r\n"), 0 },
	{ BYTES("P"), 0 },
};

static const size_t n_cases = sizeof(cases) / sizeof(cases[0]);

static void a_header_is_stepped_over(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_cases; i++) {
		struct proxy p = { 0 };
		const uint8_t *at = cases[i].bytes.at;

		assert_int_equal(proxy_skip(&p, at, cases[i].bytes.len), cases[i].header);
		assert_int_equal(proxy_skip(&p, at, cases[i].bytes.len), 0); /* once */
	}
}

/* Its beginning comes in one piece, the rest as it likes. */
static void the_rest_may_come_later(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct proxy p = { 0 };
		const uint8_t *at = cases[i].bytes.at;
		size_t taken = proxy_skip(&p, at, 12);

		for (size_t n = 12; n < cases[i].bytes.len; n++)
			taken += proxy_skip(&p, at + n, 1);
		assert_int_equal(taken, cases[i].header);
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
		cmocka_unit_test(the_rest_may_come_later),
		cmocka_unit_test(a_line_without_end_is_bounded),
		cmocka_unit_test(behind_a_gap_there_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
