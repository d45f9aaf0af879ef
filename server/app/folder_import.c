/* A folder of pictures into items that are there. What a picture's file does wrong is its own matter and the next one goes on; what the
 * store or memory does ends the import. */
#include "core/base/clock.h"
#include "server/app/importer_state.h"
#include "server/app/picture_folder.h"
#include "server/pictures/picture.h"
#include "storage/picture_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_BYTES 4096 /* of a file, in words for people */

struct folder_import {
    struct importer *importer;
    struct picture_folder *folder;
    const char *path;
    uint8_t *is_deleted; /* a bit an item, [(n_items + 7) / 8] */
    uint32_t n_items;
};

/* --- which items there are --- */

static enum status mark_deleted(void *context, const struct stored_item *item)
{
    struct folder_import *import = context;
    if (item->deleted && item->item < import->n_items)
        import->is_deleted[item->item / 8] |= (uint8_t)(1u << item->item % 8);
    return STATUS_OK;
}

static enum status find_deleted(struct folder_import *import, struct error *error)
{
    import->n_items = names_count(import->importer->names[NAME_ITEM]);
    import->is_deleted = calloc(import->n_items / 8 + 1, 1);
    if (!import->is_deleted)
        return fail(error, STATUS_NOMEM, "no memory for the import");
    return item_store_scan(import->importer->store, mark_deleted, import, error);
}

/* NAMES_NONE: there is none. */
static uint32_t find_item(const struct folder_import *import, const char *id)
{
    uint32_t number = names_find(import->importer->names[NAME_ITEM], id);
    if (number >= import->n_items || (import->is_deleted[number / 8] >> number % 8 & 1))
        return NAMES_NONE;
    return number;
}

/* --- a picture --- */

/* What is right and wrong with a file. STATUS_INVALID, STATUS_LIMIT, STATUS_IO: it is refused; STATUS_NOT_FOUND: it is no file. */
static enum status read_picture(struct folder_import *import, size_t i, struct stored_picture *row, struct picture *picture,
                                struct error *error)
{
    char id[ID_MAX_BYTES + 1];
    const struct import_options *options = import->importer->options;
    const uint8_t *bytes = NULL;
    size_t n_bytes = 0, max_bytes = options->max_picture_bytes ? options->max_picture_bytes : PICTURE_BYTES_MAX;
    TRY(picture_folder_read(import->folder, i, max_bytes, &bytes, &n_bytes, error));
    TRY(picture_folder_id(import->folder->names[i], id, error));
    row->item = find_item(import, id);
    if (row->item == NAMES_NONE)
        return fail(error, STATUS_INVALID, "there is no item %.128s", id);
    TRY(picture_decode(bytes, n_bytes, picture, error));
    TRY(picture_make_small(picture, error));
    if (!options->drops_originals) {
        row->media_type = picture_media_type(bytes, n_bytes);
        row->original = bytes;
        row->n_original = n_bytes;
    }
    row->changed_at_ms = clock_now_ms();
    row->height = picture->height;
    row->width = picture->width;
    row->channels = picture->channels;
    row->pixels = picture->pixels;
    return STATUS_OK;
}

static void refuse_picture(struct folder_import *import, size_t i, const char *reason)
{
    char path[PATH_BYTES];
    const char *whole = import->importer->path;
    (void)snprintf(path, sizeof path, "%s/%s", import->path, import->folder->names[i]);
    import->importer->path = path;
    importer_refuse(import->importer, 0, reason);
    import->importer->path = whole;
}

static enum status put_picture(struct folder_import *import, size_t i, struct error *error)
{
    SCOPED(picture_clear) struct picture picture = {0};
    struct stored_picture row = {0};
    struct error reason = {0};
    enum status status = read_picture(import, i, &row, &picture, &reason);
    if (status == STATUS_NOT_FOUND)
        return STATUS_OK;
    if (status == STATUS_NOMEM)
        return fail(error, status, "%s", reason.detail);
    if (status != STATUS_OK)
        refuse_picture(import, i, reason.detail);
    if (status != STATUS_OK || import->importer->is_refused)
        return STATUS_OK;
    TRY(picture_store_put(import->importer->store, &row, error));
    import->importer->pending.n_pictures++;
    return importer_step(import->importer, 1, row.n_original + (size_t)row.height * row.width * row.channels, error);
}

static enum status put_pictures(struct folder_import *import, struct error *error)
{
    TRY(importer_report(import->importer, import->folder->n_names, error));
    for (size_t i = 0; i < import->folder->n_names; i++) {
        TRY(put_picture(import, i, error));
        import->importer->n_done++;
        TRY(importer_report(import->importer, import->folder->n_names, error));
    }
    return STATUS_OK;
}

static enum status import_folder(struct folder_import *import, struct error *error)
{
    SCOPED(picture_folder_close) struct picture_folder folder = {.directory = -1};
    importer_begin_file(import->importer, import->path, "pictures");
    TRY(picture_folder_open(import->path, &folder, error));
    import->folder = &folder;
    TRY(find_deleted(import, error));
    enum status stored = store_begin(import->importer->store, error);
    if (stored == STATUS_OK)
        stored = put_pictures(import, error);
    return importer_end_file(import->importer, stored, STATUS_OK, error);
}

enum status importer_read_pictures(struct importer *importer, const char *path, struct error *error)
{
    struct error reason = {0};
    struct folder_import import = {.importer = importer, .path = path};
    enum status status = import_folder(&import, &reason);
    free(import.is_deleted);
    return status == STATUS_OK ? STATUS_OK : fail(error, status, "%.100s: %.150s", path, reason.detail);
}
