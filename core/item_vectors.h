/* Item vectors: what of a network is needed to compare its items. Borrowed from whoever has them (a model, a network in training). */
#ifndef CORE_ITEM_VECTORS_H
#define CORE_ITEM_VECTORS_H

#include "core/kernels/kernels.h"

#include <stdint.h>

struct item_vectors {
    const struct kernels *kernels;
    const float *vectors;         /* [V, C] */
    const float *inverse_lengths; /* [V] 1 / |e| */
    uint32_t n_items, width;      /* V, C */
};

#endif
