/* Telling records apart, and the sentence for those that are refused. */
#include "server/app/import_record.h"

#include "core/base/clock.h"

#include <string.h>

#define REASON_MISTAKES 3u
#define REASON_BYTES    2048u

const struct fields *const record_fields[] = {
    [RECORD_EVENT] = &event_input_fields, [RECORD_ITEM] = &item_input_fields, [RECORD_USER] = &user_input_fields, [RECORD_REFUSED] = NULL};

enum record_kind record_kind_of(bool has_user_id, bool has_item_id)
{
    if (has_user_id)
        return has_item_id ? RECORD_EVENT : RECORD_USER;
    return has_item_id ? RECORD_ITEM : RECORD_REFUSED;
}

void *record_body(struct import_record *record)
{
    switch (record->kind) {
    case RECORD_EVENT: return &record->event;
    case RECORD_ITEM: return &record->item;
    case RECORD_USER: return &record->user;
    case RECORD_REFUSED: break;
    }
    return NULL;
}

void record_refuse_because(struct import_record *record, struct arena *arena, const char *reason)
{
    const char *kept = arena_copy(arena, reason, strlen(reason));
    record->kind = RECORD_REFUSED;
    record->reason = kept ? kept : "refused (and no memory to say why)";
}

void record_refuse(struct import_record *record, struct arena *arena, const struct mistakes *mistakes)
{
    SCOPED(buffer_clear) struct buffer words;
    buffer_init(&words, REASON_BYTES);
    for (size_t i = 0; i < mistakes->n_mistakes && i < REASON_MISTAKES; i++) {
        const struct mistake *mistake = &mistakes->mistakes[i];
        const char *name = mistake->pointer[0] == '/' ? mistake->pointer + 1 : mistake->pointer;
        buffer_append_format(&words, "%s%s%s%s", i ? "; " : "", name, *name ? ": " : "", mistake->detail);
    }
    if (mistakes->n_mistakes > REASON_MISTAKES)
        buffer_append_format(&words, "; and %zu more", mistakes->n_mistakes - REASON_MISTAKES);
    record_refuse_because(record, arena, words.bytes ? words.bytes : "refused");
}

void record_complete(struct import_record *record, struct arena *arena)
{
    struct error error = {0};
    if (record->kind == RECORD_EVENT && event_input_complete(&record->event, clock_now_ms(), &error) != STATUS_OK)
        record_refuse_because(record, arena, error.detail);
}
