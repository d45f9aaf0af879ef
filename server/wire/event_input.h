/* An event as callers write it: one table of fields for HTTP bodies, NDJSON lines and CSV rows. */
#ifndef WIRE_EVENT_INPUT_H
#define WIRE_EVENT_INPUT_H

#include "core/base/fields.h"

#define TIME_NOT_GIVEN INT64_MIN

/* Texts live in the reader's arena; NULL is "not given". */
struct event_input {
    const char *event_id;
    const char *user_id, *item_id, *type; /* required; type is an id as well ("click", or any name) */
    int64_t at_ms;                        /* "timestamp"; TIME_NOT_GIVEN: the moment it is recorded */
    double value;                         /* NAN: not given */
    int64_t quantity;                     /* 0: not given, else >= 1 */
    int64_t position;                     /* -1: not given, else >= 0 */
    const char *session_id, *recommendation_id, *slot;
    const char *context; /* a JSON object of up to 4096 bytes */
};

extern const struct fields event_input_fields;

/* Fill at_ms if it was not given, and refuse times more than a day ahead of now_ms or before 1970. STATUS_INVALID with error->detail. */
enum status event_input_complete(struct event_input *event, int64_t now_ms, struct error *error) MUST_CHECK;

#endif
