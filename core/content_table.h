/* Content table: which items a step of content training scores against, and which of them stand with their content.
 *
 * Up to n_shared items the table is the whole catalogue, row v = item v. A larger one is sampled as in core/touched.h: n_shared items drawn
 * uniformly without repetition, log(V / n_shared) added to their bias, and behind them a row of its own for every target, which is skipped
 * among the shared ones for its rows. Of the items that may stand with content each does with a given probability, the targets first, then
 * the others in random order until there are max_contents: one coin an item and a step, so an item never stands in both ways.
 * Pure bookkeeping over its own memory, a function of seed, step and targets. Threads: one at a time. */
#ifndef CORE_CONTENT_TABLE_H
#define CORE_CONTENT_TABLE_H

#include "core/base/status.h"

#include <stdbool.h>
#include <stdint.h>

#define CONTENT_NONE UINT32_MAX

struct content_table {
    uint32_t n_items, n_shared, max_targets, max_contents; /* V, S */
    /* of one step */
    uint32_t n_rows;
    uint32_t *items;             /* [S + max_targets] of each row */
    uint32_t n_contents;         /* items that stand with content */
    uint32_t *contents;          /* [max_contents] which */
    uint32_t (*content_rows)[2]; /* [max_contents] their rows, one or two; CONTENT_NONE */
    uint32_t *targets, *skips;   /* [max_targets] beside the targets given: their rows, and as struct softmax_rows has them */
    /* what it needs to find them */
    uint32_t *order;          /* [V] items, the first S in the random order of the step */
    uint32_t *swaps, n_swaps; /* [S] how that came about */
    uint32_t *shared_of;      /* [V] the shared row of an item, CONTENT_NONE */
    uint32_t *target_of;      /* [V] the same for its row as a target */
    uint8_t *coins;           /* [V] 0: not thrown */
    uint32_t *thrown, n_thrown;
};

/* Every catalogue of V >= 1 items; max_shared, max_targets and max_contents >= 1. STATUS_NOMEM. */
enum status content_table_init(struct content_table *table, uint32_t n_items, uint32_t max_shared, uint32_t max_targets,
                               uint32_t max_contents) MUST_CHECK;
void content_table_clear(struct content_table *table);

/* Is every item a row of its own? */
static inline bool content_table_is_whole(const struct content_table *table)
{
    return table->n_shared == table->n_items;
}

/* may [V]: which items may stand with content; probability in [0, 1]. n <= max_targets. */
void content_table_choose(struct content_table *table, const uint32_t targets[], uint32_t n, const bool may[], float probability,
                          uint64_t seed, uint64_t step);

#endif
