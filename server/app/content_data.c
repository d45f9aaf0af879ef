/* Two passes in one snapshot: words, then pictures, which are asked about one by one. */
#include "server/app/content_data.h"

#include "core/picture_model.h"
#include "server/app/item_words.h"
#include "server/app/model_files.h"
#include "server/app/registration.h"
#include "server/pictures/picture.h"
#include "storage/picture_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES  (1u << 20)
#define ITEMS_A_STEP 1024u
#define PATH_BYTES   4352

struct reading {
    struct content_data *data;
    const struct progress *progress;
    uint32_t n_items, n_read;
    char *words; /* [max_bytes] of one item */
    size_t max_bytes;
    struct picture_model *model; /* NULL: none */
    struct picture_asker *asker;
    struct map_shape shape; /* that the model takes */
    uint8_t *pixels;        /* [H, W, C] */
    struct error *error;
};

static void reading_clear_scoped(struct reading *reading)
{
    picture_asker_destroy(reading->asker);
    picture_model_close(reading->model);
    free(reading->pixels);
    free(reading->words);
}

void content_data_clear(struct content_data *data)
{
    free(data->items);
    arena_destroy(data->arena);
    *data = (struct content_data){0};
}

static bool step(struct reading *reading, const char *phase)
{
    uint32_t done = reading->n_read++;
    return done % ITEMS_A_STEP != 0 || progress_report(reading->progress, phase, done, reading->n_items, NULL);
}

static enum status read_item(void *context, const struct stored_item *row)
{
    struct reading *reading = context;
    size_t n_bytes = 0;
    if (row->item >= reading->n_items)
        return STATUS_OK;
    if (!step(reading, "reading words"))
        return STATUS_CONFLICT;
    TRY(item_words_write(row, reading->words, reading->max_bytes, &n_bytes));
    if (!n_bytes)
        return STATUS_OK;
    char *text = arena_copy(reading->data->arena, reading->words, n_bytes);
    if (!text)
        return STATUS_NOMEM;
    reading->data->items[row->item].text = text;
    reading->data->items[row->item].n_bytes = n_bytes;
    return STATUS_OK;
}

static enum status read_picture(void *context, const struct stored_picture *stored)
{
    struct reading *reading = context;
    struct picture picture = {stored->width, stored->height, stored->channels, (uint8_t *)stored->pixels}; /* it is read only */
    if (stored->item >= reading->n_items)
        return STATUS_OK;
    if (!step(reading, "looking at pictures"))
        return STATUS_CONFLICT;
    float *vector = arena_alloc_array(reading->data->arena, picture_model_width(reading->model), sizeof *vector);
    if (!vector)
        return STATUS_NOMEM;
    picture_fit(&picture, reading->shape.H, reading->shape.W, reading->shape.C, reading->pixels);
    picture_asker_ask(reading->asker, reading->pixels, 1, NULL, vector);
    reading->data->items[stored->item].picture = vector;
    reading->data->contents.picture_width = picture_model_width(reading->model);
    return STATUS_OK;
}

/* The newest file, where no server has registered one yet. */
static enum status note_newest(void *context, const struct model_file *file)
{
    struct model_file *newest = context;
    if (file->kind == MODEL_PICTURES && (!newest->version[0] || model_file_compare(newest, file) < 0))
        *newest = *file;
    return STATUS_OK;
}

/* Is it damaged, or is there none? That is the server's business, and this training goes without pictures. */
static enum status open_model(struct store *store, const char *models, struct reading *reading)
{
    struct model_file file = {.version = ""};
    struct error ignored = {.detail = ""};
    char path[PATH_BYTES];
    TRY(registration_find_live(store, MODEL_PICTURES, file.version, reading->error));
    if (!file.version[0] && model_files_each(models, note_newest, &file, &ignored) != STATUS_OK)
        return STATUS_OK;
    if (!file.version[0])
        return STATUS_OK;
    (void)snprintf(path, sizeof path, "%s/%s" MODEL_EXTENSION, models, file.version);
    enum status status = picture_model_open(path, &reading->model, &ignored);
    return status == STATUS_NOMEM ? status : STATUS_OK;
}

static enum status open_pictures(struct store *store, const char *models, struct reading *reading)
{
    TRY(open_model(store, models, reading));
    if (!reading->model)
        return STATUS_OK;
    reading->shape = picture_model_layers(reading->model)->input;
    reading->pixels = malloc(map_floats(reading->shape));
    return reading->pixels ? picture_asker_create(reading->model, 1, &reading->asker) : STATUS_NOMEM;
}

static enum status read_rows(struct store *store, struct reading *reading)
{
    TRY(item_store_scan(store, read_item, reading, reading->error));
    reading->n_read = 0;
    return reading->model ? picture_store_scan(store, read_picture, reading, reading->error) : STATUS_OK;
}

static enum status read_snapshot(struct store *store, const char *models, struct reading *reading)
{
    reading->max_bytes = content_shape_default(1).max_bytes;
    reading->words = malloc(reading->max_bytes);
    if (!reading->words)
        return STATUS_NOMEM;
    TRY(open_pictures(store, models, reading));
    TRY(store_begin(store, reading->error));
    enum status status = read_rows(store, reading);
    store_rollback(store);
    return status;
}

enum status content_data_read(struct store *store, const char *models, uint32_t n_items, const struct progress *progress,
                              struct content_data *out_data, struct error *error)
{
    struct content_data data = {.items = calloc(n_items + 1u, sizeof *data.items), .arena = arena_create(BLOCK_BYTES, SIZE_MAX)};
    SCOPED(reading_clear) struct reading reading = {.data = &data, .progress = progress, .n_items = n_items, .error = error};
    enum status status = data.items && data.arena ? read_snapshot(store, models, &reading) : STATUS_NOMEM;
    if (status != STATUS_OK) {
        content_data_clear(&data);
        if (status == STATUS_CONFLICT)
            return fail(error, status, "stopped");
        return status == STATUS_NOMEM ? fail(error, status, "no memory for what is known of %u items", n_items) : status;
    }
    for (uint32_t item = 0; item < n_items; item++)
        data.n_known += !item_content_is_empty(&data.items[item]);
    if (data.contents.picture_width)
        memcpy(data.picture_version, picture_model_facts(reading.model)->version, sizeof data.picture_version);
    data.contents.items = data.items;
    *out_data = data;
    out_data->contents.picture_version = out_data->picture_version;
    return STATUS_OK;
}
