/* Tests reports/export.c, export_series.c and export_write.c on a ledger with gaps, parts of which
 * are kept by hour only. */
#include "tests/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reports/db.h"
#include "reports/export.h"

#define HOUR 3600
#define DAY  86400
#define T0   ((int64_t)1795305600) /* 2026-11-22T00:00:00Z */
#define OLD  (T0 - 20 * DAY)

static char err[512];
static char dir[64], file[80];
static char text[65536];

static bool commit(struct ledger *l, int64_t step, uint64_t sealed)
{
	struct ledger_row row = { .service = SERVICE_MTA, .client = "alpha", .server = "beta" };
	struct health h = { .alive = 3 };
	struct ledger_batch b = { .step = step, .rows = &row, .rows_n = sealed > 0, .health = &h };

	h.n[HEALTH_PACKETS] = 10;
	row.counts.n[COUNT_ENC_STARTTLS] = sealed;
	return ledger_commit(l, &b, err, sizeof(err));
}

static int make_ledger(void **state)
{
	struct ledger *l;
	bool ok;

	(void)state;
	strcpy(dir, "/tmp/mailseal-export-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(file, sizeof(file), "%s/ledger.db", dir);
	l = ledger_open(dir, LEDGER_WRITE, err, sizeof(err));
	if (l == NULL)
		return -1;
	ok = commit(l, OLD, 7) && commit(l, T0, 1) && commit(l, T0 + 60, 0) &&
	     commit(l, T0 + 180, 4) && ledger_expire(l, T0 + 240, err, sizeof(err));
	ledger_close(l);
	return ok ? 0 : -1;
}

static int remove_ledger(void **state)
{
	static const char *const suffix[] = { "", "-wal", "-shm" };
	char name[100];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "%s%s", file, suffix[i]);
		unlink(name);
	}
	return rmdir(dir);
}

static void change(const char *sql)
{
	struct db *db = db_open(file, true, err, sizeof(err));

	assert_non_null(db);
	if (!db_exec(db, sql, err, sizeof(err)))
		fail_msg("%s", err);
	db_close(db);
}

/* From T0 on, one series of each. */
static struct export_asked asked(const char *series)
{
	struct export_asked a = {
		.service = SERVICE_MTA,
		.period = { .from = T0, .has_from = true },
		.resolution = EXPORT_RESOLUTION_AUTO,
	};

	if (!series_read(SERIES_OF_PAIR, series, &a.series, err, sizeof(err)))
		fail_msg("%s", err);
	return a;
}

static bool export(const struct export_asked *a)
{
	struct ledger *l = ledger_open(dir, LEDGER_READ, err, sizeof(err));
	FILE *out = fmemopen(text, sizeof(text), "w");
	bool ok;

	assert_non_null(l);
	assert_non_null(out);
	ok = export_write(a, l, out, err, sizeof(err));
	assert_int_equal(fclose(out), 0);
	ledger_close(l);
	return ok;
}

static void expect(const struct export_asked *a, const char *rows)
{
	if (!export(a))
		fail_msg("%s", err);
	assert_string_equal(strchr(text, '\n') + 1, rows);
}

static void a_named_pair_has_every_step(void **state)
{
	struct export_asked a = asked("E,ratio");

	(void)state;
	strcpy(a.client, "alpha");
	strcpy(a.server, "beta");
	expect(&a, "2026-11-22T00:00:00Z,60,60,mta,\"alpha\",\"beta\",false,1,1\n"
		   "2026-11-22T00:01:00Z,60,60,mta,\"alpha\",\"beta\",false,0,\n"
		   "2026-11-22T00:02:00Z,60,0,mta,\"alpha\",\"beta\",false,,\n"
		   "2026-11-22T00:03:00Z,60,60,mta,\"alpha\",\"beta\",false,4,1\n");
}

static void other_pairs_have_rows_where_they_have_sessions(void **state)
{
	struct export_asked a = asked("E");

	(void)state;
	expect(&a, "2026-11-22T00:00:00Z,60,60,mta,\"alpha\",\"beta\",false,1\n"
		   "2026-11-22T00:02:00Z,60,0,,,,,\n"
		   "2026-11-22T00:03:00Z,60,60,mta,\"alpha\",\"beta\",false,4\n");
	strcpy(a.peer, "other");
	expect(&a, "2026-11-22T00:02:00Z,60,0,,,,,\n");
}

static void a_sum_names_no_pair(void **state)
{
	struct export_asked a = asked("E");

	(void)state;
	a.sum = true;
	a.resolution = RESOLUTION_HOUR;
	expect(&a, "2026-11-22T00:00:00Z,3600,180,mta,5\n");
	a.service = -1;
	expect(&a, "2026-11-22T00:00:00Z,3600,180,mta,5\n"
		   "2026-11-22T00:00:00Z,3600,180,submission,0\n"
		   "2026-11-22T00:00:00Z,3600,180,access,0\n");
	a.service = SERVICE_MTA;
	a.promised = true; /* nobody has signed */
	expect(&a, "2026-11-22T00:00:00Z,3600,180,mta,0\n");
}

static void the_sensor_has_every_step(void **state)
{
	struct export_asked a = asked("E");

	(void)state;
	a.of = SERIES_OF_SENSOR;
	assert_true(series_read(a.of, "alive,packets,alive", &a.series, err, sizeof(err)));
	expect(&a, "2026-11-22T00:00:00Z,60,60,3,10\n"
		   "2026-11-22T00:01:00Z,60,60,3,10\n"
		   "2026-11-22T00:02:00Z,60,0,,\n"
		   "2026-11-22T00:03:00Z,60,60,3,10\n");
	assert_memory_equal(
		text, "begin,seconds,seconds_seen,alive (connections),packets (packets)\n", 65);
}

static void the_finest_that_is_kept_is_taken(void **state)
{
	struct export_asked a = asked("E");
	unsigned lines = 0;

	(void)state;
	a.sum = true;
	a.period.from = OLD;
	assert_true(export(&a));
	for (const char *p = text; *p; p++)
		lines += *p == '\n';
	assert_int_equal(lines, 1 + 20 * 24 + 1);
	assert_non_null(strstr(text, "\n2026-11-02T00:00:00Z,3600,60,mta,7\n"
				     "2026-11-02T01:00:00Z,3600,0,mta,\n"));
	assert_non_null(strstr(text, "\n2026-11-22T00:00:00Z,3600,180,mta,5\n"));
	a.resolution = RESOLUTION_MINUTE;
	assert_false(export(&a));
	assert_non_null(strstr(err, "minutes are kept since 2026-11-08"));
	assert_non_null(strstr(err, "hours reach back further"));
	a.resolution = RESOLUTION_DAY;
	assert_true(export(&a));
	assert_non_null(strstr(text, "\n2026-11-02T00:00:00Z,86400,60,mta,7\n"
				     "2026-11-03T00:00:00Z,86400,0,mta,\n"));
	assert_non_null(strstr(text, "\n2026-11-22T00:00:00Z,86400,180,mta,5\n"));
}

static void a_period_before_the_ledger_is_empty(void **state)
{
	struct export_asked a = asked("E");

	(void)state;
	a.period = (struct period_asked){
		.from = OLD - DAY, .to = OLD - HOUR, .has_from = true, .has_to = true
	};
	expect(&a, "");
	a.period.from = T0 + DAY;
	a.period.has_to = false;
	assert_false(export(&a));
}

static void json_has_units_and_null(void **state)
{
	struct export_asked a = asked("ratio,E");

	(void)state;
	a.json = true;
	a.sum = true;
	assert_true(export(&a));
	assert_non_null(strstr(text, "\"ratio\": \"1\",\n    \"E\": \"sessions\"\n"));
	assert_non_null(strstr(text, "{\"begin\": \"2026-11-22T00:02:00Z\", \"seconds\": 60, "
				     "\"seconds_seen\": 0, \"service\": \"mta\", \"ratio\": null, "
				     "\"E\": null}"));
	assert_non_null(strstr(text, "\"seconds_seen\": 60, \"service\": \"mta\", \"ratio\": null, "
				     "\"E\": 0}"));
}

static void damage_is_told(void **state)
{
	struct export_asked a = asked("E");

	(void)state;
	change("UPDATE minutes SET step = step + 7 WHERE step = 1795305780");
	assert_false(export(&a));
	assert_non_null(strstr(err, "no step of it begins at second 1795305787"));
	change("UPDATE meta SET value = 9223372036854775807 WHERE name = 'last_step'");
	assert_false(export(&a));
	assert_non_null(strstr(err, "the ledger is damaged"));
}

static void strangers_are_told(void **state)
{
	struct export_asked a = asked("E");

	(void)state;
	strcpy(a.peer, "gamma");
	assert_false(export(&a));
	assert_non_null(strstr(err, "knows no peer \"gamma\""));
	a.peer[0] = '\0';
	strcpy(a.server, "alpha-net"); /* not a peer of the configuration */
	assert_false(export(&a));
	change("INSERT INTO peer VALUES('alpha', 1)");
	assert_true(export(&a));
}

static void every_series_says_what_it_is(void **state)
{
	struct series_wanted w;

	(void)state;
	for (unsigned of = 0; of < SERIES_OF_N; of++) {
		size_t n = series_count((enum series_of)of);

		assert_true(n <= SERIES_MAX);
		for (size_t i = 0; i < n; i++) {
			struct series_about a = series_about((enum series_of)of, i);

			assert_true(a.name[0] && a.unit[0] && a.text[0]);
			assert_true(series_read((enum series_of)of, a.name, &w, err, sizeof(err)));
			assert_int_equal(w.n, 1);
			assert_int_equal(w.at[0], i);
		}
		assert_true(series_read((enum series_of)of, NULL, &w, err, sizeof(err)));
		assert_int_equal(w.n, n);
	}
	assert_false(series_read(SERIES_OF_PAIR, "E,,P", &w, err, sizeof(err)));
	assert_false(series_read(SERIES_OF_PAIR, "", &w, err, sizeof(err)));
	assert_false(series_read(SERIES_OF_PAIR, "sess", &w, err, sizeof(err)));
	assert_false(series_read(SERIES_OF_PAIR, "packets", &w, err, sizeof(err)));
	assert_false(series_read(SERIES_OF_SENSOR, "E", &w, err, sizeof(err)));
}

static void values_stand_under_their_names(void **state)
{
	struct series_value v[SERIES_MAX];
	struct series_wanted w;
	struct counts c;
	struct health h = { .alive = 99 };

	(void)state;
	for (unsigned i = 0; i < COUNT_N; i++)
		c.n[i] = 100 + i;
	for (unsigned i = 0; i < HEALTH_N; i++)
		h.n[i] = 100 + i;
	series_of_counts(&c, v);
	for (unsigned i = 0; i < COUNT_N; i++) {
		assert_true(series_read(SERIES_OF_PAIR, count_name((enum count)i), &w, err,
					sizeof(err)));
		assert_int_equal(v[w.at[0]].n, 100 + i);
	}
	assert_true(series_read(SERIES_OF_PAIR, "coverage", &w, err, sizeof(err)));
	assert_true(v[w.at[0]].is_share && v[w.at[0]].share == counts_ratio(&c, 0).coverage);
	series_of_health(&h, v);
	for (unsigned i = 0; i < HEALTH_N; i++)
		assert_int_equal(v[i].n, 100 + i);
	assert_int_equal(v[HEALTH_N].n, 99);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_ledger, remove_ledger)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_named_pair_has_every_step),
		TEST(other_pairs_have_rows_where_they_have_sessions),
		TEST(a_sum_names_no_pair),
		TEST(the_sensor_has_every_step),
		TEST(the_finest_that_is_kept_is_taken),
		TEST(a_period_before_the_ledger_is_empty),
		TEST(json_has_units_and_null),
		TEST(damage_is_told),
		TEST(strangers_are_told),
		cmocka_unit_test(every_series_says_what_it_is),
		cmocka_unit_test(values_stand_under_their_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
