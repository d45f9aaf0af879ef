/* Best-of lists by hand, and against a full sort of random scores with many ties (fixed seed). */
#include "core/base/random.h"
#include "core/top_k.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

Test(top_k, gives_the_best_first)
{
    struct scored best[3];
    cr_assert_eq(top_k((float[]){1, 5, 3, 4, 2}, 5, 3, NULL, NULL, best), 3);
    cr_expect_eq(best[0].item, 1);
    cr_expect_eq(best[1].item, 3);
    cr_expect_eq(best[2].item, 2);
    cr_expect_eq(best[0].score, 5);
}

Test(top_k, breaks_ties_by_the_smaller_item)
{
    float scores[300];
    for (int i = 0; i < 300; i++)
        scores[i] = i % 3 == 0 ? 2 : 1;
    struct scored best[4];
    cr_assert_eq(top_k(scores, 300, 4, NULL, NULL, best), 4);
    for (uint32_t i = 0; i < 4; i++)
        cr_expect_eq(best[i].item, 3 * i);
}

Test(top_k, gives_fewer_when_there_are_fewer)
{
    struct scored best[9];
    cr_expect_eq(top_k((float[]){1, 2}, 2, 9, NULL, NULL, best), 2);
    cr_expect_eq(top_k(NULL, 0, 9, NULL, NULL, best), 0);
    cr_expect_eq(top_k((float[]){1, 2}, 2, 0, NULL, NULL, best), 0);
}

Test(top_k, never_chooses_nan_or_minus_infinity)
{
    struct scored best[4];
    cr_assert_eq(top_k((float[]){NAN, -INFINITY, 1, NAN, INFINITY}, 5, 4, NULL, NULL, best), 2);
    cr_expect_eq(best[0].item, 4);
    cr_expect_eq(best[1].item, 2);
}

struct filter {
    uint32_t n_asked;
};

static bool allow_odd(void *context, uint32_t item)
{
    ((struct filter *)context)->n_asked++;
    return item % 2 == 1;
}

Test(top_k, chooses_only_what_is_allowed)
{
    float scores[1000];
    for (int i = 0; i < 1000; i++)
        scores[i] = (float)(1000 - i);
    struct filter filter = {0};
    struct scored best[3];
    cr_assert_eq(top_k(scores, 1000, 3, allow_odd, &filter, best), 3);
    for (uint32_t i = 0; i < 3; i++)
        cr_expect_eq(best[i].item, 2 * i + 1);
    cr_expect_eq(filter.n_asked, 6, "asked %u times", filter.n_asked); /* what cannot enter is not asked for */
}

static int compare_scored(const void *left, const void *right)
{
    const struct scored *a = left, *b = right;
    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return a->item < b->item ? -1 : 1;
}

Test(top_k, agrees_with_a_full_sort)
{
    struct random random;
    random_init(&random, 11, 0);
    for (int round = 0; round < 200; round++) {
        uint32_t n = 1 + random_below(&random, 700), k = 1 + random_below(&random, 80);
        float scores[700];
        struct scored all[700], best[80];
        for (uint32_t i = 0; i < n; i++) {
            scores[i] = (float)random_below(&random, 50); /* many ties */
            all[i] = (struct scored){i, scores[i]};
        }
        qsort(all, n, sizeof *all, compare_scored);
        size_t n_best = top_k(scores, n, k, NULL, NULL, best);
        cr_assert_eq(n_best, k < n ? k : n);
        for (size_t i = 0; i < n_best; i++)
            cr_assert_eq(best[i].item, all[i].item, "seed 11, round %d, place %zu", round, i);
    }
}
