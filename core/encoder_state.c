/* The short ways through the encoder: only the rows that the last one depends on (encoder_last, of many users encoder_last_rows), leaving
 * behind what the next event needs (encoder_state_build), and from there on only the new rows (encoder_state_advance). A block's
 * convolution looks K - 1 rows back, so each block leaves K - 1 rows fewer that matter, and the last block's feed-forward is one row. Rows
 * before the first event count as zeros: they add nothing to a convolution. No BLAS: it would take a lock for its buffers, and a row's sums
 * must not depend on how many there are. */
#include "core/encoder_state.h"

#include <assert.h>
#include <string.h>

struct last_workspace {
    float *x, *f, *sum, *z; /* [rows, C] */
    float *up, *gelu;       /* [rows, F] */
    float *inverse;         /* [rows] */
    uint32_t *ends;         /* [users]: where the rows of each end, those of the next one begin there */
};

/* Rows that one row depends on through n_blocks blocks. */
static uint32_t receptive_field(const struct encoder_shape *shape, uint32_t n_blocks)
{
    uint64_t rows = (uint64_t)n_blocks * (shape->taps - 1) + 1;
    return rows < shape->history ? (uint32_t)rows : shape->history;
}

uint32_t encoder_field(const struct encoder *encoder)
{
    return receptive_field(&encoder->shape, encoder->shape.n_blocks);
}

static size_t place(struct last_workspace *workspace, const struct encoder *encoder, size_t n_rows, size_t n_users, float *memory)
{
    size_t narrow = (n_rows * encoder->shape.width + 15) / 16 * 16, at = 0;
    float **const pieces[] = {&workspace->x,       &workspace->f,  &workspace->sum, &workspace->z,
                              &workspace->inverse, &workspace->up, &workspace->gelu};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        *pieces[i] = memory ? memory + at : NULL;
        at += i < 5 ? narrow : narrow * FEED_FACTOR;
    }
    workspace->ends = memory ? (uint32_t *)(void *)(memory + at) : NULL;
    return at + n_users;
}

size_t encoder_last_bytes(const struct encoder *encoder)
{
    struct last_workspace workspace;
    return place(&workspace, encoder, encoder_field(encoder), 1, NULL) * sizeof(float);
}

size_t encoder_last_rows_bytes(const struct encoder *encoder, uint32_t max_rows, uint32_t max_users)
{
    struct last_workspace workspace;
    return place(&workspace, encoder, max_rows, max_users, NULL) * sizeof(float);
}

/* sum [n, C] = the input rows of n events before their norm; vectors as encoder_last has them. */
static void embed(const struct encoder *encoder, const float *weights, const uint32_t items[], const float *const vectors[],
                  const uint8_t types[], uint32_t n, float *sum)
{
    static const uint32_t first = 0;
    const struct kernels *k = encoder->kernels;
    const struct tensors *at = &encoder->tensors;
    size_t C = encoder->shape.width;
    if (!vectors)
        k->embed_forward(sum, weights + at->items, weights + at->types, items, types, n, C);
    for (uint32_t i = 0; vectors && i < n; i++) /* a table of one item each */
        k->embed_forward(sum + i * C, vectors[i] ? vectors[i] : weights + at->items + items[i] * C, weights + at->types, &first, &types[i],
                         1, C);
}

static void norm_inputs(const struct encoder *encoder, const float *weights, uint32_t n, const struct last_workspace *w, float *x)
{
    const struct tensors *at = &encoder->tensors;
    encoder->kernels->norm_forward(x, w->z, w->inverse, w->sum, weights + at->scale, weights + at->shift, n, encoder->shape.width);
}

/* x, the users' rows one after the other → the block's output for each one's last rows, n_most of them or all, in the place of x. Returns
 * how many rows that are. */
static uint32_t block_last(const struct encoder *encoder, const float *weights, uint32_t b, uint32_t n_users, uint32_t n_most,
                           const struct last_workspace *w)
{
    const struct kernels *k = encoder->kernels;
    const struct block_places *at = &encoder->tensors.blocks[b];
    size_t C = encoder->shape.width, F = C * FEED_FACTOR;
    uint32_t from = 0, n = 0;
    for (uint32_t user = 0; user < n_users; user++) {
        uint32_t to = w->ends[user], n_rows = to - from, n_out = n_rows < n_most ? n_rows : n_most;
        k->conv_last(w->f + n * C, w->x + from * C, weights + at->conv, n_rows, n_out, C, encoder->shape.taps);
        k->residual_forward(w->sum + n * C, w->x + (to - n_out) * C, w->f + n * C, weights + at->conv_bias, NULL, n_out, C);
        from = to;
        w->ends[user] = n += n_out;
    }
    k->norm_forward(w->x, w->z, w->inverse, w->sum, weights + at->conv_scale, weights + at->conv_shift, n, C);
    k->small_product(w->up, w->x, weights + at->up, n, C, F);
    k->gelu_forward(w->gelu, w->up, weights + at->up_bias, n, F);
    k->small_product(w->f, w->gelu, weights + at->down, n, F, C);
    k->residual_forward(w->sum, w->x, w->f, weights + at->down_bias, NULL, n, C);
    k->norm_forward(w->x, w->z, w->inverse, w->sum, weights + at->feed_scale, weights + at->feed_shift, n, C);
    return n;
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

/* Leaves the last row of each user who has events in w->x. state, if not NULL, gets the rows that each block was given: of the first user.
 * Returns the rows that went through feed-forwards. */
static uint64_t encode(const struct encoder *encoder, const float *weights, const struct packed *packed, const float *const vectors[],
                       const struct last_workspace *w, float *state)
{
    uint32_t n_blocks = encoder->shape.n_blocks, field = encoder_field(encoder), n_rows = 0;
    uint64_t n_fed = 0;
    for (uint32_t user = 0; user < packed->n_sequences; user++) {
        uint32_t n = packed->starts[user + 1] - packed->starts[user], first = packed->starts[user] + (n > field ? n - field : 0);
        n = packed->starts[user + 1] - first;
        embed(encoder, weights, packed->items + first, vectors ? vectors + first : NULL, packed->types + first, n,
              w->sum + n_rows * (size_t)encoder->shape.width);
        w->ends[user] = n_rows += n;
    }
    norm_inputs(encoder, weights, n_rows, w, w->x);
    for (uint32_t b = 0; b < n_blocks; b++) {
        if (state)
            keep_rows(encoder, w->x, w->ends[0], block_rows(encoder, b, state));
        n_fed += block_last(encoder, weights, b, packed->n_sequences, receptive_field(&encoder->shape, n_blocks - 1 - b), w);
    }
    return n_fed;
}

static void encode_one(const struct encoder *encoder, const float *weights, const uint32_t items[], const float *const vectors[],
                       const uint8_t types[], uint32_t n, void *workspace, float *out_row, float *state)
{
    struct packed one = {.n_rows = n, .n_sequences = 1, .items = items, .types = types, .starts = (const uint32_t[]){0, n}};
    size_t C = encoder->shape.width;
    struct last_workspace w;
    (void)place(&w, encoder, encoder_field(encoder), 1, workspace);
    (void)encode(encoder, weights, &one, vectors, &w, state);
    memcpy(out_row, w.x + (w.ends[0] - 1) * C, C * sizeof *out_row);
}

void encoder_last(const struct encoder *encoder, const float *weights, const uint32_t items[], const float *const vectors[],
                  const uint8_t types[], uint32_t n, void *workspace, float out_state[])
{
    encode_one(encoder, weights, items, vectors, types, n, workspace, out_state, NULL);
}

double encoder_last_rows(const struct encoder *encoder, const float *weights, const struct packed *packed, void *workspace,
                         float out_states[])
{
    size_t C = encoder->shape.width;
    struct last_workspace w;
    (void)place(&w, encoder, packed->n_rows, packed->n_sequences, workspace);
    uint64_t n_fed = encode(encoder, weights, packed, NULL, &w, NULL);
    for (uint32_t user = 0, n = 0; user < packed->n_sequences; n = w.ends[user++]) {
        if (w.ends[user] > n)
            memcpy(out_states + user * C, w.x + (w.ends[user] - 1) * C, C * sizeof *out_states);
        else
            memset(out_states + user * C, 0, C * sizeof *out_states);
    }
    return 4.0 * (double)n_fed * (double)C * (double)(C * FEED_FACTOR);
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
    encode_one(encoder, weights, items, NULL, types, n, workspace, out_state, out_state);
}

void encoder_state_advance(const struct encoder *encoder, const float *weights, const uint32_t items[], const uint8_t types[], uint32_t n,
                           void *workspace, float state[])
{
    uint32_t n_blocks = encoder->shape.n_blocks, n_kept = n_blocks ? encoder->shape.taps - 1 : 0;
    size_t C = encoder->shape.width;
    struct last_workspace w;
    (void)place(&w, encoder, encoder_field(encoder), 1, workspace);
    assert(n >= 1 && n_kept + n <= encoder_field(encoder));
    float *fresh = w.x + n_kept * C; /* [n, C] behind the rows of the state */
    embed(encoder, weights, items, NULL, types, n, w.sum);
    norm_inputs(encoder, weights, n, &w, fresh);
    for (uint32_t b = 0; b < n_blocks; b++) {
        float *rows = block_rows(encoder, b, state);
        if (b)
            memmove(fresh, w.x, n * C * sizeof *fresh);
        memcpy(w.x, rows, n_kept * C * sizeof *rows);
        memcpy(rows, w.x + n * C, n_kept * C * sizeof *rows);
        w.ends[0] = n_kept + n;
        (void)block_last(encoder, weights, b, 1, n, &w);
    }
    memcpy(state, w.x + (n - 1) * C, C * sizeof *state);
}
