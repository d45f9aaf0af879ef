/* What is said of data whose order is known: kept, shuffled, or too small to tell. */
#include "core/order.h"

#include "kernel_arguments.h"

#include <criterion/criterion.h>

#define LENGTH 5u

/* n_sequences of LENGTH items, written by `write`. */
static double reversibility_of(uint32_t n_sequences, void (*write)(struct random *random, uint32_t sequence, uint32_t items[LENGTH]))
{
    static uint64_t starts[4097];
    static uint32_t items[4096 * LENGTH];
    struct random random;
    double reversibility = -1;
    random_init(&random, ARGUMENT_SEED, n_sequences);
    for (uint32_t s = 0; s < n_sequences; s++) {
        starts[s + 1] = starts[s] + LENGTH;
        write(&random, s, items + starts[s]);
    }
    struct sequences sequences = {.n_sequences = n_sequences, .n_events = starts[n_sequences], .starts = starts, .items = items};
    cr_assert(order_reversibility(&sequences, &reversibility) == STATUS_OK);
    return reversibility;
}

/* A stretch of 40 items that are always met in this order. */
static void write_series(struct random *random, uint32_t sequence, uint32_t items[LENGTH])
{
    (void)sequence;
    uint32_t first = random_below(random, 40);
    for (uint32_t i = 0; i < LENGTH; i++)
        items[i] = first + i;
}

/* The same in any order. */
static void write_shuffled(struct random *random, uint32_t sequence, uint32_t items[LENGTH])
{
    write_series(random, sequence, items);
    for (uint32_t i = LENGTH; i > 1; i--) {
        uint32_t j = random_below(random, i), swapped = items[i - 1];
        items[i - 1] = items[j];
        items[j] = swapped;
    }
}

/* There and back, through items that nobody else has. */
static void write_alone(struct random *random, uint32_t sequence, uint32_t items[LENGTH])
{
    (void)random;
    for (uint32_t i = 0; i < LENGTH; i++)
        items[i] = 3 * sequence + (i < 3 ? i : LENGTH - 1 - i);
}

static void write_one_item(struct random *random, uint32_t sequence, uint32_t items[LENGTH])
{
    (void)random;
    (void)sequence;
    for (uint32_t i = 0; i < LENGTH; i++)
        items[i] = 7;
}

Test(order, series_are_not_reversible)
{
    cr_expect_eq(reversibility_of(500, write_series), 0);
}

Test(order, shuffled_events_are)
{
    double reversibility = reversibility_of(4096, write_shuffled);
    cr_expect(reversibility > .95 && reversibility < 1.05, "%g", reversibility);
}

Test(order, needs_others)
{
    cr_expect_eq(reversibility_of(500, write_alone), 0);
}

Test(order, is_not_told_by_one_item_again_and_again)
{
    cr_expect_eq(reversibility_of(500, write_one_item), 0);
}

Test(order, tells_everything_where_little_is_known)
{
    cr_expect_eq(reversibility_of(9, write_shuffled), 0);
    cr_expect_eq(reversibility_of(0, write_shuffled), 0);
}
