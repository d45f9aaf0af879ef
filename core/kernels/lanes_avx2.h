/* Lanes of AVX2 and FMA: the few vector operations that the vector form is written in. Included by avx2.c alone.
 *
 * _part loads and stores the first n floats (all if n >= LANES; none outside is touched; lanes beyond are 0). */
#ifndef KERNELS_LANES_H
#define KERNELS_LANES_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define LANES        8u
#define TILE_VECTORS 2u /* 6 rows of 2 vectors, 2 vectors and a number fit the 16 registers */
#define lanes        __m256
#define INLINE       static inline __attribute__((always_inline))

INLINE __m256i lanes_mask(size_t n)
{
    static const int32_t ones[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
    return _mm256_loadu_si256((const __m256i *)(const void *)(ones + 8 - n));
}

INLINE lanes lanes_load(const float *p)
{
    return _mm256_loadu_ps(p);
}

INLINE lanes lanes_load_part(const float *p, size_t n)
{
    return n >= LANES ? _mm256_loadu_ps(p) : _mm256_maskload_ps(p, lanes_mask(n));
}

INLINE void lanes_store(float *p, lanes x)
{
    _mm256_storeu_ps(p, x);
}

INLINE void lanes_store_part(float *p, size_t n, lanes x)
{
    if (n >= LANES)
        _mm256_storeu_ps(p, x);
    else
        _mm256_maskstore_ps(p, lanes_mask(n), x);
}

/* x with the lanes from n on 0. */
INLINE lanes lanes_keep(lanes x, size_t n)
{
    return n >= LANES ? x : _mm256_and_ps(x, _mm256_castsi256_ps(lanes_mask(n)));
}

/* x with other where ids, LANES of them, are id. */
INLINE lanes lanes_where(lanes x, const uint32_t *ids, uint32_t id, float other)
{
    __m256i equal = _mm256_cmpeq_epi32(_mm256_loadu_si256((const __m256i *)(const void *)ids), _mm256_set1_epi32((int)id));
    return _mm256_blendv_ps(x, _mm256_set1_ps(other), _mm256_castsi256_ps(equal));
}

INLINE lanes lanes_set(float x)
{
    return _mm256_set1_ps(x);
}

INLINE lanes lanes_zero(void)
{
    return _mm256_setzero_ps();
}

INLINE lanes lanes_add(lanes a, lanes b)
{
    return _mm256_add_ps(a, b);
}

INLINE lanes lanes_sub(lanes a, lanes b)
{
    return _mm256_sub_ps(a, b);
}

INLINE lanes lanes_mul(lanes a, lanes b)
{
    return _mm256_mul_ps(a, b);
}

INLINE lanes lanes_div(lanes a, lanes b)
{
    return _mm256_div_ps(a, b);
}

INLINE lanes lanes_sqrt(lanes a)
{
    return _mm256_sqrt_ps(a);
}

INLINE lanes lanes_max(lanes a, lanes b)
{
    return _mm256_max_ps(a, b);
}

INLINE lanes lanes_min(lanes a, lanes b)
{
    return _mm256_min_ps(a, b);
}

/* yes where a > b, else no */
INLINE lanes lanes_if_more(lanes a, lanes b, lanes yes, lanes no)
{
    return _mm256_blendv_ps(no, yes, _mm256_cmp_ps(a, b, _CMP_GT_OQ));
}

/* a b + c */
INLINE lanes lanes_fma(lanes a, lanes b, lanes c)
{
    return _mm256_fmadd_ps(a, b, c);
}

INLINE float lanes_sum(lanes a)
{
    __m128 half = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    half = _mm_add_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}

INLINE float lanes_most(lanes a)
{
    __m128 half = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    half = _mm_max_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_max_ss(half, _mm_movehdup_ps(half)));
}

INLINE lanes lanes_round(lanes a)
{
    return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* a 2^n, n whole and from -126 to 127 */
INLINE lanes lanes_scale(lanes a, lanes n)
{
    __m256i power = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
    return _mm256_mul_ps(a, _mm256_castsi256_ps(power));
}

#endif
