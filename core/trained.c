/* The report is one JSON object that is written once and then only carried: into the file, the registry, and the pages that show it. */
#include "core/trained.h"

#include <stdlib.h>
#include <string.h>

#define REPORT_BYTES (HEADER_MAX_BYTES / 4)

void trained_destroy(struct trained *trained)
{
    if (!trained)
        return;
    encoder_scores_clear(&trained->scores);
    buffer_clear(&trained->settings_text);
    buffer_clear(&trained->report);
    content_placement_clear(&trained->placement);
    free(trained->weights);
    free(trained);
}

static struct model_facts describe(const struct trained *trained, const struct training_ground *ground, const char *role)
{
    return (struct model_facts){
        .shape = trained->encoder.shape,
        .seed = trained->settings.seed,
        .epochs = trained->path[0] + trained->path[1],
        .n_events = ground->sequences->n_events,
        .n_users = ground->sequences->n_sequences,
        .n_held_out = ground->split->n_held_out,
        .first_at_ms = ground->dataset->first_at_ms,
        .last_at_ms = ground->dataset->last_at_ms,
        .split = ground->split->kind == SPLIT_LAST ? "last" : "time",
        .code_version = CODE_VERSION,
        .role = role,
        .selected_version = trained->selected_version,
    };
}

static void emit_run(struct emit *emit, const struct contender *contender, bool was_judged)
{
    emit_open_array(emit, "path");
    for (unsigned i = 0; i < PATH_RATES; i++)
        emit_integer(emit, NULL, contender->path[i]);
    emit_close_array(emit);
    emit_open_array(emit, "curve");
    for (uint32_t i = 0; i < contender->n_epochs; i++) {
        emit_open_object(emit, NULL);
        emit_integer(emit, "epoch", i + 1);
        emit_number(emit, "loss", contender->curve[i].loss, 6);
        if (was_judged)
            emit_number(emit, "ndcg10", contender->curve[i].ndcg10, 6);
        emit_number(emit, "rate", (double)contender->curve[i].rate, 3);
        emit_close_object(emit);
    }
    emit_close_array(emit);
}

static struct training_speed measure(const struct contender *contender)
{
    return (struct training_speed){
        .n_epochs = contender->n_epochs, .seconds = contender->seconds, .flops = contender->flops, .n_examples = contender->n_examples};
}

enum status trained_create(struct contender *contender, const struct training_ground *ground, const char *role,
                           struct trained **out_trained)
{
    SCOPED(trained_destroy) struct trained *trained = calloc(1, sizeof *trained);
    if (!trained)
        return STATUS_NOMEM;
    buffer_init(&trained->settings_text, REPORT_BYTES);
    buffer_init(&trained->report, REPORT_BYTES);
    trained->settings = contender->settings;
    encoder_init(&trained->encoder, &contender->settings.shape, kernels_fast());
    trained->weights = contender->best_weights;
    contender->best_weights = NULL;
    memcpy(trained->path, contender->path, sizeof trained->path);
    trained->n_falling = contender->n_falling;
    trained->speed = measure(contender);
    trained->facts = describe(trained, ground, role);
    training_settings_write(&trained->settings, &trained->settings_text);
    emit_init(&trained->emit, &trained->report);
    emit_open_object(&trained->emit, NULL);
    emit_run(&trained->emit, contender, ground->split->n_held_out > 0);
    *out_trained = trained;
    trained = NULL;
    return STATUS_OK;
}

enum status trained_finish(struct trained *trained, struct error *error)
{
    emit_close_object(&trained->emit);
    TRY(buffer_finish(&trained->report, error));
    TRY(buffer_finish(&trained->settings_text, error));
    trained->facts.settings = trained->settings_text.bytes;
    trained->facts.report = trained->report.bytes;
    return STATUS_OK;
}

const struct model_facts *trained_facts(const struct trained *trained)
{
    return &trained->facts;
}

struct training_speed trained_speed(const struct trained *trained)
{
    return trained->speed;
}

enum status trained_view(struct trained *trained, struct trainer *trainer, const struct encoder_view **out_view)
{
    if (!trained->scores.encoder)
        TRY(encoder_scores_init(&trained->scores, &trained->encoder, trained->weights, &trained->settings.type_weights,
                                workers_count(trainer_workers(trainer))));
    *out_view = &trained->scores.view;
    return STATUS_OK;
}

enum status trained_draft(const struct trained *trained, const char *const item_ids[], struct model_draft **out_draft, struct error *error)
{
    const struct model_parts parts = {.facts = &trained->facts,
                                      .tensors = &trained->encoder.tensors,
                                      .weights = trained->weights,
                                      .placement = trained->placement.weights ? &trained->placement : NULL,
                                      .item_ids = item_ids};
    return model_draft_create(&parts, out_draft, error);
}
