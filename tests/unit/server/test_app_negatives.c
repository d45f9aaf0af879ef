/* What a user turned down sinks in the next answers, and what is like it: dislikes, and impressions without a click. */
#include "tests/unit/server/app_fixture.h"

#include "core/negatives.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static struct fixture fixture;

static void open_service(void)
{
    fixture_open(&fixture);
}

static void close_service(void)
{
    fixture_close(&fixture);
}

TestSuite(app_negatives, .init = open_service, .fini = close_service, .timeout = 120);

static void add(const char *user, const char *item, const char *type)
{
    cr_assert_eq(fixture_event(&fixture, user, item, type), STATUS_OK);
}

static void add_pair(const char *user, const char *first, const char *second)
{
    add(user, first, "view");
    add(user, second, "view");
}

/* Start again with another weight for a type. */
static void set_weight(const char *name, const char *value)
{
    fixture_stop(&fixture);
    cr_assert_eq(settings_set(&fixture.settings, name, value, "test", NULL), STATUS_OK);
    fixture_start(&fixture);
}

static struct recommendations ask(const char *user, const struct context_event context[], size_t n_context)
{
    struct recommend_query query = {
        .user_id = user, .limit = 60, .kind = KIND_ANY, .context_events = context, .n_context_events = n_context};
    struct recommendations answer;
    struct error error = {0};
    arena_reset(fixture.arena);
    unsigned slot = app_enter(fixture.app);
    cr_assert_eq(app_recommend(fixture.app, &query, fixture.arena, &answer, &error), STATUS_OK, "%s", error.detail);
    app_leave(fixture.app, slot);
    return answer;
}

/* The answer with seen items in it, as "a b c". */
static const char *order_for(const char *user)
{
    struct recommendations answer = ask(user, NULL, 0);
    return fixture_items(&fixture, &answer);
}

static const char *order_with(const char *user, const char *item, const char *type)
{
    struct recommendations answer = ask(user, &(struct context_event){.item_id = item, .type = type}, 1);
    return fixture_items(&fixture, &answer);
}

/* "hit" is what many use: it gives popularity a spread, and is the first of every answer. Of x and y the fresher one is ahead by a hair. */
static void fill(void)
{
    static const char *const users[] = {"h-1", "h-2", "h-3", "h-4", "h-5", "h-6"};
    for (int i = 0; i < 6; i++)
        add(users[i], "hit", "view");
    add("other-x", "x", "view");
    add("other-y", "y", "view");
    cr_assert_str_eq(order_for("stranger"), "hit y x");
}

/* a goes with x, b with y. */
static void fill_pairs(void)
{
    fill();
    add("other-x", "a", "view");
    add("other-y", "b", "view");
    cr_assert_str_eq(order_for("stranger"), "hit b a y x");
}

/* --- what was disliked --- */

Test(app_negatives, lower_a_disliked_item_that_may_be_shown)
{
    fill();
    add("u", "y", "dislike");
    cr_expect_str_eq(order_for("u"), "hit x y");
    cr_expect_str_eq(order_for("stranger"), "hit y x");
}

Test(app_negatives, lower_what_is_like_a_disliked_item)
{
    fill_pairs();
    add("u", "y", "dislike");
    cr_expect_str_eq(fixture_recommend(&fixture, "u", 10), "hit a x b");
}

Test(app_negatives, are_off_with_a_weight_of_zero)
{
    fill_pairs();
    set_weight("weights.dislike", "0");
    add("u", "y", "dislike");
    cr_expect_str_eq(order_for("u"), "hit b a y x");
    cr_expect_str_eq(fixture_recommend(&fixture, "u", 10), "hit b a y x", "not even seen");
}

Test(app_negatives, may_be_of_any_type)
{
    fill_pairs();
    set_weight("weights.refund", "-2");
    add("u", "y", "refund");
    cr_expect_str_eq(fixture_recommend(&fixture, "u", 10), "hit a x b");
}

/* --- what was shown and not taken --- */

Test(app_negatives, lower_what_was_shown_and_not_taken_at_once)
{
    fill();
    add("u", "y", "impression");
    cr_expect_str_eq(order_for("u"), "hit x y");
    cr_expect_str_eq(fixture_recommend(&fixture, "u", 10), "hit x y", "shown is not seen");
    cr_expect_str_eq(order_for("stranger"), "hit y x");
}

Test(app_negatives, lower_most_what_was_shown_most)
{
    fill();
    add("u", "x", "impression");
    for (int i = 0; i < 3; i++)
        add("u", "y", "impression");
    cr_expect_str_eq(order_for("u"), "hit x y");
    for (int i = 0; i < 9; i++)
        add("u", "x", "impression");
    cr_expect_str_eq(order_for("u"), "hit y x");
}

Test(app_negatives, let_an_item_come_back_after_a_click)
{
    fill();
    for (int i = 0; i < 5; i++)
        add("u", "y", "impression");
    add("other-2", "x", "click"); /* so that it is not the click alone that makes the difference */
    cr_assert_str_eq(order_for("u"), "hit x y");
    add("u", "y", "click");
    cr_expect_str_eq(order_for("u"), "hit y x");
    add("u", "y", "impression");
    cr_expect_str_eq(order_for("u"), "hit x y", "shown again, and not taken again");
}

Test(app_negatives, count_no_impressions_of_weight_zero)
{
    fill();
    set_weight("weights.impression", "0");
    for (int i = 0; i < 20; i++)
        add("u", "y", "impression");
    cr_expect_str_eq(order_for("u"), "hit y x");
}

/* --- events that come with the question --- */

Test(app_negatives, count_events_that_come_with_the_question)
{
    fill();
    cr_expect_str_eq(order_with(NULL, "y", "impression"), "hit x y");
    cr_expect_str_eq(order_with(NULL, "y", "dislike"), "hit x y");
    cr_expect_str_eq(order_for(NULL), "hit y x");
}

Test(app_negatives, are_answered_by_a_newer_click_that_comes_with_the_question)
{
    const struct context_event clicked[] = {{"y", "impression"}, {"y", "click"}}, shown[] = {{"y", "click"}, {"y", "impression"}};
    fill();
    struct recommendations answer = ask(NULL, clicked, 2);
    cr_expect_str_eq(fixture_items(&fixture, &answer), "hit y x");
    answer = ask(NULL, shown, 2);
    cr_expect_str_eq(fixture_items(&fixture, &answer), "hit x y");
    add("u", "y", "impression");
    cr_expect_str_eq(order_with("u", "y", "click"), "hit y x", "a stored one");
}

/* --- weights above 0 --- */

/* After a one user bought x and two viewed y. */
static void fill_purchases(void)
{
    add("other-1", "a", "view");
    add("other-1", "x", "purchase");
    for (int i = 2; i < 4; i++)
        add_pair((const char *[]){"other-2", "other-3"}[i - 2], "a", "y");
    add("u", "a", "view");
}

Test(app_negatives, leave_positive_weights_to_the_neighbours)
{
    fill_purchases();
    cr_expect_str_eq(fixture_recommend(&fixture, "u", 10), "y x");
    set_weight("weights.purchase", "3");
    cr_expect_str_eq(fixture_recommend(&fixture, "u", 10), "x y");
}

/* --- with a model, over a restart --- */

static float score_of(const struct recommendations *answer, const char *item)
{
    float score = NAN;
    unsigned slot = app_enter(fixture.app);
    for (size_t i = 0; i < answer->n_items; i++)
        if (strcmp(app_item(fixture.app, answer->items[i].item)->item_id, item) == 0)
            score = answer->items[i].score;
    app_leave(fixture.app, slot);
    return score;
}

static void start_with_model(void)
{
    char version[MODEL_VERSION_BYTES];
    fixture_fill(&fixture, 40, 30);
    fixture_stop(&fixture);
    fixture_train(&fixture, 1, version);
    fixture_start(&fixture);
    cr_assert(fixture_live_version(&fixture));
}

/* An impression is no input of the encoder: the scores are those of the answer before, but for what is taken from them. Without neighbours
 * every item has its own score, whether the user had it or not. */
Test(app_negatives, take_from_the_scores_of_the_network)
{
    float before[30], lowered[30], strength = NEGATIVES_WEAK_MOST * (1 - expf(-.05F / NEGATIVES_WEAK_MOST));
    char item[32];
    fixture.settings.neighbours_weight = 0;
    start_with_model();
    struct recommendations answer = ask("user-1", NULL, 0);
    for (int i = 0; i < 30; i++) {
        (void)snprintf(item, sizeof item, "item-%d", i);
        before[i] = score_of(&answer, item);
    }
    struct score_scale scale = negatives_scale(before, 30);
    add("user-1", "item-3", "impression");
    answer = ask("user-1", NULL, 0);
    for (int i = 0; i < 30; i++) {
        (void)snprintf(item, sizeof item, "item-%d", i);
        lowered[i] = before[i] - score_of(&answer, item);
    }
    for (int i = 0; i < 30; i++)
        cr_expect(lowered[i] > -1e-4F && lowered[i] <= lowered[3] + 1e-4F, "item-%d by %g", i, (double)lowered[i]);
    cr_expect(scale.height > scale.deviation);
    cr_expect_float_eq(lowered[3], strength * scale.height, 1e-4F, "by %g", (double)lowered[3]);
}

Test(app_negatives, are_the_same_after_a_restart)
{
    static const char *const users[] = {"user-1", "user-2", "user-3"};
    char before[3][512];
    start_with_model();
    for (int i = 0; i < 30; i++) {
        char item[32];
        (void)snprintf(item, sizeof item, "item-%d", i * 7 % 30);
        add("user-1", item, i % 5 ? "impression" : i % 2 ? "view" : "dislike");
        add("user-2", item, i % 3 ? "impression" : "view");
        if (i < 4)
            add("user-3", item, "impression");
    }
    for (int i = 0; i < 3; i++)
        (void)snprintf(before[i], sizeof before[i], "%s", order_for(users[i]));
    fixture_stop(&fixture);
    fixture_start(&fixture);
    for (int i = 0; i < 3; i++)
        cr_expect_str_eq(order_for(users[i]), before[i]);
    fixture_stop(&fixture);
    fixture.settings.behaviour_max_bytes = 1; /* read again from the store */
    fixture_start(&fixture);
    for (int i = 0; i < 9; i++)
        cr_expect_str_eq(order_for(users[i % 3]), before[i % 3]);
}
