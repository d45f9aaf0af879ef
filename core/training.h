/* Training: the state of one training run and its two moves, an epoch of steps and a look at the held-out events.
 *
 * A step: forward, loss and backward for every slot of a batch (core/batches.h) on whichever worker, then the optimizer. Random numbers are
 * a stream for every slot of every step. So weights are a function of data, settings and seed, whatever the number of threads. Threads: one
 * caller, which brings the workers. */
#ifndef CORE_TRAINING_H
#define CORE_TRAINING_H

#include "core/optimizer.h"
#include "core/trainer.h"

struct training;

/* Borrows all for its life. item and type counts of the shape are the dataset's. STATUS_NOMEM; STATUS_INVALID: too little to learn from. */
enum status training_create(const struct dataset *dataset, const struct split *split, const struct training_settings *settings,
                            struct workers *workers, struct training **out_training, struct error *error) MUST_CHECK;
void training_destroy(struct training *training);
DEFINE_SCOPED(struct training *, training_destroy);

/* One pass over the data; epochs are numbered from 1. STATUS_CONFLICT: progress asked to stop. */
enum status training_epoch(struct training *training, uint32_t epoch, const struct progress *progress, double *out_loss) MUST_CHECK;

const struct encoder *training_encoder(const struct training *training);
float *training_weights(struct training *training); /* [n_floats] */
const struct sequences *training_sequences(const struct training *training);

/* What the next epochs' progress says behind the epoch's own figures (copied). */
void training_set_note(struct training *training, const char *note);

#endif
