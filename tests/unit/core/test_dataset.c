/* Order of events, and the two splits on histories of a few events each. What would surprise: a time beyond the quantile must be later than
 * it, so equal times are never cut apart. */
#include "tests/unit/core/sample_dataset.h"

#include <criterion/criterion.h>

#define COUNT(array) ((uint32_t)(sizeof(array) / sizeof(array)[0]))

Test(dataset, puts_each_users_events_in_time_order)
{
    const struct sample_event events[] = {{1, 5, 0, 30}, {0, 7, 0, 20}, {1, 6, 1, 10}, {0, 8, 0, 10}, {1, 4, 2, 20}};
    SCOPED(dataset_destroy) struct dataset *dataset = sample_dataset(events, COUNT(events), 2, 9);
    cr_expect_eq(dataset->n_events, 5);
    cr_expect_arr_eq(dataset->starts, ((uint64_t[]){0, 2, 5}), 3 * sizeof(uint64_t));
    cr_expect_arr_eq(dataset->items, ((uint32_t[]){8, 7, 6, 4, 5}), 5 * sizeof(uint32_t));
    cr_expect_arr_eq(dataset->types, ((uint8_t[]){0, 0, 1, 2, 0}), 5);
    cr_expect_arr_eq(dataset->at_ms, ((int64_t[]){10, 20, 10, 20, 30}), 5 * sizeof(int64_t));
    cr_expect_eq(dataset->first_at_ms, 10);
    cr_expect_eq(dataset->last_at_ms, 30);
}

Test(dataset, keeps_the_order_of_adding_among_equal_times)
{
    struct sample_event events[200];
    for (uint32_t i = 0; i < 200; i++)
        events[i] = (struct sample_event){0, i, 0, 10 - (int64_t)(i % 2)};
    SCOPED(dataset_destroy) struct dataset *dataset = sample_dataset(events, 200, 1, 200);
    for (uint32_t i = 0; i < 100; i++) {
        cr_assert_eq(dataset->items[i], 2 * i + 1); /* the odd ones are at 9, earlier */
        cr_assert_eq(dataset->items[100 + i], 2 * i);
    }
}

Test(dataset, allows_users_and_items_without_events)
{
    const struct sample_event events[] = {{2, 0, 0, -5}};
    SCOPED(dataset_destroy) struct dataset *dataset = sample_dataset(events, COUNT(events), 4, 10);
    cr_expect_arr_eq(dataset->starts, ((uint64_t[]){0, 0, 0, 1, 1}), 5 * sizeof(uint64_t));
    cr_expect_eq(dataset->first_at_ms, -5);
}

Test(dataset, may_be_empty)
{
    SCOPED(dataset_destroy) struct dataset *dataset = sample_dataset(NULL, 0, 0, 0);
    cr_expect_eq(dataset->n_events, 0);
    for (int kind = SPLIT_LAST; kind <= SPLIT_TIME; kind++) {
        SCOPED(split_destroy) struct split *split = sample_split(dataset, (enum split_kind)kind, 0);
        cr_expect_eq(split->n_held_out, 0);
    }
}

Test(dataset, refuses_numbers_beyond_what_it_was_told)
{
    SCOPED(dataset_builder_destroy) struct dataset_builder *builder = dataset_builder_create();
    struct dataset *dataset = NULL;
    cr_expect_eq(dataset_add(builder, 0, 0, EVENT_TYPES_MAX, 0), STATUS_INVALID);
    cr_expect_eq(dataset_add(builder, UINT32_MAX, 0, 0, 0), STATUS_INVALID);
    cr_assert_eq(dataset_add(builder, 3, 4, 1, 0), STATUS_OK);
    cr_expect_eq(dataset_finish(builder, 3, 5, 2, &dataset), STATUS_INVALID);
    cr_expect_eq(dataset_finish(builder, 4, 4, 2, &dataset), STATUS_INVALID);
    cr_expect_eq(dataset_finish(builder, 4, 5, 1, &dataset), STATUS_INVALID);
    cr_expect_null(dataset);
    cr_assert_eq(dataset_finish(builder, 4, 5, 2, &dataset), STATUS_OK);
    dataset_destroy(dataset);
}

Test(dataset, leaves_the_builder_empty_for_another)
{
    SCOPED(dataset_builder_destroy) struct dataset_builder *builder = dataset_builder_create();
    for (uint32_t round = 0; round < 2; round++) {
        cr_assert_eq(dataset_add(builder, 0, round, 0, 0), STATUS_OK);
        struct dataset *dataset = NULL;
        cr_assert_eq(dataset_finish(builder, 1, 2, 1, &dataset), STATUS_OK);
        cr_expect_eq(dataset->n_events, 1);
        cr_expect_eq(dataset->items[0], round);
        dataset_destroy(dataset);
    }
}

Test(split, last_holds_out_each_users_last_positive_event)
{
    const struct sample_event events[] = {
        {0, 0, 0, 1}, {0, 1, 0, 2}, {0, 2, 0, 3}, {0, 3, 1, 4}, /* an impression after the last positive: neither trained on nor a target */
        {1, 0, 0, 1},                                           /* one positive: nothing to hold out */
        {2, 0, 0, 1}, {2, 1, 0, 2}, {2, 4, 2, 3},               /* the dislike behind the target is not trained on */
    };
    SCOPED(dataset_destroy) struct dataset *dataset = sample_dataset(events, COUNT(events), 3, 5);
    SCOPED(split_destroy) struct split *split = sample_split(dataset, SPLIT_LAST, 0);
    cr_expect_arr_eq(split->train_ends, ((uint64_t[]){2, 5, 6}), 3 * sizeof(uint64_t));
    cr_assert_eq(split->n_held_out, 2);
    cr_expect_eq(split->held_out[0].user, 0);
    cr_expect_eq(split->held_out[0].target, 2);
    cr_expect_eq(split->held_out[1].user, 2);
    cr_expect_eq(split->held_out[1].target, 6);
}

Test(split, last_judges_no_repeated_item)
{
    const struct sample_event events[] = {
        {0, 0, 0, 1}, {0, 1, 0, 2}, {0, 0, 0, 3}, /* had it as a positive */
        {1, 0, 2, 1}, {1, 1, 0, 2}, {1, 0, 0, 3}, /* had it as a dislike */
        {2, 0, 1, 1}, {2, 1, 0, 2}, {2, 0, 0, 3}, /* was only shown it: a case */
    };
    SCOPED(dataset_destroy) struct dataset *dataset = sample_dataset(events, COUNT(events), 3, 2);
    SCOPED(split_destroy) struct split *split = sample_split(dataset, SPLIT_LAST, 0);
    cr_expect_arr_eq(split->train_ends, ((uint64_t[]){2, 5, 8}), 3 * sizeof(uint64_t)); /* held out all the same */
    cr_assert_eq(split->n_held_out, 1);
    cr_expect_eq(split->held_out[0].user, 2);
}

Test(split, time_holds_out_what_is_after_nine_tenths_of_the_events)
{
    /* 20 events: the 18th in order of time is at 18, so 19 and 20 are held out */
    struct sample_event events[20];
    for (uint32_t i = 0; i < 20; i++)
        events[i] = (struct sample_event){i % 2, i, 0, 20 - (int64_t)i};
    SCOPED(dataset_destroy) struct dataset *dataset = sample_dataset(events, 20, 2, 20);
    SCOPED(split_destroy) struct split *split = sample_split(dataset, SPLIT_TIME, 0);
    cr_expect_arr_eq(split->train_ends, ((uint64_t[]){9, 19}), 2 * sizeof(uint64_t));
    cr_assert_eq(split->n_held_out, 2);
    cr_expect_eq(dataset->at_ms[split->held_out[0].target], 20);
    cr_expect_eq(dataset->at_ms[split->held_out[1].target], 19);
}

Test(split, time_holds_out_no_more_than_twice_the_cases_that_are_wanted)
{
    struct sample_event events[100]; /* a tenth would be 10 */
    for (uint32_t i = 0; i < 100; i++)
        events[i] = (struct sample_event){0, i, 0, (int64_t)i};
    SCOPED(dataset_destroy) struct dataset *dataset = sample_dataset(events, 100, 1, 100);
    SCOPED(split_destroy) struct split *split = sample_split(dataset, SPLIT_TIME, 3);
    cr_expect_eq(split->train_ends[0], 94);
    cr_expect_eq(split->n_held_out, 3);
}

Test(split, time_holds_out_nothing_when_all_times_are_equal)
{
    struct sample_event events[30];
    for (uint32_t i = 0; i < 30; i++)
        events[i] = (struct sample_event){0, i, 0, 7};
    SCOPED(dataset_destroy) struct dataset *dataset = sample_dataset(events, 30, 1, 30);
    SCOPED(split_destroy) struct split *split = sample_split(dataset, SPLIT_TIME, 0);
    cr_expect_eq(split->train_ends[0], 30);
    cr_expect_eq(split->n_held_out, 0);
}

Test(split, time_survives_the_whole_range_of_times)
{
    struct sample_event events[10];
    for (uint32_t i = 0; i < 10; i++)
        events[i] = (struct sample_event){0, i, 0, i < 9 ? INT64_MIN + (int64_t)i : INT64_MAX};
    SCOPED(dataset_destroy) struct dataset *dataset = sample_dataset(events, 10, 1, 10);
    SCOPED(split_destroy) struct split *split = sample_split(dataset, SPLIT_TIME, 0);
    cr_expect_eq(split->train_ends[0], 9);
    cr_expect_eq(split->n_held_out, 1);
}

Test(split, time_judges_each_item_once_and_no_user_of_whom_nothing_is_known)
{
    struct sample_event events[40];
    for (uint32_t i = 0; i < 36; i++)
        events[i] = (struct sample_event){0, i, 0, (int64_t)i};
    events[36] = (struct sample_event){1, 0, 0, 100}; /* a stranger's first: nothing to judge from */
    events[37] = (struct sample_event){1, 1, 0, 101}; /* the only case */
    events[38] = (struct sample_event){1, 1, 0, 102}; /* again */
    events[39] = (struct sample_event){1, 2, 2, 103}; /* a dislike is no target */
    SCOPED(dataset_destroy) struct dataset *dataset = sample_dataset(events, 40, 2, 36);
    SCOPED(split_destroy) struct split *split = sample_split(dataset, SPLIT_TIME, 0);
    cr_assert_eq(split->n_held_out, 1);
    cr_expect_eq(split->held_out[0].target, 37);
}

static struct dataset *many_users(uint32_t n_users)
{
    struct sample_event *events = calloc(n_users, 2 * sizeof *events);
    for (uint32_t i = 0; i < 2 * n_users; i++)
        events[i] = (struct sample_event){i / 2, i % 2, 0, (int64_t)i};
    struct dataset *dataset = sample_dataset(events, 2 * n_users, n_users, 2);
    free(events);
    return dataset;
}

Test(split, keeps_the_wanted_number_of_cases_spread_evenly)
{
    SCOPED(dataset_destroy) struct dataset *dataset = many_users(1000);
    SCOPED(split_destroy) struct split *split = sample_split(dataset, SPLIT_LAST, 7);
    cr_assert_eq(split->n_held_out, 7);
    for (uint32_t i = 0; i < 7; i++)
        cr_expect_eq(split->held_out[i].user / 143, i, "case %u is user %u", i, split->held_out[i].user);
}

Test(split, keeps_all_cases_when_there_are_fewer_than_wanted)
{
    SCOPED(dataset_destroy) struct dataset *dataset = many_users(10);
    SCOPED(split_destroy) struct split *split = sample_split(dataset, SPLIT_LAST, 11);
    cr_expect_eq(split->n_held_out, 10);
}

Test(split, counts_the_repeats_it_cannot_judge)
{
    /* behind nine tenths of the time line: user 0 goes back to 1, takes 5, and goes back to 5; user 1 has no past */
    struct sample_event events[40];
    uint32_t n = 0;
    for (uint32_t i = 0; i < 36; i++)
        events[n++] = (struct sample_event){0, i % 3, 0, (int64_t)i};
    events[n++] = (struct sample_event){0, 1, 0, 100};
    events[n++] = (struct sample_event){0, 5, 0, 101};
    events[n++] = (struct sample_event){0, 5, 0, 102};
    events[n++] = (struct sample_event){1, 1, 0, 103};
    SCOPED(dataset_destroy) struct dataset *dataset = sample_dataset(events, n, 2, 6);
    SCOPED(split_destroy) struct split *split = sample_split(dataset, SPLIT_TIME, 0);
    cr_expect_eq(split->n_firsts, 1);
    cr_expect_eq(split->n_repeats, 2);
    cr_expect_eq(split->n_held_out, 1, "the rest is judged");
}
