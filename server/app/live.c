/* One atomic pointer; the epoch decides when the old model may go. */
#include "server/app/live.h"

static void close_model(void *model)
{
    model_close(model);
}

void live_init(struct live *live, struct epoch *epoch)
{
    live->epoch = epoch;
    atomic_init(&live->model, NULL);
}

void live_clear(struct live *live)
{
    model_close(atomic_exchange(&live->model, NULL));
}

const struct model *live_get(const struct live *live)
{
    return atomic_load(&live->model);
}

void live_swap(struct live *live, struct model *model)
{
    struct model *old = atomic_exchange(&live->model, model);
    if (old)
        epoch_retire(live->epoch, old, close_model);
}
