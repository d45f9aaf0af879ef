/* The table is made by walking through the network once; the order here is the order in the file. */
#include "core/tensors.h"

#include "core/base/random.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Every block starts near the identity, items near each other: 1 / sqrt(fan-in) takes more epochs (RESULTS.md). */
#define SMALL 0.02f

bool shape_is_sane(const struct encoder_shape *shape)
{
    return shape->n_items >= 1 && shape->n_items <= ITEMS_MAX && shape->n_types >= 1 && shape->n_types <= 64 && shape->width >= 1 &&
           shape->width <= WIDTH_MAX && shape->taps >= 1 && shape->taps <= TAPS_MAX && shape->n_blocks <= BLOCKS_MAX &&
           shape->history >= 1 && shape->history <= HISTORY_MAX && shape->temperature >= 0 && isfinite(shape->temperature);
}

static size_t add(struct tensors *tensors, const char *name, uint32_t rows, uint32_t columns, enum tensor_start start, float deviation)
{
    assert(tensors->n_tensors < TENSORS_MAX);
    struct tensor *tensor = &tensors->tensors[tensors->n_tensors++];
    *tensor = (struct tensor){.rows = rows, .columns = columns, .first = tensors->n_floats, .start = start, .deviation = deviation};
    (void)snprintf(tensor->name, sizeof tensor->name, "%s", name);
    tensors->n_floats += (tensor_floats(tensor) + 15) / 16 * 16;
    return tensor->first;
}

static size_t add_to_block(struct tensors *tensors, uint32_t block, const char *name, uint32_t rows, uint32_t columns,
                           enum tensor_start start, float deviation)
{
    char whole[40];
    (void)snprintf(whole, sizeof whole, "block.%u.%s", block, name);
    return add(tensors, whole, rows, columns, start, deviation);
}

static void add_block(struct tensors *tensors, uint32_t b, uint32_t C, uint32_t K)
{
    uint32_t F = C * FEED_FACTOR;
    tensors->blocks[b] = (struct block_places){
        .conv = add_to_block(tensors, b, "conv.weight", K, C, START_NORMAL, SMALL),
        .conv_bias = add_to_block(tensors, b, "conv.bias", C, 0, START_ZERO, 0),
        .conv_scale = add_to_block(tensors, b, "conv.norm.scale", C, 0, START_ONE, 0),
        .conv_shift = add_to_block(tensors, b, "conv.norm.shift", C, 0, START_ZERO, 0),
        .up = add_to_block(tensors, b, "feed.up.weight", C, F, START_NORMAL, SMALL),
        .up_bias = add_to_block(tensors, b, "feed.up.bias", F, 0, START_ZERO, 0),
        .down = add_to_block(tensors, b, "feed.down.weight", F, C, START_NORMAL, SMALL),
        .down_bias = add_to_block(tensors, b, "feed.down.bias", C, 0, START_ZERO, 0),
        .feed_scale = add_to_block(tensors, b, "feed.norm.scale", C, 0, START_ONE, 0),
        .feed_shift = add_to_block(tensors, b, "feed.norm.shift", C, 0, START_ZERO, 0),
    };
}

void tensors_init(struct tensors *tensors, const struct encoder_shape *shape)
{
    uint32_t C = shape->width;
    *tensors = (struct tensors){0};
    tensors->items = add(tensors, "item.embedding", shape->n_items, C, START_NORMAL, SMALL);
    tensors->bias = add(tensors, "item.bias", shape->n_items, 0, START_ZERO, 0);
    tensors->types = add(tensors, "type.embedding", shape->n_types, C, START_NORMAL, SMALL);
    tensors->scale = add(tensors, "input.norm.scale", C, 0, START_ONE, 0);
    tensors->shift = add(tensors, "input.norm.shift", C, 0, START_ZERO, 0);
    for (uint32_t b = 0; b < shape->n_blocks; b++)
        add_block(tensors, b, C, shape->taps);
}

void tensors_start(const struct tensors *tensors, uint64_t seed, float weights[])
{
    memset(weights, 0, tensors->n_floats * sizeof *weights);
    for (uint32_t t = 0; t < tensors->n_tensors; t++) {
        const struct tensor *tensor = &tensors->tensors[t];
        struct random random;
        random_init(&random, seed, UINT64_C(0x494e000000000000) | t);
        for (size_t i = 0; i < tensor_floats(tensor) && tensor->start != START_ZERO; i++)
            weights[tensor->first + i] = tensor->start == START_ONE ? 1 : tensor->deviation * random_normal(&random);
    }
}
