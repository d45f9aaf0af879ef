/* Profiles, and the hole that an erased user leaves among the names. */
#include "storage/user_store.h"

#include "storage/engine.h"

enum status user_store_put(struct store *store, const struct stored_user *user, struct error *error)
{
    sqlite3_stmt *statement = engine_begin(store, QUERY_USER_PUT);
    bind_integer(statement, 1, user->user);
    bind_text(statement, 2, user->attributes);
    bind_integer(statement, 3, user->created_at_ms);
    bind_integer(statement, 4, user->updated_at_ms);
    return engine_run(store, statement, NULL, error);
}

enum status user_store_get(struct store *store, uint32_t user, enum status (*visit)(void *context, const struct stored_user *user),
                           void *context, struct error *error)
{
    bool has_row = false;
    sqlite3_stmt *statement = engine_begin(store, QUERY_USER_GET);
    bind_integer(statement, 1, user);
    TRY(engine_step(store, statement, &has_row, error));
    if (!has_row)
        return fail(error, STATUS_NOT_FOUND, "the user has no profile");
    struct stored_user row = {
        .user = (uint32_t)sqlite3_column_int64(statement, 0),
        .attributes = column_text(statement, 1),
        .created_at_ms = sqlite3_column_int64(statement, 2),
        .updated_at_ms = sqlite3_column_int64(statement, 3),
    };
    enum status status = visit(context, &row);
    engine_end(statement);
    return status;
}

enum status user_store_erase(struct store *store, uint32_t user, struct error *error)
{
    static const enum query queries[] = {QUERY_USER_ERASE, QUERY_USER_NAME_ERASE};
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        sqlite3_stmt *statement = engine_begin(store, queries[i]);
        bind_integer(statement, 1, user);
        TRY(engine_run(store, statement, NULL, error));
    }
    return STATUS_OK;
}
