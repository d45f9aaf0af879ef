/* The measured peak of products: only that it is a speed, not which one. */
#include "core/kernels/peak.h"

#include <criterion/criterion.h>
#include <math.h>

Test(peak, is_a_speed)
{
    SCOPED(workers_destroy) struct workers *workers = workers_create(2);
    cr_assert(workers);
    double gflops = kernels_peak_gflops(workers);
    cr_assert(isfinite(gflops) && gflops > 0, "%g", gflops);
}
