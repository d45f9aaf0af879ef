/* The plain form of products and of the softmax over the catalogue, which is made of them. One row at a time, sums in double. */
#include "core/kernels/plain.h"

#include <math.h>

void product_ref(enum product form, float *restrict y, const float *restrict a, const float *restrict b, size_t M, size_t N, size_t K,
                 bool add)
{
    for (size_t m = 0; m < M; m++) {
        for (size_t n = 0; n < N; n++) {
            double sum = 0;
            for (size_t k = 0; k < K; k++)
                sum += (double)(form == PRODUCT_TN ? a[k * M + m] : a[m * K + k]) * (form == PRODUCT_NT ? b[n * K + k] : b[k * N + n]);
            y[m * N + n] = (float)sum + (add ? y[m * N + n] : 0);
        }
    }
}

void small_product_ref(float *restrict y, const float *restrict x, const float *restrict w, size_t N, size_t C, size_t F)
{
    product_ref(PRODUCT_NN, y, x, w, N, F, C, false);
}

size_t softmax_bytes_ref(size_t N, size_t V, size_t C)
{
    (void)N, (void)C;
    return V * sizeof(float);
}

static double score_ref(const float *x, const float *e, const float *b, size_t v, size_t C)
{
    double score = b[v];
    for (size_t c = 0; c < C; c++)
        score += (double)x[c] * e[v * C + c];
    return score;
}

/* s[v] = the score of v < V, -INFINITY for what is skipped; returns log of the sum of their exponentials and that of `own`. */
static double score_row(float *restrict s, double own, const struct softmax_rows *rows, size_t n, const float *restrict e,
                        const float *restrict b)
{
    double most = own, sum = 0;
    for (size_t v = 0; v < rows->V; v++) {
        bool skipped = rows->skip && v == rows->skip[n] && v != rows->target[n];
        s[v] = skipped ? -INFINITY : (float)score_ref(rows->x + n * rows->C, e, b, v, rows->C);
        most = (double)s[v] > most ? (double)s[v] : most;
    }
    for (size_t v = 0; v < rows->V; v++)
        sum += exp(s[v] - most);
    return most + log(sum + exp(own - most));
}

/* One item's part of the gradients of row n. */
static void add_gradient(float *restrict dx, float *restrict de, float *restrict db, const float *restrict x, const float *restrict e,
                         float g, size_t v, size_t C)
{
    db[v] += g;
    for (size_t c = 0; c < C; c++) {
        dx[c] += g * e[v * C + c];
        de[v * C + c] += g * x[c];
    }
}

double softmax_loss_ref(float *restrict dx, float *restrict de, float *restrict db, const struct softmax_rows *rows,
                        const float *restrict e, const float *restrict b, void *restrict workspace)
{
    float *s = workspace;
    size_t V = rows->V, C = rows->C;
    double loss = 0;
    for (size_t n = 0; n < rows->N; n++) {
        const float *x = rows->x + n * C;
        size_t target = rows->target[n];
        double own = target >= V ? score_ref(x, e, b, target, C) : -(double)INFINITY;
        double normaliser = score_row(s, own, rows, n, e, b);
        loss += rows->weight[n] * (normaliser - (target >= V ? own : s[target]));
        for (size_t c = 0; c < C; c++)
            dx[n * C + c] = 0;
        for (size_t v = 0; v < V; v++)
            add_gradient(dx + n * C, de, db, x, e, rows->weight[n] * (float)(exp(s[v] - normaliser) - (v == target)), v, C);
        if (target >= V)
            add_gradient(dx + n * C, de, db, x, e, rows->weight[n] * (float)(exp(own - normaliser) - 1), target, C);
    }
    return loss;
}
