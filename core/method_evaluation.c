/* The figures of four methods over the same cases. Popularity and neighbours count the training events only, and stay as they are while
 * cases are judged: what the user did between the end of the training part and the target is input to every personal method, but nobody has
 * learned from it. */
#include "core/method_scores.h"

#include <stdlib.h>
#include <string.h>

static const float weights_tried[] = {0, .01f, .02f, .03f, .04f, .05f, .06f, .07f, .08f, .09f, .10f, .15f, .2f, .3f, .5f, 1};
#define WEIGHTS_TRIED (sizeof weights_tried / sizeof weights_tried[0])

struct methods_job {
    const float *blend_weights; /* [n_blends] */
    uint32_t n_blends;
    uint32_t n_cases;
    uint32_t *ranks; /* [METHOD_BLEND + n_blends, n_cases] */
};

static void rank_case(void *context, const struct scored_case *scored, uint32_t place)
{
    const struct methods_job *job = context;
    uint32_t *ranks = job->ranks + scored->number, blend_ranks[WEIGHTS_TRIED];
    (void)place;
    for (enum method method = METHOD_POPULAR; method < METHOD_BLEND; method++)
        ranks[(size_t)method * job->n_cases] = scored_case_rank(scored, method);
    if (!scored->encoder)
        return;
    scored_case_blend_ranks(scored, job->blend_weights, job->n_blends, blend_ranks);
    for (uint32_t i = 0; i < job->n_blends; i++)
        ranks[(METHOD_BLEND + (size_t)i) * job->n_cases] = blend_ranks[i];
}

/* The best blend by NDCG@10, among equals the smaller weight. */
static void write_figures(const struct methods_job *job, bool has_encoder, struct method_figures out_figures[METHODS], float *out_weight)
{
    struct method_figures figures[METHODS] = {{0}};
    float weight = job->blend_weights[0];
    uint32_t n_rows = has_encoder ? METHOD_BLEND + job->n_blends : METHOD_ENCODER;
    for (uint32_t row = 0; row < n_rows; row++) {
        struct method_figures found;
        figures_from_ranks(job->ranks + (size_t)row * job->n_cases, job->n_cases, &found);
        if (row <= METHOD_BLEND) {
            figures[row] = found;
        } else if (found.ndcg10 > figures[METHOD_BLEND].ndcg10) {
            figures[METHOD_BLEND] = found;
            weight = job->blend_weights[row - METHOD_BLEND];
        }
    }
    memcpy(out_figures, figures, sizeof figures);
    *out_weight = weight;
}

enum status evaluate_counted(const struct dataset *dataset, const struct split *split, const struct type_weights *weights,
                             const struct encoder_view *encoder, float weight, const struct training_counts *counts,
                             struct workers *workers, const struct progress *progress, struct method_figures out_figures[METHODS],
                             float *out_weight)
{
    struct methods_job job = {
        .blend_weights = weight < 0 ? weights_tried : &weight,
        .n_blends = weight < 0 ? (uint32_t)WEIGHTS_TRIED : 1,
        .n_cases = split->n_held_out,
    };
    SCOPED(method_scores_clear) struct method_scores scores = {0};
    TRY(method_scores_init(&scores, dataset, split, weights, encoder, counts, workers_count(workers)));
    SCOPED(memory_free) uint32_t *ranks = calloc(METHOD_BLEND + (size_t)job.n_blends, ((size_t)job.n_cases + 1) * sizeof *ranks);
    if (!ranks)
        return STATUS_NOMEM;
    job.ranks = ranks;
    TRY(method_scores_visit(&scores, workers, progress, &(struct case_visitor){.visit = rank_case, .context = &job}));
    write_figures(&job, encoder != NULL, out_figures, out_weight);
    return STATUS_OK;
}

enum status evaluate_methods(const struct dataset *dataset, const struct split *split, const struct type_weights *weights,
                             const struct encoder_view *encoder, float weight, uint32_t neighbours_max_row, struct workers *workers,
                             const struct progress *progress, struct method_figures out_figures[METHODS], float *out_weight)
{
    SCOPED(training_counts_clear) struct training_counts counts = {0};
    TRY(training_counts_init(&counts, dataset, split, weights, neighbours_max_row, progress));
    return evaluate_counted(dataset, split, weights, encoder, weight, &counts, workers, progress, out_figures, out_weight);
}
