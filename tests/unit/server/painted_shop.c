/* See painted_shop.h. */
#include "tests/unit/server/painted_shop.h"
#include "tests/unit/server/picture_fixture.h"

#include "core/base/random.h"
#include "core/picture_network.h"

#include <criterion/criterion.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

void shop_open(struct fixture *fixture)
{
    fixture_open(fixture);
    fixture_program(fixture, "exec " PICTURE_CHILD " \"$@\"");
}

struct picture shop_paint(uint8_t pixels[SHOP_PIXELS], unsigned number)
{
    struct random random;
    random_init(&random, number, 0);
    for (unsigned i = 0; i < SHOP_PIXELS; i++)
        pixels[i] = (uint8_t)random_below(&random, 256);
    return (struct picture){SHOP_SIDE, SHOP_SIDE, 1, pixels};
}

void shop_put_picture(struct fixture *fixture, const char *item_id, unsigned number)
{
    uint8_t pixels[SHOP_PIXELS];
    (void)shop_paint(pixels, number);
    struct picture_file png = picture_fixture_png_of(pixels, sizeof pixels, 0, SHOP_SIDE, SHOP_SIDE);
    struct picture_input picture = {.decoding = {.bytes = png.bytes, .n_bytes = png.n}};
    struct write write = {.kind = WRITE_PICTURE, .id = item_id, .picture = &picture};
    unsigned slot = app_enter(fixture->app);
    enum status status = fixture_write(fixture, &write);
    app_leave(fixture->app, slot);
    cr_assert_eq(status, STATUS_OK, "%s", write.error.detail);
    free(png.bytes);
}

void shop_write_model(struct fixture *fixture, uint64_t seed, char out_version[FILE_VERSION_BYTES])
{
    static const char *const categories[] = {"left", "right"};
    const struct picture_facts facts = {
        .origin = "trained", .preset = "seed", .seed = seed, .n_categories = 2, .categories = categories, .report = "{}"};
    struct layers layers;
    struct error error = {.detail = ""};
    char models[96];
    (void)snprintf(models, sizeof models, "%s/data/models", fixture->directory);
    cr_assert_eq(picture_layers(PICTURE_SEED, (struct map_shape){SHOP_SIDE, SHOP_SIDE, 1}, 2, &layers, &error), STATUS_OK, "%s",
                 error.detail);
    float *weights = aligned_alloc(64, (layers.n_floats * sizeof(float) + 63) / 64 * 64);
    cr_assert(weights);
    layers_start(&layers, seed, weights);
    (void)mkdir(models, 0750);
    cr_assert_eq(picture_model_write(models, &facts, &layers, weights, out_version, &error), STATUS_OK, "%s", error.detail);
    free(weights);
}

void shop_adopt_model(struct fixture *fixture, uint64_t seed, char out_version[FILE_VERSION_BYTES])
{
    shop_write_model(fixture, seed, out_version);
    cr_assert_eq(fixture_write(fixture, &(struct write){.kind = WRITE_MODEL_ADOPT}), STATUS_OK);
}

void shop_wait(struct fixture *fixture)
{
    while (!filler_is_idle(fixture->app->filler))
        (void)sched_yield();
}
