/* The same steps as core/training.c takes for one slot, written down plainly. */
#include "small_network.h"

#include "kernel_arguments.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static float *aligned_floats(size_t n)
{
    float *values = aligned_alloc(64, (n * sizeof *values + 64) / 64 * 64);
    cr_assert(values);
    memset(values, 0, n * sizeof *values);
    return values;
}

void small_network_init(struct small_network *network, const struct encoder_shape *shape, uint32_t n_rows, const struct kernels *kernels)
{
    struct random random;
    size_t S;
    random_init(&random, ARGUMENT_SEED, 7);
    encoder_init(&network->encoder, shape, kernels);
    network->weights = aligned_floats(network->encoder.tensors.n_floats);
    for (uint32_t t = 0; t < network->encoder.tensors.n_tensors; t++) {
        const struct tensor *tensor = &network->encoder.tensors.tensors[t];
        for (size_t i = 0; i < tensor_floats(tensor); i++)
            network->weights[tensor->first + i] = (tensor->start == START_ONE ? 1 : 0) + .5f * random_normal(&random);
    }
    network->starts = random_starts(&random, n_rows, &S);
    network->items = random_numbers(&random, n_rows, shape->n_items);
    network->types = random_types(&random, n_rows, shape->n_types);
    network->targets = random_numbers(&random, n_rows, shape->n_items);
    network->target_weights = zero_floats(n_rows);
    for (uint32_t i = 0; i < n_rows; i++)
        network->target_weights[i] = 1.0f / (float)n_rows;
    network->packed = (struct packed){
        .n_rows = n_rows, .n_sequences = (uint32_t)S, .items = network->items, .types = network->types, .starts = network->starts};
    network->memory = aligned_floats(activations_floats(&network->encoder, n_rows));
    activations_place(&network->activations, &network->encoder, n_rows, network->memory);
}

void small_network_clear(struct small_network *network)
{
    free(network->weights);
    free(network->starts);
    free(network->items);
    free(network->types);
    free(network->targets);
    free(network->target_weights);
    free(network->memory);
}

double small_network_loss(struct small_network *network, float dropout, uint64_t stream, float *gradients)
{
    const struct encoder *encoder = &network->encoder;
    const struct kernels *k = encoder->kernels;
    size_t N = network->packed.n_rows, V = encoder->shape.n_items, C = encoder->shape.width;
    struct random random;
    random_init(&random, ARGUMENT_SEED, stream);
    const float *states = encoder_forward(encoder, network->weights, &network->packed, dropout, &random, &network->activations);
    float *x = copy_floats(states, N * C), *items = copy_floats(network->weights + encoder->tensors.items, V * C);
    float *x_inverse = zero_floats(N), *item_inverse = zero_floats(V),
          *workspace = aligned_floats(k->softmax_bytes(N, V, C) / sizeof(float));
    float *dx = zero_floats(N * C), *ditems = zero_floats(V * C), *dbias = zero_floats(V);
    bool tempered = encoder->shape.temperature > 0;
    if (tempered) {
        k->unit_forward(x, x_inverse, states, 1 / encoder->shape.temperature, N, C);
        k->unit_forward(items, item_inverse, network->weights + encoder->tensors.items, 1, V, C);
    }
    struct softmax_rows rows = {.x = x, .target = network->targets, .weight = network->target_weights, .N = N, .V = V, .C = C};
    double loss = k->softmax_loss(dx, ditems, dbias, &rows, items, network->weights + encoder->tensors.bias, workspace);
    if (gradients) {
        memset(gradients, 0, encoder->tensors.n_floats * sizeof *gradients);
        if (tempered) {
            k->unit_backward(dx, states, x_inverse, 1 / encoder->shape.temperature, N, C);
            k->unit_backward(ditems, network->weights + encoder->tensors.items, item_inverse, 1, V, C);
        }
        k->accumulate(gradients + encoder->tensors.items, ditems, V * C);
        k->accumulate(gradients + encoder->tensors.bias, dbias, V);
        const float *dinputs = encoder_backward(encoder, network->weights, &network->packed, dropout, &network->activations, dx, gradients);
        k->embed_backward(gradients + encoder->tensors.items, gradients + encoder->tensors.types, dinputs, network->packed.items,
                          network->packed.types, N, C);
    }
    free(x), free(items), free(x_inverse), free(item_inverse), free(workspace), free(dx), free(ditems), free(dbias);
    return loss;
}
