/* Slot memory: what the slots of a batch need while they run: gradients for every slot, activations and the softmax's workspace for every
 * worker. It grows to what the largest network asked for, and trainings that take turns share it: a race of eight networks needs it once.
 * Threads: reserve by one; then each worker uses its own, each slot its own. */
#ifndef CORE_SLOT_MEMORY_H
#define CORE_SLOT_MEMORY_H

#include "core/batches.h"

struct slot_worker {
    struct activations activations;
    float *memory;               /* of the activations */
    float *states, *unit_states; /* [rows, C]: of rows with a target; scaled */
    float *dstates, *drows;      /* [rows, C]: gradients of those; of all rows */
    float *inverse;              /* [rows] */
    float *softmax;
    size_t n_memory, n_rows_wide, n_rows, n_softmax; /* floats taken so far */
};

struct slot_memory {
    float *gradients[SLOTS]; /* each [n_floats] of the largest network so far */
    float *dinputs[SLOTS];   /* each [rows, C]: gradients of the sums of embeddings */
    float *input_gradients;  /* [V, C]: those of the items as inputs; with a temperature; 0 between steps */
    size_t n_gradients, n_dinputs, n_input_gradients;
    struct slot_worker *workers;
    unsigned n_workers;
};

/* {0} is one that holds nothing. Make it large enough for slots of max_rows rows of encoder, and place the activations. STATUS_NOMEM: only
 * reserve and clear may follow. */
enum status slot_memory_reserve(struct slot_memory *memory, const struct encoder *encoder, uint32_t max_rows,
                                unsigned n_workers) MUST_CHECK;
void slot_memory_clear(struct slot_memory *memory);
static inline void slot_memory_clear_scoped(struct slot_memory *memory)
{
    slot_memory_clear(memory);
}

#endif
