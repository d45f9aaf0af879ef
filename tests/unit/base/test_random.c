/* Random numbers: the same everywhere, uniform enough, and streams that do not depend on each other. Seeds are fixed. */
#include "core/base/random.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

Test(random, is_the_same_for_the_same_seed_and_stream)
{
    struct random a, b;
    random_init(&a, 7, 3);
    random_init(&b, 7, 3);
    for (int i = 0; i < 1000; i++)
        cr_assert_eq(random_next(&a), random_next(&b));
}

Test(random, differs_between_seeds_and_between_streams)
{
    struct random base, seed, stream;
    random_init(&base, 7, 3);
    random_init(&seed, 8, 3);
    random_init(&stream, 7, 4);
    int same = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t next = random_next(&base);
        same += next == random_next(&seed);
        same += next == random_next(&stream);
    }
    cr_assert_eq(same, 0);
}

Test(random, draws_below_a_bound_evenly)
{
    struct random random;
    random_init(&random, 1, 0);
    int counts[7] = {0};
    for (int i = 0; i < 70000; i++)
        counts[random_below(&random, 7)]++;
    for (int i = 0; i < 7; i++) /* 10 000 each, standard deviation 93 */
        cr_expect(abs(counts[i] - 10000) < 465, "%d: %d", i, counts[i]);
    cr_expect_eq(random_below(&random, 1), 0);
}

Test(random, has_the_moments_that_it_claims)
{
    struct random random;
    random_init(&random, 2, 0);
    double uniform = 0, normal = 0, square = 0;
    enum { N = 100000 };
    for (int i = 0; i < N; i++) {
        float u = random_uniform(&random);
        cr_assert(u >= 0 && u < 1);
        uniform += (double)u;
        double z = (double)random_normal(&random);
        cr_assert(isfinite(z));
        normal += z;
        square += z * z;
    }
    cr_expect_float_eq(uniform / N, 0.5, 0.005);
    cr_expect_float_eq(normal / N, 0, 0.016);
    cr_expect_float_eq(square / N, 1, 0.025);
}
