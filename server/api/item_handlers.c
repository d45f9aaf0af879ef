/* The catalogue: items one by one, many at once, and as a list. Reading is from memory; what was written is answered as memory shows it
 * after the commit. */
#include "server/api/api.h"
#include "server/api/body.h"
#include "server/api/handlers.h"
#include "server/api/item_json.h"
#include "server/api/query.h"
#include "server/api/writing.h"

#include <assert.h>
#include <string.h>

#define PAGE_MAX_BYTES (UINT32_C(1) << 20) /* a page ends early when it has grown past this */

/* The table without its first field, item_id: here the path names the item. */
static struct fields description_fields(void)
{
    struct fields fields = item_input_fields;
    assert(strcmp(fields.fields[0].name, "item_id") == 0);
    fields.fields++;
    fields.n_fields--;
    return fields;
}

static enum status find_item(const struct exchange *exchange, const struct item **out_item, struct error *error)
{
    const char *item_id = exchange_segment(exchange, 0);
    const struct item *item = app_find_item(api_of(exchange)->app, item_id);
    if (!item)
        return fail(error, STATUS_NOT_FOUND, "there is no item %.128s", item_id);
    *out_item = item;
    return STATUS_OK;
}

static enum status reply_item(struct exchange *exchange, unsigned code, struct error *error)
{
    const struct item *item = NULL;
    struct emit emit;
    TRY(find_item(exchange, &item, error));
    emit_init(&emit, exchange_out(exchange));
    item_emit(item, NULL, &emit);
    return exchange_reply(exchange, code, NULL);
}

enum status item_get(struct exchange *exchange, struct error *error)
{
    TRY(query_refuse_all(exchange, error));
    return reply_item(exchange, 200, error);
}

/* --- one item --- */

static enum status item_finish(struct exchange *exchange, struct error *error)
{
    struct write *write = NULL;
    TRY(writing_done(exchange, &write, error));
    return reply_item(exchange, write->created ? 201 : 200, error);
}

/* input must live in the arena. */
static enum status submit_item(struct exchange *exchange, struct item_input *input, struct error *error)
{
    struct write *write = arena_alloc(exchange_arena(exchange), sizeof *write);
    if (!write)
        return fail(error, STATUS_NOMEM, "no memory for an item");
    input->item_id = exchange_segment(exchange, 0);
    *write = (struct write){.kind = WRITE_ITEMS, .items = input, .n = 1};
    return writing_submit(exchange, write, item_finish);
}

enum status item_put(struct exchange *exchange, struct error *error)
{
    struct mistakes mistakes = {.n_mistakes = 0};
    struct fields fields = description_fields();
    struct item_input *input = arena_alloc(exchange_arena(exchange), sizeof *input);
    TRY(query_refuse_all(exchange, error));
    if (!input)
        return fail(error, STATUS_NOMEM, "no memory for an item");
    enum status status = body_read(exchange, &fields, input, NULL, &mistakes);
    return status == STATUS_OK ? submit_item(exchange, input, error) : refuse(exchange, status, &mistakes, error);
}

enum status item_patch(struct exchange *exchange, struct error *error)
{
    struct mistakes mistakes = {.n_mistakes = 0};
    struct fields fields = description_fields();
    struct item_input patch, *input = arena_alloc(exchange_arena(exchange), sizeof *input);
    const struct item *item = NULL;
    uint64_t present = 0;
    TRY(query_refuse_all(exchange, error));
    if (!input)
        return fail(error, STATUS_NOMEM, "no memory for an item");
    enum status status = body_read(exchange, &fields, &patch, &present, &mistakes);
    if (status != STATUS_OK)
        return refuse(exchange, status, &mistakes, error);
    TRY(find_item(exchange, &item, error));
    status = item_input_load(&item->row, item->item_id, exchange_arena(exchange), input);
    if (status != STATUS_OK)
        return fail(error, status, status == STATUS_NOMEM ? "no memory for an item" : "the item in the catalogue is damaged: PUT it anew");
    record_overlay(&fields, present, &patch, input);
    /* what was predicted stays so until somebody says it */
    input->predicted = input->predicted && input->categories.texts != patch.categories.texts;
    return submit_item(exchange, input, error);
}

enum status item_delete(struct exchange *exchange, struct error *error)
{
    TRY(query_refuse_all(exchange, error));
    struct write *write = arena_alloc(exchange_arena(exchange), sizeof *write);
    if (!write)
        return fail(error, STATUS_NOMEM, "no memory for an item");
    *write = (struct write){.kind = WRITE_ITEM_DELETE, .id = exchange_segment(exchange, 0)};
    return writing_submit(exchange, write, writing_reply_nothing);
}

/* --- many items --- */

struct items_write {
    struct write write; /* first: it is what the exchange keeps */
    struct batch batch;
};

static const struct batch_kind item_batch = {.fields = &item_input_fields, .list_name = "items"};

static enum status items_finish(struct exchange *exchange, struct error *error)
{
    struct write *write = NULL;
    struct emit emit;
    TRY(writing_done(exchange, &write, error));
    const struct items_write *items = exchange_kept(exchange);
    emit_init(&emit, exchange_out(exchange));
    emit_open_object(&emit, NULL);
    emit_integer(&emit, "accepted", (int64_t)write->n_accepted);
    batch_emit_rejections(&items->batch, &emit);
    emit_close_object(&emit);
    return exchange_reply(exchange, 200, NULL);
}

enum status items_post(struct exchange *exchange, struct error *error)
{
    struct mistakes mistakes = {.n_mistakes = 0};
    TRY(query_refuse_all(exchange, error));
    struct items_write *items = arena_alloc(exchange_arena(exchange), sizeof *items);
    if (!items)
        return fail(error, STATUS_NOMEM, "no memory for items");
    enum status status =
        batch_read(exchange, &item_batch, (size_t)api_of(exchange)->settings->http_max_batch, &items->batch, &mistakes, error);
    if (status != STATUS_OK)
        return status == STATUS_LIMIT ? status : refuse(exchange, status, &mistakes, error);
    items->write = (struct write){.kind = WRITE_ITEMS, .items = items->batch.records, .n = items->batch.n_records};
    return writing_submit(exchange, &items->write, items_finish);
}

/* --- the list --- */

struct items_query {
    int64_t limit, cursor; /* cursor: the number of the first item that may be listed */
    int kind, known;
};

static const struct items_query items_query_defaults = {.limit = 50, .kind = KIND_ANY, .known = -1};
static const char *const yes_or_no[] = {"false", "true", NULL};

/* clang-format off */
static const struct field items_query_table[] = {
    {.name = "limit",  .kind = FIELD_INTEGER, .offset = offsetof(struct items_query, limit),  .least = 1, .most = 1000},
    {.name = "cursor", .kind = FIELD_INTEGER, .offset = offsetof(struct items_query, cursor), .least = 0, .most = 4294967295.0},
    {.name = "kind",   .kind = FIELD_CHOICE,  .offset = offsetof(struct items_query, kind),   .choices = item_kind_names},
    {.name = "known",  .kind = FIELD_CHOICE,  .offset = offsetof(struct items_query, known),  .choices = yes_or_no},
};
/* clang-format on */

static const struct fields items_query_fields = {.what = "the list of items",
                                                 .fields = items_query_table,
                                                 .n_fields = sizeof items_query_table / sizeof items_query_table[0],
                                                 .record_bytes = sizeof(struct items_query),
                                                 .defaults = &items_query_defaults};

static bool is_wanted(const struct items_query *query, const struct item *item)
{
    return item && !item->row.deleted && (query->kind == KIND_ANY || (int)item->row.kind == query->kind) &&
           (query->known < 0 || item->known == (query->known == 1));
}

/* The page's items, and where the next page starts (or null). */
static void emit_page(struct emit *emit, struct app *app, const struct items_query *query)
{
    uint32_t n_items = app_count_items(app);
    int64_t n = 0, number = query->cursor;
    emit_open_array(emit, "items");
    for (; number < n_items; number++) {
        const struct item *item = app_item(app, (uint32_t)number);
        if (!is_wanted(query, item))
            continue;
        if (n == query->limit || emit->out->n_bytes > PAGE_MAX_BYTES)
            break;
        item_emit(item, NULL, emit);
        n++;
    }
    emit_close_array(emit);
    if (number < n_items)
        emit_integer(emit, "next_cursor", number);
    else
        emit_raw(emit, "next_cursor", NULL);
}

enum status items_get(struct exchange *exchange, struct error *error)
{
    struct mistakes mistakes = {.n_mistakes = 0};
    struct items_query query;
    struct emit emit;
    enum status status = query_read(exchange, &items_query_fields, &query, &mistakes);
    if (status != STATUS_OK)
        return refuse(exchange, status, &mistakes, error);
    emit_init(&emit, exchange_out(exchange));
    emit_open_object(&emit, NULL);
    emit_page(&emit, api_of(exchange)->app, &query);
    emit_close_object(&emit);
    return exchange_reply(exchange, 200, NULL);
}
