/* Content data: what a content tower learns from, read out of the store in one snapshot: the words of every item (item_words.h), and the
 * vector of its picture by the live picture model.
 *
 * Without a picture model that is whole, or without pictures, towers have words alone. Items that the dataset does not know are left out.
 * Memory: 24 bytes an item, its words up to the tower's limit (1 KiB), and 4 bytes a number of a picture's vector. Threads: one. */
#ifndef APP_CONTENT_DATA_H
#define APP_CONTENT_DATA_H

#include "core/base/arena.h"
#include "core/base/progress.h"
#include "core/trainer.h"
#include "storage/store.h"

struct content_data {
    struct training_contents contents;         /* of what follows */
    struct item_content *items;                /* [n_items] */
    uint32_t n_known;                          /* of which anything is known */
    char picture_version[MODEL_VERSION_BYTES]; /* empty: no pictures */
    struct arena *arena;
};

/* store: STORE_READ, no snapshot begun; it is over when this returns. models: the directory of the model files. STATUS_CONFLICT: progress
 * asked to stop; STATUS_NOMEM, STATUS_IO, STATUS_CORRUPT. */
enum status content_data_read(struct store *store, const char *models, uint32_t n_items, const struct progress *progress,
                              struct content_data *out_data, struct error *error) MUST_CHECK;
void content_data_clear(struct content_data *data); /* accepts zeros */

#endif
