/* Pictures: those of items, and those that somebody asks about. What a file is, its first bytes say; a Content-Type may agree with them, or
 * leave it to them. */
#include "server/api/api.h"
#include "server/api/handlers.h"
#include "server/api/item_json.h"
#include "server/api/list_request.h"
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

/* The body's picture into decoding. *out_is_refused: the reply is made already. */
static enum status take_body(struct exchange *exchange, struct decoding *decoding, bool *out_is_refused, struct error *error)
{
    decoding->bytes = (const uint8_t *)exchange_body(exchange, &decoding->n_bytes);
    if (!decoding->n_bytes)
        return fail(error, STATUS_INVALID, "the body is empty; a PNG, JPEG or WebP is expected");
    *out_is_refused = check_type(exchange, decoding->bytes, decoding->n_bytes, error) != STATUS_OK;
    return *out_is_refused ? exchange_reply_unsupported(exchange, error) : STATUS_OK;
}

enum status item_picture_put(struct exchange *exchange, struct error *error)
{
    bool is_refused = false;
    TRY(query_refuse_all(exchange, error));
    struct write *write = arena_alloc(exchange_arena(exchange), sizeof *write);
    struct picture_input *picture = arena_alloc(exchange_arena(exchange), sizeof *picture);
    if (!write || !picture)
        return fail(error, STATUS_NOMEM, "no memory for a picture");
    TRY(take_body(exchange, &picture->decoding, &is_refused, error));
    if (is_refused)
        return STATUS_OK;
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

/* --- pictures that are nobody's --- */

struct classifying {
    struct decoding decoding;
    struct list_request request;
};

static void wake(void *context)
{
    exchange_wake(context);
}

static void emit_classification(struct emit *emit, struct app *app, const struct classification *answer, unsigned parts)
{
    emit_open_object(emit, NULL);
    emit_text(emit, "model_version", answer->model_version);
    emit_open_array(emit, "categories");
    for (size_t i = 0; i < answer->n_categories; i++) {
        emit_open_object(emit, NULL);
        emit_text(emit, "category", answer->categories[i].category);
        emit_number(emit, "probability", (double)answer->categories[i].probability, SCORE_DIGITS);
        emit_close_object(emit);
    }
    emit_close_array(emit);
    emit_open_array(emit, "similar");
    for (size_t i = 0; i < answer->n_similar; i++) {
        const struct item *item = app_item(app, answer->similar[i].item);
        emit_open_object(emit, NULL);
        emit_text(emit, "item_id", item->item_id);
        emit_number(emit, "score", (double)answer->similar[i].score, SCORE_DIGITS);
        item_emit_parts(item, parts, emit);
        emit_close_object(emit);
    }
    emit_close_array(emit);
    emit_close_object(emit);
}

static enum status classify_finish(struct exchange *exchange, struct error *error)
{
    const struct classifying *classifying = exchange_kept(exchange);
    const struct decoding *decoding = &classifying->decoding;
    struct app *app = api_of(exchange)->app;
    struct classification answer;
    struct emit emit;
    if (decoding->status != STATUS_OK) {
        *error = decoding->error;
        return decoding->status;
    }
    TRY(app_classify(app, &decoding->small, (uint32_t)classifying->request.limit, exchange_arena(exchange), &answer, error));
    emit_init(&emit, exchange_out(exchange));
    emit_classification(&emit, app, &answer, classifying->request.parts);
    return exchange_reply(exchange, 200, NULL);
}

/* Suspended before it is submitted: the decoder may be done before this thread has returned. */
static enum status submit(struct exchange *exchange, struct classifying *classifying)
{
    struct error error = {.detail = ""};
    classifying->decoding.done = wake;
    classifying->decoding.context = exchange;
    exchange_keep(exchange, classifying);
    exchange_suspend(exchange, classify_finish);
    enum status status = app_decode(api_of(exchange)->app, &classifying->decoding, &error);
    if (status != STATUS_OK) { /* done will not be called */
        classifying->decoding.status = status;
        classifying->decoding.error = error;
        exchange_wake(exchange);
    }
    return STATUS_OK;
}

enum status images_classify_post(struct exchange *exchange, struct error *error)
{
    struct mistakes mistakes = {.n_mistakes = 0};
    bool is_refused = false;
    struct classifying *classifying = arena_alloc(exchange_arena(exchange), sizeof *classifying);
    if (!classifying)
        return fail(error, STATUS_NOMEM, "no memory for a picture");
    enum status status = list_request_from_query(exchange, &similar_query_fields, &classifying->request, &mistakes);
    if (status != STATUS_OK)
        return refuse(exchange, status, &mistakes, error);
    TRY(take_body(exchange, &classifying->decoding, &is_refused, error));
    return is_refused ? STATUS_OK : submit(exchange, classifying);
}
