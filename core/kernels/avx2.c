/* The vector form in AVX2 and FMA. This file alone is compiled for such processors; kernels.c calls it only on one. */
#include "core/kernels/vector_forms.h"

#include "core/kernels/blas.h"
#include "core/kernels/plain.h"

#include <math.h>

#include "core/kernels/lanes_avx2.h"

#include "core/kernels/vector_rows.h"
#include "core/kernels/vector_conv.h"
#include "core/kernels/vector_tile.h"
#include "core/kernels/vector_softmax.h"
#include "core/kernels/vector_scores.h"
#include "core/kernels/vector_maps.h"
#include "core/kernels/vector_words.h"
#include "core/kernels/vector_table.h"

const struct kernels kernels_avx2 = VECTOR_TABLE("avx2", vector_softmax_loss, vector_softmax_bytes, false, 60, 35);
const struct map_kernels map_kernels_avx2 = VECTOR_MAPS("avx2");
const struct word_kernels word_kernels_avx2 = VECTOR_WORDS("avx2");
