/* Sequences: the training events that count, flat, each user's in time order; events that are no behaviour (core/feedback.h) are left out,
 * and so are those behind a user's last positive: they would be rows that nothing is foretold from. Constant once made. Threads: any. */
#ifndef CORE_SEQUENCES_H
#define CORE_SEQUENCES_H

#include "core/dataset.h"

#define AGES 256u

struct sequences {
    uint32_t n_sequences;
    uint64_t n_events;
    uint64_t *starts; /* [n + 1] */
    uint32_t *items;
    uint8_t *types;
    uint8_t *ages; /* how large a share of all these events is later, in AGES-ths, rounded down: 0 is new, also where all are of one time */
};

/* Memory: 6 bytes an event and 8 a user; for a while 8 bytes an event more, and at most 16 MB. STATUS_NOMEM. */
enum status sequences_init(struct sequences *sequences, const struct dataset *dataset, const struct split *split,
                           const struct type_weights *weights) MUST_CHECK;
void sequences_clear(struct sequences *sequences);
static inline void sequences_clear_scoped(struct sequences *sequences)
{
    sequences_clear(sequences);
}

/* How many rows have a target. */
uint64_t sequences_targets(const struct sequences *sequences, const struct type_weights *weights);

#endif
