/* Loops over a fixed number of lanes: the compiler makes vectors of them without being allowed to reorder sums, and the result is the same
 * with and without vectors. The blend goes through a small buffer, so that it may be done in place and still has nothing to fear from
 * aliasing. */
#include "core/blend.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#define LANES 8u
#define BLOCK 256u

struct spread spread_of(const float scores[], uint32_t n_scores)
{
    if (n_scores == 0)
        return (struct spread){.mean = 0, .scale = 1};
    double shift = scores[0]; /* squares are of differences from one score: equal scores have deviation 0 exactly */
    double sums[LANES] = {0}, squares[LANES] = {0};
    uint32_t i = 0;
    for (; i + LANES <= n_scores; i += LANES) {
        for (uint32_t lane = 0; lane < LANES; lane++) {
            double difference = scores[i + lane] - shift;
            sums[lane] += difference;
            squares[lane] += difference * difference;
        }
    }
    for (; i < n_scores; i++) {
        double difference = scores[i] - shift;
        sums[0] += difference;
        squares[0] += difference * difference;
    }
    double sum = 0, square = 0;
    for (uint32_t lane = 0; lane < LANES; lane++) {
        sum += sums[lane];
        square += squares[lane];
    }
    double mean = sum / n_scores, variance = square / n_scores - mean * mean;
    return (struct spread){.mean = (float)(mean + shift), .scale = variance > 0 ? (float)(1 / sqrt(variance)) : 1};
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
        for (uint32_t i = 0; i < n; i++)
            block[i] = (neighbours[first + i] - neighbours_spread.mean) * neighbours_scale;
        for (uint32_t i = 0; i < n_known; i++)
            block[i] += (encoder[first + i] - encoder_spread.mean) * encoder_spread.scale;
        memcpy(out_scores + first, block, n * sizeof *block);
    }
}

void blend_scores(const float encoder[], uint32_t n_encoder, const float neighbours[], float weight, uint32_t n_items, float out_scores[])
{
    n_encoder = n_encoder < n_items ? n_encoder : n_items;
    blend_spread_scores(encoder, spread_of(encoder, n_encoder), n_encoder, neighbours, spread_of(neighbours, n_items), weight, n_items,
                        out_scores);
}
