/* A worker's memory is one piece: the workspace of encoder_last_rows, the states of a batch, and the events of some of its cases. */
#include "core/encoder_scores.h"

#include <stdlib.h>
#include <string.h>

#define ROWS_AT_ONCE 512u /* of an encoding, if one case has not more: what they take stays near the cache */

struct worker_memory {
    double *flops;
    void *workspace;
    float *states, *unit_states, *inverse; /* [EVALUATION_BATCH, C], the same, [EVALUATION_BATCH] */
    uint32_t *items;                       /* [rows at once] */
    uint8_t *types;
    uint32_t *starts; /* [EVALUATION_BATCH + 1] */
};

static uint32_t rows_at_once(const struct encoder *encoder)
{
    uint32_t field = encoder_field(encoder);
    return field > ROWS_AT_ONCE ? field : ROWS_AT_ONCE;
}

static size_t take(size_t *at, size_t n_bytes)
{
    size_t here = *at;
    *at += (n_bytes + 63) / 64 * 64;
    return here;
}

static size_t place(const struct encoder *encoder, unsigned char *memory, struct worker_memory *out)
{
    size_t at = 0, n_rows = rows_at_once(encoder), n_states = EVALUATION_BATCH * (size_t)encoder->shape.width;
    size_t flops = take(&at, sizeof(double));
    size_t workspace = take(&at, encoder_last_rows_bytes(encoder, rows_at_once(encoder), EVALUATION_BATCH));
    size_t states = take(&at, n_states * sizeof(float)), unit_states = take(&at, n_states * sizeof(float));
    size_t inverse = take(&at, EVALUATION_BATCH * sizeof(float)), items = take(&at, n_rows * sizeof(uint32_t)), types = take(&at, n_rows);
    size_t starts = take(&at, (EVALUATION_BATCH + 1) * sizeof(uint32_t));
    if (memory) {
        *out = (struct worker_memory){.flops = (double *)(void *)(memory + flops),
                                      .workspace = memory + workspace,
                                      .states = (float *)(void *)(memory + states),
                                      .unit_states = (float *)(void *)(memory + unit_states),
                                      .inverse = (float *)(void *)(memory + inverse),
                                      .items = (uint32_t *)(void *)(memory + items),
                                      .types = memory + types,
                                      .starts = (uint32_t *)(void *)(memory + starts)};
    }
    return at;
}

static struct worker_memory memory_of(const struct encoder_scores *scores, unsigned worker)
{
    struct worker_memory memory = {0};
    (void)place(scores->encoder, scores->memory + worker * scores->worker_bytes, &memory);
    return memory;
}

/* Does the event count, and does the network know its item and type? */
static bool is_input(const struct encoder_scores *scores, const struct dataset *dataset, uint64_t event)
{
    const struct encoder_shape *shape = &scores->encoder->shape;
    return feedback_is_behaviour(scores->type_weights.weights[dataset->types[event]]) && dataset->items[event] < shape->n_items &&
           dataset->types[event] < shape->n_types;
}

/* The last inputs before the target that the state depends on, oldest first. Returns how many. */
static uint32_t read_history(const struct encoder_scores *scores, const struct dataset *dataset, const struct held_out *held_out,
                             uint32_t items[], uint8_t types[])
{
    uint32_t field = encoder_field(scores->encoder), n = 0;
    uint64_t first = held_out->target;
    for (; first > dataset->starts[held_out->user] && n < field; first--)
        n += is_input(scores, dataset, first - 1);
    n = 0;
    for (uint64_t i = first; i < held_out->target; i++) {
        if (!is_input(scores, dataset, i))
            continue;
        items[n] = dataset->items[i];
        types[n++] = dataset->types[i];
    }
    return n;
}

/* memory->states of the cases: as many of them at once as have room. */
static void encode_cases(const struct encoder_scores *scores, const struct dataset *dataset, const struct held_out cases[],
                         uint32_t n_cases, const struct worker_memory *memory, bool out_known[])
{
    const struct encoder *encoder = scores->encoder;
    uint32_t most = rows_at_once(encoder) - encoder_field(encoder);
    struct packed packed = {.items = memory->items, .types = memory->types, .starts = memory->starts};
    memory->starts[0] = 0;
    for (uint32_t i = 0; i < n_cases; i++) {
        uint32_t n = read_history(scores, dataset, &cases[i], memory->items + packed.n_rows, memory->types + packed.n_rows);
        out_known[i] = n > 0;
        memory->starts[++packed.n_sequences] = packed.n_rows += n;
        if (packed.n_rows <= most && i + 1 < n_cases)
            continue;
        float *states = memory->states + (i + 1 - packed.n_sequences) * (size_t)encoder->shape.width;
        *memory->flops += encoder_last_rows(encoder, scores->weights, &packed, memory->workspace, states);
        packed.n_rows = packed.n_sequences = 0;
    }
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
    struct worker_memory memory = memory_of(scores, worker);
    encode_cases(scores, dataset, cases, n_cases, &memory, out_known);
    const float *states = memory.states;
    if (scores->unit_items) {
        k->unit_forward(memory.unit_states, memory.inverse, states, 1 / encoder->shape.temperature, n_cases, C);
        states = memory.unit_states;
        items = scores->unit_items;
    }
    k->product(PRODUCT_NT, out_scores, states, items, n_cases, V, C, false);
    *memory.flops += 2.0 * (double)n_cases * (double)V * (double)C;
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
    made.n_workers = n_workers;
    for (unsigned worker = 0; worker < n_workers; worker++)
        *memory_of(&made, worker).flops = 0;
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

double encoder_scores_flops(const struct encoder_scores *scores)
{
    double flops = 0;
    for (unsigned worker = 0; worker < scores->n_workers; worker++)
        flops += *memory_of(scores, worker).flops;
    return flops;
}
