/* Evaluation: how well methods rank held-out events, all items ranked, what the user had left out.
 *
 * A target's rank is the number of items with a higher score, and half of those with the same score (rounded down): an order among equals
 * would be luck, and by item number it would favour old items. NaN is never above anything; a target whose score is NaN or -INFINITY is not
 * found. Left out are the items of the user's behaviour before the target (core/feedback.h; split->weights). No cases: all figures are 0.
 *
 * Three prices: evaluate_encoder (the encoder's figures) < evaluate_methods (all methods' figures) < evaluate_in_full (everything).
 * Memory, besides the data: a worker's scores of one block of cases (16 MB, or one row of a larger catalogue) and five rows of n_items;
 * neighbours; 76 bytes a case at most; with evaluate_in_full 48 bytes an item and 1 MB more.
 *
 * Threads: one caller; work is spread over workers in fixed blocks, and a figure is summed in the order of the cases, so any thread
 * count gives the same bits. */
#ifndef CORE_EVALUATION_H
#define CORE_EVALUATION_H

#include "core/base/emit.h"
#include "core/base/progress.h"
#include "core/base/workers.h"
#include "core/bootstrap.h"
#include "core/dataset.h"
#include "core/list_figures.h"
#include "core/model.h"
#include "core/reliability.h"

/* The rank of target in scores[n_items], as said above; UINT32_MAX if it is not found. */
uint32_t rank_of_target(const float scores[], uint32_t n_items, uint32_t target);

/* Means over ranks[n] (0 = first; from 20 on it does not matter how far): HR@k = share of ranks below k; NDCG@k = mean of 1 / log2(rank +
 * 2) where rank < k (one relevant item, Järvelin and Kekäläinen 2002); MRR@k = mean of 1 / (rank + 1) where rank < k. n = 0: zeros. */
void figures_from_ranks(const uint32_t ranks[], uint32_t n, struct method_figures *out_figures);

/* The same from counts [RANKS]: how many cases have rank 0, 1, … 19, and any other. */
#define RANKS 21
void figures_from_counts(const uint32_t counts[RANKS], struct method_figures *out_figures);

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

/* Figures of the encoder alone: what training asks after every epoch. */
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

/* A user or an item with at most so many positive training events is cold. */
#define COLD_EVENTS 5

enum case_group { GROUP_ALL, GROUP_COLD_USERS, GROUP_COLD_ITEMS, GROUPS };

extern const char *const case_group_names[GROUPS]; /* "all", "cold_users", "cold_items" */

/* One group of cases: all, those of cold users, those whose target is a cold item. */
struct judged_group {
    uint32_t n_cases;
    struct judged_method methods[METHODS]; /* core/bootstrap.h: figures and their 95 % intervals */
};

/* Everything that is known about how well the methods rank. Plain values, to be copied. Lists are the first 20 items of each case, what the
 * user had left out; popular and neighbours show only items that they have counted (score > 0). */
struct evaluation {
    uint32_t n_cases, n_items;
    bool has_encoder; /* false: encoder and blend are zeros */
    float neighbours_weight;
    uint64_t n_held_out_events, n_repeats; /* positive events behind the training part of users of whom something is known; those on an item
                                            * that the user had before: they are not judged, because what was seen is left out of answers */
    struct judged_group groups[GROUPS];
    struct difference encoder_over_neighbours, blend_over_neighbours; /* NDCG@10, all cases, paired */
    struct list_figures lists[METHODS];
    struct reliability popular_reliability; /* p = share of the item's training events among those of the items that are not left out */
    struct reliability encoder_reliability; /* p = softmax of the scores of the items that are not left out. Both: pairs are the items of
                                             * the first 20 of each case and whether they were next. A target below them is no pair:
                                             * choosing pairs by the outcome would bend the picture */
};

/* Judge everything, with the arguments of evaluate_methods. */
enum status evaluate_in_full(const struct dataset *dataset, const struct split *split, const struct type_weights *weights,
                             const struct encoder_view *encoder, float weight, uint32_t neighbours_max_row, struct workers *workers,
                             const struct progress *progress, struct evaluation *out_evaluation) MUST_CHECK;

/* The same for a model that is already written (the verb `evaluate`). weight < 0: the model's own neighbours' weight. The model's item and
 * type numbers must be the dataset's; the dataset may have more of both. STATUS_INVALID: it has fewer. */
enum status evaluate_model(const struct dataset *dataset, const struct split *split, const struct type_weights *weights,
                           const struct model *model, float weight, uint32_t neighbours_max_row, unsigned n_threads,
                           const struct progress *progress, struct evaluation *out_evaluation, struct error *error) MUST_CHECK;

/* The figures over all cases, as a model's facts hold them. */
void evaluation_figures(const struct evaluation *evaluation, struct method_figures out_figures[METHODS]);

/* Emit it as one JSON object called name (NULL: without), about 12 kB. Figures have the names of model_figures (core/model_header.h). */
void evaluation_emit(const struct evaluation *evaluation, const char *name, struct emit *emit);

#endif
