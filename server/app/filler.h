/* The filler: a thread that brings up to date what a model says of the items that were there before it: first the vectors of the stored
 * pictures, for the live picture index; then, for the live behaviour model, the places of the items that came after its training, which
 * want those vectors.
 *
 * It works in rounds, and a round may be run again at any time: it does only what is left to do, and never takes the place of what the
 * writer has published meanwhile (embedding_table.h). Whoever has given it work wakes it; what was live when a round began, and still is,
 * is filled when the round ends.
 *
 * Threads: wake by any; the questions by any. */
#ifndef APP_FILLER_H
#define APP_FILLER_H

#include "server/app/catalogue.h"
#include "server/app/live.h"
#include "server/app/picture_live.h"

/* Where it works; all borrowed for its life. */
struct filler_ground {
    const char *directory; /* of the store */
    struct epoch *epoch;
    const struct catalogue *catalogue;
    const struct picture_live *pictures;
    const struct live *live;
};

struct filler;

/* It begins with a round. STATUS_NOMEM; STATUS_BUSY: no thread. */
enum status filler_start(const struct filler_ground *ground, struct filler **out_filler, struct error *error) MUST_CHECK;
void filler_stop(struct filler *filler); /* in the middle of a round, too. Accepts NULL */
DEFINE_SCOPED(struct filler *, filler_stop);

void filler_wake(struct filler *filler); /* one more round. NULL: not started yet */

/* Is it through with all that it was woken for? */
bool filler_is_idle(const struct filler *filler);

/* Has it gone through the stored pictures for the index that is live? Until then an item may have a picture that has no vector yet. */
bool filler_has_pictures(const struct filler *filler);

#endif
