/* The tensors of the behaviour encoder: one table of names and shapes, read by memory, gradients, optimizer and file.
 *
 * All weights of a network stand in one array of floats, each tensor at a multiple of 16 floats (64 bytes); gradients and moments have the
 * same layout. struct tensors says where each stands, by name for the file and by member for the arithmetic. Pure functions. Threads: any.
 */
#ifndef CORE_TENSORS_H
#define CORE_TENSORS_H

#include "core/model.h"

#include <stdbool.h>

#define BLOCKS_MAX  16
#define TENSORS_MAX (5 + 10 * BLOCKS_MAX)
#define FEED_FACTOR 4 /* F = 4 C */

/* A sane shape has all of these; a file that says otherwise is foreign. */
#define WIDTH_MAX   1024u
#define TAPS_MAX    1024u
#define HISTORY_MAX 8192u
#define ITEMS_MAX   (1u << 26)

enum tensor_start { START_ZERO, START_ONE, START_NORMAL }; /* START_NORMAL: deviation as the table says */

struct tensor {
    char name[40];
    uint32_t rows, columns; /* columns 0: a vector of rows */
    size_t first;           /* where in the array of floats */
    enum tensor_start start;
    float deviation;
};

/* Places of one block's tensors. */
struct block_places {
    size_t conv, conv_bias;              /* [K, C], [C] */
    size_t conv_scale, conv_shift;       /* [C]: the norm behind the convolution */
    size_t up, up_bias, down, down_bias; /* [C, F], [F], [F, C], [C] */
    size_t feed_scale, feed_shift;       /* [C]: the norm behind the feed-forward */
};

struct tensors {
    uint32_t n_tensors;
    size_t n_floats; /* of the whole array, gaps included */
    struct tensor tensors[TENSORS_MAX];
    size_t items, bias, types; /* [V, C], [V], [types, C] */
    size_t scale, shift;       /* [C]: the norm of the input */
    struct block_places blocks[BLOCKS_MAX];
};

/* Is every number in its limits? */
bool shape_is_sane(const struct encoder_shape *shape);

/* The table for a sane shape. */
void tensors_init(struct tensors *tensors, const struct encoder_shape *shape);

/* weights [n_floats] = what a network starts with: a stream of random numbers for every tensor, so that a longer item table begins with the
 * numbers of a shorter one. Gaps are 0. */
void tensors_start(const struct tensors *tensors, uint64_t seed, float weights[]);

static inline size_t tensor_floats(const struct tensor *tensor)
{
    return (size_t)tensor->rows * (tensor->columns ? tensor->columns : 1);
}

#endif
