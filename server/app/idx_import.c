/* IDX files as items with pictures, one picture at a time. An error of reading stands beside one of storing, since they differ in what is
 * kept: whole pictures that came before damage are, what a full disk interrupts is not. */
#include "core/base/clock.h"
#include "core/base/utf8.h"
#include "server/app/category_names.h"
#include "server/app/idx_reader.h"
#include "server/app/importer_state.h"
#include "storage/picture_store.h"

#include <stdio.h>
#include <string.h>

#define ARENA_BLOCK_BYTES 16384u
#define LABELS_MAX        256u       /* a label is a byte */
#define ARENA_MAX_BYTES   (1u << 20) /* 256 names of 128 bytes fit */
#define REPORT_PICTURES   256u
#define NAME_BYTES        4096 /* of a file, at most */

struct idx_import {
    struct importer *importer;
    struct idx_reader *reader;
    struct category_names names;
    struct arena *arena; /* of one item */
    const char *labels_path;
    const char *base; /* base_bytes of the file's name */
    int base_bytes;
    uint32_t n_pictures; /* so far */
};

/* The file's name without its folder and what a packer hung on it. */
static void find_base(struct idx_import *import, const char *path)
{
    static const char *const endings[] = {".gz", ".zst"};
    const char *slash = strrchr(path, '/');
    import->base = slash ? slash + 1 : path;
    size_t n = strlen(import->base);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t n_ending = strlen(endings[i]);
        if (n > n_ending && strcmp(import->base + n - n_ending, endings[i]) == 0) {
            n -= n_ending;
            break;
        }
    }
    import->base_bytes = n < NAME_BYTES ? (int)n : NAME_BYTES;
}

/* May the items be called so? The longest of them is looked at. */
static enum status check_base(const struct idx_import *import, const char *path, struct error *error)
{
    char id[NAME_BYTES + 16];
    int n = snprintf(id, sizeof id, "%.*s:%u", import->base_bytes, import->base, idx_reader_sizes(import->reader).n);
    if (import->base_bytes > 0 && n > 0 && (size_t)n < sizeof id && utf8_is_id(id, (size_t)n))
        return STATUS_OK;
    return fail(error, STATUS_INVALID,
                "%.100s: its name must begin the items' ids: with \":%u\" behind it, at most %d bytes of UTF-8 "
                "without control characters are expected",
                path, idx_reader_sizes(import->reader).n, ID_MAX_BYTES);
}

static enum status put_picture(struct idx_import *import, struct picture *picture, const char *category, struct error *error)
{
    uint32_t number = 0;
    struct item_input input = *(const struct item_input *)item_input_fields.defaults;
    arena_reset(import->arena);
    input.item_id = arena_format(import->arena, "%.*s:%u", import->base_bytes, import->base, import->n_pictures);
    input.categories = (struct texts){.texts = &category, .n_texts = 1};
    if (!input.item_id)
        return fail(error, STATUS_NOMEM, "no memory for an item");
    TRY(picture_make_small(picture, error));
    TRY(importer_put_item(import->importer, &input, import->arena, &number, error));
    struct stored_picture row = {.item = number,
                                 .changed_at_ms = clock_now_ms(),
                                 .height = picture->height,
                                 .width = picture->width,
                                 .channels = picture->channels,
                                 .pixels = picture->pixels};
    TRY(picture_store_put(import->importer->store, &row, error));
    import->importer->pending.n_pictures++;
    import->importer->n_done = ++import->n_pictures;
    return importer_step(import->importer, 1, (size_t)row.height * row.width * row.channels, error);
}

static enum status refuse_label(const struct idx_import *import, uint32_t at, uint8_t label, struct error *error)
{
    return fail(error, STATUS_INVALID, "%.100s: picture %u has the label %u; expected one below %u, the number of lines of %.80s",
                import->labels_path, at, label, import->names.n, import->names.path);
}

/* Has every label a name? Asked before the first item is written. */
static enum status check_labels(const struct idx_import *import, struct error *error)
{
    bool is_found = false;
    struct idx_label label;
    if (import->names.n == LABELS_MAX)
        return STATUS_OK;
    TRY(idx_labels_find(import->labels_path, import->names.n, &is_found, &label, error));
    return is_found ? refuse_label(import, label.at, label.label, error) : STATUS_OK;
}

static enum status find_category(const struct idx_import *import, uint8_t label, const char **out_category, struct error *error)
{
    if (label >= import->names.n) /* the file was changed since check_labels */
        return refuse_label(import, import->n_pictures, label, error);
    *out_category = import->names.names[label];
    return STATUS_OK;
}

/* Returns how the storing went; *read is how the reading did. */
static enum status store_pictures(struct idx_import *import, enum status *read, struct error *error)
{
    for (bool has_picture = true;;) {
        SCOPED(picture_clear) struct picture picture = {0};
        uint8_t label = 0;
        const char *category = NULL;
        if (import->n_pictures % REPORT_PICTURES == 0)
            TRY(importer_report(import->importer, idx_reader_sizes(import->reader).n, error));
        *read = idx_reader_next(import->reader, &picture, &label, &has_picture, error);
        if (*read == STATUS_OK && has_picture)
            *read = find_category(import, label, &category, error);
        if (*read != STATUS_OK)
            return STATUS_OK;
        if (!has_picture)
            return importer_report(import->importer, import->n_pictures, error);
        TRY(put_picture(import, &picture, category, error));
    }
}

static enum status import_pictures(struct idx_import *import, const char *images, struct error *error)
{
    struct error reason = {0};
    enum status read = STATUS_OK;
    importer_begin_file(import->importer, images, "pictures");
    enum status stored = store_begin(import->importer->store, &reason);
    if (stored == STATUS_OK)
        stored = store_pictures(import, &read, &reason);
    enum status status = importer_end_file(import->importer, stored, read, &reason);
    if (status == STATUS_OK)
        return STATUS_OK;
    if (status == read) /* the reader has named the file */
        return fail(error, status, "%s", reason.detail);
    return fail(error, status, "%.100s: %.150s", images, reason.detail);
}

enum status importer_read_idx(struct importer *importer, const char *images, const char *labels, const char *names, struct error *error)
{
    SCOPED(arena_destroy) struct arena *names_arena = arena_create(ARENA_BLOCK_BYTES, ARENA_MAX_BYTES);
    SCOPED(arena_destroy) struct arena *item_arena = arena_create(ARENA_BLOCK_BYTES, ARENA_MAX_BYTES);
    SCOPED(idx_reader_close) struct idx_reader *reader = NULL;
    struct idx_import import = {.importer = importer, .arena = item_arena, .labels_path = labels};
    if (!names_arena || !item_arena)
        return fail(error, STATUS_NOMEM, "no memory for the import");
    TRY(category_names_read(names, LABELS_MAX, names_arena, &import.names, error));
    TRY(idx_reader_open(images, labels, &reader, error));
    import.reader = reader;
    find_base(&import, images);
    TRY(check_base(&import, images, error));
    TRY(check_labels(&import, error));
    return import_pictures(&import, images, error);
}
