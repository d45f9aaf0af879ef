/* Pictures of items. One that is put goes through the decoder first, which is slow and may refuse it, and then to the writer like every
 * other write: so nobody else waits for it, and what is acknowledged is on the disk. */
#include "server/app/service.h"
#include "storage/picture_store.h"

#include <string.h>

/* On the decoder's thread. */
static void decoded(void *context)
{
    struct picture_input *picture = context;
    struct write *write = picture->write;
    struct app *app = picture->app;
    write->status = picture->decoding.status;
    write->error = picture->decoding.error;
    atomic_fetch_add(write->status == STATUS_OK ? &app->figures.pictures_decoded : &app->figures.pictures_refused, 1);
    if (write->status == STATUS_OK) {
        enum status status = writer_submit(app->writer, write, &write->error);
        if (status == STATUS_OK)
            return; /* the writer tells */
        write->status = status;
    }
    write->done(write->context);
}

enum status app_decode(struct app *app, struct decoding *decoding, struct error *error)
{
    size_t max_bytes = (size_t)app->settings->pictures_max_bytes;
    if (decoding->n_bytes > max_bytes)
        return fail(error, STATUS_LIMIT, "the picture has %zu bytes; at most %zu are allowed", decoding->n_bytes, max_bytes);
    return decoder_submit(app->decoder, decoding, error);
}

enum status submit_picture(struct app *app, struct write *write, struct error *error)
{
    struct picture_input *picture = write->picture;
    if (!app_find_item(app, write->id))
        return fail(error, STATUS_NOT_FOUND, "there is no item %.128s", write->id);
    picture->app = app;
    picture->write = write;
    picture->decoding.done = decoded;
    picture->decoding.context = picture;
    return app_decode(app, &picture->decoding, error);
}

struct picture_reader {
    struct buffer *out;
    const char *media_type;
    bool is_kept;
};

static enum status read_original(void *context, const struct stored_picture *row)
{
    struct picture_reader *reader = context;
    reader->is_kept = row->original != NULL;
    if (!row->original)
        return STATUS_OK;
    reader->media_type = picture_media_type(row->original, row->n_original);
    buffer_append(reader->out, row->original, row->n_original);
    return buffer_finish(reader->out, NULL);
}

enum status app_read_picture(struct app *app, const char *item_id, struct buffer *out, const char **out_media_type, struct error *error)
{
    struct picture_reader reader = {.out = out};
    const struct item *item = app_find_item(app, item_id);
    if (!item)
        return fail(error, STATUS_NOT_FOUND, "there is no item %.128s", item_id);
    struct store *store = readers_acquire(app->readers);
    enum status status = picture_store_read(store, item->number, read_original, &reader, error);
    readers_release(app->readers, store);
    if (status == STATUS_NOT_FOUND)
        return fail(error, STATUS_NOT_FOUND, "item %.128s has no picture", item_id);
    if (out->failed)
        return fail(error, STATUS_NOMEM, "no memory for a picture");
    TRY(status);
    if (!reader.is_kept)
        return fail(error, STATUS_NOT_FOUND,
                    "the picture of item %.128s has no file: it is of an IDX file, or came while pictures.keep_originals was false",
                    item_id);
    if (!reader.media_type)
        return fail(error, STATUS_CORRUPT, "the stored picture of item %.128s is damaged: PUT it anew", item_id);
    *out_media_type = reader.media_type;
    return STATUS_OK;
}
