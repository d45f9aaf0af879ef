/* The helpers of sample_dataset.h; cr_assert ends the test that asked. */
#include "tests/unit/core/sample_dataset.h"

#include <criterion/criterion.h>

struct type_weights sample_weights(void)
{
    return (struct type_weights){.weights = {1, -.05f, -1}};
}

struct dataset *sample_dataset(const struct sample_event events[], uint32_t n_events, uint32_t n_users, uint32_t n_items)
{
    SCOPED(dataset_builder_destroy) struct dataset_builder *builder = dataset_builder_create();
    cr_assert_not_null(builder);
    for (uint32_t i = 0; i < n_events; i++)
        cr_assert_eq(dataset_add(builder, events[i].user, events[i].item, events[i].type, events[i].at_ms), STATUS_OK);
    struct dataset *dataset = NULL;
    cr_assert_eq(dataset_finish(builder, n_users, n_items, 3, &dataset), STATUS_OK);
    return dataset;
}

struct split *sample_split(const struct dataset *dataset, enum split_kind kind, uint32_t max_held_out)
{
    struct type_weights weights = sample_weights();
    struct split *split = NULL;
    cr_assert_eq(dataset_split(dataset, kind, &weights, max_held_out, &split), STATUS_OK);
    return split;
}
