/* Tests reports/timezone.c. */
#include "tests/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reports/timezone.h"

static char dir[32];

static void put(const char *name, const char *text)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int make(void **state)
{
	char path[64];

	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/mailseal-zone-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/Europe", dir);
	mkdir(path, 0700);
	put("Europe/Paris", "TZif2 and so on");
	put("zone.tab", "# a table");
	put("Short", "TZ");
	return setenv("TZDIR", dir, 1);
}

static int clear(void **state)
{
	static const char *const names[] = { "Europe/Paris", "zone.tab", "Short", "Europe", "" };
	char path[64];

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		remove(path);
	}
	return unsetenv("TZDIR");
}

static void a_zone_is_a_file_of_tzdata(void **state)
{
	(void)state;
	assert_true(timezone_known("UTC"));
	assert_true(timezone_known("Europe/Paris"));
	assert_false(timezone_known("Europe/London"));
	assert_false(timezone_known("Europe"));
	assert_false(timezone_known("zone.tab"));
	assert_false(timezone_known("Short"));
}

static void what_libc_reads_otherwise_is_none(void **state)
{
	static const char *const bad[] = { "",          "/etc/passwd", ":Europe/Paris",  "../Short",
					   "CET-1CEST", "<x>0",        "Europe/../Short" };

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(timezone_known(bad[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_zone_is_a_file_of_tzdata),
		cmocka_unit_test(what_libc_reads_otherwise_is_none),
	};

	return cmocka_run_group_tests(tests, make, clear);
}
