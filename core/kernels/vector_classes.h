/* The vector form of the softmax over the classes of a network's last layer: a handful to some thousands, whose scores a row has in full.
 * (That over the catalogue, whose scores are too many to keep, is vector_softmax.h.) */
#ifndef KERNELS_VECTOR_CLASSES_H
#define KERNELS_VECTOR_CLASSES_H

#include "core/kernels/maps.h"
#include "core/kernels/vector_loops.h"
#include "core/kernels/vector_rows.h"

#include <math.h>

static void vector_softmax(float *p, const float *x, size_t N, size_t K)
{
    for (size_t n = 0; n < N; n++, p += K, x += K) {
        float sum = vector_powers(p, x, K, vector_most(x, K));
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
        float most = vector_most(x, K), sum = vector_powers(dx, x, K, most);
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
