/* The model's item numbers are the store's only if its vocabulary is the beginning of the store's names: that is compared before anything
 * is ranked, or a file from elsewhere would get figures that mean nothing. */
#include "server/app/evaluating.h"

#include "core/base/workers.h"
#include "core/evaluation.h"
#include "server/app/training_data.h"
#include "storage/event_store.h"
#include "storage/model_registry.h"

#include <stdio.h>
#include <string.h>

static enum status find_live(void *context, const struct stored_model *model)
{
    char *version = context;
    if (model->state == MODEL_LIVE)
        (void)snprintf(version, MODEL_VERSION_BYTES, "%s", model->version);
    return STATUS_OK;
}

static enum status say_not_trained(struct store *store, const char *directory, struct error *error)
{
    uint64_t n_events = 0, last_seq = 0;
    TRY(event_store_count(store, &n_events, &last_seq, error));
    return fail(error, STATUS_NOT_FOUND,
                "there is no model yet: not trained; %llu events are stored. Train one with: inkling retrain --data %s",
                (unsigned long long)n_events, directory);
}

static enum status open_live(struct store *store, const char *directory, struct model **out_model, struct error *error)
{
    char version[MODEL_VERSION_BYTES] = "", path[4400];
    TRY(model_registry_scan(store, find_live, version, error));
    if (!version[0])
        return say_not_trained(store, directory, error);
    (void)snprintf(path, sizeof path, "%s/%s.safetensors", store_models_directory(store), version);
    return model_open(path, out_model, error);
}

static enum status compare_vocabulary(const struct model *model, const struct training_data *data, struct error *error)
{
    const struct model_facts *facts = model_facts(model);
    uint32_t n_known = facts->shape.n_items;
    bool is_same = n_known <= data->dataset->n_items;
    for (uint32_t item = 0; is_same && item < n_known; item++)
        is_same = strcmp(model_item_id(model, item), data->item_ids[item]) == 0;
    return is_same
               ? STATUS_OK
               : fail(error, STATUS_INVALID, "model %s was trained on other data: its items are not those of this store", facts->version);
}

static enum split_kind split_by_name(const char *name)
{
    return strcmp(name, split_names[SPLIT_LAST]) == 0 ? SPLIT_LAST : SPLIT_TIME;
}

static enum status judge(const struct settings *settings, const struct training_data *data, const struct model *model, int wanted_split,
                         unsigned n_threads, const struct progress *progress, struct evaluation_report *out_report, struct error *error)
{
    const struct model_facts *facts = model_facts(model);
    enum split_kind trained_with = split_by_name(facts->split);
    SCOPED(split_destroy) struct split *split = NULL;
    struct evaluation_report report = {
        .split = wanted_split == SPLIT_OF_MODEL ? trained_with : (enum split_kind)wanted_split,
        .n_events = data->dataset->n_events,
        .n_users = data->dataset->n_users,
    };
    report.is_model_split = report.split == trained_with;
    TRY(training_data_split(data, report.split, &split, error));
    memcpy(report.model_version, facts->version, sizeof report.model_version);
    TRY(evaluate_model(data->dataset, split, &data->weights, model, (float)settings->neighbours_weight,
                       (uint32_t)settings->neighbours_max_row, n_threads ? n_threads : workers_processors(), progress, &report.evaluation,
                       error));
    *out_report = report;
    return STATUS_OK;
}

enum status evaluating_run(const struct settings *settings, int split, unsigned n_threads, const struct progress *progress,
                           struct evaluation_report *out_report, struct error *error)
{
    SCOPED(store_close) struct store *store = NULL;
    SCOPED(model_close) struct model *model = NULL;
    SCOPED(training_data_clear) struct training_data data = {0};
    TRY(store_open(settings->data_directory, STORE_READ, &store, error));
    TRY(open_live(store, settings->data_directory, &model, error));
    TRY(training_data_read(store, settings, progress, &data, error));
    TRY(compare_vocabulary(model, &data, error));
    return judge(settings, &data, model, split, n_threads, progress, out_report, error);
}

void evaluation_report_emit(const struct evaluation_report *report, struct buffer *out)
{
    struct emit emit;
    emit_init(&emit, out);
    emit_open_object(&emit, NULL);
    emit_text(&emit, "model_version", report->model_version);
    emit_text(&emit, "split", split_names[report->split]);
    emit_boolean(&emit, "is_model_split", report->is_model_split);
    emit_integer(&emit, "events", (int64_t)report->n_events);
    emit_integer(&emit, "users", report->n_users);
    evaluation_emit(&report->evaluation, "evaluation", &emit);
    emit_close_object(&emit);
}
