/* From a file in DIR/models to the model that answers: open, check that it is ours, register, activate, swap.
 *
 * A model may only speak of items that this store numbers as it does: its vocabulary must be the first part of the store's item names. What
 * was refused once stays registered as damaged, with the reason, and is not tried again unless somebody activates it. */
#include "core/base/clock.h"
#include "core/base/log.h"
#include "server/app/registration.h"
#include "server/app/service.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define EXTENSION     ".safetensors"
#define FILES_MAX     256u /* looked at in one go; more are found the next time */
#define PATH_BYTES    4352
#define VERSION_CHARS (MODEL_VERSION_BYTES - 1)

/* --- a file --- */

static void write_path(const struct app *app, const char *version, char out_path[PATH_BYTES])
{
    (void)snprintf(out_path, PATH_BYTES, "%s/%s" EXTENSION, store_models_directory(app->store), version);
}

static enum status check_vocabulary(const struct app *app, const struct model *model, struct error *error)
{
    uint32_t n_items = model_facts(model)->shape.n_items, n_names = names_count(app->names[NAME_ITEM]);
    if (n_items > n_names)
        return fail(error, STATUS_CORRUPT, "foreign: the model knows %u items, this store %u", n_items, n_names);
    for (uint32_t item = 0; item < n_items; item++) {
        const char *name = names_text(app->names[NAME_ITEM], item);
        if (!name || strcmp(name, model_item_id(model, item)) != 0)
            return fail(error, STATUS_CORRUPT, "foreign: the model's item %u is \"%.60s\", this store's is \"%.60s\"", item,
                        model_item_id(model, item), name ? name : "");
    }
    return STATUS_OK;
}

static enum status open_file(const struct app *app, const char *version, struct model **out_model, struct error *error)
{
    char path[PATH_BYTES];
    SCOPED(model_close) struct model *model = NULL;
    write_path(app, version, path);
    TRY(model_open(path, &model, error));
    if (strcmp(model_facts(model)->version, version) != 0)
        return fail(error, STATUS_CORRUPT, "the file's name says %s, its content %s", version, model_facts(model)->version);
    TRY(check_vocabulary(app, model, error));
    *out_model = model;
    model = NULL;
    return STATUS_OK;
}

/* Is it the file's fault? (Else it is the machine's: try again another time.) */
static bool is_damage(enum status status)
{
    return status == STATUS_CORRUPT || status == STATUS_NOT_FOUND || status == STATUS_INVALID || status == STATUS_LIMIT;
}

/* --- the registry, inside a transaction --- */

struct lookup {
    const char *version;
    bool is_there;
};

static enum status compare_version(void *context, const struct stored_model *row)
{
    struct lookup *lookup = context;
    lookup->is_there |= strcmp(row->version, lookup->version) == 0;
    return STATUS_OK;
}

static enum status is_registered(const struct app *app, const char *version, bool *out_is, struct error *error)
{
    struct lookup lookup = {.version = version};
    TRY(model_registry_scan(app->store, compare_version, &lookup, error));
    *out_is = lookup.is_there;
    return STATUS_OK;
}

static void note_damage(struct app *app, const char *version, const char *reason)
{
    atomic_fetch_add(&app->figures.models_damaged, 1);
    log_line(LOG_WARNING, "models", "%s refused: %s", version, reason);
}

/* Takes model. After the commit. */
static void make_live(struct app *app, struct model *model)
{
    log_line(LOG_INFO, "models", "%s is live", model_facts(model)->version);
    live_swap(&app->live, model);
    atomic_fetch_add(&app->figures.model_swaps, 1);
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

struct model_file {
    char version[MODEL_VERSION_BYTES];
    struct timespec changed_at;
};

static int compare_age(const void *left, const void *right)
{
    const struct model_file *a = left, *b = right;
    if (a->changed_at.tv_sec != b->changed_at.tv_sec)
        return a->changed_at.tv_sec < b->changed_at.tv_sec ? -1 : 1;
    if (a->changed_at.tv_nsec != b->changed_at.tv_nsec)
        return a->changed_at.tv_nsec < b->changed_at.tv_nsec ? -1 : 1;
    return strcmp(a->version, b->version);
}

/* "m" and 16 hex digits before the extension. */
static bool is_model_file(const char *name)
{
    if (strlen(name) != VERSION_CHARS + strlen(EXTENSION) || name[0] != 'm' || strcmp(name + VERSION_CHARS, EXTENSION) != 0)
        return false;
    for (size_t i = 1; i < VERSION_CHARS; i++)
        if (!isxdigit((unsigned char)name[i]) || isupper((unsigned char)name[i]))
            return false;
    return true;
}

/* The files that the registry does not know, oldest first. */
static enum status find_new_files(const struct app *app, struct model_file files[], size_t *out_n, struct error *error)
{
    const char *directory = store_models_directory(app->store);
    DIR *entries = opendir(directory);
    if (!entries)
        return fail(error, STATUS_IO, "%.160s cannot be read: %s", directory, strerror(errno));
    size_t n = 0;
    enum status status = STATUS_OK;
    struct dirent *entry;
    while (status == STATUS_OK && n < FILES_MAX && (entry = readdir(entries))) {
        struct stat facts;
        bool is_known = true;
        if (!is_model_file(entry->d_name) || fstatat(dirfd(entries), entry->d_name, &facts, 0))
            continue;
        files[n] = (struct model_file){.changed_at = facts.st_mtim};
        memcpy(files[n].version, entry->d_name, VERSION_CHARS);
        status = is_registered(app, files[n].version, &is_known, error);
        n += status == STATUS_OK && !is_known;
    }
    (void)closedir(entries);
    if (status != STATUS_OK)
        return status;
    qsort(files, n, sizeof files[0], compare_age);
    *out_n = n;
    return STATUS_OK;
}

/* Register the files; gives the newest good one. Inside a transaction. */
static enum status register_files(struct app *app, const struct model_file files[], size_t n, struct model **out_newest,
                                  struct error *error)
{
    SCOPED(model_close) struct model *newest = NULL;
    for (size_t i = 0; i < n; i++) {
        struct error reason = {0};
        struct model *model = NULL;
        enum status status = open_file(app, files[i].version, &model, &reason);
        if (status != STATUS_OK && !is_damage(status)) {
            log_line(LOG_WARNING, "models", "%s cannot be read now: %s", files[i].version, reason.detail);
            continue;
        }
        status = registration_add(app->store, files[i].version, model, model ? NULL : reason.detail, error);
        if (status != STATUS_OK) {
            model_close(model);
            return status;
        }
        if (model) {
            model_close(newest);
            newest = model;
            atomic_fetch_add(&app->figures.models_adopted, 1);
        } else {
            note_damage(app, files[i].version, reason.detail);
        }
    }
    if (newest)
        TRY(model_registry_activate(app->store, model_facts(newest)->version, clock_now_ms(), error));
    *out_newest = newest;
    newest = NULL;
    return STATUS_OK;
}

enum status adopt_models(struct app *app, struct error *error)
{
    size_t n = 0;
    SCOPED(memory_free) struct model_file *files = calloc(FILES_MAX, sizeof *files);
    SCOPED(model_close) struct model *newest = NULL;
    if (!files)
        return fail(error, STATUS_NOMEM, "no memory to look at the model files");
    TRY(find_new_files(app, files, &n, error));
    if (!n)
        return STATUS_OK;
    TRY(store_begin(app->store, error));
    enum status status = register_files(app, files, n, &newest, error);
    if (status != STATUS_OK) {
        store_rollback(app->store);
        return status;
    }
    TRY(store_commit(app->store, error));
    if (newest)
        make_live(app, newest);
    newest = NULL;
    return STATUS_OK;
}

/* --- the live model --- */

enum status activate_model(struct app *app, const char *version, struct error *error)
{
    struct error reason = {0};
    SCOPED(model_close) struct model *model = NULL;
    bool is_known = false;
    const struct model *live = live_get(&app->live); /* good without the epoch: only this thread swaps */
    TRY(is_registered(app, version, &is_known, error));
    if (!is_known)
        return fail(error, STATUS_NOT_FOUND, "there is no model %.64s", version);
    if (live && strcmp(model_facts(live)->version, version) == 0)
        return STATUS_OK;
    enum status status = open_file(app, version, &model, &reason);
    if (is_damage(status)) {
        TRY(mark_in_transaction(app, version, reason.detail, error));
        return fail(error, STATUS_CORRUPT, "%s", reason.detail);
    }
    if (status != STATUS_OK)
        return fail(error, status, "%s", reason.detail);
    TRY(activate_in_transaction(app, version, error));
    make_live(app, model);
    model = NULL;
    return STATUS_OK;
}

struct candidates {
    char versions[FILES_MAX][MODEL_VERSION_BYTES]; /* the live one first, then those that are ready, newest first */
    size_t n;
    bool has_live;
};

static enum status collect_candidate(void *context, const struct stored_model *row)
{
    struct candidates *candidates = context;
    if (row->state == MODEL_DAMAGED || row->state == MODEL_REJECTED || strlen(row->version) != VERSION_CHARS)
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

enum status open_live_model(struct app *app, struct error *error)
{
    SCOPED(memory_free) struct candidates *candidates = calloc(1, sizeof *candidates);
    if (!candidates)
        return fail(error, STATUS_NOMEM, "no memory to look at the models");
    TRY(model_registry_scan(app->store, collect_candidate, candidates, error));
    for (size_t i = 0; i < candidates->n; i++) {
        struct error reason = {0}, unwritten = {0};
        const char *version = candidates->versions[i];
        SCOPED(model_close) struct model *model = NULL;
        enum status status = open_file(app, version, &model, &reason);
        if (status == STATUS_NOMEM)
            return fail(error, status, "%s", reason.detail);
        if (status == STATUS_OK) {
            if (i > 0 || !candidates->has_live)
                warn(activate_in_transaction(app, version, &reason), version, &reason);
            make_live(app, model);
            model = NULL;
            return STATUS_OK;
        }
        if (is_damage(status))
            warn(mark_in_transaction(app, version, reason.detail, &unwritten), version, &unwritten);
        else
            warn(status, version, &reason);
    }
    log_line(LOG_INFO, "models", "no model yet: neighbours and popularity answer");
    return STATUS_OK;
}
