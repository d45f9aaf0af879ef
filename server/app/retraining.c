/* Read, split, choose where to start, train, let the gate judge, write. What another model is needed for is settled first: its settings,
 * or its weights to go on from.
 *
 * The selected model is continued from the live model's own selected one and the refit from the live model: a refit has seen the events
 * that are held out, and what has seen them must not have a part in choosing by them. */
#include "server/app/retraining.h"

#include "core/base/workers.h"
#include "core/trainer.h"
#include "server/app/content_data.h"
#include "server/app/gate.h"
#include "server/app/model_files.h"
#include "server/app/registration.h"
#include "server/app/training_data.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define PATH_BYTES 4160

/* --- what is there --- */

struct retraining {
    const struct settings *settings;
    const struct retrain_query *query;
    const struct progress *progress;
    char models[PATH_BYTES];
    char live_version[MODEL_VERSION_BYTES]; /* empty: none */
    struct training_data data;
    struct content_data contents; /* zeros: nothing is to be placed by it */
    struct split *split;
    struct model *live, *live_selected; /* NULL: none, or not to be continued. live_selected is the same one if it was not a refit */
};

static void retraining_clear_scoped(struct retraining *retraining)
{
    if (retraining->live_selected != retraining->live)
        model_close(retraining->live_selected);
    model_close(retraining->live);
    split_destroy(retraining->split);
    content_data_clear(&retraining->contents);
    training_data_clear(&retraining->data);
}

static enum status read_store(struct retraining *retraining, struct error *error)
{
    SCOPED(store_close) struct store *store = NULL;
    TRY(store_open(retraining->settings->data_directory, STORE_READ, &store, error));
    if ((size_t)snprintf(retraining->models, PATH_BYTES, "%s", store_models_directory(store)) >= PATH_BYTES)
        return fail(error, STATUS_LIMIT, "the path of the data directory is too long");
    if (mkdir(retraining->models, 0750) && errno != EEXIST)
        return fail(error, STATUS_IO, "cannot make %s: %s", retraining->models, strerror(errno));
    model_files_clean(retraining->models);
    TRY(registration_find_live(store, MODEL_BEHAVIOUR, retraining->live_version, error));
    TRY(training_data_read(store, retraining->settings, retraining->progress, &retraining->data, error));
    if (!retraining->settings->retrain_content)
        return STATUS_OK;
    return content_data_read(store, retraining->models, retraining->data.dataset->n_items, retraining->progress, &retraining->contents,
                             error);
}

static enum status open_version(const struct retraining *retraining, const char *version, struct model **out_model, struct error *error)
{
    char path[PATH_BYTES + 64];
    (void)snprintf(path, sizeof path, "%s/%.*s.safetensors", retraining->models, MODEL_VERSION_BYTES - 1, version);
    return model_open(path, out_model, error);
}

/* The live model and its selected one; none if they cannot be read or speak of other items: then training starts afresh. So it does if the
 * live one was selected with another split: it has learned from what is held out now. */
static void open_live(struct retraining *retraining)
{
    struct error ignored = {0};
    struct model *model = NULL;
    if (!retraining->live_version[0] || open_version(retraining, retraining->live_version, &model, &ignored) != STATUS_OK)
        return;
    if (!model_knows(model, retraining->data.item_ids, retraining->data.dataset->n_items)) {
        model_close(model);
        return;
    }
    retraining->live = model;
    if (strcmp(model_facts(model)->split, split_names[retraining->query->split]) != 0)
        return;
    if (!model_facts(model)->selected_version[0]) {
        retraining->live_selected = model;
        return;
    }
    (void)open_version(retraining, model_facts(model)->selected_version, &retraining->live_selected, &ignored);
}

/* --- the plan --- */

static struct training_settings first_settings(const struct retraining *retraining)
{
    const struct retrain_query *query = retraining->query;
    struct training_settings training = training_settings_default();
    training.seed = (uint64_t)query->seed;
    training.epochs = query->epochs ? (uint32_t)query->epochs : training.epochs;
    training.n_threads = query->n_threads ? (unsigned)query->n_threads : workers_processors();
    training.type_weights = retraining->data.weights;
    training.neighbours_max_row = (uint32_t)retraining->settings->neighbours_max_row;
    if (retraining->data.dataset->n_items > FULL_SOFTMAX_ITEMS) {
        training.n_negatives = SAMPLED_NEGATIVES;
        training.averaging = 0; /* it goes over all items, a step over few */
    }
    return training;
}

/* The settings that a model was trained with. Temperature and the like stand in its shape, too; --epochs wins. */
static enum status reuse_settings(const struct retraining *retraining, const struct model *model, struct training_settings *settings,
                                  struct error *error)
{
    TRY(training_settings_read(model_facts(model)->settings, settings, error));
    if (retraining->query->epochs)
        settings->epochs = (uint32_t)retraining->query->epochs;
    return STATUS_OK;
}

static enum status reuse_named(const struct retraining *retraining, struct training_settings *settings, struct error *error)
{
    const char *version = retraining->query->settings_version;
    SCOPED(model_close) struct model *model = NULL;
    if (strcmp(version, "live") == 0)
        version = retraining->live_version;
    if (!version[0])
        return fail(error, STATUS_NOT_FOUND, "no model is live yet whose settings could be used: train one without --settings first");
    TRY(open_version(retraining, version, &model, error));
    return reuse_settings(retraining, model, settings, error);
}

static enum status make_plan(struct retraining *retraining, struct training_plan *out_plan, struct error *error)
{
    const struct retrain_query *query = retraining->query;
    struct training_plan plan = {
        .settings = first_settings(retraining), .refit = !query->no_refit, .by_reckoning = !retraining->settings->retrain_clock};
    bool goes_on = !query->fresh && retraining->live_selected;
    if (query->settings_version[0]) {
        TRY(reuse_named(retraining, &plan.settings, error));
    } else if (query->budget_seconds == BUDGET_DEFAULT && goes_on) {
        TRY(reuse_settings(retraining, retraining->live, &plan.settings, error));
    } else {
        plan.budget_seconds =
            (double)(query->budget_seconds == BUDGET_DEFAULT ? retraining->settings->retrain_budget : query->budget_seconds);
    }
    plan.start = goes_on && plan.budget_seconds <= 0 ? retraining->live_selected : NULL;
    *out_plan = plan;
    return STATUS_OK;
}

/* --- the work --- */

/* Said as a phase of its own, so that it reaches whoever watches. All is end to end: the looks at the held-out events count as time, not as
 * work. */
static enum status say_speed(const struct retraining *retraining, const char *phase, const struct trained *trained)
{
    struct training_speed speed = trained_speed(trained);
    char note[160], best[48] = "";
    double seconds = speed.seconds > 0 ? speed.seconds : 1, gflops = speed.flops / seconds / 1e9;
    if (speed.n_epochs > trained_facts(trained)->epochs) /* a refit stops where the selected model was best */
        (void)snprintf(best, sizeof best, " the best was number %u,", trained_facts(trained)->epochs);
    (void)snprintf(note, sizeof note, "%u epochs in %.0f s,%s %.0f GFLOP/s, %.0f %% of this machine's %.0f, %.0f examples/s",
                   speed.n_epochs, speed.seconds, best, gflops, speed.peak_gflops > 0 ? 100 * gflops / speed.peak_gflops : 0,
                   speed.peak_gflops, (double)speed.n_examples / seconds);
    return progress_report(retraining->progress, phase, 1, 1, note) ? STATUS_OK : STATUS_CONFLICT;
}

/* The verdict first: whoever finds a model finds its verdict. */
static enum status write_model(const struct retraining *retraining, const struct trained *trained, const struct verdict *verdict,
                               char out_version[MODEL_VERSION_BYTES], struct error *error)
{
    SCOPED(model_draft_destroy) struct model_draft *draft = NULL;
    TRY(trained_draft(trained, retraining->data.item_ids, &draft, error));
    TRY(verdict_write(retraining->models, model_draft_version(draft), verdict, error));
    enum status status = model_draft_write(draft, retraining->models, error);
    if (status == STATUS_OK)
        memcpy(out_version, model_draft_version(draft), MODEL_VERSION_BYTES);
    else
        verdict_remove(retraining->models, model_draft_version(draft));
    return status;
}

static enum status refit(const struct retraining *retraining, struct trainer *trainer, const struct training_plan *plan,
                         const struct trained *selected, const struct verdict *verdict, char out_version[MODEL_VERSION_BYTES],
                         struct error *error)
{
    SCOPED(trained_destroy) struct trained *trained = NULL;
    SCOPED(model_draft_destroy) struct model_draft *draft = NULL;
    char selected_version[MODEL_VERSION_BYTES];
    struct verdict kept = verdict_of(VERDICT_READY, "the selected model, whose refit goes live");
    TRY(trained_draft(selected, retraining->data.item_ids, &draft, error));
    TRY(trainer_refit(trainer, selected, model_draft_version(draft), plan->start ? retraining->live : NULL, retraining->progress, &trained,
                      error));
    TRY(say_speed(retraining, "refit", trained));
    TRY(write_model(retraining, selected, &kept, selected_version, error));
    return write_model(retraining, trained, verdict, out_version, error);
}

static enum status ask_gate(const struct retraining *retraining, struct trainer *trainer, struct trained *selected,
                            struct verdict *out_verdict, struct error *error)
{
    const struct encoder_view *view = NULL;
    if (trained_view(selected, trainer, &view) != STATUS_OK)
        return fail(error, STATUS_NOMEM, "no memory to compare the new model with the live one");
    return gate_judge(&(struct gate_question){.settings = retraining->settings,
                                              .fresh = trained_facts(selected),
                                              .encoder = view,
                                              .live = retraining->live,
                                              .dataset = retraining->data.dataset,
                                              .item_ids = retraining->data.item_ids,
                                              .split = retraining->split,
                                              .weights = &retraining->data.weights,
                                              .workers = trainer_workers(trainer),
                                              .progress = retraining->progress,
                                              .force = retraining->query->force},
                      out_verdict, error);
}

static enum status train(const struct retraining *retraining, const struct training_plan *plan, char out_version[MODEL_VERSION_BYTES],
                         struct error *error)
{
    SCOPED(trainer_destroy) struct trainer *trainer = NULL;
    SCOPED(trained_destroy) struct trained *selected = NULL;
    struct verdict verdict;
    TRY(trainer_create(retraining->data.dataset, retraining->split, plan->settings.n_threads, &trainer, error));
    if (retraining->contents.n_known)
        trainer_set_contents(trainer, &retraining->contents.contents);
    TRY(trainer_select(trainer, plan, retraining->progress, &selected, error));
    TRY(say_speed(retraining, "trained", selected));
    TRY(ask_gate(retraining, trainer, selected, &verdict, error));
    if (!plan->refit || verdict.state == VERDICT_REJECTED)
        return write_model(retraining, selected, &verdict, out_version, error);
    return refit(retraining, trainer, plan, selected, &verdict, out_version, error);
}

enum status retraining_run(const struct settings *settings, const struct retrain_query *query, const struct progress *progress,
                           char out_version[MODEL_VERSION_BYTES], struct error *error)
{
    SCOPED(retraining_clear) struct retraining retraining = {.settings = settings, .query = query, .progress = progress};
    struct training_plan plan;
    TRY(read_store(&retraining, error));
    TRY(training_data_split(&retraining.data, query->split, &retraining.split, error));
    open_live(&retraining);
    TRY(make_plan(&retraining, &plan, error));
    return train(&retraining, &plan, out_version, error);
}
