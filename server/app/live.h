/* Live: the model that answers and the newcomers that it places, exchanged as one while requests run: a user's vector by one model says
 * nothing of what another has placed.
 *
 * Threads: live_get by any, inside the epoch: what it gives is good until the reader leaves. live_swap by one at a time, from outside the
 * epoch. */
#ifndef APP_LIVE_H
#define APP_LIVE_H

#include "core/base/epoch.h"
#include "core/model.h"
#include "server/app/newcomers.h"

#include <stdatomic.h>

struct live_model {
    struct model *model;         /* NULL: none yet */
    struct newcomers *newcomers; /* NULL: the model places nothing */
};

/* Ready to answer. Takes model when it succeeds; borrows epoch for its life. STATUS_INVALID: its content tower does not fit; STATUS_NOMEM.
 */
enum status live_model_create(struct model *model, struct epoch *epoch, struct live_model **out_ready, struct error *error) MUST_CHECK;
void live_model_destroy(struct live_model *ready); /* accepts NULL */
DEFINE_SCOPED(struct live_model *, live_model_destroy);

struct live {
    struct epoch *epoch;
    _Atomic(struct live_model *) now;
};

void live_init(struct live *live, struct epoch *epoch); /* borrows epoch for its life */
void live_clear(struct live *live);                     /* no reader may be inside */

const struct live_model *live_get(const struct live *live); /* never NULL: before the first swap it has no model */

/* Takes ready. The old model is closed when its last reader has left. */
void live_swap(struct live *live, struct live_model *ready);

#endif
