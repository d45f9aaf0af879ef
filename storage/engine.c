/* SQLite's codes become statuses here and nowhere else. Extended codes are on, so that the words can tell a full disk from a bad one. */
#include "storage/engine.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BUSY_WAIT_MS 10000 /* for the moments in which the log's index is rebuilt or a checkpoint ends */

/* The last failure of the operating system, if SQLite kept it. */
static const char *system_words(const struct store *store)
{
    int number = store->database ? sqlite3_system_errno(store->database) : 0;
    return number ? strerror(number) : "";
}

enum status engine_fail(const struct store *store, int code, struct error *error)
{
    const char *path = store->path, *words = store->database ? sqlite3_errmsg(store->database) : sqlite3_errstr(code);
    switch (code & 0xff) {
    case SQLITE_FULL: return fail(error, STATUS_IO, "%.120s: the disk is full; nothing of this write was kept", path);
    case SQLITE_IOERR:
        return fail(error, STATUS_IO, "%.120s: reading or writing failed (%s%s%s)", path, sqlite3_errstr(code),
                    *system_words(store) ? ": " : "", system_words(store));
    case SQLITE_CORRUPT: return fail(error, STATUS_CORRUPT, "%.120s: the database is damaged (%.80s); restore a backup", path, words);
    case SQLITE_NOTADB:
        return fail(error, STATUS_CORRUPT, "%.120s: not an inkling database; move it away or name another data directory", path);
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return fail(error, STATUS_BUSY, "%.120s: held by another process", path);
    case SQLITE_NOMEM: return fail(error, STATUS_NOMEM, "no memory for the database");
    case SQLITE_CONSTRAINT: return fail(error, STATUS_CONFLICT, "%.120s: %.100s", path, words);
    case SQLITE_TOOBIG: return fail(error, STATUS_LIMIT, "%.120s: %.100s", path, words);
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
        return fail(error, STATUS_IO, "%.120s: cannot be opened for this (%.60s%s%s)", path, words, *system_words(store) ? ": " : "",
                    system_words(store));
    default: return fail(error, STATUS_IO, "%.120s: %.100s (%d)", path, words, code);
    }
}

enum status engine_open(struct store *store, struct error *error)
{
    int flags = (store->mode == STORE_WRITE ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int code = sqlite3_open_v2(store->path, &store->database, flags, NULL);
    if (code != SQLITE_OK)
        return engine_fail(store, code, error);
    (void)sqlite3_busy_timeout(store->database, BUSY_WAIT_MS);
    /* a damaged or foreign schema must not run code; only the writer folds the log back */
    (void)sqlite3_db_config(store->database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    (void)sqlite3_db_config(store->database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(store->database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, store->mode == STORE_READ, NULL);
    return STATUS_OK;
}

void engine_close(struct store *store)
{
    for (int query = 0; query < QUERY_COUNT; query++)
        (void)sqlite3_finalize(store->statements[query]);
    (void)sqlite3_close(store->database);
}

enum status engine_prepare(struct store *store, enum query query, struct error *error)
{
    if (store->statements[query])
        return STATUS_OK;
    int code = sqlite3_prepare_v3(store->database, query_texts[query], -1, SQLITE_PREPARE_PERSISTENT, &store->statements[query], NULL);
    if (code == SQLITE_ERROR) /* a table or column is not there */
        return fail(error, STATUS_CORRUPT, "%.120s: its tables are not as they should be (%s: %.80s)", store->path, query_names[query],
                    sqlite3_errmsg(store->database));
    return code == SQLITE_OK ? STATUS_OK : engine_fail(store, code, error);
}

enum status engine_prepare_all(struct store *store, struct error *error)
{
    for (int query = 0; query < QUERY_COUNT; query++)
        TRY(engine_prepare(store, (enum query)query, error));
    return STATUS_OK;
}

enum status engine_execute(struct store *store, const char *sql, struct error *error)
{
    int code = sqlite3_exec(store->database, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? STATUS_OK : engine_fail(store, code, error);
}

sqlite3_stmt *engine_begin(struct store *store, enum query query)
{
    sqlite3_stmt *statement = store->statements[query];
    assert(statement && !sqlite3_stmt_busy(statement)); /* busy: a visit calls what is calling it */
    return statement;
}

void engine_end(sqlite3_stmt *statement)
{
    (void)sqlite3_reset(statement);
    (void)sqlite3_clear_bindings(statement);
}

enum status engine_step(struct store *store, sqlite3_stmt *statement, bool *out_has_row, struct error *error)
{
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW || code == SQLITE_DONE) {
        *out_has_row = code == SQLITE_ROW;
        if (code == SQLITE_DONE)
            engine_end(statement);
        return STATUS_OK;
    }
    enum status status = engine_fail(store, code, error);
    engine_end(statement);
    return status;
}

enum status engine_run(struct store *store, sqlite3_stmt *statement, uint64_t *out_changed, struct error *error)
{
    bool has_row = true;
    while (has_row)
        TRY(engine_step(store, statement, &has_row, error));
    if (out_changed)
        *out_changed = (uint64_t)sqlite3_changes64(store->database);
    return STATUS_OK;
}

enum status engine_ask(struct store *store, enum query query, int64_t *out_number, struct error *error)
{
    bool has_row = false;
    sqlite3_stmt *statement = engine_begin(store, query);
    TRY(engine_step(store, statement, &has_row, error));
    if (!has_row)
        return fail(error, STATUS_NOT_FOUND, "%.120s: %s gave no row", store->path, query_names[query]);
    *out_number = sqlite3_column_int64(statement, 0);
    engine_end(statement);
    return STATUS_OK;
}

void bind_text(sqlite3_stmt *statement, int parameter, const char *text)
{
    (void)sqlite3_bind_text(statement, parameter, text, -1, SQLITE_STATIC);
}

void bind_integer(sqlite3_stmt *statement, int parameter, int64_t number)
{
    if (number == INT64_MIN)
        (void)sqlite3_bind_null(statement, parameter);
    else
        (void)sqlite3_bind_int64(statement, parameter, number);
}

void bind_number(sqlite3_stmt *statement, int parameter, double number)
{
    (void)sqlite3_bind_double(statement, parameter, number); /* SQLite keeps NAN as null */
}

void bind_bytes(sqlite3_stmt *statement, int parameter, const void *bytes, size_t n)
{
    (void)sqlite3_bind_blob64(statement, parameter, bytes, n, SQLITE_STATIC);
}

const char *column_text(sqlite3_stmt *statement, int column)
{
    return (const char *)sqlite3_column_text(statement, column);
}

int64_t column_integer(sqlite3_stmt *statement, int column, int64_t if_null)
{
    return sqlite3_column_type(statement, column) == SQLITE_NULL ? if_null : sqlite3_column_int64(statement, column);
}

const void *column_bytes(sqlite3_stmt *statement, int column, size_t *out_n)
{
    const void *bytes = sqlite3_column_blob(statement, column);
    *out_n = (size_t)sqlite3_column_bytes(statement, column);
    return bytes;
}

double column_number(sqlite3_stmt *statement, int column)
{
    return sqlite3_column_type(statement, column) == SQLITE_NULL ? (double)NAN : sqlite3_column_double(statement, column);
}
