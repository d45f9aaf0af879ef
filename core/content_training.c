/* The steps are content_step's; here are their order, the rate, and what is kept. */
#include "core/content_training.h"

#include "core/averaging.h"
#include "core/base/clock.h"
#include "core/base/floats.h"
#include "core/content_evidence.h"
#include "core/content_judge.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LAST_RATE 0.1f

struct content_settings content_settings_default(void)
{
    return (struct content_settings){
        .shape = content_shape_default(64),
        .epochs = 12,
        .patience = 3,
        .batch_rows = 2048,
        .max_steps = 1024,
        .max_contents = 2048,
        .max_shared = 2048,
        .probability = 0.8f,
        .held_out = 0.1f,
        .dropout = 0.3f,
        .word_dropout = 0.5f,
        .learning_rate = 3e-3f,
        .averaging = 0.99f,
        .seed = 1,
    };
}

static enum status check_number(const char *name, double value, double least, double most, struct error *error)
{
    if (value >= least && value <= most)
        return STATUS_OK;
    return fail(error, STATUS_INVALID, "the setting %s of content training is %g, expected %g to %g", name, value, least, most);
}

enum status content_settings_check(const struct content_settings *settings, struct error *error)
{
    TRY(check_number("epochs", settings->epochs, 1, 10000, error));
    TRY(check_number("patience", settings->patience, 0, 10000, error));
    TRY(check_number("batch_rows", settings->batch_rows, 1, 1 << 16, error));
    TRY(check_number("max_steps", settings->max_steps, 1, 1 << 24, error));
    TRY(check_number("max_contents", settings->max_contents, 1, 1 << 16, error));
    TRY(check_number("max_shared", settings->max_shared, 1, 1 << 18, error));
    TRY(check_number("probability", (double)settings->probability, 0, 1, error));
    TRY(check_number("held_out", (double)settings->held_out, 0, .9, error));
    TRY(check_number("dropout", (double)settings->dropout, 0, .98, error));
    TRY(check_number("word_dropout", (double)settings->word_dropout, 0, .98, error));
    TRY(check_number("averaging", (double)settings->averaging, 0, .999999, error));
    return check_number("learning_rate", (double)settings->learning_rate, 0, 1, error);
}

#define BYTES_A_WORD     6.0
#define STEPS_A_PRODUCT  6.0       /* forward, and backward to both factors */
#define SHARE_OF_SOFTMAX (2.0 / 3) /* of the speed of its kernel: not all is products */

double content_epoch_seconds(const struct content_ground *ground, const struct content_settings *settings)
{
    const struct content_shape *shape = &settings->shape;
    double n_bytes = 0, n_items = 0, width = ground->encoder->shape.width;
    for (uint32_t v = 0; v < ground->encoder->shape.n_items; v++) {
        n_bytes += (double)ground->contents[v].n_bytes;
        n_items += !item_content_is_empty(&ground->contents[v]);
    }
    double words = n_items > 0 ? fmin(n_bytes / n_items / BYTES_A_WORD, shape->max_words) : 0;
    double contents = fmin(n_items, settings->max_contents), shared = fmin(ground->encoder->shape.n_items, settings->max_shared);
    double text = contents * words * TEXT_TAPS * shape->embedding * shape->channels, softmax = settings->batch_rows * shared * width;
    double n_steps = fmin(ceil((double)ground->sequences->n_events / settings->batch_rows), settings->max_steps);
    double speed = PLANNED_CORES * SHARE_OF_SOFTMAX * 1e9 * (double)kernels_fast()->softmax_gflops;
    return n_steps * STEPS_A_PRODUCT * (text + softmax) / speed;
}

void content_trained_clear(struct content_trained *trained)
{
    free(trained->weights);
    free(trained->curve);
    *trained = (struct content_trained){0};
}

/* What the phase needs while it runs. */
struct phase {
    const struct content_ground *ground;
    const struct content_settings *settings;
    const struct progress *progress;
    struct content_trained *trained;
    struct content_judge judge;
    struct batches batches;
    struct content_step *step;
    uint32_t *item_events; /* [V] */
    bool *may;             /* [V] */
    float *weights, *mean; /* as they are now; their mean over steps */
    uint32_t n_steps;      /* of an epoch */
    double best;
};

static void phase_clear_scoped(struct phase *phase)
{
    content_judge_clear(&phase->judge);
    batches_clear(&phase->batches);
    content_step_destroy(phase->step);
    free(phase->item_events);
    free(phase->may);
    free(phase->weights);
    free(phase->mean);
}

/* Who may stand with content; what the vectors and biases of items with events are like. */
static void look_at_items(struct phase *phase, float *out_bias)
{
    const struct content_ground *ground = phase->ground;
    const struct encoder *encoder = ground->encoder;
    size_t C = encoder->shape.width;
    double bias = 0, length = 0;
    uint32_t n = 0;
    for (uint32_t v = 0; v < encoder->shape.n_items; v++) {
        const float *id = ground->weights + encoder->tensors.items + v * C;
        if (phase->item_events[v] == 0)
            continue;
        n++;
        bias += (double)ground->weights[encoder->tensors.bias + v];
        length += content_length(id, C);
        phase->may[v] =
            !item_content_is_empty(&ground->contents[v]) && !content_is_held_out(v, phase->settings->held_out, phase->settings->seed);
        phase->trained->n_contents += phase->may[v];
    }
    *out_bias = n ? (float)(bias / n) : 0;
    phase->trained->length = n ? (float)(length / n) : 1;
}

static enum status begin_step(struct phase *phase, struct error *error)
{
    const struct content_settings *settings = phase->settings;
    uint32_t V = phase->ground->encoder->shape.n_items;
    const struct content_limits limits = {phase->batches.max_slot_rows, settings->max_shared,
                                          settings->max_contents < V ? settings->max_contents : V};
    return content_step_create(phase->ground, &phase->trained->tower, &limits, &phase->step, error);
}

static enum status begin(struct phase *phase, struct error *error)
{
    const struct content_ground *ground = phase->ground;
    const struct content_settings *settings = phase->settings;
    struct content_trained *trained = phase->trained;
    struct content_shape shape = settings->shape;
    uint32_t V = ground->encoder->shape.n_items;
    float bias;
    shape.width = ground->encoder->shape.width;
    TRY(content_tower_init(&trained->tower, &shape, error));
    phase->item_events = calloc(V, sizeof *phase->item_events);
    phase->may = calloc(V, sizeof *phase->may);
    phase->weights = aligned_floats(trained->tower.n_floats);
    phase->mean = aligned_floats(trained->tower.n_floats);
    trained->weights = aligned_floats(trained->tower.n_floats);
    trained->curve = calloc(settings->epochs, sizeof *trained->curve);
    if (!phase->item_events || !phase->may || !phase->weights || !phase->mean || !trained->weights || !trained->curve)
        return STATUS_NOMEM;
    content_count_events(ground->sequences, ground->type_weights, phase->item_events);
    look_at_items(phase, &bias);
    if (trained->n_contents == 0)
        return fail(error, STATUS_INVALID, "no content to learn from: none of the items with training events has a text or a picture");
    if (settings->start)
        memcpy(phase->weights, settings->start, trained->tower.n_floats * sizeof *phase->weights);
    else
        content_tower_start(&trained->tower, settings->seed, bias, phase->weights);
    memcpy(phase->mean, phase->weights, trained->tower.n_floats * sizeof *phase->mean);
    TRY(content_judge_init(&phase->judge, ground, phase->item_events, settings->held_out, settings->seed));
    trained->n_candidates = phase->judge.n_candidates;
    trained->n_cases = phase->judge.n_cases;
    TRY(batches_init(&phase->batches, ground->sequences, ground->type_weights,
                     &(struct batch_form){.history = ground->encoder->shape.history, .batch_rows = settings->batch_rows}));
    phase->n_steps = phase->batches.n_batches < settings->max_steps ? phase->batches.n_batches : settings->max_steps;
    return begin_step(phase, error);
}

/* At most. */
static uint32_t epochs_of(const struct content_settings *settings)
{
    return settings->last_epoch && settings->last_epoch < settings->epochs ? settings->last_epoch : settings->epochs;
}

static enum status train_epoch(struct phase *phase, uint32_t epoch, struct content_epoch *out_epoch)
{
    const struct content_settings *settings = phase->settings;
    uint64_t began_ns = clock_monotonic_ns(), n_total = (uint64_t)phase->n_steps * epochs_of(settings);
    double loss = 0;
    batches_shuffle(&phase->batches, settings->seed, epoch + 1);
    for (uint32_t batch = 0; batch < phase->n_steps; batch++) {
        uint64_t number = (uint64_t)epoch * phase->n_steps + batch;
        const struct content_choice choice = {phase->may, settings->probability, settings->dropout, settings->word_dropout, settings->seed,
                                              number};
        float fallen = (1 - LAST_RATE) * (float)number / ((float)phase->n_steps * (float)settings->epochs);
        batches_fill(&phase->batches, batch);
        loss += content_step_loss(phase->step, &phase->batches, &choice, phase->weights);
        content_step_learn(phase->step, settings->learning_rate * (1 - fallen), phase->weights);
        averaging_step(phase->ground->workers, phase->mean, phase->weights, phase->trained->tower.n_floats, settings->averaging,
                       number + 1);
        char note[120];
        (void)snprintf(note, sizeof note, "epoch %u, loss %.3f, best NDCG@20 of held-out items %.4f", epoch + 1, loss / (batch + 1),
                       phase->best);
        if (!progress_report(phase->progress, "content", number + 1, n_total, note))
            return STATUS_CONFLICT;
    }
    *out_epoch = (struct content_epoch){.loss = loss / phase->n_steps, .seconds = (double)(clock_monotonic_ns() - began_ns) / 1e9};
    return STATUS_OK;
}

/* Keep the weights if they place the held-out items better than any before; without any, always. */
static enum status look(struct phase *phase, uint32_t epoch, struct error *error)
{
    struct content_trained *trained = phase->trained;
    double *ndcg20 = &trained->curve[epoch].ndcg20;
    TRY(content_judge_ndcg20(&phase->judge, &trained->tower, phase->mean, ndcg20, error));
    trained->n_epochs = epoch + 1;
    if (epoch > 0 && phase->judge.n_cases > 0 && !(*ndcg20 > phase->best))
        return STATUS_OK;
    phase->best = *ndcg20;
    trained->best_epoch = epoch + 1;
    memcpy(trained->weights, phase->mean, trained->tower.n_floats * sizeof *trained->weights);
    return STATUS_OK;
}

static enum status run(const struct content_ground *ground, const struct content_settings *settings, const struct progress *progress,
                       struct content_trained *trained, struct error *error)
{
    SCOPED(phase_clear) struct phase phase = {.ground = ground, .settings = settings, .progress = progress, .trained = trained};
    TRY(begin(&phase, error));
    for (uint32_t epoch = 0; epoch < epochs_of(settings); epoch++) {
        TRY(train_epoch(&phase, epoch, &trained->curve[epoch]));
        TRY(look(&phase, epoch, error));
        if (settings->patience && phase.judge.n_cases > 0 && trained->n_epochs - trained->best_epoch >= settings->patience)
            break;
    }
    return STATUS_OK;
}

enum status content_training_run(const struct content_ground *ground, const struct content_settings *settings,
                                 const struct progress *progress, struct content_trained *out_trained, struct error *error)
{
    SCOPED(content_trained_clear) struct content_trained trained = {0};
    TRY(content_settings_check(settings, error));
    TRY(kernels_check(error));
    enum status status = run(ground, settings, progress, &trained, error);
    if (status == STATUS_NOMEM)
        return fail(error, status, "no memory to train a content tower over %u items", ground->encoder->shape.n_items);
    if (status == STATUS_CONFLICT)
        return fail(error, status, "stopped");
    TRY(status);
    *out_trained = trained;
    trained = (struct content_trained){0};
    return STATUS_OK;
}
