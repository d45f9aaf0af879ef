/* Plain forms that stand in files of their own, and forms that are the same in every table. For the tables in this folder only. */
#ifndef KERNELS_PLAIN_H
#define KERNELS_PLAIN_H

#include "core/kernels/kernels.h"

void dropout_mask_ref(float *restrict keep, size_t n, float p, struct random *random);
void product_ref(enum product form, float *restrict y, const float *restrict a, const float *restrict b, size_t M, size_t N, size_t K,
                 bool add);
void small_product_ref(float *restrict y, const float *restrict x, const float *restrict w, size_t N, size_t C, size_t F);
double softmax_loss_ref(float *restrict dx, float *restrict de, float *restrict db, const struct softmax_rows *rows,
                        const float *restrict e, const float *restrict b, void *restrict workspace);
size_t softmax_bytes_ref(size_t N, size_t V, size_t C);
double softmax_loss_portable(float *restrict dx, float *restrict de, float *restrict db, const struct softmax_rows *rows,
                             const float *restrict e, const float *restrict b, void *restrict workspace);
size_t softmax_bytes_portable(size_t N, size_t V, size_t C);

extern const struct kernels kernels_portable; /* plain but for products and softmax, which are BLAS: any processor */

#endif
