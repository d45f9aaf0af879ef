/* Averaging: an exponential mean of the weights over the steps of a training (Polyak, Juditsky 1992; with a decay as in later practice).
 * What it holds at the end of an epoch is better than the last step's, and stands less by chance. Threads: one caller, which brings the
 * workers. */
#ifndef CORE_AVERAGING_H
#define CORE_AVERAGING_H

#include "core/base/workers.h"

#include <stddef.h>
#include <stdint.h>

/* mean [n] = keep · mean + (1 - keep) · weights, keep = the lesser of decay and (1 + step) / (10 + step): while there are few steps the
 * mean is over fewer. step: how many came before, from 1. The same bits at any number of threads. */
void averaging_step(struct workers *workers, float mean[], const float weights[], size_t n, float decay, uint64_t step);

#endif
