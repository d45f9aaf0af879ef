/* Exact top-k and the blend of scores. Pure functions. Threads: any. */
#ifndef CORE_TOP_K_H
#define CORE_TOP_K_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct scored {
    uint32_t item;
    float score;
};

/* The k best of scores[n_items] that allow(context, item) accepts (NULL: all) and whose score is not -INFINITY, best first, ties by
 * smaller item; NaN is never chosen. allow is asked only for items that would enter. Returns how many (<= k). */
size_t top_k(const float scores[], uint32_t n_items, size_t k, bool (*allow)(void *context, uint32_t item), void *context, struct scored out_best[]);

/* scores[i] = z(encoder)[i] + weight * z(neighbours)[i], z(x) = (x - mean x) / deviation of x over the first n_encoder resp. n_items entries. Items from n_encoder on
 * (unknown to the model) have encoder part 0: nothing is known for or against them. A deviation of 0 counts as 1. May be done in place. */
void blend_scores(const float encoder[], uint32_t n_encoder, const float neighbours[], float weight, uint32_t n_items, float out_scores[]);

#endif
