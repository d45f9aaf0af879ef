/* Pictures are rows and not files: they are backed up, erased and committed with everything else. */
#include "storage/picture_store.h"

#include "storage/engine.h"

enum status picture_store_put(struct store *store, const struct stored_picture *picture, struct error *error)
{
    sqlite3_stmt *statement = engine_begin(store, QUERY_PICTURE_PUT);
    bind_integer(statement, 1, picture->item);
    bind_integer(statement, 2, picture->changed_at_ms);
    bind_text(statement, 3, picture->media_type);
    bind_bytes(statement, 4, picture->original, picture->n_original);
    bind_integer(statement, 5, picture->height);
    bind_integer(statement, 6, picture->width);
    bind_integer(statement, 7, picture->channels);
    bind_bytes(statement, 8, picture->pixels, (size_t)picture->height * picture->width * picture->channels);
    return engine_run(store, statement, NULL, error);
}

static struct stored_picture read_picture(sqlite3_stmt *statement)
{
    struct stored_picture picture = {
        .item = (uint32_t)sqlite3_column_int64(statement, 0),
        .changed_at_ms = sqlite3_column_int64(statement, 1),
        .media_type = column_text(statement, 2),
        .height = (uint32_t)sqlite3_column_int64(statement, 4),
        .width = (uint32_t)sqlite3_column_int64(statement, 5),
        .channels = (uint32_t)sqlite3_column_int64(statement, 6),
    };
    size_t n_pixels;
    picture.original = column_bytes(statement, 3, &picture.n_original);
    picture.pixels = column_bytes(statement, 7, &n_pixels);
    return picture;
}

enum status picture_store_read(struct store *store, uint32_t item,
                               enum status (*visit)(void *context, const struct stored_picture *picture), void *context,
                               struct error *error)
{
    bool has_row = false;
    sqlite3_stmt *statement = engine_begin(store, QUERY_PICTURE_FIND);
    bind_integer(statement, 1, item);
    TRY(engine_step(store, statement, &has_row, error));
    if (!has_row)
        return fail(error, STATUS_NOT_FOUND, "the item has no picture");
    struct stored_picture picture = read_picture(statement);
    enum status status = visit(context, &picture);
    engine_end(statement);
    return status;
}

enum status picture_store_scan(struct store *store, enum status (*visit)(void *context, const struct stored_picture *picture),
                               void *context, struct error *error)
{
    sqlite3_stmt *statement = engine_begin(store, QUERY_PICTURE_SCAN);
    for (bool has_row = true;;) {
        TRY(engine_step(store, statement, &has_row, error));
        if (!has_row)
            return STATUS_OK;
        struct stored_picture picture = read_picture(statement);
        enum status status = visit(context, &picture);
        if (status != STATUS_OK) {
            engine_end(statement);
            return status;
        }
    }
}

enum status picture_store_delete(struct store *store, uint32_t item, bool *out_deleted, struct error *error)
{
    uint64_t n_deleted = 0;
    sqlite3_stmt *statement = engine_begin(store, QUERY_PICTURE_DELETE);
    bind_integer(statement, 1, item);
    TRY(engine_run(store, statement, &n_deleted, error));
    if (out_deleted)
        *out_deleted = n_deleted > 0;
    return STATUS_OK;
}
