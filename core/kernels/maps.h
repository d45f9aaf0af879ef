/* Map kernels: the operations of networks over pictures and words, in a plain and a fast form, as kernels.h has them for the encoder.
 *
 * A map is [B, H, W, C]: samples, rows, columns, channels; row-major without gaps. Words in a row are a map with H = 1. Backward operations
 * write what is named dx and *add* to gradients of parameters (dw, db, dg, de). The plain form is the specification; the fast form gives
 * the same up to rounding, and the same bits every time on one processor. No operation allocates, fails or keeps anything. Threads: any;
 * the memory is the caller's. */
#ifndef KERNELS_MAPS_H
#define KERNELS_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Cross-correlation with stride 1, as all frameworks call convolution:
 *   y[b, i, j, o] = bias[o] + sum over u < KH, v < KW, c < C of x[b, i + u - above, j + v - left, c] w[u, v, c, o],  x = 0 outside
 * valid: above = left = 0, y is [B, H - KH + 1, W - KW + 1, O]; same (KH and KW odd): above = KH / 2, left = KW / 2, y is [B, H, W, O]. */
struct convolution {
    size_t B, H, W, C, O, KH, KW;
    bool same;
};

static inline size_t convolution_height(const struct convolution *conv)
{
    return conv->same ? conv->H : conv->H - conv->KH + 1;
}

static inline size_t convolution_width(const struct convolution *conv)
{
    return conv->same ? conv->W : conv->W - conv->KW + 1;
}

/* Windows of PH x PW places, side by side; PH · PW <= 256. x [B, H, W, C] */
struct pooling {
    size_t B, H, W, C, PH, PW;
};

/* Rows of w seen as a matrix [KH · KW · C, O]: who computes a part of a gradient. */
struct rows {
    size_t first, end;
};

struct map_kernels {
    const char *name;

    /* workspace of all three: convolution_floats, 64-byte aligned */
    void (*convolve)(float *restrict y, const float *restrict x, const float *restrict w, const float *restrict bias,
                     const struct convolution *conv, float *restrict workspace);
    void (*convolve_backward_input)(float *restrict dx, const float *restrict dy, const float *restrict w, const struct convolution *conv,
                                    float *restrict workspace);
    /* dw[u, v, c, o] += sum over b, i, j of x[b, i + u - above, j + v - left, c] dy[b, i, j, o], for rows of dw alone */
    void (*convolve_backward_weights)(float *restrict dw, const float *restrict dy, const float *restrict x, const struct convolution *conv,
                                      struct rows rows, float *restrict workspace);

    /* y[b, i, j, c] = the greatest of the PH x PW of x from (i PH, j PW), at[b, i, j, c] which one in row order (the first of equals); rows
     * and columns beyond the last whole window play no part      y at [B, H / PH, W / PW, C] */
    void (*pool)(float *restrict y, uint8_t *restrict at, const float *restrict x, const struct pooling *pooling);
    void (*pool_backward)(float *restrict dx, const float *restrict dy, const uint8_t *restrict at, const struct pooling *pooling);

    /* y = max(y, 0) in place;  dy = dy where y > 0, else 0, in place      all [n] */
    void (*relu)(float *y, size_t n);
    void (*relu_backward)(float *restrict dy, const float *restrict y, size_t n);

    /* y[n] += bias      y [N, C];  and its backward: db += sum_n dy[n] */
    void (*add_bias)(float *restrict y, const float *restrict bias, size_t N, size_t C);
    void (*sum_rows)(float *restrict db, const float *restrict dy, size_t N, size_t C);

    /* Batch norm (Ioffe, Szegedy 2015, algorithm 1), N > 0 rows are the batch: mean and variance (by N) of each column,
     * inverse = 1 / sqrt(variance + epsilon),  z = (x - mean) · inverse,  y = z ∘ g + b      x y z [N, C]  all others [C] */
    void (*batch_norm)(float *restrict y, float *restrict z, float *restrict mean, float *restrict variance, float *restrict inverse,
                       const float *restrict x, const float *restrict g, const float *restrict b, float epsilon, size_t N, size_t C);
    /* dx = g · inverse · (dy - mean_n dy - z · mean_n(dy ∘ z));  dg += sum_n dy ∘ z,  db += sum_n dy */
    void (*batch_norm_backward)(float *restrict dx, float *restrict dg, float *restrict db, const float *restrict dy,
                                const float *restrict z, const float *restrict inverse, const float *restrict g, size_t N, size_t C);

    /* p = exp x / sum_k exp x      p x [N, K], K > 0 classes; p may be x itself */
    void (*softmax)(float *p, const float *x, size_t N, size_t K);
    /* Its cross-entropy, each row 1 / n_all of the loss: dx = (softmax(x) - q) / n_all, q = smoothing / K everywhere and 1 - smoothing more
     * at the target (Szegedy et al. 2016, section 7). Returns the sum of the rows' losses over n_all.   dx x [N, K]  target [N], each < K
     */
    double (*cross_entropy)(float *restrict dx, const float *restrict x, const uint32_t target[], float smoothing, size_t n_all, size_t N,
                            size_t K);
};

size_t convolution_floats(const struct convolution *conv);

extern const struct map_kernels map_kernels_plain;

/* The forms that this processor can run, slowest first, the plain one among them; returns how many. The fastest of them. */
#define MAP_KERNEL_FORMS_MAX 3
size_t map_kernels_forms(const struct map_kernels *out_forms[MAP_KERNEL_FORMS_MAX]);
const struct map_kernels *map_kernels_fast(void);

#endif
