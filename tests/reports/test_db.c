/* Tests reports/db.c. */
#include "tests/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reports/db.h"

static char err[256];
static char dir[64], file[80];

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/mailseal-db-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(file, sizeof(file), "%s/a?b%%c.db", dir);
	err[0] = '\0';
	return 0;
}

static int remove_dir(void **state)
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

static void write_file(const char *text)
{
	FILE *f = fopen(file, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static struct db *open_filled(void)
{
	struct db *db = db_open(file, true, err, sizeof(err));

	assert_non_null(db);
	assert_true(db_exec(db, "CREATE TABLE t(a INTEGER, b TEXT); INSERT INTO t VALUES(7,'x')",
			    err, sizeof(err)));
	return db;
}

static int64_t one_int(struct db *db, const char *sql)
{
	struct db_stmt *s = db_prepare(db, sql, err, sizeof(err));
	int64_t value;

	assert_non_null(s);
	assert_int_equal(db_step(s, err, sizeof(err)), DB_ROW);
	value = db_int(s, 0);
	assert_int_equal(db_step(s, err, sizeof(err)), DB_DONE);
	db_finalize(s);
	return value;
}

static void binds_and_reads_back(void **state)
{
	struct db *db = open_filled();
	struct db_stmt *in = db_prepare(db, "INSERT INTO t VALUES(?,?)", err, sizeof(err));
	struct db_stmt *out;
	char text[8] = "abc";

	(void)state;
	assert_non_null(in);
	db_bind_int(in, 0, INT64_MAX);
	db_bind_text(in, 1, text);
	memset(text, 'z', 3); /* it was copied */
	assert_true(db_run(in, err, sizeof(err)));
	assert_int_equal(db_last_id(db), 2);
	db_bind_int(in, 0, -5);
	db_bind_text(in, 1, NULL);
	assert_true(db_run(in, err, sizeof(err)));
	db_finalize(in);

	out = db_prepare(db, "SELECT a, b FROM t WHERE rowid > 1 ORDER BY rowid", err, sizeof(err));
	assert_non_null(out);
	assert_int_equal(db_step(out, err, sizeof(err)), DB_ROW);
	assert_true(db_int(out, 0) == INT64_MAX);
	assert_string_equal(db_text(out, 1), "abc");
	assert_int_equal(db_step(out, err, sizeof(err)), DB_ROW);
	assert_true(db_int(out, 0) == -5);
	assert_string_equal(db_text(out, 1), "");
	assert_int_equal(db_step(out, err, sizeof(err)), DB_DONE);
	db_finalize(out);
	db_close(db);
}

static void a_rollback_leaves_nothing(void **state)
{
	struct db *db = open_filled();

	(void)state;
	assert_true(db_begin(db, err, sizeof(err)));
	assert_true(db_exec(db, "DELETE FROM t", err, sizeof(err)));
	db_rollback(db);
	db_rollback(db); /* and a second one does no harm */
	assert_int_equal(one_int(db, "SELECT count(*) FROM t"), 1);
	assert_true(db_begin(db, err, sizeof(err)));
	assert_true(db_exec(db, "DELETE FROM t", err, sizeof(err)));
	assert_true(db_commit(db, err, sizeof(err)));
	assert_int_equal(one_int(db, "SELECT count(*) FROM t"), 0);
	db_close(db);
}

static void errors_name_the_file(void **state)
{
	struct db *db = open_filled();
	struct db_stmt *s;

	(void)state;
	assert_false(db_exec(db, "nonsense", err, sizeof(err)));
	assert_non_null(strstr(err, file));
	assert_null(db_prepare(db, "SELECT nothing FROM t", err, sizeof(err)));
	assert_non_null(strstr(err, "nothing"));
	s = db_prepare(db, "SELECT ?", err, sizeof(err));
	db_bind_int(s, 3, 1); /* there is one parameter only */
	assert_int_equal(db_step(s, err, sizeof(err)), DB_ERROR);
	db_reset(s);
	db_bind_int(s, 0, 1);
	assert_int_equal(db_step(s, err, sizeof(err)), DB_ROW);
	db_finalize(s);
	db_close(db);
}

static void a_missing_file_is_not_made_by_reading(void **state)
{
	(void)state;
	assert_null(db_open(file, false, err, sizeof(err)));
	assert_non_null(strstr(err, file));
	assert_non_null(strstr(err, "No such file"));
	assert_int_equal(access(file, F_OK), -1);
	assert_null(db_open("/nonexistent/x.db", true, err, sizeof(err)));
	assert_non_null(strstr(err, "No such file"));
}

static void what_is_no_database_is_refused(void **state)
{
	(void)state;
	write_file("this is a text of some length, and certainly not a database file.\n");
	assert_null(db_open(file, false, err, sizeof(err)));
	assert_non_null(strstr(err, "is not a database"));
	assert_null(db_open(file, true, err, sizeof(err)));
	assert_non_null(strstr(err, "is not a database"));
	assert_null(db_open(dir, true, err, sizeof(err)));
	assert_non_null(strstr(err, "cannot open"));
}

static void reads_while_another_writes(void **state)
{
	struct db *writer = open_filled(), *reader = db_open(file, false, err, sizeof(err));

	(void)state;
	assert_non_null(reader);
	assert_true(db_begin(writer, err, sizeof(err)));
	assert_true(db_exec(writer, "INSERT INTO t VALUES(8,'y')", err, sizeof(err)));
	assert_int_equal(one_int(reader, "SELECT count(*) FROM t"), 1);
	assert_true(db_begin(reader, err, sizeof(err)));
	assert_int_equal(one_int(reader, "SELECT count(*) FROM t"), 1);
	assert_true(db_commit(writer, err, sizeof(err)));
	assert_int_equal(one_int(reader, "SELECT count(*) FROM t"), 1); /* its snapshot */
	assert_true(db_commit(reader, err, sizeof(err)));
	assert_int_equal(one_int(reader, "SELECT count(*) FROM t"), 2);
	assert_false(db_exec(reader, "DELETE FROM t", err, sizeof(err)));
	db_close(reader);
	db_close(writer);
}

/* Opens a database as somebody who may read it and write nothing; says how many rows it saw.
 * Runs in a program of its own, because SQLite handles do not survive a fork. */
static int be_a_stranger(const char *path)
{
	struct db *db;
	int rows;

	if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
		return 100;
	db = db_open(path, false, err, sizeof(err));
	if (db == NULL) {
		fprintf(stderr, "# %s\n", err);
		return 100;
	}
	rows = (int)one_int(db, "SELECT count(*) FROM t");
	db_close(db);
	return rows;
}

static int rows_for_a_stranger(void)
{
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		execl("/proc/self/exe", "test_db", "--stranger", file, (char *)NULL);
		_exit(101);
	}
	assert_true(child > 0 && waitpid(child, &status, 0) == child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void reads_where_it_may_not_write(void **state)
{
	struct db *db = open_filled();
	char wal[100], shm[100];

	(void)state;
	snprintf(wal, sizeof(wal), "%s-wal", file);
	snprintf(shm, sizeof(shm), "%s-shm", file);
	assert_int_equal(chmod(file, 0444) | chmod(wal, 0444) | chmod(shm, 0444), 0);
	assert_int_equal(chmod(dir, 0555), 0);
	assert_int_equal(rows_for_a_stranger(), 1); /* while it is open for writing */
	db_close(db);
	assert_int_equal(access(wal, F_OK), 0);
	assert_int_equal(rows_for_a_stranger(), 1); /* after the writer has gone */
	assert_int_equal(chmod(dir, 0755), 0);
	unlink(wal);
	unlink(shm);
	assert_int_equal(chmod(dir, 0555), 0);
	assert_int_equal(rows_for_a_stranger(), 1); /* a copy without its journal */
	assert_int_equal(chmod(dir, 0755), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(binds_and_reads_back, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(a_rollback_leaves_nothing, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(errors_name_the_file, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(a_missing_file_is_not_made_by_reading, make_dir,
						remove_dir),
		cmocka_unit_test_setup_teardown(what_is_no_database_is_refused, make_dir,
						remove_dir),
		cmocka_unit_test_setup_teardown(reads_while_another_writes, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(reads_where_it_may_not_write, make_dir, remove_dir),
	};

	if (argc == 3 && strcmp(argv[1], "--stranger") == 0)
		return be_a_stranger(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
