/* Bootstrap: how far figures would move with other cases of the same kind (Efron 1979). Cases are drawn with replacement, as many as there
 * are, BOOTSTRAP_RESAMPLES times; the interval holds the middle 95 % of what each figure then is (percentiles).
 *
 * All methods see the same drawn cases, so differences between methods are paired: two methods whose own intervals overlap may well differ
 * for certain. What this does not say: how far figures would move with another training run, or next month.
 *
 * Seeded, one generator a resample: the same numbers at any thread count. Time: 5 ns a case and resample. Memory: 0.4 MB and 5 bytes a
 * case. */
#ifndef CORE_BOOTSTRAP_H
#define CORE_BOOTSTRAP_H

#include "core/base/workers.h"
#include "core/model.h"

#define BOOTSTRAP_RESAMPLES 1000

/* One method over some cases: its figures, and for each the bounds of its interval. */
struct judged_method {
    struct method_figures figures, low, high;
};

struct difference {
    double value, low, high;
};

/* ranks [METHODS, n_cases]: the ranks of all cases, method after method (figures_from_ranks in core/evaluation.h). chosen [n_chosen]: the
 * cases that are meant (NULL: all n_cases, n_chosen is not read). out_over_neighbours[method]: how much better NDCG@10 is than that of the
 * neighbours. No cases: zeros. STATUS_NOMEM. */
enum status bootstrap_ranks(const uint32_t ranks[], uint32_t n_cases, const uint32_t chosen[], uint32_t n_chosen, struct workers *workers,
                            struct judged_method out_methods[METHODS], struct difference out_over_neighbours[METHODS]) MUST_CHECK;

/* Where a share that was found in n trials may lie, with 95 % confidence: 1.96 standard errors of a binomial (Wilson 1927), which stays
 * inside 0 to 1. n > 0. */
void share_interval(double share, double n, double *out_low, double *out_high);

#endif
