/* Every worker multiplies matrices of its own at the same time as the others, again and again; what counts is the best time of each, since
 * on a busy machine a round in which nobody is disturbed may never come. So the peak is rather too high than too low. */
#include "core/kernels/peak.h"

#include "core/base/clock.h"
#include "core/kernels/blas.h"

#include <stdlib.h>

#define SIDE         512u /* a few milliseconds: some rounds are short enough to be left alone on a busy machine */
#define LEAST_ROUNDS 8u
#define MOST_NS      100000000u

struct peak_job {
    float *matrices;   /* [workers, 3, SIDE, SIDE] */
    uint64_t *best_ns; /* [workers] */
};

static void multiply(void *context, uint32_t block, unsigned worker)
{
    (void)worker;
    const struct peak_job *job = context;
    float *a = job->matrices + (size_t)block * 3 * SIDE * SIDE;
    uint64_t began_ns = clock_monotonic_ns();
    product_blas(PRODUCT_NN, a + 2 * SIDE * SIDE, a, a + SIDE * SIDE, SIDE, SIDE, SIDE, false);
    uint64_t took_ns = clock_monotonic_ns() - began_ns;
    job->best_ns[block] = took_ns < job->best_ns[block] ? took_ns : job->best_ns[block];
}

double kernels_peak_gflops(struct workers *workers)
{
    unsigned n = workers_count(workers);
    size_t n_floats = (size_t)n * 3 * SIDE * SIDE;
    SCOPED(memory_free) float *matrices = malloc(n_floats * sizeof *matrices);
    SCOPED(memory_free) uint64_t *best_ns = malloc(n * sizeof *best_ns);
    if (!matrices || !best_ns)
        return 0;
    for (size_t i = 0; i < n_floats; i++)
        matrices[i] = (float)(i % 7) - 3;
    for (unsigned i = 0; i < n; i++)
        best_ns[i] = UINT64_MAX;
    struct peak_job job = {.matrices = matrices, .best_ns = best_ns};
    blas_use_one_thread();
    uint64_t first_ns = clock_monotonic_ns();
    for (unsigned round = 0; round < LEAST_ROUNDS || clock_monotonic_ns() - first_ns < MOST_NS; round++)
        workers_run(workers, n, multiply, &job);
    double gflops = 0;
    for (unsigned i = 0; i < n; i++)
        gflops += 2.0 * SIDE * SIDE * SIDE / (double)(best_ns[i] ? best_ns[i] : 1);
    return gflops;
}
