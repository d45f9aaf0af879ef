/* Ages of events whose times are known; what sequences hold is told by test_batches.c. */
#include "core/sequences.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static const struct type_weights all_count = {.weights = {1}};

/* One user an event pair: n users with two events each, both of the time that `at_ms_of` says. Trained on whole. */
static void sequences_of(uint32_t n_users, int64_t (*at_ms_of)(uint32_t user, uint32_t n_users), struct sequences *out)
{
    SCOPED(dataset_builder_destroy) struct dataset_builder *builder = dataset_builder_create();
    SCOPED(dataset_destroy) struct dataset *dataset = NULL;
    for (uint32_t user = 0; user < n_users; user++)
        for (uint32_t i = 0; i < 2; i++)
            cr_assert(dataset_add(builder, user, i, 0, at_ms_of(user, n_users)) == STATUS_OK);
    cr_assert(dataset_finish(builder, n_users, 2, 1, &dataset) == STATUS_OK);
    struct split whole = {.train_ends = dataset->starts + 1};
    cr_assert(sequences_init(out, dataset, &whole, &all_count) == STATUS_OK);
}

static int64_t rising(uint32_t user, uint32_t n_users)
{
    (void)n_users;
    return user;
}

static int64_t falling(uint32_t user, uint32_t n_users)
{
    return -1000 * (int64_t)user + n_users;
}

static int64_t at_once(uint32_t user, uint32_t n_users)
{
    (void)user;
    return n_users;
}

Test(sequences, an_age_is_the_share_of_events_that_are_later)
{
    enum { USERS = 4000 };
    SCOPED(sequences_clear) struct sequences up = {0}, down = {0};
    sequences_of(USERS, rising, &up);
    sequences_of(USERS, falling, &down);
    for (uint32_t user = 0; user < USERS; user++) {
        double later = (USERS - 1 - user) / (double)USERS * AGES;
        cr_assert_float_eq(up.ages[2 * user], later, 1.1, "user %u: %u, expected %g", user, up.ages[2 * user], later);
        cr_assert_eq(up.ages[2 * user], up.ages[2 * user + 1], "events of one time are of one age");
        cr_assert_float_eq(down.ages[2 * user], AGES - 1 - later, 1.1, "user %u", user);
    }
    cr_expect_eq(up.ages[0], AGES - 1);
    cr_expect_eq(up.ages[2 * USERS - 1], 0);
}

Test(sequences, ages_of_more_events_than_are_sampled_are_as_good)
{
    enum { USERS = 3000000 };
    SCOPED(sequences_clear) struct sequences sequences = {0};
    sequences_of(USERS, rising, &sequences);
    for (uint32_t user = 0; user < USERS; user += 1001) {
        double later = (USERS - 1 - user) / (double)USERS * AGES;
        cr_assert_float_eq(sequences.ages[2 * user], later, 1.1, "user %u: %u, expected %g", user, sequences.ages[2 * user], later);
    }
}

Test(sequences, events_of_one_time_are_new)
{
    SCOPED(sequences_clear) struct sequences sequences = {0};
    sequences_of(700, at_once, &sequences);
    for (uint32_t i = 0; i < sequences.n_events; i++)
        cr_assert_eq(sequences.ages[i], 0);
}

Test(sequences, of_nothing_are_none)
{
    SCOPED(sequences_clear) struct sequences sequences = {0};
    sequences_of(0, rising, &sequences);
    cr_expect_eq(sequences.n_sequences, 0);
    cr_expect_eq(sequences.n_events, 0);
}
