/* A small network with random weights and a packed batch for it. Everything aborts the test on failure. */
#ifndef TESTS_SMALL_NETWORK_H
#define TESTS_SMALL_NETWORK_H

#include "core/encoder.h"

struct small_network {
    struct encoder encoder;
    float *weights; /* [n_floats] */
    struct packed packed;
    uint32_t *items, *starts;
    uint8_t *types;
    uint32_t *targets;     /* [N]: every row has one */
    float *target_weights; /* [N], sum 1 */
    struct activations activations;
    float *memory;
};

void small_network_init(struct small_network *network, const struct encoder_shape *shape, uint32_t n_rows, const struct kernels *kernels);
void small_network_clear(struct small_network *network);

/* Loss of the batch, dropout drawn from `stream`; gradients [n_floats] may be NULL. */
double small_network_loss(struct small_network *network, float dropout, uint64_t stream, float *gradients);

#endif
