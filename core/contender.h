/* A contender: one training and how it stands at the held-out events, epoch by epoch.
 *
 * After every epoch the encoder ranks the held-out events; the weights of the best epoch are kept. When the figure has not risen for
 * `patience` epochs, or four fifths of all epochs are over (of three or four, all but one), the learning rate drops once, from the best
 * weights on, and with the next such wait it is over. Who goes on from the weights of a model that was good has a short way instead, along
 * which the rate falls to nothing: it waits for nothing, because what pulls it back to its old figure is the falling rate. What led to the
 * best weights, so many epochs at each rate, is its path: a refit follows it without looking. The curve has one point an epoch that was
 * trained, also those behind the best.
 * Threads: one caller, which brings the workers. */
#ifndef CORE_CONTENDER_H
#define CORE_CONTENDER_H

#include "core/training.h"

#define PATH_RATES 2    /* the full learning rate, and the dropped one */
#define RATE_DROP  0.2f /* share of the learning rate after the drop */
#define GOING_ON   2.0f /* the same at the beginning of a way that goes on */

/* What contenders share. Borrowed by all of them. */
struct training_ground {
    const struct dataset *dataset;
    const struct split *split;
    const struct sequences *sequences; /* of the split's training part */
    struct slot_memory *memory;
    struct workers *workers;
    const struct training_contents *contents; /* core/trainer.h; NULL: nothing is known of the items */
};

/* An epoch as the curve shows it. */
struct curve_point {
    double loss, ndcg10, seconds; /* seconds without the look at the held-out events */
    float rate;                   /* share of the learning rate */
};

struct contender {
    struct training_settings settings;
    struct training *training;
    float *best_weights; /* [n_floats] */
    double best_ndcg10;
    uint32_t path[PATH_RATES]; /* epochs at each rate up to the best */
    uint32_t n_waited;         /* epochs since the best */
    unsigned n_drops;
    uint32_t n_falling; /* epochs of its way if it goes on from a model; 0: it began anew */
    bool is_over;
    struct curve_point *curve; /* [n_epochs] */
    uint32_t n_epochs, n_curve;
    double seconds, flops; /* of steps and looks */
    uint64_t n_examples;
};

/* STATUS_NOMEM. */
enum status contender_init(struct contender *contender, const struct training_ground *ground,
                           const struct training_settings *settings) MUST_CHECK;
/* Before its first epoch: go on from a model's weights [n_floats], for n_epochs > 0 at most. */
void contender_go_on(struct contender *contender, const float *weights, uint32_t n_epochs);
void contender_clear(struct contender *contender);
static inline void contender_clear_scoped(struct contender *contender)
{
    contender_clear(contender);
}

/* Up to n_epochs more, fewer if it is over. Without held-out cases nothing is chosen by: all of settings.epochs, and the last one is the
 * best. words stand in front of the progress's note. STATUS_CONFLICT, STATUS_NOMEM. */
enum status contender_run(struct contender *contender, const struct training_ground *ground, uint32_t n_epochs, const char *words,
                          const struct progress *progress) MUST_CHECK;

/* Along a path, looking at nothing; the last weights are the best. Same failures. */
enum status contender_follow(struct contender *contender, const uint32_t path[PATH_RATES], const char *words,
                             const struct progress *progress) MUST_CHECK;

/* Epochs up to its best weights. */
uint32_t contender_best_epoch(const struct contender *contender);

/* Give back what only a contender that goes on needs: the training. Best weights, path and curve stay. */
void contender_retire(struct contender *contender);

/* Give back the best weights too: only its figures stay. */
void contender_give_up(struct contender *contender);

#endif
