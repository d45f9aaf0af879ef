/* The running service with a model that places what came after its training: an item counts from the answer after the write that brought
 * its words or its picture. The model is a trained one; its placement is made by hand. */
#include "tests/unit/server/painted_shop.h"
#include "tests/unit/server/placement_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KNOWN = 30, PICTURE_WIDTH = 64 };

static struct fixture fixture;
static struct model *trained; /* until it is live */
static struct content_placement placement;

static void open_service(void)
{
    char version[MODEL_VERSION_BYTES], path[160];
    struct error error = {.detail = ""};
    shop_open(&fixture);
    fixture.settings.neighbours_weight = 0;
    fixture_fill(&fixture, 40, KNOWN);
    fixture_stop(&fixture);
    fixture_train(&fixture, 1, version);
    fixture_start(&fixture);
    fixture_model_path(&fixture, version, path);
    cr_assert_eq(model_open(path, &trained, &error), STATUS_OK, "%s", error.detail);
    placement_fixture_init(&placement, &model_facts(trained)->shape, PICTURE_WIDTH);
}

static void close_service(void)
{
    fixture_close(&fixture);
    model_close(trained);
    content_placement_clear(&placement);
}

TestSuite(placing, .init = open_service, .fini = close_service, .timeout = 120);

/* The trained model with the placement takes the live one's place. The writer has nothing to do meanwhile, so this may be its part. */
static void go_live(void)
{
    struct error error = {.detail = ""};
    struct live_model *ready = calloc(1, sizeof *ready);
    cr_assert(ready);
    cr_assert_eq(newcomers_create(&placement, &model_facts(trained)->shape, fixture.app->epoch, &ready->newcomers, &error), STATUS_OK, "%s",
                 error.detail);
    ready->model = trained;
    trained = NULL;
    live_swap(&fixture.app->live, ready);
    filler_wake(fixture.app->filler);
}

static void put(const char *item_id, const char *title)
{
    struct item_input item = fixture_item_input(item_id);
    item.title = title;
    cr_assert_eq(fixture_write(&fixture, &(struct write){.kind = WRITE_ITEMS, .items = &item, .n = 1}), STATUS_OK);
}

static void delete (enum write_kind kind, const char *item_id)
{
    cr_assert_eq(fixture_write(&fixture, &(struct write){.kind = kind, .id = item_id}), STATUS_OK);
}

/* The best answer for somebody who did something. */
static const char *best(void)
{
    return fixture_recommend(&fixture, "user-0", 1);
}

/* The most similar item, and why. */
static const char *nearest(const char *item_id, enum reason *out_reason)
{
    struct recommendations answer;
    struct error error = {.detail = ""};
    arena_reset(fixture.arena);
    unsigned slot = app_enter(fixture.app);
    cr_assert_eq(app_similar(fixture.app, item_id, 1, fixture.arena, &answer, &error), STATUS_OK, "%s", error.detail);
    app_leave(fixture.app, slot);
    cr_assert_eq(answer.n_items, 1);
    *out_reason = answer.items[0].reason;
    return fixture_items(&fixture, &answer);
}

Test(placing, an_item_is_in_the_next_answer_by_its_words)
{
    placement_fixture_plain(&placement);
    go_live();
    put("fresh", NULL);
    cr_expect_str_neq(best(), "fresh", "nothing is known of it");
    put("fresh", "a red mug");
    cr_expect_str_eq(best(), "fresh");
    put("fresh", NULL);
    cr_expect_str_neq(best(), "fresh", "it has lost its words");
}

Test(placing, a_deleted_item_has_no_place_until_it_is_put_again)
{
    placement_fixture_plain(&placement);
    go_live();
    put("fresh", "a red mug");
    delete (WRITE_ITEM_DELETE, "fresh");
    put("fresh", NULL);
    cr_expect_str_neq(best(), "fresh");
    put("fresh", "a red mug");
    cr_expect_str_eq(best(), "fresh");
}

Test(placing, a_batch_leaves_an_item_where_its_last_row_puts_it)
{
    struct item_input items[] = {fixture_item_input("gone"), fixture_item_input("fresh"), fixture_item_input("gone")};
    placement_fixture_plain(&placement);
    go_live();
    items[0].title = items[1].title = "a red mug";
    cr_assert_eq(fixture_write(&fixture, &(struct write){.kind = WRITE_ITEMS, .items = items, .n = 3}), STATUS_OK);
    cr_expect_str_eq(best(), "fresh");
}

Test(placing, a_failed_commit_places_nothing)
{
    struct rlimit before;
    struct item_input item = fixture_item_input("fresh");
    placement_fixture_plain(&placement);
    go_live();
    put("fresh", NULL);
    item.title = "a red mug";
    fixture_fill_disk(&fixture, &before);
    cr_assert_eq(fixture_write(&fixture, &(struct write){.kind = WRITE_ITEMS, .items = &item, .n = 1}), STATUS_IO);
    cr_expect_str_neq(best(), "fresh");
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    put("other", "spare tyres");
    cr_expect_str_eq(best(), "other", "what failed is not shown with the next batch");
}

Test(placing, what_was_there_before_the_model_is_filled_in)
{
    placement_fixture_plain(&placement);
    put("fresh", "a red mug");
    cr_expect_str_neq(best(), "fresh");
    go_live();
    shop_wait(&fixture);
    cr_expect_str_eq(best(), "fresh");
}

Test(placing, an_item_that_only_an_event_has_named_is_not_placed)
{
    placement_fixture_plain(&placement);
    go_live();
    cr_assert_eq(fixture_event(&fixture, "user-1", "heard-of", "view"), STATUS_OK);
    cr_expect_str_neq(best(), "heard-of");
    put("heard-of", "a red mug");
    cr_expect_str_eq(best(), "heard-of");
}

Test(placing, similar_items_of_a_newcomer_are_those_with_its_words)
{
    enum reason reason;
    go_live();
    put("fresh", "a red mug");
    put("other", "spare tyres of all kinds");
    put("its-twin", "a red mug");
    cr_expect_str_eq(nearest("fresh", &reason), "its-twin");
    cr_expect_eq(reason, REASON_CONTENT);
    cr_assert_eq(fixture_event(&fixture, "user-1", "other", "view"), STATUS_OK);
    cr_assert_eq(fixture_event(&fixture, "user-1", "fresh", "view"), STATUS_OK);
    cr_expect_str_eq(nearest("fresh", &reason), "its-twin");
    cr_expect_eq(reason, REASON_BEHAVIOUR, "it has neighbours now");
}

Test(placing, similar_items_of_a_known_one_may_be_newcomers)
{
    enum reason reason;
    struct item_vectors known = model_item_vectors(trained);
    const struct item *item = app_find_item(fixture.app, "item-7");
    placement_fixture_point(&placement, known.vectors + (size_t)item->number * known.width);
    go_live();
    put("fresh", "whatever it says");
    cr_expect_str_eq(nearest("item-7", &reason), "fresh");
    cr_expect_eq(reason, REASON_BEHAVIOUR);
}

/* Of the answer: all but the item. */
static char *without(const char *items, const char *item_id)
{
    char *rest = strdup(items), *found = strstr(rest, item_id);
    size_t n_bytes = strlen(item_id);
    if (found)
        memmove(found, found + n_bytes + (found[n_bytes] == ' '), strlen(found + n_bytes + (found[n_bytes] == ' ')) + 1);
    return rest;
}

Test(placing, a_past_of_newcomers_is_read_by_where_they_are)
{
    atomic_uint_fast64_t *ways = fixture.app->figures.encodings;
    struct item_vectors known = model_item_vectors(trained);
    const struct item *item = app_find_item(fixture.app, "item-7");
    placement_fixture_point(&placement, known.vectors + (size_t)item->number * known.width);
    go_live();
    put("fresh", "whatever it says");
    cr_assert_eq(fixture_event(&fixture, "of-old", "item-7", "view"), STATUS_OK);
    cr_assert_eq(fixture_event(&fixture, "of-new", "fresh", "view"), STATUS_OK);
    char *expected = without(fixture_recommend(&fixture, "of-old", KNOWN), "fresh");
    uint64_t n_whole = atomic_load(&ways[ENCODING_WHOLE]);
    for (unsigned i = 0; i < 2; i++) {
        char *found = without(fixture_recommend(&fixture, "of-new", KNOWN), "item-7");
        cr_expect_str_eq(found, expected);
        free(found);
    }
    cr_expect_eq(atomic_load(&ways[ENCODING_WHOLE]), n_whole + 2, "no state is kept that a change of words would make wrong");
    free(expected);
}

/* --- pictures --- */

/* The placement's pictures are those of a model. */
static void take_pictures_of(const char *version)
{
    memcpy(placement.picture_version, version, strlen(version) + 1);
    placement_fixture_plain(&placement);
}

Test(placing, a_picture_counts_from_the_answer_after_it)
{
    char version[FILE_VERSION_BYTES];
    shop_adopt_model(&fixture, 1, version);
    take_pictures_of(version);
    go_live();
    put("first", "a red mug");
    put("second", "a red mug");
    cr_expect_str_eq(best(), "first");
    shop_put_picture(&fixture, "second", 1);
    cr_expect_str_eq(best(), "second");
    put("second", "a blue cup");
    cr_expect_str_eq(best(), "second", "its picture is still there");
    delete (WRITE_PICTURE_DELETE, "second");
    cr_expect_str_eq(best(), "first");
}

Test(placing, pictures_that_were_there_before_are_filled_in)
{
    char version[FILE_VERSION_BYTES];
    put("first", "a red mug");
    put("second", "a red mug");
    shop_put_picture(&fixture, "second", 1);
    shop_write_model(&fixture, 1, version);
    take_pictures_of(version);
    go_live();
    shop_wait(&fixture);
    cr_expect_str_eq(best(), "first", "no model looks at pictures yet");
    cr_assert_eq(fixture_write(&fixture, &(struct write){.kind = WRITE_MODEL_ADOPT}), STATUS_OK);
    shop_wait(&fixture);
    cr_expect_str_eq(best(), "second");
}

/* The store's pictures are filled in again with every swap, and an item that is put meanwhile may be placed before its picture is there. */
Test(placing, an_item_that_is_put_while_pictures_are_filled_in_gets_its_own)
{
    enum { SWAPS = 10 };
    char version[FILE_VERSION_BYTES], other[FILE_VERSION_BYTES];
    shop_adopt_model(&fixture, 2, other);
    shop_adopt_model(&fixture, 1, version);
    take_pictures_of(version);
    go_live();
    put("first", "a red mug");
    put("second", "a red mug");
    shop_put_picture(&fixture, "second", 1);
    for (int i = 0; i < SWAPS; i++) {
        const char *next = i % 2 ? version : other;
        cr_assert_eq(fixture_write(&fixture, &(struct write){.kind = WRITE_MODEL_ACTIVATE, .id = next}), STATUS_OK);
        put("second", i % 4 ? "a blue cup" : "a red mug");
        shop_wait(&fixture);
        cr_expect_str_eq(best(), i % 2 ? "second" : "first", "after swap %d", i);
    }
}

Test(placing, pictures_by_another_model_do_not_count)
{
    char version[FILE_VERSION_BYTES];
    shop_adopt_model(&fixture, 1, version);
    take_pictures_of("p0123456789abcdef");
    go_live();
    put("first", "a red mug");
    put("second", "a red mug");
    shop_put_picture(&fixture, "second", 1);
    cr_expect_str_eq(best(), "first");
}

Test(placing, is_counted_among_the_figures)
{
    struct buffer page;
    go_live();
    put("fresh", "a red mug");
    put("other", "spare tyres");
    put("unknown", NULL);
    shop_wait(&fixture);
    buffer_init(&page, 1 << 20);
    app_metrics(fixture.app, &page);
    cr_assert_eq(buffer_finish(&page, NULL), STATUS_OK);
    cr_expect(strstr(page.bytes, "\ninkling_items_placed 2\n"));
    cr_expect(strstr(page.bytes, "\ninkling_filling 0\n"));
    buffer_clear(&page);
}

/* --- a placement that was trained --- */

static uint32_t count_placed(void)
{
    unsigned slot = app_enter(fixture.app);
    const struct newcomers *newcomers = live_get(&fixture.app->live)->newcomers;
    uint32_t n = newcomers ? newcomers_count(newcomers) : 0;
    app_leave(fixture.app, slot);
    return n;
}

Test(placing, a_training_on_items_with_words_places_what_comes_after_it)
{
    enum { ITEMS = 60 }; /* a tower wants 50 to learn from */
    char version[MODEL_VERSION_BYTES], item_id[16];
    fixture_fill(&fixture, 40, ITEMS);
    for (unsigned i = 0; i < ITEMS; i++) {
        (void)snprintf(item_id, sizeof item_id, "item-%u", i);
        put(item_id, i % 2 ? "a red mug" : "a blue cup");
    }
    fixture_stop(&fixture);
    fixture_train(&fixture, 2, version);
    fixture_start(&fixture);
    cr_assert_str_eq(fixture_live_version(&fixture), version);
    put("fresh", "a red cup");
    cr_expect_eq(count_placed(), 1, "at once");
    fixture_stop(&fixture);
    fixture_start(&fixture);
    shop_wait(&fixture);
    cr_expect_str_eq(fixture_live_version(&fixture), version);
    cr_expect_eq(count_placed(), 1, "%u are filled in after a restart", count_placed());
    delete (WRITE_ITEM_DELETE, "fresh");
    cr_expect_eq(count_placed(), 0);
}
