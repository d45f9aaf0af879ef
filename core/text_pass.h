/* Text pass: a batch of texts, or a part of one, forward and backward through a text network.
 *
 * Texts are packed one behind the other, without padding; a text without words has the greatest values 0 and moves only what is behind
 * them. A pass has all the memory it needs, its gradient included, which for the table is of the rows alone that the batch's features are
 * in. So parts of a batch are worked on side by side, each with a pass of its own, and their gradients added in the order of the parts are
 * the same at any number of threads. Threads: one at a time a pass. */
#ifndef CORE_TEXT_PASS_H
#define CORE_TEXT_PASS_H

#include "core/text_network.h"
#include "core/words.h"

#include <stdbool.h>

/* Of a batch. Words and features of a text: what its word_limits allow, at most. */
struct text_limits {
    uint32_t max_texts, max_words, max_features;
};

/* d loss / d weights. */
struct text_gradient {
    const float *fixed; /* [network.table] of everything in front of the table, as the weights stand */
    uint32_t n_rows;
    const uint32_t *buckets; /* [n_rows] which rows of the table, each once, as they were met */
    const float *rows;       /* [n_rows, C] */
};

struct text_pass;

/* Borrows network for its life. With is_training it has what backward needs. STATUS_NOMEM. */
enum status text_pass_create(const struct text_network *network, const struct text_limits *limits, bool is_training,
                             struct text_pass **out_pass) MUST_CHECK;
void text_pass_destroy(struct text_pass *pass);
DEFINE_SCOPED(struct text_pass *, text_pass_destroy);

/* Begin a batch: no texts. */
void text_pass_clear(struct text_pass *pass);

/* The next text of the batch; copied. Its buckets are below V. false: there is no room for it, and the batch is as it was. */
bool text_pass_add(struct text_pass *pass, const struct word_bags *text);

/* [texts, D] of the batch, in the order they were added. Borrowed until the next call. */
const float *text_pass_forward(struct text_pass *pass, const float *weights);

/* d loss / d what forward gave, [texts, D], to be filled before backward, which wants the weights that went forward and overwrites it. */
float *text_pass_slopes(struct text_pass *pass);

/* Borrowed until the next call. */
struct text_gradient text_pass_backward(struct text_pass *pass, const float *weights);

#endif
