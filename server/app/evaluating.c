/* The model's item numbers are the store's only if its vocabulary is the beginning of the store's names: that is compared before anything
 * is ranked, or a file from elsewhere would get figures that mean nothing. */
#include "server/app/evaluating.h"

#include "core/base/workers.h"
#include "core/evaluation.h"
#include "server/app/model_files.h"
#include "server/app/registration.h"
#include "server/app/training_data.h"
#include "storage/event_store.h"

#include <stdio.h>
#include <string.h>

#define TRAINING_MAX_BYTES (1u << 22)

static enum status say_not_trained(struct store *store, const char *directory, struct error *error)
{
    uint64_t n_events = 0, last_seq = 0;
    TRY(event_store_count(store, &n_events, &last_seq, error));
    return fail(error, STATUS_NOT_FOUND,
                "there is no model yet: not trained; %llu events are stored. Train one with: inkling retrain --data %s",
                (unsigned long long)n_events, directory);
}

static enum status open_version(struct store *store, const char *version, struct model **out_model, struct error *error)
{
    char path[4400];
    (void)snprintf(path, sizeof path, "%s/%s" MODEL_EXTENSION, store_models_directory(store), version);
    return model_open(path, out_model, error);
}

/* The model that is asked for. */
static enum status open_wanted(struct store *store, const char *directory, const char *wanted, struct model **out_model,
                               struct error *error)
{
    char version[MODEL_VERSION_BYTES] = "";
    if (wanted && !is_model_version(wanted))
        return fail(error, STATUS_INVALID, "%.40s is no model version: m and 16 hexadecimal digits", wanted);
    if (wanted)
        return open_version(store, wanted, out_model, error);
    TRY(registration_find_live(store, MODEL_BEHAVIOUR, version, error));
    if (!version[0])
        return say_not_trained(store, directory, error);
    return open_version(store, version, out_model, error);
}

static bool is_refit(const struct model *model)
{
    return strcmp(model_facts(model)->role, "refit") == 0;
}

/* Put the selected model in the place of its refit, if it is there. */
static enum status open_selected(struct store *store, struct model **model, char out_refit[MODEL_VERSION_BYTES], struct error *error)
{
    const struct model_facts *facts = model_facts(*model);
    struct model *selected = NULL;
    if (!is_refit(*model) || !is_model_version(facts->selected_version))
        return STATUS_OK;
    enum status status = open_version(store, facts->selected_version, &selected, error);
    if (status == STATUS_NOT_FOUND)
        return STATUS_OK;
    TRY(status);
    memcpy(out_refit, facts->version, MODEL_VERSION_BYTES);
    model_close(*model);
    *model = selected;
    return STATUS_OK;
}

static enum status compare_vocabulary(const struct model *model, const struct training_data *data, struct error *error)
{
    const struct model_facts *facts = model_facts(model);
    return model_knows(model, data->item_ids, data->dataset->n_items)
               ? STATUS_OK
               : fail(error, STATUS_INVALID, "model %s was trained on other data: its items are not those of this store", facts->version);
}

static enum split_kind split_by_name(const char *name)
{
    return strcmp(name, split_names[SPLIT_LAST]) == 0 ? SPLIT_LAST : SPLIT_TIME;
}

void evaluation_report_clear(struct evaluation_report *report)
{
    buffer_clear(&report->training);
    *report = (struct evaluation_report){0};
}

/* The model's own report, for as long as the evaluation lives. */
static enum status copy_training(const struct model_facts *facts, struct evaluation_report *report, struct error *error)
{
    buffer_init(&report->training, TRAINING_MAX_BYTES);
    buffer_append_text(&report->training, facts->report ? facts->report : "");
    enum status status = buffer_finish(&report->training, error);
    if (status != STATUS_OK)
        buffer_clear(&report->training);
    return status;
}

static enum status judge(const struct settings *settings, const struct training_data *data, const struct model *model,
                         const struct evaluate_query *query, const struct progress *progress, struct evaluation_report *out_report,
                         struct error *error)
{
    const struct model_facts *facts = model_facts(model);
    enum split_kind trained_with = split_by_name(facts->split);
    SCOPED(split_destroy) struct split *split = NULL;
    struct evaluation_report report = {
        .split = query->split == SPLIT_OF_MODEL ? trained_with : (enum split_kind)query->split,
        .is_refit = is_refit(model),
        .n_events = data->dataset->n_events,
        .n_users = data->dataset->n_users,
    };
    report.is_model_split = report.split == trained_with;
    TRY(training_data_split(data, report.split, &split, error));
    memcpy(report.model_version, facts->version, sizeof report.model_version);
    TRY(evaluate_model(data->dataset, split, &data->weights, model, (float)settings->neighbours_weight,
                       (uint32_t)settings->neighbours_max_row, query->n_threads ? query->n_threads : workers_processors(), progress,
                       &report.evaluation, error));
    TRY(copy_training(facts, &report, error)); /* last: what it takes is given away at once */
    *out_report = report;
    return STATUS_OK;
}

enum status evaluating_run(const struct settings *settings, const struct evaluate_query *query, const struct progress *progress,
                           struct evaluation_report *out_report, struct error *error)
{
    SCOPED(store_close) struct store *store = NULL;
    SCOPED(model_close) struct model *model = NULL;
    SCOPED(training_data_clear) struct training_data data = {0};
    char refit[MODEL_VERSION_BYTES] = "";
    TRY(store_open(settings->data_directory, STORE_READ, &store, error));
    TRY(open_wanted(store, settings->data_directory, query->version, &model, error));
    TRY(open_selected(store, &model, refit, error));
    TRY(training_data_read(store, settings, progress, &data, error));
    TRY(compare_vocabulary(model, &data, error));
    TRY(judge(settings, &data, model, query, progress, out_report, error));
    memcpy(out_report->refit_version, refit, sizeof refit);
    return STATUS_OK;
}

void evaluation_report_emit(const struct evaluation_report *report, struct buffer *out)
{
    struct emit emit;
    emit_init(&emit, out);
    emit_open_object(&emit, NULL);
    emit_text(&emit, "model_version", report->model_version);
    emit_text(&emit, "refit_version", report->refit_version[0] ? report->refit_version : NULL);
    emit_boolean(&emit, "is_refit", report->is_refit);
    emit_text(&emit, "split", split_names[report->split]);
    emit_boolean(&emit, "is_model_split", report->is_model_split);
    emit_integer(&emit, "events", (int64_t)report->n_events);
    emit_integer(&emit, "users", report->n_users);
    evaluation_emit(&report->evaluation, "evaluation", &emit);
    emit_close_object(&emit);
}
