/* Events in, and a user's events out. What is answered to a batch is answered after its commit. */
#include "core/base/clock.h"
#include "server/api/api.h"
#include "server/api/body.h"
#include "server/api/handlers.h"
#include "server/api/query.h"
#include "server/api/writing.h"

#include <math.h>
#include <string.h>

#define UNKNOWN_ITEMS_MAX 100u
#define VALUE_DIGITS      15 /* what people write comes back as they wrote it */

struct event_write {
    struct write write; /* first: it is what the exchange keeps */
    struct batch batch;
};

static enum status complete_event(void *record, struct error *error)
{
    return event_input_complete(record, clock_now_ms(), error);
}

static const struct batch_kind event_batch = {.fields = &event_input_fields, .list_name = "events", .check = complete_event};

/* Is item_id one of the n before it? */
static bool is_listed(const char *const listed[], size_t n, const char *item_id)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(listed[i], item_id) == 0)
            return true;
    return false;
}

/* "unknown_items": what the catalogue does not describe (yet), each once. */
static void emit_unknown_items(struct emit *emit, struct app *app, const struct event_input events[], size_t n)
{
    const char *listed[UNKNOWN_ITEMS_MAX];
    size_t n_listed = 0;
    emit_open_array(emit, "unknown_items");
    for (size_t i = 0; i < n && n_listed < UNKNOWN_ITEMS_MAX; i++) {
        const struct item *item = app_find_item(app, events[i].item_id);
        if ((item && item->known) || is_listed(listed, n_listed, events[i].item_id))
            continue;
        listed[n_listed++] = events[i].item_id;
        emit_text(emit, NULL, events[i].item_id);
    }
    emit_close_array(emit);
}

static enum status events_finish(struct exchange *exchange, struct error *error)
{
    struct write *write = NULL;
    struct emit emit;
    TRY(writing_done(exchange, &write, error));
    const struct event_write *events = exchange_kept(exchange);
    emit_init(&emit, exchange_out(exchange));
    emit_open_object(&emit, NULL);
    emit_integer(&emit, "accepted", (int64_t)write->n_accepted);
    emit_integer(&emit, "duplicates", (int64_t)write->n_duplicates);
    batch_emit_rejections(&events->batch, &emit);
    emit_integer(&emit, "seq", (int64_t)write->seq);
    emit_unknown_items(&emit, api_of(exchange)->app, write->events, write->n);
    emit_close_object(&emit);
    return exchange_reply(exchange, 200, NULL);
}

enum status events_post(struct exchange *exchange, struct error *error)
{
    struct mistakes mistakes = {.n_mistakes = 0};
    TRY(query_refuse_all(exchange, error));
    struct event_write *events = arena_alloc(exchange_arena(exchange), sizeof *events);
    if (!events)
        return fail(error, STATUS_NOMEM, "no memory for events");
    enum status status =
        batch_read(exchange, &event_batch, (size_t)api_of(exchange)->settings->http_max_batch, &events->batch, &mistakes, error);
    if (status != STATUS_OK)
        return status == STATUS_LIMIT ? status : refuse(exchange, status, &mistakes, error);
    events->write = (struct write){.kind = WRITE_EVENTS, .events = events->batch.records, .n = events->batch.n_records};
    return writing_submit(exchange, &events->write, events_finish);
}

/* --- a user's events --- */

struct events_query {
    int64_t limit, cursor;
};

static const struct events_query events_query_defaults = {.limit = 50, .cursor = INT64_MAX};

/* clang-format off */
static const struct field events_query_table[] = {
    {.name = "limit",  .kind = FIELD_INTEGER, .offset = offsetof(struct events_query, limit),  .least = 1, .most = 1000},
    {.name = "cursor", .kind = FIELD_INTEGER, .offset = offsetof(struct events_query, cursor), .least = 0, .most = 9007199254740991.0},
};
/* clang-format on */

static const struct fields events_query_fields = {.what = "a list of events",
                                                  .fields = events_query_table,
                                                  .n_fields = sizeof events_query_table / sizeof events_query_table[0],
                                                  .record_bytes = sizeof(struct events_query),
                                                  .defaults = &events_query_defaults};

/* One more than a page is asked for, to know whether there is a next one. */
struct event_page {
    struct emit emit;
    uint32_t n, limit;
    uint64_t last_seq;
    bool has_more;
};

static void emit_optional_text(struct emit *emit, const char *name, const char *text)
{
    if (text)
        emit_text(emit, name, text);
}

static void emit_event(struct emit *emit, const struct user_event *event)
{
    emit_open_object(emit, NULL);
    emit_integer(emit, "seq", (int64_t)event->seq);
    emit_optional_text(emit, "event_id", event->event_id);
    emit_text(emit, "item_id", event->item_id);
    emit_text(emit, "type", event->type);
    emit_time(emit, "timestamp", event->at_ms);
    if (!isnan(event->value))
        emit_number(emit, "value", event->value, VALUE_DIGITS);
    if (event->quantity > 0)
        emit_integer(emit, "quantity", event->quantity);
    if (event->position >= 0)
        emit_integer(emit, "position", event->position);
    emit_optional_text(emit, "session_id", event->session_id);
    emit_optional_text(emit, "recommendation_id", event->recommendation_id);
    emit_optional_text(emit, "slot", event->slot);
    if (event->context)
        emit_raw(emit, "context", event->context);
    emit_close_object(emit);
}

static enum status visit_event(void *context, const struct user_event *event)
{
    struct event_page *page = context;
    if (page->n == page->limit) {
        page->has_more = true;
        return STATUS_OK;
    }
    page->n++;
    page->last_seq = event->seq;
    emit_event(&page->emit, event);
    return STATUS_OK;
}

enum status user_events_get(struct exchange *exchange, struct error *error)
{
    struct mistakes mistakes = {.n_mistakes = 0};
    struct events_query query;
    const char *user_id = exchange_segment(exchange, 0);
    enum status status = query_read(exchange, &events_query_fields, &query, &mistakes);
    if (status != STATUS_OK)
        return refuse(exchange, status, &mistakes, error);
    struct event_page page = {.limit = (uint32_t)query.limit};
    emit_init(&page.emit, exchange_out(exchange));
    emit_open_object(&page.emit, NULL);
    emit_text(&page.emit, "user_id", user_id);
    emit_open_array(&page.emit, "events");
    TRY(app_user_events(api_of(exchange)->app, user_id, (uint64_t)query.cursor, page.limit + 1, visit_event, &page, error));
    emit_close_array(&page.emit);
    if (page.has_more)
        emit_integer(&page.emit, "next_cursor", (int64_t)page.last_seq);
    else
        emit_raw(&page.emit, "next_cursor", NULL);
    emit_close_object(&page.emit);
    return exchange_reply(exchange, 200, NULL);
}
