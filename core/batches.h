/* Batches: the training events of whole users, packed without padding, in an order that is new every epoch.
 *
 * A user's row t is an event and its target the item of the event behind it, if that is a positive (core/feedback.h). With a reach the
 * target is an event further ahead now and then: where the order of what users do says little, the event behind the next is nearly as good
 * a label, and another one every epoch. A window is at most `history` rows of one user. A pass has as many windows of a user as cover their
 * rows: the newest rows, and random stretches of the rest. With a recency it has as many windows, but new ones more often than old ones:
 * where what is liked moves, the newest behaviour foretells best what comes. A batch is about batch_rows rows of
 * whole windows, so that a step sees as much whether users have seven events or seven hundred. It is cut into SLOTS parts of about the same
 * number of rows, by the data alone: each part has its own gradients, which are added in the order of the parts, so the sum does not depend
 * on how many threads there were. Threads: one caller fills; a filled batch may be read by any. */
#ifndef CORE_BATCHES_H
#define CORE_BATCHES_H

#include "core/base/random.h"
#include "core/encoder.h"
#include "core/sequences.h"

#define SLOTS 8u /* also the most threads that one batch can use */

struct batch_slot {
    struct packed packed;
    uint32_t n_targets;
    const uint32_t *target_rows, *targets; /* [n_targets] row in packed, item */
    const float *target_weights;           /* [n_targets]; over the whole batch they sum to 1 */
};

/* Rows [first, first + n_rows) of the sequences' events, and the event behind each. */
struct window {
    uint64_t first;
    uint32_t n_rows;
};

struct batch_form {
    uint32_t history, batch_rows;
    float reach;   /* chance of each step from the next event to the one behind it, within the window; 0: always the next */
    float recency; /* a window of age a comes 2^(-recency a) times as often as a new one; the oldest are of age 1; 0: all come once */
};

struct batches {
    const struct sequences *sequences;
    const struct type_weights *weights;
    struct batch_form form;
    uint32_t max_slot_rows;
    uint32_t n_windows;            /* the same every epoch */
    uint32_t n_batches;            /* of the epoch; with a recency it changes a little from one to the next, */
    uint64_t n_rows;               /* as do the rows of all windows */
    struct window *windows, *pool; /* [n_windows] in the order of the epoch; with a recency, those that it was drawn from */
    /* how far the epoch was filled */
    struct random random; /* of the targets */
    uint32_t next_window;
    uint64_t next_row;
    /* one batch */
    uint32_t *items, *target_rows, *targets, *starts;
    uint8_t *types;
    float *target_weights;
    struct batch_slot slots[SLOTS];
    uint32_t longest_first[SLOTS];     /* numbers of the slots, by their rows: taken in this order, they keep all threads busy to the end */
    uint32_t n_rows_filled, n_targets; /* of all slots; items, targets and so on stand one behind the other */
};

/* Rows of an epoch in which each window comes once: a user's windows overlap where history does not divide their rows. */
uint64_t batches_rows(const struct sequences *sequences, uint32_t history);

/* Borrows sequences and weights for its life. STATUS_NOMEM. */
enum status batches_init(struct batches *batches, const struct sequences *sequences, const struct type_weights *weights,
                         const struct batch_form *form) MUST_CHECK;
void batches_clear(struct batches *batches);
static inline void batches_clear_scoped(struct batches *batches)
{
    batches_clear(batches);
}

/* Choose and shuffle the windows of an epoch; they and the targets depend on the seed and the epoch alone. */
void batches_shuffle(struct batches *batches, uint64_t seed, uint32_t epoch);

/* Fill slots with batch number `batch` < n_batches of the epoch; to be called with 0, 1, 2, … */
void batches_fill(struct batches *batches, uint32_t batch);

#endif
