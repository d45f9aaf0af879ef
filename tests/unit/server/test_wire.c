/* Events, items and users as callers write them: defaults, limits, and an item's way to its row and back. */
#include "server/wire/event_input.h"
#include "server/wire/item_input.h"
#include "server/wire/user_input.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct arena *arena;
static struct mistakes mistakes;

static void make(void)
{
    node_start();
    arena = arena_create(4096, 1 << 20);
}

static void clear(void)
{
    arena_destroy(arena);
}

TestSuite(wire, .init = make, .fini = clear);

static enum status read_json(const struct fields *fields, const char *json, void *out_record)
{
    struct node *document = NULL;
    cr_assert_eq(node_parse(json, strlen(json), &document, NULL), STATUS_OK, "%s", json);
    mistakes.n_mistakes = 0;
    enum status status = fields_read(fields, document, "", arena, out_record, NULL, &mistakes);
    node_destroy(document);
    return status;
}

#define LEAST_EVENT "\"user_id\":\"u\",\"item_id\":\"i\",\"type\":\"view\""

Test(wire, an_event_needs_three_fields)
{
    struct event_input event;
    cr_assert_eq(read_json(&event_input_fields, "{" LEAST_EVENT "}", &event), STATUS_OK);
    cr_expect(event.at_ms == TIME_NOT_GIVEN && isnan(event.value) && event.quantity == 0 && event.position == -1 && !event.context);
    cr_assert_eq(read_json(&event_input_fields, "{}", &event), STATUS_INVALID);
    cr_assert_eq(mistakes.n_mistakes, 3);
}

Test(wire, an_event_refuses_counts_that_are_none)
{
    struct event_input event;
    cr_expect_eq(read_json(&event_input_fields, "{" LEAST_EVENT ",\"quantity\":0}", &event), STATUS_INVALID);
    cr_expect_eq(read_json(&event_input_fields, "{" LEAST_EVENT ",\"position\":-1}", &event), STATUS_INVALID);
    cr_expect_eq(read_json(&event_input_fields, "{" LEAST_EVENT ",\"position\":0,\"quantity\":1,\"value\":-3}", &event), STATUS_OK);
    cr_expect(event.position == 0 && event.quantity == 1 && event.value == -3);
}

Test(wire, an_events_context_has_a_limit)
{
    static char json[8192];
    for (size_t n = 4000; n < 4200; n += 100) {
        char *filling = calloc(1, n + 1);
        memset(filling, 'x', n);
        (void)snprintf(json, sizeof json, "{" LEAST_EVENT ",\"context\":{\"a\":\"%s\"}}", filling);
        free(filling);
        struct event_input event;
        cr_expect_eq(read_json(&event_input_fields, json, &event), n + 8 <= 4096 ? STATUS_OK : STATUS_INVALID, "%zu", n);
    }
}

Test(wire, an_event_without_a_time_happens_now)
{
    struct event_input event = {.at_ms = TIME_NOT_GIVEN};
    cr_assert_eq(event_input_complete(&event, 1234, NULL), STATUS_OK);
    cr_assert_eq(event.at_ms, 1234);
}

Test(wire, an_event_happens_between_1970_and_tomorrow)
{
    static const int64_t now_ms = 1700000000000;
    static const struct {
        int64_t at_ms;
        enum status status;
    } cases[] = {{0, STATUS_OK}, {-1, STATUS_INVALID}, {1700000000000 + 86400000, STATUS_OK}, {1700000000000 + 86400001, STATUS_INVALID}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error error = {0};
        struct event_input event = {.at_ms = cases[i].at_ms};
        cr_expect_eq(event_input_complete(&event, now_ms, &error), cases[i].status, "%lld", (long long)cases[i].at_ms);
        cr_expect(cases[i].status == STATUS_OK || strstr(error.detail, "timestamp"));
    }
}

Test(wire, an_item_goes_to_its_row_and_back)
{
    struct item_input item, again;
    struct stored_item row;
    cr_assert_eq(read_json(&item_input_fields,
                           "{\"item_id\":\"i\",\"kind\":\"ad\",\"title\":\"T\",\"categories\":[\"a\\\"b\",\"ü\"],\"tags\":[],\"price\":0,"
                           "\"attributes\":{\"k\":null},\"hidden\":true,\"expires_at\":7}",
                           &item),
                 STATUS_OK);
    cr_assert_eq(item_input_store(&item, 5, arena, &row), STATUS_OK);
    cr_expect(row.item == 5 && row.kind == ITEM_AD && row.price == 0 && row.hidden && !row.deleted && row.expires_at_ms == 7);
    cr_expect_str_eq(row.categories, "[\"a\\\"b\",\"ü\"]");
    cr_expect_null(row.tags);
    cr_assert_eq(item_input_load(&row, "i", arena, &again), STATUS_OK);
    cr_expect_str_eq(again.item_id, "i");
    cr_expect_str_eq(again.title, "T");
    cr_expect_str_eq(again.attributes, "{\"k\":null}");
    cr_expect(again.kind == ITEM_AD && again.hidden && again.created_at_ms == INT64_MIN && again.expires_at_ms == 7);
    cr_assert_eq(again.categories.n_texts, 2);
    cr_expect_str_eq(again.categories.texts[0], "a\"b");
    cr_expect(!again.text && !again.url && again.tags.n_texts == 0);
}

Test(wire, an_item_is_content_unless_it_says_otherwise)
{
    struct item_input item;
    cr_assert_eq(read_json(&item_input_fields, "{\"item_id\":\"i\"}", &item), STATUS_OK);
    cr_expect(item.kind == ITEM_CONTENT && isnan(item.price) && !item.hidden);
    cr_expect_eq(read_json(&item_input_fields, "{\"item_id\":\"i\",\"kind\":\"film\"}", &item), STATUS_INVALID);
    cr_expect_eq(read_json(&item_input_fields, "{\"item_id\":\"i\",\"price\":-1}", &item), STATUS_INVALID);
}

Test(wire, a_row_with_a_list_that_is_none_is_damaged)
{
    struct item_input item;
    struct stored_item row = {.categories = "{\"a\":1}"};
    cr_expect_eq(item_input_load(&row, "i", arena, &item), STATUS_CORRUPT);
    row.categories = "[1]";
    cr_expect_eq(item_input_load(&row, "i", arena, &item), STATUS_CORRUPT);
    row.categories = "[";
    cr_expect_eq(item_input_load(&row, "i", arena, &item), STATUS_CORRUPT);
}

Test(wire, a_user_has_attributes)
{
    struct user_input user;
    cr_assert_eq(read_json(&user_input_fields, "{\"user_id\":\"u\",\"attributes\":{\"age\": 30}}", &user), STATUS_OK);
    cr_expect_str_eq(user.attributes, "{\"age\":30}");
    cr_expect_eq(read_json(&user_input_fields, "{\"user_id\":\"u\",\"age\":30}", &user), STATUS_INVALID);
}
