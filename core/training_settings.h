/* Training settings: everything that a training run depends on besides its data, and one table of their names and limits that checking,
 * writing and reading go by. Pure functions. Threads: any. */
#ifndef CORE_TRAINING_SETTINGS_H
#define CORE_TRAINING_SETTINGS_H

#include "core/base/buffer.h"
#include "core/dataset.h"
#include "core/model.h"

struct training_settings {
    struct encoder_shape shape; /* n_items and n_types are taken from the data */
    uint32_t epochs;            /* at most */
    uint32_t patience;          /* looks at the held-out events without a better one before it stops (core/contender.h); 0: never */
    uint32_t batch_rows;        /* about; core/batches.h */
    uint32_t n_negatives;       /* sampled softmax with so many shared negatives a step; 0: the whole catalogue */
    float learning_rate;        /* at its height */
    float dropout;
    float reach;     /* chance that a target is further ahead than the next event (core/batches.h) */
    float recency;   /* newer behaviour is seen more often, 2^recency times as often as the oldest (core/batches.h) */
    float averaging; /* the weights that are kept are an exponential mean over steps with this decay; 0: the last step's */
    uint64_t seed;
    unsigned n_threads; /* must not change the result */
    struct type_weights type_weights;
    uint32_t neighbours_max_row;
};

/* Above so many items the softmax is sampled. */
#define FULL_SOFTMAX_ITEMS 50000u
#define SAMPLED_NEGATIVES  4096u

/* Width 64, 16 taps, 2 blocks, history 50, dot product, 60 epochs, patience 6, 3072 rows a batch, 3e-3, dropout .5, averaging .998, seed 1.
 */
struct training_settings training_settings_default(void);

/* STATUS_INVALID names the setting and its limits. n_items and n_types are not looked at. */
enum status training_settings_check(const struct training_settings *settings, struct error *error) MUST_CHECK;

/* Append one JSON object. Threads are left out: they change nothing. */
void training_settings_write(const struct training_settings *settings, struct buffer *out);

/* Overwrite what the JSON object says; members that it does not have stay, members that nobody knows are ignored (another version wrote
 * them). Shape counts of items and types, seed and threads stay too. STATUS_CORRUPT: no object, or a value of the wrong kind or beyond its
 * limits. STATUS_NOMEM. */
enum status training_settings_read(const char *json, struct training_settings *settings, struct error *error) MUST_CHECK;

#endif
