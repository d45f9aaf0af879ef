/* Kernels: every numeric operation of the engine, in a plain and a fast form, in one table of function pointers.
 *
 * The plain form is the specification; the fast form gives the same up to rounding, and the same bits every time on one processor.
 * A form with short_products rounds the operands of softmax_loss's products (x, e, the powers, the scaled x) to bfloat16, at most 2^-8 off
 * each, and sums in floats: its gradients are off by less than 2^-8 of their length, its loss by about 1e-3 in the mean.
 * Legend: N rows (packed positions) · C channels (width) · F feed-forward width · K taps · V items · S sequences.
 * Matrices are row-major without gaps. Backward operations write what is named dx, and *add* to what several rows share: parameter
 * gradients (dw, db, …). No operation allocates, fails or keeps anything. Threads: any; the memory is the caller's.
 * Sequences are packed: rows [starts[s], starts[s + 1]) are one user's, oldest first, and nothing leaks into another's. */
#ifndef KERNELS_KERNELS_H
#define KERNELS_KERNELS_H

#include "core/base/random.h"
#include "core/base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* y [M, N] of the inner dimension K. */
enum product {
    PRODUCT_NN, /* y = a b      a [M, K]  b [K, N] */
    PRODUCT_NT, /* y = a bᵀ     a [M, K]  b [N, K] */
    PRODUCT_TN, /* y = aᵀ b     a [K, M]  b [K, N] */
};

/* A block of rows whose next item is to be predicted, for softmax_loss. Over the whole catalogue every target is below V. A sampled softmax
 * has V >= 1 sampled items that all rows share and, behind them, the targets: a target from V on is an item for its own row alone. skip[n]
 * is the shared item that row n must not see (its target was sampled too), UINT32_MAX for none; a row's own target is never skipped. */
struct softmax_rows {
    const float *x;         /* [N, C] */
    const uint32_t *target; /* [N], a row of e and b */
    const uint32_t *skip;   /* [N], or NULL: nothing is skipped */
    const float *weight;    /* [N] */
    size_t N, V, C;
};

struct adam_rates {
    float learning_rate, beta1, beta2, epsilon;
    float correction1, correction2; /* 1 / (1 - beta^step) */
};

/* Those of step number `step`, from 1, with beta1 = 0.9 and beta2 = 0.999. */
struct adam_rates adam_rates_at(float learning_rate, float epsilon, uint64_t step);

#define PLANNED_CORES 2 /* that plans reckon with */

struct kernels {
    const char *name;
    bool short_products; /* softmax_loss multiplies in bfloat16, everything else in floats */
    /* About what softmax_loss, and the rest of a training, come to on a core of an ordinary server that has no faster form, 1e9 operations
     * a second: for plans, which must not depend on what a clock says. */
    float softmax_gflops, other_gflops;

    /* y[n] = items[item[n]] + types[type[n]]      y [N, C]  items [V, C]  types [·, C] */
    void (*embed_forward)(float *restrict y, const float *restrict items, const float *restrict types, const uint32_t item[],
                          const uint8_t type[], size_t N, size_t C);
    /* ditems[item[n]] += dy[n],  dtypes[type[n]] += dy[n] */
    void (*embed_backward)(float *restrict ditems, float *restrict dtypes, const float *restrict dy, const uint32_t item[],
                           const uint8_t type[], size_t N, size_t C);

    /* Layer norm (Ba et al. 2016, eq. 4): z = (x - mean x) · inverse,  inverse = 1 / sqrt(var x + 1e-5),  y = z ∘ g + b
     * x y z [N, C]  inverse [N]  g b [C];  z and inverse are kept for backward */
    void (*norm_forward)(float *restrict y, float *restrict z, float *restrict inverse, const float *restrict x, const float *restrict g,
                         const float *restrict b, size_t N, size_t C);
    /* dx = inverse · (dz - mean dz - z · mean(dz ∘ z)),  dz = dy ∘ g;  dg += sum_n dy ∘ z,  db += sum_n dy */
    void (*norm_backward)(float *restrict dx, float *restrict dg, float *restrict db, const float *restrict dy, const float *restrict z,
                          const float *restrict inverse, const float *restrict g, size_t N, size_t C);

    /* Causal depthwise convolution over packed sequences: y[t, c] = sum over k < K of w[k, c] x[t - k, c], nothing before the sequence
     * x y [N, C]  w [K, C]  starts [S + 1] */
    void (*conv_forward)(float *restrict y, const float *restrict x, const float *restrict w, const uint32_t starts[], size_t S, size_t C,
                         size_t K);
    /* The last N of M rows of one sequence: y[n] = the convolution's row M - N + n, by the same sums      x [M, C]  y [N, C]  N <= M */
    void (*conv_last)(float *restrict y, const float *restrict x, const float *restrict w, size_t M, size_t N, size_t C, size_t K);
    /* dx[t, c] += sum over k of w[k, c] dy[t + k, c];  dw[k, c] += sum over t of dy[t, c] x[t - k, c] */
    void (*conv_backward)(float *restrict dx, float *restrict dw, const float *restrict dy, const float *restrict x,
                          const float *restrict w, const uint32_t starts[], size_t S, size_t C, size_t K);

    /* y = gelu(x + b),  gelu(u) = u / 2 · (1 + tanh(√(2/π) (u + 0.044715 u³)))  (Hendrycks, Gimpel 2016)      x y [N, F]  b [F] */
    void (*gelu_forward)(float *restrict y, const float *restrict x, const float *restrict b, size_t N, size_t F);
    /* dx = dy ∘ gelu'(x + b) in the place of dy;  db += sum_n dx */
    void (*gelu_backward)(float *restrict dy_dx, float *restrict db, const float *restrict x, const float *restrict b, size_t N, size_t F);

    /* keep[i] = 0 with probability p (to 1/65536), else 1 / (1 - p): four draws of 16 bits a number of random      keep [n] */
    void (*dropout_mask)(float *restrict keep, size_t n, float p, struct random *random);
    /* y = x ∘ keep; its backward is itself      all [n] */
    void (*dropout)(float *restrict y, const float *restrict x, const float *restrict keep, size_t n);

    /* y = x + keep ∘ (f + b)      x f keep y [N, C]  b [C];  keep NULL: all 1 */
    void (*residual_forward)(float *restrict y, const float *restrict x, const float *restrict f, const float *restrict b,
                             const float *restrict keep, size_t N, size_t C);
    /* df = dy ∘ keep,  db += sum_n df  (dx is dy) */
    void (*residual_backward)(float *restrict df, float *restrict db, const float *restrict dy, const float *restrict keep, size_t N,
                              size_t C);

    /* y = product (enum product), or y += product      the fast form is BLAS, for large ones */
    void (*product)(enum product form, float *restrict y, const float *restrict a, const float *restrict b, size_t M, size_t N, size_t K,
                    bool add);
    /* y = x w: a few rows without BLAS, which would take a lock      y [N, F]  x [N, C]  w [C, F] */
    void (*small_product)(float *restrict y, const float *restrict x, const float *restrict w, size_t N, size_t C, size_t F);

    /* Softmax cross-entropy, over the whole catalogue or a sample (struct softmax_rows): s[n, v] = <x[n], e[v]> + b[v]
     *   A[n] = {v < V, v != skip[n]} and target[n],  Z[n] = sum over A[n] of exp s[n, v]
     *   g[n, v] = weight[n] (exp s[n, v] / Z[n] - [v = target[n]]) in A[n], 0 outside
     *   dx[n] = sum_v g[n, v] e[v],  de[v] += sum_n g[n, v] x[n],  db[v] += sum_n g[n, v]
     *   returns sum_n weight[n] (log Z[n] - s[n, target[n]])
     * e de [V or more, C]  b db [V or more]: as far as the targets reach;  workspace: softmax_bytes(N, V, C), 64-byte aligned */
    double (*softmax_loss)(float *restrict dx, float *restrict de, float *restrict db, const struct softmax_rows *rows,
                           const float *restrict e, const float *restrict b, void *restrict workspace);
    size_t (*softmax_bytes)(size_t N, size_t V, size_t C);

    /* y = x · scale / |x|,  |x| = sqrt(<x, x> + 1e-12)      x y [N, C]  inverse [N]: 1 / |x|, kept for backward */
    void (*unit_forward)(float *restrict y, float *restrict inverse, const float *restrict x, float scale, size_t N, size_t C);
    /* dx = scale · inverse · (dy - û <û, dy>),  û = x · inverse, in the place of dy */
    void (*unit_backward)(float *restrict dy_dx, const float *restrict x, const float *restrict inverse, float scale, size_t N, size_t C);

    /* Adam (Kingma, Ba 2015, algorithm 1): m = β1 m + (1 - β1) g,  v = β2 v + (1 - β2) g²,  w -= rate · m̂ / (sqrt v̂ + ε)      all [n] */
    void (*adam)(float *restrict w, float *restrict m, float *restrict v, const float *restrict g, const struct adam_rates *rates,
                 size_t n);
    /* y += x      both [n] */
    void (*accumulate)(float *restrict y, const float *restrict x, size_t n);

    /* s[v] = scale · lengths[v] · <e[v], u> + b[v]      e [V, C]  u [C]  b lengths [V], either may be NULL (0; 1) */
    void (*score_items)(float *restrict s, const float *restrict e, const float *restrict u, float scale, const float *restrict lengths,
                        const float *restrict b, size_t V, size_t C);
    /* Returns sum_v exp(s[v] - *out_most), *out_most the greatest of s [V], V > 0; an s[v] of -INFINITY adds nothing, also if all are */
    double (*sum_powers)(const float s[], size_t V, float *out_most);
};

extern const struct kernels kernels_plain;

/* The forms that this processor can run besides the plain one, slowest first; returns how many (at least 1). */
#define KERNEL_FORMS_MAX 4
size_t kernels_forms(const struct kernels *out_forms[KERNEL_FORMS_MAX]);

/* The fastest of them; the fastest of those whose products are all in floats. They differ in nothing but softmax_loss, and with it in
 * softmax_bytes: who does not train may take either. */
const struct kernels *kernels_fast(void);
const struct kernels *kernels_exact(void);

/* Where OpenBLAS does not know this processor it takes kernels made for old ones, at a fifth or half of the speed. Then begin this program
 * anew with OPENBLAS_CORETYPE set, which the library reads when it is loaded: the first thing in main, with main's argv, before there are
 * threads. Does not return if the program begins anew; does nothing if the variable is set already or the program cannot begin anew. */
void kernels_choose_blas(char *const argv[]);

/* The name of the processor that the kernels of OpenBLAS which run here were made for; the library's. Threads: any. */
const char *kernels_blas(void);

/* Set BLAS to one thread and compare products of the fast form with the plain one. STATUS_INVALID: they differ (some releases of OpenBLAS
 * compute wrong results on processors that they do not know), with the advice what to do. Call it once before training. */
enum status kernels_check(struct error *error) MUST_CHECK;

#endif
