/* The fast form where there is no vector form for the processor: BLAS does the products, the rest is the plain form. The softmax takes rows
 * in blocks whose scores stay near the cache, and scales the short vectors instead of the scores. */
#include "core/kernels/blas.h"
#include "core/kernels/plain.h"

#include <math.h>
#include <string.h>

#define SCORE_ROWS 128u

size_t softmax_bytes_portable(size_t N, size_t V, size_t C)
{
    size_t rows = N < SCORE_ROWS ? N : SCORE_ROWS;
    return rows * (V + C + 2) * sizeof(float);
}

/* s = exp(s + b - most), own = exp(own - most); returns log of the sum of exp(s + b) and exp(own), and the sum itself relative to most. */
static double exponentiate(float *restrict s, const float *restrict b, size_t V, float *own, float *out_sum)
{
    float most = *own, sum = 0;
    for (size_t v = 0; v < V; v++) {
        s[v] += b[v];
        most = s[v] > most ? s[v] : most;
    }
    for (size_t v = 0; v < V; v++) {
        s[v] = expf(s[v] - most);
        sum += s[v];
    }
    *own = expf(*own - most);
    sum += *own;
    *out_sum = sum;
    return (double)most + log((double)sum);
}

/* Row n of a block: s becomes the exponentials less what the target has too much, so that s · factor is g. A target behind the shared items
 * has no column of s; its g is out_own. Returns the row's loss. */
static double softmax_row(float *restrict s, const struct softmax_rows *rows, size_t n, const float *restrict e, const float *restrict b,
                          float *out_factor, float *out_own)
{
    size_t V = rows->V, C = rows->C, target = rows->target[n];
    float sum, own = -INFINITY;
    if (target >= V) {
        own = b[target];
        for (size_t c = 0; c < C; c++)
            own += rows->x[n * C + c] * e[target * C + c];
    }
    if (rows->skip && rows->skip[n] < V && rows->skip[n] != target)
        s[rows->skip[n]] = -INFINITY;
    double wanted = target < V ? (double)s[target] + (double)b[target] : (double)own;
    double loss = (double)rows->weight[n] * (exponentiate(s, b, V, &own, &sum) - wanted);
    if (target < V)
        s[target] -= sum;
    *out_factor = rows->weight[n] / sum;
    *out_own = target < V ? 0 : rows->weight[n] * (own / sum - 1);
    return loss;
}

/* One block of up to SCORE_ROWS rows, from rows->x[first]. */
static double softmax_block(float *restrict dx, float *restrict de, float *restrict db, const struct softmax_rows *rows, size_t first,
                            size_t n_rows, const float *restrict e, const float *restrict b, float *restrict workspace)
{
    size_t V = rows->V, C = rows->C;
    float *s = workspace, *scaled = s + n_rows * V, *factor = scaled + n_rows * C, *own = factor + n_rows;
    const float *x = rows->x + first * C;
    double loss = 0;
    product_blas(PRODUCT_NT, s, x, e, n_rows, V, C, false);
    for (size_t n = 0; n < n_rows; n++) {
        loss += softmax_row(s + n * V, rows, first + n, e, b, &factor[n], &own[n]);
        for (size_t c = 0; c < C; c++)
            scaled[n * C + c] = x[n * C + c] * factor[n];
    }
    product_blas(PRODUCT_NN, dx + first * C, s, e, n_rows, C, V, false);
    product_blas(PRODUCT_TN, de, s, scaled, V, C, n_rows, true);
    product_blas(PRODUCT_TN, db, s, factor, V, 1, n_rows, true);
    for (size_t n = 0; n < n_rows; n++) {
        size_t target = rows->target[first + n];
        for (size_t c = 0; c < C; c++)
            dx[(first + n) * C + c] *= factor[n];
        if (target < V)
            continue;
        db[target] += own[n];
        for (size_t c = 0; c < C; c++) {
            dx[(first + n) * C + c] += own[n] * e[target * C + c];
            de[target * C + c] += own[n] * x[n * C + c];
        }
    }
    return loss;
}

double softmax_loss_portable(float *restrict dx, float *restrict de, float *restrict db, const struct softmax_rows *rows,
                             const float *restrict e, const float *restrict b, void *restrict workspace)
{
    double loss = 0;
    for (size_t first = 0; first < rows->N; first += SCORE_ROWS) {
        size_t n_rows = rows->N - first < SCORE_ROWS ? rows->N - first : SCORE_ROWS;
        loss += softmax_block(dx, de, db, rows, first, n_rows, e, b, workspace);
    }
    return loss;
}
