/* Forward and backward over packed rows; the short ways to the last row are in encoder_state.c. Backward reads from bottom to top what
 * forward wrote. */
#include "core/encoder.h"

#include <string.h>

void encoder_init(struct encoder *encoder, const struct encoder_shape *shape, const struct kernels *kernels)
{
    encoder->kernels = kernels;
    encoder->shape = *shape;
    tensors_init(&encoder->tensors, shape);
}

/* Take n floats, rounded up to 64 bytes, off *memory; with *memory NULL only count. */
static float *take(float *memory, size_t *at, size_t n)
{
    float *piece = memory ? memory + *at : NULL;
    *at += (n + 15) / 16 * 16;
    return piece;
}

static size_t place(struct activations *activations, const struct encoder *encoder, size_t N, float *memory)
{
    size_t at = 0, C = encoder->shape.width, F = C * FEED_FACTOR;
    activations->input_keep = take(memory, &at, N * C);
    activations->input_z = take(memory, &at, N * C);
    activations->input_inverse = take(memory, &at, N);
    activations->input_out = take(memory, &at, N * C);
    for (uint32_t b = 0; b < encoder->shape.n_blocks; b++) {
        struct block_activations *block = &activations->blocks[b];
        block->conv_keep = take(memory, &at, N * C);
        block->conv_z = take(memory, &at, N * C);
        block->conv_inverse = take(memory, &at, N);
        block->conv_out = take(memory, &at, N * C);
        block->feed_up = take(memory, &at, N * F);
        block->feed_gelu = take(memory, &at, N * F);
        block->feed_keep = take(memory, &at, N * C);
        block->feed_z = take(memory, &at, N * C);
        block->feed_inverse = take(memory, &at, N);
        block->feed_out = take(memory, &at, N * C);
    }
    activations->scratch = take(memory, &at, N * C);
    activations->gradient = take(memory, &at, N * C);
    activations->wide = take(memory, &at, N * F);
    return at;
}

size_t activations_floats(const struct encoder *encoder, uint32_t max_rows)
{
    struct activations activations;
    return place(&activations, encoder, max_rows, NULL);
}

void activations_place(struct activations *activations, const struct encoder *encoder, uint32_t max_rows, float *memory)
{
    (void)place(activations, encoder, max_rows, memory);
}

/* A dropout mask for n values if there is dropout; returns it or NULL. */
static const float *draw_mask(const struct kernels *kernels, float *keep, size_t n, float dropout, struct random *random)
{
    if (!(dropout > 0))
        return NULL;
    kernels->dropout_mask(keep, n, dropout, random);
    return keep;
}

static const float *block_forward(const struct encoder *encoder, const float *weights, uint32_t b, const struct packed *packed,
                                  float dropout, struct random *random, struct activations *activations, const float *x)
{
    const struct kernels *k = encoder->kernels;
    const struct block_places *at = &encoder->tensors.blocks[b];
    struct block_activations *block = &activations->blocks[b];
    size_t N = packed->n_rows, C = encoder->shape.width, F = C * FEED_FACTOR;
    float *f = activations->gradient, *sum = activations->scratch; /* free until backward */

    k->conv_forward(f, x, weights + at->conv, packed->starts, packed->n_sequences, C, encoder->shape.taps);
    k->residual_forward(sum, x, f, weights + at->conv_bias, draw_mask(k, block->conv_keep, N * C, dropout, random), N, C);
    k->norm_forward(block->conv_out, block->conv_z, block->conv_inverse, sum, weights + at->conv_scale, weights + at->conv_shift, N, C);

    k->product(PRODUCT_NN, block->feed_up, block->conv_out, weights + at->up, N, F, C, false);
    k->gelu_forward(block->feed_gelu, block->feed_up, weights + at->up_bias, N, F);
    k->product(PRODUCT_NN, f, block->feed_gelu, weights + at->down, N, C, F, false);
    k->residual_forward(sum, block->conv_out, f, weights + at->down_bias, draw_mask(k, block->feed_keep, N * C, dropout, random), N, C);
    k->norm_forward(block->feed_out, block->feed_z, block->feed_inverse, sum, weights + at->feed_scale, weights + at->feed_shift, N, C);
    return block->feed_out;
}

const float *encoder_forward(const struct encoder *encoder, const float *weights, const struct packed *packed, float dropout,
                             struct random *random, struct activations *activations)
{
    const struct kernels *k = encoder->kernels;
    const struct tensors *at = &encoder->tensors;
    size_t N = packed->n_rows, C = encoder->shape.width;
    k->embed_forward(activations->scratch, weights + at->items, weights + at->types, packed->items, packed->types, N, C);
    k->norm_forward(activations->input_out, activations->input_z, activations->input_inverse, activations->scratch, weights + at->scale,
                    weights + at->shift, N, C);
    const float *x = activations->input_out, *keep = draw_mask(k, activations->input_keep, N * C, dropout, random);
    if (keep) { /* in place by way of scratch: no operation may alias */
        memcpy(activations->scratch, x, N * C * sizeof *x);
        k->dropout(activations->input_out, activations->scratch, keep, N * C);
    }
    for (uint32_t b = 0; b < encoder->shape.n_blocks; b++)
        x = block_forward(encoder, weights, b, packed, dropout, random, activations, x);
    return x;
}

/* dy [N, C] = d loss / d output of block b becomes d loss / d x, its input. */
static void block_backward(const struct encoder *encoder, const float *weights, uint32_t b, const struct packed *packed, bool dropped,
                           struct activations *activations, const float *x, float *dy, float *gradients)
{
    const struct kernels *k = encoder->kernels;
    const struct block_places *at = &encoder->tensors.blocks[b];
    struct block_activations *block = &activations->blocks[b];
    size_t N = packed->n_rows, C = encoder->shape.width, F = C * FEED_FACTOR;
    float *dsum = activations->scratch, *df = activations->gradient, *dwide = activations->wide;

    k->norm_backward(dsum, gradients + at->feed_scale, gradients + at->feed_shift, dy, block->feed_z, block->feed_inverse,
                     weights + at->feed_scale, N, C);
    k->residual_backward(df, gradients + at->down_bias, dsum, dropped ? block->feed_keep : NULL, N, C);
    k->product(PRODUCT_TN, gradients + at->down, block->feed_gelu, df, F, C, N, true);
    k->product(PRODUCT_NT, dwide, df, weights + at->down, N, F, C, false);
    k->gelu_backward(dwide, gradients + at->up_bias, block->feed_up, weights + at->up_bias, N, F);
    k->product(PRODUCT_TN, gradients + at->up, block->conv_out, dwide, C, F, N, true);
    k->product(PRODUCT_NT, dsum, dwide, weights + at->up, N, C, F, true);

    k->norm_backward(dy, gradients + at->conv_scale, gradients + at->conv_shift, dsum, block->conv_z, block->conv_inverse,
                     weights + at->conv_scale, N, C);
    k->residual_backward(df, gradients + at->conv_bias, dy, dropped ? block->conv_keep : NULL, N, C);
    k->conv_backward(dy, gradients + at->conv, df, x, weights + at->conv, packed->starts, packed->n_sequences, C, encoder->shape.taps);
}

const float *encoder_backward(const struct encoder *encoder, const float *weights, const struct packed *packed, float dropout,
                              struct activations *activations, float *dstates, float *gradients)
{
    const struct kernels *k = encoder->kernels;
    const struct tensors *at = &encoder->tensors;
    size_t N = packed->n_rows, C = encoder->shape.width;
    bool dropped = dropout > 0;
    for (uint32_t b = encoder->shape.n_blocks; b-- > 0;) {
        const float *x = b ? activations->blocks[b - 1].feed_out : activations->input_out;
        block_backward(encoder, weights, b, packed, dropped, activations, x, dstates, gradients);
    }
    float *dout = dstates, *dinputs = activations->scratch;
    if (dropped) {
        k->dropout(activations->gradient, dstates, activations->input_keep, N * C);
        dout = activations->gradient;
    }
    k->norm_backward(dinputs, gradients + at->scale, gradients + at->shift, dout, activations->input_z, activations->input_inverse,
                     weights + at->scale, N, C);
    return dinputs;
}
