/* Measures the softmax over the catalogue in every form that the processor has, and large products beside it: GFLOP/s of one core. The
 * forms take turns; the best and the median round are printed. Three products are counted, 6 N V C operations a call; the exponentials are
 * not.
 *
 *     taskset -c 1 bench_softmax [ITEMS] [ROWS] [ROUNDS] */
#include "core/base/random.h"
#include "core/kernels/kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MOST_ROUNDS 1000u
#define SIDE        768u /* of the square matrices of the product */

struct bench {
    size_t N, V, C;
    unsigned rounds;
    float *x, *e, *b, *dx, *de, *db, *weight;
    uint32_t *target;
    void *workspace;
};

static void *aligned(size_t bytes)
{
    size_t whole = (bytes + 64) / 64 * 64;
    void *memory = aligned_alloc(64, whole);
    if (!memory) {
        perror("bench_softmax");
        exit(1);
    }
    memset(memory, 0, whole);
    return memory;
}

static float *normal_floats(struct random *random, size_t n, float size)
{
    float *values = aligned(n * sizeof *values);
    for (size_t i = 0; i < n; i++)
        values[i] = size * random_normal(random);
    return values;
}

static void bench_init(struct bench *bench, const struct kernels *const forms[], size_t n_forms)
{
    struct random random;
    size_t N = bench->N, V = bench->V, C = bench->C, bytes = 0;
    random_init(&random, 1, 0);
    bench->x = normal_floats(&random, N * C, 1);
    bench->e = normal_floats(&random, V * C, .1f);
    bench->b = normal_floats(&random, V, .1f);
    bench->weight = normal_floats(&random, N, 1);
    bench->dx = normal_floats(&random, N * C, 1);
    bench->de = normal_floats(&random, V * C, 1);
    bench->db = normal_floats(&random, V, 1);
    bench->target = aligned(N * sizeof *bench->target);
    for (size_t n = 0; n < N; n++) {
        bench->target[n] = random_below(&random, (uint32_t)V);
        bench->weight[n] = 1 / (float)N;
    }
    for (size_t f = 0; f < n_forms; f++)
        bytes = forms[f]->softmax_bytes(N, V, C) > bytes ? forms[f]->softmax_bytes(N, V, C) : bytes;
    bench->workspace = aligned(bytes);
}

static void bench_clear(struct bench *bench)
{
    free(bench->x), free(bench->e), free(bench->b), free(bench->weight), free(bench->dx), free(bench->de), free(bench->db);
    free(bench->target), free(bench->workspace);
}

/* The thread's own time: others on the same core do not count, what they do to the caches does. */
static double now(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double softmax_seconds(struct bench *bench, const struct kernels *form)
{
    struct softmax_rows rows = {
        .x = bench->x, .target = bench->target, .weight = bench->weight, .N = bench->N, .V = bench->V, .C = bench->C};
    double began = now();
    (void)form->softmax_loss(bench->dx, bench->de, bench->db, &rows, bench->e, bench->b, bench->workspace);
    return now() - began;
}

static double product_seconds(const struct kernels *form, float *const matrices[3])
{
    double began = now();
    form->product(PRODUCT_NN, matrices[0], matrices[1], matrices[2], SIDE, SIDE, SIDE, false);
    return now() - began;
}

static int by_size(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static void print(const char *name, double seconds[], unsigned n, double operations)
{
    qsort(seconds, n, sizeof *seconds, by_size);
    printf("  %-12s best %6.1f  median %6.1f GFLOP/s\n", name, operations / seconds[0] / 1e9, operations / seconds[n / 2] / 1e9);
}

static void measure(struct bench *bench)
{
    static double seconds[KERNEL_FORMS_MAX + 1][MOST_ROUNDS];
    const struct kernels *forms[KERNEL_FORMS_MAX];
    size_t n_forms = kernels_forms(forms);
    struct random random;
    random_init(&random, 2, 0);
    float *matrices[3];
    for (int i = 0; i < 3; i++)
        matrices[i] = normal_floats(&random, (size_t)SIDE * SIDE, 1);
    bench_init(bench, forms, n_forms);
    for (unsigned round = 0; round < bench->rounds; round++) {
        for (size_t f = 0; f < n_forms; f++)
            seconds[f][round] = softmax_seconds(bench, forms[f]);
        seconds[n_forms][round] = product_seconds(forms[0], matrices);
    }
    printf("%zu items, %zu rows, %zu channels\n", bench->V, bench->N, bench->C);
    for (size_t f = 0; f < n_forms; f++)
        print(forms[f]->name, seconds[f], bench->rounds, 6 * (double)bench->N * (double)bench->V * (double)bench->C);
    print("SGEMM", seconds[n_forms], bench->rounds, 2 * (double)SIDE * SIDE * SIDE);
    bench_clear(bench);
    for (int i = 0; i < 3; i++)
        free(matrices[i]);
}

int main(int argc, char **argv)
{
    static const size_t channels[] = {64, 128};
    struct error error = {.detail = ""};
    kernels_choose_blas(argv);
    if (kernels_check(&error) != STATUS_OK) {
        (void)fprintf(stderr, "%s\n", error.detail);
        return 1;
    }
    for (size_t i = 0; i < sizeof channels / sizeof channels[0]; i++) {
        struct bench bench = {.C = channels[i], .V = 12101, .N = 384, .rounds = 20};
        bench.V = argc > 1 ? strtoul(argv[1], NULL, 10) : bench.V;
        bench.N = argc > 2 ? strtoul(argv[2], NULL, 10) : bench.N;
        bench.rounds = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : bench.rounds;
        if (bench.V < 1 || bench.N < 1 || bench.rounds < 1 || bench.rounds > MOST_ROUNDS) {
            (void)fprintf(stderr, "usage: bench_softmax [ITEMS] [ROWS] [ROUNDS, at most %u]\n", MOST_ROUNDS);
            return 2;
        }
        measure(&bench);
    }
    return 0;
}
