/* The places of the tensors; the text network brings its own. */
#include "core/content_tower.h"

#include "core/base/random.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct content_shape content_shape_default(uint32_t width)
{
    return (struct content_shape){
        .width = width, .n_buckets = 1u << 16, .embedding = 64, .channels = 256, .max_words = 64, .max_features = 24, .max_bytes = 1024};
}

/* The place of n floats at the end of the array. */
static size_t reserve(struct content_tower *tower, size_t n)
{
    size_t first = tower->n_floats;
    tower->n_floats += (n + 15) / 16 * 16;
    return first;
}

enum status content_tower_init(struct content_tower *tower, const struct content_shape *shape, struct error *error)
{
    struct content_tower made = {.shape = *shape};
    const struct text_shape text = {
        .n_buckets = shape->n_buckets, .width = shape->embedding, .channels = shape->channels, .outputs = shape->width + 1};
    if (shape->width < 1 || shape->width >= TEXT_SIDE_MAX)
        return fail(error, STATUS_INVALID, "items of %u numbers; 1 to %u are possible", shape->width, TEXT_SIDE_MAX - 1);
    if (shape->picture_width > CONTENT_PICTURE_MAX)
        return fail(error, STATUS_INVALID, "pictures of %u numbers; at most %u are possible", shape->picture_width, CONTENT_PICTURE_MAX);
    TRY(text_network_init(&made.text, &text, error));
    made.neutral = reserve(&made, 1);
    made.picture = reserve(&made, (size_t)shape->picture_width * text.outputs);
    made.picture_bias = reserve(&made, text.outputs);
    made.text_first = reserve(&made, made.text.n_floats);
    made.n_fixed = made.text_first + made.text.table;
    *tower = made;
    return STATUS_OK;
}

void content_tower_start(const struct content_tower *tower, uint64_t seed, float neutral, float weights[])
{
    size_t P = tower->shape.picture_width, D = content_outputs(tower);
    float bound = sqrtf(6 / (float)(P + D));
    struct random random;
    memset(weights, 0, tower->text_first * sizeof *weights);
    weights[tower->neutral] = neutral;
    random_init(&random, seed, UINT64_C(0x4354000000000000));
    for (size_t i = 0; i < P * D; i++)
        weights[tower->picture + i] = bound * (2 * random_uniform(&random) - 1);
    text_network_start(&tower->text, seed, weights + tower->text_first);
}

unsigned content_tensors(const struct content_tower *tower, struct tensor out[CONTENT_TENSORS_MAX])
{
    const struct text_shape *text = &tower->text.shape;
    const size_t at = tower->text_first;
    const struct {
        const char *name;
        uint32_t rows, columns;
        size_t first;
    } table[] = {
        {"neutral", 1, 0, tower->neutral},
        {"text.conv.weight", TEXT_TAPS * text->width, text->channels, at + tower->text.conv},
        {"text.conv.bias", text->channels, 0, at + tower->text.conv_bias},
        {"text.dense.weight", text->channels, text->outputs, at + tower->text.dense},
        {"text.dense.bias", text->outputs, 0, at + tower->text.dense_bias},
        {"text.embedding", text->n_buckets, text->width, at + tower->text.table},
        {"picture.weight", tower->shape.picture_width, text->outputs, tower->picture},
        {"picture.bias", text->outputs, 0, tower->picture_bias},
    };
    static_assert(sizeof table / sizeof table[0] == CONTENT_TENSORS_MAX, "all of them");
    unsigned n = tower->shape.picture_width ? CONTENT_TENSORS_MAX : CONTENT_TENSORS_MAX - 2;
    for (unsigned i = 0; i < n; i++) {
        out[i] = (struct tensor){.rows = table[i].rows, .columns = table[i].columns, .first = table[i].first};
        (void)snprintf(out[i].name, sizeof out[i].name, "content.%s", table[i].name);
    }
    return n;
}
