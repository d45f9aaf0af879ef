/* A picture model is the same before and after its file, and no file that is not whole becomes one. */
#include "kernel_arguments.h"

#include "core/kernels/maps.h"
#include "core/layers/layer_pass.h"
#include "core/picture_model.h"
#include "core/picture_network.h"
#include "core/picture_training.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SIDE = 12, CLASSES = 3, N = 5 };

static const char *const names[CLASSES] = {"coats", "Schuhe für Kinder", "帽子"};

struct fixture {
    char directory[64], path[128], version[FILE_VERSION_BYTES];
    struct layers layers;
    float *weights;
    struct picture_facts facts;
    uint8_t pixels[N * SIDE * SIDE * 3];
};

static void fixture_init(struct fixture *fixture)
{
    struct error error = {.detail = ""};
    struct random random;
    *fixture = (struct fixture){.directory = "/tmp/test_picture_model.XXXXXX"};
    cr_assert(mkdtemp(fixture->directory));
    cr_assert_eq(picture_layers(PICTURE_SEED, (struct map_shape){SIDE, SIDE, 3}, CLASSES, &fixture->layers, &error), STATUS_OK, "%s",
                 error.detail);
    fixture->weights = aligned_alloc(64, (fixture->layers.n_floats * sizeof(float) + 63) / 64 * 64);
    cr_assert(fixture->weights);
    layers_start(&fixture->layers, 3, fixture->weights);
    fixture->facts = (struct picture_facts){.origin = "trained",
                                            .preset = "seed",
                                            .seed = 3,
                                            .n_pictures = 240,
                                            .n_held_out = 24,
                                            .is_refit = true,
                                            .epochs = 7,
                                            .accuracy = 0.875,
                                            .n_categories = CLASSES,
                                            .categories = names,
                                            .report = "{\"curve\":[]}"};
    random_init(&random, 5, 0);
    for (size_t i = 0; i < sizeof fixture->pixels; i++)
        fixture->pixels[i] = (uint8_t)random_below(&random, 256);
}

static enum status write_it(struct fixture *fixture, struct error *error)
{
    enum status status =
        picture_model_write(fixture->directory, &fixture->facts, &fixture->layers, fixture->weights, fixture->version, error);
    (void)snprintf(fixture->path, sizeof fixture->path, "%s/%s.safetensors", fixture->directory, fixture->version);
    return status;
}

static void fixture_clear(struct fixture *fixture)
{
    free(fixture->weights);
    (void)unlink(fixture->path);
    (void)rmdir(fixture->directory);
}

Test(picture_model, is_what_was_written)
{
    struct fixture fixture;
    struct error error = {.detail = ""};
    SCOPED(picture_model_close) struct picture_model *model = NULL;
    fixture_init(&fixture);
    cr_assert_eq(write_it(&fixture, &error), STATUS_OK, "%s", error.detail);
    cr_assert_eq(picture_model_open(fixture.path, &model, &error), STATUS_OK, "%s", error.detail);
    const struct picture_facts *facts = picture_model_facts(model);
    cr_expect_str_eq(facts->version, fixture.version);
    cr_expect_eq(fixture.version[0], 'p');
    cr_expect_str_eq(facts->origin, "trained");
    cr_expect_str_eq(facts->preset, "seed");
    cr_expect_eq(facts->seed, 3);
    cr_expect_eq(facts->n_pictures, 240);
    cr_expect_eq(facts->n_held_out, 24);
    cr_expect(facts->is_refit);
    cr_expect_eq(facts->epochs, 7);
    cr_expect_eq(facts->accuracy, 0.875);
    cr_expect_str_eq(facts->report, fixture.facts.report);
    cr_assert_eq(facts->n_categories, CLASSES);
    for (unsigned c = 0; c < CLASSES; c++)
        cr_expect_str_eq(facts->categories[c], names[c]);
    cr_expect_eq(memcmp(picture_model_layers(model)->layers, fixture.layers.layers, fixture.layers.n_layers * sizeof(struct layer)), 0);
    cr_expect_arr_eq(picture_model_weights(model), fixture.weights, fixture.layers.n_floats * sizeof(float));
    fixture_clear(&fixture);
}

Test(picture_model, answers_with_probabilities_and_the_vector_in_front_of_them_one_by_one_and_together)
{
    struct fixture fixture;
    struct error error = {.detail = ""};
    SCOPED(picture_model_close) struct picture_model *model = NULL;
    SCOPED(picture_asker_destroy) struct picture_asker *together = NULL, *alone = NULL;
    float probabilities[N * CLASSES], vectors[N * PICTURE_VECTOR], one[CLASSES], vector[PICTURE_VECTOR];
    fixture_init(&fixture);
    cr_assert_eq(write_it(&fixture, &error), STATUS_OK, "%s", error.detail);
    cr_assert_eq(picture_model_open(fixture.path, &model, &error), STATUS_OK, "%s", error.detail);
    cr_assert_eq(picture_model_width(model), PICTURE_VECTOR);
    cr_assert_eq(picture_asker_create(model, N, &together), STATUS_OK);
    cr_assert_eq(picture_asker_create(model, 1, &alone), STATUS_OK);
    picture_asker_ask(together, fixture.pixels, N, probabilities, vectors);
    const struct layer_place *last = &fixture.layers.places[fixture.layers.n_layers - 1];
    for (unsigned n = 0; n < N; n++) {
        float logits[CLASSES];
        double sum = 0;
        picture_asker_ask(alone, fixture.pixels + n * SIDE * SIDE * 3, 1, one, vector);
        for (unsigned c = 0; c < CLASSES; c++) {
            sum += (double)probabilities[n * CLASSES + c];
            cr_expect_float_eq(one[c], probabilities[n * CLASSES + c], 1e-6);
            logits[c] = fixture.weights[last->bias + c];
            for (unsigned i = 0; i < PICTURE_VECTOR; i++)
                logits[c] += vectors[n * PICTURE_VECTOR + i] * fixture.weights[last->weights + i * CLASSES + c];
        }
        map_kernels_plain.softmax(logits, logits, 1, CLASSES);
        cr_expect_float_eq(sum, 1, 1e-6);
        for (unsigned c = 0; c < CLASSES; c++)
            cr_expect_float_eq(logits[c], one[c], 1e-5, "the vector is what the last layer is given");
    }
    picture_asker_ask(alone, fixture.pixels, 1, NULL, NULL); /* either may be left out */
    fixture_clear(&fixture);
}

Test(picture_model, that_makes_no_sense_is_not_written)
{
    struct fixture fixture;
    struct error error = {.detail = ""};
    struct layers batch_norms;
    char long_name[CATEGORY_MAX_BYTES + 2];
    fixture_init(&fixture);
    struct picture_facts sound = fixture.facts;
    fixture.facts.n_categories = 2;
    cr_expect_eq(write_it(&fixture, &error), STATUS_INVALID);
    cr_expect(strstr(error.detail, "unit for each category"), "%s", error.detail);
    fixture.facts = sound;
    fixture.facts.categories = (const char *const[]){"a", "", "c"};
    cr_expect_eq(write_it(&fixture, &error), STATUS_INVALID);
    cr_expect(strstr(error.detail, "category 2"), "%s", error.detail);
    memset(long_name, 'x', sizeof long_name);
    long_name[sizeof long_name - 1] = '\0';
    fixture.facts.categories = (const char *const[]){"a", "b", long_name};
    cr_expect_eq(write_it(&fixture, &error), STATUS_INVALID);
    cr_expect(strstr(error.detail, "category 3"), "%s", error.detail);
    cr_assert_eq(picture_layers(PICTURE_BEST, fixture.layers.input, CLASSES, &batch_norms, &error), STATUS_OK);
    cr_expect_eq(picture_model_write(fixture.directory, &sound, &batch_norms, fixture.weights, fixture.version, &error), STATUS_INVALID);
    cr_expect(strstr(error.detail, "folded"), "%s", error.detail);
    fixture_clear(&fixture);
}

static unsigned char *read_file(const char *path, size_t *out_n_bytes)
{
    FILE *file = fopen(path, "rb");
    cr_assert(file);
    cr_assert_eq(fseek(file, 0, SEEK_END), 0);
    *out_n_bytes = (size_t)ftell(file);
    rewind(file);
    unsigned char *bytes = malloc(*out_n_bytes);
    cr_assert(bytes && fread(bytes, 1, *out_n_bytes, file) == *out_n_bytes);
    (void)fclose(file);
    return bytes;
}

static enum status open_bytes(const struct fixture *fixture, const unsigned char *bytes, size_t n_bytes, struct error *error)
{
    struct picture_model *model = NULL;
    FILE *file = fopen(fixture->path, "wb");
    cr_assert(file && fwrite(bytes, 1, n_bytes, file) == n_bytes && fclose(file) == 0);
    error->detail[0] = '\0';
    enum status status = picture_model_open(fixture->path, &model, error);
    picture_model_close(model);
    return status;
}

Test(picture_model, that_is_damaged_anywhere_or_cut_short_is_refused_with_words)
{
    struct fixture fixture;
    struct error error = {.detail = ""};
    size_t n_bytes;
    fixture_init(&fixture);
    cr_assert_eq(write_it(&fixture, &error), STATUS_OK);
    unsigned char *bytes = read_file(fixture.path, &n_bytes);
    for (size_t at = 0; at < n_bytes; at += at < 4096 ? 7 : 4099) {
        bytes[at] ^= 0x10;
        cr_expect_eq(open_bytes(&fixture, bytes, n_bytes, &error), STATUS_CORRUPT, "byte %zu", at);
        cr_expect(error.detail[0]);
        bytes[at] ^= 0x10;
        cr_expect_eq(open_bytes(&fixture, bytes, at, &error), STATUS_CORRUPT, "cut at %zu", at);
    }
    cr_expect_eq(open_bytes(&fixture, bytes, n_bytes, &error), STATUS_OK, "%s", error.detail);
    free(bytes);
    fixture_clear(&fixture);
}

Test(picture_model, written_twice_is_one_file_and_a_behaviour_model_is_no_picture_model)
{
    struct fixture fixture;
    struct error error = {.detail = ""};
    struct picture_model *none = NULL;
    char first[FILE_VERSION_BYTES];
    fixture_init(&fixture);
    cr_assert_eq(write_it(&fixture, &error), STATUS_OK);
    memcpy(first, fixture.version, sizeof first);
    cr_assert_eq(write_it(&fixture, &error), STATUS_OK, "%s", error.detail);
    cr_expect_str_eq(first, fixture.version);
    cr_expect_eq(picture_model_open("/nowhere", &none, &error), STATUS_NOT_FOUND);
    cr_expect_eq(picture_model_open(GOLDEN_FOLDER "/dot.safetensors", &none, &error), STATUS_CORRUPT, "%s", error.detail);
    cr_expect(strstr(error.detail, "picture-network"), "%s", error.detail);
    fixture_clear(&fixture);
}
