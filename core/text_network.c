/* The places of five tensors. */
#include "core/text_network.h"

#include "core/base/random.h"

#include <math.h>
#include <string.h>

#define EMBEDDING_BOUND 0.05f

/* The place of n floats at the end of the array. */
static size_t reserve(struct text_network *network, size_t n)
{
    size_t first = network->n_floats;
    network->n_floats += (n + 15) / 16 * 16;
    return first;
}

static enum status check_side(const char *name, uint32_t value, struct error *error)
{
    if (value < 1 || value > TEXT_SIDE_MAX)
        return fail(error, STATUS_INVALID, "the %s of a text network are %u; 1 to %u are possible", name, value, TEXT_SIDE_MAX);
    return STATUS_OK;
}

enum status text_network_init(struct text_network *network, const struct text_shape *shape, struct error *error)
{
    TRY(check_side("numbers of an embedding", shape->width, error));
    TRY(check_side("channels", shape->channels, error));
    TRY(check_side("outputs", shape->outputs, error));
    if (shape->n_buckets < 2 || (uint64_t)shape->n_buckets * shape->width > TEXT_FLOATS_MAX)
        return fail(error, STATUS_INVALID, "%u buckets of %u numbers each; 2 buckets to %u numbers in all are possible", shape->n_buckets,
                    shape->width, TEXT_FLOATS_MAX);
    *network = (struct text_network){.shape = *shape};
    network->conv = reserve(network, (size_t)TEXT_TAPS * shape->width * shape->channels);
    network->conv_bias = reserve(network, shape->channels);
    network->dense = reserve(network, (size_t)shape->channels * shape->outputs);
    network->dense_bias = reserve(network, shape->outputs);
    network->table = reserve(network, (size_t)shape->n_buckets * shape->width);
    return STATUS_OK;
}

static void draw(float *to, size_t n, float bound, uint64_t seed, unsigned tensor)
{
    struct random random;
    random_init(&random, seed, UINT64_C(0x5458000000000000) | tensor);
    for (size_t i = 0; i < n; i++)
        to[i] = bound * (2 * random_uniform(&random) - 1);
}

void text_network_start(const struct text_network *network, uint64_t seed, float weights[])
{
    size_t V = network->shape.n_buckets, C = network->shape.width, O = network->shape.channels, D = network->shape.outputs;
    memset(weights, 0, network->n_floats * sizeof *weights);
    draw(weights + network->conv, TEXT_TAPS * C * O, sqrtf(6 / (float)(TEXT_TAPS * (C + O))), seed, 0);
    draw(weights + network->dense, O * D, sqrtf(6 / (float)(O + D)), seed, 1);
    draw(weights + network->table + C, (V - 1) * C, EMBEDDING_BOUND, seed, 2);
}
