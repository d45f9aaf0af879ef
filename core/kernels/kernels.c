/* Which form this processor gets, and whether its products can be trusted; the rates of Adam, which are the same in every form. */
#include "core/kernels/kernels.h"

#include "core/kernels/blas.h"
#include "core/kernels/plain.h"
#include "core/kernels/processor.h"
#include "core/kernels/vector_forms.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

size_t kernels_forms(const struct kernels *out_forms[KERNEL_FORMS_MAX])
{
    size_t n = 0;
    out_forms[n++] = &kernels_portable;
#if defined(__x86_64__)
    if (has_avx2())
        out_forms[n++] = &kernels_avx2;
    if (has_bf16() && !is_quick_at_bf16())
        out_forms[n++] = &kernels_avx512_bf16;
    if (has_avx512())
        out_forms[n++] = &kernels_avx512;
    if (is_quick_at_bf16())
        out_forms[n++] = &kernels_avx512_bf16;
#endif
    return n;
}

const struct kernels *kernels_fast(void)
{
    const struct kernels *forms[KERNEL_FORMS_MAX];
    return forms[kernels_forms(forms) - 1];
}

const struct kernels *kernels_exact(void)
{
    const struct kernels *forms[KERNEL_FORMS_MAX];
    size_t n = kernels_forms(forms);
    while (forms[n - 1]->short_products)
        n--;
    return forms[n - 1];
}

size_t map_kernels_forms(const struct map_kernels *out_forms[MAP_KERNEL_FORMS_MAX])
{
    size_t n = 0;
    out_forms[n++] = &map_kernels_plain;
#if defined(__x86_64__)
    if (has_avx2())
        out_forms[n++] = &map_kernels_avx2;
    if (has_avx512())
        out_forms[n++] = &map_kernels_avx512;
#endif
    return n;
}

const struct map_kernels *map_kernels_fast(void)
{
    const struct map_kernels *forms[MAP_KERNEL_FORMS_MAX];
    return forms[map_kernels_forms(forms) - 1];
}

size_t word_kernels_forms(const struct word_kernels *out_forms[WORD_KERNEL_FORMS_MAX])
{
    size_t n = 0;
    out_forms[n++] = &word_kernels_plain;
#if defined(__x86_64__)
    if (has_avx2())
        out_forms[n++] = &word_kernels_avx2;
    if (has_avx512())
        out_forms[n++] = &word_kernels_avx512;
#endif
    return n;
}

const struct word_kernels *word_kernels_fast(void)
{
    const struct word_kernels *forms[WORD_KERNEL_FORMS_MAX];
    return forms[word_kernels_forms(forms) - 1];
}

#define ADAM_BETA1 0.9f
#define ADAM_BETA2 0.999f

struct adam_rates adam_rates_at(float learning_rate, float epsilon, uint64_t step)
{
    return (struct adam_rates){.learning_rate = learning_rate,
                               .beta1 = ADAM_BETA1,
                               .beta2 = ADAM_BETA2,
                               .epsilon = epsilon,
                               .correction1 = (float)(1 / (1 - pow((double)ADAM_BETA1, (double)step))),
                               .correction2 = (float)(1 / (1 - pow((double)ADAM_BETA2, (double)step)))};
}

void kernels_choose_blas(char *const argv[])
{
    const char *core = getenv(BLAS_CORE_VARIABLE) ? NULL : blas_core_for(kernels_blas(), has_avx2(), has_avx512());
    char self[PATH_MAX]; /* by the link itself the process would be called "exe" */
    ssize_t n = core ? readlink("/proc/self/exe", self, sizeof self - 1) : -1;
    if (n > 0 && setenv(BLAS_CORE_VARIABLE, core, 1) == 0) {
        self[n] = '\0';
        (void)execv(self, argv); /* a failure: it goes on as it began */
    }
}

enum status kernels_check(struct error *error)
{
    blas_use_one_thread();
    enum { M = 37, N = 71, K = 53 };
    static const char *const names[] = {"a b", "a bᵀ", "aᵀ b"};
    float a[M * K], b[K * N], plain[M * N], fast[M * N];
    struct random random;
    random_init(&random, 1, 0);
    for (size_t i = 0; i < M * K; i++)
        a[i] = random_uniform(&random) - 0.5f;
    for (size_t i = 0; i < K * N; i++)
        b[i] = random_uniform(&random) - 0.5f;
    for (enum product form = PRODUCT_NN; form <= PRODUCT_TN; form++) {
        product_ref(form, plain, a, b, M, N, K, false);
        kernels_fast()->product(form, fast, a, b, M, N, K, false);
        for (size_t i = 0; i < M * N; i++) {
            if (!(fabsf(plain[i] - fast[i]) < 1e-4f))
                return fail(error, STATUS_INVALID,
                            "OpenBLAS computes wrong products on this processor (%s: %g, expected %g); set OPENBLAS_CORETYPE=Haswell in "
                            "the environment",
                            names[form], (double)fast[i], (double)plain[i]);
        }
    }
    return STATUS_OK;
}
