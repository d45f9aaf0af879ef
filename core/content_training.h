/* Content training: the second phase, in which a content tower learns to place items where a finished behaviour encoder has them.
 *
 * The encoder is frozen, so items with events lose nothing by it. In every step (core/content_step.h) some items stand with what the tower
 * makes of their content in the place of their id vectors ("id dropout"; Volkovs et al. 2017, DropoutNet, section 4), and the tower learns
 * from where the users' states want them. Only items with training events do: of others the softmax knows nothing but that they were never
 * next, and a tower that learned from that would push new items down. Held-out items choose the epoch (core/content_judge.h).
 *
 * A content that stands in the table is without some of its words, others in every step: so the tower cannot know an item by one rare word.
 * That it pays is not shown: held-out items gain 2 to 6 % on Beauty and lose 1 % on UCI Online Retail, new ones go either way
 * (tests/bench/RESULTS.md).
 *
 * The result is a function of ground, settings and seed, the same bytes at any number of threads. To train the tower on the held-out items
 * too, run again with held_out 0 and the best epoch as the last_epoch: the rates are the same. Threads: one caller, which brings the
 * workers. */
#ifndef CORE_CONTENT_TRAINING_H
#define CORE_CONTENT_TRAINING_H

#include "core/base/progress.h"
#include "core/content_step.h"

struct content_settings {
    struct content_shape shape; /* its width is taken from the encoder */
    uint32_t epochs;            /* at most; over them the rate falls */
    uint32_t last_epoch;        /* at most; the rate falls as if there were more; 0: epochs */
    uint32_t patience;          /* looks at the held-out items without a better one before it stops; 0: never */
    uint32_t batch_rows;        /* positions a step, about */
    uint32_t max_steps;         /* of an epoch; what is behind them is not seen in it */
    uint32_t max_contents;      /* items that stand with content in a step, at most */
    uint32_t max_shared;        /* a larger catalogue is sampled, so many a step */
    float probability;          /* of standing with content, an item a step */
    float held_out;             /* share of the items; 0: none, and the last epoch is the best */
    float dropout;              /* of the encoder when it makes the states */
    float word_dropout;         /* of the words of a content that stands in the table */
    float learning_rate;        /* at the beginning; it falls evenly to a tenth over the epochs */
    float averaging;            /* decay of the mean over steps that is judged and kept (core/averaging.h) */
    uint64_t seed;
    const float *start; /* weights of a tower of that shape to go on from; NULL: from nothing. Borrowed */
};

struct content_settings content_settings_default(void);

/* STATUS_INVALID names the setting and its limits. The shape is not looked at. */
enum status content_settings_check(const struct content_settings *settings, struct error *error) MUST_CHECK;

/* Seconds that an epoch takes, reckoned as core/candidates.h does; most of it is the text network's convolution. A word counts as
 * six bytes. */
double content_epoch_seconds(const struct content_ground *ground, const struct content_settings *settings);

struct content_epoch {
    double loss, ndcg20, seconds; /* ndcg20 on the held-out items; seconds of the steps alone */
};

/* A trained tower. */
struct content_trained {
    struct content_tower tower;
    float *weights;                             /* [tower.n_floats] of the best epoch */
    float length;                               /* of vectors with a temperature: core/content_evidence.h */
    uint32_t best_epoch, n_epochs;              /* from 1; trained */
    uint32_t n_contents, n_candidates, n_cases; /* items that it learned from; what judged it */
    struct content_epoch *curve;                /* [n_epochs] */
};

void content_trained_clear(struct content_trained *trained);
static inline void content_trained_clear_scoped(struct content_trained *trained)
{
    content_trained_clear(trained);
}

/* progress: told of "content", done and total in steps. STATUS_INVALID: a setting or the shape out of its limits, kernels_check, or no item
 * with content that the training part has an event of; STATUS_CONFLICT: progress asked to stop; STATUS_NOMEM. */
enum status content_training_run(const struct content_ground *ground, const struct content_settings *settings,
                                 const struct progress *progress, struct content_trained *out_trained, struct error *error) MUST_CHECK;

#endif
