/* Ranks are counted, not sorted: one pass over a row of scores says how many items stand above the target. What the user had is taken out
 * by setting its scores to -INFINITY before. Each case writes its own rank; sums are made afterwards in the order of the cases. */
#include "core/evaluation.h"

#include "core/case_scores.h"

#include <math.h>
#include <stdlib.h>

uint32_t rank_of_target(const float scores[], uint32_t n_items, uint32_t target)
{
    float wanted = scores[target];
    if (!(wanted > -INFINITY))
        return UINT32_MAX;
    uint32_t n_above = 0, n_equal = 0;
    for (uint32_t item = 0; item < n_items; item++) {
        n_above += scores[item] > wanted;
        n_equal += scores[item] == wanted;
    }
    return n_above + (n_equal - 1) / 2; /* the target is one of n_equal */
}

void figures_from_counts(const uint32_t counts[RANKS], struct method_figures *out_figures)
{
    struct method_figures sums = {0};
    double n = counts[RANKS - 1];
    for (uint32_t rank = 0; rank < RANKS - 1; rank++) {
        double hits = counts[rank], gain = hits / log2(rank + 2.0), inverse = hits / (rank + 1.0);
        n += hits;
        sums.hr20 += hits;
        sums.ndcg20 += gain;
        sums.mrr20 += inverse;
        sums.hr10 += rank < 10 ? hits : 0;
        sums.ndcg10 += rank < 10 ? gain : 0;
        sums.mrr10 += rank < 10 ? inverse : 0;
        sums.hr5 += rank < 5 ? hits : 0;
        sums.ndcg5 += rank < 5 ? gain : 0;
        sums.mrr5 += rank < 5 ? inverse : 0;
    }
    double scale = n > 0 ? 1 / n : 0;
    *out_figures = (struct method_figures){
        .hr5 = sums.hr5 * scale,
        .hr10 = sums.hr10 * scale,
        .hr20 = sums.hr20 * scale,
        .ndcg5 = sums.ndcg5 * scale,
        .ndcg10 = sums.ndcg10 * scale,
        .ndcg20 = sums.ndcg20 * scale,
        .mrr5 = sums.mrr5 * scale,
        .mrr10 = sums.mrr10 * scale,
        .mrr20 = sums.mrr20 * scale,
    };
}

void figures_from_ranks(const uint32_t ranks[], uint32_t n, struct method_figures *out_figures)
{
    uint32_t counts[RANKS] = {0};
    for (uint32_t i = 0; i < n; i++)
        counts[ranks[i] < RANKS - 1 ? ranks[i] : RANKS - 1]++;
    figures_from_counts(counts, out_figures);
}

struct encoder_job {
    const struct case_scores *scores;
    uint32_t *ranks; /* [n_held_out] */
};

static void rank_block(void *context, uint32_t block, unsigned worker)
{
    const struct encoder_job *job = context;
    const struct case_scores *scores = job->scores;
    bool known[EVALUATION_BATCH];
    float *rows = case_scores_fill(scores, block, worker, known);
    uint32_t first = block * scores->batch, n_cases = case_scores_count(scores, block);
    for (uint32_t i = 0; i < n_cases; i++) {
        const struct held_out *held_out = &scores->split->held_out[first + i];
        float *row = rows + (size_t)i * scores->dataset->n_items;
        uint32_t target = scores->dataset->items[held_out->target];
        if (!known[i] || target >= scores->n_known) {
            job->ranks[first + i] = UINT32_MAX;
            continue;
        }
        leave_out_seen(scores->dataset, scores->split, held_out, row, scores->n_known);
        job->ranks[first + i] = rank_of_target(row, scores->n_known, target);
    }
}

enum status evaluate_encoder(const struct dataset *dataset, const struct split *split, const struct encoder_view *encoder,
                             struct workers *workers, struct method_figures *out_figures)
{
    SCOPED(case_scores_clear) struct case_scores scores = {0};
    TRY(case_scores_init(&scores, dataset, split, encoder, workers_count(workers)));
    SCOPED(memory_free) uint32_t *ranks = calloc((size_t)split->n_held_out + 1, sizeof *ranks);
    if (!ranks)
        return STATUS_NOMEM;
    struct encoder_job job = {.scores = &scores, .ranks = ranks};
    workers_run(workers, scores.n_blocks, rank_block, &job);
    figures_from_ranks(ranks, split->n_held_out, out_figures);
    return STATUS_OK;
}
