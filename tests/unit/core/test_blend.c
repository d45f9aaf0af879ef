/* Means, deviations and blends small enough to be computed by hand. */
#include "core/blend.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#define NEAR(a, b) cr_expect_float_eq(a, b, 1e-5, "%s is %g, expected %g", #a, (double)(a), (double)(b))

Test(blend, knows_mean_and_deviation)
{
    struct spread spread = spread_of((float[]){2, 4, 4, 4, 5, 5, 7, 9}, 8);
    NEAR(spread.mean, 5);
    NEAR(spread.scale, .5);
    spread = spread_of((float[]){2, 4, 4, 4, 5, 5, 7, 9, 2, 4, 4, 4, 5, 5, 7, 9, 5}, 17);
    NEAR(spread.mean, 5);
    NEAR(1 / (spread.scale * spread.scale), 64.0 / 17);
}

Test(blend, counts_a_deviation_of_zero_as_one)
{
    float equal[1000];
    for (int i = 0; i < 1000; i++)
        equal[i] = .1f;
    struct spread spread = spread_of(equal, 1000);
    NEAR(spread.mean, .1);
    NEAR(spread.scale, 1);
    spread = spread_of(equal, 0);
    NEAR(spread.mean, 0);
    NEAR(spread.scale, 1);
}

Test(blend, keeps_its_precision_far_from_zero)
{
    float scores[1000];
    for (int i = 0; i < 1000; i++)
        scores[i] = 1e6f + (float)(i % 2);
    struct spread spread = spread_of(scores, 1000);
    NEAR(spread.scale, 2);
}

Test(blend, adds_standard_scores_with_the_weight)
{
    /* encoder: mean 2, deviation 1 (of two); neighbours: mean 3, deviation sqrt(8) */
    float out[3];
    blend_scores((float[]){1, 3}, 2, (float[]){5, 5, -1}, .5f, 3, out);
    NEAR(out[0], -1 + .5 * 2 / sqrt(8));
    NEAR(out[1], 1 + .5 * 2 / sqrt(8));
    NEAR(out[2], 0 + .5 * -4 / sqrt(8)); /* unknown to the encoder */
}

Test(blend, works_in_place)
{
    float encoder[777], neighbours[777], expected[777];
    for (int i = 0; i < 777; i++) {
        encoder[i] = sinf((float)i);
        neighbours[i] = cosf((float)(3 * i));
    }
    blend_scores(encoder, 600, neighbours, .3f, 777, expected);
    blend_scores(encoder, 600, neighbours, .3f, 777, neighbours);
    cr_expect_arr_eq(neighbours, expected, sizeof expected);
}

Test(blend, accepts_nothing)
{
    blend_scores(NULL, 0, NULL, 1, 0, NULL);
    float out[2];
    blend_scores(NULL, 0, (float[]){1, 3}, 1, 2, out);
    NEAR(out[0], -1);
    NEAR(out[1], 1);
}
