/* The walk of dataset_split once more, with the other half of its question. */
#include "core/repeats.h"

#include <stdlib.h>

struct repeat_counts {
    uint64_t n_events, n_repeats;
};

/* seen_by[item] = user + 1 marks the items that this user already had. */
static void count_user(const struct dataset *dataset, const struct split *split, uint32_t user, uint32_t seen_by[],
                       struct repeat_counts *counts)
{
    bool has_input = false;
    for (uint64_t i = dataset->starts[user]; i < dataset->starts[user + 1]; i++) {
        float weight = split->weights.weights[dataset->types[i]];
        if (!feedback_is_behaviour(weight))
            continue;
        bool is_target = split->kind == SPLIT_LAST ? i == split->train_ends[user] : i >= split->train_ends[user];
        if (is_target && weight > 0 && has_input) {
            counts->n_events++;
            counts->n_repeats += seen_by[dataset->items[i]] == user + 1;
        }
        seen_by[dataset->items[i]] = user + 1;
        has_input = true;
    }
}

enum status repeats_count(const struct dataset *dataset, const struct split *split, uint64_t *out_events, uint64_t *out_repeats)
{
    struct repeat_counts counts = {0};
    SCOPED(memory_free) uint32_t *seen_by = calloc((size_t)dataset->n_items + 1, sizeof *seen_by);
    if (!seen_by)
        return STATUS_NOMEM;
    for (uint32_t user = 0; user < dataset->n_users; user++)
        count_user(dataset, split, user, seen_by, &counts);
    *out_events = counts.n_events;
    *out_repeats = counts.n_repeats;
    return STATUS_OK;
}
