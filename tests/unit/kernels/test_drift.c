/* What is said of data whose likes move, stay, or come round again. */
#include "core/drift.h"

#include "kernel_arguments.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#define EVENTS 20000u
#define ITEMS  40u

/* Events from the oldest to the newest, each of the item that `item_at` says for a time from 0 to 1. */
static double drift_with(uint32_t (*item_at)(struct random *random, double time), bool has_times)
{
    static uint32_t items[EVENTS];
    static uint8_t ages[EVENTS];
    struct random random;
    double drift = NAN;
    random_init(&random, ARGUMENT_SEED, 1);
    for (uint32_t i = 0; i < EVENTS; i++) {
        items[i] = item_at(&random, i / (double)EVENTS);
        ages[i] = has_times ? (uint8_t)((EVENTS - 1 - i) * AGES / EVENTS) : 0;
    }
    struct sequences sequences = {.n_events = EVENTS, .items = items, .ages = ages};
    cr_assert(drift_of(&sequences, ITEMS, &drift) == STATUS_OK);
    return drift;
}

static uint32_t any(struct random *random, double time)
{
    (void)time;
    return random_below(random, ITEMS);
}

/* Each item is liked for four tenths of the time, a fourth of all events are of any. */
static uint32_t moving(struct random *random, double time)
{
    return random_below(random, 4) ? (uint32_t)(time * 10 + random_below(random, 4)) * 3 : any(random, time);
}

/* The same, but the newest are like the oldest. */
static uint32_t come_back(struct random *random, double time)
{
    return moving(random, time < .9 ? time : time - .9);
}

/* Twice as likely in the second of the two halves that are compared (.45 to .9) and behind it. */
static uint32_t half_and_half(struct random *random, double time)
{
    bool is_first = random_below(random, 3) < (time < .45 ? 2 : 1);
    return is_first ? 0 : 1;
}

Test(drift, is_nothing_where_likes_stay)
{
    cr_expect_float_eq(drift_with(any, true), 0, .02);
}

Test(drift, is_much_where_they_move)
{
    cr_expect_gt(drift_with(moving, true), .1);
}

Test(drift, is_below_nothing_where_the_old_ones_came_back)
{
    cr_expect_lt(drift_with(come_back, true), -.1);
}

/* Two items, 1 : 2 in the newer half and the newest, 2 : 1 in the older one: (1/3) ln 2. */
Test(drift, is_the_gain_of_likelihood_in_nats)
{
    cr_expect_float_eq(drift_with(half_and_half, true), log(2) / 3, .02);
}

Test(drift, is_not_told_without_times)
{
    cr_expect_eq(drift_with(moving, false), 0);
}
