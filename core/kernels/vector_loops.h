/* Loops over the vectors of a row; the last one may be a part. Written in lanes (lanes_avx2.h, lanes_avx512.h), one of which is included
 * before. */
#ifndef KERNELS_VECTOR_LOOPS_H
#define KERNELS_VECTOR_LOOPS_H

#define FOR_VECTORS(c, n, C) for (size_t c = 0, n = (C); c < (C); c += LANES, n -= LANES < n ? LANES : n)

/* y[c] += x[c] */
INLINE void add_row(float *y, const float *x, size_t C)
{
    FOR_VECTORS(c, n, C)
    lanes_store_part(y + c, n, lanes_add(lanes_load_part(y + c, n), lanes_load_part(x + c, n)));
}

#endif
