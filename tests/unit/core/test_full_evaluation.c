/* Everything about four methods on data small enough to say what must come out. */
#include "core/base/node.h"
#include "core/base/random.h"
#include "core/evaluation.h"
#include "core/method_scores.h"
#include "core/model_header.h"
#include "tests/unit/core/sample_dataset.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NEAR(a, b) cr_expect_float_eq(a, b, 1e-6, "%s is %g, expected %g", #a, (double)(a), (double)(b))

static enum status judge(const struct dataset *dataset, const struct split *split, const struct encoder_view *encoder, float weight,
                         unsigned n_threads, struct evaluation *out_evaluation)
{
    struct type_weights weights = sample_weights();
    SCOPED(workers_destroy) struct workers *workers = workers_create(n_threads);
    return evaluate_in_full(dataset, split, &weights, encoder, weight, 100, workers, NULL, out_evaluation);
}

/* Scores by user, target and item, on a few values so that there are equals. Every 5th user is unknown. */
static void score_by_hash(void *context, const struct dataset *dataset, const struct held_out cases[], uint32_t n_cases, unsigned worker,
                          float *out_scores, bool out_known[])
{
    uint32_t n_values = *(const uint32_t *)context;
    (void)worker;
    for (uint32_t i = 0; i < n_cases; i++) {
        struct random random;
        random_init(&random, cases[i].user, cases[i].target);
        out_known[i] = cases[i].user % 5 != 4;
        for (uint32_t item = 0; item < dataset->n_items; item++)
            out_scores[(size_t)i * dataset->n_items + item] = (float)random_below(&random, n_values) / (float)n_values;
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

Test(full_evaluation, has_the_figures_and_the_weight_of_evaluate_methods)
{
    uint32_t n_values = 1000;
    struct encoder_view encoder = {.score = score_by_hash, .context = &n_values};
    SCOPED(dataset_destroy) struct dataset *dataset = random_dataset(900, 90, 12);
    SCOPED(split_destroy) struct split *split = sample_split(dataset, SPLIT_LAST, 0);
    SCOPED(workers_destroy) struct workers *workers = workers_create(2);
    struct type_weights weights = sample_weights();
    struct method_figures expected[METHODS], found[METHODS];
    struct evaluation evaluation;
    float weight = 0;
    cr_assert_eq(evaluate_methods(dataset, split, &weights, &encoder, -1, 100, workers, NULL, expected, &weight), STATUS_OK);
    cr_assert_eq(judge(dataset, split, &encoder, -1, 2, &evaluation), STATUS_OK);
    evaluation_figures(&evaluation, found);
    cr_expect_arr_eq(expected, found, sizeof expected);
    cr_expect_eq(evaluation.neighbours_weight, weight);
    cr_expect_eq(evaluation.n_cases, split->n_held_out);
    cr_expect_gt(found[METHOD_BLEND].ndcg10, 0);
}

Test(full_evaluation, gives_the_same_bits_at_any_thread_count)
{
    uint32_t n_values = 50;
    struct encoder_view encoder = {.score = score_by_hash, .context = &n_values};
    SCOPED(dataset_destroy) struct dataset *dataset = random_dataset(1500, 90, 12);
    SCOPED(split_destroy) struct split *split = sample_split(dataset, SPLIT_TIME, 0);
    struct evaluation *found = calloc(2, sizeof *found);
    for (unsigned n = 0; n < 2; n++)
        cr_assert_eq(judge(dataset, split, &encoder, -1, 1 + 3 * n, &found[n]), STATUS_OK);
    cr_expect_arr_eq(&found[0], &found[1], sizeof found[0]);
    free(found);
}

/* Ranks of blends the quick way and by making each blend. */
struct comparison {
    uint32_t n_compared, n_wrong, n_near;
};

static void compare_ranks(void *context, const struct scored_case *scored, uint32_t place)
{
    static const float weights[] = {0, .01f, .1f, .5f, 1, 30};
    struct comparison *comparison = context;
    uint32_t ranks[6];
    (void)place;
    scored_case_blend_ranks(scored, weights, 6, ranks);
    for (int i = 0; i < 6; i++) {
        scored_case_blend(scored, weights[i]);
        uint32_t expected = scored_case_rank(scored, METHOD_BLEND);
        comparison->n_compared++;
        comparison->n_near += expected < 20;
        comparison->n_wrong += expected < 20 || ranks[i] < 20 ? ranks[i] != expected : 0;
    }
}

static void check_blend_ranks(uint32_t n_values, uint32_t n_known)
{
    struct encoder_view encoder = {.score = score_by_hash, .context = &n_values, .n_items = n_known};
    SCOPED(dataset_destroy) struct dataset *dataset = random_dataset(400, 90, 6);
    SCOPED(split_destroy) struct split *split = sample_split(dataset, SPLIT_LAST, 0);
    SCOPED(workers_destroy) struct workers *workers = workers_create(1);
    struct type_weights weights = sample_weights();
    struct training_counts counts = {0};
    struct method_scores scores;
    struct comparison comparison = {0};
    cr_assert_eq(training_counts_init(&counts, dataset, split, &weights, 4, NULL), STATUS_OK);
    cr_assert_eq(method_scores_init(&scores, dataset, split, &weights, &encoder, &counts, 1), STATUS_OK);
    cr_assert_eq(method_scores_visit(&scores, workers, NULL, &(struct case_visitor){.visit = compare_ranks, .context = &comparison}),
                 STATUS_OK);
    cr_expect_gt(comparison.n_near, comparison.n_compared / 10);
    cr_expect_eq(comparison.n_wrong, 0, "%u of %u with %u values", comparison.n_wrong, comparison.n_compared, n_values);
    method_scores_clear(&scores);
    training_counts_clear(&counts);
}

Test(blend_ranks, are_those_of_the_blends)
{
    check_blend_ranks(100000, 0);
}

Test(blend_ranks, are_those_of_the_blends_among_equals)
{
    check_blend_ranks(1, 0);
    check_blend_ranks(3, 0);
    check_blend_ranks(20, 0);
}

Test(blend_ranks, are_those_of_the_blends_of_an_encoder_that_does_not_know_all_items)
{
    check_blend_ranks(1000, 70);
}

Test(full_evaluation, parts_cold_users_and_cold_items)
{
    /* users 0-2 have 7 training events on items 0-6 and then item 9; user 3 has one (item 0) and then item 1 */
    struct sample_event events[26];
    uint32_t n = 0;
    for (uint32_t user = 0; user < 3; user++) {
        for (uint32_t item = 0; item < 7; item++)
            events[n++] = (struct sample_event){user, item, 0, (int64_t)item};
        events[n++] = (struct sample_event){user, 9, 0, 7};
    }
    events[n++] = (struct sample_event){3, 0, 0, 1};
    events[n++] = (struct sample_event){3, 1, 0, 2};
    SCOPED(dataset_destroy) struct dataset *dataset = sample_dataset(events, n, 4, 10);
    SCOPED(split_destroy) struct split *split = sample_split(dataset, SPLIT_LAST, 0);
    struct evaluation evaluation;
    cr_assert_eq(judge(dataset, split, NULL, -1, 1, &evaluation), STATUS_OK);
    cr_expect_eq(evaluation.groups[GROUP_ALL].n_cases, 4);
    cr_expect_eq(evaluation.groups[GROUP_COLD_USERS].n_cases, 1);
    cr_expect_eq(evaluation.groups[GROUP_COLD_ITEMS].n_cases, 4, "item 9 has no training event, item 1 three");
    /* user 3: items 1 to 6 have three events each, so item 1 is third among equals */
    NEAR(evaluation.groups[GROUP_COLD_USERS].methods[METHOD_POPULAR].figures.mrr10, 1 / 3.0);
    NEAR(evaluation.groups[GROUP_COLD_USERS].methods[METHOD_POPULAR].low.mrr10, 1 / 3.0);
    cr_expect_not(evaluation.has_encoder);
    NEAR(evaluation.groups[GROUP_ALL].methods[METHOD_BLEND].figures.hr20, 0);
    NEAR(evaluation.blend_over_neighbours.value, 0);
}

Test(full_evaluation, lists_what_popularity_shows)
{
    /* training events: item 0 four times, 1 three times, 2 once; nobody has trained on 3 (held out four times) and 4 */
    const struct sample_event events[] = {{0, 0, 0, 1}, {0, 1, 0, 2}, {0, 3, 0, 3}, {1, 0, 0, 1}, {1, 1, 0, 2}, {1, 3, 0, 3},
                                          {2, 0, 0, 1}, {2, 1, 0, 2}, {2, 3, 0, 3}, {3, 0, 0, 1}, {3, 2, 0, 2}, {3, 3, 0, 3}};
    SCOPED(dataset_destroy) struct dataset *dataset = sample_dataset(events, 12, 4, 5);
    SCOPED(split_destroy) struct split *split = sample_split(dataset, SPLIT_LAST, 0);
    struct evaluation evaluation;
    cr_assert_eq(judge(dataset, split, NULL, -1, 1, &evaluation), STATUS_OK);
    /* users 0 to 2 are shown 2, user 3 is shown 1: what the user had and what nobody took is not in a list. x = 0, 0, 0, 1, 3 */
    NEAR(evaluation.lists[METHOD_POPULAR].coverage10, 2 / 5.0);
    NEAR(evaluation.lists[METHOD_POPULAR].gini10, 2 * (4 * 1 + 5 * 3) / (5.0 * 4) - 6 / 5.0);
    NEAR(evaluation.lists[METHOD_POPULAR].novelty10, (3 * log2(13 / 2.0) + log2(13 / 4.0)) / 4);
    /* each list is one item with probability 1, and it was never next */
    cr_expect_eq(evaluation.popular_reliability.n, 4);
    NEAR(evaluation.popular_reliability.predicted, 1);
    NEAR(evaluation.popular_reliability.observed, 0);
}

/* Scores whose softmax is 1/2, 1/4, 1/8, … over items 0, 1, 2, …, the last two alike. */
static void score_by_halves(void *context, const struct dataset *dataset, const struct held_out cases[], uint32_t n_cases, unsigned worker,
                            float *out_scores, bool out_known[])
{
    (void)context, (void)cases, (void)worker;
    for (uint32_t i = 0; i < n_cases; i++) {
        out_known[i] = true;
        for (uint32_t item = 0; item < dataset->n_items; item++)
            out_scores[(size_t)i * dataset->n_items + item] =
                -logf(2) * (float)(item + 2 < dataset->n_items ? item + 1 : dataset->n_items - 1);
    }
}

Test(full_evaluation, probabilities_are_of_what_is_not_left_out)
{
    /* the user had item 0, so 1, 2, 3 have 1/2, 1/4, 1/4; item 2 was next */
    const struct sample_event events[] = {{0, 0, 0, 1}, {0, 2, 0, 2}};
    SCOPED(dataset_destroy) struct dataset *dataset = sample_dataset(events, 2, 1, 4);
    SCOPED(split_destroy) struct split *split = sample_split(dataset, SPLIT_LAST, 0);
    struct evaluation evaluation;
    cr_assert_eq(judge(dataset, split, &(struct encoder_view){.score = score_by_halves}, 0, 1, &evaluation), STATUS_OK);
    cr_expect_eq(evaluation.encoder_reliability.n, 3);
    NEAR(evaluation.encoder_reliability.predicted, 1 / 3.0);
    NEAR(evaluation.encoder_reliability.observed, 1 / 3.0);
    NEAR(evaluation.lists[METHOD_ENCODER].coverage10, 3 / 4.0);
    NEAR(evaluation.groups[GROUP_ALL].methods[METHOD_ENCODER].figures.mrr10, .5);
}

Test(full_evaluation, shows_the_neighbours_to_whom_the_encoder_does_not_know)
{
    uint32_t n_values = 1000;
    /* users 0 to 3 go 0 → 1 → 2; user 4, whom the encoder does not know, had 0 and then took 1 */
    const struct sample_event events[] = {{0, 0, 0, 1}, {0, 1, 0, 2}, {0, 2, 0, 3}, {1, 0, 0, 1},
                                          {1, 1, 0, 2}, {1, 2, 0, 3}, {4, 0, 0, 1}, {4, 1, 0, 2}};
    SCOPED(dataset_destroy) struct dataset *dataset = sample_dataset(events, 8, 5, 50);
    SCOPED(split_destroy) struct split *split = sample_split(dataset, SPLIT_LAST, 0);
    struct split only_last = *split;
    only_last.held_out = &split->held_out[split->n_held_out - 1];
    only_last.n_held_out = 1;
    struct evaluation evaluation;
    cr_assert_eq(judge(dataset, &only_last, &(struct encoder_view){.score = score_by_hash, .context = &n_values}, .5f, 1, &evaluation),
                 STATUS_OK);
    NEAR(evaluation.groups[GROUP_ALL].methods[METHOD_BLEND].figures.mrr10, 1);
    NEAR(evaluation.groups[GROUP_ALL].methods[METHOD_ENCODER].figures.hr20, 0);
    NEAR(evaluation.lists[METHOD_BLEND].coverage20, 1 / 50.0);
    cr_expect_eq(evaluation.encoder_reliability.n_bins, 0);
}

Test(full_evaluation, of_no_cases_is_zeros)
{
    uint32_t n_values = 1000;
    SCOPED(dataset_destroy) struct dataset *dataset = sample_dataset(NULL, 0, 0, 0);
    SCOPED(split_destroy) struct split *split = sample_split(dataset, SPLIT_LAST, 0);
    struct evaluation evaluation;
    cr_assert_eq(judge(dataset, split, &(struct encoder_view){.score = score_by_hash, .context = &n_values}, -1, 2, &evaluation),
                 STATUS_OK);
    cr_expect_eq(evaluation.n_cases, 0);
    NEAR(evaluation.groups[GROUP_ALL].methods[METHOD_BLEND].high.hr20, 0);
    NEAR(evaluation.lists[METHOD_BLEND].coverage20, 0);
}

static bool stop_at_resamples(void *context, const struct progress_step *step)
{
    (void)context;
    return strcmp(step->phase, "drawing resamples") != 0;
}

Test(full_evaluation, stops_when_asked)
{
    SCOPED(dataset_destroy) struct dataset *dataset = random_dataset(50, 20, 5);
    SCOPED(split_destroy) struct split *split = sample_split(dataset, SPLIT_LAST, 0);
    SCOPED(workers_destroy) struct workers *workers = workers_create(1);
    struct type_weights weights = sample_weights();
    struct evaluation evaluation;
    cr_expect_eq(
        evaluate_in_full(dataset, split, &weights, NULL, -1, 100, workers, &(struct progress){.report = stop_at_resamples}, &evaluation),
        STATUS_CONFLICT);
}

Test(evaluation, is_one_json_object_with_every_figure)
{
    uint32_t n_values = 50;
    SCOPED(dataset_destroy) struct dataset *dataset = random_dataset(300, 90, 12);
    SCOPED(split_destroy) struct split *split = sample_split(dataset, SPLIT_LAST, 0);
    struct evaluation evaluation;
    cr_assert_eq(judge(dataset, split, &(struct encoder_view){.score = score_by_hash, .context = &n_values}, -1, 2, &evaluation),
                 STATUS_OK);
    SCOPED(buffer_clear) struct buffer text;
    struct emit emit;
    buffer_init(&text, 1 << 20);
    emit_init(&emit, &text);
    evaluation_emit(&evaluation, NULL, &emit);
    SCOPED(node_destroy) struct node *document = NULL;
    cr_assert_eq(node_parse(text.bytes, text.n_bytes, &document, NULL), STATUS_OK);
    for (int group = 0; group < GROUPS; group++) {
        const struct node *methods = node_get(node_get(node_get(document, "groups"), case_group_names[group]), "methods");
        for (int method = 0; method < METHODS; method++) {
            const struct node *judged = node_get(methods, method_names[method]);
            for (size_t f = 0; f < FIGURES; f++) {
                const struct node *bounds = node_get(node_get(judged, "intervals"), model_figures[f].name);
                double value = node_number(node_get(judged, model_figures[f].name));
                cr_expect(node_number(node_at(bounds, 0)) <= value && value <= node_number(node_at(bounds, 1)));
            }
        }
    }
    NEAR(node_number(node_get(node_get(node_get(document, "lists"), "blend"), "gini10")), evaluation.lists[METHOD_BLEND].gini10);
    cr_expect_eq(node_count(node_get(node_get(node_get(document, "reliability"), "encoder"), "bins")),
                 evaluation.encoder_reliability.n_bins);
    cr_expect_lt(text.n_bytes, 20000);
}
