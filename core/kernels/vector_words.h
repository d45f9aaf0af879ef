/* The vector form of the word kernels: a vector of channels at a time, over the rows that belong to it. Written in lanes (lanes_avx2.h,
 * lanes_avx512.h), one of which is included before. */
#ifndef KERNELS_VECTOR_WORDS_H
#define KERNELS_VECTOR_WORDS_H

#include "core/kernels/vector_loops.h"
#include "core/kernels/word_kernels.h"

#include <string.h>

static void vector_bag(float *restrict y, const float *restrict table, const uint32_t starts[], const uint32_t row[], size_t T, size_t C)
{
    for (size_t t = 0; t < T; t++) {
        uint32_t n_features = starts[t + 1] - starts[t];
        lanes share = lanes_set(n_features ? 1 / (float)n_features : 0);
        FOR_VECTORS(c, left, C)
        {
            lanes sum = lanes_zero();
            for (uint32_t i = starts[t]; i < starts[t + 1]; i++)
                sum = lanes_add(sum, lanes_load_part(table + row[i] * C + c, left));
            lanes_store_part(y + t * C + c, left, lanes_mul(sum, share));
        }
    }
}

static void vector_bag_backward(float *restrict dtable, const float *restrict dy, const uint32_t starts[], const uint32_t row[], size_t T,
                                size_t C)
{
    for (size_t t = 0; t < T; t++) {
        uint32_t n_features = starts[t + 1] - starts[t];
        lanes share = lanes_set(n_features ? 1 / (float)n_features : 0);
        FOR_VECTORS(c, left, C)
        {
            lanes slope = lanes_mul(lanes_load_part(dy + t * C + c, left), share);
            for (uint32_t i = starts[t]; i < starts[t + 1]; i++) {
                float *to = dtable + row[i] * C + c;
                lanes_store_part(to, left, lanes_add(lanes_load_part(to, left), slope));
            }
        }
    }
}

/* Which word is the greatest is kept in floats, too, counted from the text's first: 2^24 is exact. */
static void greatest_of_text(float *y, uint32_t *at, const float *x, uint32_t first, uint32_t end, size_t C)
{
    float places[LANES];
    FOR_VECTORS(c, left, C)
    {
        lanes best = lanes_load_part(x + first * C + c, left), place = lanes_zero();
        float k = 1;
        for (size_t t = (size_t)first + 1; t < end; t++, k++) {
            lanes other = lanes_load_part(x + t * C + c, left);
            place = lanes_if_more(other, best, lanes_set(k), place);
            best = lanes_if_more(other, best, other, best);
        }
        lanes_store_part(y + c, left, best);
        lanes_store(places, place);
        for (size_t l = 0; l < (left < LANES ? left : LANES); l++)
            at[c + l] = first + (uint32_t)places[l];
    }
}

static void vector_greatest(float *restrict y, uint32_t *restrict at, const float *restrict x, const uint32_t starts[], size_t S, size_t C)
{
    for (size_t s = 0; s < S; s++, y += C, at += C) {
        if (starts[s] < starts[s + 1]) {
            greatest_of_text(y, at, x, starts[s], starts[s + 1], C);
            continue;
        }
        memset(y, 0, C * sizeof *y);
        for (size_t c = 0; c < C; c++)
            at[c] = NO_ROW;
    }
}

static void vector_greatest_backward(float *restrict dx, const float *restrict dy, const uint32_t *restrict at, const uint32_t starts[],
                                     size_t S, size_t C)
{
    memset(dx, 0, starts[S] * C * sizeof *dx);
    for (size_t s = 0; s < S; s++, dy += C, at += C)
        for (size_t c = 0; c < C && starts[s] < starts[s + 1]; c++)
            dx[at[c] * C + c] = dy[c];
}

#define VECTOR_WORDS(kind)                                                                                                                 \
    {                                                                                                                                      \
        .name = kind, .bag = vector_bag, .bag_backward = vector_bag_backward, .greatest = vector_greatest,                                 \
        .greatest_backward = vector_greatest_backward                                                                                      \
    }

#endif
