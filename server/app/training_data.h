/* Training data: what the engine learns from, read out of the store in one snapshot: events as a dataset, item ids as the vocabulary, and
 * what each event type means.
 *
 * The numbers of users, items and types are the store's, so a model's item 7 is the store's item 7. Erased users are users without events.
 * Events of deleted items are kept, as input and as targets: people did what they did, and an answer leaves such items out by itself.
 * Memory: see core/dataset.h, and the ids. Threads: one. */
#ifndef APP_TRAINING_DATA_H
#define APP_TRAINING_DATA_H

#include "core/base/arena.h"
#include "core/base/progress.h"
#include "core/dataset.h"
#include "server/app/settings.h"
#include "storage/store.h"

struct training_data {
    struct dataset *dataset;
    const char **item_ids; /* [dataset->n_items], in the arena; a hole is "" */
    struct type_weights weights;
    struct arena *arena;
};

/* Read the store (STORE_READ, no snapshot begun); the snapshot is over when this returns. STATUS_CONFLICT: progress asked to stop.
 * STATUS_NOMEM, STATUS_IO, STATUS_CORRUPT. */
enum status training_data_read(struct store *store, const struct settings *settings, const struct progress *progress,
                               struct training_data *out_data, struct error *error) MUST_CHECK;
void training_data_clear(struct training_data *data); /* accepts zeros */
static inline void training_data_clear_scoped(struct training_data *data)
{
    training_data_clear(data);
}

/* The split that training and evaluation share: as many held-out cases as can be judged after every epoch (cases times items is bounded),
 * at least 2 000 and at most 50 000 if there are so many. */
enum status training_data_split(const struct training_data *data, enum split_kind kind, struct split **out_split,
                                struct error *error) MUST_CHECK;

/* "last", "time"; the words of options, settings and model files. */
extern const char *const split_names[];

#endif
