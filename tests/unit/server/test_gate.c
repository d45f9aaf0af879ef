/* The gate, with networks whose ranks are known: a live model of zeros, which puts every target in the middle, and fresh ones that put it
 * first or last. */
#include "server/app/gate.h"

#include "core/model_file.h"
#include "tests/unit/core/sample_dataset.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USERS              300u
#define ITEMS              12u
#define PER_USER           4u
#define AT_MS(user, event) ((int64_t)(user)*10 + (int64_t)(event))
#define LAST_OF(user)      AT_MS(user, PER_USER - 1)

static const char *const item_ids[ITEMS] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"};
static const char *const other_ids[ITEMS] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "x"};

struct scene {
    struct settings settings;
    struct dataset *dataset;
    struct split *split;
    struct type_weights weights;
    struct workers *workers;
    struct model_facts fresh;
    char directory[64];
};

static struct scene scene;

static struct dataset *make_dataset(void)
{
    static struct sample_event events[USERS * PER_USER];
    for (uint32_t user = 0; user < USERS; user++)
        for (uint32_t i = 0; i < PER_USER; i++)
            events[user * PER_USER + i] = (struct sample_event){.user = user, .item = (user + i * 5) % ITEMS, .at_ms = AT_MS(user, i)};
    return sample_dataset(events, USERS * PER_USER, USERS, ITEMS);
}

static void open_scene(void)
{
    scene = (struct scene){.directory = "/tmp/inkling-gate-XXXXXX"};
    settings_default(&scene.settings);
    scene.dataset = make_dataset();
    scene.split = sample_split(scene.dataset, SPLIT_LAST, 0);
    scene.weights = sample_weights();
    scene.workers = workers_create(2);
    scene.fresh.split = "last";
    cr_assert(mkdtemp(scene.directory) && scene.workers);
    cr_assert_eq(scene.split->n_held_out, USERS);
}

static void close_scene(void)
{
    char command[96];
    (void)snprintf(command, sizeof command, "rm -rf %s", scene.directory);
    cr_assert_eq(system(command), 0);
    workers_destroy(scene.workers);
    split_destroy(scene.split);
    dataset_destroy(scene.dataset);
}

TestSuite(gate, .init = open_scene, .fini = close_scene, .timeout = 60);

/* A model of zeros that has seen everything up to last_at_ms; its own figures are all figure. */
static struct model *make_live(int64_t last_at_ms, const char *split, double figure, const char *const ids[])
{
    struct model_facts facts = {.shape = {.n_items = ITEMS, .n_types = 1, .width = 16, .taps = 2, .n_blocks = 1, .history = 8},
                                .n_events = 1,
                                .n_users = 1,
                                .last_at_ms = last_at_ms,
                                .split = split,
                                .code_version = "test",
                                .role = "selected",
                                .selected_version = "",
                                .settings = "{}",
                                .report = "{}"};
    struct tensors tensors;
    struct model *model = NULL;
    struct error error = {0};
    char version[MODEL_VERSION_BYTES], path[128];
    facts.figures[METHOD_BLEND].ndcg10 = facts.figures[METHOD_BLEND].hr10 = figure;
    tensors_init(&tensors, &facts.shape);
    SCOPED(memory_free) float *weights = calloc(tensors.n_floats, sizeof *weights);
    cr_assert(weights);
    cr_assert_eq(model_file_write(scene.directory, &(struct model_parts){&facts, &tensors, weights, NULL, ids}, version, &error), STATUS_OK,
                 "%s", error.detail);
    (void)snprintf(path, sizeof path, "%s/%s.safetensors", scene.directory, version);
    cr_assert_eq(model_open(path, &model, &error), STATUS_OK, "%s", error.detail);
    return model;
}

/* Scores that put the target where context says: 1 first, -1 last, 0 among all others. */
static void score_targets(void *context, const struct dataset *dataset, const struct held_out cases[], uint32_t n_cases, unsigned worker,
                          float *out_scores, bool out_known[])
{
    (void)worker;
    for (uint32_t i = 0; i < n_cases; i++) {
        float *row = out_scores + (size_t)i * dataset->n_items;
        memset(row, 0, dataset->n_items * sizeof *row);
        row[dataset->items[cases[i].target]] = *(const float *)context;
        out_known[i] = true;
    }
}

static struct verdict judge_with(float place, const struct model *live, bool force, bool (*report)(void *, const struct progress_step *))
{
    struct encoder_view view = {.score = score_targets, .context = &place};
    struct progress progress = {.report = report};
    struct gate_question question = {.settings = &scene.settings,
                                     .fresh = &scene.fresh,
                                     .encoder = &view,
                                     .live = live,
                                     .dataset = scene.dataset,
                                     .item_ids = item_ids,
                                     .split = scene.split,
                                     .weights = &scene.weights,
                                     .workers = scene.workers,
                                     .progress = &progress,
                                     .force = force};
    struct verdict verdict;
    struct error error = {0};
    cr_assert_eq(gate_judge(&question, &verdict, &error), STATUS_OK, "%s", error.detail);
    cr_expect_neq(verdict.reason[0], '\0', "every verdict has a reason");
    return verdict;
}

static struct verdict judge(float place, const struct model *live)
{
    return judge_with(place, live, false, NULL);
}

Test(gate, lets_a_better_model_pass)
{
    SCOPED(model_close) struct model *live = make_live(-1, "last", 0, item_ids);
    struct verdict verdict = judge(1, live);
    cr_expect_eq(verdict.state, VERDICT_LIVE, "%s", verdict.reason);
    cr_expect_float_eq(verdict.fresh, 1, 1e-9, "the target is first in every case");
    cr_expect_lt(verdict.live, 1);
    cr_expect_gt(verdict.live, 0);
    cr_expect_eq(verdict.n_cases, USERS);
    cr_expect_str_eq(verdict.metric, "ndcg10");
    cr_expect_str_eq(verdict.live_version, model_facts(live)->version);
}

Test(gate, lets_an_equal_model_pass_without_any_margin)
{
    SCOPED(model_close) struct model *live = make_live(-1, "last", 0, item_ids);
    scene.settings.gate_margin = 0;
    struct verdict verdict = judge(0, live);
    cr_expect_eq(verdict.state, VERDICT_LIVE, "%s", verdict.reason);
    cr_expect_eq(verdict.fresh, verdict.live);
}

Test(gate, rejects_a_model_that_is_worse_beyond_the_margin)
{
    SCOPED(model_close) struct model *live = make_live(-1, "last", 0, item_ids);
    struct verdict verdict = judge(-1, live);
    cr_expect_eq(verdict.state, VERDICT_REJECTED);
    cr_expect_lt(verdict.fresh, verdict.live);
    cr_expect(strstr(verdict.reason, "NDCG@10"), "%s", verdict.reason);
    cr_expect(strstr(verdict.reason, model_facts(live)->version), "%s", verdict.reason);
}

Test(gate, draws_the_line_at_the_margin)
{
    SCOPED(model_close) struct model *live = make_live(-1, "last", 0, item_ids);
    struct verdict verdict = judge(-1, live);
    double lost = 1 - verdict.fresh / verdict.live; /* this part of the figure */
    scene.settings.gate_margin = lost + 1e-6;
    cr_expect_eq(judge(-1, live).state, VERDICT_LIVE);
    scene.settings.gate_margin = lost - 1e-6;
    cr_expect_eq(judge(-1, live).state, VERDICT_REJECTED);
}

Test(gate, is_open_with_a_margin_of_1)
{
    SCOPED(model_close) struct model *live = make_live(-1, "last", 0, item_ids);
    scene.settings.gate_margin = 1;
    cr_expect_eq(judge(-1, live).state, VERDICT_LIVE);
}

Test(gate, compares_the_figure_that_the_settings_name)
{
    SCOPED(model_close) struct model *live = make_live(-1, "last", 0, item_ids);
    (void)snprintf(scene.settings.gate_metric, sizeof scene.settings.gate_metric, "hr20");
    struct verdict verdict = judge(-1, live);
    cr_expect_eq(verdict.state, VERDICT_LIVE, "of twelve items all are among the first twenty: %s", verdict.reason);
    cr_expect_float_eq(verdict.fresh, 1, 1e-9);
    cr_expect_str_eq(verdict.metric, "hr20");
}

Test(gate, knows_every_figure_that_can_be_set)
{
    static const char *const metrics[] = {"hr5", "hr10", "hr20", "ndcg5", "ndcg10", "ndcg20", "mrr5", "mrr10", "mrr20"};
    SCOPED(model_close) struct model *live = make_live(-1, "last", 0, item_ids);
    for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++) {
        struct error error = {0};
        cr_assert_eq(settings_set(&scene.settings, "gate.metric", metrics[i], "test", &error), STATUS_OK, "%s", error.detail);
        cr_expect_float_eq(judge(1, live).fresh, 1, 1e-9, "%s of a model that is always right", metrics[i]);
    }
}

Test(gate, lets_the_first_model_pass)
{
    struct verdict verdict = judge(-1, NULL);
    cr_expect_eq(verdict.state, VERDICT_LIVE);
    cr_expect(isnan(verdict.fresh) && isnan(verdict.live));
    cr_expect_eq(verdict.live_version[0], '\0');
}

Test(gate, judges_on_what_the_live_model_has_not_seen)
{
    SCOPED(model_close) struct model *live = make_live(LAST_OF(49), "last", 0, item_ids);
    struct verdict verdict = judge(1, live);
    cr_expect_eq(verdict.n_cases, USERS - 50);
}

Test(gate, compares_the_own_figures_of_both_when_there_is_little_new)
{
    SCOPED(model_close) struct model *live = make_live(LAST_OF(USERS - GATE_CASES_LEAST), "last", .5, item_ids);
    scene.fresh.figures[METHOD_BLEND].ndcg10 = .4;
    struct verdict verdict = judge(1, live);
    cr_expect_eq(verdict.state, VERDICT_REJECTED, "199 new cases: %s", verdict.reason);
    cr_expect_eq(verdict.n_cases, 0);
    cr_expect_eq(verdict.fresh, .4);
    cr_expect_float_eq(verdict.live, .5, 1e-6);
    scene.fresh.figures[METHOD_BLEND].ndcg10 = .495;
    cr_expect_eq(judge(1, live).state, VERDICT_LIVE);
}

Test(gate, judges_on_200_new_cases)
{
    SCOPED(model_close) struct model *live = make_live(LAST_OF(USERS - GATE_CASES_LEAST - 1), "last", .5, item_ids);
    cr_expect_eq(judge(1, live).n_cases, GATE_CASES_LEAST);
}

Test(gate, lets_pass_what_was_judged_by_another_split)
{
    SCOPED(model_close) struct model *live = make_live(LAST_OF(USERS), "time", .5, item_ids);
    scene.fresh.figures[METHOD_BLEND].ndcg10 = .1;
    struct verdict verdict = judge(-1, live);
    cr_expect_eq(verdict.state, VERDICT_LIVE);
    cr_expect(strstr(verdict.reason, "split"), "%s", verdict.reason);
}

Test(gate, lets_pass_what_the_live_model_cannot_be_asked_about)
{
    SCOPED(model_close) struct model *live = make_live(-1, "last", .5, other_ids);
    struct verdict verdict = judge(-1, live);
    cr_expect_eq(verdict.state, VERDICT_LIVE);
    cr_expect(strstr(verdict.reason, "items"), "%s", verdict.reason);
}

Test(gate, can_be_forced)
{
    SCOPED(model_close) struct model *live = make_live(-1, "last", 0, item_ids);
    struct verdict verdict = judge_with(-1, live, true, NULL);
    cr_expect_eq(verdict.state, VERDICT_LIVE);
    cr_expect_lt(verdict.fresh, verdict.live);
    cr_expect(strstr(verdict.reason, "force"), "%s", verdict.reason);
}

static bool refuse(void *context, const struct progress_step *step)
{
    (void)context, (void)step;
    return false;
}

Test(gate, stops_when_asked)
{
    SCOPED(model_close) struct model *live = make_live(-1, "last", 0, item_ids);
    float place = 1;
    struct encoder_view view = {.score = score_targets, .context = &place};
    struct progress progress = {.report = refuse};
    struct gate_question question = {.settings = &scene.settings,
                                     .fresh = &scene.fresh,
                                     .encoder = &view,
                                     .live = live,
                                     .dataset = scene.dataset,
                                     .item_ids = item_ids,
                                     .split = scene.split,
                                     .weights = &scene.weights,
                                     .workers = scene.workers,
                                     .progress = &progress};
    struct verdict verdict = {.n_cases = 7};
    struct error error = {0};
    cr_expect_eq(gate_judge(&question, &verdict, &error), STATUS_CONFLICT);
    cr_expect_eq(verdict.n_cases, 7, "untouched");
}
