/* The vector form of the causal depthwise convolution and its gradients. Each of them is, for every row that comes out, a sum of products
 * of rows along two others; a few such sums side by side (CONV_ROWS) load what they share once and do not wait for one another. Written in
 * lanes (lanes_avx2.h, lanes_avx512.h), one of which is included before. */
#ifndef KERNELS_VECTOR_CONV_H
#define KERNELS_VECTOR_CONV_H

#include "core/kernels/kernels.h"
#include "core/kernels/vector_loops.h"

#include <string.h>

#define CONV_ROWS 4u

/* out[i] += sum over j < n of a[j] ∘ b[step j + shift i], i < rows, all rows [C]; rows is a constant. Each sum is added up in the order
 * of j, however many stand beside it. */
INLINE void conv_sums(float *out, size_t rows, const float *a, const float *b, ptrdiff_t step, ptrdiff_t shift, size_t n, size_t C)
{
    step *= (ptrdiff_t)C;
    shift *= (ptrdiff_t)C;
    FOR_VECTORS(c, left, C)
    {
        lanes sums[CONV_ROWS];
        for (size_t i = 0; i < rows; i++)
            sums[i] = lanes_load_part(out + i * C + c, left);
        for (size_t j = 0; j < n; j++) {
            lanes aj = lanes_load_part(a + j * C + c, left);
            const float *bj = b + (ptrdiff_t)j * step + c;
            for (size_t i = 0; i < rows; i++)
                sums[i] = lanes_fma(aj, lanes_load_part(bj + (ptrdiff_t)i * shift, left), sums[i]);
        }
        for (size_t i = 0; i < rows; i++)
            lanes_store_part(out + i * C + c, left, sums[i]);
    }
}

/* Row t of y = sum over k < K, k <= t of w[k] ∘ x[t - k] */
INLINE void conv_row(float *y, const float *x, const float *w, size_t t, size_t C, size_t K)
{
    memset(y, 0, C * sizeof *y);
    conv_sums(y, 1, w, x + t * C, -1, 0, t + 1 < K ? t + 1 : K, C);
}

/* One sequence of T rows. */
static void conv_sequence(float *y, const float *x, const float *w, size_t T, size_t C, size_t K)
{
    size_t t = 0;
    for (; t + CONV_ROWS <= T; t += CONV_ROWS) {
        size_t n = t + 1 < K ? t + 1 : K; /* that all of the rows have */
        memset(y + t * C, 0, CONV_ROWS * C * sizeof *y);
        conv_sums(y + t * C, CONV_ROWS, w, x + t * C, -1, 1, n, C);
        for (size_t i = 1; i < CONV_ROWS; i++) {
            size_t all = t + i + 1 < K ? t + i + 1 : K;
            conv_sums(y + (t + i) * C, 1, w + n * C, x + (t + i - n) * C, -1, 0, all - n, C);
        }
    }
    for (; t < T; t++)
        conv_row(y + t * C, x, w, t, C, K);
}

static void vector_conv_forward(float *restrict y, const float *restrict x, const float *restrict w, const uint32_t starts[], size_t S,
                                size_t C, size_t K)
{
    for (size_t s = 0; s < S; s++)
        conv_sequence(y + starts[s] * C, x + starts[s] * C, w, starts[s + 1] - starts[s], C, K);
}

static void vector_conv_last(float *restrict y, const float *restrict x, const float *restrict w, size_t M, size_t N, size_t C, size_t K)
{
    for (size_t n = 0; n < N; n++)
        conv_row(y + n * C, x, w, M - N + n, C, K);
}

/* dx of one sequence: the convolution backwards in time. */
static void conv_dx(float *dx, const float *dy, const float *w, size_t T, size_t C, size_t K)
{
    size_t t = 0;
    for (; t + CONV_ROWS <= T; t += CONV_ROWS) {
        size_t after = T - t - CONV_ROWS + 1, n = after < K ? after : K;
        conv_sums(dx + t * C, CONV_ROWS, w, dy + t * C, 1, 1, n, C);
        for (size_t i = 0; i + 1 < CONV_ROWS; i++) {
            size_t all = T - t - i < K ? T - t - i : K;
            conv_sums(dx + (t + i) * C, 1, w + n * C, dy + (t + i + n) * C, 1, 0, all - n, C);
        }
    }
    for (; t < T; t++)
        conv_sums(dx + t * C, 1, w, dy + t * C, 1, 0, T - t < K ? T - t : K, C);
}

/* dw of one sequence: tap k meets the rows from k on. */
static void conv_dw(float *dw, const float *dy, const float *x, size_t T, size_t C, size_t K)
{
    size_t k = 0, n_taps = T < K ? T : K;
    for (; k + CONV_ROWS <= n_taps; k += CONV_ROWS) {
        size_t last = k + CONV_ROWS - 1;
        for (size_t i = 0; i + 1 < CONV_ROWS; i++)
            conv_sums(dw + (k + i) * C, 1, dy + (k + i) * C, x, 1, 0, CONV_ROWS - 1 - i, C);
        conv_sums(dw + k * C, CONV_ROWS, dy + last * C, x + (CONV_ROWS - 1) * C, 1, -1, T - last, C);
    }
    for (; k < n_taps; k++)
        conv_sums(dw + k * C, 1, dy + k * C, x, 1, 0, T - k, C);
}

static void vector_conv_backward(float *restrict dx, float *restrict dw, const float *restrict dy, const float *restrict x,
                                 const float *restrict w, const uint32_t starts[], size_t S, size_t C, size_t K)
{
    for (size_t s = 0; s < S; s++) {
        size_t first = starts[s] * C, T = starts[s + 1] - starts[s];
        conv_dx(dx + first, dy + first, w, T, C, K);
        conv_dw(dw, dy + first, x + first, T, C, K);
    }
}

#endif
