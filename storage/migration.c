/* The version is SQLite's user_version. It is set by the last statement of a migration, inside its transaction: a migration that is cut
 * short has not happened. A file is looked at before anything is written to it: whatever is not ours stays as it is. */
#include "storage/migration.h"

#include "storage/engine.h"

#define APPLICATION_ID 1768844140 /* "inkl", as in 001_foundation.sql */

enum status migration_check(struct store *store, unsigned *out_version, struct error *error)
{
    int64_t application = 0, version = 0, n_objects = 0;
    TRY(engine_prepare(store, QUERY_READ_APPLICATION_ID, error));
    TRY(engine_prepare(store, QUERY_READ_USER_VERSION, error));
    TRY(engine_prepare(store, QUERY_COUNT_OBJECTS, error));
    TRY(engine_ask(store, QUERY_READ_APPLICATION_ID, &application, error));
    TRY(engine_ask(store, QUERY_READ_USER_VERSION, &version, error));
    TRY(engine_ask(store, QUERY_COUNT_OBJECTS, &n_objects, error));
    if (application == 0 && version == 0 && n_objects == 0) {
        *out_version = 0;
        return STATUS_OK;
    }
    if (application != APPLICATION_ID)
        return fail(error, STATUS_CORRUPT, "%.120s: a database of another program; move it away or name another data directory",
                    store->path);
    if (version > MIGRATIONS)
        return fail(error, STATUS_CONFLICT, "%.120s: written by a newer inkling (schema %lld, this program knows %d); use that version",
                    store->path, (long long)version, MIGRATIONS);
    if (version < 1)
        return fail(error, STATUS_CORRUPT, "%.120s: its version is %lld, which never was", store->path, (long long)version);
    *out_version = (unsigned)version;
    return STATUS_OK;
}

enum status migration_run(struct store *store, unsigned version, struct error *error)
{
    TRY(engine_prepare(store, QUERY_BEGIN_WRITE, error));
    TRY(engine_prepare(store, QUERY_COMMIT, error));
    TRY(engine_prepare(store, QUERY_ROLLBACK, error));
    for (; version < MIGRATIONS; version++) {
        TRY(store_begin(store, error));
        enum status status = engine_execute(store, migration_texts[version], error);
        if (status == STATUS_OK)
            status = store_commit(store, error);
        if (status != STATUS_OK) {
            store_rollback(store);
            return status;
        }
    }
    return STATUS_OK;
}
