/* Training counts: what the methods without training know when events are judged: popularity and neighbours, counted from the positive
 * events of the training part and nothing behind it. Evaluation's own helper. Threads: init and clear by one; in between constant. */
#ifndef CORE_TRAINING_COUNTS_H
#define CORE_TRAINING_COUNTS_H

#include "core/base/progress.h"
#include "core/dataset.h"
#include "core/neighbours.h"

struct training_counts {
    struct epoch *epoch;
    struct neighbours *neighbours;
    float *popular;                      /* [n_items] sum of the weights */
    uint32_t *item_events, *user_events; /* [n_items], [n_users] how many */
};

/* Fills zeroed counts; what was taken is in them on failure too, to be cleared. STATUS_CONFLICT: progress asked to stop. STATUS_NOMEM. */
enum status training_counts_init(struct training_counts *counts, const struct dataset *dataset, const struct split *split,
                                 const struct type_weights *weights, uint32_t neighbours_max_row,
                                 const struct progress *progress) MUST_CHECK;
void training_counts_clear(struct training_counts *counts);
static inline void training_counts_clear_scoped(struct training_counts *counts)
{
    training_counts_clear(counts);
}

#endif
