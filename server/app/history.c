/* A sorted array that grows by doubling up to its limit, and a hash set of items. Surprising: a full history moves its older part down by
 * one to make room; at a few KiB that is cheaper than a ring that must be split for every copy. */
#include "server/app/history.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_EVENTS 4u
#define FIRST_SLOTS  8u

static_assert(sizeof(struct behaviour_event) == 16, "an event costs 16 bytes");

void history_clear(struct history *history)
{
    free(history->events);
    free(history->seen);
    *history = (struct history){0};
}

/* --- the set of seen items --- */

static uint32_t slot_of(const uint32_t seen[], uint32_t n_slots, uint32_t item)
{
    uint32_t slot = (item * UINT32_C(2654435769)) & (n_slots - 1);
    while (seen[slot] && seen[slot] != item + 1)
        slot = (slot + 1) & (n_slots - 1);
    return slot;
}

static bool grow_seen(struct history *history)
{
    uint32_t n_slots = history->n_slots ? history->n_slots * 2 : FIRST_SLOTS;
    uint32_t *seen = n_slots > history->n_slots ? calloc(n_slots, sizeof *seen) : NULL;
    if (!seen)
        return false;
    for (uint32_t i = 0; i < history->n_slots; i++)
        if (history->seen[i])
            seen[slot_of(seen, n_slots, history->seen[i] - 1)] = history->seen[i];
    free(history->seen);
    history->seen = seen;
    history->n_slots = n_slots;
    return true;
}

static enum status add_seen(struct history *history, uint32_t item)
{
    if (history->n_seen >= history->n_slots / 2 && !grow_seen(history))
        return STATUS_NOMEM;
    uint32_t slot = slot_of(history->seen, history->n_slots, item);
    history->n_seen += history->seen[slot] == 0;
    history->seen[slot] = item + 1;
    return STATUS_OK;
}

/* --- the events --- */

static bool grow_events(struct history *history, uint32_t max)
{
    uint32_t capacity = history->capacity ? history->capacity * 2 : FIRST_EVENTS;
    if (capacity > max)
        capacity = max;
    struct behaviour_event *events = realloc(history->events, capacity * sizeof *events);
    if (!events)
        return false;
    history->events = events;
    history->capacity = capacity;
    return true;
}

static uint32_t place_of(const struct history *history, const struct behaviour_event *event, enum arrival arrival)
{
    uint32_t place = arrival == ARRIVAL_NEWER ? history->n_events : 0;
    if (arrival == ARRIVAL_NEWER) {
        while (place > 0 && history->events[place - 1].at_ms > event->at_ms)
            place--;
    } else {
        while (place < history->n_events && history->events[place].at_ms < event->at_ms)
            place++;
    }
    return place;
}

enum status history_insert(struct history *history, const struct behaviour_event *event, enum arrival arrival, uint32_t max)
{
    uint32_t place = place_of(history, event, arrival);
    struct behaviour_event *events = history->events;
    if (history->n_events >= max) {
        if (place == 0)
            return add_seen(history, event->item);
        TRY(add_seen(history, events[0].item));
        memmove(events, events + 1, (place - 1) * sizeof *events);
        events[place - 1] = *event;
        return STATUS_OK;
    }
    if (history->n_events == history->capacity) {
        if (!grow_events(history, max))
            return STATUS_NOMEM;
        events = history->events;
    }
    memmove(events + place + 1, events + place, (history->n_events - place) * sizeof *events);
    events[place] = *event;
    history->n_events++;
    return STATUS_OK;
}

uint32_t history_copy(const struct history *history, uint32_t max, struct behaviour_event out_events[])
{
    uint32_t n = history->n_events < max ? history->n_events : max;
    for (uint32_t i = 0; i < n; i++)
        out_events[i] = history->events[history->n_events - 1 - i];
    return n;
}

void history_mark(const struct history *history, struct marks *seen)
{
    for (uint32_t i = 0; i < history->n_events; i++)
        marks_set(seen, history->events[i].item);
    for (uint32_t i = 0; i < history->n_slots; i++)
        if (history->seen[i])
            marks_set(seen, history->seen[i] - 1);
}

uint64_t history_bytes(const struct history *history)
{
    return (uint64_t)history->capacity * sizeof *history->events + (uint64_t)history->n_slots * sizeof *history->seen;
}
