/* Tiles: the one loop that all products of the vector form are made of. A tile is TILE_ROWS rows by up to TILE_VECTORS vectors of a
 * product, held in registers while the inner dimension runs:  y[r, c] += sum over k < K of a[r · a_row + k · a_step] b[k · b_step + c].
 * With a_row and a_step a may be a matrix or its transpose; b is read along its rows and needs no packing. Who sets TILE_FMA before may
 * keep other things than floats in a and b. */
#ifndef KERNELS_VECTOR_TILE_H
#define KERNELS_VECTOR_TILE_H

#define TILE_ROWS  6u
#define CACHE_LINE 16u /* floats */
#ifndef TILE_FMA       /* a b + c, lane by lane */
#define TILE_FMA lanes_fma
#endif

struct factors {
    const float *a, *b;
    size_t a_row, a_step, b_step, K;
};

#if TILE_VECTORS > 2
#define TILE_ROW_WIDE(r)                                                                                                                   \
    if (vectors > 2)                                                                                                                       \
        sums[r][2] = TILE_FMA(left, b2, sums[r][2]);                                                                                       \
    if (vectors > 3)                                                                                                                       \
        sums[r][3] = TILE_FMA(left, b3, sums[r][3]);
#else
#define TILE_ROW_WIDE(r)
#endif

#define TILE_ROW(r)                                                                                                                        \
    if (rows > (r)) {                                                                                                                      \
        lanes left = lanes_set(a[(r)*a_row]);                                                                                              \
        sums[r][0] = TILE_FMA(left, b0, sums[r][0]);                                                                                       \
        if (vectors > 1)                                                                                                                   \
            sums[r][1] = TILE_FMA(left, b1, sums[r][1]);                                                                                   \
        TILE_ROW_WIDE(r)                                                                                                                   \
    }

/* rows and vectors are constants where this is inlined; n_last is the number of floats in the last vector. */
INLINE void tile_add(lanes sums[TILE_ROWS][TILE_VECTORS], unsigned rows, unsigned vectors, size_t n_last, const struct factors *factors)
{
    const float *a = factors->a, *b = factors->b;
    size_t a_row = factors->a_row;
    for (size_t k = 0; k < factors->K; k++, a += factors->a_step, b += factors->b_step) {
        lanes b0 = vectors > 1 ? lanes_load(b) : lanes_load_part(b, n_last);
        lanes b1 = vectors > 2 ? lanes_load(b + LANES) : vectors > 1 ? lanes_load_part(b + LANES, n_last) : b0;
#if TILE_VECTORS > 2
        lanes b2 = vectors > 3 ? lanes_load(b + 2 * LANES) : vectors > 2 ? lanes_load_part(b + 2 * LANES, n_last) : b0;
        lanes b3 = vectors > 3 ? lanes_load_part(b + 3 * LANES, n_last) : b0;
#endif
        TILE_ROW(0u)
        TILE_ROW(1u)
        TILE_ROW(2u)
        TILE_ROW(3u)
        TILE_ROW(4u)
        TILE_ROW(5u)
    }
}

/* One tile of y: y[r · y_row + c] (+)= … */
INLINE void tile_product_of(float *y, size_t y_row, bool add, unsigned rows, unsigned vectors, size_t n_last, const struct factors *factors)
{
    lanes sums[TILE_ROWS][TILE_VECTORS];
#pragma GCC unroll 6
    for (unsigned r = 0; r < rows; r++) {
#pragma GCC unroll 4
        for (unsigned v = 0; v < vectors; v++)
            sums[r][v] = add ? lanes_load_part(y + r * y_row + v * LANES, v + 1 < vectors ? LANES : n_last) : lanes_zero();
    }
    tile_add(sums, rows, vectors, n_last, factors);
#pragma GCC unroll 6
    for (unsigned r = 0; r < rows; r++) {
#pragma GCC unroll 4
        for (unsigned v = 0; v < vectors; v++)
            lanes_store_part(y + r * y_row + v * LANES, v + 1 < vectors ? LANES : n_last, sums[r][v]);
    }
}

/* rows: TILE_ROWS or 1. n_columns: up to TILE_VECTORS · LANES. */
INLINE void tile_columns(float *y, size_t y_row, bool add, unsigned rows, size_t n_columns, const struct factors *factors)
{
    unsigned vectors = (unsigned)((n_columns + LANES - 1) / LANES);
    size_t n_last = n_columns - (vectors - 1) * LANES;
    if (n_columns == TILE_VECTORS * LANES)
        tile_product_of(y, y_row, add, rows, TILE_VECTORS, LANES, factors);
    else if (vectors == 1)
        tile_product_of(y, y_row, add, rows, 1, n_last, factors);
#if TILE_VECTORS > 2
    else if (vectors == 2)
        tile_product_of(y, y_row, add, rows, 2, n_last, factors);
    else if (vectors == 3)
        tile_product_of(y, y_row, add, rows, 3, n_last, factors);
#endif
    else
        tile_product_of(y, y_row, add, rows, TILE_VECTORS, n_last, factors);
}

/* Ask for what the next tile begins with: the loop is too long for the processor to look ahead. */
INLINE void tile_prefetch(const float *y, size_t y_row, size_t n_columns, const struct factors *factors)
{
    for (size_t r = 0; r < TILE_ROWS; r++) {
        for (size_t c = 0; c < n_columns; c += CACHE_LINE)
            __builtin_prefetch(y + r * y_row + c, 1);
        for (size_t k = 0; factors->a_step == 1 && k < factors->K; k += CACHE_LINE)
            __builtin_prefetch(factors->a + (TILE_ROWS + r) * factors->a_row + k);
    }
}

/* y [n_rows, n_columns] (+)= a b, any size; y's rows are y_row apart. */
static void tile_product(float *y, size_t y_row, bool add, size_t n_rows, size_t n_columns, const struct factors *factors)
{
    for (size_t c = 0; c < n_columns; c += TILE_VECTORS * LANES) {
        size_t n = n_columns - c < TILE_VECTORS * LANES ? n_columns - c : TILE_VECTORS * LANES, r = 0;
        struct factors part = *factors;
        part.b += c;
        for (; r + TILE_ROWS <= n_rows; r += TILE_ROWS, part.a += TILE_ROWS * part.a_row) {
            if (r + 2 * TILE_ROWS <= n_rows)
                tile_prefetch(y + (r + TILE_ROWS) * y_row + c, y_row, n, &part);
            tile_columns(y + r * y_row + c, y_row, add, TILE_ROWS, n, &part);
        }
        for (; r < n_rows; r++, part.a += part.a_row)
            tile_columns(y + r * y_row + c, y_row, add, 1, n, &part);
    }
}

#endif
