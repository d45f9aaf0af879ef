/* The catalogue's rows. A text that is put replaces all of the row: what PATCH keeps, the caller has read before. */
#include "storage/item_store.h"

#include "storage/engine.h"

enum status item_store_put(struct store *store, const struct stored_item *item, struct error *error)
{
    sqlite3_stmt *statement = engine_begin(store, QUERY_ITEM_PUT);
    bind_integer(statement, 1, item->item);
    bind_integer(statement, 2, (int64_t)item->kind);
    bind_text(statement, 3, item->title);
    bind_text(statement, 4, item->text);
    bind_text(statement, 5, item->currency);
    bind_text(statement, 6, item->url);
    bind_text(statement, 7, item->categories);
    bind_text(statement, 8, item->tags);
    bind_text(statement, 9, item->attributes);
    bind_number(statement, 10, item->price);
    bind_integer(statement, 11, item->hidden);
    bind_integer(statement, 12, item->deleted);
    bind_integer(statement, 13, item->created_at_ms);
    bind_integer(statement, 14, item->expires_at_ms);
    bind_integer(statement, 15, item->predicted);
    return engine_run(store, statement, NULL, error);
}

static struct stored_item read_item(sqlite3_stmt *statement)
{
    return (struct stored_item){
        .item = (uint32_t)sqlite3_column_int64(statement, 0),
        .kind = (enum item_kind)sqlite3_column_int(statement, 1),
        .title = column_text(statement, 2),
        .text = column_text(statement, 3),
        .currency = column_text(statement, 4),
        .url = column_text(statement, 5),
        .categories = column_text(statement, 6),
        .tags = column_text(statement, 7),
        .attributes = column_text(statement, 8),
        .price = column_number(statement, 9),
        .hidden = sqlite3_column_int(statement, 10) != 0,
        .deleted = sqlite3_column_int(statement, 11) != 0,
        .created_at_ms = column_integer(statement, 12, INT64_MIN),
        .expires_at_ms = column_integer(statement, 13, INT64_MIN),
        .predicted = sqlite3_column_int(statement, 14) != 0,
    };
}

enum status item_store_scan(struct store *store, enum status (*visit)(void *context, const struct stored_item *item), void *context,
                            struct error *error)
{
    sqlite3_stmt *statement = engine_begin(store, QUERY_ITEM_SCAN);
    for (bool has_row = true;;) {
        TRY(engine_step(store, statement, &has_row, error));
        if (!has_row)
            return STATUS_OK;
        struct stored_item item = read_item(statement);
        enum status status = visit(context, &item);
        if (status != STATUS_OK) {
            engine_end(statement);
            return status;
        }
    }
}
