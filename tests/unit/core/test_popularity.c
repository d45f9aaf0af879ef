/* Fading by hand: an event one window older than the newest counts 1/e of it. */
#include "core/popularity.h"

#include <criterion/criterion.h>
#include <math.h>

#define DAY_MS     INT64_C(86400000)
#define NEAR(a, b) cr_expect_float_eq(a, b, 1e-5, "%s is %g, expected %g", #a, (double)(a), (double)(b))

struct fixture {
    struct epoch *epoch;
    struct popularity *popularity;
};

static void fixture_clear_scoped(struct fixture *fixture)
{
    popularity_destroy(fixture->popularity);
    epoch_destroy(fixture->epoch);
}

static struct fixture start(void)
{
    struct epoch *epoch = epoch_create();
    struct fixture fixture = {epoch, popularity_create(epoch)};
    cr_assert_not_null(fixture.popularity);
    return fixture;
}

static void add(struct fixture *fixture, uint32_t item, int64_t at_ms)
{
    cr_assert_eq(popularity_add(fixture->popularity, item, at_ms, 1), STATUS_OK);
}

Test(popularity, is_zero_before_the_first_event)
{
    SCOPED(fixture_clear) struct fixture fixture = start();
    float scores[2] = {7, 7};
    popularity_score(fixture.popularity, WINDOW_DAY, scores, 2);
    NEAR(scores[0], 0);
    NEAR(scores[1], 0);
}

Test(popularity, counts_without_fading_over_all_time)
{
    SCOPED(fixture_clear) struct fixture fixture = start();
    add(&fixture, 0, 0);
    add(&fixture, 0, 20000 * DAY_MS);
    add(&fixture, 1, 20000 * DAY_MS);
    cr_assert_eq(popularity_add(fixture.popularity, 2, 5, .5f), STATUS_OK);
    float scores[4];
    popularity_score(fixture.popularity, WINDOW_ALL, scores, 4);
    NEAR(scores[0], 1);
    NEAR(scores[1], .5);
    NEAR(scores[2], .25);
    NEAR(scores[3], 0);
}

Test(popularity, fades_by_e_in_one_window)
{
    SCOPED(fixture_clear) struct fixture fixture = start();
    add(&fixture, 0, 100 * DAY_MS);
    add(&fixture, 1, 107 * DAY_MS);
    float scores[2];
    popularity_score(fixture.popularity, WINDOW_WEEK, scores, 2);
    NEAR(scores[0], exp(-1));
    NEAR(scores[1], 1);
    popularity_score(fixture.popularity, WINDOW_DAY, scores, 2);
    NEAR(scores[0], exp(-7));
    popularity_score(fixture.popularity, WINDOW_MONTH, scores, 2);
    NEAR(scores[0], exp(-7.0 / 30));
}

Test(popularity, does_not_care_in_which_order_events_come)
{
    SCOPED(fixture_clear) struct fixture forward = start();
    SCOPED(fixture_clear) struct fixture backward = start();
    for (int64_t day = 0; day < 2000; day++) {
        add(&forward, (uint32_t)(day % 7), day * DAY_MS);
        add(&backward, (uint32_t)((1999 - day) % 7), (1999 - day) * DAY_MS);
    }
    for (int window = 0; window < WINDOWS; window++) {
        float one[7], other[7];
        popularity_score(forward.popularity, (enum window)window, one, 7);
        popularity_score(backward.popularity, (enum window)window, other, 7);
        for (int item = 0; item < 7; item++)
            NEAR(one[item], other[item]);
    }
}

Test(popularity, stays_finite_over_centuries)
{
    SCOPED(fixture_clear) struct fixture fixture = start();
    for (int64_t year = -300; year <= 300; year++)
        add(&fixture, (uint32_t)(year + 300), year * 365 * DAY_MS);
    float scores[601];
    for (int window = 0; window < WINDOWS; window++) {
        popularity_score(fixture.popularity, (enum window)window, scores, 601);
        NEAR(scores[600], 1);
        for (int item = 0; item < 600; item++)
            cr_assert(scores[item] >= 0 && scores[item] <= 1);
    }
    popularity_score(fixture.popularity, WINDOW_MONTH, scores, 601);
    NEAR(log(scores[599]), -365.0 / 30);
}

Test(popularity, grows_with_the_largest_item)
{
    SCOPED(fixture_clear) struct fixture fixture = start();
    add(&fixture, 3, 0);
    add(&fixture, 70000, 0);
    float *scores = calloc(80000, sizeof *scores);
    popularity_score(fixture.popularity, WINDOW_DAY, scores, 80000);
    NEAR(scores[3], 1);
    NEAR(scores[70000], 1);
    NEAR(scores[79999], 0);
    free(scores);
    cr_expect_eq(popularity_add(fixture.popularity, UINT32_MAX, 0, 1), STATUS_INVALID);
}
