/* Tests the line that says how far a long piece of work is. */
#include "tests/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reports/progress.h"

#define GB 1000000000ull

static char line[PROGRESS_LINE_MAX];

static void expect(const struct progress_at *at, uint64_t elapsed_ms, unsigned columns,
		   const char *text)
{
	unsigned n = progress_line(at, elapsed_ms, columns, false, line);

	assert_string_equal(line, text);
	assert_int_equal(n, strlen(text));
}

static void it_says_how_far_and_how_fast(void **state)
{
	struct progress_at at = { .bytes = GB / 2, .bytes_all = 2 * GB, .what = "packets" };

	(void)state;
	at.things = 1234567;
	expect(&at, 10000, 100,
	       "[########--------------------------]  25 %  500 MB of 2.0 GB  0:30 left  50.0 MB/s "
	       " "
	       "123 k packets/s");
	expect(&at, 10000000, 100,
	       "[########-------------------------]  25 %  500 MB of 2.0 GB  8:20:00 left  50.0 "
	       "kB/s  "
	       "123 packets/s");
	at.bytes = 0;
	at.things = 1;
	expect(&at, 0, 60, "[-------------------------------------]  0 %  0 B of 2.0 GB");
}

static void without_a_size_there_is_no_share(void **state)
{
	struct progress_at at = { .things = 15300000, .what = "packets" };

	(void)state;
	expect(&at, 10000, 80, "15.3 M packets  1.5 M packets/s");
	expect(&at, 0, 80, "15.3 M packets");
	at.things = 999;
	expect(&at, 10000, 80, "999 packets  100 packets/s");
}

static void files_are_counted_one_by_one(void **state)
{
	struct progress_at at = { .things = 1200, .things_all = 3000, .what = "files" };

	(void)state;
	expect(&at, 4000, 70,
	       "[######-----------]  40 %  1200 of 3000 files  0:06 left  300 files/s");
}

/* Never 100 % before the end, nor more than all there is. */
static void the_share_is_not_rounded_up(void **state)
{
	struct progress_at at = { .bytes = 2 * GB - 1, .bytes_all = 2 * GB, .what = "packets" };

	(void)state;
	expect(&at, 0, 42, "[##############-]  99 %  2.0 GB of 2.0 GB");
	at.bytes = 3 * GB; /* it grew */
	expect(&at, 0, 42, "[##############]  100 %  3.0 GB of 3.0 GB");
	at.bytes = at.bytes_all = UINT64_MAX;
	at.things = UINT64_MAX;
	progress_line(&at, 1, 80, true, line);
	assert_non_null(strstr(line, "100 %"));
}

static size_t columns_taken(void)
{
	size_t n = 0;

	for (const char *p = line; *p; p++)
		n += ((unsigned char)*p & 0xc0) != 0x80;
	return n;
}

static void it_fits_every_width(void **state)
{
	const struct progress_at cases[] = {
		{ 123 * GB, 999 * GB, 88888888, 0, "packets" },
		{ 0, 0, 88888888, 0, "packets" },
		{ 0, 0, 4000000000, 5000000000, "files" },
		{ UINT64_MAX - 1, UINT64_MAX, UINT64_MAX, 0, "packets" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (unsigned columns = 0; columns < 600; columns++) {
			unsigned n = progress_line(&cases[i], 77777, columns, columns % 2, line);

			assert_true(n < columns || (n == 0 && columns == 0));
			assert_int_equal(n, columns_taken());
		}
	}
}

static void nothing_is_written_but_to_a_terminal(void **state)
{
	struct progress_at at = { .things = 1, .things_all = 1, .what = "files" };
	FILE *f = tmpfile();
	struct progress p;

	(void)state;
	assert_non_null(f);
	setenv("TERM", "xterm", 1);
	progress_init(&p, f, true);
	progress_show(&p, &at);
	progress_clear(&p);
	assert_int_equal(ftell(f), 0);
	fclose(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_says_how_far_and_how_fast),
		cmocka_unit_test(without_a_size_there_is_no_share),
		cmocka_unit_test(files_are_counted_one_by_one),
		cmocka_unit_test(the_share_is_not_rounded_up),
		cmocka_unit_test(it_fits_every_width),
		cmocka_unit_test(nothing_is_written_but_to_a_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
