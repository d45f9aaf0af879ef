/* Everything about four methods: their ranks and lists from one pass over the cases, with the neighbours' weight chosen in a pass before
 * it. The lists of a round of cases are kept and counted by the calling thread in the order of the cases, so memory does not grow with the
 * number of cases and no sum depends on which worker was first. */
#include "core/kernels/kernels.h"
#include "core/method_scores.h"
#include "core/top_k.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const case_group_names[GROUPS] = {"all", "cold_users", "cold_items"};

/* The first items of one method for one case, and their probabilities if the method has any. */
struct method_list {
    uint32_t n, items[LIST_LENGTH];
    float probabilities[LIST_LENGTH];
};

struct case_lists {
    uint32_t target;
    struct method_list lists[METHODS];
};

struct full_job {
    const struct training_counts *counts;
    float weight;
    uint32_t n_cases, n_methods;
    uint32_t *ranks;       /* [METHODS, n_cases] */
    uint32_t *group_cases; /* [GROUPS, n_cases]: the cases of each group */
    uint32_t n_group_cases[GROUPS];
    struct case_lists *round; /* [ROUND_CASES] */
    struct list_counts list_counts[METHODS];
    struct reliability_counts *popular, *encoder;
};

static void full_job_clear_scoped(struct full_job *job)
{
    free(job->ranks);
    free(job->group_cases);
    free(job->round);
    for (int method = 0; method < METHODS; method++)
        list_counts_clear(&job->list_counts[method]);
    free(job->popular);
    free(job->encoder);
}

static enum status full_job_init(struct full_job *job, uint32_t n_items)
{
    size_t n_cases = (size_t)job->n_cases + 1; /* never nothing */
    job->ranks = calloc(METHODS, n_cases * sizeof *job->ranks);
    job->group_cases = calloc(GROUPS, n_cases * sizeof *job->group_cases);
    job->round = calloc(ROUND_CASES, sizeof *job->round);
    job->popular = calloc(1, sizeof *job->popular);
    job->encoder = calloc(1, sizeof *job->encoder);
    for (int method = 0; method < METHODS; method++)
        TRY(list_counts_init(&job->list_counts[method], n_items));
    return job->ranks && job->group_cases && job->round && job->popular && job->encoder ? STATUS_OK : STATUS_NOMEM;
}

/* --- one case --- */

/* The best of scores[n_items] above least. */
static void make_list(const float scores[], uint32_t n_items, float least, struct scored best[LIST_LENGTH], struct method_list *list)
{
    size_t n = top_k(scores, n_items, LIST_LENGTH, NULL, NULL, best);
    while (n > 0 && !(best[n - 1].score > least))
        n--;
    list->n = (uint32_t)n;
    for (size_t i = 0; i < n; i++)
        list->items[i] = best[i].item;
}

#define LANES 16u

/* The sum of what is above 0, in lanes that the compiler turns into vectors. */
static double sum_of_positive(const float values[], uint32_t n)
{
    double sum = 0;
    float lanes[LANES] = {0};
    uint32_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (uint32_t lane = 0; lane < LANES; lane++)
            lanes[lane] += values[i + lane] > 0 ? values[i + lane] : 0;
    for (; i < n; i++)
        sum += values[i] > 0 ? (double)values[i] : 0;
    for (uint32_t lane = 0; lane < LANES; lane++)
        sum += (double)lanes[lane];
    return sum;
}

static void list_popular(const struct scored_case *scored, struct method_list *list)
{
    struct scored best[LIST_LENGTH];
    make_list(scored->popular, scored->n_items, 0, best, list);
    double sum = sum_of_positive(scored->popular, scored->n_items);
    for (uint32_t i = 0; i < list->n; i++)
        list->probabilities[i] = (float)((double)best[i].score / sum);
}

static void list_encoder(const struct scored_case *scored, struct method_list *list)
{
    struct scored best[LIST_LENGTH];
    make_list(scored->encoder, scored->n_known, -INFINITY, best, list);
    if (list->n == 0)
        return;
    float most;
    double sum = kernels_fast()->sum_powers(scored->encoder, scored->n_known, &most); /* what is left out adds nothing */
    for (uint32_t i = 0; i < list->n; i++)
        list->probabilities[i] = (float)((double)expf(best[i].score - most) / sum);
}

static void judge_case(void *context, const struct scored_case *scored, uint32_t place)
{
    const struct full_job *job = context;
    struct case_lists *lists = &job->round[place];
    struct scored best[LIST_LENGTH];
    lists->target = scored->target;
    list_popular(scored, &lists->lists[METHOD_POPULAR]);
    make_list(scored->neighbours, scored->n_items, 0, best, &lists->lists[METHOD_NEIGHBOURS]);
    if (job->n_methods == METHODS) {
        scored_case_blend(scored, job->weight);
        list_encoder(scored, &lists->lists[METHOD_ENCODER]);
        if (scored->n_known > 0)
            make_list(scored->blend, scored->n_items, -INFINITY, best, &lists->lists[METHOD_BLEND]);
        else
            lists->lists[METHOD_BLEND] = lists->lists[METHOD_NEIGHBOURS];
    }
    for (uint32_t method = 0; method < job->n_methods; method++)
        job->ranks[(size_t)method * job->n_cases + scored->number] = scored_case_rank(scored, (enum method)method);
}

/* --- all cases --- */

static void add_reliability(struct reliability_counts *counts, const struct method_list *list, uint32_t target)
{
    for (uint32_t i = 0; i < list->n; i++)
        reliability_add(counts, (double)list->probabilities[i], list->items[i] == target);
}

static void count_round(void *context, uint32_t first_case, uint32_t n_cases)
{
    struct full_job *job = context;
    (void)first_case;
    for (uint32_t i = 0; i < n_cases; i++) {
        const struct case_lists *lists = &job->round[i];
        for (uint32_t method = 0; method < job->n_methods; method++)
            list_counts_add(&job->list_counts[method], lists->lists[method].items, lists->lists[method].n);
        add_reliability(job->popular, &lists->lists[METHOD_POPULAR], lists->target);
        if (job->n_methods == METHODS)
            add_reliability(job->encoder, &lists->lists[METHOD_ENCODER], lists->target);
    }
}

static void find_groups(struct full_job *job, const struct dataset *dataset, const struct split *split)
{
    for (uint32_t number = 0; number < split->n_held_out; number++) {
        const struct held_out *held_out = &split->held_out[number];
        const bool is_member[GROUPS] = {
            [GROUP_ALL] = true,
            [GROUP_COLD_USERS] = job->counts->user_events[held_out->user] <= COLD_EVENTS,
            [GROUP_COLD_ITEMS] = job->counts->item_events[dataset->items[held_out->target]] <= COLD_EVENTS,
        };
        for (size_t group = 0; group < GROUPS; group++)
            if (is_member[group])
                job->group_cases[group * job->n_cases + job->n_group_cases[group]++] = number;
    }
}

/* Ranks of methods that were not judged would count as hits. */
static void lose_what_was_not_judged(struct full_job *job)
{
    for (size_t i = (size_t)job->n_methods * job->n_cases; i < (size_t)METHODS * job->n_cases; i++)
        job->ranks[i] = UINT32_MAX;
}

static enum status describe_groups(struct full_job *job, struct workers *workers, const struct progress *progress,
                                   struct evaluation *evaluation)
{
    struct difference differences[METHODS];
    for (size_t group = GROUPS; group-- > 0;) { /* all cases last: their differences stay */
        struct judged_group *judged = &evaluation->groups[group];
        judged->n_cases = job->n_group_cases[group];
        if (!progress_report(progress, "drawing resamples", GROUPS - 1 - group, GROUPS, NULL))
            return STATUS_CONFLICT;
        TRY(bootstrap_ranks(job->ranks, job->n_cases, job->group_cases + group * job->n_cases, judged->n_cases, workers, judged->methods,
                            differences));
    }
    if (evaluation->has_encoder) {
        evaluation->encoder_over_neighbours = differences[METHOD_ENCODER];
        evaluation->blend_over_neighbours = differences[METHOD_BLEND];
    }
    return progress_report(progress, "drawing resamples", GROUPS, GROUPS, NULL) ? STATUS_OK : STATUS_CONFLICT;
}

static enum status describe(struct full_job *job, struct workers *workers, const struct progress *progress, struct evaluation *evaluation)
{
    lose_what_was_not_judged(job);
    TRY(describe_groups(job, workers, progress, evaluation));
    for (uint32_t method = 0; method < job->n_methods; method++)
        TRY(list_figures_make(&job->list_counts[method], job->counts->item_events, &evaluation->lists[method]));
    evaluation->popular_reliability = reliability_of(job->popular);
    evaluation->encoder_reliability = reliability_of(job->encoder);
    return STATUS_OK;
}

enum status evaluate_in_full(const struct dataset *dataset, const struct split *split, const struct type_weights *weights,
                             const struct encoder_view *encoder, float weight, uint32_t neighbours_max_row, struct workers *workers,
                             const struct progress *progress, struct evaluation *out_evaluation)
{
    SCOPED(training_counts_clear) struct training_counts counts = {0};
    TRY(training_counts_init(&counts, dataset, split, weights, neighbours_max_row, progress));
    if (weight < 0 && encoder) {
        struct method_figures figures[METHODS];
        TRY(evaluate_counted(dataset, split, weights, encoder, weight, &counts, workers, progress, figures, &weight));
    }
    SCOPED(full_job_clear)
    struct full_job job = {
        .counts = &counts,
        .weight = weight < 0 ? 0 : weight,
        .n_cases = split->n_held_out,
        .n_methods = encoder ? METHODS : METHOD_ENCODER,
    };
    TRY(full_job_init(&job, dataset->n_items));
    find_groups(&job, dataset, split);
    SCOPED(method_scores_clear) struct method_scores scores = {0};
    TRY(method_scores_init(&scores, dataset, split, weights, encoder, &counts, workers_count(workers)));
    const struct case_visitor visitor = {.visit = judge_case, .finish_round = count_round, .context = &job};
    TRY(method_scores_visit(&scores, workers, progress, &visitor));
    struct evaluation evaluation = {.n_cases = split->n_held_out,
                                    .n_items = dataset->n_items,
                                    .has_encoder = encoder != NULL,
                                    .neighbours_weight = job.weight,
                                    .n_held_out_events = split->n_firsts + split->n_repeats,
                                    .n_repeats = split->n_repeats};
    TRY(describe(&job, workers, progress, &evaluation));
    *out_evaluation = evaluation;
    return STATUS_OK;
}

void evaluation_figures(const struct evaluation *evaluation, struct method_figures out_figures[METHODS])
{
    for (int method = 0; method < METHODS; method++)
        out_figures[method] = evaluation->groups[GROUP_ALL].methods[method].figures;
}
