/* Products by OpenBLAS. For the tables in this folder only. */
#ifndef KERNELS_BLAS_H
#define KERNELS_BLAS_H

#include "core/kernels/kernels.h"

void product_blas(enum product form, float *restrict y, const float *restrict a, const float *restrict b, size_t M, size_t N, size_t K,
                  bool add);
void blas_use_one_thread(void);

/* Names the processor whose kernels the library takes; read when the library is loaded. */
#define BLAS_CORE_VARIABLE "OPENBLAS_CORETYPE"

/* The name of a better one for a processor with such instructions than the library took by itself, or NULL. */
const char *blas_core_for(const char *taken, bool has_avx2, bool has_avx512);

#endif
