/* Networks of layers: what they refuse, their gradients against finite differences, folding, and that threads change nothing. */
#include "kernel_arguments.h"

#include "core/layers/layer_training.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct layer picture_list[] = {
    {.kind = LAYER_CONVOLUTION, .n_out = 6, .height = 3, .width = 3},
    {.kind = LAYER_BATCH_NORM, .epsilon = 1e-3f, .momentum = .9f},
    {.kind = LAYER_RELU},
    {.kind = LAYER_POOL, .height = 2, .width = 2},
    {.kind = LAYER_CONVOLUTION, .n_out = 5, .height = 3, .width = 3, .same = true},
    {.kind = LAYER_RELU},
    {.kind = LAYER_POOL, .height = 2, .width = 2},
    {.kind = LAYER_DENSE, .n_out = 7},
    {.kind = LAYER_RELU},
    {.kind = LAYER_DROPOUT, .rate = 0},
    {.kind = LAYER_DENSE, .n_out = 4},
};
#define PICTURE_LAYERS (sizeof picture_list / sizeof picture_list[0])

static const struct map_shape picture_shape = {10, 11, 2};

static struct layers picture_layers(void)
{
    struct layers layers;
    struct error error = {.detail = ""};
    cr_assert_eq(layers_init(&layers, picture_shape, picture_list, PICTURE_LAYERS, &error), STATUS_OK, "%s", error.detail);
    return layers;
}

Test(layers, know_the_shapes_and_weights_of_the_seed_network)
{
    const struct layer list[] = {{.kind = LAYER_CONVOLUTION, .n_out = 32, .height = 3, .width = 3},
                                 {.kind = LAYER_RELU},
                                 {.kind = LAYER_POOL, .height = 2, .width = 2},
                                 {.kind = LAYER_CONVOLUTION, .n_out = 64, .height = 3, .width = 3},
                                 {.kind = LAYER_RELU},
                                 {.kind = LAYER_POOL, .height = 2, .width = 2},
                                 {.kind = LAYER_DENSE, .n_out = 64},
                                 {.kind = LAYER_RELU},
                                 {.kind = LAYER_DENSE, .n_out = 10}};
    struct layers layers;
    struct error error = {.detail = ""};
    cr_assert_eq(layers_init(&layers, (struct map_shape){28, 28, 1}, list, 9, &error), STATUS_OK, "%s", error.detail);
    cr_expect_eq(layers.places[3].in.H, 13);
    cr_expect_eq(layers.places[3].out.W, 11);
    cr_expect_eq(map_floats(layers.places[6].in), 1600);
    cr_expect_eq(layers_output(&layers).C, 10);
    size_t n = 0;
    for (uint32_t l = 0; l < layers.n_layers; l++)
        n += layers.places[l].n_weights + layers.places[l].n_bias;
    cr_expect_eq(n, 320 + 18496 + 102464 + 650, "as Keras counts them");
    cr_expect_float_eq(layers_flops(&layers) / 1e6, 5.06, .01);
}

Test(layers, refuse_what_cannot_be_with_the_layer_and_the_reason)
{
    const struct {
        struct layer layer;
        const char *words;
    } faults[] = {
        {{.kind = LAYER_CONVOLUTION, .n_out = 0, .height = 3, .width = 3}, "no outputs"},
        {{.kind = LAYER_CONVOLUTION, .n_out = 4, .height = 12, .width = 3}, "larger than its map"},
        {{.kind = LAYER_CONVOLUTION, .n_out = 4, .height = 2, .width = 3, .same = true}, "even side"},
        {{.kind = LAYER_CONVOLUTION, .n_out = 4, .height = 100001, .width = 3, .same = true}, "4096"},
        {{.kind = LAYER_POOL, .height = 0, .width = 2}, "larger than its map"},
        {{.kind = LAYER_DENSE, .n_out = 100000}, "too many"},
        {{.kind = LAYER_DROPOUT, .rate = 1}, "rate"},
        {{.kind = LAYER_DROPOUT, .rate = NAN}, "rate"},
        {{.kind = LAYER_BATCH_NORM, .epsilon = 0, .momentum = .9f}, "epsilon"},
    };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        const struct layer list[] = {{.kind = LAYER_RELU}, faults[i].layer};
        struct layers layers;
        struct error error = {.detail = ""};
        cr_expect_eq(layers_init(&layers, picture_shape, list, 2, &error), STATUS_INVALID, "%zu", i);
        cr_expect(strstr(error.detail, "layer 2") && strstr(error.detail, faults[i].words), "%zu: %s", i, error.detail);
    }
}

struct lesson {
    struct layers layers;
    float *weights;
    float *samples;
    uint32_t *targets;
    uint32_t n;
};

static struct lesson make_lesson(uint32_t n)
{
    struct lesson lesson = {.layers = picture_layers(), .n = n};
    struct random random;
    random_init(&random, ARGUMENT_SEED, 7);
    lesson.weights = zero_floats(lesson.layers.n_floats);
    layers_start(&lesson.layers, 3, lesson.weights);
    lesson.samples = random_floats(&random, n * map_floats(picture_shape), 1);
    lesson.targets = random_numbers(&random, n, 4);
    return lesson;
}

static void clear_lesson(struct lesson *lesson)
{
    free(lesson->weights);
    free(lesson->samples);
    free(lesson->targets);
}

static struct layer_training *start_training(const struct lesson *lesson, struct workers *workers)
{
    struct layer_training *training = NULL;
    cr_assert_eq(layer_training_create(&lesson->layers, lesson->weights, lesson->n, .1f, 5, workers, &training), STATUS_OK);
    memcpy(layer_training_input(training), lesson->samples, lesson->n * map_floats(picture_shape) * sizeof(float));
    return training;
}

/* The loss at the lesson's weights: a step of rate 0. */
static double loss_at(const struct lesson *lesson, struct workers *workers)
{
    SCOPED(layer_training_destroy) struct layer_training *training = start_training(lesson, workers);
    return layer_training_step(training, lesson->targets, lesson->n, 0);
}

Test(layers, gradients_are_the_slopes_of_the_loss)
{
    SCOPED(workers_destroy) struct workers *workers = workers_create(1);
    struct lesson lesson = make_lesson(24); /* three samples a part */
    SCOPED(layer_training_destroy) struct layer_training *training = start_training(&lesson, workers);
    (void)layer_training_step(training, lesson.targets, lesson.n, 0);
    const float *gradient = layer_training_gradient(training);
    for (uint32_t l = 0; l < lesson.layers.n_layers; l++) {
        const struct layer_place *place = &lesson.layers.places[l];
        double error = 0,
               length = 1e-12; /* squared, over the weights that are looked at: single ones may stand at a kink of ReLU or pool */
        for (size_t i = 0; i < place->n_weights + place->n_bias; i += 1 + place->n_weights / 12) {
            float *weight = &lesson.weights[i < place->n_weights ? place->weights + i : place->bias + i - place->n_weights];
            float kept = *weight, step = 5e-4f, found = gradient[weight - lesson.weights];
            *weight = kept + step;
            double more = loss_at(&lesson, workers);
            *weight = kept - step;
            double slope = (more - loss_at(&lesson, workers)) / (2 * (double)step);
            *weight = kept;
            error += (slope - (double)found) * (slope - (double)found);
            length += slope * slope;
        }
        cr_expect_lt(sqrt(error / length), .02, "layer %u: off by %g of its length", l + 1, sqrt(error / length));
    }
    clear_lesson(&lesson);
}

Test(layers, learn_the_same_bits_at_any_thread_count)
{
    struct lesson lesson = make_lesson(21);
    float *first = NULL;
    for (unsigned n_threads = 1; n_threads <= 3; n_threads++) {
        SCOPED(workers_destroy) struct workers *workers = workers_create(n_threads);
        SCOPED(layer_training_destroy) struct layer_training *training = start_training(&lesson, workers);
        double before = layer_training_step(training, lesson.targets, lesson.n, .01f), after = before;
        for (int step = 0; step < 40; step++)
            after = layer_training_step(training, lesson.targets, lesson.n - (uint32_t)(step % 19), .01f); /* small batches too */
        cr_expect_lt(after, .8 * before);
        if (!first)
            first = copy_floats(layer_training_weights(training), lesson.layers.n_floats);
        cr_expect_arr_eq(layer_training_weights(training), first, lesson.layers.n_floats * sizeof *first, "%u threads", n_threads);
    }
    free(first);
    clear_lesson(&lesson);
}

static float *infer(const struct layers *layers, const float *weights, const float *samples, uint32_t n)
{
    struct layer_pass *pass = NULL;
    cr_assert_eq(layer_pass_create(layers, n, false, 1, &pass), STATUS_OK);
    memcpy(layer_pass_input(pass), samples, n * map_floats(layers->input) * sizeof *samples);
    layer_pass_infer(pass, weights, (struct sample_range){0, n, 0}, 0);
    float *output = copy_floats(layer_pass_output(pass), n * map_floats(layers_output(layers)));
    layer_pass_destroy(pass);
    return output;
}

Test(layers, answer_the_same_when_batch_norms_are_folded)
{
    struct lesson lesson = make_lesson(16);
    SCOPED(workers_destroy) struct workers *workers = workers_create(2);
    SCOPED(layer_training_destroy) struct layer_training *training = start_training(&lesson, workers);
    for (int step = 0; step < 10; step++)
        (void)layer_training_step(training, lesson.targets, lesson.n, .01f);
    struct layers folded;
    float *weights = zero_floats(lesson.layers.n_floats);
    layers_fold(&lesson.layers, layer_training_weights(training), &folded, weights);
    cr_expect_eq(folded.n_layers, PICTURE_LAYERS - 2, "no batch norm, no dropout");
    float *whole = infer(&lesson.layers, layer_training_weights(training), lesson.samples, lesson.n);
    float *of_folded = infer(&folded, weights, lesson.samples, lesson.n);
    expect_close(of_folded, whole, lesson.n * 4, 1e-4f, "folded");
    free(whole);
    free(of_folded);
    free(weights);
    clear_lesson(&lesson);
}

Test(layers, a_relu_may_be_taken_behind_its_pool)
{
    const struct layer list[] = {{.kind = LAYER_RELU}, {.kind = LAYER_POOL, .height = 2, .width = 2}};
    struct layers layers;
    struct error error = {.detail = ""};
    const float samples[] = {-1, -2, -3, -4, 5, -6, 7, 6}, expected[] = {0, 7};
    cr_assert_eq(layers_init(&layers, (struct map_shape){2, 2, 1}, list, 2, &error), STATUS_OK);
    float *output = infer(&layers, NULL, samples, 2);
    cr_expect_arr_eq(output, expected, sizeof expected);
    free(output);
}
