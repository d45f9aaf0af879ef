/* A written model judged by matrix products ranks as it answers, one user after another; also over a store that has grown since. */
#include "planted_data.h"

#include "core/evaluation.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#define NEW_ITEMS 5u

/* The planted events, and what happened since: every user has tried a new item, in a new way, among the others. */
static struct dataset *grown_dataset(const struct dataset *old)
{
    SCOPED(dataset_builder_destroy) struct dataset_builder *builder = dataset_builder_create();
    for (uint32_t user = 0; user < old->n_users; user++) {
        for (uint64_t i = old->starts[user]; i < old->starts[user + 1]; i++) {
            cr_assert_eq(dataset_add(builder, user, old->items[i], old->types[i], 2 * old->at_ms[i]), STATUS_OK);
            if (i % 3 == 0)
                cr_assert_eq(dataset_add(builder, user, old->n_items + user % NEW_ITEMS, old->n_types * (i % 2), 2 * old->at_ms[i] + 1),
                             STATUS_OK);
        }
    }
    struct dataset *dataset = NULL;
    cr_assert_eq(dataset_finish(builder, old->n_users, old->n_items + NEW_ITEMS, old->n_types + 1, &dataset), STATUS_OK);
    return dataset;
}

/* Scores as serving makes them. */
struct serving {
    const struct model *model;
    const struct type_weights *weights;
};

static void score_as_serving_does(void *context, const struct dataset *dataset, const struct held_out cases[], uint32_t n_cases,
                                  unsigned worker, float *out_scores, bool out_known[])
{
    const struct serving *serving = context;
    (void)worker;
    void *workspace = aligned_alloc(64, (model_workspace_bytes(serving->model) + 63) / 64 * 64);
    uint32_t *items = calloc(dataset->n_events, sizeof *items);
    uint8_t *types = calloc(dataset->n_events, 1);
    float user[64];
    for (uint32_t i = 0; i < n_cases; i++) {
        uint32_t n = 0;
        for (uint64_t event = dataset->starts[cases[i].user]; event < cases[i].target; event++) {
            if (!feedback_is_behaviour(serving->weights->weights[dataset->types[event]]))
                continue;
            items[n] = dataset->items[event];
            types[n++] = dataset->types[event];
        }
        out_known[i] = model_encode(serving->model, items, NULL, types, n, workspace, user);
        if (out_known[i])
            model_score(serving->model, user, out_scores + (size_t)i * dataset->n_items);
    }
    free(workspace);
    free(items);
    free(types);
}

static void check_against_serving(const struct dataset *dataset, const struct type_weights *weights, const struct model *model)
{
    SCOPED(split_destroy) struct split *split = NULL;
    SCOPED(workers_destroy) struct workers *workers = workers_create(1);
    cr_assert_eq(dataset_split(dataset, SPLIT_LAST, weights, 0, &split), STATUS_OK);
    struct serving serving = {.model = model, .weights = weights};
    struct encoder_view view = {.score = score_as_serving_does, .context = &serving, .n_items = model_facts(model)->shape.n_items};
    struct method_figures expected, found[METHODS];
    struct evaluation evaluation;
    struct error error = {.detail = ""};
    cr_assert_eq(evaluate_encoder(dataset, split, &view, workers, &expected), STATUS_OK);
    cr_assert_eq(evaluate_model(dataset, split, weights, model, -1, 100, 2, NULL, &evaluation, &error), STATUS_OK, "%s", error.detail);
    evaluation_figures(&evaluation, found);
    cr_expect_gt(expected.hr10, 0);
    cr_expect_float_eq(found[METHOD_ENCODER].hr10, expected.hr10, 1e-12);
    cr_expect_float_eq(found[METHOD_ENCODER].ndcg20, expected.ndcg20, 1e-12);
    cr_expect_float_eq(found[METHOD_ENCODER].mrr20, expected.mrr20, 1e-12);
    cr_expect_eq(evaluation.neighbours_weight, model_facts(model)->neighbours_weight);
}

static void check_model(float temperature)
{
    struct planted planted;
    char version[MODEL_VERSION_BYTES];
    struct error error = {.detail = ""};
    SCOPED(model_close) struct model *model = NULL;
    planted_init(&planted, 100);
    planted.settings.epochs = 3;
    planted.settings.shape.width = 16;
    planted.settings.shape.temperature = temperature;
    cr_assert_eq(model_open(planted_train(&planted, version), &model, &error), STATUS_OK, "%s", error.detail);
    SCOPED(dataset_destroy) struct dataset *grown = grown_dataset(planted.dataset);
    struct type_weights weights = planted.settings.type_weights;
    weights.weights[planted.dataset->n_types] = 1;
    check_against_serving(planted.dataset, &weights, model);
    check_against_serving(grown, &weights, model);
    planted_clear(&planted);
}

Test(model_evaluation, ranks_as_serving_does)
{
    check_model(0);
}

Test(model_evaluation, ranks_as_serving_does_with_a_temperature)
{
    check_model(.1f);
}

Test(model_evaluation, refuses_a_store_with_fewer_items)
{
    struct planted planted;
    char version[MODEL_VERSION_BYTES];
    struct error error = {.detail = ""};
    SCOPED(model_close) struct model *model = NULL;
    planted_init(&planted, 60);
    planted.settings.epochs = 1;
    cr_assert_eq(model_open(planted_train(&planted, version), &model, &error), STATUS_OK, "%s", error.detail);
    struct dataset fewer = *planted.dataset;
    fewer.n_items--;
    struct evaluation evaluation;
    cr_expect_eq(evaluate_model(&fewer, planted.split, &planted.settings.type_weights, model, -1, 100, 1, NULL, &evaluation, &error),
                 STATUS_INVALID);
    cr_expect(error.detail[0]);
    planted_clear(&planted);
}
