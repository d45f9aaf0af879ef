/* Counts and scores by hand: most walks use each item once, so that the dampings are 1 and a score is the count itself. */
#include "core/neighbours.h"

#include <criterion/criterion.h>
#include <math.h>

#define NEAR(a, b) cr_expect_float_eq(a, b, 1e-5, "%s is %g, expected %g", #a, (double)(a), (double)(b))

struct fixture {
    struct epoch *epoch;
    struct neighbours *neighbours;
};

static void fixture_clear_scoped(struct fixture *fixture)
{
    neighbours_destroy(fixture->neighbours);
    epoch_destroy(fixture->epoch);
}

static struct fixture start(uint32_t max_row)
{
    struct epoch *epoch = epoch_create();
    struct fixture fixture = {epoch, neighbours_create(epoch, max_row)};
    cr_assert_not_null(fixture.neighbours);
    return fixture;
}

static void add(struct fixture *fixture, uint32_t item, const uint32_t recent[], uint32_t n_recent)
{
    cr_assert_eq(neighbours_add(fixture->neighbours, item, 1, recent, n_recent), STATUS_OK);
}

/* A user who touched items[n], oldest first. */
static void add_walk(struct fixture *fixture, const uint32_t items[], uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t recent[8], n_recent = 0;
        for (uint32_t back = 1; back <= i && back <= 8; back++)
            recent[n_recent++] = items[i - back];
        add(fixture, items[i], recent, n_recent);
    }
}

Test(neighbours, count_what_follows_more_than_what_came_before)
{
    SCOPED(fixture_clear) struct fixture fixture = start(100);
    add_walk(&fixture, (uint32_t[]){0, 1, 2}, 3);
    /* each item once, so all dampings are 1: c[0,1] = 1, c[0,2] = .8, c[1,0] = .4, c[2,0] = .4 * .8 */
    float scores[3];
    neighbours_score(fixture.neighbours, (uint32_t[]){0}, NULL, 1, scores, 3);
    NEAR(scores[0], 0);
    NEAR(scores[1], 1);
    NEAR(scores[2], .8);
    neighbours_score(fixture.neighbours, (uint32_t[]){2}, NULL, 1, scores, 3);
    NEAR(scores[0], .32);
    NEAR(scores[1], .4);
}

Test(neighbours, damp_a_count_by_how_often_both_items_are_used)
{
    SCOPED(fixture_clear) struct fixture fixture = start(100);
    for (int i = 0; i < 3; i++)
        add_walk(&fixture, (uint32_t[]){0, 1}, 2);
    add(&fixture, 0, NULL, 0); /* n[0] = 4 */
    for (int i = 0; i < 13; i++)
        add(&fixture, 1, NULL, 0); /* n[1] = 16 */
    float scores[2];
    neighbours_score(fixture.neighbours, (uint32_t[]){0}, NULL, 1, scores, 2);
    NEAR(scores[1], 3.0 / (2 * 2)); /* c = 3, 4^(1/2) = 2, 16^(1/4) = 2 */
}

Test(neighbours, fade_with_the_age_of_the_event)
{
    SCOPED(fixture_clear) struct fixture fixture = start(100);
    add_walk(&fixture, (uint32_t[]){0, 5}, 2);
    add_walk(&fixture, (uint32_t[]){1, 6}, 2);
    float scores[7];
    neighbours_score(fixture.neighbours, (uint32_t[]){0, 1}, NULL, 2, scores, 7);
    NEAR(scores[5], 1);
    NEAR(scores[6], NEIGHBOURS_DECAY);
}

Test(neighbours, subtract_what_follows_a_disliked_item)
{
    SCOPED(fixture_clear) struct fixture fixture = start(100);
    add_walk(&fixture, (uint32_t[]){0, 5}, 2);
    float scores[6];
    neighbours_score(fixture.neighbours, (uint32_t[]){0}, (float[]){-1}, 1, scores, 6);
    NEAR(scores[5], -1);
}

/* Twice over the same walk, the events of one as heavy as the other has of them. */
Test(neighbours, count_an_event_of_weight_3_as_three)
{
    SCOPED(fixture_clear) struct fixture once = start(100);
    SCOPED(fixture_clear) struct fixture thrice = start(100);
    add(&once, 0, NULL, 0);
    cr_assert_eq(neighbours_add(once.neighbours, 1, 3, (uint32_t[]){0}, 1), STATUS_OK);
    add(&thrice, 0, NULL, 0);
    for (int i = 0; i < 3; i++)
        add(&thrice, 1, (uint32_t[]){0}, 1);
    for (uint32_t item = 0; item < 2; item++) {
        float scores_once[2], scores_thrice[2];
        neighbours_score(once.neighbours, &item, NULL, 1, scores_once, 2);
        neighbours_score(thrice.neighbours, &item, NULL, 1, scores_thrice, 2);
        cr_expect(scores_once[1 - item] > 0);
        NEAR(scores_once[1 - item], scores_thrice[1 - item]);
    }
}

Test(neighbours, prefer_what_one_bought_to_what_two_viewed)
{
    SCOPED(fixture_clear) struct fixture fixture = start(100);
    add(&fixture, 0, NULL, 0);
    add(&fixture, 1, (uint32_t[]){0}, 1);
    add(&fixture, 1, (uint32_t[]){0}, 1);
    cr_assert_eq(neighbours_add(fixture.neighbours, 2, 3, (uint32_t[]){0}, 1), STATUS_OK);
    float scores[3];
    neighbours_score(fixture.neighbours, (uint32_t[]){0}, NULL, 1, scores, 3);
    NEAR(scores[1], 2 / pow(2, .25));
    NEAR(scores[2], 3 / pow(3, .25));
}

Test(neighbours, hear_more_from_a_heavier_event_of_the_user)
{
    SCOPED(fixture_clear) struct fixture fixture = start(100);
    add_walk(&fixture, (uint32_t[]){0, 5}, 2);
    float scores[6];
    neighbours_score(fixture.neighbours, (uint32_t[]){0}, (float[]){2.5F}, 1, scores, 6);
    NEAR(scores[5], 2.5);
}

Test(neighbours, survive_the_lightest_weight)
{
    SCOPED(fixture_clear) struct fixture fixture = start(100);
    float scores[2];
    for (int i = 0; i < 3; i++)
        cr_assert_eq(neighbours_add(fixture.neighbours, 1, 1e-45F, (uint32_t[]){0}, 1), STATUS_OK);
    neighbours_score(fixture.neighbours, (uint32_t[]){1}, NULL, 1, scores, 2);
    cr_expect(scores[0] > 0, "item 0 with a count of 0 would be a free slot");
}

Test(neighbours, look_back_no_further_than_the_window)
{
    SCOPED(fixture_clear) struct fixture fixture = start(100);
    add_walk(&fixture, (uint32_t[]){0, 1, 2, 3, 4, 5, 6}, 7);
    float scores[7];
    neighbours_score(fixture.neighbours, (uint32_t[]){0}, NULL, 1, scores, 7);
    cr_expect_gt(scores[NEIGHBOURS_WINDOW], 0);
    cr_expect_eq(scores[NEIGHBOURS_WINDOW + 1], 0);
}

Test(neighbours, know_that_an_item_follows_itself_but_do_not_call_it_similar)
{
    SCOPED(fixture_clear) struct fixture fixture = start(100);
    add(&fixture, 0, (uint32_t[]){0, 1, 1, 0}, 4);
    struct neighbour found[4];
    float scores[2] = {0};
    cr_assert_eq(neighbours_of(fixture.neighbours, 0, 4, found), 1);
    cr_expect_eq(found[0].item, 1);
    NEAR(found[0].similarity, .8 * NEIGHBOURS_BACKWARD); /* item 1 was never used itself: counts as once */
    neighbours_add_similar(fixture.neighbours, 0, 1, 0, scores, 2);
    NEAR(scores[0], 0);
    neighbours_score(fixture.neighbours, (uint32_t[]){0}, NULL, 1, scores, 2);
    NEAR(scores[0], 1); /* once, in one direction; the second time that it stands among the recent ones counts nothing */
    NEAR(scores[1], .8 * NEIGHBOURS_BACKWARD);
}

Test(neighbours, name_the_most_similar_first)
{
    SCOPED(fixture_clear) struct fixture fixture = start(100);
    add_walk(&fixture, (uint32_t[]){9, 3}, 2);
    add_walk(&fixture, (uint32_t[]){9, 4}, 2);
    add_walk(&fixture, (uint32_t[]){9, 3}, 2);
    add_walk(&fixture, (uint32_t[]){9, 5}, 2);
    struct neighbour found[3];
    cr_assert_eq(neighbours_of(fixture.neighbours, 9, 3, found), 3);
    cr_expect_eq(found[0].item, 3);
    NEAR(found[0].similarity, 2 / sqrt(4 * 2));
    cr_expect_eq(found[1].item, 4); /* ties by smaller item */
    cr_expect_eq(found[2].item, 5);
    NEAR(found[2].similarity, 1 / sqrt(4));
    cr_assert_eq(neighbours_of(fixture.neighbours, 9, 1, found), 1);
    cr_expect_eq(found[0].item, 3);
}

Test(neighbours, add_their_similarity_up_to_1)
{
    SCOPED(fixture_clear) struct fixture fixture = start(100);
    add_walk(&fixture, (uint32_t[]){0, 1, 2}, 3);
    for (int i = 0; i < 3; i++)
        add(&fixture, 3, (uint32_t[]){0}, 1); /* c[0,3] = 3, n[3] = 3: a cosine of 3^(1/2) */
    float scores[5] = {0, 10, 10, 10, 10};
    neighbours_add_similar(fixture.neighbours, 0, 2, 2, scores, 5);
    NEAR(scores[1], 10); /* before first */
    NEAR(scores[2], 10 + 2 * .8);
    NEAR(scores[3], 10 + 2);
    NEAR(scores[4], 10);
    neighbours_add_similar(fixture.neighbours, 4, 2, 0, scores, 5);
    neighbours_add_similar(fixture.neighbours, 5000, 2, 0, scores, 5);
    NEAR(scores[2], 10 + 2 * .8);
}

Test(neighbours, know_nothing_of_strangers)
{
    SCOPED(fixture_clear) struct fixture fixture = start(100);
    struct neighbour found[1];
    float scores[2] = {7, 7};
    cr_expect_eq(neighbours_of(fixture.neighbours, 1000000, 1, found), 0);
    cr_expect_eq(neighbours_of(fixture.neighbours, 0, 1, found), 0);
    neighbours_score(fixture.neighbours, (uint32_t[]){0, 4000000000u}, NULL, 2, scores, 2);
    NEAR(scores[0], 0);
    NEAR(scores[1], 0);
}

Test(neighbours, grow_with_the_largest_item)
{
    SCOPED(fixture_clear) struct fixture fixture = start(100);
    add_walk(&fixture, (uint32_t[]){0, 1}, 2);
    add_walk(&fixture, (uint32_t[]){0, 100000}, 2);
    float *scores = calloc(100001, sizeof *scores);
    neighbours_score(fixture.neighbours, (uint32_t[]){0}, NULL, 1, scores, 100001);
    NEAR(scores[1], 1 / sqrt(2));
    NEAR(scores[100000], 1 / sqrt(2));
    neighbours_score(fixture.neighbours, (uint32_t[]){0}, NULL, 1, scores, 50); /* fewer wanted: the rest is left alone */
    NEAR(scores[100000], 1 / sqrt(2));
    free(scores);
    cr_expect_eq(neighbours_add(fixture.neighbours, UINT32_MAX, 1, NULL, 0), STATUS_INVALID);
}

Test(neighbours, keep_the_stronger_half_of_a_full_row)
{
    SCOPED(fixture_clear) struct fixture fixture = start(10);
    for (uint32_t b = 1; b <= 10; b++) {
        for (uint32_t times = 0; times < b; times++)
            add_walk(&fixture, (uint32_t[]){0, b}, 2);
    }
    struct neighbour found[20];
    cr_expect_eq(neighbours_of(fixture.neighbours, 0, 20, found), 10);
    add_walk(&fixture, (uint32_t[]){0, 11}, 2);
    uint32_t n = neighbours_of(fixture.neighbours, 0, 20, found);
    cr_assert_eq(n, 6); /* 6 … 10 and the newcomer */
    for (uint32_t i = 0; i < n; i++)
        cr_expect_geq(found[i].item, 6);
}

Test(neighbours, never_hold_more_than_a_row_may)
{
    SCOPED(fixture_clear) struct fixture fixture = start(64);
    struct neighbour found[300];
    for (uint32_t b = 1; b <= 3000; b++) {
        add_walk(&fixture, (uint32_t[]){0, b}, 2);
        cr_assert_leq(neighbours_of(fixture.neighbours, 0, 300, found), 64);
    }
}
