/* Of a case only what the mixture is made of is kept: the fit does not look at scores again. */
#include "core/returns_fit.h"

#include "core/case_scores.h"
#include "core/kernels/kernels.h"

#include <math.h>
#include <stdlib.h>

#define SWEEPS 200u
#define FIRST  0.01 /* weight */
#define PRIOR  10.0 /* cases in which nobody returned */

struct returns_case {
    float p;                       /* of the target, by the encoder */
    uint8_t n_had[RETURN_CLASSES]; /* items that the user had, by class */
    uint8_t target;                /* its class; RETURN_CLASSES: the user did not have it */
    bool is_known;
};

struct returns_job {
    const struct dataset *dataset;
    const struct case_scores *scores;
    struct returns_case *cases; /* [n_held_out of the scores' split] */
};

/* --- the cases --- */

/* Positives behind the training part whose user did something before. Returns how many there are; or, with out [most], how many of
 * those n were listed, evenly. */
static uint64_t list_cases(const struct dataset *dataset, const struct split *split, uint64_t n, uint32_t most, struct held_out out[])
{
    uint64_t number = 0, n_listed = 0;
    for (uint32_t user = 0; user < dataset->n_users; user++) {
        bool is_something_known = false;
        for (uint64_t i = dataset->starts[user]; i < dataset->starts[user + 1]; i++) {
            float weight = split->weights.weights[dataset->types[i]];
            if (i >= split->train_ends[user] && is_something_known && weight > 0) {
                if (out && n_listed < most && number * most >= n_listed * n)
                    out[n_listed++] = (struct held_out){user, i};
                number++;
            }
            is_something_known = is_something_known || feedback_is_behaviour(weight);
        }
    }
    return out ? n_listed : number;
}

/* --- what they are --- */

/* The user's behaviour before the target, newest first. Returns how many events. */
static uint32_t read_had(const struct dataset *dataset, const struct split *split, const struct held_out *held_out,
                         uint32_t out_items[RETURNS_REACH])
{
    uint32_t n = 0;
    for (uint64_t i = held_out->target; i-- > dataset->starts[held_out->user] && n < RETURNS_REACH;)
        if (feedback_is_behaviour(split->weights.weights[dataset->types[i]]))
            out_items[n++] = dataset->items[i];
    return n;
}

static void describe(const struct returns_job *job, const struct held_out *held_out, const float scores[], struct returns_case *out)
{
    uint32_t had[RETURNS_REACH], n_items = job->scores->n_known, target = job->dataset->items[held_out->target];
    uint32_t n = read_had(job->dataset, job->scores->split, held_out, had);
    uint8_t classes[RETURNS_REACH];
    float most;
    double sum = kernels_fast()->sum_powers(scores, n_items, &most);
    *out = (struct returns_case){.target = RETURN_CLASSES, .is_known = target < n_items};
    out->p = target < n_items ? (float)((double)expf(scores[target] - most) / sum) : 0;
    returns_classes(had, n, classes);
    for (uint32_t i = 0; i < n; i++) {
        if (classes[i] == RETURN_CLASSES || had[i] >= n_items)
            continue;
        out->n_had[classes[i]]++;
        if (had[i] == target)
            out->target = classes[i];
    }
}

static void describe_block(void *context, uint32_t block, unsigned worker)
{
    struct returns_job *job = context;
    bool known[EVALUATION_BATCH];
    const float *row = case_scores_fill(job->scores, block, worker, known);
    uint32_t first = block * job->scores->batch, n = case_scores_count(job->scores, block);
    for (uint32_t i = 0; i < n; i++, row += job->dataset->n_items)
        if (known[i])
            describe(job, &job->scores->split->held_out[first + i], row, &job->cases[first + i]);
}

/* --- the fit --- */

/* Of each class: how many targets the return explains, and how many cases' worth of items there were to return to. Returns the
 * log-likelihood. */
static double expect(const struct returns_case cases[], uint32_t n, const double weights[RETURN_CLASSES],
                     double out_returned[RETURN_CLASSES], double out_chances[RETURN_CLASSES])
{
    double sum = 0;
    for (unsigned c = 0; c < RETURN_CLASSES; c++)
        out_returned[c] = out_chances[c] = 0;
    for (uint32_t i = 0; i < n; i++) {
        double all = 1, p = (double)cases[i].p;
        if (!cases[i].is_known)
            continue;
        for (unsigned c = 0; c < RETURN_CLASSES; c++)
            all += cases[i].n_had[c] * weights[c];
        for (unsigned c = 0; c < RETURN_CLASSES; c++)
            out_chances[c] += cases[i].n_had[c] / all;
        if (cases[i].target < RETURN_CLASSES) {
            double weight = weights[cases[i].target];
            out_returned[cases[i].target] += weight / fmax(p + weight, 1e-30);
            p += weight;
        }
        sum += log(fmax(p, 1e-30) / all);
    }
    return sum;
}

static void fit(const struct returns_case cases[], uint32_t n, struct returns *out_returns, struct returns_figures *out_figures)
{
    double weights[RETURN_CLASSES] = {0}, returned[RETURN_CLASSES], chances[RETURN_CLASSES];
    double without = expect(cases, n, weights, returned, chances);
    for (uint32_t i = 0; i < n; i++) {
        out_figures->n_cases += cases[i].is_known;
        out_figures->n_returned += cases[i].is_known && cases[i].target < RETURN_CLASSES;
    }
    for (unsigned c = 0; c < RETURN_CLASSES; c++)
        weights[c] = FIRST;
    for (unsigned sweep = 0; sweep < SWEEPS; sweep++) {
        (void)expect(cases, n, weights, returned, chances);
        for (unsigned c = 0; c < RETURN_CLASSES; c++)
            weights[c] = returned[c] / (chances[c] + PRIOR);
    }
    double with = expect(cases, n, weights, returned, chances);
    for (unsigned c = 0; c < RETURN_CLASSES; c++)
        out_returns->weights[c] = (float)fmin(weights[c], RETURNS_MOST);
    out_figures->gain = out_figures->n_cases ? (with - without) / out_figures->n_cases : 0;
}

enum status returns_fit(const struct dataset *dataset, const struct split *split, const struct encoder_view *encoder,
                        struct workers *workers, struct returns *out_returns, struct returns_figures *out_figures)
{
    struct split listed = *split;
    uint64_t n = list_cases(dataset, split, 0, 0, NULL);
    uint32_t affordable = RETURN_SCORES / (dataset->n_items + 1), most = affordable < RETURN_CASES ? affordable : RETURN_CASES;
    most = most > RETURN_CASES_LEAST ? most : RETURN_CASES_LEAST;
    SCOPED(case_scores_clear) struct case_scores scores = {0};
    struct held_out *held_out = calloc(most, sizeof *held_out);
    struct returns_case *cases = calloc(most, sizeof *cases);
    enum status status = STATUS_NOMEM;
    *out_returns = (struct returns){{0}};
    *out_figures = (struct returns_figures){0};
    if (held_out && cases) {
        listed.held_out = held_out;
        listed.n_held_out = (uint32_t)list_cases(dataset, split, n, most, held_out);
        status = case_scores_init(&scores, dataset, &listed, encoder, workers_count(workers));
    }
    if (status == STATUS_OK) {
        struct returns_job job = {dataset, &scores, cases};
        workers_run(workers, scores.n_blocks, describe_block, &job);
        fit(cases, listed.n_held_out, out_returns, out_figures);
    }
    free(held_out);
    free(cases);
    return status;
}
