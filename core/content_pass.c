/* Only what an item has goes through a network: items without words are no texts of the text pass, items without a picture no rows of the
 * picture's product, so what is missing costs nothing and has no gradient. */
#include "core/content_pass.h"

#include "core/base/floats.h"
#include "core/kernels/kernels.h"

#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX

struct content_pass {
    const struct content_tower *tower;
    const struct kernels *kernels;
    struct words *words;
    struct text_pass *texts;
    uint32_t max_items, n_items, n_texts, n_pictures;
    uint32_t *text_of, *picture_of; /* [max_items] which text, which row of pictures; NONE */
    float *inverse;                 /* [1] */
    float *pictures;                /* [max_items, P] of length 1 */
    float *placed;                  /* [max_items, D] what the pictures give; in backward their slopes */
    float *outputs;                 /* [max_items, D] */
    float *slopes, *fixed;          /* training: [max_items, D], [n_fixed] */
    float *floats;
    uint32_t *numbers;
};

void content_pass_destroy(struct content_pass *pass)
{
    if (!pass)
        return;
    words_destroy(pass->words);
    text_pass_destroy(pass->texts);
    free(pass->floats);
    free(pass->numbers);
    free(pass);
}

static float *take(const struct content_pass *pass, size_t *at, size_t n)
{
    float *piece = pass->floats ? pass->floats + *at : NULL;
    *at += (n + 15) / 16 * 16;
    return piece;
}

/* With no memory yet only count. */
static size_t place(struct content_pass *pass, bool is_training)
{
    size_t at = 0, n = pass->max_items, P = pass->tower->shape.picture_width, D = content_outputs(pass->tower);
    pass->inverse = take(pass, &at, 1);
    pass->pictures = take(pass, &at, n * P);
    pass->placed = take(pass, &at, n * D);
    pass->outputs = take(pass, &at, n * D);
    if (is_training) {
        pass->slopes = take(pass, &at, n * D);
        pass->fixed = take(pass, &at, pass->tower->n_fixed);
    }
    return at;
}

/* Room for the words of max_items items. */
static struct text_limits limits_of(const struct content_shape *shape, uint32_t max_items)
{
    uint64_t one = (uint64_t)shape->max_words * shape->max_features, usual = (uint64_t)max_items * CONTENT_FEATURES;
    uint64_t most = one * max_items, features = usual < one ? one : usual < most ? usual : most;
    uint64_t words = (uint64_t)max_items * shape->max_words;
    return (struct text_limits){max_items, (uint32_t)(words < features ? words : features), (uint32_t)features};
}

enum status content_pass_create(const struct content_tower *tower, uint32_t max_items, bool is_training, struct content_pass **out_pass,
                                struct error *error)
{
    const struct content_shape *shape = &tower->shape;
    const struct word_limits word_limits = {shape->n_buckets, shape->max_words, shape->max_features, shape->max_bytes};
    const struct text_limits limits = limits_of(shape, max_items);
    SCOPED(content_pass_destroy) struct content_pass *pass = calloc(1, sizeof *pass);
    if (!pass)
        return STATUS_NOMEM;
    pass->tower = tower;
    pass->kernels = kernels_fast();
    pass->max_items = max_items;
    TRY(words_create(&word_limits, &pass->words, error));
    TRY(text_pass_create(&tower->text, &limits, is_training, &pass->texts));
    pass->floats = aligned_floats(place(pass, is_training));
    pass->numbers = calloc(2 * (size_t)max_items, sizeof *pass->numbers);
    if (!pass->floats || !pass->numbers)
        return STATUS_NOMEM;
    (void)place(pass, is_training);
    pass->text_of = pass->numbers;
    pass->picture_of = pass->numbers + max_items;
    *out_pass = pass;
    pass = NULL;
    return STATUS_OK;
}

/* --- the batch --- */

void content_pass_clear(struct content_pass *pass)
{
    pass->n_items = pass->n_texts = pass->n_pictures = 0;
    text_pass_clear(pass->texts);
}

bool content_pass_add(struct content_pass *pass, const struct item_content *content)
{
    return content_pass_add_thinned(pass, content, 0, NULL);
}

bool content_pass_add_thinned(struct content_pass *pass, const struct item_content *content, float word_dropout, struct random *random)
{
    size_t P = pass->tower->shape.picture_width;
    uint32_t item = pass->n_items;
    if (item == pass->max_items)
        return false;
    pass->text_of[item] = pass->picture_of[item] = NONE;
    if (content->n_bytes > 0) {
        struct word_bags bags = words_read(pass->words, content->text, content->n_bytes);
        if (word_dropout > 0)
            bags = words_thin(pass->words, word_dropout, random);
        if (bags.n_words > 0) {
            if (!text_pass_add(pass->texts, &bags))
                return false;
            pass->text_of[item] = pass->n_texts++;
        }
    }
    if (content->picture && P > 0) {
        pass->picture_of[item] = pass->n_pictures;
        pass->kernels->unit_forward(pass->pictures + pass->n_pictures++ * P, pass->inverse, content->picture, 1, 1, P);
    }
    pass->n_items++;
    return true;
}

const float *content_pass_forward(struct content_pass *pass, const float *weights)
{
    const struct content_tower *tower = pass->tower;
    const struct kernels *k = pass->kernels;
    size_t C = tower->shape.width, D = C + 1, P = tower->shape.picture_width;
    const float *texts = text_pass_forward(pass->texts, weights + tower->text_first);
    if (pass->n_pictures)
        k->product(PRODUCT_NN, pass->placed, pass->pictures, weights + tower->picture, pass->n_pictures, D, P, false);
    for (uint32_t i = 0; i < pass->n_items; i++) {
        float *out = pass->outputs + i * D;
        memset(out, 0, C * sizeof *out);
        out[C] = weights[tower->neutral];
        if (pass->text_of[i] != NONE)
            k->accumulate(out, texts + pass->text_of[i] * D, D);
        if (pass->picture_of[i] != NONE) {
            k->accumulate(out, pass->placed + pass->picture_of[i] * D, D);
            k->accumulate(out, weights + tower->picture_bias, D);
        }
    }
    return pass->outputs;
}

/* --- backward --- */

float *content_pass_slopes(struct content_pass *pass)
{
    return pass->slopes;
}

/* Hand the slopes of the items on to their texts and pictures. */
static void spread_slopes(struct content_pass *pass)
{
    size_t D = content_outputs(pass->tower);
    float *texts = text_pass_slopes(pass->texts);
    for (uint32_t i = 0; i < pass->n_items; i++) {
        const float *slopes = pass->slopes + i * D;
        pass->fixed[pass->tower->neutral] += slopes[D - 1];
        if (pass->text_of[i] != NONE)
            memcpy(texts + pass->text_of[i] * D, slopes, D * sizeof *slopes);
        if (pass->picture_of[i] == NONE)
            continue;
        memcpy(pass->placed + pass->picture_of[i] * D, slopes, D * sizeof *slopes);
        pass->kernels->accumulate(pass->fixed + pass->tower->picture_bias, slopes, D);
    }
}

struct content_gradient content_pass_backward(struct content_pass *pass, const float *weights)
{
    const struct content_tower *tower = pass->tower;
    size_t D = content_outputs(tower), P = tower->shape.picture_width;
    memset(pass->fixed, 0, tower->text_first * sizeof *pass->fixed);
    spread_slopes(pass);
    if (pass->n_pictures)
        pass->kernels->product(PRODUCT_TN, pass->fixed + tower->picture, pass->pictures, pass->placed, P, D, pass->n_pictures, false);
    struct text_gradient text = text_pass_backward(pass->texts, weights + tower->text_first);
    memcpy(pass->fixed + tower->text_first, text.fixed, tower->text.table * sizeof *pass->fixed);
    return (struct content_gradient){pass->fixed, text.n_rows, text.buckets, text.rows};
}

/* --- placing --- */

void content_place(struct content_pass *pass, const float *weights, const struct item_content *content, float out[])
{
    content_pass_clear(pass);
    (void)content_pass_add(pass, content); /* one item has room in any pass */
    memcpy(out, content_pass_forward(pass, weights), content_outputs(pass->tower) * sizeof *out);
}

#define PLACED_ITEMS 64u /* by a worker at a time */

struct placing {
    const struct content_tower *tower;
    const float *weights;
    const struct item_content *contents;
    uint32_t n;
    struct content_pass **passes; /* [workers] */
    unsigned n_passes;
    float *out;
};

static void placing_clear_scoped(struct placing *placing)
{
    for (unsigned i = 0; placing->passes && i < placing->n_passes; i++)
        content_pass_destroy(placing->passes[i]);
    free(placing->passes);
}

static void place_block(void *context, uint32_t block, unsigned worker)
{
    const struct placing *placing = context;
    struct content_pass *pass = placing->passes[worker];
    size_t D = content_outputs(placing->tower);
    uint32_t next = block * PLACED_ITEMS, end = placing->n - next < PLACED_ITEMS ? placing->n : next + PLACED_ITEMS;
    while (next < end) {
        uint32_t first = next;
        content_pass_clear(pass);
        while (next < end && content_pass_add(pass, &placing->contents[next]))
            next++;
        memcpy(placing->out + first * D, content_pass_forward(pass, placing->weights), (next - first) * D * sizeof *placing->out);
    }
}

enum status content_place_all(const struct content_tower *tower, const float *weights, const struct item_content contents[], uint32_t n,
                              struct workers *workers, float out[], struct error *error)
{
    SCOPED(placing_clear) struct placing placing = {tower, weights, contents, n, NULL, workers_count(workers), out};
    placing.passes = calloc(placing.n_passes, sizeof(struct content_pass *));
    if (!placing.passes)
        return STATUS_NOMEM;
    for (unsigned i = 0; i < placing.n_passes; i++)
        TRY(content_pass_create(tower, PLACED_ITEMS, false, &placing.passes[i], error));
    workers_run(workers, (n + PLACED_ITEMS - 1) / PLACED_ITEMS, place_block, &placing);
    return STATUS_OK;
}
