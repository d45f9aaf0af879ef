/* Every piece is an array of floats that is thrown away and taken anew when it is too small: nothing but zeros outlives a step. */
#include "core/slot_memory.h"

#include "core/base/floats.h"

#include <stdlib.h>
#include <string.h>

static enum status grow(float **piece, size_t *n_floats, size_t n)
{
    if (*piece && *n_floats >= n)
        return STATUS_OK;
    free(*piece);
    *piece = aligned_floats(n);
    *n_floats = *piece ? n : 0;
    return *piece ? STATUS_OK : STATUS_NOMEM;
}

/* Several pieces of the same length. */
static enum status grow_all(float **const pieces[], size_t n_pieces, size_t *n_floats, size_t n)
{
    size_t had = *n_floats;
    for (size_t i = 0; i < n_pieces; i++) {
        size_t n_here = had;
        TRY(grow(pieces[i], &n_here, n));
    }
    *n_floats = had > n ? had : n;
    return STATUS_OK;
}

static enum status reserve_worker(struct slot_worker *worker, const struct encoder *encoder, uint32_t max_rows)
{
    size_t n = (size_t)max_rows * encoder->shape.width;
    float **const wide[] = {&worker->states, &worker->unit_states, &worker->dstates, &worker->drows};
    TRY(grow(&worker->memory, &worker->n_memory, activations_floats(encoder, max_rows)));
    TRY(grow_all(wide, sizeof wide / sizeof wide[0], &worker->n_rows_wide, n));
    TRY(grow(&worker->inverse, &worker->n_rows, max_rows));
    return grow(&worker->softmax, &worker->n_softmax,
                encoder->kernels->softmax_bytes(max_rows, encoder->shape.n_items, encoder->shape.width) / sizeof(float) + 16);
}

enum status slot_memory_reserve(struct slot_memory *memory, const struct encoder *encoder, uint32_t max_rows, unsigned n_workers)
{
    size_t n_item_floats = encoder->shape.temperature > 0 ? (size_t)encoder->shape.n_items * encoder->shape.width : 0;
    float **gradients[SLOTS], **dinputs[SLOTS];
    for (unsigned s = 0; s < SLOTS; s++) {
        gradients[s] = &memory->gradients[s];
        dinputs[s] = &memory->dinputs[s];
    }
    if (!memory->workers) {
        memory->workers = calloc(n_workers, sizeof *memory->workers);
        if (!memory->workers)
            return STATUS_NOMEM;
        memory->n_workers = n_workers;
    }
    TRY(grow_all(gradients, SLOTS, &memory->n_gradients, encoder->tensors.n_floats));
    TRY(grow_all(dinputs, SLOTS, &memory->n_dinputs, (size_t)max_rows * encoder->shape.width));
    if (n_item_floats) {
        TRY(grow(&memory->input_gradients, &memory->n_input_gradients, n_item_floats));
        memset(memory->input_gradients, 0, n_item_floats * sizeof(float));
    }
    for (unsigned i = 0; i < memory->n_workers; i++) {
        TRY(reserve_worker(&memory->workers[i], encoder, max_rows));
        activations_place(&memory->workers[i].activations, encoder, max_rows, memory->workers[i].memory);
    }
    return STATUS_OK;
}

void slot_memory_clear(struct slot_memory *memory)
{
    for (unsigned i = 0; i < memory->n_workers; i++) {
        struct slot_worker *worker = &memory->workers[i];
        float *const pieces[] = {worker->memory, worker->states,  worker->unit_states, worker->dstates,
                                 worker->drows,  worker->inverse, worker->softmax};
        for (size_t p = 0; p < sizeof pieces / sizeof pieces[0]; p++)
            free(pieces[p]);
    }
    for (unsigned s = 0; s < SLOTS; s++) {
        free(memory->gradients[s]);
        free(memory->dinputs[s]);
    }
    free(memory->input_gradients);
    free(memory->workers);
    *memory = (struct slot_memory){0};
}
