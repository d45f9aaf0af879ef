/* The search keeps to its plan, says what it tried, and repeats itself; the refit follows the selected model's path over everything. */
#include "planted_data.h"

#include "core/base/node.h"
#include "core/candidates.h"
#include "core/model_network.h"
#include "core/search.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct trained *select_by(const struct training_plan *plan, struct trainer *trainer, const struct progress *progress)
{
    struct trained *trained = NULL;
    struct error error = {.detail = ""};
    cr_assert(trainer_select(trainer, plan, progress, &trained, &error) == STATUS_OK, "%s", error.detail);
    return trained;
}

/* By reckoning: small data take longer than reckoned on any machine. */
static struct trained *select_with(const struct planted *planted, struct trainer *trainer, double budget_seconds)
{
    struct training_plan plan = {.settings = planted->settings, .budget_seconds = budget_seconds, .refit = true, .by_reckoning = true};
    return select_by(&plan, trainer, NULL);
}

static struct trainer *trainer_for(const struct planted *planted, unsigned n_threads)
{
    struct trainer *trainer = NULL;
    struct error error = {.detail = ""};
    cr_assert(trainer_create(planted->dataset, planted->split, n_threads, &trainer, &error) == STATUS_OK, "%s", error.detail);
    return trainer;
}

#define FORMS (FORMS_MAX - 1) /* where the order of events tells much, as in the planted data: no reach is tried */

static struct node *search_of(const struct trained *trained, struct node **out_report)
{
    struct error error = {.detail = ""};
    const char *report = trained_facts(trained)->report;
    cr_assert(node_parse(report, strlen(report), out_report, &error) == STATUS_OK, "%s", error.detail);
    return (struct node *)(size_t)node_get(*out_report, "search");
}

Test(search, says_what_it_tried_and_what_it_chose)
{
    struct planted planted;
    struct node *report = NULL;
    planted_init(&planted, 20);
    planted.settings.epochs = 8;
    struct trainer *trainer = trainer_for(&planted, 2);
    struct trained *trained = select_with(&planted, trainer, 600);
    const struct node *search = search_of(trained, &report);
    cr_assert(search);
    const struct node *tried = node_get(search, "tried");
    const char *chosen = node_text(node_get(search, "chosen"), NULL);
    cr_assert_eq(node_count(tried), FORMS + VARIATIONS_MAX);
    double best = 0, of_chosen = 0;
    for (size_t i = 0; i < node_count(tried); i++) {
        double ndcg10 = node_number(node_get(node_at(tried, i), "ndcg10"));
        best = ndcg10 > best ? ndcg10 : best;
        if (strcmp(node_text(node_get(node_at(tried, i), "settings"), NULL), chosen) == 0)
            of_chosen = ndcg10;
    }
    cr_expect_eq(of_chosen, best, "the best of those that were tried is chosen");
    node_destroy(report);
    trained_destroy(trained);
    trainer_destroy(trainer);
    planted_clear(&planted);
}

/* Dropout of candidate number i, from its words. */
static double dropout_in(const struct node *tried, size_t i)
{
    const char *words = strstr(node_text(node_get(node_at(tried, i), "settings"), NULL), "dropout ");
    cr_assert(words);
    return strtod(words + strlen("dropout "), NULL);
}

Test(search, judges_dropout_by_whole_runs_only)
{
    struct planted planted;
    struct node *report = NULL;
    planted_init(&planted, 20);
    planted.settings.epochs = 8;
    struct trainer *trainer = trainer_for(&planted, 2);
    struct trained *trained = select_with(&planted, trainer, 600);
    const struct node *tried = node_get(search_of(trained, &report), "tried");
    for (size_t i = 1; i < FORMS; i++)
        cr_expect_eq(dropout_in(tried, i), dropout_in(tried, 0));
    for (size_t i = FORMS; i < FORMS + VARIATIONS_MAX; i++) {
        cr_expect_neq(dropout_in(tried, i), dropout_in(tried, 0));
        cr_expect_eq(node_integer(node_get(node_at(tried, i), "rounds")), 1);
    }
    node_destroy(report);
    trained_destroy(trained);
    trainer_destroy(trainer);
    planted_clear(&planted);
}

Test(candidates, foretell_further_ahead_where_the_order_tells_little)
{
    uint64_t starts[] = {0, 40};
    struct sequences sequences = {.n_sequences = 1, .n_events = 40, .starts = starts};
    struct training_settings base = training_settings_default();
    struct candidate forms[FORMS_MAX];
    base.shape.n_items = 20;
    cr_assert_eq(candidates_forms(&sequences, &(struct traits){.reversibility = 1}, &base, forms), FORMS_MAX);
    cr_expect(forms[0].settings.reach == 0 && !strstr(forms[0].words, "reach"), "%s", forms[0].words);
    cr_expect(forms[1].settings.reach > 0 && strstr(forms[1].words, "reach"), "the same with it: %s", forms[1].words);
    cr_assert_eq(candidates_forms(&sequences, &(struct traits){.reversibility = .5}, &base, forms), FORMS);
    for (unsigned i = 0; i < FORMS; i++)
        cr_expect_eq(forms[i].settings.reach, 0, "%s", forms[i].words);
}

Test(candidates, see_new_behaviour_more_often_where_likes_move)
{
    uint64_t starts[] = {0, 40};
    struct sequences sequences = {.n_sequences = 1, .n_events = 40, .starts = starts};
    struct training_settings base = training_settings_default();
    struct candidate forms[FORMS_MAX];
    base.shape.n_items = 20;
    unsigned n = candidates_forms(&sequences, &(struct traits){.drift = .7}, &base, forms);
    for (unsigned i = 0; i < n; i++)
        cr_expect(forms[i].settings.recency > 0 && strstr(forms[i].words, "recency"), "%s", forms[i].words);
    n = candidates_forms(&sequences, &(struct traits){.drift = .1}, &base, forms);
    for (unsigned i = 0; i < n; i++)
        cr_expect(forms[i].settings.recency == 0 && !strstr(forms[i].words, "recency"), "%s", forms[i].words);
}

/* The least epochs that a form has run when it was judged, if some were, among them one with a reach; else 0. */
static int64_t least_epochs_of_a_race(const struct node *tried)
{
    int64_t least = INT64_MAX;
    bool has_reach = false;
    for (size_t i = 0; i < node_count(tried); i++) {
        const struct node *one = node_at(tried, i);
        int64_t epochs = node_integer(node_get(one, "epochs"));
        least = epochs < least ? epochs : least;
        has_reach = has_reach || strstr(node_text(node_get(one, "settings"), NULL), "reach");
    }
    return has_reach && node_count(tried) > 1 ? least : 0;
}

/* A reach is slow at first. */
Test(search, lets_a_reach_race_for_five_epochs_however_small_the_budget)
{
    struct planted planted;
    unsigned n_races = 0;
    bool is_race = true;
    planted_init_reversible(&planted, 40);
    planted.settings.epochs = 6;
    planted.settings.batch_rows = 1024; /* a step an epoch: only the plan counts here */
    struct trainer *trainer = trainer_for(&planted, 2);
    for (double budget = 600; is_race;) {
        struct node *report = NULL;
        struct trained *trained = select_with(&planted, trainer, budget);
        const struct node *search = search_of(trained, &report);
        cr_assert_geq(node_number(node_get(search, "reversibility")), .9);
        int64_t least = least_epochs_of_a_race(node_get(search, "tried"));
        is_race = least > 0;
        n_races += is_race;
        cr_expect(!is_race || least >= 5, "judged after %ld epochs, with a budget of %g s", (long)least, budget);
        budget = .6 * node_number(node_get(search, "planned_seconds"));
        node_destroy(report);
        trained_destroy(trained);
    }
    cr_expect_gt(n_races, 1);
    trainer_destroy(trainer);
    planted_clear(&planted);
}

/* As the budget shrinks it tries fewer forms, then the first one alone, and narrow ones only when that does not fit. */
Test(search, runs_the_most_promising_form_alone_before_narrow_ones)
{
    struct planted planted;
    unsigned n_alone = 0;
    bool is_wide = true;
    planted_init(&planted, 20);
    planted.settings.epochs = 12;
    planted.settings.batch_rows = 1024; /* a step an epoch: only the plan counts here */
    struct trainer *trainer = trainer_for(&planted, 2);
    for (double budget = 600; is_wide;) {
        struct node *report = NULL;
        struct trained *trained = select_with(&planted, trainer, budget);
        const struct node *search = search_of(trained, &report), *tried = node_get(search, "tried"), *first = node_at(tried, 0);
        is_wide = strstr(node_text(node_get(first, "settings"), NULL), "unit vectors / 0.07, width 128,");
        n_alone += is_wide && node_count(tried) == 1;
        cr_expect(!is_wide || n_alone == 0 || node_count(tried) == 1, "not more with less");
        budget = .9 * node_number(node_get(search, "planned_seconds"));
        node_destroy(report);
        trained_destroy(trained);
    }
    cr_expect_gt(n_alone, 0);
    trainer_destroy(trainer);
    planted_clear(&planted);
}

Test(search, tries_one_when_the_budget_is_small)
{
    struct planted planted;
    struct node *report = NULL;
    planted_init(&planted, 20);
    planted.settings.epochs = 2;
    struct trainer *trainer = trainer_for(&planted, 1);
    struct trained *trained = select_with(&planted, trainer, 1e-6);
    const struct node *search = search_of(trained, &report);
    cr_assert_eq(node_count(node_get(search, "tried")), 1);
    node_destroy(report);
    trained_destroy(trained);
    trainer_destroy(trainer);
    planted_clear(&planted);
}

/* The program is linked so that the searches ask here what time it is. */
uint64_t __real_clock_monotonic_ns(void);
uint64_t __wrap_clock_monotonic_ns(void);

static uint64_t by_hand_ns; /* 0: the machine's own clock */

/* Whoever waits for a time to come sees it come. */
uint64_t __wrap_clock_monotonic_ns(void)
{
    return by_hand_ns ? by_hand_ns += 1000000 : __real_clock_monotonic_ns();
}

/* From here on steps take time and little else, whatever this machine does. For one thread. */
static void set_clock_by_hand(void)
{
    by_hand_ns = 1;
}

static double seconds_by_hand(void)
{
    return (double)by_hand_ns / 1e9;
}

/* A machine on which a step takes so many seconds. */
static bool take_long(void *context, const struct progress_step *step)
{
    (void)step;
    by_hand_ns += (uint64_t)(*(double *)context * 1e9);
    return true;
}

/* Of the one that was chosen; out_ran_out: says the search that the clock ended it? */
static int64_t epochs_of_chosen(const struct trained *trained, bool *out_ran_out)
{
    struct node *report = NULL;
    const struct node *search = search_of(trained, &report), *tried = node_get(search, "tried");
    const char *chosen = node_text(node_get(search, "chosen"), NULL);
    int64_t epochs = 0;
    for (size_t i = 0; i < node_count(tried); i++)
        if (strcmp(node_text(node_get(node_at(tried, i), "settings"), NULL), chosen) == 0)
            epochs = node_integer(node_get(node_at(tried, i), "epochs"));
    *out_ran_out = node_boolean(node_get(search, "ran_out_of_time"));
    node_destroy(report);
    return epochs;
}

static size_t tried_in(const struct trained *trained)
{
    struct node *report = NULL;
    size_t n = node_count(node_get(search_of(trained, &report), "tried"));
    node_destroy(report);
    return n;
}

/* Of the form that was given up first. */
static int64_t least_epochs_in(const struct trained *trained)
{
    struct node *report = NULL;
    const struct node *tried = node_get(search_of(trained, &report), "tried");
    int64_t least = INT64_MAX;
    for (size_t i = 0; i < node_count(tried); i++) {
        int64_t epochs = node_integer(node_get(node_at(tried, i), "epochs"));
        least = epochs < least ? epochs : least;
    }
    node_destroy(report);
    return least;
}

Test(search, ends_in_time_for_the_refit_on_a_slow_machine)
{
    struct planted planted;
    bool in_time_ran_out, late_ran_out;
    set_clock_by_hand();
    planted_init(&planted, 20);
    planted.settings.epochs = 12;
    planted.settings.patience = 0;
    struct trainer *trainer = trainer_for(&planted, 1);
    struct training_plan plan = {.settings = planted.settings, .budget_seconds = 10, .refit = true};
    const struct progress slow_steps = {take_long, &(double){.1}};
    struct trained *quick = select_with(&planted, trainer, plan.budget_seconds), *in_time = select_by(&plan, trainer, &slow_steps);
    plan.by_reckoning = true;
    struct trained *late = select_by(&plan, trainer, &slow_steps);
    cr_expect_str_eq(trained_facts(late)->report, trained_facts(quick)->report, "by reckoning no clock counts");
    cr_expect_lt(epochs_of_chosen(in_time, &in_time_ran_out), epochs_of_chosen(late, &late_ran_out));
    cr_expect(in_time_ran_out && !late_ran_out);
    cr_expect_eq(tried_in(in_time), 1, "one form is tried for long, not many for short");
    cr_expect_eq(tried_in(late), FORMS + VARIATIONS_MAX);
    trained_destroy(quick);
    trained_destroy(in_time);
    trained_destroy(late);
    trainer_destroy(trainer);
    planted_clear(&planted);
}

Test(search, leaves_out_no_more_than_a_slow_machine_has_no_time_for)
{
    struct planted planted;
    set_clock_by_hand();
    planted_init(&planted, 20);
    planted.settings.epochs = 12; /* where the plan has 25 */
    planted.settings.patience = 0;
    struct trainer *trainer = trainer_for(&planted, 1);
    struct training_plan plan = {.settings = planted.settings, .budget_seconds = 20, .refit = true, .by_reckoning = true};
    const struct progress slow_steps = {take_long, &(double){.1}};
    struct trained *whole = select_by(&plan, trainer, &slow_steps);
    plan.budget_seconds = 1.6 * seconds_by_hand();
    plan.by_reckoning = false;
    struct trained *part = select_by(&plan, trainer, &slow_steps);
    cr_expect_gt(tried_in(part), 1, "some forms race, others are left out");
    cr_expect_lt(least_epochs_in(part), least_epochs_in(whole), "before that the first round is shortened");
    trained_destroy(whole);
    trained_destroy(part);
    trainer_destroy(trainer);
    planted_clear(&planted);
}

/* A machine that is busy for so many steps only. */
static bool take_long_at_first(void *context, const struct progress_step *step)
{
    unsigned *n_left = context;
    double seconds = *n_left > 0 ? 1 : .02;
    *n_left -= *n_left > 0;
    return take_long(&seconds, step);
}

/* The budget is too small for the whole plan at the speed of the beginning, and several times what it takes at that of the end. */
Test(search, varies_dropout_after_all_when_a_busy_machine_has_become_quiet)
{
    struct planted planted;
    unsigned n_slow_steps = 50;
    set_clock_by_hand();
    planted_init(&planted, 20);
    planted.settings.epochs = 12;
    planted.settings.patience = 0;
    struct trainer *trainer = trainer_for(&planted, 1);
    struct training_plan plan = {.settings = planted.settings, .budget_seconds = 600, .refit = true, .by_reckoning = true};
    struct trained *quiet = select_by(&plan, trainer, &(struct progress){take_long, &(double){.02}});
    plan.budget_seconds = 300 + 5 * seconds_by_hand();
    plan.by_reckoning = false;
    struct trained *trained = select_by(&plan, trainer, &(struct progress){take_long_at_first, &n_slow_steps});
    cr_expect_eq(n_slow_steps, 0);
    cr_expect_gt(tried_in(trained), 1);
    trained_destroy(quiet);
    trained_destroy(trained);
    trainer_destroy(trainer);
    planted_clear(&planted);
}

Test(search, chooses_the_same_at_any_thread_count)
{
    struct planted planted;
    planted_init(&planted, 20);
    planted.settings.epochs = 4;
    struct trainer *one = trainer_for(&planted, 1), *three = trainer_for(&planted, 3);
    struct trained *a = select_with(&planted, one, 600), *b = select_with(&planted, three, 600);
    cr_expect_str_eq(trained_facts(a)->report, trained_facts(b)->report);
    cr_expect_str_eq(trained_facts(a)->settings, trained_facts(b)->settings);
    trained_destroy(a);
    trained_destroy(b);
    trainer_destroy(one);
    trainer_destroy(three);
    planted_clear(&planted);
}

Test(refit, learns_from_everything_and_says_whose_refit_it_is)
{
    struct planted planted;
    struct trained *refit = NULL;
    struct error error = {.detail = ""};
    planted_init(&planted, 80);
    planted.settings.epochs = 5;
    struct trainer *trainer = trainer_for(&planted, 2);
    struct trained *selected = select_with(&planted, trainer, 0);
    cr_assert(trainer_refit(trainer, selected, "m0123456789abcdef", NULL, NULL, &refit, &error) == STATUS_OK, "%s", error.detail);
    const struct model_facts *facts = trained_facts(refit), *of_selected = trained_facts(selected);
    cr_expect_str_eq(of_selected->role, "selected");
    cr_expect_str_eq(facts->role, "refit");
    cr_expect_str_eq(facts->selected_version, "m0123456789abcdef");
    cr_expect_gt(facts->n_events, of_selected->n_events);
    cr_expect_eq(facts->epochs, of_selected->epochs);
    cr_expect_eq(facts->figures[METHOD_BLEND].ndcg10, of_selected->figures[METHOD_BLEND].ndcg10, "a refit has no figures of its own");
    cr_expect_str_eq(facts->settings, of_selected->settings);
    trained_destroy(refit);
    trained_destroy(selected);
    trainer_destroy(trainer);
    planted_clear(&planted);
}

Test(refit, is_told_apart_after_it_was_written)
{
    struct planted planted;
    struct trained *refit = NULL;
    struct error error = {.detail = ""};
    struct model_draft *draft = NULL;
    struct model *model = NULL;
    char path[160];
    planted_init(&planted, 40);
    planted.settings.epochs = 2;
    struct trainer *trainer = trainer_for(&planted, 1);
    struct trained *selected = select_with(&planted, trainer, 0);
    cr_assert(trainer_refit(trainer, selected, "m0123456789abcdef", NULL, NULL, &refit, &error) == STATUS_OK, "%s", error.detail);
    cr_assert(trained_draft(refit, planted.item_ids, &draft, &error) == STATUS_OK, "%s", error.detail);
    cr_assert(model_draft_write(draft, planted.directory, &error) == STATUS_OK, "%s", error.detail);
    (void)snprintf(path, sizeof path, "%s/%s.safetensors", planted.directory, model_draft_version(draft));
    cr_assert(model_open(path, &model, &error) == STATUS_OK, "%s", error.detail);
    cr_expect_str_eq(model_facts(model)->version, model_draft_version(draft));
    cr_expect_str_eq(model_facts(model)->role, "refit");
    cr_expect_str_eq(model_facts(model)->selected_version, "m0123456789abcdef");
    cr_expect_str_eq(model_facts(model)->report, trained_facts(refit)->report);
    cr_expect_str_eq(model_facts(model)->settings, trained_facts(refit)->settings);
    model_close(model);
    model_draft_destroy(draft);
    trained_destroy(refit);
    trained_destroy(selected);
    trainer_destroy(trainer);
    planted_clear(&planted);
}

/* The loss of the first epoch, from the report. */
static double first_loss(const struct trained *trained)
{
    struct node *report = NULL;
    struct error error = {.detail = ""};
    const char *text = trained_facts(trained)->report;
    cr_assert(node_parse(text, strlen(text), &report, &error) == STATUS_OK, "%s", error.detail);
    double loss = node_number(node_get(node_at(node_get(report, "curve"), 0), "loss"));
    node_destroy(report);
    return loss;
}

Test(trainer, goes_on_from_a_model_that_knows_fewer_items)
{
    struct planted planted;
    char version[MODEL_VERSION_BYTES];
    struct model *model = NULL;
    struct error error = {.detail = ""};
    struct trained *cold = NULL, *warm = NULL;
    planted_init(&planted, 200);
    cr_assert(model_open(planted_train(&planted, version), &model, &error) == STATUS_OK, "%s", error.detail);
    planted.dataset->n_items += 5; /* came later; nobody has touched them yet */
    planted.settings.epochs = 1;
    struct trainer *trainer = trainer_for(&planted, 2);
    struct training_plan plan = {.settings = planted.settings};
    cr_assert(trainer_select(trainer, &plan, NULL, &cold, &error) == STATUS_OK, "%s", error.detail);
    plan.start = model;
    cr_assert(trainer_select(trainer, &plan, NULL, &warm, &error) == STATUS_OK, "%s", error.detail);
    cr_expect_lt(first_loss(warm), .8 * first_loss(cold), "%g, from nothing %g", first_loss(warm), first_loss(cold));
    cr_expect_eq(trained_facts(warm)->shape.n_items, PLANTED_ITEMS + 5);
    trained_destroy(cold);
    trained_destroy(warm);
    trainer_destroy(trainer);
    model_close(model);
    planted.dataset->n_items -= 5;
    planted_clear(&planted);
}

Test(trainer, starts_afresh_when_the_network_has_another_form)
{
    struct planted planted;
    char version[MODEL_VERSION_BYTES];
    struct model *model = NULL;
    struct error error = {.detail = ""};
    struct trained *cold = NULL, *other = NULL;
    planted_init(&planted, 60);
    planted.settings.epochs = 1;
    cr_assert(model_open(planted_train(&planted, version), &model, &error) == STATUS_OK, "%s", error.detail);
    planted.settings.shape.width = 24;
    struct trainer *trainer = trainer_for(&planted, 1);
    struct training_plan plan = {.settings = planted.settings};
    cr_assert(trainer_select(trainer, &plan, NULL, &cold, &error) == STATUS_OK, "%s", error.detail);
    plan.start = model;
    cr_assert(trainer_select(trainer, &plan, NULL, &other, &error) == STATUS_OK, "%s", error.detail);
    cr_expect_eq(first_loss(cold), first_loss(other));
    trained_destroy(cold);
    trained_destroy(other);
    trainer_destroy(trainer);
    model_close(model);
    planted_clear(&planted);
}

/* Seconds of an epoch of the dearest and of the cheapest form. */
static void read_costs(struct planted *planted, double *out_dearest, double *out_cheapest)
{
    struct sequences sequences;
    struct candidate candidates[FORMS_MAX];
    planted->settings.shape.n_items = planted->dataset->n_items;
    planted->settings.shape.n_types = planted->dataset->n_types;
    cr_assert(sequences_init(&sequences, planted->dataset, planted->split, &planted->settings.type_weights) == STATUS_OK);
    *out_dearest = 0;
    *out_cheapest = INFINITY;
    for (unsigned i = 0, n = candidates_forms(&sequences, &(struct traits){0}, &planted->settings, candidates); i < n; i++) {
        double seconds = candidate_epoch_seconds(&sequences, planted->split->n_held_out, &candidates[i].settings);
        *out_dearest = fmax(*out_dearest, seconds);
        *out_cheapest = fmin(*out_cheapest, seconds);
    }
    sequences_clear(&sequences);
}

Test(search, gives_up_epochs_before_it_gives_up_wide_forms)
{
    struct planted planted;
    struct node *report = NULL;
    double dearest = 0, cheapest = 0;
    planted_init(&planted, 20);
    planted.settings.epochs = 30;
    read_costs(&planted, &dearest, &cheapest);
    double budget = 31 * dearest; /* two forms of five epochs, seven more of one, twelve of a refit that sees a tenth more */
    cr_assert_lt(2.1 * 25 * cheapest, budget, "a narrow form and its refit would fit");
    struct trainer *trainer = trainer_for(&planted, 2);
    struct trained *trained = select_with(&planted, trainer, budget / SEARCH_SHARE);
    const struct node *tried = node_get(search_of(trained, &report), "tried");
    cr_assert_geq(node_count(tried), 2);
    cr_expect(strstr(node_text(node_get(node_at(tried, 0), "settings"), NULL), "width 128"));
    node_destroy(report);
    trained_destroy(trained);
    trainer_destroy(trainer);
    planted_clear(&planted);
}

Test(search, ends_the_winner_when_the_budget_is_spent)
{
    struct planted planted;
    double dearest = 0, cheapest = 0;
    planted_init(&planted, 20);
    planted.settings.epochs = 1000;
    planted.settings.patience = 0;
    read_costs(&planted, &dearest, &cheapest);
    struct trainer *trainer = trainer_for(&planted, 1);
    struct trained *trained = select_with(&planted, trainer, 14 * cheapest / SEARCH_SHARE); /* six epochs, and six of the refit */
    struct training_settings settings = planted.settings;
    struct error error = {.detail = ""};
    cr_assert(training_settings_read(trained_facts(trained)->settings, &settings, &error) == STATUS_OK);
    cr_expect_eq(settings.epochs, 6, "%u epochs", settings.epochs);
    trained_destroy(trained);
    trainer_destroy(trainer);
    planted_clear(&planted);
}
