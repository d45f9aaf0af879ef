/* Progress: how long work tells whoever started it how far it is, and asks whether to go on. The work knows nothing of terminals. */
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress_step {
    const char *phase; /* "reading events", "training", … ; a new phase is a new bar */
    uint64_t done, total; /* total = 0: not known */
    const char *note; /* "epoch 7, NDCG@10 .0512", or NULL */
};

/* Return false to ask the work to stop; it then returns STATUS_CONFLICT at its next step. */
struct progress {
    bool (*report)(void *context, const struct progress_step *step);
    void *context;
};

/* Report through progress (may be NULL). */
static inline bool progress_report(const struct progress *progress, const char *phase, uint64_t done, uint64_t total, const char *note)
{
    struct progress_step step = {.phase = phase, .done = done, .total = total, .note = note};
    return !progress || !progress->report || progress->report(progress->context, &step);
}

#endif
