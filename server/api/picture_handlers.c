/* Pictures of items. What a file is, its first bytes say; a Content-Type may agree with them, or leave it to them. */
#include "server/api/api.h"
#include "server/api/handlers.h"
#include "server/api/query.h"
#include "server/api/writing.h"

#include <string.h>

enum status item_picture_get(struct exchange *exchange, struct error *error)
{
    const char *media_type = NULL;
    TRY(query_refuse_all(exchange, error));
    TRY(app_read_picture(api_of(exchange)->app, exchange_segment(exchange, 0), exchange_out(exchange), &media_type, error));
    return exchange_reply(exchange, 200, media_type);
}

static enum status put_finish(struct exchange *exchange, struct error *error)
{
    struct write *write = NULL;
    struct emit emit;
    TRY(writing_done(exchange, &write, error));
    const struct decoding *decoding = &write->picture->decoding;
    emit_init(&emit, exchange_out(exchange));
    emit_open_object(&emit, NULL);
    emit_text(&emit, "item_id", write->id);
    emit_text(&emit, "media_type", picture_media_type(decoding->bytes, decoding->n_bytes));
    emit_integer(&emit, "width", decoding->width);
    emit_integer(&emit, "height", decoding->height);
    emit_integer(&emit, "channels", decoding->channels);
    emit_close_object(&emit);
    return exchange_reply(exchange, write->created ? 201 : 200, NULL);
}

/* STATUS_INVALID: the bytes are no picture, or another one than their Content-Type says. */
static enum status check_type(const struct exchange *exchange, const uint8_t *bytes, size_t n_bytes, struct error *error)
{
    const char *declared = exchange_body_type(exchange), *found = picture_media_type(bytes, n_bytes);
    if (!found)
        return fail(error, STATUS_INVALID, "the body begins like no PNG, JPEG or WebP");
    if (declared && strcmp(declared, "application/octet-stream") != 0 && strcmp(declared, found) != 0)
        return fail(error, STATUS_INVALID, "Content-Type says %s, but the body is %s", declared, found);
    return STATUS_OK;
}

enum status item_picture_put(struct exchange *exchange, struct error *error)
{
    size_t n_bytes = 0;
    const uint8_t *bytes = (const uint8_t *)exchange_body(exchange, &n_bytes);
    TRY(query_refuse_all(exchange, error));
    if (!n_bytes)
        return fail(error, STATUS_INVALID, "the body is empty; a PNG, JPEG or WebP is expected");
    if (check_type(exchange, bytes, n_bytes, error) != STATUS_OK)
        return exchange_reply_unsupported(exchange, error);
    struct write *write = arena_alloc(exchange_arena(exchange), sizeof *write);
    struct picture_input *picture = arena_alloc(exchange_arena(exchange), sizeof *picture);
    if (!write || !picture)
        return fail(error, STATUS_NOMEM, "no memory for a picture");
    picture->decoding.bytes = bytes;
    picture->decoding.n_bytes = n_bytes;
    *write = (struct write){.kind = WRITE_PICTURE, .id = exchange_segment(exchange, 0), .picture = picture};
    return writing_submit(exchange, write, put_finish);
}

static enum status delete_finish(struct exchange *exchange, struct error *error)
{
    struct write *write = NULL;
    TRY(writing_done(exchange, &write, error));
    if (!write->n_accepted)
        return fail(error, STATUS_NOT_FOUND, "item %.128s has no picture", write->id);
    return exchange_reply(exchange, 204, NULL);
}

enum status item_picture_delete(struct exchange *exchange, struct error *error)
{
    TRY(query_refuse_all(exchange, error));
    struct write *write = arena_alloc(exchange_arena(exchange), sizeof *write);
    if (!write)
        return fail(error, STATUS_NOMEM, "no memory for a picture");
    *write = (struct write){.kind = WRITE_PICTURE_DELETE, .id = exchange_segment(exchange, 0)};
    return writing_submit(exchange, write, delete_finish);
}
