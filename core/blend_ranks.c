/* The ranks of one target in many blends, without making the blends.
 *
 * Neighbours know nothing of most items: all of those have the same part in the blend, so among them the encoder's order stands whatever
 * the weight. The encoder's best 20 of them and the few items that neighbours do know ("touched") decide every rank below 20. Where equals
 * might hide behind the 20 (an encoder that says the same of many items) the blend is made after all. */
#include "core/method_scores.h"
#include "core/top_k.h"

#include <math.h>

struct blending {
    const struct scored_case *scored;
    float encoder_scale, encoder_mean, neighbours_scale, neighbours_mean;
};

/* As core/blend.c computes it, to the bit: equals must be equals. */
static float blend_of(const struct blending *blending, uint32_t item)
{
    float neighbours = (blending->scored->neighbours[item] - blending->neighbours_mean) * blending->neighbours_scale;
    return neighbours + (blending->scored->encoder[item] - blending->encoder_mean) * blending->encoder_scale;
}

/* What can stand above the target: the touched items; and in best, best first, those of the rest that the encoder likes most. */
struct candidates {
    uint32_t n_touched;
    size_t n_best;
    struct scored best[RANKS - 1];
};

static struct candidates find_candidates(const struct scored_case *scored)
{
    struct candidates found = {0};
    for (uint32_t item = 0; item < scored->n_items; item++)
        scored->rest[item] = scored->neighbours[item] == 0 ? scored->encoder[item] : -INFINITY;
    scored->rest[scored->target] = -INFINITY;
    for (uint32_t item = 0; item < scored->n_items; item++) {
        scored->touched[found.n_touched] = item;
        found.n_touched += scored->neighbours[item] != 0 && item != scored->target;
    }
    found.n_best = top_k(scored->rest, scored->n_items, RANKS - 1, NULL, NULL, found.best);
    return found;
}

static uint32_t rank_slowly(const struct scored_case *scored, float weight)
{
    scored_case_blend(scored, weight);
    return rank_of_target(scored->blend, scored->n_items, scored->target);
}

static uint32_t rank_among(const struct candidates *found, const struct scored_case *scored, float weight)
{
    struct blending blending = {
        .scored = scored,
        .encoder_scale = scored->encoder_spread.scale,
        .encoder_mean = scored->encoder_spread.mean,
        .neighbours_scale = weight * scored->neighbours_spread.scale,
        .neighbours_mean = scored->neighbours_spread.mean,
    };
    float wanted = blend_of(&blending, scored->target);
    if (!(wanted > -INFINITY))
        return UINT32_MAX;
    uint32_t n_above = 0, n_equal = 0;
    for (uint32_t i = 0; i < found->n_touched; i++) {
        float other = blend_of(&blending, scored->touched[i]);
        n_above += other > wanted;
        n_equal += other == wanted;
    }
    for (size_t i = 0; i < found->n_best; i++) {
        float other = blend_of(&blending, found->best[i].item);
        n_above += other > wanted;
        n_equal += other == wanted;
    }
    bool may_hide_equals = found->n_best == RANKS - 1 && blend_of(&blending, found->best[RANKS - 2].item) == wanted;
    return n_above < RANKS - 1 && may_hide_equals ? rank_slowly(scored, weight) : n_above + n_equal / 2;
}

void scored_case_blend_ranks(const struct scored_case *scored, const float weights[], uint32_t n_weights, uint32_t out_ranks[])
{
    bool is_whole = scored->n_known == scored->n_items;
    struct candidates found = {0};
    if (is_whole && n_weights > 1)
        found = find_candidates(scored);
    for (uint32_t i = 0; i < n_weights; i++)
        out_ranks[i] = is_whole && n_weights > 1 ? rank_among(&found, scored, weights[i]) : rank_slowly(scored, weights[i]);
}
