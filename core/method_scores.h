/* Method scores: one held-out case's scores by popularity, neighbours and encoder, as rows over all items in which what the user had is
 * -INFINITY, and the blend made of them. Evaluation's own helper.
 *
 * Threads: init and clear by one; in between any worker, each with its own rows. */
#ifndef CORE_METHOD_SCORES_H
#define CORE_METHOD_SCORES_H

#include "core/blend.h"
#include "core/case_scores.h"
#include "core/training_counts.h"

struct method_scores {
    struct case_scores cases; /* its dataset, split and encoder are meant */
    const struct type_weights *weights;
    const struct training_counts *counts;
    float *rows;       /* [workers, 4, n_items] */
    uint32_t *touched; /* [workers, n_items] */
};

/* A case with its rows [n_items]; they are the worker's, good until it scores another one. */
struct scored_case {
    uint32_t number, user, target, n_items;
    float *popular, *neighbours;
    float *encoder;                                  /* its first n_known values; NULL: there is no encoder */
    uint32_t n_known;                                /* 0: the encoder knows nothing of the user */
    struct spread encoder_spread, neighbours_spread; /* over all items, those that the user had too: as serving blends them */
    float *blend;                                    /* memory for scored_case_blend */
    float *rest;                                     /* memory for scored_case_blend_ranks, with touched */
    uint32_t *touched;
};

/* Borrows all for its life. encoder may be NULL. STATUS_NOMEM. */
enum status method_scores_init(struct method_scores *scores, const struct dataset *dataset, const struct split *split,
                               const struct type_weights *weights, const struct encoder_view *encoder, const struct training_counts *counts,
                               unsigned n_workers) MUST_CHECK;
void method_scores_clear(struct method_scores *scores);
static inline void method_scores_clear_scoped(struct method_scores *scores)
{
    method_scores_clear(scores);
}

/* So many blocks are a round: progress is reported, and asked, between rounds. */
#define ROUND_BLOCKS 16u
#define ROUND_CASES  (ROUND_BLOCKS * EVALUATION_BATCH) /* at most */

/* What is done with the cases. visit: called from any worker, place < ROUND_CASES is the case's place in its round. finish_round (may be
 * NULL): called by the caller of method_scores_visit when the round's cases [0, n_cases) have all been visited. */
struct case_visitor {
    void (*visit)(void *context, const struct scored_case *scored, uint32_t place);
    void (*finish_round)(void *context, uint32_t first_case, uint32_t n_cases);
    void *context;
};

/* Score and visit every case. STATUS_CONFLICT: progress asked to stop. */
enum status method_scores_visit(const struct method_scores *scores, struct workers *workers, const struct progress *progress,
                                const struct case_visitor *visitor) MUST_CHECK;

/* The target's rank by popularity, neighbours or encoder (core/evaluation.h, rank_of_target). */
uint32_t scored_case_rank(const struct scored_case *scored, enum method method);

/* Fill scored->blend: core/blend.h, with what the user had left out. */
void scored_case_blend(const struct scored_case *scored, float weight);

/* out_ranks[i] = the target's rank in the blend with weights[i]: exact below 20, some number from 20 on if it is not. */
void scored_case_blend_ranks(const struct scored_case *scored, const float weights[], uint32_t n_weights, uint32_t out_ranks[]);

/* evaluate_methods with counts that were made before. */
enum status evaluate_counted(const struct dataset *dataset, const struct split *split, const struct type_weights *weights,
                             const struct encoder_view *encoder, float weight, const struct training_counts *counts,
                             struct workers *workers, const struct progress *progress, struct method_figures out_figures[METHODS],
                             float *out_weight) MUST_CHECK;

#endif
