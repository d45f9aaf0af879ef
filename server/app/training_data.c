/* Names first, then events: an event's numbers are then known to be below the counts, or the store is damaged. */
#include "server/app/training_data.h"

#include "storage/event_store.h"
#include "storage/name_store.h"

#include <stdlib.h>
#include <string.h>

#define IDS_BLOCK_BYTES (1u << 20)
#define EVENTS_A_STEP   65536u

#define HELD_OUT_LEAST  2000u
#define HELD_OUT_MOST   50000u
#define HELD_OUT_SCORES 1000000000u /* cases times items: about a second of matrix products an epoch */

const char *const split_names[] = {[SPLIT_LAST] = "last", [SPLIT_TIME] = "time", NULL};

struct reading {
    const struct settings *settings;
    const struct progress *progress;
    struct training_data *data;
    struct dataset_builder *builder;
    uint32_t counts[NAME_KINDS];
    uint32_t ids_capacity;
    uint64_t n_events, n_expected;
    struct error *error;
};

static enum status read_user(void *context, uint32_t number, const char *text)
{
    struct reading *reading = context;
    (void)text;
    reading->counts[NAME_USER] = number + 1;
    return STATUS_OK;
}

static enum status read_item(void *context, uint32_t number, const char *text)
{
    struct reading *reading = context;
    struct training_data *data = reading->data;
    if (number >= reading->ids_capacity) {
        uint32_t capacity = number < 1024 ? 2048 : number > UINT32_MAX / 2 ? UINT32_MAX : number * 2;
        const char **ids = (const char **)realloc((void *)data->item_ids, capacity * sizeof *ids);
        if (!ids)
            return STATUS_NOMEM;
        data->item_ids = ids;
        reading->ids_capacity = capacity;
    }
    data->item_ids[number] = text ? arena_copy(data->arena, text, strlen(text)) : "";
    reading->counts[NAME_ITEM] = number + 1;
    return data->item_ids[number] ? STATUS_OK : STATUS_NOMEM;
}

static enum status read_type(void *context, uint32_t number, const char *text)
{
    struct reading *reading = context;
    if (number >= EVENT_TYPES_MAX)
        return fail(reading->error, STATUS_CORRUPT, "the store has more than %d event types", EVENT_TYPES_MAX);
    reading->data->weights.weights[number] = text ? settings_type_weight(reading->settings, text) : 0;
    reading->counts[NAME_TYPE] = number + 1;
    return STATUS_OK;
}

static enum status read_event(void *context, const struct stored_event *event)
{
    struct reading *reading = context;
    if (event->user >= reading->counts[NAME_USER] || event->item >= reading->counts[NAME_ITEM] || event->type >= reading->counts[NAME_TYPE])
        return fail(reading->error, STATUS_CORRUPT, "event %llu names a user, item or type that the store does not know",
                    (unsigned long long)event->seq);
    if (reading->n_events % EVENTS_A_STEP == 0 &&
        !progress_report(reading->progress, "reading events", reading->n_events, reading->n_expected, NULL))
        return STATUS_CONFLICT;
    reading->n_events++;
    return dataset_add(reading->builder, event->user, event->item, event->type, event->at_ms);
}

static enum status read_rows(struct store *store, struct reading *reading)
{
    uint64_t last_seq = 0;
    TRY(name_store_scan(store, NAME_USER, read_user, reading, reading->error));
    TRY(name_store_scan(store, NAME_ITEM, read_item, reading, reading->error));
    TRY(name_store_scan(store, NAME_TYPE, read_type, reading, reading->error));
    TRY(event_store_count(store, &reading->n_expected, &last_seq, reading->error));
    TRY(event_store_scan(store, read_event, reading, reading->error));
    bool go_on = progress_report(reading->progress, "reading events", reading->n_events, reading->n_expected, NULL);
    return go_on ? STATUS_OK : STATUS_CONFLICT;
}

static enum status read_snapshot(struct store *store, struct reading *reading)
{
    TRY(store_begin(store, reading->error));
    enum status status = read_rows(store, reading);
    store_rollback(store);
    TRY(status);
    return dataset_finish(reading->builder, reading->counts[NAME_USER], reading->counts[NAME_ITEM], reading->counts[NAME_TYPE],
                          &reading->data->dataset);
}

/* Words for the statuses that come without any. */
static enum status explain(enum status status, uint64_t n_events, struct error *error)
{
    if (status == STATUS_NOMEM)
        return fail(error, status, "no memory for the %llu events of the store", (unsigned long long)n_events);
    if (status == STATUS_CONFLICT)
        return fail(error, status, "stopped");
    return status;
}

enum status training_data_read(struct store *store, const struct settings *settings, const struct progress *progress,
                               struct training_data *out_data, struct error *error)
{
    SCOPED(training_data_clear) struct training_data data = {.arena = arena_create(IDS_BLOCK_BYTES, SIZE_MAX)};
    SCOPED(dataset_builder_destroy) struct dataset_builder *builder = dataset_builder_create();
    if (!data.arena || !builder)
        return explain(STATUS_NOMEM, 0, error);
    struct reading reading = {.settings = settings, .progress = progress, .data = &data, .builder = builder, .error = error};
    enum status status = read_snapshot(store, &reading);
    if (status != STATUS_OK)
        return explain(status, reading.n_expected, error);
    *out_data = data;
    data = (struct training_data){0};
    return STATUS_OK;
}

void training_data_clear(struct training_data *data)
{
    dataset_destroy(data->dataset);
    free((void *)data->item_ids);
    arena_destroy(data->arena);
    *data = (struct training_data){0};
}

enum status training_data_split(const struct training_data *data, enum split_kind kind, struct split **out_split, struct error *error)
{
    uint32_t n_items = data->dataset->n_items ? data->dataset->n_items : 1;
    uint32_t max = HELD_OUT_SCORES / n_items;
    max = max < HELD_OUT_LEAST ? HELD_OUT_LEAST : max > HELD_OUT_MOST ? HELD_OUT_MOST : max;
    enum status status = dataset_split(data->dataset, kind, &data->weights, max, out_split);
    return status == STATUS_OK ? STATUS_OK : explain(status, data->dataset->n_events, error);
}
