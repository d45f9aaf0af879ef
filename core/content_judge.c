/* States are computed once: the encoder does not change. */
#include "core/content_judge.h"

#include "core/base/floats.h"
#include "core/evaluation.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_CASES 32u

bool content_is_held_out(uint32_t item, float share, uint64_t seed)
{
    struct random random;
    random_init(&random, seed, UINT64_C(0x4348000000000000) | item);
    return random_uniform(&random) < share;
}

void content_judge_clear(struct content_judge *judge)
{
    free(judge->contents);
    free(judge->targets);
    free(judge->states);
    free(judge->placed);
    free(judge->vectors);
    free(judge->bias);
    free(judge->inverse);
    free(judge->scores);
    free(judge->ranks);
    *judge = (struct content_judge){0};
}

/* Number i of n things that are thinned out to at most `most`: is it kept? */
static bool is_kept(uint64_t i, uint64_t n, uint64_t most)
{
    return n <= most || (i + 1) * most / n > i * most / n;
}

/* candidate_of [V] = which candidate an item is, CONTENT_NONE. */
static enum status choose_candidates(struct content_judge *judge, const uint32_t item_events[], float share, uint64_t seed,
                                     uint32_t candidate_of[])
{
    uint32_t V = judge->ground->encoder->shape.n_items, n = 0, i = 0;
    for (uint32_t v = 0; v < V; v++) {
        bool is_one = item_events[v] > 0 && !item_content_is_empty(&judge->ground->contents[v]) && content_is_held_out(v, share, seed);
        candidate_of[v] = is_one ? n++ : CONTENT_NONE;
    }
    judge->contents = calloc(n < JUDGED_ITEMS_MAX ? (size_t)n + 1 : JUDGED_ITEMS_MAX, sizeof *judge->contents);
    if (!judge->contents)
        return STATUS_NOMEM;
    for (uint32_t v = 0; v < V; v++) {
        if (candidate_of[v] == CONTENT_NONE)
            continue;
        bool kept = is_kept(i++, n, JUDGED_ITEMS_MAX);
        candidate_of[v] = kept ? judge->n_candidates : CONTENT_NONE;
        if (kept)
            judge->contents[judge->n_candidates++] = judge->ground->contents[v];
    }
    return STATUS_OK;
}

/* The candidate that event `at` > start of a sequence is a case of, or CONTENT_NONE. */
static uint32_t case_of(const struct content_judge *judge, const uint32_t candidate_of[], uint64_t at)
{
    const struct sequences *sequences = judge->ground->sequences;
    return judge->ground->type_weights->weights[sequences->types[at]] > 0 ? candidate_of[sequences->items[at]] : CONTENT_NONE;
}

/* --- states --- */

struct state_job {
    struct content_judge *judge;
    uint64_t *firsts, *ends; /* [n_cases] the events that a case's state is after */
    unsigned char *workspaces;
    size_t workspace_bytes;
};

static void state_job_clear_scoped(struct state_job *job)
{
    free(job->firsts);
    free(job->ends);
    free(job->workspaces);
}

static void encode_case(void *context, uint32_t number, unsigned worker)
{
    struct state_job *job = context;
    const struct content_ground *ground = job->judge->ground;
    const struct encoder *encoder = ground->encoder;
    uint64_t first = job->firsts[number], n = job->ends[number] - first, history = encoder->shape.history;
    size_t C = encoder->shape.width;
    if (n > history) {
        first += n - history;
        n = history;
    }
    float *state = job->judge->states + number * C, inverse, raw[WIDTH_MAX];
    encoder_last(encoder, ground->weights, ground->sequences->items + first, NULL, ground->sequences->types + first, (uint32_t)n,
                 job->workspaces + worker * job->workspace_bytes, state);
    if (!(encoder->shape.temperature > 0))
        return;
    memcpy(raw, state, C * sizeof *raw);
    encoder->kernels->unit_forward(state, &inverse, raw, 1 / encoder->shape.temperature, 1, C);
}

static uint64_t count_cases(const struct content_judge *judge, const uint32_t candidate_of[])
{
    const struct sequences *sequences = judge->ground->sequences;
    uint64_t n = 0;
    for (uint32_t s = 0; s < sequences->n_sequences; s++)
        for (uint64_t at = sequences->starts[s] + 1; at < sequences->starts[s + 1]; at++)
            n += case_of(judge, candidate_of, at) != CONTENT_NONE;
    return n;
}

static void note_cases(struct state_job *job, const uint32_t candidate_of[], uint64_t n_all)
{
    struct content_judge *judge = job->judge;
    const struct sequences *sequences = judge->ground->sequences;
    uint64_t i = 0;
    uint32_t n = 0;
    for (uint32_t s = 0; s < sequences->n_sequences; s++)
        for (uint64_t at = sequences->starts[s] + 1; at < sequences->starts[s + 1]; at++) {
            uint32_t candidate = case_of(judge, candidate_of, at);
            if (candidate == CONTENT_NONE || !is_kept(i++, n_all, JUDGED_CASES_MAX))
                continue;
            judge->targets[n] = candidate;
            job->firsts[n] = sequences->starts[s];
            job->ends[n++] = at;
        }
}

static enum status make_cases(struct content_judge *judge, const uint32_t candidate_of[])
{
    const struct encoder *encoder = judge->ground->encoder;
    uint64_t n_all = count_cases(judge, candidate_of);
    size_t n = n_all < JUDGED_CASES_MAX ? n_all : JUDGED_CASES_MAX, C = encoder->shape.width, K = judge->n_candidates;
    size_t n_workers = workers_count(judge->ground->workers);
    SCOPED(state_job_clear) struct state_job job = {.judge = judge, .workspace_bytes = (encoder_last_bytes(encoder) + 63) / 64 * 64};
    job.firsts = calloc(n + 1, sizeof *job.firsts);
    job.ends = calloc(n + 1, sizeof *job.ends);
    job.workspaces = aligned_alloc(64, n_workers * job.workspace_bytes);
    judge->n_cases = (uint32_t)n;
    judge->targets = calloc(n + 1, sizeof *judge->targets);
    judge->ranks = calloc(n + 1, sizeof *judge->ranks);
    judge->states = aligned_floats(n * C);
    judge->placed = aligned_floats(K * (C + 1));
    judge->vectors = aligned_floats(K * C);
    judge->bias = aligned_floats(K);
    judge->inverse = aligned_floats(K);
    judge->scores = aligned_floats(n_workers * BLOCK_CASES * K);
    if (!job.firsts || !job.ends || !job.workspaces || !judge->targets || !judge->ranks || !judge->states || !judge->placed ||
        !judge->vectors || !judge->bias || !judge->inverse || !judge->scores)
        return STATUS_NOMEM;
    note_cases(&job, candidate_of, n_all);
    workers_run(judge->ground->workers, judge->n_cases, encode_case, &job);
    return STATUS_OK;
}

enum status content_judge_init(struct content_judge *judge, const struct content_ground *ground, const uint32_t item_events[], float share,
                               uint64_t seed)
{
    SCOPED(content_judge_clear) struct content_judge made = {.ground = ground};
    SCOPED(memory_free) uint32_t *candidate_of = calloc(ground->encoder->shape.n_items, sizeof *candidate_of);
    if (!candidate_of)
        return STATUS_NOMEM;
    TRY(choose_candidates(&made, item_events, share, seed, candidate_of));
    TRY(make_cases(&made, candidate_of));
    *judge = made;
    made = (struct content_judge){0};
    return STATUS_OK;
}

/* --- the figure --- */

static void rank_block(void *context, uint32_t block, unsigned worker)
{
    struct content_judge *judge = context;
    const struct encoder *encoder = judge->ground->encoder;
    size_t C = encoder->shape.width, K = judge->n_candidates;
    uint32_t first = block * BLOCK_CASES, n = judge->n_cases - first < BLOCK_CASES ? judge->n_cases - first : BLOCK_CASES;
    float *scores = judge->scores + worker * BLOCK_CASES * K;
    encoder->kernels->product(PRODUCT_NT, scores, judge->states + first * C, judge->vectors, n, K, C, false);
    for (uint32_t i = 0; i < n; i++) {
        encoder->kernels->accumulate(scores + i * K, judge->bias, K);
        judge->ranks[first + i] = rank_of_target(scores + i * K, (uint32_t)K, judge->targets[first + i]);
    }
}

enum status content_judge_ndcg20(struct content_judge *judge, const struct content_tower *tower, const float *weights, double *out_ndcg20,
                                 struct error *error)
{
    const struct encoder *encoder = judge->ground->encoder;
    size_t C = encoder->shape.width, K = judge->n_candidates;
    struct method_figures figures;
    if (judge->n_cases == 0) {
        *out_ndcg20 = 0;
        return STATUS_OK;
    }
    TRY(content_place_all(tower, weights, judge->contents, judge->n_candidates, judge->ground->workers, judge->placed, error));
    for (size_t i = 0; i < K; i++) {
        const float *placed = judge->placed + i * (C + 1);
        if (encoder->shape.temperature > 0)
            encoder->kernels->unit_forward(judge->vectors + i * C, judge->inverse + i, placed, 1, 1, C);
        else
            memcpy(judge->vectors + i * C, placed, C * sizeof *placed);
        judge->bias[i] = placed[C];
    }
    workers_run(judge->ground->workers, (judge->n_cases + BLOCK_CASES - 1) / BLOCK_CASES, rank_block, judge);
    figures_from_ranks(judge->ranks, judge->n_cases, &figures);
    *out_ndcg20 = figures.ndcg20;
    return STATUS_OK;
}
