/* Sums run in four lanes (vectors of the compiler's own, so that the order of additions is written down and the same everywhere). The blend
 * goes through a small buffer, so that it may be done in place and still has nothing to fear from aliasing. */
#include "core/blend.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#define LANES 4u
#define BLOCK 256u

struct moments {
    double sum, square; /* of the differences from shift */
};

/* Add a block of up to BLOCK scores: 64 additions in float a lane lose nothing that matters, the many blocks are added in double. */
static void add_block(struct moments *moments, const float scores[], uint32_t n, float shift)
{
    float difference __attribute__((vector_size(LANES * sizeof(float)))) = {0};
    float sums __attribute__((vector_size(LANES * sizeof(float)))) = {0}, squares __attribute__((vector_size(LANES * sizeof(float)))) = {0};
    uint32_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        memcpy(&difference, scores + i, sizeof difference);
        difference -= shift;
        sums += difference;
        squares += difference * difference;
    }
    for (; i < n; i++) {
        sums[0] += scores[i] - shift;
        squares[0] += (scores[i] - shift) * (scores[i] - shift);
    }
    for (uint32_t lane = 0; lane < LANES; lane++) {
        moments->sum += sums[lane];
        moments->square += squares[lane];
    }
}

struct spread spread_of(const float scores[], uint32_t n_scores)
{
    if (n_scores == 0)
        return (struct spread){.mean = 0, .scale = 1};
    float shift = scores[0]; /* differences from one score: equal scores have deviation 0 exactly, scores far from 0 keep their digits */
    struct moments moments = {0};
    for (uint32_t first = 0; first < n_scores; first += BLOCK)
        add_block(&moments, scores + first, n_scores - first < BLOCK ? n_scores - first : BLOCK, shift);
    double mean = moments.sum / n_scores, variance = moments.square / n_scores - mean * mean;
    return (struct spread){.mean = (float)(mean + (double)shift), .scale = variance > 0 ? (float)(1 / sqrt(variance)) : 1};
}

void blend_spread_scores(const float encoder[], struct spread encoder_spread, uint32_t n_encoder, const float neighbours[],
                         struct spread neighbours_spread, float weight, uint32_t n_items, float out_scores[])
{
    float neighbours_scale = weight * neighbours_spread.scale;
    n_encoder = n_encoder < n_items ? n_encoder : n_items;
    for (uint32_t first = 0; first < n_items; first += BLOCK) {
        float block[BLOCK];
        uint32_t n = n_items - first < BLOCK ? n_items - first : BLOCK;
        uint32_t n_known = first >= n_encoder ? 0 : n_encoder - first < n ? n_encoder - first : n;
        const float *from = neighbours + first; /* a pointer: first + i might wrap for all the compiler knows */
        for (uint32_t i = 0; i < n; i++)
            block[i] = (from[i] - neighbours_spread.mean) * neighbours_scale;
        from = encoder + (n_known ? first : 0);
        for (uint32_t i = 0; i < n_known; i++)
            block[i] += (from[i] - encoder_spread.mean) * encoder_spread.scale;
        memcpy(out_scores + first, block, n * sizeof *block);
    }
}

void blend_scores(const float encoder[], uint32_t n_encoder, const float neighbours[], float weight, uint32_t n_items, float out_scores[])
{
    n_encoder = n_encoder < n_items ? n_encoder : n_items;
    blend_spread_scores(encoder, spread_of(encoder, n_encoder), n_encoder, neighbours, spread_of(neighbours, n_items), weight, n_items,
                        out_scores);
}
