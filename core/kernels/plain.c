/* The plain form of every operation but the products: the formulas of kernels.h as loops, to be read and to be compared with. Never make
 * them clever. Sums run in double, so that what the fast forms are measured against is the better value. */
#include "core/kernels/plain.h"

#include "core/kernels/blas.h"

#include <math.h>

#define NORM_EPSILON 1e-5f
#define UNIT_EPSILON 1e-12

static void embed_forward_ref(float *restrict y, const float *restrict items, const float *restrict types, const uint32_t item[],
                              const uint8_t type[], size_t N, size_t C)
{
    for (size_t n = 0; n < N; n++) {
        for (size_t c = 0; c < C; c++)
            y[n * C + c] = items[item[n] * C + c] + types[type[n] * C + c];
    }
}

static void embed_backward_ref(float *restrict ditems, float *restrict dtypes, const float *restrict dy, const uint32_t item[],
                               const uint8_t type[], size_t N, size_t C)
{
    for (size_t n = 0; n < N; n++) {
        for (size_t c = 0; c < C; c++) {
            ditems[item[n] * C + c] += dy[n * C + c];
            dtypes[type[n] * C + c] += dy[n * C + c];
        }
    }
}

static void norm_forward_ref(float *restrict y, float *restrict z, float *restrict inverse, const float *restrict x,
                             const float *restrict g, const float *restrict b, size_t N, size_t C)
{
    for (size_t n = 0; n < N; n++) {
        double mean = 0, variance = 0;
        for (size_t c = 0; c < C; c++)
            mean += x[n * C + c];
        mean /= (double)C;
        for (size_t c = 0; c < C; c++)
            variance += (x[n * C + c] - mean) * (x[n * C + c] - mean);
        variance /= (double)C;
        inverse[n] = (float)(1 / sqrt(variance + NORM_EPSILON));
        for (size_t c = 0; c < C; c++) {
            z[n * C + c] = (x[n * C + c] - (float)mean) * inverse[n];
            y[n * C + c] = z[n * C + c] * g[c] + b[c];
        }
    }
}

static void norm_backward_ref(float *restrict dx, float *restrict dg, float *restrict db, const float *restrict dy, const float *restrict z,
                              const float *restrict inverse, const float *restrict g, size_t N, size_t C)
{
    for (size_t n = 0; n < N; n++) {
        double mean_dz = 0, mean_dz_z = 0;
        for (size_t c = 0; c < C; c++) {
            double dz = dy[n * C + c] * g[c];
            mean_dz += dz;
            mean_dz_z += dz * z[n * C + c];
        }
        mean_dz /= (double)C;
        mean_dz_z /= (double)C;
        for (size_t c = 0; c < C; c++) {
            dx[n * C + c] = (float)(inverse[n] * (dy[n * C + c] * g[c] - mean_dz - z[n * C + c] * mean_dz_z));
            dg[c] += dy[n * C + c] * z[n * C + c];
            db[c] += dy[n * C + c];
        }
    }
}

static void conv_forward_ref(float *restrict y, const float *restrict x, const float *restrict w, const uint32_t starts[], size_t S,
                             size_t C, size_t K)
{
    for (size_t s = 0; s < S; s++) {
        for (size_t t = starts[s]; t < starts[s + 1]; t++) {
            for (size_t c = 0; c < C; c++) {
                float sum = 0;
                for (size_t k = 0; k < K && k <= t - starts[s]; k++)
                    sum += w[k * C + c] * x[(t - k) * C + c];
                y[t * C + c] = sum;
            }
        }
    }
}

static void conv_last_ref(float *restrict y, const float *restrict x, const float *restrict w, size_t M, size_t N, size_t C, size_t K)
{
    for (size_t n = 0; n < N; n++) {
        for (size_t c = 0; c < C; c++) {
            size_t t = M - N + n;
            float sum = 0;
            for (size_t k = 0; k < K && k <= t; k++)
                sum += w[k * C + c] * x[(t - k) * C + c];
            y[n * C + c] = sum;
        }
    }
}

static void conv_backward_ref(float *restrict dx, float *restrict dw, const float *restrict dy, const float *restrict x,
                              const float *restrict w, const uint32_t starts[], size_t S, size_t C, size_t K)
{
    for (size_t s = 0; s < S; s++) {
        for (size_t t = starts[s]; t < starts[s + 1]; t++) {
            for (size_t k = 0; k < K && k <= t - starts[s]; k++) {
                for (size_t c = 0; c < C; c++) {
                    dx[(t - k) * C + c] += w[k * C + c] * dy[t * C + c];
                    dw[k * C + c] += dy[t * C + c] * x[(t - k) * C + c];
                }
            }
        }
    }
}

#define GELU_SCALE 0.7978845608028654f /* √(2/π) */
#define GELU_CUBE  0.044715f

static void gelu_forward_ref(float *restrict y, const float *restrict x, const float *restrict b, size_t N, size_t F)
{
    for (size_t i = 0; i < N * F; i++) {
        float u = x[i] + b[i % F];
        y[i] = 0.5f * u * (1 + tanhf(GELU_SCALE * (u + GELU_CUBE * u * u * u)));
    }
}

static void gelu_backward_ref(float *restrict dy_dx, float *restrict db, const float *restrict x, const float *restrict b, size_t N,
                              size_t F)
{
    for (size_t i = 0; i < N * F; i++) {
        float u = x[i] + b[i % F];
        float tangent = tanhf(GELU_SCALE * (u + GELU_CUBE * u * u * u));
        float slope = 0.5f * (1 + tangent) + 0.5f * u * (1 - tangent * tangent) * GELU_SCALE * (1 + 3 * GELU_CUBE * u * u);
        dy_dx[i] *= slope;
        db[i % F] += dy_dx[i];
    }
}

void dropout_mask_ref(float *restrict keep, size_t n, float p, struct random *random)
{
    uint32_t threshold = (uint32_t)lrintf(p * 65536);
    const float either[2] = {0, 1 / (1 - (float)threshold / 65536)}; /* looked up: no processor foretells a branch on chance */
    for (size_t i = 0; i < n; i += 4) {
        uint64_t draw = random_next(random);
        size_t end = n - i < 4 ? n : i + 4;
        for (size_t j = i; j < end; j++, draw >>= 16)
            keep[j] = either[(draw & 0xffff) >= threshold];
    }
}

static void dropout_ref(float *restrict y, const float *restrict x, const float *restrict keep, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] * keep[i];
}

static void residual_forward_ref(float *restrict y, const float *restrict x, const float *restrict f, const float *restrict b,
                                 const float *restrict keep, size_t N, size_t C)
{
    for (size_t i = 0; i < N * C; i++)
        y[i] = x[i] + (keep ? keep[i] : 1) * (f[i] + b[i % C]);
}

static void residual_backward_ref(float *restrict df, float *restrict db, const float *restrict dy, const float *restrict keep, size_t N,
                                  size_t C)
{
    for (size_t i = 0; i < N * C; i++) {
        df[i] = dy[i] * (keep ? keep[i] : 1);
        db[i % C] += df[i];
    }
}

static void unit_forward_ref(float *restrict y, float *restrict inverse, const float *restrict x, float scale, size_t N, size_t C)
{
    for (size_t n = 0; n < N; n++) {
        double square = 0;
        for (size_t c = 0; c < C; c++)
            square += (double)x[n * C + c] * x[n * C + c];
        inverse[n] = (float)(1 / sqrt(square + UNIT_EPSILON));
        for (size_t c = 0; c < C; c++)
            y[n * C + c] = x[n * C + c] * (scale * inverse[n]);
    }
}

static void unit_backward_ref(float *restrict dy_dx, const float *restrict x, const float *restrict inverse, float scale, size_t N,
                              size_t C)
{
    for (size_t n = 0; n < N; n++) {
        double along = 0;
        for (size_t c = 0; c < C; c++)
            along += (double)x[n * C + c] * inverse[n] * dy_dx[n * C + c];
        for (size_t c = 0; c < C; c++)
            dy_dx[n * C + c] = scale * inverse[n] * (dy_dx[n * C + c] - x[n * C + c] * inverse[n] * (float)along);
    }
}

static void adam_ref(float *restrict w, float *restrict m, float *restrict v, const float *restrict g, const struct adam_rates *rates,
                     size_t n)
{
    for (size_t i = 0; i < n; i++) {
        m[i] = rates->beta1 * m[i] + (1 - rates->beta1) * g[i];
        v[i] = rates->beta2 * v[i] + (1 - rates->beta2) * g[i] * g[i];
        w[i] -= rates->learning_rate * (m[i] * rates->correction1) / (sqrtf(v[i] * rates->correction2) + rates->epsilon);
    }
}

static void accumulate_ref(float *restrict y, const float *restrict x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] += x[i];
}

static void score_items_ref(float *restrict s, const float *restrict e, const float *restrict u, float scale, const float *restrict lengths,
                            const float *restrict b, size_t V, size_t C)
{
    for (size_t v = 0; v < V; v++) {
        double sum = 0;
        for (size_t c = 0; c < C; c++)
            sum += (double)e[v * C + c] * u[c];
        s[v] = scale * (lengths ? lengths[v] : 1) * (float)sum + (b ? b[v] : 0);
    }
}

static double sum_powers_ref(const float s[], size_t V, float *out_most)
{
    double sum = 0;
    float most = s[0];
    for (size_t v = 1; v < V; v++)
        most = s[v] > most ? s[v] : most;
    for (size_t v = 0; v < V; v++)
        sum += s[v] > -INFINITY ? exp((double)s[v] - (double)most) : 0;
    *out_most = most;
    return sum;
}

/* What the portable table takes from here too. */
#define PLAIN_OPERATIONS                                                                                                                   \
    .embed_forward = embed_forward_ref, .embed_backward = embed_backward_ref, .norm_forward = norm_forward_ref,                            \
    .norm_backward = norm_backward_ref, .conv_forward = conv_forward_ref, .conv_backward = conv_backward_ref, .conv_last = conv_last_ref,  \
    .gelu_forward = gelu_forward_ref, .gelu_backward = gelu_backward_ref, .dropout_mask = dropout_mask_ref, .dropout = dropout_ref,        \
    .residual_forward = residual_forward_ref, .residual_backward = residual_backward_ref, .small_product = small_product_ref,              \
    .unit_forward = unit_forward_ref, .unit_backward = unit_backward_ref, .adam = adam_ref, .accumulate = accumulate_ref,                  \
    .score_items = score_items_ref, .sum_powers = sum_powers_ref

const struct kernels kernels_plain = {
    .name = "plain",
    .softmax_gflops = 1,
    .other_gflops = 1,
    PLAIN_OPERATIONS,
    .product = product_ref,
    .softmax_loss = softmax_loss_ref,
    .softmax_bytes = softmax_bytes_ref,
};

const struct kernels kernels_portable = {
    .name = "portable",
    .softmax_gflops = 30,
    .other_gflops = 10,
    PLAIN_OPERATIONS,
    .product = product_blas,
    .softmax_loss = softmax_loss_portable,
    .softmax_bytes = softmax_bytes_portable,
};
