/* What Keras saved answers here as it did there (tests/golden/make_keras.py); what is damaged is refused. */
#include "keras_fixture.h"

#include "core/base/node.h"
#include "server/exchange/keras_import.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOLERANCE  1e-5
#define PICTURES   4u
#define CATEGORIES 3u
#define PATH_BYTES (FOLDER_BYTES + 64)

static struct picture_model *import_file(const char *folder, const char *file)
{
    struct picture_model *model = NULL;
    struct error error = {.detail = ""};
    enum adoption adoption = LEFT_TO_SERVER;
    char version[FILE_VERSION_BYTES], path[PATH_BYTES];
    cr_assert_eq(keras_import(folder, file, NULL, version, &adoption, &error), STATUS_OK, "%s", error.detail);
    (void)snprintf(path, sizeof path, "%s/models/%s.safetensors", folder, version);
    cr_assert_eq(picture_model_open(path, &model, &error), STATUS_OK, "%s", error.detail);
    return model;
}

/* pixels [PICTURES, n] */
static uint8_t *golden_pixels(const struct node *golden, size_t n)
{
    const struct node *rows = node_get(golden, "pixels");
    uint8_t *pixels = calloc(PICTURES, n);
    cr_assert(pixels && rows && node_count(rows) == PICTURES);
    for (size_t i = 0; i < PICTURES * n; i++)
        pixels[i] = (uint8_t)node_integer(node_at(node_at(rows, i / n), i % n));
    return pixels;
}

static void expect_golden_answers(const struct picture_model *model)
{
    SCOPED(node_destroy) struct node *golden = NULL;
    SCOPED(picture_asker_destroy) struct picture_asker *asker = NULL;
    float probabilities[PICTURES * CATEGORIES];
    size_t n = 0, n_pixels = map_floats(picture_model_layers(model)->input);
    char *text = file_read(GOLDEN_FOLDER "/keras.json", &n);
    cr_assert_eq(node_parse(text, n, &golden, NULL), STATUS_OK);
    uint8_t *pixels = golden_pixels(golden, n_pixels);
    cr_assert_eq(picture_model_facts(model)->n_categories, CATEGORIES);
    cr_assert_eq(picture_asker_create(model, PICTURES, &asker), STATUS_OK);
    picture_asker_ask(asker, pixels, PICTURES, probabilities, NULL);
    for (size_t i = 0; i < PICTURES * CATEGORIES; i++) {
        double wanted = node_number(node_at(node_at(node_get(golden, "probabilities"), i / CATEGORIES), i % CATEGORIES));
        cr_expect(fabs(probabilities[i] - wanted) < TOLERANCE, "picture %zu, category %zu: %.8f, Keras has %.8f", i / CATEGORIES,
                  i % CATEGORIES, (double)probabilities[i], wanted);
    }
    free(pixels);
    free(text);
}

Test(keras_import, answers_as_keras_does)
{
    char folder[FOLDER_BYTES];
    folder_make(folder);
    struct picture_model *model = import_file(folder, GOLDEN_KERAS);
    expect_golden_answers(model);
    cr_assert_str_eq(picture_model_facts(model)->origin, "imported");
    cr_assert_str_eq(picture_model_facts(model)->report, "{}");
    picture_model_close(model);
    folder_remove(folder);
}

Test(keras_import, reads_an_h5_file_as_the_same_model)
{
    char folder[FOLDER_BYTES];
    folder_make(folder);
    struct picture_model *one = import_file(folder, GOLDEN_KERAS), *other = import_file(folder, GOLDEN_H5);
    cr_assert_str_eq(picture_model_facts(one)->version, picture_model_facts(other)->version);
    picture_model_close(one);
    picture_model_close(other);
    folder_remove(folder);
}

Test(keras_import, reads_an_archive_that_is_not_deflated)
{
    char folder[FOLDER_BYTES], path[PATH_BYTES];
    struct keras_archive archive = keras_golden();
    folder_make(folder);
    (void)snprintf(path, sizeof path, "%s/stored.keras", folder);
    keras_write(path, &archive, false);
    struct picture_model *model = import_file(folder, path);
    expect_golden_answers(model);
    picture_model_close(model);
    keras_archive_clear(&archive);
    folder_remove(folder);
}

Test(keras_import, makes_the_model_live)
{
    char folder[FOLDER_BYTES], live[FILE_VERSION_BYTES];
    SCOPED(store_close) struct store *store = NULL;
    struct error error = {.detail = ""};
    folder_make(folder);
    struct picture_model *model = import_file(folder, GOLDEN_KERAS);
    cr_assert_eq(store_open(folder, STORE_READ, &store, &error), STATUS_OK, "%s", error.detail);
    cr_assert_eq(registration_find_live(store, MODEL_PICTURES, live, &error), STATUS_OK, "%s", error.detail);
    cr_expect_str_eq(live, picture_model_facts(model)->version);
    picture_model_close(model);
    folder_remove(folder);
}

static void expect_failure(const char *path, enum status wanted, const char *words)
{
    struct keras_network network = {.weights = NULL};
    struct error error = {.detail = ""};
    cr_expect_eq(keras_model_read(path, &network, &error), wanted, "%s: %s", words, error.detail);
    cr_expect(strstr(error.detail, words), "%s instead of %s", error.detail, words);
    keras_network_clear(&network);
}

Test(keras_import, refuses_weights_that_are_not_as_the_config_says)
{
    static const struct {
        const char *from, *to, *words;
    } cases[] = {
        {"\"name\": \"edges\"", "\"name\": \"corners\"", "layer \"corners\" (Conv2D): the weights in its place are those of \"edges\""},
        {"\"filters\": 4", "\"filters\": 5", "layer \"edges\" (Conv2D): its kernel is 5 x 5 x 3 x 4, its options want 5 x 5 x 3 x 5"},
        {"\"kernel_size\": [5, 5]", "\"kernel_size\": [3, 3]", "layer \"edges\" (Conv2D): its kernel is 5 x 5 x 3 x 4"},
        {"\"use_bias\": true", "\"use_bias\": false", "the file has 2 weights of it, its options want 1"},
        {"\"use_bias\": false", "\"use_bias\": true", "the file has 1 weights of it, its options want 2"},
        {"\"scale\": false", "\"scale\": true", "the file has 3 weights of it, its options want 4"},
        {"\"center\": false, \"scale\": true", "\"center\": true, \"scale\": true", "the file has 3 weights of it, its options want 4"},
        {"\"units\": 7", "\"units\": 8", "(Dense): its kernel is 10 x 7, its options want 10 x 8"},
    };
    char folder[FOLDER_BYTES], path[PATH_BYTES];
    folder_make(folder);
    (void)snprintf(path, sizeof path, "%s/m.keras", folder);
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        keras_write_changed(path, cases[c].from, cases[c].to);
        expect_failure(path, STATUS_INVALID, cases[c].words);
    }
    folder_remove(folder);
}

/* Bytes of the golden .h5 file with one text changed to another of its length. */
static void write_changed_h5(const char *path, const char *from, const char *to)
{
    size_t n = 0;
    char *bytes = file_read(GOLDEN_H5, &n);
    char *at = memmem(bytes, n, from, strlen(from));
    cr_assert(at && strlen(from) == strlen(to), "%s", from);
    memcpy(at, to, strlen(to));
    file_write(path, bytes, n);
    free(bytes);
}

Test(keras_import, refuses_an_h5_file_whose_weights_are_not_as_its_config_says)
{
    char folder[FOLDER_BYTES], path[PATH_BYTES];
    folder_make(folder);
    (void)snprintf(path, sizeof path, "%s/m.h5", folder);
    write_changed_h5(path, "\"filters\": 4", "\"filters\": 9");
    expect_failure(path, STATUS_INVALID, "layer \"edges\" (Conv2D): its kernel is 5 x 5 x 3 x 4, its options want 5 x 5 x 3 x 9");
    write_changed_h5(path, "{\"name\": \"edges\"", "{\"name\": \"wedge\"");
    expect_failure(path, STATUS_INVALID, "layer \"wedge\" (Conv2D): the file has no group model_weights/wedge with its weights");
    write_changed_h5(path, "sequential/edges/kernel", "sequential/edges/kernem");
    expect_failure(path, STATUS_INVALID, "layer \"edges\" (Conv2D): weight 1 of its weight_names is not its kernel");
    write_changed_h5(path, "model_config", "model_confix");
    expect_failure(path, STATUS_INVALID, "no attribute model_config");
    folder_remove(folder);
}

static void expect_no_prefix_is_taken(const char *file, size_t step)
{
    char folder[FOLDER_BYTES], path[PATH_BYTES];
    size_t n = 0;
    char *bytes = file_read(file, &n);
    folder_make(folder);
    (void)snprintf(path, sizeof path, "%s/cut", folder);
    for (size_t end = 0; end < n; end += step) {
        struct keras_network network = {.weights = NULL};
        struct error error = {.detail = ""};
        file_write(path, bytes, end);
        cr_expect_neq(keras_model_read(path, &network, &error), STATUS_OK, "the first %zu of %zu bytes", end, n);
        cr_expect(error.detail[0]);
        keras_network_clear(&network);
    }
    folder_remove(folder);
    free(bytes);
}

Test(keras_import, refuses_an_archive_that_is_cut_short)
{
    expect_no_prefix_is_taken(GOLDEN_KERAS, 61);
}

Test(keras_import, refuses_an_h5_file_that_is_cut_short)
{
    expect_no_prefix_is_taken(GOLDEN_H5, 499);
}

Test(keras_import, refuses_an_archive_without_one_of_its_members)
{
    char folder[FOLDER_BYTES], path[PATH_BYTES];
    struct keras_archive whole = keras_golden(), part = whole;
    folder_make(folder);
    (void)snprintf(path, sizeof path, "%s/m.keras", folder);
    part.config = NULL;
    keras_write(path, &part, true);
    expect_failure(path, STATUS_INVALID, "the archive has no config.json");
    part = whole;
    part.weights = NULL;
    keras_write(path, &part, true);
    expect_failure(path, STATUS_INVALID, "the archive has no model.weights.h5");
    part = whole;
    part.n_weights = 3000;
    keras_write(path, &part, true);
    expect_failure(path, STATUS_CORRUPT, "not an HDF5 file that can be read");
    keras_archive_clear(&whole);
    folder_remove(folder);
}

Test(keras_import, refuses_a_member_larger_than_its_limit_before_it_is_unpacked)
{
    struct keras_archive archive = {.config = NULL};
    struct error error = {.detail = ""};
    size_t n = 0;
    char *bytes = file_read(GOLDEN_KERAS, &n);
    cr_assert_eq(keras_archive_read(bytes, n, 4096, &archive, &error), STATUS_LIMIT);
    cr_assert(strstr(error.detail, "bytes; 4096 are possible"), "%s", error.detail);
    free(bytes);
}

Test(keras_import, refuses_a_weight_that_is_not_finite)
{
    char folder[FOLDER_BYTES], path[PATH_BYTES];
    struct keras_archive archive = keras_golden();
    struct keras_network network = {.weights = NULL};
    struct error error = {.detail = ""};
    const float nothing = NAN;
    cr_assert_eq(keras_model_read(GOLDEN_KERAS, &network, &error), STATUS_OK);
    /* the last dense layer's kernel is not folded: its first number stands in the file as it is */
    const float *weight = network.weights + network.layers.places[network.layers.n_layers - 1].weights;
    char *at = memmem(archive.weights, archive.n_weights, weight, sizeof *weight);
    cr_assert(at);
    memcpy(at, &nothing, sizeof nothing);
    folder_make(folder);
    (void)snprintf(path, sizeof path, "%s/m.keras", folder);
    keras_write(path, &archive, true);
    expect_failure(path, STATUS_INVALID, "its kernel has a value that is not finite");
    keras_network_clear(&network);
    keras_archive_clear(&archive);
    folder_remove(folder);
}

Test(keras_import, refuses_what_is_neither_kind_of_file)
{
    expect_failure(GOLDEN_FOLDER "/dot.safetensors", STATUS_INVALID, "neither a .keras file (a zip) nor an .h5 file");
    expect_failure(GOLDEN_FOLDER, STATUS_INVALID, "not a file");
    expect_failure(GOLDEN_FOLDER "/none.keras", STATUS_NOT_FOUND, "cannot be opened");
}
