/* The text network: what it refuses, its gradients against finite differences, parts of a batch, and that it learns words of any language.
 */
#include "kernel_arguments.h"

#include "core/kernels/maps.h"
#include "core/text_pass.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct text_shape small_shape = {.n_buckets = 40, .width = 5, .channels = 19, .outputs = 3};
static const struct text_limits small_limits = {.max_texts = 16, .max_words = 100, .max_features = 500};

#define TEXTS_MAX 16

/* Made-up texts; owns what it points to. */
struct corpus {
    struct text_network network;
    float *weights;
    uint32_t n;
    uint32_t *starts[TEXTS_MAX], *buckets[TEXTS_MAX], *labels;
    struct word_bags texts[TEXTS_MAX];
};

static struct text_network make_network(const struct text_shape *shape)
{
    struct text_network network;
    struct error error = {.detail = ""};
    cr_assert_eq(text_network_init(&network, shape, &error), STATUS_OK, "%s", error.detail);
    return network;
}

static struct corpus make_corpus(uint32_t n)
{
    struct corpus corpus = {.network = make_network(&small_shape), .n = n};
    struct random random;
    random_init(&random, ARGUMENT_SEED, 21);
    corpus.weights = random_floats(&random, corpus.network.n_floats, .5f);
    corpus.labels = random_numbers(&random, n, small_shape.outputs);
    for (uint32_t s = 0; s < n; s++) {
        uint32_t n_words = s == 1 ? 0 : s == 2 ? 1 : random_below(&random, 9);
        corpus.starts[s] = calloc(n_words + 1, sizeof(uint32_t));
        cr_assert(corpus.starts[s]);
        for (uint32_t w = 0; w < n_words; w++)
            corpus.starts[s][w + 1] = corpus.starts[s][w] + 1 + random_below(&random, 4);
        corpus.buckets[s] = random_numbers(&random, corpus.starts[s][n_words], small_shape.n_buckets);
        corpus.texts[s] = (struct word_bags){n_words, corpus.starts[s], corpus.buckets[s]};
    }
    return corpus;
}

static void clear_corpus(struct corpus *corpus)
{
    for (uint32_t s = 0; s < corpus->n; s++) {
        free(corpus->starts[s]);
        free(corpus->buckets[s]);
    }
    free(corpus->weights);
    free(corpus->labels);
}

static struct text_pass *make_pass(const struct text_network *network, const struct text_limits *limits, bool is_training)
{
    struct text_pass *pass = NULL;
    cr_assert_eq(text_pass_create(network, limits, is_training, &pass), STATUS_OK);
    return pass;
}

static void add_texts(const struct corpus *corpus, struct text_pass *pass, uint32_t first, uint32_t end)
{
    text_pass_clear(pass);
    for (uint32_t s = first; s < end; s++)
        cr_assert(text_pass_add(pass, &corpus->texts[s]));
}

/* The part [first, end) of the whole corpus' loss. */
static double part_loss(const struct corpus *corpus, struct text_pass *pass, uint32_t first, uint32_t end)
{
    add_texts(corpus, pass, first, end);
    const float *outputs = text_pass_forward(pass, corpus->weights);
    return map_kernels_plain.cross_entropy(text_pass_slopes(pass), outputs, corpus->labels + first, 0, corpus->n, end - first,
                                           small_shape.outputs);
}

/* gradient [n_floats] += */
static void add_gradient(const struct text_network *network, float *gradient, struct text_gradient part)
{
    size_t C = network->shape.width;
    for (size_t i = 0; i < network->table; i++)
        gradient[i] += part.fixed[i];
    for (uint32_t r = 0; r < part.n_rows; r++)
        for (size_t c = 0; c < C; c++)
            gradient[network->table + part.buckets[r] * C + c] += part.rows[r * C + c];
}

Test(text_network, refuses_what_is_out_of_its_limits)
{
    const struct {
        struct text_shape shape;
        const char *words;
    } faults[] = {
        {{1, 8, 8, 8}, "1 buckets"},
        {{100, 0, 8, 8}, "numbers of an embedding"},
        {{100, 8, 1025, 8}, "channels"},
        {{100, 8, 8, 0}, "outputs of a text network are 0"},
        {{1u << 30, 1024, 8, 8}, "buckets of 1024"},
    };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct text_network network;
        struct error error = {.detail = ""};
        cr_expect_eq(text_network_init(&network, &faults[i].shape, &error), STATUS_INVALID, "%zu", i);
        cr_expect(strstr(error.detail, faults[i].words), "%zu: %s", i, error.detail);
    }
}

Test(text_network, starts_with_nothing_for_the_bucket_of_nothing)
{
    struct text_network network = make_network(&small_shape);
    float *weights = random_floats(&(struct random){{1, 2, 3, 4}}, network.n_floats, 1), largest = 0;
    text_network_start(&network, 3, weights);
    for (size_t c = 0; c < small_shape.width; c++)
        cr_expect_eq(weights[network.table + c], 0);
    for (size_t i = network.table; i < network.n_floats; i++)
        largest = fmaxf(largest, fabsf(weights[i]));
    cr_expect(largest > .04f && largest <= .05f, "%g", (double)largest);
    free(weights);
}

Test(text_network, gradients_are_the_slopes_of_the_loss)
{
    struct corpus corpus = make_corpus(12);
    SCOPED(text_pass_destroy) struct text_pass *pass = make_pass(&corpus.network, &small_limits, true);
    size_t n = corpus.network.n_floats;
    float *gradient = zero_floats(n), step = 1e-3f;
    (void)part_loss(&corpus, pass, 0, corpus.n);
    add_gradient(&corpus.network, gradient, text_pass_backward(pass, corpus.weights));
    double error = 0, length = 0; /* squared: single weights may stand at a kink */
    for (size_t i = 0; i < n; i++) {
        float kept = corpus.weights[i];
        corpus.weights[i] = kept + step;
        double more = part_loss(&corpus, pass, 0, corpus.n);
        corpus.weights[i] = kept - step;
        double slope = (more - part_loss(&corpus, pass, 0, corpus.n)) / (2 * (double)step);
        corpus.weights[i] = kept;
        error += (slope - (double)gradient[i]) * (slope - (double)gradient[i]);
        length += slope * slope;
    }
    cr_expect_gt(length, .01);
    cr_expect_lt(sqrt(error / length), .01, "off by %g of its length", sqrt(error / length));
    free(gradient);
    clear_corpus(&corpus);
}

Test(text_network, gradients_of_parts_add_up_to_that_of_the_batch)
{
    struct corpus corpus = make_corpus(13);
    SCOPED(text_pass_destroy) struct text_pass *pass = make_pass(&corpus.network, &small_limits, true);
    size_t n = corpus.network.n_floats;
    float *whole = zero_floats(n), *sum = zero_floats(n);
    double loss = part_loss(&corpus, pass, 0, corpus.n), losses = 0;
    add_gradient(&corpus.network, whole, text_pass_backward(pass, corpus.weights));
    const uint32_t ends[] = {0, 1, 2, 7, 7, 13}; /* one text, one without words, none at all */
    for (size_t p = 1; p < sizeof ends / sizeof ends[0]; p++) {
        losses += part_loss(&corpus, pass, ends[p - 1], ends[p]);
        add_gradient(&corpus.network, sum, text_pass_backward(pass, corpus.weights));
    }
    cr_expect_float_eq(loss, losses, 1e-6);
    expect_close(sum, whole, n, 1e-5f, "the sum of the parts");
    free(whole);
    free(sum);
    clear_corpus(&corpus);
}

Test(text_network, names_every_touched_row_once)
{
    struct corpus corpus = make_corpus(9);
    SCOPED(text_pass_destroy) struct text_pass *pass = make_pass(&corpus.network, &small_limits, true);
    for (int round = 0; round < 2; round++) { /* the second finds nothing left of the first */
        bool seen[40] = {false};
        (void)part_loss(&corpus, pass, 0, corpus.n);
        struct text_gradient gradient = text_pass_backward(pass, corpus.weights);
        for (uint32_t r = 0; r < gradient.n_rows; r++) {
            cr_expect_not(seen[gradient.buckets[r]]);
            seen[gradient.buckets[r]] = true;
        }
        for (uint32_t s = 0; s < corpus.n; s++)
            for (uint32_t i = 0; i < corpus.starts[s][corpus.texts[s].n_words]; i++)
                cr_expect(seen[corpus.buckets[s][i]]);
    }
    clear_corpus(&corpus);
}

Test(text_network, answers_a_text_the_same_whatever_else_is_in_the_batch)
{
    struct corpus corpus = make_corpus(10);
    size_t D = small_shape.outputs;
    SCOPED(text_pass_destroy) struct text_pass *whole = make_pass(&corpus.network, &small_limits, false);
    SCOPED(text_pass_destroy) struct text_pass *alone = make_pass(&corpus.network, &small_limits, false);
    add_texts(&corpus, whole, 0, corpus.n);
    const float *outputs = text_pass_forward(whole, corpus.weights);
    for (uint32_t s = 0; s < corpus.n; s++) {
        add_texts(&corpus, alone, s, s + 1);
        expect_close(text_pass_forward(alone, corpus.weights), outputs + s * D, D, 1e-6f, "alone");
    }
    expect_close(outputs + D, corpus.weights + corpus.network.dense_bias, D, 0, "no words: the bias");
    clear_corpus(&corpus);
}

Test(text_network, takes_no_text_for_which_there_is_no_room)
{
    const uint32_t starts[] = {0, 2, 3}, buckets[] = {1, 2, 3};
    const struct word_bags text = {2, starts, buckets}, none = {0, starts, buckets};
    const struct text_limits limits[] = {{1, 9, 9}, {9, 3, 9}, {9, 9, 5}};
    struct corpus corpus = make_corpus(3);
    for (size_t i = 0; i < 3; i++) {
        SCOPED(text_pass_destroy) struct text_pass *pass = make_pass(&corpus.network, &limits[i], true);
        cr_expect(text_pass_add(pass, &text));
        float *before = copy_floats(text_pass_forward(pass, corpus.weights), small_shape.outputs);
        cr_expect_not(text_pass_add(pass, &text), "limit %zu", i);
        cr_expect_eq(text_pass_add(pass, &none), i > 0, "one without words takes no room but a text's");
        expect_close(text_pass_forward(pass, corpus.weights), before, small_shape.outputs, 0, "as it was");
        free(before);
    }
    clear_corpus(&corpus);
}

/* Words to classes, from the bytes on: two kinds of things in three languages, told apart by words that no other text has in this form. */
Test(text_network, learns_what_texts_of_any_language_are_about)
{
    static const char *const texts[] = {"red running shoes", "dress SHOE, black", "黑色跑步鞋", "鞋子",   "chaussures été", "blue shoes 42",
                                        "phone 128 GB",      "telephone charger", "红色手机",   "手机壳", "téléphone noir", "Phones"};
    const struct word_limits word_limits = {.n_buckets = 5000, .max_words = 16, .max_features = 100, .max_bytes = 200};
    const struct text_shape shape = {.n_buckets = 5000, .width = 16, .channels = 24, .outputs = 2};
    const struct text_limits limits = {12, 12 * 16, 12 * 16 * 100};
    struct text_network network = make_network(&shape);
    SCOPED(words_destroy) struct words *words = NULL;
    cr_assert_eq(words_create(&word_limits, &words, NULL), STATUS_OK);
    SCOPED(text_pass_destroy) struct text_pass *pass = make_pass(&network, &limits, true);
    size_t n = network.n_floats;
    float *weights = zero_floats(n), *moments = zero_floats(2 * n), *gradient = zero_floats(n);
    uint32_t labels[12];
    text_network_start(&network, 1, weights);
    for (uint32_t s = 0; s < 12; s++) {
        struct word_bags bags = words_read(words, texts[s], strlen(texts[s]));
        labels[s] = s / 6;
        cr_assert(text_pass_add(pass, &bags));
    }
    for (uint64_t step = 1; step <= 40; step++) {
        struct adam_rates rates = adam_rates_at(.01f, 1e-7f, step);
        (void)map_kernels_fast()->cross_entropy(text_pass_slopes(pass), text_pass_forward(pass, weights), labels, 0, 12, 12, 2);
        memset(gradient, 0, n * sizeof *gradient);
        add_gradient(&network, gradient, text_pass_backward(pass, weights));
        kernels_fast()->adam(weights, moments, moments + n, gradient, &rates, n);
    }
    static const char *const others[] = {"black shoes", "白色鞋", "PHONE", "白色手机"};
    text_pass_clear(pass);
    for (uint32_t s = 0; s < 4; s++) {
        struct word_bags bags = words_read(words, others[s], strlen(others[s]));
        cr_assert(text_pass_add(pass, &bags));
    }
    const float *outputs = text_pass_forward(pass, weights);
    for (uint32_t s = 0; s < 4; s++)
        cr_expect_eq(outputs[2 * s + 1] > outputs[2 * s], s >= 2, "%s", others[s]);
    free(weights);
    free(moments);
    free(gradient);
}
