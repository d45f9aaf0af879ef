/* Products by OpenBLAS. For the tables in this folder only. */
#ifndef KERNELS_BLAS_H
#define KERNELS_BLAS_H

#include "core/kernels/kernels.h"

void product_blas(enum product form, float *restrict y, const float *restrict a, const float *restrict b, size_t M, size_t N, size_t K,
                  bool add);
void blas_use_one_thread(void);

#endif
