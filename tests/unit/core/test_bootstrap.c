/* Intervals of made-up ranks: deterministic, where statistics says they are, and paired. */
#include "core/base/random.h"
#include "core/bootstrap.h"
#include "core/evaluation.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NEAR(a, b, by) cr_expect_float_eq(a, b, by, "%s is %g, expected %g", #a, (double)(a), (double)(b))

/* Ranks below 40; the blend's is the neighbours', one better in every tenth case. */
static uint32_t *random_ranks(uint32_t n_cases)
{
    uint32_t *ranks = calloc(METHODS * (size_t)n_cases, sizeof *ranks);
    struct random random;
    random_init(&random, 11, 0);
    for (size_t i = 0; i < METHODS * (size_t)n_cases; i++)
        ranks[i] = random_below(&random, 40);
    for (size_t i = 0; i < n_cases; i++) {
        uint32_t rank = ranks[METHOD_NEIGHBOURS * (size_t)n_cases + i];
        ranks[METHOD_BLEND * (size_t)n_cases + i] = i % 10 == 0 && rank > 0 ? rank - 1 : rank;
    }
    return ranks;
}

struct drawn {
    struct judged_method methods[METHODS];
    struct difference differences[METHODS];
};

static struct drawn draw(const uint32_t ranks[], uint32_t n_cases, const uint32_t chosen[], uint32_t n_chosen, unsigned n_threads)
{
    struct drawn drawn;
    SCOPED(workers_destroy) struct workers *workers = workers_create(n_threads);
    cr_assert_eq(bootstrap_ranks(ranks, n_cases, chosen, n_chosen, workers, drawn.methods, drawn.differences), STATUS_OK);
    return drawn;
}

Test(bootstrap, gives_the_figures_of_the_ranks)
{
    uint32_t *ranks = random_ranks(500);
    struct drawn drawn = draw(ranks, 500, NULL, 0, 1);
    for (size_t method = 0; method < METHODS; method++) {
        struct method_figures figures;
        figures_from_ranks(ranks + method * 500, 500, &figures);
        cr_expect_arr_eq(&figures, &drawn.methods[method].figures, sizeof figures);
    }
    free(ranks);
}

Test(bootstrap, gives_the_same_bits_at_any_thread_count)
{
    uint32_t *ranks = random_ranks(700);
    struct drawn one = draw(ranks, 700, NULL, 0, 1), many = draw(ranks, 700, NULL, 0, 5);
    cr_expect_arr_eq(&one, &many, sizeof one);
    free(ranks);
}

Test(bootstrap, interval_of_a_share_is_as_wide_as_its_standard_error_says)
{
    uint32_t *ranks = random_ranks(4000);
    struct drawn drawn = draw(ranks, 4000, NULL, 0, 2);
    for (int method = 0; method < METHODS; method++) {
        const struct judged_method *judged = &drawn.methods[method];
        double share = judged->figures.hr10, half = 1.96 * sqrt(share * (1 - share) / 4000);
        NEAR(judged->low.hr10, share - half, .15 * half);
        NEAR(judged->high.hr10, share + half, .15 * half);
        cr_expect(judged->low.ndcg10 < judged->figures.ndcg10 && judged->figures.ndcg10 < judged->high.ndcg10);
        cr_expect(judged->low.mrr20 < judged->figures.mrr20 && judged->figures.mrr20 < judged->high.mrr20);
    }
    free(ranks);
}

Test(bootstrap, interval_shrinks_as_the_root_of_the_cases)
{
    uint32_t *few = random_ranks(400), *many = random_ranks(6400);
    struct drawn of_few = draw(few, 400, NULL, 0, 2), of_many = draw(many, 6400, NULL, 0, 2);
    double ratio =
        (of_few.methods[0].high.ndcg10 - of_few.methods[0].low.ndcg10) / (of_many.methods[0].high.ndcg10 - of_many.methods[0].low.ndcg10);
    NEAR(ratio, 4, .6);
    free(few);
    free(many);
}

Test(bootstrap, differences_are_paired)
{
    uint32_t *ranks = random_ranks(2000);
    struct drawn drawn = draw(ranks, 2000, NULL, 0, 2);
    const struct judged_method *neighbours = &drawn.methods[METHOD_NEIGHBOURS], *blend = &drawn.methods[METHOD_BLEND];
    const struct difference *difference = &drawn.differences[METHOD_BLEND];
    NEAR(difference->value, blend->figures.ndcg10 - neighbours->figures.ndcg10, 1e-12);
    cr_expect_lt(blend->low.ndcg10, neighbours->high.ndcg10, "the methods' own intervals overlap");
    cr_expect_gt(difference->low, 0, "and still the blend is better for certain");
    cr_expect_lt(difference->low, difference->value);
    cr_expect_gt(difference->high, difference->value);
    cr_expect(drawn.differences[METHOD_NEIGHBOURS].low == 0 && drawn.differences[METHOD_NEIGHBOURS].high == 0);
    free(ranks);
}

Test(bootstrap, looks_at_the_chosen_cases_only)
{
    uint32_t *ranks = random_ranks(100), chosen[50], *copy = calloc(METHODS * 50, sizeof *copy);
    for (uint32_t i = 0; i < 50; i++) {
        chosen[i] = 2 * i + 1;
        for (size_t method = 0; method < METHODS; method++)
            copy[method * 50 + i] = ranks[method * 100 + chosen[i]];
    }
    struct drawn some = draw(ranks, 100, chosen, 50, 1), all = draw(copy, 50, NULL, 0, 1);
    cr_expect_arr_eq(&some, &all, sizeof some);
    free(ranks);
    free(copy);
}

Test(bootstrap, of_no_cases_is_zeros)
{
    const uint32_t ranks[METHODS] = {0}, none[1] = {0};
    struct drawn drawn = draw(ranks, 1, none, 0, 1), zeros;
    memset(&zeros, 0, sizeof zeros);
    cr_expect_arr_eq(&drawn, &zeros, sizeof drawn);
}
