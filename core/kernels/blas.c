/* The only file that knows BLAS. It runs on one thread: work is split above it, in blocks that do not depend on the number of threads. */
#include "core/kernels/blas.h"

#include <assert.h>
#include <cblas.h>
#include <limits.h>
#include <string.h>

void product_blas(enum product form, float *restrict y, const float *restrict a, const float *restrict b, size_t M, size_t N, size_t K,
                  bool add)
{
    assert(M <= INT_MAX && N <= INT_MAX && K <= INT_MAX);
    CBLAS_TRANSPOSE of_a = form == PRODUCT_TN ? CblasTrans : CblasNoTrans, of_b = form == PRODUCT_NT ? CblasTrans : CblasNoTrans;
    cblas_sgemm(CblasRowMajor, of_a, of_b, (int)M, (int)N, (int)K, 1, a, (int)(form == PRODUCT_TN ? M : K), b,
                (int)(form == PRODUCT_NT ? K : N), add ? 1 : 0, y, (int)N);
}

void blas_use_one_thread(void)
{
    openblas_set_num_threads(1);
}

const char *kernels_blas(void)
{
    return openblas_get_corename();
}

/* What it falls back to on a processor that it does not know is Prescott, of 2004, or Haswell, of 2013. */
const char *blas_core_for(const char *taken, bool has_avx2, bool has_avx512)
{
    bool is_oldest = strcmp(taken, "Prescott") == 0, is_old = is_oldest || strcmp(taken, "Haswell") == 0;
    return has_avx512 && is_old ? "SkylakeX" : has_avx2 && is_oldest ? "Haswell" : NULL;
}
