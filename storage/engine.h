/* The inner side of storage: the only header that knows SQLite. Statements are prepared once at open and found by their number.
 *
 * A statement in use: engine_begin (fresh, nothing bound) → bind_… → engine_run, or engine_step until there are no more rows and
 * engine_end. Texts are bound as they are, without a copy: they must last until engine_run returns or engine_end is called. Columns and
 * parameters count from zero and from one, as in SQLite. */
#ifndef STORAGE_ENGINE_H
#define STORAGE_ENGINE_H

#include "schema/schema_sql.h"
#include "storage/store.h"

#include <sqlite3.h>

struct store {
    sqlite3 *database;
    sqlite3_stmt *statements[QUERY_COUNT];
    enum store_mode mode;
    int lock;     /* file descriptor; -1 in STORE_READ */
    char *path;   /* of the database */
    char *models; /* DIR/models */
};

/* Open the file and set what must be set before the first statement. The caller closes the store also after a failure. */
enum status engine_open(struct store *store, struct error *error) MUST_CHECK;
void engine_close(struct store *store);

/* Prepare one query; all queries. */
enum status engine_prepare(struct store *store, enum query query, struct error *error) MUST_CHECK;
enum status engine_prepare_all(struct store *store, struct error *error) MUST_CHECK;

/* Run statements that give nothing back. */
enum status engine_execute(struct store *store, const char *sql, struct error *error) MUST_CHECK;

sqlite3_stmt *engine_begin(struct store *store, enum query query);

/* Run a statement to its end. out_changed (may be NULL): rows that it changed. */
enum status engine_run(struct store *store, sqlite3_stmt *statement, uint64_t *out_changed, struct error *error) MUST_CHECK;

/* The next row, or *out_has_row = false at the end (the statement is then ended). After a failure it is ended too. */
enum status engine_step(struct store *store, sqlite3_stmt *statement, bool *out_has_row, struct error *error) MUST_CHECK;
void engine_end(sqlite3_stmt *statement);

/* A query that gives one whole number in its first column. STATUS_NOT_FOUND: no row. */
enum status engine_ask(struct store *store, enum query query, int64_t *out_number, struct error *error) MUST_CHECK;

/* What SQLite's code means to the program, in words that name the file. */
enum status engine_fail(const struct store *store, int code, struct error *error);

/* Binding cannot fail: nothing is copied. NULL, INT64_MIN and NAN are SQL's null. */
void bind_text(sqlite3_stmt *statement, int parameter, const char *text);
void bind_integer(sqlite3_stmt *statement, int parameter, int64_t number);
void bind_number(sqlite3_stmt *statement, int parameter, double number);
void bind_bytes(sqlite3_stmt *statement, int parameter, const void *bytes, size_t n);

/* A column of the present row; text and bytes are valid until the next step. */
const char *column_text(sqlite3_stmt *statement, int column);
int64_t column_integer(sqlite3_stmt *statement, int column, int64_t if_null);
double column_number(sqlite3_stmt *statement, int column); /* NAN if null */
const void *column_bytes(sqlite3_stmt *statement, int column, size_t *out_n);

#endif
