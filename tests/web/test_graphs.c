/* test_graphs.c - pictures of the site and the data beside them, through site_answer(). */
#include "tests/unit.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/drawer.h"
#include "reports/rrdfile.h"
#include "web/site.h"

#define T0      INT64_C(1795305600) /* 2026-11-22T00:00:00Z */
#define MINUTES 60
#define MISSED  20 /* first of ten minutes without the sensor */

static char dir[] = "/tmp/mailseal-graphs-XXXXXX", err[512];
static struct site site;
static struct reply reply;

static struct ledger_row row_of(enum service service, const char *client, const char *server,
				uint64_t sealed, uint64_t clear)
{
	struct ledger_row r = { .service = service };

	snprintf(r.client, sizeof(r.client), "%s", client);
	snprintf(r.server, sizeof(r.server), "%s", server);
	r.counts.n[COUNT_ENC_STARTTLS] = sealed;
	r.counts.n[COUNT_PLAINTEXT] = clear;
	return r;
}

static void fill_step(struct ledger *l, struct rrdstore *r, int minute)
{
	const struct ledger_row rows[] = {
		row_of(SERVICE_MTA, "alpha", "beta", 3, minute == 50),
		row_of(SERVICE_MTA, "other", "beta", 100, 0),
		row_of(SERVICE_ACCESS, "other", "beta", 5, 0),
	};
	struct health h = { .n = { [HEALTH_PACKETS] = 1000, [HEALTH_DELIVERED] = 1000 } };
	struct ledger_batch b = {
		.step = T0 + minute * STEP_S, .rows = rows, .rows_n = 3, .health = &h
	};
	unsigned failed;

	assert_true(ledger_commit(l, &b, err, sizeof(err)));
	assert_true(rrdstore_step(r, b.step, rows, 3, &h, &failed, err, sizeof(err)));
}

static int make(void **state)
{
	struct peers *p = peers_new();
	struct rrdstore *r;
	struct ledger *l;

	(void)state;
	assert_non_null(mkdtemp(dir));
	l = ledger_open(dir, LEDGER_WRITE, err, sizeof(err));
	assert_non_null(l);
	peers_add(p, "alpha", true, err, sizeof(err));
	peers_add(p, "beta", true, err, sizeof(err));
	assert_true(ledger_set_peers(l, p, err, sizeof(err)));
	peers_free(p);
	r = rrdstore_open(dir, 10, err, sizeof(err));
	assert_non_null(r);
	assert_true(rrdstore_read_peers(r, l, err, sizeof(err)));
	for (int minute = 0; minute < MINUTES; minute++) {
		if (minute < MISSED || minute >= MISSED + 10)
			fill_step(l, r, minute);
	}
	rrdstore_close(r);
	ledger_close(l);
	site.dir = dir;
	site.drawer = drawer_start(dir, err, sizeof(err));
	return site.drawer ? 0 : -1;
}

static int clear(void **state)
{
	char command[128];

	(void)state;
	drawer_stop(site.drawer);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

static unsigned answer(const char *path)
{
	free(reply.body);
	site_answer(&site, path, T0 + MINUTES * STEP_S, &reply);
	return reply.status;
}

static bool begins(const char *bytes)
{
	return reply.len > strlen(bytes) && memcmp(reply.body, bytes, strlen(bytes)) == 0;
}

static void pictures_are_drawn(void **state)
{
	(void)state;
	assert_int_equal(answer("graph/mta/alpha/beta/day-sessions.svg"), 200);
	assert_true(begins("<?xml"));
	assert_string_equal(reply.type, "image/svg+xml");
	assert_int_equal(answer("graph/mta/alpha/beta/day-ratio-dark.png"), 200);
	assert_true(begins("\x89PNG"));
	assert_string_equal(reply.type, "image/png");
	assert_int_equal(answer("graph/mta/total/week-ratio.svg"), 200);
	assert_int_equal(answer("graph/access/total/week-ratio.svg"), 200);
	assert_int_equal(answer("graph/sensor/year-loss.svg"), 200);
	assert_int_equal(answer("graph/mta/alpha/beta/1795305600-1795307400-tls.svg"), 200);
}

static void what_is_not_there_is_not_drawn(void **state)
{
	static const char *const paths[] = {
		"graph/mta/alpha/beta/day-colours.svg",   /* no such kind */
		"graph/mta/alpha/beta/day-packets.svg",   /* not of a pair */
		"graph/sensor/day-ratio.svg",             /* not of the sensor */
		"graph/mta/alpha/gamma/day-sessions.svg", /* no such peer */
		"graph/mta/beta/alpha/day-sessions.svg",  /* no session */
		"graph/mta/alpha/beta/day-colours.json",
		"graph/mta/beta/alpha/day-sessions.json",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (answer(paths[i]) != 404)
			fail_msg("%s: %u", paths[i], reply.status);
		assert_true(reply.len > 1);
	}
}

/* How often a text stands in the answer. */
static unsigned times(const char *text)
{
	unsigned n = 0;

	for (const char *at = reply.body; (at = strstr(at, text)) != NULL; at += strlen(text))
		n++;
	return n;
}

static void data_are_those_of_the_ledger(void **state)
{
	(void)state;
	assert_int_equal(answer("graph/mta/alpha/beta/1795305600-1795309200-sessions.json"), 200);
	assert_string_equal(reply.type, "application/json");
	assert_int_equal(times("\"seconds\": 60"), 1);
	assert_int_equal(times("\"time\": "), MINUTES);
	assert_int_equal(times("\"seen\": false"), 10);
	assert_int_equal(times("\"sessions\": 3,"), MINUTES - 10 - 1);
	assert_int_equal(times("\"sessions\": 4,"), 1);
	assert_int_equal(times("75.00 % sealed, 4 sessions"), 1);
	assert_int_equal(answer("graph/mta/total/1795305600-1795309200-ratio.json"), 200);
	assert_int_equal(times("\"sessions\": 3,"), MINUTES - 10 - 1);
	assert_int_equal(answer("graph/access/total/1795305600-1795309200-ratio.json"), 200);
	assert_int_equal(times("\"sessions\": 5,"), MINUTES - 10);
	assert_int_equal(answer("graph/sensor/1795305600-1795309200-packets.json"), 200);
	assert_int_equal(times("1\xe2\x80\xaf"
			       "000 packets"),
			 0); /* JSON is ASCII */
	assert_int_equal(times("1\\u202f000 packets"), MINUTES - 10);
}

static void one_without_a_drawer_says_so(void **state)
{
	struct drawer *drawer = site.drawer;

	(void)state;
	site.drawer = NULL;
	assert_int_equal(answer("graph/mta/alpha/beta/day-sessions.svg"), 503);
	assert_int_equal(answer("graph/mta/alpha/beta/day-sessions.json"), 503);
	site.drawer = drawer;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pictures_are_drawn),
		cmocka_unit_test(what_is_not_there_is_not_drawn),
		cmocka_unit_test(data_are_those_of_the_ledger),
		cmocka_unit_test(one_without_a_drawer_says_so),
	};
	int failed = cmocka_run_group_tests_name("graphs", tests, make, clear);

	free(reply.body);
	return failed;
}
