/* Events as they are kept, in order of their sequence number. */
#ifndef STORAGE_EVENT_STORE_H
#define STORAGE_EVENT_STORE_H

#include "storage/store.h"

/* Texts are borrowed for the call; NULL is "not given". */
struct stored_event {
    uint64_t seq; /* 1, 2, … given by the caller, rising */
    const char *event_id;
    uint32_t user, item, type; /* numbers of name_store */
    int64_t at_ms;
    double value;      /* NAN: not given */
    int64_t quantity;  /* 0: not given */
    int64_t position;  /* -1: not given */
    const char *session_id, *recommendation_id, *slot;
    const char *context; /* a JSON object */
};

/* out_inserted = false: an event with that event_id is there already, nothing was written. */
enum status event_store_insert(struct store *store, const struct stored_event *event, bool *out_inserted, struct error *error) MUST_CHECK;

/* Call visit for every event in order of seq. The event is valid during the call. Only seq, user, item, type, at_ms are filled (the rest as "not given"). */
enum status event_store_scan(struct store *store, enum status (*visit)(void *context, const struct stored_event *event), void *context,
                             struct error *error) MUST_CHECK;

/* A user's events with seq < before_seq (UINT64_MAX: all), newest seq first, up to limit, whole. */
enum status event_store_of_user(struct store *store, uint32_t user, uint64_t before_seq, uint32_t limit,
                                enum status (*visit)(void *context, const struct stored_event *event), void *context, struct error *error) MUST_CHECK;

/* How many events there are and the highest seq ever given. */
enum status event_store_count(struct store *store, uint64_t *out_count, uint64_t *out_last_seq, struct error *error) MUST_CHECK;

/* Delete all events of a user (erasure). */
enum status event_store_erase_user(struct store *store, uint32_t user, struct error *error) MUST_CHECK;

#endif
