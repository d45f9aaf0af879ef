/* Picture index: the picture model that answers, and the vector of every item's picture by that model, of length 1, in an embedding table
 * (embedding_table.h says how it is filled while it answers).
 * Threads: as the table's. */
#ifndef APP_PICTURE_INDEX_H
#define APP_PICTURE_INDEX_H

#include "core/base/epoch.h"
#include "core/picture_model.h"
#include "server/pictures/picture.h"

struct picture_index;

/* Empty. Takes model when it succeeds; borrows epoch for its life. STATUS_NOMEM. */
enum status picture_index_create(struct picture_model *model, struct epoch *epoch, struct picture_index **out_index) MUST_CHECK;
void picture_index_destroy(struct picture_index *index); /* accepts NULL */
DEFINE_SCOPED(struct picture_index *, picture_index_destroy);

const struct picture_model *picture_index_model(const struct picture_index *index);
const char *picture_index_version(const struct picture_index *index); /* the model's */

/* --- writing --- */

/* The vector of a picture, and room for it under that item's number: all that can fail. picture NULL: the item has none any more, and its
 * vector is NULL. One that is not published is memory_free's. STATUS_NOMEM. */
enum status picture_index_prepare(struct picture_index *index, uint32_t item, const struct picture *picture, float **out_vector) MUST_CHECK;
void picture_index_publish(struct picture_index *index, uint32_t item, float *vector); /* takes vector; after prepare */

/* As prepare and publish, but only if nothing was published for the item. */
enum status picture_index_fill(struct picture_index *index, uint32_t item, const struct picture *picture) MUST_CHECK;

/* --- reading --- */

/* What the model says of a picture of any size: probabilities [n_categories] and its vector [width], of length 1; either may be NULL.
 * STATUS_NOMEM. */
enum status picture_index_ask(const struct picture_index *index, const struct picture *picture, float *probabilities,
                              float *vector) MUST_CHECK;

/* The item's vector, or NULL: it has no picture here. */
const float *picture_index_vector(const struct picture_index *index, uint32_t item);

/* scores [n_items] = cosine of the item's picture with vector; -INFINITY where there is none. */
void picture_index_score(const struct picture_index *index, const float *vector, float scores[], uint32_t n_items);

#endif
