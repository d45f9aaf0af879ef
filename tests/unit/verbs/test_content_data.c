/* From words and pictures in a real store to what a content tower learns from. */
#include "core/picture_model.h"
#include "core/picture_network.h"
#include "server/app/content_data.h"
#include "storage/item_store.h"
#include "storage/name_store.h"
#include "storage/picture_store.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OK(call)                                                                                                                           \
    do {                                                                                                                                   \
        struct error error = {0};                                                                                                          \
        enum status status = (call);                                                                                                       \
        cr_assert_eq(status, STATUS_OK, "%s: %s", #call, error.detail);                                                                    \
    } while (0)

enum { SIDE = 12, LAMP = 0, ROW_LESS = 1, DELETED = 2, VASE = 3, N_ITEMS = 4, LATER = 4 };

static char directory[64], models[96];

static void put_item(struct store *store, uint32_t item, const char *title, bool is_deleted)
{
    struct stored_item row = {.item = item,
                              .title = title,
                              .categories = "[\"Home\"]",
                              .deleted = is_deleted,
                              .price = NAN,
                              .created_at_ms = INT64_MIN,
                              .expires_at_ms = INT64_MIN};
    OK(item_store_put(store, &row, &error));
}

/* Four items that the dataset knows, and one that came later. */
static void make_store(void)
{
    SCOPED(store_close) struct store *store = NULL;
    uint8_t pixels[SIDE * SIDE] = {0, 255, 7};
    const struct stored_picture picture = {.item = VASE, .height = SIDE, .width = SIDE, .channels = 1, .pixels = pixels};
    (void)snprintf(directory, sizeof directory, "/tmp/test_content_data.XXXXXX");
    cr_assert_not_null(mkdtemp(directory));
    OK(store_open(directory, STORE_WRITE, &store, &error));
    (void)snprintf(models, sizeof models, "%s", store_models_directory(store));
    (void)mkdir(models, 0750);
    OK(store_begin(store, &error));
    for (uint32_t item = 0; item <= LATER; item++) {
        char id[16];
        (void)snprintf(id, sizeof id, "item-%u", item);
        OK(name_store_insert(store, NAME_ITEM, item, id, &error));
    }
    put_item(store, LAMP, "Lamp", false);
    put_item(store, DELETED, "Chair", true);
    put_item(store, VASE, "Vase", false);
    put_item(store, LATER, "Table", false);
    OK(picture_store_put(store, &picture, &error));
    OK(store_commit(store, &error));
}

static void remove_store(void)
{
    char command[128];
    (void)snprintf(command, sizeof command, "rm -r %s", directory);
    cr_assert_eq(system(command), 0);
}

TestSuite(content_data, .init = make_store, .fini = remove_store);

static void write_picture_model(char out_version[FILE_VERSION_BYTES])
{
    static const char *const categories[] = {"left", "right"};
    const struct picture_facts facts = {.origin = "trained", .preset = "seed", .n_categories = 2, .categories = categories, .report = "{}"};
    struct layers layers;
    OK(picture_layers(PICTURE_SEED, (struct map_shape){SIDE, SIDE, 1}, 2, &layers, &error));
    float *weights = aligned_alloc(64, (layers.n_floats * sizeof(float) + 63) / 64 * 64);
    cr_assert(weights);
    layers_start(&layers, 3, weights);
    OK(picture_model_write(models, &facts, &layers, weights, out_version, &error));
    free(weights);
}

static struct content_data read_all(void)
{
    SCOPED(store_close) struct store *store = NULL;
    struct content_data data = {0};
    OK(store_open(directory, STORE_READ, &store, &error));
    OK(content_data_read(store, models, N_ITEMS, NULL, &data, &error));
    return data;
}

static void expect_words(const struct content_data *data, uint32_t item, const char *words)
{
    const struct item_content *content = &data->contents.items[item];
    cr_assert_eq(content->n_bytes, strlen(words), "item %u has %zu bytes", item, content->n_bytes);
    cr_expect_arr_eq(content->text ? content->text : "", words, content->n_bytes);
}

Test(content_data, are_the_words_of_items_that_are_there)
{
    struct content_data data = read_all();
    expect_words(&data, LAMP, "Lamp\nHome\n");
    expect_words(&data, ROW_LESS, "");
    expect_words(&data, DELETED, "");
    expect_words(&data, VASE, "Vase\nHome\n");
    cr_expect_eq(data.n_known, 2);
    content_data_clear(&data);
}

Test(content_data, have_no_pictures_without_a_picture_model)
{
    struct content_data data = read_all();
    cr_expect_null(data.contents.items[VASE].picture);
    cr_expect_eq(data.contents.picture_width, 0);
    cr_expect_str_eq(data.contents.picture_version, "");
    content_data_clear(&data);
}

Test(content_data, are_the_vectors_of_pictures_by_the_newest_model)
{
    char version[FILE_VERSION_BYTES];
    write_picture_model(version);
    struct content_data data = read_all();
    cr_assert_not_null(data.contents.items[VASE].picture);
    cr_expect_null(data.contents.items[LAMP].picture);
    cr_expect_eq(data.contents.picture_width, PICTURE_VECTOR);
    cr_expect_str_eq(data.contents.picture_version, version);
    content_data_clear(&data);
}

Test(content_data, pass_over_a_damaged_picture_model)
{
    char version[FILE_VERSION_BYTES], path[192];
    write_picture_model(version);
    (void)snprintf(path, sizeof path, "%s/%s.safetensors", models, version);
    cr_assert_eq(truncate(path, 100), 0);
    struct content_data data = read_all();
    cr_expect_null(data.contents.items[VASE].picture);
    expect_words(&data, VASE, "Vase\nHome\n");
    content_data_clear(&data);
}

static bool stop(void *context, const struct progress_step *step)
{
    (void)context;
    (void)step;
    return false;
}

Test(content_data, stop_when_asked_to)
{
    SCOPED(store_close) struct store *store = NULL;
    struct content_data data = {0};
    const struct progress progress = {.report = stop};
    OK(store_open(directory, STORE_READ, &store, &error));
    cr_expect_eq(content_data_read(store, models, N_ITEMS, &progress, &data, NULL), STATUS_CONFLICT);
    cr_expect_null(data.items);
}
