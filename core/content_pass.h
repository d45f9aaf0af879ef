/* Content pass: some items forward and backward through a content tower, and the two ways to place items that are built on it.
 *
 * A pass has all the memory that it needs: nothing here but create and content_place_all allocates. An item comes out the same, to
 * rounding, whatever other items are in the batch. To place a new item keep one pass for one item a thread and call content_place:
 * nothing is allocated and the weights are only read, so any number of threads may, each with its own pass.
 *
 * Threads: one at a time a pass. */
#ifndef CORE_CONTENT_PASS_H
#define CORE_CONTENT_PASS_H

#include "core/base/workers.h"
#include "core/content_tower.h"
#include "core/text_pass.h"

#include <stdbool.h>

/* d loss / d weights. */
struct content_gradient {
    const float *fixed; /* [n_fixed] */
    uint32_t n_rows;    /* of the embeddings, as struct text_gradient has them */
    const uint32_t *buckets;
    const float *rows;
};

struct content_pass;

/* Room for max_items >= 1 items whose words have CONTENT_FEATURES features in the mean (one item always fits). Borrows tower for its life.
 * With is_training it has what backward needs. STATUS_INVALID: the limits of the text are out of theirs; STATUS_NOMEM. */
#define CONTENT_FEATURES 256u
enum status content_pass_create(const struct content_tower *tower, uint32_t max_items, bool is_training, struct content_pass **out_pass,
                                struct error *error) MUST_CHECK;
void content_pass_destroy(struct content_pass *pass);
DEFINE_SCOPED(struct content_pass *, content_pass_destroy);

/* Begin a batch: no items. */
void content_pass_clear(struct content_pass *pass);

/* The next item of the batch; copied. false: there is no room for it, and the batch is as it was. */
bool content_pass_add(struct content_pass *pass, const struct item_content *content);

/* The same, for training: each of its words is left out with this probability, as words_thin does. */
bool content_pass_add_thinned(struct content_pass *pass, const struct item_content *content, float word_dropout, struct random *random);

/* [items, D] of the batch, in the order they were added. Borrowed until the next call. */
const float *content_pass_forward(struct content_pass *pass, const float *weights);

/* d loss / d what forward gave, [items, D], to be filled before backward, which wants the weights that went forward. */
float *content_pass_slopes(struct content_pass *pass);

/* Borrowed until the next call. */
struct content_gradient content_pass_backward(struct content_pass *pass, const float *weights);

/* out [D] = the vector and behind it the bias of one item. Any pass; what it held is gone. */
void content_place(struct content_pass *pass, const float *weights, const struct item_content *content, float out[]);

/* out [n, D] of items contents [n], over the workers; the same bits at any number of threads. STATUS_INVALID, STATUS_NOMEM as create. */
enum status content_place_all(const struct content_tower *tower, const float *weights, const struct item_content contents[], uint32_t n,
                              struct workers *workers, float out[], struct error *error) MUST_CHECK;

#endif
