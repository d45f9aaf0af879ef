/* Picture networks learn planted pictures, count honestly, and give the same bits at any thread count. */
#include "kernel_arguments.h"

#include "core/picture_training.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 12, CLASSES = 3, N = 240 };

struct planted_pictures {
    struct pictures pictures;
    uint8_t pixels[N * SIDE * SIDE];
    uint32_t labels[N];
};

/* Noise with a bar: lying, standing, or slanting. */
static struct planted_pictures *plant(uint64_t seed)
{
    struct planted_pictures *planted = calloc(1, sizeof *planted);
    struct random random;
    cr_assert(planted);
    random_init(&random, seed, 0);
    for (uint32_t n = 0; n < N; n++) {
        uint8_t *picture = planted->pixels + (size_t)n * SIDE * SIDE;
        uint32_t label = planted->labels[n] = random_below(&random, CLASSES), at = 3 + random_below(&random, SIDE - 6);
        for (uint32_t i = 0; i < SIDE * SIDE; i++)
            picture[i] = (uint8_t)random_below(&random, 120);
        for (uint32_t i = 0; i < SIDE; i++)
            picture[label == 0 ? at * SIDE + i : label == 1 ? i * SIDE + at : i * SIDE + (i + at) % SIDE] = 255;
    }
    planted->pictures = (struct pictures){N, CLASSES, {SIDE, SIDE, 1}, planted->pixels, planted->labels};
    return planted;
}

static struct picture_network teach(enum picture_preset preset, uint32_t epochs, const struct pictures *train,
                                    const struct pictures *held_out, unsigned n_threads)
{
    SCOPED(workers_destroy) struct workers *workers = workers_create(n_threads);
    struct picture_settings settings = picture_settings_of(preset);
    struct picture_network network;
    struct error error = {.detail = ""};
    settings.epochs = epochs;
    cr_assert_eq(picture_training_run(train, held_out, &settings, 1, workers, NULL, &network, &error), STATUS_OK, "%s", error.detail);
    return network;
}

Test(pictures, are_shown_more_often_if_they_are_few)
{
    struct picture_settings many = picture_settings_of(PICTURE_BEST), few = many, fewest = many, plain = picture_settings_of(PICTURE_SEED);
    picture_settings_fit(&many, 54000);
    cr_expect_eq(many.epochs, picture_settings_of(PICTURE_BEST).epochs);
    picture_settings_fit(&few, 3000);
    cr_expect(few.epochs * (3000 / few.batch + 1) >= PICTURE_STEPS_LEAST && few.epochs < PICTURE_EPOCHS_MOST);
    picture_settings_fit(&fewest, 20);
    cr_expect_eq(fewest.epochs, PICTURE_EPOCHS_MOST);
    picture_settings_fit(&plain, 20);
    cr_expect_eq(plain.epochs, 10, "the seed preset is what it is");
}

Test(pictures, are_told_apart_by_both_presets)
{
    struct planted_pictures *train = plant(1), *held_out = plant(2);
    for (enum picture_preset preset = 0; preset < PICTURE_PRESETS; preset++) {
        struct picture_network network = teach(preset, 40, &train->pictures, &held_out->pictures, 2);
        uint32_t n = 0, n_right = 0;
        for (uint32_t k = 0; k < CLASSES * CLASSES; k++) {
            n += network.figures.confusion[k];
            n_right += k % (CLASSES + 1) == 0 ? network.figures.confusion[k] : 0;
        }
        cr_expect_eq(n, N);
        cr_expect_eq(n_right, network.figures.n_right, "the diagonal is what is right");
        cr_expect_gt(n_right, N * 9 / 10, "%s: %u of %u", picture_preset_names[preset], n_right, n);
        for (uint32_t l = 0; l < network.layers.n_layers; l++)
            cr_expect(network.layers.layers[l].kind != LAYER_BATCH_NORM && network.layers.layers[l].kind != LAYER_DROPOUT);
        picture_network_clear(&network);
    }
    free(train);
    free(held_out);
}

Test(pictures, held_out_choose_the_epoch_where_the_rate_stays)
{
    struct planted_pictures *train = plant(1), *held_out = plant(2);
    struct picture_network network = teach(PICTURE_SEED, 12, &train->pictures, &held_out->pictures, 2);
    double best = 0;
    for (uint32_t epoch = 0; epoch < network.n_epochs; epoch++)
        best = network.curve[epoch].accuracy > best ? network.curve[epoch].accuracy : best;
    cr_expect_eq(network.curve[network.chosen_epoch - 1].accuracy, best);
    cr_expect_eq((double)network.figures.n_right / N, best, "its figures are reported");
    picture_network_clear(&network);
    free(train);
    free(held_out);
}

Test(pictures, the_last_epoch_is_chosen_where_the_rate_falls)
{
    struct planted_pictures *train = plant(1), *held_out = plant(2);
    struct picture_network network = teach(PICTURE_BEST, 12, &train->pictures, &held_out->pictures, 2);
    cr_expect_eq(network.chosen_epoch, 12);
    cr_expect_eq((double)network.figures.n_right / N, network.curve[11].accuracy);
    picture_network_clear(&network);
    free(train);
    free(held_out);
}

static void expect_refit(enum picture_preset preset, const struct pictures *train, const struct pictures *held_out,
                         const struct pictures *all)
{
    SCOPED(workers_destroy) struct workers *workers = workers_create(2);
    SCOPED(picture_network_clear) struct picture_network network = teach(preset, 6, train, held_out, 2);
    struct picture_settings settings = picture_settings_of(preset);
    struct pictures none = *all;
    struct error error = {.detail = ""};
    uint32_t n_right = network.figures.n_right;
    none.n = 0;
    SCOPED(picture_network_clear) struct picture_network expected = teach(preset, network.chosen_epoch, all, &none, 1);
    settings.epochs = 6;
    cr_assert_eq(picture_training_refit(all, &settings, 1, workers, NULL, &network, &error), STATUS_OK, "%s", error.detail);
    cr_expect_arr_eq(network.weights, expected.weights, network.layers.n_floats * sizeof *network.weights);
    cr_expect(network.figures.n == N && network.figures.n_right == n_right && network.n_epochs == 6, "figures stay");
}

Test(pictures, a_refit_learns_from_all_for_as_many_epochs_as_were_chosen)
{
    struct planted_pictures *train = plant(1), *held_out = plant(2), *all = plant(3);
    for (enum picture_preset preset = 0; preset < PICTURE_PRESETS; preset++)
        expect_refit(preset, &train->pictures, &held_out->pictures, &all->pictures);
    free(train);
    free(held_out);
    free(all);
}

Test(pictures, are_learned_in_the_same_bits_at_any_thread_count)
{
    struct planted_pictures *train = plant(1), *held_out = plant(2);
    struct picture_network one = teach(PICTURE_BEST, 2, &train->pictures, &held_out->pictures, 1);
    struct picture_network three = teach(PICTURE_BEST, 2, &train->pictures, &held_out->pictures, 3);
    cr_expect_arr_eq(one.weights, three.weights, one.layers.n_floats * sizeof *one.weights);
    cr_expect_eq(one.figures.n_right, three.figures.n_right);
    picture_network_clear(&one);
    picture_network_clear(&three);
    free(train);
    free(held_out);
}

static bool stop_at_once(void *context, const struct progress_step *step)
{
    (void)context;
    return step->done < 3;
}

Test(pictures, training_says_why_it_cannot_be_and_stops_when_asked)
{
    struct planted_pictures *train = plant(1);
    SCOPED(workers_destroy) struct workers *workers = workers_create(1);
    struct picture_settings settings = picture_settings_of(PICTURE_SEED);
    struct picture_network network;
    struct error error = {.detail = ""};
    struct pictures none = train->pictures, one_class = train->pictures, small = train->pictures;
    none.n = 0;
    cr_expect_eq(picture_training_run(&none, &none, &settings, 1, workers, NULL, &network, &error), STATUS_INVALID);
    one_class.n_classes = 1;
    cr_expect_eq(picture_training_run(&one_class, &none, &settings, 1, workers, NULL, &network, &error), STATUS_INVALID);
    cr_expect(strstr(error.detail, "at least 2"), "%s", error.detail);
    small.shape = (struct map_shape){6, 24, 1};
    cr_expect_eq(picture_training_run(&small, &none, &settings, 1, workers, NULL, &network, &error), STATUS_INVALID);
    cr_expect(strstr(error.detail, "24 x 6"), "%s", error.detail);
    cr_expect_eq(
        picture_training_run(&train->pictures, &none, &settings, 1, workers, &(struct progress){.report = stop_at_once}, &network, &error),
        STATUS_CONFLICT);
    free(train);
}

Test(pictures, a_refit_that_is_stopped_leaves_the_network_as_it_was)
{
    struct planted_pictures *train = plant(1);
    SCOPED(workers_destroy) struct workers *workers = workers_create(1);
    SCOPED(picture_network_clear)
    struct picture_network network = teach(PICTURE_SEED, 1, &train->pictures, &train->pictures, 1);
    struct picture_settings settings = picture_settings_of(PICTURE_SEED);
    struct error error = {.detail = ""};
    size_t n_bytes = network.layers.n_floats * sizeof *network.weights;
    SCOPED(memory_free) float *before = malloc(n_bytes);
    cr_assert(before);
    memcpy(before, network.weights, n_bytes);
    cr_expect_eq(
        picture_training_refit(&train->pictures, &settings, 2, workers, &(struct progress){.report = stop_at_once}, &network, &error),
        STATUS_CONFLICT);
    cr_expect_arr_eq(network.weights, before, n_bytes);
    free(train);
}
