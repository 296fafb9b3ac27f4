/* db.c - the part of SQLite that the ledger and the incident store need. */
#include "reports/db.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#define BUSY_MS 5000

struct db {
	sqlite3 *handle;
	char *path;
};

struct db_stmt {
	struct db *db;
	sqlite3_stmt *stmt;
	int bind_rc; /* the first failed bind since the last reset */
};

static void explain_rc(const struct db *db, int rc, const char *text, char *err, size_t errlen)
{
	int sys = sqlite3_system_errno(db->handle);

	switch (rc & 0xff) {
	case SQLITE_CANTOPEN:
		snprintf(err, errlen, "cannot open %s: %s", db->path, sys ? strerror(sys) : text);
		return;
	case SQLITE_NOTADB: snprintf(err, errlen, "%s is not a database", db->path); return;
	case SQLITE_CORRUPT: snprintf(err, errlen, "%s is damaged: %s", db->path, text); return;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		snprintf(err, errlen, "%s is locked by another process", db->path);
		return;
	}
	snprintf(err, errlen, "%s: %s", db->path, text);
}

static void explain(const struct db *db, int rc, char *err, size_t errlen)
{
	explain_rc(db, rc, sqlite3_errmsg(db->handle), err, errlen);
}

/* A WAL database without its -wal and -shm files can only be read by somebody who may create
 * them, unless SQLite is told that nobody writes. Such a file is a copy: writers leave the two
 * files in place (keep_wal). */
static char *immutable_uri(const char *path)
{
	char *uri = malloc(strlen(path) * 3 + sizeof("file:?immutable=1"));
	char *to = uri;

	if (uri == NULL)
		abort();
	to += sprintf(to, "file:");
	for (const char *p = path; *p != '\0'; p++) {
		if (*p == '%' || *p == '?' || *p == '#')
			to += sprintf(to, "%%%02X", (unsigned)*p);
		else
			*to++ = *p;
	}
	strcpy(to, "?immutable=1");
	return uri;
}

static bool has_wal(const char *path)
{
	char *wal = sqlite3_mprintf("%s-wal", path);
	bool there = wal != NULL && access(wal, F_OK) == 0;

	sqlite3_free(wal);
	return there;
}

static const char read_setup[] = "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;"
				 "SELECT count(*) FROM sqlite_master;";

/* A handle stays with the thread that opened it: there is nothing to lock for each column. */
static const int read_flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;

static int open_read(struct db *db)
{
	int rc = sqlite3_open_v2(db->path, &db->handle, read_flags, NULL);
	char *uri;

	sqlite3_busy_timeout(db->handle, BUSY_MS);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db->handle, read_setup, NULL, NULL, NULL);
	if ((rc != SQLITE_CANTOPEN && rc != SQLITE_READONLY) || access(db->path, R_OK) != 0 ||
	    has_wal(db->path))
		return rc;
	sqlite3_close(db->handle);
	uri = immutable_uri(db->path);
	rc = sqlite3_open_v2(uri, &db->handle, read_flags | SQLITE_OPEN_URI, NULL);
	free(uri);
	return rc != SQLITE_OK ? rc : sqlite3_exec(db->handle, read_setup, NULL, NULL, NULL);
}

/* Leaves the -wal and -shm files behind, for readers that may not create them. */
static int keep_wal(struct db *db)
{
	int on = 1;

	return sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_PERSIST_WAL, &on);
}

static int open_write(struct db *db)
{
	int rc = sqlite3_open_v2(db->path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
				 NULL);

	sqlite3_busy_timeout(db->handle, BUSY_MS);
	if (rc == SQLITE_OK)
		rc = keep_wal(db);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db->handle,
				  "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;"
				  "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
				  "PRAGMA journal_size_limit=4194304; PRAGMA foreign_keys=ON;"
				  "PRAGMA secure_delete=ON;",
				  NULL, NULL, NULL);
	if (rc == SQLITE_OK && sqlite3_db_readonly(db->handle, "main") == 1)
		rc = SQLITE_READONLY;
	return rc;
}

struct db *db_open(const char *path, bool write, char *err, size_t errlen)
{
	struct db *db = calloc(1, sizeof(*db));
	int rc;

	if (db == NULL)
		abort();
	db->path = strdup(path);
	if (db->path == NULL)
		abort();
	rc = write ? open_write(db) : open_read(db);
	if (rc == SQLITE_OK)
		return db;
	if (rc == SQLITE_READONLY)
		explain_rc(db, rc, "it may not be written to; its owner and root may", err, errlen);
	else
		explain(db, rc, err, errlen);
	db_close(db);
	return NULL;
}

void db_patience(struct db *db, unsigned ms)
{
	sqlite3_busy_timeout(db->handle, (int)ms);
}

void db_close(struct db *db)
{
	int rc;

	if (db == NULL)
		return;
	rc = sqlite3_close(db->handle);
	assert(rc == SQLITE_OK); /* a statement was not finalized */
	(void)rc;
	free(db->path);
	free(db);
}

bool db_exec(struct db *db, const char *sql, char *err, size_t errlen)
{
	int rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);

	if (rc != SQLITE_OK)
		explain(db, rc, err, errlen);
	return rc == SQLITE_OK;
}

bool db_begin(struct db *db, char *err, size_t errlen)
{
	bool read_only = sqlite3_db_readonly(db->handle, "main") == 1;

	return db_exec(db, read_only ? "BEGIN" : "BEGIN IMMEDIATE", err, errlen);
}

bool db_commit(struct db *db, char *err, size_t errlen)
{
	return db_exec(db, "COMMIT", err, errlen);
}

void db_rollback(struct db *db)
{
	/* Some errors have rolled back already; that is no second error. */
	if (!sqlite3_get_autocommit(db->handle))
		sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
}

int64_t db_last_id(struct db *db)
{
	return sqlite3_last_insert_rowid(db->handle);
}

struct db_stmt *db_prepare(struct db *db, const char *sql, char *err, size_t errlen)
{
	struct db_stmt *s = calloc(1, sizeof(*s));
	int rc;

	if (s == NULL)
		abort();
	s->db = db;
	rc = sqlite3_prepare_v3(db->handle, sql, -1, 0, &s->stmt, NULL);
	if (rc == SQLITE_OK)
		return s;
	explain(db, rc, err, errlen);
	free(s);
	return NULL;
}

static void note_bind(struct db_stmt *s, int rc)
{
	if (s->bind_rc == SQLITE_OK)
		s->bind_rc = rc;
}

void db_bind_int(struct db_stmt *s, int param, int64_t value)
{
	note_bind(s, sqlite3_bind_int64(s->stmt, param + 1, value));
}

void db_bind_text(struct db_stmt *s, int param, const char *value)
{
	if (value == NULL)
		note_bind(s, sqlite3_bind_null(s->stmt, param + 1));
	else
		note_bind(s, sqlite3_bind_text(s->stmt, param + 1, value, -1, SQLITE_TRANSIENT));
}

enum db_step db_step(struct db_stmt *s, char *err, size_t errlen)
{
	int rc = s->bind_rc;

	if (rc != SQLITE_OK) {
		explain_rc(s->db, rc, sqlite3_errstr(rc), err, errlen);
		return DB_ERROR;
	}
	rc = sqlite3_step(s->stmt);
	if (rc == SQLITE_ROW)
		return DB_ROW;
	if (rc == SQLITE_DONE)
		return DB_DONE;
	explain(s->db, rc, err, errlen);
	return DB_ERROR;
}

bool db_run(struct db_stmt *s, char *err, size_t errlen)
{
	enum db_step got = db_step(s, err, errlen);

	assert(got != DB_ROW);
	db_reset(s);
	return got == DB_DONE;
}

void db_reset(struct db_stmt *s)
{
	sqlite3_reset(s->stmt);
	sqlite3_clear_bindings(s->stmt);
	s->bind_rc = SQLITE_OK;
}

int64_t db_int(struct db_stmt *s, int column)
{
	return sqlite3_column_int64(s->stmt, column);
}

const char *db_text(struct db_stmt *s, int column)
{
	const unsigned char *text = sqlite3_column_text(s->stmt, column);

	return text == NULL ? "" : (const char *)text;
}

void db_finalize(struct db_stmt *s)
{
	if (s == NULL)
		return;
	sqlite3_finalize(s->stmt);
	free(s);
}
