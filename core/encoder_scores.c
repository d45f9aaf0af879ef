/* A worker's memory is one piece: the workspace of encoder_last, the states of a batch, and one case's events. */
#include "core/encoder_scores.h"

#include <stdlib.h>
#include <string.h>

struct worker_memory {
    void *workspace;
    float *states, *unit_states, *inverse; /* [EVALUATION_BATCH, C], the same, [EVALUATION_BATCH] */
    uint32_t *items;                       /* [history] */
    uint8_t *types;
};

static size_t take(size_t *at, size_t n_bytes)
{
    size_t here = *at;
    *at += (n_bytes + 63) / 64 * 64;
    return here;
}

static size_t place(const struct encoder *encoder, unsigned char *memory, struct worker_memory *out)
{
    size_t at = 0, n_states = EVALUATION_BATCH * (size_t)encoder->shape.width;
    size_t workspace = take(&at, encoder_last_bytes(encoder)), states = take(&at, n_states * sizeof(float));
    size_t unit_states = take(&at, n_states * sizeof(float)), inverse = take(&at, EVALUATION_BATCH * sizeof(float));
    size_t items = take(&at, encoder->shape.history * sizeof(uint32_t)), types = take(&at, encoder->shape.history);
    if (memory) {
        *out = (struct worker_memory){.workspace = memory + workspace,
                                      .states = (float *)(void *)(memory + states),
                                      .unit_states = (float *)(void *)(memory + unit_states),
                                      .inverse = (float *)(void *)(memory + inverse),
                                      .items = (uint32_t *)(void *)(memory + items),
                                      .types = memory + types};
    }
    return at;
}

/* Does the event count, and does the network know its item and type? */
static bool is_input(const struct encoder_scores *scores, const struct dataset *dataset, uint64_t event)
{
    const struct encoder_shape *shape = &scores->encoder->shape;
    return feedback_is_behaviour(scores->type_weights.weights[dataset->types[event]]) && dataset->items[event] < shape->n_items &&
           dataset->types[event] < shape->n_types;
}

/* The last inputs before the target, oldest first. Returns how many. */
static uint32_t read_history(const struct encoder_scores *scores, const struct dataset *dataset, const struct held_out *held_out,
                             const struct worker_memory *memory)
{
    uint32_t history = scores->encoder->shape.history, n = 0;
    uint64_t first = held_out->target;
    for (; first > dataset->starts[held_out->user] && n < history; first--)
        n += is_input(scores, dataset, first - 1);
    n = 0;
    for (uint64_t i = first; i < held_out->target; i++) {
        if (!is_input(scores, dataset, i))
            continue;
        memory->items[n] = dataset->items[i];
        memory->types[n++] = dataset->types[i];
    }
    return n;
}

/* Rows of n_known scores, close together, become rows of n_items. From the last one: no row is written over before it is moved. */
static void spread_rows(float rows[], uint32_t n_rows, size_t n_known, size_t n_items)
{
    for (size_t i = n_rows; n_known < n_items && i-- > 1;)
        memmove(rows + i * n_items, rows + i * n_known, n_known * sizeof *rows);
}

static void score_cases(void *context, const struct dataset *dataset, const struct held_out cases[], uint32_t n_cases, unsigned worker,
                        float *out_scores, bool out_known[])
{
    const struct encoder_scores *scores = context;
    const struct encoder *encoder = scores->encoder;
    const struct kernels *k = encoder->kernels;
    size_t C = encoder->shape.width, V = encoder->shape.n_items;
    const float *items = scores->weights + encoder->tensors.items, *bias = scores->weights + encoder->tensors.bias;
    struct worker_memory memory = {0};
    (void)place(encoder, scores->memory + worker * scores->worker_bytes, &memory);
    for (uint32_t i = 0; i < n_cases; i++) {
        float *state = memory.states + i * C;
        uint32_t n = read_history(scores, dataset, &cases[i], &memory);
        out_known[i] = n > 0;
        if (n > 0)
            encoder_last(encoder, scores->weights, memory.items, NULL, memory.types, n, memory.workspace, state);
        for (size_t c = 0; c < C && n == 0; c++)
            state[c] = 0;
    }
    const float *states = memory.states;
    if (scores->unit_items) {
        k->unit_forward(memory.unit_states, memory.inverse, states, 1 / encoder->shape.temperature, n_cases, C);
        states = memory.unit_states;
        items = scores->unit_items;
    }
    k->product(PRODUCT_NT, out_scores, states, items, n_cases, V, C, false);
    for (uint32_t i = 0; i < n_cases; i++)
        k->accumulate(out_scores + i * V, bias, V);
    spread_rows(out_scores, n_cases, V, dataset->n_items);
}

void encoder_scores_clear(struct encoder_scores *scores)
{
    free(scores->memory);
    free(scores->unit_items);
    free(scores->inverse_lengths);
    *scores = (struct encoder_scores){0};
}

enum status encoder_scores_init(struct encoder_scores *scores, const struct encoder *encoder, const float *weights,
                                const struct type_weights *type_weights, unsigned n_workers)
{
    struct encoder_scores made = {.encoder = encoder, .weights = weights, .type_weights = *type_weights};
    size_t V = encoder->shape.n_items, C = encoder->shape.width;
    made.worker_bytes = place(encoder, NULL, NULL);
    made.memory = aligned_alloc(64, n_workers * made.worker_bytes);
    bool tempered = encoder->shape.temperature > 0;
    if (tempered) {
        made.unit_items = calloc(V, C * sizeof(float));
        made.inverse_lengths = calloc(V, sizeof(float));
    }
    if (!made.memory || (tempered && (!made.unit_items || !made.inverse_lengths))) {
        encoder_scores_clear(&made);
        return STATUS_NOMEM;
    }
    made.view = (struct encoder_view){.score = score_cases, .context = scores, .n_items = encoder->shape.n_items};
    *scores = made;
    encoder_scores_refresh(scores);
    return STATUS_OK;
}

void encoder_scores_refresh(struct encoder_scores *scores)
{
    const struct encoder *encoder = scores->encoder;
    if (scores->unit_items)
        encoder->kernels->unit_forward(scores->unit_items, scores->inverse_lengths, scores->weights + encoder->tensors.items, 1,
                                       encoder->shape.n_items, encoder->shape.width);
}
