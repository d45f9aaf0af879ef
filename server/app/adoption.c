/* From a file in DIR/models to the model that answers: open, check that it is ours, register, activate, swap. What the training thought of
 * it (verdict.h) decides whether it is activated.
 *
 * A model may only speak of items that this store numbers as it does: its vocabulary must be the first part of the store's item names. What
 * was refused once stays registered as damaged, with the reason, and is not tried again unless somebody activates it. Models of pictures
 * go the same way, but nothing judges them: they have no verdict, and the items are not theirs. */
#include "core/base/clock.h"
#include "core/base/log.h"
#include "server/app/model_files.h"
#include "server/app/ready_models.h"
#include "server/app/registration.h"
#include "server/app/service.h"

#include <stdlib.h>
#include <string.h>

#define FILES_MAX     256u /* looked at in one go; more are found the next time */
#define VERSION_CHARS (MODEL_VERSION_BYTES - 1)

/* --- files --- */

/* Is it the file's fault? (Else it is the machine's: try again another time.) */
static bool is_damage(enum status status)
{
    return status == STATUS_CORRUPT || status == STATUS_NOT_FOUND || status == STATUS_INVALID || status == STATUS_LIMIT;
}

/* --- the registry, inside a transaction --- */

static enum status is_registered(const struct app *app, const char *version, bool *out_is, struct error *error)
{
    enum model_state state;
    enum status status = model_registry_find(app->store, version, &state, error);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    *out_is = status == STATUS_OK;
    return STATUS_OK;
}

static void note_damage(struct app *app, const char *version, const char *reason)
{
    atomic_fetch_add(&app->figures.models_damaged, 1);
    log_line(LOG_WARNING, "models", "%s refused: %s", version, reason);
}

/* Takes what is in ready. After the commit. */
static void make_live(struct app *app, struct ready_models *ready)
{
    if (ready->behaviour) {
        log_line(LOG_INFO, "models", "%s is live", model_facts(ready->behaviour->model)->version);
        live_swap(&app->live, ready->behaviour);
    }
    if (ready->pictures) {
        log_line(LOG_INFO, "models", "%s is live: it names pictures", picture_index_version(ready->pictures));
        picture_live_swap(app->pictures, ready->pictures);
    }
    filler_wake(app->filler);
    atomic_fetch_add(&app->figures.model_swaps, (ready->behaviour != NULL) + (ready->pictures != NULL));
    *ready = (struct ready_models){0};
}

static enum status activate_in_transaction(struct app *app, const char *version, struct error *error)
{
    TRY(store_begin(app->store, error));
    enum status status = model_registry_activate(app->store, version, clock_now_ms(), error);
    if (status == STATUS_OK)
        return store_commit(app->store, error);
    store_rollback(app->store);
    return status;
}

static enum status mark_in_transaction(struct app *app, const char *version, const char *reason, struct error *error)
{
    note_damage(app, version, reason);
    TRY(store_begin(app->store, error));
    enum status status = model_registry_mark_damaged(app->store, version, reason, error);
    if (status == STATUS_OK)
        return store_commit(app->store, error);
    store_rollback(app->store);
    return status;
}

/* --- new files --- */

struct new_files {
    const struct app *app;
    struct model_file files[FILES_MAX];
    size_t n;
    struct error *error;
};

static enum status note_new_file(void *context, const struct model_file *file)
{
    struct new_files *found = context;
    bool is_known = true;
    if (found->n == FILES_MAX)
        return STATUS_OK;
    TRY(is_registered(found->app, file->version, &is_known, found->error));
    if (!is_known)
        found->files[found->n++] = *file;
    return STATUS_OK;
}

/* The files that the registry does not know, oldest first. */
static enum status find_new_files(struct new_files *found)
{
    TRY(model_files_each(store_models_directory(found->app->store), note_new_file, found, found->error));
    qsort(found->files, found->n, sizeof found->files[0], model_file_compare);
    return STATUS_OK;
}

/* What opening a file has found. */
struct candidate {
    struct ready_models ready; /* empty: it is damaged, for reason */
    struct verdict verdict;
    struct error reason;
};

/* False: not now; another time. */
static bool open_candidate(const struct app *app, const char *version, struct candidate *candidate)
{
    enum status status = verdict_read(store_models_directory(app->store), version, &candidate->verdict, &candidate->reason);
    if (status == STATUS_OK)
        status = ready_models_open(app, version, &candidate->ready, &candidate->reason);
    if (status == STATUS_OK || is_damage(status))
        return true;
    log_line(LOG_WARNING, "models", "%s cannot be read now: %s", version, candidate->reason.detail);
    return false;
}

static enum status add_candidate(struct app *app, const char *version, const struct candidate *candidate, struct error *error)
{
    const struct verdict *verdict = &candidate->verdict;
    SCOPED(buffer_clear) struct buffer facts;
    buffer_init(&facts, FACTS_BYTES);
    if (!ready_models_any(&candidate->ready)) {
        TRY(registration_add(app->store, version, NULL, MODEL_DAMAGED, candidate->reason.detail, error));
        note_damage(app, version, candidate->reason.detail);
        return STATUS_OK;
    }
    TRY(ready_models_facts(&candidate->ready, &facts, error));
    TRY(registration_add(app->store, version, facts.bytes, registration_state(verdict), verdict->reason, error));
    atomic_fetch_add(&app->figures.models_adopted, 1);
    if (verdict->state != VERDICT_LIVE)
        log_line(LOG_INFO, "models", "%s is registered as %s: %s", version, verdict_state_names[verdict->state], verdict->reason);
    return STATUS_OK;
}

static enum status register_file(struct app *app, const char *version, struct ready_models *newest, struct error *error)
{
    struct candidate candidate = {0};
    if (!open_candidate(app, version, &candidate))
        return STATUS_OK;
    enum status status = add_candidate(app, version, &candidate, error);
    if (status == STATUS_OK && candidate.verdict.state == VERDICT_LIVE)
        ready_models_renew(newest, &candidate.ready);
    ready_models_clear(&candidate.ready);
    return status;
}

/* Register the files; gives the newest of each kind that may go live. Inside a transaction. */
static enum status register_files(struct app *app, const struct new_files *found, struct ready_models *newest, struct error *error)
{
    for (size_t i = 0; i < found->n; i++)
        TRY(register_file(app, found->files[i].version, newest, error));
    if (newest->behaviour)
        TRY(model_registry_activate(app->store, model_facts(newest->behaviour->model)->version, clock_now_ms(), error));
    if (newest->pictures)
        TRY(model_registry_activate(app->store, picture_index_version(newest->pictures), clock_now_ms(), error));
    return STATUS_OK;
}

/* A training may come to a model that is registered already: then only its verdict is new. Inside a transaction. */
static enum status settle(struct app *app, const char *version, struct error *error)
{
    struct verdict verdict;
    TRY(verdict_read(store_models_directory(app->store), version, &verdict, error));
    enum status status = registration_settle(app->store, version, &verdict, error);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status; /* said after the commit */
}

/* Is what a training has come to really there? One that is to go live is looked at again when it is activated. */
static enum status confirm(struct app *app, const char *version, struct error *error)
{
    enum model_state state;
    struct verdict verdict;
    TRY(model_registry_find(app->store, version, &state, error));
    TRY(verdict_read(store_models_directory(app->store), version, &verdict, error));
    if (state == MODEL_DAMAGED && verdict.state != VERDICT_LIVE)
        return fail(error, STATUS_CORRUPT, "the file of model %s is damaged", version);
    return STATUS_OK;
}

enum status adopt_models(struct app *app, const char *trained, struct error *error)
{
    SCOPED(memory_free) struct new_files *found = calloc(1, sizeof *found);
    SCOPED(ready_models_clear) struct ready_models newest = {0};
    if (!found)
        return fail(error, STATUS_NOMEM, "no memory to look at the model files");
    found->app = app;
    found->error = error;
    TRY(find_new_files(found));
    if (!found->n && !trained)
        return STATUS_OK;
    TRY(store_begin(app->store, error));
    enum status status = register_files(app, found, &newest, error);
    if (status == STATUS_OK && trained)
        status = settle(app, trained, error);
    if (status != STATUS_OK) {
        store_rollback(app->store);
        return status;
    }
    TRY(store_commit(app->store, error));
    if (ready_models_any(&newest))
        make_live(app, &newest);
    return trained ? confirm(app, trained, error) : STATUS_OK;
}

/* --- the live models --- */

bool model_answers(const struct app *app, const char *version)
{
    const struct model *behaviour = live_get(&app->live)->model;
    const struct picture_index *pictures = picture_live_get(app->pictures);
    if (model_version_kind(version) == MODEL_PICTURES)
        return pictures && strcmp(picture_index_version(pictures), version) == 0;
    return behaviour && strcmp(model_facts(behaviour)->version, version) == 0;
}

enum status activate_model(struct app *app, const char *version, struct error *error)
{
    struct error reason = {0};
    SCOPED(ready_models_clear) struct ready_models ready = {0};
    bool is_known = false;
    TRY(is_registered(app, version, &is_known, error));
    if (!is_known)
        return fail(error, STATUS_NOT_FOUND, "there is no model %.64s", version);
    if (model_answers(app, version))
        return STATUS_OK;
    enum status status = ready_models_open(app, version, &ready, &reason);
    if (is_damage(status)) {
        TRY(mark_in_transaction(app, version, reason.detail, error));
        return fail(error, STATUS_CORRUPT, "%s", reason.detail);
    }
    if (status != STATUS_OK)
        return fail(error, status, "%s", reason.detail);
    TRY(activate_in_transaction(app, version, error));
    make_live(app, &ready);
    return STATUS_OK;
}

struct candidates {
    enum model_kind kind;
    char versions[FILES_MAX][MODEL_VERSION_BYTES]; /* the live one first, then those that are ready, newest first */
    size_t n;
    bool has_live;
};

static enum status collect_candidate(void *context, const struct stored_model *row)
{
    struct candidates *candidates = context;
    bool may_answer = row->kind == candidates->kind && row->state != MODEL_DAMAGED && row->state != MODEL_REJECTED;
    if (!may_answer || strlen(row->version) != VERSION_CHARS)
        return STATUS_OK;
    size_t place = candidates->n;
    if (row->state == MODEL_LIVE) {
        place = 0;
        candidates->has_live = true;
        size_t n_moved = candidates->n < FILES_MAX ? candidates->n : FILES_MAX - 1;
        memmove(candidates->versions[1], candidates->versions[0], n_moved * sizeof candidates->versions[0]);
    }
    if (place < FILES_MAX)
        memcpy(candidates->versions[place], row->version, MODEL_VERSION_BYTES);
    candidates->n += candidates->n < FILES_MAX;
    return STATUS_OK;
}

/* At start a disk that is full must not keep the service from answering. */
static void warn(enum status status, const char *version, const struct error *error)
{
    if (status != STATUS_OK)
        log_line(LOG_WARNING, "models", "%s: %s", version, error->detail);
}

/* Gives nothing if it does not open. STATUS_NOMEM: there is no use in trying others. */
static enum status try_candidate(struct app *app, const char *version, struct ready_models *out_ready, struct error *error)
{
    struct error reason = {0}, unwritten = {0};
    enum status status = ready_models_open(app, version, out_ready, &reason);
    if (status == STATUS_NOMEM)
        return fail(error, status, "%s", reason.detail);
    if (is_damage(status))
        warn(mark_in_transaction(app, version, reason.detail, &unwritten), version, &unwritten);
    else
        warn(status, version, &reason);
    return STATUS_OK;
}

static enum status open_live_model(struct app *app, enum model_kind kind, struct error *error)
{
    SCOPED(memory_free) struct candidates *candidates = calloc(1, sizeof *candidates);
    if (!candidates)
        return fail(error, STATUS_NOMEM, "no memory to look at the models");
    candidates->kind = kind;
    TRY(model_registry_scan(app->store, collect_candidate, candidates, error));
    for (size_t i = 0; i < candidates->n; i++) {
        struct error reason = {0};
        const char *version = candidates->versions[i];
        SCOPED(ready_models_clear) struct ready_models ready = {0};
        TRY(try_candidate(app, version, &ready, error));
        if (!ready_models_any(&ready))
            continue;
        if (i > 0 || !candidates->has_live)
            warn(activate_in_transaction(app, version, &reason), version, &reason);
        make_live(app, &ready);
        return STATUS_OK;
    }
    if (kind == MODEL_BEHAVIOUR)
        log_line(LOG_INFO, "models", "no model yet: neighbours and popularity answer");
    return STATUS_OK;
}

enum status open_live_models(struct app *app, struct error *error)
{
    if (!live_get(&app->live)->model)
        TRY(open_live_model(app, MODEL_BEHAVIOUR, error));
    return picture_live_get(app->pictures) ? STATUS_OK : open_live_model(app, MODEL_PICTURES, error);
}
