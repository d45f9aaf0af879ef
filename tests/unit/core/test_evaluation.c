/* Ranks and figures by hand; encoders made of a formula, so that what should come out is known; the same bits at any thread count. */
#include "core/base/random.h"
#include "core/evaluation.h"
#include "core/neighbours.h"
#include "tests/unit/core/sample_dataset.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#define NEAR(a, b) cr_expect_float_eq(a, b, 1e-9, "%s is %g, expected %g", #a, (double)(a), (double)(b))

Test(rank, counts_the_items_above)
{
    const float scores[] = {5, 1, 4, 3};
    cr_expect_eq(rank_of_target(scores, 4, 0), 0);
    cr_expect_eq(rank_of_target(scores, 4, 3), 2);
    cr_expect_eq(rank_of_target(scores, 4, 1), 3);
}

Test(rank, is_the_middle_among_equals)
{
    const float scores[] = {0, 9, 0, 0, 0, 0};
    for (uint32_t item = 2; item < 6; item++)
        cr_expect_eq(rank_of_target(scores, 6, item), 1 + 2); /* one above, four beside it */
}

Test(rank, finds_no_target_without_a_score)
{
    cr_expect_eq(rank_of_target((float[]){1, NAN}, 2, 1), UINT32_MAX);
    cr_expect_eq(rank_of_target((float[]){1, -INFINITY}, 2, 1), UINT32_MAX);
    cr_expect_eq(rank_of_target((float[]){1, NAN}, 2, 0), 0);
}

Test(figures, are_means_over_the_cases)
{
    struct method_figures figures;
    figures_from_ranks((uint32_t[]){0, 6, 15, UINT32_MAX}, 4, &figures);
    NEAR(figures.hr5, .25);
    NEAR(figures.hr10, .5);
    NEAR(figures.hr20, .75);
    NEAR(figures.ndcg5, 1 / 4.0);
    NEAR(figures.ndcg10, (1 + 1 / 3.0) / 4); /* rank 6: 1 / log2(8) */
    NEAR(figures.ndcg20, (1 + 1 / 3.0 + 1 / log2(17)) / 4);
    NEAR(figures.mrr5, 1 / 4.0);
    NEAR(figures.mrr10, (1 + 1 / 7.0) / 4);
    NEAR(figures.mrr20, (1 + 1 / 7.0 + 1 / 16.0) / 4);
}

Test(figures, of_nothing_are_zero)
{
    struct method_figures figures, zero = {0};
    figures_from_ranks(NULL, 0, &figures);
    cr_expect_arr_eq(&figures, &zero, sizeof zero);
}

/* Scores that are the same whichever worker asks: by user, target and item. Every 5th user is unknown. */
static void score_by_hash(void *context, const struct dataset *dataset, const struct held_out cases[], uint32_t n_cases, unsigned worker,
                          float *out_scores, bool out_known[])
{
    (void)context, (void)worker;
    for (uint32_t i = 0; i < n_cases; i++) {
        struct random random;
        random_init(&random, cases[i].user, cases[i].target);
        out_known[i] = cases[i].user % 5 != 4;
        for (uint32_t item = 0; item < dataset->n_items; item++)
            out_scores[(size_t)i * dataset->n_items + item] = random_uniform(&random);
    }
}

/* An encoder that knows: the target first, or behind as many items as the user's number says. */
static void score_by_user(void *context, const struct dataset *dataset, const struct held_out cases[], uint32_t n_cases, unsigned worker,
                          float *out_scores, bool out_known[])
{
    (void)context, (void)worker;
    for (uint32_t i = 0; i < n_cases; i++) {
        float *row = out_scores + (size_t)i * dataset->n_items;
        out_known[i] = true;
        for (uint32_t item = 0; item < dataset->n_items; item++)
            row[item] = item < cases[i].user ? 2 : 0;
        row[dataset->items[cases[i].target]] = 1;
    }
}

static struct dataset *random_dataset(uint32_t n_users, uint32_t n_items, uint32_t n_each)
{
    struct random random;
    random_init(&random, 5, 0);
    struct sample_event *events = calloc((size_t)n_users * n_each, sizeof *events);
    for (uint32_t i = 0; i < n_users * n_each; i++)
        events[i] = (struct sample_event){i / n_each, random_below(&random, n_items),
                                          random_below(&random, 10) ? 0 : 1 + random_below(&random, 2), (int64_t)(i % n_each)};
    struct dataset *dataset = sample_dataset(events, n_users * n_each, n_users, n_items);
    free(events);
    return dataset;
}

Test(evaluate_encoder, ranks_the_target_among_all_items)
{
    /* user u had item 9, target item 8; u items below 8 score higher */
    struct sample_event events[16];
    for (uint32_t i = 0; i < 16; i++)
        events[i] = (struct sample_event){i / 2, 9 - i % 2, 0, (int64_t)i};
    SCOPED(dataset_destroy) struct dataset *dataset = sample_dataset(events, 16, 8, 10);
    SCOPED(split_destroy) struct split *split = sample_split(dataset, SPLIT_LAST, 0);
    SCOPED(workers_destroy) struct workers *workers = workers_create(1);
    struct method_figures figures;
    cr_assert_eq(evaluate_encoder(dataset, split, &(struct encoder_view){.score = score_by_user}, workers, &figures), STATUS_OK);
    NEAR(figures.hr5, 5 / 8.0);
    NEAR(figures.hr10, 1);
    NEAR(figures.mrr10, (1 + 1 / 2.0 + 1 / 3.0 + 1 / 4.0 + 1 / 5.0 + 1 / 6.0 + 1 / 7.0 + 1 / 8.0) / 8);
}

Test(evaluate_encoder, leaves_out_what_the_user_had)
{
    /* user 3 had items 0, 1 (as a dislike) and saw item 2 only as an impression: of the three that score higher one counts */
    const struct sample_event events[] = {{3, 0, 0, 1}, {3, 1, 2, 2}, {3, 2, 1, 3}, {3, 5, 0, 4}};
    SCOPED(dataset_destroy) struct dataset *dataset = sample_dataset(events, 4, 4, 10);
    SCOPED(split_destroy) struct split *split = sample_split(dataset, SPLIT_LAST, 0);
    SCOPED(workers_destroy) struct workers *workers = workers_create(1);
    struct method_figures figures;
    cr_assert_eq(split->n_held_out, 1);
    cr_assert_eq(evaluate_encoder(dataset, split, &(struct encoder_view){.score = score_by_user}, workers, &figures), STATUS_OK);
    NEAR(figures.mrr10, .5);
}

Test(evaluate_encoder, loses_items_and_users_that_it_does_not_know)
{
    const struct sample_event events[] = {{0, 0, 0, 1}, {0, 9, 0, 2}, {4, 0, 0, 1}, {4, 3, 0, 2}, {1, 0, 0, 1}, {1, 3, 0, 2}};
    SCOPED(dataset_destroy) struct dataset *dataset = sample_dataset(events, 6, 5, 10);
    SCOPED(split_destroy) struct split *split = sample_split(dataset, SPLIT_LAST, 0);
    SCOPED(workers_destroy) struct workers *workers = workers_create(1);
    struct method_figures figures;
    cr_assert_eq(evaluate_encoder(dataset, split, &(struct encoder_view){.score = score_by_hash, .n_items = 9}, workers, &figures),
                 STATUS_OK);
    NEAR(figures.hr20, 1 / 3.0); /* user 0's target is unknown, user 4 is; all 9 items are within 20 */
}

Test(evaluate_encoder, gives_the_same_bits_at_any_thread_count)
{
    SCOPED(dataset_destroy) struct dataset *dataset = random_dataset(700, 90, 12);
    SCOPED(split_destroy) struct split *split = sample_split(dataset, SPLIT_LAST, 0);
    struct method_figures figures[3];
    for (unsigned n = 0; n < 3; n++) {
        SCOPED(workers_destroy) struct workers *workers = workers_create(1 + 2 * n);
        cr_assert_eq(evaluate_encoder(dataset, split, &(struct encoder_view){.score = score_by_hash}, workers, &figures[n]), STATUS_OK);
    }
    cr_expect_gt(figures[0].ndcg10, 0);
    cr_expect_arr_eq(&figures[0], &figures[1], sizeof figures[0]);
    cr_expect_arr_eq(&figures[0], &figures[2], sizeof figures[0]);
}

Test(evaluate_encoder, tells_zeros_of_no_cases)
{
    SCOPED(dataset_destroy) struct dataset *dataset = sample_dataset(NULL, 0, 0, 0);
    SCOPED(split_destroy) struct split *split = sample_split(dataset, SPLIT_TIME, 0);
    SCOPED(workers_destroy) struct workers *workers = workers_create(2);
    struct method_figures figures = {.hr10 = 7}, zero = {0};
    cr_assert_eq(evaluate_encoder(dataset, split, &(struct encoder_view){.score = score_by_hash}, workers, &figures), STATUS_OK);
    cr_expect_arr_eq(&figures, &zero, sizeof zero);
}

static enum status judge(const struct dataset *dataset, const struct split *split, const struct encoder_view *encoder, float weight,
                         unsigned n_threads, const struct progress *progress, struct method_figures out_figures[METHODS], float *out_weight)
{
    struct type_weights weights = sample_weights();
    SCOPED(workers_destroy) struct workers *workers = workers_create(n_threads);
    return evaluate_methods(dataset, split, &weights, encoder, weight, 100, workers, progress, out_figures, out_weight);
}

Test(evaluate_methods, counts_popularity_in_the_training_part_only)
{
    /* item 1 is trained on twice, item 2 once; item 3 is held out three times, and never trained on */
    const struct sample_event events[] = {
        {0, 0, 0, 1}, {0, 1, 0, 2}, {0, 3, 0, 3}, {1, 0, 0, 1}, {1, 1, 0, 2}, {1, 3, 0, 3},
        {2, 0, 0, 1}, {2, 2, 0, 2}, {2, 3, 0, 3}, {3, 0, 0, 1}, {3, 2, 0, 2},
    };
    SCOPED(dataset_destroy) struct dataset *dataset = sample_dataset(events, 11, 4, 4);
    SCOPED(split_destroy) struct split *split = sample_split(dataset, SPLIT_LAST, 0);
    cr_assert_eq(split->n_held_out, 4);
    struct method_figures figures[METHODS];
    float weight = 7;
    cr_assert_eq(judge(dataset, split, NULL, -1, 1, NULL, figures, &weight), STATUS_OK);
    /* users 0, 1: item 2 (1 event) is above item 3 (0 events). User 2: item 1 is above. User 3: item 1 (2) is above item 2 (1). */
    NEAR(figures[METHOD_POPULAR].mrr10, .5);
    NEAR(figures[METHOD_ENCODER].hr20, 0);
    NEAR(figures[METHOD_BLEND].hr20, 0);
}

Test(evaluate_methods, gives_neighbours_what_the_user_did_before_the_target)
{
    /* users 0-9 go 0 → 1 and 2 → 3 and then to 4; user 10 went 2, so 3 is next, though 1 is as popular */
    struct sample_event events[53];
    uint32_t n = 0;
    for (uint32_t user = 0; user < 10; user++) {
        uint32_t from = user % 2 * 2;
        events[n++] = (struct sample_event){user, from, 0, 1};
        events[n++] = (struct sample_event){user, from + 1, 0, 2};
        events[n++] = (struct sample_event){user, 4, 0, 3};
    }
    events[n++] = (struct sample_event){10, 2, 0, 1};
    events[n++] = (struct sample_event){10, 3, 0, 2};
    SCOPED(dataset_destroy) struct dataset *dataset = sample_dataset(events, n, 11, 5);
    SCOPED(split_destroy) struct split *split = sample_split(dataset, SPLIT_LAST, 0);
    struct split only_last = *split;
    only_last.held_out = &split->held_out[split->n_held_out - 1];
    only_last.n_held_out = 1;
    struct method_figures figures[METHODS];
    float weight = 0;
    cr_assert_eq(judge(dataset, &only_last, NULL, -1, 1, NULL, figures, &weight), STATUS_OK);
    NEAR(figures[METHOD_NEIGHBOURS].mrr10, 1);
    NEAR(figures[METHOD_POPULAR].mrr10, .5);
}

/* An encoder that knows nothing: all scores are equal. */
static void score_nothing(void *context, const struct dataset *dataset, const struct held_out cases[], uint32_t n_cases, unsigned worker,
                          float *out_scores, bool out_known[])
{
    (void)context, (void)cases, (void)worker;
    memset(out_scores, 0, (size_t)n_cases * dataset->n_items * sizeof *out_scores);
    for (uint32_t i = 0; i < n_cases; i++)
        out_known[i] = i % 2 == 0;
}

/* Users walk round a ring of n_items from different starts: neighbours know the next, popularity does not. */
static struct dataset *ring_dataset(uint32_t n_users, uint32_t n_items)
{
    struct sample_event *events = calloc((size_t)n_users * 6, sizeof *events);
    for (uint32_t i = 0; i < n_users * 6; i++)
        events[i] = (struct sample_event){i / 6, (i / 6 + i % 6) % n_items, 0, (int64_t)(i % 6)};
    struct dataset *dataset = sample_dataset(events, n_users * 6, n_users, n_items);
    free(events);
    return dataset;
}

Test(evaluate_methods, leans_on_the_neighbours_where_the_encoder_says_nothing)
{
    SCOPED(dataset_destroy) struct dataset *dataset = ring_dataset(300, 50);
    SCOPED(split_destroy) struct split *split = sample_split(dataset, SPLIT_LAST, 0);
    struct method_figures figures[METHODS];
    float weight = 0;
    cr_assert_eq(judge(dataset, split, &(struct encoder_view){.score = score_nothing}, -1, 1, NULL, figures, &weight), STATUS_OK);
    NEAR(figures[METHOD_NEIGHBOURS].hr5, 1);
    NEAR(figures[METHOD_BLEND].ndcg10, figures[METHOD_NEIGHBOURS].ndcg10);
    cr_expect_float_eq(weight, .01, 1e-6); /* the smallest that does it */
    NEAR(figures[METHOD_ENCODER].hr5, 0);  /* the middle of 45 equals */
}

Test(evaluate_methods, ranks_the_blend_as_the_encoder_at_weight_zero)
{
    SCOPED(dataset_destroy) struct dataset *dataset = ring_dataset(304, 38);
    SCOPED(split_destroy) struct split *split = sample_split(dataset, SPLIT_LAST, 0);
    struct method_figures figures[METHODS];
    float weight = 7;
    cr_assert_eq(judge(dataset, split, &(struct encoder_view){.score = score_by_user}, 0, 1, NULL, figures, &weight), STATUS_OK);
    cr_expect_eq(weight, 0);
    cr_expect_gt(figures[METHOD_ENCODER].hr10, 0);
    cr_expect_arr_eq(&figures[METHOD_BLEND], &figures[METHOD_ENCODER], sizeof figures[0]);
}

Test(evaluate_methods, gives_the_same_bits_at_any_thread_count)
{
    SCOPED(dataset_destroy) struct dataset *dataset = random_dataset(1500, 90, 12);
    SCOPED(split_destroy) struct split *split = sample_split(dataset, SPLIT_LAST, 0);
    struct method_figures figures[2][METHODS];
    float weights[2];
    for (unsigned n = 0; n < 2; n++)
        cr_assert_eq(judge(dataset, split, &(struct encoder_view){.score = score_by_hash}, -1, 1 + 3 * n, NULL, figures[n], &weights[n]),
                     STATUS_OK);
    cr_expect_arr_eq(figures[0], figures[1], sizeof figures[0]);
    cr_expect_eq(weights[0], weights[1]);
}

static bool stop_at_judging(void *context, const struct progress_step *step)
{
    (void)context;
    return strcmp(step->phase, "judging") != 0;
}

Test(evaluate_methods, stops_when_asked)
{
    SCOPED(dataset_destroy) struct dataset *dataset = ring_dataset(300, 50);
    SCOPED(split_destroy) struct split *split = sample_split(dataset, SPLIT_LAST, 0);
    struct method_figures figures[METHODS];
    float weight = 0;
    struct progress progress = {.report = stop_at_judging};
    cr_expect_eq(judge(dataset, split, NULL, -1, 1, &progress, figures, &weight), STATUS_CONFLICT);
}

Test(evaluate_methods, tells_zeros_of_no_cases)
{
    SCOPED(dataset_destroy) struct dataset *dataset = sample_dataset(NULL, 0, 0, 0);
    SCOPED(split_destroy) struct split *split = sample_split(dataset, SPLIT_LAST, 0);
    struct method_figures figures[METHODS], zeros[METHODS] = {{0}};
    float weight = 7;
    cr_assert_eq(judge(dataset, split, &(struct encoder_view){.score = score_by_hash}, -1, 2, NULL, figures, &weight), STATUS_OK);
    cr_expect_arr_eq(figures, zeros, sizeof zeros);
    cr_expect_eq(weight, 0);
}
