/* What a step changes is in struct training; what it only needs while it runs is in the slot memory. The step's network is the whole one,
 * or, with sampled softmax, the small one over the items that the step touches. */
#include "core/training.h"

#include "core/averaging.h"
#include "core/base/clock.h"
#include "core/base/floats.h"
#include "core/touched.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct training {
    struct training_settings settings;
    struct workers *workers;
    struct slot_memory *memory;
    const struct sequences *sequences;
    struct encoder whole;          /* the model's network */
    const struct encoder *encoder; /* the steps': whole, or that of touched */
    float *weights, *average;      /* [n_floats of whole]; average NULL: none */
    float *step_weights;           /* as encoder says: weights, or those of touched */
    struct touched touched;
    struct batches batches;
    struct optimizer optimizer;
    double losses[SLOTS];
    float *unit_items, *inverse_lengths; /* with a temperature: the step's items scaled to length 1, as the softmax sees them */
    float rate;                          /* share of the settings' learning rate */
    uint64_t falling_from, n_falling;    /* steps in which it falls to 0, and the first of them; n_falling 0: it stays */
    uint32_t n_epochs;
    uint64_t step;
};

static bool is_tempered(const struct training *training)
{
    return training->whole.shape.temperature > 0;
}

static bool is_sampled(const struct training *training)
{
    return training->settings.n_negatives > 0;
}

void training_destroy(struct training *training)
{
    if (!training)
        return;
    free(training->weights);
    free(training->average);
    free(training->unit_items);
    free(training->inverse_lengths);
    touched_clear(&training->touched);
    optimizer_clear(&training->optimizer);
    batches_clear(&training->batches);
    free(training);
}

/* The step's network and its own weights. */
static enum status choose_network(struct training *training)
{
    training->encoder = &training->whole;
    training->step_weights = training->weights;
    if (!is_sampled(training))
        return STATUS_OK;
    TRY(touched_init(&training->touched, &training->whole, training->settings.n_negatives, training->batches.max_slot_rows * SLOTS));
    training->encoder = &training->touched.compact;
    training->step_weights = training->touched.weights;
    touched_read_network(&training->touched, training->weights);
    return STATUS_OK;
}

struct batch_form training_batch_form(const struct training_settings *settings)
{
    return (struct batch_form){
        .history = settings->shape.history,
        .batch_rows = settings->batch_rows,
        .reach = settings->reach,
        .recency = settings->recency,
    };
}

/* Fill a zeroed training; what was taken is in it on failure too. */
static enum status begin(struct training *training)
{
    const struct training_settings *settings = &training->settings;
    size_t n_floats = training->whole.tensors.n_floats;
    struct batch_form form = training_batch_form(settings);
    TRY(batches_init(&training->batches, training->sequences, &settings->type_weights, &form));
    training->weights = aligned_floats(n_floats);
    if (!training->weights)
        return STATUS_NOMEM;
    tensors_start(&training->whole.tensors, settings->seed, training->weights);
    if (settings->averaging > 0) {
        training->average = aligned_floats(n_floats);
        if (!training->average)
            return STATUS_NOMEM;
        memcpy(training->average, training->weights, n_floats * sizeof(float));
    }
    TRY(choose_network(training));
    size_t n_items = training->encoder->shape.n_items;
    if (is_tempered(training)) {
        training->unit_items = aligned_floats(n_items * settings->shape.width);
        training->inverse_lengths = aligned_floats(n_items);
        if (!training->unit_items || !training->inverse_lengths)
            return STATUS_NOMEM;
    }
    return optimizer_init(&training->optimizer, training->encoder);
}

enum status training_create(const struct sequences *sequences, const struct training_settings *settings, struct slot_memory *memory,
                            struct workers *workers, struct training **out_training)
{
    SCOPED(training_destroy) struct training *training = calloc(1, sizeof *training);
    if (!training)
        return STATUS_NOMEM;
    training->settings = *settings;
    training->sequences = sequences;
    training->memory = memory;
    training->workers = workers;
    training->rate = 1;
    encoder_init(&training->whole, &settings->shape, kernels_fast());
    TRY(begin(training));
    *out_training = training;
    training = NULL;
    return STATUS_OK;
}

/* --- a step --- */

/* The loss of one slot and its gradients with regard to the states of its rows (worker->drows). */
static double slot_loss(struct training *training, const struct batch_slot *slot, const float *states, struct slot_worker *worker,
                        uint32_t number)
{
    const struct kernels *k = training->encoder->kernels;
    const struct tensors *at = &training->encoder->tensors;
    size_t C = training->encoder->shape.width, N = slot->n_targets, V = training->encoder->shape.n_items;
    float *gradients = training->memory->gradients[number];
    struct softmax_rows rows = {.x = worker->states, .target = slot->targets, .weight = slot->target_weights, .N = N, .V = V, .C = C};
    if (is_sampled(training)) {
        rows.V = training->touched.n_negatives;
        rows.skip = training->touched.skips + (slot->targets - training->batches.targets);
    }
    const float *items = training->step_weights + at->items;
    for (size_t i = 0; i < N; i++)
        memcpy(worker->states + i * C, states + slot->target_rows[i] * C, C * sizeof *states);
    float scale = is_tempered(training) ? 1 / training->encoder->shape.temperature : 1;
    if (is_tempered(training)) {
        k->unit_forward(worker->unit_states, worker->inverse, worker->states, scale, N, C);
        rows.x = worker->unit_states;
        items = training->unit_items;
    }
    double loss = k->softmax_loss(worker->dstates, gradients + at->items, gradients + at->bias, &rows, items,
                                  training->step_weights + at->bias, worker->softmax);
    if (is_tempered(training))
        k->unit_backward(worker->dstates, worker->states, worker->inverse, scale, N, C);
    memset(worker->drows, 0, slot->packed.n_rows * C * sizeof *worker->drows);
    for (size_t i = 0; i < N; i++)
        memcpy(worker->drows + slot->target_rows[i] * C, worker->dstates + i * C, C * sizeof *states);
    return loss;
}

static void run_slot(void *context, uint32_t turn, unsigned worker_number)
{
    struct training *training = context;
    uint32_t number = training->batches.longest_first[turn];
    struct slot_worker *worker = &training->memory->workers[worker_number];
    const struct batch_slot *slot = &training->batches.slots[number];
    const struct encoder *encoder = training->encoder;
    float dropout = training->settings.dropout, *gradients = training->memory->gradients[number];
    struct random random;
    random_init(&random, training->settings.seed, UINT64_C(0x4452000000000000) | (training->step * SLOTS + number));
    memset(gradients, 0, encoder->tensors.n_floats * sizeof *gradients);
    const float *states = encoder_forward(encoder, training->step_weights, &slot->packed, dropout, &random, &worker->activations);
    training->losses[number] = slot_loss(training, slot, states, worker, number);
    const float *dinputs =
        encoder_backward(encoder, training->step_weights, &slot->packed, dropout, &worker->activations, worker->drows, gradients);
    memcpy(training->memory->dinputs[number], dinputs, slot->packed.n_rows * encoder->shape.width * sizeof *dinputs);
    if (is_sampled(training))
        touched_join_twins(&training->touched, gradients);
}

/* The gradients of the embeddings, all slots' in their order: few rows, in one place for all slots. */
static void join_inputs(const struct training *training)
{
    const struct encoder *encoder = training->encoder;
    const struct tensors *at = &encoder->tensors;
    float *gradients = training->memory->gradients[0];
    float *ditems = is_tempered(training) ? training->memory->input_gradients : gradients + at->items;
    for (unsigned s = 0; s < SLOTS; s++) {
        const struct packed *packed = &training->batches.slots[s].packed;
        encoder->kernels->embed_backward(ditems, gradients + at->types, training->memory->dinputs[s], packed->items, packed->types,
                                         packed->n_rows, encoder->shape.width);
    }
}

/* Zeros again where join_inputs left something else. */
static void forget_inputs(const struct training *training)
{
    size_t C = training->encoder->shape.width;
    for (uint32_t row = 0; row < training->batches.n_rows_filled; row++)
        memset(training->memory->input_gradients + training->batches.items[row] * C, 0, C * sizeof(float));
}

#define UNIT_ROWS 256u

static void scale_items(void *context, uint32_t block, unsigned worker)
{
    (void)worker;
    struct training *training = context;
    const struct encoder *encoder = training->encoder;
    size_t C = encoder->shape.width, first = (size_t)block * UNIT_ROWS, n = encoder->shape.n_items - first;
    n = n < UNIT_ROWS ? n : UNIT_ROWS;
    encoder->kernels->unit_forward(training->unit_items + first * C, training->inverse_lengths + first,
                                   training->step_weights + encoder->tensors.items + first * C, 1, n, C);
}

static uint32_t blocks_of(size_t n, size_t block)
{
    return (uint32_t)((n + block - 1) / block);
}

static double take_step(struct training *training, uint32_t batch)
{
    double loss = 0;
    batches_fill(&training->batches, batch);
    if (is_sampled(training)) {
        touched_choose(&training->touched, &training->batches, training->settings.seed, training->step);
        touched_gather(&training->touched, training->weights, &training->optimizer);
    }
    if (is_tempered(training))
        workers_run(training->workers, blocks_of(training->encoder->shape.n_items, UNIT_ROWS), scale_items, training);
    workers_run(training->workers, SLOTS, run_slot, training);
    join_inputs(training);
    struct slot_gradients slots = {.inverse_lengths = training->inverse_lengths};
    memcpy(slots.gradients, training->memory->gradients, sizeof slots.gradients);
    if (is_tempered(training))
        slots.inputs = training->memory->input_gradients;
    optimizer_step(&training->optimizer, training->workers, &slots, training_rate(training) * training->settings.learning_rate,
                   training->step_weights);
    if (is_tempered(training))
        forget_inputs(training);
    if (is_sampled(training))
        touched_scatter(&training->touched, training->weights, &training->optimizer);
    training->step++;
    if (training->average)
        averaging_step(training->workers, training->average, training->weights, training->whole.tensors.n_floats,
                       training->settings.averaging, training->step);
    for (unsigned s = 0; s < SLOTS; s++)
        loss += training->losses[s];
    return loss;
}

enum status training_epoch(struct training *training, uint32_t n_epochs, const char *words, const struct progress *progress,
                           struct epoch_figures *out_figures)
{
    uint64_t began_ns = clock_monotonic_ns(), n_targets = 0;
    double loss = 0, seconds = 0;
    TRY(slot_memory_reserve(training->memory, training->encoder, training->batches.max_slot_rows, workers_count(training->workers)));
    batches_shuffle(&training->batches, training->settings.seed, training->n_epochs + 1);
    uint32_t n_batches = training->batches.n_batches;
    for (uint32_t batch = 0; batch < n_batches; batch++) {
        loss += take_step(training, batch) * training->batches.n_targets;
        n_targets += training->batches.n_targets;
        seconds = (double)(clock_monotonic_ns() - began_ns) / 1e9;
        char note[160];
        (void)snprintf(note, sizeof note, "%.80s epoch %u, loss %.3f, %.0f examples/s", words, training->n_epochs + 1,
                       n_targets ? loss / (double)n_targets : 0, seconds > 0 ? (double)n_targets / seconds : 0);
        if (!progress_report(progress, "training", (uint64_t)training->n_epochs * n_batches + batch + 1, (uint64_t)n_epochs * n_batches,
                             note))
            return STATUS_CONFLICT;
    }
    if (is_sampled(training))
        touched_write_network(&training->touched, training->weights);
    training->n_epochs++;
    *out_figures = (struct epoch_figures){n_targets ? loss / (double)n_targets : 0, n_targets, seconds};
    return STATUS_OK;
}

uint32_t training_epochs_done(const struct training *training)
{
    return training->n_epochs;
}

const struct encoder *training_encoder(const struct training *training)
{
    return &training->whole;
}

const float *training_weights(const struct training *training)
{
    return training->average ? training->average : training->weights;
}

void training_restart(struct training *training, const float *weights, float rate, uint32_t n_falling)
{
    size_t n_bytes = training->whole.tensors.n_floats * sizeof *weights;
    memmove(training->weights, weights, n_bytes); /* they may be its own */
    if (training->average)
        memmove(training->average, weights, n_bytes);
    if (is_sampled(training))
        touched_read_network(&training->touched, weights);
    training->rate = rate;
    training->falling_from = training->step;
    training->n_falling = (uint64_t)n_falling * training->batches.n_batches;
}

float training_rate(const struct training *training)
{
    uint64_t done = training->step - training->falling_from;
    if (training->n_falling == 0)
        return training->rate;
    return done < training->n_falling ? training->rate * (1 - (float)done / (float)training->n_falling) : 0;
}

double training_epoch_flops(const struct training *training)
{
    const struct encoder_shape *shape = &training->whole.shape;
    double C = shape->width, F = C * FEED_FACTOR, rows = (double)training->batches.n_rows;
    double columns = is_sampled(training) ? training->touched.n_negatives + 1.0 : shape->n_items;
    double block = 2 * C * F + C * shape->taps;
    return 3 * 2 * rows * (shape->n_blocks * block + C * columns);
}
