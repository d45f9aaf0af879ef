/* Serving's short way through the encoder: only the rows that the last one depends on. A block's convolution looks K - 1 rows back, so each
 * block leaves K - 1 rows fewer that matter, and the last block's feed-forward is one row. Rows before those are computed by the
 * convolution from too little, and never read. No BLAS: it would take a lock for its buffers. */
#include "core/encoder.h"

#include <string.h>

struct last_workspace {
    float *x, *f, *sum, *z; /* [rows, C] */
    float *up, *gelu;       /* [rows, F] */
    float *inverse;         /* [rows] */
};

static uint32_t receptive_field(const struct encoder_shape *shape, uint32_t n_blocks)
{
    uint64_t rows = (uint64_t)n_blocks * (shape->taps - 1) + 1;
    return rows < shape->history ? (uint32_t)rows : shape->history;
}

static size_t place(struct last_workspace *workspace, const struct encoder *encoder, float *memory)
{
    size_t rows = receptive_field(&encoder->shape, encoder->shape.n_blocks), C = encoder->shape.width;
    size_t narrow = (rows * C + 15) / 16 * 16, at = 0;
    float **const pieces[] = {&workspace->x,       &workspace->f,  &workspace->sum, &workspace->z,
                              &workspace->inverse, &workspace->up, &workspace->gelu};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        *pieces[i] = memory ? memory + at : NULL;
        at += i < 5 ? narrow : narrow * FEED_FACTOR;
    }
    return at;
}

size_t encoder_last_bytes(const struct encoder *encoder)
{
    struct last_workspace workspace;
    return place(&workspace, encoder, NULL) * sizeof(float);
}

/* x [n_rows, C] → the block's output for its last n_out rows, in the place of x. */
static void block_last(const struct encoder *encoder, const float *weights, uint32_t b, uint32_t n_rows, uint32_t n_out,
                       struct last_workspace *w)
{
    const struct kernels *k = encoder->kernels;
    const struct block_places *at = &encoder->tensors.blocks[b];
    size_t C = encoder->shape.width, F = C * FEED_FACTOR, skipped = (size_t)(n_rows - n_out) * C;
    const uint32_t starts[] = {0, n_rows};
    k->conv_forward(w->f, w->x, weights + at->conv, starts, 1, C, encoder->shape.taps);
    k->residual_forward(w->sum, w->x + skipped, w->f + skipped, weights + at->conv_bias, NULL, n_out, C);
    k->norm_forward(w->x, w->z, w->inverse, w->sum, weights + at->conv_scale, weights + at->conv_shift, n_out, C);
    k->small_product(w->up, w->x, weights + at->up, n_out, C, F);
    k->gelu_forward(w->gelu, w->up, weights + at->up_bias, n_out, F);
    k->small_product(w->f, w->gelu, weights + at->down, n_out, F, C);
    k->residual_forward(w->sum, w->x, w->f, weights + at->down_bias, NULL, n_out, C);
    k->norm_forward(w->x, w->z, w->inverse, w->sum, weights + at->feed_scale, weights + at->feed_shift, n_out, C);
}

void encoder_last(const struct encoder *encoder, const float *weights, const uint32_t items[], const uint8_t types[], uint32_t n,
                  void *workspace, float out_state[])
{
    const struct kernels *k = encoder->kernels;
    const struct tensors *at = &encoder->tensors;
    uint32_t n_blocks = encoder->shape.n_blocks, n_rows = receptive_field(&encoder->shape, n_blocks);
    size_t C = encoder->shape.width;
    struct last_workspace w;
    (void)place(&w, encoder, workspace);
    if (n_rows > n)
        n_rows = n;
    k->embed_forward(w.sum, weights + at->items, weights + at->types, items + n - n_rows, types + n - n_rows, n_rows, C);
    k->norm_forward(w.x, w.z, w.inverse, w.sum, weights + at->scale, weights + at->shift, n_rows, C);
    for (uint32_t b = 0; b < n_blocks; b++) {
        uint32_t needed = receptive_field(&encoder->shape, n_blocks - 1 - b);
        uint32_t n_out = needed < n_rows ? needed : n_rows;
        block_last(encoder, weights, b, n_rows, n_out, &w);
        n_rows = n_out;
    }
    memcpy(out_state, w.x + (size_t)(n_rows - 1) * C, C * sizeof *out_state);
}
