/* Random arguments for operations, and comparison of two results. The seed is printed when a comparison fails. */
#ifndef TESTS_KERNEL_ARGUMENTS_H
#define TESTS_KERNEL_ARGUMENTS_H

#include "core/kernels/kernels.h"

#define ARGUMENT_SEED 20240601u

/* n floats from [-size, size) in memory of exactly that length, so that a sanitizer sees every step outside. To be freed. */
float *random_floats(struct random *random, size_t n, float size);
float *zero_floats(size_t n);
float *copy_floats(const float *values, size_t n);
uint32_t *random_numbers(struct random *random, size_t n, uint32_t bound);
uint8_t *random_types(struct random *random, size_t n, uint32_t bound);

/* Lengths of S sequences that sum to N, as starts [S + 1]: some of one row, some long. Gives S. */
uint32_t *random_starts(struct random *random, size_t N, size_t *out_S);

/* |a - b| <= tolerance · (1 + |b|) for all; else the test fails with the words, the place and both values. */
void expect_close(const float *a, const float *b, size_t n, float tolerance, const char *words);

#endif
