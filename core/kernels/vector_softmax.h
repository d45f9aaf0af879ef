/* The vector form of the softmax over the catalogue, fused: scores are made, exponentiated and used for dx in pieces that stay in the
 * second-level cache; only their exponentials are kept (one block of rows at a time) for de, which has to wait for the sums. They are too
 * many for the caches: every product asks for what the next piece needs (struct ahead).
 *
 * For a block of up to SOFTMAX_ROWS rows everything is held transposed, items down and rows across, so that what belongs to a row (its sum,
 * its shift) is a lane. With t[v, n] = 2^((s[n, v] - shift[n]) log2 e):
 *   1. for each piece of items: t = 2^(e xᵀ + b - shift),  sum[n] += t[v, n],  dx[n] += t[v, n] e[v]
 *   2. factor[n] = weight[n] / sum[n];  dx[n] = factor[n] dx[n] + (factor[n] own[n] - weight[n]) e[target]
 *   3. de[v] += sum over n of t[v, n] factor[n] x[n],  db[v] += sum over n of t[v, n] factor[n];  and the target's part
 * The shift is the target's score, so a sum is never 0. A score that stands more than SHIFT_MOST above it would leave the range of floats:
 * then the block is done again with shift = the largest score.
 * A target behind the shared items is no column of t: its power, own[n] (1 as long as the shift is its score), is what the sum starts at.
 * What a row skips is 0 in t. */
#ifndef KERNELS_VECTOR_SOFTMAX_H
#define KERNELS_VECTOR_SOFTMAX_H

#include <math.h>
#include <string.h>

#define SOFTMAX_ROWS 240u   /* whole tiles; each one costs V floats, and more of them bring little */
#define PIECE_ITEMS  96u    /* whole tiles; e and t of a piece and of the next one stay in the second-level cache */
#define SHIFT_MOST   100.0f /* powers of 2; 2^100 times 2^26 items is finite */

struct softmax_block {
    size_t n_rows, n_padded, t_row, V, C; /* rows padded to whole vectors; from a row of t to the next one */
    const float *x, *e, *b, *weight;      /* x and weight from the block's first row */
    const uint32_t *target, *skip;        /* from the block's first row; skip may be NULL */
    float *dx, *de, *db;
    /* workspace */
    float *panels;                               /* [n_padded / PANEL, C, PANEL]: x log2 e, transposed */
    float *t;                                    /* [V, t_row] */
    float *e_panels;                             /* of a piece, as tile_pack has them */
    float *scaled;                               /* factor x, in panels of n_padded rows likewise */
    float *shift, *sum, *part, *factor, *wanted; /* [n_padded] */
    float *own;                                  /* [n_padded], 0 where the target is a shared item */
    uint32_t *skipped;                           /* [n_padded], filled where skip is not NULL */
};

/* An odd number of cache lines: the rows fall into all sets of the first-level cache. */
INLINE size_t row_of_powers(size_t n_padded)
{
    return (round_up(n_padded, CACHE_LINE) / CACHE_LINE | 1) * CACHE_LINE;
}

static size_t vector_softmax_bytes(size_t N, size_t V, size_t C)
{
    size_t rows = round_up(N < SOFTMAX_ROWS ? N : SOFTMAX_ROWS, PANEL);
    return (row_of_powers(rows) * V + (rows + PIECE_ITEMS) * round_up(C, PANEL) + rows * (C + 7)) * sizeof(float) + 64;
}

static void softmax_place(struct softmax_block *block, float *memory)
{
    size_t n = round_up(block->n_rows, PANEL);
    block->t = memory;
    block->t_row = row_of_powers(block->n_padded);
    block->panels = block->t + block->V * block->t_row;
    block->e_panels = block->panels + n * block->C;
    block->scaled = block->e_panels + PIECE_ITEMS * round_up(block->C, PANEL);
    block->shift = block->scaled + block->n_padded * round_up(block->C, PANEL);
    block->sum = block->shift + n;
    block->part = block->sum + n;
    block->factor = block->part + n;
    block->wanted = block->factor + n;
    block->own = block->wanted + n;
    block->skipped = (uint32_t *)(void *)(block->own + n);
}

/* Transpose x into panels and take the targets' scores; padding is 0. All in powers of 2. */
static void softmax_begin(struct softmax_block *block)
{
    size_t C = block->C;
    memset(block->panels, 0, round_up(block->n_rows, PANEL) * C * sizeof(float));
    for (size_t n = 0; n < block->n_padded; n++) {
        float *column = block->panels + n / PANEL * PANEL * C + n % PANEL;
        block->shift[n] = 0;
        block->own[n] = 0;
        block->skipped[n] = UINT32_MAX;
        if (n >= block->n_rows)
            continue;
        block->own[n] = block->target[n] >= block->V ? 1 : 0;
        if (block->skip && block->skip[n] != block->target[n])
            block->skipped[n] = block->skip[n];
        for (size_t c = 0; c < C; c++)
            column[c * PANEL] = block->x[n * C + c] * LOG2_E;
        block->wanted[n] = vector_dot(block->x + n * C, block->e + block->target[n] * C, C) + block->b[block->target[n]];
        block->shift[n] = block->wanted[n] * LOG2_E;
    }
}

/* The scores, less the shift, of `rows` items from v on for a panel of `vectors` vectors, in tile. Returns the largest (a skipped item
 * counts as one of the target's score). */
INLINE lanes softmax_scores(const struct softmax_block *block, size_t v, size_t panel, unsigned rows, unsigned vectors, bool skips,
                            lanes tile[TILE_ROWS][TILE_VECTORS])
{
    struct factors factors = {.a = block->e + v * block->C,
                              .b = block->panels + panel * PANEL * block->C,
                              .a_row = block->C,
                              .a_step = 1,
                              .b_step = PANEL,
                              .K = block->C};
    const float *shift = block->shift + panel * PANEL;
    const uint32_t *skipped = block->skipped + panel * PANEL;
    lanes most = lanes_set(-INFINITY);
#pragma GCC unroll 6
    for (unsigned r = 0; r < rows; r++) {
        lanes bias = lanes_set(block->b[v + r] * LOG2_E);
#pragma GCC unroll 4
        for (unsigned c = 0; c < vectors; c++)
            tile[r][c] = lanes_sub(bias, lanes_load(shift + c * LANES));
    }
    tile_add(tile, rows, vectors, LANES, &factors);
#pragma GCC unroll 6
    for (unsigned r = 0; r < rows; r++) {
#pragma GCC unroll 4
        for (unsigned c = 0; c < vectors; c++) {
            if (skips)
                tile[r][c] = lanes_where(tile[r][c], skipped + c * LANES, (uint32_t)v + r, 0);
            most = lanes_max(most, tile[r][c]);
        }
    }
    return most;
}

/* Step 1 for a tile. Returns the largest score less its shift: beyond SHIFT_MOST powers may be nonsense, and the block is done again. */
INLINE lanes softmax_powers(const struct softmax_block *block, size_t v, size_t panel, unsigned rows, unsigned vectors, bool skips)
{
    lanes tile[TILE_ROWS][TILE_VECTORS];
    lanes most = softmax_scores(block, v, panel, rows, vectors, skips, tile);
    float *t = block->t + v * block->t_row + panel * PANEL, *part = block->part + panel * PANEL;
    const uint32_t *skipped = block->skipped + panel * PANEL;
#pragma GCC unroll 4
    for (unsigned c = 0; c < vectors; c++) {
        lanes sum = lanes_load(part + c * LANES);
#pragma GCC unroll 6
        for (unsigned r = 0; r < rows; r++) {
            lanes power = vector_exp2(lanes_max(tile[r][c], lanes_set(-126)));
            if (skips)
                power = lanes_where(power, skipped + c * LANES, (uint32_t)v + r, 0);
            sum = lanes_add(sum, power);
            lanes_store(t + r * block->t_row + c * LANES, power);
        }
        lanes_store(part + c * LANES, sum);
    }
    return most;
}

/* Only the largest scores, into part. */
INLINE void softmax_largest(const struct softmax_block *block, size_t v, size_t panel, unsigned rows, unsigned vectors, bool skips)
{
    lanes tile[TILE_ROWS][TILE_VECTORS];
    (void)softmax_scores(block, v, panel, rows, vectors, skips, tile);
    float *part = block->part + panel * PANEL;
    for (unsigned c = 0; c < vectors; c++) {
        lanes most = lanes_load(part + c * LANES);
        for (unsigned r = 0; r < rows; r++)
            most = lanes_max(most, tile[r][c]);
        lanes_store(part + c * LANES, most);
    }
}

/* Run `work` over the tiles of items [first, end) and a panel. */
#define FOR_TILES(work, vectors)                                                                                                           \
    for (v = first; v + TILE_ROWS <= end; v += TILE_ROWS)                                                                                  \
        work(block, v, panel, TILE_ROWS, vectors, skips);                                                                                  \
    for (; v < end; v++)                                                                                                                   \
        work(block, v, panel, 1, vectors, skips);

#define KEEP_MOST(...) most = lanes_max(most, softmax_powers(__VA_ARGS__))

/* The powers of a piece of items; their sums in part. Returns the largest score less its shift. */
INLINE lanes softmax_tiles(const struct softmax_block *block, size_t first, size_t end, bool skips)
{
    lanes most = lanes_set(-INFINITY);
    size_t v;
    for (size_t panel = 0; panel * PANEL < block->n_padded; panel++) {
        size_t n = block->n_padded - panel * PANEL;
        if (n >= PANEL) {
            FOR_TILES(KEEP_MOST, TILE_VECTORS)
        } else if (n == LANES) {
            FOR_TILES(KEEP_MOST, 1)
#if TILE_VECTORS > 2
        } else if (n == 2 * LANES) {
            FOR_TILES(KEEP_MOST, 2)
        } else {
            FOR_TILES(KEEP_MOST, 3)
#endif
        }
    }
    return most;
}

/* Items of the piece that begins at v. */
INLINE size_t piece_at(const struct softmax_block *block, size_t v)
{
    return block->V - v < PIECE_ITEMS ? block->V - v : PIECE_ITEMS;
}

/* Step 1 for a piece of items. Returns the largest score less its shift. */
static float softmax_piece(const struct softmax_block *block, size_t first, size_t end)
{
    memset(block->part, 0, block->n_padded * sizeof(float));
    lanes most = block->skip ? softmax_tiles(block, first, end, true) : softmax_tiles(block, first, end, false);
    add_row(block->sum, block->part, block->n_padded);
    size_t n_next = piece_at(block, end);
    struct ahead ahead = {.read = block->e + end * block->C,
                          .written = block->t + end * block->t_row,
                          .n_read = n_next * block->C,
                          .n_written = n_next * block->t_row};
    tile_pack(block->e_panels, block->e + first * block->C, end - first, block->C);
    struct factors factors = {.a = block->t + first * block->t_row,
                              .b = block->e_panels,
                              .a_row = 1,
                              .a_step = block->t_row,
                              .b_step = PANEL,
                              .b_panel = (end - first) * PANEL,
                              .K = end - first,
                              .ahead = &ahead};
    tile_product(block->dx, block->C, first > 0, block->n_rows, block->C, &factors);
    return lanes_most(most);
}

static float softmax_pieces(const struct softmax_block *block)
{
    float most = -INFINITY;
    memcpy(block->sum, block->own, block->n_padded * sizeof(float));
    for (size_t first = 0; first < block->V; first += PIECE_ITEMS)
        most = fmaxf(most, softmax_piece(block, first, first + piece_at(block, first)));
    return most;
}

/* The rare way: shift = the largest score of each row. */
static void softmax_shift(const struct softmax_block *block)
{
    size_t first = 0, end = block->V, v;
    bool skips = block->skip;
    for (size_t n = 0; n < block->n_padded; n++)
        block->part[n] = block->own[n] > 0 ? 0 : -INFINITY;
    for (size_t panel = 0; panel * PANEL < block->n_padded; panel++) {
        for (size_t part = 0; part < PANEL && panel * PANEL + part < block->n_padded; part += LANES) {
            struct softmax_block narrow = *block; /* one vector of the panel at a time */
            const struct softmax_block *whole = block;
            narrow.panels += part;
            narrow.shift += part;
            narrow.part += part;
            narrow.skipped += part;
            block = &narrow;
            FOR_TILES(softmax_largest, 1)
            block = whole;
        }
    }
    add_row(block->shift, block->part, block->n_padded);
    for (size_t n = 0; n < block->n_rows; n++)
        block->own[n] *= exp2f(-block->part[n]);
}

/* Step 2. Returns the loss. */
static double softmax_scale(const struct softmax_block *block)
{
    double loss = 0;
    size_t C = block->C;
    memset(block->factor, 0, block->n_padded * sizeof(float));
    for (size_t n = 0; n < block->n_rows; n++) {
        float weight = block->weight[n];
        float *dx = block->dx + n * C, *scaled = block->scaled + n * PANEL;
        const float *wanted = block->e + block->target[n] * C;
        loss += (double)weight * (0.69314718055994531 * ((double)block->shift[n] + log2((double)block->sum[n])) - (double)block->wanted[n]);
        block->factor[n] = weight / block->sum[n];
        lanes factor = lanes_set(block->factor[n]), less = lanes_set(block->own[n] * block->factor[n] - weight);
        FOR_VECTORS(c, n_left, C)
        {
            lanes_store_part(dx + c, n_left,
                             lanes_fma(lanes_load_part(wanted + c, n_left), less, lanes_mul(factor, lanes_load_part(dx + c, n_left))));
            lanes_store_part(scaled + c / PANEL * PANEL * block->n_padded + c % PANEL, n_left,
                             lanes_mul(factor, lanes_load_part(block->x + n * C + c, n_left)));
        }
    }
    return loss;
}

/* Step 3 for items [first, end), a piece: more than one pass over their t. */
static void softmax_items(const struct softmax_block *block, size_t first, size_t end)
{
    size_t C = block->C, n_next = piece_at(block, end);
    struct ahead ahead = {
        .read = block->t + end * block->t_row, .written = block->de + end * C, .n_read = n_next * block->t_row, .n_written = n_next * C};
    struct factors factors = {.a = block->t + first * block->t_row,
                              .b = block->scaled,
                              .a_row = block->t_row,
                              .a_step = 1,
                              .b_step = PANEL,
                              .b_panel = block->n_padded * PANEL,
                              .K = block->n_rows,
                              .ahead = &ahead};
    tile_product(block->de + first * C, C, true, end - first, C, &factors);
    for (size_t v = first; v < end; v++)
        block->db[v] += vector_dot(block->t + v * block->t_row, block->factor, block->n_padded);
}

/* The targets' part of step 3. */
static void softmax_targets(const struct softmax_block *block)
{
    size_t C = block->C;
    for (size_t n = 0; n < block->n_rows; n++) {
        float *de = block->de + block->target[n] * C;
        float own = block->own[n] * block->factor[n] - block->weight[n];
        lanes less = lanes_set(own);
        FOR_VECTORS(c, n_left, C)
        lanes_store_part(de + c, n_left, lanes_fma(lanes_load_part(block->x + n * C + c, n_left), less, lanes_load_part(de + c, n_left)));
        block->db[block->target[n]] += own;
    }
}

static double vector_softmax_loss(float *restrict dx, float *restrict de, float *restrict db, const struct softmax_rows *rows,
                                  const float *restrict e, const float *restrict b, void *restrict workspace)
{
    double loss = 0;
    size_t n_blocks = (rows->N + SOFTMAX_ROWS - 1) / SOFTMAX_ROWS, first = 0;
    for (size_t i = 0; i < n_blocks; i++) { /* blocks of equal size */
        size_t end = rows->N * (i + 1) / n_blocks;
        struct softmax_block block = {.n_rows = end - first,
                                      .n_padded = round_up(end - first, LANES),
                                      .V = rows->V,
                                      .C = rows->C,
                                      .x = rows->x + first * rows->C,
                                      .e = e,
                                      .b = b,
                                      .weight = rows->weight + first,
                                      .target = rows->target + first,
                                      .skip = rows->skip ? rows->skip + first : NULL,
                                      .dx = dx + first * rows->C,
                                      .de = de,
                                      .db = db};
        softmax_place(&block, workspace);
        softmax_begin(&block);
        if (!(softmax_pieces(&block) < SHIFT_MOST)) {
            softmax_shift(&block);
            (void)softmax_pieces(&block);
        }
        loss += softmax_scale(&block);
        for (size_t v = 0; v < block.V; v += PIECE_ITEMS)
            softmax_items(&block, v, v + piece_at(&block, v));
        softmax_targets(&block);
        first = end;
    }
    return loss;
}

#endif
