/* The text network against PyTorch, number by number: tests/golden/make_gradients.py wrote what it computed in doubles. */
#include "golden_file.h"
#include "kernel_arguments.h"

#include "core/kernels/maps.h"
#include "core/kernels/word_kernels.h"
#include "core/text_pass.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOLERANCE     1e-5f
#define LEARNING_RATE 1e-3f

struct lesson {
    struct node *document;
    const struct node *golden; /* in document */
    struct text_network network;
    uint32_t n_texts, n_words;
    uint32_t *lengths, *starts, *buckets, *labels;
    float *weights;
};

/* A tensor by its name, its place and its size. */
struct tensor_place {
    const char *name;
    size_t first, n;
};

#define TENSORS 5

static void list_tensors(const struct text_network *network, struct tensor_place places[TENSORS])
{
    size_t V = network->shape.n_buckets, C = network->shape.width, O = network->shape.channels, D = network->shape.outputs;
    places[0] = (struct tensor_place){"conv", network->conv, TEXT_TAPS * C * O};
    places[1] = (struct tensor_place){"conv_bias", network->conv_bias, O};
    places[2] = (struct tensor_place){"dense", network->dense, O * D};
    places[3] = (struct tensor_place){"dense_bias", network->dense_bias, D};
    places[4] = (struct tensor_place){"table", network->table, V * C};
}

static float *read_tensors(const struct text_network *network, const struct node *object)
{
    struct tensor_place places[TENSORS];
    float *floats = zero_floats(network->n_floats);
    list_tensors(network, places);
    for (size_t i = 0; i < TENSORS; i++) {
        float *values = golden_floats(golden_get(object, places[i].name), places[i].n);
        memcpy(floats + places[i].first, values, places[i].n * sizeof *values);
        free(values);
    }
    return floats;
}

static void expect_tensors(const struct text_network *network, const float *found, const struct node *object, const char *words)
{
    struct tensor_place places[TENSORS];
    float *expected = read_tensors(network, object);
    list_tensors(network, places);
    for (size_t i = 0; i < TENSORS; i++) {
        char which[80];
        (void)snprintf(which, sizeof which, "%s, %s", words, places[i].name);
        expect_close(found + places[i].first, expected + places[i].first, places[i].n, TOLERANCE, which);
    }
    free(expected);
}

static struct lesson read_lesson(void)
{
    struct lesson lesson = {.document = read_golden("gradients.json")};
    struct error error = {.detail = ""};
    lesson.golden = golden_get(lesson.document, "texts");
    uint32_t *sides = golden_numbers(golden_get(lesson.golden, "shape"), 4);
    const struct text_shape shape = {sides[0], sides[1], sides[2], sides[3]};
    free(sides);
    cr_assert_eq(text_network_init(&lesson.network, &shape, &error), STATUS_OK, "%s", error.detail);
    lesson.n_texts = (uint32_t)node_count(golden_get(lesson.golden, "texts"));
    lesson.lengths = golden_numbers(golden_get(lesson.golden, "texts"), lesson.n_texts);
    lesson.labels = golden_numbers(golden_get(lesson.golden, "labels"), lesson.n_texts);
    for (uint32_t s = 0; s < lesson.n_texts; s++)
        lesson.n_words += lesson.lengths[s];
    lesson.starts = golden_numbers(golden_get(lesson.golden, "starts"), lesson.n_words + 1);
    lesson.buckets = golden_numbers(golden_get(lesson.golden, "buckets"), lesson.starts[lesson.n_words]);
    lesson.weights = read_tensors(&lesson.network, golden_get(lesson.golden, "start"));
    return lesson;
}

static void clear_lesson(struct lesson *lesson)
{
    node_destroy(lesson->document);
    free(lesson->lengths);
    free(lesson->starts);
    free(lesson->buckets);
    free(lesson->labels);
    free(lesson->weights);
}

/* A pass that has the lesson's texts. */
static struct text_pass *start_pass(const struct lesson *lesson)
{
    const struct text_limits limits = {lesson->n_texts, lesson->n_words, lesson->starts[lesson->n_words]};
    struct text_pass *pass = NULL;
    uint32_t first = 0;
    cr_assert_eq(text_pass_create(&lesson->network, &limits, true, &pass), STATUS_OK);
    for (uint32_t s = 0; s < lesson->n_texts; first += lesson->lengths[s++]) {
        struct word_bags text = {lesson->lengths[s], lesson->starts + first, lesson->buckets + lesson->starts[first]};
        uint32_t starts[16]; /* those of a text by itself begin at 0 */
        for (uint32_t w = 0; w <= text.n_words; w++)
            starts[w] = lesson->starts[first + w] - lesson->starts[first];
        text.starts = starts;
        cr_assert(text_pass_add(pass, &text));
    }
    return pass;
}

static void expect_map(const struct lesson *lesson, const char *name, const float *found, size_t n)
{
    float *expected = golden_floats(golden_get(golden_get(lesson->golden, "maps"), name), n);
    expect_close(found, expected, n, TOLERANCE, name);
    free(expected);
}

/* The convolution text by text, with zeros at its ends, as core/kernels/word_kernels.h says it. */
static void convolve_texts(const struct lesson *lesson, float *convolved, const float *bags)
{
    const struct text_network *network = &lesson->network;
    size_t C = network->shape.width, O = network->shape.channels;
    for (uint32_t s = 0, first = 0; s < lesson->n_texts; first += lesson->lengths[s++]) {
        struct convolution conv = {.B = 1, .H = 1, .W = lesson->lengths[s], .C = C, .O = O, .KH = 1, .KW = TEXT_TAPS, .same = true};
        float *workspace = zero_floats(convolution_floats(&conv));
        if (conv.W)
            map_kernels_fast()->convolve(convolved + first * O, bags + first * C, lesson->weights + network->conv,
                                         lesson->weights + network->conv_bias, &conv, workspace);
        free(workspace);
    }
}

/* Kernel by kernel, as the formula stands; then the pass, which takes ReLU at another place. */
Test(golden_texts, every_map_is_pytorchs)
{
    struct lesson lesson = read_lesson();
    const struct text_network *network = &lesson.network;
    size_t C = network->shape.width, O = network->shape.channels, S = lesson.n_texts, T = lesson.n_words;
    float *bags = zero_floats(T * C), *convolved = zero_floats(T * O), *greatest = zero_floats(S * O);
    uint32_t *text_starts = calloc(S + 1, sizeof *text_starts), *at = calloc(S * O, sizeof *at);
    for (size_t s = 0; s < S; s++)
        text_starts[s + 1] = text_starts[s] + lesson.lengths[s];
    word_kernels_fast()->bag(bags, lesson.weights + network->table, lesson.starts, lesson.buckets, T, C);
    expect_map(&lesson, "bags", bags, T * C);
    convolve_texts(&lesson, convolved, bags);
    expect_map(&lesson, "conv", convolved, T * O);
    map_kernels_fast()->relu(convolved, T * O);
    expect_map(&lesson, "relu", convolved, T * O);
    word_kernels_fast()->greatest(greatest, at, convolved, text_starts, S, O);
    expect_map(&lesson, "greatest", greatest, S * O);
    SCOPED(text_pass_destroy) struct text_pass *pass = start_pass(&lesson);
    expect_map(&lesson, "outputs", text_pass_forward(pass, lesson.weights), S * network->shape.outputs);
    free(bags);
    free(convolved);
    free(greatest);
    free(text_starts);
    free(at);
    clear_lesson(&lesson);
}

/* The loss, and its gradient [n_floats] with the rows of the table at their places. */
static double find_gradient(const struct lesson *lesson, struct text_pass *pass, const float *weights, float *gradient)
{
    const struct text_network *network = &lesson->network;
    const float *outputs = text_pass_forward(pass, weights);
    double loss = map_kernels_fast()->cross_entropy(text_pass_slopes(pass), outputs, lesson->labels, 0, lesson->n_texts, lesson->n_texts,
                                                    network->shape.outputs);
    struct text_gradient found = text_pass_backward(pass, weights);
    size_t C = network->shape.width;
    memset(gradient, 0, network->n_floats * sizeof *gradient);
    memcpy(gradient, found.fixed, network->table * sizeof *gradient);
    for (uint32_t r = 0; r < found.n_rows; r++)
        memcpy(gradient + network->table + found.buckets[r] * C, found.rows + r * C, C * sizeof *gradient);
    return loss;
}

Test(golden_texts, gradients_are_pytorchs)
{
    struct lesson lesson = read_lesson();
    SCOPED(text_pass_destroy) struct text_pass *pass = start_pass(&lesson);
    float *gradient = zero_floats(lesson.network.n_floats);
    double loss = find_gradient(&lesson, pass, lesson.weights, gradient);
    cr_expect_float_eq(loss, node_number(golden_get(lesson.golden, "loss")), 1e-5);
    expect_tensors(&lesson.network, gradient, golden_get(lesson.golden, "gradients"), "gradient");
    free(gradient);
    clear_lesson(&lesson);
}

Test(golden_texts, ten_steps_of_adam_are_pytorchs)
{
    struct lesson lesson = read_lesson();
    const struct node *steps = golden_get(lesson.golden, "steps");
    SCOPED(text_pass_destroy) struct text_pass *pass = start_pass(&lesson);
    size_t n = lesson.network.n_floats;
    float *gradient = zero_floats(n), *first_moments = zero_floats(n), *second_moments = zero_floats(n);
    cr_assert_eq(node_count(steps), 10);
    for (size_t s = 0; s < 10; s++) {
        char words[20];
        struct adam_rates rates = adam_rates_at(LEARNING_RATE, 1e-7f, s + 1);
        double loss = find_gradient(&lesson, pass, lesson.weights, gradient);
        kernels_fast()->adam(lesson.weights, first_moments, second_moments, gradient, &rates, n);
        cr_expect_float_eq(loss, node_number(golden_get(node_at(steps, s), "loss")), 1e-5, "step %zu", s + 1);
        (void)snprintf(words, sizeof words, "step %zu", s + 1);
        expect_tensors(&lesson.network, lesson.weights, golden_get(node_at(steps, s), "weights"), words);
    }
    free(gradient);
    free(first_moments);
    free(second_moments);
    clear_lesson(&lesson);
}
