/* Every worker multiplies matrices of its own, so that nothing but the processors is shared; the best round counts, the others were
 * disturbed. */
#include "core/kernels/peak.h"

#include "core/base/clock.h"
#include "core/kernels/blas.h"

#include <stdlib.h>

#define SIDE   768u
#define ROUNDS 16u

struct peak_job {
    float *matrices; /* [workers, 3, SIDE, SIDE] */
};

static void multiply(void *context, uint32_t block, unsigned worker)
{
    (void)worker;
    const struct peak_job *job = context;
    float *a = job->matrices + (size_t)block * 3 * SIDE * SIDE;
    product_blas(PRODUCT_NN, a + 2 * SIDE * SIDE, a, a + SIDE * SIDE, SIDE, SIDE, SIDE, false);
}

double kernels_peak_gflops(struct workers *workers)
{
    unsigned n = workers_count(workers);
    size_t n_floats = (size_t)n * 3 * SIDE * SIDE;
    SCOPED(memory_free) float *matrices = malloc(n_floats * sizeof *matrices);
    if (!matrices)
        return 0;
    for (size_t i = 0; i < n_floats; i++)
        matrices[i] = (float)(i % 7) - 3;
    struct peak_job job = {matrices};
    double best = 0, flops = 2.0 * SIDE * SIDE * SIDE * n;
    blas_use_one_thread();
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t began_ns = clock_monotonic_ns();
        workers_run(workers, n, multiply, &job);
        double gflops = flops / (double)(clock_monotonic_ns() - began_ns);
        best = gflops > best ? gflops : best;
    }
    return best;
}
