/* The gate: is a model that has just been trained good enough to take the live one's place? It compares one held-out figure of the blend
 * (gate.metric) and rejects the fresh model if its figure < live · (1 - gate.margin). Files are the caller's.
 *
 * Held out now may have been trained on then: a live model that is a refit has seen everything up to its last_at_ms. So both are judged on
 * the held-out events after that, if there are GATE_CASES_LEAST of them. With fewer, the figures that both had on the held-out events of
 * their own training are compared, if those were held out by the same split. What cannot be compared (no live model, other items, another
 * split) passes, and the reason says so. Threads: one caller; judging uses its workers. */
#ifndef APP_GATE_H
#define APP_GATE_H

#include "core/base/workers.h"
#include "core/evaluation.h"
#include "server/app/settings.h"
#include "server/app/verdict.h"

#define GATE_CASES_LEAST 200

struct gate_question {
    const struct settings *settings;
    const struct model_facts *fresh;    /* of the selected model: split, figures, neighbours' weight */
    const struct encoder_view *encoder; /* the selected model's network */
    const struct model *live;           /* NULL: none */
    const struct dataset *dataset;
    const char *const *item_ids; /* [dataset->n_items] */
    const struct split *split;   /* that the fresh model was trained with */
    const struct type_weights *weights;
    struct workers *workers;
    const struct progress *progress; /* may be NULL */
    bool force;                      /* go live whatever comes out; the reason says both */
};

/* Gives VERDICT_LIVE or VERDICT_REJECTED with reason and figures. STATUS_CONFLICT: progress asked to stop. STATUS_NOMEM. */
enum status gate_judge(const struct gate_question *question, struct verdict *out_verdict, struct error *error) MUST_CHECK;

#endif
