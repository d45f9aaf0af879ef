/* Content step: the loss of one batch of positions with regard to a content tower's weights, and the step of Adam that follows.
 *
 *   s[n, r] = <state[n], vector[r]> + bias[r] over the rows of a content table (core/content_table.h): an item stands with its id vector
 * and bias, or with what the tower makes of its content. With a temperature states and vectors are scaled as the encoder's scores have
 * them. loss = sum over positions of weight · softmax cross-entropy (core/kernels/kernels.h, softmax_loss)
 *
 * Only the tower learns; states are the frozen encoder's, computed with the batch. They know the training part: without dropout a state is
 * surer of its target than it will ever be of a new one, and a tower that learned from such states would place items too high. A batch's
 * slots (core/batches.h) and the content's parts are worked on side by side, their gradients added in their order: the same bits at any
 * number of threads. Embeddings that a step does not touch keep weights and moments, as in PyTorch's SparseAdam. Memory: SLOTS + 2 tables
 * of n_rows · C floats, moments, and a pass for every part. Threads: one caller, which brings the workers. */
#ifndef CORE_CONTENT_STEP_H
#define CORE_CONTENT_STEP_H

#include "core/base/workers.h"
#include "core/batches.h"
#include "core/content_pass.h"
#include "core/content_table.h"

/* What a content training learns from. Borrowed. */
struct content_ground {
    const struct encoder *encoder; /* finished */
    const float *weights;          /* the encoder's */
    const struct sequences *sequences;
    const struct type_weights *type_weights;
    const struct item_content *contents; /* [V] */
    struct workers *workers;
};

struct content_limits {
    uint32_t max_slot_rows; /* of the batches */
    uint32_t max_shared, max_contents;
};

struct content_step;

/* Borrows ground and tower for its life. STATUS_INVALID as content_pass_create; STATUS_NOMEM. */
enum status content_step_create(const struct content_ground *ground, const struct content_tower *tower, const struct content_limits *limits,
                                struct content_step **out_step, struct error *error) MUST_CHECK;
void content_step_destroy(struct content_step *step);
DEFINE_SCOPED(struct content_step *, content_step_destroy);

/* Which items may stand with content, with which probability; dropout of the encoder; of the words of a content; and the random numbers of
 * all three. */
struct content_choice {
    const bool *may; /* [V] */
    float probability, dropout, word_dropout;
    uint64_t seed, number; /* of the step */
};

/* The loss of a filled batch, and inside its gradient. */
double content_step_loss(struct content_step *step, const struct batches *batches, const struct content_choice *choice,
                         const float *weights);

/* gradient [tower.n_floats] = that of the last loss, for who checks it. */
void content_step_gradient(const struct content_step *step, float gradient[]);

/* weights -= Adam's step along the gradient of the last loss. */
void content_step_learn(struct content_step *step, float learning_rate, float weights[]);

#endif
