/* The tables of the vector form. A table's functions may be called only on a processor that has its instructions (kernels.c asks). */
#ifndef KERNELS_VECTOR_FORMS_H
#define KERNELS_VECTOR_FORMS_H

#include "core/kernels/kernels.h"

#if defined(__x86_64__)
extern const struct kernels kernels_avx2;
extern const struct kernels kernels_avx512;
#endif

#endif
