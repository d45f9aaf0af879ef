/* Models: that one of a kind at most is live is also a unique index, so a mistake here fails instead of making a second one. */
#include "storage/model_registry.h"

#include "storage/engine.h"

const char *const model_kind_names[] = {[MODEL_BEHAVIOUR] = "behaviour", [MODEL_PICTURES] = "pictures"};
const char *const model_state_names[] = {
    [MODEL_READY] = "ready", [MODEL_LIVE] = "live", [MODEL_DAMAGED] = "damaged", [MODEL_REJECTED] = "rejected"};

enum status model_registry_insert(struct store *store, const struct stored_model *model, struct error *error)
{
    uint64_t n_changed = 0;
    sqlite3_stmt *statement = engine_begin(store, QUERY_MODEL_INSERT);
    bind_text(statement, 1, model->version);
    bind_integer(statement, 2, (int64_t)model->state);
    bind_integer(statement, 3, model->created_at_ms);
    bind_integer(statement, 4, model->activated_at_ms);
    bind_text(statement, 5, model->facts);
    bind_text(statement, 6, model->reason);
    bind_integer(statement, 7, (int64_t)model->kind);
    TRY(engine_run(store, statement, &n_changed, error));
    return n_changed ? STATUS_OK : fail(error, STATUS_CONFLICT, "the model %.64s is registered already", model->version);
}

static struct stored_model read_model(sqlite3_stmt *statement)
{
    return (struct stored_model){
        .number = (uint64_t)sqlite3_column_int64(statement, 0),
        .version = column_text(statement, 1),
        .state = (enum model_state)sqlite3_column_int(statement, 2),
        .created_at_ms = sqlite3_column_int64(statement, 3),
        .activated_at_ms = column_integer(statement, 4, INT64_MIN),
        .facts = column_text(statement, 5),
        .reason = column_text(statement, 6),
        .kind = (enum model_kind)sqlite3_column_int(statement, 7),
    };
}

/* The one row of a query whose parameters are bound. STATUS_NOT_FOUND, without words: there is none. */
static enum status read_row(struct store *store, sqlite3_stmt *statement,
                            enum status (*visit)(void *context, const struct stored_model *model), void *context, struct error *error)
{
    bool has_row = false;
    TRY(engine_step(store, statement, &has_row, error));
    if (!has_row)
        return STATUS_NOT_FOUND;
    struct stored_model model = read_model(statement);
    enum status status = visit(context, &model);
    engine_end(statement);
    return status;
}

enum status model_registry_read(struct store *store, const char *version,
                                enum status (*visit)(void *context, const struct stored_model *model), void *context, struct error *error)
{
    sqlite3_stmt *statement = engine_begin(store, QUERY_MODEL_FIND);
    bind_text(statement, 1, version);
    enum status status = read_row(store, statement, visit, context, error);
    return status == STATUS_NOT_FOUND ? fail(error, status, "there is no model %.64s", version) : status;
}

enum status model_registry_read_live(struct store *store, enum model_kind kind,
                                     enum status (*visit)(void *context, const struct stored_model *model), void *context,
                                     struct error *error)
{
    sqlite3_stmt *statement = engine_begin(store, QUERY_MODEL_FIND_LIVE);
    bind_integer(statement, 1, (int64_t)kind);
    enum status status = read_row(store, statement, visit, context, error);
    return status == STATUS_NOT_FOUND ? fail(error, status, "no model of %s is live", model_kind_names[kind]) : status;
}

static enum status read_state(void *context, const struct stored_model *model)
{
    *(enum model_state *)context = model->state;
    return STATUS_OK;
}

enum status model_registry_find(struct store *store, const char *version, enum model_state *out_state, struct error *error)
{
    return model_registry_read(store, version, read_state, out_state, error);
}

enum status model_registry_activate(struct store *store, const char *version, int64_t at_ms, struct error *error)
{
    enum model_state state;
    TRY(model_registry_find(store, version, &state, error)); /* before the first change */
    sqlite3_stmt *statement = engine_begin(store, QUERY_MODEL_RETIRE_LIVE);
    bind_text(statement, 1, version);
    TRY(engine_run(store, statement, NULL, error));
    statement = engine_begin(store, QUERY_MODEL_MAKE_LIVE);
    bind_text(statement, 1, version);
    bind_integer(statement, 2, at_ms);
    return engine_run(store, statement, NULL, error);
}

static enum status mark(struct store *store, const char *version, enum model_state state, const char *reason, struct error *error)
{
    uint64_t n_changed = 0;
    sqlite3_stmt *statement = engine_begin(store, QUERY_MODEL_MARK);
    bind_text(statement, 1, version);
    bind_integer(statement, 2, (int64_t)state);
    bind_text(statement, 3, reason);
    TRY(engine_run(store, statement, &n_changed, error));
    return n_changed ? STATUS_OK : fail(error, STATUS_NOT_FOUND, "there is no model %.64s", version);
}

enum status model_registry_mark_damaged(struct store *store, const char *version, const char *reason, struct error *error)
{
    return mark(store, version, MODEL_DAMAGED, reason, error);
}

enum status model_registry_mark_rejected(struct store *store, const char *version, const char *reason, struct error *error)
{
    return mark(store, version, MODEL_REJECTED, reason, error);
}

enum status model_registry_scan(struct store *store, enum status (*visit)(void *context, const struct stored_model *model), void *context,
                                struct error *error)
{
    sqlite3_stmt *statement = engine_begin(store, QUERY_MODEL_SCAN);
    for (bool has_row = true;;) {
        TRY(engine_step(store, statement, &has_row, error));
        if (!has_row)
            return STATUS_OK;
        struct stored_model model = read_model(statement);
        enum status status = visit(context, &model);
        if (status != STATUS_OK) {
            engine_end(statement);
            return status;
        }
    }
}
