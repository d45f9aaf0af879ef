/* What a batch of writes does: in one transaction to the store, and after the commit to memory.
 *
 * Everything that can fail happens before the commit (records of items are built, room is reserved), so that memory cannot stay behind the
 * store. Numbers of new names are given here and stay in memory even if the transaction fails: the next one writes their rows (the store's
 * names are always the first part of memory's). Sequence numbers are given for good only by a commit: there are no gaps. */
#include "core/base/clock.h"
#include "core/base/log.h"
#include "server/app/recorder.h"

#include <stdlib.h>
#include <string.h>

#define ARENA_BLOCK_BYTES 65536u
#define ARENA_MAX_BYTES   (UINT64_C(256) << 20) /* rows of one batch of items */

enum status recorder_create(struct app *app, struct recorder **out_recorder, struct error *error)
{
    struct recorder *recorder = calloc(1, sizeof *recorder);
    if (recorder)
        recorder->arena = arena_create(ARENA_BLOCK_BYTES, ARENA_MAX_BYTES);
    if (!recorder || !recorder->arena) {
        free(recorder);
        return fail(error, STATUS_NOMEM, "no memory for the recorder");
    }
    recorder->app = app;
    recorder->last_seq = recorder->kept_seq = atomic_load(&app->seen_seq);
    for (int kind = 0; kind < NAME_KINDS; kind++)
        recorder->kept_names[kind] = recorder->written_names[kind] = names_count(app->names[kind]);
    *out_recorder = recorder;
    return STATUS_OK;
}

void recorder_destroy(struct recorder *recorder)
{
    if (!recorder)
        return;
    arena_destroy(recorder->arena);
    record_vectors_clear(recorder);
    free(recorder->records);
    free(recorder->events);
    free(recorder);
}

/* After the commit: out of memory too. What the user did stays in counts of items, where nobody is named, until the next start. */
static void forget_user(struct recorder *recorder, const struct write *write)
{
    struct app *app = recorder->app;
    uint64_t n_events = 0, last_seq = 0;
    uint32_t number = names_find(app->names[NAME_USER], write->id);
    behaviour_erase(app->behaviour, number);
    names_forget(app->names[NAME_USER], number);
    if (app->encoder_cache) /* after the name: who keeps a state looks at the name behind it */
        encoder_cache_forget(app->encoder_cache, number);
    if (event_store_count(app->store, &n_events, &last_seq, NULL) == STATUS_OK)
        atomic_store(&app->figures.events, n_events);
}

static enum status write_batch(struct recorder *recorder, struct write *batch, struct error *error)
{
    struct store *store = recorder->app->store;
    TRY(store_begin(store, error));
    enum status status = STATUS_OK;
    for (int kind = 0; kind < NAME_KINDS && status == STATUS_OK; kind++)
        status = record_names(recorder, (enum name_kind)kind, error); /* what a failed batch has left */
    for (struct write *write = batch; write && status == STATUS_OK; write = write->next)
        if (write->status == STATUS_OK)
            status = record_rows(recorder, write, error);
    if (status == STATUS_OK)
        status = record_places(recorder, error);
    if (status == STATUS_OK)
        return store_commit(store, error);
    store_rollback(store);
    return status;
}

static void apply_batch(struct recorder *recorder, const struct write *batch)
{
    struct app *app = recorder->app;
    for (size_t i = 0; i < recorder->n_records; i++)
        catalogue_publish(app->catalogue, recorder->records[i]);
    recorder->n_records = 0;
    record_vectors_publish(recorder);
    for (size_t i = 0; i < recorder->n_events; i++)
        learn_event(app, &recorder->events[i]);
    memcpy(recorder->kept_names, recorder->written_names, sizeof recorder->kept_names);
    recorder->kept_seq = recorder->last_seq;
    atomic_fetch_add(&app->figures.events, recorder->n_events);
    atomic_store(&app->seen_seq, recorder->kept_seq);
    for (const struct write *write = batch; write; write = write->next) {
        atomic_fetch_add(&app->figures.events_accepted, write->kind == WRITE_EVENTS ? write->n_accepted : 0);
        atomic_fetch_add(&app->figures.events_duplicate, write->n_duplicates);
        if (write->kind == WRITE_USER_ERASE && write->status == STATUS_OK)
            forget_user(recorder, write);
    }
}

static void drop_batch(struct recorder *recorder, struct write *batch, enum status status, const struct error *error)
{
    for (size_t i = 0; i < recorder->n_records; i++)
        memory_free(recorder->records[i]);
    recorder->n_records = 0;
    record_vectors_discard(recorder);
    memcpy(recorder->written_names, recorder->kept_names, sizeof recorder->written_names);
    recorder->last_seq = recorder->kept_seq;
    for (struct write *write = batch; write; write = write->next) {
        if (write->status != STATUS_OK)
            continue; /* refused for its own reasons */
        write->status = status;
        write->error = *error;
        write->n_accepted = write->n_duplicates = 0;
        write->created = false;
        write->seq = recorder->kept_seq;
        atomic_fetch_add(&recorder->app->figures.writes_failed, 1);
    }
}

/* What app_ready and the figures say of the last transaction. */
static void note_outcome(struct app *app, enum status status, const struct error *error, uint64_t started_ns)
{
    bool has_failed = status != STATUS_OK;
    bool had_failed = atomic_exchange(&app->figures.last_commit_failed, has_failed);
    atomic_fetch_add(has_failed ? &app->figures.commits_failed : &app->figures.commits, 1);
    if (has_failed && !had_failed)
        log_line(LOG_ERROR, "store", "writes fail: %s", error->detail);
    else if (had_failed && !has_failed)
        log_line(LOG_INFO, "store", "writes succeed again");
    if (!has_failed)
        atomic_fetch_add(&app->figures.commit_ns, clock_monotonic_ns() - started_ns);
    (void)pthread_mutex_lock(&app->trouble_lock);
    app->trouble = has_failed ? *error : (struct error){0};
    (void)pthread_mutex_unlock(&app->trouble_lock);
}

static void record_batch(struct recorder *recorder, struct write *batch)
{
    struct error error = {0};
    uint64_t started_ns = clock_monotonic_ns();
    size_t n_good = 0;
    for (struct write *write = batch; write; write = write->next) {
        write->n_accepted = write->n_duplicates = 0;
        write->created = false;
        write->status = record_check(recorder, write, &write->error);
        write->seq = recorder->kept_seq;
        n_good += write->status == STATUS_OK;
        if (write->status != STATUS_OK)
            atomic_fetch_add(&recorder->app->figures.writes_refused, 1);
    }
    if (!n_good)
        return;
    recorder->n_events = 0;
    enum status status = write_batch(recorder, batch, &error);
    if (status == STATUS_OK)
        apply_batch(recorder, batch);
    else
        drop_batch(recorder, batch, status, &error);
    note_outcome(recorder->app, status, &error, started_ns);
    arena_reset(recorder->arena);
}

void recorder_record(void *context, struct write *batch)
{
    struct recorder *recorder = context;
    if (batch->kind == WRITE_MODEL_ADOPT)
        batch->status = adopt_models(recorder->app, batch->id, &batch->error);
    else if (batch->kind == WRITE_MODEL_ACTIVATE)
        batch->status = activate_model(recorder->app, batch->id, &batch->error);
    else
        record_batch(recorder, batch);
}

void recorder_rest(void *context)
{
    struct recorder *recorder = context;
    store_checkpoint(recorder->app->store);
}
