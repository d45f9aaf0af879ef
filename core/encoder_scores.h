/* Encoder scores: a network in memory as evaluation sees it (core/evaluation.h), many cases at once by matrix products. The dataset may
 * have more items and types than the network: it does not see those events, and says nothing of those items.
 *
 * Each worker has memory of its own; one case's state does not depend on which others are scored with it.
 * Threads: as struct encoder_view says. */
#ifndef CORE_ENCODER_SCORES_H
#define CORE_ENCODER_SCORES_H

#include "core/encoder.h"
#include "core/evaluation.h"

struct encoder_scores {
    const struct encoder *encoder;
    const float *weights;
    struct type_weights type_weights;
    unsigned n_workers;
    size_t worker_bytes;
    unsigned char *memory;               /* [workers, worker_bytes] */
    float *unit_items, *inverse_lengths; /* with a temperature: [V, C], [V] */
    struct encoder_view view;            /* for evaluate_encoder and evaluate_methods */
};

/* Borrows encoder and weights for its life. The view points into scores, which must stay where it is. STATUS_NOMEM. */
enum status encoder_scores_init(struct encoder_scores *scores, const struct encoder *encoder, const float *weights,
                                const struct type_weights *type_weights, unsigned n_workers) MUST_CHECK;
void encoder_scores_clear(struct encoder_scores *scores);
static inline void encoder_scores_clear_scoped(struct encoder_scores *scores)
{
    encoder_scores_clear(scores);
}

/* Floating-point operations of the products since init, summed over the workers: whole numbers, in any order the same. */
double encoder_scores_flops(const struct encoder_scores *scores);

/* The weights have changed. */
void encoder_scores_refresh(struct encoder_scores *scores);

#endif
