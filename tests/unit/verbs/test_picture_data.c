/* From pictures and categories in a real store to what a picture network learns from, and to a model in DIR/models. */
#include "core/base/random.h"
#include "server/app/picture_data.h"
#include "server/app/picture_retraining.h"
#include "storage/item_store.h"
#include "storage/name_store.h"
#include "storage/picture_store.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OK(call)                                                                                                                           \
    do {                                                                                                                                   \
        struct error error = {0};                                                                                                          \
        enum status status = (call);                                                                                                       \
        cr_assert_eq(status, STATUS_OK, "%s: %s", #call, error.detail);                                                                    \
    } while (0)

enum { SIDE = 12 };

struct place {
    char directory[64];
    struct store *store; /* STORE_WRITE, in a transaction */
    uint32_t n_items;
};

static struct place make_place(void)
{
    struct place place = {.directory = "/tmp/test_picture_data.XXXXXX"};
    cr_assert_not_null(mkdtemp(place.directory));
    OK(store_open(place.directory, STORE_WRITE, &place.store, &error));
    OK(store_begin(place.store, &error));
    return place;
}

static void remove_place(struct place *place, const char *version)
{
    const char *const files[] = {"inkling.db", "inkling.db-wal", "inkling.db-shm", "lock", "models", ""};
    char path[192];
    (void)snprintf(path, sizeof path, "%s/models/%s.safetensors", place->directory, version);
    (void)remove(path);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", place->directory, files[i]);
        (void)remove(path);
    }
}

/* An item with a picture: of that size, a bar at `at` that lies or stands. categories NULL: the catalogue does not know it. */
static void put(struct place *place, const char *categories, uint32_t height, uint32_t width, uint32_t channels, bool lies, uint32_t at)
{
    uint8_t pixels[64 * 64 * 3] = {0};
    char id[16];
    uint32_t item = place->n_items++;
    (void)snprintf(id, sizeof id, "item-%u", item);
    OK(name_store_insert(place->store, NAME_ITEM, item, id, &error));
    if (categories) {
        struct stored_item row = {
            .item = item, .categories = categories, .price = NAN, .created_at_ms = INT64_MIN, .expires_at_ms = INT64_MIN};
        OK(item_store_put(place->store, &row, &error));
    }
    for (uint32_t i = 0; i < (lies ? width : height); i++)
        for (uint32_t c = 0; c < channels; c++)
            pixels[((lies ? at * width + i : i * width + at)) * channels + c] = 255;
    struct stored_picture picture = {.item = item, .height = height, .width = width, .channels = channels, .pixels = pixels};
    OK(picture_store_put(place->store, &picture, &error));
}

static void put_two_categories(struct place *place, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        put(place, i % 2 ? "[\"standing\", \"other\"]" : "[\"lying\"]", SIDE, SIDE, 1, i % 2 == 0, i / 2 % SIDE);
}

static void finish(struct place *place)
{
    OK(store_commit(place->store, &error));
    store_close(place->store);
    place->store = NULL;
}

static struct picture_data read_all(const struct place *place)
{
    SCOPED(store_close) struct store *store = NULL;
    struct picture_data data = {0};
    OK(store_open(place->directory, STORE_READ, &store, &error));
    OK(picture_data_read(store, NULL, &data, &error));
    return data;
}

Test(picture_data, are_pictures_by_first_category_with_about_a_tenth_held_out)
{
    struct place place = make_place();
    put_two_categories(&place, 200);
    put(&place, NULL, SIDE, SIDE, 1, true, 0);               /* nobody has said what it is */
    put(&place, "[]", SIDE, SIDE, 1, true, 0);               /* of no category */
    put(&place, "[\"a rare one\"]", SIDE, SIDE, 1, true, 0); /* of one of too few pictures */
    put(&place, "[\"lying\"]", SIDE, SIDE, 1, false, 0);     /* a model said so, and it is wrong */
    struct stored_item predicted = {.item = place.n_items - 1,
                                    .categories = "[\"lying\"]",
                                    .predicted = true,
                                    .price = NAN,
                                    .created_at_ms = INT64_MIN,
                                    .expires_at_ms = INT64_MIN};
    OK(item_store_put(place.store, &predicted, &error));
    finish(&place);
    struct picture_data data = read_all(&place);
    cr_expect_eq(data.n_left_out, 4);
    cr_expect_eq(data.train.n + data.held_out.n, 200);
    cr_expect(data.held_out.n >= 8 && data.held_out.n <= 36, "%u of 200", data.held_out.n);
    cr_assert_eq(data.train.n_classes, 2);
    cr_expect_str_eq(data.categories[0], "lying");
    cr_expect_str_eq(data.categories[1], "standing");
    cr_expect(data.train.shape.H == SIDE && data.train.shape.W == SIDE && data.train.shape.C == 1);
    for (uint32_t n = 0; n < data.train.n; n++) {
        const uint8_t *pixels = data.train.pixels + (size_t)n * SIDE * SIDE;
        bool lies = false;
        for (uint32_t i = 0; i < SIDE; i++)
            lies = lies || (pixels[i * SIDE] == 255 && pixels[i * SIDE + 1] == 255);
        cr_expect_eq(data.train.labels[n], lies ? 0u : 1u, "picture %u", n);
    }
    struct picture_data again = read_all(&place);
    cr_expect_arr_eq(again.pixels, data.pixels, 200u * SIDE * SIDE);
    picture_data_clear(&again);
    picture_data_clear(&data);
    remove_place(&place, "");
}

Test(picture_data, have_the_median_size_and_colours_if_any_has)
{
    struct place place = make_place();
    put_two_categories(&place, 20);
    for (uint32_t i = 0; i < 15; i++)
        put(&place, "[\"lying\"]", 20, 30, 1, true, i);
    put(&place, "[\"standing\"]", 40, 16, 3, false, 3);
    finish(&place);
    struct picture_data data = read_all(&place);
    cr_expect_eq(data.train.shape.H, SIDE);
    cr_expect_eq(data.train.shape.W, SIDE);
    cr_expect_eq(data.train.shape.C, 3);
    picture_data_clear(&data);
    remove_place(&place, "");
}

static bool refuse(void *context, const struct progress_step *step)
{
    (void)context, (void)step;
    return false;
}

Test(picture_data, of_too_few_categories_or_a_stop_are_failures_with_words)
{
    struct place place = make_place();
    for (uint32_t i = 0; i < 12; i++)
        put(&place, "[\"lying\"]", SIDE, SIDE, 1, true, i);
    finish(&place);
    SCOPED(store_close) struct store *store = NULL;
    struct picture_data data = {0};
    struct error reason = {0};
    OK(store_open(place.directory, STORE_READ, &store, &error));
    cr_expect_eq(picture_data_read(store, NULL, &data, &reason), STATUS_INVALID);
    cr_expect(strstr(reason.detail, "12 pictures, and 1 of"), "%s", reason.detail);
    store_close(store);
    store = NULL;
    OK(store_open(place.directory, STORE_WRITE, &place.store, &error));
    OK(store_begin(place.store, &error));
    put_two_categories(&place, 40);
    finish(&place);
    OK(store_open(place.directory, STORE_READ, &store, &error));
    cr_expect_eq(picture_data_read(store, &(struct progress){.report = refuse}, &data, &reason), STATUS_CONFLICT);
    OK(picture_data_read(store, NULL, &data, &error)); /* the snapshot was given back */
    picture_data_clear(&data);
    remove_place(&place, "");
}

Test(picture_retraining, writes_a_model_that_tells_the_catalogues_pictures_apart_the_same_at_any_number_of_threads)
{
    struct place place = make_place();
    char version[FILE_VERSION_BYTES], again[FILE_VERSION_BYTES], path[192];
    SCOPED(picture_model_close) struct picture_model *model = NULL;
    struct error reason = {0};
    put_two_categories(&place, 300);
    finish(&place);
    struct picture_query query = {.preset = PICTURE_SEED, .epochs = 8, .seed = 1, .n_threads = 1};
    OK(picture_retraining_run(place.directory, &query, NULL, version, &error));
    query.n_threads = 3;
    OK(picture_retraining_run(place.directory, &query, NULL, again, &error));
    cr_expect_str_eq(version, again);
    (void)snprintf(path, sizeof path, "%s/models/%s.safetensors", place.directory, version);
    cr_assert_eq(picture_model_open(path, &model, &reason), STATUS_OK, "%s", reason.detail);
    cr_expect_gt(picture_model_facts(model)->accuracy, 0.9);
    cr_expect(picture_model_facts(model)->is_refit);
    cr_expect(strstr(picture_model_facts(model)->report, "\"confusion\":[["), "%s", picture_model_facts(model)->report);
    cr_expect_eq(picture_retraining_run("/nowhere", &query, NULL, again, &reason), STATUS_NOT_FOUND);
    cr_expect_eq(picture_retraining_run(place.directory, &query, &(struct progress){.report = refuse}, again, &reason), STATUS_CONFLICT);
    remove_place(&place, version);
}

/* Keeps the phases that are over, in order. */
static bool note_phase(void *context, const struct progress_step *step)
{
    char *phases = context;
    if (step->done == step->total && step->total == 1)
        (void)snprintf(phases + strlen(phases), 64 - strlen(phases), "%s ", step->phase);
    return true;
}

Test(picture_retraining, without_a_refit_writes_the_network_that_was_judged)
{
    struct place place = make_place();
    char version[FILE_VERSION_BYTES], refit[FILE_VERSION_BYTES], path[192], phases[64] = "";
    SCOPED(picture_model_close) struct picture_model *model = NULL;
    put_two_categories(&place, 300);
    finish(&place);
    struct picture_query query = {.preset = PICTURE_SEED, .epochs = 2, .seed = 1, .n_threads = 2, .no_refit = true};
    struct progress progress = {.report = note_phase, .context = phases};
    OK(picture_retraining_run(place.directory, &query, &progress, version, &error));
    cr_expect_str_eq(phases, "trained ");
    (void)snprintf(path, sizeof path, "%s/models/%s.safetensors", place.directory, version);
    OK(picture_model_open(path, &model, &error));
    cr_expect_not(picture_model_facts(model)->is_refit);
    (void)unlink(path);
    phases[0] = '\0';
    query.no_refit = false;
    OK(picture_retraining_run(place.directory, &query, &progress, refit, &error));
    cr_expect_str_eq(phases, "trained refit ");
    cr_expect_str_neq(version, refit, "other weights");
    remove_place(&place, refit);
}
