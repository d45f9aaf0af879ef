/* Names: ids as numbers, and holes that stay holes. */
#include "core/base/names.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static uint32_t add(struct names *names, const char *text)
{
    uint32_t number = NAMES_NONE;
    cr_assert_eq(names_add(names, text, &number), STATUS_OK);
    return number;
}

Test(names, gives_dense_numbers_in_order_of_appearance)
{
    SCOPED(names_destroy) struct names *names = names_create();
    cr_assert_eq(add(names, "b"), 0);
    cr_assert_eq(add(names, "a"), 1);
    cr_assert_eq(add(names, "b"), 0);
    cr_assert_eq(names_count(names), 2);
    cr_assert_eq(names_find(names, "a"), 1);
    cr_assert_eq(names_find(names, "c"), NAMES_NONE);
    cr_assert_str_eq(names_text(names, 1), "a");
    cr_assert_null(names_text(names, 2));
}

Test(names, keeps_texts_in_place_while_it_grows)
{
    SCOPED(names_destroy) struct names *names = names_create();
    add(names, "first");
    const char *first = names_text(names, 0);
    for (int i = 0; i < 100000; i++) {
        char text[32];
        snprintf(text, sizeof text, "name-%d", i);
        cr_assert_eq(add(names, text), (uint32_t)i + 1);
    }
    cr_assert_eq(names_text(names, 0), first);
    cr_assert_str_eq(first, "first");
    cr_assert_eq(names_find(names, "name-77777"), 77778);
}

Test(names, never_gives_a_number_twice)
{
    SCOPED(names_destroy) struct names *names = names_create();
    add(names, "a");
    add(names, "b");
    const char *text = names_text(names, 0);
    names_forget(names, 0);
    cr_assert_null(names_text(names, 0));
    cr_assert_eq(names_find(names, "a"), NAMES_NONE);
    cr_assert_str_eq(text, "a"); /* pointers taken before stay good */
    cr_assert_eq(add(names, "a"), 2);
    cr_assert_eq(names_add_hole(names), STATUS_OK);
    cr_assert_eq(names_count(names), 4);
    cr_assert_null(names_text(names, 3));
    cr_assert_eq(add(names, "c"), 4);
}

Test(names, survives_forgetting_and_adding_many)
{
    SCOPED(names_destroy) struct names *names = names_create();
    char text[32];
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < 5000; i++) {
            snprintf(text, sizeof text, "%d", i);
            add(names, text);
        }
        for (int i = round; i < 5000; i += 2) {
            snprintf(text, sizeof text, "%d", i);
            names_forget(names, names_find(names, text));
            cr_assert_eq(names_find(names, text), NAMES_NONE);
        }
    }
    snprintf(text, sizeof text, "%d", 2);
    cr_assert_neq(names_find(names, text), NAMES_NONE); /* the last round forgot the odd ones */
    cr_assert_str_eq(names_text(names, names_find(names, text)), "2");
}
