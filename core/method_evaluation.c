/* Four methods over the same cases. Blocks of cases are given to the workers in rounds, so that progress is reported, and asked, by the
 * calling thread. Popularity and neighbours count the training events only, and stay as they are while cases are judged: what the user did
 * between the end of the training part and the target is input to every personal method, but nobody has learned from it. */
#include "core/evaluation.h"

#include "core/blend.h"
#include "core/case_scores.h"
#include "core/neighbours.h"

#include <stdlib.h>
#include <string.h>

static const float weights_tried[] = {0, .01f, .02f, .03f, .04f, .05f, .06f, .07f, .08f, .09f, .10f, .15f, .2f, .3f, .5f, 1};
#define WEIGHTS_TRIED (sizeof weights_tried / sizeof weights_tried[0])

#define BLOCKS_A_ROUND 16u

struct methods_job {
    const struct dataset *dataset;
    const struct split *split;
    const struct type_weights *weights;
    const struct neighbours *neighbours;
    const float *popular;       /* [n_items] */
    const float *blend_weights; /* [n_blends] */
    uint32_t n_blends;
    struct case_scores scores;
    float *rows;          /* [workers, 2, n_items]: neighbours' scores; what is ranked */
    uint32_t *ranks;      /* [METHOD_BLEND + n_blends, n_held_out] */
    uint32_t first_block; /* of this round */
};

static void methods_job_clear(struct methods_job *job)
{
    case_scores_clear(&job->scores);
    free(job->rows);
    free(job->ranks);
}

static void methods_job_clear_scoped(struct methods_job *job)
{
    methods_job_clear(job);
}

/* The user's last events before target that count, newest first. Returns how many. */
static uint32_t read_recent(const struct methods_job *job, const struct held_out *held_out, uint32_t items[], float signs[])
{
    uint32_t n = 0;
    for (uint64_t i = held_out->target; i > job->dataset->starts[held_out->user] && n < NEIGHBOURS_REACH; i--) {
        float weight = job->weights->weights[job->dataset->types[i - 1]];
        if (!feedback_is_behaviour(weight))
            continue;
        items[n] = job->dataset->items[i - 1];
        signs[n++] = weight;
    }
    return n;
}

/* Rank the case in scores[n_items], which is changed. */
static uint32_t rank_case(const struct methods_job *job, const struct held_out *held_out, float scores[])
{
    leave_out_seen(job->dataset, job->split, held_out, scores, job->dataset->n_items);
    return rank_of_target(scores, job->dataset->n_items, job->dataset->items[held_out->target]);
}

static void rank_blends(const struct methods_job *job, uint32_t number, const float encoder[], uint32_t n_encoder, const float neighbours[],
                        float ranked[])
{
    const struct held_out *held_out = &job->split->held_out[number];
    uint32_t n_items = job->dataset->n_items, n_cases = job->split->n_held_out;
    struct spread encoder_spread = spread_of(encoder, n_encoder), neighbours_spread = spread_of(neighbours, n_items);
    for (uint32_t i = 0; i < job->n_blends; i++) {
        blend_spread_scores(encoder, encoder_spread, n_encoder, neighbours, neighbours_spread, job->blend_weights[i], n_items, ranked);
        job->ranks[(size_t)(METHOD_BLEND + i) * n_cases + number] = rank_case(job, held_out, ranked);
    }
}

static uint32_t rank_encoder(const struct methods_job *job, const struct held_out *held_out, uint32_t n_known, float scores[])
{
    uint32_t target = job->dataset->items[held_out->target];
    if (target >= n_known)
        return UINT32_MAX;
    leave_out_seen(job->dataset, job->split, held_out, scores, n_known);
    return rank_of_target(scores, n_known, target);
}

/* encoder: the case's row, which is changed; known: is anything in it? */
static void judge_case(const struct methods_job *job, uint32_t number, float encoder[], bool known, float rows[])
{
    const struct held_out *held_out = &job->split->held_out[number];
    uint32_t n_items = job->dataset->n_items, n_cases = job->split->n_held_out;
    float *neighbours = rows, *ranked = rows + n_items;

    memcpy(ranked, job->popular, n_items * sizeof *ranked);
    job->ranks[(size_t)METHOD_POPULAR * n_cases + number] = rank_case(job, held_out, ranked);

    uint32_t items[NEIGHBOURS_REACH];
    float signs[NEIGHBOURS_REACH];
    uint32_t n_recent = read_recent(job, held_out, items, signs);
    neighbours_score(job->neighbours, items, signs, n_recent, neighbours, n_items);
    memcpy(ranked, neighbours, n_items * sizeof *ranked);
    job->ranks[(size_t)METHOD_NEIGHBOURS * n_cases + number] = rank_case(job, held_out, ranked);

    uint32_t n_known = known ? job->scores.n_known : 0;
    if (job->scores.encoder) {
        rank_blends(job, number, encoder, n_known, neighbours, ranked);
        job->ranks[(size_t)METHOD_ENCODER * n_cases + number] = rank_encoder(job, held_out, n_known, encoder);
    }
}

static void judge_block(void *context, uint32_t block, unsigned worker)
{
    const struct methods_job *job = context;
    block += job->first_block;
    bool known[EVALUATION_BATCH];
    uint32_t n_items = job->dataset->n_items, n_cases = case_scores_count(&job->scores, block);
    float *encoder = case_scores_fill(&job->scores, block, worker, known);
    for (uint32_t i = 0; i < n_cases; i++)
        judge_case(job, block * job->scores.batch + i, encoder + (size_t)i * n_items, known[i], job->rows + (size_t)worker * 2 * n_items);
}

static enum status judge_cases(struct methods_job *job, struct workers *workers, const struct progress *progress)
{
    for (uint32_t first = 0; first < job->scores.n_blocks; first += BLOCKS_A_ROUND) {
        uint32_t n_left = job->scores.n_blocks - first;
        if (!progress_report(progress, "judging", (uint64_t)first * job->scores.batch, job->split->n_held_out, NULL))
            return STATUS_CONFLICT;
        job->first_block = first;
        workers_run(workers, n_left < BLOCKS_A_ROUND ? n_left : BLOCKS_A_ROUND, judge_block, job);
    }
    bool go_on = progress_report(progress, "judging", job->split->n_held_out, job->split->n_held_out, NULL);
    return go_on ? STATUS_OK : STATUS_CONFLICT;
}

/* Add the positive training events of user to both counts. */
static enum status count_user(const struct dataset *dataset, const struct split *split, const struct type_weights *weights, uint32_t user,
                              struct neighbours *neighbours, float popular[])
{
    uint32_t recent[NEIGHBOURS_WINDOW], n_recent = 0;
    for (uint64_t i = dataset->starts[user]; i < split->train_ends[user]; i++) {
        uint32_t item = dataset->items[i];
        float weight = weights->weights[dataset->types[i]];
        if (!(weight > 0))
            continue;
        popular[item] += weight;
        TRY(neighbours_add(neighbours, item, weight, recent, n_recent));
        n_recent = n_recent < NEIGHBOURS_WINDOW ? n_recent + 1 : NEIGHBOURS_WINDOW;
        memmove(recent + 1, recent, (n_recent - 1) * sizeof *recent);
        recent[0] = item;
    }
    return STATUS_OK;
}

static enum status count_training(const struct dataset *dataset, const struct split *split, const struct type_weights *weights,
                                  const struct progress *progress, struct neighbours *neighbours, float popular[])
{
    for (uint32_t user = 0; user < dataset->n_users; user++) {
        if (user % 1024 == 0 && !progress_report(progress, "counting", user, dataset->n_users, NULL))
            return STATUS_CONFLICT;
        TRY(count_user(dataset, split, weights, user, neighbours, popular));
    }
    return progress_report(progress, "counting", dataset->n_users, dataset->n_users, NULL) ? STATUS_OK : STATUS_CONFLICT;
}

/* The best blend by NDCG@10, among equals the smaller weight. */
static void write_figures(const struct methods_job *job, struct method_figures out_figures[METHODS], float *out_weight)
{
    struct method_figures figures[METHODS] = {{0}};
    uint32_t n_cases = job->split->n_held_out;
    float weight = job->blend_weights[0];
    uint32_t n_rows = job->scores.encoder ? METHOD_BLEND + job->n_blends : METHOD_ENCODER;
    for (uint32_t row = 0; row < n_rows; row++) {
        struct method_figures found;
        figures_from_ranks(job->ranks + (size_t)row * n_cases, n_cases, &found);
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

enum status evaluate_methods(const struct dataset *dataset, const struct split *split, const struct type_weights *weights,
                             const struct encoder_view *encoder, float weight, uint32_t neighbours_max_row, struct workers *workers,
                             const struct progress *progress, struct method_figures out_figures[METHODS], float *out_weight)
{
    size_t n_items = (size_t)dataset->n_items + 1; /* never nothing */
    SCOPED(epoch_destroy) struct epoch *epoch = epoch_create();
    SCOPED(neighbours_destroy) struct neighbours *neighbours = epoch ? neighbours_create(epoch, neighbours_max_row) : NULL;
    SCOPED(memory_free) float *popular = calloc(n_items, sizeof *popular);
    if (!neighbours || !popular)
        return STATUS_NOMEM;
    TRY(count_training(dataset, split, weights, progress, neighbours, popular));
    SCOPED(methods_job_clear)
    struct methods_job job = {
        .dataset = dataset,
        .split = split,
        .weights = weights,
        .neighbours = neighbours,
        .popular = popular,
        .blend_weights = weight < 0 ? weights_tried : &weight,
        .n_blends = weight < 0 ? (uint32_t)WEIGHTS_TRIED : 1,
    };
    TRY(case_scores_init(&job.scores, dataset, split, encoder, workers_count(workers)));
    job.rows = calloc(workers_count(workers) * n_items, 2 * sizeof *job.rows);
    job.ranks = calloc(METHOD_BLEND + (size_t)job.n_blends, ((size_t)split->n_held_out + 1) * sizeof *job.ranks);
    if (!job.rows || !job.ranks)
        return STATUS_NOMEM;
    TRY(judge_cases(&job, workers, progress));
    write_figures(&job, out_figures, out_weight);
    return STATUS_OK;
}
