/* Encoding: what the live model says of a past.
 * Threads: one request's; inside the epoch. All memory is the request's arena's. */
#ifndef APP_ENCODING_H
#define APP_ENCODING_H

#include "server/app/past.h"
#include "server/app/selection.h"

/* selection's scores = the encoder's, of the first *out_n of its items: those of the model, and if that places the newcomers, all of them.
 * 0: there is no model, or it knows nothing of the past. Newcomers of the past are read where they are placed. */
enum status encoding_score(struct selection *selection, const struct past *past, struct arena *arena, uint32_t *out_n,
                           struct error *error) MUST_CHECK;

/* What encoding_score takes of the arena at most, besides 17 bytes a context event. */
size_t encoding_scratch_bytes(const struct model *model);

#endif
