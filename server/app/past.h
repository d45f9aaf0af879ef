/* The past: the events that count in one answer, newest first — what came with the question, then what is stored of the user.
 * Threads: one request's. The arrays are the request's arena's. */
#ifndef APP_PAST_H
#define APP_PAST_H

#include <stdint.h>

struct past {
    uint32_t *items;
    uint8_t *types; /* EVENT_TYPES_MAX: a type that has no number yet */
    float *weights;
    uint32_t n;
    uint32_t n_context; /* the first of them came with the question */
    uint32_t user;      /* NAMES_NONE: a stranger */
};

#endif
