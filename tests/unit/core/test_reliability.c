/* Made-up probabilities whose truth is known. */
#include "core/base/random.h"
#include "core/reliability.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

/* n pairs with p between .001 and .1 (even in its logarithm), which come true with probability p * truth. */
static struct reliability made_of(uint32_t n, double truth)
{
    struct reliability_counts *counts = calloc(1, sizeof *counts);
    struct random random;
    random_init(&random, 3, 0);
    for (uint32_t i = 0; i < n; i++) {
        double p = .001 * pow(100, (double)random_uniform(&random));
        reliability_add(counts, p, (double)random_uniform(&random) < p * truth);
    }
    struct reliability made = reliability_of(counts);
    free(counts);
    return made;
}

Test(reliability, of_what_comes_true_as_often_as_was_said_is_on_the_diagonal)
{
    struct reliability made = made_of(400000, 1);
    cr_expect_eq(made.n_bins, RELIABILITY_BINS);
    for (uint32_t i = 0; i < made.n_bins; i++)
        cr_expect_float_eq(made.bins[i].observed / made.bins[i].predicted, 1, .15, "bin %u: %g said, %g true", i, made.bins[i].predicted,
                           made.bins[i].observed);
    cr_expect_lt(made.relative_error, .06);
}

Test(reliability, tells_promises_that_are_twice_too_high)
{
    struct reliability made = made_of(400000, .5);
    cr_expect_float_eq(made.observed / made.predicted, .5, .02);
    cr_expect_float_eq(made.relative_error, .5, .02);
    cr_expect_float_eq(made.expected_error, made.predicted - made.observed, 1e-3);
}

Test(reliability, makes_bins_that_expect_equally_many_hits)
{
    struct reliability made = made_of(400000, 1);
    double whole = made.predicted * (double)made.n;
    uint64_t n = 0;
    for (uint32_t i = 0; i < made.n_bins; i++) {
        cr_expect_float_eq(made.bins[i].predicted * (double)made.bins[i].n, whole / RELIABILITY_BINS, whole * .01);
        cr_expect(i == 0 || made.bins[i].predicted > made.bins[i - 1].predicted);
        n += made.bins[i].n;
    }
    cr_expect_eq(n, made.n);
    cr_expect_eq(n, 400000);
}

Test(reliability, makes_fewer_bins_of_few_hits)
{
    struct reliability made = made_of(3000, 1); /* expects 3000 · .0215 = 64 hits */
    cr_expect_eq(made.n_bins, 3);
}

Test(reliability, bears_probabilities_at_the_ends)
{
    struct reliability_counts *counts = calloc(1, sizeof *counts);
    reliability_add(counts, 0, false);
    reliability_add(counts, 1e-300, false);
    reliability_add(counts, 1, true);
    struct reliability made = reliability_of(counts);
    cr_expect_eq(made.n, 3);
    cr_expect_eq(made.n_bins, 1);
    cr_expect_float_eq(made.bins[0].predicted, 1 / 3.0, 1e-12);
    cr_expect_float_eq(made.bins[0].observed, 1 / 3.0, 1e-12);
    free(counts);
}

Test(reliability, of_nothing_has_no_bins)
{
    struct reliability_counts *counts = calloc(1, sizeof *counts);
    struct reliability made = reliability_of(counts);
    cr_expect(made.n_bins == 0 && made.n == 0 && made.expected_error == 0 && made.relative_error == 0);
    free(counts);
}
