/* The word kernels: every form against the plain one over awkward shapes, and the plain one against finite differences and by hand. */
#include "kernel_arguments.h"

#include "core/kernels/word_kernels.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void for_all_forms(void (*check)(const struct word_kernels *form, struct random *random))
{
    const struct word_kernels *forms[WORD_KERNEL_FORMS_MAX];
    size_t n_forms = word_kernels_forms(forms);
    for (size_t f = 0; f < n_forms; f++) {
        struct random random;
        random_init(&random, ARGUMENT_SEED, 1);
        check(forms[f], &random);
    }
}

/* starts [n + 1] of n groups of 0 to 7; to be freed. */
static uint32_t *group_starts(struct random *random, size_t n)
{
    uint32_t *starts = random_numbers(random, n + 1, 8);
    starts[0] = 0;
    for (size_t i = 0; i < n; i++)
        starts[i + 1] += starts[i];
    return starts;
}

/* Two results that must be close; frees both. */
static void expect_equal(float *fast, float *plain, size_t n, const char *form, const char *what, size_t number)
{
    char words[80];
    (void)snprintf(words, sizeof words, "%s, %s, shape %zu", form, what, number);
    expect_close(fast, plain, n, 1e-5f, words);
    free(fast);
    free(plain);
}

static const size_t shapes[][3] = {/* groups, rows of the table, channels */
                                   {0, 1, 5},    {1, 1, 1},   {2, 3, 8},     {9, 50, 16}, {20, 7, 3},
                                   {33, 64, 17}, {64, 9, 64}, {12, 30, 100}, {5, 2, 31}};
#define SHAPES (sizeof shapes / sizeof shapes[0])

static void check_bags(const struct word_kernels *form, struct random *random)
{
    for (size_t s = 0; s < SHAPES; s++) {
        size_t T = shapes[s][0], V = shapes[s][1], C = shapes[s][2];
        uint32_t *starts = group_starts(random, T), *row = random_numbers(random, starts[T], (uint32_t)V);
        float *table = random_floats(random, V * C, 1), *dy = random_floats(random, T * C, 1);
        float *y = random_floats(random, T * C, 1), *y_plain = zero_floats(T * C);
        float *dtable = random_floats(random, V * C, 1), *dtable_plain = copy_floats(dtable, V * C);
        form->bag(y, table, starts, row, T, C);
        word_kernels_plain.bag(y_plain, table, starts, row, T, C);
        expect_equal(y, y_plain, T * C, form->name, "bag", s);
        form->bag_backward(dtable, dy, starts, row, T, C);
        word_kernels_plain.bag_backward(dtable_plain, dy, starts, row, T, C);
        expect_equal(dtable, dtable_plain, V * C, form->name, "bag_backward", s);
        free(starts);
        free(row);
        free(table);
        free(dy);
    }
}

Test(word_kernels, bags_equal_the_plain_form)
{
    for_all_forms(check_bags);
}

static void check_greatest(const struct word_kernels *form, struct random *random)
{
    for (size_t s = 0; s < SHAPES; s++) {
        size_t S = shapes[s][0], C = shapes[s][2];
        uint32_t *starts = group_starts(random, S), *at = calloc(S * C + 1, sizeof *at), *at_plain = calloc(S * C + 1, sizeof *at);
        size_t n = starts[S] * C;
        float *x = random_floats(random, n, 1), *dy = random_floats(random, S * C, 1);
        for (size_t i = 0; i < n; i++)
            x[i] = roundf(2 * x[i]); /* many equal ones: the first of them counts */
        float *y = random_floats(random, S * C, 1), *y_plain = zero_floats(S * C), *dx = random_floats(random, n, 1);
        float *dx_plain = copy_floats(dx, n);
        form->greatest(y, at, x, starts, S, C);
        word_kernels_plain.greatest(y_plain, at_plain, x, starts, S, C);
        cr_expect_arr_eq(at, at_plain, S * C * sizeof *at, "%s, shape %zu", form->name, s);
        expect_equal(y, y_plain, S * C, form->name, "greatest", s);
        form->greatest_backward(dx, dy, at, starts, S, C);
        word_kernels_plain.greatest_backward(dx_plain, dy, at_plain, starts, S, C);
        expect_equal(dx, dx_plain, n, form->name, "greatest_backward", s);
        free(starts);
        free(at);
        free(at_plain);
        free(x);
        free(dy);
    }
}

Test(word_kernels, greatest_rows_equal_the_plain_form)
{
    for_all_forms(check_greatest);
}

/* --- the plain form itself --- */

Test(word_kernels, a_bag_is_the_mean_of_its_rows)
{
    const float table[] = {1, 10, 2, 20, 4, 40};
    const uint32_t starts[] = {0, 2, 2, 5}, row[] = {0, 2, 1, 1, 2};
    const float expected[] = {2.5f, 25, 0, 0, 8.f / 3, 80.f / 3};
    float y[6];
    word_kernels_plain.bag(y, table, starts, row, 3, 2);
    expect_close(y, expected, 6, 1e-6f, "one, none, one twice");
}

Test(word_kernels, a_text_has_its_greatest_rows)
{
    const float x[] = {1, -1, 3, -2, 3, -5, -7, 9}, expected[] = {3, -1, 0, 0, -7, 9};
    const uint32_t starts[] = {0, 3, 3, 4}, places[] = {1, 0, NO_ROW, NO_ROW, 3, 3};
    float y[6];
    uint32_t at[6];
    word_kernels_plain.greatest(y, at, x, starts, 3, 2);
    cr_expect_arr_eq(y, expected, sizeof y);
    cr_expect_arr_eq(at, places, sizeof at);
}

/* sum over y of y ∘ dy: its gradient with regard to anything is the backward pass of dy. */
static double along(const float *y, const float *dy, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)y[i] * (double)dy[i];
    return sum;
}

Test(word_kernels, gradients_of_bags_are_their_slopes)
{
    enum { T = 15, V = 11, C = 3 };
    struct random random;
    random_init(&random, ARGUMENT_SEED, 2);
    uint32_t *starts = group_starts(&random, T), *row = random_numbers(&random, starts[T], V);
    float *table = random_floats(&random, V * C, 1), *dy = random_floats(&random, T * C, 1), *dtable = zero_floats(V * C), y[T * C];
    word_kernels_plain.bag_backward(dtable, dy, starts, row, T, C);
    for (size_t i = 0; i < V * C; i++) { /* linear: the step may be large */
        float kept = table[i];
        table[i] = kept + .5f;
        word_kernels_plain.bag(y, table, starts, row, T, C);
        double more = along(y, dy, T * C);
        table[i] = kept - .5f;
        word_kernels_plain.bag(y, table, starts, row, T, C);
        table[i] = kept;
        cr_expect_float_eq(more - along(y, dy, T * C), (double)dtable[i], 1e-5, "%zu", i);
    }
    free(starts);
    free(row);
    free(table);
    free(dy);
    free(dtable);
}

Test(word_kernels, gradients_of_the_greatest_are_its_slopes)
{
    enum { S = 9, C = 3 };
    struct random random;
    random_init(&random, ARGUMENT_SEED, 3);
    uint32_t *starts = group_starts(&random, S), at[S * C];
    size_t n = starts[S] * C;
    float *x = zero_floats(n), *dy = random_floats(&random, S * C, 1), *dx = zero_floats(n), y[S * C];
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(i * 100 % 1009); /* all of them 1 or more apart: a step of .25 changes no order */
    word_kernels_plain.greatest(y, at, x, starts, S, C);
    word_kernels_plain.greatest_backward(dx, dy, at, starts, S, C);
    for (size_t i = 0; i < n; i++) {
        float kept = x[i];
        x[i] = kept + .25f;
        word_kernels_plain.greatest(y, at, x, starts, S, C);
        double more = along(y, dy, S * C);
        x[i] = kept - .25f;
        word_kernels_plain.greatest(y, at, x, starts, S, C);
        x[i] = kept;
        cr_expect_float_eq(2 * (more - along(y, dy, S * C)), (double)dx[i], 1e-4, "%zu", i);
    }
    free(starts);
    free(x);
    free(dy);
    free(dx);
}
