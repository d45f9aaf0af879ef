/* The catalogue: records swapped whole, readers that hold the old one, and growth. */
#include "server/app/catalogue.h"

#include <criterion/criterion.h>
#include <math.h>

static struct epoch *epoch;
static struct catalogue *catalogue;

static void create(void)
{
    epoch = epoch_create();
    catalogue = catalogue_create(epoch);
    cr_assert(epoch && catalogue);
}

static void destroy(void)
{
    catalogue_destroy(catalogue);
    epoch_destroy(epoch);
}

static struct stored_item row(const char *title, const char *categories)
{
    return (struct stored_item){.title = title, .categories = categories, .price = 9.5, .created_at_ms = 1, .expires_at_ms = INT64_MIN};
}

TestSuite(catalogue, .init = create, .fini = destroy);

Test(catalogue, has_no_item_at_first)
{
    cr_assert_eq(catalogue_count(catalogue), 0);
    cr_assert_null(catalogue_item(catalogue, 0));
}

Test(catalogue, copies_the_texts_of_a_row)
{
    char title[] = "A film";
    struct stored_item film = row(title, "[\"drama\"]");
    cr_assert_eq(catalogue_put(catalogue, 0, "film-1", &film), STATUS_OK);
    title[0] = 'X';
    const struct item *item = catalogue_item(catalogue, 0);
    cr_assert_str_eq(item->row.title, "A film");
    cr_assert_str_eq(item->item_id, "film-1");
    cr_assert_null(item->row.text);
    cr_assert_eq(item->row.price, 9.5);
    cr_assert(item->known);
}

Test(catalogue, numbers_categories_once)
{
    struct stored_item first = row("a", "[\"drama\",\"sea\"]"), second = row("b", "[\"sea\"]");
    cr_assert_eq(catalogue_put(catalogue, 0, "a", &first), STATUS_OK);
    cr_assert_eq(catalogue_put(catalogue, 1, "b", &second), STATUS_OK);
    const struct item *a = catalogue_item(catalogue, 0), *b = catalogue_item(catalogue, 1);
    cr_assert_eq(a->n_categories, 2);
    cr_assert_eq(b->n_categories, 1);
    cr_assert_eq(a->categories[1], b->categories[0]);
    cr_assert_str_eq(names_text(catalogue_categories(catalogue), b->categories[0]), "sea");
}

Test(catalogue, takes_an_item_that_only_events_have_named)
{
    cr_assert_eq(catalogue_put(catalogue, 0, "x", NULL), STATUS_OK);
    const struct item *item = catalogue_item(catalogue, 0);
    cr_assert_not(item->known);
    cr_assert_eq(item->row.kind, ITEM_CONTENT);
    cr_assert(isnan(item->row.price));
    cr_assert_eq(item->row.expires_at_ms, INT64_MIN);
    cr_assert_eq(item->n_categories, 0);
}

Test(catalogue, keeps_the_old_record_for_a_reader_inside)
{
    struct stored_item old = row("old", "[\"a\"]"), fresh = row("new", NULL);
    cr_assert_eq(catalogue_put(catalogue, 0, "x", &old), STATUS_OK);
    unsigned slot = epoch_enter(epoch);
    const struct item *held = catalogue_item(catalogue, 0);
    cr_assert_eq(catalogue_put(catalogue, 0, "x", &fresh), STATUS_OK);
    cr_assert_str_eq(held->row.title, "old");
    cr_assert_str_eq(catalogue_item(catalogue, 0)->row.title, "new");
    epoch_leave(epoch, slot);
}

Test(catalogue, grows)
{
    for (uint32_t i = 0; i < 5000; i++)
        cr_assert_eq(catalogue_put(catalogue, i, "same", NULL), STATUS_OK);
    cr_assert_eq(catalogue_count(catalogue), 5000);
    for (uint32_t i = 0; i < 5000; i++)
        cr_assert_eq(catalogue_item(catalogue, i)->number, i);
    cr_assert_null(catalogue_item(catalogue, 5000));
}

Test(catalogue, shows_nothing_before_it_is_published)
{
    struct item *record = NULL;
    cr_assert_eq(catalogue_prepare(catalogue, 3, "x", NULL, &record), STATUS_OK);
    cr_assert_eq(catalogue_count(catalogue), 0);
    catalogue_publish(catalogue, record);
    cr_assert_eq(catalogue_count(catalogue), 4);
    cr_assert_eq(catalogue_item(catalogue, 3), record);
    cr_assert_null(catalogue_item(catalogue, 2), "a number that was skipped is a hole");
}

Test(catalogue, reads_a_row_with_damaged_categories_as_one_without)
{
    const char *const damaged[] = {"", "[", "{}", "[1]", "\"sea\"", "[\"a\",null]"};
    for (uint32_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++) {
        struct stored_item item = row("x", damaged[i]);
        cr_assert_eq(catalogue_put(catalogue, i, "x", &item), STATUS_OK);
        cr_assert_eq(catalogue_item(catalogue, i)->n_categories, 0);
    }
}
