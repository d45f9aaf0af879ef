/* Every fast form against the plain one, over awkward sizes: nothing, one, just below and above a vector, a tile and a block. The softmax
 * has a file of its own. */
#include "core/kernels/blas.h"

#include "kernel_arguments.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct size {
    size_t N, C;
};
static const struct size sizes[] = {{0, 5},   {1, 1},   {2, 3},   {7, 8},    {5, 15},  {13, 16}, {6, 17},
                                    {31, 33}, {12, 63}, {50, 64}, {129, 65}, {9, 128}, {3, 200}};
#define SIZES (sizeof sizes / sizeof sizes[0])

/* Call check for every form that this processor has and every size. */
static void for_all(void (*check)(const struct kernels *fast, size_t N, size_t C, struct random *random))
{
    const struct kernels *forms[KERNEL_FORMS_MAX];
    size_t n_forms = kernels_forms(forms);
    cr_assert(n_forms >= 1);
    for (size_t f = 0; f < n_forms; f++) {
        for (size_t s = 0; s < SIZES; s++) {
            struct random random;
            random_init(&random, ARGUMENT_SEED, s);
            check(forms[f], sizes[s].N, sizes[s].C, &random);
        }
    }
}

/* One argument of an operation in two copies, one for each form. */
struct pair {
    float *plain, *fast;
    size_t n;
};

static struct pair pair_of(float *values, size_t n)
{
    return (struct pair){.plain = values, .fast = copy_floats(values, n), .n = n};
}

static void expect_same(struct pair *pair, float tolerance, const char *form, const char *words)
{
    char text[80];
    (void)snprintf(text, sizeof text, "%s, %s", form, words);
    expect_close(pair->fast, pair->plain, pair->n, tolerance, text);
    free(pair->plain);
    free(pair->fast);
}

static void check_embed(const struct kernels *fast, size_t N, size_t C, struct random *random)
{
    enum { V = 11, TYPES = 3 };
    float *items = random_floats(random, V * C, 1), *types = random_floats(random, TYPES * C, 1), *dy = random_floats(random, N * C, 1);
    uint32_t *item = random_numbers(random, N, V);
    uint8_t *type = random_types(random, N, TYPES);
    struct pair y = pair_of(zero_floats(N * C), N * C), ditems = pair_of(random_floats(random, V * C, 1), V * C),
                dtypes = pair_of(random_floats(random, TYPES * C, 1), TYPES * C);
    kernels_plain.embed_forward(y.plain, items, types, item, type, N, C);
    fast->embed_forward(y.fast, items, types, item, type, N, C);
    kernels_plain.embed_backward(ditems.plain, dtypes.plain, dy, item, type, N, C);
    fast->embed_backward(ditems.fast, dtypes.fast, dy, item, type, N, C);
    expect_same(&y, 1e-6f, fast->name, "embed y");
    expect_same(&ditems, 1e-5f, fast->name, "embed ditems");
    expect_same(&dtypes, 1e-5f, fast->name, "embed dtypes");
    free(items);
    free(types);
    free(dy);
    free(item);
    free(type);
}

Test(kernels, fast_embedding_equals_plain)
{
    for_all(check_embed);
}

static void check_norm(const struct kernels *fast, size_t N, size_t C, struct random *random)
{
    float *x = random_floats(random, N * C, 3), *g = random_floats(random, C, 2), *b = random_floats(random, C, 1),
          *dy = random_floats(random, N * C, 1);
    struct pair y = pair_of(zero_floats(N * C), N * C), z = pair_of(zero_floats(N * C), N * C), inverse = pair_of(zero_floats(N), N);
    struct pair dx = pair_of(zero_floats(N * C), N * C), dg = pair_of(random_floats(random, C, 1), C),
                db = pair_of(random_floats(random, C, 1), C);
    kernels_plain.norm_forward(y.plain, z.plain, inverse.plain, x, g, b, N, C);
    fast->norm_forward(y.fast, z.fast, inverse.fast, x, g, b, N, C);
    kernels_plain.norm_backward(dx.plain, dg.plain, db.plain, dy, z.plain, inverse.plain, g, N, C);
    fast->norm_backward(dx.fast, dg.fast, db.fast, dy, z.plain, inverse.plain, g, N, C);
    expect_same(&y, 1e-5f, fast->name, "norm y");
    expect_same(&z, 1e-5f, fast->name, "norm z");
    expect_same(&inverse, 1e-5f, fast->name, "norm inverse");
    expect_same(&dx, 1e-4f, fast->name, "norm dx");
    expect_same(&dg, 1e-4f, fast->name, "norm dg");
    expect_same(&db, 1e-4f, fast->name, "norm db");
    free(x);
    free(g);
    free(b);
    free(dy);
}

Test(kernels, fast_norm_equals_plain)
{
    for_all(check_norm);
}

static void check_conv(const struct kernels *fast, size_t N, size_t C, struct random *random)
{
    size_t S, K = 1 + random_below(random, 20);
    uint32_t *starts = random_starts(random, N, &S);
    float *x = random_floats(random, N * C, 1), *w = random_floats(random, K * C, 1), *dy = random_floats(random, N * C, 1);
    struct pair y = pair_of(zero_floats(N * C), N * C), dx = pair_of(random_floats(random, N * C, 1), N * C),
                dw = pair_of(random_floats(random, K * C, 1), K * C);
    kernels_plain.conv_forward(y.plain, x, w, starts, S, C, K);
    fast->conv_forward(y.fast, x, w, starts, S, C, K);
    kernels_plain.conv_backward(dx.plain, dw.plain, dy, x, w, starts, S, C, K);
    fast->conv_backward(dx.fast, dw.fast, dy, x, w, starts, S, C, K);
    expect_same(&y, 1e-5f, fast->name, "conv y");
    expect_same(&dx, 1e-5f, fast->name, "conv dx");
    expect_same(&dw, 1e-4f, fast->name, "conv dw");
    free(starts);
    free(x);
    free(w);
    free(dy);
}

Test(kernels, fast_convolution_equals_plain)
{
    for_all(check_conv);
}

static void check_conv_last(const struct kernels *fast, size_t N, size_t C, struct random *random)
{
    size_t M = N + random_below(random, 30), K = 1 + random_below(random, 20);
    const uint32_t starts[] = {0, (uint32_t)M};
    float *x = random_floats(random, M * C, 1), *w = random_floats(random, K * C, 1), *all = zero_floats(M * C);
    struct pair y = pair_of(zero_floats(N * C), N * C);
    kernels_plain.conv_forward(all, x, w, starts, 1, C, K);
    kernels_plain.conv_last(y.plain, x, w, M, N, C, K);
    fast->conv_last(y.fast, x, w, M, N, C, K);
    expect_close(y.plain, all + (M - N) * C, N * C, 0, "last rows of the plain convolution");
    fast->conv_forward(all, x, w, starts, 1, C, K);
    expect_close(y.fast, all + (M - N) * C, N * C, 0, "last rows of a fast convolution");
    expect_same(&y, 1e-5f, fast->name, "conv_last y");
    free(x);
    free(w);
    free(all);
}

Test(kernels, last_rows_of_the_convolution_are_those_of_the_whole)
{
    for_all(check_conv_last);
}

static void check_gelu(const struct kernels *fast, size_t N, size_t C, struct random *random)
{
    float *x = random_floats(random, N * C, 8), *b = random_floats(random, C, 1);
    struct pair y = pair_of(zero_floats(N * C), N * C), dx = pair_of(random_floats(random, N * C, 1), N * C),
                db = pair_of(random_floats(random, C, 1), C);
    if (N > 1)
        x[0] = 1e4f, x[1] = -1e4f; /* far outside the range of exp */
    kernels_plain.gelu_forward(y.plain, x, b, N, C);
    fast->gelu_forward(y.fast, x, b, N, C);
    kernels_plain.gelu_backward(dx.plain, db.plain, x, b, N, C);
    fast->gelu_backward(dx.fast, db.fast, x, b, N, C);
    expect_same(&y, 1e-5f, fast->name, "gelu y");
    expect_same(&dx, 1e-5f, fast->name, "gelu dx");
    expect_same(&db, 1e-4f, fast->name, "gelu db");
    free(x);
    free(b);
}

Test(kernels, fast_gelu_equals_plain)
{
    for_all(check_gelu);
}

static void check_residual(const struct kernels *fast, size_t N, size_t C, struct random *random)
{
    float *x = random_floats(random, N * C, 1), *f = random_floats(random, N * C, 1), *b = random_floats(random, C, 1),
          *keep = zero_floats(N * C);
    kernels_plain.dropout_mask(keep, N * C, 0.4f, random);
    for (int masked = 0; masked < 2; masked++) {
        const float *mask = masked ? keep : NULL;
        struct pair y = pair_of(zero_floats(N * C), N * C), df = pair_of(zero_floats(N * C), N * C),
                    db = pair_of(random_floats(random, C, 1), C);
        kernels_plain.residual_forward(y.plain, x, f, b, mask, N, C);
        fast->residual_forward(y.fast, x, f, b, mask, N, C);
        kernels_plain.residual_backward(df.plain, db.plain, x, mask, N, C);
        fast->residual_backward(df.fast, db.fast, x, mask, N, C);
        expect_same(&y, 1e-6f, fast->name, "residual y");
        expect_same(&df, 1e-6f, fast->name, "residual df");
        expect_same(&db, 1e-5f, fast->name, "residual db");
    }
    struct pair y = pair_of(zero_floats(N * C), N * C);
    kernels_plain.dropout(y.plain, x, keep, N * C);
    fast->dropout(y.fast, x, keep, N * C);
    expect_same(&y, 1e-6f, fast->name, "dropout y");
    free(x);
    free(f);
    free(b);
    free(keep);
}

Test(kernels, fast_residual_equals_plain)
{
    for_all(check_residual);
}

static void check_unit(const struct kernels *fast, size_t N, size_t C, struct random *random)
{
    float *x = random_floats(random, N * C, 1);
    struct pair y = pair_of(zero_floats(N * C), N * C), inverse = pair_of(zero_floats(N), N),
                dx = pair_of(random_floats(random, N * C, 1), N * C);
    kernels_plain.unit_forward(y.plain, inverse.plain, x, 14, N, C);
    fast->unit_forward(y.fast, inverse.fast, x, 14, N, C);
    kernels_plain.unit_backward(dx.plain, x, inverse.plain, 14, N, C);
    fast->unit_backward(dx.fast, x, inverse.plain, 14, N, C);
    expect_same(&y, 1e-5f, fast->name, "unit y");
    expect_same(&inverse, 1e-5f, fast->name, "unit inverse");
    expect_same(&dx, 1e-3f, fast->name, "unit dx");
    free(x);
}

Test(kernels, fast_scaling_to_length_1_equals_plain)
{
    for_all(check_unit);
}

static void check_adam(const struct kernels *fast, size_t N, size_t C, struct random *random)
{
    size_t n = N * C;
    float *g = random_floats(random, n, 1), *squares = random_floats(random, n, 1);
    for (size_t i = 0; i < n; i++)
        squares[i] = squares[i] * squares[i];
    struct pair w = pair_of(random_floats(random, n, 1), n), m = pair_of(random_floats(random, n, 1), n), v = pair_of(squares, n);
    struct adam_rates rates = {
        .learning_rate = 0.01f, .beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-8f, .correction1 = 1.7f, .correction2 = 30};
    kernels_plain.adam(w.plain, m.plain, v.plain, g, &rates, n);
    fast->adam(w.fast, m.fast, v.fast, g, &rates, n);
    kernels_plain.accumulate(w.plain, g, n);
    fast->accumulate(w.fast, g, n);
    expect_same(&w, 1e-5f, fast->name, "adam w");
    expect_same(&m, 1e-6f, fast->name, "adam m");
    expect_same(&v, 1e-6f, fast->name, "adam v");
    free(g);
}

Test(kernels, fast_adam_equals_plain)
{
    for_all(check_adam);
}

static void check_products(const struct kernels *fast, size_t N, size_t C, struct random *random)
{
    size_t K = C, columns = 1 + random_below(random, 90);
    if (N == 0)
        return; /* BLAS is not asked for products of nothing */
    float *a = random_floats(random, N * K, 1), *b = random_floats(random, K * columns, 1);
    for (enum product form = PRODUCT_NN; form <= PRODUCT_TN; form++) {
        for (int add = 0; add < 2; add++) {
            struct pair y = pair_of(random_floats(random, N * columns, 1), N * columns);
            kernels_plain.product(form, y.plain, a, b, N, columns, K, add);
            fast->product(form, y.fast, a, b, N, columns, K, add);
            expect_same(&y, 1e-4f, fast->name, "product");
        }
    }
    struct pair y = pair_of(zero_floats(N * columns), N * columns);
    kernels_plain.small_product(y.plain, a, b, N, K, columns);
    fast->small_product(y.fast, a, b, N, K, columns);
    expect_same(&y, 1e-4f, fast->name, "small product");
    free(a);
    free(b);
}

Test(kernels, fast_products_equal_plain)
{
    for_all(check_products);
}

static void check_scores(const struct kernels *fast, size_t V, size_t C, struct random *random)
{
    float *e = random_floats(random, V * C, 1), *u = random_floats(random, C, 1), *b = random_floats(random, V, 1),
          *lengths = random_floats(random, V, 1);
    for (int form = 0; form < 4; form++) {
        struct pair s = pair_of(zero_floats(V), V);
        kernels_plain.score_items(s.plain, e, u, 2, form & 1 ? lengths : NULL, form & 2 ? b : NULL, V, C);
        fast->score_items(s.fast, e, u, 2, form & 1 ? lengths : NULL, form & 2 ? b : NULL, V, C);
        expect_same(&s, 1e-5f, fast->name, "scores");
    }
    free(e);
    free(u);
    free(b);
    free(lengths);
}

Test(kernels, fast_scores_equal_plain)
{
    for_all(check_scores);
}

static void check_sum_of_powers(const struct kernels *fast, size_t N, size_t C, struct random *random)
{
    size_t V = N * C * 7;
    if (V == 0)
        return; /* nothing has no greatest */
    float *s = random_floats(random, V, 40), most[2];
    for (int form = 0; form < 3; form++) { /* all of them; without a third; with nothing left */
        for (size_t v = 0; v < V; v++)
            s[v] = form == 2 || (form == 1 && v % 3 == 1) ? -INFINITY : s[v];
        double plain = kernels_plain.sum_powers(s, V, &most[0]), quick = fast->sum_powers(s, V, &most[1]);
        cr_expect(most[0] == most[1], "%s, the greatest of %zu: %g, %g", fast->name, V, (double)most[0], (double)most[1]);
        cr_expect(fabs(plain - quick) <= 1e-6 * plain, "%s, sum of %zu powers: %.9g, %.9g", fast->name, V, plain, quick);
        cr_expect(form == 2 ? plain == 0 : plain >= 1);
    }
    free(s);
}

Test(kernels, fast_sum_of_powers_equals_plain)
{
    for_all(check_sum_of_powers);
}

Test(kernels, dropout_keeps_the_asked_for_share)
{
    enum { N = 100003 };
    struct random random;
    random_init(&random, ARGUMENT_SEED, 0);
    float *keep = zero_floats(N);
    const float shares[] = {0, .1f, .5f, .9f};
    for (size_t s = 0; s < sizeof shares / sizeof shares[0]; s++) {
        size_t n_dropped = 0;
        double sum = 0;
        kernels_fast()->dropout_mask(keep, N, shares[s], &random);
        for (size_t i = 0; i < N; i++) {
            n_dropped += keep[i] == 0;
            sum += (double)keep[i];
        }
        cr_assert(fabs((double)n_dropped / N - (double)shares[s]) < .005, "%zu of %d dropped, share %g", n_dropped, N, (double)shares[s]);
        cr_assert(fabs(sum / N - 1) < .04, "the mean of the mask is %g", sum / N);
    }
    free(keep);
}

Test(kernels, dropout_is_the_same_in_every_form)
{
    const struct kernels *forms[KERNEL_FORMS_MAX];
    size_t n_forms = kernels_forms(forms);
    for (size_t f = 0; f < n_forms; f++) {
        struct random a, b;
        float plain[131], fast[131];
        random_init(&a, 5, 7);
        random_init(&b, 5, 7);
        kernels_plain.dropout_mask(plain, 131, .3f, &a);
        forms[f]->dropout_mask(fast, 131, .3f, &b);
        expect_close(fast, plain, 131, 0, forms[f]->name);
        cr_assert(random_next(&a) == random_next(&b));
    }
}

Test(kernels, the_exact_form_multiplies_in_floats)
{
    cr_assert(!kernels_exact()->short_products);
    cr_assert(kernels_exact() == kernels_fast() || kernels_fast()->short_products);
}

Test(kernels, blas_for_an_old_processor_makes_way_for_what_this_one_has)
{
    cr_expect_str_eq(blas_core_for("Prescott", true, true), "SkylakeX");
    cr_expect_str_eq(blas_core_for("Haswell", true, true), "SkylakeX");
    cr_expect_str_eq(blas_core_for("Prescott", true, false), "Haswell");
    cr_expect_null(blas_core_for("Haswell", true, false));
    cr_expect_null(blas_core_for("Prescott", false, false));
    cr_expect_null(blas_core_for("Zen", true, true), "it knew the processor");
    cr_expect_null(blas_core_for("SkylakeX", true, true));
}

Test(kernels, products_of_this_machine_are_right)
{
    struct error error = {.detail = ""};
    cr_assert(kernels_check(&error) == STATUS_OK, "%s", error.detail);
}
