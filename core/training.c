/* Memory is taken once, at creation: gradients for every slot, and for every worker the activations of one slot and the softmax's
 * workspace. */
#include "core/training.h"

#include "core/base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct training_worker {
    struct activations activations;
    float *memory;               /* of the activations */
    float *states, *unit_states; /* [rows, C]: of rows with a target; scaled */
    float *dstates, *drows;      /* [rows, C]: gradients of those; of all rows */
    float *inverse;              /* [rows] */
    void *softmax;
};

struct training {
    const struct dataset *dataset;
    const struct split *split;
    const struct training_settings *settings;
    struct workers *workers;
    struct encoder encoder;
    struct sequences sequences;
    struct batches batches;
    struct optimizer optimizer;
    struct slot_gradients slots;
    double losses[SLOTS];
    float *weights;
    float *unit_items, *inverse_lengths; /* with a temperature: the items scaled to length 1, as the softmax sees them */
    struct training_worker *per_worker;
    uint64_t step;
    char note[64];
};

static float *floats(size_t n)
{
    return aligned_alloc(64, (n * sizeof(float) + 64) / 64 * 64);
}

static bool tempered(const struct training *training)
{
    return training->encoder.shape.temperature > 0;
}

void training_destroy(struct training *training)
{
    if (!training)
        return;
    for (unsigned i = 0; training->per_worker && i < workers_count(training->workers); i++) {
        struct training_worker *worker = &training->per_worker[i];
        float *const pieces[] = {worker->memory, worker->states,  worker->unit_states, worker->dstates,
                                 worker->drows,  worker->inverse, worker->softmax};
        for (size_t p = 0; p < sizeof pieces / sizeof pieces[0]; p++)
            free(pieces[p]);
    }
    for (unsigned s = 0; s < SLOTS; s++) {
        free(training->slots.gradients[s]);
        free(training->slots.unit_gradients[s]);
    }
    free(training->per_worker);
    free(training->weights);
    free(training->unit_items);
    free(training->inverse_lengths);
    optimizer_clear(&training->optimizer);
    batches_clear(&training->batches);
    sequences_clear(&training->sequences);
    free(training);
}

static enum status create_worker(const struct training *training, struct training_worker *worker)
{
    const struct encoder *encoder = &training->encoder;
    size_t rows = training->batches.max_slot_rows, n = rows * encoder->shape.width;
    worker->memory = floats(activations_floats(encoder, (uint32_t)rows));
    worker->states = floats(n);
    worker->unit_states = floats(n);
    worker->dstates = floats(n);
    worker->drows = floats(n);
    worker->inverse = floats(rows);
    worker->softmax = floats(encoder->kernels->softmax_bytes(rows, encoder->shape.n_items, encoder->shape.width) / sizeof(float));
    if (!worker->memory || !worker->states || !worker->unit_states || !worker->dstates || !worker->drows || !worker->inverse ||
        !worker->softmax)
        return STATUS_NOMEM;
    activations_place(&worker->activations, encoder, (uint32_t)rows, worker->memory);
    return STATUS_OK;
}

static void start_weights(struct training *training)
{
    const struct tensors *tensors = &training->encoder.tensors;
    memset(training->weights, 0, tensors->n_floats * sizeof(float));
    for (uint32_t t = 0; t < tensors->n_tensors; t++) {
        const struct tensor *tensor = &tensors->tensors[t];
        struct random random;
        random_init(&random, training->settings->seed, UINT64_C(0x494e000000000000) | t);
        for (size_t i = 0; i < tensor_floats(tensor) && tensor->start != START_ZERO; i++)
            training->weights[tensor->first + i] = tensor->start == START_ONE ? 1 : tensor->deviation * random_normal(&random);
    }
}

static enum status take_memory(struct training *training)
{
    const struct encoder *encoder = &training->encoder;
    size_t n_items = encoder->shape.n_items, n_outputs = n_items * encoder->shape.width;
    training->weights = floats(encoder->tensors.n_floats);
    if (tempered(training)) {
        training->unit_items = floats(n_outputs);
        training->inverse_lengths = floats(n_items);
    }
    if (!training->weights || (tempered(training) && (!training->unit_items || !training->inverse_lengths)))
        return STATUS_NOMEM;
    training->slots.inverse_lengths = training->inverse_lengths;
    for (unsigned s = 0; s < SLOTS; s++) {
        training->slots.gradients[s] = floats(encoder->tensors.n_floats);
        training->slots.unit_gradients[s] = tempered(training) ? floats(n_outputs) : NULL;
        if (!training->slots.gradients[s] || (tempered(training) && !training->slots.unit_gradients[s]))
            return STATUS_NOMEM;
    }
    training->per_worker = calloc(workers_count(training->workers), sizeof *training->per_worker);
    if (!training->per_worker)
        return STATUS_NOMEM;
    for (unsigned i = 0; i < workers_count(training->workers); i++)
        TRY(create_worker(training, &training->per_worker[i]));
    return optimizer_init(&training->optimizer, encoder);
}

/* Fill a zeroed training; what was taken is in it on failure too. */
static enum status begin(struct training *training, struct error *error)
{
    const struct training_settings *settings = training->settings;
    struct encoder_shape shape = settings->shape;
    shape.n_items = training->dataset->n_items;
    shape.n_types = training->dataset->n_types;
    TRY(sequences_init(&training->sequences, training->dataset, training->split, &settings->type_weights));
    uint64_t n_targets = sequences_targets(&training->sequences, &settings->type_weights);
    if (n_targets == 0)
        return fail(error, STATUS_INVALID,
                    "too little to learn from: of %llu events none follows another of the same user in the training part; at least one "
                    "user with two positive events is needed",
                    (unsigned long long)training->dataset->n_events);
    encoder_init(&training->encoder, &shape, kernels_fast());
    TRY(batches_init(&training->batches, &training->sequences, &settings->type_weights, shape.history, settings->batch_rows));
    TRY(take_memory(training));
    start_weights(training);
    return STATUS_OK;
}

enum status training_create(const struct dataset *dataset, const struct split *split, const struct training_settings *settings,
                            struct workers *workers, struct training **out_training, struct error *error)
{
    SCOPED(training_destroy) struct training *training = calloc(1, sizeof *training);
    if (!training)
        return fail(error, STATUS_NOMEM, "no memory to train");
    training->dataset = dataset;
    training->split = split;
    training->settings = settings;
    training->workers = workers;
    enum status status = begin(training, error);
    if (status == STATUS_NOMEM)
        return fail(error, STATUS_NOMEM, "no memory to train on %u items, %u floats wide, with %u threads", dataset->n_items,
                    settings->shape.width, workers_count(workers));
    TRY(status);
    *out_training = training;
    training = NULL;
    return STATUS_OK;
}

/* The loss of one slot and its gradients with regard to the states of its rows (worker->drows). */
static double slot_loss(struct training *training, const struct batch_slot *slot, const float *states, struct training_worker *worker,
                        uint32_t number)
{
    const struct kernels *k = training->encoder.kernels;
    const struct tensors *at = &training->encoder.tensors;
    size_t C = training->encoder.shape.width, N = slot->n_targets;
    float *gradients = training->slots.gradients[number];
    struct softmax_rows rows = {
        .x = worker->states, .target = slot->targets, .weight = slot->target_weights, .N = N, .V = training->encoder.shape.n_items, .C = C};
    const float *items = training->weights + at->items;
    float *ditems = gradients + at->items;
    for (size_t i = 0; i < N; i++)
        memcpy(worker->states + i * C, states + slot->target_rows[i] * C, C * sizeof *states);
    float scale = tempered(training) ? 1 / training->encoder.shape.temperature : 1;
    if (tempered(training)) {
        k->unit_forward(worker->unit_states, worker->inverse, worker->states, scale, N, C);
        rows.x = worker->unit_states;
        items = training->unit_items;
        ditems = training->slots.unit_gradients[number];
        memset(ditems, 0, rows.V * C * sizeof *ditems);
    }
    double loss =
        k->softmax_loss(worker->dstates, ditems, gradients + at->bias, &rows, items, training->weights + at->bias, worker->softmax);
    if (tempered(training))
        k->unit_backward(worker->dstates, worker->states, worker->inverse, scale, N, C);
    memset(worker->drows, 0, slot->packed.n_rows * C * sizeof *worker->drows);
    for (size_t i = 0; i < N; i++)
        memcpy(worker->drows + slot->target_rows[i] * C, worker->dstates + i * C, C * sizeof *states);
    return loss;
}

static void run_slot(void *context, uint32_t number, unsigned worker_number)
{
    struct training *training = context;
    struct training_worker *worker = &training->per_worker[worker_number];
    const struct batch_slot *slot = &training->batches.slots[number];
    const struct encoder *encoder = &training->encoder;
    float dropout = training->settings->dropout, *gradients = training->slots.gradients[number];
    struct random random;
    random_init(&random, training->settings->seed, UINT64_C(0x4452000000000000) | (training->step * SLOTS + number));
    memset(gradients, 0, encoder->tensors.n_floats * sizeof *gradients);
    const float *states = encoder_forward(encoder, training->weights, &slot->packed, dropout, &random, &worker->activations);
    training->losses[number] = slot_loss(training, slot, states, worker, number);
    encoder_backward(encoder, training->weights, &slot->packed, dropout, &worker->activations, worker->drows, gradients);
}

#define UNIT_ROWS 256u

static void scale_items(void *context, uint32_t block, unsigned worker)
{
    (void)worker;
    struct training *training = context;
    size_t C = training->encoder.shape.width, first = (size_t)block * UNIT_ROWS, n = training->encoder.shape.n_items - first;
    n = n < UNIT_ROWS ? n : UNIT_ROWS;
    training->encoder.kernels->unit_forward(training->unit_items + first * C, training->inverse_lengths + first,
                                            training->weights + training->encoder.tensors.items + first * C, 1, n, C);
}

static double take_step(struct training *training, uint32_t batch)
{
    double loss = 0;
    batches_fill(&training->batches, batch);
    if (tempered(training))
        workers_run(training->workers, (training->encoder.shape.n_items + UNIT_ROWS - 1) / UNIT_ROWS, scale_items, training);
    workers_run(training->workers, SLOTS, run_slot, training);
    optimizer_step(&training->optimizer, training->workers, &training->slots, training->settings->learning_rate, training->weights);
    training->step++;
    for (unsigned s = 0; s < SLOTS; s++)
        loss += training->losses[s];
    return loss;
}

void training_set_note(struct training *training, const char *note)
{
    (void)snprintf(training->note, sizeof training->note, "%s", note);
}

enum status training_epoch(struct training *training, uint32_t epoch, const struct progress *progress, double *out_loss)
{
    uint32_t n_batches = training->batches.n_batches;
    uint64_t total = (uint64_t)training->settings->epochs * n_batches, began_ns = clock_monotonic_ns(), n_done = 0;
    double loss = 0;
    batches_shuffle(&training->batches, training->settings->seed, epoch);
    for (uint32_t batch = 0; batch < n_batches; batch++) {
        loss += take_step(training, batch) * training->batches.n_targets;
        n_done += training->batches.n_targets;
        double seconds = (double)(clock_monotonic_ns() - began_ns) / 1e9;
        char note[160];
        (void)snprintf(note, sizeof note, "epoch %u, loss %.3f, %s%.0f examples/s", epoch, n_done ? loss / (double)n_done : 0,
                       training->note, seconds > 0 ? (double)n_done / seconds : 0);
        if (!progress_report(progress, "training", (uint64_t)(epoch - 1) * n_batches + batch + 1, total, note))
            return STATUS_CONFLICT;
    }
    *out_loss = n_done ? loss / (double)n_done : 0;
    return STATUS_OK;
}

const struct encoder *training_encoder(const struct training *training)
{
    return &training->encoder;
}

float *training_weights(struct training *training)
{
    return training->weights;
}

const struct sequences *training_sequences(const struct training *training)
{
    return &training->sequences;
}
