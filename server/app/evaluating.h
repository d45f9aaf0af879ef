/* Evaluating: how the live model ranks held-out events beside popularity, neighbours and their blend. What `inkling evaluate` prints.
 * Threads: one caller. Only reads; a server may run beside it. */
#ifndef APP_EVALUATING_H
#define APP_EVALUATING_H

#include "core/base/progress.h"
#include "core/evaluation.h"
#include "server/app/settings.h"

#define SPLIT_OF_MODEL (-1) /* the split that the live model was trained with */

struct evaluation_report {
    char model_version[MODEL_VERSION_BYTES];
    enum split_kind split;
    bool is_model_split; /* false: the model was trained with the other split, and has seen a part of what is judged: its figures flatter */
    uint64_t n_events;
    uint32_t n_users;
    struct evaluation evaluation;
};

/* split is an enum split_kind or SPLIT_OF_MODEL; n_threads = 0: one a processor. STATUS_NOT_FOUND: no data, or no live model yet (the error
 * says how many events there are and what to do). STATUS_INVALID: the model does not belong to this data. STATUS_CONFLICT: stopped. */
enum status evaluating_run(const struct settings *settings, int split, unsigned n_threads, const struct progress *progress,
                           struct evaluation_report *out_report, struct error *error) MUST_CHECK;

/* Append it as one JSON object: which model and data, and "evaluation" (core/evaluation.h). */
void evaluation_report_emit(const struct evaluation_report *report, struct buffer *out);

#endif
