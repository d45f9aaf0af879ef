/* Training the behaviour encoder: a pure function of (data, split, settings); the same bytes at any thread count.
 *
 * Loss: softmax cross-entropy over all items at every position whose event is a positive, Adam, dropout, batches of
 * windows packed without padding (core/batches.h), stop when the held-out NDCG@10 has not risen for `patience` epochs; the best epoch's weights are kept. */
#ifndef CORE_TRAINER_H
#define CORE_TRAINER_H

#include "core/base/progress.h"
#include "core/dataset.h"
#include "core/model.h"

struct training_settings {
    struct encoder_shape shape; /* n_items and n_types are taken from the data */
    uint32_t epochs;
    uint32_t patience;   /* epochs without a better one before it stops (0: never); up to 4 times as many with few held-out cases, whose figure is noisy */
    uint32_t batch_rows; /* about; core/batches.h */
    float learning_rate, dropout;
    uint64_t seed;
    unsigned n_threads; /* must not change the result */
    struct type_weights type_weights;
    uint32_t neighbours_max_row;
};

/* The defaults: width 64, 16 taps, 2 blocks, history 50, dot product, 60 epochs, patience 6, 3072 rows a batch, 1e-3, dropout .5, seed 1. */
struct training_settings training_settings_default(void);

/* Train, judge all methods on the held-out events (popular, neighbours, encoder and their blend; the neighbours' weight is chosen there), and write
 * DIR/<version>.safetensors (temporary name, fsync, rename, fsync of the directory; never replacing a file). item_ids[V] is the vocabulary.
 * Gives the version. STATUS_INVALID: too little to learn from (says how many events there are and are needed). STATUS_CONFLICT: progress asked to stop.
 * STATUS_IO: the file could not be written (nothing is left behind). */
enum status trainer_run(const struct dataset *dataset, const struct split *split, const char *const item_ids[], const struct training_settings *settings,
                        const char *directory, const struct progress *progress, char out_version[MODEL_VERSION_BYTES], struct error *error) MUST_CHECK;

#endif
