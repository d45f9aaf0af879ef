/* Exact top-k, and through core/blend.h the blend of scores. Pure functions. Threads: any. */
#ifndef CORE_TOP_K_H
#define CORE_TOP_K_H

#include "core/blend.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct scored {
    uint32_t item;
    float score;
};

/* The k best of scores[n_items] that allow(context, item) accepts (NULL: all) and whose score is not -INFINITY, best first, ties by
 * smaller item; NaN is never chosen. allow is asked only for items that would enter. Returns how many (<= k). */
size_t top_k(const float scores[], uint32_t n_items, size_t k, bool (*allow)(void *context, uint32_t item), void *context,
             struct scored out_best[]);

#endif
