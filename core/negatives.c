/* A few items, found by looking through them: with 32 at most a table would be slower. */
#include "core/negatives.h"

#include "core/blend.h"
#include "core/feedback.h"

#include <math.h>
#include <string.h>

/* Add strength to item's; of a new item if there are fewer than max. */
static void add(struct negatives *negatives, uint32_t item, float strength, uint32_t max)
{
    uint32_t i = 0;
    while (i < negatives->n && negatives->list[i].item != item)
        i++;
    if (i == negatives->n && i >= max)
        return;
    if (i == negatives->n)
        negatives->list[negatives->n++] = (struct negative){.item = item};
    negatives->list[i].strength += strength;
}

static void add_strong(struct negatives *negatives, const uint32_t items[], const float weights[], uint32_t n)
{
    float recency = 1;
    n = n < NEGATIVES_REACH ? n : NEGATIVES_REACH;
    for (uint32_t i = 0; i < n; i++, recency *= NEGATIVES_DECAY)
        if (feedback_of(weights[i]) == FEEDBACK_NEGATIVE)
            add(negatives, items[i], -weights[i] * recency, NEGATIVES_STRONG);
}

static void add_weak(struct negatives *negatives, const uint32_t items[], const float weights[], uint32_t n)
{
    struct negatives weak = {.n = 0};
    float recency = 1;
    for (uint32_t i = 0; i < n; i++, recency *= NEGATIVES_DECAY)
        if (feedback_of(weights[i]) == FEEDBACK_WEAK)
            add(&weak, items[i], -weights[i] * recency, NEGATIVES_MAX);
    for (uint32_t i = 0; i < weak.n; i++) {
        float strength = NEGATIVES_WEAK_MOST * (1 - expf(-weak.list[i].strength / NEGATIVES_WEAK_MOST));
        if (strength > 0)
            add(negatives, weak.list[i].item, strength, NEGATIVES_MAX);
    }
}

void negatives_gather(struct negatives *negatives, const uint32_t items[], const float weights[], uint32_t n, const uint32_t weak_items[],
                      const float weak_weights[], uint32_t n_weak)
{
    negatives->n = 0;
    add_strong(negatives, items, weights, n);
    add_weak(negatives, weak_items, weak_weights, n_weak);
}

/* lowering[V] = max(0, <ê, sum of the negatives' w ê>) for what the model knows. */
static void add_model(const struct negatives *negatives, const struct item_vectors *vectors, float direction[], float lowering[])
{
    uint32_t C = vectors->width;
    memset(direction, 0, C * sizeof *direction);
    for (uint32_t i = 0; i < negatives->n; i++) {
        const struct negative *negative = &negatives->list[i];
        if (negative->item >= vectors->n_items)
            continue;
        const float *vector = vectors->vectors + (size_t)negative->item * C;
        float scale = negative->strength * vectors->inverse_lengths[negative->item];
        for (uint32_t c = 0; c < C; c++)
            direction[c] += scale * vector[c];
    }
    vectors->kernels->score_items(lowering, vectors->vectors, direction, 1, vectors->inverse_lengths, NULL, vectors->n_items, C);
    for (uint32_t v = 0; v < vectors->n_items; v++)
        lowering[v] = lowering[v] > 0 ? lowering[v] : 0;
}

static bool knows_any(const struct item_vectors *vectors, const struct negatives *negatives)
{
    for (uint32_t i = 0; vectors && i < negatives->n; i++)
        if (negatives->list[i].item < vectors->n_items)
            return true;
    return false;
}

void negatives_lowering(const struct negatives *negatives, const struct item_vectors *vectors, const struct neighbours *neighbours,
                        uint32_t n_items, float direction[], float out_lowering[])
{
    uint32_t n_known = vectors ? vectors->n_items : 0, n_scored = 0;
    if (knows_any(vectors, negatives)) {
        add_model(negatives, vectors, direction, out_lowering);
        n_scored = n_known < n_items ? n_known : n_items;
    }
    memset(out_lowering + n_scored, 0, (n_items - n_scored) * sizeof *out_lowering);
    for (uint32_t i = 0; i < negatives->n; i++) {
        const struct negative *negative = &negatives->list[i];
        bool is_known = negative->item < n_known;
        neighbours_add_similar(neighbours, negative->item, negative->strength, is_known ? n_known : 0, out_lowering, n_items);
        if (!is_known && negative->item < n_items)
            out_lowering[negative->item] += negative->strength;
    }
}

struct score_scale negatives_scale(const float scores[], uint32_t n_items)
{
    struct spread spread = spread_of(scores, n_items);
    float best = spread.mean;
    for (uint32_t v = 0; v < n_items; v++)
        best = scores[v] > best ? scores[v] : best;
    return (struct score_scale){.deviation = 1 / spread.scale, .height = best - spread.mean};
}

void negatives_lower(const struct negatives *negatives, const float lowering[], struct score_scale scale, float scores[], uint32_t n_items)
{
    float own[NEGATIVES_MAX];
    for (uint32_t i = 0; i < negatives->n; i++) { /* before any is lowered */
        const struct negative *negative = &negatives->list[i];
        own[i] = negative->item < n_items ? scores[negative->item] - negative->strength * scale.height : 0;
    }
    for (uint32_t v = 0; v < n_items; v++)
        scores[v] -= scale.deviation * lowering[v];
    for (uint32_t i = 0; i < negatives->n; i++) {
        uint32_t item = negatives->list[i].item;
        if (item < n_items && own[i] < scores[item])
            scores[item] = own[i];
    }
}
