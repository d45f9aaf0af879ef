/* Blocks of weights over the workers: it is a matter of memory, not of arithmetic. */
#include "core/averaging.h"

#define BLOCK_FLOATS 65536u

struct averaging {
    float *mean;
    const float *weights;
    size_t n;
    float keep;
};

static void average_block(void *context, uint32_t block, unsigned worker)
{
    (void)worker;
    const struct averaging *averaging = context;
    size_t first = (size_t)block * BLOCK_FLOATS, end = first + BLOCK_FLOATS;
    for (size_t i = first; i < end && i < averaging->n; i++)
        averaging->mean[i] += (1 - averaging->keep) * (averaging->weights[i] - averaging->mean[i]);
}

void averaging_step(struct workers *workers, float mean[], const float weights[], size_t n, float decay, uint64_t step)
{
    float early = (1 + (float)step) / (10 + (float)step);
    struct averaging averaging = {.mean = mean, .weights = weights, .n = n, .keep = decay < early ? decay : early};
    workers_run(workers, (uint32_t)((n + BLOCK_FLOATS - 1) / BLOCK_FLOATS), average_block, &averaging);
}
