/* The table of an item, and the way between what callers write and the row that is kept: lists are arrays here and JSON there. */
#include "server/wire/item_input.h"

#include "core/base/emit.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#define ATTRIBUTES_MAX_BYTES 8192
#define LIST_MAX             64
#define LIST_MAX_BYTES       65536 /* 64 ids of 128 bytes, each byte escaped, fit */

static const char *const kinds[] = {[ITEM_CONTENT] = "content", [ITEM_PRODUCT] = "product", [ITEM_AD] = "ad", NULL};

static const struct item_input defaults = {.kind = ITEM_CONTENT, .price = NAN, .created_at_ms = INT64_MIN, .expires_at_ms = INT64_MIN};

/* ISO 4217 has only such codes. */
static bool is_currency(const char *text, size_t n_bytes)
{
    return n_bytes == 3 && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 3;
}

#define AT(member) offsetof(struct item_input, member)

/* clang-format off */
static const struct field table[] = {
    {.name = "item_id",    .kind = FIELD_ID,      .offset = AT(item_id),    .required = true},
    {.name = "kind",       .kind = FIELD_CHOICE,  .offset = AT(kind),       .choices = kinds},
    {.name = "title",      .kind = FIELD_TEXT,    .offset = AT(title),      .max = 1024},
    {.name = "text",       .kind = FIELD_TEXT,    .offset = AT(text),       .max = 16384},
    {.name = "categories", .kind = FIELD_IDS,     .offset = AT(categories), .max = LIST_MAX},
    {.name = "price",      .kind = FIELD_NUMBER,  .offset = AT(price),      .least = 0, .most = 1e15},
    {.name = "currency",   .kind = FIELD_TEXT,    .offset = AT(currency),   .max = 3, .accepts = is_currency, .shape = "three capital letters, as in \"EUR\""},
    {.name = "tags",       .kind = FIELD_IDS,     .offset = AT(tags),       .max = LIST_MAX},
    {.name = "url",        .kind = FIELD_TEXT,    .offset = AT(url),        .max = 2048},
    {.name = "attributes", .kind = FIELD_JSON,    .offset = AT(attributes), .max = ATTRIBUTES_MAX_BYTES},
    {.name = "hidden",     .kind = FIELD_BOOLEAN, .offset = AT(hidden)},
    {.name = "created_at", .kind = FIELD_TIME,    .offset = AT(created_at_ms)},
    {.name = "expires_at", .kind = FIELD_TIME,    .offset = AT(expires_at_ms)},
};
/* clang-format on */

const struct fields item_input_fields = {
    .what = "an item",
    .fields = table,
    .n_fields = sizeof table / sizeof table[0],
    .record_bytes = sizeof(struct item_input),
    .defaults = &defaults,
};

/* An empty list is "not given". */
static enum status write_list(const struct texts *list, struct arena *arena, const char **out_json)
{
    if (!list->n_texts) {
        *out_json = NULL;
        return STATUS_OK;
    }
    SCOPED(buffer_clear) struct buffer text;
    struct emit emit;
    buffer_init(&text, LIST_MAX_BYTES);
    emit_init(&emit, &text);
    emit_open_array(&emit, NULL);
    for (size_t i = 0; i < list->n_texts; i++)
        emit_text(&emit, NULL, list->texts[i]);
    emit_close_array(&emit);
    const char *copy = text.failed ? NULL : arena_copy(arena, text.bytes, text.n_bytes);
    if (!copy)
        return STATUS_NOMEM;
    *out_json = copy;
    return STATUS_OK;
}

enum status item_input_store(const struct item_input *input, uint32_t item, struct arena *arena, struct stored_item *out_row)
{
    struct stored_item row = {
        .item = item,
        .kind = (enum item_kind)input->kind,
        .title = input->title,
        .text = input->text,
        .currency = input->currency,
        .url = input->url,
        .attributes = input->attributes,
        .price = input->price,
        .predicted = input->predicted,
        .hidden = input->hidden,
        .created_at_ms = input->created_at_ms,
        .expires_at_ms = input->expires_at_ms,
    };
    TRY(write_list(&input->categories, arena, &row.categories));
    TRY(write_list(&input->tags, arena, &row.tags));
    *out_row = row;
    return STATUS_OK;
}

/* json is a list that write_list made. */
static enum status read_list(const char *json, struct arena *arena, struct texts *out_list)
{
    SCOPED(node_destroy) struct node *document = NULL;
    if (!json)
        return STATUS_OK;
    enum status status = node_parse(json, strlen(json), &document, NULL);
    if (status == STATUS_INVALID || (status == STATUS_OK && node_kind(document) != NODE_ARRAY))
        return STATUS_CORRUPT;
    TRY(status);
    struct texts list = {.n_texts = node_count(document)};
    list.texts = arena_alloc_array(arena, list.n_texts + 1, sizeof *list.texts);
    if (!list.texts)
        return STATUS_NOMEM;
    for (size_t i = 0; i < list.n_texts; i++) {
        const struct node *text = node_at(document, i);
        if (node_kind(text) != NODE_TEXT)
            return STATUS_CORRUPT;
        list.texts[i] = arena_copy(arena, node_text(text, NULL), strlen(node_text(text, NULL)));
        if (!list.texts[i])
            return STATUS_NOMEM;
    }
    *out_list = list;
    return STATUS_OK;
}

/* NULL stays NULL. False: no memory. */
static bool copy_text(struct arena *arena, const char *text, const char **out_copy)
{
    *out_copy = text ? arena_copy(arena, text, strlen(text)) : NULL;
    return !text || *out_copy;
}

enum status item_input_load(const struct stored_item *row, const char *item_id, struct arena *arena, struct item_input *out_input)
{
    struct item_input input = {
        .kind = (int)row->kind,
        .price = row->price,
        .predicted = row->predicted,
        .hidden = row->hidden,
        .created_at_ms = row->created_at_ms,
        .expires_at_ms = row->expires_at_ms,
    };
    if (!copy_text(arena, item_id, &input.item_id) || !copy_text(arena, row->title, &input.title) ||
        !copy_text(arena, row->text, &input.text) || !copy_text(arena, row->currency, &input.currency) ||
        !copy_text(arena, row->url, &input.url) || !copy_text(arena, row->attributes, &input.attributes))
        return STATUS_NOMEM;
    TRY(read_list(row->categories, arena, &input.categories));
    TRY(read_list(row->tags, arena, &input.tags));
    *out_input = input;
    return STATUS_OK;
}
