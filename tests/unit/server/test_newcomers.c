/* Items that came after a training are placed by what they are, and score as the model's own do. */
#include "tests/unit/server/placement_fixture.h"

#include "server/app/newcomers.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 6, KNOWN = 10, ITEMS = 14, PICTURE = 3 };

static const float user[WIDTH] = {0.5F, -1, 2, 0.25F, -0.75F, 1.5F};
static const float red[PICTURE] = {1, 0, 0};

struct newcomers_fixture {
    struct encoder_shape shape;
    struct content_placement placement;
    struct epoch *epoch;
    struct newcomers *newcomers;
};

static struct newcomers_fixture fixture;

static void open_with(float temperature)
{
    struct error error = {.detail = ""};
    fixture.shape = (struct encoder_shape){.n_items = KNOWN, .width = WIDTH, .temperature = temperature};
    placement_fixture_init(&fixture.placement, &fixture.shape, PICTURE);
    fixture.epoch = epoch_create();
    cr_assert(fixture.epoch);
    cr_assert_eq(newcomers_create(&fixture.placement, &fixture.shape, fixture.epoch, &fixture.newcomers, &error), STATUS_OK, "%s",
                 error.detail);
}

static void open_plain(void)
{
    open_with(0);
}

static void close_all(void)
{
    newcomers_destroy(fixture.newcomers);
    epoch_destroy(fixture.epoch);
    content_placement_clear(&fixture.placement);
}

TestSuite(newcomers, .init = open_plain, .fini = close_all);

static struct stored_item row_of(uint32_t item, const char *title)
{
    return (struct stored_item){.item = item, .title = title};
}

static void publish(uint32_t item, const char *title, const float *picture)
{
    struct stored_item row = row_of(item, title);
    float *place = NULL;
    cr_assert_eq(newcomers_prepare(fixture.newcomers, &row, picture, &place), STATUS_OK);
    newcomers_publish(fixture.newcomers, item, place);
}

static void fill(const float *seen, uint32_t item, const char *title, const float *picture)
{
    struct stored_item row = row_of(item, title);
    float *old = NULL;
    cr_assert_eq(newcomers_fill(fixture.newcomers, seen, &row, picture, &old), STATUS_OK);
    free(old);
}

/* out [WIDTH + 1] = where the tower puts it: the words are a line, as item_words.h says. */
static void expect_place(const char *line, const float *picture, float out[])
{
    struct content_pass *pass = NULL;
    struct item_content content = {line, strlen(line), picture};
    cr_assert_eq(content_pass_create(&fixture.placement.tower, 1, false, &pass, NULL), STATUS_OK);
    content_placement_place(&fixture.placement, pass, &content, out);
    content_pass_destroy(pass);
}

static bool is_at(const float *place, const float expected[])
{
    for (int c = 0; place && c < WIDTH; c++)
        if (fabsf(place[c] - expected[c]) > 1e-6F)
            return false;
    return place != NULL;
}

static double dot(const float x[], const float y[])
{
    double sum = 0;
    for (int c = 0; c < WIDTH; c++)
        sum += (double)x[c] * (double)y[c];
    return sum;
}

Test(newcomers, are_refused_for_a_tower_of_another_width)
{
    struct encoder_shape shape = fixture.shape;
    struct newcomers *newcomers = NULL;
    struct error error = {.detail = ""};
    shape.width = WIDTH + 1;
    cr_expect_eq(newcomers_create(&fixture.placement, &shape, fixture.epoch, &newcomers, &error), STATUS_INVALID);
    cr_expect(strstr(error.detail, "items of 6 numbers, the encoder has 7"), "%s", error.detail);
    cr_expect_null(newcomers);
}

Test(newcomers, stand_where_the_tower_puts_their_words)
{
    float expected[WIDTH + 1];
    publish(KNOWN, "a red mug", NULL);
    expect_place("a red mug\n", NULL, expected);
    cr_expect(is_at(newcomers_place(fixture.newcomers, KNOWN), expected));
    cr_expect_eq(newcomers_count(fixture.newcomers), 1);
}

Test(newcomers, stand_elsewhere_with_a_picture)
{
    float expected[WIDTH + 1];
    publish(KNOWN, "a red mug", red);
    expect_place("a red mug\n", red, expected);
    cr_expect(is_at(newcomers_place(fixture.newcomers, KNOWN), expected));
    expect_place("a red mug\n", NULL, expected);
    cr_expect_not(is_at(newcomers_place(fixture.newcomers, KNOWN), expected));
}

Test(newcomers, are_none_of_the_items_of_the_training)
{
    publish(KNOWN - 1, "a red mug", red);
    cr_expect_null(newcomers_place(fixture.newcomers, KNOWN - 1));
    cr_expect_eq(newcomers_count(fixture.newcomers), 0);
}

Test(newcomers, have_no_place_when_nothing_is_known_of_them)
{
    struct stored_item deleted = {.item = KNOWN, .deleted = true};
    float *place = NULL;
    publish(KNOWN, NULL, NULL);
    cr_expect_null(newcomers_place(fixture.newcomers, KNOWN));
    publish(KNOWN, "a red mug", NULL);
    cr_assert_eq(newcomers_prepare(fixture.newcomers, &deleted, red, &place), STATUS_OK);
    cr_expect_null(place);
    newcomers_publish(fixture.newcomers, KNOWN, place);
    cr_expect_null(newcomers_place(fixture.newcomers, KNOWN));
}

Test(newcomers, take_no_pictures_where_there_is_no_index)
{
    cr_expect_not(newcomers_take_pictures(fixture.newcomers, NULL));
    cr_expect_not(newcomers_want_pictures(fixture.newcomers));
}

/* --- filling --- */

Test(newcomers, are_filled_in_where_nothing_was_said)
{
    float expected[WIDTH + 1];
    fill(NULL, KNOWN, "a red mug", NULL);
    expect_place("a red mug\n", NULL, expected);
    cr_expect(is_at(newcomers_place(fixture.newcomers, KNOWN), expected));
}

Test(newcomers, are_never_filled_in_over_what_was_published_meanwhile)
{
    float expected[WIDTH + 1];
    const float *seen = newcomers_place(fixture.newcomers, KNOWN);
    publish(KNOWN, "a blue cup", NULL);
    fill(seen, KNOWN, "a red mug", NULL);
    expect_place("a blue cup\n", NULL, expected);
    cr_expect(is_at(newcomers_place(fixture.newcomers, KNOWN), expected));
}

Test(newcomers, are_never_brought_back_after_a_deletion)
{
    const float *seen = newcomers_place(fixture.newcomers, KNOWN);
    publish(KNOWN, NULL, NULL);
    fill(seen, KNOWN, "a red mug", NULL);
    cr_expect_null(newcomers_place(fixture.newcomers, KNOWN));
}

Test(newcomers, get_the_picture_that_they_were_placed_without)
{
    float expected[WIDTH + 1];
    publish(KNOWN, "a red mug", NULL);
    fill(newcomers_place(fixture.newcomers, KNOWN), KNOWN, "a red mug", red);
    expect_place("a red mug\n", red, expected);
    cr_expect(is_at(newcomers_place(fixture.newcomers, KNOWN), expected));
    cr_expect_eq(newcomers_count(fixture.newcomers), 1);
}

/* --- answers --- */

static void publish_some(void)
{
    publish(KNOWN, "a red mug", red);
    publish(KNOWN + 1, "a blue cup", NULL);
    publish(KNOWN + 3, NULL, red); /* the one before is not placed */
}

static void expect_scores(float temperature)
{
    float scores[ITEMS + 1] = {0};
    publish_some();
    newcomers_score(fixture.newcomers, user, ITEMS, scores);
    for (int item = 0; item < KNOWN; item++)
        cr_expect_eq(scores[item], 0, "it is the model's");
    for (uint32_t item = KNOWN; item < ITEMS; item++) {
        const float *place = newcomers_place(fixture.newcomers, item);
        double expected = (double)content_placement_neutral(&fixture.placement);
        if (place) {
            double length = temperature > 0 ? sqrt(dot(user, user) * dot(place, place)) * (double)temperature : 1;
            expected = dot(user, place) / length + (double)place[WIDTH];
        }
        cr_expect_float_eq((double)scores[item], expected, 1e-5, "item %u: %g, not %g", item, (double)scores[item], expected);
    }
    cr_expect_eq(scores[ITEMS], 0, "there is no such item");
}

Test(newcomers, score_as_a_plain_loop_says)
{
    expect_scores(0);
}

Test(newcomers, score_by_direction_with_a_temperature)
{
    close_all();
    open_with(0.25F);
    expect_scores(0.25F);
}

Test(newcomers, score_the_neutral_bias_without_a_place)
{
    float scores[ITEMS];
    newcomers_score(fixture.newcomers, user, ITEMS, scores);
    for (int item = KNOWN; item < ITEMS; item++)
        cr_expect_eq(scores[item], content_placement_neutral(&fixture.placement));
}

Test(newcomers, are_as_similar_as_their_directions)
{
    float similarities[ITEMS] = {0};
    publish_some();
    const float *place = newcomers_place(fixture.newcomers, KNOWN), *other = newcomers_place(fixture.newcomers, KNOWN + 1);
    newcomers_similar(fixture.newcomers, place, ITEMS, similarities);
    cr_expect_float_eq((double)similarities[KNOWN], 1, 1e-5);
    cr_expect_float_eq((double)similarities[KNOWN + 1], dot(place, other) / sqrt(dot(place, place) * dot(other, other)), 1e-5);
    cr_expect_eq(similarities[KNOWN + 2], 0, "it is not placed");
    cr_expect_eq(similarities[KNOWN - 1], 0, "it is the model's");
}

Test(newcomers, are_not_scored_where_the_catalogue_is_smaller_than_the_model)
{
    float scores[KNOWN] = {0};
    publish_some();
    newcomers_score(fixture.newcomers, user, KNOWN - 3, scores);
    newcomers_similar(fixture.newcomers, user, KNOWN - 3, scores);
    for (int item = 0; item < KNOWN; item++)
        cr_expect_eq(scores[item], 0);
}
