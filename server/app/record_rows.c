/* The rows that each kind of write means. A write that is refused for what it asks is refused by record_check, before its first row; behind
 * that only the store and memory can fail, and that fails the whole batch. Records of items are built here, before the commit, and
 * published after it; so is what models say of them (record_vectors.c). */
#include "core/base/clock.h"
#include "server/app/recorder.h"
#include "storage/picture_store.h"
#include "storage/user_store.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

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
        return behaviour_reserve(recorder->app->behaviour, number) == STATUS_OK ? STATUS_OK
                                                                                : fail(error, STATUS_NOMEM, "no memory for a user");
    case NAME_TYPE: learn_type(recorder->app, number); return STATUS_OK;
    case NAME_KINDS: break;
    }
    return STATUS_OK;
}

enum status record_names(struct recorder *recorder, enum name_kind kind, struct error *error)
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
        TRY(record_names(recorder, kind, error));
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
            return fail_at(error, STATUS_CONFLICT, pointer, "a new event type: %d are known already, more cannot be", EVENT_TYPES_MAX);
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

const struct item *record_latest(const struct recorder *recorder, uint32_t item)
{
    for (size_t i = recorder->n_records; i-- > 0;)
        if (recorder->records[i]->number == item)
            return recorder->records[i];
    return catalogue_item(recorder->app->catalogue, item);
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
            const struct item *old = record_latest(recorder, number);
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
    TRY(picture_store_delete(recorder->app->store, row.item, NULL, error));
    TRY(record_picture(recorder, row.item, NULL, error));
    return prepare_record(recorder, row.item, &row, error);
}

/* The likeliest category of a picture, the model's text, or NULL: it is not sure enough. */
static enum status predict_category(const struct recorder *recorder, const struct picture_index *index, const struct picture *picture,
                                    const char **out_category)
{
    const struct picture_facts *facts = picture_model_facts(picture_index_model(index));
    float *probabilities = arena_alloc_array(recorder->arena, facts->n_categories, sizeof *probabilities);
    uint32_t best = 0;
    if (!probabilities || picture_index_ask(index, picture, probabilities, NULL) != STATUS_OK)
        return STATUS_NOMEM;
    for (uint32_t c = 1; c < facts->n_categories; c++)
        best = probabilities[c] > probabilities[best] ? c : best;
    bool is_sure = (double)probabilities[best] >= recorder->app->settings->pictures_predict;
    *out_category = is_sure ? facts->categories[best] : NULL;
    return STATUS_OK;
}

/* Give an item that has no categories, or predicted ones, those of its new picture. */
static enum status fill_categories(struct recorder *recorder, uint32_t number, const struct picture *picture, struct error *error)
{
    const struct picture_index *index = picture_live_get(recorder->app->pictures);
    const struct item *item = record_latest(recorder, number);
    const char *category = NULL;
    struct item_input input;
    struct stored_item row;
    if (!index || recorder->app->settings->pictures_predict <= 0 || !item || !item->known || (item->row.categories && !item->row.predicted))
        return STATUS_OK;
    if (predict_category(recorder, index, picture, &category) != STATUS_OK)
        return fail(error, STATUS_NOMEM, "no memory to look at a picture");
    if (!category && !item->row.predicted)
        return STATUS_OK;
    enum status status = item_input_load(&item->row, item->item_id, recorder->arena, &input);
    input.categories = (struct texts){&category, category ? 1 : 0};
    input.predicted = category != NULL;
    if (status == STATUS_OK)
        status = item_input_store(&input, number, recorder->arena, &row);
    if (status != STATUS_OK)
        return fail(error, status, "the item's row cannot be made again");
    TRY(item_store_put(recorder->app->store, &row, error));
    return prepare_record(recorder, number, &row, error);
}

static enum status write_picture(struct recorder *recorder, struct write *write, struct error *error)
{
    const struct decoding *decoding = &write->picture->decoding;
    struct stored_picture row = {.changed_at_ms = clock_now_ms(),
                                 .height = decoding->small.height,
                                 .width = decoding->small.width,
                                 .channels = decoding->small.channels,
                                 .pixels = decoding->small.pixels};
    bool was_there = false;
    TRY(number_of(recorder, NAME_ITEM, write->id, &row.item, error));
    if (recorder->app->settings->pictures_keep_originals) {
        row.media_type = picture_media_type(decoding->bytes, decoding->n_bytes);
        row.original = decoding->bytes;
        row.n_original = decoding->n_bytes;
    }
    TRY(picture_store_delete(recorder->app->store, row.item, &was_there, error));
    TRY(picture_store_put(recorder->app->store, &row, error));
    write->created = !was_there;
    write->n_accepted = 1;
    TRY(fill_categories(recorder, row.item, &decoding->small, error));
    return record_picture(recorder, row.item, &decoding->small, error);
}

static enum status delete_picture(struct recorder *recorder, struct write *write, struct error *error)
{
    uint32_t number = 0;
    bool was_there = false;
    TRY(number_of(recorder, NAME_ITEM, write->id, &number, error));
    TRY(picture_store_delete(recorder->app->store, number, &was_there, error));
    write->n_accepted = was_there;
    return record_picture(recorder, number, NULL, error);
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

/* --- any write --- */

enum status record_check(struct recorder *recorder, const struct write *write, struct error *error)
{
    switch (write->kind) {
    case WRITE_EVENTS: return check_types(recorder, write, error);
    case WRITE_PICTURE:
    case WRITE_PICTURE_DELETE:
    case WRITE_ITEM_DELETE: return check_item(recorder, write, error);
    case WRITE_USER_ERASE: return check_user(recorder, write, error);
    case WRITE_ITEMS:
    case WRITE_USER:
    case WRITE_MODEL_ACTIVATE:
    case WRITE_MODEL_ADOPT: break;
    }
    return STATUS_OK;
}

enum status record_rows(struct recorder *recorder, struct write *write, struct error *error)
{
    switch (write->kind) {
    case WRITE_EVENTS: return write_events(recorder, write, error);
    case WRITE_ITEMS: return write_items(recorder, write, error);
    case WRITE_ITEM_DELETE: return delete_item(recorder, write, error);
    case WRITE_PICTURE: return write_picture(recorder, write, error);
    case WRITE_PICTURE_DELETE: return delete_picture(recorder, write, error);
    case WRITE_USER: return write_user(recorder, write, error);
    case WRITE_USER_ERASE: return erase_user(recorder, write, error);
    case WRITE_MODEL_ACTIVATE:
    case WRITE_MODEL_ADOPT: break; /* they have transactions of their own */
    }
    return STATUS_OK;
}
