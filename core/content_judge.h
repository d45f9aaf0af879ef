/* Content judge: what a content tower is worth for items that nobody has touched, measured on items that somebody has.
 *
 * A share of the items, chosen by a hash of their number, is held out: they never stand with content while the tower learns. A case is a
 * training position whose next item is one of them, its state the encoder's; the candidates are the held-out items, each placed by its
 * content. The figure is NDCG@20 of the target among the candidates, as in core/evaluation.h. New items compete with each other here as on
 * a page of new items; against the whole catalogue the figure would mostly say how the tower's biases stand to the trained ones, and would
 * be a tenth as large with the same noise.
 *
 * Memory: 8192 candidates and 4096 cases at most, spread evenly over what there is. Threads: one caller, which brings the workers. */
#ifndef CORE_CONTENT_JUDGE_H
#define CORE_CONTENT_JUDGE_H

#include "core/content_step.h"

#define JUDGED_ITEMS_MAX 8192u
#define JUDGED_CASES_MAX 4096u

struct content_judge {
    const struct content_ground *ground;
    uint32_t n_candidates, n_cases;
    struct item_content *contents; /* [n_candidates] */
    uint32_t *targets;             /* [n_cases] a candidate each */
    float *states;                 /* [n_cases, C]; with a temperature scaled as scores have them */
    float *placed, *vectors;       /* [n_candidates, D], [n_candidates, C] */
    float *bias, *inverse;         /* [n_candidates] */
    float *scores;                 /* [workers, a block of cases, n_candidates] */
    uint32_t *ranks;               /* [n_cases] */
};

/* Is the item held out, whatever is known of it? */
bool content_is_held_out(uint32_t item, float share, uint64_t seed);

/* item_events [V]: candidates are held-out items that have content and an event. Borrows ground for its life. STATUS_NOMEM. */
enum status content_judge_init(struct content_judge *judge, const struct content_ground *ground, const uint32_t item_events[], float share,
                               uint64_t seed) MUST_CHECK;
void content_judge_clear(struct content_judge *judge);
static inline void content_judge_clear_scoped(struct content_judge *judge)
{
    content_judge_clear(judge);
}

/* 0 without cases. The same bits at any number of threads. STATUS_NOMEM. */
enum status content_judge_ndcg20(struct content_judge *judge, const struct content_tower *tower, const float *weights, double *out_ndcg20,
                                 struct error *error) MUST_CHECK;

#endif
