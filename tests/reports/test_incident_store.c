/* Tests that incidents.db of an older version is brought up to date, and read as it is. */
#include "tests/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/deliveries.h"
#include "reports/incident_db.h"

/* As version 1 made it, with three incidents: 1 fires and syslog knows, 2 fires and syslog does not
 * know that it is critical, 3 is closed and syslog does not know. */
static const char version_1[] =
	"CREATE TABLE incident (id INTEGER PRIMARY KEY, rule TEXT NOT NULL,"
	" client TEXT NOT NULL, server TEXT NOT NULL, service TEXT NOT NULL, sensor TEXT NOT NULL,"
	" severity TEXT NOT NULL, state TEXT NOT NULL, why TEXT NOT NULL,"
	" opened INTEGER NOT NULL, last_seen INTEGER NOT NULL, closed INTEGER NOT NULL,"
	" sessions INTEGER NOT NULL, confirmed INTEGER NOT NULL);"
	"CREATE UNIQUE INDEX incident_identity"
	" ON incident(rule, client, server, service, sensor) WHERE state <> 'closed';"
	"CREATE TABLE tally (incident INTEGER NOT NULL REFERENCES incident(id),"
	" what TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (incident, what)) WITHOUT ROWID;"
	"CREATE TABLE evidence (incident INTEGER NOT NULL REFERENCES incident(id),"
	" slot INTEGER NOT NULL, record TEXT NOT NULL, PRIMARY KEY (incident, slot))"
	" WITHOUT ROWID;"
	"CREATE TABLE event (id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" incident INTEGER NOT NULL REFERENCES incident(id), event TEXT NOT NULL,"
	" severity TEXT NOT NULL, state TEXT NOT NULL, why TEXT NOT NULL);"
	"PRAGMA user_version = 1;"
	"INSERT INTO incident VALUES"
	" (1, 'r', 'orange', 'free', 'mta', 's', 'warning', 'stale', 'w', 100, 150, 0, 2, 1),"
	" (2, 'r', 'free', 'orange', 'mta', 's', 'critical', 'open', '', 200, 250, 0, 3, 3),"
	" (3, 'r', 'sfr', 'orange', 'mta', 's', 'critical', 'closed', '', 300, 350, 400, 1, 1);"
	"INSERT INTO tally VALUES (1, 'exposure:envelope', 2);"
	"INSERT INTO evidence VALUES (1, 0, 'record');"
	"INSERT INTO event VALUES (7, 2, 'escalated', 'critical', 'open', ''),"
	" (8, 3, 'closed', 'critical', 'closed', '');";

struct bench {
	char dir[64];
	struct incident_store *st;
	char err[256];
};

static int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	char path[128];
	struct db *db;
	bool ok;

	*state = b;
	strcpy(b->dir, "/tmp/mailseal-store-XXXXXX");
	if (!mkdtemp(b->dir))
		return 1;
	snprintf(path, sizeof(path), "%s/incidents.db", b->dir);
	db = db_open(path, true, b->err, sizeof(b->err));
	ok = db && db_exec(db, version_1, b->err, sizeof(b->err));
	db_close(db);
	return !ok;
}

static int tear_down(void **state)
{
	struct bench *b = *state;
	char command[128];
	int rc;

	incident_store_close(b->st);
	snprintf(command, sizeof(command), "rm -rf %s", b->dir);
	rc = system(command);
	free(b);
	return rc;
}

static void open_store(struct bench *b, bool write)
{
	incident_store_close(b->st);
	b->st = incident_store_open(b->dir, write, b->err, sizeof(b->err));
	if (!b->st)
		fail_msg("%s", b->err);
}

static int64_t number(struct bench *b, const char *sql)
{
	int64_t n = -1;

	if (!incident_store_number(db_prepare(b->st->db, sql, b->err, sizeof(b->err)), &n, b->err,
				   sizeof(b->err)))
		fail_msg("%s", b->err);
	return n;
}

static bool on_incident(void *ctx, const struct incident *i)
{
	struct incident *list = ctx;

	list[i->id] = *i;
	return true;
}

static void assert_incidents(struct bench *b)
{
	struct incident_query q = { .state = -1 };
	struct incident list[4] = { 0 };

	assert_true(incident_store_list(b->st, &q, on_incident, list, b->err, sizeof(b->err)));
	assert_string_equal(list[1].client, "orange");
	assert_int_equal(list[1].state, INCIDENT_STALE);
	assert_string_equal(list[1].why, "w");
	assert_int_equal(list[1].by_exposure[EXPOSURE_ENVELOPE], 2);
	assert_int_equal(list[2].sessions, 3);
	assert_int_equal(list[3].closed, 400);
	for (unsigned n = 1; n <= 3; n++) {
		assert_int_equal(list[n].acked, 0);
		assert_string_equal(list[n].ack_by, "");
		assert_int_equal(list[n].flaps, 1);
		assert_int_equal(list[n].since, list[n].opened);
	}
}

static void a_reader_takes_it_as_it_is(void **state)
{
	struct bench *b = *state;

	open_store(b, false);
	assert_incidents(b);
	assert_int_equal(number(b, "PRAGMA user_version"), 1);
}

static void a_writer_brings_it_up_to_date(void **state)
{
	struct bench *b = *state;

	for (unsigned n = 0; n < 2; n++) { /* once */
		open_store(b, true);
		assert_int_equal(number(b, "PRAGMA user_version"), 3);
		assert_incidents(b);
		assert_int_equal(number(b, "SELECT count(*) FROM event"), 3);
		assert_int_equal(number(b, "SELECT at FROM event WHERE id = 7"), 250);
		assert_int_equal(number(b, "SELECT at FROM event WHERE id = 8"), 400);
	}
	assert_int_equal(number(b, "SELECT count(*) FROM evidence"), 1);
	assert_int_equal(number(b, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
}

/* What syslog knows counts as sent, and the rest waits for it. */
static void syslog_is_told_what_it_was_not_told(void **state)
{
	struct bench *b = *state;
	struct deliveries *queue;
	char told[128] = "";
	struct delivery del;
	struct target t;
	size_t n = 0;

	open_store(b, true);
	target_init(&t, TARGET_SYSLOG);
	strcpy(t.name, "syslog");
	queue = deliveries_open(b->dir, &t, NULL, 0, b->err, sizeof(b->err));
	assert_non_null(queue);
	while (deliveries_next(queue, 500, &del, b->err, sizeof(b->err)) == DELIVERIES_DUE) {
		enum delivery_state sent;
		unsigned given_up;

		n += (size_t)snprintf(told + n, sizeof(told) - n, "%d:%s ", (int)del.incident.id,
				      incident_event_name(del.event));
		assert_true(deliveries_record(queue, &del, SINK_TAKEN, "", 500, &sent, &given_up,
					      b->err, sizeof(b->err)));
		delivery_fini(&del);
	}
	deliveries_close(queue);
	assert_string_equal(told, "2:escalated 3:closed ");
	assert_int_equal(number(b, "SELECT count(*) FROM delivery WHERE state = 'sent'"), 3);
}

static void a_new_store_is_what_an_old_one_becomes(void **state)
{
	static const char columns[] =
		"SELECT count(*) FROM sqlite_master m, pragma_table_info(m.name)"
		" WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%'";
	struct bench *b = *state;
	char command[128];
	int64_t old;

	open_store(b, true);
	old = number(b, columns);
	incident_store_close(b->st);
	b->st = NULL;
	snprintf(command, sizeof(command), "rm %s/incidents.db*", b->dir);
	assert_int_equal(system(command), 0);
	open_store(b, true);
	assert_int_equal(number(b, columns), old);
	assert_int_equal(number(b, "PRAGMA user_version"), 3);
}

static void change(struct bench *b, const char *sql)
{
	if (!db_exec(b->st->db, sql, b->err, sizeof(b->err)))
		fail_msg("%s", b->err);
}

static void note_gone(void *ctx, int64_t id, const char *rule)
{
	char *gone = ctx;

	sprintf(gone + strlen(gone), "%d:%s ", (int)id, rule);
}

static void assert_gone(struct bench *b, int64_t before, unsigned most, const char *expected)
{
	char gone[128] = "";

	if (!incident_store_expire(b->st, before, most, note_gone, gone, b->err, sizeof(b->err)))
		fail_msg("%s", b->err);
	assert_string_equal(gone, expected);
}

/* 4 to 7 closed at 500 to 503, with all that belongs to an incident. */
static void add_closed(struct bench *b)
{
	change(b,
	       "INSERT INTO incident (id, rule, client, server, service, sensor, severity, state,"
	       " why, opened, last_seen, closed, sessions, confirmed) VALUES"
	       " (4, 'a', 'x', 'y', 'mta', 's', 'warning', 'closed', '', 1, 2, 500, 1, 1),"
	       " (5, 'b', 'x', 'y', 'mta', 's', 'warning', 'closed', '', 1, 2, 501, 1, 1),"
	       " (6, 'c', 'x', 'y', 'mta', 's', 'warning', 'closed', '', 1, 2, 502, 1, 1),"
	       " (7, 'c', 'x', 'y', 'mta', 's', 'warning', 'closed', '', 1, 2, 503, 1, 1);"
	       "DELETE FROM target; DELETE FROM delivery;"
	       "INSERT INTO evidence SELECT id, 0, 'proof that nobody wants ' || id FROM incident"
	       " WHERE id > 2;"
	       "INSERT INTO tally SELECT id, 'cause:unknown', 1 FROM incident WHERE id > 2;"
	       "INSERT INTO event (id, incident, event, at, severity, state, why)"
	       " SELECT 10 + id, id, 'closed', closed, severity, state, '' FROM incident WHERE id "
	       "> 3;"
	       "INSERT INTO event (id, event, at, severity, state, why)"
	       " VALUES (30, 'test', 450, 'warning', 'open', '');"
	       "INSERT INTO delivery (event, target, state) VALUES (30, 'syslog', 'sent'),"
	       " (14, 'syslog', 'waiting'), (15, 'syslog', 'refused');"
	       "INSERT INTO target VALUES ('syslog', 30)");
}

static void what_closed_long_ago_goes_with_all_that_belongs_to_it(void **state)
{
	struct bench *b = *state;

	open_store(b, true);
	add_closed(b);
	assert_gone(b, 400, 9, "");
	assert_gone(b, 402, 0, "");
	assert_int_equal(number(b, "SELECT count(*) FROM event WHERE event = 'test'"), 1);
	assert_gone(b, 502, 9, "3:r 5:b "); /* 4 waits for syslog */
	assert_int_equal(number(b, "SELECT count(*) FROM incident WHERE id IN (3, 5)"), 0);
	assert_int_equal(number(b, "SELECT count(*) FROM evidence WHERE incident IN (3, 5)"), 0);
	assert_int_equal(number(b, "SELECT count(*) FROM tally WHERE incident IN (3, 5)"), 0);
	assert_int_equal(number(b, "SELECT count(*) FROM event WHERE id IN (8, 15, 30)"), 0);
	assert_int_equal(number(b, "SELECT count(*) FROM delivery"), 1);
	change(b, "UPDATE delivery SET state = 'silenced'");
	assert_gone(b, INT64_MAX, 1, "4:a ");
	assert_gone(b, INT64_MAX, 9, "6:c "); /* 7 is the last, 1 and 2 are not over */
	assert_int_equal(number(b, "SELECT count(*) FROM incident"), 3);
	assert_int_equal(number(b, "SELECT count(*) FROM evidence"), 2);
	assert_int_equal(number(b, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
}

static void what_a_target_has_not_taken_up_stays(void **state)
{
	struct bench *b = *state;

	open_store(b, true);
	add_closed(b);
	change(b, "DELETE FROM delivery; INSERT INTO target VALUES ('slow', 14)");
	assert_gone(b, INT64_MAX, 9, "3:r 4:a ");
	change(b, "UPDATE target SET last_event = 16 WHERE name = 'slow'");
	assert_gone(b, INT64_MAX, 9, "5:b 6:c ");
}

/* Not the rows only: nobody finds it in the file. */
static void what_is_gone_is_overwritten(void **state)
{
	struct bench *b = *state;
	char command[128];

	open_store(b, true);
	add_closed(b);
	change(b, "PRAGMA wal_checkpoint(TRUNCATE)");
	snprintf(command, sizeof(command), "grep -q 'nobody wants 3' %s/incidents.db", b->dir);
	assert_int_equal(system(command), 0);
	assert_gone(b, 402, 9, "3:r ");
	change(b, "PRAGMA wal_checkpoint(TRUNCATE)");
	assert_int_not_equal(system(command), 0);
}

static bool on_row(void *ctx, const struct delivery_row *row)
{
	*(struct delivery_row *)ctx = *row;
	return true;
}

/* Version 2 knew when something was repeated, and not what came of it. */
static void repetitions_of_version_2_are_kept(void **state)
{
	static const char version_2[] = "ALTER TABLE delivery DROP COLUMN repeats;"
					"ALTER TABLE delivery DROP COLUMN repeat_state;"
					"ALTER TABLE delivery DROP COLUMN repeat_answer;"
					"UPDATE delivery SET repeated = 300;"
					"PRAGMA user_version = 2";
	struct bench *b = *state;
	struct delivery_row row = { 0 };

	open_store(b, true);
	assert_true(db_exec(b->st->db, version_2, b->err, sizeof(b->err)));
	for (unsigned n = 0; n < 2; n++) { /* as it is, and brought up to date */
		assert_true(deliveries_list(b->dir, 1, 0, on_row, &row, b->err, sizeof(b->err)));
		assert_int_equal(row.state, DELIVERY_SENT);
		assert_int_equal(row.repeated, 300);
		assert_int_equal(row.repeat_state, DELIVERY_STATES);
		assert_int_equal(number(b, "PRAGMA user_version"), n == 0 ? 2 : 3);
		open_store(b, true);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_reader_takes_it_as_it_is),
		TEST(a_writer_brings_it_up_to_date),
		TEST(syslog_is_told_what_it_was_not_told),
		TEST(repetitions_of_version_2_are_kept),
		TEST(a_new_store_is_what_an_old_one_becomes),
		TEST(what_closed_long_ago_goes_with_all_that_belongs_to_it),
		TEST(what_a_target_has_not_taken_up_stays),
		TEST(what_is_gone_is_overwritten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
