/* The service put together and taken apart: app_open and app_close are its summary. The questions are in recommend.c and profile.c, what
 * writes do in record.c. */
#include "core/base/log.h"
#include "core/base/node.h"
#include "server/app/model_files.h"
#include "server/app/service.h"

#include <sodium.h>
#include <stdlib.h>

#define BEHAVIOUR_SHARDS    64u
#define ENCODER_SHARDS      64u
#define ENCODER_SHARD_BYTES (UINT64_C(1) << 20) /* at least: a small cache has few shards, but room for users in each */
#define WEAK_EVENTS         64u                 /* a user: the last few screens of items that were shown and not taken */
#define CHILD_GRACE_MS      5000
#define PICTURES_WAITING    64u /* to be decoded; their files are in memory already, as bodies of requests */

/* --- memory --- */

static enum status create_encoder_cache(struct app *app, struct error *error)
{
    uint64_t max_bytes = (uint64_t)app->settings->encoder_cache_bytes, n_shards = max_bytes / ENCODER_SHARD_BYTES;
    if (!max_bytes)
        return STATUS_OK;
    n_shards = n_shards < 1 ? 1 : n_shards < ENCODER_SHARDS ? n_shards : ENCODER_SHARDS;
    app->encoder_cache = encoder_cache_create(max_bytes, (uint32_t)n_shards);
    return app->encoder_cache ? STATUS_OK
                              : fail(error, STATUS_NOMEM, "no memory for encoder.cache_bytes = %llu", (unsigned long long)max_bytes);
}

static enum status create_memory(struct app *app, struct error *error)
{
    const struct settings *settings = app->settings;
    struct behaviour_limits limits = {.n_shards = BEHAVIOUR_SHARDS,
                                      .max_events = (uint32_t)settings->behaviour_max_events,
                                      .max_weak = WEAK_EVENTS,
                                      .max_bytes = (uint64_t)settings->behaviour_max_bytes};
    struct behaviour_source source = {.read = learn_user_again, .context = app};
    app->epoch = epoch_create();
    if (!app->epoch)
        return fail(error, STATUS_NOMEM, "no memory for the service");
    live_init(&app->live, app->epoch);
    bool is_good = true;
    for (int kind = 0; kind < NAME_KINDS; kind++)
        is_good &= (app->names[kind] = names_create()) != NULL;
    app->catalogue = catalogue_create(app->epoch);
    app->behaviour = behaviour_create(&limits, &source);
    app->neighbours = neighbours_create(app->epoch, (uint32_t)settings->neighbours_max_row);
    app->popularity = popularity_create(app->epoch);
    is_good &= app->catalogue && app->behaviour && app->neighbours && app->popularity;
    return is_good ? create_encoder_cache(app, error) : fail(error, STATUS_NOMEM, "no memory for the service");
}

static void destroy_memory(struct app *app)
{
    if (!app->epoch)
        return;
    live_clear(&app->live);
    picture_live_destroy(app->pictures);
    popularity_destroy(app->popularity);
    neighbours_destroy(app->neighbours);
    encoder_cache_destroy(app->encoder_cache);
    behaviour_destroy(app->behaviour);
    catalogue_destroy(app->catalogue);
    for (int kind = 0; kind < NAME_KINDS; kind++)
        names_destroy(app->names[kind]);
    epoch_destroy(app->epoch);
}

/* --- open and close --- */

/* New files are a chance, not a condition: a service that can answer starts. */
static void adopt_at_start(struct app *app)
{
    struct error error = {0};
    model_files_clean(store_models_directory(app->store));
    if (adopt_models(app, NULL, &error) != STATUS_OK)
        log_line(LOG_WARNING, "models", "new model files could not be registered: %s", error.detail);
}

static enum status start_threads(struct app *app, const struct job_program *program, struct error *error)
{
    struct filler_ground ground = {.directory = app->settings->data_directory,
                                   .epoch = app->epoch,
                                   .catalogue = app->catalogue,
                                   .pictures = app->pictures,
                                   .live = &app->live};
    TRY(filler_start(&ground, &app->filler, error)); /* the writer asks how far it is */
    TRY(recorder_create(app, &app->recorder, error));
    struct writer_actions actions = {.record = recorder_record, .idle = recorder_rest, .context = app->recorder};
    TRY(writer_start((uint32_t)app->settings->events_queue, &actions, &app->writer, error));
    struct decoder_options decoding = {.program = program->path,
                                       .n_children = (unsigned)app->settings->pictures_decoders,
                                       .max_waiting = PICTURES_WAITING,
                                       .deadline_ms = (unsigned)app->settings->pictures_deadline * 1000};
    TRY(decoder_start(&decoding, &app->decoder, error));
    return watcher_start(app, &app->watcher, error);
}

static enum status open_parts(struct app *app, const struct job_program *program, struct error *error)
{
    const char *directory = app->settings->data_directory;
    node_start();
    if (sodium_init() < 0)
        return fail(error, STATUS_IO, "no source of random numbers");
    TRY(create_memory(app, error));
    TRY(store_open(directory, STORE_WRITE, &app->store, error));
    TRY(readers_open(directory, &app->readers, error));
    TRY(learn_stored(app, error));
    app->jobs = jobs_create(program, app->settings);
    if (!app->jobs)
        return fail(error, STATUS_NOMEM, "no memory for the list of jobs");
    if (picture_live_create(app->epoch, &app->pictures) != STATUS_OK)
        return fail(error, STATUS_NOMEM, "no memory for the pictures");
    adopt_at_start(app);
    TRY(open_live_models(app, error));
    return start_threads(app, program, error);
}

enum status app_open_with(const struct settings *settings, const struct job_program *program, struct app **out_app, struct error *error)
{
    struct app *app = calloc(1, sizeof *app);
    if (!app)
        return fail(error, STATUS_NOMEM, "no memory for the service");
    app->settings = settings;
    (void)pthread_mutex_init(&app->trouble_lock, NULL); /* cannot fail with default attributes */
    enum status status = open_parts(app, program, error);
    if (status != STATUS_OK) {
        app_close(app);
        return status;
    }
    *out_app = app;
    return STATUS_OK;
}

enum status app_open(const struct settings *settings, struct app **out_app, struct error *error)
{
    static const struct job_program program = {.path = "/proc/self/exe", .grace_ms = CHILD_GRACE_MS};
    return app_open_with(settings, &program, out_app, error);
}

void app_close(struct app *app)
{
    if (!app)
        return;
    app_begin_stop(app);
    watcher_stop(app->watcher);
    decoder_stop(app->decoder); /* what it has decoded goes to the writer */
    writer_stop(app->writer);
    recorder_destroy(app->recorder);
    filler_stop(app->filler);
    jobs_destroy(app->jobs);
    readers_close(app->readers);
    store_close(app->store);
    destroy_memory(app);
    (void)pthread_mutex_destroy(&app->trouble_lock);
    free(app);
}

/* --- the calls that only pass on --- */

unsigned app_enter(struct app *app)
{
    return epoch_enter(app->epoch);
}

void app_leave(struct app *app, unsigned slot)
{
    epoch_leave(app->epoch, slot);
}

enum status app_submit(struct app *app, struct write *write, struct error *error)
{
    return write->kind == WRITE_PICTURE ? submit_picture(app, write, error) : writer_submit(app->writer, write, error);
}

const struct item *app_find_item(struct app *app, const char *item_id)
{
    uint32_t number = names_find(app->names[NAME_ITEM], item_id);
    const struct item *item = number == NAMES_NONE ? NULL : catalogue_item(app->catalogue, number);
    return item && !item->row.deleted ? item : NULL;
}

const struct item *app_item(struct app *app, uint32_t number)
{
    return catalogue_item(app->catalogue, number);
}

uint32_t app_count_items(struct app *app)
{
    return catalogue_count(app->catalogue);
}

const char *app_category_name(struct app *app, uint32_t category)
{
    return names_text(catalogue_categories(app->catalogue), category);
}

enum status app_retrain(struct app *app, const struct retrain_query *query, struct job *out_job, struct error *error)
{
    if (atomic_load(&app->is_stopping))
        return fail(error, STATUS_BUSY, "the service is stopping");
    TRY(jobs_add(app->jobs, query, out_job, error));
    watcher_wake(app->watcher);
    return STATUS_OK;
}

enum status app_job(struct app *app, const char *job_id, struct job *out_job)
{
    return jobs_find(app->jobs, job_id, out_job);
}

size_t app_jobs(struct app *app, size_t max, struct job out_jobs[])
{
    return jobs_list(app->jobs, max, out_jobs);
}

enum status app_cancel_job(struct app *app, const char *job_id, struct job *out_job, struct error *error)
{
    TRY(jobs_cancel(app->jobs, job_id, out_job, error));
    watcher_wake(app->watcher);
    return STATUS_OK;
}

enum status app_ready(struct app *app, struct error *error)
{
    if (atomic_load(&app->is_stopping))
        return fail(error, STATUS_BUSY, "the service is stopping");
    (void)pthread_mutex_lock(&app->trouble_lock);
    struct error trouble = app->trouble;
    (void)pthread_mutex_unlock(&app->trouble_lock);
    return trouble.detail[0] ? fail(error, STATUS_BUSY, "the last commit failed: %s", trouble.detail) : STATUS_OK;
}

void app_begin_stop(struct app *app)
{
    atomic_store(&app->is_stopping, true);
}
