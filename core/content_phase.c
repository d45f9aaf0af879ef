/* Both ways are: train a tower, place all items with it, mix. They differ in what is chosen and what was chosen before. */
#include "core/content_phase.h"

#include "core/base/floats.h"
#include "core/content_training.h"
#include "core/encoder_scores.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GOING_ON_SHARE 4u /* of the epochs: one in so many */

struct phase {
    struct trained *trained;
    const struct training_ground *ground;
    const struct content_placement *start;
    double most_seconds; /* 0: as many as it takes */
    const struct progress *progress;
    struct content_ground content;
    struct content_trained tower;
    uint32_t *item_events; /* [V] */
    float *placed;         /* [V, C + 1] */
    float *mixed;          /* as the encoder's weights */
    struct error *error;
};

static void phase_clear_scoped(struct phase *phase)
{
    content_trained_clear(&phase->tower);
    free(phase->item_events);
    free(phase->placed);
    free(phase->mixed);
}

double content_phase_seconds(const struct training_ground *ground, const struct training_plan *plan)
{
    struct content_settings settings = content_settings_default();
    const struct encoder encoder = {.shape = plan->settings.shape};
    if (!ground->contents)
        return 0;
    const struct content_ground content = {.encoder = &encoder, .sequences = ground->sequences, .contents = ground->contents->items};
    double seconds = settings.epochs * content_epoch_seconds(&content, &settings) * (plan->refit ? 2 : 1);
    return fmin(seconds, CONTENT_SHARE * plan->budget_seconds);
}

static enum status begin(struct phase *phase)
{
    const struct trained *trained = phase->trained;
    phase->content = (struct content_ground){.encoder = &trained->encoder,
                                             .weights = trained->weights,
                                             .sequences = phase->ground->sequences,
                                             .type_weights = &trained->settings.type_weights,
                                             .contents = phase->ground->contents->items,
                                             .workers = phase->ground->workers};
    phase->item_events = calloc(trained->encoder.shape.n_items, sizeof *phase->item_events);
    if (!phase->item_events)
        return STATUS_NOMEM;
    content_count_events(phase->content.sequences, phase->content.type_weights, phase->item_events);
    return STATUS_OK;
}

static bool is_enough(const struct phase *phase)
{
    uint32_t n = 0;
    for (uint32_t v = 0; v < phase->trained->encoder.shape.n_items; v++)
        n += phase->item_events[v] > 0 && !item_content_is_empty(&phase->content.contents[v]);
    return n >= CONTENT_LEAST;
}

/* Does start place items for such an encoder, and from the same pictures? */
static bool is_continuable(const struct phase *phase)
{
    const struct training_contents *contents = phase->ground->contents;
    const struct content_shape wanted = content_shape_default(phase->trained->encoder.shape.width), *old = NULL;
    if (!phase->start)
        return false;
    old = &phase->start->tower.shape;
    return old->width == wanted.width && old->picture_width == contents->picture_width && old->n_buckets == wanted.n_buckets &&
           old->embedding == wanted.embedding && old->channels == wanted.channels &&
           strcmp(phase->start->picture_version, contents->picture_version) == 0;
}

/* The tower, and with it where content alone puts every item. */
static enum status train(struct phase *phase, struct content_settings *settings)
{
    const struct encoder *encoder = &phase->trained->encoder;
    size_t V = encoder->shape.n_items, D = (size_t)encoder->shape.width + 1;
    settings->seed = phase->trained->settings.seed;
    settings->shape = content_shape_default(encoder->shape.width);
    settings->shape.picture_width = phase->ground->contents->picture_width;
    settings->start = is_continuable(phase) ? phase->start->weights : NULL;
    TRY(content_training_run(&phase->content, settings, phase->progress, &phase->tower, phase->error));
    phase->trained->content_schedule = settings->epochs;
    phase->placed = calloc(V, D * sizeof *phase->placed);
    phase->mixed = aligned_floats(encoder->tensors.n_floats);
    if (!phase->placed || !phase->mixed)
        return STATUS_NOMEM;
    return content_place_all(&phase->tower.tower, phase->tower.weights, phase->content.contents, (uint32_t)V, phase->content.workers,
                             phase->placed, phase->error);
}

static struct evidence evidence_of(const struct phase *phase, float k, float shift)
{
    const struct encoder_shape *shape = &phase->trained->encoder.shape;
    return (struct evidence){
        .width = shape->width, .is_tempered = shape->temperature > 0, .length = phase->tower.length, .k = k, .shift = shift};
}

/* The network has the mixed items from now on, and the placement the tower. */
static void put(struct phase *phase, const struct evidence *evidence)
{
    struct trained *trained = phase->trained;
    struct content_placement *placement = &trained->placement;
    evidence_apply(evidence, &phase->content, phase->item_events, phase->placed, phase->mixed);
    memcpy(trained->weights, phase->mixed, trained->encoder.tensors.n_floats * sizeof *trained->weights);
    *placement = (struct content_placement){.tower = phase->tower.tower, .weights = phase->tower.weights, .evidence = *evidence};
    memcpy(placement->picture_version, phase->ground->contents->picture_version,
           strnlen(phase->ground->contents->picture_version, MODEL_VERSION_BYTES - 1));
    phase->tower.weights = NULL;
    trained->content_epochs = phase->tower.best_epoch;
}

static void report_choices(struct emit *emit, const char *name, const char *choice, const float choices[], const double ndcg10[], size_t n)
{
    emit_open_array(emit, name);
    for (size_t i = 0; i < n; i++) {
        emit_open_object(emit, NULL);
        emit_number(emit, choice, (double)choices[i], 4);
        emit_number(emit, "ndcg10", ndcg10[i], 6);
        emit_close_object(emit);
    }
    emit_close_array(emit);
}

static void report(struct emit *emit, const struct content_trained *tower, const struct evidence *evidence,
                   const struct evidence_figures *figures, bool is_used)
{
    emit_open_object(emit, "content");
    emit_boolean(emit, "is_used", is_used);
    emit_integer(emit, "n_contents", tower->n_contents);
    emit_integer(emit, "n_judged_items", tower->n_candidates);
    emit_integer(emit, "n_judged_cases", tower->n_cases);
    emit_integer(emit, "best_epoch", tower->best_epoch);
    emit_open_array(emit, "curve");
    for (uint32_t i = 0; i < tower->n_epochs; i++) {
        emit_open_object(emit, NULL);
        emit_integer(emit, "epoch", i + 1);
        emit_number(emit, "loss", tower->curve[i].loss, 6);
        emit_number(emit, "ndcg20", tower->curve[i].ndcg20, 6);
        emit_close_object(emit);
    }
    emit_close_array(emit);
    emit_number(emit, "shift", (double)evidence->shift, 4);
    emit_number(emit, "k", (double)evidence->k, 4);
    emit_number(emit, "ids_ndcg10", figures->ids, 6);
    report_choices(emit, "shifts", "shift", evidence_shifts, figures->by_shift, EVIDENCE_SHIFTS);
    report_choices(emit, "choices", "k", evidence_choices, figures->by_choice, EVIDENCE_CHOICES);
    emit_close_object(emit);
}

static bool say(const struct phase *phase, const struct evidence *evidence, const struct evidence_figures *figures, bool is_used)
{
    const struct content_trained *tower = &phase->tower;
    char note[160];
    if (is_used)
        (void)snprintf(note, sizeof note, "by what is known of %u items: NDCG@20 of untouched ones %.4f; k %g, shift %g", tower->n_contents,
                       tower->n_epochs ? tower->curve[tower->best_epoch - 1].ndcg20 : 0, (double)evidence->k, (double)evidence->shift);
    else
        (void)snprintf(note, sizeof note, "left out: with it the held-out events have NDCG@10 %.4f, without it %.4f", figures->best,
                       figures->ids);
    return progress_report(phase->progress, "placing", 1, 1, note);
}

/* Who wants few epochs, or to be done soon, gets fewer; two are the least that learn something. */
static void limit_epochs(const struct phase *phase, struct content_settings *settings)
{
    double epochs = settings->epochs;
    settings->shape = content_shape_default(phase->trained->encoder.shape.width);
    if (phase->most_seconds > 0)
        epochs = fmax(2, floor(phase->most_seconds / content_epoch_seconds(&phase->content, settings)));
    settings->epochs = (uint32_t)fmin(settings->epochs, fmin(epochs, phase->trained->settings.epochs));
}

static enum status select_tower(struct phase *phase)
{
    struct content_settings settings = content_settings_default();
    struct evidence evidence;
    struct evidence_figures figures;
    if (is_continuable(phase))
        settings.epochs /= GOING_ON_SHARE;
    limit_epochs(phase, &settings);
    TRY(train(phase, &settings));
    evidence = evidence_of(phase, 0, 0);
    TRY(evidence_choose(&evidence, &phase->content, phase->ground->dataset, phase->ground->split, phase->item_events, phase->placed,
                        &figures));
    bool is_used = figures.best >= (1 - CONTENT_LOSS_MOST) * figures.ids;
    report(&phase->trained->emit, &phase->tower, &evidence, &figures, is_used);
    if (!say(phase, &evidence, &figures, is_used))
        return STATUS_CONFLICT;
    if (is_used)
        put(phase, &evidence);
    return STATUS_OK;
}

static enum status explain(enum status status, struct error *error)
{
    if (status == STATUS_NOMEM && !error->detail[0])
        return fail(error, status, "no memory to place items by their content");
    return status;
}

enum status content_phase_select(struct trained *trained, const struct training_ground *ground, const struct content_placement *start,
                                 double most_seconds, const struct progress *progress, struct error *error)
{
    SCOPED(phase_clear)
    struct phase phase = {
        .trained = trained, .ground = ground, .start = start, .most_seconds = most_seconds, .progress = progress, .error = error};
    if (!ground->contents)
        return STATUS_OK;
    enum status status = begin(&phase);
    if (status == STATUS_OK && is_enough(&phase))
        status = select_tower(&phase);
    return explain(status, error);
}

static enum status repeat(struct phase *phase, const struct trained *selected)
{
    struct content_settings settings = content_settings_default();
    settings.epochs = selected->content_schedule;
    settings.last_epoch = selected->content_epochs;
    settings.held_out = 0;
    TRY(train(phase, &settings));
    const struct evidence *chosen = &selected->placement.evidence, evidence = evidence_of(phase, chosen->k, chosen->shift);
    put(phase, &evidence);
    return STATUS_OK;
}

enum status content_phase_refit(struct trained *trained, const struct trained *selected, const struct training_ground *ground,
                                const struct content_placement *start, const struct progress *progress, struct error *error)
{
    SCOPED(phase_clear) struct phase phase = {.trained = trained, .ground = ground, .start = start, .progress = progress, .error = error};
    if (!selected->placement.weights)
        return STATUS_OK;
    enum status status = begin(&phase);
    if (status == STATUS_OK)
        status = repeat(&phase, selected);
    return explain(status, error);
}
