/* The table's rows are gathered anew in every step: copying it is little beside the products over it, and nothing has to be put back. */
#include "core/content_step.h"

#include "core/base/floats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PARTS        SLOTS
#define ADAM_EPSILON 1e-8f
#define ROWS_A_BLOCK 256u

/* Of one worker. */
struct step_worker {
    struct activations activations;
    float *memory;                                             /* of the activations */
    float *states, *unit_states, *dstates, *inverse, *softmax; /* [slot rows, C] and so on */
};

struct content_step {
    const struct content_ground *ground;
    const struct content_tower *tower;
    struct content_limits limits;
    struct content_table table;
    unsigned n_workers;
    struct step_worker *workers;
    struct content_pass *passes[PARTS];
    struct content_gradient gradients[PARTS];
    uint32_t part_first[PARTS], part_n[PARTS]; /* of the table's contents; what has no room stands with its id */
    const float *outputs[PARTS];               /* [part_n, D] */
    float *vectors, *unit, *inverse, *bias;    /* [rows, C], with a temperature the same scaled to length 1, [rows], [rows] */
    float *dvectors[SLOTS], *dbias[SLOTS];     /* each [rows, C], [rows] */
    double losses[SLOTS];
    /* Adam */
    uint64_t n_learned;
    float *first_moments, *second_moments; /* [n_floats] */
    uint32_t *row_of;                      /* [buckets] one more than the row in the sum, 0: none */
    uint32_t *buckets, n_buckets;          /* [buckets] of the sum's rows */
    float *fixed, *rows;                   /* [n_fixed], [buckets, E]: the sum of the parts' gradients */
    float *floats;
    /* of the call */
    const struct batches *batches;
    const struct content_choice *choice;
    const float *weights;
    float *learned;
    struct adam_rates rates;
};

static bool is_tempered(const struct content_step *step)
{
    return step->ground->encoder->shape.temperature > 0;
}

/* --- memory --- */

static float *take(const struct content_step *step, size_t *at, size_t n)
{
    float *piece = step->floats ? step->floats + *at : NULL;
    *at += (n + 15) / 16 * 16;
    return piece;
}

static void place_worker(const struct content_step *step, struct step_worker *worker, size_t *at)
{
    const struct encoder *encoder = step->ground->encoder;
    size_t N = step->limits.max_slot_rows, C = encoder->shape.width;
    size_t n_softmax = encoder->kernels->softmax_bytes(N, step->table.n_shared, C) / sizeof(float) + 1;
    worker->memory = take(step, at, activations_floats(encoder, (uint32_t)N));
    worker->states = take(step, at, N * C);
    worker->unit_states = take(step, at, N * C);
    worker->dstates = take(step, at, N * C);
    worker->inverse = take(step, at, N);
    worker->softmax = take(step, at, n_softmax);
    if (step->floats)
        activations_place(&worker->activations, encoder, (uint32_t)N, worker->memory);
}

/* With no memory yet only count. */
static size_t place(struct content_step *step)
{
    size_t at = 0, C = step->tower->shape.width, n_floats = step->tower->n_floats, B = step->tower->shape.n_buckets;
    size_t R = step->table.n_shared + (content_table_is_whole(&step->table) ? 0 : step->table.max_targets);
    for (unsigned w = 0; w < step->n_workers; w++)
        place_worker(step, &step->workers[w], &at);
    step->vectors = take(step, &at, R * C);
    step->unit = take(step, &at, is_tempered(step) ? R * C : 0);
    step->inverse = take(step, &at, R);
    step->bias = take(step, &at, R);
    for (unsigned s = 0; s < SLOTS; s++) {
        step->dvectors[s] = take(step, &at, R * C);
        step->dbias[s] = take(step, &at, R);
    }
    step->first_moments = take(step, &at, n_floats);
    step->second_moments = take(step, &at, n_floats);
    step->fixed = take(step, &at, step->tower->n_fixed);
    step->rows = take(step, &at, B * step->tower->shape.embedding);
    return at;
}

void content_step_destroy(struct content_step *step)
{
    if (!step)
        return;
    for (unsigned p = 0; p < PARTS; p++)
        content_pass_destroy(step->passes[p]);
    content_table_clear(&step->table);
    free(step->workers);
    free(step->floats);
    free(step->row_of);
    free(step->buckets);
    free(step);
}

static enum status begin(struct content_step *step, struct error *error)
{
    const struct content_limits *limits = &step->limits;
    size_t B = step->tower->shape.n_buckets, n;
    TRY(content_table_init(&step->table, step->ground->encoder->shape.n_items, limits->max_shared, limits->max_slot_rows * SLOTS,
                           limits->max_contents));
    for (unsigned p = 0; p < PARTS; p++)
        TRY(content_pass_create(step->tower, (limits->max_contents + PARTS - 1) / PARTS, true, &step->passes[p], error));
    step->workers = calloc(step->n_workers, sizeof *step->workers);
    step->row_of = calloc(B, sizeof *step->row_of);
    step->buckets = calloc(B, sizeof *step->buckets);
    if (!step->workers || !step->row_of || !step->buckets)
        return STATUS_NOMEM;
    n = place(step);
    step->floats = aligned_floats(n);
    if (!step->floats)
        return STATUS_NOMEM;
    (void)place(step);
    memset(step->first_moments, 0, step->tower->n_floats * sizeof(float));
    memset(step->second_moments, 0, step->tower->n_floats * sizeof(float));
    memset(step->fixed, 0, step->tower->n_fixed * sizeof(float));
    return STATUS_OK;
}

enum status content_step_create(const struct content_ground *ground, const struct content_tower *tower, const struct content_limits *limits,
                                struct content_step **out_step, struct error *error)
{
    SCOPED(content_step_destroy) struct content_step *step = calloc(1, sizeof *step);
    if (!step)
        return STATUS_NOMEM;
    step->ground = ground;
    step->tower = tower;
    step->limits = *limits;
    step->n_workers = workers_count(ground->workers);
    TRY(begin(step, error));
    *out_step = step;
    step = NULL;
    return STATUS_OK;
}

/* --- the table --- */

static void place_part(void *context, uint32_t part, unsigned worker)
{
    (void)worker;
    struct content_step *step = context;
    struct content_pass *pass = step->passes[part];
    uint32_t n = step->table.n_contents, first = (uint32_t)((uint64_t)n * part / PARTS), end = (uint32_t)((uint64_t)n * (part + 1) / PARTS);
    uint32_t next = first;
    struct random random;
    random_init(&random, step->choice->seed, UINT64_C(0x4357000000000000) | (step->choice->number * PARTS + part));
    content_pass_clear(pass);
    while (next < end &&
           content_pass_add_thinned(pass, &step->ground->contents[step->table.contents[next]], step->choice->word_dropout, &random))
        next++;
    step->part_first[part] = first;
    step->part_n[part] = next - first;
    step->outputs[part] = content_pass_forward(pass, step->weights);
}

static uint32_t blocks_of(size_t n, size_t block)
{
    return (uint32_t)((n + block - 1) / block);
}

/* A sampled row stands for V / S of them. */
static float correction_of(const struct content_table *table, uint32_t row)
{
    bool is_sampled = !content_table_is_whole(table) && row < table->n_shared;
    return is_sampled ? logf((float)table->n_items / (float)table->n_shared) : 0;
}

static void gather_ids(void *context, uint32_t block, unsigned worker)
{
    (void)worker;
    struct content_step *step = context;
    const struct tensors *at = &step->ground->encoder->tensors;
    const float *weights = step->ground->weights;
    size_t C = step->tower->shape.width;
    uint32_t first = block * ROWS_A_BLOCK, end = first + ROWS_A_BLOCK < step->table.n_rows ? first + ROWS_A_BLOCK : step->table.n_rows;
    for (uint32_t row = first; row < end; row++) {
        uint32_t item = step->table.items[row];
        memcpy(step->vectors + row * C, weights + at->items + item * C, C * sizeof *weights);
        step->bias[row] = weights[at->bias + item] + correction_of(&step->table, row);
    }
}

static void set_contents(struct content_step *step)
{
    size_t C = step->tower->shape.width;
    for (unsigned part = 0; part < PARTS; part++)
        for (uint32_t i = 0; i < step->part_n[part]; i++)
            for (unsigned twin = 0; twin < 2; twin++) {
                uint32_t row = step->table.content_rows[step->part_first[part] + i][twin];
                const float *output = step->outputs[part] + i * (C + 1);
                if (row == CONTENT_NONE)
                    continue;
                memcpy(step->vectors + row * C, output, C * sizeof *output);
                step->bias[row] = output[C] + correction_of(&step->table, row);
            }
}

static void scale_rows(void *context, uint32_t block, unsigned worker)
{
    (void)worker;
    struct content_step *step = context;
    size_t C = step->tower->shape.width, first = (size_t)block * ROWS_A_BLOCK, n = step->table.n_rows - first;
    n = n < ROWS_A_BLOCK ? n : ROWS_A_BLOCK;
    step->ground->encoder->kernels->unit_forward(step->unit + first * C, step->inverse + first, step->vectors + first * C, 1, n, C);
}

/* --- the loss --- */

static void run_slot(void *context, uint32_t turn, unsigned worker_number)
{
    struct content_step *step = context;
    uint32_t number = step->batches->longest_first[turn];
    const struct encoder *encoder = step->ground->encoder;
    const struct kernels *k = encoder->kernels;
    const struct batch_slot *slot = &step->batches->slots[number];
    struct step_worker *worker = &step->workers[worker_number];
    size_t C = encoder->shape.width, first = (size_t)(slot->targets - step->batches->targets), n_rows = step->table.n_rows;
    struct random random;
    struct softmax_rows rows = {.x = worker->states,
                                .target = step->table.targets + first,
                                .skip = content_table_is_whole(&step->table) ? NULL : step->table.skips + first,
                                .weight = slot->target_weights,
                                .N = slot->n_targets,
                                .V = step->table.n_shared,
                                .C = C};
    memset(step->dvectors[number], 0, n_rows * C * sizeof(float));
    memset(step->dbias[number], 0, n_rows * sizeof(float));
    random_init(&random, step->choice->seed, UINT64_C(0x4344000000000000) | (step->choice->number * SLOTS + number));
    const float *states =
        encoder_forward(encoder, step->ground->weights, &slot->packed, step->choice->dropout, &random, &worker->activations);
    for (uint32_t i = 0; i < slot->n_targets; i++)
        memcpy(worker->states + i * C, states + slot->target_rows[i] * C, C * sizeof *states);
    if (is_tempered(step)) {
        k->unit_forward(worker->unit_states, worker->inverse, worker->states, 1 / encoder->shape.temperature, rows.N, C);
        rows.x = worker->unit_states;
    }
    step->losses[number] = k->softmax_loss(worker->dstates, step->dvectors[number], step->dbias[number], &rows,
                                           is_tempered(step) ? step->unit : step->vectors, step->bias, worker->softmax);
}

/* slopes [D] += those of one row over all slots; of a scaled row taken back through the scaling. */
static void add_row(const struct content_step *step, uint32_t row, float slopes[])
{
    const struct kernels *k = step->ground->encoder->kernels;
    size_t C = step->tower->shape.width;
    float *sum = step->dvectors[0] + row * C;
    for (unsigned s = 1; s < SLOTS; s++)
        k->accumulate(sum, step->dvectors[s] + row * C, C);
    if (is_tempered(step))
        k->unit_backward(sum, step->vectors + row * C, step->inverse + row, 1, 1, C);
    k->accumulate(slopes, sum, C);
    for (unsigned s = 0; s < SLOTS; s++)
        slopes[C] += step->dbias[s][row];
}

static void turn_back_part(void *context, uint32_t part, unsigned worker)
{
    (void)worker;
    struct content_step *step = context;
    size_t D = content_outputs(step->tower);
    float *slopes = content_pass_slopes(step->passes[part]);
    memset(slopes, 0, step->part_n[part] * D * sizeof *slopes);
    for (uint32_t i = 0; i < step->part_n[part]; i++)
        for (unsigned twin = 0; twin < 2; twin++) {
            uint32_t row = step->table.content_rows[step->part_first[part] + i][twin];
            if (row != CONTENT_NONE)
                add_row(step, row, slopes + i * D);
        }
    step->gradients[part] = content_pass_backward(step->passes[part], step->weights);
}

/* The parts' gradients, in their order. */
static void add_parts(struct content_step *step)
{
    const struct kernels *k = step->ground->encoder->kernels;
    size_t E = step->tower->shape.embedding;
    memset(step->fixed, 0, step->tower->n_fixed * sizeof *step->fixed);
    step->n_buckets = 0;
    for (unsigned part = 0; part < PARTS; part++) {
        const struct content_gradient *gradient = &step->gradients[part];
        k->accumulate(step->fixed, gradient->fixed, step->tower->n_fixed);
        for (uint32_t r = 0; r < gradient->n_rows; r++) {
            uint32_t *row = &step->row_of[gradient->buckets[r]];
            if (*row == 0) {
                step->buckets[step->n_buckets] = gradient->buckets[r];
                memset(step->rows + step->n_buckets * E, 0, E * sizeof *step->rows);
                *row = ++step->n_buckets;
            }
            k->accumulate(step->rows + (*row - 1) * E, gradient->rows + r * E, E);
        }
    }
    for (uint32_t r = 0; r < step->n_buckets; r++)
        step->row_of[step->buckets[r]] = 0;
}

double content_step_loss(struct content_step *step, const struct batches *batches, const struct content_choice *choice,
                         const float *weights)
{
    struct workers *workers = step->ground->workers;
    double loss = 0;
    step->batches = batches;
    step->choice = choice;
    step->weights = weights;
    content_table_choose(&step->table, batches->targets, batches->n_targets, choice->may, choice->probability, choice->seed,
                         choice->number);
    workers_run(workers, PARTS, place_part, step);
    workers_run(workers, blocks_of(step->table.n_rows, ROWS_A_BLOCK), gather_ids, step);
    set_contents(step);
    if (is_tempered(step))
        workers_run(workers, blocks_of(step->table.n_rows, ROWS_A_BLOCK), scale_rows, step);
    workers_run(workers, SLOTS, run_slot, step);
    workers_run(workers, PARTS, turn_back_part, step);
    add_parts(step);
    for (unsigned s = 0; s < SLOTS; s++)
        loss += step->losses[s];
    return loss;
}

void content_step_gradient(const struct content_step *step, float gradient[])
{
    size_t E = step->tower->shape.embedding;
    memset(gradient, 0, step->tower->n_floats * sizeof *gradient);
    memcpy(gradient, step->fixed, step->tower->n_fixed * sizeof *gradient);
    for (uint32_t r = 0; r < step->n_buckets; r++)
        memcpy(gradient + step->tower->n_fixed + step->buckets[r] * E, step->rows + r * E, E * sizeof *gradient);
}

/* --- Adam --- */

static void learn_rows(void *context, uint32_t block, unsigned worker)
{
    (void)worker;
    struct content_step *step = context;
    size_t E = step->tower->shape.embedding;
    uint32_t first = block * ROWS_A_BLOCK, end = first + ROWS_A_BLOCK < step->n_buckets ? first + ROWS_A_BLOCK : step->n_buckets;
    for (uint32_t r = first; r < end; r++) {
        size_t at = step->tower->n_fixed + step->buckets[r] * E;
        step->ground->encoder->kernels->adam(step->learned + at, step->first_moments + at, step->second_moments + at, step->rows + r * E,
                                             &step->rates, E);
    }
}

void content_step_learn(struct content_step *step, float learning_rate, float weights[])
{
    step->rates = adam_rates_at(learning_rate, ADAM_EPSILON, ++step->n_learned);
    step->learned = weights;
    step->ground->encoder->kernels->adam(weights, step->first_moments, step->second_moments, step->fixed, &step->rates,
                                         step->tower->n_fixed);
    workers_run(step->ground->workers, blocks_of(step->n_buckets, ROWS_A_BLOCK), learn_rows, step);
}
