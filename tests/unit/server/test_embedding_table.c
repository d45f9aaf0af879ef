/* Vectors are swapped whole, and what is filled in never takes the place of what the writer has said. */
#include "server/app/embedding_table.h"

#include "core/tensors.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { WIDTH = 3, ITEM = 5000 }; /* in the second chunk */

static struct epoch *epoch;
static struct embedding_table *table;

static void open_table(void)
{
    epoch = epoch_create();
    cr_assert(epoch);
    cr_assert_eq(embedding_table_create(WIDTH, epoch, &table), STATUS_OK);
}

static void close_table(void)
{
    embedding_table_destroy(table);
    epoch_destroy(epoch);
}

TestSuite(embedding_table, .init = open_table, .fini = close_table);

static float *make(uint32_t item, float first)
{
    float *vector = NULL;
    cr_assert_eq(embedding_table_prepare(table, item, &vector), STATUS_OK);
    vector[0] = first;
    vector[1] = vector[2] = 0;
    return vector;
}

/* Gives the first float of what stands at ITEM now; 0: nothing. */
static float now(void)
{
    const float *vector = embedding_table_get(table, ITEM);
    return vector ? vector[0] : 0;
}

static void fill(const float *seen, float first)
{
    free(embedding_table_fill(table, ITEM, seen, make(ITEM, first)));
}

Test(embedding_table, knows_no_item_at_first)
{
    cr_expect_null(embedding_table_get(table, 0));
    cr_expect_null(embedding_table_get(table, ITEM));
    cr_expect_null(embedding_table_get(table, UINT32_MAX));
    cr_expect_eq(embedding_table_count(table), 0);
}

Test(embedding_table, has_no_room_for_numbers_that_no_item_can_have)
{
    float *vector = NULL;
    cr_expect_eq(embedding_table_prepare(table, ITEMS_MAX, &vector), STATUS_NOMEM);
    cr_expect_null(vector);
    cr_expect_eq(embedding_table_reserve(table, UINT32_MAX), STATUS_NOMEM);
}

Test(embedding_table, gives_what_was_published_last)
{
    embedding_table_publish(table, ITEM, make(ITEM, 1));
    cr_expect_eq(now(), 1);
    embedding_table_publish(table, ITEM, make(ITEM, 2));
    cr_expect_eq(now(), 2);
    cr_expect_null(embedding_table_get(table, ITEM - 1));
    cr_expect_null(embedding_table_get(table, ITEM + 1));
}

Test(embedding_table, counts_the_items_that_have_a_vector)
{
    embedding_table_publish(table, ITEM, make(ITEM, 1));
    embedding_table_publish(table, ITEM, make(ITEM, 2));
    embedding_table_publish(table, 0, make(0, 3));
    cr_expect_eq(embedding_table_count(table), 2);
    embedding_table_publish(table, ITEM, NULL);
    embedding_table_publish(table, ITEM, NULL);
    cr_expect_eq(embedding_table_count(table), 1);
    free(embedding_table_fill(table, 1, NULL, make(1, 4)));
    cr_expect_eq(embedding_table_count(table), 2);
}

Test(embedding_table, keeps_a_vector_for_who_has_read_it)
{
    embedding_table_publish(table, ITEM, make(ITEM, 1));
    unsigned slot = epoch_enter(epoch);
    const float *vector = embedding_table_get(table, ITEM);
    embedding_table_publish(table, ITEM, make(ITEM, 2));
    cr_expect_eq(vector[0], 1);
    epoch_leave(epoch, slot);
}

Test(embedding_table, is_filled_where_nothing_was_said)
{
    fill(NULL, 1);
    cr_expect_eq(now(), 1);
}

Test(embedding_table, is_never_filled_over_what_was_published)
{
    embedding_table_publish(table, ITEM, make(ITEM, 1));
    fill(NULL, 2);
    cr_expect_eq(now(), 1);
}

Test(embedding_table, is_never_filled_where_the_writer_said_that_there_is_none)
{
    cr_assert_eq(embedding_table_reserve(table, ITEM), STATUS_OK);
    embedding_table_publish(table, ITEM, NULL);
    fill(embedding_table_get(table, ITEM), 1);
    cr_expect_eq(now(), 0);
}

Test(embedding_table, fills_in_the_place_of_what_was_seen)
{
    embedding_table_publish(table, ITEM, make(ITEM, 1));
    fill(embedding_table_get(table, ITEM), 2);
    cr_expect_eq(now(), 2);
    cr_expect_eq(embedding_table_count(table), 1);
}

Test(embedding_table, does_not_fill_when_what_was_seen_is_gone)
{
    embedding_table_publish(table, ITEM, make(ITEM, 1));
    unsigned slot = epoch_enter(epoch);
    const float *seen = embedding_table_get(table, ITEM);
    embedding_table_publish(table, ITEM, make(ITEM, 2));
    fill(seen, 3);
    epoch_leave(epoch, slot);
    cr_expect_eq(now(), 2);
}
