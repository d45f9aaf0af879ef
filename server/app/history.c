/* Sorted arrays that grow by doubling up to their limits, and a hash set of items. Surprising: a full history moves its older part down by
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
    free(history->behaviour.events);
    free(history->weak.events);
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

/* --- lists of events --- */

static bool grow_events(struct event_list *list, uint32_t max)
{
    uint32_t capacity = list->capacity ? list->capacity * 2 : FIRST_EVENTS;
    if (capacity > max)
        capacity = max;
    struct behaviour_event *events = realloc(list->events, capacity * sizeof *events);
    if (!events)
        return false;
    list->events = events;
    list->capacity = capacity;
    return true;
}

static uint32_t place_of(const struct event_list *list, const struct behaviour_event *event, enum arrival arrival)
{
    uint32_t place = arrival == ARRIVAL_NEWER ? list->n : 0;
    if (arrival == ARRIVAL_NEWER) {
        while (place > 0 && list->events[place - 1].at_ms > event->at_ms)
            place--;
    } else {
        while (place < list->n && list->events[place].at_ms < event->at_ms)
            place++;
    }
    return place;
}

/* Put event at its place; of a list of max events the oldest leaves, or event does not come in (place 0). */
static enum status insert_at(struct event_list *list, uint32_t place, const struct behaviour_event *event, uint32_t max)
{
    if (list->n >= max) {
        if (place == 0)
            return STATUS_OK;
        memmove(list->events, list->events + 1, (place - 1) * sizeof *event);
        list->events[place - 1] = *event;
        return STATUS_OK;
    }
    if (list->n == list->capacity && !grow_events(list, max))
        return STATUS_NOMEM;
    memmove(list->events + place + 1, list->events + place, (list->n - place) * sizeof *event);
    list->events[place] = *event;
    list->n++;
    return STATUS_OK;
}

/* --- the events --- */

static void answer_weak(struct event_list *weak, const struct behaviour_event *positive)
{
    for (uint32_t i = 0; i < weak->n && weak->events[i].at_ms <= positive->at_ms; i++)
        if (weak->events[i].item == positive->item)
            weak->events[i].feedback = FEEDBACK_NONE;
}

/* Was there a positive event on the item of a weak one, at its time or later? In falling order of seq an item that is already among the
 * seen had an event later on. */
static bool is_answered(const struct history *history, const struct behaviour_event *weak, enum arrival arrival)
{
    const struct event_list *list = &history->behaviour;
    for (uint32_t i = list->n; i-- > 0 && list->events[i].at_ms >= weak->at_ms;)
        if (list->events[i].item == weak->item && list->events[i].feedback == FEEDBACK_POSITIVE)
            return true;
    return arrival == ARRIVAL_OLDER && history->n_slots && history->seen[slot_of(history->seen, history->n_slots, weak->item)];
}

enum status history_insert(struct history *history, const struct behaviour_event *event, enum arrival arrival, uint32_t max)
{
    uint32_t place = place_of(&history->behaviour, event, arrival);
    if (event->feedback == FEEDBACK_POSITIVE)
        answer_weak(&history->weak, event);
    if (history->behaviour.n >= max)
        TRY(add_seen(history, place == 0 ? event->item : history->behaviour.events[0].item));
    return insert_at(&history->behaviour, place, event, max);
}

enum status history_insert_weak(struct history *history, const struct behaviour_event *event, enum arrival arrival, uint32_t max)
{
    uint32_t place = place_of(&history->weak, event, arrival);
    struct behaviour_event kept = *event;
    if (history->weak.n >= max && place == 0)
        return STATUS_OK;
    kept.feedback = is_answered(history, event, arrival) ? FEEDBACK_NONE : FEEDBACK_WEAK;
    return insert_at(&history->weak, place, &kept, max);
}

uint32_t history_copy(const struct history *history, uint32_t max, struct behaviour_event out_events[])
{
    const struct event_list *list = &history->behaviour;
    uint32_t n = list->n < max ? list->n : max;
    for (uint32_t i = 0; i < n; i++)
        out_events[i] = list->events[list->n - 1 - i];
    return n;
}

uint32_t history_copy_weak(const struct history *history, uint32_t max, struct behaviour_event out_events[])
{
    uint32_t n = 0;
    for (uint32_t i = history->weak.n; i-- > 0 && n < max;)
        if (history->weak.events[i].feedback == FEEDBACK_WEAK)
            out_events[n++] = history->weak.events[i];
    return n;
}

void history_mark(const struct history *history, struct marks *seen)
{
    for (uint32_t i = 0; i < history->behaviour.n; i++)
        marks_set(seen, history->behaviour.events[i].item);
    for (uint32_t i = 0; i < history->n_slots; i++)
        if (history->seen[i])
            marks_set(seen, history->seen[i] - 1);
}

uint64_t history_bytes(const struct history *history)
{
    uint64_t n_events = (uint64_t)history->behaviour.capacity + history->weak.capacity;
    return n_events * sizeof(struct behaviour_event) + (uint64_t)history->n_slots * sizeof *history->seen;
}
