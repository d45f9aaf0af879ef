/* The content tower: what it refuses, what it makes of items, and which items a step's table has. */
#include "colour_shop.h"
#include "kernel_arguments.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define D (SMALL.width + 1)

static const struct content_shape SMALL = {.width = 6,
                                           .picture_width = SHOP_PICTURE,
                                           .n_buckets = 100,
                                           .embedding = 5,
                                           .channels = 7,
                                           .max_words = 6,
                                           .max_features = 9,
                                           .max_bytes = 80};

static struct content_tower make_tower(void)
{
    struct content_tower tower;
    struct error error = {.detail = ""};
    cr_assert_eq(content_tower_init(&tower, &SMALL, &error), STATUS_OK, "%s", error.detail);
    return tower;
}

static float *make_weights(const struct content_tower *tower)
{
    struct random random;
    random_init(&random, ARGUMENT_SEED, 31);
    return random_floats(&random, tower->n_floats, .5f);
}

static struct content_pass *make_pass(const struct content_tower *tower, uint32_t max_items)
{
    struct content_pass *pass = NULL;
    cr_assert_eq(content_pass_create(tower, max_items, false, &pass, NULL), STATUS_OK);
    return pass;
}

static struct item_content content_of(const char *text, const float *picture)
{
    return (struct item_content){text, strlen(text), picture};
}

Test(content_tower, refuses_what_is_out_of_its_limits)
{
    struct content_tower tower;
    struct error error = {.detail = ""};
    struct content_shape shape = SMALL;
    shape.width = TEXT_SIDE_MAX;
    cr_expect_eq(content_tower_init(&tower, &shape, &error), STATUS_INVALID);
    cr_expect(strstr(error.detail, "items of 1024 numbers"), "%s", error.detail);
    shape = SMALL;
    shape.picture_width = CONTENT_PICTURE_MAX + 1;
    cr_expect_eq(content_tower_init(&tower, &shape, &error), STATUS_INVALID);
    cr_expect(strstr(error.detail, "pictures of 4097"), "%s", error.detail);
    shape = SMALL;
    shape.n_buckets = 1;
    cr_expect_eq(content_tower_init(&tower, &shape, &error), STATUS_INVALID);
    shape = SMALL;
    shape.max_words = 0;
    struct content_pass *pass = NULL;
    cr_assert_eq(content_tower_init(&tower, &shape, &error), STATUS_OK);
    cr_expect_eq(content_pass_create(&tower, 1, false, &pass, &error), STATUS_INVALID);
    cr_expect(strstr(error.detail, "max_words"), "%s", error.detail);
}

Test(content_tower, gives_the_neutral_vector_to_an_item_without_content)
{
    struct content_tower tower = make_tower();
    float *weights = make_weights(&tower), out[8], zeros[8] = {0};
    SCOPED(content_pass_destroy) struct content_pass *pass = make_pass(&tower, 1);
    const struct item_content empty[] = {
        {0}, {.text = "", .n_bytes = 0}, {.text = "?! -", .n_bytes = 4}, {.text = "\xff\xfe", .n_bytes = 2}};
    for (size_t i = 0; i < sizeof empty / sizeof empty[0]; i++) {
        content_place(pass, weights, &empty[i], out);
        expect_close(out, zeros, SMALL.width, 0, "the vector of nothing");
        cr_expect_eq(out[SMALL.width], weights[tower.neutral], "%zu", i);
    }
    free(weights);
}

Test(content_tower, adds_what_text_says_to_what_the_picture_says)
{
    struct content_tower tower = make_tower();
    float *weights = make_weights(&tower), text[8], picture[8], both[8], sum[8];
    const float pixels[SHOP_PICTURE] = {1, 0, 3, -1}, larger[SHOP_PICTURE] = {10, 0, 30, -10};
    SCOPED(content_pass_destroy) struct content_pass *pass = make_pass(&tower, 3);
    struct item_content content = content_of("red cup", NULL);
    content_place(pass, weights, &content, text);
    content = (struct item_content){.picture = pixels};
    content_place(pass, weights, &content, picture);
    content = content_of("red cup", larger); /* a picture's vector counts by its direction */
    content_place(pass, weights, &content, both);
    for (size_t d = 0; d < D; d++)
        sum[d] = text[d] + picture[d] - (d == SMALL.width ? weights[tower.neutral] : 0);
    expect_close(both, sum, D, 1e-5f, "both");
    free(weights);
}

Test(content_tower, places_many_items_as_it_places_one)
{
    struct shop shop;
    shop_init(&shop, 0, 0, 3);
    struct content_tower tower = make_tower();
    float *weights = make_weights(&tower), *many = zero_floats(SHOP_ITEMS * D), one[8];
    SCOPED(content_pass_destroy) struct content_pass *pass = make_pass(&tower, 1);
    cr_assert_eq(content_place_all(&tower, weights, shop.contents, SHOP_ITEMS, shop.workers, many, NULL), STATUS_OK);
    for (uint32_t v = 0; v < SHOP_ITEMS; v++) {
        content_place(pass, weights, &shop.contents[v], one);
        expect_close(one, many + v * D, D, 1e-5f, "one item");
    }
    free(weights);
    free(many);
    shop_clear(&shop);
}

Test(content_tower, takes_no_item_for_which_there_is_no_room)
{
    struct content_tower tower = make_tower();
    float *weights = make_weights(&tower);
    SCOPED(content_pass_destroy) struct content_pass *pass = make_pass(&tower, 1);
    struct item_content content = content_of("red cup", NULL);
    cr_expect(content_pass_add(pass, &content));
    float *before = copy_floats(content_pass_forward(pass, weights), D);
    cr_expect_not(content_pass_add(pass, &content));
    expect_close(content_pass_forward(pass, weights), before, D, 0, "as it was");
    free(before);
    free(weights);
}

/* --- the table of a step --- */

static void expect_rows(const struct content_table *table, const uint32_t targets[], uint32_t n, const bool may[])
{
    bool is_content[SHOP_ITEMS] = {false};
    for (uint32_t i = 0; i < n; i++) {
        cr_expect_eq(table->items[table->targets[i]], targets[i]);
        cr_expect(table->skips[i] == CONTENT_NONE || table->items[table->skips[i]] == targets[i]);
    }
    for (uint32_t i = 0; i < table->n_contents; i++) {
        uint32_t item = table->contents[i], n_rows = 0;
        cr_expect(may[item] && !is_content[item], "item %u, once and only if it may", item);
        is_content[item] = true;
        for (uint32_t row = 0; row < table->n_rows; row++) {
            bool is_named = table->content_rows[i][0] == row || table->content_rows[i][1] == row;
            cr_expect_eq(is_named, table->items[row] == item, "all rows of item %u, row %u", item, row);
            n_rows += is_named;
        }
        cr_expect(n_rows > 0);
    }
}

static void try_table(uint32_t max_shared, uint32_t max_contents)
{
    struct content_table table;
    const uint32_t targets[] = {3, 50, 3, 7, 59, 0};
    bool may[SHOP_ITEMS];
    uint32_t n_contents = 0;
    for (uint32_t v = 0; v < SHOP_ITEMS; v++)
        may[v] = v % 4 != 0;
    cr_assert_eq(content_table_init(&table, SHOP_ITEMS, max_shared, 6, max_contents), STATUS_OK);
    for (uint64_t step = 0; step < 30; step++) {
        content_table_choose(&table, targets, 6, may, .5f, 1, step);
        expect_rows(&table, targets, 6, may);
        n_contents += table.n_contents;
    }
    cr_expect(n_contents > 30 && n_contents <= 30 * max_contents, "%u", n_contents);
    content_table_clear(&table);
}

Test(content_table, of_a_small_catalogue_has_every_item)
{
    try_table(SHOP_ITEMS, 40);
}

Test(content_table, of_a_large_catalogue_has_a_sample_with_the_targets_behind_it)
{
    try_table(20, 40);
}

Test(content_table, keeps_to_the_bound_of_items_with_content)
{
    try_table(SHOP_ITEMS, 4);
}
