/* One table a kind of name, with the same two columns. */
#include "storage/name_store.h"

#include "storage/engine.h"

static const struct {
    const char *what;
    enum query insert, scan;
} tables[NAME_KINDS] = {
    [NAME_USER] = {"user", QUERY_USER_NAME_INSERT, QUERY_USER_NAME_SCAN},
    [NAME_ITEM] = {"item", QUERY_ITEM_NAME_INSERT, QUERY_ITEM_NAME_SCAN},
    [NAME_TYPE] = {"type", QUERY_TYPE_NAME_INSERT, QUERY_TYPE_NAME_SCAN},
};

enum status name_store_insert(struct store *store, enum name_kind kind, uint32_t number, const char *text, struct error *error)
{
    uint64_t n_changed = 0;
    sqlite3_stmt *statement = engine_begin(store, tables[kind].insert);
    bind_integer(statement, 1, number);
    bind_text(statement, 2, text);
    TRY(engine_run(store, statement, &n_changed, error));
    if (!n_changed)
        return fail(error, STATUS_CONFLICT, "%.120s: the number %u of a new %s is not the next one", store->path, number,
                    tables[kind].what);
    return STATUS_OK;
}

enum status name_store_scan(struct store *store, enum name_kind kind,
                            enum status (*visit)(void *context, uint32_t number, const char *text), void *context, struct error *error)
{
    sqlite3_stmt *statement = engine_begin(store, tables[kind].scan);
    for (uint32_t number = 0;; number++) {
        bool has_row = false;
        TRY(engine_step(store, statement, &has_row, error));
        if (!has_row)
            return STATUS_OK;
        enum status status = STATUS_OK;
        if (sqlite3_column_int64(statement, 0) != number)
            status =
                fail(error, STATUS_CORRUPT, "%.120s: damaged: the %s with number %u is not there", store->path, tables[kind].what, number);
        else
            status = visit(context, number, column_text(statement, 1));
        if (status != STATUS_OK) {
            engine_end(statement);
            return status;
        }
    }
}
