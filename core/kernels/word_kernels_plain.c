/* The plain form of the word kernels: the formulas of word_kernels.h as loops, sums in double. */
#include "core/kernels/word_kernels.h"

#include <string.h>

static void bag_ref(float *restrict y, const float *restrict table, const uint32_t starts[], const uint32_t row[], size_t T, size_t C)
{
    for (size_t t = 0; t < T; t++)
        for (size_t c = 0; c < C; c++) {
            double sum = 0;
            for (uint32_t i = starts[t]; i < starts[t + 1]; i++)
                sum += (double)table[row[i] * C + c];
            y[t * C + c] = starts[t] < starts[t + 1] ? (float)(sum / (starts[t + 1] - starts[t])) : 0;
        }
}

static void bag_backward_ref(float *restrict dtable, const float *restrict dy, const uint32_t starts[], const uint32_t row[], size_t T,
                             size_t C)
{
    for (size_t t = 0; t < T; t++)
        for (uint32_t i = starts[t]; i < starts[t + 1]; i++)
            for (size_t c = 0; c < C; c++)
                dtable[row[i] * C + c] += dy[t * C + c] / (float)(starts[t + 1] - starts[t]);
}

static void greatest_ref(float *restrict y, uint32_t *restrict at, const float *restrict x, const uint32_t starts[], size_t S, size_t C)
{
    for (size_t s = 0; s < S; s++)
        for (size_t c = 0; c < C; c++) {
            size_t best = starts[s];
            for (size_t t = best; t < starts[s + 1]; t++)
                best = x[t * C + c] > x[best * C + c] ? t : best;
            at[s * C + c] = starts[s] < starts[s + 1] ? (uint32_t)best : NO_ROW;
            y[s * C + c] = starts[s] < starts[s + 1] ? x[best * C + c] : 0;
        }
}

static void greatest_backward_ref(float *restrict dx, const float *restrict dy, const uint32_t *restrict at, const uint32_t starts[],
                                  size_t S, size_t C)
{
    memset(dx, 0, starts[S] * C * sizeof *dx);
    for (size_t i = 0; i < S * C; i++)
        if (at[i] != NO_ROW)
            dx[at[i] * C + i % C] = dy[i];
}

const struct word_kernels word_kernels_plain = {
    .name = "plain",
    .bag = bag_ref,
    .bag_backward = bag_backward_ref,
    .greatest = greatest_ref,
    .greatest_backward = greatest_backward_ref,
};
