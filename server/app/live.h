/* Live: the model that answers, exchanged whole while requests run.
 *
 * Threads: live_get by any, inside the epoch: the model is good until the reader leaves. live_swap by one at a time, from outside the
 * epoch. */
#ifndef APP_LIVE_H
#define APP_LIVE_H

#include "core/base/epoch.h"
#include "core/model.h"

#include <stdatomic.h>

struct live {
    struct epoch *epoch;
    _Atomic(struct model *) model;
};

void live_init(struct live *live, struct epoch *epoch); /* borrows epoch for its life */
void live_clear(struct live *live);                     /* no reader may be inside */

const struct model *live_get(const struct live *live); /* NULL: none yet */

/* Takes model (NULL: none). The old one is closed when its last reader has left. */
void live_swap(struct live *live, struct model *model);

#endif
