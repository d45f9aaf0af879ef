/* Serving's short ways through the encoder: only the rows that the last one depends on (encoder_last), leaving behind what the next event
 * needs (encoder_state_build), and from there on only the new rows (encoder_state_advance). A block's convolution looks K - 1 rows back, so
 * each block leaves K - 1 rows fewer that matter, and the last block's feed-forward is one row. Rows before the first event count as zeros:
 * they add nothing to a convolution. No BLAS: it would take a lock for its buffers. */
#include "core/encoder_state.h"

#include <assert.h>
#include <string.h>

struct last_workspace {
    float *x, *f, *sum, *z; /* [rows, C] */
    float *up, *gelu;       /* [rows, F] */
    float *inverse;         /* [rows] */
};

/* Rows that one row depends on through n_blocks blocks. */
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

/* x [n, C] = the input rows of n events; vectors as encoder_last has them. */
static void embed(const struct encoder *encoder, const float *weights, const uint32_t items[], const float *const vectors[],
                  const uint8_t types[], uint32_t n, struct last_workspace *w, float *x)
{
    static const uint32_t first = 0;
    const struct kernels *k = encoder->kernels;
    const struct tensors *at = &encoder->tensors;
    size_t C = encoder->shape.width;
    if (!vectors)
        k->embed_forward(w->sum, weights + at->items, weights + at->types, items, types, n, C);
    for (uint32_t i = 0; vectors && i < n; i++) /* a table of one item each */
        k->embed_forward(w->sum + i * C, vectors[i] ? vectors[i] : weights + at->items + items[i] * C, weights + at->types, &first,
                         &types[i], 1, C);
    k->norm_forward(x, w->z, w->inverse, w->sum, weights + at->scale, weights + at->shift, n, C);
}

/* x [n_rows, C] → the block's output for its last n_out rows, in the place of x. */
static void block_last(const struct encoder *encoder, const float *weights, uint32_t b, uint32_t n_rows, uint32_t n_out,
                       struct last_workspace *w)
{
    const struct kernels *k = encoder->kernels;
    const struct block_places *at = &encoder->tensors.blocks[b];
    size_t C = encoder->shape.width, F = C * FEED_FACTOR;
    k->conv_last(w->f, w->x, weights + at->conv, n_rows, n_out, C, encoder->shape.taps);
    k->residual_forward(w->sum, w->x + (n_rows - n_out) * C, w->f, weights + at->conv_bias, NULL, n_out, C);
    k->norm_forward(w->x, w->z, w->inverse, w->sum, weights + at->conv_scale, weights + at->conv_shift, n_out, C);
    k->small_product(w->up, w->x, weights + at->up, n_out, C, F);
    k->gelu_forward(w->gelu, w->up, weights + at->up_bias, n_out, F);
    k->small_product(w->f, w->gelu, weights + at->down, n_out, F, C);
    k->residual_forward(w->sum, w->x, w->f, weights + at->down_bias, NULL, n_out, C);
    k->norm_forward(w->x, w->z, w->inverse, w->sum, weights + at->feed_scale, weights + at->feed_shift, n_out, C);
}

/* Where a state has the rows [K - 1, C] of block b. */
static float *block_rows(const struct encoder *encoder, uint32_t b, float *state)
{
    size_t C = encoder->shape.width;
    return state + C + (size_t)b * (encoder->shape.taps - 1) * C;
}

/* rows [K - 1, C] = the last of x [n_rows, C]. */
static void keep_rows(const struct encoder *encoder, const float *x, uint32_t n_rows, float *rows)
{
    size_t C = encoder->shape.width, n_kept = encoder->shape.taps - 1, n_missing = n_kept > n_rows ? n_kept - n_rows : 0;
    memset(rows, 0, n_missing * C * sizeof *rows);
    memcpy(rows + n_missing * C, x + (n_rows - (n_kept - n_missing)) * C, (n_kept - n_missing) * C * sizeof *rows);
}

/* out_row [C] = the last row; state, if not NULL, gets the rows that each block was given. */
static void encode(const struct encoder *encoder, const float *weights, const uint32_t items[], const float *const vectors[],
                   const uint8_t types[], uint32_t n, void *workspace, float *out_row, float *state)
{
    uint32_t n_blocks = encoder->shape.n_blocks, n_rows = receptive_field(&encoder->shape, n_blocks);
    size_t C = encoder->shape.width;
    struct last_workspace w;
    (void)place(&w, encoder, workspace);
    if (n_rows > n)
        n_rows = n;
    embed(encoder, weights, items + n - n_rows, vectors ? vectors + n - n_rows : NULL, types + n - n_rows, n_rows, &w, w.x);
    for (uint32_t b = 0; b < n_blocks; b++) {
        uint32_t needed = receptive_field(&encoder->shape, n_blocks - 1 - b);
        uint32_t n_out = needed < n_rows ? needed : n_rows;
        if (state)
            keep_rows(encoder, w.x, n_rows, block_rows(encoder, b, state));
        block_last(encoder, weights, b, n_rows, n_out, &w);
        n_rows = n_out;
    }
    memcpy(out_row, w.x + (n_rows - 1) * C, C * sizeof *out_row);
}

void encoder_last(const struct encoder *encoder, const float *weights, const uint32_t items[], const float *const vectors[],
                  const uint8_t types[], uint32_t n, void *workspace, float out_state[])
{
    encode(encoder, weights, items, vectors, types, n, workspace, out_state, NULL);
}

/* --- states --- */

/* The feed-forward's rows are what costs: a state takes n_blocks an event, encoding those that each block hands on. */
static uint32_t cheaper_advance(const struct encoder_shape *shape)
{
    uint64_t n_rows = 0;
    for (uint32_t b = 0; b < shape->n_blocks; b++)
        n_rows += receptive_field(shape, b);
    return shape->n_blocks ? (uint32_t)(n_rows / shape->n_blocks) : 1;
}

bool encoder_state_shape(const struct encoder *encoder, struct state_shape *out_shape)
{
    const struct encoder_shape *shape = &encoder->shape;
    uint64_t n_rows = (uint64_t)shape->n_blocks * (shape->taps - 1) + 1;
    if (n_rows > shape->history)
        return false;
    *out_shape = (struct state_shape){
        .n_floats = (uint32_t)n_rows * shape->width, .n_row = shape->width, .field = (uint32_t)n_rows, .most = cheaper_advance(shape)};
    return true;
}

void encoder_state_build(const struct encoder *encoder, const float *weights, const uint32_t items[], const uint8_t types[], uint32_t n,
                         void *workspace, float out_state[])
{
    encode(encoder, weights, items, NULL, types, n, workspace, out_state, out_state);
}

void encoder_state_advance(const struct encoder *encoder, const float *weights, const uint32_t items[], const uint8_t types[], uint32_t n,
                           void *workspace, float state[])
{
    uint32_t n_blocks = encoder->shape.n_blocks, n_kept = n_blocks ? encoder->shape.taps - 1 : 0;
    size_t C = encoder->shape.width;
    struct last_workspace w;
    (void)place(&w, encoder, workspace);
    assert(n >= 1 && n_kept + n <= receptive_field(&encoder->shape, n_blocks));
    float *fresh = w.x + n_kept * C; /* [n, C] behind the rows of the state */
    embed(encoder, weights, items, NULL, types, n, &w, fresh);
    for (uint32_t b = 0; b < n_blocks; b++) {
        float *rows = block_rows(encoder, b, state);
        if (b)
            memmove(fresh, w.x, n * C * sizeof *fresh);
        memcpy(w.x, rows, n_kept * C * sizeof *rows);
        memcpy(rows, w.x + n * C, n_kept * C * sizeof *rows);
        block_last(encoder, weights, b, n_kept + n, n, &w);
    }
    memcpy(state, w.x + (n - 1) * C, C * sizeof *state);
}
