/* Live pictures: the picture index that answers, exchanged whole when a newer picture model appears, and the thread that fills it from the
 * store.
 *
 * Which model answers: the newest picture model in DIR/models that is whole. A fresh index is live at once and grows; until its thread is
 * through, pictures that were stored before are missing among the similar ones.
 * Threads: get by any inside the epoch, and by the writer's thread; look by the writer's thread. */
#ifndef APP_PICTURE_LIVE_H
#define APP_PICTURE_LIVE_H

#include "server/app/picture_index.h"

struct picture_live;

/* directory: the data directory; models: where its model files are. Both and epoch are borrowed. STATUS_NOMEM; STATUS_BUSY: no thread. */
enum status picture_live_start(const char *directory, const char *models, struct epoch *epoch, struct picture_live **out_live,
                               struct error *error) MUST_CHECK;
void picture_live_stop(struct picture_live *live); /* no reader may be inside. Accepts NULL */
DEFINE_SCOPED(struct picture_live *, picture_live_stop);

/* Is there a newer model file? Then it answers from now on. One that is damaged is logged once and passed over. */
void picture_live_look(struct picture_live *live);

struct picture_index *picture_live_get(const struct picture_live *live); /* NULL: no model yet */

/* Has the thread gone through all stored pictures for the index that is live? */
bool picture_live_is_filled(const struct picture_live *live);

#endif
