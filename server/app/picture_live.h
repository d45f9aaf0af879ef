/* Live pictures: the picture index that answers, exchanged whole when another picture model becomes live.
 *
 * Which model answers stands in the registry (adoption.c). A fresh index is live at once and grows; until the filler (filler.h) is through,
 * pictures that were stored before are missing among the similar ones.
 * Threads: get and swaps by any, what get gives being good inside the epoch and for the writer's thread; swap by the writer's thread. */
#ifndef APP_PICTURE_LIVE_H
#define APP_PICTURE_LIVE_H

#include "server/app/picture_index.h"

struct picture_live;

/* Borrows epoch. STATUS_NOMEM. */
enum status picture_live_create(struct epoch *epoch, struct picture_live **out_live) MUST_CHECK;
void picture_live_destroy(struct picture_live *live); /* no reader may be inside. Accepts NULL */
DEFINE_SCOPED(struct picture_live *, picture_live_destroy);

/* It answers from now on, and wants to be filled. Takes index; the old one goes when its last reader has left. */
void picture_live_swap(struct picture_live *live, struct picture_index *index);

struct picture_index *picture_live_get(const struct picture_live *live); /* NULL: no model yet */
uint64_t picture_live_swaps(const struct picture_live *live);            /* how often the index was exchanged; read before get */

#endif
