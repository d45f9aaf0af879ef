/* A block holds up to EVALUATION_BATCH cases, and fewer when the catalogue is so large that a worker's rows would pass ROW_VALUES: 16 MB of
 * scores stay near the cache and a million items do not cost a gigabyte a worker. */
#include "core/case_scores.h"

#include <math.h>
#include <stdlib.h>

#define ROW_VALUES (4u << 20)

enum status case_scores_init(struct case_scores *scores, const struct dataset *dataset, const struct split *split,
                             const struct encoder_view *encoder, unsigned n_workers)
{
    uint32_t n_items = dataset->n_items ? dataset->n_items : 1;
    uint32_t batch = ROW_VALUES / n_items;
    batch = batch < 1 ? 1 : batch > EVALUATION_BATCH ? EVALUATION_BATCH : batch;
    float *rows = calloc((size_t)n_workers * batch, n_items * sizeof *rows);
    if (!rows)
        return STATUS_NOMEM;
    *scores = (struct case_scores){
        .dataset = dataset,
        .split = split,
        .encoder = encoder,
        .n_known = encoder && encoder->n_items && encoder->n_items < dataset->n_items ? encoder->n_items : dataset->n_items,
        .batch = batch,
        .n_blocks = split->n_held_out / batch + (split->n_held_out % batch != 0),
        .rows = rows,
    };
    return STATUS_OK;
}

void case_scores_clear(struct case_scores *scores)
{
    free(scores->rows);
    *scores = (struct case_scores){0};
}

uint32_t case_scores_count(const struct case_scores *scores, uint32_t block)
{
    uint32_t n_left = scores->split->n_held_out - block * scores->batch;
    return n_left < scores->batch ? n_left : scores->batch;
}

float *case_scores_fill(const struct case_scores *scores, uint32_t block, unsigned worker, bool out_known[])
{
    float *rows = scores->rows + (size_t)worker * scores->batch * scores->dataset->n_items;
    uint32_t n_cases = case_scores_count(scores, block);
    for (uint32_t i = 0; i < n_cases; i++)
        out_known[i] = scores->encoder != NULL;
    if (scores->encoder) {
        const struct held_out *cases = &scores->split->held_out[block * scores->batch];
        scores->encoder->score(scores->encoder->context, scores->dataset, cases, n_cases, worker, rows, out_known);
    }
    return rows;
}

void leave_out_seen(const struct dataset *dataset, const struct split *split, const struct held_out *held_out, float scores[],
                    uint32_t n_items)
{
    for (uint64_t i = dataset->starts[held_out->user]; i < held_out->target; i++) {
        if (feedback_is_behaviour(split->weights.weights[dataset->types[i]]) && dataset->items[i] < n_items)
            scores[dataset->items[i]] = -INFINITY;
    }
}
