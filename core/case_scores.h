/* Case scores: the held-out cases cut into fixed blocks, and for every worker the memory for an encoder's scores of one block. Evaluation's
 * own helper.
 *
 * Threads: init and clear by one; then each worker fills its own memory. How the cases are cut depends on the data alone, never on the
 * number of workers, so an encoder sees the same products, and rounds the same way, at any thread count. */
#ifndef CORE_CASE_SCORES_H
#define CORE_CASE_SCORES_H

#include "core/evaluation.h"

struct case_scores {
    const struct dataset *dataset;
    const struct split *split;
    const struct encoder_view *encoder; /* may be NULL: nothing is known of any case */
    uint32_t n_known;                   /* columns that the encoder fills */
    uint32_t batch, n_blocks;           /* cases a block; blocks */
    float *rows;                        /* [workers, batch, n_items] */
};

/* Borrows all for its life. STATUS_NOMEM. */
enum status case_scores_init(struct case_scores *scores, const struct dataset *dataset, const struct split *split,
                             const struct encoder_view *encoder, unsigned n_workers) MUST_CHECK;
void case_scores_clear(struct case_scores *scores);
static inline void case_scores_clear_scoped(struct case_scores *scores)
{
    case_scores_clear(scores);
}

/* How many cases the block has; its first one is block * batch. */
uint32_t case_scores_count(const struct case_scores *scores, uint32_t block);

/* Score the block's cases. Returns the worker's rows [count, n_items], good until its next call. */
float *case_scores_fill(const struct case_scores *scores, uint32_t block, unsigned worker, bool out_known[]);

/* scores[item] = -INFINITY for every item < n_items that the user had (behaviour, see core/feedback.h) before the case's target. */
void leave_out_seen(const struct dataset *dataset, const struct split *split, const struct held_out *held_out, float scores[],
                    uint32_t n_items);

#endif
