/* Lanes of AVX-512: the few vector operations that the vector form is written in. Included by avx512.c alone.
 *
 * _part loads and stores the first n floats (all if n >= LANES; none outside is touched; lanes beyond are 0). */
#ifndef KERNELS_LANES_H
#define KERNELS_LANES_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define LANES        16u
#define TILE_VECTORS 4u /* 6 rows of 4 vectors, 4 vectors and a number fit the 32 registers */
#define lanes        __m512
#define INLINE       static inline __attribute__((always_inline))

INLINE __mmask16 lanes_mask(size_t n)
{
    return (__mmask16)((1u << n) - 1);
}

INLINE lanes lanes_load(const float *p)
{
    return _mm512_loadu_ps(p);
}

INLINE lanes lanes_load_part(const float *p, size_t n)
{
    return n >= LANES ? _mm512_loadu_ps(p) : _mm512_maskz_loadu_ps(lanes_mask(n), p);
}

INLINE void lanes_store(float *p, lanes x)
{
    _mm512_storeu_ps(p, x);
}

INLINE void lanes_store_part(float *p, size_t n, lanes x)
{
    if (n >= LANES)
        _mm512_storeu_ps(p, x);
    else
        _mm512_mask_storeu_ps(p, lanes_mask(n), x);
}

/* x with the lanes from n on 0. */
INLINE lanes lanes_keep(lanes x, size_t n)
{
    return n >= LANES ? x : _mm512_maskz_mov_ps(lanes_mask(n), x);
}

/* x with other where ids, LANES of them, are id. */
INLINE lanes lanes_where(lanes x, const uint32_t *ids, uint32_t id, float other)
{
    return _mm512_mask_mov_ps(x, _mm512_cmpeq_epi32_mask(_mm512_loadu_si512(ids), _mm512_set1_epi32((int)id)), _mm512_set1_ps(other));
}

INLINE lanes lanes_set(float x)
{
    return _mm512_set1_ps(x);
}

INLINE lanes lanes_zero(void)
{
    return _mm512_setzero_ps();
}

INLINE lanes lanes_add(lanes a, lanes b)
{
    return _mm512_add_ps(a, b);
}

INLINE lanes lanes_sub(lanes a, lanes b)
{
    return _mm512_sub_ps(a, b);
}

INLINE lanes lanes_mul(lanes a, lanes b)
{
    return _mm512_mul_ps(a, b);
}

INLINE lanes lanes_div(lanes a, lanes b)
{
    return _mm512_div_ps(a, b);
}

INLINE lanes lanes_sqrt(lanes a)
{
    return _mm512_sqrt_ps(a);
}

INLINE lanes lanes_max(lanes a, lanes b)
{
    return _mm512_max_ps(a, b);
}

INLINE lanes lanes_min(lanes a, lanes b)
{
    return _mm512_min_ps(a, b);
}

/* yes where a > b, else no */
INLINE lanes lanes_if_more(lanes a, lanes b, lanes yes, lanes no)
{
    return _mm512_mask_mov_ps(no, _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ), yes);
}

/* a b + c */
INLINE lanes lanes_fma(lanes a, lanes b, lanes c)
{
    return _mm512_fmadd_ps(a, b, c);
}

INLINE float lanes_sum(lanes a)
{
    return _mm512_reduce_add_ps(a);
}

INLINE float lanes_most(lanes a)
{
    return _mm512_reduce_max_ps(a);
}

/* |a| < 2^31. Not roundscale: without optimization that is a macro which converts a sign. */
INLINE lanes lanes_round(lanes a)
{
    return _mm512_cvtepi32_ps(_mm512_cvtps_epi32(a));
}

/* a 2^n, n whole and from -126 to 127 */
INLINE lanes lanes_scale(lanes a, lanes n)
{
    return _mm512_scalef_ps(a, n);
}

#endif
