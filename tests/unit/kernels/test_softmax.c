/* The softmax in every form against the plain one: over a catalogue, over a sample with the targets behind it, with great scores.
 *
 * Forms with products in bfloat16 are given arguments that are bfloat16 already: what then is left of the difference is the rounding of the
 * powers and of the scaled rows, 2^-8 of each, so the tolerance can be small; it grows with the rows that are
 * summed. One test holds them to what kernels.h promises of any
 * arguments. */
#include "kernel_arguments.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct softmax_case {
    size_t N, V, C, n_behind; /* targets are below V + n_behind */
    bool skips;
    float size; /* of x */
    float loss_tolerance, tolerance;
};

/* To the nearest bfloat16, ties to even. */
static void shorten(float *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        bits = (bits + 0x7fffu + (bits >> 16 & 1)) & 0xffff0000u;
        memcpy(&values[i], &bits, sizeof bits);
    }
}

/* One row in three skips its own target, which then must not be skipped, one in three any shared item, one none. */
static uint32_t *random_skips(struct random *random, const struct softmax_rows *rows)
{
    uint32_t *skip = random_numbers(random, rows->N, (uint32_t)rows->V);
    for (size_t n = 0; n < rows->N; n++) {
        uint32_t kind = random_below(random, 3);
        skip[n] = kind == 0 ? rows->target[n] : kind == 1 ? UINT32_MAX : skip[n];
    }
    return skip;
}

static void compare(const struct kernels *form, const struct softmax_case *c, bool short_arguments, struct random *random)
{
    size_t N = c->N, V = c->V, C = c->C, n_items = V + c->n_behind;
    float *x = random_floats(random, N * C, c->size), *e = random_floats(random, n_items * C, 1), *b = random_floats(random, n_items, 1),
          *weight = random_floats(random, N, 1);
    if (short_arguments) {
        shorten(x, N * C);
        shorten(e, n_items * C);
    }
    uint32_t *target = random_numbers(random, N, (uint32_t)n_items);
    struct softmax_rows rows = {.x = x, .target = target, .weight = weight, .N = N, .V = V, .C = C};
    uint32_t *skip = c->skips ? random_skips(random, &rows) : NULL;
    rows.skip = skip;
    float *dx[2] = {random_floats(random, N * C, 1), zero_floats(N * C)}, *de[2] = {random_floats(random, n_items * C, 1)},
          *db[2] = {random_floats(random, n_items, 1)};
    de[1] = copy_floats(de[0], n_items * C);
    db[1] = copy_floats(db[0], n_items);
    void *plain_space = zero_floats(kernels_plain.softmax_bytes(N, V, C) / sizeof(float));
    void *space = aligned_alloc(64, (form->softmax_bytes(N, V, C) + 64) / 64 * 64);
    cr_assert(space);
    double plain = kernels_plain.softmax_loss(dx[0], de[0], db[0], &rows, e, b, plain_space);
    double loss = form->softmax_loss(dx[1], de[1], db[1], &rows, e, b, space);
    double all_weight = 1;
    for (size_t n = 0; n < N; n++)
        all_weight += fabs((double)weight[n]);
    cr_assert(fabs(plain - loss) <= (double)c->loss_tolerance * all_weight,
              "%s, loss of %zu rows, %zu items and %zu behind, %zu channels: %.9g, expected %.9g", form->name, N, V, c->n_behind, C, loss,
              plain);
    expect_close(dx[1], dx[0], N * C, c->tolerance, form->name);
    expect_close(de[1], de[0], n_items * C, c->tolerance, form->name);
    expect_close(db[1], db[0], n_items, c->tolerance, form->name);
    free(x), free(e), free(b), free(weight), free(target), free(skip), free(plain_space), free(space);
    for (int i = 0; i < 2; i++)
        free(dx[i]), free(de[i]), free(db[i]);
}

/* Every form over awkward sizes: below and above a vector, a tile, a panel, a piece and a block. */
static void compare_forms(struct softmax_case c)
{
    static const struct {
        size_t N, V, C;
    } sizes[] = {{0, 3, 5},     {1, 1, 1},     {2, 2, 3},     {7, 5, 8},       {5, 6, 15},    {13, 7, 16},    {6, 12, 17}, {31, 191, 33},
                 {12, 193, 63}, {50, 400, 64}, {129, 97, 65}, {160, 192, 128}, {500, 31, 31}, {3, 1000, 200}, {48, 33, 2}};
    const struct kernels *forms[KERNEL_FORMS_MAX];
    size_t n_forms = kernels_forms(forms);
    float loss_tolerance = c.loss_tolerance, tolerance = c.tolerance;
    for (size_t f = 0; f < n_forms; f++) {
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
            struct random random;
            random_init(&random, ARGUMENT_SEED, s);
            c.N = sizes[s].N, c.V = sizes[s].V, c.C = sizes[s].C;
            c.loss_tolerance = forms[f]->short_products ? loss_tolerance + 0x1p-8f : loss_tolerance;
            c.tolerance = forms[f]->short_products ? tolerance + c.size * 0x1p-7f * sqrtf(1 + (float)c.N / 100) : tolerance;
            compare(forms[f], &c, forms[f]->short_products, &random);
        }
    }
}

Test(softmax, over_a_catalogue_equals_plain)
{
    compare_forms((struct softmax_case){.size = 1, .loss_tolerance = 1e-5f, .tolerance = 1e-4f});
}

Test(softmax, of_a_row_without_others_costs_nothing)
{
    const struct kernels *forms[KERNEL_FORMS_MAX];
    size_t n_forms = kernels_forms(forms);
    for (size_t f = 0; f < n_forms; f++) {
        struct random random;
        random_init(&random, ARGUMENT_SEED, f);
        struct softmax_case one = {.N = 200, .V = 1, .C = 33, .size = 1, .loss_tolerance = 1e-5f, .tolerance = 1e-4f};
        compare(forms[f], &one, forms[f]->short_products, &random);
    }
}

Test(softmax, over_a_sample_with_targets_behind_it_equals_plain)
{
    compare_forms((struct softmax_case){.n_behind = 40, .size = 1, .loss_tolerance = 1e-5f, .tolerance = 1e-4f});
}

Test(softmax, leaves_out_what_a_row_skips)
{
    compare_forms((struct softmax_case){.skips = true, .size = 1, .loss_tolerance = 1e-5f, .tolerance = 1e-4f});
}

Test(softmax, skips_in_a_sample_with_targets_behind_it)
{
    compare_forms((struct softmax_case){.n_behind = 9, .skips = true, .size = 1, .loss_tolerance = 1e-5f, .tolerance = 1e-4f});
}

/* where a float's last bit moves the power by a thousandth */
Test(softmax, survives_scores_beyond_the_range_of_exp)
{
    compare_forms((struct softmax_case){.size = 60, .loss_tolerance = 1e-3f, .tolerance = 5e-3f});
}

Test(softmax, survives_great_scores_of_what_is_skipped_and_of_targets_behind)
{
    compare_forms((struct softmax_case){.n_behind = 20, .skips = true, .size = 60, .loss_tolerance = 1e-3f, .tolerance = 5e-3f});
}

/* The skipped item stands far above everything: were it the shift, nothing would be left of the sum. */
Test(softmax, is_not_shifted_by_a_skipped_item)
{
    const struct kernels *forms[KERNEL_FORMS_MAX];
    size_t n_forms = kernels_forms(forms);
    for (size_t f = 0; f < n_forms; f++) {
        float x[] = {1, 0}, e[] = {0, 0, 4000, 0, 300, 0, 0, 0}, b[4] = {0}, weight = 1, dx[2], de[8] = {0}, db[4] = {0};
        uint32_t target = 3, skip = 1;
        struct softmax_rows rows = {.x = x, .target = &target, .skip = &skip, .weight = &weight, .N = 1, .V = 3, .C = 2};
        void *space = aligned_alloc(64, (forms[f]->softmax_bytes(1, 3, 2) + 64) / 64 * 64);
        double loss = forms[f]->softmax_loss(dx, de, db, &rows, e, b, space);
        cr_assert(fabs(loss - 300) < (forms[f]->short_products ? 1 : 1e-3), "%s: the loss is %g", forms[f]->name, loss);
        cr_assert(db[1] == 0 && de[2] == 0, "%s: the skipped item's gradients are %g, %g", forms[f]->name, (double)db[1], (double)de[2]);
        cr_assert(fabsf(db[2] - 1) < 1e-2f && fabsf(db[3] + 1) < 1e-2f);
        free(space);
    }
}

/* |a - b| / |b| */
static double relative_distance(const float *a, const float *b, size_t n)
{
    double distance = 0, length = 0;
    for (size_t i = 0; i < n; i++) {
        distance += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
        length += (double)b[i] * (double)b[i];
    }
    return sqrt(distance / length);
}

/* Of arguments that are no bfloat16 and scores as a trained network has them, to what kernels.h says. */
Test(softmax, in_bfloat16_is_as_precise_as_promised)
{
    enum { N = 400, V = 1500, C = 64 };
    const struct kernels *forms[KERNEL_FORMS_MAX], *shorter = NULL;
    for (size_t i = kernels_forms(forms); i > 0 && !shorter; i--)
        shorter = forms[i - 1]->short_products ? forms[i - 1] : NULL;
    if (!shorter)
        cr_skip_test("this processor has no products in bfloat16");
    struct random random;
    random_init(&random, ARGUMENT_SEED, 3);
    float *x = random_floats(&random, N * C, 1), *e = random_floats(&random, V * C, 1), *b = random_floats(&random, V, 1),
          *weight = random_floats(&random, N, 0), *dx[2], *de[2], *db[2];
    uint32_t *target = random_numbers(&random, N, V);
    for (size_t n = 0; n < N; n++)
        weight[n] = 1.0f / N;
    struct softmax_rows rows = {.x = x, .target = target, .weight = weight, .N = N, .V = V, .C = C};
    double loss[2];
    for (int i = 0; i < 2; i++) {
        const struct kernels *form = i ? shorter : &kernels_plain;
        void *space = aligned_alloc(64, (form->softmax_bytes(N, V, C) + 64) / 64 * 64);
        dx[i] = zero_floats(N * C), de[i] = zero_floats(V * C), db[i] = zero_floats(V);
        loss[i] = form->softmax_loss(dx[i], de[i], db[i], &rows, e, b, space);
        free(space);
    }
    cr_assert(fabs(loss[1] - loss[0]) < 1e-3, "the mean loss is %.7g, plain %.7g", loss[1], loss[0]);
    double far[3] = {relative_distance(dx[1], dx[0], N * C), relative_distance(de[1], de[0], V * C), relative_distance(db[1], db[0], V)};
    cr_assert(far[0] < 0x1p-8 && far[1] < 0x1p-8 && far[2] < 0x1p-8, "gradients are off by %g, %g, %g", far[0], far[1], far[2]);
    double sum = 0;
    for (size_t v = 0; v < V; v++)
        sum += (double)db[1][v];
    cr_assert(fabs(sum) < 1e-5, "probabilities and targets both sum to 1, the difference is %g", sum);
    free(x), free(e), free(b), free(weight), free(target);
    for (int i = 0; i < 2; i++)
        free(dx[i]), free(de[i]), free(db[i]);
}

/* A row that is sure of its target must not be pushed around by rounding. */
Test(softmax, of_a_certain_row_has_no_gradient)
{
    enum { V = 50, C = 24 };
    const struct kernels *forms[KERNEL_FORMS_MAX];
    size_t n_forms = kernels_forms(forms);
    for (size_t f = 0; f < n_forms; f++) {
        struct random random;
        random_init(&random, ARGUMENT_SEED, f);
        float *x = random_floats(&random, C, 1), *e = random_floats(&random, V * C, 1), *b = zero_floats(V), weight = .3f, dx[C],
              *de = zero_floats(V * C), *db = zero_floats(V), zero[V * C] = {0};
        uint32_t target = 7;
        b[target] = 40;
        struct softmax_rows rows = {.x = x, .target = &target, .weight = &weight, .N = 1, .V = V, .C = C};
        void *space = aligned_alloc(64, (forms[f]->softmax_bytes(1, V, C) + 64) / 64 * 64);
        double loss = forms[f]->softmax_loss(dx, de, db, &rows, e, b, space);
        cr_assert(fabs(loss) < 1e-5, "%s: %g", forms[f]->name, loss);
        expect_close(dx, zero, C, 1e-5f, forms[f]->name);
        expect_close(de, zero, V * C, 1e-5f, forms[f]->name);
        expect_close(db, zero, V, 1e-5f, forms[f]->name);
        free(x), free(e), free(b), free(de), free(db), free(space);
    }
}

Test(softmax, gives_the_same_bits_again)
{
    enum { N = 150, V = 333, C = 40 };
    const struct kernels *forms[KERNEL_FORMS_MAX];
    size_t n_forms = kernels_forms(forms);
    for (size_t f = 0; f < n_forms; f++) {
        struct random random;
        random_init(&random, ARGUMENT_SEED, f);
        float *x = random_floats(&random, N * C, 1), *e = random_floats(&random, V * C, 1), *b = random_floats(&random, V, 1),
              *weight = random_floats(&random, N, 1), *results[2];
        uint32_t *target = random_numbers(&random, N, V);
        struct softmax_rows rows = {.x = x, .target = target, .weight = weight, .N = N, .V = V, .C = C};
        double loss[2];
        for (int i = 0; i < 2; i++) {
            size_t bytes = (forms[f]->softmax_bytes(N, V, C) + 64) / 64 * 64;
            void *space = aligned_alloc(64, bytes);
            memset(space, i ? 0x7f : 0, bytes); /* what stands in the workspace before does not matter */
            results[i] = zero_floats(N * C + V * C + V);
            loss[i] = forms[f]->softmax_loss(results[i], results[i] + N * C, results[i] + N * C + V * C, &rows, e, b, space);
            free(space);
        }
        cr_assert(loss[0] == loss[1] && memcmp(results[0], results[1], (N * C + V * C + V) * sizeof(float)) == 0, "%s", forms[f]->name);
        free(x), free(e), free(b), free(weight), free(target), free(results[0]), free(results[1]);
    }
}
