/* The formula of negatives.h by hand, with four item vectors in the plane. */
#include "core/negatives.h"

#include <criterion/criterion.h>
#include <math.h>

#define NEAR(a, b) cr_expect_float_eq(a, b, 1e-5, "%s is %g, expected %g", #a, (double)(a), (double)(b))
#define DECAY      ((double)NEGATIVES_DECAY)

/* Directions: 0 east, 1 north-east, 2 north, 3 west; their lengths do not matter. */
static const float plane[4 * 2] = {2, 0, 3, 3, 0, 5, -1, 0};
static const float inverse_lengths[4] = {1 / 2.0F, 1 / 4.2426407F, 1 / 5.0F, 1};

static struct item_vectors plane_vectors(void)
{
    return (struct item_vectors){.kernels = &kernels_plain, .vectors = plane, .inverse_lengths = inverse_lengths, .n_items = 4, .width = 2};
}

struct fixture {
    struct epoch *epoch;
    struct neighbours *neighbours;
};

static struct fixture fixture;

static void start(void)
{
    fixture.epoch = epoch_create();
    fixture.neighbours = neighbours_create(fixture.epoch, 64);
    cr_assert(fixture.neighbours);
}

static void stop(void)
{
    neighbours_destroy(fixture.neighbours);
    epoch_destroy(fixture.epoch);
}

TestSuite(negatives, .init = start, .fini = stop);

static struct negatives gather_strong(const uint32_t items[], const float weights[], uint32_t n)
{
    struct negatives negatives;
    negatives_gather(&negatives, items, weights, n, NULL, NULL, 0);
    return negatives;
}

static struct negatives gather_weak(const uint32_t items[], const float weights[], uint32_t n)
{
    struct negatives negatives;
    negatives_gather(&negatives, NULL, NULL, 0, items, weights, n);
    return negatives;
}

Test(negatives, age_with_every_newer_event)
{
    struct negatives negatives = gather_strong((uint32_t[]){7, 8, 9, 8}, (float[]){1, -1, 3, -2}, 4);
    cr_assert_eq(negatives.n, 1);
    cr_expect_eq(negatives.list[0].item, 8);
    NEAR(negatives.list[0].strength, DECAY + 2 * DECAY * DECAY * DECAY);
}

Test(negatives, of_no_negative_event_are_none)
{
    cr_expect_eq(gather_strong((uint32_t[]){7, 8, 9}, (float[]){1, 0, -.05F}, 3).n, 0);
    cr_expect_eq(gather_weak((uint32_t[]){7, 8}, (float[]){1, 0}, 2).n, 0);
}

Test(negatives, add_up_weak_events_to_less_than_a_strong_one)
{
    uint32_t items[64] = {0};
    float weights[64];
    for (int i = 0; i < 64; i++)
        weights[i] = -.05F;
    NEAR(gather_weak(items, weights, 1).list[0].strength, .5 * (1 - exp(-.05 / .5)));
    float before = 0;
    for (uint32_t n = 1; n <= 64; n++) {
        struct negatives negatives = gather_weak(items, weights, n);
        cr_assert_eq(negatives.n, 1);
        cr_assert(negatives.list[0].strength > before && negatives.list[0].strength < .5F);
        before = negatives.list[0].strength;
    }
    cr_expect(before > .35F, "shown 64 times, and only %g", (double)before);
}

Test(negatives, join_strong_and_weak_events_of_an_item)
{
    struct negatives negatives;
    negatives_gather(&negatives, (uint32_t[]){5}, (float[]){-1}, 1, (uint32_t[]){6, 5}, (float[]){-.1F, -.1F}, 2);
    cr_assert_eq(negatives.n, 2);
    cr_expect_eq(negatives.list[0].item, 5);
    NEAR(negatives.list[0].strength, 1 + .5 * (1 - exp(-.1 * DECAY / .5)));
    NEAR(negatives.list[1].strength, .5 * (1 - exp(-.1 / .5)));
}

Test(negatives, are_the_newest_where_there_are_many)
{
    uint32_t items[100], weak_items[100];
    float weights[100], weak_weights[100];
    struct negatives negatives;
    for (uint32_t i = 0; i < 100; i++) {
        items[i] = i;
        weak_items[i] = 1000 + i;
        weights[i] = -1;
        weak_weights[i] = -.05F;
    }
    negatives_gather(&negatives, items, weights, 100, weak_items, weak_weights, 100);
    cr_assert_eq(negatives.n, NEGATIVES_MAX);
    for (uint32_t i = 0; i < NEGATIVES_STRONG; i++)
        cr_expect_eq(negatives.list[i].item, i);
    for (uint32_t i = NEGATIVES_STRONG; i < NEGATIVES_MAX; i++)
        cr_expect_eq(negatives.list[i].item, 1000 + i - NEGATIVES_STRONG);
}

Test(negatives, lower_what_is_alike_by_its_cosine)
{
    struct item_vectors vectors = plane_vectors();
    struct negatives negatives = gather_strong((uint32_t[]){0}, (float[]){-2}, 1);
    float direction[2], lowering[4];
    negatives_lowering(&negatives, &vectors, fixture.neighbours, 4, direction, lowering);
    NEAR(lowering[0], 2);
    NEAR(lowering[1], 2 * sqrt(.5));
    NEAR(lowering[2], 0);
    NEAR(lowering[3], 0); /* the opposite is no merit */
}

/* Items 4 and 5 came after the training: neighbours speak for them, and only for them. */
Test(negatives, ask_the_neighbours_where_the_model_knows_nothing)
{
    for (uint32_t item = 1; item < 6; item++)
        cr_assert_eq(neighbours_add(fixture.neighbours, item, 1, (uint32_t[]){0}, 1), STATUS_OK);
    cr_assert_eq(neighbours_add(fixture.neighbours, 4, 1, (uint32_t[]){5}, 1), STATUS_OK);
    struct item_vectors vectors = plane_vectors();
    float direction[2], lowering[7];
    struct negatives known = gather_strong((uint32_t[]){0}, (float[]){-1}, 1);
    negatives_lowering(&known, &vectors, fixture.neighbours, 7, direction, lowering);
    NEAR(lowering[1], sqrt(.5));
    NEAR(lowering[2], 0);
    NEAR(lowering[4], 1 / sqrt(2)); /* c[0,4] = 1, n[0] counts as 1, n[4] = 2 */
    NEAR(lowering[5], 1);
    NEAR(lowering[6], 0);
    struct negatives unknown = gather_strong((uint32_t[]){5}, (float[]){-1}, 1);
    negatives_lowering(&unknown, &vectors, fixture.neighbours, 7, direction, lowering);
    NEAR(lowering[0], (double)NEIGHBOURS_BACKWARD);
    NEAR(lowering[4], 1 / sqrt(2));
    NEAR(lowering[5], 1);
    NEAR(lowering[1], 0);
}

Test(negatives, need_no_model)
{
    cr_assert_eq(neighbours_add(fixture.neighbours, 1, 1, (uint32_t[]){0}, 1), STATUS_OK);
    struct negatives negatives = gather_strong((uint32_t[]){0, 77}, (float[]){-1, -1}, 2);
    float lowering[3];
    negatives_lowering(&negatives, NULL, fixture.neighbours, 3, NULL, lowering);
    NEAR(lowering[0], 1);
    NEAR(lowering[1], 1);
    NEAR(lowering[2], 0);
}

Test(negatives, may_come_from_a_model_that_knows_more_than_the_catalogue)
{
    struct item_vectors vectors = plane_vectors();
    struct negatives negatives = gather_strong((uint32_t[]){3, 0, 1}, (float[]){-1, -1, -1}, 3);
    float direction[2], lowering[4];
    negatives_lowering(&negatives, &vectors, fixture.neighbours, 2, direction, lowering);
    NEAR(lowering[1], (DECAY - 1) * sqrt(.5) + DECAY * DECAY);
}

Test(negatives, know_how_far_apart_scores_are)
{
    struct score_scale scale = negatives_scale((float[]){5, 1, 1, 1}, 4);
    NEAR(scale.deviation, sqrt(3));
    NEAR(scale.height, 3);
    scale = negatives_scale((float[]){7, 7}, 2);
    NEAR(scale.height, 0);
    scale = negatives_scale(NULL, 0);
    NEAR(scale.height, 0);
}

Test(negatives, lower_what_is_alike_by_deviations)
{
    struct negatives none = {.n = 0};
    float scores[3] = {1, 2, -INFINITY};
    negatives_lower(&none, (float[]){0, 1, .5F}, (struct score_scale){.deviation = 4, .height = 9}, scores, 3);
    NEAR(scores[0], 1);
    NEAR(scores[1], -2);
    cr_expect(isinf(scores[2]));
}

/* Items 0 and 3 are opposite: the sum leaves little of either, each is lowered by its own all the same. */
Test(negatives, lower_an_item_by_its_own_strength_of_the_height)
{
    struct item_vectors vectors = plane_vectors();
    struct negatives negatives = gather_strong((uint32_t[]){0, 3, 99}, (float[]){-1, -2, -1}, 3);
    float direction[2], lowering[4], scores[4] = {20, 21, 22, 23};
    negatives_lowering(&negatives, &vectors, fixture.neighbours, 4, direction, lowering);
    NEAR(lowering[0], 0);
    negatives_lower(&negatives, lowering, (struct score_scale){.deviation = 1, .height = 10}, scores, 4);
    NEAR(scores[0], 20 - 10);
    NEAR(scores[1], 21);
    NEAR(scores[2], 22);
    NEAR(scores[3], 23 - 10 * 2 * DECAY);
}

/* Where the deviations of all that is alike come to more than its own strength of the height, it is lowered by that. */
Test(negatives, lower_an_item_by_the_larger_of_both)
{
    struct negatives negatives = {.list = {{.item = 0, .strength = .1F}}, .n = 1};
    float scores[1] = {20};
    negatives_lower(&negatives, (float[]){3}, (struct score_scale){.deviation = 1, .height = 10}, scores, 1);
    NEAR(scores[0], 17);
}
