/* Tests reports/rrdstore.c, rrdstep.c, rrdrebuild.c and rrdlib.c. */
#include "tests/unit.h"

#include <dirent.h>
#include <ftw.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "reports/ledger.h"
#include "reports/rrdfile.h"
#include "reports/rrd_series.h"
#include "reports/rrdlib.h"

#define HOUR 3600
#define DAY  86400
#define T0   ((int64_t)1795305600) /* 2026-11-22T00:00:00Z */

static char err[512];
static char dir[64]; /* with what librrd might take for an end or an escape */
static struct rrdstore *store;
static struct ledger *led;
static unsigned failed;

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/mailseal:rrd\\-XXXXXX");
	store = NULL;
	led = NULL;
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static int remove_dir(void **state)
{
	(void)state;
	rrdstore_close(store);
	ledger_close(led);
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static const char *path_of(const char *name)
{
	static char path[200];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static bool exists(const char *name)
{
	return access(path_of(name), F_OK) == 0;
}

static void open_store(void)
{
	rrdstore_close(store);
	store = rrdstore_open(dir, 10, err, sizeof(err));
	if (store == NULL)
		fail_msg("%s", err);
}

/* alpha and beta, gamma if wanted, and omega, which is none. */
static struct peers *peers_of(bool gamma_signs)
{
	struct peers *p = peers_new();

	assert_true(peers_add(p, "beta", true, err, sizeof(err)) >= 0);
	assert_true(peers_add(p, "alpha", true, err, sizeof(err)) >= 0);
	assert_true(peers_add(p, "gamma", gamma_signs, err, sizeof(err)) >= 0);
	assert_true(peers_add(p, "omega", false, err, sizeof(err)) >= 0);
	return p;
}

static void set_peers(bool gamma_signs)
{
	struct peers *p = peers_of(gamma_signs);

	if (!ledger_set_peers(led, p, err, sizeof(err)) ||
	    !rrdstore_read_peers(store, led, err, sizeof(err)))
		fail_msg("%s", err);
	peers_free(p);
}

static void open_ledger(void)
{
	led = ledger_open(dir, LEDGER_WRITE, err, sizeof(err));
	if (led == NULL)
		fail_msg("%s", err);
	set_peers(false);
}

static struct ledger_row row_of(const char *client, const char *server, uint64_t sealed)
{
	struct ledger_row row;

	memset(&row, 0, sizeof(row));
	row.service = SERVICE_MTA;
	strcpy(row.client, client);
	strcpy(row.server, server);
	row.counts.n[COUNT_ENC_STARTTLS] = sealed;
	return row;
}

static const struct health healthy = { .n = { [HEALTH_PACKETS] = 600 } };

static bool try_step(int64_t step, const struct ledger_row *rows, size_t n)
{
	return rrdstore_step(store, step, rows, n, &healthy, &failed, err, sizeof(err));
}

static void write_step(int64_t step, const struct ledger_row *rows, size_t n)
{
	if (!try_step(step, rows, n))
		fail_msg("%s", err);
	assert_int_equal(failed, 0);
}

/* What a source of a file says of the minutes from a time on: one character each, "." unknown,
 * "0" to "9" for the count, "+" for more. */
struct minutes {
	const char *source;
	char text[3000];
	size_t n;
	double total; /* of the known ones, as counts */
	double scale;
};

static void on_point(void *ctx, const char *const *names, const double *values, unsigned n)
{
	struct minutes *m = ctx;

	for (unsigned i = 0; i < n; i++) {
		double count = values[i] * m->scale;

		if (strcmp(names[i], m->source) != 0)
			continue;
		if (!isnan(count))
			m->total += count;
		if (m->n + 1 < sizeof(m->text))
			m->text[m->n++] = isnan(count)  ? '.'
					  : count > 9.5 ? '+'
							: (char)('0' + (int)(count + 0.5));
	}
}

static struct minutes fetched(const char *file, const char *source, int64_t from, int64_t to,
			      unsigned resolution)
{
	struct minutes m = { .source = source, .scale = resolution };

	/* librrd's end is the last point that is wanted, not the one behind it */
	if (!rrdlib_fetch(path_of(file), from, to - resolution, resolution, on_point, &m, err,
			  sizeof(err)))
		fail_msg("%s", err);
	return m;
}

#define AB     "rrd/mta/alpha/beta.rrd"
#define BA     "rrd/mta/beta/alpha.rrd"
#define HEALTH "rrd/health.rrd"
#define TOTAL  "rrd/mta/total.rrd"

static void expect(const char *file, const char *source, int64_t from, const char *text)
{
	struct minutes m = fetched(file, source, from, from + 60 * (int64_t)strlen(text), 60);

	assert_string_equal(m.text, text);
}

static void a_step_fills_every_source(void **state)
{
	static const char *const sources[] = {
		"enc_starttls",   "enc_implicit", "plaintext", "tls_failed", "no_transaction",
		"indeterminate",  "refused",      "offered",   "requested",  "accepted",
		"stripped",       "tls10",        "tls11",     "tls12",      "tls13",
		"messages_clear", "auth_clear",
	};
	struct ledger_row row = row_of("alpha", "beta", 0);

	(void)state;
	for (unsigned i = 0; i < COUNT_N; i++)
		row.counts.n[i] = 100 + i;
	open_store();
	write_step(T0, &row, 1);
	for (unsigned i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		struct minutes m = fetched(AB, sources[i], T0, T0 + 60, 60);
		unsigned c = 0;

		while (strcmp(count_name((enum count)c), sources[i]) != 0)
			c++;
		assert_string_equal(m.text, "+");
		assert_true(fabs(m.total - (100 + c)) < 1e-6);
	}
	assert_true(fabs(fetched(HEALTH, "packets", T0, T0 + 60, 60).total - 600) < 1e-6);
	assert_true(fetched(HEALTH, "lost", T0, T0 + 60, 60).total == 0);
}

static void idle_is_zero_and_a_gap_is_unknown(void **state)
{
	struct ledger_row rows[] = { row_of("alpha", "beta", 1), row_of("beta", "alpha", 5) };

	(void)state;
	open_store();
	write_step(T0, rows, 1);
	write_step(T0 + 60, rows, 2);
	write_step(T0 + 120, NULL, 0);
	open_store(); /* restarted, after three minutes that nobody saw */
	write_step(T0 + 360, rows, 1);
	write_step(T0 + 420, rows + 1, 1);
	expect(AB, "enc_starttls", T0 - 60, ".110...10");
	expect(BA, "enc_starttls", T0 - 60, "..50...05");
	expect(AB, "plaintext", T0 - 60, ".000...00");
	expect(HEALTH, "packets", T0 - 60, ".+++...++");
}

static void a_gap_of_one_step_is_unknown_too(void **state)
{
	struct ledger_row row = row_of("alpha", "beta", 4);

	(void)state;
	open_store();
	write_step(T0, &row, 1);
	write_step(T0 + 120, &row, 1);
	expect(AB, "enc_starttls", T0, "4.4");
}

static void old_times_write_nothing(void **state)
{
	struct ledger_row row = row_of("alpha", "beta", 1);

	(void)state;
	open_store();
	write_step(0, &row, 1);
	write_step(315532800 - 60, &row, 1);
	assert_false(exists(AB));
	assert_false(exists(HEALTH));
	write_step(315532800, &row, 1);
	assert_true(exists(AB));
}

static void a_repeated_step_is_not_written_twice(void **state)
{
	struct ledger_row row = row_of("alpha", "beta", 3), again = row_of("alpha", "beta", 4);

	(void)state;
	open_store();
	write_step(T0, &row, 1);
	write_step(T0, &again, 1);
	open_store();
	write_step(T0, &again, 1);
	write_step(T0 + 60, &again, 1);
	expect(AB, "enc_starttls", T0, "34");
}

static void spoil(const char *name, bool truncate_it)
{
	FILE *f = fopen(path_of(name), truncate_it ? "r+" : "w");

	assert_non_null(f);
	if (truncate_it)
		assert_int_equal(ftruncate(fileno(f), 5000), 0);
	else
		fputs("not an RRD file\n", f);
	fclose(f);
}

static unsigned entries(const char *name)
{
	DIR *d = opendir(path_of(name));
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n - 2;
}

static void names_that_are_no_names_make_no_path(void **state)
{
	static const char *const bad[] = { "", "..", "../../x", "a/b", "Alpha", "a.b" };

	(void)state;
	open_store();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct ledger_row row = row_of(bad[i], "beta", 1);

		assert_false(rrdstore_has_room(store, SERVICE_MTA, bad[i], "beta"));
		assert_false(rrdstore_has_room(store, SERVICE_MTA, "beta", bad[i]));
		assert_false(try_step(T0 + 60 * (int64_t)i, &row, 1));
		assert_int_equal(failed, 1);
	}
	assert_int_equal(entries("rrd/mta"), 1); /* the total */
}

static void the_number_of_files_is_bounded(void **state)
{
	struct ledger_row rows[] = { row_of("alpha", "beta", 1), row_of("beta", "alpha", 1),
				     row_of("other", "other", 1) };
	struct ledger_row excepted = row_of("alpha", "gamma", 0);

	(void)state;
	store = rrdstore_open(dir, 1, err, sizeof(err));
	assert_non_null(store);
	excepted.counts.n[COUNT_EXCEPTED] = 9; /* draws nothing, needs no file */
	write_step(T0, &excepted, 1);
	assert_true(rrdstore_has_room(store, SERVICE_MTA, "alpha", "beta"));
	assert_false(try_step(T0 + 60, rows, 3));
	assert_int_equal(failed, 1);
	assert_true(exists(AB));
	assert_false(exists(BA));
	assert_true(exists("rrd/mta/other/other.rrd"));
	assert_true(rrdstore_has_room(store, SERVICE_MTA, "alpha", "beta"));
	assert_false(rrdstore_has_room(store, SERVICE_ACCESS, "alpha", "beta"));
	assert_true(rrdstore_has_room(store, SERVICE_ACCESS, "other", "other"));
}

static void opening_finds_files_and_sweeps_halves(void **state)
{
	struct ledger_row row = row_of("alpha", "beta", 1);

	(void)state;
	open_store();
	write_step(T0, &row, 1);
	spoil("rrd/mta/alpha/gamma.rrd.new", false);
	spoil("rrd/mta/alpha/gamma.rrd.newAbCdEf", false);
	spoil("rrd/mta/alpha/README", false);
	spoil(TOTAL ".new", false);
	rrdstore_close(store);
	store = rrdstore_open(dir, 1, err, sizeof(err));
	assert_true(rrdstore_has_room(store, SERVICE_MTA, "alpha", "beta"));
	assert_false(rrdstore_has_room(store, SERVICE_MTA, "alpha", "gamma"));
	assert_false(exists("rrd/mta/alpha/gamma.rrd.new"));
	assert_false(exists("rrd/mta/alpha/gamma.rrd.newAbCdEf"));
	assert_true(exists("rrd/mta/alpha/README"));
	assert_false(exists(TOTAL ".new"));
	assert_null(rrdstore_open("/nonexistent", 1, err, sizeof(err)));
	assert_non_null(strstr(err, "/nonexistent/rrd"));
}

/* Rebuilding ------------------------------------------------------------------------------ */

static void commit(int64_t step, bool open, const struct ledger_row *rows, size_t n)
{
	struct ledger_batch b = {
		.step = step, .open = open, .rows = rows, .rows_n = n, .health = &healthy
	};

	if (!ledger_commit(led, &b, err, sizeof(err)))
		fail_msg("%s", err);
}

static void rebuild(void)
{
	if (!rrdstore_rebuild(store, led, NULL, err, sizeof(err)))
		fail_msg("%s", err);
}

static unsigned told_done, told_all;

static void on_progress(void *ctx, unsigned done, unsigned all)
{
	(void)ctx;
	told_done = done;
	told_all = all;
}

/* Two pairs over 40 minutes, with an outage; the same to the files and to the ledger. */
static void both(int64_t step, const struct ledger_row *rows, size_t n)
{
	commit(step, false, rows, n);
	write_step(step, rows, n);
}

static void live_for_a_while(void)
{
	for (unsigned m = 0; m < 40; m++) {
		struct ledger_row rows[] = { row_of("alpha", "beta", m % 4),
					     row_of("beta", "alpha", m % 10) };

		if (m >= 20 && m < 27)
			continue;
		if (m < 5)
			both(T0 + 60 * m, rows, 1);
		else if (m % 7 == 0)
			both(T0 + 60 * m, NULL, 0);
		else
			both(T0 + 60 * m, rows, 2);
	}
}

static void a_rebuilt_file_is_the_live_one(void **state)
{
	static const char *const files[] = { AB, BA, HEALTH, TOTAL };
	struct minutes before[4], after[4];

	(void)state;
	open_store();
	open_ledger();
	live_for_a_while();
	for (unsigned i = 0; i < 4; i++)
		before[i] = fetched(files[i], i == 2 ? "packets" : "enc_starttls", T0 - 600,
				    T0 + 3000, 60);
	rebuild();
	for (unsigned i = 0; i < 4; i++) {
		after[i] = fetched(files[i], i == 2 ? "packets" : "enc_starttls", T0 - 600,
				   T0 + 3000, 60);
		assert_string_equal(before[i].text, after[i].text);
		assert_true(fabs(before[i].total - after[i].total) < 1e-6);
		assert_true(before[i].total > 100 || i == 0);
	}
	assert_int_equal(before[0].n, 60);
	assert_true(fabs(before[3].total - before[0].total - before[1].total) < 1e-6);
}

static void a_rebuilt_file_goes_on_live(void **state)
{
	struct ledger_row row = row_of("alpha", "beta", 7);
	int64_t end = T0 + 40 * 60;
	const char *update[] = { "1795309200:9:9:9:9:9:9:9:9:9:9:9:9:9:9:9:9:9" };

	(void)state;
	open_store();
	open_ledger();
	live_for_a_while();
	rebuild();
	write_step(end, &row, 1);
	write_step(end + 300, &row, 1);
	expect(AB, "enc_starttls", end - 60, "37....7");
	/* Its heartbeat is that of every file: an hour without an update is not known. */
	assert_true(T0 + HOUR == 1795309200);
	assert_true(rrdlib_update(path_of(AB), update, 1, err, sizeof(err)));
	expect(AB, "enc_starttls", end + 300, "7....");
}

static bool three_times(void *ctx)
{
	unsigned *n = ctx;

	return ++*n < 3;
}

static void who_has_no_time_leaves_all_files(void **state)
{
	unsigned n = 0;
	const struct rrd_onlooker by = { .go_on = three_times, .ctx = &n };

	(void)state;
	open_store();
	open_ledger();
	live_for_a_while();
	assert_false(rrdstore_rebuild(store, led, &by, err, sizeof(err)));
	assert_string_equal(err, "stopped before all files were drawn");
	assert_int_equal(n, 3);
	expect(AB, "enc_starttls", T0, ".123012");
	assert_false(exists("rrd/mta/alpha/beta.rrd.new"));
	rebuild();
	expect(AB, "enc_starttls", T0, ".123012");
}

static void bad_files_are_drawn_anew_and_strangers_removed(void **state)
{
	const struct rrd_onlooker by = { .progress = on_progress };
	struct ledger_row stranger = row_of("gamma", "beta", 1);

	(void)state;
	open_store();
	open_ledger();
	live_for_a_while();
	write_step(T0 + 40 * 60, &stranger, 1); /* the ledger has never heard of it */
	spoil(AB, true);
	spoil(HEALTH, false);
	assert_true(exists("rrd/mta/gamma/beta.rrd"));
	assert_true(rrdstore_rebuild(store, led, &by, err, sizeof(err)));
	assert_false(exists("rrd/mta/gamma/beta.rrd"));
	assert_int_equal(told_done, 6); /* two pairs, three totals, the sensor */
	assert_int_equal(told_all, 6);
	expect(AB, "enc_starttls", T0, ".123012");
	assert_false(exists("rrd/mta/alpha/beta.rrd.new"));
	write_step(T0 + 40 * 60, NULL, 0);
}

static void an_empty_ledger_leaves_no_files(void **state)
{
	struct ledger_row row = row_of("alpha", "beta", 1);

	(void)state;
	open_store();
	open_ledger();
	write_step(T0, &row, 1);
	rebuild();
	assert_false(exists(AB));
	assert_false(exists(HEALTH));
	assert_false(exists(TOTAL));
	write_step(T0, &row, 1);
	expect(AB, "enc_starttls", T0, "1");
}

static void an_open_step_waits_for_its_end(void **state)
{
	struct ledger_row row = row_of("alpha", "beta", 2), whole = row_of("alpha", "beta", 4);

	(void)state;
	open_store();
	open_ledger();
	commit(T0, false, &row, 1);
	commit(T0 + 60, true, &row, 1);
	rebuild();
	expect(AB, "enc_starttls", T0, "2.");
	commit(T0 + 60, false, &row, 1);
	write_step(T0 + 60, &whole, 1);
	expect(AB, "enc_starttls", T0, "24");
}

static void times_before_1980_are_left_out(void **state)
{
	struct ledger_row row = row_of("alpha", "beta", 2);

	(void)state;
	open_store();
	open_ledger();
	commit(0, false, &row, 1);
	rebuild();
	assert_false(exists(AB));
	commit(T0, false, &row, 1);
	rebuild();
	expect(AB, "enc_starttls", T0 - 60, ".2");
}

/* Totals ---------------------------------------------------------------------------------- */

static void expect_totals(int64_t from, const char *mta, const char *submission)
{
	expect(TOTAL, "enc_starttls", from, mta);
	expect("rrd/submission/total.rrd", "enc_starttls", from, submission);
	expect("rrd/access/total.rrd", "enc_starttls", from, ".000..0");
}

static void totals_are_of_the_promise(void **state)
{
	struct ledger_row rows[] = { row_of("alpha", "alpha", 2), row_of("alpha", "beta", 3),
				     row_of("alpha", "gamma", 5), row_of("beta", "alpha", 1),
				     row_of("other", "alpha", 9), row_of("alpha", "beta", 4) };

	(void)state;
	rows[5].service = SERVICE_SUBMISSION;
	open_store();
	open_ledger();
	both(T0, rows, 6);
	both(T0 + 60, NULL, 0);
	both(T0 + 120, rows + 2, 2);
	both(T0 + 300, rows + 4, 2);
	expect_totals(T0 - 60, ".401..0", ".400..4");
	rebuild();
	expect_totals(T0 - 60, ".401..0", ".400..4");
	set_peers(true);
	rebuild();
	expect_totals(T0 - 60, ".906..0", ".400..4");
}

static bool stale_for(bool gamma_signs)
{
	struct peers *p = peers_of(gamma_signs);
	bool stale = rrdstore_stale(store, p) != NULL;

	peers_free(p);
	return stale;
}

static void stale_totals_are_known(void **state)
{
	struct ledger_row row = row_of("alpha", "gamma", 5);

	(void)state;
	open_store();
	open_ledger();
	assert_false(stale_for(true)); /* there is none yet */
	both(T0, &row, 1);
	assert_false(stale_for(false));
	assert_true(stale_for(true));
	set_peers(true);
	assert_true(stale_for(false));
	rebuild();
	assert_false(stale_for(true));
	expect(TOTAL, "enc_starttls", T0, "5");
	assert_int_equal(unlink(path_of("rrd/access/total.rrd")), 0);
	assert_true(stale_for(true));
	rebuild();
	assert_false(stale_for(true));
}

/* Three years: what is known by day, by hour and by minute. */
static void old_data_comes_from_hours_and_days(void **state)
{
	struct ledger_row row = row_of("alpha", "beta", 5);
	int64_t end = T0 + 1000 * DAY;
	struct minutes m;
	clock_t began;

	(void)state;
	open_store();
	open_ledger();
	commit(T0 + 7 * HOUR, false, &row, 1); /* by day */
	commit(T0 + 3 * DAY + 60, false, &row, 1);
	commit(end - 60 * DAY + 2 * HOUR, false, &row, 1); /* by hour */
	commit(end - 60 * DAY + 4 * HOUR, false, &row, 1);
	commit(end - 60, false, &row, 1); /* by minute */
	assert_true(ledger_expire(led, end, err, sizeof(err)));
	began = clock();
	rebuild();
	assert_true(clock() - began < 60 * CLOCKS_PER_SEC);
	m = fetched(AB, "enc_starttls", T0, T0 + 5 * DAY, DAY);
	assert_string_equal(m.text, "5..5.");
	m = fetched(AB, "enc_starttls", end - 60 * DAY, end - 60 * DAY + 6 * HOUR, HOUR);
	assert_string_equal(m.text, "..5.5.");
	expect(AB, "enc_starttls", end - 180, "..5");
	m = fetched(TOTAL, "enc_starttls", T0, T0 + 5 * DAY, DAY);
	assert_string_equal(m.text, "5..5.");
	m = fetched(TOTAL, "enc_starttls", end - 60 * DAY, end - 60 * DAY + 6 * HOUR, HOUR);
	assert_string_equal(m.text, "..5.5.");
	m = fetched(HEALTH, "packets", T0, T0 + 5 * DAY, DAY);
	assert_string_equal(m.text, "+..+.");
}

/* Rebuilds again and again until killed. */
static int rebuild_until_killed(const char *state_dir)
{
	strcpy(dir, state_dir);
	open_store();
	open_ledger();
	for (;;) {
		rebuild();
		if (write(STDOUT_FILENO, "x", 1) != 1)
			return 1;
	}
}

/* Lost and found -------------------------------------------------------------------------- */

static char aside[1024]; /* "path: why" of each file that was set aside */

static void on_aside(void *ctx, const char *path, const char *why)
{
	size_t at = strlen(aside), prefix = strlen(dir) + 1;

	(void)ctx;
	assert_int_equal(strncmp(path, dir, strlen(dir)), 0);
	snprintf(aside + at, sizeof(aside) - at, "%s: %s\n", path + prefix, why);
}

/* The pairs of live_for_a_while() and an open store that was told so. */
static const struct ledger_row two[] = {
	{ .service = SERVICE_MTA, .client = "alpha", .server = "beta", .counts.n = { 7 } },
	{ .service = SERVICE_MTA, .client = "beta", .server = "alpha", .counts.n = { 5 } },
};

static void begin_with_two(void)
{
	open_store();
	open_ledger();
	aside[0] = '\0';
	for (int64_t n = 0; n < 3; n++)
		both(T0 + 60 * n, two, 2);
	open_store();
	set_peers(false);
	rrdstore_on_aside(store, on_aside, NULL);
}

static void commit_and_try(int64_t step)
{
	commit(step, false, two, 2);
	try_step(step, two, 2);
}

static void mend(void)
{
	if (!rrdstore_mend(store, led, err, sizeof(err)))
		fail_msg("%s", err);
	assert_int_equal(rrdstore_lost(store), 0);
}

/* One that librrd reads, of other sources, step or archives. */
static void make_foreign(const char *step, const char *source, const char *archive)
{
	char command[400];

	snprintf(command, sizeof(command),
		 "rrdtool create '%s' --start %d --step %s %s %s >/dev/null", path_of(AB), (int)T0,
		 step, source, archive);
	assert_int_equal(system(command), 0);
}

static void cut_to_nothing(void)
{
	assert_int_equal(truncate(path_of(AB), 0), 0);
}

static void cut_in_half(void)
{
	struct stat st;

	assert_int_equal(stat(path_of(AB), &st), 0);
	assert_int_equal(truncate(path_of(AB), st.st_size / 2), 0);
}

static void put_text(void)
{
	spoil(AB, false);
}

static void put_noise(void)
{
	FILE *f = fopen(path_of(AB), "w");

	assert_non_null(f);
	for (unsigned n = 1; n < 5000; n++)
		fputc((int)(n * n * 2654435761u >> 24), f);
	fclose(f);
}

static void put_other_step(void)
{
	make_foreign("300", "DS:a:ABSOLUTE:600:0:U", "RRA:AVERAGE:0.5:1:10");
}

static void put_other_sources(void)
{
	make_foreign("60", "DS:a:ABSOLUTE:600:0:U", "RRA:AVERAGE:0.5:1:10");
}

static void put_counter_less(void)
{
	assert_true(rrdlib_create(path_of(AB), T0 + 180, RRD_HEARTBEAT_S, rrd_pair_sources,
				  PAIR_SOURCES - 1, err, sizeof(err)));
}

static void put_future(void)
{
	const char *update[] = { "3976300800:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1" }; /* 2096 */

	assert_true(rrdlib_update(path_of(AB), update, 1, err, sizeof(err)));
}

static void put_directory(void)
{
	assert_int_equal(unlink(path_of(AB)), 0);
	assert_int_equal(mkdir(path_of(AB), 0755), 0);
}

static void put_link_to_nothing(void)
{
	assert_int_equal(unlink(path_of(AB)), 0);
	assert_int_equal(symlink("/nonexistent", path_of(AB)), 0);
}

static void put_fifo(void)
{
	assert_int_equal(unlink(path_of(AB)), 0);
	assert_int_equal(mkfifo(path_of(AB), 0644), 0);
}

/* Where the first archive goes on, as stored behind the sources: a row that does not exist. */
static void point_elsewhere(void)
{
	const long rows = 2880 + 4032 + 2208 + 1826;
	FILE *f = fopen(path_of(AB), "r+");
	unsigned long row = 1ul << 40;

	assert_non_null(f);
	assert_int_equal(fseek(f, -(rows * PAIR_SOURCES + 4) * (long)sizeof(row), SEEK_END), 0);
	assert_int_equal(fwrite(&row, sizeof(row), 1, f), 1);
	fclose(f);
}

/* Found before the first update and by an update that fails: set aside, and drawn anew. */
static void what_is_no_file_of_ours_is_set_aside(void **state)
{
	static const struct {
		void (*put)(void);
		const char *why;
		bool at_start; /* librrd takes no notice of it in an update */
	} cases[] = {
		{ cut_to_nothing, "", false },
		{ cut_in_half, "is too small", false },
		{ put_text, "reached EOF", false },
		{ put_noise, "is not an RRD file", false },
		{ put_other_step, "its step is not 60 s", false },
		{ put_other_sources, "its sources are others", false },
		{ put_counter_less, "its sources are others", false },
		{ put_future, "ahead of the ledger", false },
		{ put_directory, "Is a directory", false },
		{ put_link_to_nothing, "No such file", false },
		{ put_fifo, "not a plain file", false },
		{ point_elsewhere, "points outside of itself", true },
	};
	int64_t step = T0 + 180;

	(void)state;
	begin_with_two();
	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		if (i % 2 == 1 && cases[i / 2].at_start)
			continue;
		cases[i / 2].put();
		aside[0] = '\0';
		if (i % 2 == 0) {
			open_store();
			set_peers(false);
			rrdstore_on_aside(store, on_aside, NULL);
		}
		commit_and_try(step);
		assert_int_equal(failed, 1);
		assert_int_equal(rrdstore_lost(store), 1);
		assert_non_null(strstr(err, "alpha/beta.rrd"));
		if (strncmp(aside, AB ": ", strlen(AB) + 2) != 0)
			fail_msg("%u: %s: %s", (unsigned)i, err, aside);
		if (!strstr(aside, cases[i / 2].why))
			fail_msg("%s, not %s", aside, cases[i / 2].why);
		assert_false(exists(AB));
		mend();
		step += 60;
	}
	expect(AB, "enc_starttls", T0, "77777777777777777777777777.");
	expect(BA, "enc_starttls", T0, "55555555555555555555555555.");
	assert_int_equal(entries("rrd/mta/alpha"), 2); /* the last one that was set aside, too */
}

static void a_file_that_vanishes_is_drawn_anew(void **state)
{
	(void)state;
	begin_with_two();
	commit_and_try(T0 + 180);
	assert_int_equal(failed, 0);
	assert_int_equal(unlink(path_of(AB)), 0);
	assert_int_equal(unlink(path_of(TOTAL)), 0);
	assert_int_equal(unlink(path_of(HEALTH)), 0);
	commit_and_try(T0 + 240);
	assert_int_equal(rrdstore_lost(store), 3);
	commit_and_try(T0 + 300); /* and stays away until it is */
	assert_int_equal(failed, 3);
	assert_false(exists(AB));
	mend();
	expect(AB, "enc_starttls", T0, "777777.");
	expect(HEALTH, "packets", T0, "++++++.");
	commit_and_try(T0 + 360);
	assert_int_equal(failed, 0);
	expect(AB, "enc_starttls", T0, "7777777.");
	expect(TOTAL, "enc_starttls", T0, "+++++++.");
	expect(BA, "enc_starttls", T0, "5555555.");
	assert_string_equal(aside, "");
}

/* The others stay the files that they are. */
static void only_what_is_lost_is_drawn(void **state)
{
	struct stat before, after;

	(void)state;
	begin_with_two();
	assert_int_equal(stat(path_of(BA), &before), 0);
	cut_to_nothing();
	commit_and_try(T0 + 180);
	mend();
	assert_int_equal(stat(path_of(BA), &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
}

static void a_new_pair_that_had_no_room_comes_later_and_whole(void **state)
{
	const struct ledger_row third = row_of("gamma", "beta", 3);

	(void)state;
	begin_with_two();
	spoil("rrd/mta/gamma", false); /* a file, where its directory should be */
	commit(T0 + 180, false, &third, 1);
	assert_false(try_step(T0 + 180, &third, 1));
	assert_int_equal(rrdstore_lost(store), 1);
	assert_false(rrdstore_mend(store, led, err, sizeof(err)));
	assert_non_null(strstr(err, "gamma/beta.rrd"));
	assert_int_equal(unlink(path_of("rrd/mta/gamma")), 0);
	commit_and_try(T0 + 240);
	mend();
	expect("rrd/mta/gamma/beta.rrd", "enc_starttls", T0 + 180, "30.");
	expect(AB, "enc_starttls", T0, "77707.");
}

static void what_the_ledger_does_not_know_begins_anew(void **state)
{
	const struct ledger_row stranger = row_of("gamma", "beta", 1);

	(void)state;
	begin_with_two();
	commit(T0 + 180, false, two, 2);
	write_step(T0 + 180, &stranger, 1);
	assert_int_equal(truncate(path_of("rrd/mta/gamma/beta.rrd"), 0), 0);
	commit_and_try(T0 + 240);
	mend();
	commit_and_try(T0 + 300);
	assert_int_equal(failed, 0);
	expect("rrd/mta/gamma/beta.rrd", "enc_starttls", T0 + 300, "0.");
}

/* health.rrd of a version that knew one counter less; and one that is gone. */
static void another_health_is_drawn_anew(void **state)
{
	(void)state;
	begin_with_two();
	assert_true(rrdlib_create(path_of(HEALTH), T0 + 180, RRD_HEARTBEAT_S, rrd_health_sources,
				  HEALTH_N - 1, err, sizeof(err)));
	commit_and_try(T0 + 180);
	assert_non_null(strstr(aside, HEALTH ": its sources are others"));
	mend();
	expect(HEALTH, "packets", T0, "++++.");
	assert_int_equal(unlink(path_of(HEALTH)), 0);
	open_store();
	set_peers(false);
	commit_and_try(T0 + 240);
	assert_int_equal(rrdstore_lost(store), 1);
	mend();
	expect(HEALTH, "packets", T0, "+++++.");
}

static void a_rebuild_sets_aside_what_is_in_the_way(void **state)
{
	(void)state;
	begin_with_two();
	put_directory();
	assert_int_equal(mkdir(path_of(AB "/more"), 0755), 0);
	spoil(TOTAL, false);
	spoil(BA, true);
	rebuild();
	assert_non_null(strstr(aside, AB ": Is a directory"));
	assert_non_null(strstr(aside, TOTAL ": "));
	assert_non_null(strstr(aside, BA ": "));
	expect(AB, "enc_starttls", T0, "777.");
	assert_true(exists(AB ".aside/more"));
	open_store(); /* and it stays there */
	assert_true(exists(AB ".aside/more"));
	assert_true(exists(BA ".aside"));
}

static void kill_a_rebuild(unsigned wait_us)
{
	struct timespec wait = { .tv_nsec = 1000 * (long)wait_us };
	int pipes[2];
	pid_t child;
	char x;

	assert_int_equal(pipe(pipes), 0);
	child = fork();
	if (child == 0) {
		dup2(pipes[1], STDOUT_FILENO);
		close(pipes[0]);
		close(pipes[1]);
		execl("/proc/self/exe", "test_rrdfile", "--rebuild", dir, (char *)NULL);
		_exit(1);
	}
	close(pipes[1]);
	assert_int_equal(read(pipes[0], &x, 1), 1);
	nanosleep(&wait, NULL); /* somewhere in the middle of the next one */
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	close(pipes[0]);
}

static void a_kill_in_a_rebuild_hurts_no_file(void **state)
{
	struct minutes before, after;

	(void)state;
	open_store();
	open_ledger();
	live_for_a_while();
	before = fetched(BA, "enc_starttls", T0, T0 + 2400, 60);
	ledger_close(led);
	led = NULL;
	for (unsigned i = 0; i < 10; i++) {
		kill_a_rebuild(137 + 731 * i);
		after = fetched(BA, "enc_starttls", T0, T0 + 2400, 60);
		assert_string_equal(before.text, after.text);
		expect(HEALTH, "packets", T0, "+++");
		expect(TOTAL, "enc_starttls", T0, "012306808");
	}
	open_store();
	write_step(T0 + 2400, NULL, 0);
	assert_false(exists("rrd/mta/beta/alpha.rrd.new"));
	assert_false(exists(TOTAL ".new"));
}

static void rrdtool_reads_what_was_written(void **state)
{
	struct ledger_row row = row_of("alpha", "beta", 6);
	char command[300], line[300];
	bool found = false;
	FILE *p;

	(void)state;
	if (system("command -v rrdtool >/dev/null") != 0)
		skip();
	open_store();
	write_step(T0, &row, 1);
	snprintf(command, sizeof(command), "rrdtool fetch '%s' AVERAGE -s %lld -e %lld",
		 path_of(AB), (long long)T0, (long long)T0);
	p = popen(command, "r");
	assert_non_null(p);
	while (fgets(line, sizeof(line), p) != NULL)
		found |= strstr(line, "1795305660: 1.0000000000e-01 0.0000000000e+00") == line;
	assert_int_equal(pclose(p), 0);
	assert_true(found);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(a_step_fills_every_source),
		TEST(idle_is_zero_and_a_gap_is_unknown),
		TEST(a_gap_of_one_step_is_unknown_too),
		TEST(old_times_write_nothing),
		TEST(a_repeated_step_is_not_written_twice),
		TEST(names_that_are_no_names_make_no_path),
		TEST(the_number_of_files_is_bounded),
		TEST(opening_finds_files_and_sweeps_halves),
		TEST(a_rebuilt_file_is_the_live_one),
		TEST(a_rebuilt_file_goes_on_live),
		TEST(bad_files_are_drawn_anew_and_strangers_removed),
		TEST(an_empty_ledger_leaves_no_files),
		TEST(an_open_step_waits_for_its_end),
		TEST(times_before_1980_are_left_out),
		TEST(totals_are_of_the_promise),
		TEST(stale_totals_are_known),
		TEST(old_data_comes_from_hours_and_days),
		TEST(what_is_no_file_of_ours_is_set_aside),
		TEST(a_file_that_vanishes_is_drawn_anew),
		TEST(only_what_is_lost_is_drawn),
		TEST(a_new_pair_that_had_no_room_comes_later_and_whole),
		TEST(what_the_ledger_does_not_know_begins_anew),
		TEST(another_health_is_drawn_anew),
		TEST(a_rebuild_sets_aside_what_is_in_the_way),
		TEST(who_has_no_time_leaves_all_files),
		TEST(a_kill_in_a_rebuild_hurts_no_file),
		TEST(rrdtool_reads_what_was_written),
	};

	if (argc == 3 && strcmp(argv[1], "--rebuild") == 0)
		return rebuild_until_killed(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
