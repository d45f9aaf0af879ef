/* What the user had is left out of the rows before they are blended, not after: then it is done three times a case instead of once for
 * every weight that is tried. -INFINITY stays what it is when it is blended, or becomes NaN with weight 0; neither is above anything. */
#include "core/method_scores.h"

#include <stdlib.h>
#include <string.h>

#define METHOD_ROWS 4u

enum status method_scores_init(struct method_scores *scores, const struct dataset *dataset, const struct split *split,
                               const struct type_weights *weights, const struct encoder_view *encoder, const struct training_counts *counts,
                               unsigned n_workers)
{
    size_t n_items = (size_t)dataset->n_items + 1; /* never nothing */
    struct method_scores made = {.weights = weights, .counts = counts};
    TRY(case_scores_init(&made.cases, dataset, split, encoder, n_workers));
    made.rows = calloc(n_workers * METHOD_ROWS, n_items * sizeof *made.rows);
    made.touched = calloc(n_workers, n_items * sizeof *made.touched);
    if (!made.rows || !made.touched) {
        method_scores_clear(&made);
        return STATUS_NOMEM;
    }
    *scores = made;
    return STATUS_OK;
}

void method_scores_clear(struct method_scores *scores)
{
    case_scores_clear(&scores->cases);
    free(scores->rows);
    free(scores->touched);
    *scores = (struct method_scores){0};
}

/* The user's last events before target that count, newest first. Returns how many. */
static uint32_t read_recent(const struct method_scores *scores, const struct held_out *held_out, uint32_t items[], float signs[])
{
    const struct dataset *dataset = scores->cases.dataset;
    uint32_t n = 0;
    for (uint64_t i = held_out->target; i > dataset->starts[held_out->user] && n < NEIGHBOURS_REACH; i--) {
        float weight = scores->weights->weights[dataset->types[i - 1]];
        if (!feedback_is_behaviour(weight))
            continue;
        items[n] = dataset->items[i - 1];
        signs[n++] = weight;
    }
    return n;
}

static void score_neighbours(const struct method_scores *scores, const struct held_out *held_out, float out_scores[])
{
    uint32_t items[NEIGHBOURS_REACH];
    float signs[NEIGHBOURS_REACH];
    uint32_t n_recent = read_recent(scores, held_out, items, signs);
    neighbours_score(scores->counts->neighbours, items, signs, n_recent, out_scores, scores->cases.dataset->n_items);
}

/* encoder: the case's row, which is changed; NULL: there is none. */
static struct scored_case score_case(const struct method_scores *scores, uint32_t number, float *encoder, bool known, unsigned worker)
{
    const struct dataset *dataset = scores->cases.dataset;
    const struct split *split = scores->cases.split;
    const struct held_out *held_out = &split->held_out[number];
    uint32_t n_items = dataset->n_items;
    float *rows = scores->rows + (size_t)worker * METHOD_ROWS * (n_items + (size_t)1);
    struct scored_case scored = {
        .number = number,
        .user = held_out->user,
        .target = dataset->items[held_out->target],
        .n_items = n_items,
        .popular = rows,
        .neighbours = rows + n_items,
        .blend = rows + 2 * (size_t)n_items,
        .rest = rows + 3 * (size_t)n_items,
        .touched = scores->touched + (size_t)worker * n_items,
        .encoder = encoder,
        .n_known = encoder && known ? scores->cases.n_known : 0,
    };
    memcpy(scored.popular, scores->counts->popular, n_items * sizeof *scored.popular);
    score_neighbours(scores, held_out, scored.neighbours);
    scored.neighbours_spread = spread_of(scored.neighbours, n_items);
    leave_out_seen(dataset, split, held_out, scored.popular, n_items);
    leave_out_seen(dataset, split, held_out, scored.neighbours, n_items);
    if (encoder) {
        scored.encoder_spread = spread_of(encoder, scored.n_known);
        leave_out_seen(dataset, split, held_out, encoder, scored.n_known);
    }
    return scored;
}

struct round {
    const struct method_scores *scores;
    const struct case_visitor *visitor;
    uint32_t first_block;
};

static void visit_block(void *context, uint32_t block_of_round, unsigned worker)
{
    const struct round *round = context;
    const struct method_scores *scores = round->scores;
    bool known[EVALUATION_BATCH];
    uint32_t batch = scores->cases.batch, block = round->first_block + block_of_round, n_cases = case_scores_count(&scores->cases, block);
    float *rows = case_scores_fill(&scores->cases, block, worker, known);
    for (uint32_t i = 0; i < n_cases; i++) {
        float *encoder = scores->cases.encoder ? rows + (size_t)i * scores->cases.dataset->n_items : NULL;
        struct scored_case scored = score_case(scores, block * batch + i, encoder, known[i], worker);
        round->visitor->visit(round->visitor->context, &scored, block_of_round * batch + i);
    }
}

enum status method_scores_visit(const struct method_scores *scores, struct workers *workers, const struct progress *progress,
                                const struct case_visitor *visitor)
{
    uint32_t n_blocks = scores->cases.n_blocks, n_all = scores->cases.split->n_held_out;
    for (uint32_t first = 0; first < n_blocks; first += ROUND_BLOCKS) {
        uint32_t n = n_blocks - first < ROUND_BLOCKS ? n_blocks - first : ROUND_BLOCKS;
        uint32_t first_case = first * scores->cases.batch, n_cases = n * scores->cases.batch;
        if (!progress_report(progress, "judging", first_case, n_all, NULL))
            return STATUS_CONFLICT;
        struct round round = {.scores = scores, .visitor = visitor, .first_block = first};
        workers_run(workers, n, visit_block, &round);
        if (visitor->finish_round)
            visitor->finish_round(visitor->context, first_case, n_cases < n_all - first_case ? n_cases : n_all - first_case);
    }
    return progress_report(progress, "judging", n_all, n_all, NULL) ? STATUS_OK : STATUS_CONFLICT;
}

uint32_t scored_case_rank(const struct scored_case *scored, enum method method)
{
    switch (method) {
    case METHOD_POPULAR: return rank_of_target(scored->popular, scored->n_items, scored->target);
    case METHOD_NEIGHBOURS: return rank_of_target(scored->neighbours, scored->n_items, scored->target);
    case METHOD_ENCODER:
        return scored->target < scored->n_known ? rank_of_target(scored->encoder, scored->n_known, scored->target) : UINT32_MAX;
    case METHOD_BLEND:
    case METHODS: break;
    }
    return rank_of_target(scored->blend, scored->n_items, scored->target);
}

void scored_case_blend(const struct scored_case *scored, float weight)
{
    blend_spread_scores(scored->encoder, scored->encoder_spread, scored->n_known, scored->neighbours, scored->neighbours_spread, weight,
                        scored->n_items, scored->blend);
}
