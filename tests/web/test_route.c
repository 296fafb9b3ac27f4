/* test_route.c - paths to pages and back, and paths that are none. */
#include "tests/unit.h"

#include <string.h>

#include "web/route.h"

static void paths_and_routes_are_the_same(void **state)
{
	static const char *const paths[] = {
		"index.html",
		"overview-week.html",
		"overview-year.html",
		"incidents.html",
		"sensor.html",
		"unknown.html",
		"method.html",
		"pair/mta/orange/free.html",
		"pair/access/orange-net/other.html",
		"peer/orange.html",
		"incident/12.html",
		"incident/999999999999999999.html",
		"api/v1/overview.json",
		"api/v1/overview-month.json",
		"api/v1/pair/submission/other/sfr.json",
		"api/v1/peer/orange.json",
		"api/v1/incident/1.json",
		"graph/mta/orange/free/day-sessions.svg",
		"graph/mta/orange/free/week-ratio-dark.svg",
		"graph/mta/orange/free/year-ratio.png",
		"graph/mta/total/month-ratio.svg",
		"graph/sensor/day-loss-dark.png",
		"graph/mta/orange/free/week-ratio.json",
		"graph/mta/orange/free/1795341600-1795345200-ratio.svg",
		"graph/sensor/0-60-loss.json",
		"style.css",
		"page.js",
		"icon.svg",
	};
	char again[ROUTE_PATH_MAX];
	struct route r;

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		assert_true(route_parse(paths[i], &r));
		route_path(&r, again);
		assert_string_equal(again, paths[i]);
	}
	assert_true(route_parse("", &r));
	assert_int_equal(r.page, PAGE_OVERVIEW);
	assert_int_equal(r.span, SPAN_DAY);
}

static void the_longest_path_fits(void **state)
{
	char name[PARTY_NAME_MAX + 1], path[ROUTE_PATH_MAX];
	struct route r, again;

	(void)state;
	memset(name, 'a', PARTY_NAME_MAX);
	name[PARTY_NAME_MAX] = '\0';
	r = route_pair(SERVICE_SUBMISSION, name, name);
	r.kind = ROUTE_GRAPH;
	r.span = SPANS;
	r.from = INT64_C(253402300680);
	r.to = INT64_C(253402300740);
	r.dark = r.png = true;
	memset(r.picture, 'b', ROUTE_FILE_MAX - 1);
	r.of = GRAPH_PAIR;
	route_path(&r, path);
	assert_true(route_parse(path, &again));
	assert_string_equal(again.server, name);
	assert_true(again.dark && again.png);
}

static void anything_else_is_none(void **state)
{
	static const char *const paths[] = {
		"/",
		"/index.html",
		"..",
		"../ledger.db",
		"pair/mta/../free.html",
		"pair/mta/orange/..html",
		"pair/mta/orange.html",
		"pair/mta/orange/free/x.html",
		"pair/smtp/orange/free.html",
		"pair/mta/Orange/free.html",
		"pair/mta//free.html",
		"pair/mta/orange/%66ree.html",
		"peer/.html",
		"peer/a\nb.html",
		"incident/0.html",
		"incident/-1.html",
		"incident/1e3.html",
		"incident/1000000000000000000.html",
		"overview.html",
		"overview-day.html",
		"overview-decade.html",
		"api/v1/index.json",
		"api/v2/overview.json",
		"api/v1/overview.html",
		"api/v1/",
		"api/v1/.json",
		"graph/mta/orange/free/day.svg",
		"graph/mta/orange/free/-ratio.svg",
		"graph/mta/orange/free/day-.svg",
		"graph/mta/orange/free/day-ratio.gif",
		"graph/mta/orange/free/day-ratio-blue.svg",
		"graph/mta/sum/day-ratio.svg",
		"graph/mta/orange/free/week-ratio-dark.json",
		"graph/mta/total/60-0-ratio.svg",
		"graph/mta/total/60-60-ratio.svg",
		"graph/mta/total/0-61-ratio.svg",
		"graph/mta/total/0-ratio.svg",
		"graph/mta/total/0-60.svg",
		"graph/mta/total/-60-60-ratio.svg",
		"graph/mta/total/0-9999999999960-ratio.svg",
		"graph/mta/total/0-253402300800-ratio.svg",
		"graph/day-ratio.svg",
		"graph/other/day-ratio.svg",
		"graph.svg",
		"index.html/",
		"style.css/x",
		"a/b/c/d/e/f/g.html",
	};
	char longer[2 * ROUTE_PATH_MAX];
	struct route r;

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (route_parse(paths[i], &r))
			fail_msg("%s is no path of the site", paths[i]);
	}
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_false(route_parse(longer, &r));
}

static void roots_lead_back(void **state)
{
	(void)state;
	assert_string_equal(route_root("index.html"), "");
	assert_string_equal(route_root("peer/orange.html"), "../");
	assert_string_equal(route_root("pair/mta/orange/free.html"), "../../../");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_and_routes_are_the_same),
		cmocka_unit_test(the_longest_path_fits),
		cmocka_unit_test(anything_else_is_none),
		cmocka_unit_test(roots_lead_back),
	};

	return cmocka_run_group_tests_name("route", tests, NULL, NULL);
}
