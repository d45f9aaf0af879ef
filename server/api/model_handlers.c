/* The registry of models: which there are, which one is live, and making another one live. */
#include "server/api/api.h"
#include "server/api/handlers.h"
#include "server/api/query.h"
#include "server/api/writing.h"

static void emit_model(struct emit *emit, const struct model_row *row)
{
    emit_open_object(emit, NULL);
    emit_text(emit, "version", row->version);
    emit_text(emit, "kind", row->kind);
    emit_text(emit, "state", row->state);
    emit_text(emit, "reason", row->reason);
    emit_time(emit, "created_at", row->created_at_ms);
    emit_time(emit, "activated_at", row->activated_at_ms);
    emit_raw(emit, "facts", row->facts);
    emit_close_object(emit);
}

enum status models_get(struct exchange *exchange, struct error *error)
{
    struct model_row *rows = NULL;
    struct emit emit;
    size_t n = 0;
    TRY(query_refuse_all(exchange, error));
    TRY(app_models(api_of(exchange)->app, exchange_arena(exchange), &rows, &n, error));
    emit_init(&emit, exchange_out(exchange));
    emit_open_object(&emit, NULL);
    emit_open_array(&emit, "models");
    for (size_t i = 0; i < n; i++)
        emit_model(&emit, &rows[i]);
    emit_close_array(&emit);
    emit_close_object(&emit);
    return exchange_reply(exchange, 200, NULL);
}

static enum status reply_model(struct exchange *exchange, struct error *error)
{
    struct model_row row;
    struct emit emit;
    TRY(app_model(api_of(exchange)->app, exchange_segment(exchange, 0), exchange_arena(exchange), &row, error));
    emit_init(&emit, exchange_out(exchange));
    emit_model(&emit, &row);
    return exchange_reply(exchange, 200, NULL);
}

enum status model_get(struct exchange *exchange, struct error *error)
{
    TRY(query_refuse_all(exchange, error));
    return reply_model(exchange, error);
}

static enum status activate_finish(struct exchange *exchange, struct error *error)
{
    struct write *write = NULL;
    enum status status = writing_done(exchange, &write, error);
    if (status == STATUS_CORRUPT) /* the file that was asked for, not what we answer with: a conflict, and the live model stays */
        return STATUS_CONFLICT;
    return status == STATUS_OK ? reply_model(exchange, error) : status;
}

enum status model_activate_post(struct exchange *exchange, struct error *error)
{
    TRY(query_refuse_all(exchange, error));
    struct write *write = arena_alloc(exchange_arena(exchange), sizeof *write);
    if (!write)
        return fail(error, STATUS_NOMEM, "no memory to activate a model");
    *write = (struct write){.kind = WRITE_MODEL_ACTIVATE, .id = exchange_segment(exchange, 0)};
    return writing_submit(exchange, write, activate_finish);
}
