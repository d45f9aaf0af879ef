/* Evaluation: how well methods rank held-out events, all items ranked, what the user had left out.
 *
 * A target's rank is the number of items with a higher score, and half of those with the same score (rounded down): an order among equals
 * would be luck, and by item number it would favour old items. NaN is never above anything; a target whose score is NaN or -INFINITY is not
 * found. Left out are the items of the user's behaviour before the target (core/feedback.h; split->weights). No cases: all figures are 0.
 *
 * Threads: one caller; work is spread over workers in fixed blocks, and a figure is summed in the order of the cases, so any thread
 * count gives the same bits. */
#ifndef CORE_EVALUATION_H
#define CORE_EVALUATION_H

#include "core/base/progress.h"
#include "core/base/workers.h"
#include "core/dataset.h"
#include "core/model.h"

/* The rank of target in scores[n_items], as said above; UINT32_MAX if it is not found. */
uint32_t rank_of_target(const float scores[], uint32_t n_items, uint32_t target);

/* Means over ranks[n] (0 = first; from 20 on it does not matter how far): HR@k = share of ranks below k; NDCG@k = mean of 1 / log2(rank +
 * 2) where rank < k (one relevant item, Järvelin and Kekäläinen 2002); MRR@k = mean of 1 / (rank + 1) where rank < k. n = 0: zeros. */
void figures_from_ranks(const uint32_t ranks[], uint32_t n, struct method_figures *out_figures);

/* At most so many cases are scored together, so that an encoder can use one matrix product; fewer for large catalogues. */
#define EVALUATION_BATCH 64

/* An encoder as evaluation sees it: scores[n_cases, dataset->n_items] of cases [n_cases], each after its user's events [starts[user],
 * target). out_known[i] = false where nothing is known of the user (its row is then not read, and the target is not found). Called from
 * several workers at once, worker < workers_count. n_cases <= EVALUATION_BATCH. */
struct encoder_view {
    void (*score)(void *context, const struct dataset *dataset, const struct held_out cases[], uint32_t n_cases, unsigned worker,
                  float *out_scores, bool out_known[]);
    void *context;
    uint32_t n_items; /* the items that it knows, the first of the dataset's: the rest of a row is not read. 0: all */
};

/* Figures of the encoder alone: what training asks after every epoch. Same result at any thread count. */
enum status evaluate_encoder(const struct dataset *dataset, const struct split *split, const struct encoder_view *encoder,
                             struct workers *workers, struct method_figures *out_figures) MUST_CHECK;

/* Judge popular, neighbours, encoder and blend (encoder NULL: the rows of both stay zero). Popularity and neighbours count the positive
 * training events, and nothing behind train_ends; the input of neighbours and encoder is all that the user did before the target, held out
 * or not. weight < 0: choose the neighbours' weight out of 0, .01, … .10, .15, .2, .3, .5, 1 by NDCG@10 of the blend on these same cases
 * (among equals the smaller); else use it. Where the encoder knows nothing of a user the blend is the neighbours alone. max_row as in
 * neighbours.h. STATUS_CONFLICT: progress asked to stop. STATUS_NOMEM. */
enum status evaluate_methods(const struct dataset *dataset, const struct split *split, const struct type_weights *weights,
                             const struct encoder_view *encoder, float weight, uint32_t neighbours_max_row, struct workers *workers,
                             const struct progress *progress, struct method_figures out_figures[METHODS], float *out_weight) MUST_CHECK;

/* The same for a model that is already written (the verb `evaluate`). weight < 0: the model's own neighbours' weight. The model's item and
 * type numbers must be the dataset's; the dataset may have more of both. STATUS_INVALID: it has fewer. */
enum status evaluate_model(const struct dataset *dataset, const struct split *split, const struct type_weights *weights,
                           const struct model *model, float weight, uint32_t neighbours_max_row, unsigned n_threads,
                           const struct progress *progress, struct method_figures out_figures[METHODS], struct error *error) MUST_CHECK;

#endif
