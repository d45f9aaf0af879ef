/* Answers with kept encoder states equal answers without, whatever happened to the user: both are asked of the same service, by taking its
 * cache away for the second. Scores may differ by rounding. */
#include "tests/unit/server/app_fixture.h"

#include "core/base/random.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define TOLERANCE 1e-4f
#define N_SCORES  256u

static struct fixture fixture;
static char versions[2][MODEL_VERSION_BYTES];

static void write_event_at(const char *user_id, const char *item_id, const char *type, int64_t back_ms)
{
    struct event_input event = fixture_event_input(user_id, item_id, type);
    event.at_ms -= back_ms;
    cr_assert_eq(fixture_write(&fixture, &(struct write){.kind = WRITE_EVENTS, .events = &event, .n = 1}), STATUS_OK);
}

/* Two models, and a cache of so many bytes. */
static void open_service(int64_t cache_bytes, int64_t behaviour_bytes)
{
    fixture_open(&fixture);
    fixture_fill(&fixture, 40, 30);
    write_event_at("user-0", "item-3", "dislike", 0);
    fixture_stop(&fixture);
    for (int i = 0; i < 2; i++)
        fixture_train(&fixture, i + 1, versions[i]);
    fixture.settings.encoder_cache_bytes = cache_bytes;
    fixture.settings.behaviour_max_bytes = behaviour_bytes;
    fixture_start(&fixture);
    cr_assert(fixture_live_version(&fixture), "the models were not adopted");
}

static void close_service(void)
{
    fixture_close(&fixture);
}

TestSuite(encoding, .fini = close_service, .timeout = 120);

static uint64_t n_encoded(enum encoding_way way)
{
    return atomic_load(&fixture.app->figures.encodings[way]);
}

/* out_scores[item] of every item, -INFINITY for those that are not answered. */
static void ask(const char *user_id, const struct context_event *context, size_t n_context, float out_scores[N_SCORES])
{
    struct recommend_query query = {
        .user_id = user_id, .limit = N_SCORES / 2, .kind = KIND_ANY, .context_events = context, .n_context_events = n_context};
    struct recommendations answer;
    struct error error = {0};
    for (unsigned i = 0; i < N_SCORES; i++)
        out_scores[i] = -INFINITY;
    arena_reset(fixture.arena);
    unsigned slot = app_enter(fixture.app);
    cr_assert_eq(app_recommend(fixture.app, &query, fixture.arena, &answer, &error), STATUS_OK, "%s", error.detail);
    cr_assert_not(answer.degraded);
    for (size_t i = 0; i < answer.n_items; i++) {
        cr_assert_lt(answer.items[i].item, N_SCORES);
        out_scores[answer.items[i].item] = answer.items[i].score + 100 * (float)answer.items[i].reason;
    }
    app_leave(fixture.app, slot);
}

/* Returns the way in which the service with a cache encoded the user (ENCODING_WAYS: not at all). */
static enum encoding_way expect_same(const char *user_id, const struct context_event *context, size_t n_context, const char *words)
{
    float kept[N_SCORES], anew[N_SCORES];
    uint64_t before[ENCODING_WAYS];
    enum encoding_way way = ENCODING_WAYS;
    for (int i = 0; i < ENCODING_WAYS; i++)
        before[i] = n_encoded((enum encoding_way)i);
    ask(user_id, context, n_context, kept);
    for (int i = 0; i < ENCODING_WAYS; i++)
        if (n_encoded((enum encoding_way)i) != before[i])
            way = (enum encoding_way)i;
    struct encoder_cache *cache = fixture.app->encoder_cache;
    fixture.app->encoder_cache = NULL; /* nobody else is in the service */
    ask(user_id, context, n_context, anew);
    fixture.app->encoder_cache = cache;
    for (unsigned i = 0; i < N_SCORES; i++) {
        bool is_same = isinf(kept[i]) ? kept[i] == anew[i] : fabsf(kept[i] - anew[i]) <= TOLERANCE * (1 + fabsf(anew[i]));
        cr_assert(is_same, "%s: item %u of %s scores %.9g with a kept state (way %d), %.9g without", words, i, user_id, (double)kept[i],
                  (int)way, (double)anew[i]);
    }
    return way;
}

static void expect_way(const char *user_id, enum encoding_way way, const char *words)
{
    cr_assert_eq(expect_same(user_id, NULL, 0, words), way, "%s: way %d was expected", words, (int)way);
}

Test(encoding, goes_on_from_a_kept_state)
{
    open_service(1 << 20, 1 << 20);
    expect_way("user-1", ENCODING_WHOLE, "the first question");
    expect_way("user-1", ENCODING_KEPT, "the same again");
    for (int i = 0; i < 60; i++) {
        char item[32];
        (void)snprintf(item, sizeof item, "item-%d", i * 7 % 30);
        write_event_at("user-1", item, i % 5 ? "view" : "dislike", 0);
        expect_way("user-1", ENCODING_ADVANCED, "an event later");
    }
    for (int i = 0; i < 3; i++)
        write_event_at("user-1", "item-3", "view", 0);
    expect_way("user-1", ENCODING_ADVANCED, "three events later");
    for (int i = 0; i < 30; i++)
        write_event_at("user-1", "item-3", "view", 0);
    expect_way("user-1", ENCODING_WHOLE, "so many events later that it is cheaper to start again");
}

Test(encoding, starts_again_after_a_late_event)
{
    open_service(1 << 20, 1 << 20);
    for (int i = 0; i < 10; i++)
        write_event_at("late", i % 2 ? "item-1" : "item-2", "view", 0);
    expect_way("late", ENCODING_WHOLE, "before");
    write_event_at("late", "item-5", "view", 3500);
    expect_way("late", ENCODING_WHOLE, "an event between others");
    expect_way("late", ENCODING_KEPT, "again");
}

Test(encoding, does_not_care_for_events_that_the_model_cannot_read)
{
    open_service(1 << 20, 1 << 20);
    expect_way("user-2", ENCODING_WHOLE, "before");
    write_event_at("user-2", "item-new", "view", 0);
    expect_way("user-2", ENCODING_KEPT, "an item that came after the training");
    write_event_at("user-2", "item-4", "impression", 0);
    expect_way("user-2", ENCODING_KEPT, "a type that counts nothing");
    write_event_at("user-2", "item-4", "never-seen-before", 0);
    expect_way("user-2", ENCODING_ADVANCED, "a type that came after the training");
}

Test(encoding, goes_on_while_half_of_the_items_are_new_to_the_model)
{
    open_service(1 << 20, 1 << 20);
    for (int i = 0; i < 70; i++) {
        char known[32], later[32];
        (void)snprintf(known, sizeof known, "item-%d", i * 7 % 30);
        (void)snprintf(later, sizeof later, "later-%d", i);
        write_event_at("user-4", later, "view", 0);
        write_event_at("user-4", known, "view", 0);
        enum encoding_way way = expect_same("user-4", NULL, 0, "every other item is new");
        cr_assert_eq(way, i ? ENCODING_ADVANCED : ENCODING_WHOLE, "way %d with event %d", (int)way, i);
    }
}

Test(encoding, keeps_no_events_of_a_question)
{
    open_service(1 << 20, 1 << 20);
    const struct context_event context[] = {{.item_id = "item-7", .type = "view"},
                                            {.item_id = "nobody knows", .type = "view"},
                                            {.item_id = "item-9", .type = "view"},
                                            {.item_id = "item-9", .type = "a new type"}};
    cr_assert_eq(expect_same("user-3", context, 4, "a first question with context"), ENCODING_WHOLE);
    expect_way("user-3", ENCODING_KEPT, "without");
    cr_assert_eq(expect_same("user-3", context, 4, "with"), ENCODING_ADVANCED);
    expect_way("user-3", ENCODING_KEPT, "without, after");
    write_event_at("user-3", "item-11", "view", 0);
    cr_assert_eq(expect_same("user-3", context, 4, "with a new event before the context"), ENCODING_ADVANCED);
    expect_way("user-3", ENCODING_KEPT, "the new event alone");
    cr_assert_eq(expect_same("who is this", context, 4, "a stranger"), ENCODING_WHOLE);
    cr_assert_eq(expect_same(NULL, context, 4, "nobody"), ENCODING_WHOLE);
}

Test(encoding, takes_a_question_with_more_events_than_the_model_sees)
{
    static struct context_event context[130];
    static char items[30][32];
    open_service(1 << 20, 1 << 20);
    for (int i = 0; i < 30; i++)
        (void)snprintf(items[i], sizeof items[i], "item-%d", i);
    for (int i = 0; i < 130; i++)
        context[i] = (struct context_event){.item_id = items[i * 11 % 30], .type = i % 4 ? "view" : "dislike"};
    for (size_t n = 1; n <= 130; n += 1 + n / 3)
        (void)expect_same("user-5", context, n, "context and behaviour");
    for (size_t n = 1; n <= 130; n += 1 + n / 3)
        (void)expect_same("a stranger", context, n, "context alone");
}

Test(encoding, forgets_who_is_erased)
{
    open_service(1 << 20, 1 << 20);
    struct encoder_cache_figures figures;
    expect_way("user-6", ENCODING_WHOLE, "before");
    encoder_cache_measure(fixture.app->encoder_cache, &figures);
    cr_assert_eq(figures.n_users, 1);
    cr_assert_eq(fixture_write(&fixture, &(struct write){.kind = WRITE_USER_ERASE, .id = "user-6"}), STATUS_OK);
    encoder_cache_measure(fixture.app->encoder_cache, &figures);
    cr_assert_eq(figures.n_users, 0);
    expect_way("user-6", ENCODING_WAYS, "erased");
    write_event_at("user-6", "item-1", "view", 0);
    expect_way("user-6", ENCODING_WHOLE, "the same id is another user");
}

Test(encoding, starts_again_with_another_model)
{
    open_service(1 << 20, 1 << 20);
    for (int i = 0; i < 4; i++) {
        cr_assert_eq(fixture_write(&fixture, &(struct write){.kind = WRITE_MODEL_ACTIVATE, .id = versions[i % 2]}), STATUS_OK);
        cr_assert_str_eq(fixture_live_version(&fixture), versions[i % 2]);
        expect_way("user-7", ENCODING_WHOLE, "a fresh model");
        expect_way("user-7", ENCODING_KEPT, "again");
    }
}

Test(encoding, without_a_cache_encodes_everything)
{
    open_service(0, 1 << 20);
    cr_assert_null(fixture.app->encoder_cache);
    expect_way("user-8", ENCODING_WHOLE, "first");
    expect_way("user-8", ENCODING_WHOLE, "again");
}

/* --- everything that can happen, in any order --- */

enum { USERS = 7, STEPS = 700, CONTEXT_MAX = 5 };

static struct random dice;

static uint32_t roll(uint32_t n)
{
    return (uint32_t)random_below(&dice, n);
}

static const char *any_item(void)
{
    static char text[2 * CONTEXT_MAX][32];
    static unsigned turn;
    char *item = text[turn++ % (2 * CONTEXT_MAX)];
    (void)snprintf(item, sizeof text[0], roll(8) ? "item-%u" : "new-%u", roll(30)); // NOLINT: both are texts of ours
    return item;
}

static const char *any_type(void)
{
    static const char *const types[] = {"view", "view", "view", "view", "dislike", "impression", "a later type", "one more"};
    return types[roll(8)];
}

static void happen(const char *user_id)
{
    uint32_t what = roll(100);
    if (what < 50) {
        for (uint32_t n = roll(4); n > 0; n--)
            write_event_at(user_id, any_item(), any_type(), 0);
    } else if (what < 65) {
        write_event_at(user_id, any_item(), any_type(), roll(60) * 500); /* late, or at the same time as another */
    } else if (what < 70) {
        for (uint32_t n = roll(40); n > 0; n--)
            write_event_at(user_id, any_item(), any_type(), 0);
    } else if (what < 72) {
        (void)fixture_write(&fixture, &(struct write){.kind = WRITE_USER_ERASE, .id = user_id});
    } else if (what < 74) {
        cr_assert_eq(fixture_write(&fixture, &(struct write){.kind = WRITE_MODEL_ACTIVATE, .id = versions[roll(2)]}), STATUS_OK);
    }
}

static void live_through(const char *words)
{
    static char users[USERS][32];
    random_init(&dice, 20240608, 1);
    for (unsigned i = 0; i < USERS; i++)
        (void)snprintf(users[i], sizeof users[i], "user-%u", i);
    for (unsigned step = 0; step < STEPS; step++) {
        struct context_event context[CONTEXT_MAX];
        size_t n_context = roll(3) ? 0 : 1 + roll(CONTEXT_MAX);
        happen(users[roll(USERS)]);
        for (size_t i = 0; i < n_context; i++)
            context[i] = (struct context_event){.item_id = any_item(), .type = any_type()};
        (void)expect_same(users[roll(USERS)], context, n_context, words);
    }
    for (int way = 0; way < ENCODING_WAYS; way++)
        cr_assert_gt(n_encoded((enum encoding_way)way), STEPS / 20, "way %d was hardly taken", way);
}

Test(encoding, equals_encoding_anew_whatever_happens)
{
    open_service(1 << 20, 1 << 20);
    live_through("with room for all");
}

Test(encoding, equals_encoding_anew_with_little_memory)
{
    open_service(4 * 8200, 65536);
    live_through("with room for three states");
    struct encoder_cache_figures figures;
    encoder_cache_measure(fixture.app->encoder_cache, &figures);
    cr_assert_gt(figures.n_evicted, 50);
    cr_assert_leq(figures.bytes, 4 * 8200);
}
