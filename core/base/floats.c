/* 64 bytes: a vector of AVX-512, and a line of the cache. */
#include "core/base/floats.h"

#include <stdint.h>
#include <stdlib.h>

float *aligned_floats(size_t n)
{
    return n > SIZE_MAX / sizeof(float) - 64 ? NULL : aligned_alloc(64, (n * sizeof(float) + 64) / 64 * 64);
}
