/* A handful of classes a row: in double, once a sample, beside millions of products. */
#include "core/layers/class_loss.h"

#include <math.h>
#include <stddef.h>

/* The logarithm of sum over k of exp x[k]. */
static double log_sum(const float *x, uint32_t K)
{
    double most = (double)x[0], sum = 0;
    for (uint32_t k = 1; k < K; k++)
        most = (double)x[k] > most ? (double)x[k] : most;
    for (uint32_t k = 0; k < K; k++)
        sum += exp((double)x[k] - most);
    return most + log(sum);
}

double class_loss(float *restrict slopes, const float *restrict x, const uint32_t targets[], uint32_t N, uint32_t K, float smoothing,
                  uint32_t n_all)
{
    double loss = 0, spread = (double)smoothing / K;
    for (uint32_t n = 0; n < N; n++) {
        const float *row = x + (size_t)n * K;
        double total = log_sum(row, K);
        for (uint32_t k = 0; k < K; k++) {
            double wanted = spread + (k == targets[n] ? 1 - (double)smoothing : 0);
            loss += wanted * (total - (double)row[k]) / n_all;
            slopes[(size_t)n * K + k] = (float)((exp((double)row[k] - total) - wanted) / n_all);
        }
    }
    return loss;
}

void class_probabilities(float *p, const float *x, uint32_t N, uint32_t K)
{
    for (uint32_t n = 0; n < N; n++) {
        double total = log_sum(x + (size_t)n * K, K);
        for (uint32_t k = 0; k < K; k++)
            p[(size_t)n * K + k] = (float)exp((double)x[(size_t)n * K + k] - total);
    }
}
