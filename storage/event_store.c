/* Events: rows in, rows out. What was not given is null in the table. */
#include "storage/event_store.h"

#include "storage/engine.h"

#include <math.h>

enum status event_store_insert(struct store *store, const struct stored_event *event, bool *out_inserted, struct error *error)
{
    uint64_t n_changed = 0;
    sqlite3_stmt *statement = engine_begin(store, QUERY_EVENT_INSERT);
    bind_integer(statement, 1, (int64_t)event->seq);
    bind_text(statement, 2, event->event_id);
    bind_integer(statement, 3, event->user);
    bind_integer(statement, 4, event->item);
    bind_integer(statement, 5, event->type);
    bind_integer(statement, 6, event->at_ms);
    bind_number(statement, 7, event->value);
    bind_integer(statement, 8, event->quantity ? event->quantity : INT64_MIN);
    bind_integer(statement, 9, event->position >= 0 ? event->position : INT64_MIN);
    bind_text(statement, 10, event->session_id);
    bind_text(statement, 11, event->recommendation_id);
    bind_text(statement, 12, event->slot);
    bind_text(statement, 13, event->context);
    TRY(engine_run(store, statement, &n_changed, error));
    *out_inserted = n_changed != 0;
    return STATUS_OK;
}

/* The columns that every query of events begins with. */
static struct stored_event read_event(sqlite3_stmt *statement)
{
    return (struct stored_event){
        .seq = (uint64_t)sqlite3_column_int64(statement, 0),
        .user = (uint32_t)sqlite3_column_int64(statement, 1),
        .item = (uint32_t)sqlite3_column_int64(statement, 2),
        .type = (uint32_t)sqlite3_column_int64(statement, 3),
        .at_ms = sqlite3_column_int64(statement, 4),
        .value = NAN,
        .position = -1,
    };
}

static struct stored_event read_whole_event(sqlite3_stmt *statement)
{
    struct stored_event event = read_event(statement);
    event.event_id = column_text(statement, 5);
    event.value = column_number(statement, 6);
    event.quantity = column_integer(statement, 7, 0);
    event.position = column_integer(statement, 8, -1);
    event.session_id = column_text(statement, 9);
    event.recommendation_id = column_text(statement, 10);
    event.slot = column_text(statement, 11);
    event.context = column_text(statement, 12);
    return event;
}

/* Visit all rows of a statement that is bound. */
static enum status visit_events(struct store *store, sqlite3_stmt *statement, struct stored_event (*read)(sqlite3_stmt *),
                                enum status (*visit)(void *context, const struct stored_event *event), void *context, struct error *error)
{
    for (bool has_row = true;;) {
        TRY(engine_step(store, statement, &has_row, error));
        if (!has_row)
            return STATUS_OK;
        struct stored_event event = read(statement);
        enum status status = visit(context, &event);
        if (status != STATUS_OK) {
            engine_end(statement);
            return status;
        }
    }
}

enum status event_store_scan(struct store *store, enum status (*visit)(void *context, const struct stored_event *event), void *context,
                             struct error *error)
{
    return visit_events(store, engine_begin(store, QUERY_EVENT_SCAN), read_event, visit, context, error);
}

enum status event_store_of_user(struct store *store, uint32_t user, uint64_t before_seq, uint32_t limit,
                                enum status (*visit)(void *context, const struct stored_event *event), void *context, struct error *error)
{
    sqlite3_stmt *statement = engine_begin(store, QUERY_EVENT_OF_USER);
    bind_integer(statement, 1, user);
    bind_integer(statement, 2, before_seq > INT64_MAX ? INT64_MAX : (int64_t)before_seq);
    bind_integer(statement, 3, limit);
    return visit_events(store, statement, read_whole_event, visit, context, error);
}

enum status event_store_count(struct store *store, uint64_t *out_count, uint64_t *out_last_seq, struct error *error)
{
    bool has_row = false;
    sqlite3_stmt *statement = engine_begin(store, QUERY_EVENT_COUNT);
    TRY(engine_step(store, statement, &has_row, error));
    *out_count = has_row ? (uint64_t)sqlite3_column_int64(statement, 0) : 0;
    *out_last_seq = has_row ? (uint64_t)sqlite3_column_int64(statement, 1) : 0;
    engine_end(statement);
    return STATUS_OK;
}

enum status event_store_erase_user(struct store *store, uint32_t user, struct error *error)
{
    TRY(engine_run(store, engine_begin(store, QUERY_EVENT_KEEP_LAST_SEQ), NULL, error));
    sqlite3_stmt *statement = engine_begin(store, QUERY_EVENT_ERASE_USER);
    bind_integer(statement, 1, user);
    return engine_run(store, statement, NULL, error);
}
