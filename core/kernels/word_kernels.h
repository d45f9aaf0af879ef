/* Word kernels: the operations of networks over words, in a plain and a fast form, as maps.h has those over pictures.
 *
 * Texts are packed one behind the other without gaps: text s has the words starts[s] … starts[s + 1] - 1, of which there may be none, and
 * word t the features starts[t] … starts[t + 1] - 1. starts begin at 0 and do not fall. A convolution over the words of one text is that of
 * maps.h with H = KH = 1 and needs no operation of its own.
 *
 * Size letters: S texts, T = starts[S] words, V rows of a table, C channels. Backward operations write what is named dx and *add* to
 * dtable. The plain form is the specification; the fast form gives the same up to rounding, and the same bits every time on one processor.
 * No operation allocates, fails or keeps anything. Threads: any; the memory is the caller's. */
#ifndef KERNELS_WORD_KERNELS_H
#define KERNELS_WORD_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#define NO_ROW UINT32_MAX

struct word_kernels {
    const char *name;

    /* y[t] = mean over i in [starts[t], starts[t + 1]) of table[row[i]], 0 of no features
     * y [T, C]  table [V, C]  starts [T + 1]  row [starts[T]], each below V */
    void (*bag)(float *restrict y, const float *restrict table, const uint32_t starts[], const uint32_t row[], size_t T, size_t C);
    /* dtable[row[i]] += dy[t] / features of t, for every feature i of word t in their order; a row that is there twice gets it twice */
    void (*bag_backward)(float *restrict dtable, const float *restrict dy, const uint32_t starts[], const uint32_t row[], size_t T,
                         size_t C);

    /* y[s, c] = the greatest of x[t, c] over the words t of text s, at[s, c] which t (the first of equals); of no words 0 and NO_ROW
     * y at [S, C]  x [T, C]  starts [S + 1]; no text has more than 2^24 words */
    void (*greatest)(float *restrict y, uint32_t *restrict at, const float *restrict x, const uint32_t starts[], size_t S, size_t C);
    void (*greatest_backward)(float *restrict dx, const float *restrict dy, const uint32_t *restrict at, const uint32_t starts[], size_t S,
                              size_t C);
};

extern const struct word_kernels word_kernels_plain;

/* The forms that this processor can run, slowest first, the plain one among them; returns how many. The fastest of them. */
#define WORD_KERNEL_FORMS_MAX 3
size_t word_kernels_forms(const struct word_kernels *out_forms[WORD_KERNEL_FORMS_MAX]);
const struct word_kernels *word_kernels_fast(void);

#endif
