/* Touched items: sampled softmax for catalogues whose whole softmax would take too long.
 *
 * A step reads and changes the vectors of few items: those of its rows, its targets, and a number of negatives that all rows share. These
 * are gathered into a small table, the batch's item numbers are changed to rows of it, the step runs on the small network as it would on
 * the whole one, and the rows go back. So a step costs the same for ten thousand items and for a hundred million.
 *
 * The negatives are drawn uniformly without repetition, each with the probability Q = S / V, so that
 *     Z = exp s[target] + sum over the S negatives but the target of exp(s[v] - log Q)
 * is in the mean the sum over the catalogue (Bengio and Senécal 2003): the correction is added to the negatives' bias. A target that is
 * also a negative of the step has a row of its own, a twin, and is skipped among the negatives of its rows. With S = V nothing is left to
 * chance: it is the whole softmax.
 *
 * Adam's moments of an item move only in steps that touch it, as in PyTorch's SparseAdam. Memory: three copies of the item table.
 * Threads: one caller. */
#ifndef CORE_TOUCHED_H
#define CORE_TOUCHED_H

#include "core/optimizer.h"
#include "core/slot_memory.h"

struct twin {
    uint32_t row, negative; /* both stand for the same item */
};

struct touched {
    const struct encoder *whole;
    struct encoder compact; /* the same network over max_rows items */
    uint32_t n_negatives, max_rows;
    float *weights;                        /* the step's, as compact says */
    float *first_moments, *second_moments; /* of items and their bias, as whole says */
    uint32_t n_rows, n_twins;              /* of this step */
    uint32_t *items;                       /* [max_rows] what each row stands for; the negatives come first */
    uint32_t *rows;                        /* [V] where each item stands, if it does */
    uint32_t *twin_rows;                   /* [S] the other row of a negative, 0: none */
    struct twin *twins;                    /* [S] */
    uint32_t *skips;                       /* [max_targets], beside the batch's targets */
};

/* For batches with at most max_batch_rows rows. Borrows whole for its life. STATUS_NOMEM. */
enum status touched_init(struct touched *touched, const struct encoder *whole, uint32_t n_negatives, uint32_t max_batch_rows) MUST_CHECK;
void touched_clear(struct touched *touched);

/* Choose the step's negatives and rows; items and targets of the filled batches become rows. */
void touched_choose(struct touched *touched, struct batches *batches, uint64_t seed, uint64_t step);

/* The rows from weights [n_floats of whole] and the moments kept here into touched->weights and the optimizer's. */
void touched_gather(struct touched *touched, const float *weights, struct optimizer *optimizer);

/* What a slot learned about twins, to where their items' gradients are summed. */
void touched_join_twins(const struct touched *touched, float *gradients);

/* The rows back into weights and the moments. */
void touched_scatter(struct touched *touched, float *weights, const struct optimizer *optimizer);

/* The network without the items: from the step's weights to the whole ones, and at the start the other way. */
void touched_write_network(const struct touched *touched, float *weights);
void touched_read_network(struct touched *touched, const float *weights);

#endif
