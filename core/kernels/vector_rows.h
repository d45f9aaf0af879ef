/* The vector form of what works row by row: embeddings, norms, GELU, residuals, dropout, Adam. Written in lanes (lanes_avx2.h,
 * lanes_avx512.h), one of which is included before. Loops run over vectors of a row; the last one may be a part. */
#ifndef KERNELS_VECTOR_ROWS_H
#define KERNELS_VECTOR_ROWS_H

#include "core/kernels/kernels.h"
#include "core/kernels/vector_loops.h"

/* 2^x for x from -126 to 127: 2^round(x) times a polynomial of the rest in [-1/2, 1/2], of least relative error (7.5e-8). */
INLINE lanes vector_exp2(lanes x)
{
    lanes whole = lanes_round(x), r = lanes_sub(x, whole);
    lanes p = lanes_set(1.327647070e-3f);
    p = lanes_fma(p, r, lanes_set(9.675541325e-3f));
    p = lanes_fma(p, r, lanes_set(5.550713278e-2f));
    p = lanes_fma(p, r, lanes_set(2.402211972e-1f));
    p = lanes_fma(p, r, lanes_set(6.931469671e-1f));
    p = lanes_fma(p, r, lanes_set(1.000000072f));
    return lanes_scale(p, whole);
}

#define LOG2_E 1.44269504f

/* The greatest of x [n], n > 0. */
static float vector_most(const float *x, size_t n)
{
    float most = x[0];
    size_t i = 0;
    if (n >= LANES) {
        lanes greatest = lanes_load(x);
        for (i = LANES; i + LANES <= n; i += LANES)
            greatest = lanes_max(greatest, lanes_load(x + i));
        most = lanes_most(greatest);
    }
    for (; i < n; i++)
        most = x[i] > most ? x[i] : most;
    return most;
}

/* powers[i] = exp(x[i] - most), none of x [n] above most; powers may be x itself, or NULL. Returns their sum. */
INLINE float vector_powers(float *powers, const float *x, size_t n, float most)
{
    lanes sum = lanes_zero();
    FOR_VECTORS(i, left, n)
    {
        lanes below = lanes_mul(lanes_sub(lanes_load_part(x + i, left), lanes_set(most)), lanes_set(LOG2_E));
        lanes power = lanes_keep(vector_exp2(lanes_max(below, lanes_set(-126))), left);
        sum = lanes_add(sum, power);
        if (powers)
            lanes_store_part(powers + i, left, power);
    }
    return lanes_sum(sum);
}

static void vector_embed_forward(float *restrict y, const float *restrict items, const float *restrict types, const uint32_t item[],
                                 const uint8_t type[], size_t N, size_t C)
{
    for (size_t t = 0; t < N; t++) {
        const float *a = items + item[t] * C, *b = types + type[t] * C;
        FOR_VECTORS(c, n, C)
        lanes_store_part(y + t * C + c, n, lanes_add(lanes_load_part(a + c, n), lanes_load_part(b + c, n)));
    }
}

static void vector_embed_backward(float *restrict ditems, float *restrict dtypes, const float *restrict dy, const uint32_t item[],
                                  const uint8_t type[], size_t N, size_t C)
{
    for (size_t t = 0; t < N; t++) {
        add_row(ditems + item[t] * C, dy + t * C, C);
        add_row(dtypes + type[t] * C, dy + t * C, C);
    }
}

static void vector_norm_forward(float *restrict y, float *restrict z, float *restrict inverse, const float *restrict x,
                                const float *restrict g, const float *restrict b, size_t N, size_t C)
{
    float share = 1 / (float)C;
    for (size_t t = 0; t < N; t++) {
        const float *row = x + t * C;
        lanes sum = lanes_zero(), squares = lanes_zero();
        FOR_VECTORS(c, n, C)
        sum = lanes_add(sum, lanes_load_part(row + c, n));
        lanes mean = lanes_set(lanes_sum(sum) * share);
        FOR_VECTORS(c, n, C)
        {
            lanes d = lanes_keep(lanes_sub(lanes_load_part(row + c, n), mean), n);
            squares = lanes_fma(d, d, squares);
        }
        inverse[t] = 1 / sqrtf(lanes_sum(squares) * share + 1e-5f);
        FOR_VECTORS(c, n, C)
        {
            lanes d = lanes_mul(lanes_sub(lanes_load_part(row + c, n), mean), lanes_set(inverse[t]));
            lanes_store_part(z + t * C + c, n, d);
            lanes_store_part(y + t * C + c, n, lanes_fma(d, lanes_load_part(g + c, n), lanes_load_part(b + c, n)));
        }
    }
}

static void vector_norm_backward(float *restrict dx, float *restrict dg, float *restrict db, const float *restrict dy,
                                 const float *restrict z, const float *restrict inverse, const float *restrict g, size_t N, size_t C)
{
    float share = 1 / (float)C;
    for (size_t t = 0; t < N; t++) {
        lanes sum = lanes_zero(), along = lanes_zero();
        FOR_VECTORS(c, n, C)
        {
            lanes dyc = lanes_load_part(dy + t * C + c, n), zc = lanes_load_part(z + t * C + c, n);
            lanes dz = lanes_mul(dyc, lanes_load_part(g + c, n));
            sum = lanes_add(sum, dz);
            along = lanes_fma(dz, zc, along);
            lanes_store_part(dg + c, n, lanes_fma(dyc, zc, lanes_load_part(dg + c, n)));
            lanes_store_part(db + c, n, lanes_add(dyc, lanes_load_part(db + c, n)));
        }
        lanes mean = lanes_set(lanes_sum(sum) * share), mean_along = lanes_set(lanes_sum(along) * share), scale = lanes_set(inverse[t]);
        FOR_VECTORS(c, n, C)
        {
            lanes dz = lanes_mul(lanes_load_part(dy + t * C + c, n), lanes_load_part(g + c, n));
            lanes rest = lanes_sub(lanes_sub(dz, mean), lanes_mul(lanes_load_part(z + t * C + c, n), mean_along));
            lanes_store_part(dx + t * C + c, n, lanes_mul(rest, scale));
        }
    }
}

/* (1 + tanh(√(2/π) (u + 0.044715 u³))) / 2 = 1 / (1 + exp(-2 √(2/π) (u + 0.044715 u³))) */
INLINE lanes gelu_gate(lanes u)
{
    const float scale = -2 * 0.7978845608f * LOG2_E;
    lanes power = lanes_mul(lanes_mul(u, lanes_set(scale)), lanes_fma(lanes_mul(u, u), lanes_set(0.044715f), lanes_set(1)));
    power = lanes_max(lanes_min(power, lanes_set(126)), lanes_set(-126));
    return lanes_div(lanes_set(1), lanes_add(lanes_set(1), vector_exp2(power)));
}

static void vector_gelu_forward(float *restrict y, const float *restrict x, const float *restrict b, size_t N, size_t F)
{
    for (size_t t = 0; t < N; t++) {
        FOR_VECTORS(c, n, F)
        {
            lanes u = lanes_add(lanes_load_part(x + t * F + c, n), lanes_load_part(b + c, n));
            lanes_store_part(y + t * F + c, n, lanes_mul(u, gelu_gate(u)));
        }
    }
}

static void vector_gelu_backward(float *restrict dy_dx, float *restrict db, const float *restrict x, const float *restrict b, size_t N,
                                 size_t F)
{
    const float twice = 2 * 0.7978845608f;
    for (size_t t = 0; t < N; t++) {
        FOR_VECTORS(c, n, F)
        {
            lanes u = lanes_add(lanes_load_part(x + t * F + c, n), lanes_load_part(b + c, n)), gate = gelu_gate(u);
            lanes bend = lanes_mul(lanes_mul(gate, lanes_sub(lanes_set(1), gate)), lanes_mul(u, lanes_set(twice)));
            lanes slope = lanes_fma(bend, lanes_fma(lanes_mul(u, u), lanes_set(3 * 0.044715f), lanes_set(1)), gate);
            lanes d = lanes_mul(lanes_load_part(dy_dx + t * F + c, n), slope);
            lanes_store_part(dy_dx + t * F + c, n, d);
            lanes_store_part(db + c, n, lanes_add(lanes_load_part(db + c, n), d));
        }
    }
}

static void vector_dropout(float *restrict y, const float *restrict x, const float *restrict keep, size_t n_values)
{
    FOR_VECTORS(c, n, n_values)
    lanes_store_part(y + c, n, lanes_mul(lanes_load_part(x + c, n), lanes_load_part(keep + c, n)));
}

static void vector_residual_forward(float *restrict y, const float *restrict x, const float *restrict f, const float *restrict b,
                                    const float *restrict keep, size_t N, size_t C)
{
    for (size_t t = 0; t < N; t++) {
        FOR_VECTORS(c, n, C)
        {
            lanes part = lanes_add(lanes_load_part(f + t * C + c, n), lanes_load_part(b + c, n));
            lanes mask = keep ? lanes_load_part(keep + t * C + c, n) : lanes_set(1);
            lanes_store_part(y + t * C + c, n, lanes_fma(mask, part, lanes_load_part(x + t * C + c, n)));
        }
    }
}

static void vector_residual_backward(float *restrict df, float *restrict db, const float *restrict dy, const float *restrict keep, size_t N,
                                     size_t C)
{
    for (size_t t = 0; t < N; t++) {
        FOR_VECTORS(c, n, C)
        {
            lanes mask = keep ? lanes_load_part(keep + t * C + c, n) : lanes_set(1);
            lanes d = lanes_mul(lanes_load_part(dy + t * C + c, n), mask);
            lanes_store_part(df + t * C + c, n, d);
            lanes_store_part(db + c, n, lanes_add(lanes_load_part(db + c, n), d));
        }
    }
}

/* <a, b> */
INLINE float vector_dot(const float *a, const float *b, size_t C)
{
    lanes sum = lanes_zero();
    FOR_VECTORS(c, n, C)
    sum = lanes_fma(lanes_load_part(a + c, n), lanes_load_part(b + c, n), sum);
    return lanes_sum(sum);
}

static void vector_unit_forward(float *restrict y, float *restrict inverse, const float *restrict x, float scale, size_t N, size_t C)
{
    for (size_t t = 0; t < N; t++) {
        const float *row = x + t * C;
        inverse[t] = 1 / sqrtf(vector_dot(row, row, C) + 1e-12f);
        lanes factor = lanes_set(scale * inverse[t]);
        FOR_VECTORS(c, n, C)
        lanes_store_part(y + t * C + c, n, lanes_mul(lanes_load_part(row + c, n), factor));
    }
}

static void vector_unit_backward(float *restrict dy_dx, const float *restrict x, const float *restrict inverse, float scale, size_t N,
                                 size_t C)
{
    for (size_t t = 0; t < N; t++) {
        float *dy = dy_dx + t * C;
        lanes along = lanes_set(-vector_dot(x + t * C, dy, C) * inverse[t] * inverse[t]), factor = lanes_set(scale * inverse[t]);
        FOR_VECTORS(c, n, C)
        lanes_store_part(dy + c, n, lanes_mul(factor, lanes_fma(lanes_load_part(x + t * C + c, n), along, lanes_load_part(dy + c, n))));
    }
}

static void vector_adam(float *restrict w, float *restrict m, float *restrict v, const float *restrict g, const struct adam_rates *rates,
                        size_t n_values)
{
    lanes beta1 = lanes_set(rates->beta1), beta2 = lanes_set(rates->beta2), rest1 = lanes_set(1 - rates->beta1),
          rest2 = lanes_set(1 - rates->beta2);
    lanes rate = lanes_set(-rates->learning_rate * rates->correction1), correction2 = lanes_set(rates->correction2),
          epsilon = lanes_set(rates->epsilon);
    FOR_VECTORS(c, n, n_values)
    {
        lanes gc = lanes_load_part(g + c, n);
        lanes mc = lanes_fma(beta1, lanes_load_part(m + c, n), lanes_mul(rest1, gc));
        lanes vc = lanes_fma(beta2, lanes_load_part(v + c, n), lanes_mul(rest2, lanes_mul(gc, gc)));
        lanes step = lanes_div(mc, lanes_add(lanes_sqrt(lanes_mul(vc, correction2)), epsilon));
        lanes_store_part(m + c, n, mc);
        lanes_store_part(v + c, n, vc);
        lanes_store_part(w + c, n, lanes_fma(rate, step, lanes_load_part(w + c, n)));
    }
}

static void vector_accumulate(float *restrict y, const float *restrict x, size_t n_values)
{
    add_row(y, x, n_values);
}

#endif
