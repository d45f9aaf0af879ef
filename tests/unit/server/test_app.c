/* The service end to end, in one process: what is written is in the next answer, after a failure nothing has changed, after a restart
 * everything is back. */
#include "tests/unit/server/app_fixture.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static struct fixture fixture;

static void open_service(void)
{
    fixture_open(&fixture);
}

static void close_service(void)
{
    fixture_close(&fixture);
}

TestSuite(app, .init = open_service, .fini = close_service, .timeout = 120);

/* --- events --- */

Test(app, has_an_acknowledged_event_in_the_very_next_answer_1000_of_1000_times)
{
    char item[32], user[32];
    for (int i = 0; i < 200; i++) {
        (void)snprintf(item, sizeof item, "item-%d", i);
        cr_assert_eq(fixture_item(&fixture, item, NULL), STATUS_OK);
    }
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(item, sizeof item, "item-%d", i * 7 % 200);
        (void)snprintf(user, sizeof user, "user-%d", i / 150);
        struct event_input event = fixture_event_input(user, item, "view");
        struct write write = {.kind = WRITE_EVENTS, .events = &event, .n = 1};
        cr_assert_eq(fixture_write(&fixture, &write), STATUS_OK);
        struct recommend_query query = {.user_id = user, .limit = 200, .kind = KIND_ANY, .exclude_seen = true};
        struct recommendations answer;
        arena_reset(fixture.arena);
        unsigned slot = app_enter(fixture.app);
        cr_assert_eq(app_recommend(fixture.app, &query, fixture.arena, &answer, NULL), STATUS_OK);
        cr_assert_geq(answer.seen_seq, write.seq);
        for (size_t k = 0; k < answer.n_items; k++)
            cr_assert_str_neq(app_item(fixture.app, answer.items[k].item)->item_id, item, "event %d is not seen", i);
        app_leave(fixture.app, slot);
    }
}

Test(app, gives_rising_sequence_numbers_without_gaps)
{
    struct event_input events[3];
    for (int i = 0; i < 3; i++)
        events[i] = fixture_event_input("u", "a", "view");
    struct write first = {.kind = WRITE_EVENTS, .events = events, .n = 3}, second = first;
    cr_assert_eq(fixture_write(&fixture, &first), STATUS_OK);
    cr_assert_eq(fixture_write(&fixture, &second), STATUS_OK);
    cr_assert_eq(first.seq, 3);
    cr_assert_eq(second.seq, 6);
}

Test(app, counts_an_event_id_once)
{
    struct event_input events[] = {fixture_event_input("u", "a", "view"), fixture_event_input("u", "b", "view")};
    events[0].event_id = events[1].event_id = "e-1";
    struct write both = {.kind = WRITE_EVENTS, .events = events, .n = 2}, again = both;
    cr_assert_eq(fixture_write(&fixture, &both), STATUS_OK);
    cr_assert_eq(both.n_accepted, 1);
    cr_assert_eq(both.n_duplicates, 1);
    cr_assert_eq(fixture_write(&fixture, &again), STATUS_OK);
    cr_assert_eq(again.n_accepted, 0);
    cr_assert_eq(again.n_duplicates, 2);
    cr_assert_eq(again.seq, 1);
    cr_assert_str_eq(fixture_recommend(&fixture, "u", 10), "b", "the second event was not learned");
}

Test(app, stores_impressions_without_learning_from_them)
{
    cr_assert_eq(fixture_event(&fixture, "u", "a", "impression"), STATUS_OK);
    cr_assert_str_eq(fixture_recommend(&fixture, "u", 10), "a", "not seen by an impression");
    struct popular_query query = {.window = WINDOW_ALL, .limit = 10, .kind = KIND_ANY};
    struct recommendations answer;
    unsigned slot = app_enter(fixture.app);
    cr_assert_eq(app_popular(fixture.app, &query, fixture.arena, &answer, NULL), STATUS_OK);
    app_leave(fixture.app, slot);
    cr_assert_eq(answer.n_items, 0);
}

Test(app, turns_against_what_a_user_dislikes)
{
    for (int i = 0; i < 4; i++) { /* a goes with x, b goes with y */
        char user[32];
        (void)snprintf(user, sizeof user, "other-%d", i);
        cr_assert_eq(fixture_event(&fixture, user, i % 2 ? "a" : "b", "view"), STATUS_OK);
        cr_assert_eq(fixture_event(&fixture, user, i % 2 ? "x" : "y", "view"), STATUS_OK);
    }
    cr_assert_eq(fixture_event(&fixture, "u", "a", "dislike"), STATUS_OK);
    cr_assert_eq(fixture_event(&fixture, "u", "b", "view"), STATUS_OK);
    cr_assert_str_eq(fixture_recommend(&fixture, "u", 1), "y");
    cr_assert_eq(fixture_event(&fixture, "v", "b", "dislike"), STATUS_OK);
    cr_assert_eq(fixture_event(&fixture, "v", "a", "view"), STATUS_OK);
    cr_assert_str_eq(fixture_recommend(&fixture, "v", 1), "x");
}

Test(app, refuses_a_65th_event_type_alone)
{
    char types[EVENT_TYPES_MAX + 1][32];
    for (int i = 0; i <= EVENT_TYPES_MAX; i++)
        (void)snprintf(types[i], sizeof types[i], "type-%d", i);
    for (int i = 0; i < EVENT_TYPES_MAX; i++)
        cr_assert_eq(fixture_event(&fixture, "u", "a", types[i]), STATUS_OK);
    struct event_input events[] = {fixture_event_input("u", "new", "type-0"), fixture_event_input("u", "new", types[EVENT_TYPES_MAX])};
    struct write write = {.kind = WRITE_EVENTS, .events = events, .n = 2};
    cr_assert_eq(fixture_write(&fixture, &write), STATUS_CONFLICT);
    cr_assert_str_eq(write.error.pointer, "/events/1/type");
    cr_assert_eq(write.n_accepted, 0);
    cr_assert_eq(fixture_event(&fixture, "u", "a", "type-0"), STATUS_OK);
    cr_assert_eq(app_ready(fixture.app, NULL), STATUS_OK);
}

struct seen_events {
    char items[256]; /* "b a " */
    size_t n_bytes;
    uint64_t last_seq;
};

static enum status read_event(void *context, const struct user_event *event)
{
    struct seen_events *seen = context;
    seen->n_bytes += (size_t)snprintf(seen->items + seen->n_bytes, sizeof seen->items - seen->n_bytes, "%s ", event->item_id);
    seen->last_seq = event->seq;
    return STATUS_OK;
}

Test(app, lists_a_users_events_newest_first)
{
    struct seen_events all = {0}, older = {0};
    for (int i = 0; i < 4; i++)
        cr_assert_eq(fixture_event(&fixture, "u", (const char *[]){"a", "b", "c", "d"}[i], "impression"), STATUS_OK);
    cr_assert_eq(app_user_events(fixture.app, "u", UINT64_MAX, 3, read_event, &all, NULL), STATUS_OK);
    cr_assert_str_eq(all.items, "d c b ");
    cr_assert_eq(app_user_events(fixture.app, "u", all.last_seq, 3, read_event, &older, NULL), STATUS_OK);
    cr_assert_str_eq(older.items, "a ");
    cr_assert_eq(app_user_events(fixture.app, "nobody", UINT64_MAX, 3, read_event, &all, NULL), STATUS_NOT_FOUND);
}

/* --- answers --- */

Test(app, answers_a_stranger_with_what_is_popular)
{
    cr_assert_eq(fixture_event(&fixture, "u", "a", "view"), STATUS_OK);
    cr_assert_eq(fixture_event(&fixture, "v", "b", "view"), STATUS_OK);
    cr_assert_eq(fixture_event(&fixture, "w", "b", "view"), STATUS_OK);
    cr_assert_eq(fixture_item(&fixture, "untouched", NULL), STATUS_OK);
    cr_assert_str_eq(fixture_recommend(&fixture, "nobody", 10), "b a untouched");
    cr_assert_str_eq(fixture_recommend(&fixture, NULL, 2), "b a");
}

Test(app, counts_events_that_come_with_the_question)
{
    for (int i = 0; i < 2; i++) {
        char user[32];
        (void)snprintf(user, sizeof user, "other-%d", i);
        cr_assert_eq(fixture_event(&fixture, user, i % 2 ? "a" : "b", "view"), STATUS_OK);
        cr_assert_eq(fixture_event(&fixture, user, i % 2 ? "x" : "y", "view"), STATUS_OK);
    }
    struct context_event events[] = {{.item_id = "unknown", .type = "view"}, {.item_id = "a", .type = "a-new-type"}};
    struct recommend_query query = {.limit = 10, .kind = KIND_ANY, .exclude_seen = true, .context_events = events, .n_context_events = 2};
    struct recommendations answer;
    unsigned slot = app_enter(fixture.app);
    cr_assert_eq(app_recommend(fixture.app, &query, fixture.arena, &answer, NULL), STATUS_OK);
    app_leave(fixture.app, slot);
    const char *items = fixture_items(&fixture, &answer);
    cr_assert_eq(items[0], 'x');
    cr_assert_null(strchr(items, 'a'), "%s", items);
    cr_assert_eq(answer.items[0].reason, REASON_NEIGHBOURS);
    cr_assert_eq(app_count_items(fixture.app), 4, "nothing was kept");
}

Test(app, filters_by_category_kind_and_exclusion)
{
    struct item_input ad = fixture_item_input("ad");
    ad.kind = ITEM_AD;
    cr_assert_eq(fixture_item(&fixture, "sea", "sea"), STATUS_OK);
    cr_assert_eq(fixture_item(&fixture, "hill", "hill"), STATUS_OK);
    cr_assert_eq(fixture_write(&fixture, &(struct write){.kind = WRITE_ITEMS, .items = &ad, .n = 1}), STATUS_OK);
    static const char *const sea[] = {"nothing", "sea"}, *const none[] = {"nothing"}, *const exclude[] = {"sea", "unknown"};
    struct {
        struct recommend_query query;
        const char *items;
    } cases[] = {
        {{.limit = 9, .kind = KIND_ANY}, "sea hill ad"},
        {{.limit = 9, .kind = ITEM_AD}, "ad"},
        {{.limit = 9, .kind = ITEM_CONTENT}, "sea hill"},
        {{.limit = 9, .kind = ITEM_PRODUCT}, ""},
        {{.limit = 9, .kind = KIND_ANY, .categories = sea, .n_categories = 2}, "sea"},
        {{.limit = 9, .kind = KIND_ANY, .categories = none, .n_categories = 1}, ""},
        {{.limit = 9, .kind = KIND_ANY, .exclude = exclude, .n_exclude = 2}, "hill ad"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct recommendations answer;
        arena_reset(fixture.arena);
        unsigned slot = app_enter(fixture.app);
        cr_assert_eq(app_recommend(fixture.app, &cases[i].query, fixture.arena, &answer, NULL), STATUS_OK);
        app_leave(fixture.app, slot);
        cr_assert_str_eq(fixture_items(&fixture, &answer), cases[i].items, "case %zu", i);
    }
}

Test(app, shows_neither_hidden_nor_expired_items)
{
    struct item_input items[] = {fixture_item_input("hidden"), fixture_item_input("expired"), fixture_item_input("fresh")};
    items[0].hidden = true;
    items[1].expires_at_ms = 1000;
    items[2].expires_at_ms = INT64_MAX;
    cr_assert_eq(fixture_write(&fixture, &(struct write){.kind = WRITE_ITEMS, .items = items, .n = 3}), STATUS_OK);
    cr_assert_str_eq(fixture_recommend(&fixture, NULL, 10), "fresh");
}

Test(app, shows_seen_items_when_asked_to)
{
    cr_assert_eq(fixture_event(&fixture, "u", "a", "view"), STATUS_OK);
    cr_assert_str_eq(fixture_recommend(&fixture, "u", 10), "");
    struct recommend_query query = {.user_id = "u", .limit = 10, .kind = KIND_ANY};
    struct recommendations answer;
    unsigned slot = app_enter(fixture.app);
    cr_assert_eq(app_recommend(fixture.app, &query, fixture.arena, &answer, NULL), STATUS_OK);
    app_leave(fixture.app, slot);
    cr_assert_str_eq(fixture_items(&fixture, &answer), "a");
}

Test(app, finds_similar_items_first_by_behaviour_then_by_category)
{
    struct recommendations answer;
    cr_assert_eq(fixture_item(&fixture, "a", "sea"), STATUS_OK);
    cr_assert_eq(fixture_item(&fixture, "same", "sea"), STATUS_OK);
    cr_assert_eq(fixture_item(&fixture, "other", "hill"), STATUS_OK);
    cr_assert_eq(fixture_event(&fixture, "u", "a", "view"), STATUS_OK);
    cr_assert_eq(fixture_event(&fixture, "u", "next", "view"), STATUS_OK);
    unsigned slot = app_enter(fixture.app);
    cr_assert_eq(app_similar(fixture.app, "a", 10, fixture.arena, &answer, NULL), STATUS_OK);
    cr_assert_eq(app_similar(fixture.app, "nothing", 10, fixture.arena, &answer, NULL), STATUS_NOT_FOUND);
    app_leave(fixture.app, slot);
    cr_assert_str_eq(fixture_items(&fixture, &answer), "next same");
    cr_assert_eq(answer.items[0].reason, REASON_NEIGHBOURS);
    cr_assert_eq(answer.items[1].reason, REASON_POPULAR);
}

Test(app, answers_within_the_memory_that_it_asks_for)
{
    fixture_fill(&fixture, 30, 60);
    struct arena *arena = arena_create(256, app_scratch_bytes(fixture.app));
    struct recommend_query query = {.user_id = "user-3", .limit = 200, .kind = KIND_ANY, .exclude_seen = true};
    struct recommendations answer;
    unsigned slot = app_enter(fixture.app);
    cr_assert_eq(app_recommend(fixture.app, &query, arena, &answer, NULL), STATUS_OK);
    arena_reset(arena);
    cr_assert_eq(app_similar(fixture.app, "item-3", 200, arena, &answer, NULL), STATUS_OK);
    app_leave(fixture.app, slot);
    arena_destroy(arena);
}

Test(app, refuses_an_answer_that_does_not_fit_in_the_arena)
{
    struct arena *arena = arena_create(64, 64);
    struct recommend_query query = {.limit = 10, .kind = KIND_ANY};
    struct recommendations answer;
    unsigned slot = app_enter(fixture.app);
    cr_assert_eq(app_recommend(fixture.app, &query, arena, &answer, NULL), STATUS_NOMEM);
    app_leave(fixture.app, slot);
    arena_destroy(arena);
}

/* --- items and users --- */

Test(app, says_whether_an_item_is_new)
{
    struct item_input item = fixture_item_input("a");
    struct write first = {.kind = WRITE_ITEMS, .items = &item, .n = 1}, second = first, third = first;
    cr_assert_eq(fixture_event(&fixture, "u", "a", "view"), STATUS_OK);
    cr_assert_eq(fixture_write(&fixture, &first), STATUS_OK);
    cr_assert_eq(fixture_write(&fixture, &second), STATUS_OK);
    cr_assert(first.created, "an event alone does not make a catalogue entry");
    cr_assert_not(second.created);
    cr_assert_eq(fixture_write(&fixture, &(struct write){.kind = WRITE_ITEM_DELETE, .id = "a"}), STATUS_OK);
    cr_assert_eq(fixture_write(&fixture, &third), STATUS_OK);
    cr_assert(third.created);
}

Test(app, hides_a_deleted_item_until_it_is_put_again)
{
    cr_assert_eq(fixture_item(&fixture, "a", "sea"), STATUS_OK);
    cr_assert_eq(fixture_item(&fixture, "b", "sea"), STATUS_OK);
    cr_assert_eq(fixture_event(&fixture, "u", "a", "view"), STATUS_OK);
    cr_assert_eq(fixture_write(&fixture, &(struct write){.kind = WRITE_ITEM_DELETE, .id = "a"}), STATUS_OK);
    cr_assert_str_eq(fixture_recommend(&fixture, NULL, 10), "b");
    cr_assert_null(app_find_item(fixture.app, "a"));
    cr_assert_eq(fixture_write(&fixture, &(struct write){.kind = WRITE_ITEM_DELETE, .id = "a"}), STATUS_NOT_FOUND);
    cr_assert_eq(fixture_write(&fixture, &(struct write){.kind = WRITE_ITEM_DELETE, .id = "c"}), STATUS_NOT_FOUND);
    cr_assert_eq(fixture_event(&fixture, "u", "a", "view"), STATUS_OK, "the client may lag behind");
    cr_assert_str_eq(fixture_recommend(&fixture, NULL, 10), "b");
    cr_assert_eq(fixture_item(&fixture, "a", NULL), STATUS_OK);
    cr_assert_str_eq(fixture_recommend(&fixture, NULL, 10), "a b");
}

Test(app, keeps_a_users_profile)
{
    struct user_profile profile;
    struct write write = {.kind = WRITE_USER, .id = "u", .attributes = "{\"age\":7}"}, again = write;
    cr_assert_eq(app_user(fixture.app, "u", fixture.arena, &profile, NULL), STATUS_NOT_FOUND);
    cr_assert_eq(fixture_event(&fixture, "u", "a", "view"), STATUS_OK);
    cr_assert_eq(app_user(fixture.app, "u", fixture.arena, &profile, NULL), STATUS_OK);
    cr_assert_null(profile.attributes);
    cr_assert_eq(profile.created_at_ms, INT64_MIN);
    cr_assert_eq(profile.n_events, 1);
    cr_assert_eq(fixture_write(&fixture, &write), STATUS_OK);
    cr_assert(write.created);
    cr_assert_eq(fixture_write(&fixture, &again), STATUS_OK);
    cr_assert_not(again.created);
    cr_assert_eq(app_user(fixture.app, "u", fixture.arena, &profile, NULL), STATUS_OK);
    cr_assert_str_eq(profile.attributes, "{\"age\":7}");
    cr_assert_leq(profile.created_at_ms, profile.updated_at_ms);
}

Test(app, erases_a_user_from_memory_store_and_names)
{
    struct seen_events seen = {0};
    struct user_profile profile;
    cr_assert_eq(fixture_event(&fixture, "u", "a", "view"), STATUS_OK);
    cr_assert_eq(fixture_event(&fixture, "v", "b", "view"), STATUS_OK);
    cr_assert_eq(fixture_write(&fixture, &(struct write){.kind = WRITE_USER_ERASE, .id = "u"}), STATUS_OK);
    cr_assert_eq(fixture_write(&fixture, &(struct write){.kind = WRITE_USER_ERASE, .id = "u"}), STATUS_NOT_FOUND);
    for (int round = 0; round < 2; round++) {
        cr_assert_eq(app_user(fixture.app, "u", fixture.arena, &profile, NULL), STATUS_NOT_FOUND);
        cr_assert_eq(app_user_events(fixture.app, "u", UINT64_MAX, 10, read_event, &seen, NULL), STATUS_NOT_FOUND);
        cr_assert_eq(app_user(fixture.app, "v", fixture.arena, &profile, NULL), STATUS_OK);
        fixture_stop(&fixture);
        fixture_start(&fixture);
    }
    cr_assert_eq(fixture_event(&fixture, "u", "b", "view"), STATUS_OK, "a new person of the same name");
    cr_assert_str_eq(fixture_recommend(&fixture, "u", 10), "a");
    cr_assert_eq(app_user_events(fixture.app, "u", UINT64_MAX, 10, read_event, &seen, NULL), STATUS_OK);
    cr_assert_str_eq(seen.items, "b ");
}

/* --- failures and restarts --- */

Test(app, changes_nothing_when_a_commit_fails)
{
    struct rlimit before;
    struct error error = {0};
    cr_assert_eq(fixture_event(&fixture, "u", "a", "view"), STATUS_OK);
    cr_assert_eq(fixture_event(&fixture, "v", "b", "view"), STATUS_OK);
    fixture_fill_disk(&fixture, &before);
    struct event_input event = fixture_event_input("w", "c", "buy");
    struct write write = {.kind = WRITE_EVENTS, .events = &event, .n = 1}, again = write;
    cr_assert_eq(fixture_write(&fixture, &write), STATUS_IO);
    cr_assert_neq(write.error.detail[0], '\0');
    cr_assert_eq(write.n_accepted, 0);
    cr_assert_eq(write.seq, 2);
    cr_assert_eq(app_ready(fixture.app, &error), STATUS_BUSY);
    cr_assert(strstr(error.detail, "last commit failed"), "%s", error.detail);
    cr_assert_eq(app_count_items(fixture.app), 2);
    cr_assert_str_eq(fixture_recommend(&fixture, "w", 10), "b a");
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    cr_assert_eq(fixture_write(&fixture, &again), STATUS_OK, "%s", again.error.detail);
    cr_assert_eq(again.seq, 3);
    cr_assert_eq(app_ready(fixture.app, NULL), STATUS_OK);
    for (int round = 0; round < 2; round++) {
        cr_assert_str_eq(fixture_recommend(&fixture, "u", 10), "c b");
        cr_assert_str_eq(fixture_recommend(&fixture, "w", 10), "b a");
        fixture_stop(&fixture);
        fixture_start(&fixture);
    }
}

Test(app, writes_names_that_a_failed_commit_has_left)
{
    struct rlimit before;
    cr_assert_eq(fixture_event(&fixture, "u", "a", "view"), STATUS_OK);
    fixture_fill_disk(&fixture, &before);
    cr_assert_eq(fixture_event(&fixture, "lost", "never", "x"), STATUS_IO);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    cr_assert_eq(fixture_event(&fixture, "v", "b", "y"), STATUS_OK);
    char answer[64];
    (void)snprintf(answer, sizeof answer, "%s", fixture_recommend(&fixture, "v", 10));
    fixture_stop(&fixture);
    fixture_start(&fixture);
    cr_assert_str_eq(fixture_recommend(&fixture, "v", 10), answer);
    cr_assert_str_eq(names_text(fixture.app->names[NAME_ITEM], 1), "never");
    cr_assert_str_eq(names_text(fixture.app->names[NAME_ITEM], 2), "b");
}

Test(app, answers_the_same_after_a_restart)
{
    char before[20][512];
    fixture_fill(&fixture, 20, 40);
    cr_assert_eq(fixture_item(&fixture, "item-3", "sea"), STATUS_OK);
    cr_assert_eq(fixture_write(&fixture, &(struct write){.kind = WRITE_ITEM_DELETE, .id = "item-5"}), STATUS_OK);
    cr_assert_eq(fixture_event(&fixture, "user-1", "item-9", "dislike"), STATUS_OK);
    for (int i = 0; i < 20; i++) {
        char user[32];
        (void)snprintf(user, sizeof user, "user-%d", i);
        (void)snprintf(before[i], sizeof before[i], "%s", fixture_recommend(&fixture, user, 30));
    }
    fixture_stop(&fixture);
    fixture_start(&fixture);
    for (int i = 0; i < 20; i++) {
        char user[32];
        (void)snprintf(user, sizeof user, "user-%d", i);
        cr_assert_str_eq(fixture_recommend(&fixture, user, 30), before[i]);
    }
    unsigned slot = app_enter(fixture.app);
    const struct item *item = app_find_item(fixture.app, "item-3");
    cr_assert_str_eq(app_category_name(fixture.app, item->categories[0]), "sea");
    app_leave(fixture.app, slot);
}

Test(app, answers_the_same_when_users_are_forgotten)
{
    char before[20][512], user[32];
    fixture_fill(&fixture, 20, 40);
    for (int i = 0; i < 20; i++) {
        (void)snprintf(user, sizeof user, "user-%d", i);
        (void)snprintf(before[i], sizeof before[i], "%s", fixture_recommend(&fixture, user, 30));
    }
    fixture_stop(&fixture);
    fixture.settings.behaviour_max_bytes = 1;
    fixture_start(&fixture);
    for (int i = 0; i < 200; i++) { /* users share shards: reading pushes others out */
        (void)snprintf(user, sizeof user, "user-%d", i % 20);
        cr_assert_str_eq(fixture_recommend(&fixture, user, 30), before[i % 20]);
    }
}

Test(app, refuses_a_second_service_on_its_directory)
{
    struct app *other = NULL;
    struct error error = {0};
    cr_assert_eq(app_open_with(&fixture.settings, &fixture.program, &other, &error), STATUS_BUSY);
    cr_assert_null(other);
    cr_assert_neq(error.detail[0], '\0');
}

Test(app, is_not_ready_once_it_stops)
{
    cr_assert_eq(app_ready(fixture.app, NULL), STATUS_OK);
    app_begin_stop(fixture.app);
    cr_assert_eq(app_ready(fixture.app, NULL), STATUS_BUSY);
    cr_assert_eq(fixture_event(&fixture, "u", "a", "view"), STATUS_OK, "requests are still answered");
}

Test(app, prints_its_figures)
{
    SCOPED(buffer_clear) struct buffer page;
    buffer_init(&page, 1 << 20);
    cr_assert_eq(fixture_event(&fixture, "u", "a", "view"), STATUS_OK);
    (void)fixture_recommend(&fixture, "u", 1);
    app_metrics(fixture.app, &page);
    cr_assert_eq(buffer_finish(&page, NULL), STATUS_OK);
    cr_assert(strstr(page.bytes, "\ninkling_events_accepted_total 1\n"), "%s", page.bytes);
    cr_assert(strstr(page.bytes, "\ninkling_items 1\n"));
    cr_assert(strstr(page.bytes, "\ninkling_last_commit_failed 0\n"));
    cr_assert(strstr(page.bytes, "\ninkling_recommendations_total{reason=\"none\"} 1\n"));
}
