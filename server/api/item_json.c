/* One table of members. The first ones are what a list may be asked for; the others are shown with the whole item only. */
#include "server/api/item_json.h"

#include <string.h>

#define PRICE_DIGITS 15

const char *const item_kind_names[] = {[ITEM_CONTENT] = "content", [ITEM_PRODUCT] = "product", [ITEM_AD] = "ad", NULL};

static void emit_kind(struct emit *emit, const char *name, const struct stored_item *row)
{
    emit_text(emit, name, item_kind_names[row->kind]);
}

static void emit_title(struct emit *emit, const char *name, const struct stored_item *row)
{
    emit_text(emit, name, row->title);
}

static void emit_categories(struct emit *emit, const char *name, const struct stored_item *row)
{
    emit_raw(emit, name, row->categories ? row->categories : "[]");
}

static void emit_predicted(struct emit *emit, const char *name, const struct stored_item *row)
{
    emit_boolean(emit, name, row->predicted);
}

static void emit_tags(struct emit *emit, const char *name, const struct stored_item *row)
{
    emit_raw(emit, name, row->tags ? row->tags : "[]");
}

static void emit_price(struct emit *emit, const char *name, const struct stored_item *row)
{
    emit_number(emit, name, row->price, PRICE_DIGITS);
}

static void emit_currency(struct emit *emit, const char *name, const struct stored_item *row)
{
    emit_text(emit, name, row->currency);
}

static void emit_url(struct emit *emit, const char *name, const struct stored_item *row)
{
    emit_text(emit, name, row->url);
}

static void emit_attributes(struct emit *emit, const char *name, const struct stored_item *row)
{
    emit_raw(emit, name, row->attributes);
}

static void emit_long_text(struct emit *emit, const char *name, const struct stored_item *row)
{
    emit_text(emit, name, row->text);
}

static void emit_hidden(struct emit *emit, const char *name, const struct stored_item *row)
{
    emit_boolean(emit, name, row->hidden);
}

static void emit_created_at(struct emit *emit, const char *name, const struct stored_item *row)
{
    emit_time(emit, name, row->created_at_ms);
}

static void emit_expires_at(struct emit *emit, const char *name, const struct stored_item *row)
{
    emit_time(emit, name, row->expires_at_ms);
}

/* clang-format off */
static const struct part {
    const char *name;
    void (*emit)(struct emit *emit, const char *name, const struct stored_item *row);
} parts_table[] = {
    {"kind",       emit_kind},
    {"title",      emit_title},
    {"categories", emit_categories},
    {"tags",       emit_tags},
    {"price",      emit_price},
    {"currency",   emit_currency},
    {"url",        emit_url},
    {"attributes", emit_attributes},
    {"text",       emit_long_text}, /* from here on: ITEM_PARTS_MAX */
    {"categories_predicted", emit_predicted},
    {"hidden",     emit_hidden},
    {"created_at", emit_created_at},
    {"expires_at", emit_expires_at},
};
/* clang-format on */

#define N_PARTS (sizeof parts_table / sizeof parts_table[0])

static bool find_part(const char *name, unsigned *out_part)
{
    for (unsigned i = 0; i < ITEM_PARTS_MAX; i++) {
        if (strcmp(parts_table[i].name, name) == 0) {
            *out_part = i;
            return true;
        }
    }
    return false;
}

enum status item_parts_read(const struct texts *names, const char *pointer, struct arena *arena, unsigned *out_parts,
                            struct mistakes *mistakes)
{
    unsigned parts = 0, part = 0;
    for (size_t i = 0; i < names->n_texts; i++) {
        if (!find_part(names->texts[i], &part)) {
            mistakes_add(mistakes, arena, pointer,
                         "expected kind, title, categories, tags, price, currency, url or attributes, got \"%.48s\"", names->texts[i]);
            return STATUS_INVALID;
        }
        parts |= 1U << part;
    }
    *out_parts = parts;
    return STATUS_OK;
}

void item_emit_parts(const struct item *item, unsigned parts, struct emit *emit)
{
    for (unsigned i = 0; i < N_PARTS; i++)
        if (parts >> i & 1)
            parts_table[i].emit(emit, parts_table[i].name, &item->row);
}

void item_emit(const struct item *item, const char *name, struct emit *emit)
{
    emit_open_object(emit, name);
    emit_text(emit, "item_id", item->item_id);
    emit_boolean(emit, "known", item->known);
    item_emit_parts(item, (1U << N_PARTS) - 1, emit);
    emit_close_object(emit);
}
