/* Newcomers: the items that came after the training of a model, each placed in that model's item space by what it is (its words and its
 * picture, core/content_placement.h). They belong to one model, whose items 0 … V - 1 stand in its own table; theirs are V and up.
 *
 * A place is an embedding table's piece, made anew whenever its item's row or picture changes. The writer prepares it in the transaction
 * and publishes it after the commit, behind the row and the picture that it was made of; what was there before the model is filled in by
 * the filling thread (filler.h). An item of which nothing is known has no place: it scores the bias of an item without content.
 *
 * Threads: readers inside the epoch; prepare and publish by the writer's thread; fill by one other. */
#ifndef APP_NEWCOMERS_H
#define APP_NEWCOMERS_H

#include "core/content_placement.h"
#include "server/app/picture_index.h"
#include "storage/item_store.h"

struct newcomers;

/* Nobody is placed yet. placement and shape are the model's; both, and epoch, are borrowed for its life. STATUS_INVALID: the tower's shape
 * is out of its limits or not the encoder's; STATUS_NOMEM. */
enum status newcomers_create(const struct content_placement *placement, const struct encoder_shape *shape, struct epoch *epoch,
                             struct newcomers **out_newcomers, struct error *error) MUST_CHECK;
void newcomers_destroy(struct newcomers *newcomers); /* no reader may be inside. Accepts NULL */
DEFINE_SCOPED(struct newcomers *, newcomers_destroy);

uint32_t newcomers_count(const struct newcomers *newcomers);     /* how many are placed. Any thread */
uint32_t newcomers_first(const struct newcomers *newcomers);     /* V */
bool newcomers_want_pictures(const struct newcomers *newcomers); /* the tower was trained with some */

/* Are the vectors of index (NULL: none) those that the tower was trained with? If not, items are placed by their words alone. */
bool newcomers_take_pictures(const struct newcomers *newcomers, const struct picture_index *index);

/* --- writing --- */

/* The place of the row's item, or NULL: nothing is known of it, it is deleted, or it is one of the model's own. picture: its vector in an
 * index whose pictures are taken, or NULL. All that can fail; a place that is not published is memory_free's. STATUS_NOMEM. */
enum status newcomers_prepare(struct newcomers *newcomers, const struct stored_item *row, const float *picture,
                              float **out_place) MUST_CHECK;
void newcomers_publish(struct newcomers *newcomers, uint32_t item, float *place); /* takes place; after prepare */

/* As prepare and publish, but only if nothing was published for the item since newcomers_place gave seen, which was inside the same stay in
 * the epoch and before row and picture were looked up. *out_old: what is no longer in use, to be retired once outside the epoch, or NULL.
 */
enum status newcomers_fill(struct newcomers *newcomers, const float *seen, const struct stored_item *row, const float *picture,
                           float **out_old) MUST_CHECK;

/* --- reading --- */

/* The item's vector [C], its first part, or NULL: it is not placed. */
const float *newcomers_place(const struct newcomers *newcomers, uint32_t item);

/* scores[V … n_items - 1] = what model_score would say if they were items of the model. user [C]. */
void newcomers_score(const struct newcomers *newcomers, const float user[], uint32_t n_items, float scores[]);

/* similarities[V … n_items - 1] = cosine of vector [C] with the item's; 0 where it is not placed. */
void newcomers_similar(const struct newcomers *newcomers, const float vector[], uint32_t n_items, float similarities[]);

#endif
