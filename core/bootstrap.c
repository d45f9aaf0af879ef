/* A figure depends only on how many cases have which rank, and ranks from 20 on are all the same: a resample is a histogram of 21 numbers
 * for each method. The ranks of a case are one 32-bit number, a byte for each method, so that a draw touches one place of memory. */
#include "core/bootstrap.h"

#include "core/base/random.h"
#include "core/evaluation.h"
#include "core/model_header.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SEED 20u
#define LOW  24  /* of 1000 sorted values the 25th from below … */
#define HIGH 975 /* … and from above */

_Static_assert(METHODS == 4 && BOOTSTRAP_RESAMPLES == 1000, "a byte for each method; the places of the bounds");

struct resample {
    struct method_figures figures[METHODS];
};

struct bootstrap_job {
    const uint32_t *cases; /* [n_cases]: a byte for each method */
    uint32_t n_cases;
    struct resample *resamples; /* [BOOTSTRAP_RESAMPLES] */
};

static void count_case(uint32_t ranks, uint32_t counts[METHODS][RANKS])
{
    counts[0][ranks & 0xff]++;
    counts[1][ranks >> 8 & 0xff]++;
    counts[2][ranks >> 16 & 0xff]++;
    counts[3][ranks >> 24]++;
}

static void take_figures(uint32_t counts[METHODS][RANKS], struct resample *out)
{
    for (int method = 0; method < METHODS; method++)
        figures_from_counts(counts[method], &out->figures[method]);
}

static void draw_resample(void *context, uint32_t number, unsigned worker)
{
    const struct bootstrap_job *job = context;
    uint32_t counts[METHODS][RANKS] = {{0}};
    struct random random;
    (void)worker;
    random_init(&random, SEED, number);
    for (uint32_t i = 0; i < job->n_cases; i++)
        count_case(job->cases[random_below(&random, job->n_cases)], counts);
    take_figures(counts, &job->resamples[number]);
}

static int compare_doubles(const void *a, const void *b)
{
    double one = *(const double *)a, other = *(const double *)b;
    return (one > other) - (one < other);
}

static void find_bounds(double values[BOOTSTRAP_RESAMPLES], double *out_low, double *out_high)
{
    qsort(values, BOOTSTRAP_RESAMPLES, sizeof *values, compare_doubles);
    *out_low = values[LOW];
    *out_high = values[HIGH];
}

static double *figure_at(struct method_figures *figures, size_t figure)
{
    return (double *)(void *)((char *)figures + model_figures[figure].offset);
}

static void bound_method(struct resample resamples[], int method, struct judged_method *judged)
{
    double values[BOOTSTRAP_RESAMPLES];
    for (size_t figure = 0; figure < FIGURES; figure++) {
        for (size_t i = 0; i < BOOTSTRAP_RESAMPLES; i++)
            values[i] = *figure_at(&resamples[i].figures[method], figure);
        find_bounds(values, figure_at(&judged->low, figure), figure_at(&judged->high, figure));
    }
}

static void bound_difference(const struct resample resamples[], int method, struct difference *difference)
{
    double values[BOOTSTRAP_RESAMPLES];
    for (size_t i = 0; i < BOOTSTRAP_RESAMPLES; i++)
        values[i] = resamples[i].figures[method].ndcg10 - resamples[i].figures[METHOD_NEIGHBOURS].ndcg10;
    find_bounds(values, &difference->low, &difference->high);
}

/* The ranks of each chosen case in one number. */
static void pack_cases(const uint32_t ranks[], uint32_t n_cases, const uint32_t chosen[], uint32_t n_chosen, uint32_t out_cases[])
{
    for (uint32_t i = 0; i < n_chosen; i++) {
        size_t number = chosen ? chosen[i] : i;
        uint32_t packed = 0;
        for (size_t method = 0; method < METHODS; method++) {
            uint32_t rank = ranks[method * n_cases + number];
            packed |= (rank < RANKS - 1 ? rank : RANKS - 1) << (8 * method);
        }
        out_cases[i] = packed;
    }
}

enum status bootstrap_ranks(const uint32_t ranks[], uint32_t n_cases, const uint32_t chosen[], uint32_t n_chosen, struct workers *workers,
                            struct judged_method out_methods[METHODS], struct difference out_over_neighbours[METHODS])
{
    uint32_t n = chosen ? n_chosen : n_cases, counts[METHODS][RANKS] = {{0}};
    SCOPED(memory_free) uint32_t *cases = malloc(((size_t)n + 1) * sizeof *cases);
    SCOPED(memory_free) struct resample *resamples = malloc(BOOTSTRAP_RESAMPLES * sizeof *resamples);
    if (!cases || !resamples)
        return STATUS_NOMEM;
    pack_cases(ranks, n_cases, chosen, n, cases);
    struct bootstrap_job job = {.cases = cases, .n_cases = n, .resamples = resamples};
    workers_run(workers, BOOTSTRAP_RESAMPLES, draw_resample, &job);
    struct resample whole;
    for (uint32_t i = 0; i < n; i++)
        count_case(cases[i], counts);
    take_figures(counts, &whole);
    for (int method = 0; method < METHODS; method++) {
        out_methods[method].figures = whole.figures[method];
        bound_method(resamples, method, &out_methods[method]);
        out_over_neighbours[method].value = whole.figures[method].ndcg10 - whole.figures[METHOD_NEIGHBOURS].ndcg10;
        bound_difference(resamples, method, &out_over_neighbours[method]);
    }
    return STATUS_OK;
}

void share_interval(double share, double n, double *out_low, double *out_high)
{
    double z = 1.96, scale = 1 / (1 + z * z / n), middle = share + z * z / (2 * n);
    double half = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n));
    *out_low = (middle - half) * scale;
    *out_high = (middle + half) * scale;
}
