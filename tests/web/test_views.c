/* test_views.c - the pages say what the ledger and the incidents hold, whatever these hold. */
#include "tests/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/counts_json.h"
#include "reports/db.h"
#include "reports/deliveries.h"
#include "reports/incidents.h"
#include "reports/matrix.h"
#include "reports/record.h"
#include "web/page.h"
#include "web/site.h"
#include "web/view.h"

#define T0      INT64_C(1795341600) /* 2026-11-22T10:00:00Z */
#define MINUTES 60
#define END     (T0 + MINUTES * STEP_S)
#define NOW     (END + 30)

#define HOSTILE "<i>&\"'\x1b[1m"

static char dir[64], err[512];
static struct ledger *led;
static struct incidents *inc;
static struct reply reply;

static void must(bool ok)
{
	if (!ok)
		fail_msg("%s", err);
}

/* A state directory ----------------------------------------------------------------------- */

static struct ledger_row row_of(enum service service, const char *client, const char *server,
				uint64_t sealed, uint64_t clear)
{
	struct ledger_row row = { .service = service };

	snprintf(row.client, sizeof(row.client), "%s", client);
	snprintf(row.server, sizeof(row.server), "%s", server);
	row.counts.n[COUNT_ENC_STARTTLS] = sealed;
	row.counts.n[COUNT_PLAINTEXT] = clear;
	row.counts.n[COUNT_OFFERED] = sealed + clear;
	row.counts.n[COUNT_TLS13] = sealed;
	return row;
}

static void commit(int64_t step, const struct ledger_row *rows, size_t n, uint64_t alive)
{
	struct health h = { .alive = alive };
	struct ledger_batch b = { .step = step, .rows = rows, .rows_n = n, .health = &h };

	h.n[HEALTH_PACKETS] = h.n[HEALTH_DELIVERED] = 1000;
	must(ledger_commit(led, &b, err, sizeof(err)));
}

static void add_peers(void)
{
	struct peers *p = peers_new();

	must(peers_add(p, "orange", true, err, sizeof(err)) >= 0);
	must(peers_add(p, "free", true, err, sizeof(err)) >= 0);
	must(peers_add(p, "sfr", true, err, sizeof(err)) >= 0);
	must(peers_add(p, "cloud", false, err, sizeof(err)) >= 0);
	must(ledger_set_peers(led, p, err, sizeof(err)));
	peers_free(p);
}

/* An hour, and one step each of the weeks, months and seasons before it. */
static void fill_ledger(void)
{
	static const int64_t days_ago[] = { 200, 20, 3 };
	const struct ledger_row rows[] = {
		row_of(SERVICE_MTA, "orange", "free", 10, 0),
		row_of(SERVICE_MTA, "orange", HOSTILE, 3, 1),
		row_of(SERVICE_SUBMISSION, "orange-net", "orange", 4, 2),
	};
	struct ledger_row clear = row_of(SERVICE_MTA, "orange", "free", 0, 1);

	for (size_t i = 0; i < 3; i++)
		commit(T0 - days_ago[i] * 86400, rows, 1, 0);
	for (int m = 0; m < MINUTES; m++) {
		if (m == 20 || m == 21)
			continue;
		commit(T0 + m * STEP_S, m == 30 ? &clear : rows, m == 30 ? 1 : 3, 0);
	}
}

static void accuse(const char *client, const char *server, uint64_t key, const char *record)
{
	struct pair p = { .promised = true };
	struct session s = { .protocol = PROTOCOL_SMTP,
			     .server_port = 25,
			     .verdict = VERDICT_PLAINTEXT,
			     .reason = REASON_MAIL_IN_CLEAR,
			     .service = SERVICE_MTA,
			     .exposure = EXPOSURE_CONTENT,
			     .confirmed = TRI_TRUE,
			     .cause = CAUSE_NOT_OFFERED,
			     .tls_cipher = TLS_CIPHER_NONE,
			     .vlan = VLAN_NONE };
	struct record_context c = { .sensor = "th2-1", .pair = &p, .counted = T0 };
	char line[RECORD_MAX];

	snprintf(p.client, sizeof(p.client), "%s", client);
	snprintf(p.server, sizeof(p.server), "%s", server);
	s.start_ns = s.decided_ns = s.end_ns = (uint64_t)(T0 + 60) * 1000000000u;
	record_json(&s, &c, line);
	must(incidents_session(inc, key, &s, &p, record ? record : line, NULL, NULL, err,
			       sizeof(err)));
}

/* The first event, and an answer of the target that is no text for a screen. */
static void deliver(void)
{
	struct target t;
	struct deliveries *d;
	struct delivery del;
	enum delivery_state st;
	unsigned given_up;

	target_init(&t, TARGET_SYSLOG);
	strcpy(t.name, "noc");
	d = deliveries_open(dir, &t, NULL, 0, err, sizeof(err));
	assert_non_null(d);
	assert_int_equal(deliveries_next(d, NOW, &del, err, sizeof(err)), DELIVERIES_DUE);
	must(deliveries_record(d, &del, SINK_REFUSED, HOSTILE, NOW, &st, &given_up, err,
			       sizeof(err)));
	delivery_fini(&del);
	deliveries_close(d);
}

/* 1: orange to free; 2: to somebody with a hostile name, a record that is none, and a note. */
static void fill_incidents(void)
{
	static const struct incidents_config c = { .sensor = HOSTILE,
						   .quiet_s = 3600,
						   .lossy_share = 0.01 };

	inc = incidents_open(dir, true, &c, err, sizeof(err));
	assert_non_null(inc);
	accuse("orange", "free", 1, NULL);
	accuse("orange", HOSTILE, 2, "<script>\n");
	must(incidents_save(inc, NULL, NULL, err, sizeof(err)));
	incidents_close(inc);
	deliver();
	must(incident_ack(dir, 2, HOSTILE, HOSTILE, T0, err, sizeof(err)));
}

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/mailseal-views-XXXXXX");
	return mkdtemp(dir) == NULL;
}

static int fill(void **state)
{
	if (make_dir(state))
		return 1;
	led = ledger_open(dir, LEDGER_WRITE, err, sizeof(err));
	assert_non_null(led);
	add_peers();
	fill_ledger();
	ledger_close(led);
	fill_incidents();
	return 0;
}

static int clean(void **state)
{
	char command[128];

	(void)state;
	free(reply.body);
	reply.body = NULL;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static void change(const char *file, const char *sql)
{
	char path[128];
	struct db *db;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	db = db_open(path, true, err, sizeof(err));
	assert_non_null(db);
	must(db_exec(db, sql, err, sizeof(err)));
	db_close(db);
}

static void write_file(const char *file, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* Answers --------------------------------------------------------------------------------- */

static unsigned ask(const char *path)
{
	struct site s = { .dir = dir };

	free(reply.body);
	site_answer(&s, path, NOW, &reply);
	assert_non_null(reply.body);
	assert_int_equal(strlen(reply.body), reply.len);
	return reply.status;
}

static void has(const char *text)
{
	if (!strstr(reply.body, text))
		fail_msg("not there: %s\n%s", text, reply.body);
}

static void has_not(const char *text)
{
	if (strstr(reply.body, text))
		fail_msg("there: %s\n%s", text, reply.body);
}

/* Nothing of a hostile name may be markup or reach a screen. */
static void is_escaped(void)
{
	has_not("<i>");
	has_not("\x1b");
	has_not("<script>\n");
}

/* What counts_json() writes into an object of the third depth, as in the arrays of the matrix. */
static void has_counts(const char *before, const struct counts *c)
{
	char *text = NULL, *at, *cut;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	struct json_out j;

	assert_non_null(f);
	json_init(&j, f);
	json_object(&j, NULL);
	json_array(&j, "x");
	json_object(&j, NULL);
	counts_json(&j, c, 0);
	json_object_end(&j);
	json_array_end(&j);
	json_object_end(&j);
	fclose(f);
	at = strstr(text, "\"sessions\"");
	assert_non_null(at);
	cut = strstr(at, "}}");
	assert_non_null(cut);
	cut[1] = '\0';
	has(before);
	if (strncmp(strstr(strstr(reply.body, before), "\"sessions\""), at, strlen(at)) != 0)
		fail_msg("behind %s not: %s\n%s", before, at, reply.body);
	free(text);
}

static struct counts cell_of(const struct matrix *m, const char *client, const char *server)
{
	for (size_t i = 0; i < m->cells_n; i++) {
		if (strcmp(m->parties[m->cells[i].client].name, client) == 0 &&
		    strcmp(m->parties[m->cells[i].server].name, server) == 0)
			return m->cells[i].counts;
	}
	fail_msg("no cell %s %s", client, server);
	return (struct counts){ { 0 } };
}

static void numbers_are_those_of_the_matrix(void **state)
{
	static const uint64_t sealed[SPANS] = { 570, 580, 590, 600 };

	(void)state;
	for (unsigned s = 0; s < SPANS; s++) {
		struct period_asked asked = { .last_s = span_seconds((enum span)s) };
		struct counts pair, users;
		struct matrix *m;
		char before[32];

		led = ledger_open(dir, LEDGER_READ, err, sizeof(err));
		m = matrix_new(led, SERVICE_MTA, true, &asked, err, sizeof(err));
		assert_non_null(m);
		pair = cell_of(m, "orange", "free");
		matrix_free(m);
		m = matrix_new(led, SERVICE_SUBMISSION, true, &asked, err, sizeof(err));
		assert_non_null(m);
		users = cell_of(m, "orange-net", "orange");
		matrix_free(m);
		ledger_close(led);
		assert_int_equal(pair.n[COUNT_ENC_STARTTLS], sealed[s]);
		snprintf(before, sizeof(before), "\"%s\": {", span_name((enum span)s));
		assert_int_equal(ask("api/v1/pair/mta/orange/free.json"), 200);
		has_counts(before, &pair);
		has("\"promised\": true");
		assert_int_equal(ask("api/v1/pair/submission/orange-net/orange.json"), 200);
		has_counts(before, &users);
		has("\"promised\": false");
	}
}

static void a_span_begins_at_a_whole_hour(void **state)
{
	(void)state;
	for (unsigned s = 0; s < SPANS; s++) {
		int64_t length = span_seconds((enum span)s);

		for (int64_t end = END; end < END + 3600; end += STEP_S) {
			struct period_asked a = view_asked((enum span)s, end);

			assert_true(a.has_from && a.from % 3600 == 0);
			assert_true(a.from <= end - length && a.from > end - length - 3600);
		}
	}
	assert_int_equal(view_asked(SPAN_YEAR, 60).from, 0);
}

static void one_pair_is_as_in_the_matrix_of_all(void **state)
{
	struct period_asked asked = { .last_s = span_seconds(SPAN_WEEK) };
	struct matrix *all, *one;
	struct counts expected, got;

	(void)state;
	led = ledger_open(dir, LEDGER_READ, err, sizeof(err));
	all = matrix_new(led, SERVICE_MTA, true, &asked, err, sizeof(err));
	one = matrix_new_pair(led, SERVICE_MTA, "orange", "free", &asked, err, sizeof(err));
	assert_true(all != NULL && one != NULL);
	expected = cell_of(all, "orange", "free");
	got = cell_of(one, "orange", "free");
	assert_memory_equal(&got, &expected, sizeof(got));
	assert_int_equal(one->cells_n, 1);
	assert_memory_equal(&one->health, &all->health, sizeof(all->health));
	matrix_free(one);
	one = matrix_new_pair(led, SERVICE_MTA, "", "", &asked, err, sizeof(err));
	assert_non_null(one);
	assert_int_equal(one->cells_n, 0);
	matrix_free(one);
	matrix_free(all);
	ledger_close(led);
}

static void a_pair_is_told_in_words_and_numbers(void **state)
{
	(void)state;
	assert_int_equal(ask("pair/mta/orange/free.html"), 200);
	has("<h1>orange to free, mta</h1>");
	has(text_of(T_PROMISED));
	has("99.82 %</span></td>"); /* 570 of 571 */
	has("<td class=\"n\">571</td>");
	has("href=\"../../../pair/mta/free/orange.html\"");
	has("href=\"../../../peer/orange.html\"");
	has("href=\"../../../incident/1.html\"");
	has_not("incident/2.html"); /* of another pair */
	has("graph/mta/orange/free/year-sessions.svg");
	has("graph/mta/orange/free/month-funnel-dark.svg");
	has("<td class=\"n\">4.02 %</td>"); /* 58 minutes of a day */
}

static void a_silent_pair_is_zeros(void **state)
{
	(void)state;
	assert_int_equal(ask("pair/mta/sfr/free.html"), 200);
	has(text_of(T_PAIR_SILENT));
	has_not("graph/");
	assert_int_equal(ask("api/v1/pair/mta/sfr/free.json"), 200);
	has_counts("\"year\": {", &(struct counts){ { 0 } });
	assert_int_equal(ask("pair/access/cloud/other.html"), 200);
	has(text_of(T_NOT_PROMISED_USERS));
	assert_int_equal(ask("pair/mta/sfr/sfr.html"), 200);
	has(text_of(T_NOT_PROMISED_SAME));
	assert_int_equal(ask("pair/mta/sfr/cloud.html"), 200);
	has(text_of(T_NOT_PROMISED));
}

static void who_is_not_known_is_not_found(void **state)
{
	static const char *const paths[] = {
		"pair/mta/orange/nobody.html",
		"pair/mta/nobody/orange.html",
		"peer/nobody.html",
		"peer/nobody-net.html",
		"incident/99.html",
		"incident/999999999999999999.html",
		"api/v1/pair/mta/orange/nobody.json",
		"api/v1/peer/nobody.json",
		"api/v1/incident/99.json",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		assert_int_equal(ask(paths[i]), 404);
		has(strncmp(paths[i], "api", 3) == 0 ? "\"error\": \"The" : "role=\"alert\">The");
	}
}

static void a_peer_sends_and_receives(void **state)
{
	(void)state;
	assert_int_equal(ask("peer/orange.html"), 200);
	has(text_of(T_PARTY_SIGNATORY));
	has("pair/mta/orange/free.html");
	has("pair/submission/orange-net/orange.html");
	is_escaped();
	has("&lt;i&gt;&amp;&quot;&#39;\\x1b[1m"); /* a name that leads nowhere */
	has_not("pair/mta/orange/&lt;");
	assert_int_equal(ask("api/v1/peer/orange.json"), 200);
	has_not("\x1b");
	has("\"outbound\": [");
	has("\"inbound_total\": {");
	assert_int_equal(ask("peer/orange-net.html"), 200);
	has(text_of(T_PARTY_NET));
	has("href=\"../peer/orange.html\"");
	assert_int_equal(ask("peer/cloud.html"), 200);
	has(text_of(T_PARTY_PEER));
	assert_int_equal(ask("peer/other.html"), 200);
	has(text_of(T_PARTY_OTHER));
}

static void incidents_are_listed_and_told(void **state)
{
	(void)state;
	assert_int_equal(ask("incidents.html"), 200);
	is_escaped();
	has("incident/1.html");
	has("incident/2.html");
	has("not-offered 1");
	has(text_of(T_NOTHING_CLOSED));
	assert_int_equal(ask("api/v1/incidents.json"), 200);
	has("\"firing_all\": 2");
	has("\"closed\": []");
	assert_int_equal(ask("incident/1.html"), 200);
	is_escaped();
	has(text_of(T_RULE_PLAINTEXT));
	has("method.html#rule-plaintext-between-signatories");
	has("pair/mta/orange/free.html");
	has("mail-in-clear");
	has("both signatories, is promised");
	has("<td>noc</td><td>refused</td><td class=\"n\">1</td>");
	assert_int_equal(ask("incident/2.html"), 200);
	is_escaped();
	has("This record cannot be read");
	has("&lt;i&gt;&amp;&quot;&#39;\\x1b[1m");
	assert_int_equal(ask("api/v1/incident/2.json"), 200);
	has_not("\x1b");
	has("\"target\": \"noc\"");
	assert_int_equal(ask("api/v1/incident/1.json"), 200);
	has("\"state\": \"refused\"");
	assert_int_equal(ask("index.html"), 200);
	is_escaped();
}

static void the_sensor_tells_what_it_missed(void **state)
{
	(void)state;
	assert_int_equal(ask("sensor.html"), 200);
	has("2026-11-22 10:20</time>");
	has("2026-11-22 10:22</time>");
	has("2 min");
	has("The recorder is 30 s behind");
	has("graph/sensor/week-loss.svg");
	assert_int_equal(ask("api/v1/sensor.json"), 200);
	has("\"seconds_seen\": 3480");
	has("\"packets\": 58000");
	has("\"balanced\": true");
	has("\"from\": \"2026-11-22T10:20:00Z\", \"to\": \"2026-11-22T10:22:00Z\", \"seconds\": "
	    "120");
}

static void books_that_differ_are_told(void **state)
{
	(void)state;
	change("ledger.db", "UPDATE health_days SET flows = flows + 7;"
			    "UPDATE health_hours SET flows = flows + 7;"
			    "UPDATE health_minutes SET flows = flows + 7");
	assert_int_equal(ask("sensor.html"), 200);
	has(" flows opened, but 0 ended or alive.");
	assert_int_equal(ask("api/v1/sensor.json"), 200);
	has("\"balanced\": false");
}

/* Flows that are open at the begin and at the end of a period are part of its books. */
static void open_flows_belong_to_the_books(void **state)
{
	(void)state;
	change("ledger.db",
	       "UPDATE health_minutes SET flows = 5, alive = 5 WHERE step = 1795345140;"
	       "UPDATE health_hours SET flows = 5, alive = 5 WHERE step = 1795341600;"
	       "UPDATE health_days SET flows = 5, alive = 5 WHERE step = 1795305600");
	assert_int_equal(ask("api/v1/sensor.json"), 200);
	has_not("\"balanced\": false");
	has("\"balanced\": true");
}

static void the_method_needs_nothing(void **state)
{
	(void)state;
	assert_int_equal(ask("method.html"), 200);
	has("id=\"verdict-plaintext\"");
	assert_int_equal(ask("api/v1/method.json"), 200);
	has("\"name\": \"coverage\"");
}

/* Every page that needs a ledger. */
static const char *const needy[] = { "index.html",
				     "pair/mta/orange/free.html",
				     "peer/orange.html",
				     "incidents.html",
				     "incident/1.html",
				     "sensor.html",
				     "api/v1/overview.json",
				     "api/v1/pair/mta/orange/free.json",
				     "api/v1/peer/free.json",
				     "api/v1/incidents.json",
				     "api/v1/incident/1.json",
				     "api/v1/sensor.json" };

static void all_say(const char *text)
{
	for (size_t i = 0; i < sizeof(needy) / sizeof(needy[0]); i++) {
		assert_int_equal(ask(needy[i]), 503);
		has(text);
	}
	the_method_needs_nothing(NULL);
}

static void an_empty_directory_is_said(void **state)
{
	(void)state;
	all_say("no ledger.db in it");
}

static void a_directory_that_is_not_there_is_said(void **state)
{
	assert_int_equal(clean(state), 0);
	all_say("no state directory there");
}

static void an_empty_ledger_is_said(void **state)
{
	(void)state;
	led = ledger_open(dir, LEDGER_WRITE, err, sizeof(err));
	ledger_close(led);
	all_say(text_of(T_NOTHING_YET));
}

static void what_is_no_ledger_is_said(void **state)
{
	(void)state;
	write_file("ledger.db", "");
	all_say("not a ledger of mailseal");
	write_file("ledger.db", "no database, and long enough to be looked at, by all means "
				"longer than the header of a database, which has a hundred bytes");
	all_say("not a database");
}

static void a_damaged_ledger_is_said(void **state)
{
	(void)state;
	change("ledger.db", "PRAGMA foreign_keys=OFF; DELETE FROM party");
	assert_int_equal(ask("pair/mta/orange/free.html"), 200); /* no row is theirs any more */
	assert_int_equal(ask("index.html"), 503);
	has("damaged");
	change("ledger.db", "DROP TABLE health_hours");
	assert_int_equal(ask("pair/mta/orange/free.html"), 503);
	assert_int_equal(ask("sensor.html"), 503);
}

/* Nobody may read from a store that is not there, or damaged, that all is well. */
static void without_incidents_nothing_is_claimed(void)
{
	static const char *const pages[] = { "index.html", "pair/mta/orange/free.html",
					     "peer/orange.html", "incidents.html" };
	static const char *const json[] = { "api/v1/overview.json",
					    "api/v1/pair/mta/orange/free.json",
					    "api/v1/peer/orange.json", "api/v1/incidents.json" };

	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		assert_int_equal(ask(pages[i]), 200);
		has(text_of(T_NO_INCIDENT_STORE));
		has_not(text_of(T_NOTHING_FIRES));
		assert_int_equal(ask(json[i]), 200);
		has(i == 0 || i == 2 ? "\"incidents\": null" : "\"firing\": null");
	}
	assert_int_equal(ask("incident/1.html"), 503);
}

static void no_incidents_db_is_said(void **state)
{
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/incidents.db", dir);
	assert_int_equal(remove(path), 0);
	without_incidents_nothing_is_claimed();
}

static void a_damaged_incidents_db_is_said(void **state)
{
	(void)state;
	change("incidents.db", "ALTER TABLE incident RENAME TO gone");
	without_incidents_nothing_is_claimed();
	write_file("incidents.db", "half");
	without_incidents_nothing_is_claimed();
}

int main(void)
{
#define FULL(test)  cmocka_unit_test_setup_teardown(test, fill, clean)
#define EMPTY(test) cmocka_unit_test_setup_teardown(test, make_dir, clean)
	const struct CMUnitTest tests[] = {
		FULL(numbers_are_those_of_the_matrix),
		FULL(a_pair_is_told_in_words_and_numbers),
		FULL(a_span_begins_at_a_whole_hour),
		FULL(one_pair_is_as_in_the_matrix_of_all),
		FULL(a_pair_is_told_in_words_and_numbers),
		FULL(a_silent_pair_is_zeros),
		FULL(who_is_not_known_is_not_found),
		FULL(a_peer_sends_and_receives),
		FULL(incidents_are_listed_and_told),
		FULL(the_sensor_tells_what_it_missed),
		FULL(books_that_differ_are_told),
		FULL(open_flows_belong_to_the_books),
		FULL(the_method_needs_nothing),
		EMPTY(an_empty_directory_is_said),
		EMPTY(a_directory_that_is_not_there_is_said),
		EMPTY(an_empty_ledger_is_said),
		EMPTY(what_is_no_ledger_is_said),
		FULL(a_damaged_ledger_is_said),
		FULL(no_incidents_db_is_said),
		FULL(a_damaged_incidents_db_is_said),
	};

	return cmocka_run_group_tests_name("views", tests, NULL, NULL);
}
