/* A training over items of which something is known ends with a tower in its model, and the model's file keeps it. */
#include "colour_shop.h"

#include "core/base/node.h"
#include "core/content_phase.h"
#include "core/model_network.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The shop, and a directory for models of it. */
struct business {
    struct shop shop;
    struct training_contents contents;
    struct training_settings settings;
    char ids[SHOP_ITEMS][16];
    const char *item_ids[SHOP_ITEMS];
    char directory[64], path[160];
};

static void open_business(struct business *business)
{
    *business = (struct business){.settings = training_settings_default(), .directory = "/tmp/business-XXXXXX"};
    cr_assert(mkdtemp(business->directory));
    shop_init(&business->shop, 0, 0, 1);
    business->contents =
        (struct training_contents){.items = business->shop.contents, .picture_width = SHOP_PICTURE, .picture_version = "p0123456789abcdef"};
    for (uint32_t v = 0; v < SHOP_ITEMS; v++) {
        (void)snprintf(business->ids[v], sizeof business->ids[v], "item-%u", v);
        business->item_ids[v] = business->ids[v];
    }
    struct training_settings *settings = &business->settings;
    settings->shape.width = 8;
    settings->shape.taps = 3;
    settings->shape.n_blocks = 1;
    settings->shape.history = 10;
    settings->batch_rows = 128;
    settings->learning_rate = .01f;
    settings->dropout = .1f;
    settings->averaging = 0;
    settings->epochs = 6;
}

static void close_business(struct business *business)
{
    (void)unlink(business->path);
    (void)rmdir(business->directory);
    shop_clear(&business->shop);
}

static struct trainer *trainer_of(const struct business *business, unsigned n_threads)
{
    struct trainer *trainer = NULL;
    struct error error = {.detail = ""};
    cr_assert_eq(trainer_create(business->shop.dataset, business->shop.split, n_threads, &trainer, &error), STATUS_OK, "%s", error.detail);
    trainer_set_contents(trainer, &business->contents);
    return trainer;
}

static struct trained *select_model(const struct business *business, struct trainer *trainer, const struct model *start)
{
    struct trained *trained = NULL;
    struct error error = {.detail = ""};
    const struct training_plan plan = {.settings = business->settings, .start = start};
    cr_assert_eq(trainer_select(trainer, &plan, NULL, &trained, &error), STATUS_OK, "%s", error.detail);
    return trained;
}

/* Written and opened again. */
static struct model *open_trained(struct business *business, const struct trained *trained)
{
    SCOPED(model_draft_destroy) struct model_draft *draft = NULL;
    struct model *model = NULL;
    struct error error = {.detail = ""};
    cr_assert_eq(trained_draft(trained, business->item_ids, &draft, &error), STATUS_OK, "%s", error.detail);
    (void)unlink(business->path);
    cr_assert_eq(model_draft_write(draft, business->directory, &error), STATUS_OK, "%s", error.detail);
    (void)snprintf(business->path, sizeof business->path, "%s/%s.safetensors", business->directory, model_draft_version(draft));
    cr_assert_eq(model_open(business->path, &model, &error), STATUS_OK, "%s", error.detail);
    return model;
}

/* The member "content" of the report; NULL: it has none. */
static const struct node *content_of(const struct trained *trained, struct node **out_report)
{
    struct error error = {.detail = ""};
    const char *report = trained_facts(trained)->report;
    cr_assert_eq(node_parse(report, strlen(report), out_report, &error), STATUS_OK, "%s", error.detail);
    return node_get(*out_report, "content");
}

Test(content_phase, leaves_a_placement_that_agrees_with_the_models_own_table)
{
    struct business business;
    struct node *report = NULL;
    open_business(&business);
    struct trainer *trainer = trainer_of(&business, 2);
    struct trained *trained = select_model(&business, trainer, NULL);
    const struct node *content = content_of(trained, &report);
    cr_assert(content && node_boolean(node_get(content, "is_used")));
    struct model *model = open_trained(&business, trained);
    const struct content_placement *placement = model_placement(model);
    SCOPED(content_pass_destroy) struct content_pass *pass = NULL;
    cr_assert(placement);
    cr_expect_str_eq(placement->picture_version, business.contents.picture_version);
    cr_assert_eq(content_pass_create(&placement->tower, 1, false, &pass, NULL), STATUS_OK);
    const struct tensors *at = &model_encoder(model)->tensors;
    for (uint32_t v = SHOP_ITEMS - SHOP_NEW; v < SHOP_ITEMS; v++) { /* nobody has touched them: the table has their content */
        float placed[9];
        content_placement_place(placement, pass, &business.shop.contents[v], placed);
        for (size_t c = 0; c < 8; c++)
            cr_expect_float_eq(placed[c], model_weights(model)[at->items + v * 8 + c], 1e-5);
        cr_expect_float_eq(placed[8], model_weights(model)[at->bias + v], 1e-5);
    }
    node_destroy(report);
    model_close(model);
    trained_destroy(trained);
    trainer_destroy(trainer);
    close_business(&business);
}

Test(content_phase, makes_the_same_file_at_any_number_of_threads)
{
    struct business business;
    char versions[2][MODEL_VERSION_BYTES];
    open_business(&business);
    for (unsigned i = 0; i < 2; i++) {
        struct trainer *trainer = trainer_of(&business, i + 1);
        struct trained *trained = select_model(&business, trainer, NULL);
        struct model *model = open_trained(&business, trained);
        memcpy(versions[i], model_facts(model)->version, MODEL_VERSION_BYTES);
        model_close(model);
        trained_destroy(trained);
        trainer_destroy(trainer);
    }
    cr_expect_str_eq(versions[0], versions[1]);
    close_business(&business);
}

Test(content_phase, is_repeated_by_the_refit_with_what_was_chosen)
{
    struct business business;
    struct error error = {.detail = ""};
    struct trained *refit = NULL;
    open_business(&business);
    struct trainer *trainer = trainer_of(&business, 2);
    struct trained *selected = select_model(&business, trainer, NULL);
    cr_assert_eq(trainer_refit(trainer, selected, "m0123456789abcdef", NULL, NULL, &refit, &error), STATUS_OK, "%s", error.detail);
    const struct evidence *chosen = &selected->placement.evidence, *repeated = &refit->placement.evidence;
    cr_assert(refit->placement.weights);
    cr_expect_eq(repeated->k, chosen->k);
    cr_expect_eq(repeated->shift, chosen->shift);
    cr_expect_eq(refit->content_epochs, selected->content_epochs);
    trained_destroy(refit);
    trained_destroy(selected);
    trainer_destroy(trainer);
    close_business(&business);
}

Test(content_phase, goes_on_from_the_live_models_tower_in_a_quarter_of_the_epochs)
{
    struct business business;
    struct node *first = NULL, *second = NULL;
    open_business(&business);
    struct trainer *trainer = trainer_of(&business, 2);
    struct trained *cold = select_model(&business, trainer, NULL);
    struct model *model = open_trained(&business, cold);
    struct trained *warm = select_model(&business, trainer, model);
    const struct node *anew = content_of(cold, &first), *going_on = content_of(warm, &second);
    cr_assert(anew && going_on);
    const struct node *curve = node_get(going_on, "curve");
    cr_expect_leq(node_count(curve), content_settings_default().epochs / 4);
    cr_expect_lt(node_number(node_get(node_at(curve, 0), "loss")), node_number(node_get(node_at(node_get(anew, "curve"), 0), "loss")));
    business.contents.picture_version = "pfedcba9876543210";
    struct trained *other = select_model(&business, trainer, model);
    node_destroy(second);
    going_on = content_of(other, &second);
    cr_expect_gt(node_count(node_get(going_on, "curve")), content_settings_default().epochs / 4, "other pictures: a new tower");
    node_destroy(first);
    node_destroy(second);
    model_close(model);
    trained_destroy(other);
    trained_destroy(warm);
    trained_destroy(cold);
    trainer_destroy(trainer);
    close_business(&business);
}

Test(content_phase, is_left_out_when_too_little_is_known)
{
    struct business business;
    struct node *report = NULL;
    open_business(&business);
    memset(business.shop.contents, 0, 10 * sizeof business.shop.contents[0]); /* 44 items with events are left */
    struct trainer *trainer = trainer_of(&business, 2);
    struct trained *trained = select_model(&business, trainer, NULL);
    cr_expect_null(content_of(trained, &report));
    cr_expect_null(trained->placement.weights);
    struct model *model = open_trained(&business, trained);
    cr_expect_null(model_placement(model));
    node_destroy(report);
    model_close(model);
    trained_destroy(trained);
    trainer_destroy(trainer);
    close_business(&business);
}

Test(content_phase, takes_what_it_needs_of_a_budget_and_no_more_than_its_share)
{
    struct business business;
    open_business(&business);
    struct training_ground ground = {.sequences = &business.shop.sequences, .contents = &business.contents};
    struct training_plan plan = {.settings = business.settings, .budget_seconds = 1e6, .refit = true};
    plan.settings.shape.n_items = SHOP_ITEMS;
    double needed = content_phase_seconds(&ground, &plan);
    cr_expect(needed > 0 && needed < CONTENT_SHARE * plan.budget_seconds);
    plan.refit = false;
    cr_expect_float_eq(content_phase_seconds(&ground, &plan), needed / 2, 1e-9 * needed);
    plan.budget_seconds = needed;
    cr_expect_eq(content_phase_seconds(&ground, &plan), CONTENT_SHARE * needed);
    plan.budget_seconds = 0;
    cr_expect_eq(content_phase_seconds(&ground, &plan), 0, "nothing to divide");
    ground.contents = NULL;
    plan.budget_seconds = 1e6;
    cr_expect_eq(content_phase_seconds(&ground, &plan), 0, "nothing is known of the items");
    close_business(&business);
}

/* --- files --- */

/* Write what is in the business's file with a change in its placement, and read it. */
static enum status write_changed(const struct business *business, void (*change)(struct content_placement *placement), struct error *error)
{
    struct model_content content = {0};
    char version[MODEL_VERSION_BYTES], path[160];
    cr_assert_eq(model_file_read(business->path, &content, error), STATUS_OK);
    change(&content.placement);
    const struct model_parts parts = {&content.header.facts, &content.tensors, content.weights, &content.placement, business->item_ids};
    cr_assert_eq(model_file_write(business->directory, &parts, version, error), STATUS_OK, "%s", error->detail);
    model_content_clear(&content);
    (void)snprintf(path, sizeof path, "%s/%s.safetensors", business->directory, version);
    enum status status = model_file_read(path, &content, error);
    model_content_clear(&content);
    if (strcmp(path, business->path) != 0)
        (void)unlink(path);
    return status;
}

static void change_nothing(struct content_placement *placement)
{
    (void)placement;
}

static void change_k(struct content_placement *placement)
{
    placement->evidence.k = -1;
}

static void change_to_nan(struct content_placement *placement)
{
    placement->weights[placement->tower.text_first + placement->tower.text.table + 7] = NAN;
}

static void change_words(struct content_placement *placement)
{
    placement->tower.shape.max_words = 1u << 20;
}

Test(content_phase, a_file_with_a_damaged_placement_is_refused)
{
    struct business business;
    struct error error = {.detail = ""};
    open_business(&business);
    struct trainer *trainer = trainer_of(&business, 2);
    struct trained *trained = select_model(&business, trainer, NULL);
    model_close(open_trained(&business, trained));
    cr_expect_eq(write_changed(&business, change_nothing, &error), STATUS_OK, "%s", error.detail);
    cr_expect_eq(write_changed(&business, change_k, &error), STATUS_CORRUPT);
    cr_expect(strstr(error.detail, "k -1 is negative"), "%s", error.detail);
    cr_expect_eq(write_changed(&business, change_to_nan, &error), STATUS_CORRUPT);
    cr_expect(strstr(error.detail, "content.text.embedding"), "%s", error.detail);
    cr_expect_eq(write_changed(&business, change_words, &error), STATUS_CORRUPT);
    cr_expect(strstr(error.detail, "max_words"), "%s", error.detail);
    trained_destroy(trained);
    trainer_destroy(trainer);
    close_business(&business);
}
