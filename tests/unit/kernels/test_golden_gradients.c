/* Layers and Adam against PyTorch, number by number: tests/golden/make_gradients.py wrote what it computed in doubles. */
#include "golden_file.h"
#include "kernel_arguments.h"

#include "core/kernels/maps.h"
#include "core/layers/layer_training.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOLERANCE     1e-5f
#define LEARNING_RATE 1e-3f

/* --- the picture network --- */

#define CLASSES 3
#define NORM    1 /* the batch norm among the layers; the bias in front of it changes nothing */

static const struct layer list[] = {
    {.kind = LAYER_CONVOLUTION, .n_out = 4, .height = 3, .width = 3},
    {.kind = LAYER_BATCH_NORM, .epsilon = 1e-3f, .momentum = .9f},
    {.kind = LAYER_RELU},
    {.kind = LAYER_POOL, .height = 2, .width = 2},
    {.kind = LAYER_CONVOLUTION, .n_out = 3, .height = 3, .width = 3, .same = true},
    {.kind = LAYER_RELU},
    {.kind = LAYER_DENSE, .n_out = 5},
    {.kind = LAYER_RELU},
    {.kind = LAYER_DENSE, .n_out = CLASSES},
};
#define LIST_LAYERS (sizeof list / sizeof list[0])

static const struct map_shape picture_shape = {8, 8, 2};

struct lesson {
    struct node *document;
    const struct node *golden; /* in document */
    uint32_t n;
    float *samples, *weights;
    uint32_t *labels;
    struct layers layers;
};

static struct layers first_layers(uint32_t n_layers)
{
    struct layers layers;
    struct error error = {.detail = ""};
    cr_assert_eq(layers_init(&layers, picture_shape, list, n_layers, &error), STATUS_OK, "%s", error.detail);
    return layers;
}

static void read_tensor(const struct node *layer, const char *name, float *to, size_t n)
{
    float *values = golden_floats(golden_get(layer, name), n);
    memcpy(to, values, n * sizeof *values);
    free(values);
}

/* Tensors of all layers, at their places. */
static float *read_tensors(const struct layers *layers, const struct node *array, bool with_running)
{
    float *floats = zero_floats(layers->n_floats);
    cr_assert_eq(node_count(array), layers->n_layers);
    for (uint32_t l = 0; l < layers->n_layers; l++) {
        const struct layer_place *place = &layers->places[l];
        if (place->n_weights == 0)
            continue;
        read_tensor(node_at(array, l), "weights", floats + place->weights, place->n_weights);
        read_tensor(node_at(array, l), "bias", floats + place->bias, place->n_bias);
        if (with_running && layers->layers[l].kind == LAYER_BATCH_NORM) {
            read_tensor(node_at(array, l), "mean", floats + place->mean, place->in.C);
            read_tensor(node_at(array, l), "variance", floats + place->variance, place->in.C);
        }
    }
    return floats;
}

static struct lesson read_lesson(void)
{
    struct lesson lesson = {.document = read_golden("gradients.json"), .layers = first_layers(LIST_LAYERS)};
    lesson.golden = golden_get(lesson.document, "pictures");
    lesson.n = (uint32_t)node_count(golden_get(lesson.golden, "labels"));
    lesson.labels = golden_numbers(golden_get(lesson.golden, "labels"), lesson.n);
    lesson.samples = golden_floats(golden_get(lesson.golden, "samples"), lesson.n * map_floats(picture_shape));
    lesson.weights = read_tensors(&lesson.layers, golden_get(lesson.golden, "start"), true);
    return lesson;
}

static void clear_lesson(struct lesson *lesson)
{
    node_destroy(lesson->document);
    free(lesson->samples);
    free(lesson->weights);
    free(lesson->labels);
}

static struct layer_pass *start_pass(const struct lesson *lesson, const struct layers *layers)
{
    struct layer_pass *pass = NULL;
    struct random random;
    random_init(&random, ARGUMENT_SEED, 1); /* nothing is dropped */
    cr_assert_eq(layer_pass_create(layers, lesson->n, true, 1, &pass), STATUS_OK);
    memcpy(layer_pass_input(pass), lesson->samples, lesson->n * map_floats(picture_shape) * sizeof *lesson->samples);
    layer_pass_forward(pass, lesson->weights, (struct sample_range){0, lesson->n, 0}, &random, 0);
    return pass;
}

/* The weights of the first layers stand at the same places whatever comes behind, so a shorter network ends with the wanted map. */
Test(golden_gradients, every_map_is_pytorchs)
{
    struct lesson lesson = read_lesson();
    const struct node *maps = golden_get(golden_get(lesson.golden, "whole"), "maps");
    cr_assert_eq(node_count(maps), LIST_LAYERS);
    for (uint32_t l = 0; l < LIST_LAYERS; l++) {
        struct layers layers = first_layers(l + 1);
        SCOPED(layer_pass_destroy) struct layer_pass *pass = start_pass(&lesson, &layers);
        size_t n = lesson.n * map_floats(layers_output(&layers));
        float *expected = golden_floats(node_at(maps, l), n);
        char words[40];
        (void)snprintf(words, sizeof words, "the map behind layer %u", l + 1);
        expect_close(layer_pass_output(pass), expected, n, TOLERANCE, words);
        free(expected);
    }
    clear_lesson(&lesson);
}

static void expect_tensors(const struct lesson *lesson, const float *found, const struct node *array, bool with_running, const char *words)
{
    float *expected = read_tensors(&lesson->layers, array, with_running);
    for (uint32_t l = 0; l < LIST_LAYERS; l++) {
        const struct layer_place *place = &lesson->layers.places[l];
        char which[80];
        (void)snprintf(which, sizeof which, "%s, weights of layer %u", words, l + 1);
        expect_close(found + place->weights, expected + place->weights, place->n_weights, TOLERANCE, which);
        (void)snprintf(which, sizeof which, "%s, bias of layer %u", words, l + 1);
        if (!with_running || l + 1 != NORM)
            expect_close(found + place->bias, expected + place->bias, place->n_bias, TOLERANCE, which);
        (void)snprintf(which, sizeof which, "%s, running variance of layer %u", words, l + 1);
        if (with_running && l == NORM)
            expect_close(found + place->variance, expected + place->variance, place->in.C, TOLERANCE, which);
    }
    free(expected);
}

Test(golden_gradients, gradients_of_a_batch_of_one_part_are_pytorchs)
{
    struct lesson lesson = read_lesson();
    const struct node *golden = golden_get(lesson.golden, "whole");
    SCOPED(layer_pass_destroy) struct layer_pass *pass = start_pass(&lesson, &lesson.layers);
    double loss =
        map_kernels_fast()->cross_entropy(layer_pass_slopes(pass), layer_pass_output(pass), lesson.labels, 0, lesson.n, lesson.n, CLASSES);
    cr_expect_float_eq(loss, node_number(golden_get(golden, "loss")), 1e-5);
    layer_pass_backward(pass, lesson.weights, (struct sample_range){0, lesson.n, 0}, 0);
    float *gradients = zero_floats(lesson.layers.n_floats);
    for (uint32_t l = 0; l < LIST_LAYERS; l++) {
        const struct layer_place *place = &lesson.layers.places[l];
        if (place->n_weights)
            layer_pass_gradients(pass, l, (struct rows){0, place->n_weights / place->out.C}, lesson.n, 1, gradients, 0);
    }
    expect_tensors(&lesson, gradients, golden_get(golden, "gradients"), false, "one part");
    free(gradients);
    clear_lesson(&lesson);
}

static struct layer_training *start_training(const struct lesson *lesson, struct workers *workers)
{
    struct layer_training *training = NULL;
    cr_assert_eq(layer_training_create(&lesson->layers, lesson->weights, lesson->n, 0, 1, workers, &training), STATUS_OK);
    memcpy(layer_training_input(training), lesson->samples, lesson->n * map_floats(picture_shape) * sizeof *lesson->samples);
    return training;
}

Test(golden_gradients, gradients_of_a_batch_in_parts_are_pytorchs)
{
    struct lesson lesson = read_lesson();
    const struct node *golden = golden_get(lesson.golden, "parts");
    SCOPED(workers_destroy) struct workers *workers = workers_create(2);
    SCOPED(layer_training_destroy) struct layer_training *training = start_training(&lesson, workers);
    double loss = layer_training_step(training, lesson.labels, lesson.n, LEARNING_RATE);
    cr_expect_float_eq(loss, node_number(golden_get(golden, "loss")), 1e-5);
    expect_tensors(&lesson, layer_training_gradient(training), golden_get(golden, "gradients"), false, "in parts");
    clear_lesson(&lesson);
}

/* The bias in front of a batch norm: its gradient is 0 but for rounding, which Adam makes steps of. It has no part in anything but the
 * running mean, so both are compared without what the bias brought into the mean. */
struct idle_bias {
    float ours[4], theirs[4]; /* in the running mean */
};

static void note_bias(const struct lesson *lesson, float share[4], const float *weights)
{
    for (size_t c = 0; c < 4; c++)
        share[c] = .9f * share[c] + .1f * weights[lesson->layers.places[NORM - 1].bias + c];
}

static void expect_mean(const struct lesson *lesson, const struct idle_bias *idle, const float *ours, const float *theirs)
{
    const struct layer_place *place = &lesson->layers.places[NORM], *product = &lesson->layers.places[NORM - 1];
    float found[4], expected[4];
    for (size_t c = 0; c < 4; c++) {
        found[c] = ours[place->mean + c] - idle->ours[c];
        expected[c] = theirs[place->mean + c] - idle->theirs[c];
        cr_expect_lt(fabsf(ours[product->bias + c] - theirs[product->bias + c]), 10 * LEARNING_RATE, "at most Adam's steps");
    }
    expect_close(found, expected, 4, TOLERANCE, "the running mean without the bias");
}

Test(golden_gradients, ten_steps_of_training_are_pytorchs)
{
    struct lesson lesson = read_lesson();
    const struct node *steps = golden_get(lesson.golden, "steps");
    struct idle_bias idle = {.ours = {0}};
    SCOPED(workers_destroy) struct workers *workers = workers_create(2);
    SCOPED(layer_training_destroy) struct layer_training *training = start_training(&lesson, workers);
    float *theirs = copy_floats(lesson.weights, lesson.layers.n_floats);
    cr_assert_eq(node_count(steps), 10);
    for (size_t s = 0; s < 10; s++) {
        const struct node *golden = node_at(steps, s);
        char words[20];
        (void)snprintf(words, sizeof words, "step %zu", s + 1);
        note_bias(&lesson, idle.ours, layer_training_weights(training));
        note_bias(&lesson, idle.theirs, theirs);
        double loss = layer_training_step(training, lesson.labels, lesson.n, LEARNING_RATE);
        cr_expect_float_eq(loss, node_number(golden_get(golden, "loss")), 1e-5, "step %zu", s + 1);
        expect_tensors(&lesson, layer_training_weights(training), golden_get(golden, "weights"), true, words);
        free(theirs);
        theirs = read_tensors(&lesson.layers, golden_get(golden, "weights"), true);
        expect_mean(&lesson, &idle, layer_training_weights(training), theirs);
    }
    free(theirs);
    clear_lesson(&lesson);
}

/* --- Adam by itself --- */

static void check_adam(const struct kernels *form, const struct node *golden)
{
    const struct node *gradients = golden_get(golden, "gradients"), *weights = golden_get(golden, "weights");
    size_t n = node_count(golden_get(golden, "start"));
    float *w = golden_floats(golden_get(golden, "start"), n), *m = zero_floats(n), *v = zero_floats(n);
    cr_assert_eq(node_count(gradients), 10);
    for (size_t s = 0; s < 10; s++) {
        float *g = golden_floats(node_at(gradients, s), n), *expected = golden_floats(node_at(weights, s), n);
        struct adam_rates rates = adam_rates_at(LEARNING_RATE, 1e-7f, s + 1);
        form->adam(w, m, v, g, &rates, n);
        expect_close(w, expected, n, 1e-6f, form->name);
        free(g);
        free(expected);
    }
    free(w);
    free(m);
    free(v);
}

Test(golden_gradients, adam_adds_epsilon_where_pytorch_does)
{
    struct node *document = read_golden("gradients.json");
    const struct kernels *forms[KERNEL_FORMS_MAX];
    size_t n_forms = kernels_forms(forms);
    check_adam(&kernels_plain, golden_get(document, "adam"));
    for (size_t f = 0; f < n_forms; f++)
        check_adam(forms[f], golden_get(document, "adam"));
    node_destroy(document);
}
