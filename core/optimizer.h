/* The optimizer: adds the slots' gradients in their order and takes one step of Adam (core/kernels/kernels.h), over fixed blocks of
 * weights. Threads: one caller; the blocks are spread over the workers. */
#ifndef CORE_OPTIMIZER_H
#define CORE_OPTIMIZER_H

#include "core/base/workers.h"
#include "core/batches.h"

struct optimizer {
    const struct encoder *encoder;
    float *first_moments, *second_moments; /* [n_floats] */
    uint64_t step;
};

/* Borrows encoder for its life. STATUS_NOMEM. */
enum status optimizer_init(struct optimizer *optimizer, const struct encoder *encoder) MUST_CHECK;
void optimizer_clear(struct optimizer *optimizer);

/* What a step reads. With a temperature the slots' gradients of items are of those scaled to length 1, as outputs, and apart from them come
 * the gradients of items as inputs. */
struct slot_gradients {
    float *gradients[SLOTS];      /* each [n_floats] */
    const float *inputs;          /* [V, C]; NULL without temperature */
    const float *inverse_lengths; /* [V] */
};

/* weights -= Adam's step of the sum of the slots; the first slots' gradients are destroyed. */
void optimizer_step(struct optimizer *optimizer, struct workers *workers, const struct slot_gradients *slots, float learning_rate,
                    float *weights);

#endif
