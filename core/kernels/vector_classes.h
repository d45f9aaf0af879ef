/* The vector form of the softmax over the classes of a network's last layer: a handful to some thousands, whose scores a row has in full.
 * (That over the catalogue, whose scores are too many to keep, is vector_softmax.h.) */
#ifndef KERNELS_VECTOR_CLASSES_H
#define KERNELS_VECTOR_CLASSES_H

#include "core/kernels/maps.h"
#include "core/kernels/vector_loops.h"
#include "core/kernels/vector_rows.h"

#include <math.h>

/* powers[k] = exp(x[k] - *out_most), *out_most the greatest of x [K]; may be x itself. Returns their sum. */
static float class_powers(float *powers, const float *x, size_t K, float *out_most)
{
    float most = x[0];
    for (size_t k = 1; k < K; k++)
        most = x[k] > most ? x[k] : most;
    lanes sum = lanes_zero();
    FOR_VECTORS(k, left, K)
    {
        lanes below = lanes_mul(lanes_sub(lanes_load_part(x + k, left), lanes_set(most)), lanes_set(LOG2_E));
        lanes power = lanes_keep(vector_exp2(lanes_max(below, lanes_set(-126))), left);
        sum = lanes_add(sum, power);
        lanes_store_part(powers + k, left, power);
    }
    *out_most = most;
    return lanes_sum(sum);
}

static void vector_softmax(float *p, const float *x, size_t N, size_t K)
{
    for (size_t n = 0; n < N; n++, p += K, x += K) {
        float most, sum = class_powers(p, x, K, &most);
        FOR_VECTORS(k, left, K)
        lanes_store_part(p + k, left, lanes_div(lanes_load_part(p + k, left), lanes_set(sum)));
    }
}

static double vector_cross_entropy(float *restrict dx, const float *restrict x, const uint32_t target[], float smoothing, size_t n_all,
                                   size_t N, size_t K)
{
    float spread = smoothing / (float)K;
    double loss = 0;
    for (size_t n = 0; n < N; n++, dx += K, x += K) {
        float most, sum = class_powers(dx, x, K, &most);
        lanes scale = lanes_set(1 / (sum * (float)n_all)), everywhere = lanes_set(-spread / (float)n_all), scores = lanes_zero();
        FOR_VECTORS(k, left, K)
        {
            scores = lanes_add(scores, lanes_load_part(x + k, left));
            lanes_store_part(dx + k, left, lanes_fma(lanes_load_part(dx + k, left), scale, everywhere));
        }
        dx[target[n]] -= (1 - smoothing) / (float)n_all;
        loss +=
            (double)most + log((double)sum) - (1 - (double)smoothing) * (double)x[target[n]] - (double)spread * (double)lanes_sum(scores);
    }
    return loss / (double)n_all;
}

#endif
