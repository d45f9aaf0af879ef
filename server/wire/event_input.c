/* The table of an event, and what time makes of it. Limits stand here once; openapi.yaml and the README repeat them in words. */
#include "server/wire/event_input.h"

#include "core/base/clock.h"

#include <math.h>
#include <stddef.h>

#define MS_A_DAY          INT64_C(86400000)
#define CONTEXT_MAX_BYTES 4096
#define COUNT_MOST        2147483647.0

static const struct event_input defaults = {.at_ms = TIME_NOT_GIVEN, .value = NAN, .position = -1};

#define AT(member) offsetof(struct event_input, member)

/* clang-format off */
static const struct field table[] = {
    {.name = "event_id",          .kind = FIELD_ID,      .offset = AT(event_id)},
    {.name = "user_id",           .kind = FIELD_ID,      .offset = AT(user_id),  .required = true},
    {.name = "item_id",           .kind = FIELD_ID,      .offset = AT(item_id),  .required = true},
    {.name = "type",              .kind = FIELD_ID,      .offset = AT(type),     .required = true},
    {.name = "timestamp",         .kind = FIELD_TIME,    .offset = AT(at_ms)},
    {.name = "value",             .kind = FIELD_NUMBER,  .offset = AT(value),    .least = -1e15, .most = 1e15},
    {.name = "quantity",          .kind = FIELD_INTEGER, .offset = AT(quantity), .least = 1, .most = COUNT_MOST},
    {.name = "session_id",        .kind = FIELD_ID,      .offset = AT(session_id)},
    {.name = "recommendation_id", .kind = FIELD_ID,      .offset = AT(recommendation_id)},
    {.name = "position",          .kind = FIELD_INTEGER, .offset = AT(position), .least = 0, .most = COUNT_MOST},
    {.name = "slot",              .kind = FIELD_ID,      .offset = AT(slot)},
    {.name = "context",           .kind = FIELD_JSON,    .offset = AT(context),  .max = CONTEXT_MAX_BYTES},
};
/* clang-format on */

const struct fields event_input_fields = {
    .what = "an event",
    .fields = table,
    .n_fields = sizeof table / sizeof table[0],
    .record_bytes = sizeof(struct event_input),
    .defaults = &defaults,
};

enum status event_input_complete(struct event_input *event, int64_t now_ms, struct error *error)
{
    char text[CLOCK_TEXT_BYTES];
    if (event->at_ms == TIME_NOT_GIVEN)
        event->at_ms = now_ms;
    if (event->at_ms >= 0 && event->at_ms <= now_ms + MS_A_DAY)
        return STATUS_OK;
    clock_format(event->at_ms, text);
    return fail_at(error, STATUS_INVALID, "/timestamp", "timestamp: expected a time from 1970 to a day ahead of now, got %s", text);
}
