/* Trained: a network that was trained, and its report. The trainer's own piece. */
#ifndef CORE_TRAINED_H
#define CORE_TRAINED_H

#include "core/base/emit.h"
#include "core/contender.h"
#include "core/encoder_scores.h"
#include "core/trainer.h"

struct trained {
    struct training_settings settings; /* with the data's counts */
    struct encoder encoder;
    float *weights;
    uint32_t path[PATH_RATES], n_falling; /* as the contender's */
    struct model_facts facts;             /* settings, report and selected_version are the texts below */
    struct buffer settings_text, report;
    struct emit emit; /* of the report, while it is open */
    struct training_speed speed;
    char selected_version[MODEL_VERSION_BYTES];
    struct content_placement placement; /* zeros: none */
    uint32_t content_epochs;            /* of the tower, up to its best */
    uint32_t content_schedule;          /* epochs over which its rate fell */
    struct encoder_scores scores;       /* behind the view */
};

/* A trained network out of the contender, whose best weights it takes. Its report is opened as an object and has the path and the curve.
 * STATUS_NOMEM. */
enum status trained_create(struct contender *contender, const struct training_ground *ground, const char *role,
                           struct trained **out_trained) MUST_CHECK;

/* Close the report. STATUS_NOMEM. */
enum status trained_finish(struct trained *trained, struct error *error) MUST_CHECK;

#endif
