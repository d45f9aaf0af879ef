/* The tables of the vector form. A table's functions may be called only on a processor that has its instructions (kernels.c asks). */
#ifndef KERNELS_VECTOR_FORMS_H
#define KERNELS_VECTOR_FORMS_H

#include "core/kernels/kernels.h"
#include "core/kernels/maps.h"
#include "core/kernels/word_kernels.h"

#if defined(__x86_64__)
extern const struct kernels kernels_avx2;
extern const struct kernels kernels_avx512;
extern const struct kernels kernels_avx512_bf16; /* only the softmax differs */
extern const struct map_kernels map_kernels_avx2;
extern const struct map_kernels map_kernels_avx512;
extern const struct word_kernels word_kernels_avx2;
extern const struct word_kernels word_kernels_avx512;

double softmax_loss_bf16(float *restrict dx, float *restrict de, float *restrict db, const struct softmax_rows *rows,
                         const float *restrict e, const float *restrict b, void *restrict workspace);
size_t softmax_bytes_bf16(size_t N, size_t V, size_t C);
#endif

#endif
