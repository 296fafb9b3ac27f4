/* db.h - SQLite, as little of it as the ledger and the incident store need.
 *
 * The only place that knows sqlite3.h. Text passed in is copied before the call returns.
 */
#ifndef MAILSEAL_DB_H
#define MAILSEAL_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;
struct db_stmt;

/* Opens a database file; write creates it. WAL journal, synchronous=FULL, foreign keys on,
 * busy timeout 5 s; what is deleted is overwritten. A read-only open works while another process writes, and in a directory in
 * which the reader may not write. NULL with a sentence in err that names the file. */
struct db *db_open(const char *path, bool write, char *err, size_t errlen);
/* Waits for other processes this long instead. */
void db_patience(struct db *db, unsigned ms);
void db_close(struct db *db); /* after every db_finalize(); NULL is allowed */

bool db_exec(struct db *db, const char *sql, char *err, size_t errlen);
/* Takes the write lock at once; on a read-only database begins a snapshot instead. */
bool db_begin(struct db *db, char *err, size_t errlen);
bool db_commit(struct db *db, char *err, size_t errlen);
void db_rollback(struct db *db);
int64_t db_last_id(struct db *db); /* rowid of the last INSERT */

/* Prepares one statement; NULL with err. Parameters and columns count from 0. A value that
 * cannot be bound makes the next db_step() fail. */
struct db_stmt *db_prepare(struct db *db, const char *sql, char *err, size_t errlen);
void db_bind_int(struct db_stmt *s, int param, int64_t value);
void db_bind_text(struct db_stmt *s, int param, const char *value); /* NULL binds NULL */

enum db_step { DB_ROW, DB_DONE, DB_ERROR };
enum db_step db_step(struct db_stmt *s, char *err, size_t errlen);
/* Steps a statement that returns no rows, and resets it. */
bool db_run(struct db_stmt *s, char *err, size_t errlen);
void db_reset(struct db_stmt *s); /* for another round with new parameters */
int64_t db_int(struct db_stmt *s, int column);
const char *db_text(struct db_stmt *s, int column); /* "" for NULL; valid until the next step */
void db_finalize(struct db_stmt *s);                /* NULL is allowed */

#endif
