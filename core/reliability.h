/* Reliability: do things that were given a probability happen that often? (The reliability diagram of DeGroot and Fienberg 1983; expected
 * calibration error of Naeini et al. 2015.)
 *
 * Pairs (p, did it happen) are first counted in cells of 1/64 of a halving of p, so memory is bounded (48 kB) however many there are. Then
 * cells are joined to bins that each expect the same number of hits: that makes each point of the picture as certain as another, where bins
 * of equal width would put nearly everything into the first one. Expected error: sum over bins of share of pairs · |mean p - observed
 * share|; relative_error: the same sum divided by the mean p, because p is small for thousands of items.
 * Threads: one at a time. */
#ifndef CORE_RELIABILITY_H
#define CORE_RELIABILITY_H

#include "core/base/status.h"

#include <stdbool.h>
#include <stdint.h>

#define RELIABILITY_BINS  15
#define RELIABILITY_HITS  20 /* a bin expects at least so many hits, or there are fewer bins */
#define RELIABILITY_CELLS 2048

struct reliability_cell {
    double predicted; /* sum of p */
    uint64_t n, hits;
};

struct reliability_counts {
    struct reliability_cell cells[RELIABILITY_CELLS];
};

struct reliability_bin {
    double predicted, observed; /* mean p; share that happened */
    uint64_t n;
};

struct reliability {
    uint32_t n_bins;                               /* at most RELIABILITY_BINS; 0: there were no pairs */
    struct reliability_bin bins[RELIABILITY_BINS]; /* p rising */
    uint64_t n;
    double predicted, observed; /* over all pairs */
    double expected_error, relative_error;
};

/* 0 <= p <= 1; what is below 2^-32 counts as the smallest cell. counts begins as zeros. */
void reliability_add(struct reliability_counts *counts, double p, bool happened);

struct reliability reliability_of(const struct reliability_counts *counts);

#endif
