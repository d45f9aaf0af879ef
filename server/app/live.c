/* One atomic pointer to both; the epoch decides when the old ones may go. */
#include "server/app/live.h"

#include "core/content_placement.h"

#include <stdlib.h>

/* --- a model that is ready --- */

enum status live_model_create(struct model *model, struct epoch *epoch, struct live_model **out_ready, struct error *error)
{
    const struct content_placement *placement = model_placement(model);
    SCOPED(live_model_destroy) struct live_model *ready = calloc(1, sizeof *ready);
    if (!ready)
        return fail(error, STATUS_NOMEM, "no memory for a model");
    if (placement)
        TRY(newcomers_create(placement, &model_facts(model)->shape, epoch, &ready->newcomers, error));
    ready->model = model;
    *out_ready = ready;
    ready = NULL;
    return STATUS_OK;
}

void live_model_destroy(struct live_model *ready)
{
    if (!ready)
        return;
    newcomers_destroy(ready->newcomers); /* they look into the model */
    model_close(ready->model);
    free(ready);
}

/* --- the one that answers --- */

static void destroy_ready(void *ready)
{
    live_model_destroy(ready);
}

void live_init(struct live *live, struct epoch *epoch)
{
    live->epoch = epoch;
    atomic_init(&live->now, NULL);
}

void live_clear(struct live *live)
{
    live_model_destroy(atomic_exchange(&live->now, NULL));
}

const struct live_model *live_get(const struct live *live)
{
    static const struct live_model none;
    const struct live_model *now = atomic_load(&live->now);
    return now ? now : &none;
}

void live_swap(struct live *live, struct live_model *ready)
{
    struct live_model *old = atomic_exchange(&live->now, ready);
    if (old)
        epoch_retire(live->epoch, old, destroy_ready);
}
