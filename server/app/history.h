/* One user's history: the newest events in order of time, the set of items whose events have left that order, and apart from both the
 * newest weak events (what was shown and not taken). Behaviour's own piece. Threads: one at a time. */
#ifndef APP_HISTORY_H
#define APP_HISTORY_H

#include "server/app/behaviour.h"

struct event_list {
    struct behaviour_event *events; /* [n] oldest first */
    uint32_t n, capacity;
};

struct history {
    struct event_list behaviour, weak; /* a weak event that was answered keeps its place, with FEEDBACK_NONE */
    uint32_t *seen;                    /* [n_slots] open addressing: item + 1, 0 is free */
    uint32_t n_seen, n_slots;
};

void history_clear(struct history *history); /* {0} is an empty history */

enum arrival {
    ARRIVAL_NEWER, /* in rising order of seq: behind the events of the same time */
    ARRIVAL_OLDER, /* in falling order of seq: before them */
};

/* Keep event among the newest max; what falls out is seen. A positive event answers the weak events on its item up to its time.
 * STATUS_NOMEM: event is not kept, something else may have been marked as seen, or answered. */
enum status history_insert(struct history *history, const struct behaviour_event *event, enum arrival arrival, uint32_t max) MUST_CHECK;

/* Keep a weak event among the newest max weak ones. STATUS_NOMEM: it is not kept. */
enum status history_insert_weak(struct history *history, const struct behaviour_event *event, enum arrival arrival,
                                uint32_t max) MUST_CHECK;

/* Newest first; of the weak ones those without an answer. */
uint32_t history_copy(const struct history *history, uint32_t max, struct behaviour_event out_events[]);
uint32_t history_copy_weak(const struct history *history, uint32_t max, struct behaviour_event out_events[]);
void history_mark(const struct history *history, struct marks *seen);
uint64_t history_bytes(const struct history *history);

#endif
