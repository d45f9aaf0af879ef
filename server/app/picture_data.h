/* Picture data: what a picture network learns from, read out of the store in one snapshot: the small pictures of items, all in one size,
 * and the first category of each.
 *
 * Size: the medians of the heights and of the widths there are; channels: 3 if any picture has colours. Categories are in the order of
 * their bytes. A category of fewer than CATEGORY_PICTURES pictures is left out, as is an item that is deleted, or that nobody has given a
 * category. Held out is every tenth picture, by a hash of the item's id: the same one whatever else is in the store. Memory: a byte a pixel
 * and channel, and eight bytes an item of the store. Threads: one. */
#ifndef APP_PICTURE_DATA_H
#define APP_PICTURE_DATA_H

#include "core/base/progress.h"
#include "core/picture_training.h"
#include "storage/store.h"

#define CATEGORY_PICTURES 10u

struct picture_data {
    struct pictures train, held_out; /* of one shape and number of classes */
    const char **categories;         /* [n_classes] */
    uint32_t n_left_out;             /* pictures of the store that are in neither */
    uint8_t *pixels;                 /* of both, those of train in front */
    uint32_t *labels;
    struct names *names; /* of the categories' texts */
};

/* store: STORE_READ, no snapshot begun; it is over when this returns. STATUS_INVALID: fewer than two categories with pictures (says how
 * many pictures and categories there are); STATUS_LIMIT: more than PICTURE_CATEGORIES_MAX; STATUS_CONFLICT: progress asked to stop;
 * STATUS_NOMEM, STATUS_IO, STATUS_CORRUPT. */
enum status picture_data_read(struct store *store, const struct progress *progress, struct picture_data *out_data,
                              struct error *error) MUST_CHECK;

/* Train and held out as one. Borrows. */
struct pictures picture_data_all(const struct picture_data *data);

void picture_data_clear(struct picture_data *data); /* accepts zeros */
static inline void picture_data_clear_scoped(struct picture_data *data)
{
    picture_data_clear(data);
}

#endif
