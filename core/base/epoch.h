/* Epochs: readers walk shared data without locks, writers swap pieces of it and free the old piece when no reader can see it.
 *
 * A reader brackets its work with epoch_enter and epoch_leave; everything it reached through an atomic pointer inside the bracket
 * stays alive until it leaves. A writer swaps the pointer first and then hands the old piece to epoch_retire.
 * Threads: any; at most EPOCH_SLOTS readers are inside at once, one more waits. Never call epoch_drain while inside.
 * (K. Fraser, "Practical lock-freedom", 2004, section 5.2.3.) */
#ifndef BASE_EPOCH_H
#define BASE_EPOCH_H

#include "core/base/status.h"

#define EPOCH_SLOTS 128

struct epoch;

struct epoch *epoch_create(void); /* NULL on no memory */
void epoch_destroy(struct epoch *epoch); /* frees what was retired; no reader may be inside */
DEFINE_SCOPED(struct epoch *, epoch_destroy);

/* Enter; the returned slot goes back into epoch_leave. */
unsigned epoch_enter(struct epoch *epoch);
void epoch_leave(struct epoch *epoch, unsigned slot);

/* Takes piece: destroy(piece) is called once every reader that is inside now has left, from this or a later call of epoch_retire,
 * or from epoch_drain. Without memory for the list it waits for the readers and destroys at once: the caller may be inside, so
 * retire only from outside. */
void epoch_retire(struct epoch *epoch, void *piece, void (*destroy)(void *piece));

/* Wait until all readers that are inside now have left, and destroy what was retired before. */
void epoch_drain(struct epoch *epoch);

#endif
