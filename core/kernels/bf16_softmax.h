/* The softmax of vector_softmax.h with its three products in bfloat16: a lane of an operand is a *pair*, two neighbours of the inner
 * dimension, and an instruction adds both their products to a float. Included by avx512_bf16.c alone.
 *
 * Pairs are kept in arrays of floats that only hold their 32 bits (the first of the pair in the lower half); the loop is vector_tile.h's.
 * Each product has its own inner dimension, so what is in two of them is kept in two layouts:
 *   s = e xᵀ    inner C:      x_pairs [panel, C / 2, PANEL]   e_rows  [item, C]          converted piece by piece
 *   dx = tᵀ e   inner items:  t_pairs [item / 2, row]         e_pairs [item / 2, C]      likewise
 *   de = t fx   inner rows:   t_rows  [item, row]             scaled  [row / 2, C]       the whole catalogue, a block of rows
 * Sums, biases, shifts, and exponentials are floats; the sums are those of the rounded powers, so probabilities sum to 1. A target's score
 * is computed from rounded operands too, so that its power is 1 and no probability exceeds 1. Items that fill up the last tile have the
 * power 0; so have rows that fill up the last vector, by a bias or a shift of FAR. */
#ifndef KERNELS_BF16_SOFTMAX_H
#define KERNELS_BF16_SOFTMAX_H

#include <math.h>
#include <string.h>

#define BLOCK_ROWS  192u
#define PIECE_ITEMS 192u  /* whole tiles */
#define SHIFT_MOST  69.0f /* exp(69) times 2^26 items is finite */
#define FAR         1e30f

struct bf16_block {
    size_t n_rows, n_padded, V, C, C_padded; /* rows padded to pairs of vectors, channels to vectors */
    const float *x, *e, *b, *weight;
    const uint32_t *target, *skip;
    float *dx, *de, *db;
    /* workspace */
    float *x_pairs, *e_rows, *e_pairs, *t_pairs, *t_rows, *scaled; /* pairs */
    float *bias;                                                   /* [PIECE_ITEMS] */
    float *wanted, *shift, *sum, *part, *factor, *own;             /* [n_padded], as in vector_softmax.h */
    float *factor_pairs;                                           /* [n_padded / 2] */
    uint32_t *skipped;                                             /* [n_padded] */
};

static size_t bf16_bytes(size_t N, size_t V, size_t C)
{
    size_t rows = round_up(N < BLOCK_ROWS ? N : BLOCK_ROWS, PANEL), C_padded = round_up(C, LANES);
    size_t operands = rows * C_padded + PIECE_ITEMS * C_padded + PIECE_ITEMS / 2 * rows + round_up(V, TILE_ROWS) * rows / 2;
    return (operands + PIECE_ITEMS + rows * 8) * sizeof(float) + 64;
}

static void bf16_place(struct bf16_block *block, float *memory)
{
    size_t n = block->n_padded, C = block->C_padded;
    block->t_rows = memory;
    block->t_pairs = block->t_rows + round_up(block->V, TILE_ROWS) * n / 2;
    block->e_rows = block->t_pairs + PIECE_ITEMS / 2 * n;
    block->e_pairs = block->e_rows + PIECE_ITEMS * C / 2;
    block->scaled = block->e_pairs + PIECE_ITEMS * C / 2;
    block->bias = block->scaled + n * C / 2;
    block->wanted = block->bias + PIECE_ITEMS;
    block->shift = block->wanted + n;
    block->sum = block->shift + n;
    block->part = block->sum + n;
    block->factor = block->part + n;
    block->own = block->factor + n;
    block->factor_pairs = block->own + n;
    block->skipped = (uint32_t *)(void *)(block->factor_pairs + n);
    block->x_pairs = block->factor_pairs + 2 * n;
}

/* The nearest bfloat16 of each lane (ties to even), as 16 of them and as floats. */
INLINE __m256i bf16_of(lanes x)
{
    return (__m256i)_mm512_cvtneps_pbh(x);
}

INLINE lanes bf16_round(lanes x)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bf16_of(x)), 16));
}

INLINE void bf16_store(float *p, __m256i x)
{
    _mm256_storeu_si256((__m256i *)(void *)p, x);
}

/* Lane by lane the pair of a and b (upper half), rounded; the rounded a and b also go to a_half and b_half if wanted: a row of each. */
INLINE lanes bf16_pairs(lanes a, lanes b, float *a_half, float *b_half)
{
    const __m512i interleave = _mm512_set_epi32(0x1f000f, 0x1e000e, 0x1d000d, 0x1c000c, 0x1b000b, 0x1a000a, 0x190009, 0x180008, 0x170007,
                                                0x160006, 0x150005, 0x140004, 0x130003, 0x120002, 0x110001, 0x100000);
    __m512i both = (__m512i)_mm512_cvtne2ps_pbh(b, a);
    if (a_half)
        bf16_store(a_half, _mm512_castsi512_si256(both));
    if (b_half)
        bf16_store(b_half, _mm512_extracti64x4_epi64(both, 1));
    return _mm512_castsi512_ps(_mm512_permutexvar_epi16(interleave, both));
}

/* The first or the second of each pair as floats. */
INLINE lanes bf16_half(lanes pairs, bool second)
{
    __m512i bits = _mm512_castps_si512(pairs);
    return _mm512_castsi512_ps(second ? _mm512_and_si512(bits, _mm512_set1_epi32((int)0xffff0000)) : _mm512_slli_epi32(bits, 16));
}

/* exp(x) to 3e-6 for x up to SHIFT_MOST, 0 far below 0; no sense above. */
INLINE lanes bf16_exp(lanes x)
{
    const lanes log2_e = lanes_set(1.44269504f), whole_bits = lanes_set(0x1.8p23f); /* adding it rounds to a whole number */
    x = lanes_max(x, lanes_set(-140));
    lanes whole = lanes_sub(lanes_fma(x, log2_e, whole_bits), whole_bits), r = _mm512_fmsub_ps(x, log2_e, whole);
    lanes p = lanes_set(9.570102e-3f);
    p = lanes_fma(p, r, lanes_set(5.591786e-2f));
    p = lanes_fma(p, r, lanes_set(2.402474e-1f));
    p = lanes_fma(p, r, lanes_set(6.931218e-1f));
    p = lanes_fma(p, r, lanes_set(9.9999926e-1f));
    return lanes_scale(p, whole);
}

/* Row n of x into its panel, and its target's score. */
static void bf16_begin_row(struct bf16_block *block, size_t n)
{
    size_t C = block->C;
    const float *x = block->x + n * C, *wanted = block->e + block->target[n] * C;
    float *column = block->x_pairs + n / PANEL * PANEL * (block->C_padded / 2) + n % PANEL, pairs[LANES / 2];
    lanes score = lanes_zero();
    FOR_VECTORS(c, n_left, C)
    {
        lanes values = lanes_load_part(x + c, n_left);
        score = lanes_fma(bf16_round(values), bf16_round(lanes_load_part(wanted + c, n_left)), score);
        bf16_store(pairs, bf16_of(values));
        for (size_t i = 0; i < LANES / 2; i++)
            column[(c / 2 + i) * PANEL] = pairs[i];
    }
    block->wanted[n] = block->shift[n] = lanes_sum(score) + block->b[block->target[n]];
    block->own[n] = block->target[n] >= block->V ? 1 : 0;
    if (block->skip && block->skip[n] != block->target[n])
        block->skipped[n] = block->skip[n];
}

static void bf16_begin(struct bf16_block *block)
{
    memset(block->x_pairs, 0, round_up(block->n_rows, PANEL) * block->C_padded / 2 * sizeof(float));
    for (size_t n = 0; n < block->n_padded; n++) {
        block->own[n] = 0;
        block->shift[n] = FAR;
        block->skipped[n] = UINT32_MAX;
        if (n < block->n_rows)
            bf16_begin_row(block, n);
    }
}

/* Items [first, end) in both layouts, filled up to whole tiles. */
static void bf16_convert(const struct bf16_block *block, size_t first, size_t end)
{
    size_t C = block->C, width = block->C_padded, n_filled = round_up(end - first, TILE_ROWS);
    for (size_t v = 0; v < n_filled; v += 2) {
        float *rows = block->e_rows + v * width / 2, *pairs = block->e_pairs + v / 2 * width;
        const float *e = block->e + (first + v) * C;
        size_t n_items = first + v + 2 <= end ? 2 : first + v < end ? end - first - v : 0;
        FOR_VECTORS(c, n, C)
        {
            lanes a = n_items > 0 ? lanes_load_part(e + c, n) : lanes_zero(),
                  b = n_items > 1 ? lanes_load_part(e + C + c, n) : lanes_zero();
            lanes_store(pairs + c, bf16_pairs(a, b, rows + c / 2, rows + (width + c) / 2));
        }
        block->bias[v] = n_items > 0 ? block->b[first + v] : -FAR;
        block->bias[v + 1] = n_items > 1 ? block->b[first + v + 1] : -FAR;
    }
}

/* The scores, less the shift, of a tile of items from first + v on for a panel. Returns the largest; what is skipped is -FAR. */
INLINE lanes bf16_scores(const struct bf16_block *block, size_t first, size_t v, size_t panel, unsigned vectors, bool skips,
                         lanes tile[TILE_ROWS][TILE_VECTORS])
{
    struct factors factors = {.a = block->e_rows + v * block->C_padded / 2,
                              .b = block->x_pairs + panel * PANEL * (block->C_padded / 2),
                              .a_row = block->C_padded / 2,
                              .a_step = 1,
                              .b_step = PANEL,
                              .K = (block->C + 1) / 2};
    const float *shift = block->shift + panel * PANEL;
    lanes most = lanes_set(-FAR);
#pragma GCC unroll 6
    for (unsigned r = 0; r < TILE_ROWS; r++) {
#pragma GCC unroll 4
        for (unsigned c = 0; c < vectors; c++)
            tile[r][c] = lanes_sub(lanes_set(block->bias[v + r]), lanes_load(shift + c * LANES));
    }
    tile_add(tile, TILE_ROWS, vectors, LANES, &factors);
#pragma GCC unroll 6
    for (unsigned r = 0; r < TILE_ROWS; r++) {
#pragma GCC unroll 4
        for (unsigned c = 0; c < vectors; c++) {
            if (skips)
                tile[r][c] = lanes_where(tile[r][c], block->skipped + panel * PANEL + c * LANES, (uint32_t)(first + v) + r, -FAR);
            most = lanes_max(most, tile[r][c]);
        }
    }
    return most;
}

/* The powers of a tile in both layouts, and their sums into part. Returns the largest score less its shift. */
INLINE lanes bf16_powers(const struct bf16_block *block, size_t first, size_t v, size_t panel, unsigned vectors, bool skips)
{
    lanes tile[TILE_ROWS][TILE_VECTORS];
    lanes most = bf16_scores(block, first, v, panel, vectors, skips, tile);
    size_t n = block->n_padded;
    float *rows = block->t_rows + ((first + v) * n + panel * PANEL) / 2, *pairs = block->t_pairs + v / 2 * n + panel * PANEL;
    float *part = block->part + panel * PANEL;
    const lanes ones = _mm512_castsi512_ps(_mm512_set1_epi32(0x3f803f80));
#pragma GCC unroll 4
    for (unsigned c = 0; c < vectors; c++) {
        lanes sum = lanes_load(part + c * LANES);
#pragma GCC unroll 3
        for (unsigned r = 0; r < TILE_ROWS; r += 2) {
            lanes both = bf16_pairs(bf16_exp(tile[r][c]), bf16_exp(tile[r + 1][c]), rows + (r * n + c * LANES) / 2,
                                    rows + ((r + 1) * n + c * LANES) / 2);
            lanes_store(pairs + r / 2 * n + c * LANES, both);
            sum = TILE_FMA(both, ones, sum);
        }
        lanes_store(part + c * LANES, sum);
    }
    return most;
}

/* Ask for a tile of items of the next piece. */
INLINE void bf16_prefetch(const struct bf16_block *block, size_t v)
{
    for (size_t i = v * block->C; i < (v + TILE_ROWS) * block->C && i < block->V * block->C; i += CACHE_LINE)
        __builtin_prefetch(block->e + i, 0, 2);
}

INLINE lanes bf16_tiles(const struct bf16_block *block, size_t first, size_t end, bool skips)
{
    lanes most = lanes_set(-FAR);
    for (size_t panel = 0; panel * PANEL < block->n_padded; panel++) {
        if (block->n_padded - panel * PANEL >= PANEL) {
            for (size_t v = 0; first + v < end; v += TILE_ROWS) {
                if (panel == 0)
                    bf16_prefetch(block, first + PIECE_ITEMS + v);
                most = lanes_max(most, bf16_powers(block, first, v, panel, TILE_VECTORS, skips));
            }
        } else {
            for (size_t v = 0; first + v < end; v += TILE_ROWS)
                most = lanes_max(most, bf16_powers(block, first, v, panel, TILE_VECTORS / 2, skips));
        }
    }
    return most;
}

/* Step 1. Returns the largest score less its shift. */
static float bf16_pieces(const struct bf16_block *block)
{
    lanes most = lanes_set(-FAR);
    memcpy(block->sum, block->own, block->n_padded * sizeof(float));
    for (size_t first = 0; first < block->V; first += PIECE_ITEMS) {
        size_t end = first + PIECE_ITEMS < block->V ? first + PIECE_ITEMS : block->V;
        struct factors factors = {.a = block->t_pairs,
                                  .b = block->e_pairs,
                                  .a_row = 1,
                                  .a_step = block->n_padded,
                                  .b_step = block->C_padded,
                                  .K = (end - first + 1) / 2};
        bf16_convert(block, first, end);
        memset(block->part, 0, block->n_padded * sizeof(float));
        most = lanes_max(most, block->skip ? bf16_tiles(block, first, end, true) : bf16_tiles(block, first, end, false));
        add_row(block->sum, block->part, block->n_padded);
        tile_product(block->dx, block->C, first > 0, block->n_rows, block->C, &factors);
    }
    return lanes_most(most);
}

/* The rare way: shift = the largest score of each row. */
static void bf16_shift(const struct bf16_block *block)
{
    lanes tile[TILE_ROWS][TILE_VECTORS];
    for (size_t n = 0; n < block->n_padded; n++)
        block->part[n] = block->own[n] > 0 || n >= block->n_rows ? 0 : -FAR;
    for (size_t first = 0; first < block->V; first += PIECE_ITEMS) {
        size_t end = first + PIECE_ITEMS < block->V ? first + PIECE_ITEMS : block->V;
        bf16_convert(block, first, end);
        for (size_t panel = 0; panel * PANEL < block->n_padded; panel++) {
            unsigned vectors = block->n_padded - panel * PANEL >= PANEL ? TILE_VECTORS : TILE_VECTORS / 2;
            for (size_t v = 0; first + v < end; v += TILE_ROWS) {
                (void)bf16_scores(block, first, v, panel, vectors, block->skip, tile);
                for (unsigned i = 0; i < vectors * TILE_ROWS; i++) {
                    float *part = block->part + panel * PANEL + i / TILE_ROWS * LANES;
                    lanes_store(part, lanes_max(lanes_load(part), tile[i % TILE_ROWS][i / TILE_ROWS]));
                }
            }
        }
    }
    add_row(block->shift, block->part, block->n_padded);
    for (size_t n = 0; n < block->n_rows; n++)
        block->own[n] *= expf(-block->part[n]);
}

/* factor x in pairs of rows. */
static void bf16_scale_rows(const struct bf16_block *block)
{
    size_t C = block->C;
    for (size_t n = 0; n < block->n_rows; n += 2) {
        const float *x = block->x + n * C;
        lanes factors[2] = {lanes_set(block->factor[n]), lanes_set(block->factor[n + 1])};
        FOR_VECTORS(c, n_left, C)
        {
            lanes next = n + 1 < block->n_rows ? lanes_load_part(x + C + c, n_left) : lanes_zero();
            lanes pairs = bf16_pairs(lanes_mul(factors[0], lanes_load_part(x + c, n_left)), lanes_mul(factors[1], next), NULL, NULL);
            lanes_store(block->scaled + n / 2 * block->C_padded + c, pairs);
        }
    }
}

/* Step 2. Returns the loss. The factor is rounded first and everything of the row made of it: a weight that is off by 2^-8 does no harm,
 * but the parts of a row's gradient must cancel out. */
static double bf16_scale(const struct bf16_block *block)
{
    double loss = 0;
    size_t C = block->C;
    memset(block->factor, 0, block->n_padded * sizeof(float));
    for (size_t n = 0; n < block->n_rows; n++) {
        loss += (double)block->weight[n] * ((double)block->shift[n] + log((double)block->sum[n]) - (double)block->wanted[n]);
        block->factor[n] = lanes_sum(lanes_keep(bf16_round(lanes_set(block->weight[n] / block->sum[n])), 1));
        lanes factor = lanes_set(block->factor[n]), less = lanes_set(block->own[n] - block->sum[n]);
        float *dx = block->dx + n * C;
        const float *wanted = block->e + block->target[n] * C;
        FOR_VECTORS(c, n_left, C)
        {
            lanes sum = lanes_fma(bf16_round(lanes_load_part(wanted + c, n_left)), less, lanes_load_part(dx + c, n_left));
            lanes_store_part(dx + c, n_left, lanes_mul(factor, sum));
        }
    }
    for (size_t n = 0; n < block->n_padded; n += LANES)
        bf16_store(block->factor_pairs + n / 2, bf16_of(lanes_load(block->factor + n)));
    bf16_scale_rows(block);
    return loss;
}

/* The sums of the lanes of four vectors. */
INLINE __m128 bf16_sums(const lanes s[4])
{
    lanes a = lanes_add(_mm512_unpacklo_ps(s[0], s[1]), _mm512_unpackhi_ps(s[0], s[1]));
    lanes b = lanes_add(_mm512_unpacklo_ps(s[2], s[3]), _mm512_unpackhi_ps(s[2], s[3]));
    lanes c = lanes_add(_mm512_shuffle_ps(a, b, 0x44), _mm512_shuffle_ps(a, b, 0xee)); /* 4 sums of a quarter in each quarter */
    __m256 half = _mm256_add_ps(_mm512_castps512_ps256(c), _mm512_extractf32x8_ps(c, 1));
    return _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
}

/* db of items [first, end), four at a time. */
static void bf16_biases(const struct bf16_block *block, size_t first, size_t end)
{
    size_t half = block->n_padded / 2;
    for (size_t v = first; v < end; v += 4) {
        const float *t = block->t_rows + v * half;
        size_t n_items = end - v < 4 ? end - v : 4;
        lanes sums[4] = {lanes_zero(), lanes_zero(), lanes_zero(), lanes_zero()};
        for (size_t n = 0; n < half; n += LANES) {
            lanes factor = lanes_load(block->factor_pairs + n);
            for (size_t i = 0; i < 4; i++)
                sums[i] = TILE_FMA(lanes_load(t + (i < n_items ? i : 0) * half + n), factor, sums[i]);
        }
        float found[4];
        _mm_storeu_ps(found, bf16_sums(sums));
        for (size_t i = 0; i < n_items; i++)
            block->db[v + i] += found[i];
    }
}

/* Step 3 for items [first, end). */
static void bf16_items(const struct bf16_block *block, size_t first, size_t end)
{
    size_t C = block->C, half = block->n_padded / 2;
    struct factors factors = {.a = block->t_rows + first * half,
                              .b = block->scaled,
                              .a_row = half,
                              .a_step = 1,
                              .b_step = block->C_padded,
                              .K = (block->n_rows + 1) / 2};
    tile_product(block->de + first * C, C, true, end - first, C, &factors);
    bf16_biases(block, first, end);
}

/* The targets' part of step 3. */
static void bf16_targets(const struct bf16_block *block)
{
    size_t C = block->C;
    for (size_t n = 0; n < block->n_rows; n++) {
        float *de = block->de + block->target[n] * C;
        const float *scaled =
            block->scaled + n / 2 * block->C_padded; /* as rounded as in the product, so that a certain row has no gradient */
        lanes less = lanes_set(block->own[n] - block->sum[n]);
        FOR_VECTORS(c, n_left, C)
        lanes_store_part(de + c, n_left, lanes_fma(bf16_half(lanes_load(scaled + c), n % 2), less, lanes_load_part(de + c, n_left)));
        block->db[block->target[n]] += (block->own[n] - block->sum[n]) * block->factor[n];
    }
}

#endif
