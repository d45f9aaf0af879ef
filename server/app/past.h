/* The past: the events that count in one answer, newest first — what came with the question, then what is stored of the user.
 * Threads: one request's. The arrays are the request's arena's. */
#ifndef APP_PAST_H
#define APP_PAST_H

#include "server/app/selection.h"

/* Weak events, newest first, that no positive event of either part has answered. */
struct weak_past {
    uint32_t *items;
    float *weights;
    uint32_t n;
};

struct past {
    uint32_t *items;
    uint8_t *types; /* EVENT_TYPES_MAX: a type that has no number yet */
    float *weights;
    uint32_t n;
    uint32_t n_context; /* the first of them came with the question */
    uint32_t user;      /* NAMES_NONE: a stranger */
    struct weak_past weak;
};

/* Of the stored behaviour at most max events. The selection learns what the user had, and whether the query leaves that out. *out_degraded:
 * the user's events could not be read, the past is what came with the question. STATUS_NOMEM: the arena is full. */
enum status past_read(struct selection *selection, const struct recommend_query *query, uint32_t max, struct arena *arena,
                      struct past *out_past, bool *out_degraded, struct error *error) MUST_CHECK;

#endif
