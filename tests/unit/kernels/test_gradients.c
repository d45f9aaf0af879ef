/* Every backward operation of the plain form against finite differences. The plain form is the specification and test_kernels.c holds the
 * fast forms to it, so this is the ground on which all gradients stand. L = <y, p> for a random p; dL/dx by central differences in double.
 */
#include "kernel_arguments.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#define STEP 0.0078125f /* 2^-7: adding it loses no bits that matter */

/* L as a function of everything; whoever differentiates changes the floats that it reads. */
struct function {
    double (*value)(const struct function *function);
    size_t N, C, K;
    float *x, *w, *b, *y, *z, *inverse, *p; /* what each needs */
    const uint32_t *item, *starts;
    const uint8_t *type;
    const float *keep;
    size_t S;
    struct softmax_rows rows;
    void *workspace;
    float *spare[3];
};

static double along(const float *y, const float *p, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)y[i] * (double)p[i];
    return sum;
}

/* The gradients at x[n] by central differences against found[n]. */
static void expect_gradient(const struct function *function, float *x, size_t n, const float *found, const char *words)
{
    for (size_t i = 0; i < n; i++) {
        float kept = x[i], more = kept + STEP, less = kept - STEP;
        x[i] = more;
        double above = function->value(function);
        x[i] = less;
        double below = function->value(function);
        x[i] = kept;
        double slope = (above - below) / ((double)more - (double)less);
        cr_assert(fabs(slope - (double)found[i]) <= 2e-3 * (1 + fabs(slope)),
                  "%s: [%zu] of %zu is %.7g, finite differences say %.7g (seed %u)", words, i, n, (double)found[i], slope, ARGUMENT_SEED);
    }
}

static struct random seeded(void)
{
    struct random random;
    random_init(&random, ARGUMENT_SEED, 99);
    return random;
}

static double embed_value(const struct function *f)
{
    kernels_plain.embed_forward(f->y, f->x, f->w, f->item, f->type, f->N, f->C);
    return along(f->y, f->p, f->N * f->C);
}

Test(gradients, of_the_embedding)
{
    enum { N = 9, C = 5, V = 4, TYPES = 2 };
    struct random random = seeded();
    struct function f = {.value = embed_value,
                         .N = N,
                         .C = C,
                         .x = random_floats(&random, V * C, 1),
                         .w = random_floats(&random, TYPES * C, 1),
                         .y = zero_floats(N * C),
                         .p = random_floats(&random, N * C, 1),
                         .item = random_numbers(&random, N, V),
                         .type = random_types(&random, N, TYPES)};
    float *ditems = zero_floats(V * C), *dtypes = zero_floats(TYPES * C);
    kernels_plain.embed_backward(ditems, dtypes, f.p, f.item, f.type, N, C);
    expect_gradient(&f, f.x, V * C, ditems, "items");
    expect_gradient(&f, f.w, TYPES * C, dtypes, "types");
    free(f.x), free(f.w), free(f.y), free(f.p), free((void *)f.item), free((void *)f.type), free(ditems), free(dtypes);
}

static double norm_value(const struct function *f)
{
    kernels_plain.norm_forward(f->y, f->z, f->inverse, f->x, f->w, f->b, f->N, f->C);
    return along(f->y, f->p, f->N * f->C);
}

Test(gradients, of_the_norm)
{
    enum { N = 4, C = 7 };
    struct random random = seeded();
    struct function f = {.value = norm_value,
                         .N = N,
                         .C = C,
                         .x = random_floats(&random, N * C, 2),
                         .w = random_floats(&random, C, 1),
                         .b = random_floats(&random, C, 1),
                         .y = zero_floats(N * C),
                         .z = zero_floats(N * C),
                         .inverse = zero_floats(N),
                         .p = random_floats(&random, N * C, 1)};
    float *dx = zero_floats(N * C), *dg = zero_floats(C), *db = zero_floats(C);
    (void)f.value(&f);
    kernels_plain.norm_backward(dx, dg, db, f.p, f.z, f.inverse, f.w, N, C);
    expect_gradient(&f, f.x, N * C, dx, "x");
    expect_gradient(&f, f.w, C, dg, "scale");
    expect_gradient(&f, f.b, C, db, "shift");
    free(f.x), free(f.w), free(f.b), free(f.y), free(f.z), free(f.inverse), free(f.p), free(dx), free(dg), free(db);
}

static double conv_value(const struct function *f)
{
    kernels_plain.conv_forward(f->y, f->x, f->w, f->starts, f->S, f->C, f->K);
    return along(f->y, f->p, f->N * f->C);
}

Test(gradients, of_the_convolution)
{
    enum { N = 17, C = 3, K = 4 };
    static const uint32_t starts[] = {0, 1, 3, 12, 17};
    struct random random = seeded();
    struct function f = {.value = conv_value,
                         .N = N,
                         .C = C,
                         .K = K,
                         .starts = starts,
                         .S = 4,
                         .x = random_floats(&random, N * C, 1),
                         .w = random_floats(&random, K * C, 1),
                         .y = zero_floats(N * C),
                         .p = random_floats(&random, N * C, 1)};
    float *dx = zero_floats(N * C), *dw = zero_floats(K * C);
    kernels_plain.conv_backward(dx, dw, f.p, f.x, f.w, starts, 4, C, K);
    expect_gradient(&f, f.x, N * C, dx, "x");
    expect_gradient(&f, f.w, K * C, dw, "taps");
    free(f.x), free(f.w), free(f.y), free(f.p), free(dx), free(dw);
}

Test(gradients, convolution_leaks_nothing_into_another_sequence)
{
    enum { N = 12, C = 2, K = 5 };
    static const uint32_t starts[] = {0, 5, 12};
    struct random random = seeded();
    float *x = random_floats(&random, N * C, 1), *w = random_floats(&random, K * C, 1), *before = zero_floats(N * C),
          *after = zero_floats(N * C);
    kernels_fast()->conv_forward(before, x, w, starts, 2, C, K);
    x[4 * C] += 1; /* the first sequence's last row */
    kernels_fast()->conv_forward(after, x, w, starts, 2, C, K);
    expect_close(after + 5 * C, before + 5 * C, 7 * C, 0, "the second sequence");
    expect_close(after, before, 4 * C, 0, "rows before the changed one");
    cr_assert(after[4 * C] != before[4 * C]);
    free(x), free(w), free(before), free(after);
}

static double gelu_value(const struct function *f)
{
    kernels_plain.gelu_forward(f->y, f->x, f->b, f->N, f->C);
    return along(f->y, f->p, f->N * f->C);
}

Test(gradients, of_gelu)
{
    enum { N = 20, C = 6 };
    struct random random = seeded();
    struct function f = {.value = gelu_value,
                         .N = N,
                         .C = C,
                         .x = random_floats(&random, N * C, 4),
                         .b = random_floats(&random, C, 1),
                         .y = zero_floats(N * C),
                         .p = random_floats(&random, N * C, 1)};
    float *dx = copy_floats(f.p, N * C), *db = zero_floats(C);
    kernels_plain.gelu_backward(dx, db, f.x, f.b, N, C);
    expect_gradient(&f, f.x, N * C, dx, "x");
    expect_gradient(&f, f.b, C, db, "bias");
    free(f.x), free(f.b), free(f.y), free(f.p), free(dx), free(db);
}

static double residual_value(const struct function *f)
{
    kernels_plain.residual_forward(f->y, f->x, f->w, f->b, f->keep, f->N, f->C);
    return along(f->y, f->p, f->N * f->C);
}

Test(gradients, of_the_residual_with_dropout)
{
    enum { N = 6, C = 5 };
    struct random random = seeded();
    float *keep = zero_floats(N * C), *df = zero_floats(N * C), *db = zero_floats(C);
    kernels_plain.dropout_mask(keep, N * C, .5f, &random);
    struct function f = {.value = residual_value,
                         .N = N,
                         .C = C,
                         .keep = keep,
                         .x = random_floats(&random, N * C, 1),
                         .w = random_floats(&random, N * C, 1),
                         .b = random_floats(&random, C, 1),
                         .y = zero_floats(N * C),
                         .p = random_floats(&random, N * C, 1)};
    kernels_plain.residual_backward(df, db, f.p, keep, N, C);
    expect_gradient(&f, f.x, N * C, f.p, "x");
    expect_gradient(&f, f.w, N * C, df, "f");
    expect_gradient(&f, f.b, C, db, "bias");
    free(keep), free(df), free(db), free(f.x), free(f.w), free(f.b), free(f.y), free(f.p);
}

static double unit_value(const struct function *f)
{
    kernels_plain.unit_forward(f->y, f->inverse, f->x, 3, f->N, f->C);
    return along(f->y, f->p, f->N * f->C);
}

Test(gradients, of_scaling_to_length_1)
{
    enum { N = 5, C = 6 };
    struct random random = seeded();
    struct function f = {.value = unit_value,
                         .N = N,
                         .C = C,
                         .x = random_floats(&random, N * C, 1),
                         .inverse = zero_floats(N),
                         .y = zero_floats(N * C),
                         .p = random_floats(&random, N * C, 1)};
    float *dx = copy_floats(f.p, N * C);
    (void)f.value(&f);
    kernels_plain.unit_backward(dx, f.x, f.inverse, 3, N, C);
    expect_gradient(&f, f.x, N * C, dx, "x");
    free(f.x), free(f.inverse), free(f.y), free(f.p), free(dx);
}

static double softmax_value(const struct function *f)
{
    return kernels_plain.softmax_loss(f->spare[0], f->spare[1], f->spare[2], &f->rows, f->w, f->b, f->workspace);
}

Test(gradients, of_the_softmax)
{
    enum { N = 5, V = 9, C = 4 };
    struct random random = seeded();
    struct function f = {.value = softmax_value,
                         .x = random_floats(&random, N * C, 1),
                         .w = random_floats(&random, V * C, 1),
                         .b = random_floats(&random, V, 1),
                         .p = random_floats(&random, N, 1),
                         .item = random_numbers(&random, N, V),
                         .workspace = zero_floats(V),
                         .spare = {zero_floats(N * C), zero_floats(V * C), zero_floats(V)}};
    f.rows = (struct softmax_rows){.x = f.x, .target = f.item, .weight = f.p, .N = N, .V = V, .C = C};
    float *dx = zero_floats(N * C), *de = zero_floats(V * C), *db = zero_floats(V);
    (void)kernels_plain.softmax_loss(dx, de, db, &f.rows, f.w, f.b, f.workspace);
    expect_gradient(&f, f.x, N * C, dx, "x");
    expect_gradient(&f, f.w, V * C, de, "items");
    expect_gradient(&f, f.b, V, db, "bias");
    free(f.x), free(f.w), free(f.b), free(f.p), free((void *)f.item), free(f.workspace), free(f.spare[0]), free(f.spare[1]),
        free(f.spare[2]);
    free(dx), free(de), free(db);
}

/* Two items stand behind the shared ones: row 1 and 3 have one as their target; rows 0 and 3 skip a shared item. */
Test(gradients, of_the_softmax_over_a_sample)
{
    enum { N = 5, V = 7, ALL = 9, C = 4 };
    static const uint32_t target[N] = {2, 8, 6, 7, 0}, skip[N] = {5, UINT32_MAX, UINT32_MAX, 1, UINT32_MAX};
    struct random random = seeded();
    struct function f = {.value = softmax_value,
                         .x = random_floats(&random, N * C, 1),
                         .w = random_floats(&random, ALL * C, 1),
                         .b = random_floats(&random, ALL, 1),
                         .p = random_floats(&random, N, 1),
                         .workspace = zero_floats(V),
                         .spare = {zero_floats(N * C), zero_floats(ALL * C), zero_floats(ALL)}};
    f.rows = (struct softmax_rows){.x = f.x, .target = target, .skip = skip, .weight = f.p, .N = N, .V = V, .C = C};
    float *dx = zero_floats(N * C), *de = zero_floats(ALL * C), *db = zero_floats(ALL);
    (void)kernels_plain.softmax_loss(dx, de, db, &f.rows, f.w, f.b, f.workspace);
    expect_gradient(&f, f.x, N * C, dx, "x");
    expect_gradient(&f, f.w, ALL * C, de, "items");
    expect_gradient(&f, f.b, ALL, db, "bias");
    free(f.x), free(f.w), free(f.b), free(f.p), free(f.workspace), free(f.spare[0]), free(f.spare[1]), free(f.spare[2]);
    free(dx), free(de), free(db);
}

Test(gradients, of_the_softmax_do_not_move_the_mean_of_the_bias)
{
    enum { N = 40, V = 130, C = 16 };
    struct random random = seeded();
    float *x = random_floats(&random, N * C, 1), *e = random_floats(&random, V * C, 1), *b = random_floats(&random, V, 1),
          *weight = random_floats(&random, N, 1);
    float *dx = zero_floats(N * C), *de = zero_floats(V * C), *db = zero_floats(V),
          *workspace = zero_floats(kernels_fast()->softmax_bytes(N, V, C) / sizeof(float));
    uint32_t *target = random_numbers(&random, N, V);
    struct softmax_rows rows = {.x = x, .target = target, .weight = weight, .N = N, .V = V, .C = C};
    (void)kernels_fast()->softmax_loss(dx, de, db, &rows, e, b, workspace);
    double sum = 0;
    for (size_t v = 0; v < V; v++)
        sum += (double)db[v];
    cr_assert(fabs(sum) < 1e-4, "probabilities and targets both sum to 1, the difference is %g", sum);
    free(x), free(e), free(b), free(weight), free(dx), free(de), free(db), free(workspace), free(target);
}
