/* Repeats: how often the events behind the training part go back to an item that the user already had. They are not judged (what was seen
 * is left out of answers), so where their share is large the other figures tell a smaller part of the story. Threads: any. */
#ifndef CORE_REPEATS_H
#define CORE_REPEATS_H

#include "core/dataset.h"

/* Of the positive events behind the training part (with SPLIT_LAST the one at its end) of users of whom something is known before: how many
 * there are, and how many are on an item of the user's earlier behaviour. Counted before a limit on the number of cases. STATUS_NOMEM. */
enum status repeats_count(const struct dataset *dataset, const struct split *split, uint64_t *out_events, uint64_t *out_repeats) MUST_CHECK;

#endif
