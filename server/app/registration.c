/* The facts go in as the JSON that GET /v1/models/{version} shows.
 *
 * Of pictures every file is registered, not only the one that was made just now: in a directory of before they were, the others would be
 * new to the next server, which would make the newest of them live. */
#include "server/app/registration.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/picture_model.h"
#include "server/app/model_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_BYTES 4400
#define FILES_MAX  256u /* that are registered in one go; a server finds the others */

/* --- rows --- */

enum status registration_add(struct store *store, const char *version, const char *facts, enum model_state state, const char *reason,
                             struct error *error)
{
    const struct stored_model row = {.version = version,
                                     .kind = model_version_kind(version),
                                     .state = state,
                                     .created_at_ms = clock_now_ms(),
                                     .activated_at_ms = INT64_MIN,
                                     .facts = facts ? facts : "{}",
                                     .reason = reason && reason[0] ? reason : NULL};
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

static enum status copy_version(void *context, const struct stored_model *model)
{
    (void)snprintf(context, MODEL_VERSION_BYTES, "%s", model->version);
    return STATUS_OK;
}

enum status registration_find_live(struct store *store, enum model_kind kind, char out_version[MODEL_VERSION_BYTES], struct error *error)
{
    struct error reason = {0};
    enum status status = model_registry_read_live(store, kind, copy_version, out_version, &reason);
    if (status == STATUS_NOT_FOUND)
        out_version[0] = '\0';
    return status == STATUS_OK || status == STATUS_NOT_FOUND ? STATUS_OK : fail(error, status, "%s", reason.detail);
}

/* --- files --- */

/* What a row says of a file. */
struct record {
    char version[MODEL_VERSION_BYTES];
    char selected[MODEL_VERSION_BYTES]; /* "": none */
    struct buffer facts;
    struct verdict verdict;
};

static void record_init(struct record *record, const char *version)
{
    *record = (struct record){.version = ""};
    (void)snprintf(record->version, sizeof record->version, "%s", version);
    buffer_init(&record->facts, FACTS_BYTES);
}

static void record_clear_scoped(struct record *record)
{
    buffer_clear(&record->facts);
}

static enum status read_behaviour(const char *path, struct record *record, struct error *error)
{
    SCOPED(model_close) struct model *model = NULL;
    TRY(model_open(path, &model, error));
    const struct model_facts *facts = model_facts(model);
    if (facts->selected_version && is_model_version(facts->selected_version))
        memcpy(record->selected, facts->selected_version, sizeof record->selected);
    model_facts_write(facts, &record->facts);
    return buffer_finish(&record->facts, error);
}

static enum status read_pictures(const char *path, struct record *record, struct error *error)
{
    SCOPED(picture_model_close) struct picture_model *model = NULL;
    TRY(picture_model_open(path, &model, error));
    const char *version = picture_model_facts(model)->version;
    if (strcmp(version, record->version) != 0)
        return fail(error, STATUS_CORRUPT, "the file's name says %s, its content %s", record->version, version);
    picture_model_facts_write(model, &record->facts);
    return buffer_finish(&record->facts, error);
}

static enum status read_record(const struct store *store, struct record *record, struct error *error)
{
    char path[PATH_BYTES];
    const char *models = store_models_directory(store);
    (void)snprintf(path, sizeof path, "%s/%s" MODEL_EXTENSION, models, record->version);
    TRY(model_version_kind(record->version) == MODEL_PICTURES ? read_pictures(path, record, error) : read_behaviour(path, record, error));
    return verdict_read(models, record->version, &record->verdict, error);
}

/* Inside a transaction. STATUS_OK also if it is there already. */
static enum status add_record(struct store *store, const struct record *record, struct error *error)
{
    const struct verdict *verdict = &record->verdict;
    enum status status = registration_add(store, record->version, record->facts.bytes, registration_state(verdict), verdict->reason, error);
    return status == STATUS_CONFLICT ? registration_settle(store, record->version, verdict, error) : status;
}

/* --- those that come with it --- */

/* The selected model behind a refit, if its file is there: that it is not is no reason to refuse the refit. */
static enum status add_selected(struct store *store, const char *version, struct error *error)
{
    struct error reason = {0};
    SCOPED(record_clear) struct record record;
    record_init(&record, version);
    if (read_record(store, &record, &reason) == STATUS_OK)
        return add_record(store, &record, error);
    log_line(LOG_WARNING, "models", "the selected model %s is not registered: %s", version, reason.detail);
    return STATUS_OK;
}

struct picture_files {
    size_t n;
    struct model_file files[FILES_MAX];
};

static enum status note_pictures(void *context, const struct model_file *file)
{
    struct picture_files *found = context;
    if (file->kind == MODEL_PICTURES && found->n < FILES_MAX)
        found->files[found->n++] = *file;
    return STATUS_OK;
}

static enum status add_picture_file(struct store *store, const char *version, struct error *error)
{
    enum model_state state;
    struct error reason = {0};
    enum status status = model_registry_find(store, version, &state, &reason);
    if (status != STATUS_NOT_FOUND)
        return status == STATUS_OK ? STATUS_OK : fail(error, status, "%s", reason.detail);
    SCOPED(record_clear) struct record record;
    record_init(&record, version);
    status = read_record(store, &record, &reason);
    if (status == STATUS_OK)
        return add_record(store, &record, error);
    return status == STATUS_CORRUPT ? registration_add(store, version, NULL, MODEL_DAMAGED, reason.detail, error) : STATUS_OK;
}

static enum status add_picture_files(struct store *store, struct error *error)
{
    SCOPED(memory_free) struct picture_files *found = calloc(1, sizeof *found);
    if (!found)
        return fail(error, STATUS_NOMEM, "no memory to look at the model files");
    TRY(model_files_each(store_models_directory(store), note_pictures, found, error));
    qsort(found->files, found->n, sizeof found->files[0], model_file_compare);
    for (size_t i = 0; i < found->n; i++)
        TRY(add_picture_file(store, found->files[i].version, error));
    return STATUS_OK;
}

/* --- adoption --- */

static enum status adopt(struct store *store, const struct record *record, struct error *error)
{
    if (record->selected[0])
        TRY(add_selected(store, record->selected, error));
    if (model_version_kind(record->version) == MODEL_PICTURES)
        TRY(add_picture_files(store, error));
    TRY(add_record(store, record, error));
    return record->verdict.state == VERDICT_LIVE ? model_registry_activate(store, record->version, clock_now_ms(), error) : STATUS_OK;
}

static enum status adopt_in_transaction(struct store *store, const char *version, struct verdict *out_verdict, struct error *error)
{
    SCOPED(record_clear) struct record record;
    record_init(&record, version);
    TRY(read_record(store, &record, error));
    TRY(store_begin(store, error));
    enum status status = adopt(store, &record, error);
    if (status == STATUS_OK)
        status = store_commit(store, error);
    else
        store_rollback(store);
    if (status == STATUS_OK)
        *out_verdict = record.verdict;
    return status;
}

/* A server registers a file and makes it live in one transaction: one that is there and not live has been there before. */
static enum status ask_server(const char *directory, const char *version, struct verdict *out_verdict, enum adoption *out_adoption,
                              struct error *error)
{
    SCOPED(store_close) struct store *store = NULL;
    enum model_state state = MODEL_LIVE;
    struct verdict verdict;
    struct error reason = {0};
    TRY(store_open(directory, STORE_READ, &store, error));
    TRY(verdict_read(store_models_directory(store), version, &verdict, error));
    enum status status = model_registry_find(store, version, &state, &reason);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return fail(error, status, "%s", reason.detail);
    *out_verdict = verdict;
    *out_adoption = verdict.state == VERDICT_LIVE && state != MODEL_LIVE ? LEFT_TO_OPERATORS : LEFT_TO_SERVER;
    return STATUS_OK;
}

enum status registration_adopt(const char *directory, const char *version, struct verdict *out_verdict, enum adoption *out_adoption,
                               struct error *error)
{
    SCOPED(store_close) struct store *store = NULL;
    enum status status = store_open(directory, STORE_WRITE, &store, error);
    if (status == STATUS_BUSY)
        return ask_server(directory, version, out_verdict, out_adoption, error);
    TRY(status);
    TRY(adopt_in_transaction(store, version, out_verdict, error));
    *out_adoption = ADOPTED;
    return STATUS_OK;
}
