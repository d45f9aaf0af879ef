/* Tiles: the one loop that all products of the vector form are made of. A tile is TILE_ROWS rows by up to TILE_VECTORS vectors of a
 * product, held in registers while the inner dimension runs:  y[r, c] += sum over k < K of a[r · a_row + k · a_step] b[k · b_step + c].
 * With a_row and a_step a may be a matrix or its transpose. b is read along its rows, PANEL columns at a time; if it is used for more than
 * a few tiles it had better be packed, one panel behind the other (tile_pack): the rows of a matrix fall into few sets of the first-level
 * cache. Who sets TILE_FMA before may keep other things than floats in a and b. */
#ifndef KERNELS_VECTOR_TILE_H
#define KERNELS_VECTOR_TILE_H

#define TILE_ROWS  6u
#define PANEL      (TILE_VECTORS * LANES) /* columns of a tile */
#define CACHE_LINE 16u                    /* floats */
#ifndef TILE_FMA                          /* a b + c, lane by lane */
#define TILE_FMA lanes_fma
#endif

INLINE size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

/* What will be read and what will be written after a product. It is asked for, into the second-level cache, while the product runs, a
 * little with every tile: by itself the processor does not look so far ahead, and the memory would stand still meanwhile. */
struct ahead {
    const float *read, *written;
    size_t n_read, n_written;
};

struct factors {
    const float *a, *b;
    size_t a_row, a_step, b_step, b_panel, K; /* b_panel: from a panel of b to the next one; 0: b is a matrix */
    struct ahead *ahead;                      /* NULL: ask for the next tile instead */
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

/* rows: a constant. n_columns: up to PANEL. */
INLINE void tile_columns(float *y, size_t y_row, bool add, unsigned rows, size_t n_columns, const struct factors *factors)
{
    unsigned vectors = (unsigned)((n_columns + LANES - 1) / LANES);
    size_t n_last = n_columns - (vectors - 1) * LANES;
    if (n_columns == PANEL)
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

/* Floats of n that one of n_tiles asks for: whole cache lines. */
INLINE size_t tile_share(size_t n, size_t n_tiles)
{
    size_t share = round_up(n / n_tiles + 1, CACHE_LINE);
    return share < n ? share : n;
}

INLINE void tile_look_ahead(struct ahead *ahead, size_t n_tiles)
{
    size_t n_read = tile_share(ahead->n_read, n_tiles), n_written = tile_share(ahead->n_written, n_tiles);
    for (size_t k = 0; k < n_read; k += CACHE_LINE)
        __builtin_prefetch(ahead->read + k, 0, 2);
    for (size_t k = 0; k < n_written; k += CACHE_LINE)
        __builtin_prefetch(ahead->written + k, 1, 2);
    ahead->read += n_read;
    ahead->n_read -= n_read;
    ahead->written += n_written;
    ahead->n_written -= n_written;
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

/* panels [columns / PANEL, n_rows, PANEL] = rows [n_rows, n_columns]; what fills up the last panel is left as it is. */
INLINE void tile_pack(float *panels, const float *rows, size_t n_rows, size_t n_columns)
{
    for (size_t n = 0; n < n_rows; n++) {
        FOR_VECTORS(c, n_left, n_columns)
        lanes_store_part(panels + (c / PANEL * n_rows + n) * PANEL + c % PANEL, n_left, lanes_load_part(rows + n * n_columns + c, n_left));
    }
}

/* A tile of fewer rows, if so many are left: one row at a time would wait for its own sums. */
#define TILES_LEFT(rows)                                                                                                                   \
    if (r + (rows) <= n_rows) {                                                                                                            \
        tile_columns(y + r * y_row + c, y_row, add, rows, n, &part);                                                                       \
        part.a += (rows)*part.a_row;                                                                                                       \
        r += (rows);                                                                                                                       \
    }

/* y [n_rows, n_columns] (+)= a b, any size; y's rows are y_row apart. */
static void tile_product(float *y, size_t y_row, bool add, size_t n_rows, size_t n_columns, const struct factors *factors)
{
    size_t b_panel = factors->b_panel ? factors->b_panel : PANEL;
    for (size_t c = 0; c < n_columns; c += PANEL) {
        size_t n = n_columns - c < PANEL ? n_columns - c : PANEL, r = 0;
        struct factors part = *factors;
        part.b += c / PANEL * b_panel;
        for (; r + TILE_ROWS <= n_rows; r += TILE_ROWS, part.a += TILE_ROWS * part.a_row) {
            if (factors->ahead)
                tile_look_ahead(factors->ahead, (n_columns - c + PANEL - 1) / PANEL * (n_rows / TILE_ROWS) - r / TILE_ROWS);
            else if (r + 2 * TILE_ROWS <= n_rows)
                tile_prefetch(y + (r + TILE_ROWS) * y_row + c, y_row, n, &part);
            tile_columns(y + r * y_row + c, y_row, add, TILE_ROWS, n, &part);
        }
        TILES_LEFT(4u)
        TILES_LEFT(2u)
        TILES_LEFT(1u)
    }
}

#endif
