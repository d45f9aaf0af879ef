/* Live pictures: the picture index that answers, exchanged whole when a newer picture model appears.
 *
 * Which model answers: the newest picture model in DIR/models that is whole. A fresh index is live at once and grows; until the filler
 * (filler.h) is through, pictures that were stored before are missing among the similar ones.
 * Threads: get and swaps by any, what get gives being good inside the epoch and for the writer's thread; look by the writer's thread. */
#ifndef APP_PICTURE_LIVE_H
#define APP_PICTURE_LIVE_H

#include "server/app/picture_index.h"

struct picture_live;

/* models: where the model files are. It and epoch are borrowed. STATUS_NOMEM. */
enum status picture_live_create(const char *models, struct epoch *epoch, struct picture_live **out_live) MUST_CHECK;
void picture_live_destroy(struct picture_live *live); /* no reader may be inside. Accepts NULL */
DEFINE_SCOPED(struct picture_live *, picture_live_destroy);

/* Is there a newer model file? Then it answers from now on, and true is returned: its index wants to be filled. One that is damaged is
 * logged once and passed over. */
bool picture_live_look(struct picture_live *live);

struct picture_index *picture_live_get(const struct picture_live *live); /* NULL: no model yet */
uint64_t picture_live_swaps(const struct picture_live *live);            /* how often the index was exchanged; read before get */

#endif
