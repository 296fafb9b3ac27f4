/* Tests reports/graph.c: what is written on and below a picture. */
#include "tests/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/graph.h"
#include "reports/incident_store.h"

#define T0 ((int64_t)1795305600) /* 2026-11-22T00:00:00Z */

struct bench {
	char dir[64];
	struct ledger *l;
	struct matrix *m; /* the first ten minutes */
	struct incident_store *st;
	struct rrd_picture p;
	char err[256];
};

static void add(struct ledger_row *row, const char *client, const char *server)
{
	memset(row, 0, sizeof(*row));
	row->service = SERVICE_MTA;
	strcpy(row->client, client);
	strcpy(row->server, server);
	row->counts.n[COUNT_ENC_STARTTLS] = 90;
	row->counts.n[COUNT_PLAINTEXT] = 12;
	row->counts.n[COUNT_REFUSED] = 2;
}

static bool fill_ledger(struct bench *b)
{
	struct health h = { .n = { [HEALTH_PACKETS] = 600, [HEALTH_LOST] = 5 } };
	struct peers *p = peers_new();
	struct ledger_row rows[3];
	struct ledger_batch batch = { .step = T0, .rows = rows, .rows_n = 3, .health = &h };
	bool ok;

	add(&rows[0], "orange", "free");
	add(&rows[1], "free", "orange");
	add(&rows[2], "other", "free");
	ok = peers_add(p, "orange", true, b->err, sizeof(b->err)) >= 0 &&
	     peers_add(p, "free", true, b->err, sizeof(b->err)) >= 0 &&
	     ledger_set_peers(b->l, p, b->err, sizeof(b->err)) &&
	     ledger_commit(b->l, &batch, b->err, sizeof(b->err));
	peers_free(p);
	return ok;
}

static int set_up(void **state)
{
	struct period_asked asked = {
		.from = T0, .to = T0 + 600, .has_from = true, .has_to = true
	};
	struct bench *b = calloc(1, sizeof(*b));

	*state = b;
	strcpy(b->dir, "/tmp/mailseal-graph-XXXXXX");
	if (!mkdtemp(b->dir))
		return 1;
	b->l = ledger_open(b->dir, LEDGER_WRITE, b->err, sizeof(b->err));
	if (!b->l || !fill_ledger(b))
		return 1;
	b->m = matrix_new(b->l, SERVICE_MTA, true, &asked, b->err, sizeof(b->err));
	return b->m == NULL;
}

static int tear_down(void **state)
{
	struct bench *b = *state;
	char command[128];
	int rc;

	matrix_free(b->m);
	incident_store_close(b->st);
	ledger_close(b->l);
	snprintf(command, sizeof(command), "rm -rf %s", b->dir);
	rc = system(command);
	free(b);
	return rc;
}

static void of_pair(struct bench *b, enum rrd_kind kind, const char *client, const char *server)
{
	memset(&b->p, 0, sizeof(b->p));
	b->p.kind = kind;
	b->p.width = b->p.height = 100;
	strcpy(b->p.client, client);
	strcpy(b->p.server, server);
}

static void filled(struct bench *b)
{
	if (!graph_fill(&b->p, b->m, b->dir, b->err, sizeof(b->err)) ||
	    !rrd_picture_check(&b->p, b->err, sizeof(b->err)))
		fail_msg("%s", b->err);
}

/* An incident that closed, or goes on where closed is 0. */
static void put(struct bench *b, enum severity severity, const char *client, const char *server,
		int64_t since, int64_t closed)
{
	struct incident i = { .severity = severity, .opened = since, .since = since };
	int64_t id;

	if (!b->st)
		b->st = incident_store_open(b->dir, true, b->err, sizeof(b->err));
	assert_non_null(b->st);
	snprintf(i.rule, sizeof(i.rule), "rule-%d", (int)(since - T0) / 60);
	strcpy(i.client, client);
	strcpy(i.server, server);
	strcpy(i.sensor, "s");
	i.service = client[0] == '-' ? SERVICE_N : SERVICE_MTA;
	i.state = closed ? INCIDENT_CLOSED : INCIDENT_OPEN;
	i.last_seen = closed ? closed : since;
	i.closed = closed;
	if (!incident_store_begin(b->st, b->err, sizeof(b->err)) ||
	    !incident_store_put(b->st, &i, &id, b->err, sizeof(b->err)) ||
	    !incident_store_commit(b->st, b->err, sizeof(b->err)))
		fail_msg("%s", b->err);
}

static void a_pair_has_its_numbers(void **state)
{
	struct bench *b = *state;

	of_pair(b, RRD_RATIO, "orange", "free");
	strcpy(b->p.zone, "UTC");
	filled(b);
	assert_string_equal(b->p.title, "Mail from orange to free (mta)");
	assert_int_equal(b->p.from, T0);
	assert_int_equal(b->p.to, T0 + 600);
	assert_true(b->p.totals);
	assert_int_equal(b->p.counts.n[COUNT_PLAINTEXT], 12);
	assert_int_equal(b->p.lines_n, 3);
	assert_string_equal(b->p.lines[0], "2026-11-22 00:00 to 2026-11-22 00:10 UTC, exact "
					   "counts; time axis: UTC");
	assert_string_equal(b->p.lines[1],
			    "sealed 90.00 % (90.00-90.00), coverage 100 %, sessions 102");
	assert_string_equal(b->p.lines[2], "sealed 90, in clear 10, TLS failed 0, undecided 0");
	assert_int_equal(b->p.marks_n, 0); /* there is no incidents.db */
}

/* Between signatories, and with what the sensor lost. */
static void the_total_is_that_of_the_matrix(void **state)
{
	struct bench *b = *state;

	of_pair(b, RRD_RATIO, "", "");
	filled(b);
	assert_string_equal(b->p.title, "Mail between signatories (mta)");
	assert_int_equal(b->p.counts.n[COUNT_PLAINTEXT], 24);
	assert_string_equal(b->p.lines[2], "sealed 180, in clear 20, TLS failed 0, undecided 5");
}

static void the_sensor_has_its_health(void **state)
{
	struct bench *b = *state;

	of_pair(b, RRD_LOSS, "", "");
	put(b, SEVERITY_WARNING, "-", "-", T0 + 60, 0);
	put(b, SEVERITY_CRITICAL, "orange", "free", T0 + 120, 0);
	filled(b);
	assert_string_equal(b->p.title, "The sensor: what it lost");
	assert_int_equal(b->p.health.n[HEALTH_LOST], 5);
	assert_string_equal(b->p.lines[1], "the sensor ran for 1 of 10 minutes");
	assert_int_equal(b->p.marks_n, 1);
	assert_string_equal(b->p.marks[0].label, "2026-11-22 00:01 UTC warning rule-1");
}

static void strangers_are_refused(void **state)
{
	struct bench *b = *state;

	of_pair(b, RRD_SESSIONS, "orange", "nobody");
	assert_false(graph_fill(&b->p, b->m, b->dir, b->err, sizeof(b->err)));
	assert_non_null(strstr(b->err, "no peer \"nobody\""));
	of_pair(b, RRD_SESSIONS, "orange", "other");
	assert_false(graph_fill(&b->p, b->m, b->dir, b->err, sizeof(b->err)));
	assert_non_null(strstr(b->err, "no session from orange to other (mta)"));
}

static void incidents_of_the_period_are_marked(void **state)
{
	struct bench *b = *state;

	put(b, SEVERITY_CRITICAL, "orange", "free", T0 - 7200, T0); /* over when it begins */
	put(b, SEVERITY_CRITICAL, "orange", "free", T0 - 3600, T0 + 60);
	put(b, SEVERITY_WARNING, "orange", "free", T0 + 185, 0);
	put(b, SEVERITY_CRITICAL, "free", "orange", T0 + 240, 0);
	put(b, SEVERITY_CRITICAL, "orange", "free", T0 + 600, 0); /* behind its end */
	of_pair(b, RRD_SESSIONS, "orange", "free");
	filled(b);
	assert_int_equal(b->p.marks_n, 2); /* newest first */
	assert_int_equal(b->p.marks[0].from, T0 + 185);
	assert_true(b->p.marks[0].to >= b->p.to);
	assert_false(b->p.marks[0].critical);
	assert_string_equal(b->p.marks[0].label, "2026-11-22 00:03 UTC warning rule-3");
	assert_int_equal(b->p.marks[1].from, T0 - 3600);
	assert_int_equal(b->p.marks[1].to, T0 + 60);
	assert_true(b->p.marks[1].critical);
	of_pair(b, RRD_SESSIONS, "", "");
	filled(b);
	assert_int_equal(b->p.marks_n, 3);
	assert_string_equal(b->p.marks[0].label,
			    "2026-11-22 00:04 UTC critical rule-4 free:orange");
}

static void many_incidents_are_counted(void **state)
{
	struct bench *b = *state;

	for (int n = 0; n < 8; n++)
		put(b, SEVERITY_WARNING, "orange", "free", T0 - 60 * n, 0);
	of_pair(b, RRD_SESSIONS, "orange", "free");
	filled(b);
	assert_int_equal(b->p.marks_n, 8);
	assert_true(b->p.marks[5].label[0] != '\0');
	assert_string_equal(b->p.marks[6].label, "");
	assert_string_equal(b->p.lines[2], "8 incidents are marked, the newest 6 are named");
	for (int n = 8; n < RRD_MARKS_MAX + 3; n++)
		put(b, SEVERITY_WARNING, "orange", "free", T0 - 60 * n, 0);
	of_pair(b, RRD_SESSIONS, "orange", "free");
	filled(b);
	assert_int_equal(b->p.marks_n, RRD_MARKS_MAX);
	assert_string_equal(b->p.lines[2], "35 incidents, of which the newest 32 are marked");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_pair_has_its_numbers),
		TEST(the_total_is_that_of_the_matrix),
		TEST(the_sensor_has_its_health),
		TEST(strangers_are_refused),
		TEST(incidents_of_the_period_are_marked),
		TEST(many_incidents_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
