/* Item vectors: what of a network is needed to compare its items. Borrowed from whoever has them (a model, a network in training). */
#ifndef CORE_ITEM_VECTORS_H
#define CORE_ITEM_VECTORS_H

#include "core/kernels/kernels.h"

#include <math.h>
#include <stdint.h>

struct item_vectors {
    const struct kernels *kernels;
    const float *vectors;         /* [V, C] */
    const float *inverse_lengths; /* [V] 1 / |e| */
    uint32_t n_items, width;      /* V, C */
};

/* 1 / |e| of a vector [C], with the length as unit_forward has it (core/kernels/kernels.h): the vector 0 has one, too. */
static inline float inverse_length(const float vector[], size_t C)
{
    float square = 0;
    for (size_t c = 0; c < C; c++)
        square += vector[c] * vector[c];
    return 1 / sqrtf(square + 1e-12F);
}

#endif
