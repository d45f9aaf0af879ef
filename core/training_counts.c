/* One walk over the users, each one's events in their order. */
#include "core/training_counts.h"

#include <stdlib.h>
#include <string.h>

/* Add the positive training events of user to all counts. */
static enum status count_user(struct training_counts *counts, const struct dataset *dataset, const struct split *split,
                              const struct type_weights *weights, uint32_t user)
{
    uint32_t recent[NEIGHBOURS_WINDOW], n_recent = 0;
    for (uint64_t i = dataset->starts[user]; i < split->train_ends[user]; i++) {
        uint32_t item = dataset->items[i];
        float weight = weights->weights[dataset->types[i]];
        if (!(weight > 0))
            continue;
        counts->popular[item] += weight;
        counts->item_events[item]++;
        counts->user_events[user]++;
        TRY(neighbours_add(counts->neighbours, item, weight, recent, n_recent));
        n_recent = n_recent < NEIGHBOURS_WINDOW ? n_recent + 1 : NEIGHBOURS_WINDOW;
        memmove(recent + 1, recent, (n_recent - 1) * sizeof *recent);
        recent[0] = item;
    }
    return STATUS_OK;
}

enum status training_counts_init(struct training_counts *counts, const struct dataset *dataset, const struct split *split,
                                 const struct type_weights *weights, uint32_t neighbours_max_row, const struct progress *progress)
{
    counts->epoch = epoch_create();
    counts->neighbours = counts->epoch ? neighbours_create(counts->epoch, neighbours_max_row) : NULL;
    counts->popular = calloc((size_t)dataset->n_items + 1, sizeof *counts->popular);
    counts->item_events = calloc((size_t)dataset->n_items + 1, sizeof *counts->item_events);
    counts->user_events = calloc((size_t)dataset->n_users + 1, sizeof *counts->user_events);
    if (!counts->neighbours || !counts->popular || !counts->item_events || !counts->user_events)
        return STATUS_NOMEM;
    for (uint32_t user = 0; user < dataset->n_users; user++) {
        if (user % 1024 == 0 && !progress_report(progress, "counting", user, dataset->n_users, NULL))
            return STATUS_CONFLICT;
        TRY(count_user(counts, dataset, split, weights, user));
    }
    return progress_report(progress, "counting", dataset->n_users, dataset->n_users, NULL) ? STATUS_OK : STATUS_CONFLICT;
}

void training_counts_clear(struct training_counts *counts)
{
    neighbours_destroy(counts->neighbours);
    epoch_destroy(counts->epoch);
    free(counts->popular);
    free(counts->item_events);
    free(counts->user_events);
    *counts = (struct training_counts){0};
}
