/* The vector form of the map kernels. A convolution is the tiles of vector_tile.h over a row of the map: six neighbouring places are the
 * rows of a tile, C floats apart, and the KW · C inputs that a place sees in one row of x stand one behind the other, so nothing is
 * unfolded.
 *
 * same: each sample is copied with zeros beside it first; rows of zeros above and below are never multiplied. The gradient of the input is
 * the convolution of dy, with zeros around it, with the turned kernel. */
#ifndef KERNELS_VECTOR_MAPS_H
#define KERNELS_VECTOR_MAPS_H

#include "core/kernels/maps.h"
#include "core/kernels/vector_classes.h"
#include "core/kernels/vector_loops.h"
#include "core/kernels/vector_tile.h"

#include <math.h>
#include <string.h>

/* Of one sample x [H, W, C]; y [H + 2 · n_zero_rows - KH + 1, W - KW + 1, O]. The rows of zeros above and below x are not there, and the
 * rows of the kernel that would meet them are left out. */
struct bare_convolution {
    size_t H, W, C, O, KH, KW, n_zero_rows;
};

/* y[r, c] = bias[c] + …, up to TILE_ROWS places and TILE_VECTORS vectors of channels. */
INLINE void map_tile(float *y, const float *x, const float *w, const float *bias, const struct bare_convolution *conv, unsigned rows,
                     unsigned vectors, size_t n_last)
{
    lanes sums[TILE_ROWS][TILE_VECTORS];
    struct factors factors = {.a = x, .b = w, .a_row = conv->C, .a_step = 1, .b_step = conv->O, .K = conv->KW * conv->C};
#pragma GCC unroll 6
    for (unsigned r = 0; r < rows; r++) {
#pragma GCC unroll 4
        for (unsigned v = 0; v < vectors; v++)
            sums[r][v] = bias ? lanes_load_part(bias + v * LANES, v + 1 < vectors ? LANES : n_last) : lanes_zero();
    }
    for (size_t u = 0; u < conv->KH; u++) {
        tile_add(sums, rows, vectors, n_last, &factors);
        factors.a += conv->W * conv->C;
        factors.b += conv->KW * conv->C * conv->O;
    }
#pragma GCC unroll 6
    for (unsigned r = 0; r < rows; r++) {
#pragma GCC unroll 4
        for (unsigned v = 0; v < vectors; v++)
            lanes_store_part(y + r * conv->O + v * LANES, v + 1 < vectors ? LANES : n_last, sums[r][v]);
    }
}

/* The heights of n rows cut into as few tiles as can be, one higher in the first n_higher of them: a last tile of a row or two would wait
 * for its own sums, and read all of the other factor for them alone. */
struct tile_heights {
    size_t n_tiles, height, n_higher;
};

INLINE struct tile_heights tile_heights_of(size_t n)
{
    size_t n_tiles = (n + TILE_ROWS - 1) / TILE_ROWS;
    return n_tiles ? (struct tile_heights){n_tiles, n / n_tiles, n % n_tiles} : (struct tile_heights){0};
}

INLINE void map_row(float *y, const float *x, const float *w, const float *bias, const struct bare_convolution *conv, unsigned vectors,
                    size_t n_last)
{
    struct tile_heights heights = tile_heights_of(conv->W - conv->KW + 1);
    for (size_t t = 0; t < heights.n_tiles; t++) {
        size_t n = heights.height + (t < heights.n_higher);
        switch (n) { /* a constant where it is inlined */
        case 6: map_tile(y, x, w, bias, conv, 6, vectors, n_last); break;
        case 5: map_tile(y, x, w, bias, conv, 5, vectors, n_last); break;
        case 4: map_tile(y, x, w, bias, conv, 4, vectors, n_last); break;
        case 3: map_tile(y, x, w, bias, conv, 3, vectors, n_last); break;
        case 2: map_tile(y, x, w, bias, conv, 2, vectors, n_last); break;
        default: map_tile(y, x, w, bias, conv, 1, vectors, n_last); break;
        }
        y += n * conv->O;
        x += n * conv->C;
    }
}

/* One row of y, from conv->KH rows of x. */
static void convolve_row(float *y, const float *x, const float *w, const float *bias, const struct bare_convolution *conv)
{
    for (size_t o = 0; o < conv->O; o += TILE_VECTORS * LANES) {
        size_t n = conv->O - o < TILE_VECTORS * LANES ? conv->O - o : TILE_VECTORS * LANES;
        unsigned vectors = (unsigned)((n + LANES - 1) / LANES);
        const float *b = bias ? bias + o : NULL;
        if (vectors == TILE_VECTORS)
            map_row(y + o, x, w + o, b, conv, TILE_VECTORS, n - (TILE_VECTORS - 1) * LANES);
        else if (vectors == 1)
            map_row(y + o, x, w + o, b, conv, 1, n);
#if TILE_VECTORS > 2
        else if (vectors == 2)
            map_row(y + o, x, w + o, b, conv, 2, n - LANES);
        else
            map_row(y + o, x, w + o, b, conv, 3, n - 2 * LANES);
#endif
    }
}

static void convolve_bare(float *y, const float *x, const float *w, const float *bias, const struct bare_convolution *conv)
{
    size_t around = conv->n_zero_rows, n_columns = conv->W - conv->KW + 1;
    for (size_t i = 0; i + conv->KH <= conv->H + 2 * around; i++) {
        struct bare_convolution seen = *conv; /* of the kernel's rows those from first to end */
        size_t first = i < around ? around - i : 0, end = i + conv->KH > conv->H + around ? conv->H + around - i : conv->KH;
        seen.KH = end - first;
        convolve_row(y + i * n_columns * conv->O, x + (i + first - around) * conv->W * conv->C, w + first * conv->KW * conv->C * conv->O,
                     bias, &seen);
    }
}

/* to [H + rows before and behind, W + columns before and behind, C] = x with zeros around it */
static void surround(float *to, const float *x, size_t H, size_t W, size_t C, size_t n_rows, size_t n_columns)
{
    size_t width = (W + 2 * n_columns) * C;
    memset(to, 0, n_rows * width * sizeof *to);
    for (size_t i = 0; i < H; i++) {
        float *row = to + (n_rows + i) * width;
        memset(row, 0, n_columns * C * sizeof *row);
        memcpy(row + n_columns * C, x + i * W * C, W * C * sizeof *row);
        memset(row + (n_columns + W) * C, 0, n_columns * C * sizeof *row);
    }
    memset(to + (n_rows + H) * width, 0, n_rows * width * sizeof *to);
}

static void vector_convolve(float *restrict y, const float *restrict x, const float *restrict w, const float *restrict bias,
                            const struct convolution *conv, float *restrict workspace)
{
    size_t n_in = conv->H * conv->W * conv->C, n_out = convolution_height(conv) * convolution_width(conv) * conv->O;
    size_t n_rows = conv->same ? conv->KH / 2 : 0, n_columns = conv->same ? conv->KW / 2 : 0;
    struct bare_convolution bare = {conv->H, conv->W + 2 * n_columns, conv->C, conv->O, conv->KH, conv->KW, n_rows};
    for (size_t b = 0; b < conv->B; b++) {
        const float *sample = x + b * n_in;
        if (conv->same) {
            surround(workspace, sample, conv->H, conv->W, conv->C, 0, n_columns);
            sample = workspace;
        }
        convolve_bare(y + b * n_out, sample, w, bias, &bare);
    }
}

/* turned[u, v, o, c] = w[KH - 1 - u, KW - 1 - v, c, o] */
static void turn_kernel(float *turned, const float *w, const struct convolution *conv)
{
    size_t C = conv->C, O = conv->O, n_places = conv->KH * conv->KW;
    for (size_t p = 0; p < n_places; p++)
        for (size_t c = 0; c < C; c++)
            for (size_t o = 0; o < O; o++)
                turned[(p * O + o) * C + c] = w[((n_places - 1 - p) * C + c) * O + o];
}

static void vector_convolve_backward_input(float *restrict dx, const float *restrict dy, const float *restrict w,
                                           const struct convolution *conv, float *restrict workspace)
{
    size_t H = convolution_height(conv), W = convolution_width(conv);
    size_t n_rows = conv->same ? conv->KH / 2 : conv->KH - 1, n_columns = conv->same ? conv->KW / 2 : conv->KW - 1;
    struct bare_convolution bare = {H, W + 2 * n_columns, conv->O, conv->C, conv->KH, conv->KW, n_rows};
    float *turned = workspace, *around = workspace + (conv->KH * conv->KW * conv->C * conv->O + 15) / 16 * 16;
    turn_kernel(turned, w, conv);
    for (size_t b = 0; b < conv->B; b++) {
        surround(around, dy + b * H * W * conv->O, H, W, conv->O, 0, n_columns);
        convolve_bare(dx + b * conv->H * conv->W * conv->C, around, turned, NULL, &bare);
    }
}

/* dw[r, c] += sum over the places of one sample: `rows` rows of dw that see one row of the kernel, one behind the other. */
INLINE void gradient_tile(float *dw, const float *x, const float *dy, const struct bare_convolution *conv, unsigned rows, unsigned vectors,
                          size_t n_last)
{
    lanes sums[TILE_ROWS][TILE_VECTORS];
    size_t n_columns = conv->W - conv->KW + 1;
    struct factors factors = {.a = x, .b = dy, .a_row = 1, .a_step = conv->C, .b_step = conv->O, .K = n_columns};
#pragma GCC unroll 6
    for (unsigned r = 0; r < rows; r++) {
#pragma GCC unroll 4
        for (unsigned v = 0; v < vectors; v++)
            sums[r][v] = lanes_load_part(dw + r * conv->O + v * LANES, v + 1 < vectors ? LANES : n_last);
    }
    for (size_t i = 0; i + conv->KH <= conv->H; i++) {
        tile_add(sums, rows, vectors, n_last, &factors);
        factors.a += conv->W * conv->C;
        factors.b += n_columns * conv->O;
    }
#pragma GCC unroll 6
    for (unsigned r = 0; r < rows; r++) {
#pragma GCC unroll 4
        for (unsigned v = 0; v < vectors; v++)
            lanes_store_part(dw + r * conv->O + v * LANES, v + 1 < vectors ? LANES : n_last, sums[r][v]);
    }
}

INLINE void gradient_columns(float *dw, const float *x, const float *dy, const struct bare_convolution *conv, size_t n_rows,
                             unsigned vectors, size_t n_last)
{
    struct tile_heights heights = tile_heights_of(n_rows);
    for (size_t t = 0; t < heights.n_tiles; t++) {
        size_t n = heights.height + (t < heights.n_higher);
        switch (n) { /* a constant where it is inlined */
        case 6: gradient_tile(dw, x, dy, conv, 6, vectors, n_last); break;
        case 5: gradient_tile(dw, x, dy, conv, 5, vectors, n_last); break;
        case 4: gradient_tile(dw, x, dy, conv, 4, vectors, n_last); break;
        case 3: gradient_tile(dw, x, dy, conv, 3, vectors, n_last); break;
        case 2: gradient_tile(dw, x, dy, conv, 2, vectors, n_last); break;
        default: gradient_tile(dw, x, dy, conv, 1, vectors, n_last); break;
        }
        dw += n * conv->O;
        x += n;
    }
}

/* Of one sample, n_rows rows of dw that see one row of the kernel. */
static void gradient_rows(float *dw, const float *x, const float *dy, const struct bare_convolution *conv, size_t n_rows)
{
    for (size_t o = 0; o < conv->O; o += TILE_VECTORS * LANES) {
        size_t n = conv->O - o < TILE_VECTORS * LANES ? conv->O - o : TILE_VECTORS * LANES;
        unsigned vectors = (unsigned)((n + LANES - 1) / LANES);
        if (vectors == TILE_VECTORS)
            gradient_columns(dw + o, x, dy + o, conv, n_rows, TILE_VECTORS, n - (TILE_VECTORS - 1) * LANES);
        else if (vectors == 1)
            gradient_columns(dw + o, x, dy + o, conv, n_rows, 1, n);
#if TILE_VECTORS > 2
        else if (vectors == 2)
            gradient_columns(dw + o, x, dy + o, conv, n_rows, 2, n - LANES);
        else
            gradient_columns(dw + o, x, dy + o, conv, n_rows, 3, n - 2 * LANES);
#endif
    }
}

static void vector_convolve_backward_weights(float *restrict dw, const float *restrict dy, const float *restrict x,
                                             const struct convolution *conv, struct rows rows, float *restrict workspace)
{
    size_t n_in = conv->H * conv->W * conv->C, n_out = convolution_height(conv) * convolution_width(conv) * conv->O;
    size_t n_above = conv->same ? conv->KH / 2 : 0, n_left = conv->same ? conv->KW / 2 : 0, n_seen = conv->KW * conv->C;
    struct bare_convolution bare = {conv->H + 2 * n_above, conv->W + 2 * n_left, conv->C, conv->O, conv->KH, conv->KW, 0};
    for (size_t b = 0; b < conv->B; b++) {
        const float *sample = x + b * n_in;
        if (conv->same) {
            surround(workspace, sample, conv->H, conv->W, conv->C, n_above, n_left);
            sample = workspace;
        }
        for (size_t first = rows.first; first < rows.end;) {
            size_t u = first / n_seen, end = (u + 1) * n_seen < rows.end ? (u + 1) * n_seen : rows.end;
            gradient_rows(dw + first * conv->O, sample + u * bare.W * conv->C + first % n_seen, dy + b * n_out, &bare, end - first);
            first = end;
        }
    }
}

/* Which of the window is the greatest is kept in floats, too: 256 is exact. */
static void pool_window(float *y, uint8_t *at, const float *window, const struct pooling *pooling)
{
    size_t C = pooling->C;
    float places[LANES];
    FOR_VECTORS(c, left, C)
    {
        lanes best = lanes_load_part(window + c, left), place = lanes_zero();
        float k = 0;
        for (size_t row = 0; row < pooling->PH; row++)
            for (size_t column = 0; column < pooling->PW; column++, k++) {
                lanes other = lanes_load_part(window + (row * pooling->W + column) * C + c, left);
                place = lanes_if_more(other, best, lanes_set(k), place);
                best = lanes_if_more(other, best, other, best);
            }
        lanes_store_part(y + c, left, best);
        lanes_store(places, place);
        for (size_t l = 0; l < (left < LANES ? left : LANES); l++)
            at[c + l] = (uint8_t)places[l];
    }
}

static void vector_pool(float *restrict y, uint8_t *restrict at, const float *restrict x, const struct pooling *pooling)
{
    size_t C = pooling->C, W = pooling->W;
    for (size_t b = 0; b < pooling->B; b++)
        for (size_t i = 0; i < pooling->H / pooling->PH; i++)
            for (size_t j = 0; j < W / pooling->PW; j++, y += C, at += C)
                pool_window(y, at, x + ((b * pooling->H + i * pooling->PH) * W + j * pooling->PW) * C, pooling);
}

static void vector_pool_backward(float *restrict dx, const float *restrict dy, const uint8_t *restrict at, const struct pooling *pooling)
{
    size_t C = pooling->C, W = pooling->W, places[256];
    for (size_t k = 0; k < pooling->PH * pooling->PW; k++)
        places[k] = (k / pooling->PW * W + k % pooling->PW) * C;
    memset(dx, 0, pooling->B * pooling->H * W * C * sizeof *dx);
    for (size_t b = 0; b < pooling->B; b++)
        for (size_t i = 0; i < pooling->H / pooling->PH; i++)
            for (size_t j = 0; j < W / pooling->PW; j++, dy += C, at += C) {
                float *window = dx + ((b * pooling->H + i * pooling->PH) * W + j * pooling->PW) * C;
                for (size_t c = 0; c < C; c++)
                    window[places[at[c]] + c] = dy[c];
            }
}

static void vector_relu(float *y, size_t n)
{
    FOR_VECTORS(i, left, n)
    lanes_store_part(y + i, left, lanes_max(lanes_load_part(y + i, left), lanes_zero()));
}

static void vector_relu_backward(float *restrict dy, const float *restrict y, size_t n)
{
    FOR_VECTORS(i, left, n)
    lanes_store_part(dy + i, left, lanes_if_more(lanes_load_part(y + i, left), lanes_zero(), lanes_load_part(dy + i, left), lanes_zero()));
}

static void vector_add_bias(float *restrict y, const float *restrict bias, size_t N, size_t C)
{
    for (size_t n = 0; n < N; n++)
        add_row(y + n * C, bias, C);
}

static void vector_sum_rows(float *restrict db, const float *restrict dy, size_t N, size_t C)
{
    FOR_VECTORS(c, left, C)
    {
        lanes sum = lanes_zero();
        for (size_t n = 0; n < N; n++)
            sum = lanes_add(sum, lanes_load_part(dy + n * C + c, left));
        lanes_store_part(db + c, left, lanes_add(lanes_load_part(db + c, left), sum));
    }
}

static void vector_batch_norm(float *restrict y, float *restrict z, float *restrict mean, float *restrict variance, float *restrict inverse,
                              const float *restrict x, const float *restrict g, const float *restrict b, float epsilon, size_t N, size_t C)
{
    lanes share = lanes_set(1 / (float)N);
    FOR_VECTORS(c, left, C)
    {
        lanes sum = lanes_zero(), squares = lanes_zero();
        for (size_t n = 0; n < N; n++)
            sum = lanes_add(sum, lanes_load_part(x + n * C + c, left));
        lanes middle = lanes_mul(sum, share);
        for (size_t n = 0; n < N; n++) {
            lanes d = lanes_sub(lanes_load_part(x + n * C + c, left), middle);
            squares = lanes_fma(d, d, squares);
        }
        lanes spread = lanes_mul(squares, share);
        lanes scale = lanes_div(lanes_set(1), lanes_sqrt(lanes_add(spread, lanes_set(epsilon))));
        lanes_store_part(mean + c, left, middle);
        lanes_store_part(variance + c, left, spread);
        lanes_store_part(inverse + c, left, scale);
        lanes g_part = lanes_load_part(g + c, left), b_part = lanes_load_part(b + c, left);
        for (size_t n = 0; n < N; n++) {
            lanes d = lanes_mul(lanes_sub(lanes_load_part(x + n * C + c, left), middle), scale);
            lanes_store_part(z + n * C + c, left, d);
            lanes_store_part(y + n * C + c, left, lanes_fma(d, g_part, b_part));
        }
    }
}

static void vector_batch_norm_backward(float *restrict dx, float *restrict dg, float *restrict db, const float *restrict dy,
                                       const float *restrict z, const float *restrict inverse, const float *restrict g, size_t N, size_t C)
{
    lanes share = lanes_set(1 / (float)N);
    FOR_VECTORS(c, left, C)
    {
        lanes sum = lanes_zero(), along = lanes_zero();
        for (size_t n = 0; n < N; n++) {
            lanes d = lanes_load_part(dy + n * C + c, left);
            sum = lanes_add(sum, d);
            along = lanes_fma(d, lanes_load_part(z + n * C + c, left), along);
        }
        lanes_store_part(db + c, left, lanes_add(lanes_load_part(db + c, left), sum));
        lanes_store_part(dg + c, left, lanes_add(lanes_load_part(dg + c, left), along));
        lanes scale = lanes_mul(lanes_load_part(g + c, left), lanes_load_part(inverse + c, left));
        lanes mean = lanes_mul(sum, share), mean_along = lanes_mul(along, share);
        for (size_t n = 0; n < N; n++) {
            lanes rest = lanes_sub(lanes_load_part(dy + n * C + c, left), mean);
            rest = lanes_sub(rest, lanes_mul(lanes_load_part(z + n * C + c, left), mean_along));
            lanes_store_part(dx + n * C + c, left, lanes_mul(rest, scale));
        }
    }
}

#define VECTOR_MAPS(kind)                                                                                                                  \
    {                                                                                                                                      \
        .name = kind, .convolve = vector_convolve, .convolve_backward_input = vector_convolve_backward_input,                              \
        .convolve_backward_weights = vector_convolve_backward_weights, .pool = vector_pool, .pool_backward = vector_pool_backward,         \
        .relu = vector_relu, .relu_backward = vector_relu_backward, .add_bias = vector_add_bias, .sum_rows = vector_sum_rows,              \
        .batch_norm = vector_batch_norm, .batch_norm_backward = vector_batch_norm_backward, .softmax = vector_softmax,                     \
        .cross_entropy = vector_cross_entropy                                                                                              \
    }

#endif
