/* Tests what Prometheus is told: names, totals, restarts, the file. */
#include "tests/unit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reports/deliveries.h"
#include "reports/metrics.h"
#include "reports/metrics_text.h"

#define DAY 86400
#define T0  ((int64_t)1795305600) /* 2026-11-22T00:00:00Z */

static char err[256], dir[64], path[96];
static struct ledger *led;
static struct incidents *in;
static struct peers *peers;
static char *text; /* of the file, last read */

static int make_state(void **state)
{
	static const struct incidents_config config = { .sensor = "th2-1" };

	(void)state;
	strcpy(dir, "/tmp/mailseal-metrics-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/metrics.prom", dir);
	led = ledger_open(dir, LEDGER_WRITE, err, sizeof(err));
	in = incidents_open(dir, true, &config, err, sizeof(err));
	peers = peers_new();
	peers_add(peers, "alpha", true, err, sizeof(err));
	peers_add(peers, "beta", true, err, sizeof(err));
	peers_add(peers, "cloud", false, err, sizeof(err));
	return led && in ? 0 : -1;
}

static int remove_state(void **state)
{
	struct dirent *e;
	DIR *d;

	(void)state;
	free(text);
	text = NULL;
	peers_free(peers);
	incidents_close(in);
	ledger_close(led);
	d = opendir(dir);
	while (d && (e = readdir(d)) != NULL)
		(void)unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	return rmdir(dir);
}

static void read_back(void)
{
	FILE *f = fopen(path, "r");
	size_t room = 1 << 20, len;

	assert_non_null(f);
	if (!text)
		text = malloc(room);
	assert_non_null(text);
	len = fread(text, 1, room - 1, f);
	text[len] = '\0';
	fclose(f);
}

static void expect_line(const char *line)
{
	char whole[512];

	snprintf(whole, sizeof(whole), "\n%s\n", line);
	if (!strstr(text, whole))
		fail_msg("no \"%s\" in:\n%s", line, text);
}

static struct ledger_row row_of(const char *client, const char *server, enum count c, uint64_t n)
{
	struct ledger_row row;

	memset(&row, 0, sizeof(row));
	row.service = SERVICE_MTA;
	snprintf(row.client, sizeof(row.client), "%s", client);
	snprintf(row.server, sizeof(row.server), "%s", server);
	row.counts.n[c] = n;
	return row;
}

/* A step into the ledger and, when it was begun, into the metrics. */
static void step(struct metrics *m, int64_t at, const struct ledger_row *rows, size_t n)
{
	struct health h = { .alive = 7 };
	struct ledger_batch b = { .step = at, .rows = rows, .rows_n = n, .health = &h };

	h.n[HEALTH_DROP_NIC] = 2;
	assert_true(ledger_commit(led, &b, err, sizeof(err)));
	if (m)
		metrics_add(m, &b);
}

static struct metrics *loaded(void)
{
	struct metrics *m = metrics_new(dir, "");

	assert_true(metrics_load(m, led, peers, 100, err, sizeof(err)));
	return m;
}

static void written(struct metrics *m)
{
	if (!metrics_write(m, in, NULL, err, sizeof(err)))
		fail_msg("%s", err);
	read_back();
}

#define PAIR(client, server) "client_peer=\"" client "\",server_peer=\"" server "\",service=\"mta\""

static void signatories_begin_with_zeros(void **state)
{
	struct metrics *m = loaded();

	(void)state;
	written(m);
	expect_line("mailseal_sessions_total{" PAIR("alpha", "beta") ",verdict=\"plaintext\"} 0");
	expect_line("mailseal_sessions_total{" PAIR("beta", "alpha") ",verdict=\"tls-failed\"} 0");
	expect_line("mailseal_incidents{state=\"stale\",severity=\"warning\"} 0");
	assert_null(strstr(text, "cloud"));
	assert_null(strstr(text, PAIR("alpha", "alpha")));
	assert_null(strstr(text, "timestamp")); /* there is no step yet */
	metrics_free(m);
}

static void what_cannot_be_written_is_shown(void **state)
{
	static const char *const what[] = { "ledger", "rrd" };
	static const bool failing[] = { true, false };
	const struct metrics_writes writes = { what, failing, 2, 17 };
	struct metrics *m = loaded();

	(void)state;
	assert_true(metrics_write(m, in, &writes, err, sizeof(err)));
	read_back();
	expect_line("mailseal_write_failing{what=\"ledger\"} 1");
	expect_line("mailseal_write_failing{what=\"rrd\"} 0");
	expect_line("mailseal_steps_waiting 17");
	metrics_free(m);
}

static void too_many_signatories_do_not(void **state)
{
	struct metrics *m = metrics_new(dir, "");

	(void)state;
	assert_true(metrics_load(m, led, peers, 3, err, sizeof(err)));
	written(m);
	assert_null(strstr(text, "alpha"));
	metrics_free(m);
}

static void steps_add_up(void **state)
{
	struct ledger_row rows[] = { row_of("other", "alpha", COUNT_PLAINTEXT, 3),
				     row_of("alpha", "beta", COUNT_PLAINTEXT, 1) };
	struct metrics *m = loaded();

	(void)state;
	step(m, T0, rows, 2);
	step(m, T0 + 60, &rows[1], 1);
	written(m);
	expect_line("mailseal_sessions_total{" PAIR("alpha", "beta") ",verdict=\"plaintext\"} 2");
	expect_line("mailseal_sessions_total{" PAIR("other", "alpha") ",verdict=\"plaintext\"} 3");
	expect_line("mailseal_capture_dropped_packets_total{layer=\"nic\"} 4");
	expect_line("mailseal_flows_alive 7");
	expect_line("mailseal_window_committed_timestamp_seconds 1795305720");
	metrics_free(m);
}

/* After a restart, and after days were deleted, every counter is where it was. */
static void a_restart_goes_on(void **state)
{
	struct ledger_row row = row_of("alpha", "cloud", COUNT_ENC_STARTTLS, 5);
	struct metrics *m;
	char *before;

	(void)state;
	step(NULL, T0, &row, 1);
	m = loaded();
	step(m, T0 + 60, &row, 1);
	step(m, T0 + 1900 * (int64_t)DAY, &row, 1);
	written(m);
	metrics_free(m);
	expect_line("mailseal_sessions_total{" PAIR("alpha",
						    "cloud") ",verdict=\"encrypted-starttls\"} 15");
	before = strdup(strstr(text, "mailseal_sessions_total"));
	assert_true(ledger_expire(led, INT64_MAX, err, sizeof(err)));
	m = loaded();
	written(m);
	metrics_free(m);
	*strstr(before, "mailseal_flows_alive") = '\0'; /* a level, which begins anew */
	assert_non_null(strstr(text, before));
	free(before);
}

static void who_is_not_configured_is_not_shown(void **state)
{
	struct ledger_row rows[] = { row_of("former", "alpha", COUNT_PLAINTEXT, 3),
				     row_of("alpha-net", "other", COUNT_PLAINTEXT, 4),
				     row_of("alphabet", "alpha", COUNT_PLAINTEXT, 5) };
	struct metrics *m;

	(void)state;
	step(NULL, T0, rows, 3);
	m = loaded();
	written(m);
	assert_null(strstr(text, "former"));
	assert_null(strstr(text, "alphabet"));
	expect_line(
		"mailseal_sessions_total{" PAIR("alpha-net", "other") ",verdict=\"plaintext\"} 4");
	metrics_free(m);
}

static unsigned times(const char *word)
{
	unsigned n = 0;

	for (const char *p = text; (p = strstr(p, word)) != NULL; p++)
		n++;
	return n;
}

static struct session clear_session(void)
{
	struct session s;

	memset(&s, 0, sizeof(s));
	s.decided_ns = (uint64_t)T0 * 1000000000u;
	s.service = SERVICE_MTA;
	s.verdict = VERDICT_PLAINTEXT;
	s.exposure = EXPOSURE_CONTENT;
	s.confirmed = TRI_TRUE;
	return s;
}

/* A target that has looked for events once. */
static struct deliveries *queue_of(const char *name)
{
	struct delivery none;
	static struct target targets[2];
	struct target *t = &targets[strcmp(name, "far") == 0];
	struct deliveries *d;

	target_init(t, TARGET_WEBHOOK);
	snprintf(t->name, sizeof(t->name), "%s", name);
	d = deliveries_open(dir, t, NULL, 0, err, sizeof(err));
	if (!d)
		fail_msg("%s", err);
	assert_int_equal(deliveries_next(d, T0, &none, err, sizeof(err)), DELIVERIES_NONE);
	return d;
}

/* An incident fires; one target was told, and one that is new waits for it. */
static void incidents_and_what_waits(void **state)
{
	struct pair p = { .client = "alpha", .server = "beta", .promised = true };
	struct metrics *m = loaded();
	struct session s = clear_session();
	enum delivery_state became;
	struct delivery d;
	unsigned given_up;
	struct deliveries *near = queue_of("near"), *far = queue_of("far");

	(void)state;
	written(m);
	expect_line("mailseal_alerts_waiting{target=\"far\"} 0");
	assert_true(incidents_session(in, 1, &s, &p, "{}", NULL, NULL, err, sizeof(err)));
	written(m);
	expect_line("mailseal_incidents{state=\"open\",severity=\"critical\"} 1");
	expect_line("mailseal_alerts_waiting{target=\"near\"} 1");
	assert_int_equal(deliveries_next(near, T0, &d, err, sizeof(err)), DELIVERIES_DUE);
	assert_true(deliveries_record(near, &d, SINK_TAKEN, "", T0, &became, &given_up, err,
				      sizeof(err)));
	delivery_fini(&d);
	written(m);
	expect_line("mailseal_alerts_waiting{target=\"near\"} 0");
	expect_line("mailseal_alerts_waiting{target=\"far\"} 1");
	assert_int_equal(times("mailseal_alerts_waiting{"), 2);
	deliveries_close(near);
	deliveries_close(far);
	metrics_free(m);
}

/* Each count and each health counter has one name and no other. */
static void every_counter_is_there_once(void **state)
{
	struct ledger_row row = row_of("alpha", "beta", COUNT_N - 1, 0);
	struct metrics_totals t = { .rows = &row, .rows_n = 1 };
	struct metrics_levels now;
	char number[32];
	FILE *f = fopen(path, "w");

	(void)state;
	memset(&now, 0, sizeof(now));
	for (unsigned i = 0; i < COUNT_N; i++)
		row.counts.n[i] = 1000 + i;
	for (unsigned i = 0; i < HEALTH_N; i++)
		t.health.n[i] = 2000 + i;
	assert_non_null(f);
	metrics_text(&t, &now, f);
	fclose(f);
	read_back();
	for (unsigned i = 0; i < COUNT_N + HEALTH_N; i++) {
		snprintf(number, sizeof(number), " %u\n",
			 i < COUNT_N ? 1000 + i : 2000 + i - COUNT_N);
		if (times(number) != 1)
			fail_msg("%u times%s", times(number), number);
	}
}

/* HELP and TYPE once, before the first sample; samples of a metric together. */
static void metrics_stand_together(void **state)
{
	struct metrics *m = loaded();
	char metric[128] = "", help[160];

	(void)state;
	written(m);
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		size_t len = strcspn(line, "{ ");

		if (strncmp(line, "# HELP ", 7) == 0) {
			snprintf(metric, sizeof(metric), "%.*s", (int)strcspn(line + 7, " "),
				 line + 7);
		} else if (strncmp(line, "# TYPE ", 7) == 0) {
			snprintf(help, sizeof(help), "# TYPE %s ", metric);
			assert_memory_equal(line, help, strlen(help));
		} else {
			assert_int_equal(len, strlen(metric));
			assert_memory_equal(line, metric, len);
		}
	}
	metrics_free(m);
	read_back();
	for (char *p = text; (p = strstr(p, "# HELP ")) != NULL; p += 7) {
		char *end = strchr(p + 7, ' ');
		char word[160];

		snprintf(word, sizeof(word), "%.*s", (int)(end + 1 - p), p);
		assert_int_equal(times(word), 1);
	}
}

static void labels_are_escaped(void **state)
{
	struct ledger_row row = row_of("a\"b\\c\n\x1b\xff", "beta", COUNT_PLAINTEXT, 1);
	struct metrics_totals t = { .rows = &row, .rows_n = 1 };
	struct metrics_levels now;
	FILE *f = fopen(path, "w");

	(void)state;
	memset(&now, 0, sizeof(now));
	assert_non_null(f);
	metrics_text(&t, &now, f);
	fclose(f);
	read_back();
	expect_line("mailseal_clear_messages_total{" PAIR("a\\\"b\\\\c???", "beta") "} 0");
}

static void anybody_may_read_the_file(void **state)
{
	struct metrics *m = loaded();
	mode_t before = umask(0077);
	struct stat st;

	(void)state;
	written(m);
	umask(before);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	metrics_free(m);
}

/* What a reader has open stays whole, and nothing is left beside it. */
static void the_file_is_replaced(void **state)
{
	struct ledger_row row = row_of("alpha", "beta", COUNT_PLAINTEXT, 1);
	struct metrics *m = loaded();
	char first[8] = "", new[104];
	FILE *reader;

	(void)state;
	written(m);
	reader = fopen(path, "r");
	step(m, T0, &row, 1);
	written(m);
	assert_non_null(fgets(first, sizeof(first), reader));
	assert_string_equal(first, "# HELP ");
	assert_int_equal(fseek(reader, 0, SEEK_END), 0);
	assert_true((size_t)ftell(reader) < strlen(text));
	fclose(reader);
	snprintf(new, sizeof(new), "%s.new", path);
	assert_int_not_equal(access(new, F_OK), 0);
	metrics_free(m);
}

static void a_folder_that_is_not_there_is_said(void **state)
{
	struct metrics *m = metrics_new(dir, "/nonexistent/metrics.prom");

	(void)state;
	assert_false(metrics_write(m, in, NULL, err, sizeof(err)));
	assert_non_null(strstr(err, "/nonexistent/metrics.prom: No such file"));
	metrics_free(m);
	m = metrics_new(dir, "/dev/full/metrics.prom");
	assert_false(metrics_write(m, in, NULL, err, sizeof(err)));
	metrics_free(m);
	metrics_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_state, remove_state)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(signatories_begin_with_zeros),
		TEST(what_cannot_be_written_is_shown),
		TEST(too_many_signatories_do_not),
		TEST(steps_add_up),
		TEST(a_restart_goes_on),
		TEST(who_is_not_configured_is_not_shown),
		TEST(incidents_and_what_waits),
		TEST(every_counter_is_there_once),
		TEST(metrics_stand_together),
		TEST(labels_are_escaped),
		TEST(anybody_may_read_the_file),
		TEST(the_file_is_replaced),
		TEST(a_folder_that_is_not_there_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
