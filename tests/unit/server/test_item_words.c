/* The words of an item as content towers read them. */
#include "server/app/item_words.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static const struct stored_item lamp = {
    .title = "Desk lamp", .text = "Bright, and it folds.", .categories = "[\"Lamps\",\"Office\"]", .tags = "[\"LED\"]", .price = NAN};

static void check(const struct stored_item *row, size_t max_bytes, const char *expected)
{
    char words[256];
    size_t n_bytes = 1;
    cr_assert_eq(item_words_write(row, words, max_bytes, &n_bytes), STATUS_OK);
    cr_assert_eq(n_bytes, strlen(expected), "%.*s", (int)n_bytes, words);
    cr_assert_arr_eq(words, expected, n_bytes);
}

Test(item_words, stand_in_the_order_title_categories_tags_text)
{
    check(&lamp, 256, "Desk lamp\nLamps Office\nLED\nBright, and it folds.\n");
}

Test(item_words, are_cut_where_there_is_no_more_room)
{
    check(&lamp, 12, "Desk lamp\nLa");
    check(&lamp, 9, "Desk lamp");
    check(&lamp, 0, "");
}

Test(item_words, leave_out_categories_that_were_guessed)
{
    struct stored_item row = lamp;
    row.predicted = true;
    check(&row, 256, "Desk lamp\nLED\nBright, and it folds.\n");
}

Test(item_words, of_a_deleted_item_are_none)
{
    struct stored_item row = lamp;
    row.deleted = true;
    check(&row, 256, "");
}

Test(item_words, pass_over_what_is_no_text)
{
    struct stored_item row = {.categories = "[1,\"Lamps\",null]", .tags = "no list"};
    check(&row, 256, "Lamps ");
    check(&(struct stored_item){.categories = "[]"}, 256, "");
}
