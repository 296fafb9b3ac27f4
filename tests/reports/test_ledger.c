/* Tests reports/ledger.c, ledger_read.c and ledger_sql.c. */
#include "tests/unit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reports/db.h"
#include "reports/ledger.h"

#define HOUR 3600
#define DAY  86400
#define T0   ((int64_t)1795305600) /* 2026-11-22T00:00:00Z */
#define EVER INT64_MAX

static char err[256];
static char dir[64], file[80];
static struct ledger *led;

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/mailseal-ledger-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(file, sizeof(file), "%s/ledger.db", dir);
	led = NULL;
	return 0;
}

static int remove_dir(void **state)
{
	static const char *const suffix[] = { "", "-wal", "-shm" };
	char name[100];

	(void)state;
	ledger_close(led);
	for (unsigned i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "%s%s", file, suffix[i]);
		unlink(name);
	}
	return rmdir(dir);
}

static struct ledger *opened(enum ledger_mode mode)
{
	struct ledger *l = ledger_open(dir, mode, err, sizeof(err));

	if (l == NULL)
		fail_msg("%s", err);
	return l;
}

static void change(const char *sql)
{
	struct db *db = db_open(file, true, err, sizeof(err));

	assert_non_null(db);
	if (!db_exec(db, sql, err, sizeof(err)))
		fail_msg("%s", err);
	db_close(db);
}

static struct ledger_row row_of(enum service service, const char *client, const char *server,
				uint64_t sealed, uint64_t clear)
{
	struct ledger_row row;

	memset(&row, 0, sizeof(row));
	row.service = service;
	strcpy(row.client, client);
	strcpy(row.server, server);
	row.counts.n[COUNT_ENC_STARTTLS] = sealed;
	row.counts.n[COUNT_PLAINTEXT] = clear;
	return row;
}

static bool commit_rows(int64_t step, bool open, const struct ledger_row *rows, size_t n)
{
	struct health h = { .alive = 3 };
	struct ledger_batch b = {
		.step = step, .open = open, .rows = rows, .rows_n = n, .health = &h
	};

	h.n[HEALTH_PACKETS] = 10;
	for (size_t i = 0; i < n; i++)
		h.n[HEALTH_BYTES] += rows[i].counts.n[COUNT_ENC_STARTTLS];
	return ledger_commit(led, &b, err, sizeof(err));
}

/* One row, alpha to beta. */
static void commit(int64_t step, uint64_t sealed, uint64_t clear)
{
	struct ledger_row row = row_of(SERVICE_MTA, "alpha", "beta", sealed, clear);

	if (!commit_rows(step, false, &row, 1))
		fail_msg("%s", err);
}

/* Everything that a read hands out, as text. */
struct seen {
	char text[1024];
	unsigned n, stop_after;
	uint64_t sealed, clear;
};

static bool note(void *ctx, const struct ledger_row *row)
{
	struct seen *s = ctx;
	size_t len = strlen(s->text);

	s->n++;
	s->sealed += row->counts.n[COUNT_ENC_STARTTLS];
	s->clear += row->counts.n[COUNT_PLAINTEXT];
	snprintf(s->text + len, sizeof(s->text) - len, "%s %s>%s %d/%d; ",
		 service_name(row->service), row->client, row->server,
		 (int)row->counts.n[COUNT_ENC_STARTTLS], (int)row->counts.n[COUNT_PLAINTEXT]);
	return s->n != s->stop_after;
}

static bool note_step(void *ctx, int64_t step, const struct ledger_row *row)
{
	struct seen *s = ctx;
	size_t len = strlen(s->text);

	snprintf(s->text + len, sizeof(s->text) - len, "%d: ", (int)(step - T0));
	return note(ctx, row);
}

static struct seen sum_of(const struct ledger_query *q)
{
	struct seen s = { .n = 0 };

	if (!ledger_sum(led, q, note, &s, err, sizeof(err)))
		fail_msg("%s", err);
	return s;
}

/* The health is summed over the same time. */
static uint64_t sealed_between(int64_t from, int64_t to)
{
	struct ledger_query q = { .from = from, .to = to, .service = -1 };
	uint64_t sealed = sum_of(&q).sealed;
	struct health h;
	int64_t seen_s;

	assert_true(ledger_sum_health(led, from, to, &h, &seen_s, err, sizeof(err)));
	assert_int_equal(h.n[HEALTH_BYTES], sealed);
	return sealed;
}

static void what_was_committed_is_summed_by_pair(void **state)
{
	const struct ledger_row rows[] = {
		row_of(SERVICE_MTA, "beta", "alpha", 1, 2),
		row_of(SERVICE_ACCESS, "alpha", "beta", 3, 4),
		row_of(SERVICE_MTA, "alpha", "beta", 5, 6),
		row_of(SERVICE_MTA, "alpha", "alpha", 7, 8),
	};
	struct ledger_query q = { .from = 0, .to = EVER, .service = -1 };

	(void)state;
	led = opened(LEDGER_WRITE);
	assert_true(commit_rows(T0, false, rows, 4));
	assert_true(commit_rows(T0 + 60, false, rows + 2, 1));
	assert_string_equal(sum_of(&q).text, "mta alpha>alpha 7/8; mta alpha>beta 10/12; "
					     "access alpha>beta 3/4; mta beta>alpha 1/2; ");
	q.service = SERVICE_ACCESS;
	assert_string_equal(sum_of(&q).text, "access alpha>beta 3/4; ");
	q.service = -1;
	q.client = "alpha";
	assert_string_equal(sum_of(&q).text, "mta alpha>alpha 7/8; mta alpha>beta 10/12; "
					     "access alpha>beta 3/4; ");
	q.client = NULL;
	q.server = "alpha";
	assert_string_equal(sum_of(&q).text, "mta alpha>alpha 7/8; mta beta>alpha 1/2; ");
	q.client = "alpha";
	assert_string_equal(sum_of(&q).text, "mta alpha>alpha 7/8; ");
	q.client = "nobody";
	assert_string_equal(sum_of(&q).text, "");
}

static void every_count_comes_back(void **state)
{
	struct ledger_row row = row_of(SERVICE_SUBMISSION, "a", "b", 0, 0);
	struct ledger_query q = { .from = T0, .to = T0 + 60, .service = -1 };
	struct health h = { .alive = 77 };
	struct ledger_batch b = { .step = T0, .rows = &row, .rows_n = 1, .health = &h };

	(void)state;
	for (unsigned i = 0; i < COUNT_N; i++)
		row.counts.n[i] = 1000 + i;
	for (unsigned i = 0; i < HEALTH_N; i++)
		h.n[i] = 2000 + i;
	led = opened(LEDGER_WRITE);
	assert_true(ledger_commit(led, &b, err, sizeof(err)));
	{
		struct db *db = db_open(file, false, err, sizeof(err));
		struct db_stmt *s =
			db_prepare(db, "SELECT excepted, auth_clear FROM days", err, sizeof(err));

		assert_non_null(s);
		assert_int_equal(db_step(s, err, sizeof(err)), DB_ROW);
		assert_int_equal(db_int(s, 0), 1000 + COUNT_EXCEPTED);
		assert_int_equal(db_int(s, 1), 1000 + COUNT_AUTH_CLEAR);
		db_finalize(s);
		db_close(db);
	}
	assert_int_equal(sum_of(&q).clear, 1000 + COUNT_PLAINTEXT);
}

static void a_callback_can_stop(void **state)
{
	const struct ledger_row rows[] = {
		row_of(SERVICE_MTA, "a", "b", 1, 0),
		row_of(SERVICE_MTA, "b", "a", 1, 0),
	};
	struct ledger_query q = { .from = 0, .to = EVER, .service = -1 };
	struct seen s = { .stop_after = 1 };

	(void)state;
	led = opened(LEDGER_WRITE);
	assert_true(commit_rows(T0, false, rows, 2));
	assert_true(ledger_sum(led, &q, note, &s, err, sizeof(err)));
	assert_int_equal(s.n, 1);
	s.n = 0;
	assert_true(ledger_walk(led, RESOLUTION_DAY, &q, note_step, &s, err, sizeof(err)));
	assert_int_equal(s.n, 1);
}

static void steps_are_taken_in_order_only(void **state)
{
	int64_t step;
	bool open;

	(void)state;
	led = opened(LEDGER_WRITE);
	assert_true(ledger_last_step(led, &step, &open, err, sizeof(err)));
	assert_int_equal(step, -1);
	assert_false(open);
	assert_false(commit_rows(T0 + 1, false, NULL, 0));
	assert_non_null(strstr(err, "not the beginning of a step"));
	assert_false(commit_rows(-60, false, NULL, 0));
	commit(T0 + 120, 1, 0);
	assert_false(commit_rows(T0 + 60, false, NULL, 0));
	assert_non_null(strstr(err, "2026-11-22T00:02:00Z"));
	assert_false(commit_rows(T0 + 120, false, NULL, 0));
	assert_true(ledger_last_step(led, &step, &open, err, sizeof(err)));
	assert_int_equal(step, T0 + 120);
	assert_int_equal(sealed_between(0, EVER), 1);
}

static void an_open_step_is_added_to_by_the_next_run(void **state)
{
	struct ledger_row row = row_of(SERVICE_MTA, "alpha", "beta", 4, 0);
	int64_t step;
	bool open;

	(void)state;
	led = opened(LEDGER_WRITE);
	assert_true(commit_rows(T0, true, &row, 1));
	ledger_close(led);
	led = opened(LEDGER_WRITE);
	assert_true(ledger_last_step(led, &step, &open, err, sizeof(err)));
	assert_true(step == T0 && open);
	assert_true(commit_rows(T0, false, &row, 1));
	assert_false(commit_rows(T0, false, &row, 1));
	assert_int_equal(sealed_between(T0, T0 + 60), 8);
	assert_true(ledger_last_step(led, &step, &open, err, sizeof(err)));
	assert_false(open);
}

static void a_commit_that_fails_leaves_nothing(void **state)
{
	const struct ledger_row rows[] = {
		row_of(SERVICE_MTA, "alpha", "beta", 1, 0),
		row_of(SERVICE_MTA, "alpha", "gamma", 1, 0),
	};
	int64_t step;
	bool open;

	(void)state;
	led = opened(LEDGER_WRITE);
	commit(T0, 1, 0);
	change("CREATE TRIGGER t BEFORE INSERT ON days WHEN new.server ="
	       " (SELECT id FROM party WHERE name = 'gamma')"
	       " BEGIN SELECT raise(ABORT, 'no room'); END");
	assert_false(commit_rows(T0 + 60, false, rows, 2));
	assert_non_null(strstr(err, "no room"));
	assert_int_equal(sealed_between(0, EVER), 1);
	assert_true(ledger_last_step(led, &step, &open, err, sizeof(err)));
	assert_int_equal(step, T0);
	change("DROP TRIGGER t");
	assert_true(commit_rows(T0 + 60, false, rows, 2));
	assert_int_equal(sealed_between(0, EVER), 3);
}

/* A sparse month with an outage: what each minute held is kept beside it. */
#define MONTH_MINUTES (30 * 1440)
static uint32_t held[MONTH_MINUTES];

static void fill_month(void)
{
	uint32_t seed = 7;

	led = opened(LEDGER_WRITE);
	memset(held, 0, sizeof(held));
	for (unsigned m = 0; m < MONTH_MINUTES; m += 1 + seed % 97) {
		seed = seed * 1664525u + 1013904223u;
		if (m / 1440 == 9) /* a day without the sensor */
			continue;
		held[m] = 1 + (seed >> 16) % 100;
		commit(T0 + 60 * m, held[m], 0);
	}
}

static uint64_t held_between(int64_t from, int64_t to)
{
	uint64_t sum = 0;

	for (unsigned m = 0; m < MONTH_MINUTES; m++) {
		if (T0 + 60 * m >= from && T0 + 60 * m < to)
			sum += held[m];
	}
	return sum;
}

static int64_t random_minute(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return T0 + 60 * (int64_t)((*seed >> 8) % MONTH_MINUTES);
}

static void sums_are_exact_over_any_period(void **state)
{
	uint32_t seed = 3;

	(void)state;
	fill_month();
	for (unsigned i = 0; i < 300; i++) {
		int64_t from = random_minute(&seed), to = random_minute(&seed);

		/* short periods, and ends on hours and days, as well */
		if (i % 3 == 1)
			to = from + 60 * (int64_t)(i % 150);
		if (i % 5 == 2)
			from -= from % HOUR;
		if (i % 7 == 3)
			to -= to % DAY;
		assert_int_equal(sealed_between(from, to), held_between(from, to));
	}
	assert_int_equal(sealed_between(INT64_MIN, EVER), held_between(INT64_MIN, EVER));
}

static void sums_stay_exact_where_minutes_are_gone(void **state)
{
	int64_t gone, end = T0 + 30 * DAY;
	uint32_t seed = 5;

	(void)state;
	fill_month();
	assert_true(ledger_expire(led, end + 1000 * DAY, err, sizeof(err)));
	assert_true(ledger_kept(led, RESOLUTION_MINUTE, &gone, err, sizeof(err)));
	assert_in_range(gone, T0 + 15 * DAY, T0 + 16 * DAY);
	assert_int_equal(gone % HOUR, 0);
	for (unsigned i = 0; i < 300; i++) {
		int64_t from = random_minute(&seed), to = random_minute(&seed);

		if (from < gone)
			from -= from % HOUR;
		if (to < gone)
			to -= to % HOUR;
		assert_int_equal(sealed_between(from, to), held_between(from, to));
	}
	/* An hour that is cut where its minutes are gone counts once, where it begins. */
	for (unsigned i = 0; i < 300; i++) {
		int64_t cut = random_minute(&seed);

		assert_int_equal(sealed_between(T0, cut) + sealed_between(cut, end),
				 held_between(T0, end));
	}
}

static void sums_stay_exact_where_hours_are_gone(void **state)
{
	int64_t later = T0 + 500 * DAY, gone;

	(void)state;
	led = opened(LEDGER_WRITE);
	commit(T0 + 2 * HOUR, 1, 0);
	commit(T0 + 23 * HOUR, 10, 0);
	commit(T0 + DAY + 60, 100, 0);
	commit(later, 1000, 0);
	assert_true(ledger_expire(led, later + 60, err, sizeof(err)));
	assert_true(ledger_kept(led, RESOLUTION_HOUR, &gone, err, sizeof(err)));
	assert_int_equal(gone, T0 + 73 * DAY);
	assert_true(ledger_kept(led, RESOLUTION_DAY, &gone, err, sizeof(err)));
	assert_true(gone < T0);
	assert_int_equal(sealed_between(0, EVER), 1111);
	assert_int_equal(sealed_between(T0, T0 + DAY), 11);
	assert_int_equal(sealed_between(T0, T0 + 3 * HOUR), 11); /* where the day begins */
	assert_int_equal(sealed_between(T0 + 3 * HOUR, T0 + DAY), 0);
	assert_int_equal(sealed_between(T0 + 3 * HOUR, T0 + 2 * DAY), 100);
	assert_int_equal(sealed_between(T0 + DAY + 60, later), 0);
}

static int64_t border(int64_t t)
{
	int64_t at = -1;

	assert_true(ledger_border(led, t, &at, err, sizeof(err)));
	return at;
}

/* Where nothing finer is kept, what a border cuts counts in the period in which it begins. */
static void borders_are_as_fine_as_what_is_kept(void **state)
{
	int64_t later = T0 + 500 * (int64_t)DAY;

	(void)state;
	led = opened(LEDGER_WRITE);
	commit(T0, 1, 0);
	assert_int_equal(border(T0 + 90), T0 + 90);
	commit(later, 1, 0);
	assert_true(ledger_expire(led, later + 60, err, sizeof(err)));
	assert_int_equal(border(T0), T0);
	assert_int_equal(border(T0 + 60), T0 + DAY);
	assert_int_equal(border(later - 100 * DAY), later - 100 * DAY);
	assert_int_equal(border(later - 100 * DAY + 1800), later - 100 * DAY + HOUR);
	assert_int_equal(border(later - 60), later - 60);
}

static void days_end_after_five_years(void **state)
{
	int64_t later = T0 + 1900 * (int64_t)DAY;

	(void)state;
	led = opened(LEDGER_WRITE);
	commit(T0, 1, 0);
	commit(later, 2, 0);
	assert_true(ledger_expire(led, later, err, sizeof(err)));
	assert_int_equal(sealed_between(0, EVER), 2);
}

static bool add_sealed(void *ctx, const struct ledger_row *row)
{
	uint64_t *n = ctx;

	n[strcmp(row->client, "alpha") == 0] += row->counts.n[COUNT_ENC_STARTTLS];
	return true;
}

/* What was ever sealed, by alpha and by others, and the packets. */
static void expect_totals(uint64_t alpha, uint64_t others, uint64_t packets)
{
	uint64_t n[2] = { 0, 0 };
	struct health h;

	assert_true(ledger_totals(led, add_sealed, n, &h, err, sizeof(err)));
	assert_int_equal(n[1], alpha);
	assert_int_equal(n[0], others);
	assert_int_equal(h.n[HEALTH_PACKETS], packets);
	assert_int_equal(h.alive, 0);
}

static void totals_never_fall(void **state)
{
	const struct ledger_row both[] = { row_of(SERVICE_MTA, "alpha", "beta", 1, 0),
					   row_of(SERVICE_MTA, "beta", "alpha", 10, 0) };
	struct ledger_row late = row_of(SERVICE_MTA, "alpha", "beta", 100, 0);

	(void)state;
	led = opened(LEDGER_WRITE);
	expect_totals(0, 0, 0);
	assert_true(commit_rows(T0, false, both, 2));
	assert_true(commit_rows(T0 + 2 * DAY, false, both, 2));
	expect_totals(2, 20, 20);
	assert_true(commit_rows(T0 + 1828 * (int64_t)DAY, false, &late, 1));
	assert_true(ledger_expire(led, EVER, err, sizeof(err)));
	expect_totals(102, 20, 30); /* the first day is gone */
	assert_int_equal(sealed_between(0, EVER), 111);
	assert_true(commit_rows(T0 + 1840 * (int64_t)DAY, false, &late, 1));
	assert_true(ledger_expire(led, EVER, err, sizeof(err)));
	expect_totals(202, 20, 40); /* and the third, which is added to it */
	assert_true(ledger_expire(led, EVER, err, sizeof(err)));
	expect_totals(202, 20, 40);
	assert_int_equal(sealed_between(0, EVER), 200);
}

static void a_wrong_clock_deletes_nothing(void **state)
{
	struct ledger_query q = { .from = 0, .to = EVER, .service = -1 };
	struct seen s = { .n = 0 };

	(void)state;
	led = opened(LEDGER_WRITE);
	assert_true(ledger_expire(led, EVER, err, sizeof(err)));
	commit(T0, 1, 0);
	assert_true(ledger_expire(led, EVER, err, sizeof(err)));
	assert_true(ledger_expire(led, 0, err, sizeof(err)));
	assert_true(ledger_expire(led, -DAY, err, sizeof(err)));
	assert_true(ledger_walk(led, RESOLUTION_MINUTE, &q, note_step, &s, err, sizeof(err)));
	assert_string_equal(s.text, "0: mta alpha>beta 1/0; ");
}

static int64_t retention_at(int64_t now)
{
	int64_t from = -1;

	if (!ledger_retention(led, now, &from, err, sizeof(err)))
		fail_msg("%s", err);
	assert_true(ledger_expire(led, from, err, sizeof(err)));
	return from;
}

static void retention_follows_a_clock_by_a_day_at_a_time(void **state)
{
	const int64_t ahead = T0 + 3650 * (int64_t)DAY;

	(void)state;
	led = opened(LEDGER_WRITE);
	commit(T0, 1, 0);
	assert_int_equal(retention_at(T0 + 60), T0 + 60);
	commit(T0 + HOUR, 1, 0);
	assert_int_equal(retention_at(T0 + HOUR + 60), T0 + HOUR + 60);
	commit(ahead, 1, 0);
	assert_int_equal(retention_at(ahead + 60), T0 + HOUR + DAY);
	ledger_close(led); /* and a restart does not forget it */
	led = opened(LEDGER_WRITE);
	for (unsigned n = 2; n <= 10; n++)
		assert_int_equal(retention_at(ahead + 60), T0 + HOUR + n * DAY);
	assert_int_equal(sealed_between(T0, T0 + 2 * HOUR), 2);
	assert_int_equal(retention_at(T0 + 2 * HOUR), T0 + 2 * HOUR); /* never set back for long */
}

static void rows_are_walked_in_time_order(void **state)
{
	const struct ledger_row rows[] = {
		row_of(SERVICE_ACCESS, "alpha", "beta", 2, 0),
		row_of(SERVICE_MTA, "beta", "alpha", 3, 0),
		row_of(SERVICE_MTA, "alpha", "beta", 1, 0),
	};
	struct ledger_query q = { .from = T0, .to = T0 + HOUR, .service = -1 };
	struct seen minutes = { .n = 0 }, hours = { .n = 0 }, one = { .n = 0 };

	(void)state;
	led = opened(LEDGER_WRITE);
	assert_true(commit_rows(T0, false, rows, 3));
	assert_true(commit_rows(T0 + 60, false, rows + 2, 1));
	assert_true(commit_rows(T0 + HOUR, false, rows, 3)); /* behind the end */
	assert_true(ledger_walk(led, RESOLUTION_MINUTE, &q, note_step, &minutes, err, sizeof(err)));
	assert_string_equal(minutes.text, "0: mta alpha>beta 1/0; 0: access alpha>beta 2/0; "
					  "0: mta beta>alpha 3/0; 60: mta alpha>beta 1/0; ");
	assert_true(ledger_walk(led, RESOLUTION_HOUR, &q, note_step, &hours, err, sizeof(err)));
	assert_string_equal(hours.text, "0: mta alpha>beta 2/0; 0: access alpha>beta 2/0; "
					"0: mta beta>alpha 3/0; ");
	q.client = "beta";
	assert_true(ledger_walk(led, RESOLUTION_DAY, &q, note_step, &one, err, sizeof(err)));
	assert_string_equal(one.text, "0: mta beta>alpha 6/0; ");
}

static bool note_promised(void *ctx, int64_t step, const struct counts *sum)
{
	char *text = ctx;

	sprintf(text + strlen(text), "%d: %d; ", (int)(step - T0), (int)counts_sessions(sum));
	return true;
}

static void promised_pairs_are_summed_by_step(void **state)
{
	const struct ledger_row rows[] = {
		row_of(SERVICE_MTA, "alpha", "beta", 1, 0),
		row_of(SERVICE_MTA, "beta", "alpha", 2, 0),
		row_of(SERVICE_MTA, "alpha", "alpha", 4, 0), /* the same operator */
		row_of(SERVICE_MTA, "alpha-net", "beta", 8, 0),
		row_of(SERVICE_MTA, "gamma", "beta", 16, 0), /* signed nothing */
		row_of(SERVICE_ACCESS, "alpha", "beta", 32, 0),
	};
	struct peers *p = peers_new();
	char text[128] = "";

	(void)state;
	led = opened(LEDGER_WRITE);
	peers_add(p, "alpha", true, err, sizeof(err));
	peers_add(p, "beta", true, err, sizeof(err));
	peers_add(p, "gamma", false, err, sizeof(err));
	assert_true(ledger_set_peers(led, p, err, sizeof(err)));
	peers_free(p);
	assert_true(commit_rows(T0, false, rows, 6));
	assert_true(commit_rows(T0 + 60, false, rows + 2, 4));
	assert_true(commit_rows(T0 + HOUR, false, rows, 1));
	assert_true(commit_rows(T0 + 2 * HOUR, false, rows, 1)); /* behind the end */
	assert_true(ledger_walk_promised(led, RESOLUTION_HOUR, T0, T0 + 2 * HOUR, note_promised,
					 text, err, sizeof(err)));
	assert_string_equal(text, "0: 3; 3600: 1; ");
}

struct ran {
	unsigned n;
	int64_t last;
	struct health h;
};

static bool note_health(void *ctx, int64_t step, const struct health *h)
{
	struct ran *r = ctx;

	assert_true(r->n == 0 || step > r->last);
	r->n++;
	r->last = step;
	r->h = *h;
	return true;
}

static void health_tells_when_the_sensor_ran(void **state)
{
	struct ran minutes = { .n = 0 }, hours = { .n = 0 };

	(void)state;
	led = opened(LEDGER_WRITE);
	assert_true(commit_rows(T0, false, NULL, 0));
	assert_true(commit_rows(T0 + 60, false, NULL, 0));
	assert_true(commit_rows(T0 + 600, true, NULL, 0));
	assert_true(commit_rows(T0 + 600, false, NULL, 0));
	assert_true(ledger_walk_health(led, RESOLUTION_MINUTE, 0, EVER, note_health, &minutes, err,
				       sizeof(err)));
	assert_int_equal(minutes.n, 3);
	assert_int_equal(minutes.h.n[HEALTH_PACKETS], 20);
	assert_true(ledger_walk_health(led, RESOLUTION_HOUR, 0, EVER, note_health, &hours, err,
				       sizeof(err)));
	assert_int_equal(hours.n, 1);
	assert_int_equal(hours.last, T0);
	assert_int_equal(hours.h.n[HEALTH_PACKETS], 40);
	assert_int_equal(hours.h.alive, 3);   /* a level does not add up */
	assert_int_equal(minutes.h.steps, 1); /* once, though it came in two parts */
	assert_int_equal(hours.h.steps, 3);
	assert_int_equal(ledger_seen_s(&hours.h, RESOLUTION_HOUR), 180);
	hours.h.steps = 61;
	assert_int_equal(ledger_seen_s(&hours.h, RESOLUTION_HOUR), 3600);
}

static int64_t seen_between(int64_t from, int64_t to)
{
	struct health h;
	int64_t seen_s;

	assert_true(ledger_sum_health(led, from, to, &h, &seen_s, err, sizeof(err)));
	assert_int_equal(h.alive, 0);
	return seen_s;
}

static void time_seen_is_summed_over_any_rows(void **state)
{
	(void)state;
	led = opened(LEDGER_WRITE);
	assert_int_equal(seen_between(0, EVER), 0);
	assert_true(commit_rows(T0, false, NULL, 0));
	assert_true(commit_rows(T0 + 60, false, NULL, 0));
	assert_true(commit_rows(T0 + 2 * DAY, false, NULL, 0));
	assert_int_equal(seen_between(0, EVER), 180);
	assert_int_equal(seen_between(T0, T0 + 60), 60);
	assert_int_equal(seen_between(T0 + 60, T0 + 2 * DAY), 60);
	assert_true(commit_rows(T0 + 30 * DAY, false, NULL, 0));
	assert_true(ledger_expire(led, EVER, err, sizeof(err)));
	assert_int_equal(seen_between(0, EVER), 240);
	assert_int_equal(seen_between(T0, T0 + 60), 60); /* no more than there is */
	assert_int_equal(seen_between(T0, T0 + 600), 120);
}

static void the_span_is_as_exact_as_it_is_known(void **state)
{
	int64_t first, last;

	(void)state;
	led = opened(LEDGER_WRITE);
	strcpy(err, "left over");
	assert_false(ledger_span(led, &first, &last, err, sizeof(err)));
	assert_string_equal(err, "");
	commit(T0 + 5 * HOUR + 120, 1, 0);
	assert_true(ledger_span(led, &first, &last, err, sizeof(err)));
	assert_true(first == T0 + 5 * HOUR + 120 && last == first);
	commit(T0 + 40 * DAY, 1, 0);
	assert_true(ledger_expire(led, T0 + 41 * DAY, err, sizeof(err)));
	assert_true(ledger_span(led, &first, &last, err, sizeof(err)));
	assert_true(first == T0 + 5 * HOUR && last == T0 + 40 * DAY);
	commit(T0 + 500 * DAY, 1, 0);
	assert_true(ledger_expire(led, T0 + 501 * DAY, err, sizeof(err)));
	assert_true(ledger_span(led, &first, &last, err, sizeof(err)));
	assert_true(first == T0 && last == T0 + 500 * DAY);
}

static bool note_peer(void *ctx, const char *name, bool signatory)
{
	strcat(ctx, name);
	strcat(ctx, signatory ? "+ " : "- ");
	return true;
}

static void peers_are_remembered(void **state)
{
	struct peers *p = peers_new();
	char text[64] = "";

	(void)state;
	led = opened(LEDGER_WRITE);
	assert_int_equal(peers_add(p, "zulu", true, err, sizeof(err)), 0);
	assert_true(ledger_set_peers(led, p, err, sizeof(err)));
	assert_int_equal(peers_add(p, "alpha", false, err, sizeof(err)), 1);
	assert_true(ledger_set_peers(led, p, err, sizeof(err)));
	assert_true(ledger_peers(led, note_peer, text, err, sizeof(err)));
	assert_string_equal(text, "alpha- zulu+ ");
	peers_free(p);
}

static struct ledger_party party(const char *name)
{
	struct ledger_party p = { .known = false };

	assert_true(ledger_party(led, name, &p, err, sizeof(err)));
	return p;
}

static void parties_are_known_by_name_or_by_rows(void **state)
{
	struct peers *p = peers_new();

	(void)state;
	led = opened(LEDGER_WRITE);
	assert_true(peers_add(p, "gamma", true, err, sizeof(err)) >= 0);
	assert_true(peers_add(p, "cloud", false, err, sizeof(err)) >= 0);
	assert_true(ledger_set_peers(led, p, err, sizeof(err)));
	peers_free(p);
	commit(T0, 1, 0);
	assert_true(party("gamma").known && party("gamma").signatory);
	assert_true(party("gamma-net").known && !party("gamma-net").signatory);
	assert_true(party("cloud").known && !party("cloud").signatory);
	assert_true(party("other").known);
	assert_true(party("alpha").known); /* has rows */
	assert_false(party("alpha-net").known);
	assert_false(party("nobody").known);
	assert_false(party("").known);
}

static void the_rrd_mark_survives(void **state)
{
	bool dirty = true;

	(void)state;
	led = opened(LEDGER_WRITE);
	assert_true(ledger_rrd_dirty(led, &dirty, err, sizeof(err)));
	assert_false(dirty);
	assert_true(ledger_mark_rrd(led, true, err, sizeof(err)));
	ledger_close(led);
	led = opened(LEDGER_READ);
	assert_true(ledger_rrd_dirty(led, &dirty, err, sizeof(err)));
	assert_true(dirty);
	ledger_close(led);
	led = opened(LEDGER_WRITE);
	assert_true(ledger_mark_rrd(led, false, err, sizeof(err)));
	assert_true(ledger_rrd_dirty(led, &dirty, err, sizeof(err)));
	assert_false(dirty);
}

static void a_reader_reads_while_the_writer_writes(void **state)
{
	struct ledger *writer;

	(void)state;
	led = opened(LEDGER_WRITE);
	commit(T0, 1, 0);
	writer = led;
	led = opened(LEDGER_READ);
	assert_int_equal(sealed_between(0, EVER), 1);
	{
		struct ledger *reader = led;

		led = writer;
		commit(T0 + 60, 2, 0);
		led = reader;
	}
	assert_int_equal(sealed_between(0, EVER), 3);
	ledger_close(writer);
	assert_int_equal(sealed_between(0, EVER), 3);
}

static void what_cannot_be_opened_is_named(void **state)
{
	FILE *f;

	(void)state;
	assert_null(ledger_open("/nonexistent", LEDGER_WRITE, err, sizeof(err)));
	assert_string_equal(err, "cannot open /nonexistent/ledger.db: No such file or directory");
	assert_null(ledger_open(dir, LEDGER_READ, err, sizeof(err)));
	assert_non_null(strstr(err, "No such file"));
	f = fopen(file, "w");
	assert_non_null(f);
	for (unsigned i = 0; i < 100; i++)
		fputs("certainly no database\n", f);
	fclose(f);
	assert_null(ledger_open(dir, LEDGER_WRITE, err, sizeof(err)));
	assert_non_null(strstr(err, "is not a database"));
	assert_int_equal(unlink(file), 0);
	change("CREATE TABLE foreign_table(x)");
	assert_null(ledger_open(dir, LEDGER_WRITE, err, sizeof(err)));
	assert_non_null(strstr(err, "is not a ledger"));
	assert_null(ledger_open(dir, LEDGER_READ, err, sizeof(err)));
	assert_non_null(strstr(err, "is not a ledger"));
}

static void a_newer_schema_is_refused(void **state)
{
	(void)state;
	led = opened(LEDGER_WRITE);
	ledger_close(led);
	led = NULL;
	change("UPDATE meta SET value = 7 WHERE name = 'schema'");
	assert_null(ledger_open(dir, LEDGER_WRITE, err, sizeof(err)));
	assert_non_null(strstr(err, "newer mailseal"));
	assert_non_null(strstr(err, file));
	assert_null(ledger_open(dir, LEDGER_READ, err, sizeof(err)));
}

/* What the first version made: no memory of servers; and columns that came later are not there. */
static void an_older_schema_is_brought_up_to_date(void **state)
{
	struct ledger_query q = { .from = 0, .to = EVER, .service = -1 };
	struct ledger_row row = row_of(SERVICE_MTA, "alpha", "beta", 1, 0);
	struct ran hours = { .n = 0 };
	int64_t last;
	bool open;

	(void)state;
	led = opened(LEDGER_WRITE);
	assert_true(commit_rows(T0, false, &row, 1));
	ledger_close(led);
	change("DROP TABLE server; DROP TABLE gone; DROP TABLE health_gone;"
	       "UPDATE meta SET value = 1 WHERE name = 'schema'");
	assert_null(ledger_open(dir, LEDGER_READ, err, sizeof(err))); /* which changes nothing */
	assert_non_null(strstr(err, "older mailseal"));
	change("ALTER TABLE days DROP COLUMN excepted;"
	       "ALTER TABLE health_minutes DROP COLUMN acked_unseen;"
	       "ALTER TABLE health_hours DROP COLUMN overflow;"
	       "ALTER TABLE health_hours DROP COLUMN steps;");
	led = opened(LEDGER_WRITE);
	row.counts.n[COUNT_EXCEPTED] = 5;
	assert_true(commit_rows(T0 + 60, false, &row, 1));
	assert_int_equal(sum_of(&q).sealed, 2);
	assert_true(ledger_last_step(led, &last, &open, err, sizeof(err)));
	assert_int_equal(last, T0 + 60);
	assert_true(ledger_walk_health(led, RESOLUTION_HOUR, 0, EVER, note_health, &hours, err,
				       sizeof(err)));
	assert_int_equal(ledger_seen_s(&hours.h, RESOLUTION_HOUR), 3600); /* as far as is known */
	ledger_close(led);
	led = opened(LEDGER_WRITE); /* and stays so */
	ledger_close(led);
	led = NULL;
	change("UPDATE days SET excepted = excepted WHERE excepted = 5;"
	       "SELECT overflow FROM health_hours; SELECT seen FROM server;"
	       "SELECT excepted FROM gone; SELECT overflow FROM health_gone;");
}

/* The memory of servers ------------------------------------------------------------------- */

static struct server server_of(uint8_t host, int64_t offered)
{
	struct server s = { .address = { [10] = 0xff, [11] = 0xff, 198, 51, 100, host },
			    .port = 25,
			    .keep = true };

	s.offered_ns = (uint64_t)offered * 1000000000u;
	return s;
}

static void same_server(const struct server *a, const struct server *b)
{
	assert_memory_equal(a->address, b->address, sizeof(a->address));
	assert_int_equal(a->port, b->port);
	assert_int_equal(a->offered_ns, b->offered_ns);
	assert_memory_equal(a->without_ns, b->without_ns, sizeof(a->without_ns));
	assert_int_equal(a->without_n, b->without_n);
}

static void commit_servers(int64_t step, const struct server *list, size_t n, size_t max)
{
	struct health h = { .alive = 0 };
	struct ledger_batch b = {
		.step = step, .health = &h, .servers = list, .servers_n = n, .servers_max = max
	};

	if (!ledger_commit(led, &b, err, sizeof(err)))
		fail_msg("%s", err);
}

struct known {
	struct server list[8];
	size_t n;
};

static void know(void *ctx, const struct server *s)
{
	struct known *k = ctx;

	assert_true(k->n < 8);
	k->list[k->n++] = *s;
}

static struct known servers_kept(void)
{
	struct known k = { .n = 0 };

	if (!ledger_servers(led, know, &k, err, sizeof(err)))
		fail_msg("%s", err);
	return k;
}

static void servers_come_back_as_they_were(void **state)
{
	struct server list[3] = { server_of(3, T0 + 20), server_of(2, 0), server_of(1, T0) };
	struct known k;

	(void)state;
	memset(list[1].address, 0xfe, 16); /* IPv6 */
	list[1].port = 65535;
	list[1].without_ns[0] = (uint64_t)T0 * 1000000000u + 10123456789u;
	list[1].without_ns[1] = list[1].without_ns[0] - 1;
	list[1].without_n = UINT32_MAX;
	led = opened(LEDGER_WRITE);
	commit_servers(T0, list, 3, 0);
	ledger_close(led);
	led = opened(LEDGER_WRITE);
	k = servers_kept();
	assert_int_equal(k.n, 3);
	for (unsigned i = 0; i < 3; i++) /* the last one heard of comes last */
		same_server(&k.list[2 - i], &list[i]);
	list[2].offered_ns += 30000000000u;
	commit_servers(T0 + 60, &list[2], 1, 0); /* again: it takes the place of what was */
	k = servers_kept();
	assert_int_equal(k.n, 3);
	same_server(&k.list[2], &list[2]);
}

static void servers_are_kept_for_an_hour(void **state)
{
	const struct server list[] = { server_of(1, T0 - HOUR), server_of(2, T0 - HOUR + 60),
				       server_of(3, T0 + 5 * HOUR) };
	struct known k;

	(void)state;
	led = opened(LEDGER_WRITE);
	commit_servers(T0, list, 3, 0);
	k = servers_kept();
	assert_int_equal(k.n, 2); /* without that of the future */
	commit_servers(T0 + 60, NULL, 0, 0);
	k = servers_kept();
	assert_int_equal(k.n, 1);
	assert_int_equal(k.list[0].address[15], 2);
}

static void servers_are_bounded(void **state)
{
	struct server list[] = { server_of(1, T0 + 1), server_of(2, T0 + 2), server_of(3, T0 + 3),
				 server_of(4, T0 + 4) };
	struct known k;

	(void)state;
	list[3].keep = false; /* nobody may see it */
	led = opened(LEDGER_WRITE);
	commit_servers(T0, list, 4, 2);
	k = servers_kept();
	assert_int_equal(k.n, 2);
	assert_int_equal(k.list[0].address[15], 2);
	assert_int_equal(k.list[1].address[15], 3);
}

static void rows_that_are_no_servers_are_left_out(void **state)
{
	const struct server one = server_of(1, T0 + 1);
	struct known k;

	(void)state;
	led = opened(LEDGER_WRITE);
	commit_servers(T0, &one, 1, 0);
	change("INSERT INTO server VALUES('nowhere', 25, 1, 1, 1, 1, 1);"
	       "INSERT INTO server VALUES('198.51.100.9', 65536, 1, 1, 1, 1, 1);"
	       "INSERT INTO server VALUES('198.51.100.8', 25, -5, 'x', 1, -1, 1);");
	k = servers_kept();
	assert_int_equal(k.n, 2);
	assert_int_equal(k.list[0].offered_ns, 0);
	assert_int_equal(k.list[0].without_ns[0], 0);
	assert_int_equal(k.list[0].without_n, 0);
	same_server(&k.list[1], &one);
}

static void damage_is_no_crash(void **state)
{
	struct ledger_query q = { .from = 0, .to = EVER, .service = -1 };
	struct seen s = { .n = 0 };

	(void)state;
	led = opened(LEDGER_WRITE);
	commit(T0, 1, 0);
	change("UPDATE days SET enc_starttls = -5; UPDATE party SET name = "
	       "'a-name-that-is-much-longer-than-any-name-of-a-party-can-be' WHERE name = 'beta'");
	s = sum_of(&q);
	assert_int_equal(s.sealed, 0);
	change("UPDATE days SET service = 99");
	assert_false(ledger_sum(led, &q, note, &s, err, sizeof(err)));
	assert_non_null(strstr(err, "damaged"));
	assert_false(ledger_walk(led, RESOLUTION_DAY, &q, note_step, &s, err, sizeof(err)));
}

/* Commits one step after the other and tells each one that is in the ledger, until killed. */
static int write_until_killed(const char *state_dir)
{
	strcpy(dir, state_dir);
	led = ledger_open(dir, LEDGER_WRITE, err, sizeof(err));
	for (int64_t step = T0; led != NULL; step += 60) {
		struct ledger_row row = row_of(SERVICE_MTA, "alpha", "beta", 1, 0);

		if (!commit_rows(step, false, &row, 1) ||
		    write(STDOUT_FILENO, &step, sizeof(step)) != sizeof(step))
			break;
	}
	return 1;
}

static void a_kill_loses_nothing_that_was_committed(void **state)
{
	int64_t told = 0, step;
	int pipes[2];
	pid_t child;
	bool open;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	child = fork();
	if (child == 0) {
		dup2(pipes[1], STDOUT_FILENO);
		close(pipes[0]);
		close(pipes[1]);
		execl("/proc/self/exe", "test_ledger", "--write", dir, (char *)NULL);
		_exit(1);
	}
	close(pipes[1]);
	for (unsigned i = 0; i < 40; i++)
		assert_int_equal(read(pipes[0], &told, sizeof(told)), sizeof(told));
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	while (read(pipes[0], &step, sizeof(step)) == sizeof(step))
		told = step;
	close(pipes[0]);

	led = opened(LEDGER_WRITE);
	assert_true(ledger_last_step(led, &step, &open, err, sizeof(err)));
	assert_true(step == told || step == told + 60); /* killed before it could tell */
	assert_int_equal(sealed_between(0, EVER), (step - T0) / 60 + 1);
	assert_int_equal(sealed_between(T0, T0 + 30 * 60), 30);
	commit(step + 60, 1, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_committed_is_summed_by_pair),
		TEST(every_count_comes_back),
		TEST(a_callback_can_stop),
		TEST(steps_are_taken_in_order_only),
		TEST(an_open_step_is_added_to_by_the_next_run),
		TEST(a_commit_that_fails_leaves_nothing),
		TEST(sums_are_exact_over_any_period),
		TEST(sums_stay_exact_where_minutes_are_gone),
		TEST(sums_stay_exact_where_hours_are_gone),
		TEST(borders_are_as_fine_as_what_is_kept),
		TEST(days_end_after_five_years),
		TEST(totals_never_fall),
		TEST(a_wrong_clock_deletes_nothing),
		TEST(retention_follows_a_clock_by_a_day_at_a_time),
		TEST(promised_pairs_are_summed_by_step),
		TEST(rows_are_walked_in_time_order),
		TEST(health_tells_when_the_sensor_ran),
		TEST(time_seen_is_summed_over_any_rows),
		TEST(the_span_is_as_exact_as_it_is_known),
		TEST(peers_are_remembered),
		TEST(parties_are_known_by_name_or_by_rows),
		TEST(the_rrd_mark_survives),
		TEST(a_reader_reads_while_the_writer_writes),
		TEST(what_cannot_be_opened_is_named),
		TEST(a_newer_schema_is_refused),
		TEST(an_older_schema_is_brought_up_to_date),
		TEST(servers_come_back_as_they_were),
		TEST(servers_are_kept_for_an_hour),
		TEST(servers_are_bounded),
		TEST(rows_that_are_no_servers_are_left_out),
		TEST(damage_is_no_crash),
		TEST(a_kill_loses_nothing_that_was_committed),
	};

	if (argc == 3 && strcmp(argv[1], "--write") == 0)
		return write_until_killed(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
