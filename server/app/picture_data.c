/* Three passes in one snapshot: categories by item, sizes and counts by category, pixels. What a picture counts for is decided before any
 * memory for pixels is taken. */
#include "server/app/picture_data.h"

#include "core/base/names.h"
#include "core/base/node.h"
#include "core/picture_model.h"
#include "server/pictures/picture.h"
#include "storage/item_store.h"
#include "storage/name_store.h"
#include "storage/picture_store.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define PICTURES_A_STEP 1024u
#define HELD_OUT_EVERY  10u
#define NONE            UINT32_MAX

/* What is known of an item before its picture is read. */
struct item_note {
    uint32_t category; /* a number of the names, NONE: none */
    bool is_held_out;
};

struct reading {
    struct picture_data *data;
    const struct progress *progress;
    struct item_note *items; /* by number */
    uint32_t n_items, capacity;
    uint32_t *counts; /* [names]: pictures of a category; later the class it became, or NONE */
    uint32_t heights[PICTURE_SMALL_SIDE + 1], widths[PICTURE_SMALL_SIDE + 1]; /* how many pictures have that side */
    struct map_shape shape;
    uint32_t n_pictures, n_train, n_held_out; /* found; filled so far */
    struct error *error;
};

void picture_data_clear(struct picture_data *data)
{
    free((void *)data->categories);
    free(data->pixels);
    free(data->labels);
    names_destroy(data->names);
    *data = (struct picture_data){0};
}

static void reading_clear_scoped(struct reading *reading)
{
    free(reading->items);
    free(reading->counts);
}

/* --- items and their categories --- */

static bool is_held_out(const char *item_id)
{
    static const unsigned char key[crypto_shorthash_KEYBYTES] = "held-out picture";
    unsigned char hash[crypto_shorthash_BYTES];
    (void)crypto_shorthash(hash, (const unsigned char *)item_id, strlen(item_id), key);
    return (hash[0] + 256u * hash[1]) % HELD_OUT_EVERY == 0;
}

static enum status note_name(void *context, uint32_t number, const char *text)
{
    struct reading *reading = context;
    if (number >= reading->capacity) {
        uint32_t capacity = number < 1024 ? 2048 : number > UINT32_MAX / 2 ? UINT32_MAX : number * 2;
        struct item_note *items = realloc(reading->items, capacity * sizeof *items);
        if (!items)
            return STATUS_NOMEM;
        reading->items = items;
        reading->capacity = capacity;
    }
    reading->items[number] = (struct item_note){NONE, text && is_held_out(text)};
    reading->n_items = number + 1;
    return STATUS_OK;
}

static enum status note_category(void *context, const struct stored_item *item)
{
    struct reading *reading = context;
    SCOPED(node_destroy) struct node *categories = NULL;
    struct error ignored = {0};
    if (item->item >= reading->n_items)
        return fail(reading->error, STATUS_CORRUPT, "the catalogue has an item %u that has no name", item->item);
    if (item->deleted || item->predicted || !item->categories) /* what a model said is not learned from */
        return STATUS_OK;
    enum status status = node_parse(item->categories, strlen(item->categories), &categories, &ignored);
    if (status == STATUS_NOMEM)
        return status;
    if (status != STATUS_OK || node_kind(categories) != NODE_ARRAY || node_count(categories) == 0 ||
        node_kind(node_at(categories, 0)) != NODE_TEXT)
        return STATUS_OK;
    const char *name = node_text(node_at(categories, 0), NULL);
    bool is_usable = name[0] && strlen(name) <= CATEGORY_MAX_BYTES;
    return is_usable ? names_add(reading->data->names, name, &reading->items[item->item].category) : STATUS_OK;
}

/* --- sizes and counts --- */

static enum status count_picture(void *context, const struct stored_picture *picture)
{
    struct reading *reading = context;
    reading->n_pictures++;
    if (picture->item >= reading->n_items || reading->items[picture->item].category == NONE)
        return STATUS_OK;
    reading->counts[reading->items[picture->item].category]++;
    reading->heights[picture->height < PICTURE_SMALL_SIDE ? picture->height : PICTURE_SMALL_SIDE]++;
    reading->widths[picture->width < PICTURE_SMALL_SIDE ? picture->width : PICTURE_SMALL_SIDE]++;
    if (picture->channels > reading->shape.C)
        reading->shape.C = picture->channels;
    return STATUS_OK;
}

static uint32_t median(const uint32_t counts[PICTURE_SMALL_SIDE + 1])
{
    uint64_t all = 0, below = 0;
    uint32_t side = 0;
    for (uint32_t i = 0; i <= PICTURE_SMALL_SIDE; i++)
        all += counts[i];
    while (side < PICTURE_SMALL_SIDE && (below += counts[side]) * 2 < all)
        side++;
    return side;
}

static int compare_texts(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* Categories of enough pictures become classes; counts become the classes' numbers. */
static enum status choose_classes(struct reading *reading)
{
    struct picture_data *data = reading->data;
    uint32_t n_names = names_count(data->names), n = 0;
    data->categories = calloc(n_names + 1u, sizeof *data->categories);
    if (!data->categories)
        return STATUS_NOMEM;
    for (uint32_t i = 0; i < n_names; i++)
        if (reading->counts[i] >= CATEGORY_PICTURES)
            data->categories[n++] = names_text(data->names, i);
    if (n < 2)
        return fail(reading->error, STATUS_INVALID,
                    "too little to learn from: %u pictures, and %u of the items' first categories have at least %u of them; at least 2 "
                    "categories are needed",
                    reading->n_pictures, n, CATEGORY_PICTURES);
    if (n > PICTURE_CATEGORIES_MAX)
        return fail(reading->error, STATUS_LIMIT, "%u categories have pictures; at most %u can be told apart", n, PICTURE_CATEGORIES_MAX);
    for (uint32_t i = 0; i < n_names; i++)
        reading->counts[i] = NONE;
    qsort((void *)data->categories, n, sizeof *data->categories, compare_texts);
    for (uint32_t c = 0; c < n; c++)
        reading->counts[names_find(data->names, data->categories[c])] = c;
    data->train.n_classes = data->held_out.n_classes = n;
    return STATUS_OK;
}

static uint32_t class_of(const struct reading *reading, const struct stored_picture *picture)
{
    uint32_t category = picture->item < reading->n_items ? reading->items[picture->item].category : NONE;
    return category == NONE ? NONE : reading->counts[category];
}

/* --- pixels --- */

static enum status count_kept(void *context, const struct stored_picture *picture)
{
    struct reading *reading = context;
    if (class_of(reading, picture) == NONE)
        reading->data->n_left_out++;
    else if (reading->items[picture->item].is_held_out)
        reading->data->held_out.n++;
    else
        reading->data->train.n++;
    return STATUS_OK;
}

static enum status take_memory(struct reading *reading)
{
    struct picture_data *data = reading->data;
    size_t n = (size_t)data->train.n + data->held_out.n, n_pixels = map_floats(reading->shape);
    data->pixels = calloc(n, n_pixels);
    data->labels = calloc(n, sizeof *data->labels);
    if (!data->pixels || !data->labels)
        return fail(reading->error, STATUS_NOMEM, "no memory for %zu pictures of %zu bytes", n, n_pixels);
    data->train.shape = data->held_out.shape = reading->shape;
    data->train.pixels = data->pixels;
    data->train.labels = data->labels;
    data->held_out.pixels = data->pixels + data->train.n * n_pixels;
    data->held_out.labels = data->labels + data->train.n;
    return STATUS_OK;
}

static enum status read_picture(void *context, const struct stored_picture *stored)
{
    struct reading *reading = context;
    struct picture_data *data = reading->data;
    uint32_t class = class_of(reading, stored), n = data->train.n + data->held_out.n, done = reading->n_train + reading->n_held_out;
    if (class == NONE)
        return STATUS_OK;
    if (done % PICTURES_A_STEP == 0 && !progress_report(reading->progress, "reading pictures", done, n, NULL))
        return STATUS_CONFLICT;
    uint32_t place = reading->items[stored->item].is_held_out ? data->train.n + reading->n_held_out++ : reading->n_train++;
    struct picture picture = {stored->width, stored->height, stored->channels, NULL};
    picture.pixels = (uint8_t *)stored->pixels; /* it is read only */
    picture_fit(&picture, reading->shape.H, reading->shape.W, reading->shape.C, data->pixels + place * map_floats(reading->shape));
    data->labels[place] = class;
    return STATUS_OK;
}

static enum status read_rows(struct store *store, struct reading *reading)
{
    TRY(name_store_scan(store, NAME_ITEM, note_name, reading, reading->error));
    TRY(item_store_scan(store, note_category, reading, reading->error));
    reading->counts = calloc(names_count(reading->data->names) + 1u, sizeof *reading->counts);
    if (!reading->counts)
        return STATUS_NOMEM;
    TRY(picture_store_scan(store, count_picture, reading, reading->error));
    TRY(choose_classes(reading));
    reading->shape.H = median(reading->heights);
    reading->shape.W = median(reading->widths);
    TRY(picture_store_scan(store, count_kept, reading, reading->error));
    TRY(take_memory(reading));
    return picture_store_scan(store, read_picture, reading, reading->error);
}

enum status picture_data_read(struct store *store, const struct progress *progress, struct picture_data *out_data, struct error *error)
{
    SCOPED(picture_data_clear) struct picture_data data = {.names = names_create()};
    SCOPED(reading_clear) struct reading reading = {.data = &data, .progress = progress, .error = error};
    if (!data.names)
        return fail(error, STATUS_NOMEM, "no memory for the categories");
    TRY(store_begin(store, error));
    enum status status = read_rows(store, &reading);
    store_rollback(store);
    if (status == STATUS_NOMEM && !error->detail[0])
        return fail(error, status, "no memory for the pictures of %u items", reading.n_items);
    if (status == STATUS_CONFLICT)
        return fail(error, status, "stopped");
    TRY(status);
    *out_data = data;
    data = (struct picture_data){0};
    return STATUS_OK;
}

struct pictures picture_data_all(const struct picture_data *data)
{
    struct pictures all = data->train;
    all.n += data->held_out.n;
    return all;
}
