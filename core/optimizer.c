/* A block is a number of whole items where it lies in the item embedding, so that the gradient through the scaling to length 1, which needs
 * a whole row, can be taken in it. The embedding is the first tensor: block and row borders fall together. */
#include "core/optimizer.h"

#include <stdlib.h>

#define BLOCK_FLOATS 8192u
#define ADAM_EPSILON 1e-8f

struct step_job {
    struct optimizer *optimizer;
    const struct slot_gradients *slots;
    struct adam_rates rates;
    float *weights;
    size_t block_floats;
};

enum status optimizer_init(struct optimizer *optimizer, const struct encoder *encoder)
{
    float *first = calloc(encoder->tensors.n_floats, sizeof *first), *second = calloc(encoder->tensors.n_floats, sizeof *second);
    if (!first || !second) {
        free(first);
        free(second);
        return STATUS_NOMEM;
    }
    *optimizer = (struct optimizer){.encoder = encoder, .first_moments = first, .second_moments = second};
    return STATUS_OK;
}

void optimizer_clear(struct optimizer *optimizer)
{
    free(optimizer->first_moments);
    free(optimizer->second_moments);
    *optimizer = (struct optimizer){0};
}

/* The part of block [first, first + n) that is in the item embedding: from the gradients of unit vectors to those of the weights, and those
 * of inputs. */
static void join_items(const struct step_job *job, size_t first, size_t n, float *gradient)
{
    const struct encoder *encoder = job->optimizer->encoder;
    const struct kernels *k = encoder->kernels;
    size_t C = encoder->shape.width, n_items = (size_t)encoder->shape.n_items * C;
    if (first >= n_items)
        return;
    n = n < n_items - first ? n : n_items - first;
    k->unit_backward(gradient, job->weights + first, job->slots->inverse_lengths + first / C, 1, n / C, C);
    k->accumulate(gradient, job->slots->inputs + first, n);
}

static void step_block(void *context, uint32_t block, unsigned worker)
{
    (void)worker;
    const struct step_job *job = context;
    const struct kernels *k = job->optimizer->encoder->kernels;
    size_t first = block * job->block_floats, n = job->optimizer->encoder->tensors.n_floats - first;
    n = n < job->block_floats ? n : job->block_floats;
    float *gradient = job->slots->gradients[0] + first;
    for (unsigned s = 1; s < SLOTS; s++)
        k->accumulate(gradient, job->slots->gradients[s] + first, n);
    if (job->slots->inputs)
        join_items(job, first, n, gradient);
    k->adam(job->weights + first, job->optimizer->first_moments + first, job->optimizer->second_moments + first, gradient, &job->rates, n);
}

void optimizer_step(struct optimizer *optimizer, struct workers *workers, const struct slot_gradients *slots, float learning_rate,
                    float *weights)
{
    size_t C = optimizer->encoder->shape.width, n_floats = optimizer->encoder->tensors.n_floats;
    struct step_job job = {
        .optimizer = optimizer,
        .slots = slots,
        .weights = weights,
        .block_floats = (BLOCK_FLOATS + C - 1) / C * C,
        .rates = adam_rates_at(learning_rate, ADAM_EPSILON, ++optimizer->step),
    };
    workers_run(workers, (uint32_t)((n_floats + job.block_floats - 1) / job.block_floats), step_block, &job);
}
