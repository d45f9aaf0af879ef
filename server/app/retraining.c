/* Read, split, train; the words for what can go wrong are made where it goes wrong. */
#include "server/app/retraining.h"

#include "core/base/clock.h"
#include "core/base/workers.h"
#include "core/trainer.h"
#include "server/app/registration.h"
#include "server/app/training_data.h"
#include "storage/model_registry.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define PATH_BYTES 4160

static enum status read_data(const struct settings *settings, const struct progress *progress, struct training_data *out_data,
                             char models[PATH_BYTES], struct error *error)
{
    SCOPED(store_close) struct store *store = NULL;
    TRY(store_open(settings->data_directory, STORE_READ, &store, error));
    if ((size_t)snprintf(models, PATH_BYTES, "%s", store_models_directory(store)) >= PATH_BYTES)
        return fail(error, STATUS_LIMIT, "the path of the data directory is too long");
    if (mkdir(models, 0750) && errno != EEXIST)
        return fail(error, STATUS_IO, "cannot make %s: %s", models, strerror(errno));
    return training_data_read(store, settings, progress, out_data, error);
}

static struct training_settings training_settings_for(const struct settings *settings, const struct retrain_query *query,
                                                      const struct training_data *data)
{
    struct training_settings training = training_settings_default();
    training.seed = (uint64_t)query->seed;
    training.epochs = query->epochs ? (uint32_t)query->epochs : training.epochs;
    training.n_threads = query->n_threads ? (unsigned)query->n_threads : workers_processors();
    training.type_weights = data->weights;
    training.neighbours_max_row = (uint32_t)settings->neighbours_max_row;
    return training;
}

enum status retraining_run(const struct settings *settings, const struct retrain_query *query, const struct progress *progress,
                           char out_version[MODEL_VERSION_BYTES], struct error *error)
{
    char models[PATH_BYTES];
    SCOPED(training_data_clear) struct training_data data = {0};
    TRY(read_data(settings, progress, &data, models, error));
    SCOPED(split_destroy) struct split *split = NULL;
    TRY(training_data_split(&data, query->split, &split, error));
    struct training_settings training = training_settings_for(settings, query, &data);
    return trainer_run(data.dataset, split, data.item_ids, &training, models, progress, out_version, error);
}

/* Register the model, unless it is there, and make it live. Inside a transaction. */
static enum status register_live(struct store *store, const struct model *model, struct error *error)
{
    const char *version = model_facts(model)->version;
    enum status status = registration_add(store, version, model, NULL, error);
    if (status != STATUS_OK && status != STATUS_CONFLICT)
        return status;
    return model_registry_activate(store, version, clock_now_ms(), error);
}

enum status retraining_adopt(const struct settings *settings, const char *version, struct error *error)
{
    char path[PATH_BYTES + 64];
    SCOPED(store_close) struct store *store = NULL;
    SCOPED(model_close) struct model *model = NULL;
    TRY(store_open(settings->data_directory, STORE_WRITE, &store, error));
    (void)snprintf(path, sizeof path, "%s/%s.safetensors", store_models_directory(store), version);
    TRY(model_open(path, &model, error));
    TRY(store_begin(store, error));
    enum status status = register_live(store, model, error);
    if (status == STATUS_OK)
        return store_commit(store, error);
    store_rollback(store);
    return status;
}
