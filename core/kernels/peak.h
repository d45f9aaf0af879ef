/* Peak: how fast this machine's BLAS multiplies, to compare with. Threads: one caller, which brings the workers. */
#ifndef KERNELS_PEAK_H
#define KERNELS_PEAK_H

#include "core/base/workers.h"

/* GFLOP/s of SGEMM on all workers at once, each with products of its own: the sum of what each reaches by the clock in the best of many
 * short rounds, a tenth of a second in all. 0: no memory to measure in. */
double kernels_peak_gflops(struct workers *workers);

#endif
