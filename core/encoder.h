/* The behaviour encoder: what a user did, as one vector (after ConvFormer, X. Lin et al. 2023, with a feed-forward that learns over packed
 * rows).
 *
 *   x = norm(items[item] + types[type]) ∘ keep
 *   for each block:  x = norm(x + keep ∘ (conv(x) + b));  x = norm(x + keep ∘ (gelu(x up + b) down + b))
 *   the last row is the user's vector; with a temperature it is scaled to length 1
 *
 * Training runs all rows of many packed users forward and backward (struct activations holds what backward needs); serving computes only
 * what the last row depends on, its receptive field of n_blocks · (K - 1) + 1 events. Both give the same to rounding.
 * Pure functions over the caller's memory. Threads: any. Legend in core/dataset.h and core/kernels/kernels.h. */
#ifndef CORE_ENCODER_H
#define CORE_ENCODER_H

#include "core/kernels/kernels.h"
#include "core/tensors.h"

/* A network without its weights. Constant once made. */
struct encoder {
    const struct kernels *kernels;
    struct encoder_shape shape;
    struct tensors tensors;
};

void encoder_init(struct encoder *encoder, const struct encoder_shape *shape, const struct kernels *kernels);

/* Users packed without padding: rows [starts[s], starts[s + 1]) are one user's events, oldest first. */
struct packed {
    uint32_t n_rows, n_sequences;
    const uint32_t *items;  /* [N] */
    const uint8_t *types;   /* [N] */
    const uint32_t *starts; /* [S + 1], starts[0] = 0 */
};

struct block_activations {
    float *conv_keep, *conv_z, *conv_inverse, *conv_out; /* [N, C] but inverse [N] */
    float *feed_up, *feed_gelu;                          /* [N, F] */
    float *feed_keep, *feed_z, *feed_inverse, *feed_out; /* [N, C] but inverse [N] */
};

/* What forward leaves for backward, and two scratch matrices. */
struct activations {
    float *input_keep, *input_z, *input_inverse, *input_out; /* [N, C] but inverse [N] */
    struct block_activations blocks[BLOCKS_MAX];
    float *scratch, *gradient; /* [N, C] */
    float *wide;               /* [N, F] */
};

/* Floats that activations of up to max_rows rows take, and placing them in such memory (64-byte aligned). */
size_t activations_floats(const struct encoder *encoder, uint32_t max_rows);
void activations_place(struct activations *activations, const struct encoder *encoder, uint32_t max_rows, float *memory);

/* Returns the states [N, C] of all rows (in activations). dropout 0: none, random may be NULL. */
const float *encoder_forward(const struct encoder *encoder, const float *weights, const struct packed *packed, float dropout,
                             struct random *random, struct activations *activations);

/* Add the gradients of all weights but the embeddings to gradients, given dstates [N, C] = d loss / d states, which is destroyed. Returns
 * dinputs [N, C] (in activations), of which kernels->embed_backward makes those of the embeddings: few rows of a long table, which the
 * caller may gather in one place. Follows encoder_forward with the same arguments. */
const float *encoder_backward(const struct encoder *encoder, const float *weights, const struct packed *packed, float dropout,
                              struct activations *activations, float *dstates, float *gradients);

/* The last row depends on so many events at most. */
uint32_t encoder_field(const struct encoder *encoder);

/* Bytes of workspace of encoder_last. */
size_t encoder_last_bytes(const struct encoder *encoder);

/* out_state[C] = the state after the events items[n], types[n], oldest first, n >= 1; only the last `history` count. vectors: NULL, or [n],
 * the vector [C] of an event's item that the network does not have, NULL: it has. Types, and items that it has, are in range. workspace:
 * 64-byte aligned. No allocation, no lock. */
void encoder_last(const struct encoder *encoder, const float *weights, const uint32_t items[], const float *const vectors[],
                  const uint8_t types[], uint32_t n, void *workspace, float out_state[]);

/* Bytes of workspace of encoder_last_rows for at most so many rows and users. */
size_t encoder_last_rows_bytes(const struct encoder *encoder, uint32_t max_rows, uint32_t max_users);

/* The same for many users at once, bit for bit, which shares what the weights' way into the caches costs: out_states [S, C], zeros for a
 * user without events. Returns the floating-point operations of its products. workspace: 64-byte aligned. No allocation, no lock. */
double encoder_last_rows(const struct encoder *encoder, const float *weights, const struct packed *packed, void *workspace,
                         float out_states[]);

#endif
