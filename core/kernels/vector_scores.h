/* The vector form of what serving computes for one user: products of a few rows, the scores of a catalogue, a scan that memory bounds, in
 * which four items at a time share the loads of the user's vector, and the sum of a softmax over them. */
#ifndef KERNELS_VECTOR_SCORES_H
#define KERNELS_VECTOR_SCORES_H

static void vector_small_product(float *restrict y, const float *restrict x, const float *restrict w, size_t N, size_t C, size_t F)
{
    struct factors factors = {.a = x, .b = w, .a_row = C, .a_step = 1, .b_step = F, .K = C};
    tile_product(y, F, false, N, F, &factors);
}

static void vector_score_items(float *restrict s, const float *restrict e, const float *restrict u, float scale,
                               const float *restrict lengths, const float *restrict b, size_t V, size_t C)
{
    size_t v = 0;
    for (; v + 4 <= V; v += 4) {
        const float *row = e + v * C;
        lanes sums[4] = {lanes_zero(), lanes_zero(), lanes_zero(), lanes_zero()};
        FOR_VECTORS(c, n, C)
        {
            lanes user = lanes_load_part(u + c, n);
            sums[0] = lanes_fma(user, lanes_load_part(row + c, n), sums[0]);
            sums[1] = lanes_fma(user, lanes_load_part(row + C + c, n), sums[1]);
            sums[2] = lanes_fma(user, lanes_load_part(row + 2 * C + c, n), sums[2]);
            sums[3] = lanes_fma(user, lanes_load_part(row + 3 * C + c, n), sums[3]);
        }
        for (size_t i = 0; i < 4; i++)
            s[v + i] = scale * (lengths ? lengths[v + i] : 1) * lanes_sum(sums[i]) + (b ? b[v + i] : 0);
    }
    for (; v < V; v++)
        s[v] = scale * (lengths ? lengths[v] : 1) * vector_dot(e + v * C, u, C) + (b ? b[v] : 0);
}

#define SUM_BLOCK 4096u /* scores whose powers are summed in floats */

static double vector_sum_powers(const float s[], size_t V, float *out_most)
{
    double sum = 0;
    float most = *out_most = vector_most(s, V);
    if (!(most > -INFINITY))
        return 0;
    for (size_t v = 0; v < V; v += SUM_BLOCK)
        sum += (double)vector_powers(NULL, s + v, V - v < SUM_BLOCK ? V - v : SUM_BLOCK, most);
    return sum;
}

#endif
