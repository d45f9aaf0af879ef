/* Pictures that are moved and mirrored for training: by hand, and that the presets which say so learn from them. */
#include "kernel_arguments.h"

#include "core/picture_training.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* Two rows of three pixels: rows differ, columns differ, and no pixel is 0, which is what comes in from outside. */
static const uint8_t drawn[] = {10, 20, 30, 40, 50, 60};
static const struct map_shape drawn_shape = {2, 3, 1};

static void expect_moved(int down, int right, bool is_mirrored, const uint8_t expected[6])
{
    float y[6], normalised[6];
    picture_move(y, drawn, drawn_shape, down, right, is_mirrored);
    picture_normalise(normalised, expected, 6);
    for (int i = 0; i < 6; i++)
        cr_expect_eq(y[i], normalised[i], "%d down, %d right%s: pixel %d is %g, expected %d", down, right, is_mirrored ? ", mirrored" : "",
                     i, (double)y[i] * 255, expected[i]);
}

Test(picture_moves, by_nothing_leave_a_picture_as_it_is)
{
    expect_moved(0, 0, false, drawn);
}

Test(picture_moves, mirror_left_to_right)
{
    expect_moved(0, 0, true, (const uint8_t[]){30, 20, 10, 60, 50, 40});
}

Test(picture_moves, fill_with_0_what_comes_in_from_outside)
{
    expect_moved(1, 0, false, (const uint8_t[]){0, 0, 0, 10, 20, 30});
    expect_moved(-1, 0, false, (const uint8_t[]){40, 50, 60, 0, 0, 0});
    expect_moved(0, 1, false, (const uint8_t[]){0, 10, 20, 0, 40, 50});
    expect_moved(0, -2, false, (const uint8_t[]){30, 0, 0, 60, 0, 0});
    expect_moved(1, -1, false, (const uint8_t[]){0, 0, 0, 20, 30, 0});
}

Test(picture_moves, mirror_what_was_moved)
{
    expect_moved(0, 1, true, (const uint8_t[]){20, 10, 0, 50, 40, 0});
    expect_moved(-1, -1, true, (const uint8_t[]){0, 60, 50, 0, 0, 0});
}

Test(picture_moves, beyond_a_picture_leave_nothing_of_it)
{
    expect_moved(2, 0, false, (const uint8_t[6]){0});
    expect_moved(-2, 0, true, (const uint8_t[6]){0});
    expect_moved(0, 3, true, (const uint8_t[6]){0});
    expect_moved(0, -3, false, (const uint8_t[6]){0});
}

Test(picture_moves, keep_the_channels_of_a_pixel_together)
{
    static const uint8_t colours[] = {1, 2, 3, 4, 5, 6}, expected[] = {0, 0, 0, 1, 2, 3}, mirrored[] = {4, 5, 6, 1, 2, 3};
    const struct map_shape shape = {1, 2, 3};
    float y[6], normalised[6];
    picture_move(y, colours, shape, 0, 1, false);
    picture_normalise(normalised, expected, 6);
    cr_expect_arr_eq(y, normalised, sizeof y);
    picture_move(y, colours, shape, 0, 0, true);
    picture_normalise(normalised, mirrored, 6);
    cr_expect_arr_eq(y, normalised, sizeof y);
}

/* --- in training --- */

enum { SIDE = 12, N = 96, PIXELS = SIDE * SIDE };

struct noise {
    uint8_t pixels[N * PIXELS];
    uint32_t labels[N];
};

/* Noise of two classes, the second one brighter; symmetric: its right half is its left one in a mirror. */
static struct noise *make_noise(bool is_symmetric)
{
    struct noise *noise = calloc(1, sizeof *noise);
    struct random random;
    cr_assert(noise);
    random_init(&random, ARGUMENT_SEED, 5);
    for (uint32_t i = 0; i < N * PIXELS; i++) {
        uint32_t column = i % SIDE;
        noise->labels[i / PIXELS] = i / PIXELS % 2;
        noise->pixels[i] = (uint8_t)(1 + random_below(&random, 100) + 100 * (i / PIXELS % 2));
        if (is_symmetric && column >= SIDE / 2)
            noise->pixels[i] = noise->pixels[i - column + SIDE - 1 - column];
    }
    return noise;
}

static struct picture_network teach(const struct noise *noise, uint32_t shift, bool flips)
{
    SCOPED(workers_destroy) struct workers *workers = workers_create(2);
    const struct pictures train = {N, 2, {SIDE, SIDE, 1}, noise->pixels, noise->labels}, none = {0, 2, {SIDE, SIDE, 1}, NULL, NULL};
    struct picture_settings settings = picture_settings_of(PICTURE_BEST);
    struct picture_network network;
    struct error error = {.detail = ""};
    settings.epochs = 2;
    settings.shift = shift;
    settings.flips = flips;
    cr_assert_eq(picture_training_run(&train, &none, &settings, 1, workers, NULL, &network, &error), STATUS_OK, "%s", error.detail);
    return network;
}

static bool are_same(const struct picture_network *a, const struct picture_network *b)
{
    return memcmp(a->weights, b->weights, a->layers.n_floats * sizeof *a->weights) == 0;
}

Test(picture_moves, are_what_the_best_preset_learns_from)
{
    const struct picture_settings best = picture_settings_of(PICTURE_BEST), seed = picture_settings_of(PICTURE_SEED);
    struct noise *noise = make_noise(false);
    cr_expect(best.shift == 1 && best.flips);
    cr_expect(seed.shift == 0 && !seed.flips);
    SCOPED(picture_network_clear) struct picture_network both = teach(noise, best.shift, best.flips);
    SCOPED(picture_network_clear) struct picture_network again = teach(noise, best.shift, best.flips);
    SCOPED(picture_network_clear) struct picture_network moved = teach(noise, best.shift, false);
    SCOPED(picture_network_clear) struct picture_network mirrored = teach(noise, 0, best.flips);
    SCOPED(picture_network_clear) struct picture_network neither = teach(noise, 0, false);
    cr_expect(are_same(&both, &again), "the moves are a function of the seed");
    cr_expect(!are_same(&both, &moved), "mirrors count");
    cr_expect(!are_same(&both, &mirrored), "shifts count");
    cr_expect(!are_same(&moved, &neither));
    cr_expect(!are_same(&mirrored, &neither));
    free(noise);
}

Test(picture_moves, of_what_is_its_own_mirror_teach_nothing_new)
{
    struct noise *noise = make_noise(true);
    SCOPED(picture_network_clear) struct picture_network mirrored = teach(noise, 0, true);
    SCOPED(picture_network_clear) struct picture_network neither = teach(noise, 0, false);
    cr_expect(are_same(&mirrored, &neither));
    free(noise);
}
