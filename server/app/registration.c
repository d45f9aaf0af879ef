/* The facts go in as the JSON that GET /v1/models/{version} shows. */
#include "server/app/registration.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "server/app/model_files.h"

#include <stdio.h>
#include <string.h>

#define FACTS_BYTES (2u << 20) /* with the report; a model file's header holds less */
#define PATH_BYTES  4400

enum status registration_add(struct store *store, const char *version, const struct model *model, enum model_state state,
                             const char *reason, struct error *error)
{
    SCOPED(buffer_clear) struct buffer facts;
    buffer_init(&facts, FACTS_BYTES);
    if (model)
        model_facts_write(model_facts(model), &facts);
    TRY(buffer_finish(&facts, error));
    struct stored_model row = {.version = version, .created_at_ms = clock_now_ms(), .activated_at_ms = INT64_MIN, .state = state};
    row.facts = model ? facts.bytes : "{}";
    row.reason = reason && reason[0] ? reason : NULL;
    return model_registry_insert(store, &row, error);
}

enum model_state registration_state(const struct verdict *verdict)
{
    return verdict->state == VERDICT_REJECTED ? MODEL_REJECTED : MODEL_READY;
}

enum status registration_settle(struct store *store, const char *version, const struct verdict *verdict, struct error *error)
{
    enum model_state state;
    TRY(model_registry_find(store, version, &state, error));
    if (verdict->state != VERDICT_REJECTED || state != MODEL_READY)
        return STATUS_OK;
    return model_registry_mark_rejected(store, version, verdict->reason, error);
}

static enum status open_model(const struct store *store, const char *version, struct model **out_model, struct error *error)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/%s" MODEL_EXTENSION, store_models_directory(store), version);
    return model_open(path, out_model, error);
}

/* Inside a transaction. STATUS_OK also if it is there already. */
static enum status add_judged(struct store *store, const struct model *model, const struct verdict *verdict, struct error *error)
{
    const char *version = model_facts(model)->version;
    enum status status = registration_add(store, version, model, registration_state(verdict), verdict->reason, error);
    return status == STATUS_CONFLICT ? registration_settle(store, version, verdict, error) : status;
}

/* The selected model behind a refit, if its file is there: that it is not is no reason to refuse the refit. */
static enum status add_selected(struct store *store, const char *version, struct error *error)
{
    struct error reason = {0};
    struct verdict verdict;
    SCOPED(model_close) struct model *model = NULL;
    if (!is_model_version(version))
        return STATUS_OK;
    enum status status = open_model(store, version, &model, &reason);
    if (status == STATUS_OK)
        status = verdict_read(store_models_directory(store), version, &verdict, &reason);
    if (status == STATUS_OK)
        return add_judged(store, model, &verdict, error);
    log_line(LOG_WARNING, "models", "the selected model %s is not registered: %s", version, reason.detail);
    return STATUS_OK;
}

static enum status adopt(struct store *store, const struct model *model, const struct verdict *verdict, struct error *error)
{
    const struct model_facts *facts = model_facts(model);
    if (facts->selected_version && facts->selected_version[0])
        TRY(add_selected(store, facts->selected_version, error));
    TRY(add_judged(store, model, verdict, error));
    return verdict->state == VERDICT_LIVE ? model_registry_activate(store, facts->version, clock_now_ms(), error) : STATUS_OK;
}

enum status registration_adopt(struct store *store, const char *version, struct verdict *out_verdict, struct error *error)
{
    struct verdict verdict;
    SCOPED(model_close) struct model *model = NULL;
    TRY(open_model(store, version, &model, error));
    TRY(verdict_read(store_models_directory(store), version, &verdict, error));
    TRY(store_begin(store, error));
    enum status status = adopt(store, model, &verdict, error);
    if (status == STATUS_OK)
        status = store_commit(store, error);
    else
        store_rollback(store);
    if (status == STATUS_OK)
        *out_verdict = verdict;
    return status;
}
