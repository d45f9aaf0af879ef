/* Opening, transactions and bulk mode of a store. SQLite may roll a transaction back by itself (a full disk); whether one is open is
 * therefore asked of it and not remembered. */
#include "storage/store.h"

#include "storage/directory.h"
#include "storage/engine.h"
#include "storage/migration.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- open and close --- */

static char *join(const char *directory, const char *name)
{
    size_t n = strlen(directory) + strlen(name) + 2;
    char *path = malloc(n);
    if (path)
        (void)snprintf(path, n, "%s/%s", directory, name);
    return path;
}

static enum status open_for_writing(struct store *store, const char *directory, struct error *error)
{
    unsigned version = 0;
    TRY(directory_make(directory, store->models, store->path, error));
    TRY(directory_lock(directory, &store->lock, error));
    TRY(engine_open(store, error));
    TRY(migration_check(store, &version, error));
    TRY(engine_execute(store, script_texts[SCRIPT_OPEN_WRITE], error));
    TRY(migration_run(store, version, error));
    TRY(engine_execute(store, script_texts[SCRIPT_BUILD_INDEXES], error));
    return engine_prepare_all(store, error);
}

static enum status open_for_reading(struct store *store, const char *directory, struct error *error)
{
    unsigned version = 0;
    if (access(store->path, F_OK))
        return fail(error, STATUS_NOT_FOUND, "%.160s: there is no data here yet; `inkling import` or `inkling serve` makes it", directory);
    TRY(engine_open(store, error));
    TRY(migration_check(store, &version, error));
    if (version == 0)
        return fail(error, STATUS_NOT_FOUND, "%.160s: there is no data here yet; `inkling import` or `inkling serve` makes it", directory);
    if (version < MIGRATIONS)
        return fail(error, STATUS_CONFLICT,
                    "%.120s: written by an older inkling (schema %u); start this version's `inkling serve` once to bring it up",
                    store->path, version);
    TRY(engine_execute(store, script_texts[SCRIPT_OPEN_READ], error));
    return engine_prepare_all(store, error);
}

enum status store_open(const char *directory, enum store_mode mode, struct store **out_store, struct error *error)
{
    SCOPED(store_close) struct store *store = calloc(1, sizeof *store);
    if (!store)
        return fail(error, STATUS_NOMEM, "no memory for the store");
    store->mode = mode;
    store->lock = -1;
    store->path = join(directory, "inkling.db");
    store->models = join(directory, "models");
    if (!store->path || !store->models)
        return fail(error, STATUS_NOMEM, "no memory for the store");
    TRY((mode == STORE_WRITE ? open_for_writing : open_for_reading)(store, directory, error));
    *out_store = store;
    store = NULL;
    return STATUS_OK;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    if (store->database)
        store_rollback(store);
    engine_close(store); /* folds the log back */
    if (store->lock >= 0)
        (void)close(store->lock);
    free(store->path);
    free(store->models);
    free(store);
}

const char *store_models_directory(const struct store *store)
{
    return store->models;
}

/* --- transactions --- */

enum status store_begin(struct store *store, struct error *error)
{
    int64_t pinned;
    assert(sqlite3_get_autocommit(store->database));
    TRY(engine_run(store, engine_begin(store, store->mode == STORE_WRITE ? QUERY_BEGIN_WRITE : QUERY_BEGIN_READ), NULL, error));
    if (store->mode == STORE_WRITE)
        return STATUS_OK;
    enum status status = engine_ask(store, QUERY_PIN_SNAPSHOT, &pinned, error);
    if (status != STATUS_OK)
        store_rollback(store);
    return status;
}

enum status store_commit(struct store *store, struct error *error)
{
    if (sqlite3_get_autocommit(store->database)) /* an earlier failure has rolled it back already, and was reported then */
        return fail(error, STATUS_IO, "%.120s: the transaction was given up after an earlier failure", store->path);
    enum status status = engine_run(store, engine_begin(store, QUERY_COMMIT), NULL, error);
    if (status != STATUS_OK)
        store_rollback(store);
    return status;
}

void store_rollback(struct store *store)
{
    if (sqlite3_get_autocommit(store->database) || !store->statements[QUERY_ROLLBACK])
        return;
    enum status status = engine_run(store, engine_begin(store, QUERY_ROLLBACK), NULL, NULL);
    (void)status; /* it fails only when SQLite has rolled back by itself */
}

void store_checkpoint(struct store *store)
{
    assert(store->mode == STORE_WRITE);
    (void)sqlite3_wal_checkpoint_v2(store->database, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL,
                                    NULL); /* what it cannot do now the next one does */
}

/* --- checks and bulk mode --- */

enum status store_check_integrity(struct store *store, struct error *error)
{
    bool has_row = false;
    int64_t n_stray = 0, n_missing = 0;
    sqlite3_stmt *statement = engine_begin(store, QUERY_INTEGRITY_CHECK);
    TRY(engine_step(store, statement, &has_row, error));
    const char *finding = has_row ? column_text(statement, 0) : NULL;
    enum status status = STATUS_OK;
    if (!finding || strcmp(finding, "ok") != 0)
        status = fail(error, STATUS_CORRUPT, "%.120s: damaged: %.100s", store->path, finding ? finding : "no answer");
    engine_end(statement);
    TRY(status);
    TRY(engine_ask(store, QUERY_MISSING_INDEX_COUNT, &n_missing, error));
    if (n_missing)
        return fail(error, STATUS_CORRUPT, "%.120s: an index is missing; the next opening for writing builds it", store->path);
    TRY(engine_ask(store, QUERY_STRAY_COUNT, &n_stray, error));
    if (n_stray)
        return fail(error, STATUS_CORRUPT, "%.120s: %lld rows name a user, item or type that is not there", store->path,
                    (long long)n_stray);
    return STATUS_OK;
}

enum status store_bulk_begin(struct store *store, struct error *error)
{
    assert(store->mode == STORE_WRITE && sqlite3_get_autocommit(store->database));
    return engine_execute(store, script_texts[SCRIPT_BULK_BEGIN], error);
}

enum status store_bulk_end(struct store *store, struct error *error)
{
    assert(store->mode == STORE_WRITE && sqlite3_get_autocommit(store->database));
    TRY(engine_execute(store, script_texts[SCRIPT_BULK_END], error)); /* first: sorting for an index takes as much memory as the cache may */
    return engine_execute(store, script_texts[SCRIPT_BUILD_INDEXES], error);
}
