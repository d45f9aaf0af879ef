/* One atomic pointer to the index, and the number of times that it was exchanged, which tells whoever fills it that it is another one. */
#include "server/app/picture_live.h"

#include <stdatomic.h>
#include <stdlib.h>

struct picture_live {
    struct epoch *epoch;
    _Atomic(struct picture_index *) index;
    atomic_uint_fast64_t swaps;
};

enum status picture_live_create(struct epoch *epoch, struct picture_live **out_live)
{
    struct picture_live *live = calloc(1, sizeof *live);
    if (!live)
        return STATUS_NOMEM;
    live->epoch = epoch;
    *out_live = live;
    return STATUS_OK;
}

void picture_live_destroy(struct picture_live *live)
{
    if (!live)
        return;
    picture_index_destroy(atomic_load(&live->index));
    free(live);
}

struct picture_index *picture_live_get(const struct picture_live *live)
{
    return atomic_load(&live->index);
}

uint64_t picture_live_swaps(const struct picture_live *live)
{
    return atomic_load(&live->swaps);
}

static void destroy_index(void *index)
{
    picture_index_destroy(index);
}

/* The index first: who sees the number sees the index, too. */
void picture_live_swap(struct picture_live *live, struct picture_index *index)
{
    struct picture_index *old = atomic_exchange(&live->index, index);
    atomic_fetch_add(&live->swaps, 1);
    if (old)
        epoch_retire(live->epoch, old, destroy_index);
}
