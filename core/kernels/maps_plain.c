/* The plain form of the map kernels: the formulas of maps.h as loops, sums in double. */
#include "core/kernels/maps.h"

#include <math.h>
#include <string.h>

/* Where in x the row i of the map and the row u of the kernel meet; false: outside. */
static bool meets(size_t i, size_t u, size_t before, size_t size, size_t *out)
{
    *out = i + u - before; /* wraps below 0, and is then beyond size */
    return *out < size;
}

static size_t above(const struct convolution *conv)
{
    return conv->same ? conv->KH / 2 : 0;
}

static size_t left_of(const struct convolution *conv)
{
    return conv->same ? conv->KW / 2 : 0;
}

size_t convolution_floats(const struct convolution *conv)
{
    size_t in = (conv->H + conv->KH - 1) * (conv->W + conv->KW - 1) * conv->C;
    size_t out = (convolution_height(conv) + 2 * conv->KH) * (convolution_width(conv) + 2 * conv->KW) * conv->O;
    return (in > out ? in : out) + conv->KH * conv->KW * conv->C * conv->O + 64;
}

static double convolve_at(const float *x, const float *w, const struct convolution *conv, size_t i, size_t j, size_t o)
{
    double sum = 0;
    for (size_t u = 0; u < conv->KH; u++)
        for (size_t v = 0; v < conv->KW; v++) {
            size_t row, column;
            if (!meets(i, u, above(conv), conv->H, &row) || !meets(j, v, left_of(conv), conv->W, &column))
                continue;
            for (size_t c = 0; c < conv->C; c++)
                sum += (double)x[(row * conv->W + column) * conv->C + c] * w[((u * conv->KW + v) * conv->C + c) * conv->O + o];
        }
    return sum;
}

static void convolve_ref(float *restrict y, const float *restrict x, const float *restrict w, const float *restrict bias,
                         const struct convolution *conv, float *restrict workspace)
{
    (void)workspace;
    size_t n_rows = convolution_height(conv), n_columns = convolution_width(conv);
    for (size_t b = 0; b < conv->B; b++)
        for (size_t i = 0; i < n_rows; i++)
            for (size_t j = 0; j < n_columns; j++)
                for (size_t o = 0; o < conv->O; o++)
                    y[((b * n_rows + i) * n_columns + j) * conv->O + o] =
                        (float)(bias[o] + convolve_at(x + b * conv->H * conv->W * conv->C, w, conv, i, j, o));
}

/* d loss / d x at one place: what of dy it had a part in. */
static double backward_at(const float *dy, const float *w, const struct convolution *conv, size_t row, size_t column, size_t c)
{
    double sum = 0;
    size_t n_rows = convolution_height(conv), n_columns = convolution_width(conv);
    for (size_t u = 0; u < conv->KH; u++)
        for (size_t v = 0; v < conv->KW; v++) {
            size_t i = row + above(conv) - u, j = column + left_of(conv) - v; /* wrap below 0 */
            if (i >= n_rows || j >= n_columns)
                continue;
            for (size_t o = 0; o < conv->O; o++)
                sum += (double)dy[(i * n_columns + j) * conv->O + o] * w[((u * conv->KW + v) * conv->C + c) * conv->O + o];
        }
    return sum;
}

static void convolve_backward_input_ref(float *restrict dx, const float *restrict dy, const float *restrict w,
                                        const struct convolution *conv, float *restrict workspace)
{
    (void)workspace;
    size_t n_out = convolution_height(conv) * convolution_width(conv) * conv->O;
    for (size_t b = 0; b < conv->B; b++)
        for (size_t row = 0; row < conv->H; row++)
            for (size_t column = 0; column < conv->W; column++)
                for (size_t c = 0; c < conv->C; c++)
                    dx[((b * conv->H + row) * conv->W + column) * conv->C + c] =
                        (float)backward_at(dy + b * n_out, w, conv, row, column, c);
}

static double weight_gradient(const float *dy, const float *x, const struct convolution *conv, size_t u, size_t v, size_t c, size_t o)
{
    double sum = 0;
    size_t n_rows = convolution_height(conv), n_columns = convolution_width(conv);
    for (size_t b = 0; b < conv->B; b++)
        for (size_t i = 0; i < n_rows; i++)
            for (size_t j = 0; j < n_columns; j++) {
                size_t row, column;
                if (meets(i, u, above(conv), conv->H, &row) && meets(j, v, left_of(conv), conv->W, &column))
                    sum += (double)x[((b * conv->H + row) * conv->W + column) * conv->C + c] *
                           dy[((b * n_rows + i) * n_columns + j) * conv->O + o];
            }
    return sum;
}

static void convolve_backward_weights_ref(float *restrict dw, const float *restrict dy, const float *restrict x,
                                          const struct convolution *conv, struct rows rows, float *restrict workspace)
{
    (void)workspace;
    for (size_t row = rows.first; row < rows.end; row++)
        for (size_t o = 0; o < conv->O; o++) {
            size_t c = row % conv->C, v = row / conv->C % conv->KW, u = row / conv->C / conv->KW;
            dw[row * conv->O + o] += (float)weight_gradient(dy, x, conv, u, v, c, o);
        }
}

/* Where the window of output number n begins in x. */
static size_t window_of(const struct pooling *pooling, size_t n)
{
    size_t n_rows = pooling->H / pooling->PH, n_columns = pooling->W / pooling->PW;
    size_t c = n % pooling->C, j = n / pooling->C % n_columns, i = n / pooling->C / n_columns % n_rows,
           b = n / pooling->C / n_columns / n_rows;
    return ((b * pooling->H + i * pooling->PH) * pooling->W + j * pooling->PW) * pooling->C + c;
}

/* How far behind its beginning the place k of a window is. */
static size_t place_of(const struct pooling *pooling, size_t k)
{
    return (k / pooling->PW * pooling->W + k % pooling->PW) * pooling->C;
}

static size_t pooled_floats(const struct pooling *pooling)
{
    return pooling->B * (pooling->H / pooling->PH) * (pooling->W / pooling->PW) * pooling->C;
}

static void pool_ref(float *restrict y, uint8_t *restrict at, const float *restrict x, const struct pooling *pooling)
{
    for (size_t n = 0; n < pooled_floats(pooling); n++) {
        const float *window = x + window_of(pooling, n);
        at[n] = 0;
        for (size_t k = 1; k < pooling->PH * pooling->PW; k++)
            if (window[place_of(pooling, k)] > window[place_of(pooling, at[n])])
                at[n] = (uint8_t)k;
        y[n] = window[place_of(pooling, at[n])];
    }
}

static void pool_backward_ref(float *restrict dx, const float *restrict dy, const uint8_t *restrict at, const struct pooling *pooling)
{
    memset(dx, 0, pooling->B * pooling->H * pooling->W * pooling->C * sizeof *dx);
    for (size_t n = 0; n < pooled_floats(pooling); n++)
        dx[window_of(pooling, n) + place_of(pooling, at[n])] = dy[n];
}

static void relu_ref(float *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = y[i] > 0 ? y[i] : 0;
}

static void relu_backward_ref(float *restrict dy, const float *restrict y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dy[i] = y[i] > 0 ? dy[i] : 0;
}

static void add_bias_ref(float *restrict y, const float *restrict bias, size_t N, size_t C)
{
    for (size_t i = 0; i < N * C; i++)
        y[i] += bias[i % C];
}

static double column_sum(const float *x, size_t N, size_t C, size_t c)
{
    double sum = 0;
    for (size_t n = 0; n < N; n++)
        sum += (double)x[n * C + c];
    return sum;
}

static void sum_rows_ref(float *restrict db, const float *restrict dy, size_t N, size_t C)
{
    for (size_t c = 0; c < C; c++)
        db[c] += (float)column_sum(dy, N, C, c);
}

static void batch_norm_ref(float *restrict y, float *restrict z, float *restrict mean, float *restrict variance, float *restrict inverse,
                           const float *restrict x, const float *restrict g, const float *restrict b, float epsilon, size_t N, size_t C)
{
    for (size_t c = 0; c < C; c++) {
        double middle = column_sum(x, N, C, c) / (double)N, squares = 0;
        for (size_t n = 0; n < N; n++)
            squares += ((double)x[n * C + c] - middle) * ((double)x[n * C + c] - middle);
        mean[c] = (float)middle;
        variance[c] = (float)(squares / (double)N);
        inverse[c] = (float)(1 / sqrt(squares / (double)N + (double)epsilon));
        for (size_t n = 0; n < N; n++) {
            z[n * C + c] = (float)(((double)x[n * C + c] - middle) * (double)inverse[c]);
            y[n * C + c] = z[n * C + c] * g[c] + b[c];
        }
    }
}

static void batch_norm_backward_ref(float *restrict dx, float *restrict dg, float *restrict db, const float *restrict dy,
                                    const float *restrict z, const float *restrict inverse, const float *restrict g, size_t N, size_t C)
{
    for (size_t c = 0; c < C; c++) {
        double sum = column_sum(dy, N, C, c), along = 0;
        for (size_t n = 0; n < N; n++)
            along += (double)dy[n * C + c] * z[n * C + c];
        dg[c] += (float)along;
        db[c] += (float)sum;
        for (size_t n = 0; n < N; n++)
            dx[n * C + c] = (float)((double)(g[c] * inverse[c]) * (dy[n * C + c] - sum / (double)N - z[n * C + c] * along / (double)N));
    }
}

/* The logarithm of sum over k of exp x[k]. */
static double log_sum(const float *x, size_t K)
{
    double most = (double)x[0], sum = 0;
    for (size_t k = 1; k < K; k++)
        most = (double)x[k] > most ? (double)x[k] : most;
    for (size_t k = 0; k < K; k++)
        sum += exp((double)x[k] - most);
    return most + log(sum);
}

static void softmax_ref(float *p, const float *x, size_t N, size_t K)
{
    for (size_t n = 0; n < N; n++) {
        double total = log_sum(x + n * K, K);
        for (size_t k = 0; k < K; k++)
            p[n * K + k] = (float)exp((double)x[n * K + k] - total);
    }
}

static double cross_entropy_ref(float *restrict dx, const float *restrict x, const uint32_t target[], float smoothing, size_t n_all,
                                size_t N, size_t K)
{
    double loss = 0, spread = (double)smoothing / (double)K;
    for (size_t n = 0; n < N; n++) {
        double total = log_sum(x + n * K, K);
        for (size_t k = 0; k < K; k++) {
            double wanted = spread + (k == target[n] ? 1 - (double)smoothing : 0);
            loss += wanted * (total - (double)x[n * K + k]) / (double)n_all;
            dx[n * K + k] = (float)((exp((double)x[n * K + k] - total) - wanted) / (double)n_all);
        }
    }
    return loss;
}

const struct map_kernels map_kernels_plain = {
    .name = "plain",
    .convolve = convolve_ref,
    .convolve_backward_input = convolve_backward_input_ref,
    .convolve_backward_weights = convolve_backward_weights_ref,
    .pool = pool_ref,
    .pool_backward = pool_backward_ref,
    .relu = relu_ref,
    .relu_backward = relu_backward_ref,
    .add_bias = add_bias_ref,
    .sum_rows = sum_rows_ref,
    .batch_norm = batch_norm_ref,
    .batch_norm_backward = batch_norm_backward_ref,
    .softmax = softmax_ref,
    .cross_entropy = cross_entropy_ref,
};
