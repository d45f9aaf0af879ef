/* Coverage, Gini and novelty by hand. */
#include "core/list_figures.h"

#include <criterion/criterion.h>
#include <math.h>

#define NEAR(a, b) cr_expect_float_eq(a, b, 1e-9, "%s is %g, expected %g", #a, (double)(a), (double)(b))

static struct list_counts counts_of(uint32_t n_items)
{
    struct list_counts counts = {0};
    cr_assert_eq(list_counts_init(&counts, n_items), STATUS_OK);
    return counts;
}

Test(list_figures, coverage_counts_the_items_of_any_list)
{
    struct list_counts counts = counts_of(40);
    const uint32_t events[40] = {0};
    uint32_t list[LIST_LENGTH];
    struct list_figures figures;
    for (uint32_t i = 0; i < LIST_LENGTH; i++)
        list[i] = i;
    list_counts_add(&counts, list, LIST_LENGTH);
    list_counts_add(&counts, (uint32_t[]){30, 0}, 2);
    cr_assert_eq(list_figures_make(&counts, events, &figures), STATUS_OK);
    NEAR(figures.coverage10, 11 / 40.0);
    NEAR(figures.coverage20, 21 / 40.0);
    list_counts_clear(&counts);
}

Test(list_figures, gini_is_0_when_all_items_are_shown_alike)
{
    struct list_counts counts = counts_of(4);
    const uint32_t events[4] = {0};
    struct list_figures figures;
    list_counts_add(&counts, (uint32_t[]){0, 1}, 2);
    list_counts_add(&counts, (uint32_t[]){3, 2}, 2);
    cr_assert_eq(list_figures_make(&counts, events, &figures), STATUS_OK);
    NEAR(figures.gini10, 0);
    list_counts_clear(&counts);
}

Test(list_figures, gini_grows_to_1_as_fewer_items_take_all)
{
    /* x = 0, 0, 1, 3: 2 (3 · 1 + 4 · 3) / (4 · 4) - 5 / 4 = .625 */
    struct list_counts counts = counts_of(4);
    const uint32_t events[4] = {0};
    struct list_figures figures;
    list_counts_add(&counts, (uint32_t[]){2, 1}, 2);
    list_counts_add(&counts, (uint32_t[]){2}, 1);
    list_counts_add(&counts, (uint32_t[]){2}, 1);
    cr_assert_eq(list_figures_make(&counts, events, &figures), STATUS_OK);
    NEAR(figures.gini10, .625);
    list_counts_clear(&counts);
    counts = counts_of(1000);
    const uint32_t many_events[1000] = {0};
    list_counts_add(&counts, (uint32_t[]){7}, 1);
    cr_assert_eq(list_figures_make(&counts, many_events, &figures), STATUS_OK);
    NEAR(figures.gini10, .999);
    list_counts_clear(&counts);
}

Test(list_figures, novelty_is_the_information_of_what_is_shown)
{
    /* events + 1: 8, 4, 2, 2 of 16, so 1, 2, 3, 3 bits */
    struct list_counts counts = counts_of(4);
    const uint32_t events[4] = {7, 3, 1, 1};
    struct list_figures figures;
    list_counts_add(&counts, (uint32_t[]){0, 3}, 2);
    list_counts_add(&counts, (uint32_t[]){0, 1}, 2);
    cr_assert_eq(list_figures_make(&counts, events, &figures), STATUS_OK);
    NEAR(figures.novelty10, (1 + 3 + 1 + 2) / 4.0);
    list_counts_clear(&counts);
}

Test(list_figures, novelty_and_gini_look_at_the_first_ten)
{
    struct list_counts counts = counts_of(LIST_LENGTH);
    uint32_t events[LIST_LENGTH] = {0}, list[LIST_LENGTH];
    struct list_figures figures;
    for (uint32_t i = 0; i < LIST_LENGTH; i++) {
        list[i] = i;
        events[i] = i < 10 ? 0 : 2; /* shares 1 / 40 and 3 / 40 */
    }
    list_counts_add(&counts, list, LIST_LENGTH);
    cr_assert_eq(list_figures_make(&counts, events, &figures), STATUS_OK);
    NEAR(figures.novelty10, log2(40));
    NEAR(figures.gini10, .5);
    list_counts_clear(&counts);
}

Test(list_figures, of_no_lists_or_no_items_are_0)
{
    struct list_counts counts = counts_of(3);
    const uint32_t events[3] = {1, 2, 3};
    struct list_figures figures = {.gini10 = 7};
    cr_assert_eq(list_figures_make(&counts, events, &figures), STATUS_OK);
    cr_expect(figures.coverage10 == 0 && figures.coverage20 == 0 && figures.gini10 == 0 && figures.novelty10 == 0);
    list_counts_clear(&counts);
    counts = counts_of(0);
    figures.gini10 = 7;
    cr_assert_eq(list_figures_make(&counts, events, &figures), STATUS_OK);
    cr_expect(figures.coverage10 == 0 && figures.coverage20 == 0 && figures.gini10 == 0 && figures.novelty10 == 0);
    list_counts_clear(&counts);
}
