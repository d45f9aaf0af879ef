/* Datasets written down event by event, for the tests of core. Everything aborts the test on failure. */
#ifndef TESTS_SAMPLE_DATASET_H
#define TESTS_SAMPLE_DATASET_H

#include "core/dataset.h"

struct sample_event {
    uint32_t user, item, type;
    int64_t at_ms;
};

/* Type 0 is positive, type 1 weak (an impression), type 2 negative (a dislike). */
struct type_weights sample_weights(void);

struct dataset *sample_dataset(const struct sample_event events[], uint32_t n_events, uint32_t n_users, uint32_t n_items);

struct split *sample_split(const struct dataset *dataset, enum split_kind kind, uint32_t max_held_out);

#endif
