/* The storing side of an import. One transaction holds many batches (COMMIT_RECORDS, COMMIT_BYTES), or all of a file if it may be refused
 * as a whole.
 *
 * Numbers of names are given in memory first; a name's row is written when the number is new, before the row that uses it. After a rollback
 * memory is ahead of the store, which is why nothing but closing follows a failure. */
#include "core/base/clock.h"
#include "core/dataset.h"
#include "server/app/import_reader.h"
#include "server/app/importer_state.h"
#include "storage/event_store.h"
#include "storage/user_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define BATCHES        4u
#define COMMIT_RECORDS 65536u
#define COMMIT_BYTES   (64u << 20) /* of pictures: what the log grows by until it is folded back */
#define BYTES_AN_EVENT 40u         /* of a file, packed or not: errs towards building indexes at the end */

/* --- open and close --- */

static enum status load_name(struct names *names, uint32_t number, const char *text)
{
    uint32_t given = number;
    TRY(text ? names_add(names, text, &given) : names_add_hole(names));
    return given == number ? STATUS_OK : STATUS_CORRUPT;
}

static enum status visit_name(void *context, uint32_t number, const char *text)
{
    return load_name(context, number, text);
}

static enum status load_names(struct importer *importer, struct error *error)
{
    for (int kind = 0; kind < NAME_KINDS; kind++) {
        importer->names[kind] = names_create();
        if (!importer->names[kind])
            return fail(error, STATUS_NOMEM, "no memory for names");
        TRY(name_store_scan(importer->store, (enum name_kind)kind, visit_name, importer->names[kind], error));
    }
    return STATUS_OK;
}

enum status importer_open(const char *directory, const struct import_options *options, struct importer **out_importer, struct error *error)
{
    uint64_t n_events = 0;
    SCOPED(importer_close) struct importer *importer = calloc(1, sizeof *importer);
    if (!importer)
        return fail(error, STATUS_NOMEM, "no memory for the import");
    importer->options = options;
    TRY(store_open(directory, STORE_WRITE, &importer->store, error));
    TRY(load_names(importer, error));
    TRY(event_store_count(importer->store, &n_events, &importer->last_seq, error));
    importer->is_in_bulk = options->expected_bytes / BYTES_AN_EVENT > n_events; /* else rebuilding costs more than keeping up */
    if (importer->is_in_bulk)
        TRY(store_bulk_begin(importer->store, error));
    *out_importer = importer;
    importer = NULL;
    return STATUS_OK;
}

void importer_close(struct importer *importer)
{
    if (!importer)
        return;
    store_close(importer->store);
    for (int kind = 0; kind < NAME_KINDS; kind++)
        names_destroy(importer->names[kind]);
    free(importer);
}

enum status importer_finish(struct importer *importer, struct error *error)
{
    if (!importer->is_in_bulk)
        return STATUS_OK;
    importer->is_in_bulk = false;
    return store_bulk_end(importer->store, error);
}

struct import_counts importer_counts(const struct importer *importer)
{
    return importer->kept;
}

/* --- records --- */

enum status importer_number_of(struct importer *importer, enum name_kind kind, const char *text, uint32_t *out_number, struct error *error)
{
    struct names *names = importer->names[kind];
    uint32_t n_before = names_count(names), number = 0;
    if (names_add(names, text, &number) != STATUS_OK)
        return fail(error, STATUS_NOMEM, "no memory for a new name");
    if (number >= n_before)
        TRY(name_store_insert(importer->store, kind, number, text, error));
    *out_number = number;
    return STATUS_OK;
}

void importer_refuse(struct importer *importer, uint64_t line, const char *reason)
{
    const struct import_options *options = importer->options;
    importer->n_refused++;
    importer->pending.n_refused++;
    if (options->refused)
        options->refused(options->context, importer->path, line, reason);
    importer->is_refused |= options->is_strict;
}

static enum status store_event(struct importer *importer, const struct event_input *input, struct error *error)
{
    bool is_inserted = false;
    struct stored_event row = {
        .seq = importer->last_seq + 1,
        .event_id = input->event_id,
        .at_ms = input->at_ms,
        .value = input->value,
        .quantity = input->quantity,
        .position = input->position,
        .session_id = input->session_id,
        .recommendation_id = input->recommendation_id,
        .slot = input->slot,
        .context = input->context,
    };
    TRY(importer_number_of(importer, NAME_USER, input->user_id, &row.user, error));
    TRY(importer_number_of(importer, NAME_ITEM, input->item_id, &row.item, error));
    TRY(importer_number_of(importer, NAME_TYPE, input->type, &row.type, error));
    TRY(event_store_insert(importer->store, &row, &is_inserted, error));
    importer->last_seq += is_inserted;
    importer->pending.n_events += is_inserted;
    importer->pending.n_duplicates += !is_inserted;
    return STATUS_OK;
}

enum status importer_put_item(struct importer *importer, const struct item_input *input, struct arena *arena, uint32_t *out_number,
                              struct error *error)
{
    uint32_t number = 0;
    struct stored_item row;
    TRY(importer_number_of(importer, NAME_ITEM, input->item_id, &number, error));
    if (item_input_store(input, number, arena, &row) != STATUS_OK)
        return fail(error, STATUS_NOMEM, "no memory for an item");
    TRY(item_store_put(importer->store, &row, error));
    importer->pending.n_items++;
    *out_number = number;
    return STATUS_OK;
}

static enum status store_item(struct importer *importer, const struct item_input *input, struct arena *arena, struct error *error)
{
    uint32_t number = 0;
    return importer_put_item(importer, input, arena, &number, error);
}

static enum status read_created_at(void *context, const struct stored_user *row)
{
    *(int64_t *)context = row->created_at_ms;
    return STATUS_OK;
}

static enum status store_user(struct importer *importer, const struct user_input *input, struct error *error)
{
    struct stored_user row = {.attributes = input->attributes, .updated_at_ms = clock_now_ms()};
    row.created_at_ms = row.updated_at_ms;
    TRY(importer_number_of(importer, NAME_USER, input->user_id, &row.user, error));
    enum status status = user_store_get(importer->store, row.user, read_created_at, &row.created_at_ms, error);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    importer->pending.n_users++;
    return user_store_put(importer->store, &row, error);
}

/* NULL, or why the record cannot be kept. The engine counts types in a fixed table. */
static const char *find_reason(const struct importer *importer, const struct import_record *record)
{
    const struct names *types = importer->names[NAME_TYPE];
    if (record->kind == RECORD_REFUSED)
        return record->reason;
    if (record->kind == RECORD_EVENT && names_count(types) >= EVENT_TYPES_MAX && names_find(types, record->event.type) == NAMES_NONE)
        return "type: a new event type, but as many are known already as can be (64)";
    return NULL;
}

static enum status store_record(struct importer *importer, const struct import_record *record, struct arena *arena, struct error *error)
{
    const char *reason = find_reason(importer, record);
    if (reason)
        importer_refuse(importer, record->line, reason);
    if (reason || importer->is_refused)
        return STATUS_OK;
    switch (record->kind) {
    case RECORD_EVENT: return store_event(importer, &record->event, error);
    case RECORD_ITEM: return store_item(importer, &record->item, arena, error);
    case RECORD_USER: return store_user(importer, &record->user, error);
    case RECORD_REFUSED: break;
    }
    return STATUS_OK;
}

/* --- a file --- */

static enum status commit(struct importer *importer, struct error *error)
{
    TRY(store_commit(importer->store, error));
    importer->kept = importer->pending;
    importer->n_uncommitted = importer->n_uncommitted_bytes = 0;
    return STATUS_OK;
}

/* How many lines there will be if the rest of the file is like what was read; 0: not known. */
static uint64_t estimate_lines(const struct importer *importer, uint64_t position)
{
    uint64_t total = 0;
    if (importer->file_bytes && position)
        total = (uint64_t)((double)importer->n_done * ((double)importer->file_bytes / (double)position));
    if (total < importer->n_done)
        total = importer->file_bytes ? importer->n_done : 0;
    return total;
}

enum status importer_step(struct importer *importer, size_t n_records, size_t n_bytes, struct error *error)
{
    importer->n_uncommitted += n_records;
    importer->n_uncommitted_bytes += n_bytes;
    if ((importer->n_uncommitted < COMMIT_RECORDS && importer->n_uncommitted_bytes < COMMIT_BYTES) || importer->options->is_strict)
        return STATUS_OK;
    TRY(commit(importer, error));
    return store_begin(importer->store, error);
}

enum status importer_report(const struct importer *importer, uint64_t total, struct error *error)
{
    char note[96];
    (void)snprintf(note, sizeof note, "%llu refused", (unsigned long long)importer->n_refused);
    if (!progress_report(importer->options->progress, "importing", importer->n_done, total, importer->n_refused ? note : NULL))
        return fail(error, STATUS_CONFLICT, "stopped");
    return STATUS_OK;
}

static enum status store_batch(struct importer *importer, const struct import_batch *batch, struct error *error)
{
    for (size_t i = 0; i < batch->n_records; i++)
        TRY(store_record(importer, &batch->records[i], batch->arena, error));
    importer->n_done += batch->n_records;
    TRY(importer_report(importer, estimate_lines(importer, batch->position), error));
    return importer_step(importer, batch->n_records, 0, error);
}

static enum status store_batches(struct importer *importer, struct error *error)
{
    struct import_batch *batch;
    while ((batch = import_queue_take_full(importer->queue))) {
        enum status status = store_batch(importer, batch, error);
        import_queue_give_empty(importer->queue, batch);
        TRY(status);
    }
    return STATUS_OK;
}

void importer_begin_file(struct importer *importer, const char *path, const char *what)
{
    importer->path = path;
    importer->what = what;
    importer->n_done = importer->n_refused = importer->file_bytes = 0;
    importer->n_uncommitted = importer->n_uncommitted_bytes = 0;
    importer->is_refused = false;
}

enum status importer_end_file(struct importer *importer, enum status stored, enum status read, struct error *error)
{
    bool is_refused = importer->options->is_strict && (importer->is_refused || read != STATUS_OK);
    if (stored == STATUS_OK && !is_refused)
        TRY(commit(importer, error));
    store_rollback(importer->store);
    importer->pending = importer->kept;
    if (stored != STATUS_OK || read != STATUS_OK || !is_refused)
        return stored != STATUS_OK ? stored : read;
    importer->kept.n_refused += importer->n_refused;
    return fail(error, STATUS_INVALID, "refused as a whole, nothing of it is kept: %llu of %llu %s were refused",
                (unsigned long long)importer->n_refused, (unsigned long long)importer->n_done, importer->what);
}

static enum status read_file(struct importer *importer, struct error *error)
{
    struct import_reader *reader = NULL;
    struct error read_error = {0};
    TRY(import_reader_start(importer->path, importer->queue, &reader, error));
    enum status stored = store_begin(importer->store, error);
    if (stored == STATUS_OK)
        stored = store_batches(importer, error);
    if (stored != STATUS_OK)
        import_queue_abandon(importer->queue);
    enum status read = import_reader_stop(reader, &read_error);
    if (stored == STATUS_OK && read != STATUS_OK && error)
        *error = read_error;
    return importer_end_file(importer, stored, read, error);
}

static uint64_t file_size(const char *path)
{
    struct stat facts;
    return strcmp(path, "-") != 0 && stat(path, &facts) == 0 && S_ISREG(facts.st_mode) ? (uint64_t)facts.st_size : 0;
}

enum status importer_read(struct importer *importer, const char *path, struct error *error)
{
    struct error reason = {0};
    SCOPED(import_queue_destroy) struct import_queue *queue = import_queue_create(BATCHES);
    if (!queue)
        return fail(error, STATUS_NOMEM, "no memory for the import");
    importer->queue = queue;
    importer_begin_file(importer, path, "lines");
    importer->file_bytes = file_size(path);
    enum status status = read_file(importer, &reason);
    return status == STATUS_OK ? STATUS_OK : fail(error, status, "%.100s: %.150s", path, reason.detail);
}
