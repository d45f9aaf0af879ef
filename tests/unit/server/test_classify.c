/* Pictures are named by the model that is live, and what looks like them is found among the items' pictures as they are now. */
#include "tests/unit/server/app_fixture.h"
#include "tests/unit/server/painted_shop.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct fixture fixture;

static void open_service(void)
{
    shop_open(&fixture);
}

static void close_service(void)
{
    fixture_close(&fixture);
}

TestSuite(classify, .init = open_service, .fini = close_service, .timeout = 120);

static void put(const char *item_id, unsigned number)
{
    cr_assert_eq(fixture_item(&fixture, item_id, NULL), STATUS_OK);
    shop_put_picture(&fixture, item_id, number);
}

/* The item that looks most like the picture, or "", and the model's version. */
static const char *ask(unsigned number, char out_version[FILE_VERSION_BYTES])
{
    static char nearest[64];
    uint8_t pixels[SHOP_PIXELS];
    struct picture picture = shop_paint(pixels, number);
    struct classification answer;
    struct error error = {.detail = ""};
    arena_reset(fixture.arena);
    unsigned slot = app_enter(fixture.app);
    cr_assert_eq(app_classify(fixture.app, &picture, 5, fixture.arena, &answer, &error), STATUS_OK, "%s", error.detail);
    cr_expect_eq(answer.n_categories, 2);
    cr_expect_float_eq(answer.categories[0].probability + answer.categories[1].probability, 1, 1e-6);
    cr_expect_geq(answer.categories[0].probability, answer.categories[1].probability, "best first");
    (void)snprintf(nearest, sizeof nearest, "%s", answer.n_similar ? app_item(fixture.app, answer.similar[0].item)->item_id : "");
    for (size_t i = 1; i < answer.n_similar; i++)
        cr_expect_leq(answer.similar[i].score, answer.similar[i - 1].score);
    (void)snprintf(out_version, FILE_VERSION_BYTES, "%s", answer.model_version);
    app_leave(fixture.app, slot);
    return nearest;
}

Test(classify, wants_a_model)
{
    uint8_t pixels[SHOP_PIXELS];
    struct picture picture = shop_paint(pixels, 1);
    struct classification answer;
    struct error error = {.detail = ""};
    unsigned slot = app_enter(fixture.app);
    cr_expect_eq(app_classify(fixture.app, &picture, 5, fixture.arena, &answer, &error), STATUS_CONFLICT);
    app_leave(fixture.app, slot);
    cr_expect(strstr(error.detail, "no picture model"), "%s", error.detail);
}

Test(classify, finds_pictures_as_they_are_now)
{
    char version[FILE_VERSION_BYTES], seen[FILE_VERSION_BYTES];
    shop_adopt_model(&fixture, 1, version);
    cr_expect_str_eq(ask(1, seen), "", "no item has a picture");
    cr_expect_str_eq(seen, version);
    put("mug", 1);
    put("cup", 2);
    cr_expect_str_eq(ask(1, seen), "mug");
    cr_expect_str_eq(ask(2, seen), "cup");
    put("mug", 3); /* another picture of the same item */
    cr_expect_str_eq(ask(3, seen), "mug");
    cr_assert_eq(fixture_write(&fixture, &(struct write){.kind = WRITE_PICTURE_DELETE, .id = "mug"}), STATUS_OK);
    cr_expect_str_eq(ask(3, seen), "cup");
    cr_assert_eq(fixture_write(&fixture, &(struct write){.kind = WRITE_ITEM_DELETE, .id = "cup"}), STATUS_OK);
    cr_expect_str_eq(ask(2, seen), "");
    put("cup", 2);
    cr_expect_str_eq(ask(2, seen), "cup");
}

Test(classify, finds_pictures_that_were_there_before_the_model_and_after_a_restart)
{
    char version[FILE_VERSION_BYTES], seen[FILE_VERSION_BYTES];
    put("mug", 1);
    put("cup", 2);
    shop_adopt_model(&fixture, 1, version);
    shop_wait(&fixture);
    cr_expect_str_eq(ask(1, seen), "mug");
    cr_expect_str_eq(ask(2, seen), "cup");
    fixture_stop(&fixture);
    fixture_start(&fixture);
    shop_wait(&fixture);
    cr_expect_str_eq(ask(1, seen), "mug");
    cr_expect_str_eq(seen, version);
}

Test(classify, asks_the_model_that_is_live)
{
    char first[FILE_VERSION_BYTES], second[FILE_VERSION_BYTES], seen[FILE_VERSION_BYTES];
    shop_adopt_model(&fixture, 1, first);
    put("mug", 1);
    shop_adopt_model(&fixture, 2, second);
    shop_wait(&fixture);
    cr_assert_str_neq(first, second);
    cr_expect_str_eq(ask(1, seen), "mug");
    cr_expect_str_eq(seen, second);
    cr_assert_eq(fixture_write(&fixture, &(struct write){.kind = WRITE_MODEL_ACTIVATE, .id = first}), STATUS_OK);
    cr_expect_str_eq((shop_wait(&fixture), ask(1, seen)), "mug");
    cr_expect_str_eq(seen, first);
}

Test(classify, similar_items_of_one_that_nobody_has_touched_are_those_that_look_like_it)
{
    char version[FILE_VERSION_BYTES];
    struct recommendations answer;
    struct error error = {.detail = ""};
    shop_adopt_model(&fixture, 1, version);
    put("mug", 1);
    put("cup", 2);
    put("its-twin", 1);
    unsigned slot = app_enter(fixture.app);
    cr_assert_eq(app_similar(fixture.app, "mug", 2, fixture.arena, &answer, &error), STATUS_OK, "%s", error.detail);
    cr_assert_eq(answer.n_items, 2);
    cr_expect_str_eq(app_item(fixture.app, answer.items[0].item)->item_id, "its-twin");
    cr_expect_eq(answer.items[0].reason, REASON_CONTENT);
    app_leave(fixture.app, slot);
}

static const struct item *item_of(const char *item_id)
{
    return app_find_item(fixture.app, item_id);
}

Test(classify, fills_in_categories_only_where_it_is_asked_to_and_nobody_has_said_any)
{
    char version[FILE_VERSION_BYTES];
    shop_adopt_model(&fixture, 1, version);
    put("mug", 1);
    cr_expect(!item_of("mug")->row.categories, "the default is never");
    cr_assert_eq(settings_set(&fixture.settings, "pictures.predict", "0.5", "--set", NULL), STATUS_OK);
    put("cup", 2);
    cr_assert(item_of("cup")->row.categories && item_of("cup")->row.predicted, "of two categories one has a half");
    cr_expect_eq(item_of("cup")->n_categories, 1);
    cr_expect(strstr("[\"left\"] [\"right\"]", item_of("cup")->row.categories), "%s", item_of("cup")->row.categories);
    fixture_stop(&fixture);
    fixture_start(&fixture);
    cr_expect(item_of("cup")->row.predicted, "kept through a restart");
    cr_assert_eq(fixture_item(&fixture, "cup", "kitchen"), STATUS_OK);
    cr_expect(!item_of("cup")->row.predicted);
    shop_put_picture(&fixture, "cup", 3);
    cr_expect_str_eq(item_of("cup")->row.categories, "[\"kitchen\"]");
    cr_assert_eq(settings_set(&fixture.settings, "pictures.predict", "1", "--set", NULL), STATUS_OK);
    put("plate", 4);
    cr_expect(!item_of("plate")->row.categories, "not sure enough");
}
