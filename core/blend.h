/* The blend of an encoder's and the neighbours' scores: each brought to mean 0 and deviation 1 over the catalogue, then added with a
 * weight. Pure functions. Threads: any. */
#ifndef CORE_BLEND_H
#define CORE_BLEND_H

#include <stdint.h>

/* Mean and 1 / deviation of scores (population deviation, summed in double); a deviation of 0 counts as 1. No scores: 0 and 1. */
struct spread {
    float mean, scale;
};
struct spread spread_of(const float scores[], uint32_t n_scores);

/* scores[i] = z(encoder)[i] + weight * z(neighbours)[i], z(x) = (x - mean x) / deviation of x over the first n_encoder resp. n_items
 * entries. Items from n_encoder on (unknown to the model) have encoder part 0: nothing is known for or against them. May be done in place
 * (out_scores = encoder or neighbours). All scores are finite. */
void blend_scores(const float encoder[], uint32_t n_encoder, const float neighbours[], float weight, uint32_t n_items, float out_scores[]);

/* The same with spreads that are known: who tries many weights takes them once. */
void blend_spread_scores(const float encoder[], struct spread encoder_spread, uint32_t n_encoder, const float neighbours[],
                         struct spread neighbours_spread, float weight, uint32_t n_items, float out_scores[]);

#endif
