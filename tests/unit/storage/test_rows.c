/* What is written comes back: events, names, items, users, models. */
#include "tests/unit/storage/storage_fixture.h"

#include "storage/item_store.h"
#include "storage/picture_store.h"
#include "storage/model_registry.h"
#include "storage/name_store.h"
#include "storage/user_store.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static struct store *store;

static void open_store(void)
{
    fixture_make();
    store = fixture_open(STORE_WRITE);
    assert_ok(store_begin(store, &fixture_error));
    fixture_names(store, 3);
}

static void close_store(void)
{
    store_close(store);
    fixture_remove();
}

TestSuite(event_store, .init = open_store, .fini = close_store);
TestSuite(name_store, .init = open_store, .fini = close_store);
TestSuite(item_store, .init = open_store, .fini = close_store);
TestSuite(picture_store, .init = open_store, .fini = close_store);
TestSuite(user_store, .init = open_store, .fini = close_store);
TestSuite(model_registry, .init = open_store, .fini = close_store);

/* --- events --- */

struct seen_events {
    uint64_t seqs[16];
    size_t n, stop_at; /* stop_at = 0: never */
};

static enum status see_event(void *context, const struct stored_event *event)
{
    struct seen_events *seen = context;
    seen->seqs[seen->n++] = event->seq;
    return seen->n == seen->stop_at ? STATUS_BUSY : STATUS_OK;
}

static void insert_six(void)
{
    for (uint64_t seq = 1; seq <= 6; seq++) {
        struct stored_event event = fixture_event(seq, (uint32_t)(seq % 2), 2);
        cr_assert(fixture_insert(store, &event));
    }
}

Test(event_store, keeps_one_of_two_events_with_one_event_id)
{
    struct stored_event event = fixture_event(1, 0, 0);
    cr_assert(fixture_insert(store, &event));
    event.seq = 2;
    cr_assert_not(fixture_insert(store, &event));
    event.event_id = NULL; /* without an id every event is another one */
    cr_assert(fixture_insert(store, &event));
    event.seq = 3;
    cr_assert(fixture_insert(store, &event));
    cr_assert_eq(fixture_count(store), 3);
}

Test(event_store, refuses_a_sequence_number_that_was_given)
{
    bool is_inserted = false;
    struct stored_event event = fixture_event(1, 0, 0);
    cr_assert(fixture_insert(store, &event));
    event.event_id = "other";
    cr_assert_eq(event_store_insert(store, &event, &is_inserted, &fixture_error), STATUS_CONFLICT);
}

Test(event_store, scans_in_order_of_seq)
{
    struct seen_events seen = {.n = 0};
    insert_six();
    assert_ok(event_store_scan(store, see_event, &seen, &fixture_error));
    cr_assert_eq(seen.n, 6);
    for (size_t i = 0; i < seen.n; i++)
        cr_assert_eq(seen.seqs[i], i + 1);
}

Test(event_store, stops_when_the_visitor_says_so)
{
    struct seen_events seen = {.stop_at = 2};
    insert_six();
    cr_assert_eq(event_store_scan(store, see_event, &seen, &fixture_error), STATUS_BUSY);
    cr_assert_eq(seen.n, 2);
    seen = (struct seen_events){.n = 0};
    assert_ok(event_store_scan(store, see_event, &seen, &fixture_error)); /* the statement is free again */
    cr_assert_eq(seen.n, 6);
}

Test(event_store, gives_a_users_newest_events_first)
{
    struct seen_events seen = {.n = 0};
    insert_six();
    assert_ok(event_store_of_user(store, 0, UINT64_MAX, 2, see_event, &seen, &fixture_error));
    cr_assert(seen.n == 2 && seen.seqs[0] == 6 && seen.seqs[1] == 4);
    seen.n = 0;
    assert_ok(event_store_of_user(store, 0, 4, 10, see_event, &seen, &fixture_error));
    cr_assert(seen.n == 1 && seen.seqs[0] == 2);
    seen.n = 0;
    assert_ok(event_store_of_user(store, 77, UINT64_MAX, 10, see_event, &seen, &fixture_error));
    cr_assert_eq(seen.n, 0);
}

static const struct stored_event whole = {.seq = 1,
                                          .event_id = "e-1",
                                          .user = 1,
                                          .item = 2,
                                          .type = 1,
                                          .at_ms = 1700000000001,
                                          .value = -2.5,
                                          .quantity = 3,
                                          .position = 0,
                                          .session_id = "s",
                                          .recommendation_id = "r",
                                          .slot = "top",
                                          .context = "{\"device\":\"téléphone\"}"};

static enum status compare_whole(void *context, const struct stored_event *event)
{
    (void)context;
    cr_assert(event->seq == 1 && event->user == 1 && event->item == 2 && event->type == 1 && event->at_ms == whole.at_ms);
    cr_assert(event->value == -2.5 && event->quantity == 3 && event->position == 0);
    cr_assert_str_eq(event->event_id, "e-1");
    cr_assert_str_eq(event->session_id, "s");
    cr_assert_str_eq(event->recommendation_id, "r");
    cr_assert_str_eq(event->slot, "top");
    cr_assert_str_eq(event->context, whole.context);
    return STATUS_OK;
}

static enum status compare_least(void *context, const struct stored_event *event)
{
    (void)context;
    cr_assert(isnan(event->value) && event->quantity == 0 && event->position == -1);
    cr_assert(!event->event_id && !event->session_id && !event->recommendation_id && !event->slot && !event->context);
    return STATUS_OK;
}

Test(event_store, gives_back_every_field)
{
    cr_assert(fixture_insert(store, &whole));
    assert_ok(event_store_of_user(store, 1, UINT64_MAX, 10, compare_whole, NULL, &fixture_error));
}

Test(event_store, gives_back_what_was_not_given_as_not_given)
{
    struct stored_event least = fixture_event(1, 0, 0);
    least.event_id = NULL;
    cr_assert(fixture_insert(store, &least));
    assert_ok(event_store_of_user(store, 0, UINT64_MAX, 10, compare_least, NULL, &fixture_error));
}

Test(event_store, never_gives_the_sequence_number_of_an_erased_event_again)
{
    uint64_t count = 0, last_seq = 0;
    insert_six();
    assert_ok(event_store_erase_user(store, 0, &fixture_error)); /* 2, 4 and 6, the last one */
    assert_ok(event_store_count(store, &count, &last_seq, &fixture_error));
    cr_assert_eq(count, 3);
    cr_assert_eq(last_seq, 6);
}

/* --- names --- */

static enum status see_name(void *context, uint32_t number, const char *text)
{
    char *all = context;
    (void)number;
    (void)snprintf(all + strlen(all), 256 - strlen(all), "%s|", text ? text : "");
    return STATUS_OK;
}

Test(name_store, gives_names_in_order_of_number)
{
    char all[256] = "";
    assert_ok(name_store_scan(store, NAME_ITEM, see_name, all, &fixture_error));
    assert_ok(name_store_scan(store, NAME_TYPE, see_name, all, &fixture_error));
    cr_assert_str_eq(all, "item-0|item-1|item-2|view|click|");
}

Test(name_store, takes_only_the_next_number)
{
    cr_assert_eq(name_store_insert(store, NAME_USER, 4, "gap", &fixture_error), STATUS_CONFLICT);
    cr_assert_eq(name_store_insert(store, NAME_USER, 2, "again", &fixture_error), STATUS_CONFLICT);
    assert_ok(name_store_insert(store, NAME_USER, 3, "next", &fixture_error));
}

Test(name_store, refuses_a_name_that_is_there)
{
    cr_assert_eq(name_store_insert(store, NAME_USER, 3, "user-1", &fixture_error), STATUS_CONFLICT);
}

Test(name_store, keeps_a_hole_where_a_user_was)
{
    char all[256] = "";
    assert_ok(user_store_erase(store, 1, &fixture_error));
    assert_ok(name_store_insert(store, NAME_USER, 3, "user-1", &fixture_error)); /* back again: another number */
    assert_ok(name_store_scan(store, NAME_USER, see_name, all, &fixture_error));
    cr_assert_str_eq(all, "user-0||user-2|user-1|");
}

/* --- items --- */

static const struct stored_item product = {.item = 2,
                                           .kind = ITEM_PRODUCT,
                                           .title = "Lamp",
                                           .text = "It shines.",
                                           .currency = "EUR",
                                           .url = "https://example.org/lamp",
                                           .categories = "[\"light\"]",
                                           .tags = "[\"new\",\"red\"]",
                                           .attributes = "{\"watt\":5}",
                                           .price = 19.5,
                                           .hidden = true,
                                           .created_at_ms = 0,
                                           .expires_at_ms = 1900000000000};

static enum status compare_product(void *context, const struct stored_item *item)
{
    ++*(int *)context;
    cr_assert(item->item == 2 && item->kind == ITEM_PRODUCT && item->price == 19.5 && item->hidden && !item->deleted);
    cr_assert(item->created_at_ms == 0 && item->expires_at_ms == 1900000000000);
    cr_assert_str_eq(item->title, product.title);
    cr_assert_str_eq(item->text, product.text);
    cr_assert_str_eq(item->currency, product.currency);
    cr_assert_str_eq(item->url, product.url);
    cr_assert_str_eq(item->categories, product.categories);
    cr_assert_str_eq(item->tags, product.tags);
    cr_assert_str_eq(item->attributes, product.attributes);
    return STATUS_OK;
}

static enum status compare_deleted(void *context, const struct stored_item *item)
{
    ++*(int *)context;
    cr_assert(item->item == 2 && item->deleted && isnan(item->price) && !item->title && item->created_at_ms == INT64_MIN);
    return STATUS_OK;
}

Test(item_store, gives_back_every_field)
{
    int n = 0;
    assert_ok(item_store_put(store, &product, &fixture_error));
    assert_ok(item_store_scan(store, compare_product, &n, &fixture_error));
    cr_assert_eq(n, 1);
}

Test(item_store, replaces_the_whole_row)
{
    int n = 0;
    struct stored_item deleted = {.item = 2, .deleted = true, .price = (double)NAN, .created_at_ms = INT64_MIN, .expires_at_ms = INT64_MIN};
    assert_ok(item_store_put(store, &product, &fixture_error));
    assert_ok(item_store_put(store, &deleted, &fixture_error));
    assert_ok(item_store_scan(store, compare_deleted, &n, &fixture_error));
    cr_assert_eq(n, 1);
}

/* --- pictures --- */

static const uint8_t original[] = {0x89, 0, 'P', 0}, pixels[] = {0, 1, 2, 3, 4, 255};
static const struct stored_picture with_original = {.item = 7,
                                                    .changed_at_ms = 5,
                                                    .media_type = "image/png",
                                                    .original = original,
                                                    .n_original = sizeof original,
                                                    .height = 1,
                                                    .width = 2,
                                                    .channels = 3,
                                                    .pixels = pixels};

static void expect_small(const struct stored_picture *picture)
{
    cr_assert(picture->item == 7 && picture->changed_at_ms == 5);
    cr_assert(picture->height == 1 && picture->width == 2 && picture->channels == 3);
    cr_assert_arr_eq(picture->pixels, pixels, sizeof pixels);
}

static enum status compare_picture(void *context, const struct stored_picture *picture)
{
    ++*(int *)context;
    expect_small(picture);
    cr_assert_str_eq(picture->media_type, "image/png");
    cr_assert_eq(picture->n_original, sizeof original);
    cr_assert_arr_eq(picture->original, original, sizeof original);
    return STATUS_OK;
}

static enum status compare_small_picture(void *context, const struct stored_picture *picture)
{
    ++*(int *)context;
    expect_small(picture);
    cr_assert(!picture->media_type && !picture->original && picture->n_original == 0);
    return STATUS_OK;
}

Test(picture_store, gives_back_the_file_and_the_small_picture)
{
    int n = 0;
    assert_ok(picture_store_put(store, &with_original, &fixture_error));
    assert_ok(picture_store_read(store, 7, compare_picture, &n, &fixture_error));
    assert_ok(picture_store_scan(store, compare_small_picture, &n, &fixture_error)); /* the many come without their files */
    cr_assert_eq(n, 2);
}

Test(picture_store, keeps_no_file_where_none_is_to_be_kept)
{
    int n = 0;
    struct stored_picture small = with_original;
    small.media_type = NULL;
    small.original = NULL;
    small.n_original = 0;
    assert_ok(picture_store_put(store, &with_original, &fixture_error));
    assert_ok(picture_store_put(store, &small, &fixture_error));
    assert_ok(picture_store_read(store, 7, compare_small_picture, &n, &fixture_error));
    cr_assert_eq(n, 1);
}

Test(picture_store, forgets)
{
    int n = 0;
    assert_ok(picture_store_put(store, &with_original, &fixture_error));
    bool was_there = false;
    assert_ok(picture_store_delete(store, 7, &was_there, &fixture_error));
    cr_expect(was_there);
    assert_ok(picture_store_delete(store, 7, &was_there, &fixture_error));
    cr_expect(!was_there);
    cr_assert_eq(picture_store_read(store, 7, compare_picture, &n, &fixture_error), STATUS_NOT_FOUND);
}

/* --- users --- */

static enum status compare_user(void *context, const struct stored_user *user)
{
    cr_assert(user->user == 1 && user->created_at_ms == 5 && user->updated_at_ms == 6);
    cr_assert_str_eq(user->attributes, "{\"age\":30}");
    (void)context;
    return STATUS_OK;
}

Test(user_store, gives_back_the_last_profile)
{
    struct stored_user user = {.user = 1, .attributes = "{}", .created_at_ms = 5, .updated_at_ms = 5};
    assert_ok(user_store_put(store, &user, &fixture_error));
    user.attributes = "{\"age\":30}";
    user.updated_at_ms = 6;
    assert_ok(user_store_put(store, &user, &fixture_error));
    assert_ok(user_store_get(store, 1, compare_user, NULL, &fixture_error));
}

Test(user_store, has_no_profile_of_a_user_who_was_erased)
{
    struct stored_user user = {.user = 1, .attributes = "{}"};
    assert_ok(user_store_put(store, &user, &fixture_error));
    assert_ok(user_store_erase(store, 1, &fixture_error));
    cr_assert_eq(user_store_get(store, 1, compare_user, NULL, &fixture_error), STATUS_NOT_FOUND);
    cr_assert_eq(user_store_get(store, 2, compare_user, NULL, &fixture_error), STATUS_NOT_FOUND);
}

/* --- models --- */

static void insert_model(const char *version, enum model_state state)
{
    struct stored_model model = {
        .version = version, .state = state, .created_at_ms = 7, .activated_at_ms = INT64_MIN, .facts = "{\"d\":64}"};
    assert_ok(model_registry_insert(store, &model, &fixture_error));
}

static enum status see_model(void *context, const struct stored_model *model)
{
    char *all = context;
    (void)snprintf(all + strlen(all), 256 - strlen(all), "%llu %s %s %s|", (unsigned long long)model->number, model->version,
                   model_state_names[model->state], model->reason ? model->reason : "-");
    return STATUS_OK;
}

static const char *all_models(void)
{
    static char all[256];
    all[0] = '\0';
    assert_ok(model_registry_scan(store, see_model, all, &fixture_error));
    return all;
}

Test(model_registry, has_one_live_model_at_most)
{
    insert_model("a", MODEL_READY);
    insert_model("b", MODEL_READY);
    assert_ok(model_registry_activate(store, "a", 8, &fixture_error));
    assert_ok(model_registry_activate(store, "b", 9, &fixture_error));
    cr_assert_str_eq(all_models(), "2 b live -|1 a ready -|");
}

Test(model_registry, has_a_live_model_of_each_kind)
{
    struct stored_model pictures = {.version = "p", .kind = MODEL_PICTURES, .activated_at_ms = INT64_MIN, .facts = "{}"};
    char live[256] = "";
    insert_model("a", MODEL_LIVE);
    assert_ok(model_registry_insert(store, &pictures, &fixture_error));
    assert_fails(model_registry_read_live(store, MODEL_PICTURES, see_model, live, &fixture_error), STATUS_NOT_FOUND, "pictures");
    assert_ok(model_registry_activate(store, "p", 8, &fixture_error));
    cr_assert_str_eq(all_models(), "2 p live -|1 a live -|");
    assert_ok(model_registry_read_live(store, MODEL_PICTURES, see_model, live, &fixture_error));
    cr_assert_str_eq(live, "2 p live -|");
    insert_model("b", MODEL_READY);
    assert_ok(model_registry_activate(store, "b", 9, &fixture_error));
    cr_assert_str_eq(all_models(), "3 b live -|2 p live -|1 a ready -|", "the model of pictures stays");
}

Test(model_registry, leaves_the_live_model_when_the_next_is_unknown)
{
    insert_model("a", MODEL_READY);
    assert_ok(model_registry_activate(store, "a", 8, &fixture_error));
    assert_fails(model_registry_activate(store, "b", 9, &fixture_error), STATUS_NOT_FOUND, "b");
    cr_assert_str_eq(all_models(), "1 a live -|");
}

Test(model_registry, remembers_why_a_model_is_damaged)
{
    insert_model("a", MODEL_READY);
    assert_ok(model_registry_activate(store, "a", 8, &fixture_error));
    assert_ok(model_registry_mark_damaged(store, "a", "cut off", &fixture_error));
    cr_assert_str_eq(all_models(), "1 a damaged cut off|");
    cr_assert_eq(model_registry_mark_damaged(store, "b", "", &fixture_error), STATUS_NOT_FOUND);
}

Test(model_registry, forgets_the_damage_of_a_model_that_is_activated)
{
    insert_model("a", MODEL_READY);
    assert_ok(model_registry_mark_damaged(store, "a", "cut off", &fixture_error));
    assert_ok(model_registry_activate(store, "a", 8, &fixture_error));
    cr_assert_str_eq(all_models(), "1 a live -|");
}

Test(model_registry, remembers_why_a_model_is_rejected)
{
    struct stored_model model = {.version = "a", .state = MODEL_REJECTED, .activated_at_ms = INT64_MIN, .facts = "{}", .reason = "worse"};
    assert_ok(model_registry_insert(store, &model, &fixture_error));
    cr_assert_str_eq(all_models(), "1 a rejected worse|");
    insert_model("b", MODEL_READY);
    assert_ok(model_registry_mark_rejected(store, "b", "worse too", &fixture_error));
    cr_assert_str_eq(all_models(), "2 b rejected worse too|1 a rejected worse|");
}

Test(model_registry, forgets_that_a_model_that_is_activated_was_rejected)
{
    insert_model("a", MODEL_READY);
    assert_ok(model_registry_mark_rejected(store, "a", "worse", &fixture_error));
    assert_ok(model_registry_activate(store, "a", 8, &fixture_error));
    cr_assert_str_eq(all_models(), "1 a live -|");
}

Test(model_registry, finds_the_state_of_a_version)
{
    enum model_state state = MODEL_DAMAGED;
    insert_model("a", MODEL_LIVE);
    assert_ok(model_registry_find(store, "a", &state, &fixture_error));
    cr_assert_eq(state, MODEL_LIVE);
    assert_fails(model_registry_find(store, "b", &state, &fixture_error), STATUS_NOT_FOUND, "b");
}

static enum status see_facts(void *context, const struct stored_model *model)
{
    (void)snprintf(context, 256, "%s", model->facts);
    return STATUS_OK;
}

Test(model_registry, gives_the_long_report_with_the_model_alone)
{
    char facts[256];
    struct stored_model model = {
        .version = "a", .activated_at_ms = INT64_MIN, .facts = "{\"seed\":1,\"report\":{\"losses\":[3,2]},\"n\":0.05}"};
    assert_ok(model_registry_insert(store, &model, &fixture_error));
    assert_ok(model_registry_scan(store, see_facts, facts, &fixture_error));
    cr_expect_str_eq(facts, "{\"seed\":1,\"n\":0.05}");
    assert_ok(model_registry_read(store, "a", see_facts, facts, &fixture_error));
    cr_expect_str_eq(facts, model.facts);
    assert_fails(model_registry_read(store, "b", see_facts, facts, &fixture_error), STATUS_NOT_FOUND, "b");
}

Test(model_registry, lists_facts_that_are_no_json)
{
    char facts[256];
    struct stored_model model = {.version = "a", .activated_at_ms = INT64_MIN, .facts = "{"};
    assert_ok(model_registry_insert(store, &model, &fixture_error));
    assert_ok(model_registry_scan(store, see_facts, facts, &fixture_error));
    cr_expect_str_eq(facts, "{");
}

Test(model_registry, refuses_a_version_that_is_there)
{
    insert_model("a", MODEL_READY);
    struct stored_model model = {.version = "a", .facts = "{}"};
    assert_fails(model_registry_insert(store, &model, &fixture_error), STATUS_CONFLICT, "a");
}
