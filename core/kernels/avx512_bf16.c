/* The softmax of the AVX-512 form with products in bfloat16, for processors that have AVX512_BF16; avx512.c puts it into a table. This file
 * alone is compiled for such processors; kernels.c calls it only on one. */
#include "core/kernels/vector_forms.h"

#include "core/kernels/lanes_avx512.h"

#define TILE_FMA(a, b, c) _mm512_dpbf16_ps(c, (__m512bh)(a), (__m512bh)(b)) /* c + the two products of a pair */

#include "core/kernels/vector_loops.h"
#include "core/kernels/vector_tile.h"
#include "core/kernels/bf16_softmax.h"

double softmax_loss_bf16(float *restrict dx, float *restrict de, float *restrict db, const struct softmax_rows *rows,
                         const float *restrict e, const float *restrict b, void *restrict workspace)
{
    double loss = 0;
    size_t n_blocks = (rows->N + BLOCK_ROWS - 1) / BLOCK_ROWS, first = 0;
    for (size_t i = 0; i < n_blocks; i++) { /* blocks of equal size */
        size_t end = rows->N * (i + 1) / n_blocks;
        struct bf16_block block = {.n_rows = end - first,
                                   .n_padded = round_up(end - first, 2 * LANES),
                                   .V = rows->V,
                                   .C = rows->C,
                                   .C_padded = round_up(rows->C, LANES),
                                   .x = rows->x + first * rows->C,
                                   .e = e,
                                   .b = b,
                                   .weight = rows->weight + first,
                                   .target = rows->target + first,
                                   .skip = rows->skip ? rows->skip + first : NULL,
                                   .dx = dx + first * rows->C,
                                   .de = de,
                                   .db = db};
        bf16_place(&block, workspace);
        bf16_begin(&block);
        if (!(bf16_pieces(&block) < SHIFT_MOST)) {
            bf16_shift(&block);
            (void)bf16_pieces(&block);
        }
        loss += bf16_scale(&block);
        for (size_t v = 0; v < block.V; v += PIECE_ITEMS)
            bf16_items(&block, v, v + PIECE_ITEMS < block.V ? v + PIECE_ITEMS : block.V);
        bf16_targets(&block);
        first = end;
    }
    return loss;
}

size_t softmax_bytes_bf16(size_t N, size_t V, size_t C)
{
    return bf16_bytes(N, V, C);
}
