/* The weights of returns, fitted on held-out events: the greatest likelihood of what came next, first interactions and repeats alike, under
 * the mixture, by expectation and maximisation: w[c] = how often it was the return that explains a target of class c / how often an item of
 * the class should have been returned to, with a prior of ten cases in which nobody returned. */
#ifndef CORE_RETURNS_FIT_H
#define CORE_RETURNS_FIT_H

#include "core/evaluation.h"
#include "core/returns.h"

#define RETURN_CASES       8192u      /* at most, */
#define RETURN_CASES_LEAST 1000u      /* fewer, down to this, where the catalogue is so large */
#define RETURN_SCORES      400000000u /* that cases times items are more */

struct returns_figures {
    uint32_t n_cases, n_returned; /* held-out positives that were looked at; of items that the user had */
    double gain;                  /* of log-likelihood, nats a case */
};

/* Cases are the positives behind the training part of users of whom something is known, evenly thinned; those of items that
 * the encoder does not know do not count. Without any all weights are 0. Memory: case_scores.h, and .5 MB. Threads: one caller, which
 * brings the workers; the same bits at any number of them. encoder is not NULL. STATUS_NOMEM. */
enum status returns_fit(const struct dataset *dataset, const struct split *split, const struct encoder_view *encoder,
                        struct workers *workers, struct returns *out_returns, struct returns_figures *out_figures) MUST_CHECK;

#endif
