/* The mixture by hand; and weights found again in behaviour that was made with them. */
#include "core/base/random.h"
#include "core/kernels/kernels.h"
#include "core/returns_fit.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

Test(returns, have_a_class_by_how_many_events_came_since)
{
    const uint32_t first_of_class[RETURN_CLASSES + 1] = {0, 1, 2, 3, 4, 8, 16, 32, RETURNS_REACH};
    for (unsigned class = 0; class < RETURN_CLASSES; class ++)
        for (uint32_t n = first_of_class[class]; n < first_of_class[class + 1]; n++)
            cr_expect_eq(returns_class(n), class, "%u events since", n);
}

Test(returns, count_an_item_where_it_is_newest)
{
    uint8_t classes[5];
    returns_classes((uint32_t[]){7, 8, 7, 9, 8}, 5, classes);
    cr_expect_arr_eq(classes, ((uint8_t[]){0, 1, RETURN_CLASSES, 3, RETURN_CLASSES}), 5);
}

Test(returns, raise_scores_to_the_mixture)
{
    const struct returns returns = {{.1f, .3f}};
    float scores[] = {logf(.5f) + 7, logf(.3f) + 7, logf(.2f) + 7}; /* what all scores have in common does not matter */
    returns_raise(&returns, kernels_fast(), (uint32_t[]){1, 99, 2}, 3, scores,
                  3); /* item 99 is not scored; item 2 is of a class without a weight */
    cr_expect_float_eq(scores[0], logf(.5f) + 7, 1e-6);
    cr_expect_float_eq(scores[1], logf(.3f + .1f) + 7, 1e-5);
    cr_expect_float_eq(scores[2], logf(.2f) + 7, 1e-5);
    returns_raise(&returns, kernels_fast(), (uint32_t[]){0, 2}, 2, scores, 3);
    cr_expect_float_eq(scores[2], logf(.2f + 1.1f * .3f) + 7, 1e-5, "all scores together are 1.1 now");
}

Test(returns, raise_what_the_encoder_thinks_impossible)
{
    const struct returns returns = {{.25f}};
    float scores[] = {0, -1000};
    returns_raise(&returns, kernels_fast(), (uint32_t[]){1}, 1, scores, 2);
    cr_expect_float_eq(scores[1], logf(.25f), 1e-5);
}

Test(returns, leave_scores_as_they_are_where_nothing_is_known)
{
    float scores[] = {1.25f, -3, .1f}, before[3];
    memcpy(before, scores, sizeof before);
    returns_raise(&(struct returns){{0}}, kernels_fast(), (uint32_t[]){0, 1}, 2, scores, 3);
    returns_raise(&(struct returns){{1}}, kernels_fast(), NULL, 0, scores, 3);
    cr_expect_arr_eq(scores, before, sizeof before);
}

#define USERS 6000u
#define ITEMS 50u

/* Users with two different items, and a held-out event: the item before the last one with a chance of .3, else any. */
struct travellers {
    struct dataset *dataset;
    struct split split;
};

static void travellers_init(struct travellers *travellers, uint64_t train_ends[USERS])
{
    struct random random;
    random_init(&random, 5, 0);
    SCOPED(dataset_builder_destroy) struct dataset_builder *builder = dataset_builder_create();
    for (uint32_t user = 0; user < USERS; user++) {
        uint32_t first = random_below(&random, ITEMS), second = (first + 1 + random_below(&random, ITEMS - 1)) % ITEMS;
        uint32_t last = random_uniform(&random) < .3f ? first : random_below(&random, ITEMS);
        const uint32_t items[] = {first, second, last};
        for (int i = 0; i < 3; i++)
            cr_assert(dataset_add(builder, user, items[i], 0, i) == STATUS_OK);
    }
    cr_assert(dataset_finish(builder, USERS, ITEMS, 1, &travellers->dataset) == STATUS_OK);
    for (uint32_t user = 0; user < USERS; user++)
        train_ends[user] = travellers->dataset->starts[user] + 2;
    travellers->split = (struct split){.kind = SPLIT_TIME, .weights = {{1}}, .train_ends = train_ends};
}

/* Knows nothing: all items are as likely. */
static void score_alike(void *context, const struct dataset *dataset, const struct held_out cases[], uint32_t n_cases, unsigned worker,
                        float *out_scores, bool out_known[])
{
    (void)context, (void)worker, (void)cases;
    for (uint32_t i = 0; i < n_cases; i++)
        out_known[i] = true;
    for (size_t i = 0; i < (size_t)n_cases * dataset->n_items; i++)
        out_scores[i] = 3;
}

static struct returns fit(const struct travellers *travellers, unsigned n_threads, struct returns_figures *out_figures)
{
    const struct encoder_view view = {.score = score_alike};
    struct returns returns;
    SCOPED(workers_destroy) struct workers *workers = workers_create(n_threads);
    cr_assert(returns_fit(travellers->dataset, &travellers->split, &view, workers, &returns, out_figures) == STATUS_OK);
    return returns;
}

Test(returns, are_found_again)
{
    static uint64_t train_ends[USERS];
    struct travellers travellers;
    struct returns_figures figures;
    travellers_init(&travellers, train_ends);
    struct returns returns = fit(&travellers, 2, &figures);
    cr_expect_float_eq(returns.weights[1], .3 / .7, .05, "%g", (double)returns.weights[1]);
    cr_expect_lt(returns.weights[0], .01f);
    for (unsigned c = 2; c < RETURN_CLASSES; c++)
        cr_expect_lt(returns.weights[c], 1e-6f, "nobody had one of class %u", c);
    cr_expect_eq(figures.n_cases, USERS);
    cr_expect_float_eq(figures.n_returned / (double)USERS, .3 + .7 * 2 / ITEMS, .03);
    cr_expect_gt(figures.gain, .1);
    dataset_destroy(travellers.dataset);
}

Test(returns, are_the_same_at_any_thread_count)
{
    static uint64_t train_ends[USERS];
    struct travellers travellers;
    struct returns_figures figures;
    travellers_init(&travellers, train_ends);
    struct returns one = fit(&travellers, 1, &figures), three = fit(&travellers, 3, &figures);
    cr_expect_arr_eq(&one, &three, sizeof one);
    dataset_destroy(travellers.dataset);
}

Test(returns, are_none_without_held_out_events)
{
    static uint64_t train_ends[USERS];
    struct travellers travellers;
    struct returns_figures figures;
    travellers_init(&travellers, train_ends);
    for (uint32_t user = 0; user < USERS; user++)
        train_ends[user]++;
    struct returns returns = fit(&travellers, 2, &figures);
    for (unsigned c = 0; c < RETURN_CLASSES; c++)
        cr_expect_eq(returns.weights[c], 0);
    cr_expect_eq(figures.n_cases, 0);
    dataset_destroy(travellers.dataset);
}
