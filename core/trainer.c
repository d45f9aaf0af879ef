/* Select and refit. What the two share is made once: threads, the training part as sequences, memory for the slots. */
#include "core/trainer.h"

#include "core/base/floats.h"
#include "core/candidates.h"
#include "core/content_phase.h"
#include "core/kernels/peak.h"
#include "core/model_network.h"
#include "core/returns_fit.h"
#include "core/search.h"
#include "core/trained.h"

#include <stdlib.h>
#include <string.h>

struct trainer {
    const struct dataset *dataset;
    const struct split *split;
    const struct training_contents *contents;
    struct workers *workers;
    struct slot_memory memory;
    double peak_gflops;
};

void trainer_destroy(struct trainer *trainer)
{
    if (!trainer)
        return;
    slot_memory_clear(&trainer->memory);
    workers_destroy(trainer->workers);
    free(trainer);
}

/* Before a training and behind it, since a machine that is busy just then would let the training look too good. */
static double measure_peak(struct trainer *trainer)
{
    double gflops = kernels_peak_gflops(trainer->workers);
    trainer->peak_gflops = gflops > trainer->peak_gflops ? gflops : trainer->peak_gflops;
    return trainer->peak_gflops;
}

enum status trainer_create(const struct dataset *dataset, const struct split *split, unsigned n_threads, struct trainer **out_trainer,
                           struct error *error)
{
    SCOPED(trainer_destroy) struct trainer *trainer = calloc(1, sizeof *trainer);
    TRY(kernels_check(error));
    if (trainer)
        trainer->workers = workers_create(n_threads);
    if (!trainer || !trainer->workers)
        return fail(error, STATUS_NOMEM, "cannot start %u threads", n_threads);
    trainer->dataset = dataset;
    trainer->split = split;
    measure_peak(trainer);
    *out_trainer = trainer;
    trainer = NULL;
    return STATUS_OK;
}

struct workers *trainer_workers(struct trainer *trainer)
{
    return trainer->workers;
}

void trainer_set_contents(struct trainer *trainer, const struct training_contents *contents)
{
    trainer->contents = contents;
}

static enum status check(const struct dataset *dataset, struct training_settings *settings, struct error *error)
{
    if (dataset->n_items == 0 || dataset->n_types == 0)
        return fail(error, STATUS_INVALID, "too little to learn from: there are no items and no events");
    settings->shape.n_items = dataset->n_items;
    settings->shape.n_types = dataset->n_types;
    TRY(training_settings_check(settings, error));
    if (shape_is_sane(&settings->shape))
        return STATUS_OK;
    return fail(error, STATUS_INVALID, "no such network: %u items (at most %u), %u event types (at most %d), temperature %g",
                dataset->n_items, ITEMS_MAX, dataset->n_types, EVENT_TYPES_MAX, (double)settings->shape.temperature);
}

static enum status check_sequences(const struct training_ground *ground, const struct type_weights *weights, struct error *error)
{
    if (sequences_targets(ground->sequences, weights) > 0)
        return STATUS_OK;
    return fail(error, STATUS_INVALID,
                "too little to learn from: of %llu events none follows another of the same user in the training part; at least one "
                "user with two positive events is needed",
                (unsigned long long)ground->dataset->n_events);
}

/* --- a start from an earlier model --- */

/* Its weights under the data's counts: items and types that came later get what a new network would give them. NULL on no memory. */
static float *start_from(const struct model *model, const struct training_settings *settings)
{
    const struct encoder *old = model_encoder(model);
    struct encoder fresh;
    encoder_init(&fresh, &settings->shape, old->kernels);
    float *weights = aligned_floats(fresh.tensors.n_floats);
    if (!weights)
        return NULL;
    tensors_start(&fresh.tensors, settings->seed, weights);
    for (uint32_t t = 0; t < fresh.tensors.n_tensors; t++) {
        const struct tensor *from = &old->tensors.tensors[t];
        memcpy(weights + fresh.tensors.tensors[t].first, model_weights(model) + from->first, tensor_floats(from) * sizeof *weights);
    }
    return weights;
}

/* Can training go on from model with these settings? */
static bool is_continuable(const struct model *model, const struct training_settings *settings)
{
    const struct encoder_shape *old = &model_facts(model)->shape, *wanted = &settings->shape;
    return old->width == wanted->width && old->taps == wanted->taps && old->n_blocks == wanted->n_blocks &&
           old->n_items <= wanted->n_items && old->n_types <= wanted->n_types;
}

/* *out_start = NULL if there is no model, or one of another form. */
static enum status find_start(const struct model *model, const struct training_settings *settings, float **out_start)
{
    *out_start = NULL;
    if (!model || !is_continuable(model, settings))
        return STATUS_OK;
    *out_start = start_from(model, settings);
    return *out_start ? STATUS_OK : STATUS_NOMEM;
}

/* A quarter of what a start from nothing takes, which a model that was good makes up for. */
static uint32_t epochs_to_go_on(const struct sequences *sequences, uint32_t most)
{
    uint32_t epochs = candidate_epochs(sequences) / 4;
    return epochs < most ? epochs : most;
}

/* --- select --- */

static enum status fit_returns(const struct training_ground *ground, struct trained *trained, const struct encoder_view *view)
{
    struct returns_figures figures;
    TRY(returns_fit(ground->dataset, ground->split, view, ground->workers, &trained->facts.returns, &figures));
    emit_open_object(&trained->emit, "returns");
    emit_integer(&trained->emit, "cases", figures.n_cases);
    emit_integer(&trained->emit, "returned", figures.n_returned);
    emit_number(&trained->emit, "gain", figures.gain, 6);
    emit_close_object(&trained->emit);
    return STATUS_OK;
}

static enum status judge(struct trainer *trainer, const struct training_ground *ground, struct trained *trained,
                         const struct progress *progress, struct error *error)
{
    const struct encoder_view *view = NULL;
    SCOPED(memory_free) struct evaluation *evaluation = calloc(1, sizeof *evaluation);
    if (!evaluation)
        return STATUS_NOMEM;
    TRY(trained_view(trained, trainer, &view));
    TRY(evaluate_in_full(ground->dataset, ground->split, &trained->settings.type_weights, view, -1, trained->settings.neighbours_max_row,
                         ground->workers, progress, evaluation));
    evaluation_figures(evaluation, trained->facts.figures);
    trained->facts.neighbours_weight = evaluation->neighbours_weight;
    evaluation_emit(evaluation, "evaluation", &trained->emit);
    TRY(fit_returns(ground, trained, view));
    return trained_finish(trained, error);
}

static enum status select_settings(struct trainer *trainer, const struct training_ground *ground, const struct training_plan *plan,
                                   const struct progress *progress, struct trained **out_trained, struct error *error)
{
    SCOPED(contender_clear) struct contender winner = {0};
    SCOPED(trained_destroy) struct trained *trained = NULL;
    SCOPED(buffer_clear) struct buffer search;
    SCOPED(memory_free) float *start = NULL;
    double content_seconds = content_phase_seconds(ground, plan);
    buffer_init(&search, HEADER_MAX_BYTES / 4);
    if (plan->budget_seconds > 0) {
        struct training_plan of_encoder = *plan;
        of_encoder.budget_seconds -= content_seconds;
        TRY(search_run(ground, &of_encoder, progress, &winner, &search));
        TRY(buffer_finish(&search, error));
    } else {
        TRY(find_start(plan->start, &plan->settings, &start));
        TRY(contender_init(&winner, ground, &plan->settings));
        if (start)
            contender_go_on(&winner, start, epochs_to_go_on(ground->sequences, plan->settings.epochs));
        TRY(contender_run(&winner, ground, plan->settings.epochs, "", progress));
    }
    contender_retire(&winner);
    TRY(trained_create(&winner, ground, "selected", &trained));
    trained->speed.peak_gflops = measure_peak(trainer);
    if (search.n_bytes)
        emit_raw(&trained->emit, "search", search.bytes);
    TRY(content_phase_select(trained, ground, start ? model_placement(plan->start) : NULL,
                             plan->refit ? content_seconds / 2 : content_seconds, progress, error));
    TRY(judge(trainer, ground, trained, progress, error));
    *out_trained = trained;
    trained = NULL;
    return STATUS_OK;
}

/* Words for the statuses that come without any. */
static enum status explain(enum status status, const struct training_settings *settings, const struct error *reason, struct error *error)
{
    if (status == STATUS_OK)
        return status;
    if (reason->detail[0])
        return fail(error, status, "%s", reason->detail);
    if (status == STATUS_CONFLICT)
        return fail(error, status, "training was asked to stop");
    return fail(error, status, "no memory to train on %u items, %u floats wide", settings->shape.n_items, settings->shape.width);
}

enum status trainer_select(struct trainer *trainer, const struct training_plan *plan, const struct progress *progress,
                           struct trained **out_trained, struct error *error)
{
    struct training_plan checked = *plan;
    struct error reason = {.detail = ""};
    SCOPED(sequences_clear) struct sequences sequences = {0};
    TRY(check(trainer->dataset, &checked.settings, error));
    struct training_ground ground = {trainer->dataset, trainer->split, &sequences, &trainer->memory, trainer->workers, trainer->contents};
    enum status status = sequences_init(&sequences, trainer->dataset, trainer->split, &plan->settings.type_weights);
    if (status == STATUS_OK)
        status = check_sequences(&ground, &plan->settings.type_weights, &reason);
    if (status == STATUS_OK)
        status = select_settings(trainer, &ground, &checked, progress, out_trained, &reason);
    return explain(status, &checked.settings, &reason, error);
}

/* --- refit --- */

/* Along the selected model's path, looking at nothing: the ground has no held-out cases. */
static enum status follow(const struct training_ground *ground, const struct trained *selected, const float *start,
                          const struct progress *progress, struct contender *out_contender)
{
    SCOPED(contender_clear) struct contender contender = {0};
    struct training_settings settings = selected->settings;
    settings.epochs = selected->path[0] + selected->path[1];
    TRY(contender_init(&contender, ground, &settings));
    if (start)
        contender_go_on(&contender, start, selected->n_falling ? selected->n_falling : settings.epochs);
    TRY(contender_follow(&contender, selected->path, "refit,", progress));
    contender_retire(&contender);
    contender.settings.epochs = selected->settings.epochs; /* what was allowed, not what was needed */
    *out_contender = contender;
    contender = (struct contender){0};
    return STATUS_OK;
}

static enum status refit(struct trainer *trainer, const struct training_ground *ground, const struct trained *selected,
                         const char *selected_version, const struct model *start_model, const struct progress *progress,
                         struct trained **out_trained, struct error *error)
{
    SCOPED(contender_clear) struct contender contender = {0};
    SCOPED(trained_destroy) struct trained *trained = NULL;
    SCOPED(memory_free) float *start = NULL;
    TRY(find_start(start_model, &selected->settings, &start));
    TRY(follow(ground, selected, start, progress, &contender));
    TRY(trained_create(&contender, ground, "refit", &trained));
    trained->speed.peak_gflops = measure_peak(trainer);
    memcpy(trained->facts.figures, selected->facts.figures, sizeof trained->facts.figures);
    trained->facts.neighbours_weight = selected->facts.neighbours_weight;
    trained->facts.returns = selected->facts.returns;
    TRY(content_phase_refit(trained, selected, ground, start ? model_placement(start_model) : NULL, progress, error));
    trained->facts.n_held_out = selected->facts.n_held_out;
    memcpy(trained->selected_version, selected_version, strnlen(selected_version, MODEL_VERSION_BYTES - 1));
    TRY(trained_finish(trained, error));
    *out_trained = trained;
    trained = NULL;
    return STATUS_OK;
}

enum status trainer_refit(struct trainer *trainer, const struct trained *selected, const char *selected_version, const struct model *start,
                          const struct progress *progress, struct trained **out_trained, struct error *error)
{
    const struct type_weights *weights = &selected->settings.type_weights;
    struct error reason = {.detail = ""};
    SCOPED(sequences_clear) struct sequences sequences = {0};
    struct split whole = {.kind = trainer->split->kind, .weights = *weights, .train_ends = trainer->dataset->starts + 1};
    struct training_ground ground = {trainer->dataset, &whole, &sequences, &trainer->memory, trainer->workers, trainer->contents};
    enum status status = sequences_init(&sequences, trainer->dataset, &whole, weights);
    if (status == STATUS_OK)
        status = refit(trainer, &ground, selected, selected_version, start, progress, out_trained, &reason);
    return explain(status, &selected->settings, &reason, error);
}

enum status trainer_run(const struct dataset *dataset, const struct split *split, const char *const item_ids[],
                        const struct training_settings *settings, const char *directory, const struct progress *progress,
                        char out_version[MODEL_VERSION_BYTES], struct error *error)
{
    SCOPED(trainer_destroy) struct trainer *trainer = NULL;
    SCOPED(trained_destroy) struct trained *trained = NULL;
    SCOPED(model_draft_destroy) struct model_draft *draft = NULL;
    TRY(trainer_create(dataset, split, settings->n_threads, &trainer, error));
    TRY(trainer_select(trainer, &(struct training_plan){.settings = *settings}, progress, &trained, error));
    TRY(trained_draft(trained, item_ids, &draft, error));
    TRY(model_draft_write(draft, directory, error));
    memcpy(out_version, model_draft_version(draft), MODEL_VERSION_BYTES);
    return STATUS_OK;
}
