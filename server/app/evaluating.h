/* Evaluating: how a model ranks held-out events beside popularity, neighbours and their blend. What `inkling evaluate` prints.
 *
 * A refit was trained on the held-out events too, so its own figures would say nothing: judged is the selected model that it was made from,
 * if its file is there. Threads: one caller. Only reads; a server may run beside it. */
#ifndef APP_EVALUATING_H
#define APP_EVALUATING_H

#include "core/base/progress.h"
#include "core/evaluation.h"
#include "server/app/settings.h"

#define SPLIT_OF_MODEL (-1) /* the split that the model was trained with */

struct evaluate_query {
    int split;           /* an enum split_kind or SPLIT_OF_MODEL */
    const char *version; /* NULL: the live model */
    unsigned n_threads;  /* 0: one a processor */
};

struct evaluation_report {
    char model_version[MODEL_VERSION_BYTES]; /* that was judged */
    char refit_version[MODEL_VERSION_BYTES]; /* the model that was asked for, if it is a refit of the one that was judged; else "" */
    enum split_kind split;
    bool is_model_split; /* false: the model was trained with the other split, and has seen a part of what is judged: its figures flatter */
    bool is_refit;       /* a refit was judged, because its selected model is not there: it has seen all of what is judged */
    uint64_t n_events;
    uint32_t n_users;
    struct evaluation evaluation;
    struct buffer training; /* the model's own report, JSON; empty: it has none */
};

void evaluation_report_clear(struct evaluation_report *report);
static inline void evaluation_report_clear_scoped(struct evaluation_report *report)
{
    evaluation_report_clear(report);
}

/* STATUS_NOT_FOUND: no data, no such model, or no live one yet (the error says how many events there are and what to do). STATUS_INVALID:
 * the version is none, or the model does not belong to this data. STATUS_CONFLICT: stopped. The report is the caller's to clear. */
enum status evaluating_run(const struct settings *settings, const struct evaluate_query *query, const struct progress *progress,
                           struct evaluation_report *out_report, struct error *error) MUST_CHECK;

/* Append it as one JSON object: which model and data, and "evaluation" (core/evaluation.h). */
void evaluation_report_emit(const struct evaluation_report *report, struct buffer *out);

#endif
