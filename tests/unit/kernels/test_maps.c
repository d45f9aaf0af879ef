/* The map kernels: every form against the plain one over awkward shapes, and the plain one against finite differences and by hand. */
#include "kernel_arguments.h"

#include "core/kernels/maps.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct convolution shapes[] = {
    /* B  H  W  C  O KH KW same */
    {1, 1, 1, 1, 1, 1, 1, false},     {2, 3, 3, 1, 32, 3, 3, false}, {2, 7, 5, 3, 17, 3, 3, true},  {1, 9, 13, 2, 64, 3, 3, false},
    {3, 6, 6, 5, 80, 5, 5, true},     {2, 5, 5, 32, 7, 5, 5, false}, {1, 1, 20, 9, 33, 1, 3, true}, {2, 1, 12, 16, 130, 1, 5, false},
    {1, 13, 13, 32, 64, 3, 3, false}, {2, 4, 4, 1, 48, 1, 1, false}, {0, 4, 4, 3, 4, 3, 3, true},   {1, 2, 9, 4, 16, 5, 3, true},
    {2, 3, 4, 2, 33, 3, 3, false},    {1, 1, 7, 3, 20, 3, 1, true},
};
#define SHAPES (sizeof shapes / sizeof shapes[0])

struct sizes {
    size_t in, out, weights;
};

static struct sizes sizes_of(const struct convolution *conv)
{
    return (struct sizes){conv->B * conv->H * conv->W * conv->C, conv->B * convolution_height(conv) * convolution_width(conv) * conv->O,
                          conv->KH * conv->KW * conv->C * conv->O};
}

static void for_all_forms(void (*check)(const struct map_kernels *form, struct random *random))
{
    const struct map_kernels *forms[MAP_KERNEL_FORMS_MAX];
    size_t n_forms = map_kernels_forms(forms);
    for (size_t f = 0; f < n_forms; f++) {
        struct random random;
        random_init(&random, ARGUMENT_SEED, 1);
        check(forms[f], &random);
    }
}

/* Two results that must be close; frees both. */
static void expect_equal(float *fast, float *plain, size_t n, const char *form, const char *what, size_t number)
{
    char words[80];
    (void)snprintf(words, sizeof words, "%s, %s, shape %zu", form, what, number);
    expect_close(fast, plain, n, 1e-4f, words);
    free(fast);
    free(plain);
}

static void check_convolution(const struct map_kernels *form, struct random *random)
{
    for (size_t s = 0; s < SHAPES; s++) {
        const struct convolution *conv = &shapes[s];
        struct sizes n = sizes_of(conv);
        float *x = random_floats(random, n.in, 1), *w = random_floats(random, n.weights, 1), *bias = random_floats(random, conv->O, 1);
        float *dy = random_floats(random, n.out, 1), *workspace = zero_floats(convolution_floats(conv));
        float *y = zero_floats(n.out), *y_plain = zero_floats(n.out), *dx = zero_floats(n.in), *dx_plain = zero_floats(n.in);
        float *dw = random_floats(random, n.weights, 1), *dw_plain = copy_floats(dw, n.weights);
        form->convolve(y, x, w, bias, conv, workspace);
        map_kernels_plain.convolve(y_plain, x, w, bias, conv, workspace);
        expect_equal(y, y_plain, n.out, form->name, "convolve", s);
        form->convolve_backward_input(dx, dy, w, conv, workspace);
        map_kernels_plain.convolve_backward_input(dx_plain, dy, w, conv, workspace);
        expect_equal(dx, dx_plain, n.in, form->name, "convolve_backward_input", s);
        size_t n_rows = conv->KH * conv->KW * conv->C, middle = n_rows / 2; /* in two parts, as two workers would */
        form->convolve_backward_weights(dw, dy, x, conv, (struct rows){0, middle}, workspace);
        form->convolve_backward_weights(dw, dy, x, conv, (struct rows){middle, n_rows}, workspace);
        map_kernels_plain.convolve_backward_weights(dw_plain, dy, x, conv, (struct rows){0, n_rows}, workspace);
        expect_equal(dw, dw_plain, n.weights, form->name, "convolve_backward_weights", s);
        free(x);
        free(w);
        free(bias);
        free(dy);
        free(workspace);
    }
}

Test(maps, convolutions_equal_the_plain_form)
{
    for_all_forms(check_convolution);
}

static void check_pool(const struct map_kernels *form, struct random *random)
{
    static const struct pooling pools[] = {{1, 2, 2, 1, 2, 2}, {2, 5, 7, 3, 2, 2},    {3, 6, 4, 33, 2, 2}, {1, 9, 9, 16, 3, 3},
                                           {2, 4, 4, 5, 1, 1}, {2, 1, 64, 17, 1, 64}, {1, 3, 9, 2, 2, 4}};
    for (size_t s = 0; s < sizeof pools / sizeof pools[0]; s++) {
        const struct pooling *pool = &pools[s];
        size_t n = pool->B * pool->H * pool->W * pool->C, n_out = pool->B * (pool->H / pool->PH) * (pool->W / pool->PW) * pool->C;
        float *x = random_floats(random, n, 1), *dy = random_floats(random, n_out, 1);
        for (size_t i = 0; i < n; i++)
            x[i] = roundf(2 * x[i]); /* many equal ones: the first of them counts */
        float *y = zero_floats(n_out), *y_plain = zero_floats(n_out), *dx = random_floats(random, n, 1), *dx_plain = copy_floats(dx, n);
        uint8_t *at = calloc(n_out + 1, 1), *at_plain = calloc(n_out + 1, 1);
        form->pool(y, at, x, pool);
        map_kernels_plain.pool(y_plain, at_plain, x, pool);
        cr_expect_arr_eq(at, at_plain, n_out, "%s, shape %zu", form->name, s);
        expect_equal(y, y_plain, n_out, form->name, "pool", s);
        form->pool_backward(dx, dy, at, pool);
        map_kernels_plain.pool_backward(dx_plain, dy, at_plain, pool);
        expect_equal(dx, dx_plain, n, form->name, "pool_backward", s);
        free(x);
        free(dy);
        free(at);
        free(at_plain);
    }
}

Test(maps, pools_equal_the_plain_form)
{
    for_all_forms(check_pool);
}

static void check_rows(const struct map_kernels *form, struct random *random)
{
    static const size_t rows[][2] = {{1, 1}, {2, 3}, {7, 16}, {31, 33}, {128, 64}, {5, 100}};
    for (size_t s = 0; s < sizeof rows / sizeof rows[0]; s++) {
        size_t N = rows[s][0], C = rows[s][1], n = N * C;
        float *y = random_floats(random, n, 1), *y_plain = copy_floats(y, n), *dy = random_floats(random, n, 1),
              *dy_plain = copy_floats(dy, n);
        float *bias = random_floats(random, C, 1), *db = random_floats(random, C, 1), *db_plain = copy_floats(db, C);
        form->add_bias(y, bias, N, C);
        map_kernels_plain.add_bias(y_plain, bias, N, C);
        form->relu(y, n);
        map_kernels_plain.relu(y_plain, n);
        form->relu_backward(dy, y, n);
        map_kernels_plain.relu_backward(dy_plain, y_plain, n);
        form->sum_rows(db, dy, N, C);
        map_kernels_plain.sum_rows(db_plain, dy_plain, N, C);
        expect_equal(y, y_plain, n, form->name, "add_bias, relu", s);
        expect_equal(dy, dy_plain, n, form->name, "relu_backward", s);
        expect_equal(db, db_plain, C, form->name, "sum_rows", s);
        free(bias);
    }
}

Test(maps, bias_and_relu_equal_the_plain_form)
{
    for_all_forms(check_rows);
}

static void check_batch_norm(const struct map_kernels *form, struct random *random)
{
    static const size_t rows[][2] = {{1, 1}, {2, 3}, {7, 16}, {31, 33}, {128, 64}};
    for (size_t s = 0; s < sizeof rows / sizeof rows[0]; s++) {
        size_t N = rows[s][0], C = rows[s][1], n = N * C;
        float *x = random_floats(random, n, 1), *g = random_floats(random, C, 1), *b = random_floats(random, C, 1);
        float *dy = random_floats(random, n, 1), *dg = random_floats(random, C, 1), *dg_plain = copy_floats(dg, C);
        float *db = random_floats(random, C, 1), *db_plain = copy_floats(db, C), *dx = zero_floats(n), *dx_plain = zero_floats(n);
        float *y = zero_floats(2 * n + 3 * C), *y_plain = zero_floats(2 * n + 3 * C); /* y z mean variance inverse */
        form->batch_norm(y, y + n, y + 2 * n, y + 2 * n + C, y + 2 * n + 2 * C, x, g, b, 1e-3f, N, C);
        map_kernels_plain.batch_norm(y_plain, y_plain + n, y_plain + 2 * n, y_plain + 2 * n + C, y_plain + 2 * n + 2 * C, x, g, b, 1e-3f, N,
                                     C);
        form->batch_norm_backward(dx, dg, db, dy, y + n, y + 2 * n + 2 * C, g, N, C);
        map_kernels_plain.batch_norm_backward(dx_plain, dg_plain, db_plain, dy, y_plain + n, y_plain + 2 * n + 2 * C, g, N, C);
        expect_equal(y, y_plain, 2 * n + 3 * C, form->name, "batch_norm", s);
        expect_equal(dx, dx_plain, n, form->name, "batch_norm_backward, dx", s);
        expect_equal(dg, dg_plain, C, form->name, "batch_norm_backward, dg", s);
        expect_equal(db, db_plain, C, form->name, "batch_norm_backward, db", s);
        free(x);
        free(g);
        free(b);
        free(dy);
    }
}

Test(maps, batch_norm_equals_the_plain_form)
{
    for_all_forms(check_batch_norm);
}

static void check_classes(const struct map_kernels *form, struct random *random)
{
    static const size_t rows[][2] = {{1, 1}, {2, 3}, {7, 16}, {5, 10}, {32, 10}, {3, 33}, {2, 1000}};
    static const float sizes[] = {0, 1, 30, 3e4f}; /* the last: all probability is on one class */
    for (size_t s = 0; s < sizeof rows / sizeof rows[0]; s++)
        for (size_t z = 0; z < sizeof sizes / sizeof sizes[0]; z++) {
            size_t N = rows[s][0], K = rows[s][1], n_all = 2 * N;
            float *x = random_floats(random, N * K, sizes[z]), *dx = zero_floats(N * K), *dx_plain = zero_floats(N * K);
            float *p = copy_floats(x, N * K), *p_plain = zero_floats(N * K);
            uint32_t *target = random_numbers(random, N, (uint32_t)K);
            form->softmax(p, p, N, K);
            map_kernels_plain.softmax(p_plain, x, N, K);
            expect_equal(p, p_plain, N * K, form->name, "softmax", s);
            float loss = (float)form->cross_entropy(dx, x, target, .1f, n_all, N, K);
            float loss_plain = (float)map_kernels_plain.cross_entropy(dx_plain, x, target, .1f, n_all, N, K);
            expect_close(&loss, &loss_plain, 1, 1e-5f, form->name);
            expect_equal(dx, dx_plain, N * K, form->name, "cross_entropy", s);
            free(x);
            free(target);
        }
}

Test(maps, softmax_and_its_loss_equal_the_plain_form)
{
    for_all_forms(check_classes);
}

/* --- the plain form itself --- */

Test(maps, cross_entropy_spreads_a_part_of_the_target_over_all_classes)
{
    const float x[] = {1, 2, 3, 0};
    const uint32_t target[] = {2};
    float dx[4], p[4];
    map_kernels_plain.softmax(p, x, 1, 4);
    cr_expect_float_eq(p[2], exp(3) / (exp(1) + exp(2) + exp(3) + 1), 1e-6);
    double loss = map_kernels_plain.cross_entropy(dx, x, target, .2f, 1, 1, 4);
    double total = log(exp(1) + exp(2) + exp(3) + 1);
    cr_expect_float_eq(loss, total - .85 * 3 - .05 * (1 + 2 + 0), 1e-6);
    cr_expect_float_eq(dx[2], (double)p[2] - .85, 1e-6);
    cr_expect_float_eq(dx[0], (double)p[0] - .05, 1e-6);
}

Test(maps, gradients_of_a_cross_entropy_are_its_slopes)
{
    enum { N = 4, K = 5 };
    struct random random;
    random_init(&random, ARGUMENT_SEED, 10);
    float *x = random_floats(&random, N * K, 2), dx[N * K], other[N * K];
    const uint32_t target[N] = {4, 0, 2, 2};
    (void)map_kernels_plain.cross_entropy(dx, x, target, .1f, 6, N, K);
    for (size_t i = 0; i < N * K; i++) {
        float kept = x[i], step = 1e-2f;
        x[i] = kept + step;
        double more = map_kernels_plain.cross_entropy(other, x, target, .1f, 6, N, K);
        x[i] = kept - step;
        double less = map_kernels_plain.cross_entropy(other, x, target, .1f, 6, N, K);
        x[i] = kept;
        cr_expect_float_eq((more - less) / (2 * (double)step), (double)dx[i], 1e-5, "logit %zu", i);
    }
    free(x);
}

Test(maps, a_convolution_by_hand)
{
    const struct convolution valid = {1, 2, 3, 1, 1, 2, 2, false}, same = {1, 2, 2, 1, 1, 3, 3, true};
    const float x[] = {1, 2, 3, 4, 5, 6}, w[] = {1, 10, 100, 1000}, bias[] = {.5f}, ones[] = {1, 1, 1, 1, 1, 1, 1, 1, 1}, zero[] = {0};
    float y[4];
    map_kernels_plain.convolve(y, x, w, bias, &valid, NULL);
    cr_expect_eq(y[0], 1 + 20 + 400 + 5000 + .5f);
    cr_expect_eq(y[1], 2 + 30 + 500 + 6000 + .5f);
    map_kernels_plain.convolve(y, x, ones, zero, &same, NULL);
    for (int i = 0; i < 4; i++)
        cr_expect_eq(y[i], 10, "all four are seen from everywhere");
}

/* sum over y of y ∘ dy: its gradient with regard to anything is the backward pass of dy. */
static double along(const float *y, const float *dy, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)y[i] * (double)dy[i];
    return sum;
}

struct differences {
    const struct convolution *conv;
    float *x, *w, *bias, *dy, *y;
};

static double loss_of(const struct differences *job)
{
    map_kernels_plain.convolve(job->y, job->x, job->w, job->bias, job->conv, NULL);
    return along(job->y, job->dy, sizes_of(job->conv).out);
}

/* The slope of the loss at each of n parameters, by central differences: a convolution is linear in each, so the step may be large. */
static void expect_slopes(const struct differences *job, float *parameters, const float *gradient, size_t n, const char *what)
{
    for (size_t i = 0; i < n; i++) {
        float kept = parameters[i];
        parameters[i] = kept + .5f;
        double more = loss_of(job);
        parameters[i] = kept - .5f;
        double less = loss_of(job);
        parameters[i] = kept;
        cr_expect_lt(fabs(more - less - (double)gradient[i]), 1e-3, "%s %zu: %g, by differences %g", what, i, (double)gradient[i],
                     more - less);
    }
}

Test(maps, gradients_of_a_convolution_are_its_slopes)
{
    static const struct convolution sloped[] = {/* 3x3 and 5x5, valid and same; the last map is smaller than its window */
                                                {2, 3, 3, 1, 32, 3, 3, false},
                                                {2, 7, 5, 3, 17, 3, 3, true},
                                                {2, 8, 7, 3, 4, 5, 5, false},
                                                {2, 6, 7, 3, 4, 5, 5, true},
                                                {1, 3, 4, 2, 5, 5, 5, true}};
    for (size_t s = 0; s < sizeof sloped / sizeof sloped[0]; s++) {
        const struct convolution *conv = &sloped[s];
        struct sizes n = sizes_of(conv);
        struct random random;
        random_init(&random, ARGUMENT_SEED, s);
        struct differences job = {conv,
                                  random_floats(&random, n.in, 1),
                                  random_floats(&random, n.weights, 1),
                                  random_floats(&random, conv->O, 1),
                                  random_floats(&random, n.out, 1),
                                  zero_floats(n.out)};
        float *dx = zero_floats(n.in), *dw = zero_floats(n.weights);
        map_kernels_plain.convolve_backward_input(dx, job.dy, job.w, conv, NULL);
        map_kernels_plain.convolve_backward_weights(dw, job.dy, job.x, conv, (struct rows){0, conv->KH * conv->KW * conv->C}, NULL);
        expect_slopes(&job, job.x, dx, n.in, "dx");
        expect_slopes(&job, job.w, dw, n.weights, "dw");
        free(job.x);
        free(job.w);
        free(job.bias);
        free(job.dy);
        free(job.y);
        free(dx);
        free(dw);
    }
}

static double batch_norm_loss(const float *x, const float *g, const float *b, const float *dy, size_t N, size_t C)
{
    float *y = zero_floats(2 * N * C + 3 * C);
    map_kernels_plain.batch_norm(y, y + N * C, y + 2 * N * C, y + 2 * N * C + C, y + 2 * N * C + 2 * C, x, g, b, 1e-3f, N, C);
    double loss = along(y, dy, N * C);
    free(y);
    return loss;
}

Test(maps, gradients_of_a_batch_norm_are_its_slopes)
{
    enum { N = 9, C = 3 };
    struct random random;
    random_init(&random, ARGUMENT_SEED, 9);
    float *x = random_floats(&random, N * C, 1), *g = random_floats(&random, C, 1), *b = random_floats(&random, C, 1);
    float *dy = random_floats(&random, N * C, 1), *y = zero_floats(2 * N * C + 3 * C), dx[N * C], dg[C] = {0}, db[C] = {0};
    map_kernels_plain.batch_norm(y, y + N * C, y + 2 * N * C, y + 2 * N * C + C, y + 2 * N * C + 2 * C, x, g, b, 1e-3f, N, C);
    map_kernels_plain.batch_norm_backward(dx, dg, db, dy, y + N * C, y + 2 * N * C + 2 * C, g, N, C);
    float *parameters[] = {x, g, b}, *gradients[] = {dx, dg, db};
    const size_t n_parameters[] = {N * C, C, C};
    for (size_t p = 0; p < 3; p++)
        for (size_t i = 0; i < n_parameters[p]; i++) {
            float kept = parameters[p][i], step = 1e-2f;
            parameters[p][i] = kept + step;
            double more = batch_norm_loss(x, g, b, dy, N, C);
            parameters[p][i] = kept - step;
            double less = batch_norm_loss(x, g, b, dy, N, C);
            parameters[p][i] = kept;
            cr_expect_lt(fabs((more - less) / (2 * (double)step) - (double)gradients[p][i]), 5e-3, "parameter %zu of %zu", i, p);
        }
    free(x);
    free(g);
    free(b);
    free(dy);
    free(y);
}
