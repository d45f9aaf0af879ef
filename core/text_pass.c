/* The words that a convolution sees from each place are laid out side by side, with zeros beyond a text's ends: then it is one product over
 * the words of all texts, instead of one for each text of a dozen words. ReLU is taken behind the greatest: the result and the gradients
 * are the same, of fewer numbers. */
#include "core/text_pass.h"

#include "core/base/floats.h"
#include "core/kernels/kernels.h"
#include "core/kernels/maps.h"
#include "core/kernels/word_kernels.h"

#include <stdlib.h>
#include <string.h>

struct text_pass {
    const struct text_network *network;
    const struct kernels *kernels;
    const struct map_kernels *maps;
    const struct word_kernels *words;
    struct text_limits limits;
    uint32_t n_texts, n_words, n_features;
    uint32_t *text_starts; /* [max_texts + 1] */
    uint32_t *word_starts; /* [max_words + 1] */
    uint32_t *buckets;     /* [max_features] */
    uint32_t *at;          /* [max_texts, O] which word is the greatest */
    float *embedded;       /* [max_words, C] */
    float *seen;           /* [max_words, 3 C] the word before, the word, the word behind */
    float *convolved;      /* [max_words, O] */
    float *greatest;       /* [max_texts, O] and with ReLU */
    float *outputs;        /* [max_texts, D] */
    float *workspace;
    /* training: slopes of those, and the gradient */
    float *d_embedded, *d_seen, *d_convolved, *d_greatest, *d_outputs;
    float *d_fixed, *d_rows;  /* [table], [max_features, C] */
    uint32_t *row_of;         /* [V] one more than the row of d_rows, 0: none */
    uint32_t *rows, *touched; /* [max_features] the rows of the features; the buckets of the rows */
    float *floats;
    uint32_t *numbers;
};

void text_pass_destroy(struct text_pass *pass)
{
    if (!pass)
        return;
    free(pass->floats);
    free(pass->numbers);
    free(pass);
}

/* --- memory --- */

/* The product over all words, and that over all texts, as convolutions of one place. */
static struct convolution word_product(const struct text_pass *pass, size_t n_words)
{
    const struct text_shape *shape = &pass->network->shape;
    return (struct convolution){
        .B = 1, .H = 1, .W = n_words, .C = (size_t)TEXT_TAPS * shape->width, .O = shape->channels, .KH = 1, .KW = 1};
}

static struct convolution text_product(const struct text_pass *pass, size_t n_texts)
{
    const struct text_shape *shape = &pass->network->shape;
    return (struct convolution){.B = 1, .H = 1, .W = n_texts, .C = shape->channels, .O = shape->outputs, .KH = 1, .KW = 1};
}

/* Counts while the pass has no memory yet, hands out once it has. */
struct taker {
    size_t n_floats, n_numbers;
};

static float *take_floats(const struct text_pass *pass, struct taker *taker, size_t n)
{
    float *piece = pass->floats ? pass->floats + taker->n_floats : NULL;
    taker->n_floats += (n + 15) / 16 * 16;
    return piece;
}

static uint32_t *take_numbers(const struct text_pass *pass, struct taker *taker, size_t n)
{
    uint32_t *piece = pass->numbers ? pass->numbers + taker->n_numbers : NULL;
    taker->n_numbers += n;
    return piece;
}

static void place(struct text_pass *pass, bool is_training, struct taker *taker)
{
    size_t V = pass->network->shape.n_buckets, C = pass->network->shape.width, O = pass->network->shape.channels;
    size_t D = pass->network->shape.outputs, S = pass->limits.max_texts, T = pass->limits.max_words, F = pass->limits.max_features;
    struct convolution over_words = word_product(pass, T), over_texts = text_product(pass, S);
    size_t for_words = convolution_floats(&over_words), for_texts = convolution_floats(&over_texts);
    pass->text_starts = take_numbers(pass, taker, S + 1);
    pass->word_starts = take_numbers(pass, taker, T + 1);
    pass->buckets = take_numbers(pass, taker, F);
    pass->at = take_numbers(pass, taker, S * O);
    pass->embedded = take_floats(pass, taker, T * C);
    pass->seen = take_floats(pass, taker, TEXT_TAPS * T * C);
    pass->convolved = take_floats(pass, taker, T * O);
    pass->greatest = take_floats(pass, taker, S * O);
    pass->outputs = take_floats(pass, taker, S * D);
    pass->workspace = take_floats(pass, taker, for_words > for_texts ? for_words : for_texts);
    if (!is_training)
        return;
    pass->d_embedded = take_floats(pass, taker, T * C);
    pass->d_seen = take_floats(pass, taker, TEXT_TAPS * T * C);
    pass->d_convolved = take_floats(pass, taker, T * O);
    pass->d_greatest = take_floats(pass, taker, S * O);
    pass->d_outputs = take_floats(pass, taker, S * D);
    pass->d_fixed = take_floats(pass, taker, pass->network->table);
    pass->d_rows = take_floats(pass, taker, F * C);
    pass->row_of = take_numbers(pass, taker, V);
    pass->rows = take_numbers(pass, taker, F);
    pass->touched = take_numbers(pass, taker, F);
}

enum status text_pass_create(const struct text_network *network, const struct text_limits *limits, bool is_training,
                             struct text_pass **out_pass)
{
    SCOPED(text_pass_destroy) struct text_pass *pass = calloc(1, sizeof *pass);
    if (!pass)
        return STATUS_NOMEM;
    pass->network = network;
    pass->kernels = kernels_fast();
    pass->maps = map_kernels_fast();
    pass->words = word_kernels_fast();
    pass->limits = *limits;
    struct taker counted = {0}, taker = {0};
    place(pass, is_training, &counted);
    pass->floats = aligned_floats(counted.n_floats);
    pass->numbers = calloc(counted.n_numbers, sizeof *pass->numbers);
    if (!pass->floats || !pass->numbers)
        return STATUS_NOMEM;
    place(pass, is_training, &taker);
    *out_pass = pass;
    pass = NULL;
    return STATUS_OK;
}

/* --- the batch --- */

void text_pass_clear(struct text_pass *pass)
{
    pass->n_texts = pass->n_words = pass->n_features = 0;
}

bool text_pass_add(struct text_pass *pass, const struct word_bags *text)
{
    uint32_t first = text->starts[0], n_features = text->starts[text->n_words] - first;
    if (pass->n_texts == pass->limits.max_texts || text->n_words > pass->limits.max_words - pass->n_words ||
        n_features > pass->limits.max_features - pass->n_features)
        return false;
    if (n_features)
        memcpy(pass->buckets + pass->n_features, text->buckets + first, n_features * sizeof *pass->buckets);
    for (uint32_t w = 1; w <= text->n_words; w++)
        pass->word_starts[pass->n_words + w] = pass->n_features + text->starts[w] - first;
    pass->n_words += text->n_words;
    pass->n_features += n_features;
    pass->text_starts[++pass->n_texts] = pass->n_words;
    return true;
}

/* --- forward --- */

/* seen[t] = the words t - 1, t and t + 1 of the same text, zeros where there is none. */
static void lay_out(struct text_pass *pass)
{
    size_t C = pass->network->shape.width;
    for (uint32_t s = 0; s < pass->n_texts; s++) {
        uint32_t first = pass->text_starts[s], end = pass->text_starts[s + 1];
        if (first == end)
            continue;
        memset(pass->seen + first * TEXT_TAPS * C, 0, C * sizeof *pass->seen);
        for (size_t t = first; t < end; t++) {
            size_t before = t > first, behind = t + 1 < end;
            memcpy(pass->seen + (t * TEXT_TAPS + 1 - before) * C, pass->embedded + (t - before) * C,
                   (1 + before + behind) * C * sizeof *pass->seen);
        }
        memset(pass->seen + ((end - 1) * TEXT_TAPS + 2) * C, 0, C * sizeof *pass->seen);
    }
}

const float *text_pass_forward(struct text_pass *pass, const float *weights)
{
    const struct text_network *network = pass->network;
    size_t O = network->shape.channels;
    struct convolution over_words = word_product(pass, pass->n_words), over_texts = text_product(pass, pass->n_texts);
    if (pass->n_words) {
        pass->words->bag(pass->embedded, weights + network->table, pass->word_starts, pass->buckets, pass->n_words, network->shape.width);
        lay_out(pass);
        pass->maps->convolve(pass->convolved, pass->seen, weights + network->conv, weights + network->conv_bias, &over_words,
                             pass->workspace);
    }
    if (pass->n_texts) {
        pass->words->greatest(pass->greatest, pass->at, pass->convolved, pass->text_starts, pass->n_texts, O);
        pass->maps->relu(pass->greatest, pass->n_texts * O);
        pass->maps->convolve(pass->outputs, pass->greatest, weights + network->dense, weights + network->dense_bias, &over_texts,
                             pass->workspace);
    }
    return pass->outputs;
}

/* --- backward --- */

float *text_pass_slopes(struct text_pass *pass)
{
    return pass->d_outputs;
}

/* The backward of lay_out: every word was seen from up to three places. */
static void gather(struct text_pass *pass)
{
    size_t C = pass->network->shape.width;
    for (uint32_t s = 0; s < pass->n_texts; s++) {
        uint32_t first = pass->text_starts[s], end = pass->text_starts[s + 1];
        for (size_t t = first; t < end; t++) {
            float *to = pass->d_embedded + t * C;
            memcpy(to, pass->d_seen + (t * TEXT_TAPS + 1) * C, C * sizeof *to);
            if (t > first)
                pass->kernels->accumulate(to, pass->d_seen + ((t - 1) * TEXT_TAPS + 2) * C, C);
            if (t + 1 < end)
                pass->kernels->accumulate(to, pass->d_seen + (t + 1) * TEXT_TAPS * C, C);
        }
    }
}

/* A row of the gradient for every bucket of the batch; gives how many. row_of is 0 everywhere before and after. */
static uint32_t number_rows(struct text_pass *pass)
{
    uint32_t n_rows = 0;
    for (uint32_t i = 0; i < pass->n_features; i++) {
        uint32_t *row = &pass->row_of[pass->buckets[i]];
        if (*row == 0) {
            pass->touched[n_rows] = pass->buckets[i];
            *row = ++n_rows;
        }
        pass->rows[i] = *row - 1;
    }
    for (uint32_t r = 0; r < n_rows; r++)
        pass->row_of[pass->touched[r]] = 0;
    return n_rows;
}

/* From the slopes of the outputs to those of what the words' convolution gave. */
static void turn_back_texts(struct text_pass *pass, const float *weights)
{
    const struct text_network *network = pass->network;
    size_t O = network->shape.channels, S = pass->n_texts;
    struct convolution product = text_product(pass, S);
    pass->maps->convolve_backward_weights(pass->d_fixed + network->dense, pass->d_outputs, pass->greatest, &product, (struct rows){0, O},
                                          pass->workspace);
    pass->maps->sum_rows(pass->d_fixed + network->dense_bias, pass->d_outputs, S, network->shape.outputs);
    pass->maps->convolve_backward_input(pass->d_greatest, pass->d_outputs, weights + network->dense, &product, pass->workspace);
    pass->maps->relu_backward(pass->d_greatest, pass->greatest, S * O);
    pass->words->greatest_backward(pass->d_convolved, pass->d_greatest, pass->at, pass->text_starts, S, O);
}

/* And on to the rows of the table; gives how many. */
static uint32_t turn_back_words(struct text_pass *pass, const float *weights)
{
    const struct text_network *network = pass->network;
    size_t C = network->shape.width, T = pass->n_words;
    struct convolution product = word_product(pass, T);
    pass->maps->convolve_backward_weights(pass->d_fixed + network->conv, pass->d_convolved, pass->seen, &product,
                                          (struct rows){0, TEXT_TAPS * C}, pass->workspace);
    pass->maps->sum_rows(pass->d_fixed + network->conv_bias, pass->d_convolved, T, network->shape.channels);
    pass->maps->convolve_backward_input(pass->d_seen, pass->d_convolved, weights + network->conv, &product, pass->workspace);
    gather(pass);
    uint32_t n_rows = number_rows(pass);
    memset(pass->d_rows, 0, n_rows * C * sizeof *pass->d_rows);
    pass->words->bag_backward(pass->d_rows, pass->d_embedded, pass->word_starts, pass->rows, T, C);
    return n_rows;
}

struct text_gradient text_pass_backward(struct text_pass *pass, const float *weights)
{
    uint32_t n_rows = 0;
    memset(pass->d_fixed, 0, pass->network->table * sizeof *pass->d_fixed);
    if (pass->n_texts)
        turn_back_texts(pass, weights);
    if (pass->n_words)
        n_rows = turn_back_words(pass, weights);
    return (struct text_gradient){pass->d_fixed, n_rows, pass->touched, pass->d_rows};
}
