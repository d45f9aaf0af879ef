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

/* s[v] = <x, e[v]> + b[v]; returns log sum_v exp s[v]. */
static double score_row(float *restrict s, const float *restrict x, const float *restrict e, const float *restrict b, size_t V, size_t C)
{
    double most = -INFINITY, sum = 0;
    for (size_t v = 0; v < V; v++) {
        double score = b[v];
        for (size_t c = 0; c < C; c++)
            score += (double)x[c] * e[v * C + c];
        s[v] = (float)score;
        most = score > most ? score : most;
    }
    for (size_t v = 0; v < V; v++)
        sum += exp(s[v] - most);
    return most + log(sum);
}

double softmax_loss_ref(float *restrict dx, float *restrict de, float *restrict db, const struct softmax_rows *rows,
                        const float *restrict e, const float *restrict b, void *restrict workspace)
{
    float *s = workspace;
    size_t V = rows->V, C = rows->C;
    double loss = 0;
    for (size_t n = 0; n < rows->N; n++) {
        const float *x = rows->x + n * C;
        double normaliser = score_row(s, x, e, b, V, C);
        loss += rows->weight[n] * (normaliser - s[rows->target[n]]);
        for (size_t c = 0; c < C; c++)
            dx[n * C + c] = 0;
        for (size_t v = 0; v < V; v++) {
            float g = rows->weight[n] * (float)(exp(s[v] - normaliser) - (v == rows->target[n]));
            db[v] += g;
            for (size_t c = 0; c < C; c++) {
                dx[n * C + c] += g * e[v * C + c];
                de[v * C + c] += g * x[c];
            }
        }
    }
    return loss;
}
