/* Encoding: what the live model says of a past.
 * Threads: one request's; inside the epoch. All memory is the request's arena's. */
#ifndef APP_ENCODING_H
#define APP_ENCODING_H

#include "server/app/past.h"
#include "server/app/selection.h"

/* selection's scores = the encoder's, of the first *out_n of its items: those of the model, and if that places the newcomers, all of them.
 * 0: there is no model, or it knows nothing of the past. A newcomer may be an answer but is no part of the past as the encoder reads it: a
 * state that is kept (encoder_cache.h) is a function of what the model was trained with, whatever the item's words have been since. */
enum status encoding_score(struct selection *selection, const struct past *past, struct arena *arena, uint32_t *out_n,
                           struct error *error) MUST_CHECK;

/* What encoding_score takes of the arena at most, besides 9 bytes a context event. */
size_t encoding_scratch_bytes(const struct model *model);

#endif
