/* Training: the state of one training run and its move, an epoch of steps.
 *
 * A step: forward, loss and backward for every slot of a batch (core/batches.h) on whichever worker, then the optimizer. Random numbers are
 * a stream for every slot of every step. So weights are a function of data, settings and seed, whatever the number of threads. With
 * settings.n_negatives the steps run over the items that they touch (core/touched.h).
 * Several trainings may take turns with one slot memory. Threads: one caller, which brings the workers. */
#ifndef CORE_TRAINING_H
#define CORE_TRAINING_H

#include "core/base/progress.h"
#include "core/base/workers.h"
#include "core/optimizer.h"
#include "core/slot_memory.h"
#include "core/training_settings.h"

struct training;

/* Begins with random weights. Borrows sequences, memory and workers for its life; settings are copied, its shape holds the data's counts of
 * items and types. STATUS_NOMEM. */
enum status training_create(const struct sequences *sequences, const struct training_settings *settings, struct slot_memory *memory,
                            struct workers *workers, struct training **out_training) MUST_CHECK;
void training_destroy(struct training *training);
DEFINE_SCOPED(struct training *, training_destroy);

/* What an epoch came to. */
struct epoch_figures {
    double loss; /* mean over the targets */
    uint64_t n_targets;
    double seconds;
};

/* The next pass over the data. progress: told of "training", done and total in steps of that many epochs, with words in front of its note.
 * STATUS_CONFLICT: progress asked to stop. STATUS_NOMEM. */
enum status training_epoch(struct training *training, uint32_t n_epochs, const char *words, const struct progress *progress,
                           struct epoch_figures *out_figures) MUST_CHECK;
uint32_t training_epochs_done(const struct training *training);

const struct encoder *training_encoder(const struct training *training);
/* [n_floats] the weights that a look at the held-out events should see: averaged, if the settings say so. Good until the next epoch. */
const float *training_weights(const struct training *training);

/* Go on from these weights [n_floats], at this share of the settings' learning rate; n_falling: it falls evenly, step by step, and is 0
 * behind so many epochs; 0: it stays. */
void training_restart(struct training *training, const float *weights, float rate, uint32_t n_falling);
/* The share of the settings' learning rate that the next step takes. */
float training_rate(const struct training *training);

/* Batches as the settings want them. */
struct batch_form training_batch_form(const struct training_settings *settings);

/* Floating-point operations of the last epoch: products of the network and the softmax, forward and backward, a multiplication and an
 * addition counted as two. What is not a product is not counted. */
double training_epoch_flops(const struct training *training);

#endif
