/* Everything comes from calloc of the exact size: AddressSanitizer then guards both ends. */
#include "kernel_arguments.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

float *zero_floats(size_t n)
{
    float *values = calloc(n ? n : 1, sizeof *values);
    cr_assert(values);
    return values;
}

float *random_floats(struct random *random, size_t n, float size)
{
    float *values = zero_floats(n);
    for (size_t i = 0; i < n; i++)
        values[i] = size * (2 * random_uniform(random) - 1);
    return values;
}

float *copy_floats(const float *values, size_t n)
{
    float *copy = zero_floats(n);
    memcpy(copy, values, n * sizeof *copy);
    return copy;
}

uint32_t *random_numbers(struct random *random, size_t n, uint32_t bound)
{
    uint32_t *numbers = calloc(n ? n : 1, sizeof *numbers);
    cr_assert(numbers);
    for (size_t i = 0; i < n; i++)
        numbers[i] = random_below(random, bound);
    return numbers;
}

uint8_t *random_types(struct random *random, size_t n, uint32_t bound)
{
    uint8_t *types = calloc(n ? n : 1, 1);
    cr_assert(types);
    for (size_t i = 0; i < n; i++)
        types[i] = (uint8_t)random_below(random, bound);
    return types;
}

uint32_t *random_starts(struct random *random, size_t N, size_t *out_S)
{
    uint32_t *starts = calloc(N + 1, sizeof *starts);
    cr_assert(starts);
    size_t S = 0;
    while (starts[S] < N) {
        uint32_t left = (uint32_t)N - starts[S], length = 1 + random_below(random, random_below(random, 3) ? 4 : 40);
        starts[S + 1] = starts[S] + (length < left ? length : left);
        S++;
    }
    *out_S = S;
    return starts;
}

void expect_close(const float *a, const float *b, size_t n, float tolerance, const char *words)
{
    for (size_t i = 0; i < n; i++)
        cr_assert(fabsf(a[i] - b[i]) <= tolerance * (1 + fabsf(b[i])), "%s: [%zu] of %zu is %.9g, expected %.9g (seed %u)", words, i, n,
                  (double)a[i], (double)b[i], ARGUMENT_SEED);
}
