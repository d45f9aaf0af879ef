/* Workers and epochs, one claim at a time; what happens when all of it runs at once is tests/race. */
#include "core/base/epoch.h"
#include "core/base/workers.h"

#include <criterion/criterion.h>

static void double_it(void *context, uint32_t block, unsigned worker)
{
    (void)worker;
    uint32_t *numbers = context;
    numbers[block] *= 2;
}

Test(workers, run_every_block_once_at_any_thread_count)
{
    for (unsigned n_threads = 1; n_threads <= 5; n_threads++) {
        SCOPED(workers_destroy) struct workers *workers = workers_create(n_threads);
        cr_assert_eq(workers_count(workers), n_threads);
        uint32_t numbers[1000];
        for (uint32_t i = 0; i < 1000; i++)
            numbers[i] = i;
        workers_run(workers, 1000, double_it, numbers);
        workers_run(workers, 0, double_it, numbers);
        for (uint32_t i = 0; i < 1000; i++)
            cr_assert_eq(numbers[i], 2 * i);
    }
}

Test(workers, know_at_least_one_processor)
{
    cr_assert_geq(workers_processors(), 1);
}

static void count_destroyed(void *piece)
{
    ++*(int *)piece;
}

Test(epoch, keeps_a_piece_while_a_reader_is_inside)
{
    SCOPED(epoch_destroy) struct epoch *epoch = epoch_create();
    int destroyed = 0;
    unsigned slot = epoch_enter(epoch);
    epoch_retire(epoch, &destroyed, count_destroyed);
    epoch_retire(epoch, &destroyed, count_destroyed);
    cr_assert_eq(destroyed, 0);
    epoch_leave(epoch, slot);
    epoch_drain(epoch);
    cr_assert_eq(destroyed, 2);
}

Test(epoch, does_not_wait_for_readers_that_came_later)
{
    SCOPED(epoch_destroy) struct epoch *epoch = epoch_create();
    int first = 0, second = 0;
    epoch_retire(epoch, &first, count_destroyed);
    unsigned slot = epoch_enter(epoch); /* inside, but after the first was retired */
    epoch_retire(epoch, &second, count_destroyed);
    cr_assert_eq(first, 1);
    cr_assert_eq(second, 0);
    epoch_leave(epoch, slot);
    epoch_drain(epoch);
    cr_assert_eq(second, 1);
}

Test(epoch, destroys_what_is_left_at_its_end)
{
    int destroyed = 0;
    struct epoch *epoch = epoch_create();
    unsigned slot = epoch_enter(epoch);
    epoch_retire(epoch, &destroyed, count_destroyed);
    epoch_leave(epoch, slot);
    epoch_destroy(epoch);
    cr_assert_eq(destroyed, 1);
}
