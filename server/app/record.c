/* What a batch of writes does: in one transaction to the store, and after the commit to memory.
 *
 * Everything that can fail happens before the commit (records of items are built, room is reserved), so that memory cannot stay behind the store. A write that
 * is refused for what it asks is refused before its first row; after that only the store can fail, and that fails the whole batch.
 * Numbers of new names are given here and stay in memory even if the transaction fails: the next one writes their rows (the store's names are always the first part of
 * memory's). Sequence numbers are given for good only by a commit: there are no gaps. */
#include "core/base/clock.h"
#include "core/base/log.h"
#include "server/app/service.h"
#include "storage/user_store.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_BLOCK_BYTES 65536u
#define ARENA_MAX_BYTES   (UINT64_C(256) << 20) /* rows of one batch of items */

struct recorder {
    struct app *app;
    struct arena *arena; /* of a batch */
    uint32_t kept_names[NAME_KINDS];    /* rows in the store */
    uint32_t written_names[NAME_KINDS]; /* and with those of this transaction */
    uint64_t last_seq, kept_seq;
    struct item **records; /* [n_records] to be published */
    size_t n_records, records_capacity;
    struct learned_event *events; /* [n_events] accepted */
    size_t n_events, events_capacity;
};

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
    free(recorder->records);
    free(recorder->events);
    free(recorder);
}

/* --- names --- */

static enum status keep_record(struct recorder *recorder, struct item *record)
{
    if (recorder->n_records == recorder->records_capacity) {
        size_t capacity = recorder->records_capacity ? recorder->records_capacity * 2 : 64;
        struct item **records = realloc(recorder->records, capacity * sizeof(struct item *));
        if (!records) {
            memory_free(record);
            return STATUS_NOMEM;
        }
        recorder->records = records;
        recorder->records_capacity = capacity;
    }
    recorder->records[recorder->n_records++] = record;
    return STATUS_OK;
}

static enum status prepare_record(struct recorder *recorder, uint32_t item, const struct stored_item *row, struct error *error)
{
    struct item *record = NULL;
    const char *item_id = names_text(recorder->app->names[NAME_ITEM], item);
    enum status status = catalogue_prepare(recorder->app->catalogue, item, item_id, row, &record);
    if (status == STATUS_OK)
        status = keep_record(recorder, record);
    return status == STATUS_OK ? STATUS_OK : fail(error, status, "no memory for an item");
}

/* What memory needs of a new name before the commit. */
static enum status make_room(struct recorder *recorder, enum name_kind kind, uint32_t number, struct error *error)
{
    switch (kind) {
    case NAME_ITEM: return prepare_record(recorder, number, NULL, error);
    case NAME_USER:
        return behaviour_reserve(recorder->app->behaviour, number) == STATUS_OK ? STATUS_OK : fail(error, STATUS_NOMEM, "no memory for a user");
    case NAME_TYPE: learn_type(recorder->app, number); return STATUS_OK;
    case NAME_KINDS: break;
    }
    return STATUS_OK;
}

/* Write the rows of the names that the store does not have yet. */
static enum status write_names(struct recorder *recorder, enum name_kind kind, struct error *error)
{
    const struct names *names = recorder->app->names[kind];
    uint32_t n = names_count(names);
    for (uint32_t number = recorder->written_names[kind]; number < n; number++) {
        TRY(make_room(recorder, kind, number, error));
        TRY(name_store_insert(recorder->app->store, kind, number, names_text(names, number), error));
        recorder->written_names[kind] = number + 1;
    }
    return STATUS_OK;
}

static enum status number_of(struct recorder *recorder, enum name_kind kind, const char *text, uint32_t *out_number, struct error *error)
{
    uint32_t number = 0;
    if (names_add(recorder->app->names[kind], text, &number) != STATUS_OK)
        return fail(error, STATUS_NOMEM, "no memory for a new name");
    if (number >= recorder->written_names[kind])
        TRY(write_names(recorder, kind, error));
    *out_number = number;
    return STATUS_OK;
}

/* --- events --- */

static enum status reserve_events(struct recorder *recorder, size_t n, struct error *error)
{
    if (recorder->n_events + n <= recorder->events_capacity)
        return STATUS_OK;
    size_t capacity = recorder->n_events + n + WRITER_BATCH_ROWS;
    struct learned_event *events = realloc(recorder->events, capacity * sizeof *events);
    if (!events)
        return fail(error, STATUS_NOMEM, "no memory for a batch of events");
    recorder->events = events;
    recorder->events_capacity = capacity;
    return STATUS_OK;
}

/* An event type too many refuses the write that brings it; types before it stay known. */
static enum status check_types(struct recorder *recorder, const struct write *write, struct error *error)
{
    struct names *types = recorder->app->names[NAME_TYPE];
    for (size_t i = 0; i < write->n; i++) {
        char pointer[48];
        uint32_t number = names_find(types, write->events[i].type);
        if (number != NAMES_NONE)
            continue;
        (void)snprintf(pointer, sizeof pointer, write->n == 1 ? "/type" : "/events/%zu/type", i);
        if (names_count(types) >= EVENT_TYPES_MAX)
            return fail_at(error, STATUS_INVALID, pointer, "a new event type: %d are known already, more cannot be", EVENT_TYPES_MAX);
        if (names_add(types, write->events[i].type, &number) != STATUS_OK)
            return fail(error, STATUS_NOMEM, "no memory for a new event type");
        learn_type(recorder->app, number);
    }
    return STATUS_OK;
}

static enum status write_event(struct recorder *recorder, const struct event_input *input, bool *out_inserted, struct error *error)
{
    struct stored_event row = {.seq = recorder->last_seq + 1, .event_id = input->event_id, .at_ms = input->at_ms, .value = input->value};
    TRY(number_of(recorder, NAME_USER, input->user_id, &row.user, error));
    TRY(number_of(recorder, NAME_ITEM, input->item_id, &row.item, error));
    TRY(number_of(recorder, NAME_TYPE, input->type, &row.type, error));
    row.quantity = input->quantity;
    row.position = input->position;
    row.session_id = input->session_id;
    row.recommendation_id = input->recommendation_id;
    row.slot = input->slot;
    row.context = input->context;
    TRY(event_store_insert(recorder->app->store, &row, out_inserted, error));
    if (*out_inserted) {
        recorder->last_seq = row.seq;
        recorder->events[recorder->n_events++] =
            (struct learned_event){.seq = row.seq, .at_ms = row.at_ms, .user = row.user, .item = row.item, .type = row.type};
    }
    return STATUS_OK;
}

static enum status write_events(struct recorder *recorder, struct write *write, struct error *error)
{
    TRY(reserve_events(recorder, write->n, error));
    for (size_t i = 0; i < write->n; i++) {
        bool is_inserted = false;
        TRY(write_event(recorder, &write->events[i], &is_inserted, error));
        write->n_accepted += is_inserted;
        write->n_duplicates += !is_inserted;
    }
    write->seq = recorder->last_seq;
    return STATUS_OK;
}

/* --- items and users --- */

static bool is_shown(const struct item *item)
{
    return item && !item->row.deleted;
}

/* The item as it will be after what this batch has written so far. */
static const struct item *find_latest(const struct recorder *recorder, uint32_t number)
{
    for (size_t i = recorder->n_records; i-- > 0;)
        if (recorder->records[i]->number == number)
            return recorder->records[i];
    return catalogue_item(recorder->app->catalogue, number);
}

static enum status write_items(struct recorder *recorder, struct write *write, struct error *error)
{
    for (size_t i = 0; i < write->n; i++) {
        uint32_t number = 0;
        struct stored_item row;
        TRY(number_of(recorder, NAME_ITEM, write->items[i].item_id, &number, error));
        if (item_input_store(&write->items[i], number, recorder->arena, &row) != STATUS_OK)
            return fail(error, STATUS_NOMEM, "no memory for a batch of items");
        TRY(item_store_put(recorder->app->store, &row, error));
        if (write->n == 1) {
            const struct item *old = find_latest(recorder, number);
            write->created = !is_shown(old) || !old->known;
        }
        TRY(prepare_record(recorder, number, &row, error));
    }
    write->n_accepted = write->n;
    return STATUS_OK;
}

static enum status check_item(struct recorder *recorder, const struct write *write, struct error *error)
{
    uint32_t number = names_find(recorder->app->names[NAME_ITEM], write->id);
    if (number == NAMES_NONE || !is_shown(catalogue_item(recorder->app->catalogue, number)))
        return fail(error, STATUS_NOT_FOUND, "there is no item %.128s", write->id);
    return STATUS_OK;
}

static enum status delete_item(struct recorder *recorder, struct write *write, struct error *error)
{
    struct stored_item row = {.deleted = true, .price = (double)NAN, .created_at_ms = INT64_MIN, .expires_at_ms = INT64_MIN};
    TRY(number_of(recorder, NAME_ITEM, write->id, &row.item, error));
    TRY(item_store_put(recorder->app->store, &row, error));
    return prepare_record(recorder, row.item, &row, error);
}

static enum status read_created_at(void *context, const struct stored_user *row)
{
    *(int64_t *)context = row->created_at_ms;
    return STATUS_OK;
}

static enum status write_user(struct recorder *recorder, struct write *write, struct error *error)
{
    struct stored_user row = {.attributes = write->attributes, .updated_at_ms = clock_now_ms()};
    row.created_at_ms = row.updated_at_ms;
    TRY(number_of(recorder, NAME_USER, write->id, &row.user, error));
    enum status status = user_store_get(recorder->app->store, row.user, read_created_at, &row.created_at_ms, error);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    write->created = status == STATUS_NOT_FOUND;
    return user_store_put(recorder->app->store, &row, error);
}

static enum status check_user(struct recorder *recorder, const struct write *write, struct error *error)
{
    if (names_find(recorder->app->names[NAME_USER], write->id) == NAMES_NONE)
        return fail(error, STATUS_NOT_FOUND, "there is no user %.128s", write->id);
    return STATUS_OK;
}

static enum status erase_user(struct recorder *recorder, struct write *write, struct error *error)
{
    uint32_t number = 0;
    TRY(number_of(recorder, NAME_USER, write->id, &number, error));
    TRY(event_store_erase_user(recorder->app->store, number, error));
    return user_store_erase(recorder->app->store, number, error);
}

/* After the commit: out of memory too. What the user did stays in counts of items, where nobody is named, until the next start. */
static void forget_user(struct recorder *recorder, const struct write *write)
{
    struct app *app = recorder->app;
    uint64_t n_events = 0, last_seq = 0;
    uint32_t number = names_find(app->names[NAME_USER], write->id);
    behaviour_erase(app->behaviour, number);
    names_forget(app->names[NAME_USER], number);
    if (event_store_count(app->store, &n_events, &last_seq, NULL) == STATUS_OK)
        atomic_store(&app->figures.events, n_events);
}

/* --- a batch --- */

/* May the write be tried at all? Nothing is written yet. */
static enum status check_write(struct recorder *recorder, const struct write *write, struct error *error)
{
    switch (write->kind) {
    case WRITE_EVENTS: return check_types(recorder, write, error);
    case WRITE_ITEM_DELETE: return check_item(recorder, write, error);
    case WRITE_USER_ERASE: return check_user(recorder, write, error);
    case WRITE_ITEMS:
    case WRITE_USER:
    case WRITE_MODEL_ACTIVATE:
    case WRITE_MODEL_ADOPT: break;
    }
    return STATUS_OK;
}

static enum status write_rows(struct recorder *recorder, struct write *write, struct error *error)
{
    switch (write->kind) {
    case WRITE_EVENTS: return write_events(recorder, write, error);
    case WRITE_ITEMS: return write_items(recorder, write, error);
    case WRITE_ITEM_DELETE: return delete_item(recorder, write, error);
    case WRITE_USER: return write_user(recorder, write, error);
    case WRITE_USER_ERASE: return erase_user(recorder, write, error);
    case WRITE_MODEL_ACTIVATE:
    case WRITE_MODEL_ADOPT: break; /* they have transactions of their own */
    }
    return STATUS_OK;
}

static enum status write_batch(struct recorder *recorder, struct write *batch, struct error *error)
{
    struct store *store = recorder->app->store;
    TRY(store_begin(store, error));
    enum status status = STATUS_OK;
    for (int kind = 0; kind < NAME_KINDS && status == STATUS_OK; kind++)
        status = write_names(recorder, (enum name_kind)kind, error); /* what a failed batch has left */
    for (struct write *write = batch; write && status == STATUS_OK; write = write->next)
        if (write->status == STATUS_OK)
            status = write_rows(recorder, write, error);
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

static void record_rows(struct recorder *recorder, struct write *batch)
{
    struct error error = {0};
    uint64_t started_ns = clock_monotonic_ns();
    size_t n_good = 0;
    for (struct write *write = batch; write; write = write->next) {
        write->n_accepted = write->n_duplicates = 0;
        write->created = false;
        write->status = check_write(recorder, write, &write->error);
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
        batch->status = adopt_models(recorder->app, &batch->error);
    else if (batch->kind == WRITE_MODEL_ACTIVATE)
        batch->status = activate_model(recorder->app, batch->id, &batch->error);
    else
        record_rows(recorder, batch);
}

void recorder_rest(void *context)
{
    struct recorder *recorder = context;
    store_checkpoint(recorder->app->store);
}
