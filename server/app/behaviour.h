/* Behaviour: what every user did last, and what was shown to them and not taken, in memory, bounded for a user and in total.
 *
 * Of a user the newest max_events events are kept in order of time (equal times: in order of seq); of an event that leaves this order only
 * "was seen" is kept. Weak events (core/feedback.h) are kept apart, the newest max_weak: they push nothing out and mark nothing as seen,
 * and a positive event on the item, at the same time or later, answers them. When all users together pass max_bytes, the idlest (neither
 * written nor read for the longest time) are forgotten and read again from a source (the store) when they are asked for: a forgotten user
 * is slower, never wrong. Threads: one writer (behaviour_add, behaviour_erase), any readers. Users are spread over shards, each under a
 * mutex that is held for a copy; the source is called outside of it. Memory: 16 bytes an event, 8 to 16 a seen item, and 32 a user that is
 * not counted into max_bytes. */
#ifndef APP_BEHAVIOUR_H
#define APP_BEHAVIOUR_H

#include "core/base/status.h"
#include "core/feedback.h"

#include <stdbool.h>
#include <stdint.h>

struct behaviour_event {
    int64_t at_ms;
    uint32_t item;
    uint8_t type;
    uint8_t feedback; /* enum feedback of its type's weight: says where it is kept */
};

struct behaviour_limits {
    uint32_t n_shards;   /* >= 1 */
    uint32_t max_events; /* a user, >= 1 */
    uint32_t max_weak;   /* a user; 0: weak events are not kept */
    uint64_t max_bytes;  /* all users; shared out evenly among the shards. A user who is asked for stays, however large */
};

struct behaviour_rebuild;

/* Reads a user again: calls behaviour_rebuild_add for every event with seq < before_seq (UINT64_MAX: all), highest seq first. */
struct behaviour_source {
    enum status (*read)(void *context, uint32_t user, uint64_t before_seq, struct behaviour_rebuild *rebuild, struct error *error);
    void *context;
};

enum status behaviour_rebuild_add(struct behaviour_rebuild *rebuild, uint64_t seq, const struct behaviour_event *event) MUST_CHECK;

struct behaviour;

/* source is copied, its context borrowed. NULL on no memory. A new behaviour is loading: until behaviour_loaded the source is not called,
 * and a user who was forgotten meanwhile has a part of their events only (and is read again later). */
struct behaviour *behaviour_create(const struct behaviour_limits *limits, const struct behaviour_source *source);
void behaviour_destroy(struct behaviour *behaviour);
DEFINE_SCOPED(struct behaviour *, behaviour_destroy);
void behaviour_loaded(struct behaviour *behaviour);

/* Make room for a user's entry before their first event is committed, so that behaviour_add cannot fail for want of it. */
enum status behaviour_reserve(struct behaviour *behaviour, uint32_t user) MUST_CHECK;

/* Count an event; seq rises from call to call. An event that a rebuild has brought already is not counted twice. On failure the user is
 * forgotten: the event is in the store and comes back with the next read. */
enum status behaviour_add(struct behaviour *behaviour, uint32_t user, uint64_t seq, const struct behaviour_event *event,
                          struct error *error) MUST_CHECK;

/* Forget the user for good; the number is never used again. */
void behaviour_erase(struct behaviour *behaviour, uint32_t user);

/* One bit an item. */
struct marks {
    uint64_t *words; /* [(n_items + 63) / 64] */
    uint32_t n_items;
};

static inline void marks_set(struct marks *marks, uint32_t item)
{
    if (item < marks->n_items)
        marks->words[item / 64] |= UINT64_C(1) << item % 64;
}

static inline bool marks_get(const struct marks *marks, uint32_t item)
{
    return item < marks->n_items && (marks->words[item / 64] >> item % 64 & 1);
}

/* Copy up to max events, newest first, and (seen may be NULL) mark every item that the user had. *out_n = 0 is a stranger. Fails only for a
 * forgotten user. */
enum status behaviour_read(struct behaviour *behaviour, uint32_t user, uint32_t max, struct behaviour_event out_events[],
                           struct marks *seen, uint32_t *out_n, struct error *error) MUST_CHECK;

/* Copy up to max weak events without an answer, newest first. Otherwise as behaviour_read. */
enum status behaviour_read_weak(struct behaviour *behaviour, uint32_t user, uint32_t max, struct behaviour_event out_events[],
                                uint32_t *out_n, struct error *error) MUST_CHECK;

struct behaviour_figures {
    uint64_t bytes, n_forgotten, n_rebuilt; /* now; so far; so far */
};
void behaviour_measure(struct behaviour *behaviour, struct behaviour_figures *out_figures);

#endif
