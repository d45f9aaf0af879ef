/* Layer training: the steps that teach a network of layers classes.
 *
 * A batch is cut into LAYER_PARTS parts by the number of its samples alone. A step has two phases, each spread over the workers: every part
 * goes forward and backward; then every block of weights gets its gradient over the whole batch, sample by sample in their order, and takes
 * its step of Adam. Random numbers are a stream for every part of every step. So weights are a function of start, samples and seed,
 * whatever the number of threads. Threads: one caller, which brings the workers. */
#ifndef LAYERS_LAYER_TRAINING_H
#define LAYERS_LAYER_TRAINING_H

#include "core/base/workers.h"
#include "core/layers/layer_pass.h"

struct layer_training;

/* Borrows layers and workers for its life; the output of layers is one number a class. weights [n_floats]: to begin with, copied.
 * smoothing: the share of the target that is spread evenly over all classes (Szegedy et al. 2016, section 7). STATUS_NOMEM. */
enum status layer_training_create(const struct layers *layers, const float *weights, uint32_t max_samples, float smoothing, uint64_t seed,
                                  struct workers *workers, struct layer_training **out_training) MUST_CHECK;
void layer_training_destroy(struct layer_training *training);
DEFINE_SCOPED(struct layer_training *, layer_training_destroy);

/* [max_samples, H · W · C]: fill it on the workers or alone before a step. */
float *layer_training_input(struct layer_training *training);

/* One step on the first n <= max_samples samples, whose classes are targets [n]. Gives the mean loss. */
double layer_training_step(struct layer_training *training, const uint32_t targets[], uint32_t n, float learning_rate);

/* [n_floats] the weights as they are now. Good until the next step. */
const float *layer_training_weights(const struct layer_training *training);

/* [n_floats] the gradient of the last step's loss, for who checks it. */
const float *layer_training_gradient(const struct layer_training *training);

#endif
